/* SPDX-License-Identifier: MIT */
/* Sandboxes of grainchain. The archive is in runner_archive.c. */
#include "engine/io/runner_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/holder.h"
#include "engine/io/runner_step.h"
#include "engine/service/grainchain.h"
#include "engine/service/local_sandbox.h"
#include "engine/service/sandbox.h"

#define PART_NAME     "signalbox-archive"
#define CREATE_TIME   ((struct span){300000})
#define UPLOAD_TIME   ((struct span){120000}) /* of one part */
#define UNPACK_TIME   ((struct span){300000})
#define SNAPSHOT_TIME ((struct span){120000})
#define CLOSE_TIME    ((struct span){20000})
#define STATE_MAX     4096
#define REQUEST_MAX   (16 * 1024 * 1024)

/* What is known of the sandbox, from step to step. */
struct box {
    struct step *step;
    const struct order *order;
    char *id, *provider, *snapshot; /* "" = none */
    struct buf request;
    struct json *answer;
    struct span bound; /* of the try that runs; 0 = none */
};

static void make_mark(char mark[SANDBOX_MARK_LEN])
{
    unsigned char bytes[(SANDBOX_MARK_LEN - 1) / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        BUG("no random bytes"); /* never, for so few */
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(mark + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* ---- state ----------------------------------------------------------------------------
 */

static bool box_save(struct box *box, struct err *err)
{
    AUTO_BUF struct buf text;
    AUTO_FREE char *path = file_join(box->order->workflow_folder, SANDBOX_STATE);
    struct jsonw w;
    buf_init(&text, STATE_MAX);
    jsonw_init(&w, &text);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "sandbox_id", box->id);
    jsonw_str(&w, "provider", box->provider);
    jsonw_str(&w, "snapshot", box->snapshot);
    jsonw_close(&w, '}');
    return file_write(path, text.data, text.len, err);
}

static void box_open(struct box *box, struct step *step)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(step->order->workflow_folder, SANDBOX_STATE);
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct json *root = file_read(path, STATE_MAX, &text, &len, &err)
                            ? json_parse(text, len, &err)
                            : NULL;
    *box = (struct box){
        .step = step,
        .order = step->order,
        .id = mem_str(json_str(root, "sandbox_id", "")),
        .provider = mem_str(json_str(root, "provider", step->order->service_provider)),
        .snapshot = mem_str(json_str(root, "snapshot", ""))};
    buf_init(&box->request, REQUEST_MAX);
    json_free(root);
}

static void box_close(struct box *box)
{
    free(box->id);
    free(box->provider);
    free(box->snapshot);
    buf_fini(&box->request);
    json_free(box->answer);
}

static void replace(char **field, const char *text)
{
    free(*field);
    *field = mem_str(text);
}

/* ---- asking ---------------------------------------------------------------------------
 */

/* Time that a request may take: `most`, but not beyond the deadline of the state. */
static struct span cut_time(const struct order *order, struct span most)
{
    if (wall_is_set(order->deadline_at)) {
        int64_t left = wall_since(order->deadline_at, wall_now()).ms;
        most.ms = left < 1 ? 1 : left < most.ms ? left : most.ms;
    }
    return most;
}

/* Ask with what is in box->request. NULL: the outcome says why, unless *ret_is_gone. */
static const struct json *ask(struct box *box, struct span time, bool *ret_is_gone)
{
    struct err err = ERR_INIT;
    struct step *step = box->step;
    json_free(box->answer);
    box->answer = NULL;
    *ret_is_gone = false;
    switch (holder_ask(box->order, &box->request, time, step->runner->stop_fd,
                       &box->answer, &err)) {
    case HOLDER_STOPPED:
        step_end(step, STATUS_CANCELLED, BLAME_NONE, mem_str("stopped"));
        return NULL;
    case HOLDER_LATE:
        step_end(
            step, STATUS_TIMED_OUT, BLAME_WORLD,
            mem_printf("%s did not answer in time and was killed", box->order->provider));
        return NULL;
    case HOLDER_GONE:
        *ret_is_gone = true;
        step_end(step, STATUS_REFUSED, BLAME_WORLD, mem_str(err.msg));
        return NULL;
    case HOLDER_ANSWERED:
        break;
    }
    const struct json *result = grainchain_result(box->answer, &err);
    if (result == NULL) {
        bool is_setup = err.code == ERR_CONFIG;
        step_end(step, is_setup ? STATUS_REFUSED : STATUS_FAILED,
                 is_setup ? BLAME_SETUP : BLAME_WORLD,
                 mem_printf("%s: %s", box->order->provider, err.msg));
    }
    return result;
}

/* ---- SANDBOX --------------------------------------------------------------------------
 */

static bool start_holder(struct box *box)
{
    struct err err = ERR_INIT;
    struct step *step = box->step;
    const char *program = box->order->service_command.argv[0];
    if (holder_start(box->order, &step->env, &err)) {
        return true;
    }
    if (err.sys == ENOENT || err.sys == EACCES) {
        step_end(step, STATUS_REFUSED, BLAME_SETUP,
                 mem_printf("program '%s' of service %s %s", program,
                            box->order->provider,
                            err.sys == ENOENT ? "was not found" : "cannot be executed"));
    } else {
        step_end(step, STATUS_FAILED, BLAME_WORLD, mem_str(err.msg));
    }
    return false;
}

static bool create(struct box *box)
{
    bool is_gone;
    struct span time = cut_time(box->order, CREATE_TIME);
    grainchain_create(&box->request, box->order->service_provider, HOLDER_IDLE, time);
    const struct json *result = ask(box, time, &is_gone);
    if (result == NULL) {
        return false;
    }
    const char *id = json_str(result, "sandbox_id", "");
    if (id[0] == '\0' || strlen(id) > 200) {
        step_end(box->step, STATUS_FAILED, BLAME_WORLD,
                 mem_printf("%s made a sandbox without an id", box->order->provider));
        return false;
    }
    replace(&box->id, id);
    replace(&box->provider, json_str(result, "provider", box->order->service_provider));
    replace(&box->snapshot, "");
    step_note(box->step, "sandbox %s of %s, snapshots: %s", box->id, box->provider,
              sandbox_snapshots(SERVICE_GRAINCHAIN, box->provider));
    return true;
}

static bool upload(struct box *box, int fd)
{
    struct step *step = box->step;
    char *part = mem_alloc(GRAINCHAIN_PART);
    ssize_t n = 0;
    bool is_gone, done = true;
    for (int number = 0; done; number++) {
        size_t len = 0;
        while (len < GRAINCHAIN_PART &&
               (n = read(fd, part + len, GRAINCHAIN_PART - len)) > 0) {
            len += (size_t)n;
        }
        if (n < 0 || len == 0) {
            break;
        }
        AUTO_FREE char *name = mem_printf(PART_NAME ".%05d", number);
        struct span time = cut_time(box->order, UPLOAD_TIME);
        grainchain_upload(&box->request, box->id, name, part, len, time);
        done = ask(box, time, &is_gone) != NULL;
    }
    if (n < 0) {
        step_end(step, STATUS_FAILED, BLAME_WORLD, mem_str("the archive cannot be read"));
    }
    free(part);
    return done && n == 0;
}

/* What became of a command. */
struct outcome {
    int status;
    size_t len; /* of the output, without the mark */
    bool is_gone;
};

/* Run a shell text; NULL: the outcome says why. The output is in the answer. */
static const char *execute(struct box *box, const char *text, const char *mark,
                           const struct env_var *env, size_t n_env, struct span bound,
                           struct span time, struct outcome *outcome)
{
    grainchain_execute(&box->request, box->id, text, env, n_env, bound, time);
    const struct json *result = ask(box, time, &outcome->is_gone);
    if (result == NULL) {
        return NULL;
    }
    const char *out = json_str(result, "stdout", "");
    const char *errors = json_str(result, "stderr", "");
    if (!sandbox_status(out, strlen(out), mark, &outcome->status, &outcome->len)) {
        step_log(box->step, out, strlen(out));
        step_log(box->step, errors, strlen(errors));
        step_end(box->step, STATUS_FAILED, BLAME_WORLD,
                 mem_printf("%s could not run it: %.200s", box->order->provider,
                            errors[0] != '\0' ? errors : "no status came back"));
        return NULL;
    }
    return out;
}

static bool unpack(struct box *box)
{
    char mark[SANDBOX_MARK_LEN];
    struct outcome outcome;
    make_mark(mark);
    AUTO_FREE char *text = sandbox_unpack(PART_NAME ".*", mark);
    struct span time = cut_time(box->order, UNPACK_TIME);
    const char *out = execute(box, text, mark, NULL, 0, time, time, &outcome);
    if (out != NULL && outcome.status != 0) {
        step_log(box->step, out, outcome.len);
        step_end(box->step, STATUS_FAILED, BLAME_WORLD,
                 mem_printf("unpacking in the sandbox failed with exit status %d",
                            outcome.status));
    }
    return out != NULL && outcome.status == 0;
}

static bool fill(struct box *box)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(box->order->workflow_folder, SANDBOX_ARCHIVE);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_sys(&err, "%s", path);
        step_end(box->step, STATUS_FAILED, BLAME_WORLD, mem_str(err.msg));
        return false;
    }
    if (!upload(box, fd) || !unpack(box)) {
        return false;
    }
    if (!box_save(box, &err)) {
        step_end(box->step, STATUS_FAILED, BLAME_WORLD, mem_str(err.msg));
        return false;
    }
    return true;
}

