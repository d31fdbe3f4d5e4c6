/* SPDX-License-Identifier: MIT */

/* What is kept over a restart: odds as rows, the rest as one blob of numbers, the same on every
 * machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/decision/blob.h"
#include "engine/decision/decide_private.h"

#define FORMAT 1

size_t decide_changed(struct decide *decide, struct arena *arena,
                      const struct odds_row **ret_rows)
{
    size_t n = 0;
    for (size_t i = 0; i < decide->arms.n; i++) {
        n += decide->arms.rows[i].is_changed;
    }
    struct odds_row *rows = arena_array(arena, n + 1, sizeof(*rows));
    n = 0;
    for (size_t i = 0; i < decide->arms.n; i++) {
        struct decide_arm *arm = &decide->arms.rows[i];
        if (!arm->is_changed) {
            continue;
        }
        arm->is_changed = false;
        rows[n] = (struct odds_row){
            .key = arena_str(arena, arm->key),
            .rung = arena_str(arena, arm->option),
            .alpha = arm->passed,
            .beta = arm->failed,
            .low = arm->low,
            .mean = arm->mean,
            .high = arm->high,
            .trials = decide_arm_trials(arm),
            .n = arm->n,
            .n_passed = arm->n_passed,
            .cost_s = arm->cost_s,
            .recent = arm->recent,
            .n_recent = arm->n_recent,
            .updated_at = arm->updated_at,
            .is_demoted = arm->is_demoted,
            .is_killed = arm->is_killed,
        };
        n++;
    }
    *ret_rows = rows;
    return n;
}

static double positive(double x)
{
    return x > 0 && x < 1e9 ? x : 0;
}

void decide_restore(struct decide *decide, const struct odds_row *row)
{
    struct decide_arm *arm = decide_arm_make(&decide->arms, row->key, row->rung);
    arm->passed = positive(row->alpha);
    arm->failed = positive(row->beta);
    arm->low = row->low;
    arm->mean = row->mean;
    arm->high = row->high;
    arm->cost_s = row->cost_s;
    arm->n = row->n < 0 ? 0 : row->n;
    arm->n_passed = row->n_passed < 0 ? 0 : row->n_passed;
    arm->recent = row->recent;
    arm->n_recent = row->n_recent < 0 ? 0 : row->n_recent > 64 ? 64 : row->n_recent;
    arm->updated_at = row->updated_at;
    arm->is_demoted = row->is_demoted;
    arm->is_killed = row->is_killed;
    arm->is_changed = false;
}

/* ---- the blob ---- */

#define N_LOSSES (DECIDE_LEVELS * DECIDE_WEIGHTS) /* of one kind of decision */

static void save_records(const struct decide *decide, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < DECIDE_RECORDS; i++) {
        n += decide->records[i].hash != 0;
    }
    blob_put_count(out, n);
    for (size_t i = 0; i < DECIDE_RECORDS; i++) {
        const struct decide_record *record = &decide->records[i];
        if (record->hash != 0) {
            blob_put_count(out, i);
            blob_put_count(out, record->hash);
            blob_put_count(out, varint_fold(record->used_ms));
            blob_put_number(out, record->n);
            blob_put_number(out, record->gain);
            blob_put_number(out, record->square);
        }
    }
}

static void save_asked(const struct decide *decide, struct buf *out)
{
    blob_put_count(out, decide->settings.open_cases);
    blob_put_count(out, decide->n_asked);
    for (size_t i = 0; i < decide->settings.open_cases; i++) {
        const struct decide_asked *asked = &decide->asked[i];
        blob_put_count(out, asked->id);
        if (asked->id != 0) {
            blob_put_count(out, asked->rules);
            blob_put_count(out, asked->learned);
            blob_put_number(out, asked->value_of_rules);
            blob_put_number(out, asked->value_of_learned);
        }
    }
}

void decide_save(const struct decide *decide, struct buf *out)
{
    blob_put_count(out, FORMAT);
    blob_put_count(out, DECISION_KIND_COUNT);
    for (int i = 0; i < DECISION_KIND_COUNT; i++) {
        for (int j = 0; j < N_LOSSES; j++) {
            const struct decide_shrink *shrink = &decide->shrink[i][j / DECIDE_WEIGHTS];
            blob_put_number(out, shrink->loss[j % DECIDE_WEIGHTS]);
        }
    }
    save_records(decide, out);
    save_asked(decide, out);
    outlook_save(decide->outlook, out);
}

/* ---- back: nothing is taken over unless all of it is good ---- */

static void load_records(struct blob_reader *reader, struct decide_record *into)
{
    uint64_t n = blob_count_to(reader, DECIDE_RECORDS);
    for (uint64_t i = 0; i < n && !reader->is_bad; i++) {
        struct decide_record *record = &into[blob_count_to(reader, DECIDE_RECORDS - 1)];
        record->hash = blob_count(reader);
        record->used_ms = varint_unfold(blob_count(reader));
        record->n = blob_number(reader);
        record->gain = blob_number(reader);
        record->square = blob_number(reader);
        reader->is_bad = reader->is_bad || record->n < 0;
    }
}

static void load_asked(struct blob_reader *reader, struct decide_asked *into, size_t n)
{
    for (size_t i = 0; i < n && !reader->is_bad; i++) {
        into[i].id = blob_count(reader);
        if (into[i].id != 0) {
            into[i].rules = blob_count(reader);
            into[i].learned = blob_count(reader);
            into[i].value_of_rules = blob_number(reader);
            into[i].value_of_learned = blob_number(reader);
        }
    }
}

bool decide_load(struct decide *decide, const void *data, size_t len)
{
    struct blob_reader reader = {data, len, false};
    size_t n_asked = decide->settings.open_cases;
    AUTO_FREE struct decide *read = mem_alloc(sizeof(*read));
    AUTO_FREE struct decide_asked *asked = mem_array(n_asked, sizeof(*asked));
    /* A later program may know more kinds of decisions, this one no fewer. */
    bool is_ours = blob_count(&reader) == FORMAT;
    uint64_t n_kinds = blob_count_to(&reader, DECISION_KIND_COUNT);
    for (uint64_t i = 0; is_ours && i < n_kinds * N_LOSSES; i++) {
        struct decide_shrink *kind = read->shrink[i / N_LOSSES];
        kind[i / DECIDE_WEIGHTS % DECIDE_LEVELS].loss[i % DECIDE_WEIGHTS] =
            blob_number(&reader);
    }
    load_records(&reader, read->records);
    is_ours = is_ours && blob_count(&reader) == n_asked;
    read->n_asked = blob_count(&reader);
    if (is_ours) {
        load_asked(&reader, asked, n_asked);
    }
    if (!is_ours || reader.is_bad ||
        !outlook_load(decide->outlook, reader.at, reader.left)) {
        return false;
    }
    memcpy(decide->shrink, read->shrink, sizeof(decide->shrink));
    memcpy(decide->records, read->records, sizeof(decide->records));
    memcpy(decide->asked, asked, n_asked * sizeof(*asked));
    decide->n_asked = read->n_asked;
    return true;
}
