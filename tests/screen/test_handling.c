/* SPDX-License-Identifier: MIT */
/* What views do with actions, answers and newer frames: the part that is not drawing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/control/verb.h"
#include "tests/lib/frames.h"
#include "tui/feed.h"
#include "tui/view/approval.h"
#include "tui/view/chosen.h"
#include "tui/view/recovery.h"

#define W 80
#define H 22

struct stage {
    struct view *view;
    struct reply reply;
};

static struct stage begin(const struct view_class *klass, int64_t id, const char *arg)
{
    struct stage stage = {.view = klass->open(id, arg)};
    stage.view->klass = klass;
    stage.view->w = W;
    stage.view->h = H;
    stage.view->now = frames_now();
    stage.view->id = id;
    reply_init(&stage.reply);
    return stage;
}

static void end(struct stage *stage)
{
    reply_fini(&stage->reply);
    stage->view->klass->close(stage->view);
}

/* Forget what was replied before, then act. */
static void act(struct stage *stage, const struct frame *frame, enum action action)
{
    reply_fini(&stage->reply);
    reply_init(&stage->reply);
    stage->view->klass->on_action(stage->view, frame, action, &stage->reply);
}

static void show(struct stage *stage, const struct frame *frame)
{
    stage->view->klass->on_frame(stage->view, frame, &stage->reply);
}

static int64_t target(const struct stage *stage, const struct frame *frame)
{
    int64_t id = 0;
    size_t n = stage->view->klass->targets(stage->view, frame, &id, 1);
    return n == 1 ? id : 0;
}

/* Text of the row that has the cursor mark, malloc'd; *ret_y where it is, -1 = none. */
static char *cursor_row(const struct stage *stage, const struct frame *frame, int *ret_y)
{
    struct surface *surface = surface_new(stage->view->w, stage->view->h, false);
    struct canvas canvas = canvas_of(surface);
    stage->view->klass->draw(stage->view, frame, &canvas);
    char *text = surface_dump_text(surface), *found = NULL;
    surface_free(surface);
    *ret_y = -1;
    int y = 0;
    for (char *line = text; *line; y++) {
        char *stop = strchr(line, '\n');
        *stop = '\0';
        if (!found && strncmp(line, "▸", strlen("▸")) == 0) {
            *ret_y = y;
            found = mem_str(line);
        }
        line = stop + 1;
    }
    free(text);
    return found ? found : mem_str("");
}

/* A frame with the list's rows from `first` on, `n` of them: as if others came above. */
static const struct frame *list_part(size_t first, size_t n)
{
    const struct frame *frame = frames_list(60);
    struct frame_list *list = (struct frame_list *)(uintptr_t)frame->list;
    list->page.rows += first;
    list->page.n = n;
    list->has_before = first > 0;
    return frame;
}

/* ---- list ----------------------------------------------------------------------------
 */

static void test_cursor_stays_on_its_item(void **state)
{
    (void)state;
    struct stage stage = begin(&workflows_class, 0, "");
    const struct frame *few = list_part(10, 40), *more = list_part(5, 40);
    show(&stage, few);
    for (int i = 0; i < 4; i++)
        act(&stage, few, ACTION_ROW_DOWN);
    assert_int_equal(target(&stage, few), 2214 - 14);
    int before, after;
    AUTO_FREE char *row = cursor_row(&stage, few, &before);
    show(&stage, more); /* five new ones above */
    AUTO_FREE char *same = cursor_row(&stage, more, &after);
    assert_int_equal(target(&stage, more), 2214 - 14);
    assert_int_equal(before, 3 + 4); /* below the headings */
    assert_int_equal(before, after);
    assert_string_equal(row, same);
    frame_unref(few);
    frame_unref(more);
    end(&stage);
}

static void test_cursor_of_a_row_that_went(void **state)
{
    (void)state;
    struct stage stage = begin(&workflows_class, 0, "");
    const struct frame *all = list_part(0, 10), *less = list_part(4, 6),
                       *none = frames_empty();
    show(&stage, all);
    act(&stage, all, ACTION_ROW_DOWN);
    act(&stage, all, ACTION_ROW_DOWN);
    assert_int_equal(target(&stage, all), 2212);
    show(&stage, less); /* what stands at its line now */
    assert_int_equal(target(&stage, less), 2214 - 6);
    show(&stage, none);
    assert_int_equal(target(&stage, none), 0);
    frame_unref(all);
    frame_unref(less);
    frame_unref(none);
    end(&stage);
}

