/* SPDX-License-Identifier: MIT */

/*
 * What is coming, for who can do something about it beforehand: breakers that will open, and limits
 * that are reached or will be. What is nearly full is a fact; the rest is a prediction, and says
 * whether its scorecard is trusted.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/control/message.h"
#include "engine/monitor/monitor_private.h"
#include "engine/predict/capacity.h"

#define DAY_MS     86400000.0
#define NEAR_FULL  0.03 /* below `full`: neither full nor safe */
#define NEWEST_MS  600000
#define OUTLOOK_MS 1800000 /* several rounds of monitor_level */
#define BATCH_MAX  128

/* Levels that something can be done about. Of `limit_used_ratio` nothing is here: that max_running is
 * used up is what it is for. */
static const struct watch {
    enum metric_id metric;
    enum omen_kind kind;
    double full; /* as in the built-in rules */
    const char *name;
} watches[] = {
    {METRIC_DISK_USED,    OMEN_DISK, 0.90, "disk"               },
    {METRIC_DISK_INODES,  OMEN_DISK, 0.90, "inodes"             },
    {METRIC_HOST_MEMORY,  OMEN_LOAD, 0.95, "memory"             },
    {METRIC_GROUP_MEMORY, OMEN_LOAD, 0.90, "cgroup memory"      },
    {METRIC_GROUP_TASKS,  OMEN_LOAD, 0.90, "cgroup tasks"       },
    {METRIC_ENGINE_FILES, OMEN_LOAD, 0.80, "files of the engine"},
    {METRIC_HOST_FILES,   OMEN_LOAD, 0.90, "files of the host"  },
};

static const struct watch *watch_of(const struct series_info *info)
{
    for (size_t i = 0; i < ARRAY_LEN(watches); i++) {
        if (watches[i].metric == info->metric) {
            return &watches[i];
        }
    }
    return NULL;
}

static struct outlook *find_outlook(struct monitor *monitor, int32_t series)
{
    for (size_t i = 0; i < monitor->n_outlooks; i++) {
        if (monitor->outlooks[i].series == series) {
            return &monitor->outlooks[i];
        }
    }
    return NULL;
}

void monitor_keep_outlook(struct monitor *monitor, int32_t series, struct wall now,
                          const struct capacity_answer *answer)
{
    struct outlook *outlook = find_outlook(monitor, series);
    if (outlook == NULL && (watch_of(series_get(monitor->series, series)) == NULL ||
                            monitor->n_outlooks == OUTLOOKS_MAX)) {
        return;
    }
    outlook = outlook != NULL ? outlook : &monitor->outlooks[monitor->n_outlooks++];
    *outlook = (struct outlook){.series = series, .made = now};
    if (isfinite(answer->at) && answer->p_within >= 0 && answer->p_within <= 1) {
        outlook->p = answer->p_within;
        outlook->at.ms = now.ms + (int64_t)(fmax(answer->at, 0) * DAY_MS);
    }
}

static struct omen *add(struct omen_batch *batch)
{
    return batch->n < BATCH_MAX ? &batch->omens[batch->n++] : NULL;
}

static void add_level(struct monitor *monitor, struct omen_batch *batch, int32_t series,
                      const struct watch *watch, struct wall now)
{
    const struct series_info *info = series_get(monitor->series, series);
    const struct outlook *outlook = find_outlook(monitor, series);
    struct wall at;
    double value;
    if (!series_newest(monitor->series, series, &at, &value) ||
        now.ms - at.ms > NEWEST_MS || !isfinite(value)) {
        return;
    }
    struct omen *omen = add(batch);
    if (omen == NULL) {
        return;
    }
    *omen = (struct omen){.kind = watch->kind,
                          .subject = arena_printf(batch->arena, "%s%s%s", watch->name,
                                                  info->labels[0] != '\0' ? ":" : "",
                                                  info->labels)};
    if (value >= watch->full - NEAR_FULL) {
        omen->is_measured = true;
        omen->p = value >= watch->full ? 1 : 0.5;
        omen->text = arena_printf(batch->arena, "used to %.1f %%", value * 100);
    } else if (outlook != NULL && now.ms - outlook->made.ms <= OUTLOOK_MS) {
        omen->p = outlook->p;
        omen->due = outlook->at;
        omen->is_trusted = scorecard_is_trusted(monitor_scorecard(monitor, MODEL_LEVEL));
        omen->text =
            arena_printf(batch->arena, "used to %.1f %%, and growing", value * 100);
    } else {
        omen->is_measured = true;
        omen->text = "far from its limit";
    }
}

/* A service whose breaker is not closed has no prediction: nothing is coming any more. */
static void add_service(struct monitor *monitor, struct omen_batch *batch,
                        const char *name, struct wall now)
{
    const struct scorecard *card = monitor_scorecard(monitor, MODEL_SERVICE);
    int64_t key = (int64_t)(failure_hash(name) >> 1);
    const struct pending *pending = monitor_find_pending(monitor, MODEL_SERVICE, 0, key);
    struct omen *omen = add(batch);
    if (omen == NULL) {
        return;
    }
    *omen = (struct omen){.kind = OMEN_OUTAGE,
                          .subject = arena_printf(batch->arena, "service:%s", name),
                          .text = model_words(MODEL_SERVICE)};
    if (pending != NULL && pending->due.ms > now.ms && !(pending->since > 0)) {
        omen->p = pending->p;
        omen->due = pending->due;
        omen->is_trusted = scorecard_is_trusted(card);
        omen->text = arena_printf(batch->arena, "%s: skill %.2f over the last %d",
                                  model_words(MODEL_SERVICE),
                                  scorecard_recent(card).skill, SCORECARD_RECENT);
    }
}

/* Fresh credentials end later: then the next word of it is not due. */
static void add_credential(struct omen_batch *batch, const struct watched *watched)
{
    struct omen *omen = wall_is_set(watched->token_end) ? add(batch) : NULL;
    char at[CLOCK_TEXT_MAX];
    if (omen != NULL) {
        *omen = (struct omen){
            .kind = OMEN_EXPIRY,
            .subject = arena_printf(batch->arena, "credential:%s", watched->name),
            .text = arena_printf(batch->arena, "the service says it ends at %s",
                                 wall_format(watched->token_end, false, at)),
            .p = 1,
            .is_measured = true,
            .due = watched->token_end};
    }
}

struct omen_batch *monitor_omens(struct monitor *monitor, struct wall now)
{
    struct omen_batch *batch = mem_alloc(sizeof(*batch));
    batch->arena = arena_new();
    batch->omens = arena_array(batch->arena, BATCH_MAX, sizeof(*batch->omens));
    for (size_t i = 0; i < monitor->n_watched; i++) {
        add_service(monitor, batch, monitor->watched[i].name, now);
        add_credential(batch, &monitor->watched[i]);
    }
    for (int32_t id = 0; id < series_count(monitor->series); id++) {
        const struct watch *watch = watch_of(series_get(monitor->series, id));
        if (watch != NULL) {
            add_level(monitor, batch, id, watch, now);
        }
    }
    if (batch->n == 0) {
        omen_batch_free(batch);
        return NULL;
    }
    return batch;
}
