/* SPDX-License-Identifier: MIT */
/*
 * Golden screens: each view on a fixed frame, as text and as a grid of roles, and what
 * themes make of it. SCREENS_UPDATE=1 rewrites tests/screen/NAME.golden; the change shows
 * in review.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "tests/lib/frames.h"
#include "tui/saved.h"
#include "tui/view/approval.h"
#include "tui/view/common.h"
#include "tui/view/monitor.h"
#include "tui/view/recovery.h"
#include "tui/view/setup.h"

#define GOLDEN_MAX (1024 * 1024)
#define BARS       2 /* top and bottom line are the console's */

struct shot {
    struct surface *surface;
    struct view *view;
};

/* What an operator does before the picture is taken. */
struct play {
    const enum action *actions; /* ACTION_NONE ends; NULL = none */
    const char *text;           /* typed after them */
};

/* View of `klass` as the console would have it after the frame came. `actions` are
 * carried out afterwards. */
static struct shot take(const struct view_class *klass, int64_t id, const char *arg,
                        const struct frame *frame, int w, int h, bool is_ascii,
                        const struct play *play)
{
    struct shot shot = {.surface = surface_new(w, h, is_ascii)};
    struct view *view = klass->open(id, arg);
    view->klass = klass;
    view->w = w;
    view->h = h;
    view->now = frames_now();
    if (klass->shows_cost)
        view->cost =
            "412 B/s  1.2 frames/s  2.0 wakes/s  cpu 0.1%  key to paint p50 0.31 ms  p99 "
            "1.20 ms  (64 keys)";
    view->is_ascii = is_ascii;
    view->id = id;
    (void)snprintf(view->arg, sizeof view->arg, "%s", arg);
    struct reply reply;
    reply_init(&reply);
    if (klass->on_frame && frame)
        klass->on_frame(view, frame, &reply);
    for (size_t i = 0; play && play->actions[i] != ACTION_NONE; i++)
        klass->on_action(view, frame, play->actions[i], &reply);
    if (play && play->text)
        klass->on_text(view, frame, play->text, strlen(play->text), &reply);
    reply_fini(&reply);
    surface_clear(shot.surface);
    struct canvas canvas = canvas_of(shot.surface);
    klass->draw(view, frame, &canvas);
    shot.view = view;
    return shot;
}

static void drop(struct shot *shot)
{
    shot->view->klass->close(shot->view);
    surface_free(shot->surface);
}

