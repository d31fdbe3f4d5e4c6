/* SPDX-License-Identifier: MIT */
/* The order as a value and as spec.json. The answer is in order_answer.c. */
#include "engine/service/order.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/trace/span.h"

#define SPEC_MAX (4 * 1024 * 1024)

char *order_folder(const char *work, int64_t workflow, int64_t seq)
{
    return mem_printf("%s/wf-%lld/fx-%lld", work, (long long)workflow, (long long)seq);
}

/* clang-format off */
/* Texts about services and the forge, for spec.json and for order_free. */
#define SERVICE_FIELDS(X)                                                                \
    X(provider) X(service_provider) X(forge_url) X(forge_token.env) X(forge_token.file)  \
    X(forge.provider) X(forge.repository) X(forge.clone) X(evaluator_url)                \
    X(evaluator_task) X(watch.commit)
/* clang-format on */

/* ---- building from the store ----------------------------------------------------------
 */

static const struct command_spec *command_of(const struct pipeline *pipeline,
                                             const struct effect_row *effect)
{
    static const struct command_spec none = {0};
    size_t step = effect->step >= 0 ? (size_t)effect->step : SIZE_MAX;
    switch (effect->kind) {
    case EFFECT_PLAN:
        return &pipeline->plan;
    case EFFECT_CODE:
        return &pipeline->agent;
    case EFFECT_EVALUATE:
        return &pipeline->evaluator;
    case EFFECT_SETUP:
        return step < pipeline->n_setup ? &pipeline->setup[step] : NULL;
    case EFFECT_CHECK:
        return step < pipeline->n_checks ? &pipeline->checks[step] : NULL;
    default:
        return &none;
    }
}

static void copy_command(struct command_spec *to, const struct command_spec *from)
{
    *to = (struct command_spec){.name = mem_str(from->name != NULL ? from->name : ""),
                                .text = mem_str(from->text != NULL ? from->text : ""),
                                .timeout = from->timeout,
                                .retries = from->retries,
                                .may_fail = from->may_fail};
    size_t n = 0;
    while (from->argv != NULL && from->argv[n] != NULL) {
        n++;
    }
    if (n > 0) {
        to->argv = mem_array(n + 1, sizeof(char *));
        for (size_t i = 0; i < n; i++) {
            to->argv[i] = mem_str(from->argv[i]);
        }
    }
    to->n_env = from->n_env;
    to->env = mem_array(from->n_env, sizeof(*to->env));
    for (size_t i = 0; i < from->n_env; i++) {
        to->env[i] = (struct env_var){.name = mem_str(from->env[i].name),
                                      .value = mem_str(from->env[i].value)};
    }
}

static void free_command(struct command_spec *command)
{
    for (size_t i = 0; command->argv != NULL && command->argv[i] != NULL; i++) {
        free(command->argv[i]);
    }
    free(command->argv);
    for (size_t i = 0; i < command->n_env; i++) {
        free(command->env[i].name);
        free(command->env[i].value);
    }
    free(command->env);
    free(command->name);
    free(command->text);
    *command = (struct command_spec){0};
}

static void replace(char **text, const char *with)
{
    char *copy = mem_str(with != NULL ? with : "");
    free(*text);
    *text = copy;
}

static char **copy_list(char *const *list, size_t n)
{
    char **copy = mem_array(n, sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        copy[i] = mem_str(list[i]);
    }
    return copy;
}

static void free_list(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i]);
    }
    free(list);
}

static void copy_forge(struct forge_spec *to, const struct forge_spec *from)
{
    *to = *from;
    to->provider = mem_str(from->provider != NULL ? from->provider : "");
    to->repository = mem_str(from->repository != NULL ? from->repository : "");
    to->clone = mem_str(from->clone != NULL ? from->clone : "");
    to->expected = copy_list(from->expected, from->n_expected);
    to->labels = copy_list(from->labels, from->n_labels);
}

void order_set_provider(struct order *order, const struct service_spec *service)
{
    static const struct command_spec none = {0};
    replace(&order->provider, service != NULL ? service->name : SERVICE_LOCAL);
    replace(&order->service_provider, service != NULL ? service->provider : "");
    order->service_kind = service != NULL ? service->kind : SERVICE_CODEGEN;
    order->message_max = service != NULL ? service->message_max : 0;
    free_command(&order->service_command);
    copy_command(&order->service_command, service != NULL ? &service->command : &none);
    for (size_t i = 0; service != NULL && i < service->n_env; i++) {
        struct command_spec *command = &order->service_command;
        command->env = mem_grow(command->env, command->n_env + 1, sizeof(*command->env));
        command->env[command->n_env++] =
            (struct env_var){.name = mem_str(service->env[i].name),
                             .value = mem_str(service->env[i].value)};
    }
}

