/* SPDX-License-Identifier: MIT */
/* Answers of the Codegen API. Nothing is believed: types, sizes and characters. */
#include <ctype.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/codegen.h"

#define LINE_MAX_BYTES 1000  /* of a text that is shown as one line */
#define TEXT_MAX_BYTES 65536 /* result and summary of a run */
#define BRANCH_MAX     244   /* what fits a file name below refs/heads (git) */
#define PULLS_MAX      100   /* of one run */
#define LOG_PART_MAX   4000  /* of one part of one log entry */
#define LOG_TEXT_MAX   (2 * 1024 * 1024) /* of one page of them */
#define COMPLAINT_MAX  300

/* ---- fields ---------------------------------------------------------------------------
 */

static char *clean(const char *text, enum text_lines lines, size_t max)
{
    struct buf buf;
    buf_init(&buf, max);
    text_clean(&buf, text, strlen(text), lines);
    /* the cap may have cut inside of a character */
    while (buf.is_cut && buf.len > 0 && !text_is_utf8(buf.data, buf.len)) {
        buf.data[--buf.len] = '\0';
    }
    return buf_take(&buf, NULL);
}

static char *take_line(const struct json *object, const char *key)
{
    return clean(json_str(object, key, ""), TEXT_ONE_LINE, LINE_MAX_BYTES);
}

bool codegen_time(const char *text, struct wall *ret_at)
{
    char copy[64];
    size_t len = strlen(text);
    if (len < 19 || len + 2 > sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, len + 1);
    if (copy[10] == ' ') {
        copy[10] = 'T';
    }
    /* behind the seconds and their fraction: a zone, or none, and then it is UTC */
    size_t end = 19;
    if (copy[end] == '.') {
        end += 1 + strspn(copy + end + 1, "0123456789");
    }
    if (copy[end] == '\0') {
        copy[end] = 'Z';
        copy[end + 1] = '\0';
    }
    return wall_parse(copy, ret_at);
}

/* May git have a branch of that name? (git-check-ref-format, what matters of it) */
static bool is_branch(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > BRANCH_MAX || name[0] == '-' || name[0] == '/' ||
        name[len - 1] == '/' || name[len - 1] == '.' || !text_is_utf8(name, len) ||
        strstr(name, "..") != NULL || strstr(name, "//") != NULL ||
        strstr(name, "@{") != NULL || strpbrk(name, " ~^:?*[\\") != NULL) {
        return false;
    }
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            return false;
        }
    }
    AUTO_FREE char *harmless = clean(name, TEXT_ONE_LINE, LINE_MAX_BYTES);
    return strcmp(harmless, name) == 0;
}

/* ".../OWNER/NAME/pull/N", with anything behind the number that is none. */
static void read_pull_url(struct codegen_pull *pull)
{
    const char *at = strstr(pull->url, "/pull/");
    if (at == NULL || !isdigit((unsigned char)at[6])) {
        return;
    }
    char *end;
    long long number = strtoll(at + 6, &end, 10);
    if (number <= 0 || number > INT32_MAX ||
        (*end != '\0' && strchr("/?#", *end) == NULL)) {
        return;
    }
    const char *from = at;
    for (int slashes = 0; from > pull->url; from--) {
        if (from[-1] == '/' && ++slashes == 2) {
            break;
        }
    }
    pull->number = number;
    pull->repository = mem_strn(from, (size_t)(at - from));
}

static void parse_pull(const struct json *object, struct codegen_pull *pull)
{
    const char *branch = json_str(object, "head_branch_name", "");
    *pull = (struct codegen_pull){.id = json_int(object, "id", 0),
                                  .title = take_line(object, "title"),
                                  .url = take_line(object, "url"),
                                  .branch = mem_str(is_branch(branch) ? branch : "")};
    read_pull_url(pull);
    if (pull->repository == NULL) {
        pull->repository = mem_str("");
    }
}

static bool parse_run(const struct json *object, struct codegen_run *run, struct err *err)
{
    int64_t id = json_int(object, "id", 0);
    if (!json_is_an_object(object) || id <= 0) {
        return err_set(err, ERR_PROTOCOL, "an agent run without id");
    }
    const struct json *metadata = json_get(object, "metadata");
    const struct json *pulls = json_get(object, "github_pull_requests");
    *run = (struct codegen_run){
        .id = id,
        .organization = json_int(object, "organization_id", 0),
        .status = take_line(object, "status"),
        .web_url = take_line(object, "web_url"),
        .result =
            clean(json_str(object, "result", ""), TEXT_KEEP_NEWLINES, TEXT_MAX_BYTES),
        .summary =
            clean(json_str(object, "summary", ""), TEXT_KEEP_NEWLINES, TEXT_MAX_BYTES),
        .has_metadata = json_is_an_object(metadata),
        .uid = take_line(metadata, "signalbox_id"),
    };
    run->state = codegen_state(run->status);
    if (!codegen_time(json_str(object, "created_at", ""), &run->created_at)) {
        run->created_at = (struct wall){0};
    }
    size_t n = json_len(pulls) < PULLS_MAX ? json_len(pulls) : PULLS_MAX;
    run->pulls = mem_array(n, sizeof(*run->pulls));
    for (size_t i = 0; i < n; i++) {
        if (json_is_an_object(json_at(pulls, i))) {
            parse_pull(json_at(pulls, i), &run->pulls[run->n_pulls++]);
        }
    }
    return true;
}

