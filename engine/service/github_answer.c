/* SPDX-License-Identifier: MIT */
/* Repositories, pull requests, refs and commits. Checks are in github_checks_read.c. */
#include "engine/service/github_answer.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/github_json.h"

char *github_text(const struct json *object, const char *key)
{
    char out[GITHUB_TEXT_MAX + 1];
    return mem_str(text_clean_into(out, sizeof(out), json_str(object, key, "")));
}

struct json *github_json(const struct http_response *response)
{
    struct err err = ERR_INIT;
    return response->fault == HTTP_FINE
               ? json_parse(response->body, response->body_len, &err)
               : NULL;
}

static struct json *parse_object(const struct http_response *response)
{
    struct json *root = github_json(response);
    if (root != NULL && !json_is_an_object(root)) {
        json_free(root);
        root = NULL;
    }
    return root;
}

/* json_len says 0 for what is no array; so does an empty one. */
static bool is_array(const struct http_response *response)
{
    size_t at = strspn(response->body, " \t\r\n");
    return response->body[at] == '[';
}

bool github_repo_read(const struct http_response *response, struct github_repo *ret_repo)
{
    struct json *root = parse_object(response);
    bool is_one = json_str(root, "full_name", "")[0] != '\0';
    if (is_one) {
        *ret_repo = (struct github_repo){
            .name = github_text(root, "full_name"),
            .default_branch = github_text(root, "default_branch"),
            .is_archived = json_bool(root, "archived", false),
            .may_push = json_bool(json_get(root, "permissions"), "push", true),
            .allows_merge = json_bool(root, "allow_merge_commit", true),
            .allows_squash = json_bool(root, "allow_squash_merge", true),
        };
    }
    json_free(root);
    return is_one;
}

void github_repo_fini(struct github_repo *repo)
{
    free(repo->name);
    free(repo->default_branch);
    *repo = (struct github_repo){.name = NULL};
}

/* ---- pull requests ---------------------------------------------------------------------
 */

/* Behind our mark at the beginning of a line, or "". */
static const char *behind(const char *body, const char *mark)
{
    const char *at = strstr(body, mark);
    while (at != NULL && at != body && at[-1] != '\n') {
        at = strstr(at + 1, mark);
    }
    return at != NULL ? at + strlen(mark) : "";
}

static char *mark_of(const char *body)
{
    const char *at = behind(body, GITHUB_MARK);
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return mem_strn(at, len < 32 ? len : 32);
}

static int64_t reverts_of(const char *body)
{
    const char *at = behind(body, GITHUB_REVERTS);
    int64_t number = 0;
    for (size_t i = 0; i < 15 && at[i] >= '0' && at[i] <= '9'; i++) {
        number = number * 10 + (at[i] - '0');
    }
    return number;
}

static bool read_pull(const struct json *from, struct github_pull *ret_pull)
{
    const struct json *head = json_get(from, "head"), *base = json_get(from, "base");
    if (json_int(from, "number", 0) <= 0 || json_str(head, "sha", "")[0] == '\0') {
        return false;
    }
    struct github_pull pull = {
        .number = json_int(from, "number", 0),
        .node_id = github_text(from, "node_id"),
        .title = github_text(from, "title"),
        .url = github_text(from, "html_url"),
        .head_ref = github_text(head, "ref"),
        .head_sha = github_text(head, "sha"),
        .head_repo = github_text(json_get(head, "repo"), "full_name"),
        .base_ref = github_text(base, "ref"),
        .base_sha = github_text(base, "sha"),
        .state = github_text(from, "mergeable_state"),
        .is_open = strcmp(json_str(from, "state", ""), "open") == 0,
        /* a list says merged_at only */
        .is_merged = json_bool(from, "merged", false) ||
                     json_str(from, "merged_at", "")[0] != '\0',
        .is_draft = json_bool(from, "draft", false),
        .mark = mark_of(json_str(from, "body", "")),
        .reverts = reverts_of(json_str(from, "body", "")),
    };
    pull.is_ours = pull.mark[0] != '\0';
    pull.merge_sha = pull.is_merged ? github_text(from, "merge_commit_sha") : mem_str("");
    bool is_yes = json_bool(from, "mergeable", false);
    bool is_known = is_yes || !json_bool(from, "mergeable", true);
    pull.mergeable = !is_known ? GITHUB_UNKNOWN : is_yes ? GITHUB_YES : GITHUB_NO;
    *ret_pull = pull;
    return true;
}

bool github_pull_read(const struct http_response *response, struct github_pull *ret_pull)
{
    struct json *root = github_json(response);
    bool is_one = read_pull(root, ret_pull);
    json_free(root);
    return is_one;
}

