/* SPDX-License-Identifier: MIT */
#include "engine/service/local_watch.h"

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/local_command.h"
#include "engine/service/local_git.h"
#include "engine/service/local_mirror.h"
#include "engine/service/local_result.h"

#define PLACE "watch"

struct look {
    const struct runner *runner;
    const struct order *order;
    struct effect_result *result;
    struct segment_writer *log;
    char sha[SHA_MAX];
    uint64_t red;
    size_t n_red, n_run;
    char *first; /* what the first red one says */
    char *excerpt;
};

/* ---- the commit -------------------------------------------------------------------------
 */

static bool find_commit(struct git *git, char sha[SHA_MAX], struct effect_result *result)
{
    const struct order_watch *watch = &git->order->watch;
    if (watch->commit[0] == '\0') {
        return (git->url == NULL || mirror_update(git, NULL, result)) &&
               git_find_base(git, sha, result);
    }
    if (git->url != NULL && !mirror_want(git, watch->commit, result)) {
        return false;
    }
    AUTO_FREE char *name =
        mem_printf("%s%s", watch->commit, watch->is_parent ? "^1" : "");
    git_commit_of(git, name, sha);
    if (sha[0] == '\0') {
        struct err err = ERR_INIT;
        err_set(&err, ERR_NOT_FOUND, "there is no commit %.12s%s", watch->commit,
                watch->is_parent ? " with a parent" : "");
        return result_fail(result, &err);
    }
    return true;
}

/* What git and forges write into the message of a revert, of the merge or what it brought. */
static bool is_revert(struct git *git)
{
    const char *merge = git->order->watch.commit;
    if (merge[0] == '\0') {
        return false;
    }
    AUTO_FREE char *range = mem_printf("%s^1..%s", merge, merge);
    return GIT(git, NULL, "log", "--fixed-strings", "--grep=Revert \"",
               "--grep=This reverts commit ", "--format=%H", range, "--") &&
           git->out.len > 0;
}

static bool make_empty(const struct order *order, const char *name,
                       struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(order->workflow_folder, name);
    return (file_remove_tree(path, &err) && file_make_dirs(path, &err)) ||
           result_fail(result, &err);
}

static bool make_copy(struct look *look)
{
    struct git git;
    struct effect_result *result = look->result;
    bool done = git_open(&git, look->runner, result) &&
                find_commit(&git, look->sha, result) &&
                make_empty(look->order, "home", result) &&
                make_empty(look->order, "tmp", result) &&
                git_add_worktree(&git, PLACE, NULL, look->sha, result);
    result->is_revert = done && is_revert(&git);
    git_close(&git);
    return done;
}

/* What remains is no reason to say anything else of the checks. */
static void remove_copy(const struct look *look)
{
    static const char *const folders[] = {"home", "tmp"};
    struct git git;
    struct err err = ERR_INIT;
    struct effect_result *ignored =
        effect_result_new(look->order->workflow, look->order->seq);
    if (git_open(&git, look->runner, ignored)) {
        (void)git_remove_worktree(&git, PLACE, &err);
    }
    git_close(&git);
    effect_result_free(ignored);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO_FREE char *path = file_join(look->order->workflow_folder, folders[i]);
        (void)file_remove_tree(path, &err);
    }
}

/* ---- the steps --------------------------------------------------------------------------
 */

