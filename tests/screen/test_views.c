/* SPDX-License-Identifier: MIT */
/*
 * Golden screens (tests/lib/golden.h) of every view. SCREENS_UPDATE=1 rewrites
 * tests/screen/NAME.golden; the change shows in review.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/lib/frames.h"
#include "tests/lib/golden.h"
#include "tui/saved.h"
#include "tui/view/approval.h"
#include "tui/view/common.h"
#include "tui/view/monitor.h"
#include "tui/view/recovery.h"
#include "tui/view/setup.h"

static void test_overview(void **state)
{
    (void)state;
    golden_check("overview", &overview_class, 0, "", frames_busy(), NULL);
    const enum action down[] = {ACTION_END, ACTION_NONE};
    golden_check("overview-down", &overview_class, 0, "", frames_busy(),
                 &(struct play){down, NULL});
    golden_check("overview-empty", &overview_class, 0, "", frames_empty(), NULL);
}

static void test_workflows(void **state)
{
    (void)state;
    golden_check("workflows", &workflows_class, 0, "", frames_list(60), NULL);
    golden_check("workflows-beside", &workflows_class, 2207, "", frames_list(60), NULL);
    golden_check("workflows-empty", &workflows_class, 0, "", frames_empty(), NULL);
    const enum action marked[] = {ACTION_ROW_DOWN, ACTION_MARK,   ACTION_MARK,
                                  ACTION_FOLLOW,   ACTION_ROW_UP, ACTION_NONE};
    golden_check("workflows-marked", &workflows_class, 0, "", frames_list(12),
                 &(struct play){marked, NULL});
}

static void test_workflow(void **state)
{
    (void)state;
    golden_check("workflow", &workflow_class, 2207, "", frames_busy(), NULL);
    golden_check("workflow-checks", &workflow_class, 2207, "", frames_beside(), NULL);
    golden_check("workflow-failed", &workflow_class, 2207, "", frames_failed(), NULL);
    golden_check("workflow-gone", &workflow_class, 1, "", frames_busy(), NULL);
}

static void test_texts(void **state)
{
    (void)state;
    golden_check("log", &log_class, 2207, "", frames_busy(), NULL);
    golden_check("log-failed", &log_class, 2207, "", frames_failed(), NULL);
    const enum action search[] = {ACTION_SEARCH, ACTION_NONE};
    const enum action filter[] = {ACTION_FILTER, ACTION_NONE};
    const enum action compare[] = {ACTION_COMPARE, ACTION_NONE};
    golden_check("log-search", &log_class, 2207, "", frames_log_found(),
                 &(struct play){search, "price_list_2"});
    golden_check("log-filter", &log_class, 2207, "", frames_log_rows(false),
                 &(struct play){filter, "eviction"});
    golden_check("log-compare", &log_class, 2207, "", frames_log_rows(true),
                 &(struct play){compare, NULL});
    golden_check("diff", &diff_class, 2207, "", frames_busy(), NULL);
    golden_check("context", &context_class, 2207, "", frames_busy(), NULL);
    golden_check("history", &history_class, 2207, "", frames_busy(), NULL);
}

static void test_submit(void **state)
{
    (void)state;
    golden_check("submit", &submit_class, 0, "payments", frames_submit(true), NULL);
    const enum action to_repo[] = {ACTION_NEXT_PANEL, ACTION_NONE};
    golden_check("submit-wrong", &submit_class, 0, "payments", frames_submit(false),
                 &(struct play){to_repo, "/srv/git/nothing"});
}

/* Columns that a saved view names, and no others. */
static void test_columns(void **state)
{
    const struct frame *frame = frames_list(60);
    struct shot shot = shot_take(&workflows_class, 0, "", frame, 110, 22, false, NULL);
    struct canvas canvas = canvas_of(shot.surface);
    (void)state;
    AUTO_FREE char *all = surface_dump_text(shot.surface);
    assert_non_null(strstr(all, "STATE"));
    assert_non_null(strstr(all, "REPO"));
    assert_true(saved_set(shot.view, "columns", "id title repo"));
    surface_clear(shot.surface);
    shot.view->klass->draw(shot.view, frame, &canvas);
    AUTO_FREE char *some = surface_dump_text(shot.surface);
    assert_null(strstr(some, "STATE"));
    assert_non_null(strstr(some, "TITLE"));
    assert_non_null(strstr(some, "REPO"));
    shot_drop(&shot);
    frame_unref(frame);
}

