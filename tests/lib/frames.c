/* SPDX-License-Identifier: MIT */
#include "tests/lib/frames.h"

#include "engine/base/rng.h"

#define MINUTE 60000
#define HOUR   (60 * MINUTE)
#define DAY    (24 * (int64_t)HOUR)
#define N(a)   (sizeof(a) / sizeof((a)[0]))

struct wall frames_now(void)
{
    return (struct wall){INT64_C(1795356187000)}; /* 2026-11-22T14:03:07Z */
}

static struct wall ago(int64_t ms)
{
    return (struct wall){frames_now().ms - ms};
}

static const char *const check_names[] = {"lint", "unit tests", "integration",
                                          "ui evaluation"};
static const int check_retries[] = {0, 0, 1, 0};
static const bool check_may_fail[] = {true, false, false, false};
static const char *const setup_names[] = {"make deps"};

static const struct frame_pipeline pipelines[] = {
    {.id = 1,
     .name = "payments",
     .max_iterations = 10,
     .max_retries = 3,
     .planning = {30 * MINUTE},
     .coding = {HOUR},
     .validation = {30 * MINUTE},
     .agent = "./agent.sh",
     .asks_merge = true,
     .setup = setup_names,
     .n_setup = 1,
     .checks = check_names,
     .check_retries = check_retries,
     .check_may_fail = check_may_fail,
     .n_checks = 4,
     .has_plan = true,
     .evaluator = ""},
};

static struct frame *base(void)
{
    struct frame *frame = frame_new();
    frame->generation = 7;
    frame->taken_at = frame->read_at = frames_now();
    frame->store_path = "/var/lib/signalbox/signalbox.db";
    frame->engine = (struct frame_engine){
        .health = ENGINE_RUNNING,
        .pid = 4711,
        .version = "0.2.0",
        .started_at = ago(12 * DAY),
        .max_running = 50,
        .fault = "",
    };
    frame->has_totals = true;
    frame->pipelines = pipelines;
    frame->n_pipelines = N(pipelines);
    struct frame_status *status = arena_alloc(frame_arena(frame), sizeof *status);
    *status = (struct frame_status){
        .store_path = frame->store_path,
        .store_bytes = 61 * 1024 * 1024,
        .wal_bytes = 412 * 1024,
        .schema = 3,
        .is_lease_held = true,
        .lease_pid = 4711,
        .log_dir = "/var/lib/signalbox/signalbox.db-logs",
        .free_bytes = INT64_C(38) * 1024 * 1024 * 1024,
        .version = 81234,
    };
    frame->status = status;
    frame->cost = (struct feed_cost){.build_us = 1240, .n_frames = 3120, .n_wakes = 3544};
    struct presence_row *here = arena_array(frame_arena(frame), 2, sizeof *here);
    here[0] = (struct presence_row){.pid = 801,
                                    .user = "ada",
                                    .tty = "/dev/pts/3",
                                    .from = "192.0.2.17",
                                    .view = "approvals",
                                    .since = ago(3 * HOUR)};
    here[1] = (struct presence_row){.pid = 977,
                                    .user = "grace",
                                    .tty = "/dev/pts/5",
                                    .view = "engine",
                                    .since = ago(4 * MINUTE),
                                    .is_read_only = true};
    frame->here = here;
    frame->n_here = 2;
    return frame;
}

static struct workflow_row row(int64_t id, enum workflow_state state, const char *title,
                               const char *repo, int64_t age)
{
    return (struct workflow_row){
        .id = id,
        .pipeline = "payments",
        .pipeline_id = 1,
        .repo = repo,
        .title = title,
        .submitter = "ada",
        .priority = 5,
        .state = state,
        .iteration = 1,
        .attempt = 1,
        .created_at = ago(age + 20 * MINUTE),
        .started_at = ago(age + 19 * MINUTE),
        .state_since = ago(age),
        .branch = "",
        .base_sha = "",
        .head_sha = "",
        .merge_sha = "",
        .reason = "",
    };
}

static struct workflow_row running(int64_t id, enum workflow_state state, int step,
                                   const char *title, const char *repo, int64_t age,
                                   int64_t limit)
{
    struct workflow_row made = row(id, state, title, repo, age);
    made.step = step;
    made.is_active = true;
    made.deadline_at = (struct wall){made.state_since.ms + limit};
    return made;
}