static void add_style(struct buf *out, const struct style *style)
{
    const struct colour colours[] = {style->fg, style->bg};
    for (int i = 0; i < 2; i++) {
        if (colours[i].kind == COLOUR_RGB)
            (void)buf_printf(out, " #%02x%02x%02x", colours[i].r, colours[i].g,
                             colours[i].b);
        else if (colours[i].kind == COLOUR_INDEX)
            (void)buf_printf(out, " %d", colours[i].index);
        else
            (void)buf_str(out, " default");
    }
    static const char *const names[] = {"bold", "dim", "italic", "underline", "reverse"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (style->attrs & (1u << i))
            (void)buf_printf(out, " %s", names[i]);
}

/* The distinct styles of the screen in a theme, one line for each role on its ground. */
static void dump_styles(struct buf *out, const struct surface *surface, const char *name)
{
    struct theme theme;
    struct findings findings;
    bool seen[ROLE_COUNT][ROLE_COUNT] = {{false}};
    findings_init(&findings);
    assert_true(theme_load(name, &theme, &findings));
    findings_fini(&findings);
    theme_degrade(&theme, strcmp(name, "mono") == 0 ? DEPTH_MONO : DEPTH_256);
    for (int y = 0; y < surface_height(surface); y++) {
        const struct cell *row = surface_row(surface, y);
        for (int x = 0; x < surface_width(surface); x++)
            seen[row[x].role][row[x].ground] = true;
    }
    (void)buf_printf(out, "== %s\n", name);
    for (int role = 0; role < ROLE_COUNT; role++)
        for (int ground = 0; ground < ROLE_COUNT; ground++) {
            if (!seen[role][ground])
                continue;
            struct style style =
                theme_style(&theme, (enum theme_role)role, (enum theme_role)ground);
            (void)buf_printf(out, "%s%s%s:", role_name((enum theme_role)role),
                             ground ? " on " : "",
                             ground ? role_name((enum theme_role)ground) : "");
            add_style(out, &style);
            (void)buf_char(out, '\n');
        }
}

static void add_shot(struct buf *out, const char *title, const struct shot *shot,
                     bool has_roles)
{
    AUTO_FREE char *text = surface_dump_text(shot->surface);
    AUTO_FREE char *roles = surface_dump_roles(shot->surface);
    (void)buf_printf(out, "== %s\n%s", title, text);
    if (has_roles)
        (void)buf_printf(out, "== roles\n%s", roles);
}

/* 80x24 and 160x48, UTF-8 and ASCII; what themes make of the small one. */
static void check_golden(const char *name, const struct view_class *klass, int64_t id,
                         const char *arg, const struct frame *frame,
                         const struct play *play)
{
    struct buf out;
    buf_init(&out, GOLDEN_MAX);
    struct shot shot = take(klass, id, arg, frame, 80, 24 - BARS, false, play);
    add_shot(&out, "80x24", &shot, true);
    dump_styles(&out, shot.surface, "dark");
    dump_styles(&out, shot.surface, "mono");
    drop(&shot);
    shot = take(klass, id, arg, frame, 80, 24 - BARS, true, play);
    add_shot(&out, "80x24 ascii", &shot, false);
    drop(&shot);
    shot = take(klass, id, arg, frame, 160, 48 - BARS, false, play);
    add_shot(&out, "160x48", &shot, true);
    drop(&shot);
    shot = take(klass, id, arg, frame, 160, 48 - BARS, true, play);
    add_shot(&out, "160x48 ascii", &shot, false);
    drop(&shot);

    AUTO_FREE char *path = mem_printf("tests/screen/%s.golden", name);
    struct err err = ERR_INIT;
    if (getenv("SCREENS_UPDATE")) {
        assert_true(file_write(path, out.data, out.len, &err));
    } else {
        AUTO_FREE char *golden = NULL;
        size_t len = 0;
        if (!file_read(path, GOLDEN_MAX, &golden, &len, &err))
            fail_msg("%s (SCREENS_UPDATE=1 writes it)", err.msg);
        if (strcmp(golden, out.data) != 0) {
            AUTO_FREE char *now = mem_printf("build/%s.screen", name);
            (void)!file_write(now, out.data, out.len, &err);
            fail_msg("%s changed: diff %s %s, SCREENS_UPDATE=1 accepts", name, path, now);
        }
    }
    buf_fini(&out);
    frame_unref(frame);
}

static void test_overview(void **state)
{
    (void)state;
    check_golden("overview", &overview_class, 0, "", frames_busy(), NULL);
    const enum action down[] = {ACTION_END, ACTION_NONE};
    check_golden("overview-down", &overview_class, 0, "", frames_busy(),
                 &(struct play){down, NULL});
    check_golden("overview-empty", &overview_class, 0, "", frames_empty(), NULL);
}

static void test_workflows(void **state)
{
    (void)state;
    check_golden("workflows", &workflows_class, 0, "", frames_list(60), NULL);
    check_golden("workflows-beside", &workflows_class, 2207, "", frames_list(60), NULL);
    check_golden("workflows-empty", &workflows_class, 0, "", frames_empty(), NULL);
    const enum action marked[] = {ACTION_ROW_DOWN, ACTION_MARK,   ACTION_MARK,
                                  ACTION_FOLLOW,   ACTION_ROW_UP, ACTION_NONE};
    check_golden("workflows-marked", &workflows_class, 0, "", frames_list(12),
                 &(struct play){marked, NULL});
}

static void test_workflow(void **state)
{
    (void)state;
    check_golden("workflow", &workflow_class, 2207, "", frames_busy(), NULL);
    check_golden("workflow-checks", &workflow_class, 2207, "", frames_beside(), NULL);
    check_golden("workflow-failed", &workflow_class, 2207, "", frames_failed(), NULL);
    check_golden("workflow-gone", &workflow_class, 1, "", frames_busy(), NULL);
}

static void test_texts(void **state)
{
    (void)state;
    check_golden("log", &log_class, 2207, "", frames_busy(), NULL);
    check_golden("log-failed", &log_class, 2207, "", frames_failed(), NULL);
    check_golden("diff", &diff_class, 2207, "", frames_busy(), NULL);
    check_golden("context", &context_class, 2207, "", frames_busy(), NULL);
    check_golden("history", &history_class, 2207, "", frames_busy(), NULL);
}

static void test_submit(void **state)
{
    (void)state;
    check_golden("submit", &submit_class, 0, "payments", frames_submit(true), NULL);
    const enum action to_repo[] = {ACTION_NEXT_PANEL, ACTION_NONE};
    check_golden("submit-wrong", &submit_class, 0, "payments", frames_submit(false),
                 &(struct play){to_repo, "/srv/git/nothing"});
}

/* Columns that a saved view names, and no others. */
static void test_columns(void **state)
{
    const struct frame *frame = frames_list(60);
    struct shot shot = take(&workflows_class, 0, "", frame, 110, 22, false, NULL);
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
    drop(&shot);
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
    check_golden("setup", &setup_class, 0, "", NULL, NULL);
    char there[] = "/home/ada/.config/signalbox/pipelines/payments.yaml";
    world.user = there;
    const enum action end[] = {ACTION_END, ACTION_NONE};
    check_golden("setup-end", &setup_class, 0, "", NULL, &(struct play){end, NULL});
    setup_view_use(NULL);
}

static void test_engine(void **state)
{
    (void)state;
    check_golden("engine", &engine_class, 0, "", frames_busy(), NULL);
}

static void test_services(void **state)
{
    (void)state;
    check_golden("services", &services_class, 0, "", frames_services(), NULL);
    const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                ACTION_NONE};
    check_golden("services-open", &services_class, 0, "", frames_services(),
                 &(struct play){down, NULL});
    check_golden("services-none", &services_class, 0, "", frames_busy(), NULL);
    check_golden("service", &service_class, 0, "web_eval_agent", frames_services(), NULL);
    check_golden("service-closed", &service_class, 0, "codegen_api", frames_services(),
                 NULL);
    check_golden("overview-services", &overview_class, 0, "", frames_services(), NULL);
}

