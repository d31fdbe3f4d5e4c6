/* SPDX-License-Identifier: MIT */

/*
 * Approvals in the control center: the one gate for every verb, front end and role; each level of
 * autonomy; each field of an effect changed between showing and executing; a thousand races.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "engine/control/verb.h"
#include "store/approval.h"
#include "store/audit.h"
#include "tests/lib/flavour.h"

#define NOW   ((struct wall){1767225600000})
#define RACES FEWER(1000, 50)

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct wall now;
    enum user_role role;
    int levels[ACT_COUNT];
    struct span expire, expire_unseen;
    int n_performed;
    int64_t last_workflow, last_seq;
    enum effect_kind last_kind;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    f->n_performed++;
    f->last_workflow = effect->workflow;
    f->last_seq = effect->seq;
    f->last_kind = effect->kind;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static enum user_role role_of(void *self, const char *actor, const char *account,
                              const char *origin)
{
    const struct fixture *f = self;
    (void)actor;
    (void)account;
    (void)origin;
    return f->role;
}

static void open_control(struct fixture *f)
{
    struct err err = ERR_INIT;
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = 8,
        .limits = {span_s(5), span_s(300)},
        .approvals = { .expire = f->expire,
                   .expire_unseen = f->expire_unseen,
                   .self = f,
                   .role_of = role_of},
        .seed = 1,
    };
    memcpy(options.approvals.levels, f->levels, sizeof(f->levels));
    f->control = control_new(&options, f->store);
    assert_true(control_load(f->control, f->now, &err));
}

static void close_control(struct fixture *f)
{
    control_free(f->control);
    store_close(f->store);
}

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = file_join(f->folder, "s.db");
    f->now = NOW;
    f->role = USER_ADMIN;
    open_control(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    close_control(f);
    (void)file_remove_tree(f->folder, &err);
    free(f->path);
    free(f);
    return 0;
}

static void turn(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct executor executor = {f, on_perform, on_stop};
    assert_true(control_commands(f->control, 5000, f->now, &err) >= 0);
    control_tick(f->control, f->now);
    assert_true(control_commit(f->control, &executor, &err));
}

static int64_t send_as(struct fixture *f, const char *actor, enum origin origin,
                       const char *verb, int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = f->now,
                              .actor = actor,
                              .origin = origin_word(origin),
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    int64_t id = command_send(f->path, &row, &err);
    assert_true(id > 0);
    return id;
}

static void submit(struct fixture *f, const char *text)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4096);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "p");
    jsonw_str(&w, "text", text);
    jsonw_str(&w, "task", "do it");
    jsonw_close(&w, '}');
    (void)send_as(f, "dev", ORIGIN_CLI, "submit", 0, args.data);
    turn(f);
}

static int answer_of(struct fixture *f, int64_t id, char message[256])
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    struct command_row row;
    assert_non_null(reader);
    assert_int_equal(reader_command(reader, arena, id, &row, &err), FOUND);
    (void)snprintf(message, 256, "%s", row.message);
    arena_free(arena);
    reader_close(reader);
    return row.answer;
}

static void pass(struct fixture *f)
{
    struct effect_result *result = effect_result_new(f->last_workflow, f->last_seq);
    result->status = STATUS_PASSED;
    result->head_sha = mem_str("h1");
    result->pr_number = 4;
    if (f->last_kind == EFFECT_MERGE) {
        result->merge_sha = mem_str("m1");
    }
    control_result(f->control, result, f->now);
    turn(f);
}

static struct workflow_row look(struct fixture *f, struct arena *arena, int64_t id)
{
    struct err err = ERR_INIT;
    struct workflow_row row = {0};
    assert_int_equal(store_load_workflow(f->store, arena, id, &row, &err), FOUND);
    return row;
}

#define TEXT(mode)                                                                       \
    "name: p\nrepository: /srv/p\nbase: main\nagent: {command: agent}\nvalidate: []\n"   \
    "merge: {mode: " mode "}\n"

/* wf-ID waits for its merge. */
static void to_merge(struct fixture *f, const char *text)
{
    submit(f, text);
    for (int i = 0; i < 5; i++) { /* workspace, agent, commit, pull request, sandbox */
        pass(f);
    }
}

