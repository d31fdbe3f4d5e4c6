/* SPDX-License-Identifier: MIT */
#include "engine/learning/tuning.h"

#include <inttypes.h>
#include <math.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "engine/control/config.h"
#include "engine/workflow/schema.h"

/* clang-format off */
const struct tuning_spec tuning_specs[] = {
    {"limits.planning", TUNING_PIPELINE, OPT_DEADLINE, TUNING_LOWER, "limits.planning",
     "Deadline of the planning state."},
    {"limits.coding", TUNING_PIPELINE, OPT_DEADLINE, TUNING_LOWER, "limits.coding",
     "Deadline of the coding state."},
    {"limits.validation", TUNING_PIPELINE, OPT_DEADLINE, TUNING_LOWER, "limits.validation",
     "Deadline of the validating state."},
    {"limits.retries", TUNING_PIPELINE, OPT_RETRIES, TUNING_LOWER, "limits.retries",
     "How often one state is repeated when the surroundings fail."},
    {"limits.parallel", TUNING_PIPELINE, OPT_PARALLEL, TUNING_HIGHER, "limits.parallel",
     "How many steps of validate run at once."},
    {"limits.memory", TUNING_PIPELINE, OPT_LIMITS, TUNING_LOWER, "limits.memory",
     "Memory of a command with all its processes."},
    {"limits.cpu", TUNING_PIPELINE, OPT_LIMITS, TUNING_LOWER, "limits.cpu",
     "Processor time of each process."},
    {"limits.processes", TUNING_PIPELINE, OPT_LIMITS, TUNING_LOWER, "limits.processes",
     "Number of processes of a command."},
    {"checks.order", TUNING_PIPELINE, OPT_ORDER, TUNING_BOTH, "",
     "Steps of validate that are run first, in this order; the others follow."},
    {"checks/*.retries", TUNING_PIPELINE, OPT_RETRIES, TUNING_HIGHER, "validate.retries",
     "How often the step is run again before it counts as failed."},
    {"checks/*.timeout", TUNING_PIPELINE, OPT_DEADLINE, TUNING_LOWER, "validate.timeout",
     "After this time the step is killed, and counts as failed."},
    {"checks/*.quarantine", TUNING_PIPELINE, OPT_QUARANTINE, TUNING_HIGHER,
     "validate.quarantine",
     "Until this time the step is run and counted, and does not decide."},
    {"agent.provider", TUNING_PIPELINE, OPT_AGENT, TUNING_BOTH, "agent.provider",
     "Who makes the change."},
    {"evaluator.use", TUNING_PIPELINE, OPT_EVALUATOR, TUNING_LOWER, "evaluator.use",
     "Whether the evaluator judges the change."},
    {"merge.window", TUNING_PIPELINE, OPT_MERGE_WINDOW, TUNING_BOTH, "merge.window",
     "Hours of the day (UTC) in which changes are merged by themselves."},
    {"concurrency", TUNING_SERVICE, OPT_BULKHEAD, TUNING_HIGHER,
     "services.limits.concurrency", "Calls, or steps that run, at once."},
    {"breaker.failures", TUNING_SERVICE, OPT_BREAKER, TUNING_HIGHER,
     "services.breaker.failures", "Failures that open the breaker."},
    {"breaker.open", TUNING_SERVICE, OPT_BREAKER, TUNING_LOWER, "services.breaker.open",
     "How long the breaker stays open the first time."},
    {"poll", TUNING_SERVICE, OPT_POLL, TUNING_LOWER, "services.limits.poll",
     "Longest pause between two looks at what runs there."},
    {"max_running", TUNING_ENGINE, OPT_CONCURRENCY, TUNING_HIGHER, "max_running",
     "Workflows that run at once."},
    {"recovery.backoff", TUNING_ENGINE, OPT_BACKOFF, TUNING_LOWER, "recovery.backoff",
     "Pause before the first retry after a failure of the surroundings."},
    {"recovery.backoff_max", TUNING_ENGINE, OPT_BACKOFF, TUNING_LOWER,
     "recovery.backoff_max", "Longest pause before a retry."},
    {"scale/*", TUNING_ENGINE, OPT_SCALE, TUNING_BOTH, "",
     "A configured command, run: up or down; taken back by the other one."},
};
/* clang-format on */
const size_t n_tuning_specs = ARRAY_LEN(tuning_specs);

#define ORDER_KEY      "checks.order"
#define VALUE_TEXT_MAX (8 * TUNING_VALUE_MAX) /* with escapes */

