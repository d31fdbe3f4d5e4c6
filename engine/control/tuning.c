/* SPDX-License-Identifier: MIT */
#include "engine/control/tuning.h"

#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/learning/tuning.h"
#include "engine/service/service.h"
#include "engine/workflow/schema.h"

#define BELOW_TEXT_MAX (16u << 20)
#define VALUE_TEXT_MAX (8 * TUNING_VALUE_MAX)
/* Messages between control and io have room for two of each workflow beside what there always
 * is (engine/io/io.c): beyond this the engine has to be started anew. */
#define RUNNING_MOST(configured) (2 * (configured) + 256)

/* One tuning; its strings are owned. Oldest first: of one key the last is on top. */
struct tuned {
    struct tuning_row row;
    char *setting, *scope, *value, *actor, *reason;
};

struct tunings {
    struct tuned *rows;
    size_t n, cap;
    int max_running; /* as configured */
    struct machine_limits limits;
};

void tuning_init(struct control *control)
{
    control->tunings = mem_alloc(sizeof(*control->tunings));
    control->tunings->max_running = control->options.max_running;
    control->tunings->limits = control->options.limits;
}

static void tuned_fini(struct tuned *tuned)
{
    free(tuned->setting);
    free(tuned->scope);
    free(tuned->value);
    free(tuned->actor);
    free(tuned->reason);
}

void tuning_fini(struct control *control)
{
    for (size_t i = 0; i < control->tunings->n; i++) {
        tuned_fini(&control->tunings->rows[i]);
    }
    free(control->tunings->rows);
    free(control->tunings);
}

static bool is_key(const struct tuned *tuned, const char *setting, const char *scope)
{
    return strcmp(tuned->setting, setting) == 0 && strcmp(tuned->scope, scope) == 0;
}

/* The newest of a key among the first n; n when there is none. */
static size_t find_top(const struct tunings *tunings, size_t n, const char *setting,
                       const char *scope)
{
    for (size_t i = n; i > 0; i--) {
        if (is_key(&tunings->rows[i - 1], setting, scope)) {
            return i - 1;
        }
    }
    return n;
}

static bool is_on_top(const struct tunings *tunings, size_t at)
{
    const struct tuned *tuned = &tunings->rows[at];
    return find_top(tunings, tunings->n, tuned->setting, tuned->scope) == at;
}

const struct tuning_row *tuning_in_force(const struct control *control,
                                         const char *setting, const char *scope)
{
    const struct tunings *tunings = control->tunings;
    size_t at = find_top(tunings, tunings->n, setting, scope);
    return at < tunings->n ? &tunings->rows[at].row : NULL;
}

static struct tuned *add(struct tunings *tunings, const struct tuning_row *row)
{
    if (tunings->rows == NULL || tunings->n == tunings->cap) {
        tunings->cap = tunings->cap > 0 ? tunings->cap * 2 : 16;
        tunings->rows = mem_grow(tunings->rows, tunings->cap, sizeof(*tunings->rows));
    }
    struct tuned *tuned = &tunings->rows[tunings->n++];
    *tuned = (struct tuned){.row = *row,
                            .setting = mem_str(row->setting),
                            .scope = mem_str(row->scope),
                            .value = mem_str(row->value),
                            .actor = mem_str(row->actor),
                            .reason = mem_str(row->reason)};
    tuned->row.setting = tuned->setting;
    tuned->row.scope = tuned->scope;
    tuned->row.value = tuned->value;
    tuned->row.actor = tuned->actor;
    tuned->row.reason = tuned->reason;
    tuned->row.was = "";
    return tuned;
}

static void take_out(struct tunings *tunings, size_t at)
{
    tuned_fini(&tunings->rows[at]);
    tunings->n--;
    memmove(&tunings->rows[at], &tunings->rows[at + 1],
            (tunings->n - at) * sizeof(*tunings->rows));
}