static struct workflow_row waiting(struct workflow_row made, enum workflow_wait wait,
                                   const char *reason)
{
    made.wait = wait;
    made.is_active = false;
    made.deadline_at = (struct wall){0};
    made.reason = reason;
    return made;
}

#define PAYMENTS "/srv/git/payments-api.git"
#define BILLING  "/srv/git/billing-api"
#define SHOP     "https://git.example.org/shop/web-shop.git"

/* ---- overview ---------------------------------------------------------------------- */

static void fill_rows(struct frame *frame, struct frame_overview *over)
{
    struct arena *arena = frame_arena(frame);
    struct workflow_row *needs = arena_array(arena, 3, sizeof *needs);
    needs[0] = waiting(row(2203, STATE_VALIDATING, "Retry the webhook with backoff",
                           PAYMENTS, 2 * HOUR + 5 * MINUTE),
                       WAIT_MERGE, "");
    needs[1] = waiting(row(2199, STATE_VALIDATING, "Move the tax table out of the code",
                           BILLING, 48 * MINUTE),
                       WAIT_OPERATOR, "base branch release/7 does not exist");
    needs[2] = waiting(row(2211, STATE_PLANNING, "Sort the basket by price", SHOP, 40000),
                       WAIT_PLAN, "");
    over->needs = (struct frame_rows){needs, 3, false};

    struct workflow_row *wrong = arena_array(arena, 2, sizeof *wrong);
    wrong[0] =
        waiting(row(2210, STATE_RECOVERING, "Read the config once", BILLING, 65000),
                WAIT_RETRY, "agent: exit status 137, killed by signal 9");
    wrong[0].retry_at = (struct wall){frames_now().ms + 14000};
    wrong[0].retries = 2;
    wrong[1] = row(2188, STATE_FAILED, "Upgrade the date library", SHOP, 3 * HOUR);
    wrong[1].reason =
        "validation failed 10 of 10 times: test_calendar_week: expected 53, got 1";
    over->wrong = (struct frame_rows){wrong, 2, false};

    struct workflow_row *live = arena_array(arena, 9, sizeof *live);
    live[0] = needs[0];
    live[1] =
        running(2201, STATE_CODING, 1, "Add a health check", PAYMENTS, 51 * MINUTE, HOUR);
    live[2] = needs[1];
    live[3] = running(2205, STATE_CODING, 1, "Cache the exchange rates for a day",
                      BILLING, 22 * MINUTE, HOUR);
    live[4] = running(2207, STATE_VALIDATING, 3, "Cache the price list lookups", PAYMENTS,
                      131000, 30 * MINUTE);
    live[4].iteration = 2;
    live[5] = running(2208, STATE_PLANNING, 0, "Log the request id in each line", SHOP,
                      12 * MINUTE, 30 * MINUTE);
    live[6] = running(2209, STATE_PR_CREATED, 0, "Drop support for TLS 1.1", PAYMENTS,
                      9000, 30 * MINUTE);
    live[7] = needs[2];
    live[8] = running(2212, STATE_CODING, 0, "Name the threads", BILLING, 4000, HOUR);
    over->live = (struct frame_rows){live, 9, false};
}

