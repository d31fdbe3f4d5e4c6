/* SPDX-License-Identifier: MIT */
/*
 * Decisions on approvals. What is decided is what was shown: the digest is taken from the frame
 * that the terminal has painted, never read again at the key. How much is asked goes by the tier
 * of risk: one key, y with Cancel in front, or the name of what it is about, typed; what cannot
 * be taken back asks for the name whatever its risk. The engine checks all of it again.
 */
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/card.h"
#include "tui/console_impl.h"
#include "tui/seen.h"
#include "tui/view/approval.h"

/* ---- what is shown ---- */

static size_t subjects_here(const struct console *c, struct view_subject *subjects,
                            size_t max)
{
    const struct view *view = place_top(c);
    return view->klass->subjects != NULL
               ? view->klass->subjects(view, c->frame, subjects, max)
               : 0;
}

static bool is_shown(const struct console *c, const struct view_subject *subject)
{
    return c->shown.approval == subject->approval &&
           strcmp(c->shown.digest, subject->digest) == 0;
}

void decide_painted(struct console *c)
{
    struct view_subject subject;
    if (subjects_here(c, &subject, 1) == 0) {
        c->shown = (struct shown_subject){0};
        return;
    }
    if (is_shown(c, &subject)) {
        return;
    }
    c->shown = (struct shown_subject){.approval = subject.approval,
                                      .asked_number = console_ask_painted(c),
                                      .asked_at = mono_now(),
                                      .was_waiting = subject.is_waiting};
    memcpy(c->shown.digest, subject.digest, sizeof(c->shown.digest));
}

/* The card is on the screen, not only its line in the queue. */
static const struct approval_row *card_shown(const struct console *c)
{
    const struct view *view = place_top(c);
    const struct frame_approval *one = c->frame != NULL ? c->frame->approval : NULL;
    bool has_card = view->klass == &approval_class || list_width(view->w) < view->w;
    bool is_it = has_card && one != NULL && !one->is_missing &&
                 one->id == c->shown.approval &&
                 strcmp(one->row.digest, c->shown.digest) == 0;
    return is_it ? &one->row : NULL;
}

void decide_seen(struct console *c)
{
    const struct approval_row *row = c->shown.approval != 0 ? card_shown(c) : NULL;
    bool is_due = row != NULL && !c->shown.is_told &&
                  console_has_painted(c, c->shown.asked_number, c->shown.asked_at) &&
                  seen_is_due(c->options->config, row, console_is_read_only(c));
    if (!is_due) {
        return;
    }
    AUTO_FREE char *args = mem_printf("{\"approval\":%lld}", (long long)row->id);
    const struct feed_order order = {.verb = APPROVAL_SEEN, .args = args};
    c->shown.is_told = feed_send(c->feed, &order) != 0; /* its answer is nobody's */
}

/* ---- beginning ---- */

static enum risk tier_of(const struct view_subject *subjects, size_t n)
{
    enum risk tier = RISK_LOW;
    for (size_t i = 0; i < n; i++) {
        enum risk risk = subjects[i].risk;
        risk = risk < RISK_HIGH && !subjects[i].can_undo ? RISK_HIGH : risk;
        tier = risk > tier ? risk : tier;
    }
    return tier;
}

static void name_order(struct order *order)
{
    const struct view_subject *first = &order->subjects[0];
    if (order->n_subjects == 1) {
        (void)snprintf(order->title, sizeof(order->title), "a-%lld",
                       (long long)first->approval);
        (void)snprintf(order->why, sizeof(order->why), "%.190s", first->title);
    } else {
        (void)snprintf(order->title, sizeof(order->title), "%zu approvals",
                       order->n_subjects);
        (void)snprintf(order->why, sizeof(order->why), "%s, %s risk",
                       act_word(first->act),
                       risk_word(tier_of(order->subjects, order->n_subjects)));
    }
}

static bool is_of_one_class(const struct order *order)
{
    for (size_t i = 1; i < order->n_subjects; i++) {
        if (order->subjects[i].act != order->subjects[0].act) {
            return false;
        }
    }
    return true;
}

static void begin_approve(struct console *c)
{
    const struct order *order = &c->order;
    const struct view_subject *first = &order->subjects[0];
    enum risk tier = tier_of(order->subjects, order->n_subjects);
    char label[160];
    if (!is_of_one_class(order)) {
        console_say(c, MESSAGE_WARN, "a batch is of one class: mark %s alone",
                    act_word(first->act));
        order_drop(c);
    } else if (order->n_subjects > 1 && tier >= RISK_HIGH) {
        console_say(c, MESSAGE_WARN,
                    "these are decided one by one: each asks for its name");
        order_drop(c);
    } else if (tier >= RISK_HIGH) {
        (void)snprintf(label, sizeof(label), "type %.100s", first->target);
        layer_ask_argument(c, "confirm", label, "", "and Enter; Esc goes back");
    } else if (tier == RISK_MEDIUM || order->n_subjects > 1) {
        layer_confirm(c);
    } else {
        decide_send(c);
    }
}

