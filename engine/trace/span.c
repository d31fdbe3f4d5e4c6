/* SPDX-License-Identifier: MIT */
#include "engine/trace/span.h"

#include <string.h>

#include "engine/base/digest.h"
#include "engine/base/json.h"
#include "engine/base/text.h"

#define KEY_MAX        512  /* bytes that an id is made of */
#define ATTRIBUTES_MAX 8192 /* all texts at their bound, each byte escaped, do not pass */

/* ---- ids ------------------------------------------------------------------------------
 */

/* The first `digits` of the digest; zeros are no id. */
static void derive(const char *key, size_t digits, char *out)
{
    uint8_t digest[DIGEST_LEN];
    char text[DIGEST_TEXT_MAX];
    digest_sha256(key, strlen(key), digest);
    memcpy(out, digest_format(digest, text), digits);
    out[digits] = '\0';
    if (strspn(out, "0") == digits) {
        out[digits - 1] = '1';
    }
}

static struct trace_context inside(const char *trace, const char *key)
{
    struct trace_context context = {.is_sampled = true};
    char whole[KEY_MAX];
    memcpy(context.trace, trace, TRACE_MAX);
    (void)snprintf(whole, sizeof(whole), "signalbox span 1|%s|%s", trace, key);
    derive(whole, SPAN_MAX - 1, context.span);
    return context;
}

static void trace_id(const struct workflow_row *workflow, char trace[TRACE_MAX])
{
    char key[KEY_MAX];
    (void)snprintf(key, sizeof(key), "signalbox trace 1|%lld|%lld|%.400s",
                   (long long)workflow->id, (long long)workflow->created_at.ms,
                   workflow->repo);
    derive(key, TRACE_MAX - 1, trace);
}

struct trace_context trace_of_workflow(const struct workflow_row *workflow)
{
    char trace[TRACE_MAX];
    trace_id(workflow, trace);
    return inside(trace, "workflow");
}

struct trace_context trace_of_state(const struct workflow_row *workflow)
{
    char trace[TRACE_MAX], key[96];
    trace_id(workflow, trace);
    (void)snprintf(key, sizeof(key), "state|%s|%lld|%d", state_name(workflow->state),
                   (long long)workflow->state_since.ms, workflow->iteration);
    return inside(trace, key);
}

struct trace_context trace_of_step(const struct workflow_row *workflow, int64_t seq)
{
    char trace[TRACE_MAX], key[48];
    trace_id(workflow, trace);
    (void)snprintf(key, sizeof(key), "step|%lld", (long long)seq);
    return inside(trace, key);
}

struct trace_context trace_of_call(const struct trace_context *parent,
                                   const char *service, int64_t number, struct wall at)
{
    char trace[TRACE_MAX], key[KEY_MAX / 2];
    (void)snprintf(key, sizeof(key), "call|%s|%.100s|%lld|%lld", parent->span, service,
                   (long long)number, (long long)at.ms);
    if (parent->trace[0] != '\0') {
        return inside(parent->trace, key);
    }
    derive(key, TRACE_MAX - 1, trace);
    return inside(trace, key);
}

/* ---- traceparent ----------------------------------------------------------------------
 */

const char *traceparent_format(const struct trace_context *context,
                               char text[TRACEPARENT_MAX])
{
    text[0] = '\0';
    if (context->trace[0] != '\0') {
        (void)snprintf(text, TRACEPARENT_MAX, "00-%s-%s-%s", context->trace,
                       context->span, context->is_sampled ? "01" : "00");
    }
    return text;
}

static bool is_hex(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
            return false;
        }
    }
    return true;
}

static bool is_zero(const char *text, size_t n)
{
    while (n > 0 && text[n - 1] == '0') {
        n--;
    }
    return n == 0;
}

bool traceparent_parse(const char *text, size_t len, struct trace_context *ret_context)
{
    const size_t whole = TRACEPARENT_MAX - 1;
    if (len < whole || !is_hex(text, 2) || memcmp(text, "ff", 2) == 0) {
        return false;
    }
    /* Version 00 is exactly so long; a later one may go on after another dash. */
    bool is_first = memcmp(text, "00", 2) == 0;
    if (len > whole && (is_first || text[whole] != '-')) {
        return false;
    }
    const char *trace = text + 3, *span = text + 36, *flags = text + 53;
    if (text[2] != '-' || text[35] != '-' || text[52] != '-' || !is_hex(trace, 32) ||
        !is_hex(span, 16) || !is_hex(flags, 2) || is_zero(trace, 32) ||
        is_zero(span, 16)) {
        return false;
    }
    memcpy(ret_context->trace, trace, 32);
    ret_context->trace[32] = '\0';
    memcpy(ret_context->span, span, 16);
    ret_context->span[16] = '\0';
    int low = flags[1] <= '9' ? flags[1] - '0' : flags[1] - 'a' + 10;
    ret_context->is_sampled = (low & 1) != 0;
    return true;
}