static void fill_overview(struct frame *frame)
{
    struct arena *arena = frame_arena(frame);
    struct frame_overview *over = arena_alloc(arena, sizeof *over);
    int64_t *n = frame->totals.by_state;
    n[STATE_IDLE] = 3;
    n[STATE_PLANNING] = 2;
    n[STATE_CODING] = 3;
    n[STATE_PR_CREATED] = 1;
    n[STATE_VALIDATING] = 3;
    n[STATE_COMPLETED] = 4211;
    n[STATE_FAILED] = 17;
    n[STATE_CANCELLED] = 8;
    n[STATE_RECOVERING] = 1;
    frame->totals.n_workflows = 4249;
    frame->totals.last_event = 81234;
    frame->totals.by_wait[WAIT_MERGE] = 1;
    frame->totals.by_wait[WAIT_OPERATOR] = 1;
    frame->totals.by_wait[WAIT_PLAN] = 1;
    frame->totals.by_wait[WAIT_SLOT] = 3;
    frame->totals.by_wait[WAIT_RETRY] = 1;
    frame->totals.by_wait[WAIT_NONE] = 4249 - 3 - 3 - 1;
    fill_rows(frame, over);
    static const int completed[FRAME_HOURS] = {3,  1,  0,  0,  2,  4,  8,  12,
                                               14, 11, 9,  6,  7,  9,  13, 15,
                                               12, 16, 14, 10, 12, 15, 13, 6};
    over->last_hour = frames_now().ms / HOUR;
    for (int i = 0; i < FRAME_HOURS; i++)
        over->hours[i] = (struct hour_row){.hour = over->last_hour - FRAME_HOURS + 1 + i,
                                           .completed = completed[i],
                                           .failed = i == 9 || i == 20};
    struct event_row *moves = arena_array(arena, 1, sizeof *moves);
    moves[0] = (struct event_row){.seq = 81234,
                                  .at = ago(9000),
                                  .workflow = 2209,
                                  .kind = "passed",
                                  .actor = "engine",
                                  .from = STATE_CODING,
                                  .to = STATE_PR_CREATED,
                                  .text = ""};
    over->moves = moves;
    over->n_moves = 1;
    over->last_failed_at = ago(3 * HOUR);
    frame->overview = over;
}

/* ---- detail ------------------------------------------------------------------------ */

struct step {
    enum effect_kind kind;
    enum effect_status status;
    int step, iteration;
    const char *name;
    int64_t begun, took; /* before now; took 0: still runs */
    const char *summary;
};

static const struct step steps[] = {
    {EFFECT_PLAN,         STATUS_PASSED,  0, 1, "plan",         3547000, 41000,   "7 lines"                },
    {EFFECT_WORKSPACE,    STATUS_PASSED,  0, 1, "workspace",    3505000, 2000,    ""                       },
    {EFFECT_CODE,         STATUS_PASSED,  0, 1, "agent",        3503000, 2290000, "exit status 0"          },
    {EFFECT_COMMIT,       STATUS_PASSED,  0, 1, "commit",       1213000, 1000,    "1 commit"               },
    {EFFECT_PULL_REQUEST, STATUS_PASSED,  0, 1, "pull request", 1212000, 2000,
     "PR #482 opened"                                                                                      },
    {EFFECT_CHECK,        STATUS_FAILED,  1, 1, "unit tests",   1150000, 303000,
     "exit status 2: 2 of 418 tests failed"                                                                },
    {EFFECT_PLAN,         STATUS_PASSED,  0, 2, "plan",         843000,  22000,   "error context handed on"},
    {EFFECT_WORKSPACE,    STATUS_PASSED,  0, 2, "workspace",    821000,  1000,    ""                       },
    {EFFECT_CODE,         STATUS_PASSED,  0, 2, "agent",        820000,  590000,  "exit status 0"          },
    {EFFECT_COMMIT,       STATUS_PASSED,  0, 2, "commit",       230000,  1000,    "1 commit"               },
    {EFFECT_PULL_REQUEST, STATUS_PASSED,  0, 2, "pull request", 229000,  2000,
     "PR #482 updated"                                                                                     },
    {EFFECT_SANDBOX,      STATUS_PASSED,  0, 2, "sandbox",      131000,  1000,    ""                       },
    {EFFECT_SETUP,        STATUS_PASSED,  0, 2, "make deps",    130000,  18000,   "exit status 0"          },
    {EFFECT_CHECK,        STATUS_FAILED,  0, 2, "lint",         112000,  30000,
     "exit status 1: 3 warnings"                                                                           },
    {EFFECT_CHECK,        STATUS_PENDING, 1, 2, "unit tests",   82000,   0,       ""                       },
};

