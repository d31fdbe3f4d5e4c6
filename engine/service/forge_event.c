/* SPDX-License-Identifier: MIT */

/* Fields after docs.github.com "Webhook events and payloads". Everything but what makes an
 * event one may be missing or null. */
#include "engine/service/forge_event.h"

#include "engine/base/json.h"
#include "engine/base/json_prune.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

static const char *const names[] = {
#define X(id, name) [id] = name,
    FORGE_EVENT_LIST(X)
#undef X
};

enum forge_event_kind forge_event_kind(const char *name)
{
    for (int i = FORGE_OTHER + 1; i < FORGE_EVENT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum forge_event_kind)i;
        }
    }
    return FORGE_OTHER;
}

const char *forge_event_name(enum forge_event_kind kind)
{
    return (unsigned)kind < FORGE_EVENT_COUNT ? names[kind] : "";
}

static char *clean(const char *text)
{
    char out[FORGE_TEXT_MAX + 1];
    return mem_str(text_clean_into(out, sizeof(out), text));
}

static char *take_str(const struct json *object, const char *key)
{
    return clean(json_str(object, key, ""));
}

/* The first of two fields that says something. */
static char *take_either(const struct json *object, const char *first, const char *second)
{
    const char *text = json_str(object, first, "");
    return clean(text[0] != '\0' ? text : json_str(object, second, ""));
}

/* Zeros stand for "no commit" (a branch that was made or deleted). */
static char *take_sha(const struct json *object, const char *key)
{
    const char *sha = json_str(object, key, "");
    return clean(strspn(sha, "0") == strlen(sha) ? "" : sha);
}

static int64_t first_pull(const struct json *object)
{
    const struct json *pulls = json_get(object, "pull_requests");
    return json_int(json_at(pulls, 0), "number", 0);
}

/* ---- one reader per event; false: it is none ----------------------------------------- */

static bool read_ping(const struct json *root, struct forge_event *event)
{
    event->id = json_int(root, "hook_id", 0);
    event->name = take_str(root, "zen");
    return true;
}

static bool read_push(const struct json *root, struct forge_event *event)
{
    static const char heads[] = "refs/heads/";
    const char *ref = json_str(root, "ref", "");
    size_t skip = strncmp(ref, heads, sizeof(heads) - 1) == 0 ? sizeof(heads) - 1 : 0;
    event->branch = clean(ref + skip);
    event->sha = take_sha(root, "after");
    event->before = take_sha(root, "before");
    event->is_closed = json_bool(root, "deleted", false);
    event->url = take_str(root, "compare");
    return event->branch[0] != '\0' && (event->sha[0] != '\0' || event->is_closed);
}

static void read_pull(const struct json *pull, struct forge_event *event)
{
    const struct json *head = json_get(pull, "head");
    event->pull = json_int(pull, "number", event->pull);
    event->branch = take_str(head, "ref");
    event->base = take_str(json_get(pull, "base"), "ref");
    event->is_draft = json_bool(pull, "draft", false);
    event->is_closed = strcmp(json_str(pull, "state", ""), "closed") == 0;
    event->is_merged = event->is_closed && json_bool(pull, "merged", false);
    if (event->is_merged) { /* before that it is the commit of a trial merge */
        event->merge_sha = take_sha(pull, "merge_commit_sha");
    }
}

static bool read_pull_request(const struct json *root, struct forge_event *event)
{
    const struct json *pull = json_get(root, "pull_request");
    event->pull = json_int(root, "number", 0);
    read_pull(pull, event);
    event->sha = take_sha(json_get(pull, "head"), "sha");
    event->before = take_sha(root, "before");
    event->id = json_int(pull, "id", 0);
    event->name = take_str(pull, "title");
    event->status = take_str(pull, "state");
    event->url = take_str(pull, "html_url");
    return event->pull > 0 && event->sha[0] != '\0';
}

