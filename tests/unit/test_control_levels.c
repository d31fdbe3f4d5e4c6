/* SPDX-License-Identifier: MIT */
/*
 * Levels of autonomy over what the engine does about failures: each class of rungs at each level,
 * by repository; what a person makes of it; nothing else carries it out.
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
#include "engine/control/verb.h"
#include "engine/service/service.h"
#include "store/approval.h"
#include "tests/lib/place.h"

#define BEGIN     INT64_C(1767225600000)
#define ASKED_MAX 64
#define ARGS_MAX  200

static char name_codegen[] = "codegen_api", name_eu[] = "codegen_eu",
            name_github[] = "github_api";
static const struct service_spec services[] = {
    {.name = name_codegen, .kind = SERVICE_CODEGEN, .gate = {.ramp = {60000}}},
    {.name = name_eu,      .kind = SERVICE_CODEGEN, .gate = {.ramp = {60000}}},
    {.name = name_github,  .kind = SERVICE_GITHUB,  .gate = {.ramp = {60000}}},
};

#define LOCAL(repo)                                                                      \
    "name: p\nrepository: " repo "\nbase: main\nagent: {command: agent}\n"               \
    "validate: [{name: tests, command: make test}]\n"                                    \
    "limits: {iterations: 5, retries: 3}\n"
static const char remote[] =
    "name: p\nbase: main\nagent: {provider: codegen_api, backups: [codegen_eu]}\n"
    "forge: {provider: github_api, repository: acme/Payments}\n"
    "validate: []\nlimits: {iterations: 5, retries: 3}\n";

/* What fails, and what is done about it where nobody is asked. */
static const struct way {
    enum act act;
    const char *pipeline;
    enum effect_kind kind;
    enum blame blame;
    const char *excerpt;
    enum rung rung;
    enum workflow_state goes_on;
} ways[] = {
    {ACT_RETRY,    LOCAL("/srv/p"), EFFECT_CHECK, BLAME_CHANGE,
     "curl: (6) Could not resolve host: registry.example.com\n",             RUNG_RETRY,
     STATE_RECOVERING                                                                                        },
    {ACT_REWORK,   LOCAL("/srv/p"), EFFECT_CHECK, BLAME_CHANGE,
     "--- FAIL: TestPay (0.00s)\n    pay_test.go:12: got 3, want 4\nFAIL\n", RUNG_HAND_BACK, STATE_CODING    },
    {ACT_FALLBACK, remote,          EFFECT_CODE,  BLAME_WORLD,
     "HTTP 401 Unauthorized: invalid API token\n",                           RUNG_FALLBACK,  STATE_RECOVERING},
};

struct desk_of {
    struct place *place;
    struct store *store;
    struct control *control;
    struct wall now;
    enum user_role role;
    int levels[ACT_COUNT];
    struct span expire;
    bool has_no_recovery;
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

static void on_order(void *self, struct service_order *order)
{
    (void)self;
    service_order_free(order);
}

static enum user_role role_of(void *self, const char *actor, const char *account,
                              const char *origin)
{
    const struct desk_of *d = self;
    enum user_role role;
    (void)account;
    (void)origin;
    return user_role_find(actor, &role) ? role : d->role; /* "observer" is one */
}

static void open_desk(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct control_options options = {
        .max_running = 10,
        .limits = {span_s(5),                   span_s(300)},
        .seed = 7,
        .services = services,
        .n_services = ARRAY_LEN(services),
        .outlet = {                            .self = d,          .order = on_order           },
        .recovery = { .is_on = !d->has_no_recovery,
                   .ladder = ladder_defaults(),
                   .decide = decide_defaults()},
        .approvals = {                     .expire = d->expire,         .self = d,                    .role_of = role_of},
    };
    memcpy(options.approvals.levels, d->levels, sizeof(d->levels));
    d->store = store_open(d->place->path, STORE_OFF, &err);
    assert_non_null(d->store);
    d->control = control_new(&options, d->store);
    assert_true(control_load(d->control, d->now, &err));
}

static void close_desk(struct desk_of *d)
{
    control_free(d->control);
    store_close(d->store);
}

static void reopen(struct desk_of *d)
{
    close_desk(d);
    d->n_asked = 0;
    open_desk(d);
}

static void begin(struct desk_of *d, void **state)
{
    *d = (struct desk_of){.place = *state, .now = {BEGIN}, .role = USER_ADMIN};
    open_desk(d);
}

static void turn(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct executor executor = {d, on_perform, on_stop};
    assert_true(control_commands(d->control, 100, d->now, &err) >= 0);
    control_tick(d->control, d->now);
    assert_true(control_commit(d->control, &executor, &err));
}

static int send_by(struct desk_of *d, enum origin origin, const char *verb,
                   int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = d->now,
                              .actor = "ops",
                              .origin = origin_word(origin),
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    int64_t id = command_send(d->place->path, &row, &err);
    assert_true(id > 0);
    turn(d);
    struct reader *reader = place_reader(d->place);
    assert_int_equal(reader_command(reader, d->place->arena, id, &row, &err), FOUND);
    reader_close(reader);
    return row.answer;
}

static int send(struct desk_of *d, const char *verb, int64_t workflow, const char *args)
{
    return send_by(d, ORIGIN_KEY, verb, workflow, args);
}

static void submit(struct desk_of *d, const char *text)
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
    assert_int_equal(send(d, "submit", 0, args.data), 0);
    turn(d);
}