static void fill_effects(struct frame *frame, struct frame_detail *detail)
{
    struct effect_row *rows = arena_array(frame_arena(frame), N(steps), sizeof *rows);
    for (size_t i = 0; i < N(steps); i++) {
        const struct step *step = &steps[i];
        rows[i] = (struct effect_row){
            .workflow = 2207,
            .seq = (int64_t)i + 1,
            .kind = step->kind,
            .status = step->status,
            .step = step->step,
            .name = step->name,
            .iteration = step->iteration,
            .attempt = 1,
            .asked_at = ago(step->begun),
            .started_at = ago(step->begun),
            .finished_at = step->took ? ago(step->begun - step->took) : (struct wall){0},
            .deadline_at = {frames_now().ms + 8 * MINUTE},
            .params = "{}",
            .summary = step->summary,
            .log = "wf-2207/some",
            .exit_status = -1,
            .cpu_ms = step->took ? step->took / 2 : -1,
            .peak_rss_kib = step->took ? 1024 * (int64_t)(i + 11) : -1,
            .out_bytes = -1,
        };
    }
    detail->effects = rows;
    detail->n_effects = N(steps);
}

static void fill_events(struct frame *frame, struct frame_detail *detail)
{
    static const struct {
        int64_t before;
        const char *kind;
        enum workflow_state from, to;
        int iteration;
        const char *text;
    } list[] = {
        {3560000, "submit",        STATE_IDLE,       STATE_IDLE,       1, "submitted by ada"       },
        {3550000, "start",         STATE_IDLE,       STATE_PLANNING,   1, ""                       },
        {3506000, "passed",        STATE_PLANNING,   STATE_CODING,     1, "7 lines"                },
        {1213000, "passed",        STATE_CODING,     STATE_PR_CREATED, 1, ""                       },
        {1210000, "passed",        STATE_PR_CREATED, STATE_VALIDATING, 1, "PR #482 opened"         },
        {847000,  "change-failed", STATE_VALIDATING, STATE_PLANNING,   2,
         "unit tests: 2 of 418 failed"                                                             },
        {821000,  "passed",        STATE_PLANNING,   STATE_CODING,     2, "error context handed on"},
        {230000,  "passed",        STATE_CODING,     STATE_PR_CREATED, 2, ""                       },
        {131000,  "passed",        STATE_PR_CREATED, STATE_VALIDATING, 2, "PR #482 updated"        },
    };
    struct event_row *rows = arena_array(frame_arena(frame), N(list), sizeof *rows);
    for (size_t i = 0; i < N(list); i++)
        rows[i] = (struct event_row){.seq = 81000 + (int64_t)i,
                                     .at = ago(list[i].before),
                                     .workflow = 2207,
                                     .kind = list[i].kind,
                                     .actor = i == 0 ? "ada" : "engine",
                                     .from = list[i].from,
                                     .to = list[i].to,
                                     .iteration = list[i].iteration,
                                     .attempt = 1,
                                     .text = list[i].text};
    detail->events = rows;
    detail->n_events = N(list);
    detail->n_spans =
        frame_spans(frame_arena(frame), rows, N(list), &detail->row, &detail->spans);
}

static void fill_log(struct frame *frame, struct frame_detail *detail, size_t n,
                     int64_t first, bool is_failed)
{
    struct arena *arena = frame_arena(frame);
    struct frame_log *log = arena_alloc(arena, sizeof *log);
    struct segment_line *lines = arena_array(arena, n, sizeof *lines);
    for (size_t i = 0; i < n; i++) {
        int64_t number = first + (int64_t)i;
        bool is_bad = is_failed && number == 17;
        char *text =
            is_bad ? arena_str(arena, "test_cache_eviction ....... FAILED: "
                                      "expected 3 entries, found 4")
                   : arena_printf(arena, "test_price_list_%02d ........ ok", (int)number);
        lines[i] = (struct segment_line){number, text, strlen(text), is_bad, false};
    }
    *log = (struct frame_log){
        .effect = is_failed ? 6 : 15,
        .name = "unit tests",
        .status = is_failed ? STATUS_FAILED : STATUS_PENDING,
        .info = {.n_lines = first + (int64_t)n - 1,
                 .n_bytes = 4000,
                 .first_failure = is_failed ? 17 : 0},
        .why = "",
        .green_why = "",
        .percent = 100,
        .lines = lines,
        .n_lines = n,
    };
    detail->log = log;
}