static bool can_begin(struct step *step)
{
    const struct order *order = step->order;
    if (order->service_command.argv == NULL) {
        step_end(step, STATUS_REFUSED, BLAME_SETUP,
                 mem_printf("service %s has no command", order->provider));
        return false;
    }
    if (!order->bounds.has_network) {
        step_end(step, STATUS_REFUSED, BLAME_SETUP,
                 mem_str("the pipeline asks for no network, which sandboxes of "
                         "grainchain cannot be cut from"));
        return false;
    }
    return true;
}

void grainchain_make(const struct runner *runner, struct effect_result *result)
{
    struct step step;
    struct box box;
    const struct order *order = runner->order;
    AUTO_FREE char *state = file_join(order->workflow_folder, SANDBOX_STATE);
    if (!step_open(&step, runner, result) || !can_begin(&step)) {
        step_close(&step);
        return;
    }
    (void)unlink(state); /* of the sandbox before */
    /* what runs processes comes first, see holder_start */
    if (archive_pack(runner, result)) {
        box_open(&box, &step);
        if (start_holder(&box)) {
            if (create(&box) && fill(&box)) {
                step_end(&step, STATUS_PASSED, BLAME_NONE,
                         mem_printf("sandbox %s of %s with %.10s", box.id, box.provider,
                                    result->head_sha));
            } else {
                holder_stop(order);
            }
        }
        box_close(&box);
    }
    step_close(&step);
}