static void answer(struct desk_of *d, enum effect_status status, const struct way *way)
{
    assert_true(d->n_asked > 0);
    struct effect_row asked = d->asked[0];
    memmove(&d->asked[0], &d->asked[1], (d->n_asked - 1) * sizeof(d->asked[0]));
    d->n_asked--;
    bool is_bad = status == STATUS_FAILED;
    struct effect_result *result = effect_result_new(asked.workflow, asked.seq);
    result->status = status;
    result->blame = is_bad ? way->blame : BLAME_NONE;
    result->summary = mem_str(is_bad ? "it failed" : "fine");
    result->excerpt = is_bad ? mem_str(way->excerpt) : NULL;
    result->provider = mem_str(way->act == ACT_FALLBACK ? "codegen_api" : "local");
    result->head_sha = mem_str("1111111111111111111111111111111111111111");
    result->pr_number = 1;
    d->now.ms += 1000;
    control_result(d->control, result, d->now);
    turn(d);
}

static void pass_until(struct desk_of *d, enum effect_kind kind, const struct way *way)
{
    for (int i = 0; i < 20; i++) {
        assert_true(d->n_asked > 0);
        if (d->asked[0].kind == kind) {
            return;
        }
        answer(d, STATUS_PASSED, way);
    }
    fail_msg("no %s is asked for", effect_name(kind));
}

static void fail_as(struct desk_of *d, const struct way *way)
{
    submit(d, way->pipeline);
    pass_until(d, way->kind, way);
    answer(d, STATUS_FAILED, way);
}

static struct workflow_row look(struct desk_of *d, int64_t id)
{
    struct err err = ERR_INIT;
    struct workflow_row row = {0};
    assert_int_equal(store_load_workflow(d->store, d->place->arena, id, &row, &err),
                     FOUND);
    return row;
}

/* The newest of each; id 0: there is none. */
static struct approval_row approval(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(d->place);
    const struct approval_row *rows;
    size_t n = 0;
    assert_true(reader_approvals(reader, d->place->arena,
                                 &(struct approval_query){.max = 1}, &rows, &n, &err));
    reader_close(reader);
    return n > 0 ? rows[0] : (struct approval_row){0};
}

static struct recovery_row recovery(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(d->place);
    const struct recovery_row *rows;
    size_t n = 0;
    assert_true(reader_recoveries(reader, d->place->arena,
                                  &(struct recovery_query){.max = 1}, &rows, &n, &err));
    reader_close(reader);
    return n > 0 ? rows[0] : (struct recovery_row){0};
}

static struct decision_row decision(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(d->place);
    const struct decision_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.max = 20};
    assert_true(reader_decisions(reader, d->place->arena, &query, &rows, &n, &err));
    reader_close(reader);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind == DECISION_RECOVERY) {
            return rows[i];
        }
    }
    return (struct decision_row){0};
}

static struct failure_row failure(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(d->place);
    const struct failure_row *rows;
    size_t n = 0;
    assert_true(reader_failures(reader, d->place->arena,
                                &(struct recovery_query){.max = 1}, &rows, &n, &err));
    reader_close(reader);
    return n > 0 ? rows[0] : (struct failure_row){0};
}

