/* SPDX-License-Identifier: MIT */
#include "engine/io/desk_shell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/idmap.h"
#include "engine/base/mem.h"
#include "engine/io/desk_calls.h"
#include "engine/io/desk_chore.h"
#include "engine/io/desk_memo.h"
#include "engine/io/http.h"
#include "engine/io/runner.h"
#include "engine/service/route.h"
#include "store/segment.h"

#define TRIES       6
#define FIRST_PAUSE 50    /* ms; doubled with each try */
#define MEMO_PAUSE  1000  /* ms between two tries to write a memo */
#define LONGEST     60000 /* ms; the wall clock may be set meanwhile */

/* An effect in our hands, from perform to result. */
struct held {
    struct held *next;        /* of the same workflow */
    struct effect_row effect; /* name and params are ours */
    char *name, *params, *folder, *workflow_folder;
    int tries;           /* to read what it needs from store and folder */
    struct mono read_at; /* the next one; 0: the desk has it */
    bool is_orphan;      /* nobody waits for its result */
    bool is_marked;      /* live/op-N.SEQ is there */
    char *log_path, *log_name;
    int64_t log_max;
    struct segment_writer *log; /* opened when first written to */
    bool has_log;
};

struct desk_shell {
    struct desk_shell_options options;
    struct desk *desk;
    struct http *http;
    struct idmap held;     /* by workflow: a list */
    struct mono read_at;   /* earliest of them; 0 = none */
    struct desk_out stuck; /* a memo that could not be written; kind DESK_NONE: none */
    struct mono stuck_at;  /* the next try */
    struct mono chore_at;  /* the next one; 0: there are none */
    struct desk_calls calls;
};

static struct mono in_ms(int64_t ms)
{
    return (struct mono){mono_now().ns + ms * 1000000};
}

static struct mono earliest(struct mono a, struct mono b)
{
    return a.ns == 0 || (b.ns > 0 && b.ns < a.ns) ? b : a;
}

/* ---- effects in hand ------------------------------------------------------------------
 */

static struct held *find(const struct desk_shell *shell, int64_t workflow, int64_t seq)
{
    struct held *held = idmap_get(&shell->held, workflow);
    while (held != NULL && held->effect.seq != seq) {
        held = held->next;
    }
    return held;
}

static struct held *hold(struct desk_shell *shell, const struct effect_row *effect)
{
    struct held *held = mem_alloc(sizeof(*held));
    held->effect = *effect;
    held->effect.summary = held->effect.log = held->effect.provider = "";
    held->effect.name = held->name = mem_str(effect->name);
    held->effect.params = held->params = mem_str(effect->params);
    held->folder = order_folder(shell->options.shop->work, effect->workflow, effect->seq);
    held->workflow_folder =
        mem_printf("%s/wf-%lld", shell->options.shop->work, (long long)effect->workflow);
    held->next = idmap_take(&shell->held, effect->workflow);
    idmap_put(&shell->held, effect->workflow, held);
    return held;
}

static void free_held(struct held *held)
{
    segment_close(held->log);
    free(held->name);
    free(held->params);
    free(held->folder);
    free(held->workflow_folder);
    free(held->log_path);
    free(held->log_name);
    free(held);
}

static void let_go(struct desk_shell *shell, struct held *held)
{
    struct held *first = idmap_take(&shell->held, held->effect.workflow);
    struct held **at = &first;
    while (*at != held) {
        at = &(*at)->next;
    }
    *at = held->next;
    if (first != NULL) {
        idmap_put(&shell->held, first->effect.workflow, first);
    }
    free_held(held);
}

static char *mark_path(const struct desk_shell *shell, int64_t workflow, int64_t seq)
{
    return mem_printf("%s/live/op-%lld.%lld", shell->options.shop->work,
                      (long long)workflow, (long long)seq);
}

static void unmark(const struct desk_shell *shell, int64_t workflow, int64_t seq)
{
    AUTO_FREE char *path = mark_path(shell, workflow, seq);
    (void)unlink(path); /* only a hint for the sweep */
}

/* ---- outcomes -------------------------------------------------------------------------
 */

/* The end of an effect, whether we held it or not. */
static void deliver(struct desk_shell *shell, struct effect_result *result)
{
    struct held *held = find(shell, result->workflow, result->seq);
    bool is_orphan = held != NULL && held->is_orphan;
    if (held != NULL) {
        if (held->has_log && result->log == NULL) {
            result->log = mem_str(held->log_name);
        }
        if (held->is_marked) {
            unmark(shell, result->workflow, result->seq);
        }
        let_go(shell, held);
    }
    if (is_orphan) {
        effect_result_free(result);
    } else {
        shell->options.on_result(shell->options.user, result);
    }
}