static char *read_nothing(void *user, const char *path)
{
    (void)user;
    return strcmp(path, "/srv/git/payments/Cargo.toml") == 0 ? mem_str("") : NULL;
}

static bool has_repository(void *user, const char *path)
{
    const char *there = user;
    return strcmp(path, "/srv/git/payments/.git") == 0 ||
           (there != NULL && strcmp(path, there) == 0);
}

static bool has_no_name(void *user, const char *name)
{
    (void)user;
    (void)name;
    return false;
}

static void test_setup(void **state)
{
    struct setup_world world = {.read = read_nothing,
                                .has_file = has_repository,
                                .has_variable = has_no_name,
                                .has_program = has_no_name,
                                .config_home = "/home/ada/.config"};
    (void)state;
    setup_view_use(&world);
    golden_check("setup", &setup_class, 0, "", NULL, NULL);
    char there[] = "/home/ada/.config/signalbox/pipelines/payments.yaml";
    world.user = there;
    const enum action end[] = {ACTION_END, ACTION_NONE};
    golden_check("setup-end", &setup_class, 0, "", NULL, &(struct play){end, NULL});
    setup_view_use(NULL);
}

static void test_engine(void **state)
{
    (void)state;
    golden_check("engine", &engine_class, 0, "", frames_busy(), NULL);
}

static void test_services(void **state)
{
    (void)state;
    golden_check("services", &services_class, 0, "", frames_services(), NULL);
    const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                ACTION_NONE};
    golden_check("services-open", &services_class, 0, "", frames_services(),
                 &(struct play){down, NULL});
    golden_check("services-none", &services_class, 0, "", frames_busy(), NULL);
    golden_check("service", &service_class, 0, "web_eval_agent", frames_services(), NULL);
    golden_check("service-closed", &service_class, 0, "codegen_api", frames_services(),
                 NULL);
    golden_check("overview-services", &overview_class, 0, "", frames_services(), NULL);
}

static void test_audit(void **state)
{
    (void)state;
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                       ACTION_FILTER_STATE, ACTION_NONE};
    golden_check("audit", &audit_class, 0, "", frames_audit(AUDIT_WHOLE, false), NULL);
    golden_check("audit-checking", &audit_class, 0, "", frames_audit(AUDIT_WHOLE, true),
                 &(struct play){.actions = down});
    golden_check("audit-broken", &audit_class, 0, "", frames_audit(AUDIT_EDITED, false),
                 NULL);
    golden_check("audit-row", &audit_row_class, 1202, "",
                 frames_audit(AUDIT_WHOLE, false), NULL);
}

static void test_deliveries(void **state)
{
    (void)state;
    golden_check("deliveries", &deliveries_class, 0, "", frames_services(), NULL);
    golden_check("delivery", &delivery_class, 900, "", frames_services(), NULL);
}

static void test_trace(void **state)
{
    (void)state;
    golden_check("trace", &waterfall_class, 2207, "", frames_trace(), NULL);
    const enum action zoomed[] = {ACTION_END,     ACTION_ROW_UP, ACTION_ZOOM_IN,
                                  ACTION_ZOOM_IN, ACTION_LEFT,   ACTION_NONE};
    golden_check("trace-zoomed", &waterfall_class, 2207, "", frames_trace(),
                 &(struct play){zoomed, NULL});
    golden_check("trace-loading", &waterfall_class, 2207, "", frames_busy(), NULL);
}