static void test_audit(void **state)
{
    (void)state;
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                       ACTION_FILTER_STATE, ACTION_NONE};
    check_golden("audit", &audit_class, 0, "", frames_audit(AUDIT_WHOLE, false), NULL);
    check_golden("audit-checking", &audit_class, 0, "", frames_audit(AUDIT_WHOLE, true),
                 &(struct play){.actions = down});
    check_golden("audit-broken", &audit_class, 0, "", frames_audit(AUDIT_EDITED, false),
                 NULL);
    check_golden("audit-row", &audit_row_class, 1202, "",
                 frames_audit(AUDIT_WHOLE, false), NULL);
}

static void test_deliveries(void **state)
{
    (void)state;
    check_golden("deliveries", &deliveries_class, 0, "", frames_services(), NULL);
    check_golden("delivery", &delivery_class, 900, "", frames_services(), NULL);
}

static void test_trace(void **state)
{
    (void)state;
    check_golden("trace", &waterfall_class, 2207, "", frames_trace(), NULL);
    const enum action zoomed[] = {ACTION_END,     ACTION_ROW_UP, ACTION_ZOOM_IN,
                                  ACTION_ZOOM_IN, ACTION_LEFT,   ACTION_NONE};
    check_golden("trace-zoomed", &waterfall_class, 2207, "", frames_trace(),
                 &(struct play){zoomed, NULL});
    check_golden("trace-loading", &waterfall_class, 2207, "", frames_busy(), NULL);
}

