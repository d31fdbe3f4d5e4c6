/* SPDX-License-Identifier: MIT */

/*
 * Text: what rows of recovery say in JSON, and back.
 */

#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/recovery_private.h"

#define JSON_MAX (64 * 1024)

static const char *keep(struct control *control, struct buf *buf)
{
    const char *text = arena_str(control->recovery->arena, buf->data);
    buf_fini(buf);
    return text;
}

static void write_blast(struct jsonw *w, const struct blast *blast)
{
    jsonw_open(w, "blast", '{');
    jsonw_int(w, "workflows", blast->n_workflows);
    jsonw_int(w, "queued", blast->n_queued);
    jsonw_int(w, "branches", blast->n_branches);
    jsonw_open(w, "repositories", '[');
    for (int i = 0; i < blast->n_repositories && i < BLAST_NAMES; i++) {
        jsonw_str(w, NULL, blast->repositories[i]);
    }
    jsonw_close(w, ']');
    jsonw_open(w, "environments", '[');
    for (int i = 0; i < blast->n_environments && i < BLAST_NAMES; i++) {
        jsonw_str(w, NULL, blast->environments[i]);
    }
    jsonw_close(w, ']');
    jsonw_open(w, "affected", '[');
    for (int i = 0; i < blast->n_affected && i < BLAST_NAMES; i++) {
        char id[24];
        (void)snprintf(id, sizeof(id), "wf-%lld", (long long)blast->affected[i]);
        jsonw_str(w, NULL, id);
    }
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

const char *text_blast(struct control *control, const struct blast *blast)
{
    struct buf buf;
    struct jsonw w;
    buf_init(&buf, JSON_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    write_blast(&w, blast);
    jsonw_close(&w, '}');
    return keep(control, &buf);
}

static void write_lines(struct jsonw *w, const struct failure_judgement *judgement)
{
    jsonw_open(w, "lines", '[');
    for (size_t i = 0; i < judgement->n_lines; i++) {
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "line", (int64_t)judgement->lines[i].line + 1);
        jsonw_str(w, "text", judgement->lines[i].text);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_classes(struct jsonw *w, const struct failure_judgement *judgement)
{
    bool is_told[CLASS_COUNT] = {false};
    jsonw_open(w, "classes", '[');
    for (int n = 0; n < 3; n++) {
        int best = -1;
        for (int i = 0; i < CLASS_COUNT; i++) {
            if (!is_told[i] && (best < 0 || judgement->p[i] > judgement->p[best])) {
                best = i;
            }
        }
        is_told[best] = true;
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "class", class_word((enum failure_class)best));
        jsonw_num(w, "p", judgement->p[best]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

/* What the ladder goes on with after a restart. */
static void write_ladder(struct jsonw *w, const struct trouble *trouble)
{
    jsonw_open(w, "ladder", '{');
    jsonw_open(w, "tried", '{');
    for (int i = 0; i < RUNG_COUNT; i++) {
        if (trouble->tried[i] > 0) {
            jsonw_int(w, rung_word((enum rung)i), trouble->tried[i]);
        }
    }
    jsonw_close(w, '}');
    jsonw_str(w, "head", trouble->head);
    jsonw_str(w, "failed_head", trouble->failed_head);
    jsonw_open(w, "providers", '[');
    for (size_t i = 0; i < trouble->n_providers; i++) {
        jsonw_str(w, NULL, trouble->providers[i]);
    }
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

const char *text_detail(struct control *control, const struct trouble *trouble,
                        const struct ladder_context *context,
                        const struct graph_cause *causes, size_t n_causes,
                        const struct blast *blast)
{
    struct buf buf;
    struct jsonw w;
    const char *why = "";
    (void)ladder_complexity(context, &why);
    buf_init(&buf, JSON_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    write_lines(&w, context->judgement);
    jsonw_open(&w, "causes", '[');
    for (size_t i = 0; i < n_causes; i++) {
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "node", causes[i].node);
        jsonw_num(&w, "weight", causes[i].weight);
        if (wall_is_set(causes[i].since)) {
            jsonw_int(&w, "since", causes[i].since.ms);
        }
        jsonw_str(&w, "why", causes[i].why);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    write_classes(&w, context->judgement);
    jsonw_num(&w, "p_flaky", context->judgement->p_flaky);
    jsonw_str(&w, "complexity", why);
    write_blast(&w, blast);
    write_ladder(&w, trouble);
    jsonw_close(&w, '}');
    return keep(control, &buf);
}

void text_restore_ladder(struct trouble *trouble, const char *detail)
{
    struct err err = ERR_INIT;
    struct json *json = json_parse(detail, strlen(detail), &err);
    const struct json *ladder = json_get(json, "ladder");
    const struct json *tried = json_get(ladder, "tried");
    const struct json *providers = json_get(ladder, "providers");
    for (int i = 0; i < RUNG_COUNT; i++) {
        int64_t n = json_int(tried, rung_word((enum rung)i), 0);
        trouble->tried[i] = n > 0 && n < 1000 ? (int)n : 0;
    }
    (void)snprintf(trouble->head, sizeof(trouble->head), "%s",
                   json_str(ladder, "head", ""));
    (void)snprintf(trouble->failed_head, sizeof(trouble->failed_head), "%s",
                   json_str(ladder, "failed_head", ""));
    for (size_t i = 0; i < json_len(providers) && i < TROUBLE_PROVIDERS; i++) {
        const char *name = json_text(json_at(providers, i));
        (void)snprintf(trouble->providers[trouble->n_providers++],
                       sizeof(trouble->providers[0]), "%s", name != NULL ? name : "");
    }
    json_free(json);
}

const char *text_alternatives(struct control *control, const struct ladder *ladder,
                              const struct decide_answer *answer)
{
    struct buf buf;
    struct jsonw w;
    buf_init(&buf, JSON_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '[');
    for (size_t n = 0; n < ladder->n; n++) {
        int i = answer->order[n];
        const struct decide_belief *belief = &answer->beliefs[i];
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "choice", ladder->options[i].name);
        jsonw_num(&w, "p", belief->p);
        jsonw_num(&w, "low", belief->low);
        jsonw_num(&w, "high", belief->high);
        jsonw_num(&w, "trials", belief->trials);
        jsonw_num(&w, "value", belief->value);
        jsonw_num(&w, "cost_s", belief->cost_s);
        jsonw_num(&w, "risk", ladder->options[i].risk);
        jsonw_str(&w, "level", belief->level != NULL ? belief->level : "");
        jsonw_str(&w, "why_not",
                  ladder->options[i].why_not != NULL ? ladder->options[i].why_not : "");
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    return keep(control, &buf);
}

const char *text_context(struct control *control, const struct kept_question *question)
{
    struct buf buf;
    struct jsonw w;
    buf_init(&buf, JSON_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "levels", '[');
    for (size_t i = 0; i < question->n_levels; i++) {
        jsonw_str(&w, NULL, question->levels[i]);
    }
    jsonw_close(&w, ']');
    jsonw_open(&w, "factors", '{');
    for (size_t i = 0; i < question->n_factors; i++) {
        const struct kept_factor *factor = &question->factors[i];
        if (factor->word[0] != '\0') {
            jsonw_str(&w, factor->name, factor->word);
        } else {
            jsonw_num(&w, factor->name, factor->number);
        }
    }
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    return keep(control, &buf);
}

void text_restore(struct kept_question *ret_question, const char *context)
{
    struct err err = ERR_INIT;
    struct json *json = json_parse(context, strlen(context), &err);
    const struct json *levels = json_get(json, "levels"), *value;
    void *iter = NULL;
    const char *key;
    memset(ret_question, 0, sizeof(*ret_question));
    for (size_t i = 0; i < json_len(levels) && i < ARRAY_LEN(ret_question->levels); i++) {
        const char *level = json_text(json_at(levels, i));
        (void)snprintf(ret_question->levels[ret_question->n_levels++], LEVEL_MAX, "%s",
                       level != NULL ? level : "");
    }
    const struct json *factors = json_get(json, "factors");
    while (factors != NULL && ret_question->n_factors < FACTORS_MAX &&
           json_next(factors, &iter, &key, &value)) {
        struct kept_factor *factor = &ret_question->factors[ret_question->n_factors++];
        (void)snprintf(factor->name, sizeof(factor->name), "%s", key);
        const char *word = json_text(value);
        if (word != NULL) {
            (void)snprintf(factor->word, sizeof(factor->word), "%s", word);
        } else {
            factor->number = json_num(factors, key, 0);
        }
    }
    json_free(json);
}
