/* SPDX-License-Identifier: MIT */
/*
 * The real control center and store with recovery on; effects are answered by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "tests/lib/place.h"

#define BEGIN     INT64_C(1767225600000)
#define ASKED_MAX 64

static const char text[] =
    "name: p\nrepository: /srv/p\nbase: main\nagent: {command: agent}\n"
    "validate: [{name: tests, command: make test}]\nlimits: {iterations: 5, retries: "
    "3}\n";

struct desk_of {
    struct place *place;
    struct store *store;
    struct control *control;
    struct wall now;
    struct effect_row asked[ASKED_MAX];
    size_t n_asked;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct desk_of *d = self;
    assert_true(d->n_asked < ASKED_MAX);
    d->asked[d->n_asked++] = *effect;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct desk_of *d = self;
    for (size_t i = 0; i < d->n_asked; i++) {
        if (d->asked[i].workflow == workflow && d->asked[i].seq == seq) {
            d->asked[i] = d->asked[--d->n_asked];
            return;
        }
    }
}

static void open_desk(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct control_options options = {
        .max_running = 10,
        .limits = {span_s(5),                   span_s(300)},
        .seed = 7,
        .recovery = { .is_on = true,
                   .ladder = ladder_defaults(),
                   .decide = decide_defaults()},
    };
    d->store = store_open(d->place->path, STORE_OFF, &err);
    assert_non_null(d->store);
    d->control = control_new(&options, d->store);
    assert_true(control_load(d->control, d->now, &err));
    d->n_asked = 0;
}

static void turn(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct executor executor = {d, on_perform, on_stop};
    assert_true(control_commands(d->control, 100, d->now, &err) >= 0);
    control_tick(d->control, d->now);
    assert_true(control_commit(d->control, &executor, &err));
}

static void close_desk(struct desk_of *d)
{
    control_free(d->control);
    store_close(d->store);
}

static void begin(struct desk_of *d, void **state)
{
    *d = (struct desk_of){.place = *state, .now = {BEGIN}};
    open_desk(d);
}

static void send(struct desk_of *d, const char *verb, int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = d->now,
                              .actor = "ops",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    assert_true(command_send(d->place->path, &row, &err) > 0);
    turn(d);
}

static void submit_text(struct desk_of *d, const char *pipeline)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4096);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "p");
    jsonw_str(&w, "text", pipeline);
    jsonw_str(&w, "task", "do it");
    jsonw_close(&w, '}');
    send(d, "submit", 0, args.data);
    turn(d);
}

static void submit(struct desk_of *d)
{
    submit_text(d, text);
}

/* The oldest effect that is asked for ends like this. */
static enum effect_kind answer(struct desk_of *d, enum effect_status status,
                               enum blame blame, const char *excerpt, const char *head)
{
    assert_true(d->n_asked > 0);
    struct effect_row asked = d->asked[0];
    memmove(&d->asked[0], &d->asked[1], (d->n_asked - 1) * sizeof(d->asked[0]));
    d->n_asked--;
    struct effect_result *result = effect_result_new(asked.workflow, asked.seq);
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(excerpt != NULL ? "tests failed" : "fine");
    result->excerpt = excerpt != NULL ? mem_str(excerpt) : NULL;
    result->provider = mem_str("local");
    result->head_sha = head != NULL ? mem_str(head) : NULL;
    if (asked.kind == EFFECT_PULL_REQUEST) {
        result->pr_number = 1;
    }
    if (asked.kind == EFFECT_MERGE) {
        result->merge_sha = mem_str("feedfacefeedfacefeedfacefeedfacefeedface");
    }
    d->now.ms += 1000;
    control_result(d->control, result, d->now);
    turn(d);
    return asked.kind;
}

static void pass_until(struct desk_of *d, enum effect_kind kind, const char *head)
{
    for (int i = 0; i < 20; i++) {
        assert_true(d->n_asked > 0);
        if (d->asked[0].kind == kind) {
            return;
        }
        (void)answer(d, STATUS_PASSED, BLAME_NONE, NULL, head);
    }
    fail_msg("no %s is asked for", effect_name(kind));
}

