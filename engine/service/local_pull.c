/* SPDX-License-Identifier: MIT */
#include "engine/service/local_pull.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/local_forge.h"

#define RECORD_MAX   (2 * 1024 * 1024)
#define NUMBER_TRIES 10000

/* clang-format off */
#define TEXT_FIELDS(X)                                                                   \
    X(state)                                                                             \
    X(branch)                                                                            \
    X(base) X(head) X(title) X(body) X(author) X(workflow) X(merge) X(created_at)        \
        X(updated_at)
/* clang-format on */

void pull_free(struct pull *pull)
{
    if (pull == NULL) {
        return;
    }
#define X(field) free(pull->field);
    TEXT_FIELDS(X)
#undef X
    free(pull);
}

/* ---- places ---------------------------------------------------------------------------
 */

static char *record_path(const struct git *git, int64_t number)
{
    return mem_printf("%s/signalbox/pull/%lld.json", git->common, (long long)number);
}

static char *link_path(const struct git *git, const char *branch)
{
    struct buf buf;
    buf_init(&buf, 8192);
    (void)buf_printf(&buf, "%s/signalbox/branch/", git->common);
    for (const char *at = branch; *at != '\0'; at++) {
        (void)(*at == '/' || *at == '%' ? buf_printf(&buf, "%%%02X", (unsigned char)*at)
                                        : buf_char(&buf, *at)); /* names are short */
    }
    return buf_take(&buf, NULL);
}

static bool make_folders(const struct git *git, struct err *err)
{
    AUTO_FREE char *pulls = mem_printf("%s/signalbox/pull", git->common);
    AUTO_FREE char *branches = mem_printf("%s/signalbox/branch", git->common);
    return file_make_dirs(pulls, err) && file_make_dirs(branches, err);
}

/* Number that the branch's link names, or 0. */
static int64_t linked_number(const struct git *git, const char *branch)
{
    char target[256];
    AUTO_FREE char *path = link_path(git, branch);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0) {
        return 0;
    }
    target[n] = '\0';
    const char *slash = strrchr(target, '/');
    return slash != NULL ? strtoll(slash + 1, NULL, 10) : 0;
}

static bool set_link(const struct git *git, const char *branch, int64_t number,
                     struct err *err)
{
    AUTO_FREE char *path = link_path(git, branch);
    AUTO_FREE char *temporary = mem_printf("%s.%ld", path, (long)getpid());
    AUTO_FREE char *target = mem_printf("../pull/%lld.json", (long long)number);
    (void)unlink(temporary); /* left by a process of the same number */
    if (symlink(target, temporary) != 0 || rename(temporary, path) != 0) {
        return err_sys(err, "%s", path);
    }
    return true;
}

/* ---- records --------------------------------------------------------------------------
 */

static void format(const struct pull *pull, struct buf *buf)
{
    struct jsonw w;
    jsonw_init(&w, buf);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "number", pull->number);
#define X(field) jsonw_str(&w, #field, pull->field != NULL ? pull->field : "");
    TEXT_FIELDS(X)
#undef X
    jsonw_close(&w, '}');
    (void)buf_char(buf, '\n'); /* the cap is far above */
}

struct pull *pull_read(struct git *git, int64_t number, struct err *err)
{
    AUTO_FREE char *path = record_path(git, number);
    AUTO_FREE char *text = NULL;
    size_t len;
    if (!file_read(path, RECORD_MAX, &text, &len, err)) {
        return NULL;
    }
    struct json *root = json_parse(text, len, err);
    if (root == NULL) {
        err_wrap(err, "%s", path);
        return NULL;
    }
    struct pull *pull = mem_alloc(sizeof(*pull));
    pull->number = json_int(root, "number", number);
#define X(field) pull->field = mem_str(json_str(root, #field, ""));
    TEXT_FIELDS(X)
#undef X
    json_free(root);
    return pull;
}

struct pull *pull_find(struct git *git, const char *branch, struct err *err)
{
    int64_t number = linked_number(git, branch);
    struct err bad = ERR_INIT;
    struct pull *pull = number > 0 ? pull_read(git, number, &bad) : NULL;
    if (pull == NULL) {
        if (bad.code != ERR_NONE && bad.code != ERR_NOT_FOUND) {
            *err = bad;
        }
        return NULL;
    }
    if (strcmp(pull->branch, branch) != 0) {
        pull_free(pull); /* another one was faster to that number */
        return NULL;
    }
    return pull;
}