/* ---- in the store ---- */

static void put_below(struct control *control)
{
    const struct tunings *tunings = control->tunings;
    AUTO_BUF struct buf buf;
    struct jsonw w;
    size_t n = 0;
    buf_init(&buf, BELOW_TEXT_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '[');
    for (size_t i = 0; i < tunings->n; i++) {
        const struct tuning_row *row = &tunings->rows[i].row;
        if (is_on_top(tunings, i)) {
            continue;
        }
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "setting", row->setting);
        jsonw_str(&w, "scope", row->scope);
        jsonw_str(&w, "value", row->value);
        jsonw_str(&w, "actor", row->actor);
        jsonw_str(&w, "reason", row->reason);
        jsonw_int(&w, "since", row->since.ms);
        jsonw_int(&w, "until", row->until.ms);
        jsonw_int(&w, "optimization", row->optimization);
        jsonw_close(&w, '}');
        n++;
    }
    jsonw_close(&w, ']');
    store_put_setting(control->store, TUNINGS_BELOW, n > 0 ? buf.data : "");
}

/* Row of a key, and those below, as they are now. */
static void put_key(struct control *control, const char *setting, const char *scope)
{
    const struct tunings *tunings = control->tunings;
    size_t top = find_top(tunings, tunings->n, setting, scope);
    put_below(control);
    if (tunings->rows == NULL || top == tunings->n) {
        store_drop_tuning(control->store, setting, scope);
        return;
    }
    size_t below = find_top(tunings, top, setting, scope);
    struct tuning_row row = tunings->rows[top].row;
    row.was = below < top ? tunings->rows[below].value : "";
    store_put_tuning(control->store, &row);
}

/* ---- in the engine ---- */

/* As a number, or `configured` when it is not tuned. */
static int64_t number_of(const struct control *control, const char *setting,
                         const char *scope, int64_t configured)
{
    const struct tuning_row *row = tuning_in_force(control, setting, scope);
    double number = 0;
    return row != NULL && tuning_number(setting, row->value, &number) ? (int64_t)number
                                                                      : configured;
}

int tuning_scaled(const struct control *control, const char *service)
{
    int n = 0;
    for (size_t i = 0; i < control->options.n_scales; i++) {
        const struct scale_spec *scale = &control->options.scales[i];
        if (strcmp(scale->service != NULL ? scale->service : "", service) != 0) {
            continue;
        }
        char setting[TUNING_SCOPE_MAX];
        (void)snprintf(setting, sizeof(setting), "scale/%.100s", scale->name);
        for (size_t k = 0; k < control->tunings->n; k++) {
            const struct tuned *tuned = &control->tunings->rows[k];
            bool is_up = strcmp(tuned->value, "up") == 0;
            n += !is_key(tuned, setting, "") ? 0 : is_up ? scale->adds : -scale->adds;
        }
    }
    return n;
}

/* A limit with what the machines add; at least one. */
static int with_scaled(const struct control *control, const char *service, int limit)
{
    int n = limit + tuning_scaled(control, service);
    return n > 1 ? n : 1;
}

static void set_engine(struct control *control)
{
    const struct tunings *tunings = control->tunings;
    struct machine_limits *limits = &control->options.limits;
    int running = (int)number_of(control, "max_running", "", tunings->max_running);
    running = with_scaled(control, "", running);
    control->options.max_running = running < RUNNING_MOST(tunings->max_running)
                                       ? running
                                       : RUNNING_MOST(tunings->max_running);
    limits->backoff.ms =
        number_of(control, "recovery.backoff", "", tunings->limits.backoff.ms);
    limits->backoff_max.ms =
        number_of(control, "recovery.backoff_max", "", tunings->limits.backoff_max.ms);
    if (limits->backoff_max.ms < limits->backoff.ms) {
        limits->backoff_max = limits->backoff;
    }
}

