/* SPDX-License-Identifier: MIT */
/* E2B: api.e2b.app for sandboxes; commands and files by envd inside of each, on port 49983,
 * with a token of the sandbox's own (spec/openapi.yml, spec/envd). */
#include "engine/base/base64.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/sandbox_op.h"

#define BODY_MAX        (1024 * 1024)
#define DOMAIN          "e2b.app"
#define ENVD_PORT       "49983"
#define TEMPLATE        "base"
#define USER_BASIC      "Basic dXNlcjo=" /* "user:", whose commands and files they are */
#define ENVELOPE_HEAD   5                /* flags, length in four bytes, big-endian */
#define FLAG_COMPRESSED 1
#define FLAG_END        2

static struct http_request *create(const struct box *box)
{
    struct buf body;
    struct jsonw w;
    bool has_template =
        box->service->template != NULL && box->service->template[0] != '\0';
    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "templateID", has_template ? box->service->template : TEMPLATE);
    jsonw_int(&w, "timeout", SANDBOX_LIFE.ms / 1000);
    jsonw_bool(&w, "secure", true);
    jsonw_bool(&w, "allow_internet_access", box->has_network);
    jsonw_open(&w, "metadata", '{');
    jsonw_str(&w, SANDBOX_LABEL, box->uid);
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    return sandbox_request("sandboxes.create", CALL_CREATE, HTTP_POST,
                           mem_str("/sandboxes"), &body);
}

static struct http_request *find(const struct box *box)
{
    return sandbox_request(
        "sandboxes.find", CALL_READ, HTTP_GET,
        mem_printf("/v2/sandboxes?metadata=" SANDBOX_LABEL "%%3D%s", box->uid), NULL);
}

static char *path_of(const struct box *box, const char *rest)
{
    AUTO_FREE char *id = http_escape(box->id);
    return mem_printf("/sandboxes/%s%s", id, rest);
}

/* Wakes a paused one, prolongs its life, and tells its token. */
static struct http_request *join(const struct box *box)
{
    struct buf body;
    buf_init(&body, BODY_MAX);
    (void)buf_printf(&body, "{\"timeout\":%lld}", (long long)(SANDBOX_LIFE.ms / 1000));
    return sandbox_request("sandboxes.connect", CALL_READ, HTTP_POST,
                           path_of(box, "/connect"), &body);
}

static struct http_request *del(const struct box *box)
{
    return sandbox_request("sandboxes.delete", CALL_WRITE, HTTP_DELETE, path_of(box, ""),
                           NULL);
}

static struct http_request *inside(struct http_request *request, const struct box *box)
{
    request->is_foreign = true; /* the key of the account stays outside */
    http_request_header(request, "Authorization", USER_BASIC);
    if (box->access[0] != '\0') {
        http_request_header(request, "X-Access-Token", box->access);
    }
    http_request_header(request, "E2b-Sandbox-Id", box->id);
    http_request_header(request, "E2b-Sandbox-Port", ENVD_PORT);
    return request;
}

static struct http_request *upload(const struct box *box)
{
    struct http_request *request = sandbox_request(
        "files.upload", CALL_WRITE, HTTP_POST,
        mem_printf("%s/files?path=" SANDBOX_ARCHIVE_NAME "&username=user", box->base),
        NULL);
    request->body_file = mem_str(box->body_file);
    request->content_type = "multipart/form-data; boundary=" SANDBOX_BOUNDARY;
    return inside(request, box);
}

static struct http_request *start_process(const struct box *box, const char *command)
{
    static const char head[ENVELOPE_HEAD] = {0};
    struct buf body;
    struct jsonw w;
    buf_init(&body, BODY_MAX);
    (void)buf_add(&body, head, sizeof(head));
    jsonw_init(&w, &body);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "process", '{');
    jsonw_str(&w, "cmd", "/bin/sh");
    jsonw_open(&w, "args", '[');
    jsonw_str(&w, NULL, "-c");
    jsonw_str(&w, NULL, command);
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    size_t len = body.len - ENVELOPE_HEAD;
    for (int i = 0; i < 4; i++) {
        body.data[1 + i] = (char)(len >> (24 - 8 * i) & 255);
    }
    struct http_request *request =
        sandbox_request("process.start", CALL_READ, HTTP_POST,
                        mem_printf("%s/process.Process/Start", box->base), &body);
    request->content_type = "application/connect+json";
    http_request_header(request, "Connect-Protocol-Version", "1");
    return inside(request, box);
}