/* Where the name of "checks/NAME.retries" begins and how long it is; false: the setting is not
 * of this key. */
static bool match_key(const char *key, const char *setting, const char **ret_name,
                      size_t *ret_len)
{
    const char *star = strchr(key, '*');
    if (star == NULL) {
        *ret_name = "";
        *ret_len = 0;
        return strcmp(key, setting) == 0;
    }
    size_t before = (size_t)(star - key), after = strlen(star + 1);
    size_t len = strlen(setting);
    *ret_name = setting + (before < len ? before : len);
    *ret_len = len > before + after ? len - before - after : 0;
    return *ret_len > 0 && *ret_len < TUNING_NAME_MAX &&
           strncmp(key, setting, before) == 0 &&
           strcmp(setting + len - after, star + 1) == 0;
}

const struct tuning_spec *tuning_find(const char *setting)
{
    const char *name = NULL;
    size_t len = 0;
    for (size_t i = 0; i < n_tuning_specs; i++) {
        if (match_key(tuning_specs[i].key, setting, &name, &len)) {
            return &tuning_specs[i];
        }
    }
    return NULL;
}

const char *tuning_name(const char *setting, char ret_name[TUNING_NAME_MAX])
{
    const struct tuning_spec *spec = tuning_find(setting);
    const char *name = "";
    size_t len = 0;
    bool is_found = spec != NULL && match_key(spec->key, setting, &name, &len);
    (void)snprintf(ret_name, TUNING_NAME_MAX, "%.*s", is_found ? (int)len : 0, name);
    return ret_name;
}

const struct field *tuning_field(const struct tuning_spec *spec)
{
    const struct schema *schema =
        spec->scope == TUNING_PIPELINE ? pipeline_schema() : config_schema();
    const struct field *field = NULL;
    for (const char *at = spec->field; *at != '\0';) {
        char name[64];
        size_t len = strcspn(at, ".");
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
        field = schema != NULL ? schema_find(schema, name) : NULL;
        if (field == NULL) {
            return NULL;
        }
        schema = field->sub;
        at += len + (at[len] == '.' ? 1 : 0);
    }
    return field;
}

/* ---- scopes ---- */

static const char *const scope_words[] = {"pipeline", "service", "engine"};

const char *tuning_scope_word(enum tuning_scope scope)
{
    return (size_t)scope < ARRAY_LEN(scope_words) ? scope_words[scope] : "?";
}

const char *tuning_scope_text(enum tuning_scope scope, const char *name,
                              char ret_text[TUNING_SCOPE_MAX])
{
    if (scope == TUNING_ENGINE) {
        ret_text[0] = '\0';
    } else {
        (void)snprintf(ret_text, TUNING_SCOPE_MAX, "%s:%.100s", scope_words[scope], name);
    }
    return ret_text;
}

const char *tuning_scope_name(enum tuning_scope scope, const char *text)
{
    if (scope == TUNING_ENGINE) {
        return text[0] == '\0' ? text : NULL;
    }
    size_t len = strlen(scope_words[scope]);
    bool is_so = strncmp(text, scope_words[scope], len) == 0 && text[len] == ':' &&
                 text[len + 1] != '\0' && strlen(text) < TUNING_SCOPE_MAX;
    return is_so ? text + len + 1 : NULL;
}

/* ---- values ---- */

/* A list of different, clean names, as JSON. */
static bool normal_order(const char *value, struct buf *out, struct err *err)
{
    struct findings findings;
    struct jsonw w;
    findings_init(&findings);
    struct yaml_tree *tree = yaml_tree_parse("", value, strlen(value), &findings);
    const struct yaml_item *list = tree->root;
    bool is_good = findings.n == 0 && list != NULL && list->kind == YAML_LIST &&
                   list->n > 0 && list->n <= PIPELINE_STEPS_MAX;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '[');
    for (const struct yaml_item *at = is_good ? list->first : NULL; at != NULL && is_good;
         at = at->next) {
        char clean[TUNING_NAME_MAX];
        is_good = at->kind == YAML_SCALAR && at->len > 0 && at->len < sizeof(clean) &&
                  strcmp(text_clean_into(clean, sizeof(clean), at->text), at->text) == 0;
        for (const struct yaml_item *b = list->first; b != at && is_good; b = b->next) {
            is_good = strcmp(b->text, at->text) != 0;
        }
        if (is_good) {
            jsonw_str(&w, NULL, at->text);
        }
    }
    jsonw_close(&w, ']');
    yaml_tree_free(tree);
    findings_fini(&findings);
    return is_good || err_set(err, ERR_USAGE,
                              "is no list of steps; expected like [lint, unit tests], "
                              "each once");
}

