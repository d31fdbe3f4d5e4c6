/* SPDX-License-Identifier: MIT */
/* What the views of approvals, optimizations and autonomy do with actions and newer frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/frames.h"
#include "tui/view/approval.h"

struct stage {
    struct view *view;
    struct reply reply;
};

static struct stage begin(const struct view_class *klass, int64_t id, const char *arg)
{
    struct stage stage = {.view = klass->open(id, arg)};
    stage.view->klass = klass;
    stage.view->w = 80;
    stage.view->h = 22;
    stage.view->now = frames_now();
    stage.view->id = id;
    (void)snprintf(stage.view->arg, sizeof(stage.view->arg), "%s", arg);
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

static int64_t subject(const struct stage *stage, const struct frame *frame)
{
    struct view_subject one;
    size_t n = stage->view->klass->subjects(stage->view, frame, &one, 1);
    return n == 1 ? one.approval : 0;
}

static size_t count_subjects(const struct stage *stage, const struct frame *frame)
{
    struct view_subject all[VIEW_SUBJECTS_MAX];
    return stage->view->klass->subjects(stage->view, frame, all, ARRAY_LEN(all));
}

/* As if the first `n` rows had left the queue. */
static const struct frame *without_first(size_t n)
{
    const struct frame *frame = frames_asks(1187, 0);
    struct frame_approvals *data = (struct frame_approvals *)(uintptr_t)frame->approvals;
    data->rows += n;
    data->whys += n;
    data->n -= n;
    return frame;
}

static void test_the_cursor_stays_on_its_approval(void **state)
{
    (void)state;
    struct stage stage = begin(&approvals_class, 0, "");
    const struct frame *all = frames_asks(1187, 0), *fewer = without_first(2),
                       *gone = without_first(4);
    show(&stage, all);
    assert_int_equal(subject(&stage, all), 1190);
    for (int i = 0; i < 3; i++)
        act(&stage, all, ACTION_ROW_DOWN);
    assert_int_equal(subject(&stage, all), 1187);
    assert_true((stage.reply.flags & REPLY_REQUERY) != 0); /* its card is wanted */
    show(&stage, fewer);
    assert_int_equal(subject(&stage, fewer), 1187);
    show(&stage, gone); /* decided elsewhere: what stands at its line now */
    assert_int_equal(subject(&stage, gone), 1184);
    frame_unref(all);
    frame_unref(fewer);
    frame_unref(gone);
    end(&stage);
}

static void test_a_batch_is_of_one_kind(void **state)
{
    (void)state;
    struct stage stage = begin(&approvals_class, 0, "");
    const struct frame *frame = frames_asks(1187, 0);
    show(&stage, frame);
    act(&stage, frame, ACTION_ASK_BATCH); /* critical merges: one */
    assert_int_equal(count_subjects(&stage, frame), 1);
    act(&stage, frame, ACTION_ASK_BATCH); /* and none */
    act(&stage, frame, ACTION_MARK);
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_MARK);
    assert_int_equal(count_subjects(&stage, frame), 2);
    act(&stage, frame, ACTION_MARK);
    assert_int_equal(count_subjects(&stage, frame), 1);
    assert_int_equal(subject(&stage, frame), 1190);
    act(&stage, frame, ACTION_CLOSE); /* first the marks, then the view */
    assert_int_equal(stage.reply.flags & REPLY_UNUSED, 0);
    act(&stage, frame, ACTION_CLOSE);
    assert_true((stage.reply.flags & REPLY_UNUSED) != 0);
    end(&stage);
    frame_unref(frame);
}

/* A mark is a mark of what was shown. */
static void test_a_mark_ends_with_its_effect(void **state)
{
    (void)state;
    struct stage stage = begin(&approvals_class, 0, "");
    const struct frame *frame = frames_asks(1187, 0), *newer = frames_asks(1187, 0);
    struct approval_row *rows = (struct approval_row *)(uintptr_t)newer->approvals->rows;
    show(&stage, frame);
    act(&stage, frame, ACTION_MARK);
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_MARK);
    assert_int_equal(count_subjects(&stage, frame), 2);
    rows[0].digest[0] = 'f'; /* drifted */
    show(&stage, newer);
    assert_int_equal(count_subjects(&stage, newer), 1);
    assert_int_equal(subject(&stage, newer), 1188);
    frame_unref(frame);
    frame_unref(newer);
    end(&stage);
}

static void test_the_pages_of_a_card(void **state)
{
    (void)state;
    const struct frame *frame = frames_asks(1187, 0);
    struct stage stage = begin(&approvals_class, 0, "");
    show(&stage, frame);
    act(&stage, frame, ACTION_SHOW_EVIDENCE);
    assert_ptr_equal(stage.reply.open, &approval_class);
    assert_string_equal(stage.reply.open_arg, "evidence");
    assert_int_equal(stage.reply.open_id, 1190);
    end(&stage);
    stage = begin(&approval_class, 1187, "");
    act(&stage, frame, ACTION_SHOW_CHANGE);
    char crumb[64];
    stage.view->klass->crumb(stage.view, frame, crumb, sizeof(crumb));
    assert_string_equal(crumb, "a-1187 diff");
    act(&stage, frame, ACTION_CLOSE); /* back to the card, then out */
    assert_int_equal(stage.reply.flags & REPLY_UNUSED, 0);
    act(&stage, frame, ACTION_CLOSE);
    assert_true((stage.reply.flags & REPLY_UNUSED) != 0);
    assert_int_equal(subject(&stage, frame), 1187);
    act(&stage, frame, ACTION_UNDO);
    assert_string_equal(stage.reply.verb.verb, "undo");
    assert_string_equal(stage.reply.verb.args, "{\"optimization\":14}");
    end(&stage);
    frame_unref(frame);
}