static void test_monitor(void **state)
{
    (void)state;
    const enum action end[] = {ACTION_ROW_DOWN, ACTION_END, ACTION_NONE};
    const enum action more[] = {ACTION_LIMIT_UP, ACTION_LIMIT_UP, ACTION_ROW_DOWN,
                                ACTION_NONE};
    golden_check("health", &health_class, 0, "", frames_monitor(), NULL);
    golden_check("health-end", &health_class, 0, "", frames_monitor(),
                 &(struct play){end, NULL});
    golden_check("health-loading", &health_class, 0, "", frames_busy(), NULL);
    const enum action unfold[] = {ACTION_MARK, ACTION_ROW_UP, ACTION_UNFOLD,
                                  ACTION_ROW_DOWN, ACTION_NONE};
    const enum action sections[] = {ACTION_NEXT_PANEL, ACTION_NEXT_PANEL,
                                    ACTION_NEXT_PANEL, ACTION_NONE};
    golden_check("incident", &incident_class, 17, "", frames_monitor(), NULL);
    golden_check("incident-story", &incident_class, 17, "", frames_troubles(), NULL);
    golden_check("incident-timeline", &incident_class, 17, "", frames_troubles(),
                 &(struct play){sections, NULL});
    golden_check("incident-hostile", &incident_class, 66, "", frames_troubles_hostile(),
                 NULL);
    const enum action sorted[] = {ACTION_FILTER_STATE, ACTION_SORT_NEXT, ACTION_SORT_NEXT,
                                  ACTION_SORT_REVERSE, ACTION_NONE};
    golden_check("incidents-sorted", &incidents_class, 0, "", frames_troubles_hostile(),
                 &(struct play){sorted, NULL});
    golden_check("incident-failure", &incident_class, 0, "f-28",
                 frames_troubles_of("f-28"), NULL);
    golden_check("incident-breaker", &incident_class, 0, "service:github_api",
                 frames_troubles_of("service:github_api"), NULL);
    golden_check("incidents", &incidents_class, 0, "", frames_troubles(), NULL);
    golden_check("incidents-loading", &incidents_class, 0, "", frames_busy(), NULL);
    golden_check("incidents-none", &incidents_class, 0, "", frames_troubles_none(), NULL);
    golden_check("incidents-hostile", &incidents_class, 0, "", frames_troubles_hostile(),
                 NULL);
    golden_check("incidents-unfolded", &incidents_class, 0, "", frames_troubles(),
                 &(struct play){unfold, NULL});
    golden_check("handoff", &handoff_class, 0, "", frames_troubles(), NULL);
    golden_check("handoff-none", &handoff_class, 0, "", frames_troubles_none(), NULL);
    golden_check("outlook", &outlook_class, 0, "", frames_monitor(), NULL);
    golden_check("outlook-more", &outlook_class, 0, "", frames_monitor(),
                 &(struct play){more, NULL});
    golden_check("overview-incidents", &overview_class, 0, "", frames_monitor(), NULL);
    golden_check("overview-coming", &overview_class, 0, "", frames_coming(), NULL);
}

static void test_metrics(void **state)
{
    (void)state;
    const enum action marks[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_MARK,
                                 ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_MARK,
                                 ACTION_NONE};
    const enum action back[] = {ACTION_LEFT, ACTION_LEFT, ACTION_LEFT, ACTION_NONE};
    const enum action blocks[] = {ACTION_CHART_STYLE, ACTION_NONE};
    const enum action ahead[] = {ACTION_CHART_FORECAST, ACTION_NONE};
    golden_check("metrics", &metrics_class, 0, "", frames_metrics(),
                 &(struct play){marks, NULL});
    golden_check("metrics-loading", &metrics_class, 0, "", frames_busy(), NULL);
    golden_check("metric", &metric_class, 0, "4", frames_chart(1, false),
                 &(struct play){back, NULL});
    golden_check("metric-blocks", &metric_class, 0, "4", frames_chart(1, false),
                 &(struct play){blocks, NULL});
    golden_check("metric-forecast", &metric_class, 0, "4", frames_chart(1, true),
                 &(struct play){ahead, NULL});
    golden_check("metric-lines", &metric_class, 0, "4,5,6", frames_chart(3, false), NULL);
}