static void replace(char **field, char *text) /* takes text */
{
    free(*field);
    *field = text;
}

/* A name that may stand in a URL's host. */
static bool is_host(const char *text)
{
    return text[0] != '\0' && strlen(text) < 200 &&
           strspn(text,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:") ==
               strlen(text);
}

static enum box_state read_box(struct box *box, const struct json *value)
{
    const char *id = json_str(value, "sandboxID", "");
    const char *domain = json_str(value, "domain", DOMAIN);
    const char *scheme =
        strncmp(box->service->url != NULL ? box->service->url : "", "http://", 7) == 0
            ? "http"
            : "https";
    if (!is_host(id) || !is_host(domain) || strchr(id, ':') != NULL) {
        return BOX_BROKEN;
    }
    replace(&box->id, mem_str(id));
    replace(&box->access, mem_str(json_str(value, "envdAccessToken", "")));
    replace(&box->base, mem_printf("%s://" ENVD_PORT "-%s.%s", scheme, id, domain));
    return BOX_READY;
}

/* ---- the stream -----------------------------------------------------------------------
 */

static void take_event(const struct json *event, struct buf *out, int *status)
{
    const struct json *data = json_get(event, "data"), *end = json_get(event, "end");
    static const char *const kinds[] = {"stdout", "stderr", "pty"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *text = json_str(data, kinds[i], "");
        (void)base64_decode(out, text, strlen(text)); /* what it can be */
    }
    if (json_is_an_object(end)) {
        /* protobuf's JSON leaves out a number that is 0 */
        *status = (int)json_int(end, "exitCode", json_int(end, "exit_code", 0));
        if (!json_bool(end, "exited", true) && *status == 0) {
            *status = 255; /* killed by a signal */
        }
    }
}

static bool take_trailer(const struct json *root, struct err *err)
{
    const struct json *error = json_get(root, "error");
    char text[300];
    return !json_is_an_object(error) ||
           err_set(err, ERR_REFUSED, "%s",
                   text_clean_into(
                       text, sizeof(text),
                       json_str(error, "message", json_str(error, "code", "an error"))));
}

bool e2b_read_stream(const char *bytes, size_t len, struct buf *out, int *ret_status,
                     struct err *err)
{
    int status = -1;
    bool is_over = false;
    while (len >= ENVELOPE_HEAD && !is_over) {
        const unsigned char *head = (const unsigned char *)bytes;
        size_t n = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 |
                   head[4];
        if ((head[0] & FLAG_COMPRESSED) != 0 || n > len - ENVELOPE_HEAD) {
            return err_set(err, ERR_PROTOCOL, "a stream that is cut or compressed");
        }
        struct json *root = json_parse(bytes + ENVELOPE_HEAD, n, err);
        if (root == NULL) {
            return false;
        }
        is_over = (head[0] & FLAG_END) != 0;
        bool is_fine = !is_over || take_trailer(root, err);
        if (!is_over) {
            take_event(json_get(root, "event"), out, &status);
        }
        json_free(root);
        if (!is_fine) {
            return false;
        }
        bytes += ENVELOPE_HEAD + n;
        len -= ENVELOPE_HEAD + n;
    }
    if (status < 0) {
        return err_set(err, ERR_PROTOCOL, "a stream without the end of the process");
    }
    *ret_status = status;
    return true;
}

static bool read_exec(const struct http_response *response, struct buf *out,
                      int *ret_status, struct err *err)
{
    return e2b_read_stream(response->body, response->body_len, out, ret_status, err);
}

const struct sandbox_vendor e2b_vendor = {
    .create = create,
    .find = find,
    .connect = join,
    .upload = upload,
    .exec = start_process,
    .remove = del,
    .read = read_box,
    .read_exec = read_exec,
};