static void test_a_subject_is_what_the_row_says(void **state)
{
    (void)state;
    const struct frame *frame = frames_asks(1188, 0);
    struct view_subject one;
    subject_of(&frame->approvals->rows[0], &one);
    assert_int_equal(one.risk, RISK_CRITICAL);
    assert_int_equal(one.n_missing, 1); /* ada has approved */
    assert_true(one.can_undo);
    assert_string_equal(one.target, "payments-api");
    assert_string_equal(one.digest, frame->approvals->rows[0].digest);
    subject_of(&frame->approvals->rows[1], &one);
    assert_false(one.can_undo);
    frame_unref(frame);
    frame = frames_asks_hostile();
    subject_of(&frame->approvals->rows[0], &one);
    assert_null(strchr(one.title, 0x1b));
    assert_null(strchr(one.target, 0x1b));
    frame_unref(frame);
}

static void test_optimizations_are_taken_back_where_they_are_in_force(void **state)
{
    (void)state;
    struct stage stage = begin(&optimizations_class, 0, "");
    const struct frame *frame = frames_asks(0, 14);
    show(&stage, frame); /* first the one that a person decides: o-12, unclear */
    act(&stage, frame, ACTION_UNDO);
    assert_string_equal(stage.reply.verb.args, "{\"optimization\":12}");
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_UNDO); /* only proposed */
    assert_false(stage.reply.has_verb);
    act(&stage, frame, ACTION_ASK_APPROVE); /* where its card is */
    assert_ptr_equal(stage.reply.open, &approval_class);
    assert_int_equal(stage.reply.open_id, 1187);
    act(&stage, frame, ACTION_ROW_DOWN);
    act(&stage, frame, ACTION_UNDO);
    assert_string_equal(stage.reply.verb.args, "{\"optimization\":13}");
    act(&stage, frame, ACTION_END);
    act(&stage, frame, ACTION_ASK_APPROVE);
    assert_null(stage.reply.open);
    assert_true(stage.reply.message[0] != '\0');
    end(&stage);
    frame_unref(frame);
}

static void answer(struct stage *stage, const struct frame *frame, const char *text)
{
    int token = stage->reply.prompt.token;
    reply_fini(&stage->reply);
    reply_init(&stage->reply);
    stage->view->klass->on_prompt(stage->view, frame, token, text, true, &stage->reply);
}

static void test_raising_asks_for_a_time_and_lowering_does_not(void **state)
{
    (void)state;
    struct stage stage = begin(&autonomy_class, 0, "");
    const struct frame *frame = frames_asks(0, 0);
    act(&stage, frame, ACTION_ROW_DOWN); /* merge: approve */
    act(&stage, frame, ACTION_LEVEL_RAISE);
    assert_string_equal(stage.reply.prompt_initial, "auto");
    answer(&stage, frame, "full");
    assert_true(stage.reply.message[0] != '\0'); /* no such level */
    assert_false(stage.reply.has_verb);
    act(&stage, frame, ACTION_LEVEL_RAISE);
    answer(&stage, frame, "auto");
    assert_string_equal(stage.reply.prompt.label, "for how long");
    answer(&stage, frame, "2h");
    answer(&stage, frame, "hotfix");
    assert_string_equal(stage.reply.verb.args,
                        "{\"action\":\"merge\",\"level\":\"auto\",\"for\":\"2h\","
                        "\"reason\":\"hotfix\"}");
    act(&stage, frame, ACTION_ROW_DOWN); /* merge in orders */
    act(&stage, frame, ACTION_LEVEL_LOWER);
    answer(&stage, frame, "a flood");
    assert_string_equal(stage.reply.verb.args,
                        "{\"action\":\"merge\",\"level\":\"approve\","
                        "\"repo\":\"/srv/git/orders.git\",\"reason\":\"a flood\"}");
    act(&stage, frame, ACTION_TOP);
    act(&stage, frame, ACTION_LEVEL_RAISE); /* plan: auto already */
    assert_false(stage.reply.has_prompt);
    end(&stage);
    frame_unref(frame);
}

static void test_the_overview_decides_what_is_under_the_cursor(void **state)
{
    (void)state;
    struct stage stage = begin(&overview_class, 0, "");
    const struct frame *frame = frames_asks(1190, 0);
    int64_t id;
    show(&stage, frame);
    assert_int_equal(subject(&stage, frame), 1190);
    assert_int_equal(stage.view->klass->targets(stage.view, frame, &id, 1), 0);
    act(&stage, frame, ACTION_OPEN);
    assert_ptr_equal(stage.reply.open, &approval_class);
    act(&stage, frame, ACTION_END); /* a workflow that runs */
    assert_int_equal(subject(&stage, frame), 0);
    assert_int_equal(stage.view->klass->targets(stage.view, frame, &id, 1), 1);
    end(&stage);
    frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cursor_stays_on_its_approval),
        cmocka_unit_test(test_a_batch_is_of_one_kind),
        cmocka_unit_test(test_a_mark_ends_with_its_effect),
        cmocka_unit_test(test_the_pages_of_a_card),
        cmocka_unit_test(test_a_subject_is_what_the_row_says),
        cmocka_unit_test(test_optimizations_are_taken_back_where_they_are_in_force),
        cmocka_unit_test(test_raising_asks_for_a_time_and_lowering_does_not),
        cmocka_unit_test(test_the_overview_decides_what_is_under_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