static void begin(struct console *c, const struct verb *verb,
                  const struct view_subject *subjects, size_t n)
{
    struct order *order = &c->order;
    char label[160];
    if (order_is_refused(c, verb, 1)) {
        return;
    }
    order_drop(c);
    *order = (struct order){.verb = verb, .n_subjects = n};
    order->subjects = mem_array(n, sizeof(*subjects));
    memcpy(order->subjects, subjects, n * sizeof(*subjects));
    name_order(order);
    if (strcmp(verb->name, "approve") == 0) {
        begin_approve(c);
    } else if (strcmp(verb->name, "reject") == 0) {
        (void)snprintf(label, sizeof(label), "reject %.40s, reason", order->title);
        layer_ask_reason(c, label);
    } else if (strcmp(verb->name, "snooze") == 0) {
        (void)snprintf(label, sizeof(label), "snooze %.40s for", order->title);
        layer_ask_argument(c, "for", label, "1h", "30m, 4h, 1d; it is not rejected");
    } else if (strcmp(verb->name, "delegate") == 0) {
        (void)snprintf(label, sizeof(label), "give %.40s to", order->title);
        layer_ask_argument(c, "to", label, "", "name of a user");
    } else {
        decide_send(c);
    }
}

const char *decide_verb(enum action action)
{
    switch (action) {
    case ACTION_ASK_APPROVE:
    case ACTION_APPROVE:
        return "approve";
    case ACTION_ASK_REJECT:
    case ACTION_REJECT:
        return "reject";
    case ACTION_ASK_SNOOZE:
        return "snooze";
    case ACTION_ASK_DELEGATE:
        return "delegate";
    case ACTION_ASK_CLAIM:
        return "claim";
    case ACTION_UNDO:
        return "undo";
    case ACTION_LEVEL_RAISE:
    case ACTION_LEVEL_LOWER:
    case ACTION_LEVEL_CONFIGURED:
        return "autonomy";
    default:
        return NULL;
    }
}

/* A workflow that waits for a decision is decided where its card is: what is approved must have
 * been seen. False: it has none, or there are several. */
static bool open_card(struct console *c)
{
    struct view *view = place_top(c);
    const struct frame_detail *detail = c->frame->detail;
    int64_t ids[2] = {view->id, 0};
    size_t n = view->id != 0 ? 1 : 0;
    if (view->klass->targets != NULL) {
        n = view->klass->targets(view, c->frame, ids, ARRAY_LEN(ids));
    }
    if (n != 1 || detail == NULL || detail->is_missing || detail->row.id != ids[0] ||
        detail->approval == 0) {
        return false;
    }
    place_open(c, view_class_find("approval"), detail->approval, NULL);
    return true;
}

bool decide_action(struct console *c, enum action action)
{
    struct view_subject subjects[VIEW_SUBJECTS_MAX];
    bool is_here = action != ACTION_UNDO && action != ACTION_LEVEL_RAISE &&
                   action != ACTION_LEVEL_LOWER && action != ACTION_LEVEL_CONFIGURED;
    const char *name = is_here ? decide_verb(action) : NULL; /* the others a view sends */
    bool is_of_workflow = action_verb(action)[0] != '\0';
    if (name == NULL || (place_top(c)->klass->subjects == NULL && !is_of_workflow)) {
        return false;
    }
    size_t n = subjects_here(c, subjects, ARRAY_LEN(subjects));
    if (n == 0 && is_of_workflow) {
        return open_card(c); /* else as ever */
    }
    const struct verb *verb = verb_find(name);
    bool has_painted =
        n > 1 || (n == 1 && is_shown(c, &subjects[0]) &&
                  console_has_painted(c, c->shown.asked_number, c->shown.asked_at));
    if (n == 0) {
        console_say(c, MESSAGE_INFO, "%s: nothing is selected", name);
    } else if (verb == NULL) {
        console_say(c, MESSAGE_WARN, "%s: this program has no such verb", name);
    } else if (!has_painted) {
        console_say(
            c, MESSAGE_WARN,
            "the key came before a-%lld was on the screen: look, then press again",
            (long long)subjects[0].approval);
    } else {
        begin(c, verb, subjects, n);
    }
    return true;
}

bool decide_check_name(struct console *c, const char *text)
{
    const struct order *order = &c->order;
    if (order->n_subjects == 1 && strcmp(order->subjects[0].target, text) == 0) {
        return true;
    }
    (void)snprintf(c->order.mistake, sizeof(c->order.mistake),
                   "'%.40s' is not the name: nothing was sent", text);
    return false;
}

