/* SPDX-License-Identifier: MIT */
#include "engine/approval/access.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/console_impl.h"

/* ---- what the screen shows of a workflow ---- */

static const struct workflow_row *find_in(const struct workflow_row *rows, size_t n,
                                          int64_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id == id) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct workflow_row *find_row(const struct frame *frame, int64_t id)
{
    const struct workflow_row *row = NULL;
    if (frame->detail != NULL && !frame->detail->is_missing &&
        frame->detail->row.id == id) {
        return &frame->detail->row;
    }
    if (frame->list != NULL) {
        row = find_in(frame->list->page.rows, frame->list->page.n, id);
    }
    if (row == NULL && frame->overview != NULL) {
        const struct frame_overview *overview = frame->overview;
        row = find_in(overview->needs.rows, overview->needs.n, id);
        row = row != NULL ? row : find_in(overview->wrong.rows, overview->wrong.n, id);
        row = row != NULL ? row : find_in(overview->live.rows, overview->live.n, id);
    }
    return row;
}

const char *order_target(const struct console *c, char *out, size_t cap)
{
    const struct order *order = &c->order;
    if (order->n == 1) {
        (void)snprintf(out, cap, "wf-%lld", (long long)order->ids[0]);
    } else if (order->n == 0) {
        (void)snprintf(out, cap, "%s", order->title);
    } else {
        (void)snprintf(out, cap, "%zu workflows", order->n);
    }
    return out;
}

/* ---- beginning ---- */

void order_drop(struct console *c)
{
    struct order *order = &c->order;
    free(order->ids);
    free(order->effects);
    free(order->args);
    verb_each_free(order->each, order->n_each);
    free(order->reason);
    free(order->subjects);
    free(order->confirm);
    *order = (struct order){0};
}

static bool needs_reason(const struct order *order)
{
    for (const struct verb_arg *arg = order->verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, "reason") == 0 && arg->is_required) {
            return order->args == NULL || strstr(order->args, "\"reason\"") == NULL;
        }
    }
    return false;
}

static bool takes_effect(const struct verb *verb)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, "effect") == 0) {
            return true;
        }
    }
    return false;
}

bool order_is_refused(struct console *c, const struct verb *verb, size_t n)
{
    char why[ACCESS_TEXT_MAX];
    if (console_is_read_only(c) && !access_reads_only(verb, why)) {
        console_say(c, MESSAGE_WARN, "%s", why);
        return true;
    }
    if (verb->has_workflow && n == 0) {
        console_say(c, MESSAGE_INFO, "%s: no workflow is selected", verb->name);
        return true;
    }
    return false;
}

/* A verb without workflow: what its arguments speak of, "github_api open for 10m",
 * "incident 3", "service:* for 2h". */
static void name_subject(struct order *order)
{
    struct err ignored = ERR_INIT;
    struct json *args = json_parse(order->args, strlen(order->args), &ignored);
    char text[200];
    const char *state = json_str(args, "state", ""), *span = json_str(args, "for", "");
    const char *first = order->verb->args[0].name;
    if (order->verb->args[0].type == ARG_INT) {
        (void)snprintf(text, sizeof(text), "%s %lld", first,
                       (long long)json_int(args, first, 0));
    } else {
        (void)snprintf(text, sizeof(text), "%s%s%s%s%s", json_str(args, first, ""),
                       state[0] != '\0' ? " " : "", state, span[0] != '\0' ? " for " : "",
                       span);
    }
    (void)text_clean_into(order->title, sizeof(order->title), text);
    json_free(args);
}

static void ask_or_send(struct console *c)
{
    const struct order *order = &c->order;
    char target[64];
    char label[160];
    if (needs_reason(order)) {
        (void)snprintf(label, sizeof(label), "%s %s, reason", order->verb->name,
                       order_target(c, target, sizeof(target)));
        layer_ask_reason(c, label);
    } else if (order->verb->confirm == CONFIRM_ASK || order->n > 1 || order->n_each > 1) {
        layer_confirm(c);
    } else {
        order_send(c);
    }
}