static void wait_for_effect(struct desk_of *d)
{
    for (int i = 0; i < 100 && d->n_asked == 0; i++) {
        struct wall at = control_wake_at(d->control);
        assert_true(wall_is_set(at));
        d->now.ms = at.ms > d->now.ms ? at.ms : d->now.ms + 1;
        turn(d);
    }
    assert_true(d->n_asked > 0);
}

static const struct failure_row *failures(struct desk_of *d, size_t *ret_n)
{
    struct err err = ERR_INIT;
    const struct failure_row *rows = NULL;
    const struct recovery_query query = {.max = 100};
    struct reader *reader = place_reader(d->place);
    assert_true(reader_failures(reader, d->place->arena, &query, &rows, ret_n, &err));
    reader_close(reader);
    return rows;
}

static const struct recovery_row *recoveries(struct desk_of *d, size_t *ret_n)
{
    struct err err = ERR_INIT;
    const struct recovery_row *rows = NULL;
    const struct recovery_query query = {.max = 100};
    struct reader *reader = place_reader(d->place);
    assert_true(reader_recoveries(reader, d->place->arena, &query, &rows, ret_n, &err));
    reader_close(reader);
    return rows;
}

static const char network[] = "curl: (6) Could not resolve host: registry.example.com\n";
static const char broken[] =
    "--- FAIL: TestPay (0.00s)\n    pay_test.go:12: got 3, want 4\n"
    "FAIL\n";

#define HEAD  "1111111111111111111111111111111111111111"
#define HEAD2 "2222222222222222222222222222222222222222"

static void a_check_that_passes_again_is_flaky_and_recovered(void **state)
{
    struct desk_of d;
    size_t n;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, network, NULL);
    const struct failure_row *rows = failures(&d, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].class_, CLASS_NETWORK);
    assert_int_equal(rows[0].status, FAILURE_OPEN);
    assert_int_equal(strlen(rows[0].fingerprint), 16);
    assert_non_null(strstr(rows[0].text, "Could not resolve host"));
    const struct recovery_row *rungs = recoveries(&d, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rungs[0].rung, RUNG_RETRY);
    assert_int_equal(rungs[0].status, RECOVERY_RUNNING);
    wait_for_effect(&d);
    assert_int_equal(answer(&d, STATUS_PASSED, BLAME_NONE, NULL, NULL), EFFECT_CHECK);
    rows = failures(&d, &n);
    assert_int_equal(rows[0].status, FAILURE_RECOVERED);
    assert_true(rows[0].is_flaky);
    rungs = recoveries(&d, &n);
    assert_int_equal(rungs[0].status, RECOVERY_PASSED);
    struct reader *reader = place_reader(d.place);
    struct err err = ERR_INIT;
    const struct effect_row *effects;
    assert_true(reader_effects(reader, d.place->arena, 1, &effects, &n, &err));
    bool is_flaky = false;
    for (size_t i = 0; i < n; i++) {
        is_flaky = is_flaky || effects[i].status == STATUS_FLAKY;
    }
    assert_true(is_flaky); /* a pass after a retry is not green */
    reader_close(reader);
    close_desk(&d);
}