static void test_trouble(void **state)
{
    (void)state;
    golden_check("trouble-none-yet", &overview_class, 0, "", NULL, NULL);
    golden_check("trouble-missing", &overview_class, 0, "",
                 frames_trouble(TROUBLE_MISSING, false), NULL);
    golden_check("trouble-newer", &overview_class, 0, "",
                 frames_trouble(TROUBLE_NEWER, false), NULL);
    golden_check("trouble-corrupt", &workflows_class, 0, "",
                 frames_trouble(TROUBLE_CORRUPT, true), NULL);
    golden_check("trouble-full", &overview_class, 0, "", frames_fault(ERR_FULL), NULL);
    golden_check("trouble-stuck", &overview_class, 0, "", frames_stuck(), NULL);
    golden_check("workflow-stalled", &workflow_class, 2207, "", frames_stuck(), NULL);
    golden_check("trouble-no-engine", &overview_class, 0, "", frames_no_engine(), NULL);
}

static void test_hostile(void **state)
{
    (void)state;
    golden_check("hostile-overview", &overview_class, 0, "", frames_hostile(), NULL);
    golden_check("hostile-workflows", &workflows_class, 0, "", frames_hostile(), NULL);
    golden_check("hostile-workflow", &workflow_class, 2207, "", frames_hostile(), NULL);
    golden_check("hostile-log", &log_class, 2207, "", frames_hostile(), NULL);
    const enum action wrap[] = {ACTION_WRAP, ACTION_NONE};
    golden_check("hostile-log-wrapped", &log_class, 2207, "", frames_hostile(),
                 &(struct play){wrap, NULL});
}

static void test_approvals(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                       ACTION_NONE};
    static const enum action batch[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                        ACTION_ASK_BATCH, ACTION_NONE};
    (void)state;
    golden_check("approvals", &approvals_class, 0, "", frames_asks(1187, 0),
                 &(struct play){down, NULL});
    golden_check("approvals-marked", &approvals_class, 0, "", frames_asks(1189, 0),
                 &(struct play){batch, NULL});
    golden_check("overview-approvals", &overview_class, 0, "", frames_asks(1190, 0),
                 NULL);
    golden_check("approvals-none", &approvals_class, 0, "", frames_asks_none(), NULL);
    golden_check("approvals-hostile", &approvals_class, 0, "", frames_asks_hostile(),
                 NULL);
}

static void test_a_card(void **state)
{
    (void)state;
    golden_check("card", &approval_class, 1187, "", frames_asks(1187, 0), NULL);
    golden_check("card-critical", &approval_class, 1190, "", frames_asks(1190, 0), NULL);
    golden_check("card-drifted", &approval_class, 1189, "", frames_asks(1189, 0), NULL);
    golden_check("card-over", &approval_class, 1183, "", frames_asks(1183, 0), NULL);
    golden_check("card-diff", &approval_class, 1189, "diff", frames_asks(1189, 0), NULL);
    golden_check("card-evidence", &approval_class, 1187, "evidence", frames_asks(1187, 0),
                 NULL);
    golden_check("card-dry-run", &approval_class, 1187, "dry-run", frames_asks(1187, 0),
                 NULL);
    golden_check("card-gone", &approval_class, 9, "", frames_asks(9, 0), NULL);
    golden_check("card-hostile", &approval_class, 1187, "", frames_asks_hostile(), NULL);
}

static void test_optimizations(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_NONE};
    (void)state;
    golden_check("optimizations", &optimizations_class, 0, "", frames_asks(0, 13),
                 &(struct play){down, NULL});
    golden_check("optimizations-none", &optimizations_class, 0, "", frames_asks_none(),
                 NULL);
    golden_check("bottlenecks", &bottlenecks_class, 0, "", frames_asks(0, 0), NULL);
    golden_check("bottlenecks-none", &bottlenecks_class, 0, "", frames_asks_none(), NULL);
    golden_check("optimization", &optimization_class, 10, "", frames_asks(0, 10), NULL);
}