static bool normal(const struct tuning_spec *spec, const char *value, struct buf *out,
                   struct err *err)
{
    if (strlen(value) > TUNING_VALUE_MAX) {
        return err_set(err, ERR_TOO_LARGE, "%zu bytes; expected at most %d",
                       strlen(value), TUNING_VALUE_MAX);
    }
    const struct field *field = tuning_field(spec);
    if (field != NULL) {
        return schema_normal(field, value, out, err);
    }
    if (spec->kind != OPT_SCALE) {
        return normal_order(value, out, err);
    }
    bool is_direction = strcmp(value, "up") == 0 || strcmp(value, "down") == 0;
    return is_direction ? buf_str(out, value)
                        : err_set(err, ERR_USAGE, "is neither up nor down");
}

bool tuning_check(const char *setting, const char *scope, const char *value,
                  struct buf *ret_value, struct err *err)
{
    const struct tuning_spec *spec = tuning_find(setting);
    char clean[80];
    if (spec == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "no setting '%s' can be changed while the engine runs",
                       text_clean_into(clean, sizeof(clean), setting));
    }
    if (tuning_scope_name(spec->scope, scope) == NULL) {
        return spec->scope == TUNING_ENGINE
                   ? err_set(err, ERR_USAGE,
                             "%s is of the engine; expected no scope beside it",
                             spec->key)
                   : err_set(err, ERR_USAGE,
                             "%s is of a %s; expected its name, like %s:NAME", spec->key,
                             scope_words[spec->scope], scope_words[spec->scope]);
    }
    buf_clear(ret_value);
    return normal(spec, value, ret_value, err) || err_wrap(err, "%.80s", setting);
}

bool tuning_is_same(const char *setting, const char *a, const char *b)
{
    const struct tuning_spec *spec = tuning_find(setting);
    struct err ignored = ERR_INIT;
    AUTO_BUF struct buf left, right;
    buf_init(&left, VALUE_TEXT_MAX);
    buf_init(&right, VALUE_TEXT_MAX);
    bool is_value = spec != NULL && normal(spec, a, &left, &ignored) &&
                    normal(spec, b, &right, &ignored);
    return is_value ? strcmp(left.data, right.data) == 0 : strcmp(a, b) == 0;
}

bool tuning_number(const char *setting, const char *value, double *ret_number)
{
    const struct tuning_spec *spec = tuning_find(setting);
    const struct field *field = spec != NULL ? tuning_field(spec) : NULL;
    struct err ignored = ERR_INIT;
    AUTO_BUF struct buf text;
    struct span span;
    int64_t bytes = 0;
    buf_init(&text, VALUE_TEXT_MAX);
    if (field == NULL || !schema_normal(field, value, &text, &ignored)) {
        return false;
    }
    switch (field->type) {
    case FIELD_DURATION:
        if (!span_parse(text.data, &span)) {
            return false;
        }
        *ret_number = (double)span.ms;
        return true;
    case FIELD_BYTES:
        if (!bytes_parse(text.data, &bytes)) {
            return false;
        }
        *ret_number = (double)bytes;
        return true;
    case FIELD_INT:
        *ret_number = strtod(text.data, NULL);
        return true;
    case FIELD_BOOL:
        *ret_number = strcmp(text.data, "true") == 0 ? 1 : 0;
        return true;
    default:
        return false;
    }
}

/* Up to what a person would write: seconds below two minutes, then minutes, of more than two
 * hours five minutes. */
static double round_ms(double ms)
{
    double unit = ms < 2000 ? 10 : ms < 120000 ? 1000 : ms < 2 * 36e5 ? 60000 : 300000;
    return ceil(ms / unit) * unit;
}