void order_begin_each(struct console *c, const struct verb *verb, char **each, size_t n)
{
    struct order *order = &c->order;
    if (order_is_refused(c, verb, 0)) {
        verb_each_free(each, n);
        return;
    }
    order_drop(c);
    *order = (struct order){.verb = verb, .each = each, .n_each = n};
    (void)snprintf(order->title, sizeof(order->title), "%zu %ss", n,
                   verb->args[0].type == ARG_INT ? verb->args[0].name : "time");
    ask_or_send(c);
}

void order_begin(struct console *c, const struct verb *verb, const int64_t *ids, size_t n,
                 char *args)
{
    struct order *order = &c->order;
    if (order_is_refused(c, verb, n)) {
        free(args);
        return;
    }
    order_drop(c);
    *order = (struct order){.verb = verb, .n = n, .args = args};
    order->ids = mem_array(n > 0 ? n : 1, sizeof(*order->ids));
    order->effects = mem_array(n > 0 ? n : 1, sizeof(*order->effects));
    for (size_t i = 0; i < n; i++) {
        /* What is approved is what is seen now, not what may be there at the answer. */
        const struct workflow_row *row = find_row(c->frame, ids[i]);
        order->ids[i] = ids[i];
        order->effects[i] = row != NULL ? row->effect_seq : 0;
        if (n == 1 && row != NULL) {
            (void)text_clean_into(order->title, sizeof(order->title), row->title);
            (void)text_clean_into(order->why, sizeof(order->why), row->reason);
        }
    }
    if (n == 0 && args != NULL) {
        name_subject(order);
    } else if (n == 0) {
        (void)snprintf(order->title, sizeof(order->title), "everything");
    }
    ask_or_send(c);
}

void order_begin_here(struct console *c, const struct verb *verb, char *args)
{
    struct view *view = place_top(c);
    AUTO_FREE int64_t *ids = mem_array(VIEW_TARGETS_MAX, sizeof(*ids));
    size_t n = 0;
    if (verb->has_workflow && view->klass->targets != NULL) {
        n = view->klass->targets(view, c->frame, ids, VIEW_TARGETS_MAX);
    } else if (verb->has_workflow && view->id != 0) {
        ids[n++] = view->id;
    }
    order_begin(c, verb, ids, n, args);
}

void order_tell(struct console *c, const char *title, const char *why)
{
    if (c->order.verb != NULL && title[0] != '\0') {
        (void)text_clean_into(c->order.title, sizeof(c->order.title), title);
    }
    if (c->order.verb != NULL && why[0] != '\0') {
        (void)text_clean_into(c->order.why, sizeof(c->order.why), why);
    }
}

/* ---- sending ---- */

void order_expect(struct console *c, uint64_t ticket, bool opens_result)
{
    const struct view *view = place_top(c);
    for (size_t i = 0; i < ORDERS_MAX; i++) {
        if (c->sent[i].ticket == 0) {
            c->sent[i] = (struct sent_order){.ticket = ticket,
                                             .asker = view->klass,
                                             .asker_id = view->id,
                                             .opens_result = opens_result};
            return;
        }
    }
}

/* args with reason and effect added. */
static char *make_args(const struct order *order, const char *args, int64_t effect)
{
    AUTO_BUF struct buf json;
    struct jsonw w;
    buf_init(&json, DOC_MAX);
    jsonw_init(&w, &json);
    jsonw_open(&w, NULL, '{');
    if (args != NULL && strlen(args) > 2) {
        (void)buf_add(&json, args + 1, strlen(args) - 2); /* its members */
        w.needs_comma = true;
    }
    if (order->reason != NULL && order->reason[0] != '\0') {
        jsonw_str(&w, "reason", order->reason);
    }
    if (effect != 0 && takes_effect(order->verb)) {
        jsonw_int(&w, "effect", effect);
    }
    jsonw_close(&w, '}');
    return buf_take(&json, NULL);
}