static void a_failing_test_goes_back_to_the_agent_and_then_to_a_person(void **state)
{
    struct desk_of d;
    size_t n;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, broken, NULL);
    const struct recovery_row *rungs = recoveries(&d, &n);
    assert_int_equal(rungs[0].rung, RUNG_HAND_BACK);
    assert_int_equal(d.asked[0].kind, EFFECT_WORKSPACE); /* no plan command: at once */
    for (int i = 0; i < 12; i++) { /* the agent changes nothing any more */
        if (d.n_asked == 0) {
            struct wall at = control_wake_at(d.control);
            if (!wall_is_set(at) || at.ms > d.now.ms + 3600000) {
                break;
            }
            size_t before = n;
            const struct failure_row *now = failures(&d, &n);
            if (now[0].status == FAILURE_ESCALATED) {
                break;
            }
            n = before;
            wait_for_effect(&d);
        }
        pass_until(&d, EFFECT_CHECK, HEAD);
        (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, broken, NULL);
    }
    const struct failure_row *rows = failures(&d, &n);
    assert_int_equal(n, 1); /* the same failure all the time */
    assert_int_equal(rows[0].class_, CLASS_TEST);
    assert_int_equal(rows[0].status, FAILURE_ESCALATED);
    rungs = recoveries(&d, &n);
    int of[RUNG_COUNT] = {0};
    for (size_t i = 0; i < n; i++) {
        of[rungs[i].rung]++;
    }
    assert_int_equal(of[RUNG_ESCALATE], 1);
    assert_int_equal(of[RUNG_HAND_BACK], 1); /* never again without a new commit */
    assert_int_equal(of[RUNG_SMALLER_TASK], 1);
    assert_int_equal(of[RUNG_OTHER_ORDER], 1);
    close_desk(&d);
}

/* What is known after a restart is what was known before. */
static void a_restart_forgets_nothing(void **state)
{
    struct desk_of d;
    size_t n;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, broken, NULL);
    close_desk(&d); /* nothing was said of the end: as after a kill */
    open_desk(&d);
    turn(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, broken, NULL);
    const struct recovery_row *rungs = recoveries(&d, &n);
    assert_int_equal(n, 2);
    assert_int_equal(rungs[1].rung, RUNG_HAND_BACK);
    assert_int_equal(rungs[1].status, RECOVERY_FAILED);
    assert_int_not_equal(rungs[0].rung, RUNG_HAND_BACK); /* the agent changed nothing */
    assert_int_equal(rungs[0].number, 2);
    (void)failures(&d, &n);
    assert_int_equal(n, 1);
    close_desk(&d);
}

static void an_operator_corrects_a_class(void **state)
{
    struct desk_of d;
    size_t n;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, broken, NULL);
    send(&d, "label", 0, "{\"failure\":1,\"class\":\"flaky\"}");
    const struct failure_row *rows = failures(&d, &n);
    assert_int_equal(rows[0].class_, CLASS_FLAKY);
    assert_int_equal(rows[0].was_class, CLASS_TEST);
    assert_string_equal(rows[0].labelled_by, "ops");
    pass_until(&d, EFFECT_CHECK, HEAD2);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, broken, NULL);
    rows = failures(&d, &n);
    assert_int_equal(rows[0].class_, CLASS_FLAKY); /* the same fingerprint */
    const struct recovery_row *rungs = recoveries(&d, &n);
    assert_int_equal(rungs[0].rung, RUNG_RETRY);
    send(&d, "label", 0, "{\"failure\":1,\"class\":\"nonsense\"}");
    send(&d, "label", 0, "{\"failure\":99,\"class\":\"test\"}");
    rows = failures(&d, &n);
    assert_int_equal(rows[0].class_, CLASS_FLAKY);
    close_desk(&d);
}

static void a_strategy_that_is_off_is_not_chosen(void **state)
{
    struct desk_of d;
    size_t n;
    begin(&d, state);
    send(&d, "kill-strategy", 0, "{\"strategy\":\"retry\",\"reason\":\"no\"}");
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, network, NULL);
    const struct recovery_row *rungs = recoveries(&d, &n);
    assert_int_not_equal(rungs[0].rung, RUNG_RETRY);
    close_desk(&d);
    open_desk(&d); /* it holds over a restart */
    send(&d, "revive-strategy", 0, "{\"strategy\":\"retry\"}");
    close_desk(&d);
}

static void a_cancelled_workflow_takes_its_failure_along(void **state)
{
    struct desk_of d;
    size_t n;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, network, NULL);
    send(&d, "cancel", 1, "{}");
    const struct failure_row *rows = failures(&d, &n);
    assert_int_equal(rows[0].status, FAILURE_LOST);
    const struct recovery_row *rungs = recoveries(&d, &n);
    assert_int_equal(rungs[0].status, RECOVERY_OBSOLETE);
    close_desk(&d);
}