bool tuning_from_number(const char *setting, double number, char ret_value[64])
{
    const struct tuning_spec *spec = tuning_find(setting);
    const struct field *field = spec != NULL ? tuning_field(spec) : NULL;
    if (field == NULL || !isfinite(number)) {
        return false;
    }
    double exact = number;
    if (field->type == FIELD_DURATION) {
        exact = round_ms(number);
    } else if (field->type == FIELD_BYTES) {
        exact = ceil(number / 1048576) * 1048576;
    } else if (field->type == FIELD_INT) {
        exact = floor(number + 0.5);
    } else if (field->type == FIELD_BOOL) {
        (void)snprintf(ret_value, 64, "%s", number > 0.5 ? "true" : "false");
        return true;
    } else {
        return false;
    }
    exact = exact < (double)field->min ? (double)field->min : exact;
    exact = exact > (double)field->max ? (double)field->max : exact;
    char text[64];
    struct err ignored = ERR_INIT;
    AUTO_BUF struct buf out;
    buf_init(&out, VALUE_TEXT_MAX);
    (void)snprintf(text, sizeof(text), "%" PRId64 "%s", (int64_t)exact,
                   field->type == FIELD_DURATION ? "ms" : "");
    if (!schema_normal(field, text, &out, &ignored)) {
        return false;
    }
    (void)snprintf(ret_value, 64, "%s", out.data);
    return true;
}

bool tuning_is_riskier(const char *setting, const char *from, const char *to)
{
    const struct tuning_spec *spec = tuning_find(setting);
    double a = 0, b = 0;
    if (spec == NULL || tuning_is_same(setting, from, to)) {
        return false;
    }
    if (spec->riskier == TUNING_BOTH || !tuning_number(setting, from, &a) ||
        !tuning_number(setting, to, &b)) {
        return true;
    }
    const struct field *field = tuning_field(spec);
    if (field->has_zero && (a == 0 || b == 0)) { /* 0 is no bound: above all others */
        a = a == 0 ? (double)INFINITY : a;
        b = b == 0 ? (double)INFINITY : b;
    }
    return spec->riskier == TUNING_LOWER ? b < a : b > a;
}

/* ---- of a pipeline ---- */

static const struct command_spec *find_check(const struct pipeline *pipeline,
                                             const char *setting)
{
    char name[TUNING_NAME_MAX];
    (void)tuning_name(setting, name);
    for (size_t i = 0; i < pipeline->n_checks; i++) {
        if (name[0] != '\0' && strcmp(pipeline->checks[i].name, name) == 0) {
            return &pipeline->checks[i];
        }
    }
    return NULL;
}

bool tuning_of_pipeline(const struct pipeline *pipeline, const char *setting,
                        struct buf *ret_value)
{
    const struct tuning_spec *spec = tuning_find(setting);
    if (spec == NULL || spec->scope != TUNING_PIPELINE) {
        return false;
    }
    buf_clear(ret_value);
    const struct field *field = tuning_field(spec);
    if (strcmp(spec->key, ORDER_KEY) == 0) {
        struct jsonw w;
        jsonw_init(&w, ret_value);
        jsonw_open(&w, NULL, '[');
        for (size_t i = 0; i < pipeline->n_checks; i++) {
            jsonw_str(&w, NULL, pipeline->checks[i].name);
        }
        jsonw_close(&w, ']');
        return true;
    }
    if (strchr(spec->key, '*') != NULL) {
        const struct command_spec *check = find_check(pipeline, setting);
        return check != NULL && schema_text(field, check, ret_value);
    }
    return schema_text(field, pipeline, ret_value);
}

/* ---- overlay ---- */

static bool is_in_force(const struct pipeline *pipeline, const struct tuning_row *row,
                        struct wall now)
{
    const struct tuning_spec *spec = tuning_find(row->setting);
    const char *name = spec != NULL && spec->scope == TUNING_PIPELINE
                           ? tuning_scope_name(TUNING_PIPELINE, row->scope)
                           : NULL;
    return name != NULL && strcmp(name, pipeline->name) == 0 &&
           (!wall_is_set(row->until) || now.ms < row->until.ms);
}

/* Names of the list that the pipeline has, one JSON array; false: none of them. */
static bool put_order(const struct pipeline *pipeline, const char *value, struct buf *out)
{
    struct err ignored = ERR_INIT;
    struct json *list = json_parse(value, strlen(value), &ignored);
    struct jsonw w;
    size_t n = 0;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '[');
    for (size_t i = 0; i < json_len(list); i++) {
        const char *name = json_text(json_at(list, i));
        for (size_t c = 0; c < pipeline->n_checks && name != NULL; c++) {
            if (strcmp(pipeline->checks[c].name, name) == 0) {
                jsonw_str(&w, NULL, name);
                n++;
                break;
            }
        }
    }
    jsonw_close(&w, ']');
    json_free(list);
    return n > 0;
}

struct group {
    const char *table; /* "limits", or the name of a step */
    bool is_step;
};