static bool send_some(struct console *c, const int64_t *ids, size_t n,
                      const char *members, int64_t effect)
{
    AUTO_FREE char *args = make_args(&c->order, members, effect);
    struct feed_order out = {
        .verb = c->order.verb->name, .args = args, .workflows = ids, .n = n};
    uint64_t ticket = feed_send(c->feed, &out);
    if (ticket == 0) {
        console_say(c, MESSAGE_ERROR, "%s: too many orders wait for the engine",
                    c->order.verb->name);
        return false;
    }
    order_expect(c, ticket, false);
    return true;
}

void order_send(struct console *c)
{
    if (c->order.n_subjects > 0) {
        decide_send(c);
        return;
    }
    const struct order *order = &c->order;
    bool is_sent = true;
    if (order->n_each > 0) {
        for (size_t i = 0; i < order->n_each && is_sent; i++) {
            is_sent = send_some(c, NULL, 0, order->each[i], 0);
        }
    } else if (takes_effect(order->verb)) {
        for (size_t i = 0; i < order->n && is_sent; i++) {
            is_sent = send_some(c, &order->ids[i], 1, order->args, order->effects[i]);
        }
    } else {
        is_sent = send_some(c, order->ids, order->n, order->args, 0);
    }
    if (is_sent) {
        char target[64];
        console_say(c, MESSAGE_INFO, "%s %s: sent", order->verb->name,
                    order_target(c, target, sizeof(target)));
    }
    order_drop(c);
}

void order_submit(struct console *c, const struct feed_submission *submission)
{
    if (order_is_refused(c, verb_find("submit"), 0)) {
        return;
    }
    uint64_t ticket = feed_submit(c->feed, submission);
    if (ticket == 0) {
        console_say(c, MESSAGE_ERROR, "submit: too many orders wait for the engine");
        return;
    }
    order_expect(c, ticket, true);
    console_say(c, MESSAGE_INFO, "submit: sent");
}

/* ---- answers ---- */

static bool is_complete(const struct frame_answer *answer)
{
    return answer->is_failed || answer->n_done + answer->n_refused >= answer->n;
}

static void show_answer(struct console *c, const struct frame_answer *answer)
{
    bool is_bad = answer->is_failed || answer->n_refused > 0;
    char target[64] = "";
    if (answer->n > 1) {
        (void)snprintf(target, sizeof(target), " %d of %d", answer->n_done, answer->n);
    } else if (answer->workflow != 0) {
        (void)snprintf(target, sizeof(target), " wf-%lld", (long long)answer->workflow);
    }
    char text[300];
    (void)text_clean_into(text, sizeof(text), answer->message);
    console_say(c, is_bad ? MESSAGE_ERROR : MESSAGE_OK, "%s%s: %s", answer->verb, target,
                text[0] != '\0' ? text
                : is_bad        ? "refused"
                                : "done");
}

static void deliver(struct console *c, struct sent_order *sent,
                    const struct frame_answer *answer)
{
    struct view *view = place_top(c);
    bool is_asker = view->klass == sent->asker && view->id == sent->asker_id;
    bool is_good = !answer->is_failed && answer->n_refused == 0;
    if (is_asker && view->klass->on_answer != NULL) {
        struct reply reply;
        reply_init(&reply);
        view->klass->on_answer(view, c->frame, answer, &reply);
        console_perform(c, &reply);
    }
    if (is_asker && is_good && sent->opens_result && answer->workflow != 0 &&
        place_top(c) == view) {
        const struct view_class *klass = view_class_find("workflow");
        (void)place_up(c);
        place_open(c, klass, answer->workflow, NULL);
    }
    sent->ticket = 0;
}

void order_read_answers(struct console *c)
{
    const struct frame *frame = frame_ref(c->frame); /* performing may change it */
    for (size_t i = 0; i < frame->n_answers; i++) {
        const struct frame_answer *answer = &frame->answers[i];
        for (size_t j = 0; j < ORDERS_MAX; j++) {
            if (c->sent[j].ticket == answer->ticket && answer->ticket != 0 &&
                is_complete(answer)) {
                show_answer(c, answer);
                deliver(c, &c->sent[j], answer);
                break;
            }
        }
    }
    frame_unref(frame);
}