static void set_service(struct control *control, const char *scope)
{
    const char *name = tuning_scope_name(TUNING_SERVICE, scope);
    const struct service_spec *service =
        name != NULL
            ? service_find(control->options.services, control->options.n_services, name)
            : NULL;
    if (service == NULL) {
        return; /* it was taken out of the configuration */
    }
    struct service_order *order = mem_alloc(sizeof(*order));
    order->service = mem_str(name);
    order->actor = mem_str("engine");
    order->reason = mem_str("");
    order->has_tuning = true;
    order->tuning.concurrency = (int)number_of(control, "concurrency", scope, -1);
    if (tuning_scaled(control, name) != 0) {
        order->tuning.concurrency = with_scaled(
            control, name,
            (int)number_of(control, "concurrency", scope, service->gate.concurrency));
    }
    order->tuning.failures = (int)number_of(control, "breaker.failures", scope, -1);
    order->tuning.open.ms = number_of(control, "breaker.open", scope, -1);
    order->tuning.poll.ms = number_of(control, "poll", scope, -1);
    control_send_order(control, order);
}

static void take_effect(struct control *control, const char *setting, const char *scope)
{
    const struct tuning_spec *spec = tuning_find(setting);
    char name[TUNING_NAME_MAX], served[TUNING_SCOPE_MAX];
    const struct scale_spec *scale =
        spec != NULL && spec->kind == OPT_SCALE
            ? scale_find(control->options.scales, control->options.n_scales,
                         tuning_name(setting, name))
            : NULL;
    if (scale != NULL && scale->service != NULL && scale->service[0] != '\0') {
        set_service(control, tuning_scope_text(TUNING_SERVICE, scale->service, served));
    } else if (spec != NULL && spec->scope == TUNING_ENGINE) {
        set_engine(control);
    } else if (spec != NULL && spec->scope == TUNING_SERVICE) {
        set_service(control, scope);
    }
}

/* ---- what is in force ---- */

/* Of a service's spec: the path behind "services." */
static bool text_of_service(const struct control *control, const struct tuning_spec *spec,
                            const char *scope, struct buf *out)
{
    const char *name = tuning_scope_name(TUNING_SERVICE, scope);
    const struct service_spec *service =
        name != NULL
            ? service_find(control->options.services, control->options.n_services, name)
            : NULL;
    return service != NULL && schema_text(tuning_field(spec), service, out);
}

bool tuning_present(const struct control *control, const char *setting, const char *scope,
                    struct buf *ret_value)
{
    const struct tuning_spec *spec = tuning_find(setting);
    const struct tuning_row *row = tuning_in_force(control, setting, scope);
    const struct control_options *options = &control->options;
    if (spec == NULL || spec->scope == TUNING_PIPELINE) {
        return false;
    }
    if (spec->kind == OPT_SCALE && row == NULL) {
        return false;
    }
    buf_clear(ret_value);
    if (row != NULL) {
        return buf_str(ret_value, row->value);
    }
    if (spec->scope == TUNING_SERVICE) {
        return text_of_service(control, spec, scope, ret_value);
    }
    struct field field = *tuning_field(spec);
    field.offset = 0;
    if (strcmp(setting, "max_running") == 0) {
        return schema_text(&field, &options->max_running, ret_value);
    }
    return schema_text(&field,
                       strcmp(setting, "recovery.backoff") == 0
                           ? &options->limits.backoff
                           : &options->limits.backoff_max,
                       ret_value);
}

/* ---- put and taken back ---- */

static void tell(struct control *control, struct wall now, const char *kind,
                 const char *actor, const char *reason, const char *text)
{
    AUTO_FREE char *line =
        mem_printf("%s%s%s", text, reason[0] != '\0' ? ": " : "", reason);
    control_note(control, &(struct event_row){
                              .at = now, .kind = kind, .actor = actor, .text = line});
    if (strcmp(actor, "engine") == 0) { /* what people ask is in the audit as a command */
        control_audit(control, now, actor, kind, "", "done", "%s", line);
    }
}