static void stamp(char **text)
{
    char now[CLOCK_TEXT_MAX];
    free(*text);
    *text = mem_str(wall_format(wall_now(), false, now));
}

bool pull_write(struct git *git, struct pull *pull, struct err *err)
{
    AUTO_BUF struct buf buf;
    AUTO_FREE char *path = record_path(git, pull->number);
    buf_init(&buf, RECORD_MAX);
    stamp(&pull->updated_at);
    format(pull, &buf);
    return file_write(path, buf.data, buf.len, err);
}

/* Highest number of a record, or of a ref that came from elsewhere. */
static int64_t highest_number(struct git *git)
{
    int64_t highest = 0;
    AUTO_FREE char *folder = mem_printf("%s/signalbox/pull", git->common);
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        int64_t number = strtoll(entry->d_name, NULL, 10);
        highest = number > highest ? number : highest;
    }
    if (dir != NULL) {
        (void)closedir(dir); /* only read */
    }
    (void)GIT(git, NULL, "for-each-ref", "--format=%(refname)",
              "refs/pull"); /* or none */
    for (const char *at = git->out.data; (at = strstr(at, "refs/pull/")) != NULL;) {
        at += strlen("refs/pull/");
        int64_t number = strtoll(at, NULL, 10);
        highest = number > highest ? number : highest;
    }
    return highest;
}

/* Make N.json with all of its content at once, or find that it exists. */
static bool create_record(struct git *git, const struct pull *pull, bool *ret_is_taken,
                          struct err *err)
{
    AUTO_BUF struct buf buf;
    AUTO_FREE char *path = record_path(git, pull->number);
    AUTO_FREE char *draft =
        mem_printf("%s/signalbox/draft-%ld", git->common, (long)getpid());
    buf_init(&buf, RECORD_MAX);
    format(pull, &buf);
    if (!file_write(draft, buf.data, buf.len, err)) {
        return false;
    }
    bool done = link(draft, path) == 0;
    *ret_is_taken = !done && errno == EEXIST;
    if (!done && !*ret_is_taken) {
        err_sys(err, "%s", path);
    }
    (void)unlink(draft); /* the record is a name of its own */
    return done || *ret_is_taken;
}

bool pull_create(struct git *git, struct pull *pull, struct err *err)
{
    if (!make_folders(git, err)) {
        return false;
    }
    stamp(&pull->created_at);
    stamp(&pull->updated_at);
    pull->number = highest_number(git);
    for (int i = 0; i < NUMBER_TRIES; i++) {
        bool is_taken = false;
        pull->number++;
        if (!set_link(git, pull->branch, pull->number, err) ||
            !create_record(git, pull, &is_taken, err)) {
            return false;
        }
        if (!is_taken) {
            return true;
        }
    }
    return err_set(err, ERR_FULL, "no free number for a pull request");
}

/* ---- the effects ----------------------------------------------------------------------
 */

static void fail(struct effect_result *result, const char *text)
{
    result->status = STATUS_FAILED;
    result->blame = BLAME_WORLD;
    free(result->summary);
    result->summary = mem_str(text);
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = mem_str(with);
}

static char *body_of(const struct order *order)
{
    struct buf buf;
    size_t task_len, plan_len;
    AUTO_FREE char *task = order_doc(order, "task.md", &task_len);
    AUTO_FREE char *plan = order_doc(order, "plan.md", &plan_len);
    buf_init(&buf, RECORD_MAX / 8); /* escaped it still fits the record */
    (void)buf_add(&buf, task, task_len);
    if (plan_len > 0 && strcmp(task, plan) != 0) {
        (void)buf_printf(&buf, "\n\n## Plan\n\n%s", plan); /* cut when it is long */
    }
    return buf_take(&buf, NULL);
}

