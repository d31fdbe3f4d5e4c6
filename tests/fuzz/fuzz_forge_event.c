/* SPDX-License-Identifier: MIT */

/* Payload of a webhook. Input: the event's name, a newline, the body. */
#include "engine/base/mem.h"
#include "engine/service/forge_event.h"
#include "tests/fuzz/fuzz.h"

static void check_event(const struct forge_event *event)
{
    const char *texts[] = {
        event->action, event->repository, event->branch,     event->base,
        event->sha,    event->before,     event->name,       event->status,
        event->actor,  event->url,        event->conclusion, event->merge_sha,
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        MUST(texts[i] != NULL);
        MUST(strlen(texts[i]) <= FORGE_TEXT_MAX);
        MUST(is_harmless(texts[i]));
    }
    MUST(!event->is_merged || event->is_closed);
    MUST(event->is_merged || event->merge_sha[0] == '\0');
    bool has_repository = event->kind != FORGE_PING && event->kind != FORGE_OTHER;
    MUST(!has_repository || event->repository[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    if (end == NULL) {
        return 0;
    }
    size_t name_len = (size_t)(end - data);
    AUTO_FREE char *name = mem_strn((const char *)data, name_len);
    struct err err = ERR_INIT;
    struct forge_event event;
    if (!forge_event_parse(name, (const char *)end + 1, size - name_len - 1, &event,
                           &err)) {
        MUST(err.code == ERR_PROTOCOL && err.msg[0] != '\0');
        return 0;
    }
    MUST(event.kind == forge_event_kind(name));
    check_event(&event);
    struct forge_event *copy = forge_event_copy(&event);
    forge_event_fini(&event);
    check_event(copy);
    forge_event_free(copy);
    return 0;
}