void order_set_command(struct order *order, const struct command_spec *command)
{
    free_command(&order->command);
    copy_command(&order->command, command);
    order->bounds = (struct bounds){.has_network = true};
}

void order_set_forge(struct order *order, const struct service_spec *forge)
{
    bool has_url = forge->url != NULL && forge->url[0] != '\0';
    replace(&order->forge_url, has_url ? forge->url : service_kind_url(forge->kind));
    replace(&order->forge_token.env, forge->token.env);
    replace(&order->forge_token.file, forge->token.file);
    free_command(&order->forge_token.command);
    copy_command(&order->forge_token.command, &forge->token.command);
}

bool order_is_remote(const struct order *order)
{
    return order->forge.repository != NULL && order->forge.repository[0] != '\0';
}

static void add_step(struct order_watch *watch, const struct command_spec *step)
{
    watch->steps = mem_grow(watch->steps, watch->n_steps + 1, sizeof(*watch->steps));
    copy_command(&watch->steps[watch->n_steps++], step);
}

/* What params say of a look at the base after the merge. */
static void build_watch(struct order *order, const struct pipeline *pipeline,
                        const struct json *params)
{
    struct order_watch *watch = &order->watch;
    uint64_t checks = strtoull(json_str(params, "watch_checks", "0"), NULL, 16);
    watch->commit = mem_str(json_str(params, "watch_commit", ""));
    watch->is_parent = json_bool(params, "watch_parent", false);
    watch->checks = (int64_t)checks;
    if (order->kind != EFFECT_WATCH && order->kind != EFFECT_CONFIRM) {
        return;
    }
    for (size_t i = 0; i < pipeline->n_setup; i++) {
        add_step(watch, &pipeline->setup[i]);
    }
    watch->n_setup = watch->n_steps;
    for (size_t i = 0; i < pipeline->n_checks && i < PIPELINE_STEPS_MAX; i++) {
        if ((checks >> i & 1) != 0) {
            watch->numbers[watch->n_steps - watch->n_setup] = (int)i;
            add_step(watch, &pipeline->checks[i]);
        }
    }
}

/* SEQ-NAME, with the name reduced to [a-z0-9-]. */
static char *log_path(const struct effect_row *effect)
{
    char name[64];
    size_t len = 0;
    const char *from = effect->name[0] != '\0' ? effect->name : effect_name(effect->kind);
    for (; *from != '\0' && len + 1 < sizeof(name); from++) {
        int c = tolower((unsigned char)*from);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            name[len++] = (char)c;
        } else if (len > 0 && name[len - 1] != '-') {
            name[len++] = '-';
        }
    }
    while (len > 0 && name[len - 1] == '-') {
        len--;
    }
    return mem_printf("wf-%lld/%lld%s%.*s", (long long)effect->workflow,
                      (long long)effect->seq, len > 0 ? "-" : "", (int)len, name);
}

/* The effect and those that it is performed for: the numbers before its own, by the pipeline. */
static void build_checks(struct order *order, const struct pipeline *pipeline,
                         const struct workflow_row *workflow,
                         const struct effect_row *effect, const struct json *params)
{
    int64_t n = json_int(params, "checks", 1);
    char traceparent[TRACEPARENT_MAX];
    if (effect->kind != EFFECT_CHECK || n < 2 || n > effect->step + 1) {
        return;
    }
    order->checks = mem_array((size_t)n, sizeof(*order->checks));
    order->n_checks = (size_t)n;
    order->lanes = pipeline->parallel;
    for (size_t i = 0; i < order->n_checks; i++) {
        struct order_check *check = &order->checks[i];
        struct effect_row row = *effect;
        row.seq = effect->seq - (n - 1) + (int64_t)i;
        row.step = effect->step - (int)(n - 1) + (int)i;
        const struct command_spec *command = &pipeline->checks[row.step];
        row.name = command->name != NULL ? command->name : "";
        struct trace_context context = trace_of_step(workflow, row.seq);
        check->seq = row.seq;
        check->step = row.step;
        check->log = log_path(&row);
        check->traceparent = mem_str(traceparent_format(&context, traceparent));
        copy_command(&check->command, command);
        check->command.may_fail =
            command->may_fail || effect->asked_at.ms < command->quarantine.ms;
    }
}