static bool read_review(const struct json *root, struct forge_event *event)
{
    const struct json *review = json_get(root, "review");
    const struct json *pull = json_get(root, "pull_request");
    read_pull(pull, event);
    event->sha = take_sha(review, "commit_id");
    if (event->sha[0] == '\0') {
        free(event->sha);
        event->sha = take_sha(json_get(pull, "head"), "sha");
    }
    event->id = json_int(review, "id", 0);
    event->conclusion = take_str(review, "state");
    event->url = take_str(review, "html_url");
    return event->pull > 0 && event->conclusion[0] != '\0';
}

/* What check runs, suites, workflow runs and jobs have in common. */
static bool read_check(const struct json *check, const char *url_key,
                       struct forge_event *event)
{
    event->id = json_int(check, "id", 0);
    event->sha = take_sha(check, "head_sha");
    event->name = take_str(check, "name");
    event->status = take_str(check, "status");
    event->conclusion = take_str(check, "conclusion");
    event->pull = first_pull(check);
    event->url = take_either(check, url_key, "html_url");
    if (event->branch == NULL) {
        event->branch = take_str(check, "head_branch");
    }
    return event->id > 0 && event->sha[0] != '\0';
}

static bool read_check_run(const struct json *root, struct forge_event *event)
{
    const struct json *run = json_get(root, "check_run");
    event->branch = take_str(json_get(run, "check_suite"), "head_branch");
    return read_check(run, "html_url", event);
}

static bool read_check_suite(const struct json *root, struct forge_event *event)
{
    const struct json *suite = json_get(root, "check_suite");
    bool is_one = read_check(suite, "url", event);
    free(event->name);
    event->name = take_either(json_get(suite, "app"), "slug", "name");
    return is_one;
}

static bool read_status(const struct json *root, struct forge_event *event)
{
    const struct json *branches = json_get(root, "branches");
    const struct json *branch = json_at(branches, 0);
    event->id = json_int(root, "id", 0);
    event->sha = take_sha(root, "sha");
    event->name = take_str(root, "context");
    event->status = take_str(root, "state");
    event->url = take_str(root, "target_url");
    for (size_t i = 0; i < json_len(branches); i++) { /* the one whose head it is */
        const struct json *at = json_at(branches, i);
        if (strcmp(json_str(json_get(at, "commit"), "sha", ""), event->sha) == 0) {
            branch = at;
            break;
        }
    }
    event->branch = take_str(branch, "name");
    return event->sha[0] != '\0' && event->status[0] != '\0';
}

static bool read_workflow_run(const struct json *root, struct forge_event *event)
{
    return read_check(json_get(root, "workflow_run"), "html_url", event);
}

static bool read_workflow_job(const struct json *root, struct forge_event *event)
{
    return read_check(json_get(root, "workflow_job"), "html_url", event);
}

static bool read_deployment_status(const struct json *root, struct forge_event *event)
{
    const struct json *status = json_get(root, "deployment_status");
    const struct json *deployment = json_get(root, "deployment");
    event->id = json_int(deployment, "id", 0);
    event->sha = take_sha(deployment, "sha");
    event->branch = take_str(deployment, "ref");
    event->name = take_str(status, "environment");
    if (event->name[0] == '\0') {
        free(event->name);
        event->name = take_str(deployment, "environment");
    }
    event->status = take_str(status, "state");
    event->url = take_either(status, "log_url", "target_url");
    return event->id > 0 && event->status[0] != '\0';
}

static bool read_other(const struct json *root, struct forge_event *event)
{
    (void)root;
    (void)event;
    return true;
}

static bool (*const readers[])(const struct json *root, struct forge_event *event) = {
    [FORGE_OTHER] = read_other,
    [FORGE_PING] = read_ping,
    [FORGE_PUSH] = read_push,
    [FORGE_PULL_REQUEST] = read_pull_request,
    [FORGE_REVIEW] = read_review,
    [FORGE_CHECK_RUN] = read_check_run,
    [FORGE_CHECK_SUITE] = read_check_suite,
    [FORGE_STATUS] = read_status,
    [FORGE_WORKFLOW_RUN] = read_workflow_run,
    [FORGE_WORKFLOW_JOB] = read_workflow_job,
    [FORGE_DEPLOYMENT_STATUS] = read_deployment_status,
};
_Static_assert(ARRAY_LEN(readers) == FORGE_EVENT_COUNT, "a reader for each event");

