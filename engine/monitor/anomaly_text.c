/* SPDX-License-Identifier: MIT */

/* Type, severity, words and advice. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "engine/base/text.h"
#include "engine/monitor/anomaly_private.h"
#include "engine/monitor/reading.h"

#define HIGH_PEAK   5.5 /* digits of rarity */
#define MEDIUM_PEAK 3.5
#define LONG_MS     (60 * 60 * 1000)

enum anomaly_type anomaly_type_of(enum detect_kind kind)
{
    static const enum anomaly_type types[DETECT_KIND_COUNT] = {
        [DETECT_NONE] = ANOMALY_RARE,         [DETECT_SPIKE] = ANOMALY_SPIKE,
        [DETECT_SHIFT] = ANOMALY_LEVEL_SHIFT, [DETECT_SILENCE] = ANOMALY_SILENCE,
        [DETECT_NOISE] = ANOMALY_VARIANCE,    [DETECT_FLAT] = ANOMALY_SILENCE,
        [DETECT_DRIFT] = ANOMALY_DRIFT,       [DETECT_SEASON] = ANOMALY_SEASONAL,
        [DETECT_RARE] = ANOMALY_RARE,
    };
    return types[kind];
}

/* ---- what a metric means --------------------------------------------------------------- */

/* Which way is bad, and what helps. The first row that fits counts. */
enum direction { BOTH, MORE, LESS };
static const struct {
    const char *metric; /* glob over the name */
    enum direction bad;
    const char *actions[2];
} metrics[] = {
    {"*success*",
     LESS,                    {"look at what failed last: signalbox list --state FAILED",
      "pause what is new until the cause is known: signalbox pause"}                              },
    {"*disk*",
     MORE,                    {"make room on the disk, or shorten logs.keep and history.keep",
      "see what grows with signalbox metrics"}                                                    },
    {"*inode*",         MORE, {"remove small files, old work trees first", NULL}                            },
    {"*quota*",
     LESS,                    {"lower the number of workflows that run at once",
      "ask for a higher quota, or name a second service in the chain"}                            },
    {"*memory*",
     MORE,                    {"lower max_running, or give the host more memory",
      "look for the step that takes it: signalbox show"}                                          },
    {"*pressure*",      MORE, {"lower max_running until the host keeps up", NULL}                           },
    {"*fd*",            MORE, {"raise the limit of open files (LimitNOFILE=)", NULL}                        },
    {"*cpu*",           MORE, {"lower max_running, or add a host", NULL}                                    },
    {"*load*",          MORE, {"lower max_running, or add a host", NULL}                                    },
    {"*utilization*",   MORE, {"raise the limit that is reached, or lower the load", NULL}                  },
    {"*queue*",
     MORE,                    {"look at what waits and why: signalbox list --state IDLE",
      "raise max_running if the host has room"}                                                   },
    {"*latency*",
     MORE,                    {"look at the service and its last errors: signalbox services NAME",
      "let a backup of its chain stand in"}                                                       },
    {"*error*",
     MORE,                    {"read the last errors: signalbox services NAME, signalbox log ID", NULL}     },
    {"*fail*",          MORE, {"look at what failed last: signalbox list --state FAILED", NULL}             },
    {"*breaker*",
     MORE,                    {"look at the service: signalbox services NAME; work goes on by itself", NULL}},
    {"*slow*",          MORE, {"look at the service: signalbox services NAME", NULL}                        },
    {"*throughput*",    LESS, {"look for the state in which work waits", NULL}                              },
    {"*time_in_state*", MORE, {"look at the oldest workflow of that state", NULL}                           },
    {"*seconds*",       MORE, {"compare with the step's log of a usual day", NULL}                          },
    {"*rejected*",      MORE, {"read the reasons of the rejections", NULL}                                  },
    {"*override*",      MORE, {"read what operators overruled, and why", NULL}                              },
    {"*revert*",        MORE, {"look at what was reverted, and which check missed it", NULL}                },
    {"*",               BOTH, {NULL, NULL}                                                                  },
};

static const char *const by_type[ANOMALY_TYPE_COUNT] = {
    [ANOMALY_LEVEL_SHIFT] = "look for what changed at that time: a deploy, a setting",
    [ANOMALY_SPIKE] = "look at what ran at that moment",
    [ANOMALY_SILENCE] = "see whether its source still runs and can be reached",
    [ANOMALY_VARIANCE] = "look for two things that take turns, or a cache that misses",
    [ANOMALY_DRIFT] = "look for what grows and is never given back",
    [ANOMALY_SEASONAL] = "compare with the same hour of other weeks",
    [ANOMALY_RARE] = "read the log around that moment",
    [ANOMALY_DEGRADATION] = "look at what failed last: signalbox list --state FAILED",
    [ANOMALY_EXHAUSTION] = "make room now; work will stand when the limit is reached",
    [ANOMALY_RULE] = "see the rule in the configuration for what it means",
    [ANOMALY_FORECAST] = "plan more room before that day: signalbox forecast",
};