static const char *digest_args(struct desk_of *d, int64_t workflow, char args[ARGS_MAX])
{
    char digest[DIGEST_HEX];
    assert_true(control_digest(d->control, workflow, digest));
    (void)snprintf(args, ARGS_MAX, "{\"digest\":\"%s\",\"confirm\":\"wf-%lld\"}", digest,
                   (long long)workflow);
    return args;
}

/* ---- the table ---- */

static void must_be_observed(struct desk_of *d, const struct way *way)
{
    struct decision_row chosen = decision(d);
    assert_int_equal(look(d, 1).wait, WAIT_OPERATOR);
    assert_int_equal(approval(d).id, 0);
    assert_int_equal(recovery(d).rung, RUNG_ESCALATE);
    assert_string_equal(chosen.choice, rung_word(RUNG_ESCALATE));
    assert_string_equal(chosen.shadow, rung_word(way->rung));
    assert_non_null(strstr(chosen.reason, "only observed"));
    assert_int_equal(failure(d).status, FAILURE_ESCALATED);
}

static void must_be_asked(struct desk_of *d, const struct way *way,
                          enum autonomy_level level)
{
    struct approval_row asked = approval(d);
    assert_int_equal(look(d, 1).wait, WAIT_RECOVERY);
    assert_int_equal(asked.status,
                     level == LEVEL_SUGGEST ? APPROVAL_SUGGESTED : APPROVAL_OPEN);
    assert_int_equal(wall_is_set(asked.expires_at), level == LEVEL_APPROVE);
    assert_int_equal(asked.action, way->act);
    assert_int_equal(asked.workflow, 1);
    assert_int_equal(asked.recovery, recovery(d).id);
    assert_int_equal(asked.on_expiry, EXPIRY_PARK);
    assert_int_equal(recovery(d).rung, way->rung);
    assert_int_equal(recovery(d).status, RECOVERY_ASKED);
    assert_int_equal(failure(d).status, FAILURE_ESCALATED);
    struct err err = ERR_INIT;
    struct json *card = json_parse(asked.card, strlen(asked.card), &err);
    assert_true(json_str(card, "undo", "")[0] != '\0'); /* never without a way back */
    assert_true(json_str(card, "expected", "")[0] != '\0');
    assert_int_equal(json_int(json_get(card, "touches"), "workflows", 0), 1);
    assert_true(json_len(json_get(card, "evidence")) > 0);
    json_free(card);
}

static void each_class_at_each_level(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        for (int level = LEVEL_OBSERVE; level < AUTONOMY_LEVEL_COUNT; level++) {
            struct desk_of d;
            void *place = NULL;
            assert_int_equal(place_set_up(&place), 0);
            begin(&d, &place);
            d.levels[ways[i].act] = level + 1;
            d.expire = span_s(3600);
            reopen(&d);
            fail_as(&d, &ways[i]);
            if (level == LEVEL_AUTO) {
                assert_int_equal(look(&d, 1).state, ways[i].goes_on);
                assert_int_equal(recovery(&d).rung, ways[i].rung);
                assert_int_equal(recovery(&d).status, RECOVERY_RUNNING);
                assert_int_equal(approval(&d).id, 0);
            } else {
                if (level == LEVEL_OBSERVE) {
                    must_be_observed(&d, &ways[i]);
                } else {
                    must_be_asked(&d, &ways[i], (enum autonomy_level)level);
                }
                /* And it stays so: no time and no restart begins it. */
                reopen(&d);
                d.now.ms += 3000000;
                turn(&d);
                assert_int_equal(d.n_asked, 0);
                assert_int_equal(look(&d, 1).state, ways[i].kind == EFFECT_CHECK
                                                        ? STATE_VALIDATING
                                                        : STATE_CODING);
            }
            close_desk(&d);
            assert_int_equal(place_tear_down(&place), 0);
        }
    }
    (void)state;
}

/* The others at auto are done as ever. */
static void a_level_is_of_its_class_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct desk_of d;
        void *place = NULL;
        assert_int_equal(place_set_up(&place), 0);
        begin(&d, &place);
        for (int act = 0; act < ACT_COUNT; act++) {
            d.levels[act] = act == ACT_RETRY || act == ACT_REWORK || act == ACT_FALLBACK
                                ? LEVEL_OBSERVE + 1
                                : 0;
        }
        d.levels[ways[i].act] = 0;
        reopen(&d);
        fail_as(&d, &ways[i]);
        assert_int_equal(look(&d, 1).state, ways[i].goes_on);
        close_desk(&d);
        assert_int_equal(place_tear_down(&place), 0);
    }
}