static void test_paging_asks_before_the_edge(void **state)
{
    (void)state;
    struct stage stage = begin(&workflows_class, 0, "");
    const struct frame *frame = frames_list(60);
    show(&stage, frame);
    act(&stage, frame, ACTION_ROW_DOWN);
    assert_false(stage.reply.flags & REPLY_REQUERY);
    act(&stage, frame, ACTION_PAGE_DOWN);
    act(&stage, frame, ACTION_PAGE_DOWN);
    act(&stage, frame, ACTION_PAGE_DOWN);
    assert_true(stage.reply.flags & REPLY_REQUERY);
    struct frame_query query = {0};
    stage.view->klass->query(stage.view, &query);
    assert_int_equal(query.anchor, target(&stage, frame));
    act(&stage, frame, ACTION_END);
    query = (struct frame_query){0};
    stage.view->klass->query(stage.view, &query);
    assert_true(query.is_from_end);
    assert_int_equal(query.anchor, 0);
    frame_unref(frame);
    end(&stage);
}

static void test_marks_are_the_targets(void **state)
{
    (void)state;
    struct stage stage = begin(&workflows_class, 0, "");
    const struct frame *frame = frames_list(12);
    int64_t ids[20];
    show(&stage, frame);
    act(&stage, frame, ACTION_MARK);
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_MARK);
    assert_int_equal(stage.view->klass->targets(stage.view, frame, ids, 20), 2);
    assert_int_equal(ids[0], 2214);
    assert_int_equal(ids[1], 2212);
    act(&stage, frame, ACTION_MARK_ALL); /* there are marks: none */
    assert_int_equal(stage.view->klass->targets(stage.view, frame, ids, 20), 1);
    act(&stage, frame, ACTION_MARK_ALL);
    assert_int_equal(stage.view->klass->targets(stage.view, frame, ids, 20), 12);
    struct frame_answer answer = {.n = 12, .n_done = 12, .message = ""};
    stage.view->klass->on_answer(stage.view, frame, &answer, &stage.reply);
    assert_int_equal(stage.view->klass->targets(stage.view, frame, ids, 20), 1);
    frame_unref(frame);
    end(&stage);
}

static void test_escape_takes_back_filters_first(void **state)
{
    (void)state;
    struct stage stage = begin(&workflows_class, 0, "");
    const struct frame *frame = frames_list(12);
    struct frame_query query = {0};
    show(&stage, frame);
    act(&stage, frame, ACTION_FILTER);
    assert_true(stage.reply.has_prompt);
    stage.view->klass->on_prompt(stage.view, frame, stage.reply.prompt.token, "tls",
                                 false, &stage.reply);
    stage.view->klass->query(stage.view, &query);
    assert_string_equal(query.text, "tls");
    act(&stage, frame, ACTION_CLOSE);
    assert_false(stage.reply.flags & REPLY_UNUSED);
    query = (struct frame_query){0};
    stage.view->klass->query(stage.view, &query);
    assert_string_equal(query.text, "");
    act(&stage, frame, ACTION_CLOSE);
    assert_true(stage.reply.flags & REPLY_UNUSED);
    frame_unref(frame);
    end(&stage);
}

/* ---- verbs that views make --------------------------------------------------------- */

static void test_retry_from_a_checkpoint(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *args;
    } rows[] = {
        {"CODING",    "{\"from\":\"CODING\"}"    },
        {" code ",    "{\"from\":\"CODING\"}"    },
        {"val",       "{\"from\":\"VALIDATING\"}"},
        {"pr",        "{\"from\":\"PR_CREATED\"}"},
        {"COMPLETED", NULL                       },
        {"",          NULL                       },
    };
    const struct frame *frame = frames_busy();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stage stage = begin(&workflow_class, 2207, "");
        act(&stage, frame, ACTION_RETRY_FROM);
        assert_true(stage.reply.has_prompt);
        stage.view->klass->on_prompt(stage.view, frame, stage.reply.prompt.token,
                                     rows[i].typed, true, &stage.reply);
        assert_int_equal(stage.reply.has_verb, rows[i].args != NULL);
        if (rows[i].args) {
            assert_string_equal(stage.reply.verb.verb, "retry");
            assert_string_equal(stage.reply.verb.args, rows[i].args);
            assert_int_equal(stage.reply.verb.targets[0], 2207);
        } else {
            assert_int_equal(stage.reply.message_kind, MESSAGE_ERROR);
        }
        end(&stage);
    }
    frame_unref(frame);
}