static bool scale(struct control *control, const char *setting, const char *direction,
                  const char *actor, const char *reason, struct wall now, struct err *err)
{
    char name[TUNING_NAME_MAX];
    return scale_begin(control, tuning_name(setting, name), direction, true, actor,
                       reason, now, err);
}

const char *tuning_scope_shown(const char *scope)
{
    return scope[0] != '\0' ? scope : "engine";
}

static bool may_be(const struct control *control, const struct tuning_row *row,
                   const char *value, struct err *err)
{
    const struct tuning_spec *spec = tuning_find(row->setting);
    const char *name = tuning_scope_name(spec->scope, row->scope);
    int most = RUNNING_MOST(control->tunings->max_running);
    double number = 0;
    if (spec->scope == TUNING_SERVICE &&
        service_find(control->options.services, control->options.n_services, name) ==
            NULL) {
        return err_set(err, ERR_NOT_FOUND, "service: no service '%.64s' is configured",
                       name);
    }
    if (strcmp(row->setting, "max_running") == 0 &&
        tuning_number(row->setting, value, &number) && number > most) {
        return err_set(err, ERR_REFUSED,
                       "max_running: %s is more than this engine has room for; at most "
                       "%d, or configure it and start anew",
                       value, most);
    }
    if (control->tunings->n >= TUNINGS_MAX) {
        return err_set(err, ERR_FULL, "%d settings are tuned; take some back first",
                       TUNINGS_MAX);
    }
    return true;
}

bool tuning_apply(struct control *control, const struct tuning_row *row, struct wall now,
                  struct err *err)
{
    struct tunings *tunings = control->tunings;
    char clean[400];
    AUTO_BUF struct buf value, before;
    buf_init(&value, VALUE_TEXT_MAX);
    buf_init(&before, VALUE_TEXT_MAX);
    if (!tuning_check(row->setting, row->scope, row->value, &value, err) ||
        !may_be(control, row, value.data, err)) {
        return false;
    }
    if (wall_is_set(row->until) && row->until.ms <= now.ms) {
        return err_set(err, ERR_USAGE, "until: it is over already");
    }
    if (tuning_find(row->setting)->kind == OPT_SCALE &&
        !scale(control, row->setting, value.data, row->actor, row->reason, now, err)) {
        return false;
    }
    const struct tuning_row *below = tuning_in_force(control, row->setting, row->scope);
    if (below != NULL) {
        (void)buf_str(&before, below->value);
    } else if (!tuning_present(control, row->setting, row->scope, &before) ||
               before.len == 0) {
        (void)buf_str(&before, "as configured");
    }
    struct tuning_row whole = *row;
    whole.value = value.data;
    whole.since = now;
    whole.reason =
        text_clean_into(clean, sizeof(clean), row->reason != NULL ? row->reason : "");
    (void)add(tunings, &whole);
    put_key(control, row->setting, row->scope);
    take_effect(control, row->setting, row->scope);
    AUTO_FREE char *text =
        mem_printf("%s of %s is %s, was %s", row->setting, tuning_scope_shown(row->scope),
                   value.data, before.data);
    tell(control, now, "tuned", row->actor, whole.reason, text);
    return true;
}