/* ---- the struct ---------------------------------------------------------------------- */

static const size_t texts[] = {
    offsetof(struct forge_event, action),     offsetof(struct forge_event, repository),
    offsetof(struct forge_event, branch),     offsetof(struct forge_event, base),
    offsetof(struct forge_event, sha),        offsetof(struct forge_event, before),
    offsetof(struct forge_event, name),       offsetof(struct forge_event, status),
    offsetof(struct forge_event, conclusion), offsetof(struct forge_event, actor),
    offsetof(struct forge_event, url),        offsetof(struct forge_event, merge_sha),
};

static char **text_of(struct forge_event *event, size_t i)
{
    union {
        struct forge_event *event;
        unsigned char *bytes;
        char **text;
    } at = {.event = event};
    at.bytes += texts[i];
    return at.text;
}

void forge_event_fini(struct forge_event *event)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        free(*text_of(event, i));
    }
    *event = (struct forge_event){.kind = FORGE_OTHER};
}

struct forge_event *forge_event_copy(const struct forge_event *event)
{
    struct forge_event *copy = mem_alloc(sizeof(*copy));
    *copy = *event;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *text_of(copy, i) = mem_str(*text_of(copy, i));
    }
    return copy;
}

void forge_event_free(struct forge_event *event)
{
    if (event != NULL) {
        forge_event_fini(event);
        free(event);
    }
}

/* Every name that a reader above asks for; the rest of a payload is not made into a tree. */
static const char *const asked_for[] = {
    "action",
    "after",
    "app",
    "base",
    "before",
    "branches",
    "check_run",
    "check_suite",
    "commit",
    "commit_id",
    "compare",
    "conclusion",
    "context",
    "deleted",
    "deployment",
    "deployment_status",
    "draft",
    "environment",
    "full_name",
    "head",
    "head_branch",
    "head_sha",
    "hook_id",
    "html_url",
    "id",
    "log_url",
    "login",
    "merge_commit_sha",
    "merged",
    "name",
    "number",
    "pull_request",
    "pull_requests",
    "ref",
    "repository",
    "review",
    "sender",
    "sha",
    "slug",
    "state",
    "status",
    "target_url",
    "title",
    "url",
    "workflow_job",
    "workflow_run",
    "zen",
};

static struct json *parse_body(const char *body, size_t len, struct err *err)
{
    AUTO_BUF struct buf pruned;
    buf_init(&pruned, len);
    bool is_pruned = json_prune(&pruned, body, len, asked_for, ARRAY_LEN(asked_for));
    return is_pruned ? json_parse(pruned.data, pruned.len, err)
                     : json_parse(body, len, err); /* it says what is wrong, and where */
}

bool forge_event_parse(const char *name, const char *body, size_t len,
                       struct forge_event *ret_event, struct err *err)
{
    struct json *root = parse_body(body, len, err);
    if (root == NULL) {
        return false;
    }
    struct forge_event event = {.kind = forge_event_kind(name)};
    bool is_one = json_is_an_object(root);
    if (is_one) {
        event.action = take_str(root, "action");
        event.repository = take_str(json_get(root, "repository"), "full_name");
        event.actor = take_str(json_get(root, "sender"), "login");
        is_one = readers[event.kind](root, &event) &&
                 (event.repository[0] != '\0' || event.kind == FORGE_PING ||
                  event.kind == FORGE_OTHER);
    }
    json_free(root);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char **text = text_of(&event, i);
        *text = *text != NULL ? *text : mem_str("");
    }
    if (!is_one) {
        forge_event_fini(&event);
        return err_set(err, ERR_PROTOCOL, "not the payload of a webhook event%s%s",
                       forge_event_kind(name) == FORGE_OTHER ? "" : ": ",
                       forge_event_name(forge_event_kind(name)));
    }
    *ret_event = event;
    return true;
}