static void test_priority_has_ends(void **state)
{
    (void)state;
    struct stage stage = begin(&workflows_class, 0, "");
    const struct frame *frame = frames_list(12);
    show(&stage, frame);
    act(&stage, frame, ACTION_PRIORITY_UP); /* the first one has 9 */
    assert_false(stage.reply.has_verb);
    act(&stage, frame, ACTION_PRIORITY_DOWN);
    assert_true(stage.reply.has_verb);
    assert_string_equal(stage.reply.verb.args, "{\"value\":8}");
    frame_unref(frame);
    end(&stage);
}

/* ---- log --------------------------------------------------------------------------- */

static void test_log_follows_until_scrolled(void **state)
{
    (void)state;
    struct stage stage = begin(&log_class, 2207, "15");
    const struct frame *frame = frames_busy();
    struct frame_query query = {0};
    stage.view->klass->query(stage.view, &query);
    assert_int_equal(query.log_place, LOG_AUTO);
    assert_int_equal(query.log_effect, 15);
    show(&stage, frame);
    query = (struct frame_query){0};
    stage.view->klass->query(stage.view, &query);
    assert_int_equal(query.log_place, LOG_TAIL);
    act(&stage, frame, ACTION_ROW_UP);
    query = (struct frame_query){0};
    stage.view->klass->query(stage.view, &query);
    assert_int_equal(query.log_place, LOG_LINE);
    act(&stage, frame, ACTION_END);
    query = (struct frame_query){0};
    stage.view->klass->query(stage.view, &query);
    assert_int_equal(query.log_place, LOG_TAIL);
    frame_unref(frame);
    end(&stage);
}

static void test_log_opens_at_the_failure(void **state)
{
    (void)state;
    struct stage stage = begin(&log_class, 2207, "6");
    const struct frame *frame = frames_failed();
    int y;
    show(&stage, frame);
    AUTO_FREE char *row = cursor_row(&stage, frame, &y);
    assert_non_null(strstr(row, "expected 3 entries, found 4"));
    frame_unref(frame);
    end(&stage);
}

/* ---- form -------------------------------------------------------------------------- */

static void type(struct stage *stage, const struct frame *frame, const char *text)
{
    stage->view->klass->on_text(stage->view, frame, text, strlen(text), &stage->reply);
}

static void test_form_sends_once_and_whole(void **state)
{
    (void)state;
    struct stage stage = begin(&submit_class, 0, "payments");
    const struct frame *frame = frames_submit(true);
    for (int i = 0; i < 4; i++)
        act(&stage, frame, ACTION_ACCEPT); /* on to the button */
    assert_false(stage.view->klass->takes_text(stage.view));
    act(&stage, frame, ACTION_ACCEPT);
    assert_null(stage.reply.submission); /* no task: back to its field */
    assert_true(stage.view->klass->takes_text(stage.view));
    type(&stage, frame, "Fix it\nnow");
    act(&stage, frame, ACTION_NEXT_PANEL);
    type(&stage, frame, "x");
    type(&stage, frame, "8");
    act(&stage, frame, ACTION_NEXT_PANEL);
    act(&stage, frame, ACTION_ACCEPT);
    assert_non_null(stage.reply.submission);
    assert_string_equal(stage.reply.submission->pipeline, "payments");
    assert_string_equal(stage.reply.submission->task, "Fix it\nnow");
    assert_int_equal(stage.reply.submission->priority, 8);
    act(&stage, frame, ACTION_ACCEPT);
    assert_null(stage.reply.submission); /* once */
    struct frame_answer refused = {.n = 1, .n_refused = 1, .message = "no such branch"};
    stage.view->klass->on_answer(stage.view, frame, &refused, &stage.reply);
    act(&stage, frame, ACTION_ACCEPT);
    assert_non_null(stage.reply.submission); /* again after a refusal */
    frame_unref(frame);
    end(&stage);
}