static bool open_log(struct look *look)
{
    struct err err = ERR_INIT;
    const struct order *order = look->order;
    AUTO_FREE char *path = file_join(order->log_folder, order->log);
    AUTO_FREE char *folder = mem_str(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (!file_make_dirs(folder, &err) ||
        (look->log = segment_create(path, order->log_max, &err)) == NULL) {
        return result_fail(look->result, &err);
    }
    look->result->log = mem_str(order->log);
    return true;
}

static void note(const struct look *look, const char *text)
{
    struct err err;
    bool is_whole = segment_write(look->log, text, strlen(text), &err);
    (void)is_whole; /* a full disk says nothing about the base */
}

static void add_measures(struct effect_result *to, const struct effect_result *from)
{
    to->cpu_ms =
        (to->cpu_ms > 0 ? to->cpu_ms : 0) + (from->cpu_ms > 0 ? from->cpu_ms : 0);
    to->out_bytes = (to->out_bytes > 0 ? to->out_bytes : 0) +
                    (from->out_bytes > 0 ? from->out_bytes : 0);
    if (from->peak_rss_kib > to->peak_rss_kib) {
        to->peak_rss_kib = from->peak_rss_kib;
    }
}

/* The step said yes or no. False: nothing is known, and why is in the result. */
static bool take(struct look *look, struct effect_result *of_step, uint64_t bits)
{
    struct effect_result *result = look->result;
    enum effect_status status = of_step->status;
    bool is_late = status == STATUS_TIMED_OUT && wall_is_set(look->order->deadline_at) &&
                   wall_since(wall_now(), look->order->deadline_at).ms >= 0;
    add_measures(result, of_step);
    if (status == STATUS_PASSED || status == STATUS_FLAKY) {
        return true;
    }
    if (!is_late && (status == STATUS_FAILED || status == STATUS_TIMED_OUT)) {
        look->red |= bits;
        look->n_red++;
        if (look->first == NULL) {
            look->first = TAKE(of_step->summary);
            look->excerpt = TAKE(of_step->excerpt);
            result->exit_status = of_step->exit_status;
        }
        return true;
    }
    result->status = status;
    result->blame = is_late ? BLAME_WORLD : of_step->blame;
    free(result->summary);
    result->summary = TAKE(of_step->summary);
    return false;
}

static bool run_step(struct look *look, size_t i)
{
    const struct order_watch *watch = &look->order->watch;
    bool is_setup = i < watch->n_setup;
    int number = is_setup ? 0 : watch->numbers[i - watch->n_setup] & 63;
    struct order part = *look->order; /* borrows */
    struct runner runner = *look->runner;
    part.kind = is_setup ? EFFECT_SETUP : EFFECT_CHECK;
    part.command = watch->steps[i];
    part.name = watch->steps[i].name;
    part.head_sha = look->sha;
    runner.order = &part;
    AUTO_FREE char *head = mem_printf("-- %s --\n", part.name);
    note(look, head);
    struct effect_result *of_step = effect_result_new(part.workflow, part.seq);
    local_step(&runner, PLACE, look->log, of_step);
    bool done =
        take(look, of_step, is_setup ? (uint64_t)watch->checks : UINT64_C(1) << number);
    look->n_run += !is_setup;
    effect_result_free(of_step);
    return done;
}

static void judge(struct look *look)
{
    struct effect_result *result = look->result;
    const struct order_watch *watch = &look->order->watch;
    const char *what = watch->commit[0] == '\0' ? look->order->base
                       : watch->is_parent       ? "the commit before the merge"
                                                : "the merge";
    if (look->n_red == 0) {
        result_pass(result, mem_printf("%zu check%s pass on %s (%.10s)", look->n_run,
                                       look->n_run == 1 ? "" : "s", what, look->sha));
        return;
    }
    result_reject(result, mem_printf("%s on %s (%.10s)%s", look->first, what, look->sha,
                                     look->n_red > 1 ? ", and it is not alone" : ""));
    result->red = (int64_t)look->red;
    free(result->excerpt);
    result->excerpt = TAKE(look->excerpt);
}

static void run_steps(struct look *look)
{
    const struct order_watch *watch = &look->order->watch;
    for (size_t i = 0; i < watch->n_steps; i++) {
        if (!run_step(look, i)) {
            return;
        }
        if (i < watch->n_setup && look->n_red > 0) {
            break; /* nothing to run the checks in */
        }
    }
    judge(look);
}

void local_watch(const struct runner *runner, struct effect_result *result)
{
    struct look look = {.runner = runner, .order = runner->order, .result = result};
    if (open_log(&look) && make_copy(&look)) {
        result->head_sha = mem_str(look.sha);
        run_steps(&look);
    }
    remove_copy(&look);
    segment_close(look.log);
    free(look.first);
    free(look.excerpt);
}
