/* SPDX-License-Identifier: MIT */
#include "tui/view.h"

#include <stdarg.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/feed.h"

void reply_init(struct reply *reply)
{
    *reply = (struct reply){0};
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

void verb_each_free(char **each, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(each[i]);
    }
    free(each);
}

void reply_fini(struct reply *reply)
{
    free(reply->verb.args);
    verb_each_free(reply->verb.each, reply->verb.n_each);
    free((void *)(uintptr_t)reply->verb.targets);
    free(reply->copy);
    free(reply->save);
    free(reply->save_path);
    free_submission(reply->submission);
    *reply = (struct reply){0};
}

bool reply_is_empty(const struct reply *reply)
{
    return reply->flags == 0 && reply->open == NULL && !reply->has_prompt &&
           !reply->has_verb && reply->submission == NULL && reply->message[0] == '\0' &&
           reply->copy == NULL && reply->save == NULL;
}

void reply_open(struct reply *reply, const struct view_class *klass, int64_t id,
                const char *arg)
{
    reply->open = klass;
    reply->open_id = id;
    (void)snprintf(reply->open_arg, sizeof(reply->open_arg), "%s",
                   arg != NULL ? arg : "");
}

void reply_ask(struct reply *reply, const struct prompt_request *request)
{
    reply->has_prompt = true;
    reply->prompt = *request;
    (void)snprintf(reply->prompt_initial, sizeof(reply->prompt_initial), "%s",
                   request->initial != NULL ? request->initial : "");
    reply->prompt.initial = NULL;
}

void reply_verb(struct reply *reply, const struct verb_request *request)
{
    free(reply->verb.args);
    verb_each_free(reply->verb.each, reply->verb.n_each);
    free((void *)(uintptr_t)reply->verb.targets);
    reply->has_verb = true;
    reply->verb = *request;
    int64_t *targets = NULL;
    if (request->n_targets > 0) {
        targets = mem_array(request->n_targets, sizeof(*targets));
        memcpy(targets, request->targets, request->n_targets * sizeof(*targets));
    }
    reply->verb.targets = targets;
}

void reply_say(struct reply *reply, enum message_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    reply->message_kind = kind;
    (void)vsnprintf(reply->message, sizeof(reply->message), format, args);
    va_end(args);
    (void)text_whole(reply->message);
}

void reply_submit(struct reply *reply, const struct feed_submission *submission)
{
    free_submission(reply->submission);
    reply->submission = mem_alloc(sizeof(*reply->submission));
    *reply->submission = (struct feed_submission){
        .pipeline = mem_str(submission->pipeline),
        .repo = mem_str(submission->repo),
        .task = mem_str(submission->task),
        .priority = submission->priority,
    };
}

void reply_copy(struct reply *reply, const char *text, size_t len)
{
    free(reply->copy);
    reply->copy = mem_strn(text, len);
}

void reply_save(struct reply *reply, const char *path, const char *text, size_t len)
{
    free(reply->save);
    free(reply->save_path);
    reply->save = mem_strn(text, len);
    reply->save_path = mem_str(path);
}