/* The diff against where the branch left the base, cut at a line's end. */
static bool take_diff(struct git *git, const char *base, const char *head,
                      struct effect_result *result)
{
    AUTO_FREE char *range = mem_printf("%s...%s", base, head);
    git->out.max = DOC_MAX - 256;
    bool done = GIT(git, NULL, "diff", "--no-color", "--no-ext-diff", "--no-textconv",
                    "--src-prefix=a/", "--dst-prefix=b/", range) ||
                git->out.is_cut;
    git->out.max = GIT_OUT_MAX;
    if (!done) {
        git_blame(git, result, BLAME_WORLD, "the diff");
        return false;
    }
    while (git->out.is_cut && git->out.len > 0 &&
           git->out.data[git->out.len - 1] != '\n') {
        git->out.data[--git->out.len] = '\0';
    }
    (void)buf_str(&git->out, git->out.is_cut
                                 ? "[the diff is longer; the rest is not kept]\n"
                             : git->out.len > 0 ? "\n"
                                                : "");
    result->diff = mem_strn(git->out.data, git->out.len);
    for (size_t i = 0; i < git->out.len; i++) {
        if (result->diff[i] == '\0') {
            result->diff[i] = ' '; /* a text with NUL in it; the rest must not be lost */
        }
    }
    return true;
}

static struct pull *new_pull(const struct order *order, const char *head)
{
    struct pull *pull = mem_alloc(sizeof(*pull));
    pull->state = mem_str("open");
    pull->branch = mem_str(order->branch);
    pull->base = mem_str(order->base);
    pull->head = mem_str(head);
    pull->title = mem_str(order->title);
    pull->body = body_of(order);
    pull->author = mem_str(order->submitter);
    pull->workflow = mem_printf("wf-%lld", (long long)order->workflow);
    pull->merge = mem_str("");
    return pull;
}

static void open_pull(struct git *git, struct effect_result *result)
{
    const struct order *order = git->order;
    char head[SHA_MAX], base[SHA_MAX];
    struct err err = ERR_INIT;
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", order->branch);
    if (!git_find_base(git, base, result)) {
        return;
    }
    git_commit_of(git, ref, head);
    if (head[0] == '\0') {
        AUTO_FREE char *text = mem_printf("there is no branch %s", order->branch);
        fail(result, text);
        return;
    }
    struct pull *pull = pull_find(git, order->branch, &err);
    bool done = err.code == ERR_NONE, is_new = false;
    if (done && (pull == NULL || strcmp(pull->state, "merged") == 0)) {
        pull_free(pull);
        pull = new_pull(order, head);
        is_new = true;
        done = pull_create(git, pull, &err);
    } else if (done) {
        replace(&pull->head, head);
        replace(&pull->state, "open");
        done = pull_write(git, pull, &err);
    }
    if (!done) {
        fail(result, err.msg);
        pull_free(pull);
        return;
    }
    AUTO_FREE char *pull_ref = mem_printf("refs/pull/%lld/head", (long long)pull->number);
    if (!GIT(git, NULL, "update-ref", pull_ref, head)) {
        git_blame(git, result, BLAME_WORLD, "the pull request's ref");
    } else if (take_diff(git, base, head, result)) {
        result->status = STATUS_PASSED;
        result->pr_number = pull->number;
        result->head_sha = mem_str(head);
        result->summary =
            mem_printf("pull request #%lld %s at %.10s", (long long)pull->number,
                       is_new ? "opened" : "updated", head);
    }
    pull_free(pull);
}

void local_pull_request(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    if (git_open(&git, runner, result)) {
        open_pull(&git, result);
    }
    git_close(&git);
}

static void close_pull(struct git *git, struct effect_result *result)
{
    const struct order *order = git->order;
    struct err err = ERR_INIT;
    struct pull *pull = order->pr_number > 0 ? pull_read(git, order->pr_number, &err)
                                             : pull_find(git, order->branch, &err);
    if (pull == NULL && err.code != ERR_NONE && err.code != ERR_NOT_FOUND) {
        fail(result, err.msg);
        return;
    }
    result->status = STATUS_PASSED;
    if (pull == NULL) {
        result->summary = mem_str("there is no pull request");
        return;
    }
    if (strcmp(pull->state, "open") == 0) {
        replace(&pull->state, "closed");
        if (!pull_write(git, pull, &err)) {
            fail(result, err.msg);
            pull_free(pull);
            return;
        }
    }
    result->summary =
        mem_printf("pull request #%lld is %s", (long long)pull->number, pull->state);
    pull_free(pull);
}

void local_close(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    if (git_open(&git, runner, result)) {
        close_pull(&git, result);
    }
    git_close(&git);
}
