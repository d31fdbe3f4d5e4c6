/* SPDX-License-Identifier: MIT */
#include "tests/lib/asks.h"

#include <math.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "store/store.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define CARD_DEADLINE                                                                    \
    "{\"why\":[\"17 of 92 agent runs in 7 days hit the deadline; 15 of those, when "     \
    "retried, finished in 61m to 79m.\"],"                                               \
    "\"expected\":\"completed +4.1% (+2.9 to +5.3), median time unchanged\","            \
    "\"if_wrong\":\"stuck runs hold a slot 25m longer, about 1.4 slot-hours a day\","    \
    "\"change\":{\"setting\":\"limits.coding\",\"scope\":\"repo:payments-api\","         \
    "\"from\":\"60m\",\"to\":\"85m\"},"                                                  \
    "\"touches\":{\"repositories\":[\"payments-api\"],\"environments\":[],"              \
    "\"workflows\":2,\"queued\":4},"                                                     \
    "\"guard\":\"48h or 60 runs: taken back if completed falls below 81%\","             \
    "\"undo\":\"one step, exact: limits.coding back to 60m\","                           \
    "\"evidence\":[{\"id\":\"e1\",\"text\":\"deadline hits by "                          \
    "day\",\"kind\":\"series\","                                                         \
    "\"ref\":\"deadline_hits\",\"values\":[2,1,3,2,6,7,7]},"                             \
    "{\"id\":\"e2\",\"text\":\"retried runs, time to finish (15)\",\"kind\":\"effect\"," \
    "\"ref\":\"wf-2207.4\"},{\"id\":\"e3\",\"text\":\"same change in billing-api, 12 "   \
    "Nov: kept, +3.8%\",\"kind\":\"event\",\"ref\":\"o-11\"}],"                          \
    "\"before\":[{\"id\":\"a-903\",\"verdict\":\"rejected\",\"by\":\"grace\","           \
    "\"at\":1762160400000,\"reason\":\"wait for the new runner\"}],"                     \
    "\"dry_run\":[\"30 days replayed: 31 more completed, 2 more slots used at p95\"]}"

#define CARD_MERGE                                                                       \
    "{\"why\":[\"all 5 checks passed, but the evaluator was a backup\"],"                \
    "\"expected\":\"pull request 482 is merged into main\","                             \
    "\"if_wrong\":\"main is broken until the revert is merged, 20m at the median\","     \
    "\"touches\":{\"repositories\":[\"payments-api\"],\"environments\":[\"production\"]" \
    ","                                                                                  \
    "\"workflows\":1,\"queued\":0},"                                                     \
    "\"undo\":\"a revert pull request, after confirmation\","                            \
    "\"evidence\":[{\"id\":\"e1\",\"text\":\"unit tests: 418 passed\",\"kind\":\"log\"," \
    "\"ref\":\"wf-2207.9\"}],\"before\":[],\"dry_run\":[]}"

#define CARD_RESTART                                                                     \
    "{\"why\":[\"3 workflows are parked on it for 14m\",\"2 probes failed\"],"           \
    "\"expected\":\"the bridge answers within 40s (90% of 12 restarts)\","               \
    "\"if_wrong\":\"2 sandboxes are lost and made again\","                              \
    "\"touches\":{\"repositories\":[],\"environments\":[\"staging\"],\"workflows\":3,"   \
    "\"queued\":0},\"undo\":\"\"}"

static const char digest_of[] =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

static struct approval_row ask(int64_t id, struct wall now, enum act act, enum risk risk,
                               const char *target, const char *title)
{
    struct approval_row row = {.id = id,
                               .action = act,
                               .risk = risk,
                               .rule = "",
                               .target = target,
                               .repo = "",
                               .environment = "",
                               .title = title,
                               .requester = "engine",
                               .assignee = "",
                               .claimed_by = "",
                               .created_at = {now.ms - 2 * MINUTE},
                               .decided_by = "",
                               .reason = "",
                               .n_needed = 1,
                               .votes = "[]",
                               .effect = "{}",
                               .effect_before = "",
                               .card = "{}"};
    memcpy(row.digest, digest_of, sizeof(row.digest));
    return row;
}