/* has_failed: a scale command that did nothing, so that there is nothing to turn round. */
static void drop_at(struct control *control, size_t at, bool has_failed,
                    const char *actor, const char *reason, struct wall now)
{
    struct tunings *tunings = control->tunings;
    AUTO_FREE char *setting = mem_str(tunings->rows[at].setting);
    AUTO_FREE char *scope = mem_str(tunings->rows[at].scope);
    AUTO_FREE char *value = mem_str(tunings->rows[at].value);
    AUTO_BUF struct buf after;
    char clean[400];
    bool was_on_top = is_on_top(tunings, at);
    struct err err = ERR_INIT;
    bool is_scale = tuning_find(setting)->kind == OPT_SCALE;
    if (is_scale && !has_failed &&
        !scale(control, setting, strcmp(value, "up") == 0 ? "down" : "up", actor, reason,
               now, &err)) {
        tell(control, now, "scale-failed", "engine", err.msg, setting);
    }
    take_out(tunings, at);
    put_key(control, setting, scope);
    buf_init(&after, VALUE_TEXT_MAX);
    if (was_on_top || is_scale) {
        take_effect(control, setting, scope);
    }
    const struct tuning_row *row = tuning_in_force(control, setting, scope);
    if (row != NULL) {
        (void)buf_str(&after, row->value);
    } else if (!tuning_present(control, setting, scope, &after) || after.len == 0) {
        (void)buf_str(&after, "as configured");
    }
    AUTO_FREE char *text = mem_printf(
        "%s of %s is %s%s, %s %s", setting, tuning_scope_shown(scope),
        was_on_top ? "" : "still ", after.data, was_on_top ? "was" : "without", value);
    tell(control, now, "tuned-back", actor, text_clean_into(clean, sizeof(clean), reason),
         text);
}

bool tuning_drop(struct control *control, const char *setting, const char *scope,
                 int64_t optimization, const char *actor, const char *reason,
                 struct wall now, struct err *err)
{
    const struct tunings *tunings = control->tunings;
    char clean[80];
    for (size_t i = tunings->n; i > 0; i--) {
        const struct tuned *tuned = &tunings->rows[i - 1];
        if (is_key(tuned, setting, scope) &&
            (optimization == 0 || tuned->row.optimization == optimization)) {
            drop_at(control, i - 1, false, actor, reason, now);
            return true;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "%s of %.100s is not tuned",
                   text_clean_into(clean, sizeof(clean), setting),
                   tuning_scope_shown(scope));
}

int64_t tuning_scale_failed(struct control *control, const char *setting,
                            const char *direction, const char *reason, struct wall now)
{
    const struct tunings *tunings = control->tunings;
    for (size_t i = tunings->n; i > 0; i--) {
        const struct tuned *tuned = &tunings->rows[i - 1];
        if (is_key(tuned, setting, "") && strcmp(tuned->value, direction) == 0) {
            int64_t optimization = tuned->row.optimization;
            drop_at(control, i - 1, true, "engine", reason, now);
            return optimization;
        }
    }
    return 0;
}

/* ---- time ---- */

void tuning_tick(struct control *control, struct wall now)
{
    const struct tunings *tunings = control->tunings;
    for (size_t i = tunings->n; i > 0; i--) {
        struct wall until = tunings->rows[i - 1].row.until;
        if (wall_is_set(until) && until.ms <= now.ms) {
            drop_at(control, i - 1, false, "engine", "its time is over", now);
        }
    }
}

struct wall tuning_wake_at(const struct control *control)
{
    struct wall at = {0};
    for (size_t i = 0; i < control->tunings->n; i++) {
        struct wall until = control->tunings->rows[i].row.until;
        if (wall_is_set(until) && (!wall_is_set(at) || until.ms < at.ms)) {
            at = until;
        }
    }
    return at;
}

/* ---- after a start ---- */

static void on_tuning(void *user, const struct tuning_row *row)
{
    struct control *control = user;
    if (tuning_find(row->setting) != NULL && control->tunings->n < TUNINGS_MAX) {
        (void)add(control->tunings, row);
    }
}

static void load_below(struct control *control, const char *text)
{
    struct err ignored = ERR_INIT;
    struct json *list = text[0] != '\0' ? json_parse(text, strlen(text), &ignored) : NULL;
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *item = json_at(list, i);
        const struct tuning_row row = {
            .setting = json_str(item, "setting", ""),
            .scope = json_str(item, "scope", ""),
            .value = json_str(item, "value", ""),
            .actor = json_str(item, "actor", ""),
            .reason = json_str(item, "reason", ""),
            .since = {json_int(item, "since", 0)},
            .until = {json_int(item, "until", 0)},
            .optimization = json_int(item, "optimization", 0),
        };
        on_tuning(control, &row);
    }
    json_free(list);
}