/* Value of a key in the effect's params, else the workflow's. */
static char *param(const struct json *params, const char *key, const char *otherwise)
{
    return mem_str(json_str(params, key, otherwise != NULL ? otherwise : ""));
}

struct order *order_build(const struct pipeline *pipeline,
                          const struct workflow_row *workflow,
                          const struct effect_row *effect,
                          const struct order_paths *paths, struct err *err)
{
    static const struct pipeline no_pipeline = {0};
    const struct pipeline *from = pipeline != NULL ? pipeline : &no_pipeline;
    const struct command_spec *command = command_of(from, effect);
    if (command == NULL) {
        err_set(err, ERR_CONFIG, "pipeline %s has no %s step number %d",
                workflow->pipeline, effect_name(effect->kind), effect->step + 1);
        return NULL;
    }
    if (!text_is_utf8(workflow->repo, strlen(workflow->repo))) {
        err_set(err, ERR_CONFIG, "the path of the repository is not UTF-8");
        return NULL;
    }
    struct err bad = ERR_INIT;
    struct trace_context context = trace_of_step(workflow, effect->seq);
    char traceparent[TRACEPARENT_MAX];
    struct json *params = json_parse(effect->params, strlen(effect->params), &bad);
    struct order *order = mem_alloc(sizeof(*order));
    order->workflow = effect->workflow;
    order->seq = effect->seq;
    order->kind = effect->kind;
    order->step = effect->step;
    order->iteration = effect->iteration;
    order->attempt = effect->attempt;
    order->asked_at = effect->asked_at;
    order->deadline_at = effect->deadline_at;
    order->name = mem_str(effect->name);
    order->repo = mem_str(workflow->repo);
    order->base = param(params, "base", from->base);
    order->title = mem_str(workflow->title);
    order->submitter = mem_str(workflow->submitter);
    order->branch = param(params, "branch", workflow->branch);
    order->base_sha = param(params, "base_sha", workflow->base_sha);
    order->head_sha = param(params, "head_sha", workflow->head_sha);
    order->merge_sha = param(params, "merge_sha", workflow->merge_sha);
    order->pr_number = json_int(params, "pr_number", workflow->pr_number);
    order->is_adopted = workflow->is_adopted;
    order->method = from->merge_method;
    order->bounds = from->bounds;
    order->stall = from->stall;
    order->grace = ORDER_GRACE;
    order->log_folder = mem_str(paths->logs);
    order->log_max = paths->log_max;
    order->log = log_path(effect);
    order->traceparent = mem_str(traceparent_format(&context, traceparent));
    copy_command(&order->command, command);
    copy_forge(&order->forge, &from->forge);
    build_watch(order, from, params);
    build_checks(order, from, workflow, effect, params);
    order_set_provider(order, NULL);
    replace(&order->forge_url, "");
    replace(&order->forge_token.env, "");
    replace(&order->forge_token.file, "");
    replace(&order->evaluator_url, from->evaluator_url);
    replace(&order->evaluator_task, from->evaluator_task);
    order->folder = order_folder(paths->work, effect->workflow, effect->seq);
    order->workflow_folder =
        mem_printf("%s/wf-%lld", paths->work, (long long)effect->workflow);
    json_free(params);
    return order;
}

void order_free(struct order *order)
{
    if (order == NULL) {
        return;
    }
    free_command(&order->command);
    free_command(&order->service_command);
    free_command(&order->forge_token.command);
    free_list(order->forge.expected, order->forge.n_expected);
    free_list(order->forge.labels, order->forge.n_labels);
    for (size_t i = 0; i < order->watch.n_steps; i++) {
        free_command(&order->watch.steps[i]);
    }
    free(order->watch.steps);
    for (size_t i = 0; i < order->n_checks; i++) {
        free_command(&order->checks[i].command);
        free(order->checks[i].log);
        free(order->checks[i].traceparent);
    }
    free(order->checks);
#define X(field) free(order->field);
    SERVICE_FIELDS(X)
#undef X
    free(order->name);
    free(order->repo);
    free(order->base);
    free(order->title);
    free(order->submitter);
    free(order->branch);
    free(order->base_sha);
    free(order->head_sha);
    free(order->merge_sha);
    free(order->log_folder);
    free(order->log);
    free(order->traceparent);
    free(order->folder);
    free(order->workflow_folder);
    free(order);
}

