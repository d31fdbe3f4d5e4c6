/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_RULE_PRIVATE_H
#define SIGNALBOX_MONITOR_RULE_PRIVATE_H

/* Rule, private: what rule*.c share. */

#include "engine/monitor/rule.h"

#define RULE_KEY_MAX 64 /* of a label, with the NUL */

/* A built-in rule; texts are literals. Ends with a NULL name. */
struct rule_row {
    const char *name, *metric, *label; /* label: one matcher or "" */
    enum rule_of of;
    int64_t over_s;
    enum rule_condition condition;
    double limit, resolve;
    int64_t hold_s;
    enum severity severity;
    enum anomaly_type type;
    const char *summary;
};
extern const struct rule_row rule_rows[];

/* Bytes of the placeholder at text ("{value}"), 0 = none. */
size_t rule_placeholder(const char *text);

#endif