static void test_form_holds_back_what_is_wrong(void **state)
{
    (void)state;
    struct stage stage = begin(&submit_class, 0, "payments");
    const struct frame *frame = frames_submit(false);
    act(&stage, frame, ACTION_NEXT_PANEL);
    type(&stage, frame, "/srv/git/nothing");
    act(&stage, frame, ACTION_NEXT_PANEL);
    type(&stage, frame, "task");
    act(&stage, frame, ACTION_NEXT_PANEL);
    act(&stage, frame, ACTION_NEXT_PANEL);
    act(&stage, frame, ACTION_ACCEPT);
    assert_null(stage.reply.submission);
    frame_unref(frame);
    end(&stage);
}

static void test_form_takes_choices(void **state)
{
    (void)state;
    struct stage stage = begin(&submit_class, 0, "");
    const struct frame *frame = frames_submit(true);
    struct frame_query query = {0};
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_ROW_DOWN);
    stage.view->klass->query(stage.view, &query);
    assert_string_equal(query.submit_pipeline, "nightly");
    act(&stage, frame, ACTION_ROW_UP);
    query = (struct frame_query){0};
    stage.view->klass->query(stage.view, &query);
    assert_string_equal(query.submit_pipeline, "payments");
    frame_unref(frame);
    end(&stage);
}

/* ---- overview ---------------------------------------------------------------------- */

static void test_overview_acts_on_what_it_shows(void **state)
{
    (void)state;
    struct stage stage = begin(&overview_class, 0, "");
    const struct frame *frame = frames_busy(), *faulty = frames_fault(ERR_FULL);
    show(&stage, frame);
    for (int i = 0; i < 12; i++) {
        int y;
        int64_t id = target(&stage, frame);
        AUTO_FREE char *row = cursor_row(&stage, frame, &y);
        AUTO_FREE char *name = mem_printf("wf-%lld ", (long long)id);
        assert_non_null(strstr(row, name));
        act(&stage, frame, ACTION_ROW_DOWN);
    }
    /* A notice takes rows away: the cursor must not stay on one that is not seen. */
    show(&stage, faulty);
    int y;
    AUTO_FREE char *row = cursor_row(&stage, faulty, &y);
    AUTO_FREE char *name = mem_printf("wf-%lld ", (long long)target(&stage, faulty));
    assert_non_null(strstr(row, name));
    act(&stage, faulty, ACTION_OPEN);
    assert_ptr_equal(stage.reply.open, &workflow_class);
    frame_unref(frame);
    frame_unref(faulty);
    end(&stage);
}

/* ---- trace ---------------------------------------------------------------------------- */

static void test_a_trace_is_walked_and_zoomed(void **state)
{
    (void)state;
    const struct frame *frame = frames_trace();
    const struct waterfall *fall = &frame->trace->fall;
    struct stage stage = begin(&waterfall_class, 2207, "");
    struct frame_query query = {0};
    act(&stage, frame, ACTION_ROW_DOWN);
    waterfall_class.query(stage.view, &query);
    assert_string_equal(query.trace_span, fall->rows[1].span.span);
    act(&stage, frame, ACTION_PAGE_DOWN);
    act(&stage, frame, ACTION_END);
    waterfall_class.query(stage.view, &query);
    assert_string_equal(query.trace_span, fall->rows[fall->n - 1].span.span);
    int y;
    AUTO_FREE char *before = cursor_row(&stage, frame, &y);
    act(&stage, frame, ACTION_ZOOM_IN);
    AUTO_FREE char *after = cursor_row(&stage, frame, &y);
    assert_string_not_equal(before, after);
    act(&stage, frame, ACTION_ZOOM_OUT);
    AUTO_FREE char *again = cursor_row(&stage, frame, &y);
    assert_string_equal(before, again);
    for (int i = 0; i < 60; i++)
        act(&stage, frame, ACTION_ZOOM_IN); /* there is an end to it */
    act(&stage, frame, ACTION_ZOOM_ALL);
    AUTO_FREE char *whole = cursor_row(&stage, frame, &y);
    assert_string_equal(before, whole);
    act(&stage, frame, ACTION_OPEN); /* a call */
    assert_null(stage.reply.open);
    act(&stage, frame, ACTION_COPY);
    assert_non_null(strstr(stage.reply.copy, fall->rows[fall->n - 1].span.span));
    assert_true(wall_is_set(waterfall_class.next_change(stage.view, frame)));
    act(&stage, frame, ACTION_SHOW_STEPS);
    assert_ptr_equal(stage.reply.open, &workflow_class);
    end(&stage);
    frame_unref(frame);
}

