/* SPDX-License-Identifier: MIT */

/* The state of a guard as JSON: what a restart goes on with. */
#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/learning/guard.h"

/* With all digits: the same sums have to come back. */
static void put_exact(struct jsonw *w, const char *key, double number)
{
    char text[40];
    int len = snprintf(text, sizeof(text), "%.17g", number);
    jsonw_raw(w, key, text, (size_t)len);
}

static void put_sum(struct jsonw *w, const char *key, const struct guard_sum *sum)
{
    jsonw_open(w, key, '[');
    put_exact(w, NULL, sum->n);
    put_exact(w, NULL, sum->sum);
    put_exact(w, NULL, sum->sum_sq);
    jsonw_close(w, ']');
}

static void put_groups(struct jsonw *w, const struct guard *guard)
{
    jsonw_open(w, "groups", '[');
    for (int i = 0; i < GUARD_GROUPS; i++) {
        if (i > 0 && guard->names[i] == 0) {
            break; /* they are given from the first on */
        }
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "name", (int64_t)guard->names[i]);
        put_sum(w, "before", &guard->before[i]);
        put_sum(w, "after", &guard->after[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

void guard_save(const struct guard *guard, struct buf *out)
{
    const struct guard_settings *settings = &guard->settings;
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "kind", guard_kind_word(settings->kind));
    jsonw_bool(&w, "is_more_better", settings->is_more_better);
    put_exact(&w, "margin", settings->margin);
    put_exact(&w, "alpha", settings->alpha);
    jsonw_int(&w, "min_runs", settings->min_runs);
    jsonw_int(&w, "max_runs", settings->max_runs);
    jsonw_int(&w, "min_ms", settings->min_time.ms);
    jsonw_int(&w, "max_ms", settings->max_time.ms);
    jsonw_int(&w, "since", guard->since.ms);
    jsonw_str(&w, "verdict", guard_verdict_word((enum guard_verdict)guard->verdict));
    jsonw_int(&w, "decided_at", guard->decided_at.ms);
    put_groups(&w, guard);
    put_sum(&w, "plain", &guard->plain);
    put_sum(&w, "block", &guard->block);
    put_sum(&w, "block_means", &guard->block_means);
    jsonw_open(&w, "pending", '[');
    for (int64_t i = 0; i < guard->n_pending; i++) {
        jsonw_open(&w, NULL, '[');
        jsonw_int(&w, NULL, guard->pending[i].run);
        jsonw_int(&w, NULL, guard->pending[i].group);
        put_exact(&w, NULL, guard->pending[i].value);
        jsonw_close(&w, ']');
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
}

/* A number by itself has no getter; formatted it has the same digits. */
static double num_at(const struct json *list, size_t i)
{
    char *text = json_format(json_at(list, i));
    double number = text != NULL ? strtod(text, NULL) : 0;
    free(text);
    return number;
}

static bool get_sum(const struct json *list, struct guard_sum *sum)
{
    *sum = (struct guard_sum){num_at(list, 0), num_at(list, 1), num_at(list, 2)};
    return json_len(list) == 3 && sum->n >= 0 && sum->n < 1e12 && isfinite(sum->sum) &&
           isfinite(sum->sum_sq);
}

static bool get_words(struct guard *guard, const struct json *root)
{
    const char *kind = json_str(root, "kind", "");
    const char *verdict = json_str(root, "verdict", "");
    bool has_kind = false, has_verdict = false;
    for (int i = 0; i < GUARD_KIND_COUNT; i++) {
        if (strcmp(kind, guard_kind_word((enum guard_kind)i)) == 0) {
            guard->settings.kind = (enum guard_kind)i;
            has_kind = true;
        }
    }
    for (int i = 0; i < GUARD_VERDICT_COUNT; i++) {
        if (strcmp(verdict, guard_verdict_word((enum guard_verdict)i)) == 0) {
            guard->verdict = i;
            has_verdict = true;
        }
    }
    return has_kind && has_verdict;
}

static bool get_settings(struct guard *guard, const struct json *root)
{
    struct guard_settings *settings = &guard->settings;
    settings->is_more_better = json_bool(root, "is_more_better", false);
    settings->margin = json_num(root, "margin", -1);
    settings->alpha = json_num(root, "alpha", 0);
    settings->min_runs = (int)json_int(root, "min_runs", 0);
    settings->max_runs = (int)json_int(root, "max_runs", 0);
    settings->min_time.ms = json_int(root, "min_ms", 0);
    settings->max_time.ms = json_int(root, "max_ms", 0);
    guard->since.ms = json_int(root, "since", 0);
    guard->decided_at.ms = json_int(root, "decided_at", 0);
    return settings->margin >= 0 && settings->alpha > 0 && settings->alpha < 0.5;
}

static bool get_groups(struct guard *guard, const struct json *list)
{
    size_t n = json_len(list);
    bool is_good = n >= 1 && n <= GUARD_GROUPS;
    for (size_t i = 0; i < n && is_good; i++) {
        const struct json *group = json_at(list, i);
        guard->names[i] = (uint64_t)json_int(group, "name", 0);
        is_good = get_sum(json_get(group, "before"), &guard->before[i]) &&
                  get_sum(json_get(group, "after"), &guard->after[i]) &&
                  (guard->names[i] == 0) == (i == 0);
    }
    return is_good;
}

static bool get_pending(struct guard *guard, const struct json *list)
{
    size_t n = json_len(list);
    for (size_t i = 0; i < n && n <= GUARD_PENDING; i++) {
        const struct json *row = json_at(list, i);
        guard->pending[i].run = (int64_t)num_at(row, 0);
        guard->pending[i].group = (int64_t)num_at(row, 1);
        guard->pending[i].value = num_at(row, 2);
        guard->n_pending++;
        if (json_len(row) != 3 || guard->pending[i].group < 0 ||
            guard->pending[i].group >= GUARD_GROUPS ||
            !isfinite(guard->pending[i].value)) {
            return false;
        }
    }
    return n <= GUARD_PENDING;
}

bool guard_load(struct guard *guard, const char *text, size_t len, struct err *err)
{
    struct guard loaded;
    memset(&loaded, 0, sizeof(loaded));
    struct json *root = json_parse(text, len, err);
    if (root == NULL) {
        return err_wrap(err, "guard");
    }
    bool is_good = get_words(&loaded, root) && get_settings(&loaded, root) &&
                   get_groups(&loaded, json_get(root, "groups")) &&
                   get_sum(json_get(root, "plain"), &loaded.plain) &&
                   get_sum(json_get(root, "block"), &loaded.block) &&
                   get_sum(json_get(root, "block_means"), &loaded.block_means) &&
                   get_pending(&loaded, json_get(root, "pending"));
    json_free(root);
    if (!is_good) {
        return err_set(err, ERR_CORRUPT, "guard: what was saved is no guard");
    }
    memcpy(guard, &loaded, sizeof(*guard));
    return true;
}
