/* SPDX-License-Identifier: MIT */
#include "engine/approval/approval.h"

#include <stdarg.h>
#include <string.h>

#include "engine/approval/effect.h"
#include "engine/base/json.h"

#define VOTES_MAX 4096

bool approval_verb_find(const char *verb, enum approval_verb *ret_verb)
{
    static const char *const words[] = {
#define X(id, verb) verb,
        APPROVAL_ACT_LIST(X)
#undef X
    };
    for (int i = 0; i < APPROVAL_VERB_COUNT; i++) {
        if (strcmp(words[i], verb) == 0) {
            *ret_verb = (enum approval_verb)i;
            return true;
        }
    }
    return false;
}

struct approval_policy approval_policy_default(void)
{
    return (struct approval_policy){.self_max = RISK_HIGH, .critical_second = USER_ADMIN};
}

int approval_people(enum risk risk)
{
    return risk == RISK_CRITICAL ? 2 : 1;
}

/* ---- texts ---- */

/* An act in hand. */
struct attempt {
    struct approval_row *row;
    const struct approval_input *input;
    const struct approval_policy *policy;
    struct wall now;
    struct arena *arena;
    char *text;
};

static PRINTF_LIKE(3, 4) enum approval_result
    answer(const struct attempt *attempt, enum approval_result result, const char *format,
           ...)
{
    va_list args;
    va_start(args, format);
    if (vsnprintf(attempt->text, APPROVAL_TEXT_MAX, format, args) < 0) {
        attempt->text[0] = '\0';
    }
    va_end(args);
    return result;
}

const char *approval_decided_text(const struct approval_row *row, struct wall now,
                                  char ret_text[APPROVAL_TEXT_MAX])
{
    char age[CLOCK_TEXT_MAX];
    (void)snprintf(ret_text, APPROVAL_TEXT_MAX, "%s by %.80s %s ago%s%.120s",
                   approval_status_word(row->status),
                   row->decided_by[0] != '\0' ? row->decided_by : "the engine",
                   span_format(wall_since(now, row->decided_at), age),
                   row->reason[0] != '\0' ? ": " : "", row->reason);
    return ret_text;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

/* ---- votes ---- */

static struct json *votes_of(const struct approval_row *row)
{
    struct err ignored = ERR_INIT; /* written by this file: "" before the first vote */
    return json_parse(row->votes, strlen(row->votes), &ignored);
}

static bool has_voted(const struct json *votes, const char *actor)
{
    for (size_t i = 0; i < json_len(votes); i++) {
        if (strcmp(json_str(json_at(votes, i), "by", ""), actor) == 0) {
            return true;
        }
    }
    return false;
}

static void add_vote(const struct attempt *attempt, const struct json *votes)
{
    struct jsonw w;
    AUTO_BUF struct buf buf;
    buf_init(&buf, VOTES_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '[');
    for (size_t i = 0; i < json_len(votes); i++) {
        AUTO_FREE char *vote = json_format(json_at(votes, i));
        jsonw_raw(&w, NULL, vote, strlen(vote));
    }
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "by", attempt->input->actor);
    jsonw_str(&w, "role", user_role_word(attempt->input->role));
    jsonw_int(&w, "at", attempt->now.ms);
    jsonw_str(&w, "digest", attempt->row->digest);
    jsonw_close(&w, '}');
    jsonw_close(&w, ']');
    attempt->row->votes = arena_strn(attempt->arena, buf.data, buf.len);
}

/* "ada", "ada and grace", "ada, grace and lin" */
static const char *voters(const struct attempt *attempt)
{
    struct json *votes = votes_of(attempt->row);
    size_t n = json_len(votes);
    const char *text = "";
    for (size_t i = 0; i < n; i++) {
        text = arena_printf(attempt->arena, "%s%s%s", text,
                            i == 0       ? ""
                            : i + 1 == n ? " and "
                                         : ", ",
                            json_str(json_at(votes, i), "by", ""));
    }
    json_free(votes);
    return text;
}

static bool has_role(const struct approval_row *row, enum user_role role)
{
    struct json *votes = votes_of(row);
    bool is_there = false;
    for (size_t i = 0; i < json_len(votes); i++) {
        enum user_role voter;
        is_there = is_there ||
                   (user_role_find(json_str(json_at(votes, i), "role", ""), &voter) &&
                    voter >= role);
    }
    json_free(votes);
    return is_there;
}

static int n_votes(const struct approval_row *row)
{
    struct json *votes = votes_of(row);
    int n = (int)json_len(votes);
    json_free(votes);
    return n;
}

/* ---- acts ---- */

static void decide(const struct attempt *attempt, enum approval_status status,
                   const char *by)
{
    struct approval_row *row = attempt->row;
    row->status = status;
    row->decided_at = attempt->now;
    row->decided_by = by;
    row->reason = arena_str(attempt->arena, attempt->input->reason);
    row->snoozed_until.ms = 0;
}

static enum approval_result count_vote(const struct attempt *attempt)
{
    struct approval_row *row = attempt->row;
    const struct approval_policy *policy = attempt->policy;
    struct json *votes = votes_of(row);
    bool is_second_time = has_voted(votes, attempt->input->actor);
    if (!is_second_time) {
        add_vote(attempt, votes);
    }
    json_free(votes);
    if (is_second_time) {
        return answer(attempt, APPROVAL_DENIED,
                      "you have approved it; another person must, too");
    }
    if (n_votes(row) < row->n_needed) {
        return answer(attempt, APPROVAL_MORE,
                      "a-%lld: approved by %s; %d more must approve", (long long)row->id,
                      voters(attempt), row->n_needed - n_votes(row));
    }
    if (row->risk == RISK_CRITICAL && !has_role(row, policy->critical_second)) {
        return answer(attempt, APPROVAL_MORE,
                      "a-%lld: approved by %s; one more, who is %s, must approve",
                      (long long)row->id, voters(attempt),
                      user_role_word(policy->critical_second));
    }
    decide(attempt, APPROVAL_APPROVED, voters(attempt));
    return answer(attempt, APPROVAL_DONE, "a-%lld is approved", (long long)row->id);
}