static void test_autonomy(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_NONE};
    (void)state;
    golden_check("autonomy", &autonomy_class, 0, "", frames_asks(0, 0),
                 &(struct play){down, NULL});
    golden_check("autonomy-halted", &autonomy_class, 0, "", frames_asks_hostile(), NULL);
    golden_check("autonomy-none", &autonomy_class, 0, "", frames_asks_none(), NULL);
}

static void test_failures(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_NONE};
    const struct play second = {.actions = down};
    (void)state;
    golden_check("failures", &failures_class, 0, "", frames_recovery(CASE_FAILURE, 31),
                 &second);
    golden_check("failures-problem", &failures_class, 0, "",
                 frames_recovery(CASE_PROBLEM, 2), NULL);
    golden_check("failures-none", &failures_class, 0, "", frames_recovery_none(), NULL);
    golden_check("failures-no-match", &failures_class, 0, "rain", frames_recovery_none(),
                 NULL);
}

static void test_why(void **state)
{
    static const enum action end[] = {ACTION_END, ACTION_NONE};
    const struct play bottom = {.actions = end};
    (void)state;
    golden_check("why", &why_class, 0, "f-31", frames_recovery(CASE_FAILURE, 31), NULL);
    golden_check("why-end", &why_class, 0, "f-31", frames_recovery(CASE_FAILURE, 31),
                 &bottom);
    golden_check("why-problem", &why_class, 0, "p-2", frames_recovery(CASE_PROBLEM, 2),
                 NULL);
    golden_check("why-what", &why_class, 0, "", frames_recovery(CASE_FAILURE, 31), NULL);
}

static void test_decisions(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_NONE};
    const struct play second = {.actions = down};
    (void)state;
    golden_check("decisions", &decisions_class, 0, "", frames_recovery(CASE_DECISION, 52),
                 &second);
    golden_check("decisions-none", &decisions_class, 0, "", frames_recovery_none(), NULL);
}

static void test_strategies(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_NONE};
    const struct play third = {.actions = down};
    (void)state;
    golden_check("strategies", &strategies_class, 0, "",
                 frames_recovery(CASE_FAILURE, 31), &third);
    golden_check("strategies-none", &strategies_class, 0, "", frames_recovery_none(),
                 NULL);
}

static void test_recovery_elsewhere(void **state)
{
    (void)state;
    golden_check("overview-recovery", &overview_class, 0, "",
                 frames_recovery(CASE_FAILURE, 31), NULL);
    golden_check("workflow-recovery", &workflow_class, 2207, "",
                 frames_recovery(CASE_FAILURE, 31), NULL);
}

static void test_every_view_has_a_golden(void **state)
{
    (void)state;
    for (size_t i = 0; view_classes[i]; i++)
        if (!golden_has(view_classes[i]))
            fail_msg("no golden screen of %s", view_classes[i]->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overview),   cmocka_unit_test(test_workflows),
        cmocka_unit_test(test_workflow),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_submit),     cmocka_unit_test(test_engine),
        cmocka_unit_test(test_setup),      cmocka_unit_test(test_columns),
        cmocka_unit_test(test_trouble),    cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_services),   cmocka_unit_test(test_deliveries),
        cmocka_unit_test(test_audit),      cmocka_unit_test(test_trace),
        cmocka_unit_test(test_monitor),    cmocka_unit_test(test_approvals),
        cmocka_unit_test(test_a_card),     cmocka_unit_test(test_optimizations),
        cmocka_unit_test(test_autonomy),   cmocka_unit_test(test_failures),
        cmocka_unit_test(test_why),        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_strategies), cmocka_unit_test(test_recovery_elsewhere),
        cmocka_unit_test(test_metrics),    cmocka_unit_test(test_every_view_has_a_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
