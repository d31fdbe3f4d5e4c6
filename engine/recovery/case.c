/* SPDX-License-Identifier: MIT */
#include "engine/recovery/case.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIST_MAX 100 /* members of a list that are looked at */

static const struct {
    const char *prefix, *word;
} kinds[] = {
#define X(id, prefix, word) [id] = {prefix, word},
    CASE_LIST(X)
#undef X
};

const char *case_word(enum case_kind kind)
{
    return (unsigned)kind < CASE_KIND_COUNT ? kinds[kind].word : "?";
}

const char *case_id(enum case_kind kind, int64_t id, char text[CASE_ID_MAX])
{
    text[0] = '\0';
    if (id != 0 && (unsigned)kind < CASE_KIND_COUNT) {
        (void)snprintf(text, CASE_ID_MAX, "%s-%" PRId64, kinds[kind].prefix, id);
    }
    return text;
}

bool case_id_parse(const char *text, enum case_kind *ret_kind, int64_t *ret_id)
{
    for (unsigned i = 0; i < CASE_KIND_COUNT; i++) {
        size_t len = strlen(kinds[i].prefix);
        const char *digits = text + len + 1;
        if (strncasecmp(text, kinds[i].prefix, len) != 0 || text[len] != '-' ||
            digits[0] < '1' || digits[0] > '9' || strlen(digits) > 18 ||
            strspn(digits, "0123456789") != strlen(digits)) {
            continue;
        }
        *ret_kind = (enum case_kind)i;
        *ret_id = strtoll(digits, NULL, 10);
        return true;
    }
    return false;
}

/* ---- writing ---- */

static void write_id(struct jsonw *w, const char *key, enum case_kind kind, int64_t id)
{
    char text[CASE_ID_MAX];
    jsonw_str(w, key, id != 0 ? case_id(kind, id, text) : NULL);
}

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

static void write_text(struct jsonw *w, const char *key, const char *text)
{
    jsonw_str(w, key, text[0] != '\0' ? text : NULL);
}

/* A column that is JSON; when it is not, as the text that it is. */
static void write_raw(struct jsonw *w, const char *key, const char *text)
{
    struct err ignored = ERR_INIT;
    struct json *json = json_parse(text, strlen(text), &ignored);
    if (json != NULL) {
        AUTO_FREE char *clean = json_format(json);
        jsonw_raw(w, key, clean, strlen(clean));
    } else {
        write_text(w, key, text);
    }
    json_free(json);
}

void case_write_failure(struct jsonw *w, const struct failure_row *row)
{
    write_id(w, "id", CASE_FAILURE, row->id);
    write_wall(w, "at", row->at);
    jsonw_str(w, "status", failure_status_word(row->status));
    write_id(w, "workflow", CASE_WORKFLOW, row->workflow);
    jsonw_int(w, "effect", row->effect);
    write_id(w, "problem", CASE_PROBLEM, row->problem);
    jsonw_str(w, "state", state_name(row->state));
    write_text(w, "step", row->step);
    write_text(w, "repo", row->repo);
    write_text(w, "provider", row->provider);
    jsonw_str(w, "class", class_word(row->class_));
    jsonw_str(w, "category", category_word(row->category));
    jsonw_str(w, "severity", severity_word(row->severity));
    jsonw_int(w, "complexity", row->complexity);
    jsonw_num(w, "confidence", row->confidence);
    jsonw_bool(w, "is_flaky", row->is_flaky);
    write_text(w, "fingerprint", row->fingerprint);
    jsonw_str(w, "text", row->text);
    write_text(w, "rule", row->rule);
    write_text(w, "cause", row->cause);
    jsonw_int(w, "n_rungs", row->n_rungs);
    write_wall(w, "settled_at", row->settled_at);
    write_text(w, "labelled_by", row->labelled_by);
    jsonw_str(w, "was_class",
              row->labelled_by[0] != '\0' ? class_word(row->was_class) : NULL);
    write_raw(w, "detail", row->detail);
}

void case_write_problem(struct jsonw *w, const struct problem_row *row)
{
    write_id(w, "id", CASE_PROBLEM, row->id);
    write_text(w, "cause", row->cause);
    jsonw_str(w, "class", class_word(row->class_));
    write_text(w, "fingerprint", row->fingerprint);
    jsonw_str(w, "severity", severity_word(row->severity));
    jsonw_str(w, "text", row->text);
    write_wall(w, "opened_at", row->opened_at);
    write_wall(w, "seen_at", row->seen_at);
    write_wall(w, "closed_at", row->closed_at);
    jsonw_int(w, "n_failures", row->n_failures);
    jsonw_int(w, "n_workflows", row->n_workflows);
    jsonw_int(w, "incident", row->incident);
    jsonw_str(w, "rung", (unsigned)row->rung < RUNG_COUNT ? rung_word(row->rung) : NULL);
    write_raw(w, "detail", row->detail);
}