static void digest_args(struct fixture *f, int64_t workflow, char args[128])
{
    char digest[DIGEST_HEX];
    assert_true(control_digest(f->control, workflow, digest));
    (void)snprintf(args, 128, "{\"digest\":\"%s\"}", digest);
}

/* ---- the gate ---- */

/* Arguments that the verb takes. */
static const char *good_args(struct arena *arena, const struct verb *verb)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, 4096);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        bool is_silence = strcmp(verb->name, "silence") == 0;
        if (!arg->is_required && !(is_silence && strcmp(arg->name, "for") == 0)) {
            continue;
        }
        if (arg->type == ARG_INT) {
            jsonw_int(&w, arg->name, arg->min);
        } else if (arg->type == ARG_OBJECT) {
            jsonw_raw(&w, arg->name, "{}", 2);
        } else {
            jsonw_str(&w, arg->name,
                      arg->type == ARG_STATE                        ? "CODING"
                      : is_silence && strcmp(arg->name, "for") == 0 ? "1h"
                      : strcmp(arg->name, "setting") == 0           ? "max_running"
                      : strcmp(arg->name, "value") == 0             ? "5"
                                                                    : "x");
        }
    }
    jsonw_close(&w, '}');
    return arena_strn(arena, buf.data, buf.len);
}

static int64_t last_event(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct totals totals;
    int64_t last = 0;
    assert_true(store_load_counters(f->store, &last, &totals, &err));
    return totals.last_event;
}

static void each_verb_by_each_way_and_role(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    char message[256], refusal[ACCESS_TEXT_MAX];
    for (size_t i = 0; i < n_verbs; i++) {
        const char *args = good_args(arena, &verbs[i]);
        for (int origin = 0; origin < ORIGIN_COUNT; origin++) {
            for (int role = USER_NONE; role < (int)verbs[i].role; role++) {
                f->role = (enum user_role)role;
                int64_t before = last_event(f);
                int n = f->n_performed;
                int64_t id = send_as(f, "eve", (enum origin)origin, verbs[i].name,
                                     verbs[i].has_workflow, args);
                turn(f);
                assert_int_equal(answer_of(f, id, message), 1);
                assert_false(access_allows(&verbs[i], f->role, "eve", refusal));
                assert_string_equal(message, refusal);
                assert_int_equal(last_event(f), before);
                assert_int_equal(f->n_performed, n);
            }
            f->role = verbs[i].role;
            int64_t id = send_as(f, "eve", (enum origin)origin, verbs[i].name,
                                 verbs[i].has_workflow, args);
            turn(f);
            (void)answer_of(f, id, message);
            if (strstr(message, "; it needs ") != NULL ||
                strstr(message, "eve is ") != NULL) {
                fail_msg("%s: %s", verbs[i].name, message);
            }
        }
    }
    arena_free(arena);
}

/* ---- levels ---- */

static void each_level_of_plan_and_merge(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    int64_t id = 0;
    for (int level = LEVEL_OBSERVE; level < AUTONOMY_LEVEL_COUNT; level++) {
        close_control(f);
        f->levels[ACT_MERGE] = level + 1;
        open_control(f);
        to_merge(f, TEXT("auto"));
        struct workflow_row row = look(f, arena, ++id);
        assert_int_equal(row.wait, level < LEVEL_AUTO ? WAIT_MERGE : WAIT_NONE);
        assert_int_equal(f->last_kind == EFFECT_MERGE, level == LEVEL_AUTO);
        char digest[DIGEST_HEX];
        assert_int_equal(control_digest(f->control, id, digest), level < LEVEL_AUTO);
    }
    close_control(f);
    f->levels[ACT_PLAN] = LEVEL_APPROVE + 1;
    open_control(f);
    submit(f, TEXT("auto"));
    assert_int_equal(look(f, arena, ++id).wait, WAIT_PLAN);
    arena_free(arena);
}

/* ---- drift ---- */