static enum approval_result approve(const struct attempt *attempt)
{
    const struct approval_row *row = attempt->row;
    const struct approval_input *input = attempt->input;
    if (input->digest[0] == '\0') {
        return answer(attempt, APPROVAL_MISTAKE,
                      "a-%lld: digest is missing: an approval is of what was shown",
                      (long long)row->id);
    }
    if (strcmp(input->digest, row->digest) != 0) {
        char diff[EFFECT_DIFF_TEXT] = "";
        if (row->effect_before[0] != '\0') {
            (void)effect_diff_text(row->effect_before, row->effect, diff);
        }
        return answer(attempt, APPROVAL_DENIED,
                      "a-%lld has changed since it was shown%s%s; look again",
                      (long long)row->id, diff[0] != '\0' ? ": " : "", diff);
    }
    if (row->risk > attempt->policy->self_max &&
        strcmp(row->requester, input->actor) == 0) {
        return answer(
            attempt, APPROVAL_DENIED,
            "a-%lld was asked for by you; another person must approve what is %s",
            (long long)row->id, risk_word(row->risk));
    }
    if (row->risk >= RISK_HIGH && strcmp(input->confirm, row->target) != 0) {
        return answer(attempt, APPROVAL_MISTAKE,
                      "a-%lld is %s: confirm it with the name %.80s", (long long)row->id,
                      risk_word(row->risk), row->target);
    }
    return count_vote(attempt);
}

static enum approval_result reject(const struct attempt *attempt)
{
    if (is_blank(attempt->input->reason)) {
        return answer(attempt, APPROVAL_MISTAKE, "reason: empty; expected why");
    }
    decide(attempt, APPROVAL_REJECTED, arena_str(attempt->arena, attempt->input->actor));
    return answer(attempt, APPROVAL_DONE, "a-%lld is rejected",
                  (long long)attempt->row->id);
}

static enum approval_result snooze(const struct attempt *attempt)
{
    struct approval_row *row = attempt->row;
    struct span time = attempt->input->time.ms > 0 ? attempt->input->time : SNOOZE_TIME;
    char text[CLOCK_TEXT_MAX];
    if (time.ms > SNOOZE_MAX.ms) {
        return answer(attempt, APPROVAL_MISTAKE, "for: at most %s",
                      span_format(SNOOZE_MAX, text));
    }
    row->snoozed_until = wall_add(attempt->now, time);
    return answer(attempt, APPROVAL_DONE, "a-%lld comes back in %s", (long long)row->id,
                  span_format(time, text));
}

static enum approval_result delegate(const struct attempt *attempt)
{
    if (is_blank(attempt->input->to)) {
        return answer(attempt, APPROVAL_MISTAKE, "to: empty; expected a user");
    }
    attempt->row->assignee = arena_str(attempt->arena, attempt->input->to);
    return answer(attempt, APPROVAL_DONE, "a-%lld is for %.80s",
                  (long long)attempt->row->id, attempt->row->assignee);
}

static enum approval_result claim(const struct attempt *attempt)
{
    struct approval_row *row = attempt->row;
    char text[CLOCK_TEXT_MAX];
    if (row->claimed_until.ms > attempt->now.ms &&
        strcmp(row->claimed_by, attempt->input->actor) != 0) {
        return answer(attempt, APPROVAL_DENIED, "%.80s looks at a-%lld for another %s",
                      row->claimed_by, (long long)row->id,
                      span_format(wall_since(row->claimed_until, attempt->now), text));
    }
    row->claimed_by = arena_str(attempt->arena, attempt->input->actor);
    row->claimed_until = wall_add(attempt->now, CLAIM_TIME);
    return answer(attempt, APPROVAL_DONE, "a-%lld is yours for %s", (long long)row->id,
                  span_format(CLAIM_TIME, text));
}

enum approval_result approval_act(struct approval_row *row,
                                  const struct approval_input *input,
                                  const struct approval_policy *policy, struct wall now,
                                  struct arena *arena, char ret_text[APPROVAL_TEXT_MAX])
{
    static enum approval_result (*const acts[])(const struct attempt *) = {
        [APPROVAL_APPROVE] = approve, [APPROVAL_REJECT] = reject,
        [APPROVAL_SNOOZE] = snooze,   [APPROVAL_DELEGATE] = delegate,
        [APPROVAL_CLAIM] = claim,
    };
    const struct attempt attempt = {row, input, policy, now, arena, ret_text};
    if (!approval_waits(row->status)) {
        char text[APPROVAL_TEXT_MAX];
        return answer(&attempt, APPROVAL_DENIED, "a-%lld was %s", (long long)row->id,
                      approval_decided_text(row, now, text));
    }
    return acts[input->verb](&attempt);
}

void approval_drift(struct approval_row *row, const char *effect, struct arena *arena)
{
    row->effect_before = row->effect;
    row->effect = arena_str(arena, effect);
    effect_digest(row->effect, row->digest);
    row->votes = "[]";
    row->n_drifts++;
    if (row->status == APPROVAL_OPEN) {
        row->status = APPROVAL_DRIFTED;
    }
}
