/* SPDX-License-Identifier: MIT */
#include "tui/case_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/widget/look.h"

#define LINES_MAX 400
#define TEXT_MAX  2000

#define CLASS_SHOWN 0.01
#define CAUSE_SHOWN 0.1 /* a cause of less weight, but for the best one, is noise */

struct telling {
    struct arena *arena;
    struct wall now;
    int width; /* of the text */
    struct case_line *lines;
    size_t n;
    const char *label; /* of the next line; taken by it */
};

/* ---- looks ---- */

enum glyph case_status_glyph(enum failure_status status)
{
    static const enum glyph glyphs[FAILURE_STATUS_COUNT] = {
        [FAILURE_OPEN] = GLYPH_RUN,
        [FAILURE_RECOVERED] = GLYPH_OK,
        [FAILURE_ESCALATED] = GLYPH_HIGH,
        [FAILURE_HELPED] = GLYPH_OK,
        [FAILURE_LOST] = GLYPH_FAIL};
    return (unsigned)status < FAILURE_STATUS_COUNT ? glyphs[status] : GLYPH_TODO;
}

enum theme_role case_status_role(enum failure_status status)
{
    static const enum theme_role roles[FAILURE_STATUS_COUNT] = {
        [FAILURE_OPEN] = ROLE_STATUS_RUN,
        [FAILURE_RECOVERED] = ROLE_STATUS_OK,
        [FAILURE_ESCALATED] = ROLE_STATUS_HUMAN,
        [FAILURE_HELPED] = ROLE_STATUS_OK,
        [FAILURE_LOST] = ROLE_STATUS_ERROR};
    return (unsigned)status < FAILURE_STATUS_COUNT ? roles[status] : ROLE_TEXT;
}

enum glyph case_rung_glyph(enum recovery_status status)
{
    static const enum glyph glyphs[RECOVERY_STATUS_COUNT] = {
        [RECOVERY_ASKED] = GLYPH_HIGH,        [RECOVERY_RUNNING] = GLYPH_RUN,
        [RECOVERY_PASSED] = GLYPH_OK,         [RECOVERY_FAILED] = GLYPH_FAIL,
        [RECOVERY_INCONCLUSIVE] = GLYPH_HALF, [RECOVERY_REFUSED] = GLYPH_FAIL,
        [RECOVERY_OBSOLETE] = GLYPH_TODO,     [RECOVERY_UNDONE] = GLYPH_ARROW_LEFT};
    return (unsigned)status < RECOVERY_STATUS_COUNT ? glyphs[status] : GLYPH_TODO;
}

enum theme_role case_rung_role(enum recovery_status status)
{
    static const enum theme_role roles[RECOVERY_STATUS_COUNT] = {
        [RECOVERY_ASKED] = ROLE_STATUS_HUMAN,       [RECOVERY_RUNNING] = ROLE_STATUS_RUN,
        [RECOVERY_PASSED] = ROLE_STATUS_OK,         [RECOVERY_FAILED] = ROLE_STATUS_ERROR,
        [RECOVERY_INCONCLUSIVE] = ROLE_STATUS_WARN, [RECOVERY_REFUSED] = ROLE_STATUS_OFF,
        [RECOVERY_OBSOLETE] = ROLE_STATUS_OFF,      [RECOVERY_UNDONE] = ROLE_STATUS_OFF};
    return (unsigned)status < RECOVERY_STATUS_COUNT ? roles[status] : ROLE_TEXT;
}

enum glyph case_verdict_glyph(enum verdict verdict)
{
    static const enum glyph glyphs[VERDICT_COUNT] = {[VERDICT_OPEN] = GLYPH_RUN,
                                                     [VERDICT_GOOD] = GLYPH_OK,
                                                     [VERDICT_BAD] = GLYPH_FAIL,
                                                     [VERDICT_UNCLEAR] = GLYPH_HALF};
    return (unsigned)verdict < VERDICT_COUNT ? glyphs[verdict] : GLYPH_TODO;
}

enum theme_role case_verdict_role(enum verdict verdict)
{
    static const enum theme_role roles[VERDICT_COUNT] = {
        [VERDICT_OPEN] = ROLE_STATUS_RUN,
        [VERDICT_GOOD] = ROLE_STATUS_OK,
        [VERDICT_BAD] = ROLE_STATUS_ERROR,
        [VERDICT_UNCLEAR] = ROLE_STATUS_WARN};
    return (unsigned)verdict < VERDICT_COUNT ? roles[verdict] : ROLE_TEXT;
}

