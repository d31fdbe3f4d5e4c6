/* SPDX-License-Identifier: MIT */

/*
 * Finding: what the monitor says becomes rows and events, each exactly once: the newest
 * number taken is a setting of the same transaction. Silences in force are kept here,
 * because that one ends is something to tell before it happens.
 */

#include <errno.h>

#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"

#define TEXT_MAX   300
#define TELL_AHEAD span_s(600)

/* ---- findings ---- */

static void tell(struct control *control, struct wall now, const char *kind,
                 const char *text)
{
    char clean[TEXT_MAX];
    log_line(strstr(kind, "-opened") != NULL ? LOG_WARN : LOG_INFO, "monitor", "finding",
             LOG_FIELDS(LOG_TEXT("kind", kind), LOG_TEXT("text", text)));
    control_note(control, &(struct event_row){
                              .at = now,
                              .kind = kind,
                              .actor = "monitor",
                              .text = text_clean_into(clean, sizeof(clean), text)});
}

/* One of "opened", "changed", "closed", or NULL when there is nothing to tell. */
static const char *change_of(bool was_open, bool is_open, bool is_other)
{
    if (was_open != is_open) {
        return is_open ? "opened" : "closed";
    }
    return is_open && is_other ? "changed" : NULL;
}

static void take_anomaly(struct control *control, const struct anomaly_row *row,
                         struct wall now)
{
    struct arena *arena = arena_new();
    struct anomaly_row was = {0};
    struct err err = ERR_INIT;
    /* A store that cannot be read cannot be written either: the commit tells. */
    enum found found = store_load_anomaly(control->store, arena, row->id, &was, &err);
    bool was_open = found == FOUND && !wall_is_set(was.closed_at);
    bool is_open = !wall_is_set(row->closed_at);
    const char *change = change_of(
        was_open, is_open,
        found == FOUND && (was.severity != row->severity || was.type != row->type));
    store_put_anomaly(control->store, row);
    recovery_anomaly(control, row);
    if (change != NULL) {
        AUTO_FREE char *kind = mem_printf("anomaly-%s", change);
        AUTO_FREE char *text =
            mem_printf("anomaly %lld (%s, %s%s%s): %s", (long long)row->id,
                       severity_word(row->severity), anomaly_word(row->type),
                       row->closed_by[0] != '\0' ? ", " : "", row->closed_by, row->text);
        tell(control, now, kind, text);
    }
    arena_free(arena);
}

/* What is inhibited is shown, but not told; when the inhibition ends it is told late. */
static bool is_told(const struct incident_row *row)
{
    return !wall_is_set(row->closed_at) && row->inhibited_by[0] == '\0';
}

static void take_incident(struct control *control, const struct incident_row *row,
                          struct wall now)
{
    struct arena *arena = arena_new();
    struct incident_row was = {.inhibited_by = ""};
    struct err err = ERR_INIT;
    enum found found = store_load_incident(control->store, arena, row->id, &was, &err);
    bool was_told = found == FOUND && is_told(&was);
    const char *change = change_of(was_told, is_told(row), was.severity != row->severity);
    if (was_told && !wall_is_set(row->closed_at) && row->inhibited_by[0] != '\0') {
        change = "inhibited";
    }
    store_put_incident(control->store, row);
    if (change != NULL) {
        AUTO_FREE char *kind = mem_printf("incident-%s", change);
        AUTO_FREE char *text = mem_printf(
            "incident %lld (%s%s%s): %s", (long long)row->id,
            severity_word(row->severity), row->inhibited_by[0] != '\0' ? ", " : "",
            row->inhibited_by, row->text);
        tell(control, now, kind, text);
    }
    arena_free(arena);
}

void control_finding(struct control *control, struct monitor_finding *finding,
                     struct wall now)
{
    if (finding->number <= control->last_finding) {
        monitor_finding_free(finding);
        return;
    }
    control->last_finding = finding->number;
    control->has_new_finding = true;
    switch (finding->kind) {
    case FINDING_ANOMALY:
        take_anomaly(control, &finding->anomaly, now);
        break;
    case FINDING_INCIDENT:
        take_incident(control, &finding->incident, now);
        break;
    }
    monitor_finding_free(finding);
}

void finding_put_number(struct control *control)
{
    if (control->has_new_finding) {
        char text[24];
        (void)snprintf(text, sizeof(text), "%lld", (long long)control->last_finding);
        store_put_setting(control->store, FINDING_SETTING, text);
        control->has_new_finding = false;
    }
}

/* ---- silences ---- */

/* A short one was made with its end in sight: that needs no telling. */
void silence_keep(struct control *control, int64_t id, struct wall from,
                  struct wall until)
{
    if (control->n_silences == SILENCES_MAX) {
        return; /* refused before; one of an older engine only goes untold */
    }
    struct wall tell_at = {until.ms - TELL_AHEAD.ms};
    control->silences[control->n_silences++] = (struct silence){
        .id = id,
        .until = until,
        .tell_at.ms = tell_at.ms > from.ms + TELL_AHEAD.ms ? tell_at.ms : 0,
    };
}

void silence_drop(struct control *control, int64_t id)
{
    for (size_t i = 0; i < control->n_silences; i++) {
        if (control->silences[i].id == id) {
            control->silences[i] = control->silences[--control->n_silences];
            return;
        }
    }
}

static void tell_silence(struct control *control, int64_t id, bool is_over,
                         struct wall now)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct silence_row row;
    if (store_load_silence(control->store, arena, id, &row, &err) == FOUND) {
        char at[CLOCK_TEXT_MAX];
        AUTO_FREE char *text = mem_printf("silence %lld of %s %s %s", (long long)id,
                                          row.match, is_over ? "ended at" : "ends at",
                                          wall_format(row.until, false, at));
        tell(control, now, is_over ? "silence-ended" : "silence-ending", text);
        row.is_told = true;
        store_put_silence(control->store, &row);
    }
    arena_free(arena);
}

void silence_tick(struct control *control, struct wall now)
{
    for (size_t i = 0; i < control->n_silences;) {
        struct silence *silence = &control->silences[i];
        if (silence->until.ms <= now.ms) {
            tell_silence(control, silence->id, true, now);
            silence_drop(control, silence->id); /* another one stands here now */
            continue;
        }
        if (wall_is_set(silence->tell_at) && silence->tell_at.ms <= now.ms) {
            silence->tell_at.ms = 0;
            tell_silence(control, silence->id, false, now);
        }
        i++;
    }
}

struct wall silence_wake_at(const struct control *control)
{
    struct wall at = {0};
    for (size_t i = 0; i < control->n_silences; i++) {
        const struct silence *silence = &control->silences[i];
        struct wall next =
            wall_is_set(silence->tell_at) ? silence->tell_at : silence->until;
        if (!wall_is_set(at) || next.ms < at.ms) {
            at = next;
        }
    }
    return at;
}

/* ---- start ---- */

static void on_silence(void *user, const struct silence_row *row)
{
    struct control *control = user;
    size_t n = control->n_silences;
    silence_keep(control, row->id, row->from, row->until);
    if (row->is_told && n < control->n_silences) {
        control->silences[n].tell_at.ms = 0;
    }
}

bool finding_load(struct control *control, struct wall now, struct err *err)
{
    struct arena *arena = arena_new();
    const char *text = "";
    bool is_good = store_load_setting(control->store, arena, FINDING_SETTING, &text, err);
    if (is_good) {
        char *end;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        control->last_finding = errno == 0 && *end == '\0' && number > 0 ? number : 0;
    }
    arena_free(arena);
    return is_good && store_load_silences(control->store, now, on_silence, control, err);
}