static void a_level_is_of_a_repository(void **state)
{
    struct desk_of d;
    begin(&d, state);
    assert_int_equal(send(&d, "autonomy", 0,
                          "{\"action\":\"rework\",\"level\":\"approve\",\"repo\":\"/srv/"
                          "q\",\"reason\":\"careful\"}"),
                     0);
    fail_as(&d, &ways[1]);
    assert_int_equal(look(&d, 1).state, STATE_CODING);
    assert_int_equal(send(&d, "cancel", 1, "{}"), 0);
    d.n_asked = 0;
    struct way other = ways[1];
    other.pipeline = LOCAL("/srv/q");
    fail_as(&d, &other);
    assert_int_equal(look(&d, 2).wait, WAIT_RECOVERY);
    assert_string_equal(approval(&d).repo, "/srv/q");
    close_desk(&d);
}

/* ---- what a person makes of it ---- */

static void begin_asked(struct desk_of *d, void **state, const struct way *way)
{
    begin(d, state);
    d->levels[way->act] = LEVEL_APPROVE + 1;
    reopen(d);
    fail_as(d, way);
    assert_int_equal(look(d, 1).wait, WAIT_RECOVERY);
}

static void each_class_is_approved(void **state)
{
    char args[ARGS_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        for (int is_anew = 0; is_anew < 2; is_anew++) {
            struct desk_of d;
            void *place = NULL;
            assert_int_equal(place_set_up(&place), 0);
            begin_asked(&d, &place, &ways[i]);
            if (is_anew) {
                reopen(&d);
            }
            int retries = look(&d, 1).retries, iteration = look(&d, 1).iteration;
            assert_int_equal(send(&d, "approve", 1, "{}"), 2); /* what was shown? */
            assert_int_equal(send(&d, "resume", 1, "{}"), 1);
            d.role = USER_OPERATOR;
            assert_int_equal(send(&d, "approve", 1, digest_args(&d, 1, args)), 1);
            assert_int_equal(look(&d, 1).wait, WAIT_RECOVERY);
            assert_int_equal(recovery(&d).status, RECOVERY_ASKED);
            d.role = USER_APPROVER;
            d.now.ms += 600000;
            assert_int_equal(send(&d, "approve", 1, digest_args(&d, 1, args)), 0);
            assert_int_equal(look(&d, 1).state, ways[i].goes_on);
            assert_int_equal(approval(&d).status, APPROVAL_APPROVED);
            assert_int_equal(recovery(&d).status, RECOVERY_RUNNING);
            assert_int_equal(recovery(&d).started_at.ms, d.now.ms);
            assert_true(recovery(&d).window_end.ms > d.now.ms);
            if (ways[i].act == ACT_REWORK) {
                assert_int_equal(look(&d, 1).iteration, iteration + 1);
            } else {
                assert_int_equal(look(&d, 1).retries, retries + 1);
            }
            for (int n = 0; n < 10 && d.n_asked == 0; n++) {
                d.now = control_wake_at(d.control);
                turn(&d);
            }
            pass_until(&d, ways[i].kind, &ways[i]);
            answer(&d, STATUS_PASSED, &ways[i]);
            assert_int_equal(recovery(&d).status, RECOVERY_PASSED);
            assert_int_equal(failure(&d).status, FAILURE_HELPED); /* not by itself */
            close_desk(&d);
            assert_int_equal(place_tear_down(&place), 0);
        }
    }
}

/* ---- who may, at which level, on which way ---- */

static int64_t last_event(struct desk_of *d)
{
    struct err err = ERR_INIT;
    struct totals totals;
    int64_t last = 0;
    assert_true(store_load_counters(d->store, &last, &totals, &err));
    return totals.last_event;
}

static const char *args_for(struct desk_of *d, bool is_yes, bool waits,
                            char args[ARGS_MAX])
{
    static const char some[] = "{\"digest\":\"0123\"}";
    return !is_yes ? "{\"reason\":\"no\"}" : waits ? digest_args(d, 1, args) : some;
}

/* Each of these answers on each way, in one turn: nothing of the workflow, its approval or the outbox
 * is other than before. */