const char *case_odds(double odds, double low, double high, char text[CASE_ODDS_MAX])
{
    if (!isfinite(odds)) {
        (void)snprintf(text, CASE_ODDS_MAX, "not known");
    } else if (isfinite(low) && isfinite(high)) {
        (void)snprintf(text, CASE_ODDS_MAX, "%.0f%% (%.0f to %.0f)", odds * 100,
                       low * 100, high * 100);
    } else {
        (void)snprintf(text, CASE_ODDS_MAX, "%.0f%%", odds * 100);
    }
    return text;
}

/* ---- lines ---- */

static void add_line(struct telling *t, enum glyph mark, enum theme_role mark_role,
                     enum theme_role role, const char *text)
{
    if (t->n == LINES_MAX) {
        return;
    }
    t->lines[t->n++] = (struct case_line){.label = t->label,
                                          .mark = mark,
                                          .mark_role = mark_role,
                                          .role = role,
                                          .text = text};
    t->label = "";
}

static void blank(struct telling *t)
{
    if (t->n > 0 && t->lines[t->n - 1].text[0] != '\0') {
        add_line(t, GLYPH_COUNT, ROLE_TEXT, ROLE_TEXT, "");
    }
}

/* The next line begins a part. */
static void part(struct telling *t, const char *label)
{
    blank(t);
    t->label = label;
}

/* Bytes of text that fit, up to a space when there is one in the second half. */
static size_t fit(const char *text, int cells)
{
    size_t len = strlen(text), n = text_fit(text, len, cells);
    if (n == len) {
        return n;
    }
    size_t space = n;
    while (space > n / 2 && text[space] != ' ') {
        space--;
    }
    return text[space] == ' ' ? space : n > 0 ? n : 1;
}

/* Cleaned, wrapped; what goes on is indented under the text. */
static void say(struct telling *t, enum glyph mark, enum theme_role mark_role,
                enum theme_role role, const char *text)
{
    char clean[TEXT_MAX];
    const char *at = text_clean_into(clean, sizeof(clean), text);
    do {
        size_t n = fit(at, t->width), shown = n;
        while (shown > 0 && at[shown - 1] == ' ') {
            shown--;
        }
        add_line(t, mark, mark_role, role, arena_strn(t->arena, at, shown));
        at += n;
        at += strspn(at, " ");
        mark = GLYPH_COUNT;
    } while (*at != '\0');
}

static void tell(struct telling *t, enum theme_role role, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void tell(struct telling *t, enum theme_role role, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)text_whole(text);
    if (text[0] != '\0') {
        say(t, GLYPH_COUNT, ROLE_TEXT, role, text);
    }
}

static const char *join(struct telling *t, const char *const *names, size_t n, size_t max)
{
    const char *text = "";
    for (size_t i = 0; i < n && i < max; i++) {
        text = arena_printf(t->arena, "%s%s%s", text, i > 0 ? " " : "", names[i]);
    }
    return n > max ? arena_printf(t->arena, "%s and %zu more", text, n - max) : text;
}

static const char *plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

/* ---- parts ---- */

static void tell_what(struct telling *t, const struct failure_row *row)
{
    char id[CASE_ID_MAX], wf[CASE_ID_MAX], age[CLOCK_TEXT_MAX], at[CLOCK_TEXT_MAX];
    char repo[120];
    (void)case_id(CASE_FAILURE, row->id, id);
    part(t, "WHAT");
    say(t, case_status_glyph(row->status), case_status_role(row->status),
        ROLE_TEXT_STRONG, row->text);
    tell(t, ROLE_TEXT, "%s, %s%s%s%s%s", id, failure_status_word(row->status),
         row->workflow != 0 ? ", " : "", case_id(CASE_WORKFLOW, row->workflow, wf),
         row->repo[0] != '\0' ? " in " : "", look_repo(row->repo, repo, sizeof(repo)));
    tell(t, ROLE_TEXT_DIM, "%s%s%s%s%s, %s ago, %s", state_name(row->state),
         row->step[0] != '\0' ? ", " : "", row->step,
         row->provider[0] != '\0' ? ", by " : "", row->provider,
         look_age(t->now, row->at, age), wall_format(row->at, false, at));
}

