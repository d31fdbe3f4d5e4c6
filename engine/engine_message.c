/* SPDX-License-Identifier: MIT */

/*
 * What other threads say to the control thread, and how failures are answered.
 */

#include "engine/engine_private.h"

#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mailbox.h"
#include "engine/monitor/thread.h"

/* ---- messages from other threads ---- */

void on_result(void *user, struct effect_result *result)
{
    struct engine *engine = user;
    struct message *message = message_new(MESSAGE_RESULT);
    message->result = result;
    /* The inbox holds more than there can be effects in flight. */
    if (!mailbox_put(engine->inbox, message)) {
        message_free(message);
    }
}

/* Too many at once are dropped: the next one tells more. */
static void send_extra(struct engine *engine, struct message *message)
{
    bool has_room = atomic_fetch_add(&engine->n_extras, 1) < EXTRAS_MAX;
    if (!has_room || !mailbox_put(engine->inbox, message)) {
        (void)atomic_fetch_sub(&engine->n_extras, 1);
        message_free(message);
    }
}

void on_report(void *user, struct service_report *report)
{
    struct message *message = message_new(MESSAGE_REPORT);
    message->report = report;
    send_extra(user, message);
}

void on_reconciled(void *user, int64_t workflow, char *text)
{
    struct message *message = message_new(MESSAGE_RECONCILED);
    message->reconciled = mem_alloc(sizeof(*message->reconciled));
    message->reconciled->workflow = workflow;
    message->reconciled->text = text;
    send_extra(user, message);
}

void on_spans(void *user, struct span_batch *batch)
{
    struct message *message = message_new(MESSAGE_SPANS);
    message->spans = batch;
    send_extra(user, message);
}

/* Monitor thread. What finds no room is given again by it. */
bool on_finding(void *user, struct monitor_finding *finding)
{
    struct engine *engine = user;
    struct message *message = message_new(MESSAGE_FINDING);
    message->finding = finding;
    if (!mailbox_put(engine->inbox, message)) {
        message_free(message);
        return false;
    }
    return true;
}

/* Monitor thread. They are said again in a minute. */
void on_omens(void *user, struct omen_batch *batch)
{
    struct message *message = message_new(MESSAGE_OMENS);
    message->omens = batch;
    send_extra(user, message);
}

/* Telemetry thread. */
void on_scrape(void *user, size_t index, struct wall at, char *text, size_t len,
               const struct err *error)
{
    struct engine *engine = user;
    monitor_scraped(engine->monitor, index, at, text, len, error);
}

bool on_webhook(void *user, struct webhook *webhook)
{
    struct engine *engine = user;
    if (atomic_load(&engine->is_deaf)) {
        return false;
    }
    struct message *message = message_new(MESSAGE_WEBHOOK);
    message->webhook = webhook;
    if (!mailbox_put(engine->inbox, message)) {
        message->webhook = NULL; /* stays the listener's */
        message_free(message);
        return false;
    }
    return true;
}

void on_rejected(void *user, int64_t n)
{
    struct engine *engine = user;
    (void)atomic_fetch_add(&engine->n_rejected, n);
    mailbox_wake(engine->inbox);
}

void on_command(void *user)
{
    struct engine *engine = user;
    atomic_store(&engine->has_requests, true);
    mailbox_wake(engine->inbox);
}

/* ---- settings ---- */

/* Own rules that cannot be read are told, and left out: the shipped ones still hold. */
static const struct pattern_base *own_patterns(struct engine *engine)
{
    const char *path = engine->config->recovery.patterns;
    char *text = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    struct findings findings;
    if (path[0] == '\0') {
        return NULL;
    }
    findings_init(&findings);
    if (!file_read(path, PATTERN_TEXT_MAX, &text, &len, &err)) {
        log_line(LOG_ERROR, "recovery", "own rules cannot be read",
                 LOG_FIELDS(LOG_TEXT("error", err.msg)));
    } else {
        const struct pattern_text own = {path, text, len};
        engine->patterns = pattern_base_join(&own, 1, true, &findings);
        for (size_t i = 0; i < findings.n; i++) {
            log_line(LOG_ERROR, "recovery", "own rules are wrong",
                     LOG_FIELDS(LOG_TEXT("error", findings.rows[i].text)));
        }
    }
    free(text);
    findings_fini(&findings);
    return engine->patterns;
}

static struct control_recovery engine_recovery_options(struct engine *engine)
{
    const struct recovery_spec *spec = &engine->config->recovery;
    struct control_recovery recovery = {.is_on = spec->mode != RECOVERY_MODE_OFF,
                                        .ladder = ladder_defaults(),
                                        .decide = decide_defaults(),
                                        .patterns = own_patterns(engine)};
    recovery.ladder.attempts = spec->attempts;
    recovery.ladder.storm = spec->storm;
    recovery.decide.is_learning_off = spec->mode == RECOVERY_MODE_RULES;
    return recovery;
}

struct control_options engine_control_options(struct engine *engine)
{
    const struct config *config = engine->config;
    struct control_options options = {
        .max_running = config->max_running,
        .limits = {config->backoff, config->backoff_max},
        .environment = config->environment,
        .recovery = engine_recovery_options(engine),
        .revert_per_hour = config->recovery.revert_per_hour,
        .revert_per_day = config->recovery.revert_per_day,
        .runs_per_day = config->recovery.runs_per_day,
        .agent_time_per_day = config->recovery.agent_time_per_day,
        .tokens_per_day = config->recovery.tokens_per_day,
        .cost_per_day = config->recovery.cost_per_day,
        .is_proactive_off = !config->recovery.is_proactive,
        .is_admission_off = !config->recovery.is_admission,
        .history_keep = config->history_keep,
        .deliveries_keep = config->listener.keep,
        .bodies_keep = config->listener.keep_bodies,
        .services = config->services,
        .n_services = config->n_services,
        .scales = config->scales,
        .n_scales = config->n_scales,
        .seed = (uint64_t)mono_now().ns ^ (uint64_t)getpid(),
        .approvals = { .rules = config->approvals.rules,
                   .n_rules = config->approvals.n_rules,
                   .policy = {config->approvals.self_max, config->approvals.second},
                   .expire = config->approvals.expire,
                   .expire_unseen = config->approvals.expire_unseen,
                   .self = engine,
                   .role_of = engine_role},
        .is_learning = true,
        .processors = (int)sysconf(_SC_NPROCESSORS_ONLN),
        .has_listener = config->listener.port > 0 && config->listener.n_secrets > 0,
    };
    memcpy(options.approvals.levels, config->approvals.levels,
           sizeof(options.approvals.levels));
    return options;
}