static void a_pause_is_no_help_and_a_retry_is(void **state)
{
    struct desk_of d;
    size_t n;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, network, NULL);
    send(&d, "pause", 1, "{}");
    send(&d, "resume", 1, "{}");
    wait_for_effect(&d);
    (void)answer(&d, STATUS_PASSED, BLAME_NONE, NULL, NULL);
    const struct failure_row *rows = failures(&d, &n);
    assert_int_equal(rows[0].status, FAILURE_RECOVERED);
    submit(&d);
    pass_until(&d, EFFECT_CHECK, HEAD);
    while (d.asked[0].workflow != 2) {
        (void)answer(&d, STATUS_PASSED, BLAME_NONE, NULL, NULL);
    }
    pass_until(&d, EFFECT_CHECK, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, network, NULL);
    send(&d, "resume", 2, "{}"); /* cuts the pause short */
    wait_for_effect(&d);
    (void)answer(&d, STATUS_PASSED, BLAME_NONE, NULL, NULL);
    rows = failures(&d, &n);
    assert_int_equal(rows[0].workflow, 2);
    assert_int_equal(rows[0].status, FAILURE_HELPED);
    close_desk(&d);
}

static void a_merge_is_decided(void **state)
{
    struct desk_of d;
    size_t n = 0;
    struct err err = ERR_INIT;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_MERGE, HEAD);
    (void)answer(&d, STATUS_PASSED, BLAME_NONE, NULL, NULL);
    struct reader *reader = place_reader(d.place);
    const struct decision_row *rows = NULL;
    const struct recovery_query query = {.max = 10};
    assert_true(reader_decisions(reader, d.place->arena, &query, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].kind, DECISION_MERGE);
    assert_string_equal(rows[0].choice, "merge");
    assert_int_equal(rows[0].verdict, VERDICT_GOOD);
    reader_close(reader);
    close_desk(&d);
}

static struct decision_row merge_decision(struct desk_of *d, size_t index)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(d->place);
    const struct decision_row *rows;
    size_t n = 0, n_merges = 0;
    assert_true(reader_decisions(reader, d->place->arena,
                                 &(struct recovery_query){.max = 100}, &rows, &n, &err));
    reader_close(reader);
    for (size_t i = n; i > 0; i--) { /* oldest first */
        if (rows[i - 1].kind == DECISION_MERGE && n_merges++ == index) {
            return rows[i - 1];
        }
    }
    fail_msg("no such decision");
    return (struct decision_row){.id = 0};
}

/* Its verdict comes after a restart, too; and what nobody will answer is not open for ever. */
static void a_merge_that_was_decided_is_settled_over_a_restart(void **state)
{
    struct desk_of d;
    begin(&d, state);
    submit(&d);
    pass_until(&d, EFFECT_MERGE, HEAD);
    assert_int_equal(merge_decision(&d, 0).verdict, VERDICT_OPEN);
    close_desk(&d);
    open_desk(&d);
    turn(&d);
    assert_int_equal(merge_decision(&d, 0).verdict, VERDICT_OPEN);
    assert_int_equal(answer(&d, STATUS_PASSED, BLAME_NONE, NULL, HEAD), EFFECT_MERGE);
    assert_int_equal(merge_decision(&d, 0).verdict, VERDICT_GOOD);
    d.n_asked = 0;
    submit(&d);
    pass_until(&d, EFFECT_MERGE, HEAD);
    (void)answer(&d, STATUS_FAILED, BLAME_CHANGE, broken, NULL); /* and once more */
    wait_for_effect(&d);
    pass_until(&d, EFFECT_MERGE, HEAD2);
    assert_int_equal(merge_decision(&d, 1).verdict, VERDICT_UNCLEAR);
    assert_int_equal(merge_decision(&d, 2).verdict, VERDICT_OPEN);
    send(&d, "cancel", 2, "{}");
    send(&d, "cancel", 2, "{}"); /* does not wait for the merge */
    assert_int_equal(merge_decision(&d, 2).verdict, VERDICT_UNCLEAR);
    struct decision_row lost = merge_decision(&d, 2);
    lost.verdict = VERDICT_OPEN; /* as an older engine left it */
    (void)store_put_decision(d.store, &lost);
    must_commit(d.store);
    close_desk(&d);
    open_desk(&d);
    turn(&d);
    assert_int_equal(merge_decision(&d, 2).verdict, VERDICT_UNCLEAR);
    close_desk(&d);
}