/* The classes that were near, best first. */
static void tell_other_classes(struct telling *t, const struct failure_row *row,
                               const struct case_detail *detail)
{
    const char *also = "";
    for (size_t i = 0; i < detail->n_classes; i++) {
        if (strcmp(detail->classes[i].word, class_word(row->class_)) != 0 &&
            detail->classes[i].p >= CLASS_SHOWN) {
            also =
                arena_printf(t->arena, "%s%s%s %.0f%%", also, also[0] != '\0' ? ", " : "",
                             detail->classes[i].word, detail->classes[i].p * 100);
        }
    }
    if (also[0] != '\0') {
        tell(t, ROLE_TEXT_DIM, "%s %s", row->class_ == CLASS_UNKNOWN ? "nearest" : "else",
             also);
    }
}

static void tell_class(struct telling *t, const struct failure_row *row,
                       const struct case_detail *detail)
{
    part(t, "CLASS");
    if (row->labelled_by[0] != '\0') {
        tell(t, ROLE_TEXT_STRONG, "%s, says %s; was %s", class_word(row->class_),
             row->labelled_by, class_word(row->was_class));
    } else if (row->class_ == CLASS_UNKNOWN) {
        tell(t, ROLE_TEXT_STRONG, "unknown%s", row->is_flaky ? ", flaky" : "");
    } else {
        tell(t, ROLE_TEXT_STRONG, "%s%s, %.0f%% sure", class_word(row->class_),
             row->is_flaky && row->class_ != CLASS_FLAKY ? ", flaky" : "",
             row->confidence * 100);
    }
    tell(t, ROLE_TEXT_DIM, "%s, %s; %s", category_word(row->category),
         severity_word(row->severity), class_help(row->class_));
    if (row->labelled_by[0] == '\0') {
        tell(t, ROLE_TEXT, "%s%s", row->rule[0] != '\0' ? "rule " : "", row->rule);
        tell_other_classes(t, row, detail);
    }
    part(t, "EVIDENCE");
    for (size_t i = 0; i < detail->n_lines; i++) {
        const char *text = detail->lines[i].text;
        tell(t, ROLE_LOG_ERROR, "%s",
             detail->lines[i].line > 0
                 ? arena_printf(t->arena, "%5" PRId64 "  %s", detail->lines[i].line, text)
                 : text);
    }
    t->label = "";
}

/* "2026-11-22T13:41:00Z" of today as "13:41". */
static const char *moment(struct telling *t, const char *text)
{
    char today[CLOCK_TEXT_MAX];
    (void)wall_format(t->now, false, today);
    bool is_today = strlen(text) >= 20 && strncmp(text, today, 11) == 0;
    return is_today ? arena_strn(t->arena, text + 11, 5) : text;
}

static void tell_causes(struct telling *t, const char *cause,
                        const struct case_detail *detail)
{
    part(t, "CAUSE");
    for (size_t i = 0; i < detail->n_causes; i++) {
        const struct case_cause *one = &detail->causes[i];
        if (i > 0 && one->weight < CAUSE_SHOWN) {
            continue;
        }
        tell(t, i == 0 ? ROLE_TEXT_STRONG : ROLE_TEXT_DIM, "%s%s%s%s%s%s",
             isfinite(one->weight)
                 ? arena_printf(t->arena, "%3.0f%%  ", one->weight * 100)
                 : "",
             one->node, one->why[0] != '\0' ? ": " : "", one->why,
             one->since[0] != '\0' ? ", since " : "", moment(t, one->since));
    }
    if (detail->n_causes == 0) {
        tell(t, ROLE_TEXT, "%s", cause[0] != '\0' ? cause : "not known");
    }
    if (detail->complexity[0] != '\0') {
        tell(t, ROLE_TEXT_DIM, "recovery: %s", detail->complexity);
    }
}

/* ", 3 workflows" when there are any. */
static const char *count(struct telling *t, const char *text, int64_t n, const char *one,
                         const char *many)
{
    return n <= 0 ? text
                  : arena_printf(t->arena, "%s%s%" PRId64 " %s", text,
                                 text[0] != '\0' ? ", " : "", n, plural(n, one, many));
}

