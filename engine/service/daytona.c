/* SPDX-License-Identifier: MIT */
/* Daytona: api.daytona.io, sandboxes by REST, commands and files through the toolbox that
 * each sandbox names (toolboxProxyUrl/ID), with the service's own token. */
#include "engine/base/base64.h"
#include "engine/base/mem.h"
#include "engine/service/sandbox_op.h"

#define BODY_MAX (1024 * 1024)

static struct http_request *create(const struct box *box)
{
    struct buf body;
    struct jsonw w;
    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_open(&w, NULL, '{');
    if (box->service->template != NULL && box->service->template[0] != '\0') {
        jsonw_str(&w, "snapshot", box->service->template);
    }
    jsonw_open(&w, "labels", '{');
    jsonw_str(&w, SANDBOX_LABEL, box->uid);
    jsonw_close(&w, '}');
    jsonw_int(&w, "autoStopInterval", SANDBOX_LIFE.ms / 60000);
    if (!box->has_network) {
        jsonw_bool(&w, "networkBlockAll", true);
    }
    jsonw_close(&w, '}');
    return sandbox_request("sandbox.create", CALL_CREATE, HTTP_POST, mem_str("/sandbox"),
                           &body);
}

static struct http_request *find(const struct box *box)
{
    AUTO_FREE char *labels = mem_printf("{\"" SANDBOX_LABEL "\":\"%s\"}", box->uid);
    AUTO_FREE char *escaped = http_escape(labels);
    return sandbox_request("sandbox.find", CALL_READ, HTTP_GET,
                           mem_printf("/sandbox?labels=%s", escaped), NULL);
}

static char *path_of(const struct box *box, const char *rest)
{
    AUTO_FREE char *id = http_escape(box->id);
    return mem_printf("/sandbox/%s%s", id, rest);
}

static struct http_request *get(const struct box *box)
{
    return sandbox_request("sandbox.get", CALL_READ, HTTP_GET, path_of(box, ""), NULL);
}

static struct http_request *start(const struct box *box)
{
    return sandbox_request("sandbox.start", CALL_WRITE, HTTP_POST, path_of(box, "/start"),
                           NULL);
}

static struct http_request *del(const struct box *box)
{
    return sandbox_request("sandbox.delete", CALL_WRITE, HTTP_DELETE, path_of(box, ""),
                           NULL);
}

static struct http_request *upload(const struct box *box)
{
    struct http_request *request = sandbox_request(
        "files.upload", CALL_WRITE, HTTP_POST,
        mem_printf("%s/files/upload?path=" SANDBOX_ARCHIVE_NAME, box->base), NULL);
    request->body_file = mem_str(box->body_file);
    request->content_type = "multipart/form-data; boundary=" SANDBOX_BOUNDARY;
    request->is_trusted = true;
    return request;
}

/* The toolbox cuts a command into words itself and knows no shell: a shell with one plain
 * word that needs no quoting. */
static struct http_request *execute(const struct box *box, const char *command)
{
    struct buf body, coded;
    struct jsonw w;
    buf_init(&coded, BODY_MAX);
    buf_init(&body, BODY_MAX);
    (void)base64_encode(&coded, command, strlen(command));
    AUTO_FREE char *text = mem_printf("sh -c \"echo '%s' | base64 -d | sh\"", coded.data);
    jsonw_init(&w, &body);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "command", text);
    jsonw_int(&w, "timeout", SANDBOX_EXEC_S);
    jsonw_close(&w, '}');
    buf_fini(&coded);
    struct http_request *request =
        sandbox_request("process.execute", CALL_READ, HTTP_POST,
                        mem_printf("%s/process/execute", box->base), &body);
    request->is_trusted = true;
    return request;
}

static void replace(char **field, char *text) /* takes text */
{
    free(*field);
    *field = text;
}

/* The token goes to the toolbox, so it must be no weaker protected than the service. */
static bool is_as_safe(const struct box *box, const char *url)
{
    const char *base = box->service->url != NULL && box->service->url[0] != '\0'
                           ? box->service->url
                           : service_kind_url(SERVICE_DAYTONA);
    return strncmp(url, "https://", 8) == 0 ||
           (strncmp(base, "http://", 7) == 0 && strncmp(url, "http://", 7) == 0);
}

static enum box_state read_box(struct box *box, const struct json *value)
{
    const char *id = json_str(value, "id", ""), *state = json_str(value, "state", "");
    const char *toolbox = json_str(value, "toolboxProxyUrl", "");
    static const char *const gone[] = {"destroyed", "destroying", "archived",
                                       "archiving"};
    static const char *const broken[] = {"error", "build_failed"};
    if (id[0] == '\0' || strlen(id) > 200) {
        return BOX_BROKEN;
    }
    replace(&box->id, mem_str(id));
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        if (strcmp(state, gone[i]) == 0) {
            return BOX_GONE;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        if (strcmp(state, broken[i]) == 0) {
            return BOX_BROKEN;
        }
    }
    if (strcmp(state, "stopped") == 0) {
        return BOX_STOPPED;
    }
    if (strcmp(state, "started") != 0) {
        return BOX_COMING;
    }
    if (!is_as_safe(box, toolbox)) {
        return BOX_BROKEN;
    }
    size_t len = strlen(toolbox);
    AUTO_FREE char *escaped = http_escape(id);
    replace(&box->base,
            mem_printf("%.*s/%s",
                       (int)(len > 0 && toolbox[len - 1] == '/' ? len - 1 : len), toolbox,
                       escaped));
    return BOX_READY;
}

static bool read_exec(const struct http_response *response, struct buf *out,
                      int *ret_status, struct err *err)
{
    struct json *root = json_parse(response->body, response->body_len, err);
    const char *text = json_str(root, "result", NULL);
    bool done = text != NULL;
    if (done) {
        (void)buf_str(out, text); /* bounded by answer_max */
        *ret_status = (int)json_int(root, "exitCode", 0);
    } else if (root != NULL) {
        err_set(err, ERR_PROTOCOL, "an answer of the toolbox without a result");
    }
    json_free(root);
    return done;
}

const struct sandbox_vendor daytona_vendor = {
    .create = create,
    .find = find,
    .connect = get,
    .start = start,
    .upload = upload,
    .exec = execute,
    .remove = del,
    .read = read_box,
    .read_exec = read_exec,
};