/* ---- SETUP and CHECK ------------------------------------------------------------------
 */

static bool has_snapshots(const struct box *box, const char *kind)
{
    const char *snapshots = sandbox_snapshots(SERVICE_GRAINCHAIN, box->provider);
    return kind != NULL ? strcmp(snapshots, kind) == 0 : strcmp(snapshots, "none") != 0;
}

/* Before the first check: what setup made is worth keeping. A failure costs nothing but
 * what a snapshot is good for. */
static void keep_setup(struct box *box)
{
    struct err err = ERR_INIT;
    bool is_gone;
    struct span time = cut_time(box->order, SNAPSHOT_TIME);
    if (box->order->kind != EFFECT_CHECK || box->snapshot[0] != '\0' ||
        !has_snapshots(box, NULL)) {
        return;
    }
    grainchain_snapshot(&box->request, box->id, time);
    const struct json *result = ask(box, time, &is_gone);
    if (result != NULL) {
        replace(&box->snapshot, json_str(result, "snapshot_id", ""));
        step_note(box->step, "snapshot %s", box->snapshot);
        bool is_kept = box_save(box, &err);
        (void)is_kept; /* as for a failure */
    } else if (!is_gone) {
        step_note(box->step, "no snapshot: %s", box->step->result->summary);
    }
}

static bool restore(struct box *box)
{
    bool is_gone;
    struct span time = cut_time(box->order, SNAPSHOT_TIME);
    grainchain_restore(&box->request, box->id, box->snapshot, time);
    if (ask(box, time, &is_gone) == NULL) {
        return false;
    }
    step_note(box->step, "restored from snapshot %s", box->snapshot);
    return true;
}

/* A sandbox that is gone, made again from a snapshot that outlives its bridge. */
static bool make_again(struct box *box)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *snapshot = mem_str(box->snapshot);
    if (snapshot[0] == '\0' || !has_snapshots(box, "real")) {
        return false; /* the outcome says that it is gone */
    }
    step_note(box->step, "%s", box->step->result->summary);
    if (!start_holder(box) || !create(box)) {
        return false;
    }
    replace(&box->snapshot, snapshot);
    return restore(box) && (box_save(box, &err) || true);
}