static void test_monitor(void **state)
{
    (void)state;
    const enum action end[] = {ACTION_ROW_DOWN, ACTION_END, ACTION_NONE};
    const enum action more[] = {ACTION_LIMIT_UP, ACTION_LIMIT_UP, ACTION_ROW_DOWN,
                                ACTION_NONE};
    check_golden("health", &health_class, 0, "", frames_monitor(), NULL);
    check_golden("health-end", &health_class, 0, "", frames_monitor(),
                 &(struct play){end, NULL});
    check_golden("health-loading", &health_class, 0, "", frames_busy(), NULL);
    const enum action sections[] = {ACTION_NEXT_PANEL, ACTION_NEXT_PANEL,
                                    ACTION_NEXT_PANEL, ACTION_NONE};
    check_golden("incident", &incident_class, 17, "", frames_monitor(), NULL);
    check_golden("incident-story", &incident_class, 17, "", frames_troubles(), NULL);
    check_golden("incident-timeline", &incident_class, 17, "", frames_troubles(),
                 &(struct play){sections, NULL});
    check_golden("incident-hostile", &incident_class, 66, "", frames_troubles_hostile(),
                 NULL);
    check_golden("handoff", &handoff_class, 0, "", frames_troubles(), NULL);
    check_golden("handoff-none", &handoff_class, 0, "", frames_troubles_none(), NULL);
    check_golden("outlook", &outlook_class, 0, "", frames_monitor(), NULL);
    check_golden("outlook-more", &outlook_class, 0, "", frames_monitor(),
                 &(struct play){more, NULL});
    check_golden("overview-incidents", &overview_class, 0, "", frames_monitor(), NULL);
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
    check_golden("metrics", &metrics_class, 0, "", frames_metrics(),
                 &(struct play){marks, NULL});
    check_golden("metrics-loading", &metrics_class, 0, "", frames_busy(), NULL);
    check_golden("metric", &metric_class, 0, "4", frames_chart(1, false),
                 &(struct play){back, NULL});
    check_golden("metric-blocks", &metric_class, 0, "4", frames_chart(1, false),
                 &(struct play){blocks, NULL});
    check_golden("metric-forecast", &metric_class, 0, "4", frames_chart(1, true),
                 &(struct play){ahead, NULL});
    check_golden("metric-lines", &metric_class, 0, "4,5,6", frames_chart(3, false), NULL);
}

static void test_trouble(void **state)
{
    (void)state;
    check_golden("trouble-none-yet", &overview_class, 0, "", NULL, NULL);
    check_golden("trouble-missing", &overview_class, 0, "",
                 frames_trouble(TROUBLE_MISSING, false), NULL);
    check_golden("trouble-newer", &overview_class, 0, "",
                 frames_trouble(TROUBLE_NEWER, false), NULL);
    check_golden("trouble-corrupt", &workflows_class, 0, "",
                 frames_trouble(TROUBLE_CORRUPT, true), NULL);
    check_golden("trouble-full", &overview_class, 0, "", frames_fault(ERR_FULL), NULL);
    check_golden("trouble-stuck", &overview_class, 0, "", frames_stuck(), NULL);
    check_golden("workflow-stalled", &workflow_class, 2207, "", frames_stuck(), NULL);
    check_golden("trouble-no-engine", &overview_class, 0, "", frames_no_engine(), NULL);
}

static void test_hostile(void **state)
{
    (void)state;
    check_golden("hostile-overview", &overview_class, 0, "", frames_hostile(), NULL);
    check_golden("hostile-workflows", &workflows_class, 0, "", frames_hostile(), NULL);
    check_golden("hostile-workflow", &workflow_class, 2207, "", frames_hostile(), NULL);
    check_golden("hostile-log", &log_class, 2207, "", frames_hostile(), NULL);
}

static void test_approvals(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                       ACTION_NONE};
    static const enum action batch[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN,
                                        ACTION_ASK_BATCH, ACTION_NONE};
    (void)state;
    check_golden("approvals", &approvals_class, 0, "", frames_asks(1187, 0),
                 &(struct play){down, NULL});
    check_golden("approvals-marked", &approvals_class, 0, "", frames_asks(1189, 0),
                 &(struct play){batch, NULL});
    check_golden("overview-approvals", &overview_class, 0, "", frames_asks(1190, 0),
                 NULL);
    check_golden("approvals-none", &approvals_class, 0, "", frames_asks_none(), NULL);
    check_golden("approvals-hostile", &approvals_class, 0, "", frames_asks_hostile(),
                 NULL);
}