void case_write_recovery(struct jsonw *w, const struct recovery_row *row)
{
    write_id(w, "id", CASE_RECOVERY, row->id);
    write_id(w, "failure", CASE_FAILURE, row->failure);
    write_id(w, "problem", CASE_PROBLEM, row->problem);
    write_id(w, "workflow", CASE_WORKFLOW, row->workflow);
    write_id(w, "decision", CASE_DECISION, row->decision);
    write_text(w, "service", row->service);
    jsonw_str(w, "rung", rung_word(row->rung));
    jsonw_str(w, "strategy", rung_strategy(row->rung));
    jsonw_int(w, "number", row->number);
    jsonw_str(w, "status", recovery_status_word(row->status));
    jsonw_str(w, "decider", decider_word(row->decider));
    jsonw_num(w, "odds", row->odds);
    jsonw_num(w, "odds_low", row->odds_low);
    jsonw_num(w, "odds_high", row->odds_high);
    jsonw_num(w, "trials", row->trials);
    write_text(w, "reason", row->reason);
    write_text(w, "expected", row->expected);
    write_text(w, "inverse", row->inverse);
    write_text(w, "outcome", row->outcome);
    write_wall(w, "asked_at", row->asked_at);
    write_wall(w, "started_at", row->started_at);
    write_wall(w, "window_end", row->window_end);
    write_wall(w, "ended_at", row->ended_at);
    jsonw_num(w, "cost_s", row->cost_s);
}

void case_write_decision(struct jsonw *w, const struct decision_row *row)
{
    write_id(w, "id", CASE_DECISION, row->id);
    write_wall(w, "at", row->at);
    jsonw_str(w, "kind", decision_word(row->kind));
    write_id(w, "workflow", CASE_WORKFLOW, row->workflow);
    write_id(w, "failure", CASE_FAILURE, row->failure);
    write_id(w, "problem", CASE_PROBLEM, row->problem);
    write_text(w, "subject", row->subject);
    jsonw_str(w, "choice", row->choice);
    jsonw_num(w, "confidence", row->confidence);
    jsonw_num(w, "risk", row->risk);
    jsonw_str(w, "decider", decider_word(row->decider));
    write_text(w, "reason", row->reason);
    write_text(w, "shadow", row->shadow);
    jsonw_str(w, "verdict", verdict_word(row->verdict));
    jsonw_num(w, "reward", row->reward);
    write_text(w, "outcome", row->outcome);
    write_wall(w, "settled_at", row->settled_at);
    write_raw(w, "alternatives", row->alternatives);
    write_raw(w, "context", row->context);
}

void case_write_odds(struct jsonw *w, const struct odds_row *row)
{
    char recent[CASE_RECENT_MAX];
    jsonw_str(w, "key", row->key);
    jsonw_str(w, "rung", row->rung);
    jsonw_num(w, "mean", row->mean);
    jsonw_num(w, "low", row->low);
    jsonw_num(w, "high", row->high);
    jsonw_num(w, "trials", row->trials);
    jsonw_int(w, "n", row->n);
    jsonw_int(w, "n_passed", row->n_passed);
    jsonw_num(w, "cost_s", row->cost_s);
    jsonw_str(w, "recent", case_recent(row, CASE_RECENT_MAX - 1, recent));
    write_wall(w, "updated_at", row->updated_at);
    jsonw_bool(w, "is_demoted", row->is_demoted);
    jsonw_bool(w, "is_killed", row->is_killed);
}

/* ---- reading ---- */

static size_t some_of(const struct json *list)
{
    size_t n = json_len(list);
    return n < LIST_MAX ? n : LIST_MAX;
}

static const char *str_of(struct arena *arena, const struct json *object, const char *key)
{
    return arena_str(arena, json_str(object, key, ""));
}

static size_t parse_names(struct arena *arena, const struct json *list,
                          const char *const **ret_names)
{
    size_t n = some_of(list);
    const char **names = arena_array(arena, n + 1, sizeof(*names));
    for (size_t i = 0; i < n; i++) {
        names[i] = arena_str(arena, json_text(json_at(list, i)));
    }
    *ret_names = names;
    return n;
}