/* ---- services and deliveries ---------------------------------------------------------- */

static void test_services_are_named_in_orders(void **state)
{
    (void)state;
    const struct frame *frame = frames_services();
    struct stage stage = begin(&services_class, 0, "");
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_SERVICE_PROBE);
    assert_true(stage.reply.has_verb);
    assert_string_equal(stage.reply.verb.verb, "probe");
    assert_string_equal(stage.reply.verb.args, "{\"service\":\"github_api\"}");
    act(&stage, frame, ACTION_SERVICE_FORCE);
    assert_true(stage.reply.has_prompt);
    int token = stage.reply.prompt.token;
    reply_fini(&stage.reply);
    reply_init(&stage.reply);
    services_class.on_prompt(stage.view, frame, token, " Open  10m", true, &stage.reply);
    assert_string_equal(stage.reply.verb.verb, "breaker");
    assert_string_equal(
        stage.reply.verb.args,
        "{\"service\":\"github_api\",\"state\":\"open\",\"for\":\"10m\"}");
    act(&stage, frame, ACTION_OPEN);
    assert_ptr_equal(stage.reply.open, &service_class);
    assert_string_equal(stage.reply.open_arg, "github_api");
    act(&stage, frame, ACTION_END);
    int y;
    AUTO_FREE char *row = cursor_row(&stage, frame, &y);
    assert_non_null(strstr(row, "web_eval_agent"));
    end(&stage);
    frame_unref(frame);
}

static void test_a_service_that_is_gone_gets_no_orders(void **state)
{
    (void)state;
    const struct frame *frame = frames_services();
    struct stage stage = begin(&service_class, 0, "not_there");
    act(&stage, frame, ACTION_SERVICE_RESET);
    assert_false(stage.reply.has_verb);
    end(&stage);
    frame_unref(frame);
}

static void test_the_audit_opens_and_filters(void **state)
{
    (void)state;
    const struct frame *frame = frames_audit(AUDIT_WHOLE, false);
    struct stage stage = begin(&audit_class, 0, "");
    struct frame_query query = {0};
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_OPEN);
    assert_ptr_equal(stage.reply.open, &audit_row_class);
    assert_int_equal(stage.reply.open_id, 1202);
    act(&stage, frame, ACTION_SHOW_STEPS);
    assert_ptr_equal(stage.reply.open, &workflow_class);
    assert_int_equal(stage.reply.open_id, 2207);
    act(&stage, frame, ACTION_COPY); /* as a head that verify takes */
    struct audit_mark mark;
    assert_true(audit_mark_parse(stage.reply.copy, &mark));
    assert_int_equal(mark.n, 1202);
    act(&stage, frame, ACTION_FILTER_STATE);
    audit_class.query(stage.view, &query);
    assert_int_equal(query.parts, PART_AUDIT);
    assert_string_equal(query.audit_act, "approve");
    audit_class.on_prompt(stage.view, frame, TOKEN_CHOSEN, "ada", false, &stage.reply);
    audit_class.query(stage.view, &query);
    assert_string_equal(query.text, "ada");
    act(&stage, frame, ACTION_CLOSE); /* first the filter, then the view */
    assert_false((stage.reply.flags & REPLY_UNUSED) != 0);
    act(&stage, frame, ACTION_CLOSE);
    assert_true((stage.reply.flags & REPLY_UNUSED) != 0);
    end(&stage);
    frame_unref(frame);
}

static void test_deliveries_open_and_filter(void **state)
{
    (void)state;
    const struct frame *frame = frames_services();
    struct stage stage = begin(&deliveries_class, 0, "");
    struct frame_query query = {0};
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_OPEN);
    assert_ptr_equal(stage.reply.open, &delivery_class);
    assert_int_equal(stage.reply.open_id, 898);
    act(&stage, frame, ACTION_SHOW_STEPS);
    assert_int_equal(stage.reply.open_id, 2207);
    act(&stage, frame, ACTION_FILTER_STATE);
    deliveries_class.query(stage.view, &query);
    assert_int_equal(query.delivery_statuses, 1u << DELIVERY_ACCEPTED);
    deliveries_class.on_prompt(stage.view, frame, TOKEN_CHOSEN, "push", false,
                               &stage.reply);
    deliveries_class.query(stage.view, &query);
    assert_string_equal(query.text, "push");
    act(&stage, frame, ACTION_CLOSE); /* first the filter, then the view */
    assert_false((stage.reply.flags & REPLY_UNUSED) != 0);
    act(&stage, frame, ACTION_CLOSE);
    assert_true((stage.reply.flags & REPLY_UNUSED) != 0);
    end(&stage);
    frame_unref(frame);
}