static void put_changed(struct fixture *f, int field)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct workflow_row row = look(f, arena, 1);
    close_control(f);
    f->store = store_open(f->path, STORE_OFF, &err);
    switch (field) {
    case 0:
        row.head_sha = "h2";
        break;
    case 1:
        row.base_sha = "b2";
        break;
    case 2:
        row.branch = "other";
        break;
    case 3:
        row.pr_number = 5;
        break;
    case 4:
        row.is_degraded = !row.is_degraded;
        break;
    default: /* words and times change nothing of what is done */
        row.reason = "said in other words";
        row.priority = 9;
        row.state_since.ms += 1000;
        break;
    }
    store_put_workflow(f->store, &row);
    assert_true(store_commit(f->store, &err));
    store_close(f->store);
    open_control(f);
    turn(f);
    arena_free(arena);
}

static void each_field_that_changes_is_never_executed(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    char args[128], message[256];
    to_merge(f, TEXT("ask"));
    for (int field = 0; field <= 5; field++) {
        bool is_word = field == 5;
        digest_args(f, 1, args);
        put_changed(f, field);
        int n = f->n_performed;
        int64_t id = send_as(f, "ops", ORIGIN_CLI, "approve", 1, args);
        turn(f);
        assert_int_equal(answer_of(f, id, message), is_word ? 0 : 1);
        assert_int_equal(f->n_performed, n + is_word);
        if (!is_word) {
            assert_non_null(strstr(message, "has changed since it was shown"));
            assert_int_equal(look(f, arena, 1).wait, WAIT_MERGE);
        }
    }
    assert_int_equal(f->last_kind, EFFECT_MERGE);
    arena_free(arena);
}

/* ---- time ---- */

static struct approval_row look_at(struct fixture *f, struct arena *arena, int64_t id)
{
    struct err err = ERR_INIT;
    struct approval_row row = {0};
    assert_int_equal(store_load_approval(f->store, arena, id, &row, &err), FOUND);
    return row;
}

static int64_t n_audited(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    const struct audit_row *rows;
    size_t n = 0;
    assert_non_null(reader);
    assert_true(
        reader_audit(reader, arena, &(struct audit_query){.max = 1000}, &rows, &n, &err));
    arena_free(arena);
    reader_close(reader);
    return (int64_t)n;
}

static void expire_after(struct fixture *f, struct span seen, struct span unseen)
{
    close_control(f);
    f->expire = seen;
    f->expire_unseen = unseen;
    open_control(f);
}

/* The time to decide begins when the card was on screen, once. */
static void time_begins_when_it_was_seen(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    char args[128], message[256];
    expire_after(f, span_s(3600), (struct span){0});
    to_merge(f, TEXT("ask"));
    struct approval_row row = look_at(f, arena, 1);
    assert_false(wall_is_set(row.shown_at));
    assert_int_equal(row.expires_at.ms, NOW.ms + 3 * 3600 * 1000);
    f->now = wall_add(NOW, span_s(10000));
    turn(f);                 /* that it expires soon is told */
    f->role = USER_OPERATOR; /* who may not decide has not seen it */
    int64_t id = send_as(f, "dev", ORIGIN_KEY, "seen", 0, "{\"approval\":1}");
    (void)send_as(f, "dev", ORIGIN_KEY, "claim", 0, "{\"approval\":1}");
    turn(f);
    assert_int_equal(answer_of(f, id, message), 1);
    assert_false(wall_is_set(look_at(f, arena, 1).shown_at));
    f->role = USER_APPROVER;
    int64_t audited = n_audited(f), before = last_event(f);
    (void)send_as(f, "ops", ORIGIN_KEY, "seen", 0, "{\"approval\":1}");
    turn(f);
    assert_int_equal(n_audited(f), audited + 1);
    for (int i = 0; i < 2; i++) { /* again, and by another: nothing */
        f->now = wall_add(f->now, span_s(60));
        id = send_as(f, "ada", ORIGIN_KEY, "seen", 0, "{\"approval\":1}");
        turn(f);
        assert_int_equal(answer_of(f, id, message), 0);
    }
    assert_int_equal(n_audited(f), audited + 1);
    assert_int_equal(last_event(f), before);
    row = look_at(f, arena, 1);
    assert_int_equal(row.shown_at.ms, NOW.ms + 10000 * 1000);
    assert_int_equal(row.expires_at.ms, NOW.ms + 13600 * 1000);
    digest_args(f, 1, args);
    put_changed(f, 0); /* another effect, which nobody has seen */
    (void)send_as(f, "ops", ORIGIN_CLI, "approve", 1, args);
    turn(f);
    row = look_at(f, arena, 1);
    assert_int_equal(row.status, APPROVAL_DRIFTED);
    assert_false(wall_is_set(row.shown_at));
    assert_int_equal(row.expires_at.ms, f->now.ms + 3 * 3600 * 1000);
    f->now = wall_add(f->now, span_s(3 * 3600));
    turn(f); /* nor does that wait for ever */
    assert_int_equal(look_at(f, arena, 1).status, APPROVAL_EXPIRED);
    id = send_as(f, "ops", ORIGIN_KEY, "seen", 0, "{\"approval\":1}");
    turn(f);
    assert_int_equal(answer_of(f, id, message), 0);
    assert_int_equal(look_at(f, arena, 1).status, APPROVAL_EXPIRED);
    arena_free(arena);
}