/* ---- spec.json ------------------------------------------------------------------------
 */

/* clang-format off */
/* The plain fields, once for both directions. */
#define TEXT_FIELDS(X)                                                                   \
    X(name)                                                                              \
    X(repo)                                                                              \
    X(base) X(title) X(submitter) X(branch) X(base_sha) X(head_sha) X(merge_sha)         \
        X(log_folder) X(log) X(traceparent)
#define INT_FIELDS(X)                                                                    \
    X(workflow)                                                                          \
    X(seq)                                                                               \
    X(step) X(iteration) X(attempt) X(asked_at.ms) X(deadline_at.ms) X(pr_number)        \
        X(method) X(grace.ms) X(log_max) X(command.timeout.ms) X(command.retries)        \
            X(command.may_fail) X(bounds.cpu.ms) X(bounds.memory) X(bounds.file_size)    \
                X(bounds.processes) X(bounds.has_network) X(message_max) X(forge.checks) \
                    X(forge.is_draft) X(forge.updates_branch) X(watch.is_parent)         \
                        X(watch.checks) X(watch.n_setup) X(stall.ms) X(lanes)
/* clang-format on */

static void write_command(struct jsonw *w, const struct command_spec *command)
{
    jsonw_str(w, "command.name", command->name);
    jsonw_str(w, "command.text", command->text);
    jsonw_open(w, "argv", '[');
    for (size_t i = 0; command->argv != NULL && command->argv[i] != NULL; i++) {
        jsonw_str(w, NULL, command->argv[i]);
    }
    jsonw_close(w, ']');
    jsonw_open(w, "env", '[');
    for (size_t i = 0; i < command->n_env; i++) {
        jsonw_open(w, NULL, '[');
        jsonw_str(w, NULL, command->env[i].name);
        jsonw_str(w, NULL, command->env[i].value);
        jsonw_close(w, ']');
    }
    jsonw_close(w, ']');
}

static void write_list(struct jsonw *w, const char *key, char *const *list, size_t n)
{
    jsonw_open(w, key, '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_str(w, NULL, list[i]);
    }
    jsonw_close(w, ']');
}

static void write_services(struct jsonw *w, const struct order *order)
{
#define X(field) jsonw_str(w, #field, order->field);
    SERVICE_FIELDS(X)
#undef X
    jsonw_str(w, "service_kind", service_kind_word(order->service_kind));
    jsonw_open(w, "service_command", '{');
    write_command(w, &order->service_command);
    jsonw_close(w, '}');
    jsonw_open(w, "forge_token.command", '{');
    write_command(w, &order->forge_token.command);
    jsonw_close(w, '}');
    write_list(w, "forge.expected", order->forge.expected, order->forge.n_expected);
    write_list(w, "forge.labels", order->forge.labels, order->forge.n_labels);
}