static void deliver_failure(struct desk_shell *shell, const struct held *held,
                            enum effect_status status, enum blame blame, const char *text)
{
    struct effect_result *result =
        effect_result_new(held->effect.workflow, held->effect.seq);
    result->status = status;
    result->blame = blame;
    result->started_at = result->finished_at = wall_now();
    result->summary = mem_str(text);
    deliver(shell, result);
}

/* ---- from the outbox to the desk ------------------------------------------------------
 */

/* Port whose keep an effect may want. */
static const char *port_of(enum effect_kind kind)
{
    switch (kind) {
    case EFFECT_PLAN:
    case EFFECT_CODE:
        return "agent";
    case EFFECT_SANDBOX:
    case EFFECT_SETUP:
    case EFFECT_CHECK:
    case EFFECT_CLEANUP:
        return "sandbox";
    case EFFECT_EVALUATE:
        return "evaluator";
    default:
        return "forge";
    }
}

static void replace(char **text, char *value)
{
    free(*text);
    *text = value;
}

/* Has a runner of an earlier engine begun with it? Then its order says who it is. */
static bool adopt_runner(const struct held *held, struct desk_task *task, struct err *err)
{
    AUTO_FREE char *begun = file_join(held->folder, "start");
    AUTO_FREE char *result = file_join(held->folder, "result.json");
    pid_t pid;
    if (!file_exists(begun) && !file_exists(result) &&
        runner_look(held->folder, &pid) != RUNNER_LIVES) {
        return true;
    }
    struct order *order = order_read(held->folder, err);
    if (order == NULL) {
        return false;
    }
    task->is_adopted = true;
    replace(&task->memo_provider, mem_str(order->provider));
    order_free(order);
    return true;
}

/* What earlier engines and effects left in the folders. */
static bool recall(const struct held *held, struct desk_task *task, struct err *err)
{
    char *provider = NULL, *json = NULL;
    AUTO_FREE char *kept =
        desk_memo_path(held->workflow_folder, DESK_MEMO_KEPT, port_of(held->effect.kind));
    AUTO_FREE char *memo = desk_memo_path(held->folder, DESK_MEMO_EFFECT, NULL);
    enum found found = desk_memo_read(kept, DESK_MEMO_KEPT, &provider, &json, err);
    if (found == FOUND_FAILED) {
        return false;
    }
    if (found == FOUND) {
        replace(&task->keep_provider, provider);
        replace(&task->keep, json);
    }
    found = desk_memo_read(memo, DESK_MEMO_EFFECT, &provider, &json, err);
    if (found == FOUND_FAILED) {
        return false;
    }
    if (found == FOUND) {
        replace(&task->memo_provider, provider);
        replace(&task->memo, json);
    }
    return adopt_runner(held, task, err);
}

static struct desk_task *make_task(struct desk_shell *shell, const struct held *held,
                                   struct arena *arena, struct err *err)
{
    struct job_shop *shop = shell->options.shop;
    struct reader *reader = job_reader(shop, err);
    struct workflow_row workflow;
    if (reader == NULL) {
        return NULL;
    }
    switch (reader_workflow(reader, arena, held->effect.workflow, &workflow, err)) {
    case FOUND:
        break;
    case MISSING:
        err_set(err, ERR_CORRUPT, "the store has no workflow %lld",
                (long long)held->effect.workflow);
        return NULL;
    default:
        return NULL;
    }
    const struct pipeline *pipeline = job_pipeline(shop, workflow.pipeline_id, err);
    if (pipeline == NULL) {
        return NULL;
    }
    const struct route route = {
        .reader = reader,
        .pipeline = pipeline,
        .workflow = &workflow,
        .effect = &held->effect,
        .services = shell->options.services,
        .n_services = shell->options.n_services,
        .scales = shop->scales,
        .n_scales = shop->n_scales,
        .paths = {shop->work, shop->logs, shop->log_max}
    };
    struct desk_task *task = route_task(&route, err);
    if (task != NULL && !recall(held, task, err)) {
        desk_task_free(task);
        return NULL;
    }
    return task;
}