static struct approval_row ask_deadline(struct wall now)
{
    struct approval_row row =
        ask(1187, now, ACT_TUNE, RISK_HIGH, "payments-api",
            "Raise the CODING deadline for payments-api from 60m to 85m");
    row.rule = "changes 1 repository, reversible, model seen 214 similar runs";
    row.optimization = 14;
    row.repo = "/srv/git/payments-api.git";
    row.created_at.ms = now.ms - 47 * MINUTE;
    row.expires_at.ms = now.ms + 2 * HOUR - 2 * MINUTE;
    row.on_expiry = EXPIRY_DROP;
    row.effect =
        "{\"from\":\"60m\",\"operation\":\"tune\",\"scope\":\"repo:payments-api\","
        "\"setting\":\"limits.coding\",\"to\":\"85m\"}";
    row.card = CARD_DEADLINE;
    return row;
}

static struct approval_row ask_critical(struct wall now)
{
    struct approval_row row = ask(1190, now, ACT_MERGE, RISK_CRITICAL, "payments-api",
                                  "Merge pull request 482: cache the price list lookups");
    row.rule = "merges into production, judged by a backup evaluator";
    row.workflow = 2207;
    row.repo = "/srv/git/payments-api.git";
    row.environment = "production";
    row.created_at.ms = now.ms - 12 * MINUTE;
    row.expires_at.ms = now.ms + 8 * MINUTE;
    row.on_expiry = EXPIRY_PARK;
    row.n_needed = 2;
    row.votes = "[{\"by\":\"ada\",\"role\":\"approver\",\"at\":1763733600000}]";
    row.effect = "{\"base\":\"4b825dc6\",\"head\":\"83baae61\",\"operation\":\"merge\","
                 "\"pull\":482}";
    row.card = CARD_MERGE;
    return row;
}

static struct approval_row ask_soon(struct wall now)
{
    struct approval_row row = ask(1188, now, ACT_RESTART, RISK_MEDIUM, "grainchain",
                                  "Restart the grainchain bridge");
    row.rule = "touches staging, cannot be taken back";
    row.recovery = 28;
    row.claimed_by = "grace";
    row.claimed_until.ms = now.ms + 12 * MINUTE;
    row.created_at.ms = now.ms - 14 * MINUTE;
    row.expires_at.ms = now.ms + 90 * 1000;
    row.on_expiry = EXPIRY_DROP;
    row.effect = "{\"command\":\"systemctl restart grainchain-bridge\","
                 "\"operation\":\"restart\",\"service\":\"grainchain\"}";
    row.card = CARD_RESTART;
    return row;
}

static struct approval_row ask_drifted(struct wall now)
{
    struct approval_row row = ask_critical(now);
    row.id = 1189;
    row.status = APPROVAL_DRIFTED;
    row.risk = RISK_HIGH;
    row.rule = "merges into production";
    row.title = "Merge pull request 477: round prices half up";
    row.target = "billing-api";
    row.repo = "/srv/git/billing-api.git";
    row.workflow = 2201;
    row.n_needed = 1;
    row.votes = "[]";
    row.n_drifts = 1;
    row.created_at.ms = now.ms - 31 * MINUTE;
    row.expires_at.ms = now.ms + 5 * HOUR;
    row.assignee = "lin";
    row.effect_before = "{\"base\":\"4b825dc6\",\"head\":\"11aa22bb\","
                        "\"operation\":\"merge\",\"pull\":477}";
    row.effect = "{\"base\":\"4b825dc6\",\"head\":\"83baae61\",\"operation\":\"merge\","
                 "\"pull\":477,\"squash\":true}";
    return row;
}

static struct approval_row ask_plan(struct wall now)
{
    struct approval_row row =
        ask(1186, now, ACT_PLAN, RISK_LOW, "wf-2214", "Begin to code: paginate /orders");
    row.rule = "nothing is merged by it";
    row.workflow = 2214;
    row.requester = "lin";
    row.repo = "/srv/git/orders.git";
    row.effect = "{\"operation\":\"plan\",\"plan\":\"sha256:1b2c\"}";
    row.card = "{\"why\":[\"the pipeline asks before coding\"],\"expected\":\"an agent "
               "runs, 20m at the median\",\"if_wrong\":\"one agent run\","
               "\"undo\":\"cancel the workflow\"}";
    return row;
}

static struct approval_row decided(struct wall now, int64_t id, const char *title,
                                   enum approval_status status, const char *by,
                                   const char *reason)
{
    struct approval_row row = ask_deadline(now);
    row.id = id;
    row.title = title;
    row.status = status;
    row.risk = RISK_MEDIUM;
    row.decided_at.ms = now.ms - (1200 - id) * HOUR;
    row.decided_by = by;
    row.reason = reason;
    return row;
}

