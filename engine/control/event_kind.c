/* SPDX-License-Identifier: MIT */
#include "engine/control/event_kind.h"

#include <string.h>

#include "engine/base/compiler.h"
#include "engine/control/verb.h"
#include "engine/workflow/machine.h"
#include "engine/workflow/merged.h"
#include "store/model.h"

static const char *const kinds[] = {
#define X(id, name, from, help) name,
    EVENT_LIST(X)
#undef X
#define X(id, word, help) ("breaker-" word),
        BREAKER_LIST(X)
#undef X
            "breaker-would-open",
    "fallback",
    "fallback-end",
    "service-probe", /* desk.h */
    "engine-start",
    "engine-stop",
    "listener-start",
    "listener-failed",
    "log-failed",
    "reconciled",
    "merged-before",
    "thread-silent",
    "thread-heard",
    "restart-begun",
    "restart-passed",
    "restart-failed",
    "anomaly-opened",
    "anomaly-changed",
    "anomaly-closed",
    "incident-opened",
    "incident-changed",
    "incident-inhibited",
    "incident-closed",
    "silence-ending",
    "silence-ended",
    "failure-recovered",
    "recovery-begun",
    "recovery-asked",
    "recovery-observed",
    "recovery-inconclusive",
    "problem-opened",
    "problem-closed",
    "proactive-begin",
    "proactive-observed",
    "proactive-end",
    "admission",
    "admission-suggested",
    "audit-broken",
    "audit-file-failed",
    "approval-asked",
    "approval-drifted",
    "approval-expiring",
    "approval-expired",
    "approval-withdrawn",
    "approval-given",
    "approval-refused",
    "approval-vote",
    "autonomy-over",
    "halted",
    "released",
    "tuned",
    "tuned-back",
    "optimization-proposed",
    "guard-begun",
    "guard-kept",
    "guard-taken-back",
    "guard-unclear",
    "scale-begun",
    "scale-passed",
    "scale-failed",
};

const char *event_kind(size_t index)
{
    if (index < ARRAY_LEN(kinds)) {
        return kinds[index];
    }
    index -= ARRAY_LEN(kinds);
    size_t n_merged = 0;
    for (; merged_kind(n_merged) != NULL; n_merged++) {
        if (n_merged == index) {
            return merged_kind(index);
        }
    }
    index -= n_merged;
    return index < n_verbs ? verbs[index].name : NULL;
}

bool event_kind_is_known(const char *kind)
{
    for (size_t i = 0; event_kind(i) != NULL; i++) {
        if (strcmp(event_kind(i), kind) == 0) {
            return strcmp(kind, event_name(EV_NONE)) != 0;
        }
    }
    return false;
}