/* Numbers, durations, sizes and truths need no quotes. */
static void put_text(struct buf *out, const char *text)
{
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyzBGKMPTi.";
    AUTO_BUF struct buf quoted;
    struct jsonw w;
    buf_init(&quoted, VALUE_TEXT_MAX);
    if ((text[0] >= '0' && text[0] <= '9' && text[strspn(text, plain)] == '\0') ||
        strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        (void)buf_str(out, text);
        return;
    }
    jsonw_init(&w, &quoted);
    jsonw_str(&w, NULL, text);
    (void)buf_str(out, quoted.data);
}

/* "limits.coding" of table "limits" -> "coding"; NULL: of another. */
static const char *field_in(const struct tuning_spec *spec, const char *setting,
                            const char *table, bool is_step)
{
    char name[TUNING_NAME_MAX];
    const char *dot = strrchr(spec->key, '.');
    if (is_step != (strchr(spec->key, '*') != NULL)) {
        return NULL;
    }
    bool is_in = is_step ? strcmp(tuning_name(setting, name), table) == 0
                         : strncmp(spec->key, table, strlen(table)) == 0 &&
                               spec->key[strlen(table)] == '.';
    return is_in ? dot + 1 : NULL;
}

/* The fields of one table as a flow map; how many. */
static size_t put_group(const struct pipeline *pipeline, const struct tuning_row *rows,
                        size_t n, struct wall now, struct group group, struct buf *out)
{
    size_t n_put = 0;
    for (size_t i = 0; i < n; i++) {
        const struct tuning_spec *spec = tuning_find(rows[i].setting);
        const char *field =
            is_in_force(pipeline, &rows[i], now)
                ? field_in(spec, rows[i].setting, group.table, group.is_step)
                : NULL;
        if (field == NULL || strcmp(spec->key, ORDER_KEY) == 0) {
            continue;
        }
        (void)buf_printf(out, "%s%s: ", n_put == 0 ? "{" : ", ", field);
        put_text(out, rows[i].value);
        n_put++;
    }
    (void)buf_str(out, n_put > 0 ? "}" : "");
    return n_put;
}

static size_t put_tables(const struct pipeline *pipeline, const struct tuning_row *rows,
                         size_t n, struct wall now, struct buf *out)
{
    static const char *const tables[] = {"limits", "agent", "evaluator", "merge"};
    size_t n_all = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        AUTO_BUF struct buf fields;
        buf_init(&fields, YAML_TEXT_MAX);
        size_t n_put =
            put_group(pipeline, rows, n, now, (struct group){tables[i], false}, &fields);
        if (n_put > 0) {
            (void)buf_printf(out, "%s: %s\n", tables[i], fields.data);
        }
        n_all += n_put;
    }
    return n_all;
}

static size_t put_steps(const struct pipeline *pipeline, const struct tuning_row *rows,
                        size_t n, struct wall now, struct buf *out)
{
    size_t n_all = 0;
    for (size_t c = 0; c < pipeline->n_checks; c++) {
        AUTO_BUF struct buf fields;
        buf_init(&fields, YAML_TEXT_MAX);
        size_t n_put = put_group(pipeline, rows, n, now,
                                 (struct group){pipeline->checks[c].name, true}, &fields);
        if (n_put > 0) {
            (void)buf_str(out, n_all == 0 ? "steps:\n" : "");
            (void)buf_str(out, "  ");
            put_text(out, pipeline->checks[c].name);
            (void)buf_printf(out, ": %s\n", fields.data);
        }
        n_all += n_put;
    }
    return n_all;
}

size_t tuning_overlay(const struct pipeline *pipeline, const struct tuning_row *rows,
                      size_t n, struct wall now, struct buf *out)
{
    AUTO_BUF struct buf map;
    buf_init(&map, YAML_TEXT_MAX);
    size_t n_put = put_tables(pipeline, rows, n, now, &map);
    for (size_t i = 0; i < n; i++) {
        AUTO_BUF struct buf order;
        buf_init(&order, VALUE_TEXT_MAX);
        if (is_in_force(pipeline, &rows[i], now) &&
            strcmp(rows[i].setting, ORDER_KEY) == 0 &&
            put_order(pipeline, rows[i].value, &order)) {
            (void)buf_printf(&map, "order: %s\n", order.data);
            n_put++;
        }
    }
    n_put += put_steps(pipeline, rows, n, now, &map);
    if (n_put > 0) {
        (void)buf_printf(out, "%s\n%s", OVERLAY_MARK, map.data);
    }
    return n_put;
}