static void hand_over(struct desk_shell *shell, struct held *held)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    struct desk_task *task = make_task(shell, held, arena, &err);
    arena_free(arena);
    held->read_at.ns = 0;
    if (task == NULL && err.code == ERR_CONFIG) {
        deliver_failure(shell, held, STATUS_REFUSED, BLAME_SETUP, err.msg);
    } else if (task == NULL && ++held->tries > TRIES) {
        deliver_failure(shell, held, STATUS_LOST, BLAME_WORLD, err.msg);
    } else if (task == NULL) {
        held->read_at = in_ms(FIRST_PAUSE << (held->tries - 1));
        shell->read_at = earliest(shell->read_at, held->read_at);
    } else {
        const struct order *order = task->order;
        bool has_log = order->log != NULL && order->log[0] != '\0';
        replace(&held->log_name, has_log ? mem_str(order->log) : NULL);
        replace(&held->log_path,
                has_log ? file_join(order->log_folder, order->log) : NULL);
        held->log_max = order->log_max;
        held->is_marked = held->is_marked || task->memo[0] != '\0';
        desk_perform(shell->desk, task, wall_now());
        if (held->is_orphan) {
            desk_stop(shell->desk, held->effect.workflow, held->effect.seq, wall_now());
        }
    }
}

/* Those whose time has come. Handing one over may end it, so from the beginning again. */
static void hand_over_due(struct desk_shell *shell)
{
    int64_t now = mono_now().ns;
    if (shell->read_at.ns == 0 || shell->read_at.ns > now) {
        return;
    }
    struct held *due = NULL;
    do {
        size_t iter = 0;
        due = NULL;
        shell->read_at.ns = 0;
        for (struct held *held; (held = idmap_next(&shell->held, &iter)) != NULL;) {
            for (; held != NULL; held = held->next) {
                bool is_due = held->read_at.ns > 0 && held->read_at.ns <= now;
                due = is_due ? held : due;
                shell->read_at = earliest(shell->read_at, held->read_at);
            }
        }
        if (due != NULL) {
            hand_over(shell, due);
        }
    } while (due != NULL);
}

void desk_shell_perform(struct desk_shell *shell, const struct effect_row *effect)
{
    if (find(shell, effect->workflow, effect->seq) == NULL) {
        hand_over(shell, hold(shell, effect)); /* else it is under way */
    }
}

void desk_shell_stop_effect(struct desk_shell *shell, int64_t workflow, int64_t seq)
{
    struct held *held = find(shell, workflow, seq);
    if (held != NULL && held->read_at.ns > 0) { /* the desk does not know it yet */
        deliver_failure(shell, held, STATUS_CANCELLED, BLAME_NONE, "stopped");
        return;
    }
    if (held == NULL) {
        job_stop(shell->options.shop, workflow, seq); /* an earlier engine's */
    }
    desk_stop(shell->desk, workflow, seq, wall_now());
}

void desk_shell_halt(struct desk_shell *shell, bool is_halted)
{
    desk_halt(shell->desk, is_halted, wall_now());
}

/* ---- what the desk asks for -----------------------------------------------------------
 */

static bool write_memo(struct desk_shell *shell, const struct desk_out *out)
{
    struct err err = ERR_INIT;
    struct held *held = find(shell, out->workflow, out->seq);
    if (held == NULL || out->service == NULL) {
        BUG("a memo of nobody's");
    }
    enum desk_memo_kind kind = out->is_memo_kept ? DESK_MEMO_KEPT : DESK_MEMO_EFFECT;
    AUTO_FREE char *path =
        desk_memo_path(out->is_memo_kept ? held->workflow_folder : held->folder, kind,
                       service_kind_port(out->service->kind));
    if (!held->is_marked && !out->is_memo_kept && out->text[0] != '\0') {
        AUTO_FREE char *mark = mark_path(shell, out->workflow, out->seq);
        AUTO_CLOSE int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        held->is_marked = fd >= 0; /* without it, only the sweep misses this one */
    }
    return desk_memo_write(path, kind, out->service->name, out->text, &err);
}

/* A log is worth less than the step: what cannot be written is lost. */
static void write_log(const struct desk_shell *shell, const struct desk_out *out)
{
    struct err err;
    struct held *held = find(shell, out->workflow, out->seq);
    if (held == NULL || held->log_path == NULL) {
        return;
    }
    if (held->log == NULL) {
        AUTO_FREE char *folder = mem_str(held->log_path);
        *strrchr(folder, '/') = '\0';
        held->log = file_make_dirs(folder, &err)
                        ? segment_create(held->log_path, held->log_max, &err)
                        : NULL;
        if (held->log == NULL) {
            return;
        }
    }
    size_t len = strlen(out->text);
    bool is_written = segment_write(held->log, out->text, len, &err) &&
                      (len == 0 || out->text[len - 1] == '\n' ||
                       segment_write(held->log, "\n", 1, &err)) &&
                      segment_flush(held->log, &err);
    (void)is_written;
    held->has_log = true;
}