static size_t make_approvals(struct approval_row *rows, struct wall now)
{
    size_t n = 0;
    rows[n++] = ask_critical(now);
    rows[n++] = ask_soon(now);
    rows[n++] = ask_drifted(now);
    rows[n - 1].created_at.ms = now.ms - 55 * MINUTE; /* before a-1187 */
    rows[n++] = ask_deadline(now);
    rows[n++] = ask_plan(now);
    rows[n] = ask(1184, now, ACT_SCALE, RISK_MEDIUM, "runners", "Add two runners");
    rows[n].rule = "runs a configured command";
    rows[n++].snoozed_until.ms = now.ms + 40 * MINUTE;
    rows[n] = ask(1185, now, ACT_TUNE, RISK_LOW, "web",
                  "Ask the forge every 20s instead of every 5s");
    rows[n].rule = "reversible, no repository";
    rows[n++].status = APPROVAL_SUGGESTED;
    for (size_t i = 0; i < n; i++) { /* what runs out was seen by somebody */
        rows[i].shown_at =
            wall_is_set(rows[i].expires_at) ? rows[i].created_at : rows[i].shown_at;
    }
    return n;
}

static struct optimization_row optimize(int64_t id, struct wall now,
                                        enum optimization_kind kind,
                                        enum optimization_status status,
                                        const char *title)
{
    return (struct optimization_row){.id = id,
                                     .kind = kind,
                                     .status = status,
                                     .risk = RISK_LOW,
                                     .setting = "",
                                     .scope = "",
                                     .from = "",
                                     .to = "",
                                     .title = title,
                                     .metric = "completed",
                                     .expected = 0.041,
                                     .expected_low = 0.029,
                                     .expected_high = 0.053,
                                     .measured = (double)NAN,
                                     .measured_low = (double)NAN,
                                     .measured_high = (double)NAN,
                                     .confidence = 0.97,
                                     .n_evidence = 92,
                                     .reason = "17 of 92 agent runs hit the deadline",
                                     .if_wrong = "stuck runs hold a slot 25m longer",
                                     .outcome = "",
                                     .actor = "",
                                     .evidence = CARD_DEADLINE,
                                     .guard = "",
                                     .fingerprint = "0123456789abcdef",
                                     .proposed_at = {now.ms - (20 - id) * DAY}};
}

static void set(struct optimization_row *row, const char *setting, const char *scope,
                const char *from, const char *to)
{
    row->setting = setting;
    row->scope = scope;
    row->from = from;
    row->to = to;
}

static void measure(struct optimization_row *row, double mean, double low, double high,
                    const char *outcome)
{
    row->measured = mean;
    row->measured_low = low;
    row->measured_high = high;
    row->outcome = outcome;
}

static size_t make_optimizations(struct optimization_row *rows, struct wall now)
{
    size_t n = 0;
    rows[n] = optimize(14, now, OPT_DEADLINE, OPT_PROPOSED,
                       "Raise the CODING deadline for payments-api");
    rows[n].approval = 1187;
    rows[n].risk = RISK_HIGH;
    set(&rows[n++], "limits.coding", "repo:payments-api", "60m", "85m");
    rows[n] = optimize(13, now, OPT_ORDER, OPT_GUARDED, "Lint before the unit tests");
    rows[n].metric = "minutes";
    rows[n].expected = -3.4;
    rows[n].expected_low = -4.6;
    rows[n].expected_high = -2.2;
    rows[n].applied_at.ms = now.ms - 20 * HOUR;
    rows[n].guard_until.ms = now.ms + 28 * HOUR;
    rows[n].guard = "{\"metric\":\"minutes\",\"runs\":37,\"of\":60,\"compared_with\":92}";
    rows[n].actor = "engine";
    measure(&rows[n], -2.9, -4.4, -1.4, "");
    set(&rows[n++], "order", "pipeline:web", "unit lint", "lint unit");
    rows[n] = optimize(12, now, OPT_QUARANTINE, OPT_INCONCLUSIVE,
                       "Let the flaky UI check no longer decide");
    rows[n].applied_at.ms = now.ms - 9 * DAY;
    measure(&rows[n], 0.004, -0.02, 0.03, "60 runs were not enough to tell");
    set(&rows[n++], "quarantine", "pipeline:web", "", "ui evaluation");
    rows[n] = optimize(11, now, OPT_DEADLINE, OPT_KEPT,
                       "Raise the CODING deadline for billing-api");
    rows[n].applied_at.ms = now.ms - 11 * DAY;
    rows[n].settled_at.ms = now.ms - 9 * DAY;
    rows[n].actor = "grace";
    measure(&rows[n], 0.038, 0.021, 0.055, "60 runs, no harm");
    set(&rows[n++], "limits.coding", "repo:billing-api", "60m", "80m");
    rows[n] = optimize(10, now, OPT_CONCURRENCY, OPT_TAKEN_BACK, "Run 16 at once");
    rows[n].applied_at.ms = now.ms - 12 * DAY;
    rows[n].settled_at.ms = now.ms - 12 * DAY + 3 * HOUR;
    measure(&rows[n], -0.061, -0.09, -0.03,
            "completed fell to 79%, the limit was 81%: taken back");
    set(&rows[n++], "max_running", "", "12", "16");
    rows[n] = optimize(9, now, OPT_RETRIES, OPT_REJECTED, "Retry a failed lint no more");
    rows[n].settled_at.ms = now.ms - 10 * DAY;
    rows[n].actor = "ada";
    rows[n].outcome = "the linter is about to be replaced";
    set(&rows[n++], "checks.lint.retries", "pipeline:web", "2", "0");
    return n;
}