static void write_watch(struct jsonw *w, const struct order_watch *watch)
{
    jsonw_open(w, "watch.steps", '[');
    for (size_t i = 0; i < watch->n_steps; i++) {
        const struct command_spec *step = &watch->steps[i];
        jsonw_open(w, NULL, '{');
        write_command(w, step);
        jsonw_int(w, "timeout.ms", step->timeout.ms);
        jsonw_int(w, "retries", step->retries);
        jsonw_int(w, "number",
                  i < watch->n_setup ? -1 : watch->numbers[i - watch->n_setup]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_checks(struct jsonw *w, const struct order *order)
{
    jsonw_open(w, "checks", '[');
    for (size_t i = 0; i < order->n_checks; i++) {
        const struct order_check *check = &order->checks[i];
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "seq", check->seq);
        jsonw_int(w, "step", check->step);
        jsonw_str(w, "log", check->log);
        jsonw_str(w, "traceparent", check->traceparent);
        write_command(w, &check->command);
        jsonw_int(w, "timeout.ms", check->command.timeout.ms);
        jsonw_int(w, "retries", check->command.retries);
        jsonw_bool(w, "may_fail", check->command.may_fail);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

/* Without fsync: an order that a power failure took is written again before it is run. */
static bool write_plain(const char *path, const char *data, size_t len, struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_sys(err, "%s", path);
    }
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return err_sys(err, "%s", path);
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool write_doc(const struct order *order, struct reader *reader, enum doc_kind doc,
                      const char *name, struct err *err)
{
    struct arena *arena = arena_new();
    const char *text = "";
    size_t len = 0;
    AUTO_FREE char *path = file_join(order->folder, name);
    bool done =
        reader_doc(reader, arena, order->workflow, doc, &text, &len, err) != FOUND_FAILED;
    done = done && write_plain(path, text, len, err);
    arena_free(arena);
    return done;
}

bool order_needs_docs(enum effect_kind kind)
{
    static const unsigned needs_docs = 1u << EFFECT_PLAN | 1u << EFFECT_CODE |
                                       1u << EFFECT_EVALUATE | 1u << EFFECT_COMMIT |
                                       1u << EFFECT_PULL_REQUEST | 1u << EFFECT_MERGE;
    return (needs_docs & 1u << kind) != 0;
}

bool order_write(const struct order *order, struct reader *reader, struct err *err)
{
    AUTO_BUF struct buf buf;
    buf_init(&buf, SPEC_MAX);
    struct jsonw w;
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "kind", effect_name(order->kind));
#define X(field) jsonw_str(&w, #field, order->field);
    TEXT_FIELDS(X)
#undef X
#define X(field) jsonw_int(&w, #field, (int64_t)order->field);
    INT_FIELDS(X)
#undef X
    write_command(&w, &order->command);
    write_services(&w, order);
    write_watch(&w, &order->watch);
    write_checks(&w, order);
    jsonw_close(&w, '}');
    if (buf.is_cut) {
        return err_set(err, ERR_TOO_LARGE, "order above %d bytes", SPEC_MAX);
    }
    if (!file_make_dirs(order->folder, err)) {
        return false;
    }
    if (reader != NULL && order_needs_docs(order->kind) &&
        (!write_doc(order, reader, DOC_TASK, "task.md", err) ||
         !write_doc(order, reader, DOC_PLAN, "plan.md", err) ||
         !write_doc(order, reader, DOC_ERRORS, "errors.md", err))) {
        return false;
    }
    AUTO_FREE char *path = file_join(order->folder, "spec.json");
    return write_plain(path, buf.data, buf.len, err);
}

static void read_command(const struct json *root, struct command_spec *command)
{
    const struct json *argv = json_get(root, "argv"), *env = json_get(root, "env");
    command->name = mem_str(json_str(root, "command.name", ""));
    command->text = mem_str(json_str(root, "command.text", ""));
    size_t n = json_len(argv);
    if (n > 0) {
        command->argv = mem_array(n + 1, sizeof(char *));
        for (size_t i = 0; i < n; i++) {
            const char *text = json_text(json_at(argv, i));
            command->argv[i] = mem_str(text != NULL ? text : "");
        }
    }
    command->n_env = json_len(env);
    command->env = mem_array(command->n_env, sizeof(*command->env));
    for (size_t i = 0; i < command->n_env; i++) {
        const char *name = json_text(json_at(json_at(env, i), 0));
        const char *value = json_text(json_at(json_at(env, i), 1));
        command->env[i] = (struct env_var){.name = mem_str(name != NULL ? name : ""),
                                           .value = mem_str(value != NULL ? value : "")};
    }
}

static char **read_list(const struct json *array, size_t *ret_n)
{
    size_t n = json_len(array);
    char **list = mem_array(n, sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        const char *text = json_text(json_at(array, i));
        list[i] = mem_str(text != NULL ? text : "");
    }
    *ret_n = n;
    return list;
}

static void read_services(const struct json *root, struct order *order)
{
#define X(field) order->field = mem_str(json_str(root, #field, ""));
    SERVICE_FIELDS(X)
#undef X
    const char *kind = json_str(root, "service_kind", "");
    for (int i = 0; i < SERVICE_KIND_COUNT; i++) {
        if (strcmp(kind, service_kind_word((enum service_kind)i)) == 0) {
            order->service_kind = (enum service_kind)i;
        }
    }
    read_command(json_get(root, "service_command"), &order->service_command);
    read_command(json_get(root, "forge_token.command"), &order->forge_token.command);
    order->forge.expected =
        read_list(json_get(root, "forge.expected"), &order->forge.n_expected);
    order->forge.labels =
        read_list(json_get(root, "forge.labels"), &order->forge.n_labels);
    if (order->provider[0] == '\0') {
        replace(&order->provider, SERVICE_LOCAL); /* of an earlier version */
    }
}

static void read_watch(const struct json *root, struct order_watch *watch)
{
    const struct json *steps = json_get(root, "watch.steps");
    watch->n_steps = json_len(steps);
    watch->steps = mem_array(watch->n_steps, sizeof(*watch->steps));
    watch->n_setup = watch->n_setup < watch->n_steps ? watch->n_setup : watch->n_steps;
    for (size_t i = 0; i < watch->n_steps; i++) {
        const struct json *step = json_at(steps, i);
        read_command(step, &watch->steps[i]);
        watch->steps[i].timeout.ms = json_int(step, "timeout.ms", 0);
        watch->steps[i].retries = (int)json_int(step, "retries", 0);
        if (i >= watch->n_setup && i - watch->n_setup < PIPELINE_STEPS_MAX) {
            watch->numbers[i - watch->n_setup] = (int)json_int(step, "number", 0);
        }
    }
}

static void read_checks(const struct json *root, struct order *order)
{
    const struct json *checks = json_get(root, "checks");
    size_t n = json_len(checks);
    if (n == 0) {
        return;
    }
    order->checks = mem_array(n, sizeof(*order->checks));
    order->n_checks = n;
    for (size_t i = 0; i < n; i++) {
        const struct json *from = json_at(checks, i);
        struct order_check *check = &order->checks[i];
        check->seq = json_int(from, "seq", 0);
        check->step = (int)json_int(from, "step", 0);
        check->log = mem_str(json_str(from, "log", ""));
        check->traceparent = mem_str(json_str(from, "traceparent", ""));
        read_command(from, &check->command);
        check->command.timeout.ms = json_int(from, "timeout.ms", 0);
        check->command.retries = (int)json_int(from, "retries", 0);
        check->command.may_fail = json_bool(from, "may_fail", false);
    }
}

struct order *order_read(const char *folder, struct err *err)
{
    AUTO_FREE char *path = file_join(folder, "spec.json");
    AUTO_FREE char *text = NULL;
    size_t len;
    if (!file_read(path, SPEC_MAX, &text, &len, err)) {
        return NULL;
    }
    struct json *root = json_parse(text, len, err);
    if (root == NULL) {
        err_wrap(err, "%s", path);
        return NULL;
    }
    struct order *order = mem_alloc(sizeof(*order));
    const char *kind = json_str(root, "kind", "");
    for (int i = 0; i < EFFECT_COUNT; i++) {
        if (strcmp(kind, effect_name((enum effect_kind)i)) == 0) {
            order->kind = (enum effect_kind)i;
        }
    }
#define X(field) order->field = mem_str(json_str(root, #field, ""));
    TEXT_FIELDS(X)
#undef X
#define X(field) order->field = (__typeof__(order->field))json_int(root, #field, 0);
    INT_FIELDS(X)
#undef X
    read_command(root, &order->command);
    read_services(root, order);
    read_watch(root, &order->watch);
    read_checks(root, order);
    order->folder = mem_str(folder);
    order->workflow_folder = mem_str(folder);
    char *slash = strrchr(order->workflow_folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    json_free(root);
    return order;
}

char *order_doc(const struct order *order, const char *name, size_t *ret_len)
{
    AUTO_FREE char *path = file_join(order->folder, name);
    char *text;
    struct err err = ERR_INIT;
    if (!file_read(path, (size_t)DOC_MAX, &text, ret_len, &err)) {
        *ret_len = 0;
        return mem_str("");
    }
    return text;
}

/* ---- borrowed variables ---------------------------------------------------------------
 */

bool order_borrows(const char *value, char *name, size_t cap)
{
    size_t len = strlen(value);
    if (len < 4 || value[0] != '$' || value[1] != '{' || value[len - 1] != '}' ||
        len - 3 >= cap) {
        return false;
    }
    for (size_t i = 2; i < len - 1; i++) {
        if (!isalnum((unsigned char)value[i]) && value[i] != '_') {
            return false;
        }
    }
    memcpy(name, value + 2, len - 3);
    name[len - 3] = '\0';
    return true;
}
