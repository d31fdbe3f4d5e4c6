/* SPDX-License-Identifier: MIT */
/* What stands as JSON in a row of store/approval.h, taken apart. */
#include "tui/card.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 40

static const char *text_of(struct arena *arena, const struct json *object,
                           const char *key)
{
    return arena_str(arena, json_str(object, key, ""));
}

static struct card_list list_of(struct arena *arena, const struct json *array)
{
    size_t n = json_len(array);
    n = n < ITEMS_MAX ? n : ITEMS_MAX;
    const char **texts = arena_array(arena, n + 1, sizeof(*texts));
    struct card_list list = {.texts = texts};
    for (size_t i = 0; i < n; i++) {
        const char *text = json_text(json_at(array, i));
        if (text != NULL && text[0] != '\0') {
            texts[list.n++] = arena_str(arena, text);
        }
    }
    return list;
}

/* What is no number is a gap. */
static double number_of(const struct json *value)
{
    AUTO_FREE char *text = json_format(value);
    char *end;
    double number = strtod(text, &end);
    return end != text && *end == '\0' ? number : (double)NAN;
}

/* The newest values. */
static void read_values(struct arena *arena, const struct json *array,
                        struct card_evidence *evidence)
{
    size_t n = json_len(array), from = n > CARD_VALUES_MAX ? n - CARD_VALUES_MAX : 0;
    double *values = arena_array(arena, CARD_VALUES_MAX, sizeof(*values));
    for (size_t i = from; i < n; i++) {
        values[evidence->n_values++] = number_of(json_at(array, i));
    }
    evidence->values = values;
}

static void read_evidence(struct arena *arena, const struct json *array,
                          struct card *card)
{
    size_t n = json_len(array);
    n = n < ITEMS_MAX ? n : ITEMS_MAX;
    struct card_evidence *rows = arena_array(arena, n + 1, sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(array, i);
        rows[i] = (struct card_evidence){.id = text_of(arena, one, "id"),
                                         .text = text_of(arena, one, "text"),
                                         .kind = text_of(arena, one, "kind"),
                                         .ref = text_of(arena, one, "ref")};
        read_values(arena, json_get(one, "values"), &rows[i]);
    }
    card->evidence = rows;
    card->n_evidence = n;
}

static void read_before(struct arena *arena, const struct json *array, struct card *card)
{
    size_t n = json_len(array);
    n = n < ITEMS_MAX ? n : ITEMS_MAX;
    struct card_before *rows = arena_array(arena, n + 1, sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(array, i);
        rows[i] = (struct card_before){.id = text_of(arena, one, "id"),
                                       .verdict = text_of(arena, one, "verdict"),
                                       .by = text_of(arena, one, "by"),
                                       .reason = text_of(arena, one, "reason"),
                                       .at = {json_int(one, "at", 0)}};
    }
    card->before = rows;
    card->n_before = n;
}

void card_parse(struct arena *arena, const char *text, struct card *ret_card)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    const struct json *change = json_get(root, "change");
    const struct json *touches = json_get(root, "touches");
    *ret_card = (struct card){
        .why = list_of(arena, json_get(root, "why")),
        .dry_run = list_of(arena, json_get(root, "dry_run")),
        .repositories = list_of(arena, json_get(touches, "repositories")),
        .environments = list_of(arena, json_get(touches, "environments")),
        .expected = text_of(arena, root, "expected"),
        .if_wrong = text_of(arena, root, "if_wrong"),
        .guard = text_of(arena, root, "guard"),
        .setting = text_of(arena, change, "setting"),
        .scope = text_of(arena, change, "scope"),
        .from = text_of(arena, change, "from"),
        .to = text_of(arena, change, "to"),
        .undo = text_of(arena, root, "undo"),
        .n_workflows = json_int(touches, "workflows", -1),
        .n_queued = json_int(touches, "queued", -1),
    };
    read_evidence(arena, json_get(root, "evidence"), ret_card);
    read_before(arena, json_get(root, "before"), ret_card);
    json_free(root);
}

size_t card_parse_votes(struct arena *arena, const char *text,
                        const struct card_vote **ret_votes)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    size_t n = json_len(root);
    n = n < ITEMS_MAX ? n : ITEMS_MAX;
    struct card_vote *votes = arena_array(arena, n + 1, sizeof(*votes));
    size_t n_votes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(root, i);
        if (json_str(one, "by", "")[0] != '\0') { /* of nobody is no vote */
            votes[n_votes++] = (struct card_vote){.by = text_of(arena, one, "by"),
                                                  .role = text_of(arena, one, "role"),
                                                  .at = {json_int(one, "at", 0)}};
        }
    }
    json_free(root);
    *ret_votes = votes;
    return n_votes;
}

static const char *value_of(const struct case_fact *facts, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(facts[i].name, name) == 0) {
            return facts[i].value;
        }
    }
    return "";
}

size_t card_changes(struct arena *arena, const char *was, const char *is,
                    const struct card_change **ret_changes)
{
    const struct case_fact *old, *new;
    size_t n_old = case_parse_facts(arena, was, &old);
    size_t n_new = case_parse_facts(arena, is, &new), n = 0;
    struct card_change *changes = arena_array(arena, n_old + n_new + 1, sizeof(*changes));
    for (size_t i = 0; i < n_new; i++) {
        const char *before = value_of(old, n_old, new[i].name);
        if (strcmp(before, new[i].value) != 0) {
            changes[n++] = (struct card_change){new[i].name, before, new[i].value};
        }
    }
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].value[0] != '\0' &&
            value_of(new, n_new, old[i].name)[0] == '\0') { /* gone */
            bool is_told = false;
            for (size_t k = 0; k < n; k++) {
                is_told = is_told || strcmp(changes[k].field, old[i].name) == 0;
            }
            if (!is_told) {
                changes[n++] = (struct card_change){old[i].name, old[i].value, ""};
            }
        }
    }
    *ret_changes = changes;
    return n;
}
