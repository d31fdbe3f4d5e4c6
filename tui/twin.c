/* SPDX-License-Identifier: MIT */
#include "tui/twin.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
const struct twin twins[] = {
    {"overview",      "status",            ""},
    {"workflows",     "list",              ""},
    {"workflow",      "show",              "ID"},
    {"log",           "log",               "ID"},
    {"diff",          "show --diff",       "ID"},
    {"context",       "show",              "ID"},
    {"history",       "events --workflow", "ID"},
    {"submit",        "submit",            "PIPELINE"},
    {"engine",        "status",            ""},
    {"services",      "services",          ""},
    {"service",       "services",          "NAME"},
    {"deliveries",    "deliveries",        ""},
    {"delivery",      "deliveries",        "N"},
    {"trace",         "trace",             "ID"},
    {"health",        "health",            ""},
    {"incidents",     "incidents",         ""},
    {"incident",      "incidents",         "ID"},
    {"handoff",       "handoff",           ""},
    {"outlook",       "health",            ""},
    {"metrics",       "metrics",           ""},
    {"metric",        "metrics",           "NAME"},
    {"failures",      "failures",          ""},
    {"why",           "why",               "ID"},
    {"strategies",    "strategies",        ""},
    {"decisions",     "decisions",         ""},
    {"approvals",     "approvals",         ""},
    {"approval",      "approvals",         "ID"},
    {"optimizations", "optimizations",     ""},
    {"optimization",  "optimizations",     "ID"},
    {"bottlenecks",   "bottlenecks",       ""},
    {"autonomy",      "autonomy",          ""},
    {"audit",         "audit",             ""},
    {"audit-row",     "audit",             "N"},
    {"setup",         "init --print",      ""},
    {0},
};
/* clang-format on */

const struct twin *twin_find(const char *view)
{
    for (const struct twin *twin = twins; twin->view != NULL; twin++) {
        if (strcmp(twin->view, view) == 0) {
            return twin;
        }
    }
    return NULL;
}