static const char *const texts[DOC_COUNT] = {
    [DOC_TASK] =
        "Cache the price list lookups\n\nThe price list is read from the database "
        "for each item of a basket.\nKeep it in memory for a minute.\n",
    [DOC_PLAN] =
        "1. Add a cache with a bound of 1000 entries.\n2. Use it in price_list.c.\n"
        "3. Test that it expires.\n",
    [DOC_ERRORS] =
        "iteration 1: unit tests\ntest_cache_eviction FAILED: expected 3 entries, "
        "found 4\n",
    [DOC_COMMITS] =
        "8f3c2aa Cache the price list lookups\n19be004 Evict the oldest entry\n",
    [DOC_DIFF] =
        "diff --git a/price_list.c b/price_list.c\nindex 83db48f..bf2a1c7 100644\n"
        "--- a/price_list.c\n+++ b/price_list.c\n@@ -10,6 +10,8 @@ int lookup(void)\n"
        " int lookup(int id)\n {\n-\treturn db_lookup(id);\n"
        "+\tstruct entry *entry = cache_find(id);\n"
        "+\treturn entry ? entry->price : cache_add(id, db_lookup(id));\n }\n",
};

static void fill_detail(struct frame *frame, bool is_failed)
{
    struct arena *arena = frame_arena(frame);
    struct frame_detail *detail = arena_alloc(arena, sizeof *detail);
    detail->row = running(2207, STATE_VALIDATING, 3, "Cache the price list lookups",
                          PAYMENTS, 131000, 30 * MINUTE);
    detail->row.iteration = 2;
    detail->row.pr_number = 482;
    detail->row.branch = "signalbox/wf-2207";
    detail->row.base_sha = "19be004c2f7a1e0d3b5a6c7d8e9f00112233aabb";
    detail->row.head_sha = "8f3c2aa91bd04a7e6c5d4e3f2a1b0c9d8e7f6a5b";
    detail->pipeline = &pipelines[0];
    fill_effects(frame, detail);
    fill_events(frame, detail);
    fill_log(frame, detail, 40, is_failed ? 1 : 380, is_failed);
    for (int i = 0; i < DOC_COUNT; i++)
        if (texts[i])
            detail->docs[i] =
                frame_text(arena, texts[i], strlen(texts[i]), i == DOC_DIFF);
    detail->docs_read = (1u << DOC_COUNT) - 1;
    frame->detail = detail;
}

/* ---- list -------------------------------------------------------------------------- */

static void fill_list(struct frame *frame, size_t n)
{
    static const char *const titles[] = {"Cache the price list lookups",
                                         "Add a health check",
                                         "Sort the basket by price",
                                         "Drop support for TLS 1.1",
                                         "Name the threads",
                                         "Log the request id in each line",
                                         "Move the tax table out of the code",
                                         "Upgrade the date library"};
    static const char *const repos[] = {PAYMENTS, BILLING, SHOP};
    struct arena *arena = frame_arena(frame);
    struct frame_list *list = arena_alloc(arena, sizeof *list);
    struct workflow_row *rows = arena_array(arena, n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        enum workflow_state state = (enum workflow_state)((i * 7 + 3) % STATE_COUNT);
        rows[i] = running(2214 - (int64_t)i, state, 1, titles[i % N(titles)],
                          repos[i % 3], (int64_t)(i * i + 1) * 21000, HOUR);
        if (state == STATE_FAILED)
            rows[i].reason = "validation failed 10 of 10 times";
        if (state == STATE_RECOVERING) {
            rows[i] = waiting(rows[i], WAIT_RETRY, "agent: exit status 137");
            rows[i].retry_at = (struct wall){frames_now().ms + 30000};
        }
        if (state == STATE_PARKED)
            rows[i] = waiting(rows[i], WAIT_PAUSE, "paused by ada");
        if (state == STATE_IDLE)
            rows[i] = waiting(rows[i], WAIT_SLOT, "");
        if (state == STATE_VALIDATING && i % 2)
            rows[i] = waiting(rows[i], WAIT_MERGE, "");
        if (state == STATE_COMPLETED)
            rows[i].merge_sha = "8f3c2aa91bd04a7e";
        rows[i].priority = i % 5 == 0 ? 9 : 5;
    }
    list->page = (struct frame_rows){rows, n, false};
    list->n_all = n > 30 ? 100000 : (int64_t)n;
    list->has_after = n > 30;
    list->taken_at = ago(2 * MINUTE);
    frame->list = list;
}

