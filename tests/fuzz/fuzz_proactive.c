/* SPDX-License-Identifier: MIT */

/* Prepared actions: saved state of any bytes is refused or is used without harm and saves to the
 * same bytes again; whatever is heard, there is at most one of a kind. */
#include "engine/base/mem.h"
#include "engine/decision/proactive.h"
#include "tests/fuzz/fuzz.h"

static void same_again(const struct proactive *it)
{
    AUTO_BUF struct buf once, twice;
    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    struct proactive *copy = proactive_new();
    proactive_save(it, &once);
    MUST(proactive_load(copy, once.data, once.len));
    proactive_save(copy, &twice);
    MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    proactive_free(copy);
}

static void happens(struct proactive *it, const uint8_t *bytes)
{
    static const char *const subjects[] = {"a", "b", "c", "\033[31m\xff"};
    struct prepared_step steps[2 * PREPARED_COUNT];
    struct wall now = {(int64_t)bytes[0] * 100000 + 1};
    struct omen omen = {.kind = (enum omen_kind)(bytes[1] % (OMEN_COUNT + 1)),
                        .subject = subjects[bytes[1] / 8 % 4],
                        .text = "text",
                        .p = bytes[2] / 250.0,
                        .is_measured = bytes[1] & 64,
                        .is_trusted = bytes[1] & 128,
                        .due = {bytes[3] * 100000}};
    proactive_hear(it, &omen, now);
    if (bytes[3] % 8 == 0) {
        proactive_came(it, omen.kind, omen.subject, now);
    }
    bool was[PREPARED_COUNT];
    for (int i = 0; i < PREPARED_COUNT; i++) {
        was[i] = proactive_active(it, (enum prepared)i) != NULL;
        (void)proactive_why_not(it, (enum prepared)i, now);
    }
    size_t n = proactive_decide(it, now, steps, 2 * PREPARED_COUNT);
    for (size_t i = 0; i < n; i++) {
        MUST(was[steps[i].action] == steps[i].is_end);
        was[steps[i].action] = !steps[i].is_end;
    }
    (void)proactive_wake_at(it);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proactive *it = proactive_new();
    if (proactive_load(it, data, size)) {
        same_again(it);
    }
    for (size_t i = 0; i + 4 <= size && i < 2000; i += 4) {
        happens(it, data + i);
    }
    same_again(it);
    proactive_free(it);
    return 0;
}