static void what_nobody_decides_is_paused(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    char digest[DIGEST_HEX];
    expire_after(f, (struct span){0}, span_s(3600));
    to_merge(f, TEXT("ask"));
    int64_t before = last_event(f);
    f->now = wall_add(f->now, span_s(3000)); /* ten minutes before: it is told, once */
    assert_true(control_wake_at(f->control).ms <= f->now.ms);
    turn(f);
    turn(f);
    assert_int_equal(last_event(f), before + 1);
    assert_true(control_digest(f->control, 1, digest));
    f->now = wall_add(f->now, span_s(600));
    turn(f);
    struct workflow_row row = look(f, arena, 1);
    assert_int_equal(row.state, STATE_PARKED);
    assert_false(control_digest(f->control, 1, digest));
    (void)send_as(f, "ops", ORIGIN_CLI, "resume", 1, "{}");
    turn(f);
    assert_true(control_digest(f->control, 1, digest)); /* asked again */
    arena_free(arena);
}

/* ---- races ---- */

static void of_two_one_wins_every_time(void **state)
{
    struct fixture *f = *state;
    char args[128], message[256];
    struct arena *arena = arena_new();
    to_merge(f, TEXT("ask"));
    for (int i = 0; i < RACES; i++) {
        bool is_approve_first = i == RACES - 1;
        digest_args(f, 1, args);
        int64_t one =
            send_as(f, "ada", ORIGIN_KEY, is_approve_first ? "approve" : "reject", 1,
                    is_approve_first ? args : "{\"reason\":\"no\"}");
        int64_t id = 0;
        { /* the second names what it has seen, as front ends do */
            AUTO_FREE char *seen = mem_printf("{\"approval\":%d,\"digest\":%.90s", i + 1,
                                              strchr(args, ':') + 1);
            id = send_as(f, "grace", ORIGIN_KEY, "approve", 0, seen);
        }
        turn(f);
        assert_int_equal(answer_of(f, one, message), 0);
        assert_int_equal(answer_of(f, id, message), 1);
        assert_non_null(strstr(message, is_approve_first ? "approved by ada 0ms ago"
                                                         : "rejected by ada 0ms ago"));
        if (!is_approve_first) { /* back to the merge, with a new approval */
            (void)send_as(f, "ada", ORIGIN_KEY, "retry", 1, "{\"from\":\"VALIDATING\"}");
            turn(f);
            while (look(f, arena, 1).wait != WAIT_MERGE) {
                pass(f);
            }
            arena_reset(arena);
        }
    }
    assert_int_equal(f->last_kind, EFFECT_MERGE);
    arena_free(arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_verb_by_each_way_and_role),
        TEST(each_level_of_plan_and_merge),
        TEST(each_field_that_changes_is_never_executed),
        TEST(time_begins_when_it_was_seen),
        TEST(what_nobody_decides_is_paused),
        TEST(of_two_one_wins_every_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