/* ---- whole frames ------------------------------------------------------------------ */

const struct frame *frames_busy(void)
{
    struct frame *frame = base();
    fill_overview(frame);
    fill_detail(frame, false);
    return frame;
}

const struct frame *frames_beside(void)
{
    static const enum effect_status now[] = {STATUS_PASSED, STATUS_PENDING, STATUS_FAILED,
                                             STATUS_PENDING};
    struct frame *frame = base();
    fill_overview(frame);
    fill_detail(frame, false);
    struct frame_detail *detail = arena_alloc(frame_arena(frame), sizeof *detail);
    *detail = *frame->detail;
    size_t n = detail->n_effects - 2; /* its lint and unit tests were in turn */
    struct effect_row *rows = arena_array(frame_arena(frame), n + N(now), sizeof *rows);
    memcpy(rows, detail->effects, n * sizeof *rows);
    for (size_t i = 0; i < N(now); i++) {
        struct effect_row *row = &rows[n + i];
        *row = detail->effects[n];
        row->seq = (int64_t)(n + i) + 1;
        row->step = (int)i;
        row->name = check_names[i];
        row->status = now[i];
        row->summary = now[i] == STATUS_PENDING  ? ""
                       : now[i] == STATUS_PASSED ? "passed"
                                                 : "failed with exit status 1";
        row->finished_at =
            now[i] == STATUS_PENDING ? (struct wall){0} : ago(60000 - (int64_t)i * 1000);
    }
    detail->effects = rows;
    detail->n_effects = n + N(now);
    detail->row.step = 2;
    detail->row.effect_seq = (int64_t)detail->n_effects;
    frame->detail = detail;
    return frame;
}

const struct frame *frames_failed(void)
{
    struct frame *frame = base();
    fill_overview(frame);
    fill_detail(frame, true);
    return frame;
}

const struct frame *frames_empty(void)
{
    struct frame *frame = base();
    frame->overview = arena_alloc(frame_arena(frame), sizeof *frame->overview);
    frame->list = arena_alloc(frame_arena(frame), sizeof *frame->list);
    return frame;
}

const struct frame *frames_list(size_t n)
{
    struct frame *frame = base();
    fill_overview(frame);
    fill_list(frame, n);
    fill_detail(frame, false);
    return frame;
}

const struct frame *frames_hostile(void)
{
    static const char *const nasty[] = {
        "\x1b[31mred\x1b[0m \x1b]0;title\x07 and \x1b[2Jgone",
        "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 wide \xf0\x9f\x9a\x80 text",
        "e\xcc\x81\xcc\x82\xcc\x83\xcc\x84 combining \xff\xfe bad bytes \xc0\xaf",
        "\xe2\x80\xaertl override\xe2\x80\xac \t tab \r\n newline",
        "a very long title that goes on and on and on and on and on and on and on and on "
        "and "
        "on and on and on and on and on and on and on and on and on and on and on and on",
        "%s%n%d {\"json\": 'quote'} `rm -rf` $(shell)",
    };
    struct frame *frame = base();
    fill_overview(frame);
    fill_list(frame, 40);
    fill_detail(frame, true);
    struct workflow_row *rows = (struct workflow_row *)(uintptr_t)frame->list->page.rows;
    for (size_t i = 0; i < 40; i++) {
        rows[i].title = nasty[i % N(nasty)];
        rows[i].reason = nasty[(i + 1) % N(nasty)];
        rows[i].repo = nasty[(i + 2) % N(nasty)];
        rows[i].pipeline = nasty[(i + 3) % N(nasty)];
    }
    struct frame_overview *over = (struct frame_overview *)(uintptr_t)frame->overview;
    over->needs = (struct frame_rows){rows, 12, true};
    over->wrong = (struct frame_rows){rows + 12, 12, true};
    over->live = (struct frame_rows){rows, 40, true};
    struct frame_detail *detail = (struct frame_detail *)(uintptr_t)frame->detail;
    detail->row.title = nasty[0];
    detail->row.reason = nasty[4];
    detail->row.repo = nasty[1];
    struct effect_row *effects = (struct effect_row *)(uintptr_t)detail->effects;
    for (size_t i = 0; i < detail->n_effects; i++) {
        effects[i].name = nasty[i % N(nasty)];
        effects[i].summary = nasty[(i + 1) % N(nasty)];
    }
    struct segment_line *lines = (struct segment_line *)(uintptr_t)detail->log->lines;
    for (size_t i = 0; i < detail->log->n_lines; i++) {
        lines[i].text = nasty[i % N(nasty)];
        lines[i].len = strlen(lines[i].text);
    }
    frame->engine.fault = nasty[0];
    return frame;
}