void codegen_run_fini(struct codegen_run *run)
{
    for (size_t i = 0; i < run->n_pulls; i++) {
        free(run->pulls[i].title);
        free(run->pulls[i].url);
        free(run->pulls[i].branch);
        free(run->pulls[i].repository);
    }
    free(run->pulls);
    free(run->status);
    free(run->web_url);
    free(run->result);
    free(run->summary);
    free(run->uid);
    *run = (struct codegen_run){0};
}

/* ---- answers --------------------------------------------------------------------------
 */

static struct json *parse(const char *body, size_t len, struct err *err)
{
    struct err bad = ERR_INIT;
    struct json *root = json_parse(body, len, &bad);
    if (root == NULL || !json_is_an_object(root)) {
        json_free(root);
        err_set(err, ERR_PROTOCOL, "no JSON object%s%s", bad.msg[0] != '\0' ? ": " : "",
                bad.msg);
        return NULL;
    }
    return root;
}

bool codegen_run_parse(const char *body, size_t len, struct codegen_run *ret_run,
                       struct err *err)
{
    struct json *root = parse(body, len, err);
    bool done = root != NULL && parse_run(root, ret_run, err);
    json_free(root);
    return done;
}

/* The array of a page, and its counts. */
static const struct json *page_of(const struct json *root, const char *key,
                                  int64_t *ret_n_items, int64_t *ret_total,
                                  const char *total_key)
{
    const struct json *items = json_get(root, key);
    *ret_n_items = (int64_t)json_len(items);
    *ret_total = json_int(root, total_key, -1);
    return items;
}

bool codegen_runs_parse(const char *body, size_t len, struct codegen_runs *ret_runs,
                        struct err *err)
{
    struct json *root = parse(body, len, err);
    if (root == NULL) {
        return false;
    }
    struct codegen_runs runs = {0};
    const struct json *items =
        page_of(root, "items", &runs.n_items, &runs.total, "total");
    runs.list = mem_array((size_t)runs.n_items, sizeof(*runs.list));
    for (size_t i = 0; i < (size_t)runs.n_items; i++) {
        struct err ignored;
        if (parse_run(json_at(items, i), &runs.list[runs.n], &ignored)) {
            runs.n++;
        }
    }
    json_free(root);
    *ret_runs = runs;
    return true;
}

void codegen_runs_fini(struct codegen_runs *runs)
{
    for (size_t i = 0; i < runs->n; i++) {
        codegen_run_fini(&runs->list[i]);
    }
    free(runs->list);
    *runs = (struct codegen_runs){0};
}

bool codegen_repos_parse(const char *body, size_t len, const char *full_name,
                         struct codegen_repos *ret_repos, struct err *err)
{
    struct json *root = parse(body, len, err);
    if (root == NULL) {
        return false;
    }
    struct codegen_repos repos = {0};
    const struct json *items =
        page_of(root, "items", &repos.n_items, &repos.total, "total");
    for (size_t i = 0; i < (size_t)repos.n_items && repos.found == 0; i++) {
        const struct json *item = json_at(items, i);
        int64_t id = json_int(item, "id", 0);
        /* GitHub does not tell names apart by case. */
        if (id > 0 && strcasecmp(json_str(item, "full_name", ""), full_name) == 0) {
            repos.found = id;
        }
    }
    json_free(root);
    *ret_repos = repos;
    return true;
}

/* ---- logs -----------------------------------------------------------------------------
 */

/* A part of an entry, each line indented; text or any JSON. */
static void add_part(struct buf *out, const char *name, const struct json *value)
{
    const char *text = json_text(value);
    AUTO_FREE char *json = NULL;
    if (text == NULL && (json_is_an_object(value) || json_len(value) > 0)) {
        text = json = json_format(value);
    }
    if (text == NULL || text[strspn(text, " \t\r\n")] == '\0') {
        return;
    }
    size_t len = strlen(text);
    AUTO_FREE char *part = clean(text, TEXT_KEEP_NEWLINES, LOG_PART_MAX);
    (void)buf_printf(out, "  %s: ", name); /* a page has its cap */
    for (char *at = part, *end; *at != '\0'; at = end) {
        end = strchrnul(at, '\n');
        if (*end == '\n') {
            *end++ = '\0';
        }
        (void)buf_printf(out, "%s%s\n", at == part ? "" : "    ", at);
    }
    if (len > LOG_PART_MAX) {
        (void)buf_printf(out, "    [%zu bytes in all]\n", len);
    }
}