static void must_not_change(struct desk_of *d, bool waits)
{
    struct err err = ERR_INIT;
    struct command_line *line = command_line_open(d->place->path, &err);
    struct workflow_row before = look(d, 1);
    int64_t event = last_event(d), first = 0, last = 0;
    enum approval_status status = approval(d).status;
    enum recovery_status rung = recovery(d).status;
    size_t n_asked = d->n_asked;
    char args[ARGS_MAX];
    assert_non_null(line);
    for (int role = USER_NONE; role < (waits ? USER_APPROVER : USER_ROLE_COUNT); role++) {
        for (int n = 0; n < 2 * ORIGIN_COUNT; n++) {
            const struct command_row row = {
                .at = d->now,
                .actor = user_role_word((enum user_role)role),
                .origin = origin_word((enum origin)(n / 2)),
                .verb = n % 2 == 0 ? "approve" : "reject",
                .workflow = 1,
                .args = args_for(d, n % 2 == 0, waits, args),
                .message = "",
            };
            last = command_line_send(line, &row, &err);
            first = first == 0 ? last : first;
        }
    }
    command_line_close(line);
    turn(d);
    struct reader *reader = place_reader(d->place);
    for (int64_t id = first; id <= last; id++) {
        struct command_row row;
        assert_int_equal(reader_command(reader, d->place->arena, id, &row, &err), FOUND);
        assert_int_equal(row.answer, 1);
    }
    reader_close(reader);
    assert_int_equal(look(d, 1).state, before.state);
    assert_int_equal(look(d, 1).wait, before.wait);
    assert_int_equal(look(d, 1).effect_seq, before.effect_seq);
    assert_int_equal(last_event(d), event);
    assert_int_equal(approval(d).status, status);
    assert_int_equal(recovery(d).status, rung);
    assert_int_equal(d->n_asked, n_asked);
}

/* Each class x level x role x way x answer: exactly those who may change what waits. */
static void exactly_the_allowed_change_state(void **state)
{
    char args[ARGS_MAX];
    int way_of = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        for (int level = LEVEL_OBSERVE; level < AUTONOMY_LEVEL_COUNT; level++) {
            bool waits = level == LEVEL_SUGGEST || level == LEVEL_APPROVE;
            for (int n = 0; n < (waits ? 2 : 1); n++) {
                struct desk_of d;
                void *place = NULL;
                assert_int_equal(place_set_up(&place), 0);
                begin(&d, &place);
                d.levels[ways[i].act] = level + 1;
                reopen(&d);
                fail_as(&d, &ways[i]);
                must_not_change(&d, waits);
                if (waits) {
                    d.role = way_of % 3 == 0 ? USER_ADMIN : USER_APPROVER;
                    enum origin origin = (enum origin)(way_of++ % ORIGIN_COUNT);
                    assert_int_equal(send_by(&d, origin, n == 0 ? "approve" : "reject", 1,
                                             args_for(&d, n == 0, true, args)),
                                     0);
                    assert_int_equal(recovery(&d).status,
                                     n == 0 ? RECOVERY_RUNNING : RECOVERY_REFUSED);
                    assert_int_equal(look(&d, 1).wait == WAIT_OPERATOR, n == 1);
                }
                close_desk(&d);
                assert_int_equal(place_tear_down(&place), 0);
            }
        }
    }
}

static void a_rejected_one_leaves_it_to_people(void **state)
{
    struct desk_of d;
    begin_asked(&d, state, &ways[1]);
    assert_int_equal(send(&d, "reject", 1, "{\"reason\":\" \"}"), 2);
    assert_int_equal(send(&d, "reject", 1, "{\"reason\":\"it loops\"}"), 0);
    struct workflow_row row = look(&d, 1);
    assert_int_equal(row.wait, WAIT_OPERATOR);
    assert_non_null(strstr(row.reason, "it loops"));
    assert_int_equal(approval(&d).status, APPROVAL_REJECTED);
    assert_int_equal(recovery(&d).status, RECOVERY_REFUSED);
    assert_int_equal(decision(&d).verdict, VERDICT_UNCLEAR);
    assert_int_equal(failure(&d).status, FAILURE_ESCALATED);
    assert_int_equal(send(&d, "resume", 1, "{}"), 0); /* as ever */
    assert_int_equal(d.asked[0].kind, EFFECT_CHECK);
    close_desk(&d);
}

