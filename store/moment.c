/* SPDX-License-Identifier: MIT */
/* Moment: what a person types, and which event that is. */
#include <ctype.h>
#include <errno.h>

#include "engine/base/text.h"
#include "store/past_private.h"

#define DAY_MS 86400000

/* ---- what was typed ---- */

static bool parse_event(const char *text, struct moment_ask *ret_ask)
{
    char *end = NULL;
    errno = 0;
    long long seq = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : 0;
    if (seq <= 0 || errno != 0 || *end != '\0') {
        return false;
    }
    *ret_ask = (struct moment_ask){.event = seq};
    return true;
}

/* The time of day of `now`'s day, or of the day before. */
static bool parse_time(const char *text, struct wall now, struct wall *ret_at)
{
    char today[CLOCK_TEXT_MAX], whole[CLOCK_TEXT_MAX];
    size_t len = strlen(text);
    len -= len > 0 && text[len - 1] == 'Z' ? 1 : 0;
    if (len != 5 && len != 8) {
        return false;
    }
    (void)snprintf(whole, sizeof(whole), "%.11s%.*s%sZ", wall_format(now, false, today),
                   (int)len, text, len == 5 ? ":00" : "");
    if (!wall_parse(whole, ret_at)) {
        return false;
    }
    ret_at->ms -= ret_at->ms > now.ms ? DAY_MS : 0;
    return true;
}

static bool parse_at(const char *text, struct wall now, struct wall *ret_at)
{
    struct span ago;
    char whole[CLOCK_TEXT_MAX];
    if (text[0] == '-' && span_parse(text + 1, &ago)) {
        *ret_at = (struct wall){now.ms - ago.ms};
        return true;
    }
    if (strlen(text) == 10) {
        (void)snprintf(whole, sizeof(whole), "%.10sT00:00:00Z", text);
        return wall_parse(whole, ret_at);
    }
    return wall_parse(text, ret_at) || parse_time(text, now, ret_at);
}

bool moment_parse(const char *text, struct wall now, struct moment_ask *ret_ask,
                  struct err *err)
{
    char clean[80];
    struct wall at = {0};
    if (text[0] == '#' && parse_event(text + 1, ret_ask)) {
        return true;
    }
    (void)text_clean_into(clean, sizeof(clean), text);
    if (text[0] == '#' || !parse_at(text, now, &at)) {
        return err_set(err, ERR_USAGE, "'%s' is no moment; expected %s", clean,
                       MOMENT_HELP);
    }
    if (at.ms > now.ms || at.ms <= 0) {
        return err_set(err, ERR_USAGE, "'%s' is no moment of the past", clean);
    }
    *ret_ask = (struct moment_ask){.at = at};
    return true;
}

/* ---- which event that is ---- */

