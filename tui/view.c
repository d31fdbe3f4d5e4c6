/* SPDX-License-Identifier: MIT */
#include "tui/view.h"

#include <stdarg.h>

#include "engine/base/mem.h"
#include "tui/feed.h"

void effects_init(struct effects *effects)
{
    *effects = (struct effects){0};
}

static void free_submission(struct feed_submission *submission)
{
    if (submission != NULL) {
        free((void *)(uintptr_t)submission->pipeline);
        free((void *)(uintptr_t)submission->repo);
        free((void *)(uintptr_t)submission->task);
        free(submission);
    }
}

void effects_fini(struct effects *effects)
{
    free(effects->verb.args);
    free((void *)(uintptr_t)effects->verb.targets);
    free(effects->copy);
    free_submission(effects->submission);
    *effects = (struct effects){0};
}

void effects_open(struct effects *effects, const struct view_class *klass, int64_t id,
                  const char *arg)
{
    effects->open = klass;
    effects->open_id = id;
    (void)snprintf(effects->open_arg, sizeof(effects->open_arg), "%s",
                   arg != NULL ? arg : "");
}

void effects_ask(struct effects *effects, const struct prompt_request *request)
{
    effects->has_prompt = true;
    effects->prompt = *request;
    (void)snprintf(effects->prompt_initial, sizeof(effects->prompt_initial), "%s",
                   request->initial != NULL ? request->initial : "");
    effects->prompt.initial = NULL;
}

void effects_verb(struct effects *effects, const struct verb_request *request)
{
    free(effects->verb.args);
    free((void *)(uintptr_t)effects->verb.targets);
    effects->has_verb = true;
    effects->verb = *request;
    int64_t *targets = NULL;
    if (request->n_targets > 0) {
        targets = mem_array(request->n_targets, sizeof(*targets));
        memcpy(targets, request->targets, request->n_targets * sizeof(*targets));
    }
    effects->verb.targets = targets;
}

void effects_say(struct effects *effects, enum message_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    effects->message_kind = kind;
    (void)vsnprintf(effects->message, sizeof(effects->message), format, args);
    va_end(args);
}

void effects_submit(struct effects *effects, const struct feed_submission *submission)
{
    free_submission(effects->submission);
    effects->submission = mem_alloc(sizeof(*effects->submission));
    *effects->submission = (struct feed_submission){
        .pipeline = mem_str(submission->pipeline),
        .repo = mem_str(submission->repo),
        .task = mem_str(submission->task),
        .priority = submission->priority,
    };
}

void effects_copy(struct effects *effects, const char *text, size_t len)
{
    free(effects->copy);
    effects->copy = mem_strn(text, len);
}