static size_t row_of(const char *name)
{
    char metric[ANOMALY_NAME_MAX];
    size_t i = 0;
    snprintf(metric, sizeof(metric), "%.*s", (int)strcspn(name, "{"), name);
    while (i + 1 < ARRAY_LEN(metrics) && !rule_glob(metrics[i].metric, metric)) {
        i++;
    }
    return i;
}

/* The table of metrics knows its own; of one from outside its name tells. */
static enum direction direction_of(const char *name)
{
    static const enum direction directions[] = {
        [BAD_BOTH] = BOTH, [BAD_HIGH] = MORE, [BAD_LOW] = LESS};
    char metric[ANOMALY_NAME_MAX];
    enum metric_id id;
    snprintf(metric, sizeof(metric), "%.*s", (int)strcspn(name, "{"), name);
    return metric_find(metric, &id) ? directions[metric_get(id).bad]
                                    : metrics[row_of(name)].bad;
}

size_t anomaly_actions(const char *name, enum anomaly_type type,
                       const char *ret_actions[ANOMALY_ACTIONS_MAX])
{
    size_t n = 0, row = row_of(name);
    for (size_t i = 0; i < ARRAY_LEN(metrics[row].actions); i++) {
        if (metrics[row].actions[i] != NULL) {
            ret_actions[n++] = metrics[row].actions[i];
        }
    }
    if (n == 0 || strcmp(ret_actions[0], by_type[type]) != 0) {
        ret_actions[n++] = by_type[type];
    }
    return n;
}

/* ---- severity -------------------------------------------------------------------------- */

static bool is_good_news(const struct entry *entry)
{
    enum direction bad = direction_of(entry->name);
    return (bad == MORE && entry->value < entry->low) ||
           (bad == LESS && entry->value > entry->high);
}

enum severity anomaly_severity(const struct entry *entry, const struct rule_set *set,
                               struct wall now)
{
    if (entry->rule != ANOMALY_NO_RULE) {
        return (size_t)entry->rule < set->n
                   ? (enum severity)set->rules[entry->rule].severity
                   : (enum severity)entry->severity;
    }
    int severity = entry->peak >= HIGH_PEAK     ? SEVERITY_HIGH
                   : entry->peak >= MEDIUM_PEAK ? SEVERITY_MEDIUM
                                                : SEVERITY_LOW;
    bool is_scraped = strncmp(entry->place, "scrape:", 7) == 0;
    if (entry->type == ANOMALY_SILENCE && severity < SEVERITY_MEDIUM) {
        severity = SEVERITY_MEDIUM;
    }
    if (entry->closed_by == CLOSED_NOT && now.ms - entry->began_ms > LONG_MS &&
        now.ms - entry->seen_ms < LONG_MS && severity < SEVERITY_HIGH) {
        severity++;
    }
    if (is_scraped && severity > SEVERITY_MEDIUM) {
        severity = SEVERITY_MEDIUM; /* from outside: nobody said what it means */
    }
    return is_good_news(entry) ? SEVERITY_INFO : (enum severity)severity;
}

/* ---- words ----------------------------------------------------------------------------- */

int32_t anomaly_shape(double value, double low, double high)
{
    if (!isfinite(value) || !isfinite(low) || !isfinite(high)) {
        return 0;
    }
    double width = (high - low) / 2, middle = (high + low) / 2;
    double off = fabs(value - middle) / (width > 0 ? width : 1e-9 + fabs(middle) * 0.01);
    int size = off < 1 ? 1 : off > 1e6 ? 21 : 1 + (int)log2(off);
    return value < middle ? -size : size;
}

static const char *band_of(const struct entry *entry, char *out, size_t cap)
{
    char low[READING_MAX], high[READING_MAX];
    if (!isfinite(entry->low) || !isfinite(entry->high)) {
        out[0] = '\0';
        return out;
    }
    snprintf(out, cap, ", expected %s to %s",
             reading_format(entry->name, entry->low, low),
             reading_format(entry->name, entry->high, high));
    return out;
}

void anomaly_describe(struct entry *entry)
{
    char value[READING_MAX], band[96], text[2 * ANOMALY_TEXT_MAX];
    if (entry->rule != ANOMALY_NO_RULE) {
        return;
    }
    if (!isfinite(entry->value)) {
        snprintf(text, sizeof(text), "%s: no value comes any more", entry->name);
    } else {
        snprintf(text, sizeof(text), "%s is %s%s: %s", entry->name,
                 reading_format(entry->name, entry->value, value),
                 band_of(entry, band, sizeof(band)),
                 anomaly_help((enum anomaly_type)entry->type));
    }
    text_clean_into(entry->text, sizeof(entry->text), text);
}