bool tuning_load(struct control *control, struct err *err)
{
    struct arena *arena = arena_new();
    const char *text = "";
    const struct approval_sink sink = {.user = control, .tuning = on_tuning};
    bool is_good = store_load_setting(control->store, arena, TUNINGS_BELOW, &text, err);
    if (is_good) { /* those below first: they are older than those on top of them */
        load_below(control, text);
        is_good = store_load_approvals(control->store, &sink, err);
    }
    arena_free(arena);
    set_engine(control);
    for (size_t i = 0; is_good && i < control->options.n_services; i++) {
        char scope[TUNING_SCOPE_MAX];
        (void)tuning_scope_text(TUNING_SERVICE, control->options.services[i].name, scope);
        bool is_tuned = false;
        for (size_t k = 0; k < control->tunings->n; k++) {
            is_tuned = is_tuned || strcmp(control->tunings->rows[k].scope, scope) == 0;
        }
        is_tuned =
            is_tuned || tuning_scaled(control, control->options.services[i].name) != 0;
        if (is_tuned) {
            set_service(control, scope);
        }
    }
    return is_good;
}

/* ---- pipelines ---- */

static char *laid_over(const struct control *control, const struct pipeline *pipeline,
                       const char *text, const struct tuning_row *rows, size_t n,
                       tuning_fit *is_fit, struct wall now)
{
    AUTO_BUF struct buf whole;
    struct findings findings;
    size_t len = strlen(text);
    buf_init(&whole, PIPELINE_TEXT_MAX);
    (void)buf_add(&whole, text, len);
    (void)buf_str(&whole, len > 0 && text[len - 1] != '\n' ? "\n" : "");
    if (tuning_overlay(pipeline, rows, n, now, &whole) == 0 || whole.is_cut) {
        return NULL;
    }
    findings_init(&findings);
    struct pipeline *tuned =
        pipeline_parse(pipeline->name, whole.data, whole.len, &findings);
    bool is_good = tuned != NULL && is_fit(control, tuned);
    pipeline_free(tuned);
    findings_fini(&findings);
    return is_good ? buf_take(&whole, NULL) : NULL;
}

char *tuning_lay_over(const struct control *control, const struct pipeline *pipeline,
                      const char *text, tuning_fit *is_fit, struct wall now)
{
    const struct tunings *tunings = control->tunings;
    char scope[TUNING_SCOPE_MAX];
    size_t n = 0, len = strlen(text);
    (void)tuning_scope_text(TUNING_PIPELINE, pipeline->name, scope);
    if (pipeline_overlay_at(text, len) < len || tunings->n == 0) {
        return NULL;
    }
    AUTO_FREE struct tuning_row *rows = mem_array(tunings->n, sizeof(*rows));
    for (size_t i = 0; i < tunings->n; i++) {
        if (strcmp(tunings->rows[i].scope, scope) == 0 && is_on_top(tunings, i)) {
            rows[n++] = tunings->rows[i].row;
        }
    }
    char *all = laid_over(control, pipeline, text, rows, n, is_fit, now);
    if (all != NULL || n <= 1) {
        return all;
    }
    /* One of them does not fit any more: the others still do. */
    char *best = NULL;
    size_t n_good = 0;
    for (size_t i = 0; i < n; i++) {
        rows[n_good] = rows[i];
        char *with = laid_over(control, pipeline, text, rows, n_good + 1, is_fit, now);
        if (with != NULL) {
            free(best);
            best = with;
            n_good++;
        }
    }
    return best;
}