static void add_entry(struct buf *out, const struct json *entry)
{
    struct wall at;
    char time[CLOCK_TEXT_MAX] = "";
    AUTO_FREE char *type = take_line(entry, "message_type");
    AUTO_FREE char *tool = take_line(entry, "tool_name");
    if (codegen_time(json_str(entry, "created_at", ""), &at)) {
        (void)wall_format_time(at, true, time);
    }
    (void)buf_printf(out, "%s%s%s%s%s\n", time, time[0] != '\0' ? " " : "",
                     type[0] != '\0' ? type : "LOG", tool[0] != '\0' ? " " : "", tool);
    add_part(out, "thought", json_get(entry, "thought"));
    add_part(out, "input", json_get(entry, "tool_input"));
    add_part(out, "output", json_get(entry, "tool_output"));
    add_part(out, "observation", json_get(entry, "observation"));
}

static char *failure_of(const struct json *entry)
{
    const struct json *value = json_get(entry, "observation");
    const char *text = json_text(value);
    AUTO_FREE char *json = json_is_an_object(value) ? json_format(value) : NULL;
    if (text == NULL) {
        text = json != NULL ? json : json_str(entry, "thought", "");
    }
    return clean(text, TEXT_ONE_LINE, LINE_MAX_BYTES);
}

bool codegen_logs_parse(const char *body, size_t len, struct codegen_logs *ret_logs,
                        struct err *err)
{
    struct json *root = parse(body, len, err);
    if (root == NULL) {
        return false;
    }
    struct codegen_logs logs = {.failure = mem_str("")};
    struct buf text;
    buf_init(&text, LOG_TEXT_MAX);
    const struct json *items =
        page_of(root, "logs", &logs.n_items, &logs.total, "total_logs");
    for (size_t i = 0; i < (size_t)logs.n_items; i++) {
        const struct json *entry = json_at(items, i);
        if (!json_is_an_object(entry)) {
            continue;
        }
        add_entry(&text, entry);
        if (strcasecmp(json_str(entry, "message_type", ""), "ERROR") == 0) {
            free(logs.failure);
            logs.failure = failure_of(entry);
        }
    }
    /* whole lines only */
    while (text.is_cut && text.len > 0 && text.data[text.len - 1] != '\n') {
        text.data[--text.len] = '\0';
    }
    logs.text = buf_take(&text, NULL);
    json_free(root);
    *ret_logs = logs;
    return true;
}

void codegen_logs_fini(struct codegen_logs *logs)
{
    free(logs->text);
    free(logs->failure);
    *logs = (struct codegen_logs){0};
}

bool codegen_me_parse(const char *body, size_t len, char **ret_text, struct err *err)
{
    struct json *root = parse(body, len, err);
    if (root == NULL) {
        return false;
    }
    *ret_text = take_line(root, "github_username");
    json_free(root);
    return true;
}

/* ---- complaints -----------------------------------------------------------------------
 */

/* {"detail": [{"loc": ["body", "prompt"], "msg": "field required"}]} */
static void add_detail(struct buf *out, const struct json *item)
{
    const struct json *loc = json_get(item, "loc");
    const char *msg =
        json_text(item) != NULL ? json_text(item) : json_str(item, "msg", "");
    (void)buf_str(out, out->len > 0 ? "; " : ""); /* cut when it is long */
    for (size_t i = 0; i < json_len(loc) && i < 8; i++) {
        const char *part = json_text(json_at(loc, i));
        (void)buf_printf(out, "%s%s", i > 0 ? "." : "", part != NULL ? part : "#");
    }
    (void)buf_printf(out, "%s%s", json_len(loc) > 0 ? ": " : "", msg);
}

char *codegen_complaint(const struct http_response *response)
{
    if (response->fault != HTTP_FINE) {
        return mem_printf("%s%s%s", http_fault_word(response->fault),
                          response->text[0] != '\0' ? ": " : "", response->text);
    }
    struct err ignored = ERR_INIT;
    AUTO_BUF struct buf raw;
    buf_init(&raw, COMPLAINT_MAX * 4);
    struct json *root = json_parse(response->body, response->body_len, &ignored);
    const struct json *detail = json_get(root, "detail");
    (void)buf_str(&raw, json_str(root, "message", "")); /* cut when it is long */
    if (raw.len == 0 && json_text(detail) != NULL) {
        (void)buf_str(&raw, json_text(detail));
    }
    for (size_t i = 0; i < json_len(detail) && i < 10; i++) {
        add_detail(&raw, json_at(detail, i));
    }
    AUTO_FREE char *text = clean(raw.data, TEXT_ONE_LINE, COMPLAINT_MAX);
    json_free(root);
    return text[0] != '\0' ? mem_printf("%s (%d)", text, response->status)
                           : mem_printf("status %d", response->status);
}
