/* SPDX-License-Identifier: MIT */
#include "engine/service/port.h"

#include "engine/base/mem.h"

static const char *const blame_words[] = {
#define X(id, word, help) [id] = word,
    BLAME_LIST(X)
#undef X
};

const char *blame_word(enum blame blame)
{
    return (unsigned)blame < BLAME_COUNT ? blame_words[blame] : "unknown";
}

bool blame_find(const char *word, enum blame *ret_blame)
{
    for (int i = 0; i < BLAME_COUNT; i++) {
        if (strcmp(word, blame_words[i]) == 0) {
            *ret_blame = (enum blame)i;
            return true;
        }
    }
    return false;
}

struct effect_result *effect_result_new(int64_t workflow, int64_t seq)
{
    struct effect_result *result = mem_alloc(sizeof(*result));
    result->workflow = workflow;
    result->seq = seq;
    result->exit_status = -1;
    result->cpu_ms = result->peak_rss_kib = result->out_bytes = -1;
    result->tries = 1;
    return result;
}

void effect_result_make_parts(struct effect_result *result, size_t n)
{
    result->parts = mem_array(n, sizeof(struct effect_result *));
    result->n_parts = n;
}

static bool begins_with(const char *text, const char *with)
{
    return text != NULL && strncmp(text, with, strlen(with)) == 0;
}

int64_t effect_with(const struct effect_row *effect)
{
    return begins_with(effect->params, EFFECT_PARAMS_WITH)
               ? strtoll(effect->params + strlen(EFFECT_PARAMS_WITH), NULL, 10)
               : 0;
}

bool effect_is_beside(const struct effect_row *effect)
{
    return effect->kind == EFFECT_CHECK &&
           (begins_with(effect->params, EFFECT_PARAMS_WITH) ||
            begins_with(effect->params, EFFECT_PARAMS_ALL));
}

static void free_fields(struct effect_result *result)
{
    free(result->summary);
    free(result->log);
    free(result->excerpt);
    free(result->branch);
    free(result->base_sha);
    free(result->head_sha);
    free(result->merge_sha);
    free(result->plan);
    free(result->diff);
    free(result->commits);
    free(result->provider);
    free(result->service);
    free(result->parts);
    free(result);
}

void effect_result_free(struct effect_result *result)
{
    if (result == NULL) {
        return;
    }
    for (size_t i = 0; i < result->n_parts; i++) {
        if (result->parts[i] != NULL) {
            free_fields(result->parts[i]); /* parts have none of their own */
        }
    }
    free_fields(result);
}