/* ---- attributes -----------------------------------------------------------------------
 */

struct attributes {
    struct buf buf;
    struct jsonw w;
};

static void attributes_begin(struct attributes *a)
{
    buf_init(&a->buf, ATTRIBUTES_MAX);
    jsonw_init(&a->w, &a->buf);
    jsonw_open(&a->w, NULL, '{');
}

static const char *attributes_end(struct attributes *a, struct arena *arena)
{
    jsonw_close(&a->w, '}');
    const char *text = a->buf.is_cut ? "{}" : arena_str(arena, a->buf.data);
    buf_fini(&a->buf);
    return text;
}

/* Empty is unknown, and unknown is left out. */
static void put_text(struct attributes *a, const char *key, const char *text)
{
    char clean[SPAN_TEXT_MAX];
    if (text != NULL && text[0] != '\0') {
        jsonw_str(&a->w, key, text_clean_into(clean, sizeof(clean), text));
    }
}

static void put_count(struct attributes *a, const char *key, int64_t number, int64_t min)
{
    if (number >= min) {
        jsonw_int(&a->w, key, number);
    }
}

static int64_t us(struct wall at)
{
    return at.ms * 1000;
}

/* ---- workflow -------------------------------------------------------------------------
 */

static const char *workflow_result(enum workflow_state state)
{
    switch (state) {
    case STATE_COMPLETED:
        return "success";
    case STATE_FAILED:
        return "failure";
    case STATE_CANCELLED:
        return "cancellation";
    case STATE_ROLLED_BACK:
        return "rolled_back"; /* the conventions have no word for it */
    default:
        return "";
    }
}

/* A repository's address may carry a password: user:password@host. */
static const char *without_credentials(struct arena *arena, const char *url)
{
    const char *host = strstr(url, "://");
    if (host == NULL) {
        return url;
    }
    host += 3;
    const char *path = host + strcspn(host, "/?#");
    const char *at = memchr(host, '@', (size_t)(path - host));
    for (const char *next = at; next != NULL && next + 1 < path;) {
        at = next; /* the last one ends the credentials */
        next = memchr(next + 1, '@', (size_t)(path - next - 1));
    }
    const char *from = at != NULL ? at + 1 : host;
    size_t len = (size_t)(path - from) + strcspn(path, "?#");
    return arena_printf(arena, "%.*s%.*s", (int)(host - url), url, (int)len, from);
}

static void put_workflow(struct attributes *a, struct arena *arena,
                         const struct workflow_row *workflow)
{
    char id[32];
    (void)snprintf(id, sizeof(id), "wf-%lld", (long long)workflow->id);
    put_text(a, "cicd.pipeline.name", workflow->pipeline);
    put_text(a, "cicd.pipeline.run.id", id);
    put_text(a, "vcs.repository.url.full", without_credentials(arena, workflow->repo));
}

struct span_row span_of_workflow(struct arena *arena, const struct workflow_row *workflow)
{
    struct trace_context context = trace_of_workflow(workflow);
    bool is_over = state_is_final(workflow->state);
    const char *result = workflow_result(workflow->state);
    bool is_error =
        workflow->state == STATE_FAILED || workflow->state == STATE_ROLLED_BACK;
    char number[24] = "";
    struct attributes a;
    attributes_begin(&a);
    put_workflow(&a, arena, workflow);
    put_text(&a, "cicd.pipeline.action.name", "RUN");
    put_text(&a, "cicd.pipeline.result", result);
    put_text(&a, "error.type", is_error ? result : "");
    put_text(&a, "vcs.ref.head.name", workflow->branch);
    put_text(&a, "vcs.ref.head.revision", workflow->head_sha);
    put_text(&a, "vcs.ref.base.revision", workflow->base_sha);
    if (workflow->pr_number > 0) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)workflow->pr_number);
    }
    put_text(&a, "vcs.change.id", number);
    put_text(&a, "vcs.change.title", workflow->title);
    put_text(&a, "signalbox.submitter", workflow->submitter);
    put_text(&a, "signalbox.reason", workflow->reason);
    jsonw_int(&a.w, "signalbox.iteration", workflow->iteration);
    jsonw_int(&a.w, "signalbox.agent_runs", workflow->agent_runs);
    jsonw_int(&a.w, "signalbox.priority", workflow->priority);
    struct span_row row = {.workflow = workflow->id,
                           .kind = SPAN_WORKFLOW,
                           .name = arena_printf(arena, "RUN %s", workflow->pipeline),
                           .start_us = us(workflow->created_at),
                           .end_us = is_over ? us(workflow->finished_at) : 0,
                           .status = is_error                             ? SPAN_ERROR
                                     : workflow->state == STATE_COMPLETED ? SPAN_OK
                                                                          : SPAN_UNSET,
                           .attributes = attributes_end(&a, arena)};
    memcpy(row.trace, context.trace, sizeof(row.trace));
    memcpy(row.span, context.span, sizeof(row.span));
    return row;
}