void github_pull_fini(struct github_pull *pull)
{
    free(pull->node_id);
    free(pull->title);
    free(pull->url);
    free(pull->head_ref);
    free(pull->head_sha);
    free(pull->head_repo);
    free(pull->base_ref);
    free(pull->base_sha);
    free(pull->merge_sha);
    free(pull->state);
    free(pull->mark);
    *pull = (struct github_pull){.number = 0};
}

bool github_pulls_read(const struct http_response *response,
                       struct github_pulls *ret_pulls)
{
    struct json *root = github_json(response);
    size_t n = json_len(root);
    struct github_pulls pulls = {.rows = NULL};
    bool is_list = root != NULL && is_array(response);
    for (size_t i = 0; is_list && i < n && i < GITHUB_LIST_MAX; i++) {
        struct github_pull pull;
        is_list = read_pull(json_at(root, i), &pull);
        if (is_list) {
            pulls.rows = mem_grow(pulls.rows, pulls.n + 1, sizeof(*pulls.rows));
            pulls.rows[pulls.n++] = pull;
        }
    }
    json_free(root);
    if (!is_list) {
        github_pulls_fini(&pulls);
        return false;
    }
    *ret_pulls = pulls;
    return true;
}

void github_pulls_fini(struct github_pulls *pulls)
{
    for (size_t i = 0; i < pulls->n; i++) {
        github_pull_fini(&pulls->rows[i]);
    }
    free(pulls->rows);
    *pulls = (struct github_pulls){.rows = NULL};
}

bool github_merge_read(const struct http_response *response,
                       struct github_merge *ret_merge)
{
    struct json *root = parse_object(response);
    bool is_one = json_str(root, "sha", "")[0] != '\0';
    if (is_one) {
        *ret_merge = (struct github_merge){
            .sha = github_text(root, "sha"),
            .message = github_text(root, "message"),
            .is_merged = json_bool(root, "merged", false),
        };
    }
    json_free(root);
    return is_one;
}

void github_merge_fini(struct github_merge *merge)
{
    free(merge->sha);
    free(merge->message);
    *merge = (struct github_merge){.sha = NULL};
}

bool github_reverted_read(const struct http_response *response,
                          struct github_reverted *ret_reverted)
{
    struct json *root = parse_object(response);
    const struct json *pull = json_get(
        json_get(json_get(root, "data"), "revertPullRequest"), "revertPullRequest");
    struct github_reverted reverted = {
        .number = json_int(pull, "number", 0),
        .url = github_text(pull, "url"),
        .why = github_text(json_at(json_get(root, "errors"), 0), "message"),
    };
    json_free(root);
    *ret_reverted = reverted;
    return reverted.number > 0;
}

void github_reverted_fini(struct github_reverted *reverted)
{
    free(reverted->url);
    free(reverted->why);
    *reverted = (struct github_reverted){.number = 0};
}

/* ---- refs and commits ------------------------------------------------------------------
 */

bool github_sha_read(const struct http_response *response, char **ret_sha)
{
    struct json *root = parse_object(response);
    const struct json *object = json_get(root, "object");        /* a ref's */
    object = object != NULL ? object : json_get(root, "commit"); /* a branch's */
    object = object != NULL && json_str(object, "sha", "")[0] != '\0' ? object : root;
    char *sha = github_text(object, "sha");
    json_free(root);
    if (sha[0] == '\0') {
        free(sha);
        return false;
    }
    *ret_sha = sha;
    return true;
}

bool github_commit_read(const struct http_response *response,
                        struct github_commit *ret_commit)
{
    struct json *root = parse_object(response);
    bool is_one = json_str(root, "sha", "")[0] != '\0' &&
                  json_str(json_get(root, "tree"), "sha", "")[0] != '\0';
    if (is_one) {
        *ret_commit = (struct github_commit){
            .sha = github_text(root, "sha"),
            .tree = github_text(json_get(root, "tree"), "sha"),
            .parent = github_text(json_at(json_get(root, "parents"), 0), "sha"),
        };
    }
    json_free(root);
    return is_one;
}

void github_commit_fini(struct github_commit *commit)
{
    free(commit->sha);
    free(commit->tree);
    free(commit->parent);
    *commit = (struct github_commit){.sha = NULL};
}

