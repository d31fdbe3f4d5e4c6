/* SPDX-License-Identifier: MIT */
#include "engine/io/notice.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/base64.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define BODY_MAX   65536
#define HEADER_MAX 400

static const struct {
    const char *word, *tag, *help;
} kinds[NOTICE_COUNT] = {
#define X(id, word, tag, help) [id] = {word, tag, help},
    NOTICE_LIST(X)
#undef X
};

const char *notice_word(enum notice_kind kind)
{
    return kinds[kind].word;
}

const char *notice_help(enum notice_kind kind)
{
    return kinds[kind].help;
}

bool notice_find(const char *word, enum notice_kind *ret_kind)
{
    for (int i = 0; i < NOTICE_COUNT; i++) {
        if (strcmp(kinds[i].word, word) == 0) {
            *ret_kind = (enum notice_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- from an event --------------------------------------------------------------------
 */

/* Events that are told by their kind alone. */
static const struct {
    const char *event;
    enum notice_kind kind;
    enum risk risk;
} told[] = {
    {"approval-asked",        NOTICE_APPROVAL,   RISK_MEDIUM  },
    {"recovery-asked",        NOTICE_APPROVAL,   RISK_MEDIUM  },
    {"approval-drifted",      NOTICE_DRIFTED,    RISK_MEDIUM  },
    {"approval-expiring",     NOTICE_EXPIRING,   RISK_HIGH    },
    {"recovery-inconclusive", NOTICE_ESCALATION, RISK_MEDIUM  },
    {"halted",                NOTICE_HALTED,     RISK_HIGH    },
    {"released",              NOTICE_HALTED,     RISK_LOW     },
    {"thread-silent",         NOTICE_WATCHDOG,   RISK_CRITICAL},
    {"thread-heard",          NOTICE_WATCHDOG,   RISK_LOW     },
    {"audit-broken",          NOTICE_WATCHDOG,   RISK_CRITICAL},
};

static bool find_told(const char *event, size_t *ret_i)
{
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        if (strcmp(told[i].event, event) == 0) {
            *ret_i = i;
            return true;
        }
    }
    return false;
}

static bool has_failed(const struct event_row *event)
{
    return event->workflow > 0 && event->to == STATE_FAILED &&
           event->from != STATE_FAILED;
}

bool notice_is_of_interest(const struct event_row *event)
{
    size_t i;
    return find_told(event->kind, &i) || has_failed(event) ||
           (event->workflow > 0 && wait_needs_human(event->wait));
}

int64_t notice_approval_of(const struct event_row *event)
{
    char *end;
    if (strncmp(event->text, "a-", 2) != 0 || event->text[2] < '0' ||
        event->text[2] > '9') {
        return 0;
    }
    long long id = strtoll(event->text + 2, &end, 10);
    return *end == ' ' || *end == ':' || *end == '\0' ? id : 0;
}

static const char *clean_line(struct arena *arena, const char *text)
{
    char clean[300];
    return arena_str(arena, text_clean_into(clean, sizeof(clean), text));
}

/* What is asked, of whom and why it matters. */
static void tell_approval(struct arena *arena, const struct approval_row *approval,
                          struct notice *notice)
{
    notice->risk = approval->risk;
    notice->approval = approval->id;
    notice->workflow = approval->workflow != 0 ? approval->workflow : notice->workflow;
    notice->text = clean_line(arena, approval->title);
    notice->command =
        arena_printf(arena, "signalbox approvals a-%lld", (long long)approval->id);
}

static void tell_workflow(struct arena *arena, const struct event_row *event,
                          const struct workflow_row *workflow, struct notice *notice)
{
    const char *reason =
        workflow != NULL && workflow->reason[0] != '\0' ? workflow->reason : event->text;
    const char *title = workflow != NULL ? workflow->title : "";
    notice->text = clean_line(
        arena, arena_printf(arena, "%s%s%s", title,
                            title[0] != '\0' && reason[0] != '\0' ? ": " : "", reason));
    notice->command =
        arena_printf(arena, "signalbox show wf-%lld", (long long)event->workflow);
}

/* By what the workflow waits for now. False: it does no more. */
static bool by_wait(const struct event_row *event, const struct notice_facts *facts,
                    struct notice *notice)
{
    bool has_gone_on = facts->workflow != NULL && facts->workflow->wait != event->wait;
    if (has_gone_on || !wait_needs_human(event->wait)) {
        return false;
    }
    notice->kind = event->wait == WAIT_OPERATOR ? NOTICE_ESCALATION : NOTICE_APPROVAL;
    notice->risk = RISK_MEDIUM;
    return true;
}

static const char *title_of(struct arena *arena, const struct event_row *event,
                            const struct notice *notice)
{
    const char *risk = risk_word(notice->risk);
    char name[32] = "";
    if (notice->approval != 0) {
        (void)snprintf(name, sizeof(name), "a-%lld: ", (long long)notice->approval);
    } else if (notice->workflow != 0) {
        (void)snprintf(name, sizeof(name), "wf-%lld: ", (long long)notice->workflow);
    }
    switch (notice->kind) {
    case NOTICE_APPROVAL:
        return arena_printf(arena, "%s%s, %s risk", name,
                            wait_needs_human(event->wait) && notice->approval == 0
                                ? wait_word(event->wait)
                                : notice_help(notice->kind),
                            risk);
    case NOTICE_HALTED:
        return arena_printf(arena, "%s by %s",
                            strcmp(event->kind, "halted") == 0 ? "HALTED" : "released",
                            clean_line(arena, event->actor));
    case NOTICE_FAILED:
        return arena_printf(arena, "%sfailed", name);
    case NOTICE_WATCHDOG:
        return "watchdog";
    default:
        return arena_printf(arena, "%s%s", name, notice_help(notice->kind));
    }
}

/* Decided meanwhile, only listed, or told by another event: a workflow that begins to wait says
 * so itself, and so does a recovery that is asked. */
static bool is_over(const struct event_row *event, const struct approval_row *approval)
{
    bool is_twice = strcmp(event->kind, "approval-asked") == 0 &&
                    (approval->workflow != 0 || approval->recovery != 0);
    return is_twice || !approval_waits(approval->status) ||
           approval->status == APPROVAL_SUGGESTED;
}

bool notice_make(struct arena *arena, const struct event_row *event,
                 const struct notice_facts *facts, struct notice *ret_notice)
{
    size_t i = 0;
    const struct approval_row *approval = facts->approval;
    struct notice notice = {.at = event->at,
                            .event = event->seq,
                            .workflow = event->workflow,
                            .command = "signalbox status"};
    bool is_told = find_told(event->kind, &i);
    notice.text = clean_line(arena, event->text);
    if (is_told) {
        notice.kind = told[i].kind;
        notice.risk = told[i].risk;
    } else if (has_failed(event)) {
        notice.kind = NOTICE_FAILED;
        notice.risk = RISK_HIGH;
        if (facts->workflow != NULL && facts->workflow->state != STATE_FAILED) {
            return false;
        }
    } else if (!by_wait(event, facts, &notice)) {
        return false;
    }
    if (notice.kind <= NOTICE_EXPIRING && approval != NULL) {
        if (is_over(event, approval)) {
            return false;
        }
        tell_approval(arena, approval, &notice);
    } else if (event->workflow > 0) {
        tell_workflow(arena, event, facts->workflow, &notice);
    }
    notice.title = title_of(arena, event, &notice);
    *ret_notice = notice;
    return true;
}

bool notice_is_for(const struct notify_spec *spec, const struct notice *notice)
{
    bool is_wanted = spec->n_on == 0;
    for (size_t i = 0; i < spec->n_on; i++) {
        is_wanted = is_wanted || strcmp(spec->on[i], kinds[notice->kind].word) == 0;
    }
    bool has_risk = notice->kind <= NOTICE_EXPIRING;
    return is_wanted && (!has_risk || notice->risk >= spec->min_risk);
}

void notice_sum_up(struct arena *arena, const struct notice *notices, size_t n,
                   struct notice *ret_notice)
{
    size_t counts[NOTICE_COUNT] = {0};
    struct notice sum = notices[n - 1];
    AUTO_BUF struct buf text;
    buf_init(&text, 400);
    sum.workflow = sum.approval = 0;
    for (size_t i = 0; i < n; i++) {
        counts[notices[i].kind]++;
        sum.risk = notices[i].risk > sum.risk ? notices[i].risk : sum.risk;
    }
    for (int i = NOTICE_COUNT - 1; i >= 0; i--) {
        if (counts[i] > 0) {
            sum.kind = (enum notice_kind)i;
            buf_printf(&text, "%s%zu %s", text.len > 0 ? ", " : "", counts[i],
                       kinds[i].word);
        }
    }
    sum.title = arena_printf(arena, "%zu things to look at", n);
    sum.text = arena_str(arena, text.data);
    sum.command = "signalbox status";
    *ret_notice = sum;
}

/* ---- what is sent -----------------------------------------------------------------------
 */

/* docs.ntfy.sh/publish/#message-priority: 5 is the highest, 3 the default. */
static const char *priority_of(const struct notice *notice)
{
    static const char *const priorities[RISK_COUNT] = {
        [RISK_LOW] = "2", [RISK_MEDIUM] = "3", [RISK_HIGH] = "4", [RISK_CRITICAL] = "5"};
    return priorities[notice->risk];
}

/* A header holds ASCII; other text goes as RFC 2047 says, which ntfy reads. */
static void put_header(struct http_request *request, const char *name, const char *text)
{
    char line[HEADER_MAX];
    bool is_ascii = true;
    (void)text_clean_into(line, 120, text);
    for (const char *p = line; *p != '\0'; p++) {
        is_ascii = is_ascii && (unsigned char)*p < 0x80;
    }
    if (is_ascii) {
        http_request_header(request, name, line);
        return;
    }
    AUTO_BUF struct buf coded;
    buf_init(&coded, HEADER_MAX);
    buf_printf(&coded, "=?UTF-8?B?");
    (void)base64_encode(&coded, line, strlen(line));
    buf_printf(&coded, "?=");
    http_request_header(request, name, coded.data);
}

static const char *place_of(char *out, size_t cap, const char *host,
                            const char *environment)
{
    (void)snprintf(out, cap, "%s%s%s", environment,
                   environment[0] != '\0' && host[0] != '\0' ? " " : "", host);
    return out;
}

static void put_ntfy(const struct notify_spec *spec, const struct notice *notice,
                     const char *place, struct http_request *request, struct buf *body)
{
    AUTO_FREE char *title =
        mem_printf("%s%s%s", notice->title, place[0] != '\0' ? " - " : "", place);
    put_header(request, "Title", title);
    http_request_header(request, "Priority", priority_of(notice));
    http_request_header(request, "Tags", kinds[notice->kind].tag);
    if (spec->click[0] != '\0') {
        put_header(request, "Click", spec->click);
    }
    request->content_type = "text/plain; charset=utf-8";
    buf_printf(body, "%s\n%s\n", notice->text, notice->command);
}

/* api.slack.com/reference/surfaces/formatting#escaping: three characters are escaped. */
static void add_slack(struct buf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        const char *code = *p == '&'   ? "&amp;"
                           : *p == '<' ? "&lt;"
                           : *p == '>' ? "&gt;"
                                       : NULL;
        if (code != NULL) {
            (void)buf_add(out, code, strlen(code));
        } else {
            (void)buf_add(out, p, 1);
        }
    }
}

static void put_slack(const struct notice *notice, const char *place, struct buf *body)
{
    AUTO_BUF struct buf text;
    struct jsonw w;
    buf_init(&text, BODY_MAX / 4);
    buf_printf(&text, "*");
    add_slack(&text, notice->title);
    buf_printf(&text, "*%s", place[0] != '\0' ? " (" : "");
    add_slack(&text, place);
    buf_printf(&text, "%s\n", place[0] != '\0' ? ")" : "");
    add_slack(&text, notice->text);
    buf_printf(&text, "\n`%s`", notice->command);
    jsonw_init(&w, body);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "text", text.data);
    jsonw_close(&w, '}');
}

static void put_json(const struct notice *notice, const char *host,
                     const char *environment, struct buf *body)
{
    struct jsonw w;
    char at[CLOCK_TEXT_MAX], id[32];
    jsonw_init(&w, body);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "kind", kinds[notice->kind].word);
    jsonw_str(&w, "risk", risk_word(notice->risk));
    jsonw_str(&w, "title", notice->title);
    jsonw_str(&w, "text", notice->text);
    jsonw_int(&w, "event", notice->event);
    jsonw_str(&w, "at", wall_format(notice->at, false, at));
    (void)snprintf(id, sizeof(id), "wf-%lld", (long long)notice->workflow);
    jsonw_str(&w, "workflow", notice->workflow != 0 ? id : NULL);
    (void)snprintf(id, sizeof(id), "a-%lld", (long long)notice->approval);
    jsonw_str(&w, "approval", notice->approval != 0 ? id : NULL);
    jsonw_str(&w, "command", notice->command);
    jsonw_str(&w, "host", host);
    jsonw_str(&w, "environment", environment);
    jsonw_close(&w, '}');
}

void notice_put(const struct notify_spec *spec, const struct notice *notice,
                const char *host, const char *environment, struct http_request *request)
{
    struct buf body;
    char place[200];
    size_t len = 0;
    (void)place_of(place, sizeof(place), host, environment);
    buf_init(&body, BODY_MAX);
    switch (spec->format) {
    case NOTIFY_NTFY:
        put_ntfy(spec, notice, place, request, &body);
        break;
    case NOTIFY_SLACK:
        put_slack(notice, place, &body);
        break;
    case NOTIFY_JSON:
        put_json(notice, host, environment, &body);
        break;
    }
    char *text = buf_take(&body, &len);
    http_request_body(request, text, len);
}