/* ---- state ----------------------------------------------------------------------------
 */

struct span_row span_of_state(struct arena *arena, const struct workflow_row *workflow,
                              struct wall left_at)
{
    struct trace_context parent = trace_of_workflow(workflow);
    struct trace_context context = trace_of_state(workflow);
    bool is_recovery = workflow->state == STATE_RECOVERING;
    struct attributes a;
    attributes_begin(&a);
    put_workflow(&a, arena, workflow);
    put_text(&a, "signalbox.state", state_name(workflow->state));
    put_text(&a, "signalbox.wait", wait_word(workflow->wait));
    put_text(&a, "signalbox.service", workflow->service);
    put_text(&a, "signalbox.reason", workflow->reason);
    if (is_recovery || workflow->state == STATE_PARKED) {
        put_text(&a, "signalbox.resume_state", state_name(workflow->resume_state));
    }
    jsonw_int(&a.w, "signalbox.iteration", workflow->iteration);
    put_count(&a, "signalbox.retries", workflow->retries, 1);
    struct span_row row = {.workflow = workflow->id,
                           .kind = is_recovery ? SPAN_RECOVERY : SPAN_STATE,
                           .name = state_name(workflow->state),
                           .start_us = us(workflow->state_since),
                           .end_us = us(left_at),
                           .attributes = attributes_end(&a, arena)};
    memcpy(row.trace, context.trace, sizeof(row.trace));
    memcpy(row.span, context.span, sizeof(row.span));
    memcpy(row.parent, parent.span, sizeof(row.parent));
    return row;
}

/* ---- step -----------------------------------------------------------------------------
 */

/* By enum effect_status. "" = neither well nor wrong. */
static const struct {
    const char *result;
    enum span_status status;
} step_results[STATUS_COUNT] = {
    [STATUS_PENDING] = {"",             SPAN_UNSET},
    [STATUS_PASSED] = {"success",      SPAN_OK   },
    [STATUS_FAILED] = {"failure",      SPAN_ERROR},
    [STATUS_TIMED_OUT] = {"timeout",      SPAN_ERROR},
    [STATUS_LOST] = {"error",        SPAN_ERROR},
    [STATUS_REFUSED] = {"error",        SPAN_ERROR},
    [STATUS_FLAKY] = {"success",      SPAN_OK   },
    [STATUS_SKIPPED] = {"skip",         SPAN_UNSET},
    [STATUS_CANCELLED] = {"cancellation", SPAN_UNSET},
    [STATUS_DEFERRED] = {"skip",         SPAN_UNSET},
};

static void put_step(struct attributes *a, const struct effect_row *effect)
{
    bool is_error = step_results[effect->status].status == SPAN_ERROR;
    bool is_test = effect->kind == EFFECT_CHECK || effect->kind == EFFECT_EVALUATE ||
                   effect->kind == EFFECT_FORGE_CHECKS;
    char id[48];
    (void)snprintf(id, sizeof(id), "wf-%lld.%lld", (long long)effect->workflow,
                   (long long)effect->seq);
    put_text(a, "cicd.pipeline.task.name", effect->name);
    put_text(a, "cicd.pipeline.task.run.id", id);
    put_text(a, "cicd.pipeline.task.run.result", step_results[effect->status].result);
    put_text(a, "cicd.pipeline.task.type", is_test ? "test" : "");
    put_text(a, "error.type", is_error ? status_name(effect->status) : "");
    put_text(a, "signalbox.effect", effect_name(effect->kind));
    put_text(a, "signalbox.status",
             effect->status == STATUS_PENDING ? "" : status_name(effect->status));
    put_text(a, "signalbox.provider", effect->provider);
    put_text(a, "signalbox.summary", effect->summary);
    jsonw_int(&a->w, "signalbox.iteration", effect->iteration);
    jsonw_int(&a->w, "signalbox.attempt", effect->attempt);
    if (effect->is_fallback) {
        jsonw_bool(&a->w, "signalbox.is_fallback", true);
    }
    if (wall_is_set(effect->started_at) && effect->started_at.ms > effect->asked_at.ms) {
        jsonw_int(&a->w, "signalbox.queued_ms",
                  wall_since(effect->started_at, effect->asked_at).ms);
    }
    if (effect->status != STATUS_PENDING) {
        put_count(a, "process.exit.code", effect->exit_status, 0);
        put_count(a, "signalbox.cpu_ms", effect->cpu_ms, 0);
        put_count(a, "signalbox.peak_rss_kib", effect->peak_rss_kib, 0);
        put_count(a, "signalbox.out_bytes", effect->out_bytes, 0);
    }
}