/* "1234567 subject" lines, newest first (the API has the oldest first). */
static char *commit_lines(const struct json *commits, size_t max)
{
    AUTO_BUF struct buf lines;
    buf_init(&lines, max);
    for (size_t i = json_len(commits); i > 0 && !lines.is_cut; i--) {
        const struct json *at = json_at(commits, i - 1);
        const char *text = json_str(json_get(at, "commit"), "message", "");
        (void)buf_printf(&lines, "%.7s ", json_str(at, "sha", ""));
        text_clean(&lines, text, strcspn(text, "\n"), TEXT_ONE_LINE);
        (void)buf_char(&lines, '\n');
    }
    while (lines.is_cut && lines.len > 0 && lines.data[lines.len - 1] != '\n') {
        lines.data[--lines.len] = '\0';
    }
    return buf_take(&lines, NULL);
}

#define COMMITS_MAX (64 * 1024)

bool github_compare_read(const struct http_response *response,
                         struct github_compare *ret_compare)
{
    struct json *root = parse_object(response);
    bool is_one = json_int(root, "ahead_by", -1) >= 0;
    if (is_one) {
        *ret_compare = (struct github_compare){
            .ahead = json_int(root, "ahead_by", 0),
            .behind = json_int(root, "behind_by", 0),
            .n_files = json_len(json_get(root, "files")),
            .merge_base = github_text(json_get(root, "merge_base_commit"), "sha"),
            .commits = commit_lines(json_get(root, "commits"), COMMITS_MAX),
        };
    }
    json_free(root);
    return is_one;
}

void github_compare_fini(struct github_compare *compare)
{
    free(compare->merge_base);
    free(compare->commits);
    *compare = (struct github_compare){.merge_base = NULL};
}

char *github_commits_read(const struct http_response *response, size_t max)
{
    struct json *root = github_json(response);
    char *lines = root != NULL && is_array(response) ? commit_lines(root, max) : NULL;
    json_free(root);
    return lines;
}

/* A name in a diff's head is one line of text. */
static void add_file(struct buf *diff, const struct json *file)
{
    AUTO_FREE char *name = github_text(file, "filename");
    AUTO_FREE char *old = github_text(file, "previous_filename");
    const char *status = json_str(file, "status", "");
    const char *patch = json_str(file, "patch", ""); /* none of a binary or huge file */
    const char *before = old[0] != '\0' ? old : name;
    bool is_new = strcmp(status, "added") == 0, is_gone = strcmp(status, "removed") == 0;
    (void)buf_printf(diff, "diff --git a/%s b/%s\n", before, name);
    if (patch[0] == '\0') {
        (void)buf_printf(diff, "(%s, no text to show)\n",
                         is_new    ? "added"
                         : is_gone ? "removed"
                                   : "changed");
        return;
    }
    (void)buf_printf(diff, "--- %s%s\n+++ %s%s\n", is_new ? "" : "a/",
                     is_new ? "/dev/null" : before, is_gone ? "" : "b/",
                     is_gone ? "/dev/null" : name);
    (void)buf_printf(diff, "%s\n", patch);
}

char *github_diff_read(const struct http_response *response, size_t max)
{
    static const char rest[] = "[the diff is longer; the rest is not kept]\n";
    struct json *root = github_json(response);
    if (root == NULL || !is_array(response)) {
        json_free(root);
        return NULL;
    }
    AUTO_BUF struct buf diff;
    buf_init(&diff, max > sizeof(rest) ? max - sizeof(rest) : 0);
    for (size_t i = 0; i < json_len(root) && !diff.is_cut; i++) {
        add_file(&diff, json_at(root, i));
    }
    json_free(root);
    while (diff.is_cut && diff.len > 0 && diff.data[diff.len - 1] != '\n') {
        diff.data[--diff.len] = '\0';
    }
    if (diff.is_cut && max > sizeof(rest)) {
        diff.max = max;
        (void)buf_str(&diff, rest);
    }
    return buf_take(&diff, NULL);
}

bool github_has_comment(const struct http_response *response, const char *text)
{
    struct json *root = github_json(response);
    bool has = false;
    for (size_t i = 0; i < json_len(root) && !has; i++) {
        has = strstr(json_str(json_at(root, i), "body", ""), text) != NULL;
    }
    json_free(root);
    return has;
}

int64_t github_id_read(const struct http_response *response)
{
    struct json *root = github_json(response);
    int64_t id = json_int(root, "id", 0);
    json_free(root);
    return id > 0 ? id : 0;
}

bool github_rate_read(const struct http_response *response, struct github_rate *ret_rate)
{
    struct json *root = parse_object(response);
    const struct json *core = json_get(json_get(root, "resources"), "core");
    bool is_one = json_int(core, "limit", -1) >= 0;
    if (is_one) {
        *ret_rate = (struct github_rate){
            .limit = json_int(core, "limit", 0),
            .remaining = json_int(core, "remaining", 0),
            .reset_s = json_int(core, "reset", 0),
        };
    }
    json_free(root);
    return is_one;
}