static void call(struct desk_shell *shell, const struct desk_out *out)
{
    desk_calls_begin(&shell->calls, out);
    const struct http_call call = {
        .id = out->call,
        .service = out->service,
        .request = out->request,
        .time = out->time,
    };
    http_send(shell->http, &call);
}

static void report(const struct desk_shell *shell, struct service_report *report)
{
    if (shell->options.on_report != NULL) {
        shell->options.on_report(shell->options.user, report);
    } else {
        service_report_free(report);
    }
}

static void note(const struct desk_shell *shell, int64_t workflow, char *text)
{
    if (shell->options.on_reconciled != NULL) {
        shell->options.on_reconciled(shell->options.user, workflow, text);
    } else {
        free(text);
    }
}

/* Nobody waits for a chore, and nothing of it is kept. */
static bool is_of_a_chore(const struct desk_out *out)
{
    return out->workflow == 0 &&
           (out->kind == DESK_MEMO || out->kind == DESK_LOG || out->kind == DESK_RESULT);
}

/* False: it could not be done, and nothing that follows may be done before it. */
static bool carry_out(struct desk_shell *shell, struct desk_out *out)
{
    if (is_of_a_chore(out)) {
        effect_result_free(out->result);
        free(out->text);
        return true;
    }
    switch (out->kind) {
    case DESK_CALL:
        call(shell, out);
        break;
    case DESK_CANCEL:
        (void)http_cancel(shell->http, out->call); /* or its answer is here already */
        desk_calls_cancel(&shell->calls, out->call);
        break;
    case DESK_RUN:
        job_begin_order(shell->options.shop, out->order);
        break;
    case DESK_STOP_RUN:
        job_stop(shell->options.shop, out->workflow, out->seq);
        break;
    case DESK_MEMO:
        if (!write_memo(shell, out)) {
            return false;
        }
        break;
    case DESK_LOG:
        write_log(shell, out);
        break;
    case DESK_RESULT:
        deliver(shell, TAKE(out->result));
        break;
    case DESK_REPORT:
        report(shell, TAKE(out->report));
        break;
    case DESK_NOTE:
        note(shell, out->workflow, TAKE(out->text));
        break;
    case DESK_NONE:
        break;
    }
    free(out->text);
    return true;
}

static void pump(struct desk_shell *shell)
{
    struct desk_out out;
    if (shell->stuck.kind != DESK_NONE) {
        if (shell->stuck_at.ns > mono_now().ns) {
            return;
        }
        out = shell->stuck;
    } else if (!desk_next(shell->desk, &out)) {
        return;
    }
    do {
        if (!carry_out(shell, &out)) {
            shell->stuck = out;
            shell->stuck_at = in_ms(MEMO_PAUSE);
            return;
        }
        shell->stuck.kind = DESK_NONE;
    } while (desk_next(shell->desk, &out));
}

void desk_shell_run(struct desk_shell *shell)
{
    hand_over_due(shell);
    struct wall now = wall_now(), at = desk_wake_at(shell->desk);
    if (wall_is_set(at) && at.ms <= now.ms) {
        desk_tick(shell->desk, now);
    }
    if (shell->chore_at.ns > 0 && shell->chore_at.ns <= mono_now().ns) {
        desk_chore_begin(shell->desk, shell->options.services, shell->options.n_services,
                         now);
        shell->chore_at = in_ms(DESK_CHORE_EVERY.ms);
    }
    pump(shell);
    desk_calls_run(&shell->calls, mono_now());
}

struct mono desk_shell_next_time(const struct desk_shell *shell)
{
    struct wall at = desk_wake_at(shell->desk);
    struct mono next = earliest(shell->read_at, shell->chore_at);
    next = earliest(next, shell->calls.send_at);
    if (wall_is_set(at)) {
        int64_t left = wall_since(at, wall_now()).ms;
        left = left > LONGEST ? LONGEST : left;
        next = earliest(next, in_ms(left > 0 ? left : 0));
    }
    return shell->stuck.kind != DESK_NONE ? earliest(next, shell->stuck_at) : next;
}

/* ---- other inputs ---------------------------------------------------------------------
 */

static void on_answer(void *user, int64_t number, struct http_response *response)
{
    struct desk_shell *shell = user;
    desk_calls_answer(&shell->calls, number, response);
    desk_answer(shell->desk, number, response, wall_now());
}

