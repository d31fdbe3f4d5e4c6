/* SPDX-License-Identifier: MIT */
#include "tui/call.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"

void call_look(struct call *call, const struct call_facts *facts)
{
    bool is_in_trouble = facts->trouble[0] != '\0';
    bool is_first = !call->has_seen;
    bool has_more = facts->n_needs > call->n_needs;
    bool is_new_halt = facts->is_halted && !call->is_halted;
    bool is_new_trouble = is_in_trouble && !call->is_in_trouble;
    if (facts->n_needs < 0) {
        return;
    }
    call->has_seen = true;
    call->n_needs = facts->n_needs;
    call->is_halted = facts->is_halted;
    call->is_in_trouble = is_in_trouble;
    if (facts->n_needs == 0 && !facts->is_halted && !is_in_trouble) {
        call->text[0] = '\0'; /* it is over before it was told */
    } else if (!is_first && (has_more || is_new_halt || is_new_trouble)) {
        char raw[2 * CALL_TEXT_MAX];
        (void)snprintf(raw, sizeof(raw), "signalbox: %s%.60s%s%.100s%s%lld need%s you",
                       facts->is_halted ? "HALTED by " : "",
                       facts->is_halted ? facts->halted_by : "",
                       facts->is_halted ? ", " : "", facts->trouble,
                       is_in_trouble ? ", " : "", (long long)facts->n_needs,
                       facts->n_needs == 1 ? "s" : "");
        (void)text_clean_into(call->text, sizeof(call->text), raw);
    }
}

struct mono call_next(const struct call *call)
{
    if (call->text[0] == '\0') {
        return (struct mono){0};
    }
    int64_t at =
        call->called_at.ns > 0 ? call->called_at.ns + CALL_EVERY.ms * 1000000 : 1;
    return (struct mono){at};
}

const char *call_take(struct call *call, struct mono now)
{
    struct mono at = call_next(call);
    static char text[CALL_TEXT_MAX]; /* one console, one thread */
    if (at.ns == 0 || at.ns > now.ns) {
        return NULL;
    }
    (void)snprintf(text, sizeof(text), "%s", call->text);
    call->text[0] = '\0';
    call->called_at = now;
    return text;
}

void call_put(struct buf *out, enum call_mode mode, enum call_wrap wrap, const char *text)
{
    char clean[CALL_TEXT_MAX];
    if (mode == CALL_OFF) {
        return;
    }
    if (mode == CALL_BELL) {
        (void)buf_char(out, '\a');
        return;
    }
    (void)text_clean_into(clean, sizeof(clean), text);
    for (char *p = clean; *p != '\0'; p++) {
        *p = *p == ';' ? ',' : *p; /* what parts the fields */
    }
    (void)buf_str(out, wrap == CALL_TMUX     ? "\x1bPtmux;\x1b"
                       : wrap == CALL_SCREEN ? "\x1bP"
                                             : "");
    (void)buf_str(out, mode == CALL_OSC9 ? "\x1b]9;" : "\x1b]777;notify;signalbox;");
    (void)buf_str(out, clean);
    (void)buf_str(out, wrap != CALL_PLAIN ? "\a\x1b\\" : "\a");
}