static void tell_blast(struct telling *t, const struct case_detail *detail)
{
    const char *text = count(t, "", detail->n_workflows, "workflow", "workflows");
    if (detail->n_workflows < 0) {
        return;
    }
    text = count(t, text, detail->n_queued, "queued", "queued");
    text = count(t, text, (int64_t)detail->n_repositories, "repository", "repositories");
    text = count(t, text, detail->n_branches, "branch", "branches");
    text = count(t, text, (int64_t)detail->n_environments, "environment", "environments");
    part(t, "TOUCHES");
    tell(t, ROLE_TEXT, "%s", text[0] != '\0' ? text : "nothing else");
    tell(t, ROLE_TEXT_DIM, "%s", join(t, detail->affected, detail->n_affected, 12));
    if (detail->n_repositories + detail->n_environments > 1) {
        tell(t, ROLE_TEXT_DIM, "%s %s",
             join(t, detail->repositories, detail->n_repositories, 6),
             join(t, detail->environments, detail->n_environments, 6));
    }
}

static void tell_rung(struct telling *t, const struct recovery_row *row)
{
    char odds[CASE_ODDS_MAX], took[CLOCK_TEXT_MAX], left[CLOCK_TEXT_MAX];
    const char *when = "";
    if (wall_is_set(row->ended_at) && wall_is_set(row->started_at)) {
        when = arena_printf(t->arena, " after %s",
                            look_span(wall_since(row->ended_at, row->started_at), took));
    } else if (row->status == RECOVERY_RUNNING && wall_is_set(row->window_end)) {
        struct span span = wall_since(row->window_end, t->now);
        when = span.ms > 0 ? arena_printf(t->arena, ", %s left", look_left(span, left))
                           : ", its window is over";
    }
    if (row->status == RECOVERY_ASKED) {
        when = ", waits for approval";
    }
    const char *text =
        arena_printf(t->arena, "%d. %-13s %-16s %s%s", row->number, rung_word(row->rung),
                     case_odds(row->odds, row->odds_low, row->odds_high, odds),
                     recovery_status_word(row->status), when);
    say(t, case_rung_glyph(row->status), case_rung_role(row->status), ROLE_TEXT, text);
    if (row->outcome[0] != '\0') {
        tell(t, ROLE_TEXT_DIM, "   %s", row->outcome);
    } else if (row->expected[0] != '\0') {
        tell(t, ROLE_TEXT_DIM, "   looks for: %s", row->expected);
    }
    if (row->inverse[0] != '\0' && row->status <= RECOVERY_RUNNING) {
        tell(t, ROLE_TEXT_DIM, "   taken back by: %s", row->inverse);
    }
}

static void tell_ladder(struct telling *t, const struct case_file *file)
{
    part(t, "LADDER");
    for (size_t i = 0; i < file->n_recoveries; i++) {
        tell_rung(t, &file->recoveries[i]);
    }
    if (file->n_recoveries == 0) {
        tell(t, ROLE_TEXT_DIM, "nothing was tried yet");
    }
}

/* "fingerprint:5c1f..." is too long for a column. */
static const char *say_level(struct telling *t, const char *level)
{
    size_t n = strcspn(level, ":");
    bool is_short = strlen(level) <= 14;
    return is_short ? level : arena_strn(t->arena, level, n);
}

static void tell_option(struct telling *t, const struct case_option *option,
                        bool is_choice)
{
    char odds[CASE_ODDS_MAX], cost[CLOCK_TEXT_MAX];
    if (option->why_not[0] != '\0') {
        say(t, GLYPH_FAIL, ROLE_STATUS_OFF, ROLE_TEXT_DIM,
            arena_printf(t->arena, "%-13s %s", option->choice, option->why_not));
        return;
    }
    struct span span = {isfinite(option->cost_s) ? (int64_t)(option->cost_s * 1000) : 0};
    const char *trials =
        isfinite(option->trials) ? arena_printf(t->arena, "%.1f", option->trials) : "";
    const char *value =
        isfinite(option->value) ? arena_printf(t->arena, "%.2f", option->value) : "";
    const char *text =
        arena_printf(t->arena, "%-13s %-15s %6s %6s %6s  %s", option->choice,
                     case_odds(option->p, option->low, option->high, odds), trials, value,
                     isfinite(option->cost_s) ? look_span(span, cost) : "",
                     say_level(t, option->level));
    say(t, is_choice ? GLYPH_RUN : GLYPH_TODO, is_choice ? ROLE_STATUS_OK : ROLE_TEXT_DIM,
        is_choice ? ROLE_TEXT_STRONG : ROLE_TEXT, text);
}