/* ---- checks side by side ---- */

static const char beside_text[] =
    "name: p\nrepository: /srv/p\nbase: main\nagent: {command: agent}\n"
    "validate: [{name: unit, command: u}, {name: net, command: n}, {name: docs, command: "
    "d}]\n"
    "limits: {iterations: 5, retries: 3, parallel: 3}\n";

/* What the runner says: each check's status in order, and the one that decides. */
static void answer_beside(struct desk_of *d, const enum effect_status *each,
                          size_t n_each, size_t of, const char *excerpt)
{
    assert_int_equal(d->n_asked, 1); /* one is performed for all */
    struct effect_row asked = d->asked[--d->n_asked];
    struct effect_result *result = effect_result_new(asked.workflow, asked.seq);
    effect_result_make_parts(result, n_each);
    for (size_t i = 0; i < n_each; i++) {
        struct effect_result *part =
            effect_result_new(asked.workflow, asked.seq - (int64_t)(n_each - 1 - i));
        part->status = each[i];
        part->blame = each[i] == STATUS_FAILED ? BLAME_CHANGE : BLAME_NONE;
        part->summary = mem_printf("check %zu", i);
        part->log = mem_printf("wf-1/log-%zu", i);
        part->cpu_ms = (int64_t)i + 1;
        result->parts[i] = part;
    }
    result->of = result->parts[of]->seq;
    result->status = each[of];
    result->blame = each[of] == STATUS_FAILED ? BLAME_CHANGE : BLAME_NONE;
    result->summary = mem_str(excerpt != NULL ? "net failed" : "3 checks passed");
    result->excerpt = excerpt != NULL ? mem_str(excerpt) : NULL;
    result->log = mem_printf("wf-1/log-%zu", of);
    result->provider = mem_str("local");
    d->now.ms += 1000;
    control_result(d->control, result, d->now);
    turn(d);
}

static const struct effect_row *checks_of(struct desk_of *d, struct reader **ret_reader,
                                          size_t *ret_n)
{
    struct err err = ERR_INIT;
    const struct effect_row *rows = NULL;
    *ret_reader = place_reader(d->place);
    assert_true(reader_effects(*ret_reader, d->place->arena, 1, &rows, ret_n, &err));
    while (*ret_n > 0 && rows->kind != EFFECT_CHECK) {
        rows++;
        (*ret_n)--;
    }
    return rows;
}

/* net fails for the network, and is tried again with what stands behind it; that it passes then,
 * on the same commit, is flaky, and nothing of that touches its neighbours. */