/* Whoever does something else has answered; what was asked did not happen. */
static void what_else_ends_it_is_no_success(void **state)
{
    static const struct {
        const char *verb, *args;
    } others[] = {
        {"retry",  "{\"from\":\"VALIDATING\"}"},
        {"skip",   "{}"                       },
        {"cancel", "{}"                       }
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct desk_of d;
        void *place = NULL;
        assert_int_equal(place_set_up(&place), 0);
        begin_asked(&d, &place, &ways[1]);
        int64_t id = recovery(&d).id;
        assert_int_equal(send(&d, others[i].verb, 1, others[i].args), 0);
        assert_int_equal(approval(&d).status, APPROVAL_WITHDRAWN);
        struct err err = ERR_INIT;
        struct recovery_row row;
        assert_int_equal(store_load_recovery(d.store, d.place->arena, id, &row, &err),
                         FOUND);
        assert_int_equal(row.status, RECOVERY_OBSOLETE);
        assert_int_equal(decision(&d).verdict, VERDICT_UNCLEAR);
        close_desk(&d);
        assert_int_equal(place_tear_down(&place), 0);
    }
}

static void it_drifts_with_what_is_done(void **state)
{
    struct desk_of d;
    char args[ARGS_MAX];
    begin_asked(&d, state, &ways[1]);
    (void)digest_args(&d, 1, args);
    struct err err = ERR_INIT;
    struct workflow_row row = look(&d, 1);
    close_desk(&d);
    d.store = store_open(d.place->path, STORE_OFF, &err);
    row.head_sha = "2222222222222222222222222222222222222222";
    store_put_workflow(d.store, &row);
    assert_true(store_commit(d.store, &err));
    store_close(d.store);
    d.n_asked = 0;
    open_desk(&d);
    assert_int_equal(send(&d, "approve", 1, args), 1);
    assert_int_equal(look(&d, 1).wait, WAIT_RECOVERY);
    assert_int_equal(approval(&d).status, APPROVAL_DRIFTED);
    assert_int_equal(d.n_asked, 0);
    close_desk(&d);
}

static void it_expires_into_a_pause(void **state)
{
    struct desk_of d;
    char args[ARGS_MAX];
    begin(&d, state);
    d.levels[ACT_REWORK] = LEVEL_APPROVE + 1;
    d.expire = span_s(3600);
    reopen(&d);
    fail_as(&d, &ways[1]);
    int64_t asked = approval(&d).id;
    (void)send(&d, "seen", 0, "{\"approval\":1}");
    d.now.ms += 3600 * 1000;
    turn(&d);
    assert_int_equal(approval(&d).status, APPROVAL_EXPIRED);
    assert_int_equal(look(&d, 1).state, STATE_PARKED);
    assert_int_equal(recovery(&d).status, RECOVERY_ASKED);
    reopen(&d);
    assert_int_equal(send(&d, "resume", 1, "{}"), 0);
    assert_int_equal(look(&d, 1).wait, WAIT_RECOVERY);
    assert_int_equal(approval(&d).id, asked + 1);
    assert_int_equal(send(&d, "approve", 1, digest_args(&d, 1, args)), 0);
    assert_int_equal(recovery(&d).status, RECOVERY_RUNNING);
    close_desk(&d);
}

/* ---- where nobody chooses a rung ---- */

static void without_recovery_the_table_obeys_too(void **state)
{
    (void)state;
    for (int level = LEVEL_OBSERVE; level < AUTONOMY_LEVEL_COUNT; level++) {
        for (size_t i = 0; i < 2; i++) {
            struct desk_of d;
            void *place = NULL;
            assert_int_equal(place_set_up(&place), 0);
            begin(&d, &place);
            struct way way = ways[i];
            way.blame = way.act == ACT_RETRY ? BLAME_WORLD : BLAME_CHANGE;
            d.has_no_recovery = true;
            d.levels[way.act] = level + 1;
            reopen(&d);
            fail_as(&d, &way);
            assert_int_equal(look(&d, 1).state,
                             level == LEVEL_AUTO ? way.goes_on : STATE_VALIDATING);
            assert_int_equal(look(&d, 1).wait == WAIT_OPERATOR, level < LEVEL_AUTO);
            close_desk(&d);
            assert_int_equal(place_tear_down(&place), 0);
        }
    }
}