struct asks asks_make(struct arena *arena, struct wall now)
{
    struct approval_row *approvals = arena_array(arena, 16, sizeof(*approvals));
    struct optimization_row *optimizations =
        arena_array(arena, 8, sizeof(*optimizations));
    struct tuning_row *tunings = arena_array(arena, 2, sizeof(*tunings));
    struct autonomy_row *levels = arena_array(arena, 4, sizeof(*levels));
    size_t n_waiting = make_approvals(approvals, now), n = n_waiting;
    approvals[n++] = decided(now, 1183, "Restart the codegen bridge", APPROVAL_REJECTED,
                             "ada", "it was deployed a minute ago");
    approvals[n++] = decided(now, 1182, "Raise the PLANNING deadline", APPROVAL_APPROVED,
                             "ada and grace", "");
    approvals[n++] =
        decided(now, 1181, "Merge pull request 470", APPROVAL_EXPIRED, "engine", "");
    tunings[0] = (struct tuning_row){"limits.coding",
                                     "repo:billing-api",
                                     "80m",
                                     "60m",
                                     {now.ms - 11 * DAY},
                                     {0},
                                     "grace",
                                     "17 of 92 agent runs hit the deadline",
                                     11};
    tunings[1] = (struct tuning_row){
        "order", "pipeline:web", "lint unit", "unit lint", {now.ms - 20 * HOUR},
        {0},     "engine",       "",          13};
    levels[0] =
        (struct autonomy_row){ACT_MERGE, "",      LEVEL_APPROVE,  {now.ms - 2 * DAY},
                              {0},       "grace", "release week", 0};
    levels[1] = (struct autonomy_row){ACT_MERGE,
                                      "/srv/git/orders.git",
                                      LEVEL_AUTO,
                                      {now.ms - 15 * MINUTE},
                                      {now.ms + 45 * MINUTE},
                                      "ada",
                                      "hotfix train",
                                      3};
    levels[2] = (struct autonomy_row){ACT_RESTART,
                                      "",
                                      LEVEL_AUTO,
                                      {now.ms - 2 * HOUR},
                                      {now.ms + 2 * HOUR},
                                      "ada",
                                      "the bridge is being mended",
                                      5};
    return (struct asks){.approvals = approvals,
                         .n_approvals = n,
                         .n_waiting = n_waiting,
                         .optimizations = optimizations,
                         .n_optimizations = make_optimizations(optimizations, now),
                         .tunings = tunings,
                         .n_tunings = 2,
                         .levels = levels,
                         .n_levels = 3};
}

void asks_put(struct store *store, struct arena *arena, struct wall now)
{
    struct asks asks = asks_make(arena, now);
    for (size_t i = 0; i < asks.n_approvals; i++) {
        (void)store_put_approval(store, &asks.approvals[i]);
    }
    for (size_t i = 0; i < asks.n_optimizations; i++) {
        (void)store_put_optimization(store, &asks.optimizations[i]);
    }
    for (size_t i = 0; i < asks.n_tunings; i++) {
        store_put_tuning(store, &asks.tunings[i]);
    }
    for (size_t i = 0; i < asks.n_levels; i++) {
        store_put_autonomy(store, &asks.levels[i]);
    }
}
