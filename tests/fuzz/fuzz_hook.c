/* SPDX-License-Identifier: MIT */

/*
 * The webhook path before anything is kept. Six lines are the headers (an empty one is not
 * there), what follows is the body: what passes is bounded, and chunks give the same bytes
 * however they are cut.
 */
#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/io/listener_hook.h"
#include "tests/fuzz/fuzz.h"

#define HEADERS  6
#define BODY_MAX 100000

static void read_chunks(const char *body, size_t len, size_t step, struct buf *out,
                        enum hook_step *ret_end)
{
    struct hook_chunks chunks = {0};
    enum hook_step result = HOOK_MORE;
    for (size_t from = 0; from < len && result == HOOK_MORE; from += step) {
        const char *at = body + from;
        const char *end = body + (from + step < len ? from + step : len);
        const char *data = NULL;
        size_t n = 0;
        while ((result = hook_chunk(&chunks, &at, end, &data, &n)) == HOOK_DATA) {
            MUST(n > 0 && data >= body && data + n <= body + len && at <= end);
            (void)buf_add(out, data, n);
        }
        MUST(result != HOOK_MORE || at == end);
    }
    *ret_end = result;
}

static void check_chunks(const char *body, size_t len)
{
    AUTO_BUF struct buf whole;
    enum hook_step end = HOOK_MORE;
    buf_init(&whole, len + 1);
    read_chunks(body, len, len + 1, &whole, &end);
    for (size_t step = 1; step < 12; step += 3) {
        AUTO_BUF struct buf cut;
        enum hook_step cut_end = HOOK_MORE;
        buf_init(&cut, len + 1);
        read_chunks(body, len, step, &cut, &cut_end);
        MUST(cut_end == end);
        MUST(cut.len == whole.len && memcmp(cut.data, whole.data, cut.len) == 0);
    }
}

static void check_plan(const struct hook_head *head, const struct hook_plan *plan)
{
    MUST(plan->why != NULL);
    MUST(plan->status == 0 || (plan->status >= 400 && plan->status <= 599));
    MUST((plan->status == 0) == (plan->why[0] == '\0'));
    if (plan->status != 0) {
        return;
    }
    MUST(head->signature != NULL && strlen(head->signature) == 7 + 2 * DIGEST_LEN);
    MUST(strlen(head->guid) <= HOOK_GUID_MAX && is_harmless(head->guid));
    MUST(strlen(head->event) <= HOOK_EVENT_MAX && is_harmless(head->event));
    MUST(plan->is_chunked != (head->length != NULL));
    MUST(plan->is_chunked ? plan->length == -1
                          : plan->length >= 0 && plan->length <= BODY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *lines[HEADERS] = {NULL};
    const char *at = (const char *)data, *end = at + size;
    for (int i = 0; i < HEADERS; i++) {
        const char *stop = size > 0 ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        lines[i] = len > 0 ? mem_strn(at, len) : NULL;
        at = stop != NULL ? stop + 1 : end;
    }
    const struct hook_head head = {lines[0], lines[1], lines[2],
                                   lines[3], lines[4], lines[5]};
    struct hook_plan plan;
    hook_check(&head, BODY_MAX, &plan);
    check_plan(&head, &plan);
    (void)hook_is_an_object(at, (size_t)(end - at)); /* must only end */
    check_chunks(at, (size_t)(end - at));
    for (int i = 0; i < HEADERS; i++) {
        free(lines[i]);
    }
    return 0;
}