/* The first event that the condition finds; MISSING: there is none. */
static enum found find_event(struct reader *reader, const char *condition, int64_t seq,
                             int64_t offset, struct moment *ret_moment, struct err *err)
{
    sqlite3_stmt *s = NULL;
    struct database *db = &reader->database;
    AUTO_FREE char *sql = mem_printf(
        "SELECT seq, at, workflow, kind FROM main.event WHERE %s LIMIT 1 OFFSET ?2",
        condition);
    if (sqlite3_prepare_v2(db->db, sql, -1, &s, NULL) != SQLITE_OK) {
        (void)database_fail(db, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, seq);
    bind_int(s, 2, offset);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        *ret_moment = (struct moment){.seq = sqlite3_column_int64(s, 0),
                                      .at = {sqlite3_column_int64(s, 1)},
                                      .workflow = sqlite3_column_int64(s, 2),
                                      .is_event = true};
        (void)snprintf(ret_moment->kind, sizeof(ret_moment->kind), "%s",
                       word_text(db, sqlite3_column_int64(s, 3))); /* short words */
    } else if (code != SQLITE_DONE) {
        (void)database_fail(db, err);
    }
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

#define AT_OR_BEFORE "seq <= ?1 ORDER BY seq DESC"
#define AFTER        "seq > ?1 ORDER BY seq"

static bool first_and_last(struct reader *reader, struct moment *ret_first,
                           struct moment *ret_last, struct err *err)
{
    *ret_first = *ret_last = (struct moment){0};
    return find_event(reader, AFTER, 0, 0, ret_first, err) != FOUND_FAILED &&
           find_event(reader, AT_OR_BEFORE, INT64_MAX, 0, ret_last, err) != FOUND_FAILED;
}

static int64_t setting_number(struct reader *reader, const char *key)
{
    struct err ignored = ERR_INIT;
    int64_t value = 0;
    AUTO_FREE char *sql = mem_printf(
        "SELECT CAST(value AS INTEGER) FROM main.setting WHERE key = '%s'", key);
    return database_number(&reader->database, sql, &value, &ignored) ? value : 0;
}

static bool is_kept(struct reader *reader, const struct moment *moment)
{
    return moment->seq >= setting_number(reader, "past_begins") &&
           moment->at.ms >= setting_number(reader, "past_pruned");
}

/* Is it of a time of which all is still known? */
static bool check_kept(struct reader *reader, const struct moment *moment,
                       struct err *err)
{
    char at[CLOCK_TEXT_MAX];
    if (is_kept(reader, moment)) {
        return true;
    }
    int64_t begins = setting_number(reader, "past_begins");
    if (moment->seq < begins) {
        return err_set(err, ERR_REFUSED,
                       "the past is kept from event #%lld on, when this store was"
                       " brought up to date",
                       (long long)begins);
    }
    struct wall pruned = {setting_number(reader, "past_pruned")};
    return err_set(err, ERR_REFUSED, "what was before %s is no longer kept",
                   wall_format(pruned, false, at));
}

/* By halves: the newest event not after `at`. */
static bool find_time(struct reader *reader, struct wall at, const struct moment *first,
                      const struct moment *last, struct moment *ret_moment,
                      struct err *err)
{
    int64_t low = first->seq - 1, high = last->seq;
    struct moment best = {.seq = low > 0 ? low : 0}, middle;
    while (low < high) {
        int64_t seq = low + (high - low + 1) / 2;
        enum found found = find_event(reader, AT_OR_BEFORE, seq, 0, &middle, err);
        if (found == FOUND_FAILED) {
            return false;
        }
        if (found == MISSING || middle.seq <= low) {
            low = seq; /* pruned: there is none in this half */
        } else if (middle.at.ms <= at.ms) {
            best = middle;
            low = seq;
        } else {
            high = middle.seq - 1;
        }
    }
    *ret_moment = best;
    ret_moment->at = at;
    ret_moment->is_event = false;
    return true;
}

bool reader_find_moment(struct reader *reader, const struct moment_ask *ask,
                        struct moment *ret_moment, struct err *err)
{
    struct moment first, last, moment = {0};
    if (!first_and_last(reader, &first, &last, err)) {
        return false;
    }
    if (last.seq == 0 && ask->event > 0) {
        return err_set(err, ERR_REFUSED, "nothing has happened yet");
    }
    if (ask->event > last.seq && ask->event != MOMENT_NEWEST) {
        return err_set(err, ERR_REFUSED,
                       "there is no event #%lld yet, the newest is #%lld",
                       (long long)ask->event, (long long)last.seq);
    }
    if (ask->event > 0) {
        enum found found = find_event(reader, AT_OR_BEFORE, ask->event, 0, &moment, err);
        if (found == FOUND_FAILED) {
            return false;
        }
        if (found == MISSING) {
            return err_set(err, ERR_REFUSED, "event #%lld is no longer kept",
                           (long long)ask->event);
        }
    } else if (!find_time(reader, ask->at, &first, &last, &moment, err)) {
        return false;
    }
    moment.last = last.seq;
    if (!check_kept(reader, &moment, err)) {
        return false;
    }
    *ret_moment = moment;
    return true;
}

bool reader_step_moment(struct reader *reader, const struct moment *from, int64_t by,
                        struct moment *ret_moment, struct err *err)
{
    struct moment first, last, moment = *from;
    if (!first_and_last(reader, &first, &last, err)) {
        return false;
    }
    if (by == 0 || last.seq == 0) {
        *ret_moment = *from;
        return true;
    }
    enum found found;
    if (by > 0) {
        found = find_event(reader, AFTER, from->seq, by - 1, &moment, err);
        moment = found == MISSING ? last : moment;
    } else {
        /* Back from a time: first to the event that it stands behind. */
        int64_t seq = from->is_event ? from->seq - 1 : from->seq;
        found = find_event(reader, AT_OR_BEFORE, seq, -by - 1, &moment, err);
        moment = found == MISSING ? first : moment;
    }
    if (found == FOUND_FAILED) {
        return false;
    }
    moment.last = last.seq;
    /* At the edge of what is kept it stays where it is. */
    *ret_moment = is_kept(reader, &moment) ? moment : *from;
    return true;
}