/* ---- failures, decisions, strategies --------------------------------------------------- */

static void answer(struct stage *stage, const struct frame *frame, const char *text)
{
    assert_true(stage->reply.has_prompt);
    int token = stage->reply.prompt.token;
    reply_fini(&stage->reply);
    reply_init(&stage->reply);
    stage->view->klass->on_prompt(stage->view, frame, token, text, true, &stage->reply);
}

static void must_send(const struct stage *stage, const char *verb, const char *args)
{
    assert_true(stage->reply.has_verb);
    assert_string_equal(stage->reply.verb.verb, verb);
    assert_string_equal(stage->reply.verb.args, args);
    assert_non_null(verb_find(verb));
    struct err err = ERR_INIT;
    struct json *json = json_parse(args, strlen(args), &err);
    bool is_good = verb_check(verb_find(verb), json, &err);
    json_free(json);
    if (!is_good && strstr(err.msg, "reason") == NULL) /* the console asks for one */
        fail_msg("%s", err.msg);
}

static void test_a_class_is_corrected_by_hand(void **state)
{
    (void)state;
    const struct frame *frame = frames_recovery(CASE_FAILURE, 31);
    struct stage stage = begin(&failures_class, 0, "");
    show(&stage, frame);
    act(&stage, frame, ACTION_LABEL_CLASS); /* the first row is a problem */
    assert_false(stage.reply.has_prompt);
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_LABEL_CLASS);
    answer(&stage, frame, "weather");
    assert_false(stage.reply.has_verb);
    assert_int_equal(stage.reply.message_kind, MESSAGE_ERROR);
    act(&stage, frame, ACTION_LABEL_CLASS);
    answer(&stage, frame, "infra");
    must_send(&stage, "label", "{\"failure\":31,\"class\":\"infra\"}");
    /* One whose case is still being read. */
    act(&stage, frame, ACTION_ROW_DOWN);
    assert_true((stage.reply.flags & REPLY_REQUERY) != 0);
    act(&stage, frame, ACTION_LABEL_CLASS);
    answer(&stage, frame, "quota");
    must_send(&stage, "label", "{\"failure\":30,\"class\":\"quota\"}");
    end(&stage);
    frame_unref(frame);
}

static void test_what_waits_is_answered(void **state)
{
    (void)state;
    const struct frame *frame = frames_recovery(CASE_FAILURE, 28);
    struct stage stage = begin(&why_class, 0, "f-28");
    act(&stage, frame, ACTION_RECOVERY_DECIDE); /* where its card is */
    assert_ptr_equal(stage.reply.open, &approval_class);
    assert_int_equal(stage.reply.open_id, 7);
    act(&stage, frame, ACTION_SHOW_LOG);
    assert_ptr_equal(stage.reply.open, &log_class);
    assert_int_equal(stage.reply.open_id, 2203);
    end(&stage);
    frame_unref(frame);
    frame = frames_recovery(CASE_FAILURE, 31);
    stage = begin(&why_class, 0, "f-31");
    act(&stage, frame, ACTION_RECOVERY_DECIDE); /* nothing of it waits */
    assert_false(stage.reply.has_verb);
    act(&stage, frame, ACTION_PRIORITY_UP);
    assert_true((stage.reply.flags & REPLY_UNUSED) != 0);
    end(&stage);
    frame_unref(frame);
}