static void test_a_card(void **state)
{
    (void)state;
    check_golden("card", &approval_class, 1187, "", frames_asks(1187, 0), NULL);
    check_golden("card-critical", &approval_class, 1190, "", frames_asks(1190, 0), NULL);
    check_golden("card-drifted", &approval_class, 1189, "", frames_asks(1189, 0), NULL);
    check_golden("card-over", &approval_class, 1183, "", frames_asks(1183, 0), NULL);
    check_golden("card-diff", &approval_class, 1189, "diff", frames_asks(1189, 0), NULL);
    check_golden("card-evidence", &approval_class, 1187, "evidence", frames_asks(1187, 0),
                 NULL);
    check_golden("card-dry-run", &approval_class, 1187, "dry-run", frames_asks(1187, 0),
                 NULL);
    check_golden("card-gone", &approval_class, 9, "", frames_asks(9, 0), NULL);
    check_golden("card-hostile", &approval_class, 1187, "", frames_asks_hostile(), NULL);
}

static void test_optimizations(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_NONE};
    (void)state;
    check_golden("optimizations", &optimizations_class, 0, "", frames_asks(0, 13),
                 &(struct play){down, NULL});
    check_golden("optimizations-none", &optimizations_class, 0, "", frames_asks_none(),
                 NULL);
    check_golden("bottlenecks", &bottlenecks_class, 0, "", frames_asks(0, 0), NULL);
    check_golden("bottlenecks-none", &bottlenecks_class, 0, "", frames_asks_none(), NULL);
    check_golden("optimization", &optimization_class, 10, "", frames_asks(0, 10), NULL);
}

static void test_autonomy(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_NONE};
    (void)state;
    check_golden("autonomy", &autonomy_class, 0, "", frames_asks(0, 0),
                 &(struct play){down, NULL});
    check_golden("autonomy-halted", &autonomy_class, 0, "", frames_asks_hostile(), NULL);
    check_golden("autonomy-none", &autonomy_class, 0, "", frames_asks_none(), NULL);
}

static void test_failures(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_NONE};
    const struct play second = {.actions = down};
    (void)state;
    check_golden("failures", &failures_class, 0, "", frames_recovery(CASE_FAILURE, 31),
                 &second);
    check_golden("failures-problem", &failures_class, 0, "",
                 frames_recovery(CASE_PROBLEM, 2), NULL);
    check_golden("failures-none", &failures_class, 0, "", frames_recovery_none(), NULL);
    check_golden("failures-no-match", &failures_class, 0, "rain", frames_recovery_none(),
                 NULL);
}

static void test_why(void **state)
{
    static const enum action end[] = {ACTION_END, ACTION_NONE};
    const struct play bottom = {.actions = end};
    (void)state;
    check_golden("why", &why_class, 0, "f-31", frames_recovery(CASE_FAILURE, 31), NULL);
    check_golden("why-end", &why_class, 0, "f-31", frames_recovery(CASE_FAILURE, 31),
                 &bottom);
    check_golden("why-problem", &why_class, 0, "p-2", frames_recovery(CASE_PROBLEM, 2),
                 NULL);
    check_golden("why-what", &why_class, 0, "", frames_recovery(CASE_FAILURE, 31), NULL);
}

static void test_decisions(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_NONE};
    const struct play second = {.actions = down};
    (void)state;
    check_golden("decisions", &decisions_class, 0, "", frames_recovery(CASE_DECISION, 52),
                 &second);
    check_golden("decisions-none", &decisions_class, 0, "", frames_recovery_none(), NULL);
}

static void test_strategies(void **state)
{
    static const enum action down[] = {ACTION_ROW_DOWN, ACTION_ROW_DOWN, ACTION_NONE};
    const struct play third = {.actions = down};
    (void)state;
    check_golden("strategies", &strategies_class, 0, "",
                 frames_recovery(CASE_FAILURE, 31), &third);
    check_golden("strategies-none", &strategies_class, 0, "", frames_recovery_none(),
                 NULL);
}

static void test_recovery_elsewhere(void **state)
{
    (void)state;
    check_golden("overview-recovery", &overview_class, 0, "",
                 frames_recovery(CASE_FAILURE, 31), NULL);
    check_golden("workflow-recovery", &workflow_class, 2207, "",
                 frames_recovery(CASE_FAILURE, 31), NULL);
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
        cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