struct span_row span_of_step(struct arena *arena, const struct workflow_row *workflow,
                             const struct effect_row *effect)
{
    struct trace_context context = trace_of_step(workflow, effect->seq);
    bool is_of_state = effect->asked_at.ms >= workflow->state_since.ms &&
                       !state_is_final(workflow->state);
    struct trace_context parent =
        is_of_state ? trace_of_state(workflow) : trace_of_workflow(workflow);
    struct wall start =
        wall_is_set(effect->started_at) ? effect->started_at : effect->asked_at;
    struct attributes a;
    attributes_begin(&a);
    put_workflow(&a, arena, workflow);
    put_step(&a, effect);
    struct span_row row = {.workflow = workflow->id,
                           .kind = SPAN_STEP,
                           .name = arena_str(arena, effect->name),
                           .start_us = us(start),
                           .status = (int)step_results[effect->status].status,
                           .attributes = attributes_end(&a, arena)};
    if (effect->status != STATUS_PENDING) {
        bool is_known =
            wall_is_set(effect->finished_at) && effect->finished_at.ms >= start.ms;
        row.end_us = us(is_known ? effect->finished_at : start);
    }
    memcpy(row.trace, context.trace, sizeof(row.trace));
    memcpy(row.span, context.span, sizeof(row.span));
    memcpy(row.parent, parent.span, sizeof(row.parent));
    return row;
}

/* ---- call -----------------------------------------------------------------------------
 */

static void put_address(struct attributes *a, struct arena *arena, const char *url)
{
    const char *clean = without_credentials(arena, url);
    const char *host = strstr(clean, "://");
    if (host == NULL) {
        return;
    }
    host += 3;
    size_t len = strcspn(host, "/?#");
    const char *port = NULL;
    const char *bracket = memchr(host, ']', len); /* of an IPv6 address */
    for (size_t i = bracket != NULL ? (size_t)(bracket - host) : 0; i < len; i++) {
        port = host[i] == ':' ? host + i : port;
    }
    size_t name = port != NULL ? (size_t)(port - host) : len;
    size_t skip = bracket != NULL && host[0] == '[' && name >= 2 ? 1 : 0;
    put_text(a, "server.address", arena_strn(arena, host + skip, name - 2 * skip));
    int number = strncmp(clean, "https:", 6) == 0 ? 443 : 80;
    if (port != NULL) {
        number = (int)strtol(port + 1, NULL, 10);
    }
    jsonw_int(&a->w, "server.port", number);
    put_text(a, "url.full", clean);
}

struct span_row span_of_call(struct arena *arena, const struct span_call *call)
{
    bool is_error = call->status == 0 || call->status >= 400;
    char type[16];
    (void)snprintf(type, sizeof(type), "%d", call->status);
    struct attributes a;
    attributes_begin(&a);
    put_text(&a, "http.request.method", call->method);
    put_count(&a, "http.response.status_code", call->status, 1);
    put_address(&a, arena, call->url);
    put_text(&a, "error.type", !is_error ? "" : call->status > 0 ? type : call->fault);
    put_text(&a, "peer.service", call->service);
    put_text(&a, "signalbox.service.kind", call->kind);
    put_text(&a, "signalbox.call", call->name);
    put_count(&a, "http.request.resend_count", call->attempt - 1, 1);
    put_count(&a, "http.request.body.size", call->sent_bytes, 0);
    put_count(&a, "http.response.body.size", call->got_bytes, 0);
    if (call->is_cached) {
        jsonw_bool(&a.w, "signalbox.is_cached", true);
    }
    if (call->workflow > 0) {
        put_count(&a, "signalbox.effect_seq", call->seq, 1);
    }
    struct span_row row = {.workflow = call->workflow,
                           .kind = SPAN_CALL,
                           .name = arena_str(arena, call->name),
                           .start_us = call->start_us,
                           .end_us = call->end_us > call->start_us ? call->end_us
                                                                   : call->start_us,
                           .status = is_error ? SPAN_ERROR : SPAN_OK,
                           .attributes = attributes_end(&a, arena)};
    memcpy(row.trace, call->context.trace, sizeof(row.trace));
    memcpy(row.span, call->context.span, sizeof(row.span));
    memcpy(row.parent, call->parent, sizeof(row.parent));
    return row;
}