static void parse_lines(struct arena *arena, const struct json *list,
                        struct case_detail *detail)
{
    size_t n = some_of(list);
    struct case_evidence *lines = arena_array(arena, n + 1, sizeof(*lines));
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(list, i);
        lines[i].line = json_int(one, "line", 0);
        lines[i].text = str_of(arena, one, "text");
    }
    detail->lines = lines;
    detail->n_lines = n;
}

static void parse_causes(struct arena *arena, const struct json *list,
                         struct case_detail *detail)
{
    size_t n = some_of(list);
    struct case_cause *causes = arena_array(arena, n + 1, sizeof(*causes));
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(list, i);
        causes[i].node = str_of(arena, one, "node");
        causes[i].why = str_of(arena, one, "why");
        causes[i].since = str_of(arena, one, "since");
        causes[i].weight = json_num(one, "weight", (double)NAN);
    }
    detail->causes = causes;
    detail->n_causes = n;
}

static void parse_classes(struct arena *arena, const struct json *list,
                          struct case_detail *detail)
{
    size_t n = some_of(list);
    struct case_class *classes = arena_array(arena, n + 1, sizeof(*classes));
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(list, i);
        classes[i].word = str_of(arena, one, "class");
        classes[i].p = json_num(one, "p", (double)NAN);
    }
    detail->classes = classes;
    detail->n_classes = n;
}

void case_parse_detail(struct arena *arena, const char *text,
                       struct case_detail *ret_detail)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    const struct json *blast = json_get(root, "blast");
    struct case_detail detail = {.complexity = str_of(arena, root, "complexity")};
    parse_lines(arena, json_get(root, "lines"), &detail);
    parse_causes(arena, json_get(root, "causes"), &detail);
    parse_classes(arena, json_get(root, "classes"), &detail);
    detail.n_workflows = json_int(blast, "workflows", -1);
    detail.n_queued = json_int(blast, "queued", -1);
    detail.n_branches = json_int(blast, "branches", -1);
    detail.n_repositories =
        parse_names(arena, json_get(blast, "repositories"), &detail.repositories);
    detail.n_environments =
        parse_names(arena, json_get(blast, "environments"), &detail.environments);
    detail.n_affected = parse_names(arena, json_get(blast, "affected"), &detail.affected);
    json_free(root);
    *ret_detail = detail;
}

size_t case_parse_options(struct arena *arena, const char *text,
                          const struct case_option **ret_options)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    size_t n = some_of(root);
    struct case_option *options = arena_array(arena, n + 1, sizeof(*options));
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(root, i);
        options[i] = (struct case_option){
            .choice = str_of(arena, one, "choice"),
            .level = str_of(arena, one, "level"),
            .why_not = str_of(arena, one, "why_not"),
            .p = json_num(one, "p", (double)NAN),
            .low = json_num(one, "low", (double)NAN),
            .high = json_num(one, "high", (double)NAN),
            .trials = json_num(one, "trials", (double)NAN),
            .value = json_num(one, "value", (double)NAN),
            .cost_s = json_num(one, "cost_s", (double)NAN),
        };
    }
    json_free(root);
    *ret_options = options;
    return n;
}

static const char *value_text(struct arena *arena, const struct json *value)
{
    const char *text = json_text(value);
    if (text != NULL) {
        return arena_str(arena, text);
    }
    AUTO_FREE char *raw = json_format(value);
    return arena_str(arena, raw);
}

size_t case_parse_facts(struct arena *arena, const char *text,
                        const struct case_fact **ret_facts)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    struct case_fact *facts = arena_array(arena, LIST_MAX, sizeof(*facts));
    const char *key, *inner;
    const struct json *value, *part;
    size_t n = 0;
    for (void *i = NULL; n < LIST_MAX && json_next(root, &i, &key, &value);) {
        if (!json_is_an_object(value)) {
            facts[n].name = arena_str(arena, key);
            facts[n++].value = value_text(arena, value);
            continue;
        }
        for (void *k = NULL; n < LIST_MAX && json_next(value, &k, &inner, &part);) {
            facts[n].name = arena_printf(arena, "%s.%s", key, inner);
            facts[n++].value = value_text(arena, part);
        }
    }
    json_free(root);
    *ret_facts = facts;
    return n;
}

const char *case_recent(const struct odds_row *row, int max, char text[CASE_RECENT_MAX])
{
    int n = row->n_recent < max ? row->n_recent : max;
    n = n < 0 ? 0 : n < CASE_RECENT_MAX - 1 ? n : CASE_RECENT_MAX - 1;
    for (int i = 0; i < n; i++) {
        text[i] = (row->recent >> (n - 1 - i) & 1u) != 0 ? '+' : '-';
    }
    text[n] = '\0';
    return text;
}