static void of_checks_side_by_side_one_is_flaky(void **state)
{
    static const enum effect_status first[] = {STATUS_PASSED, STATUS_FAILED,
                                               STATUS_CANCELLED};
    static const enum effect_status second[] = {STATUS_PASSED, STATUS_PASSED};
    struct desk_of d;
    struct reader *reader;
    size_t n;
    begin(&d, state);
    submit_text(&d, beside_text);
    pass_until(&d, EFFECT_CHECK, HEAD);
    const struct effect_row *rows = checks_of(&d, &reader, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].status, STATUS_PENDING);
    }
    reader_close(reader);
    answer_beside(&d, first, 3, 1, network);
    rows = checks_of(&d, &reader, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].status, first[i]);
        assert_int_equal(rows[i].cpu_ms, i + 1);
        assert_string_equal(rows[i].provider, "local");
        assert_int_equal(rows[i].log[strlen(rows[i].log) - 1], '0' + (int)i);
    }
    const struct failure_row *failed = failures(&d, &n);
    assert_int_equal(n, 1);
    assert_int_equal(failed[0].effect, rows[1].seq);
    assert_string_equal(failed[0].step, "net");
    assert_int_equal(failed[0].class_, CLASS_NETWORK);
    reader_close(reader);

    wait_for_effect(&d);
    answer_beside(&d, second, 2, 1, NULL);
    rows = checks_of(&d, &reader, &n);
    assert_true(n >= 5);
    assert_string_equal(rows[3].name, "net");
    assert_int_equal(rows[3].status,
                     STATUS_FLAKY); /* a pass after a retry is not green */
    assert_string_equal(rows[4].name, "docs");
    assert_int_equal(rows[4].status, STATUS_PASSED);
    reader_close(reader);
    failed = failures(&d, &n);
    assert_int_equal(failed[0].status, FAILURE_RECOVERED);
    assert_true(failed[0].is_flaky);
    close_desk(&d);
}

/* Another engine: the rows that are performed by another one are not performed themselves, and
 * get their outcome with it. So when they are stopped. */
static void checks_side_by_side_outlive_the_engine(void **state)
{
    static const enum effect_status all[] = {STATUS_PASSED, STATUS_FLAKY, STATUS_PASSED};
    struct desk_of d;
    struct reader *reader;
    size_t n;
    begin(&d, state);
    submit_text(&d, beside_text);
    pass_until(&d, EFFECT_CHECK, HEAD);
    close_desk(&d);
    open_desk(&d);
    turn(&d);
    answer_beside(&d, all, 3, 2, NULL);
    const struct effect_row *rows = checks_of(&d, &reader, &n);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].status, all[i]);
    }
    assert_int_equal(rows[3].kind, EFFECT_MERGE);
    reader_close(reader);
    close_desk(&d);
}

static void a_cancel_stops_all_of_them(void **state)
{
    struct desk_of d;
    struct reader *reader;
    size_t n;
    begin(&d, state);
    submit_text(&d, beside_text);
    pass_until(&d, EFFECT_CHECK, HEAD);
    send(&d, "skip", 1, "{}");
    const struct effect_row *rows = checks_of(&d, &reader, &n);
    assert_int_equal(n, 5); /* the first is skipped, the others begin anew */
    assert_int_equal(rows[0].status, STATUS_SKIPPED);
    assert_int_equal(rows[1].status, STATUS_CANCELLED);
    assert_int_equal(rows[2].status, STATUS_CANCELLED);
    assert_string_equal(rows[3].name, "net");
    assert_int_equal(rows[3].status, STATUS_PENDING);
    reader_close(reader);
    send(&d, "cancel", 1, "{}");
    rows = checks_of(&d, &reader, &n);
    assert_int_equal(rows[3].status, STATUS_CANCELLED);
    assert_int_equal(rows[4].status, STATUS_CANCELLED);
    reader_close(reader);
    close_desk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_check_that_passes_again_is_flaky_and_recovered),
        PLACE_TEST(of_checks_side_by_side_one_is_flaky),
        PLACE_TEST(checks_side_by_side_outlive_the_engine),
        PLACE_TEST(a_cancel_stops_all_of_them),
        PLACE_TEST(a_failing_test_goes_back_to_the_agent_and_then_to_a_person),
        PLACE_TEST(a_restart_forgets_nothing),
        PLACE_TEST(an_operator_corrects_a_class),
        PLACE_TEST(a_strategy_that_is_off_is_not_chosen),
        PLACE_TEST(a_cancelled_workflow_takes_its_failure_along),
        PLACE_TEST(a_pause_is_no_help_and_a_retry_is),
        PLACE_TEST(a_merge_is_decided),
        PLACE_TEST(a_merge_that_was_decided_is_settled_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