/* ---- sending ---- */

static char *args_of(const struct order *order, const struct view_subject *subject)
{
    AUTO_BUF struct buf json;
    struct jsonw w;
    buf_init(&json, DOC_MAX);
    jsonw_init(&w, &json);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "approval", subject->approval);
    for (const struct verb_arg *arg = order->verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, "digest") == 0) {
            jsonw_str(&w, "digest", subject->digest);
        }
    }
    if (order->args != NULL && strlen(order->args) > 2) {
        (void)buf_char(&json, ',');
        (void)buf_add(&json, order->args + 1, strlen(order->args) - 2);
    }
    w.needs_comma = true;
    if (order->reason != NULL && order->reason[0] != '\0') {
        jsonw_str(&w, "reason", order->reason);
    }
    if (order->confirm != NULL) {
        jsonw_str(&w, "confirm", order->confirm);
    }
    jsonw_close(&w, '}');
    return buf_take(&json, NULL);
}

void decide_send(struct console *c)
{
    const struct order *order = &c->order;
    bool is_sent = true;
    for (size_t i = 0; i < order->n_subjects && is_sent; i++) {
        AUTO_FREE char *args = args_of(order, &order->subjects[i]);
        struct feed_order out = {.verb = order->verb->name, .args = args};
        uint64_t ticket = feed_send(c->feed, &out);
        is_sent = ticket != 0;
        if (is_sent) {
            order_expect(c, ticket, false);
        }
    }
    if (is_sent) {
        console_say(c, MESSAGE_INFO, "%s %s: sent", order->verb->name, order->title);
    } else {
        console_say(c, MESSAGE_ERROR, "%s: too many orders wait for the engine",
                    order->verb->name);
    }
    order_drop(c);
}

/* ---- what others do meanwhile ---- */

static bool is_asked_about(struct console *c, int64_t approval)
{
    const struct layer *layer = layer_top(c);
    return layer != NULL && layer_must_arm(layer) && c->order.n_subjects == 1 &&
           c->order.subjects[0].approval == approval;
}

static void close_dialog(struct console *c)
{
    layer_close(c);
    order_drop(c);
}

void decide_on_frame(struct console *c)
{
    decide_seen(c); /* a terminal that never answers is taken to have painted */
    const struct frame_approval *one = c->frame->approval;
    char state[300], clean[300];
    if (one == NULL || one->is_missing || one->id != c->shown.approval) {
        return;
    }
    bool is_waiting = approval_waits(one->row.status);
    bool is_asked = is_asked_about(c, one->id);
    if (!is_waiting && c->shown.was_waiting) {
        (void)card_state(&one->row, c->now, state, sizeof(state));
        console_say(c, MESSAGE_WARN, "a-%lld was %s", (long long)one->id,
                    text_clean_into(clean, sizeof(clean), state));
        if (is_asked) {
            close_dialog(c);
        }
    } else if (is_asked && strcmp(c->order.subjects[0].digest, one->row.digest) != 0) {
        console_say(c, MESSAGE_WARN,
                    "what a-%lld would do changed just now: look at it again",
                    (long long)one->id);
        close_dialog(c);
    }
    c->shown.was_waiting = is_waiting;
}

/* ---- the dialog of a typed name ---- */

void decide_draw(const struct console *c, const struct canvas *canvas)
{
    const struct order *order = &c->order;
    if (order->n_subjects != 1) {
        return;
    }
    const struct view_subject *subject = &order->subjects[0];
    char title[64], text[400];
    int w = canvas->w - 4 < 68 ? canvas->w - 4 : 68;
    int h = 11;
    (void)snprintf(title, sizeof(title), "Approve %.40s?", order->title);
    struct canvas inside = canvas_popup(
        canvas, (struct rect){(canvas->w - w) / 2, (canvas->h - h) / 2, w, h}, title);
    int y = 1;
    y += canvas_paragraph(&inside, (struct rect){0, y, inside.w, 2}, ROLE_TEXT_STRONG,
                          subject->title);
    (void)snprintf(text, sizeof(text), "%s: %s%s", risk_word(subject->risk),
                   subject->rule, subject->can_undo ? "" : "; cannot be taken back");
    y += canvas_paragraph(&inside, (struct rect){0, y, inside.w, 2},
                          card_risk_role(subject->risk), text);
    (void)snprintf(text, sizeof(text), "Type %s and Enter to approve; Esc goes back.%s",
                   subject->target,
                   subject->n_missing > 1 ? " It then waits for a second person." : "");
    y +=
        canvas_paragraph(&inside, (struct rect){0, y + 1, inside.w, 2}, ROLE_POPUP, text);
    (void)canvas_text(&inside, 0, y + 1, inside.w, ROLE_INPUT_ERROR, order->mistake);
}
