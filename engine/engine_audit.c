/* SPDX-License-Identifier: MIT */

/*
 * The audit's head, noted outside of the store after each commit (store/audit_file.h), and
 * compared with the chain at the start: what was cut off or made anew while no engine ran is
 * told at once, in the events and in the audit itself. Control thread, and start and end.
 */
#include "engine/engine_private.h"

#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/version.h"
#include "store/audit_file.h"

static void tell(struct engine *engine, const char *act, const char *outcome,
                 const char *text)
{
    log_line(LOG_ERROR, "audit", outcome, LOG_FIELDS(LOG_TEXT("text", text)));
    control_audit(engine->control, wall_now(), "engine", act, "audit", outcome, "%s",
                  text);
    (void)store_add_event(engine->store, &(struct event_row){.at = wall_now(),
                                                             .kind = act,
                                                             .actor = "engine",
                                                             .text = text});
}

/* The first mark that the chain does not have; NULL: it has all, or could not be read. */
static const struct audit_mark *find_foreign(struct reader *reader,
                                             const struct audit_notes *notes)
{
    const struct audit_mark *first = NULL;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < notes->n; i++) {
        const struct audit_mark *mark = &notes->marks[i];
        struct audit_row row;
        struct err err = ERR_INIT;
        arena_reset(arena);
        enum found found = reader_audit_row(reader, arena, mark->n, &row, &err);
        bool is_foreign =
            found == MISSING ||
            (found == FOUND && memcmp(row.hash, mark->hash, DIGEST_LEN) != 0);
        if (is_foreign && (first == NULL || mark->n < first->n)) {
            first = mark;
        }
    }
    arena_free(arena);
    return first;
}

static void compare(struct engine *engine, const struct audit_notes *notes)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(engine->config->store, &err);
    const struct audit_mark *mark = reader != NULL ? find_foreign(reader, notes) : NULL;
    if (mark != NULL) {
        AUTO_FREE char *text = mem_printf(
            "row %lld of the audit is not the one that %s-audit tells of: it was "
            "cut off or written anew; 'signalbox audit verify' says more",
            (long long)mark->n, engine->config->store);
        tell(engine, "audit-broken", "found", text);
    }
    reader_close(reader);
}

void engine_audit_start(struct engine *engine)
{
    const struct config *config = engine->config;
    struct audit_notes notes = {0};
    struct err err = ERR_INIT;
    enum found found = audit_file_read(config->store, &notes, &err);
    if (found == FOUND) {
        compare(engine, &notes);
    } else if (found == FOUND_FAILED || store_audit_head(engine->store).n > 0) {
        AUTO_FREE char *text =
            mem_printf("%s-audit %s: rows before this one are not noted outside",
                       config->store, found == MISSING ? "is missing" : "cannot be read");
        tell(engine, "audit-file-failed", found == MISSING ? "missing" : "unreadable",
             text);
    }
    audit_notes_fini(&notes);
    engine->audit_file = audit_file_new(config->store);
    control_audit(
        engine->control, engine->started_at, "engine", "engine-start", "engine", "done",
        "signalbox %s, process %d, at most %d at once, %zu services%s%s",
        SIGNALBOX_VERSION, (int)getpid(), config->max_running, config->n_services,
        config->environment[0] != '\0' ? ", environment " : "", config->environment);
}

void engine_audit_note(struct engine *engine, bool is_last)
{
    struct err err = ERR_INIT;
    struct audit_mark head = store_audit_head(engine->store);
    bool is_noted = audit_file_note(engine->audit_file, &head, wall_now(), is_last, &err);
    if (!is_noted && !engine->has_audit_fault) {
        tell(engine, "audit-file-failed", "unwritable", err.msg);
    }
    engine->has_audit_fault = !is_noted || (engine->has_audit_fault &&
                                            wall_is_set(engine_audit_wake_at(engine)));
}

struct wall engine_audit_wake_at(const struct engine *engine)
{
    return audit_file_wake_at(engine->audit_file);
}

void engine_audit_stop(struct engine *engine)
{
    audit_file_free(engine->audit_file);
    engine->audit_file = NULL;
}