static void run_once(struct box *box)
{
    char mark[SANDBOX_MARK_LEN];
    struct step *step = box->step;
    const struct order *order = box->order;
    struct wall deadline = step_deadline(step->runner), began = wall_now();
    struct err err = ERR_INIT;
    struct env_var *env = NULL;
    size_t n_env = 0;
    struct outcome outcome = {0};
    char **hidden = mem_array(order->service_command.n_env + 1, sizeof(char *));
    for (size_t i = 0; i < order->service_command.n_env; i++) {
        hidden[i] = order->service_command.env[i].name;
    }
    make_mark(mark);
    int64_t left = wall_is_set(deadline) ? wall_since(deadline, began).ms : 0;
    box->bound = (struct span){wall_is_set(deadline) && left < 1 ? 1 : left};
    struct span time = {
        box->bound.ms > 0 ? box->bound.ms + SANDBOX_KILL_TIME.ms + SANDBOX_SLACK.ms : 0};
    AUTO_FREE char *text = sandbox_script(order, mark, box->bound, hidden);
    free(hidden);
    if (!sandbox_env(order, &env, &n_env, &err)) {
        step_end(step, STATUS_REFUSED, BLAME_SETUP, mem_str(err.msg));
        return;
    }
    /* timeout(1) in the sandbox comes first, then the provider's, then ours */
    struct span theirs = {box->bound.ms > 0 ? time.ms - SANDBOX_SLACK.ms / 2 : 0};
    const char *out = execute(box, text, mark, env, n_env, theirs, time, &outcome);
    if (outcome.is_gone && make_again(box)) {
        began = wall_now();
        out = execute(box, text, mark, env, n_env, theirs, time, &outcome);
    }
    sandbox_env_free(env, n_env);
    struct span took = wall_since(wall_now(), began);
    if (out != NULL) {
        step_log(step, out, outcome.len);
        step->result->out_bytes =
            (step->result->out_bytes > 0 ? step->result->out_bytes : 0) +
            (int64_t)outcome.len;
        sandbox_judge(order, outcome.status, took, box->bound, step->result);
    } else if (!outcome.is_gone && box->bound.ms > 0 && took.ms >= box->bound.ms &&
               step->result->status != STATUS_CANCELLED) {
        /* the command ran into its deadline, and took the provider or the bridge along */
        step_end(step, STATUS_TIMED_OUT, BLAME_CHANGE, step_timeout_text(order));
    }
}

static bool may_try_again(const struct box *box, int tries)
{
    const struct effect_result *result = box->step->result;
    return tries <= box->order->command.retries && result->blame == BLAME_CHANGE &&
           (result->status == STATUS_FAILED || result->status == STATUS_TIMED_OUT) &&
           !runner_is_stopped(box->step->runner) &&
           (!wall_is_set(box->order->deadline_at) ||
            wall_since(wall_now(), runner_deadline(box->step->runner)).ms < 0);
}

static void run_all(struct box *box)
{
    struct effect_result *result = box->step->result;
    int tries = 0, most = box->order->command.retries + 1;
    do {
        if (tries > 0) {
            step_note(box->step, "%s; try %d of %d", result->summary, tries + 1, most);
            if (box->snapshot[0] != '\0' && !restore(box)) {
                break;
            }
        }
        if (!step_may_begin(box->step)) {
            break;
        }
        tries++;
        run_once(box);
    } while (may_try_again(box, tries));
    result->tries = tries;
    if (result->status == STATUS_PASSED && tries > 1) {
        step_end(box->step, STATUS_FLAKY, BLAME_NONE,
                 mem_printf("%s passed at try %d of %d", box->order->name, tries, most));
    }
}

void grainchain_step(const struct runner *runner, struct effect_result *result)
{
    struct step step;
    struct box box;
    if (!step_open(&step, runner, result) || !can_begin(&step)) {
        step_close(&step);
        return;
    }
    box_open(&box, &step);
    if (runner->order->command.argv == NULL) {
        step_end(&step, STATUS_REFUSED, BLAME_SETUP,
                 mem_str("the pipeline has no such command"));
    } else if (box.id[0] == '\0') {
        step_end(&step, STATUS_REFUSED, BLAME_WORLD, mem_str("there is no sandbox"));
    } else {
        keep_setup(&box);
        run_all(&box);
    }
    box_close(&box);
    step_close(&step);
}

/* ---- CLEANUP --------------------------------------------------------------------------
 */

static void close_sandbox(const struct order *order)
{
    struct err err = ERR_INIT;
    AUTO_BUF struct buf request;
    AUTO_FREE char *path = file_join(order->workflow_folder, SANDBOX_STATE);
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct json *answer = NULL;
    struct json *root = file_read(path, STATE_MAX, &text, &len, &err)
                            ? json_parse(text, len, &err)
                            : NULL;
    buf_init(&request, REQUEST_MAX);
    if (root != NULL && holder_exists(order)) {
        grainchain_close(&request, json_str(root, "sandbox_id", ""), CLOSE_TIME);
        (void)holder_ask(order, &request, CLOSE_TIME, -1, &answer,
                         &err); /* the end of the bridge closes it too */
    }
    json_free(answer);
    json_free(root);
}

void sandbox_cleanup(const struct runner *runner, struct effect_result *result)
{
    close_sandbox(runner->order);
    holder_stop(runner->order);
    local_cleanup(runner, result);
}