/* A number as people read it. */
static const char *short_number(struct telling *t, const char *text)
{
    char *end = NULL;
    double number = strtod(text, &end);
    bool is_long = end != text && *end == '\0' && strlen(text) > 5;
    return is_long && isfinite(number) ? arena_printf(t->arena, "%.4g", number) : text;
}

static void tell_facts(struct telling *t, const struct decision_row *row)
{
    const struct case_fact *facts;
    size_t n = case_parse_facts(t->arena, row->context, &facts);
    const char *text = "";
    for (size_t i = 0; i < n; i++) {
        const char *dot = strchr(facts[i].name, '.');
        if (facts[i].value[0] == '[') { /* the levels: each option says its own */
            continue;
        }
        text = arena_printf(t->arena, "%s%s%s %s", text, text[0] != '\0' ? ", " : "",
                            dot != NULL ? dot + 1 : facts[i].name,
                            short_number(t, facts[i].value));
    }
    if (text[0] != '\0') {
        tell(t, ROLE_TEXT_DIM, "knew: %s", text);
    }
}

static void tell_decision(struct telling *t, const struct decision_row *row)
{
    char id[CASE_ID_MAX], age[CLOCK_TEXT_MAX];
    const struct case_option *options;
    size_t n = case_parse_options(t->arena, row->alternatives, &options);
    bool is_choice_left = true;
    part(t, "WHY");
    say(t, case_verdict_glyph(row->verdict), case_verdict_role(row->verdict),
        ROLE_TEXT_STRONG,
        arena_printf(t->arena, "%s for %s, by %s, %s ago", row->choice, row->subject,
                     decider_word(row->decider), look_age(t->now, row->at, age)));
    tell(t, ROLE_TEXT, "%s", row->reason);
    tell(t, ROLE_TEXT_DIM, "%s, %s, %.0f%% sure that it is the best, risk %.0f%%",
         case_id(CASE_DECISION, row->id, id), decision_word(row->kind),
         row->confidence * 100, row->risk * 100);
    if (n > 0) {
        tell(t, ROLE_TEXT_DIM, "%-13s %-15s %6s %6s %6s  %s", "option", "works", "trials",
             "value", "takes", "known of");
    }
    for (size_t i = 0; i < n; i++) {
        bool is_choice = is_choice_left && strcmp(options[i].choice, row->choice) == 0;
        tell_option(t, &options[i], is_choice);
        is_choice_left = is_choice_left && !is_choice;
    }
    if (row->shadow[0] != '\0') {
        tell(t, ROLE_TEXT, "%s would have chosen %s",
             row->decider == DECIDER_LEARNED ? "the rules" : "learning", row->shadow);
    }
    if (row->verdict != VERDICT_OPEN) {
        tell(t, ROLE_TEXT, "it was %s%s%s", verdict_word(row->verdict),
             row->outcome[0] != '\0' ? ": " : "", row->outcome);
    }
    tell_facts(t, row);
}

