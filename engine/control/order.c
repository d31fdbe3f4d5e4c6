/* SPDX-License-Identifier: MIT */

/*
 * Order: what operators ask of a service (verbs breaker, probe and reset). The engine
 * records who asked for it, why, and until when; the desk carries it out after the commit.
 */

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"
#include "engine/service/service.h"

#define REASON_MAX 300

static const struct {
    const char *word;
    enum service_force force;
} forces[] = {
    {"auto",         FORCE_AUTO    },
    {"open",         FORCE_OPEN    },
    {"closed",       FORCE_CLOSED  },
    {"disabled",     FORCE_DISABLED},
    {"metrics-only", FORCE_METRICS },
};

static bool read_force(const struct json *args, struct wall now,
                       struct service_order *order, struct answer *answer)
{
    const char *word = json_str(args, "state", "");
    const char *span_text = json_str(args, "for", "");
    struct span span = {0};
    size_t i = 0;
    while (i < ARRAY_LEN(forces) && strcmp(forces[i].word, word) != 0) {
        i++;
    }
    if (i == ARRAY_LEN(forces)) {
        answer_set(answer, ANSWER_BAD,
                   "state: '%.32s' is none; expected open, closed, disabled, "
                   "metrics-only or auto",
                   word);
        return false;
    }
    if (span_text[0] != '\0' && (!span_parse(span_text, &span) || span.ms == 0)) {
        answer_set(answer, ANSWER_BAD,
                   "for: '%.32s' is no duration; expected one like 10m or 1h30m",
                   span_text);
        return false;
    }
    if (span.ms > 0 && forces[i].force == FORCE_AUTO) {
        answer_set(answer, ANSWER_BAD, "for: auto has no end");
        return false;
    }
    order->has_force = true;
    order->force = forces[i].force;
    order->until = span.ms > 0 ? wall_add(now, span) : (struct wall){0};
    return true;
}

static void describe(const struct service_order *order, const struct json *args,
                     struct answer *answer)
{
    if (order->is_probe || order->is_reset) {
        answer_set(answer, ANSWER_DONE, "%s: %s asked for", order->service,
                   order->is_probe ? "a probe is" : "a reset is");
    } else if (order->force == FORCE_AUTO) {
        answer_set(answer, ANSWER_DONE, "%s: the breaker decides for itself",
                   order->service);
    } else {
        char at[CLOCK_TEXT_MAX];
        bool has_end = wall_is_set(order->until);
        answer_set(answer, ANSWER_DONE, "%s: breaker %s%s%s", order->service,
                   json_str(args, "state", ""), has_end ? " until " : "",
                   has_end ? wall_format(order->until, false, at)
                           : " until it is changed");
    }
}

static void send(struct control *control, struct service_order *order)
{
    if (control->n_orders == control->cap_orders) {
        control->cap_orders = control->cap_orders > 0 ? control->cap_orders * 2 : 8;
        control->orders = mem_grow(control->orders, control->cap_orders,
                                   sizeof(struct service_order *));
    }
    control->orders[control->n_orders++] = order;
}

void control_order(struct control *control, const struct command_row *command,
                   const struct json *args, struct wall now, struct answer *answer)
{
    const char *name = json_str(args, "service", "");
    char reason[REASON_MAX];
    if (service_find(control->options.services, control->options.n_services, name) ==
        NULL) {
        answer_set(answer, ANSWER_REFUSED, "service: no service '%.64s' is configured",
                   name);
        return;
    }
    (void)text_clean_into(reason, sizeof(reason), json_str(args, "reason", ""));
    if (reason[strspn(reason, " ")] == '\0') {
        answer_set(answer, ANSWER_BAD, "reason: empty; expected why");
        return;
    }
    struct service_order *order = mem_alloc(sizeof(*order));
    order->service = mem_str(name);
    order->actor = mem_str(command->actor);
    order->reason = mem_str(reason);
    order->is_probe = strcmp(command->verb, "probe") == 0;
    order->is_reset = strcmp(command->verb, "reset") == 0;
    if (!order->is_probe && !order->is_reset && !read_force(args, now, order, answer)) {
        service_order_free(order);
        return;
    }
    describe(order, args, answer);
    AUTO_FREE char *text = mem_printf("%s: %s", answer->text, reason);
    control_note(control, &(struct event_row){.at = now,
                                              .kind = command->verb,
                                              .actor = command->actor,
                                              .text = text});
    send(control, order);
}