/* An outcome that came during a pause is judged when it goes on. */
static void an_outcome_that_was_held_obeys_too(void **state)
{
    struct desk_of d;
    begin(&d, state);
    d.levels[ACT_REWORK] = LEVEL_OBSERVE + 1;
    reopen(&d);
    submit(&d, ways[1].pipeline);
    pass_until(&d, EFFECT_CHECK, &ways[1]);
    assert_int_equal(send(&d, "pause", 1, "{}"), 0);
    answer(&d, STATUS_FAILED, &ways[1]);
    assert_int_equal(send(&d, "resume", 1, "{}"), 0);
    turn(&d);
    assert_int_equal(look(&d, 1).wait, WAIT_OPERATOR);
    assert_int_equal(d.n_asked, 0);
    close_desk(&d);
}

/* ---- the goal ---- */

static void tell(struct desk_of *d, const char *guid, bool is_closed)
{
    struct webhook *webhook = mem_alloc(sizeof(*webhook));
    struct forge_event *event = mem_alloc(sizeof(*event));
    char **texts[] = {&event->branch,     &event->sha,   &event->base,
                      &event->before,     &event->name,  &event->status,
                      &event->conclusion, &event->actor, &event->url,
                      &event->merge_sha};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = mem_str("");
    }
    event->kind = FORGE_PULL_REQUEST;
    event->action = mem_str(is_closed ? "closed" : "reopened");
    event->repository = mem_str("acme/payments");
    event->pull = 1;
    event->is_closed = is_closed;
    webhook->event = event;
    webhook->guid = mem_str(guid);
    webhook->name = mem_str("pull_request");
    webhook->body = mem_str("{}");
    webhook->body_len = 2;
    webhook->at = d->now;
    control_webhook(d->control, webhook);
    turn(d);
}

/* What was closed is not worked on again without a person; what was opened again is. */
static void no_agent_runs_again_for_what_was_closed(void **state)
{
    struct way way = ways[1];
    char args[ARGS_MAX];
    way.pipeline = "name: p\nbase: main\nagent: {provider: codegen_api}\n"
                   "forge: {provider: github_api, repository: acme/Payments}\n"
                   "validate: [{name: tests, command: make test}]\n";
    for (int n = 0; n < 3;
         n++) { /* closed; closed and opened again; closed while asked */
        struct desk_of d;
        void *place = NULL;
        (void)state;
        assert_int_equal(place_set_up(&place), 0);
        begin(&d, &place);
        d.levels[ACT_REWORK] = n == 2 ? LEVEL_APPROVE + 1 : 0;
        reopen(&d);
        submit(&d, way.pipeline);
        pass_until(&d, EFFECT_CHECK, &way);
        if (n < 2) {
            tell(&d, "g-1", true);
        }
        if (n == 1) {
            tell(&d, "g-2", false);
        }
        answer(&d, STATUS_FAILED, &way);
        if (n == 0) {
            assert_int_equal(look(&d, 1).wait, WAIT_OPERATOR);
            assert_int_equal(recovery(&d).rung, RUNG_ESCALATE);
            assert_non_null(strstr(decision(&d).reason, "#1 was closed"));
            assert_int_equal(d.n_asked, 0);
            assert_int_equal(send(&d, "retry", 1, "{\"from\":\"VALIDATING\"}"), 0);
            pass_until(&d, EFFECT_CHECK, &way); /* a person has looked */
            answer(&d, STATUS_FAILED, &way);
            assert_int_equal(look(&d, 1).state, STATE_CODING);
        } else if (n == 1) {
            assert_int_equal(look(&d, 1).state, STATE_CODING);
        } else {
            (void)digest_args(&d, 1, args);
            tell(&d, "g-1", true);
            assert_int_equal(send(&d, "approve", 1, args), 1);
            assert_int_equal(approval(&d).status, APPROVAL_DRIFTED);
            assert_int_equal(look(&d, 1).wait, WAIT_RECOVERY);
        }
        close_desk(&d);
        assert_int_equal(place_tear_down(&place), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_at_each_level),
        cmocka_unit_test(a_level_is_of_its_class_alone),
        PLACE_TEST(a_level_is_of_a_repository),
        cmocka_unit_test(each_class_is_approved),
        cmocka_unit_test(exactly_the_allowed_change_state),
        PLACE_TEST(a_rejected_one_leaves_it_to_people),
        cmocka_unit_test(what_else_ends_it_is_no_success),
        PLACE_TEST(it_drifts_with_what_is_done),
        PLACE_TEST(it_expires_into_a_pause),
        cmocka_unit_test(without_recovery_the_table_obeys_too),
        PLACE_TEST(an_outcome_that_was_held_obeys_too),
        cmocka_unit_test(no_agent_runs_again_for_what_was_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
