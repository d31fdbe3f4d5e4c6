/* SPDX-License-Identifier: MIT */
#include "tests/lib/scenes.h"

#include "tests/lib/frames.h"
#include "tui/view/approval.h"
#include "tui/view/common.h"
#include "tui/view/monitor.h"
#include "tui/view/recovery.h"
#include "tui/view/setup.h"

static const struct frame *list(void)
{
    return frames_list(60);
}

static const struct frame *form(void)
{
    return frames_submit(true);
}

static const struct frame *form_wrong(void)
{
    return frames_submit(false);
}

static const struct frame *audit(void)
{
    return frames_audit(AUDIT_WHOLE, false);
}

static const struct frame *audit_broken(void)
{
    return frames_audit(AUDIT_EDITED, false);
}

static const struct frame *audit_checking(void)
{
    return frames_audit(AUDIT_WHOLE, true);
}

static const struct frame *chart(void)
{
    return frames_chart(1, true);
}

static const struct frame *chart_of_three(void)
{
    return frames_chart(3, false);
}

static const struct frame *asks(void)
{
    return frames_asks(1187, 13);
}

static const struct frame *ask_critical(void)
{
    return frames_asks(1190, 10);
}

static const struct frame *failure(void)
{
    return frames_recovery(CASE_FAILURE, 31);
}

static const struct frame *problem(void)
{
    return frames_recovery(CASE_PROBLEM, 2);
}

static const struct frame *decision(void)
{
    return frames_recovery(CASE_DECISION, 52);
}

static const struct frame *corrupt(void)
{
    return frames_trouble(TROUBLE_CORRUPT, true);
}

static const struct frame *missing(void)
{
    return frames_trouble(TROUBLE_MISSING, false);
}

static const struct frame *nothing(void)
{
    return NULL;
}

/* clang-format off */
const struct scene scenes[] = {
    {&overview_class, 0, "", frames_busy},
    {&overview_class, 0, "", frames_empty},
    {&overview_class, 0, "", frames_hostile},
    {&overview_class, 0, "", frames_services},
    {&overview_class, 0, "", frames_monitor},
    {&overview_class, 0, "", asks},
    {&overview_class, 0, "", failure},
    {&overview_class, 0, "", missing},
    {&overview_class, 0, "", frames_stuck},
    {&overview_class, 0, "", frames_no_engine},
    {&workflows_class, 0, "", list},
    {&workflows_class, 0, "", frames_hostile},
    {&workflows_class, 0, "", corrupt},
    {&workflow_class, 2207, "", frames_busy},
    {&workflow_class, 2207, "", frames_beside},
    {&workflow_class, 2207, "", frames_failed},
    {&workflow_class, 2207, "", frames_hostile},
    {&workflow_class, 2207, "", failure},
    {&workflow_class, 2207, "", frames_stuck},
    {&workflow_class, 1, "", frames_busy},
    {&log_class, 2207, "", frames_busy},
    {&log_class, 2207, "", frames_failed},
    {&log_class, 2207, "", frames_hostile},
    {&diff_class, 2207, "", frames_busy},
    {&context_class, 2207, "", frames_busy},
    {&history_class, 2207, "", frames_busy},
    {&submit_class, 0, "payments", form},
    {&submit_class, 0, "payments", form_wrong},
    {&engine_class, 0, "", frames_busy},
    {&services_class, 0, "", frames_services},
    {&service_class, 0, "web_eval_agent", frames_services},
    {&service_class, 0, "codegen_api", frames_services},
    {&deliveries_class, 0, "", frames_services},
    {&delivery_class, 900, "", frames_services},
    {&waterfall_class, 2207, "", frames_trace},
    {&health_class, 0, "", frames_monitor},
    {&health_class, 0, "", frames_troubles},
    {&incidents_class, 0, "", frames_troubles},
    {&incidents_class, 0, "", frames_troubles_hostile},
    {&incidents_class, 0, "", frames_troubles_none},
    {&incident_class, 17, "", frames_monitor},
    {&incident_class, 17, "", frames_troubles},
    {&incident_class, 66, "", frames_troubles_hostile},
    {&handoff_class, 0, "", frames_troubles},
    {&handoff_class, 0, "", frames_troubles_none},
    {&outlook_class, 0, "", frames_monitor},
    {&metrics_class, 0, "", frames_metrics},
    {&metric_class, 0, "4", chart},
    {&metric_class, 0, "4,5,6", chart_of_three},
    {&failures_class, 0, "", failure},
    {&failures_class, 0, "", problem},
    {&failures_class, 0, "", frames_recovery_hostile},
    {&failures_class, 0, "", frames_recovery_none},
    {&why_class, 0, "f-31", failure},
    {&why_class, 0, "p-2", problem},
    {&why_class, 0, "wf-2207", frames_recovery_hostile},
    {&strategies_class, 0, "", failure},
    {&strategies_class, 0, "", frames_recovery_hostile},
    {&decisions_class, 0, "", decision},
    {&decisions_class, 0, "", frames_recovery_hostile},
    {&approvals_class, 0, "", asks},
    {&approvals_class, 0, "", frames_asks_hostile},
    {&approval_class, 1187, "", asks},
    {&approval_class, 1187, "evidence", asks},
    {&approval_class, 1187, "dry-run", asks},
    {&approval_class, 1190, "", ask_critical},
    {&approval_class, 1187, "", frames_asks_hostile},
    {&optimizations_class, 0, "", asks},
    {&optimizations_class, 0, "", frames_asks_hostile},
    {&optimization_class, 13, "", asks},
    {&optimization_class, 10, "", ask_critical},
    {&bottlenecks_class, 0, "", asks},
    {&bottlenecks_class, 0, "", frames_asks_hostile},
    {&autonomy_class, 0, "", asks},
    {&autonomy_class, 0, "", frames_asks_hostile},
    {&audit_class, 0, "", audit},
    {&audit_class, 0, "", audit_broken},
    {&audit_class, 0, "", audit_checking},
    {&audit_row_class, 1202, "", audit},
    {&setup_class, 0, "", nothing},
    {NULL, 0, NULL, NULL},
};
/* clang-format on */

size_t scenes_count(void)
{
    return ARRAY_LEN(scenes) - 1;
}

struct view *scene_open(const struct scene *scene, const struct frame *frame, int w,
                        int h, bool is_ascii)
{
    struct view *view = scene->klass->open(scene->id, scene->arg);
    view->klass = scene->klass;
    view->w = w;
    view->h = h;
    view->now = frames_now();
    view->is_ascii = is_ascii;
    view->id = scene->id;
    (void)snprintf(view->arg, sizeof view->arg, "%s", scene->arg);
    struct reply reply;
    reply_init(&reply);
    if (scene->klass->on_frame != NULL && frame != NULL) {
        scene->klass->on_frame(view, frame, &reply);
    }
    reply_fini(&reply);
    return view;
}