int desk_shell_fd(const struct desk_shell *shell)
{
    return http_fd(shell->http);
}

void desk_shell_look(struct desk_shell *shell)
{
    http_run(shell->http);
}

void desk_shell_result(struct desk_shell *shell, struct effect_result *result)
{
    desk_result(shell->desk, result, wall_now());
}

void desk_shell_restore(struct desk_shell *shell, const struct service_row *row)
{
    desk_restore(shell->desk, row, wall_now());
}

void desk_shell_hint(struct desk_shell *shell, const struct forge_event *event)
{
    desk_hint(shell->desk, event, wall_now());
}

static void renew_credential(struct desk_shell *shell, const char *name)
{
    const struct service_spec *service =
        service_find(shell->options.services, shell->options.n_services, name);
    if (service != NULL) {
        http_renew(shell->http, service);
    }
}

void desk_shell_order(struct desk_shell *shell, const struct service_order *order)
{
    if (order->is_renew) {
        renew_credential(shell, order->service);
    }
    desk_order(shell->desk, order, wall_now());
}

/* ---- the sweep ------------------------------------------------------------------------
 */

/* The op is opened once more with its memo, only to be stopped: it ends what it began. */
static void end_orphan(struct desk_shell *shell, int64_t workflow, int64_t seq)
{
    struct err err = ERR_INIT;
    const struct effect_row *rows = NULL;
    size_t n = 0;
    struct arena *arena = arena_new();
    struct reader *reader = job_reader(shell->options.shop, &err);
    bool is_there =
        reader != NULL && reader_effects(reader, arena, workflow, &rows, &n, &err);
    const struct effect_row *row = NULL;
    for (size_t i = 0; is_there && i < n; i++) {
        row = rows[i].seq == seq ? &rows[i] : row;
    }
    if (row != NULL) {
        struct held *held = hold(shell, row);
        held->is_orphan = held->is_marked = true;
        hand_over(shell, held);
    } else if (is_there) {
        unmark(shell, workflow, seq);
    }
    arena_free(arena);
}

static bool is_held(const void *user, int64_t workflow, int64_t seq)
{
    return find(user, workflow, seq) != NULL;
}

void desk_shell_sweep(struct desk_shell *shell)
{
    AUTO_FREE char *folder = file_join(shell->options.shop->work, "live");
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char *end;
        if (strncmp(entry->d_name, "op-", 3) != 0) {
            continue;
        }
        long long workflow = strtoll(entry->d_name + 3, &end, 10);
        long long seq = *end == '.' ? strtoll(end + 1, &end, 10) : 0;
        if (*end == '\0' && find(shell, workflow, seq) == NULL) {
            end_orphan(shell, workflow, seq);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir); /* only read */
    }
    job_sweep(shell->options.shop, is_held, shell);
}

/* ---- beginning and end ----------------------------------------------------------------
 */

struct desk_shell *desk_shell_start(const struct desk_shell_options *options,
                                    struct err *err)
{
    struct desk_shell *shell = mem_alloc(sizeof(*shell));
    uint64_t seed = (uint64_t)mono_now().ns;
    (void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK); /* jitter only has to differ */
    shell->options = *options;
    shell->calls.on_spans = options->on_spans;
    shell->calls.user = options->user;
    shell->http = http_start(&(struct http_options){.on_answer = on_answer,
                                                    .user = shell,
                                                    .ca_file = options->ca_file},
                             err);
    if (shell->http == NULL) {
        desk_shell_stop(shell);
        return NULL;
    }
    shell->desk = desk_new(&(struct desk_options){.services = options->services,
                                                  .n_services = options->n_services,
                                                  .seed = seed,
                                                  .report_every = {1000},
                                                  .has_listener = options->has_listener,
                                                  .find_op = options->find_op},
                           wall_now());
    if (options->has_listener && desk_chore_has(options->services, options->n_services)) {
        shell->chore_at = in_ms(options->chore_first.ms > 0 ? options->chore_first.ms
                                                            : DESK_CHORE_FIRST.ms);
    }
    return shell;
}

void desk_shell_stop(struct desk_shell *shell)
{
    if (shell == NULL) {
        return;
    }
    http_stop(shell->http);
    desk_free(shell->desk);
    desk_calls_fini(&shell->calls);
    size_t iter = 0;
    for (struct held *held; (held = idmap_next(&shell->held, &iter)) != NULL;) {
        for (struct held *next; held != NULL; held = next) {
            next = held->next;
            free_held(held);
        }
    }
    idmap_fini(&shell->held);
    free(shell->stuck.text);
    free(shell);
}
