/* SPDX-License-Identifier: MIT */

/*
 * Order: what operators ask of a service (verbs breaker, probe and reset). The engine
 * records who asked for it, why, and until when; the desk carries it out after the commit.
 * The desk is told by a message: an order that was answered as done and lost with the
 * engine a moment later would be a lie, so it is kept until the desk has reported it.
 */

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"
#include "engine/service/service.h"

#define REASON_MAX    300
#define ORDER_KEY_MAX (SERVICE_NAME_MAX + 16)

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

static const char *force_word(enum service_force force)
{
    size_t i = 0;
    while (i < ARRAY_LEN(forces) && forces[i].force != force) {
        i++;
    }
    return i < ARRAY_LEN(forces) ? forces[i].word : "?";
}

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

void control_send_order(struct control *control, struct service_order *order)
{
    if (control->n_orders == control->cap_orders) {
        control->cap_orders = control->cap_orders > 0 ? control->cap_orders * 2 : 8;
        control->orders = mem_grow(control->orders, control->cap_orders,
                                   sizeof(struct service_order *));
    }
    control->orders[control->n_orders++] = order;
}

/* ---- until the service has it ---- */

static void make_key(char key[ORDER_KEY_MAX], const char *service)
{
    (void)snprintf(key, ORDER_KEY_MAX, "order/%.*s", SERVICE_NAME_MAX, service);
}

static void keep(struct control *control, const struct service_order *order)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    char key[ORDER_KEY_MAX];
    struct service_state *service = find_service_state(control, order->service);
    buf_init(&buf, 4096);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "force", order->force);
    jsonw_int(&w, "until", order->until.ms);
    jsonw_str(&w, "actor", order->actor);
    jsonw_str(&w, "reason", order->reason);
    jsonw_close(&w, '}');
    make_key(key, order->service);
    store_put_setting(control->store, key, buf.data);
    service->has_order = true;
    service->ordered = order->force;
}

static bool is_as_ordered(enum service_force force, enum breaker_state state)
{
    static const enum breaker_state states[] = {
        [FORCE_OPEN] = BREAKER_FORCED_OPEN,
        [FORCE_CLOSED] = BREAKER_FORCED_CLOSED,
        [FORCE_DISABLED] = BREAKER_DISABLED,
        [FORCE_METRICS] = BREAKER_METRICS,
    };
    if (force != FORCE_AUTO) {
        return state == states[force];
    }
    return state == BREAKER_CLOSED || state == BREAKER_OPEN || state == BREAKER_HALF_OPEN;
}

void order_settle(struct control *control, const struct service_row *row)
{
    struct service_state *service = find_service_state(control, row->name);
    char key[ORDER_KEY_MAX];
    if (service != NULL && service->has_order && control->n_orders == 0 &&
        is_as_ordered(service->ordered, row->state)) {
        make_key(key, row->name);
        store_put_setting(control->store, key, "");
        service->has_order = false;
    }
}

static struct service_order *read_kept(const char *name, const char *text)
{
    struct err err = ERR_INIT;
    struct json *kept = json_parse(text, strlen(text), &err);
    struct service_order *order = NULL;
    int64_t force = kept != NULL ? json_int(kept, "force", -1) : -1;
    if (force >= FORCE_AUTO && force <= FORCE_METRICS) {
        order = mem_alloc(sizeof(*order));
        order->service = mem_str(name);
        order->has_force = true;
        order->force = (enum service_force)force;
        order->until.ms = json_int(kept, "until", 0);
        order->actor = mem_str(json_str(kept, "actor", "engine"));
        order->reason = mem_str(json_str(kept, "reason", ""));
    }
    json_free(kept);
    return order;
}

bool order_load(struct control *control, struct err *err)
{
    struct arena *arena = arena_new();
    bool is_good = true;
    for (size_t i = 0; is_good && i < control->options.n_services; i++) {
        struct service_state *service = &control->services[i];
        char key[ORDER_KEY_MAX];
        const char *text = "";
        make_key(key, service->spec->name);
        is_good = store_load_setting(control->store, arena, key, &text, err);
        struct service_order *order =
            text[0] != '\0' ? read_kept(service->spec->name, text) : NULL;
        if (order != NULL) {
            service->has_order = true;
            service->ordered = order->force;
            control_send_order(control, order);
        }
    }
    arena_free(arena);
    return is_good;
}

void order_engine(struct control *control, const char *service, enum service_force force,
                  struct wall until, const char *reason, struct wall now)
{
    if (find_service_state(control, service) == NULL) {
        return;
    }
    struct service_order *order = mem_alloc(sizeof(*order));
    order->service = mem_str(service);
    order->actor = mem_str("engine");
    order->reason = mem_str(reason);
    order->has_force = true;
    order->force = force;
    order->until = until;
    AUTO_FREE char *subject = mem_printf("service:%s", service);
    control_audit(control, now, "engine", "breaker", subject, "begun", "%s: %s",
                  force_word(force), reason);
    keep(control, order);
    control_send_order(control, order);
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
    if (order->has_force) {
        keep(control, order);
    }
    control_send_order(control, order);
}