static void tell_problem(struct telling *t, const struct case_file *file)
{
    const struct problem_row *row = &file->problem;
    char id[CASE_ID_MAX], age[CLOCK_TEXT_MAX];
    bool is_open = !wall_is_set(row->closed_at);
    part(t, "PROBLEM");
    say(t, is_open ? GLYPH_HIGH : GLYPH_OK, is_open ? ROLE_STATUS_ERROR : ROLE_STATUS_OK,
        ROLE_TEXT_STRONG, row->text);
    tell(t, ROLE_TEXT, "%s, %s, %s: %" PRId64 " %s of %" PRId64 " %s",
         case_id(CASE_PROBLEM, row->id, id), is_open ? "open" : "closed", row->cause,
         row->n_failures, plural(row->n_failures, "failure", "failures"),
         row->n_workflows, plural(row->n_workflows, "workflow", "workflows"));
    tell(t, ROLE_TEXT_DIM, "%s, %s, since %s, one recovery for all: %s",
         class_word(row->class_), severity_word(row->severity),
         look_age(t->now, row->opened_at, age),
         (unsigned)row->rung < RUNG_COUNT ? rung_word(row->rung) : "none yet");
    if (row->incident != 0) {
        tell(t, ROLE_TEXT_DIM, "incident %" PRId64 " of the monitor", row->incident);
    }
    if (file->n_members > 0) {
        part(t, "FAILURES");
    }
    for (size_t i = 0; i < file->n_members && i < 12; i++) {
        const struct failure_row *one = &file->members[i];
        char wf[CASE_ID_MAX];
        say(t, case_status_glyph(one->status), case_status_role(one->status), ROLE_TEXT,
            arena_printf(t->arena, "%-8s %-8s %-10s %s",
                         case_id(CASE_FAILURE, one->id, id),
                         case_id(CASE_WORKFLOW, one->workflow, wf),
                         failure_status_word(one->status), one->text));
    }
}

static void tell_past(struct telling *t, const struct case_file *file)
{
    part(t, "BEFORE");
    for (size_t i = 0; i < file->n_past; i++) {
        const struct failure_row *row = &file->past[i].failure;
        char id[CASE_ID_MAX], wf[CASE_ID_MAX], age[CLOCK_TEXT_MAX];
        const char *helped = file->past[i].helped;
        const char *end =
            helped[0] != '\0' ? arena_printf(t->arena, " by %s", helped) : "";
        say(t, case_status_glyph(row->status), case_status_role(row->status), ROLE_TEXT,
            arena_printf(t->arena, "%-8s %-8s %6s ago  %s%s, %d %s tried",
                         case_id(CASE_FAILURE, row->id, id),
                         case_id(CASE_WORKFLOW, row->workflow, wf),
                         look_age(t->now, row->at, age), failure_status_word(row->status),
                         end, row->n_rungs, plural(row->n_rungs, "rung", "rungs")));
    }
    if (file->n_past > 0) {
        tell(t, ROLE_TEXT_DIM, "fingerprint %s%s", file->failure.fingerprint,
             file->has_more_past ? ", and more of it" : "");
    } else {
        tell(t, ROLE_TEXT_DIM, "never seen%s",
             file->failure.fingerprint[0] != '\0' ? " before"
                                                  : ": it has no fingerprint");
    }
}

/* Who asks for a decision wants to see that one first. */
static const struct decision_row *find_asked(const struct case_file *file)
{
    for (size_t i = 0; file->kind == CASE_DECISION && i < file->n_decisions; i++) {
        if (file->decisions[i].id == file->id) {
            return &file->decisions[i];
        }
    }
    return NULL;
}

const struct case_line *case_lines(struct arena *arena, const struct case_file *file,
                                   struct wall now, int width, size_t *ret_n)
{
    width = width < 40 ? 40 : width;
    struct telling t = {.arena = arena,
                        .now = now,
                        .width = width - CASE_LABEL - CASE_MARK,
                        .lines = arena_array(arena, LINES_MAX, sizeof(*t.lines)),
                        .label = ""};
    const struct decision_row *asked = find_asked(file);
    if (asked != NULL) {
        tell_decision(&t, asked);
    }
    if (file->has_failure) {
        tell_what(&t, &file->failure);
    } else if (file->has_problem) {
        tell_problem(&t, file);
    }
    if (file->has_failure || file->has_problem || file->n_recoveries > 0) {
        tell_ladder(&t, file);
    }
    if (file->has_failure) {
        tell_class(&t, &file->failure, &file->detail);
        tell_causes(&t, file->failure.cause, &file->detail);
    }
    if (file->has_failure || file->has_problem) {
        tell_blast(&t, &file->detail);
    }
    if (file->has_failure && file->has_problem) {
        tell_problem(&t, file);
    }
    for (size_t i = file->n_decisions; i > 0; i--) { /* the newest first */
        if (&file->decisions[i - 1] != asked) {
            tell_decision(&t, &file->decisions[i - 1]);
        }
    }
    if (file->has_failure) {
        tell_past(&t, file);
    }
    *ret_n = t.n;
    return t.lines;
}