const struct frame *frames_submit(bool is_good)
{
    static const struct frame_choice choices[] = {
        {"payments", "/etc/signalbox/pipelines"},
        {"nightly",  "/etc/signalbox/pipelines"},
        {"docs",     "used before"             }
    };
    static const char *const repos[] = {"/srv/git/payments-api.git",
                                        "/srv/git/billing-api"};
    static const char *const findings[] = {
        "payments.yaml:12: validate[1].timeout: 'soon' is no duration; expected 90s, "
        "10m, 1h30m",
        "payments.yaml:15: merge.mode: 'maybe' is no mode; expected auto, ask or never"};
    struct frame *frame = base();
    fill_overview(frame);
    struct frame_submit *submit = arena_alloc(frame_arena(frame), sizeof *submit);
    *submit = (struct frame_submit){
        .pipelines = choices,
        .n_pipelines = 3,
        .repos = repos,
        .n_repos = 2,
        .checked_pipeline = "payments",
        .checked_repo = is_good ? "" : "/srv/git/nothing",
        .is_pipeline_good = is_good,
        .findings = findings,
        .n_findings = is_good ? 0 : 2,
        .repo_problem = is_good ? "" : "there is nothing at this path",
        .pipeline_repo = is_good ? "/srv/git/payments-api.git" : "",
        .pipeline_help = "4 checks, asks before the merge",
    };
    frame->submit = submit;
    return frame;
}

const struct frame *frames_trouble(enum trouble trouble, bool has_data)
{
    static const char *const causes[TROUBLE_COUNT] = {
        [TROUBLE_NEWER] = "/var/lib/signalbox/signalbox.db: written by a newer signalbox "
                          "(schema 9; this one reads up to 3)",
        [TROUBLE_CORRUPT] = "/var/lib/signalbox/signalbox.db: the file is damaged "
                            "(database disk image is malformed)",
    };
    struct frame *frame = base();
    if (has_data) {
        fill_overview(frame);
        fill_list(frame, 20);
        fill_detail(frame, false);
    } else {
        frame->has_totals = false;
    }
    frame->trouble = trouble;
    frame->trouble_text = causes[trouble] ? causes[trouble] : "";
    frame->read_at = has_data ? ago(2 * MINUTE) : (struct wall){0};
    return frame;
}

const struct frame *frames_fault(enum err_code fault)
{
    struct frame *frame = base();
    fill_overview(frame);
    fill_list(frame, 20);
    fill_detail(frame, false);
    frame->engine.fault_code = fault;
    return frame;
}

const struct frame *frames_stuck(void)
{
    struct frame *frame = base();
    fill_overview(frame);
    fill_list(frame, 20);
    fill_detail(frame, false);
    frame->engine.has_silent = true;
    frame->engine.silent = PULSE_CONTROL;
    frame->engine.silent_since = ago(3 * MINUTE);
    struct progress *progress = arena_alloc(frame_arena(frame), sizeof *progress);
    *progress = (struct progress){.started_at = ago(40 * MINUTE),
                                  .output_at = ago(18 * MINUTE),
                                  .cpu_at = ago(17 * MINUTE),
                                  .stall = {30 * MINUTE}};
    struct frame_detail *detail = arena_alloc(frame_arena(frame), sizeof *detail);
    *detail = *frame->detail;
    detail->progress = progress;
    frame->detail = detail;
    return frame;
}

const struct frame *frames_no_engine(void)
{
    struct frame *frame = base();
    fill_overview(frame);
    fill_list(frame, 20);
    fill_detail(frame, false);
    frame->engine.health = ENGINE_GONE;
    frame->engine.gone_since = ago(4 * MINUTE);
    return frame;
}