static void test_failures_open_and_filter(void **state)
{
    (void)state;
    const struct frame *frame = frames_recovery(CASE_FAILURE, 31);
    struct stage stage = begin(&failures_class, 0, "");
    struct frame_query query = {0};
    show(&stage, frame);
    act(&stage, frame, ACTION_OPEN);
    assert_ptr_equal(stage.reply.open, &why_class);
    assert_string_equal(stage.reply.open_arg, "p-2");
    assert_int_equal(target(&stage, frame), 0); /* a problem is of many workflows */
    act(&stage, frame, ACTION_ROW_DOWN);
    assert_int_equal(target(&stage, frame), 2207);
    act(&stage, frame, ACTION_SHOW_WHY);
    assert_string_equal(stage.reply.open_arg, "f-31");
    failures_class.query(stage.view, &query);
    assert_true(query.is_unsettled);
    assert_int_equal(query.case_kind, CASE_FAILURE);
    assert_int_equal(query.case_id, 31);
    act(&stage, frame, ACTION_FILTER_STATE);
    failures_class.query(stage.view, &query);
    assert_false(query.is_unsettled);
    act(&stage, frame, ACTION_FILTER);
    answer(&stage, frame, "quota");
    failures_class.query(stage.view, &query);
    assert_string_equal(query.text, "quota");
    act(&stage, frame, ACTION_CLOSE); /* first the filter, then the view */
    assert_false((stage.reply.flags & REPLY_UNUSED) != 0);
    failures_class.query(stage.view, &query);
    assert_true(query.is_unsettled && query.text[0] == '\0');
    act(&stage, frame, ACTION_CLOSE);
    assert_true((stage.reply.flags & REPLY_UNUSED) != 0);
    end(&stage);
    frame_unref(frame);
}

/* The cursor is a failure, not a line: when others come above it, it stays. */
static void test_the_cursor_stays_on_its_failure(void **state)
{
    (void)state;
    const struct frame *frame = frames_recovery(CASE_FAILURE, 31);
    struct stage stage = begin(&failures_class, 0, "");
    show(&stage, frame);
    for (int i = 0; i < 3; i++)
        act(&stage, frame, ACTION_ROW_DOWN);
    struct frame_failures *data = (struct frame_failures *)(uintptr_t)frame->failures;
    data->n_problems = 0; /* it is closed */
    show(&stage, frame);
    int y;
    AUTO_FREE char *row = cursor_row(&stage, frame, &y);
    assert_non_null(strstr(row, "f-29"));
    assert_int_equal(y, 3 + 2);
    data->n = 2; /* f-29 is recovered: the last one is under the cursor */
    AUTO_FREE char *last = cursor_row(&stage, frame, &y);
    assert_non_null(strstr(last, "f-30"));
    end(&stage);
    frame_unref(frame);
}

static void test_a_rung_is_switched_off(void **state)
{
    (void)state;
    const struct frame *frame = frames_recovery(CASE_FAILURE, 31);
    struct stage stage = begin(&strategies_class, 0, "");
    act(&stage, frame, ACTION_STRATEGY_KILL);
    must_send(&stage, "kill-strategy", "{\"strategy\":\"breaker\"}");
    act(&stage, frame, ACTION_END);
    act(&stage, frame, ACTION_STRATEGY_REVIVE);
    must_send(&stage, "revive-strategy",
              "{\"strategy\":\"smaller_task\",\"class\":\"test\"}");
    act(&stage, frame, ACTION_ROW_UP);
    int y;
    AUTO_FREE char *row = cursor_row(&stage, frame, &y);
    assert_non_null(strstr(row, "retry"));
    end(&stage);
    frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_class_is_corrected_by_hand),
        cmocka_unit_test(test_what_waits_is_answered),
        cmocka_unit_test(test_failures_open_and_filter),
        cmocka_unit_test(test_the_cursor_stays_on_its_failure),
        cmocka_unit_test(test_a_rung_is_switched_off),
        cmocka_unit_test(test_cursor_stays_on_its_item),
        cmocka_unit_test(test_cursor_of_a_row_that_went),
        cmocka_unit_test(test_paging_asks_before_the_edge),
        cmocka_unit_test(test_marks_are_the_targets),
        cmocka_unit_test(test_escape_takes_back_filters_first),
        cmocka_unit_test(test_retry_from_a_checkpoint),
        cmocka_unit_test(test_priority_has_ends),
        cmocka_unit_test(test_log_follows_until_scrolled),
        cmocka_unit_test(test_log_opens_at_the_failure),
        cmocka_unit_test(test_form_sends_once_and_whole),
        cmocka_unit_test(test_form_holds_back_what_is_wrong),
        cmocka_unit_test(test_form_takes_choices),
        cmocka_unit_test(test_overview_acts_on_what_it_shows),
        cmocka_unit_test(test_services_are_named_in_orders),
        cmocka_unit_test(test_a_service_that_is_gone_gets_no_orders),
        cmocka_unit_test(test_a_trace_is_walked_and_zoomed),
        cmocka_unit_test(test_the_audit_opens_and_filters),
        cmocka_unit_test(test_deliveries_open_and_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
