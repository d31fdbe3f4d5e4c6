/* SPDX-License-Identifier: MIT */

/* What is kept over a restart: odds as rows, the rest as one blob of numbers, the same on every
 * machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/varint.h"
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
        rows[n++] = (struct odds_row){
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

static void put_number(struct buf *out, double number)
{
    uint8_t bytes[8];
    (void)buf_add(out, bytes, double_put(bytes, number));
}
static void put_count(struct buf *out, uint64_t number)
{
    uint8_t bytes[VARINT_MAX];
    (void)buf_add(out, bytes, varint_put(bytes, number));
}

void decide_save(const struct decide *decide, struct buf *out)
{
    size_t n = 0;
    put_count(out, FORMAT);
    put_count(out, (uint64_t)DECISION_KIND_COUNT * DECIDE_LEVELS * DECIDE_WEIGHTS);
    for (int i = 0; i < DECISION_KIND_COUNT; i++) {
        for (int j = 0; j < DECIDE_LEVELS * DECIDE_WEIGHTS; j++) {
            put_number(out,
                       decide->shrink[i][j / DECIDE_WEIGHTS].loss[j % DECIDE_WEIGHTS]);
        }
    }
    for (size_t i = 0; i < DECIDE_RECORDS; i++) {
        n += decide->records[i].hash != 0;
    }
    put_count(out, n);
    for (size_t i = 0; i < DECIDE_RECORDS; i++) {
        const struct decide_record *record = &decide->records[i];
        if (record->hash != 0) {
            put_count(out, i);
            put_count(out, record->hash);
            put_count(out, varint_fold(record->used_ms));
            put_number(out, record->n);
            put_number(out, record->gain);
            put_number(out, record->square);
        }
    }
}

/* ---- reading: nothing is taken over unless all of it is good ---- */

struct reader_at {
    const uint8_t *at;
    size_t left;
    bool is_bad;
};

static uint64_t get_count(struct reader_at *reader)
{
    uint64_t number = 0;
    size_t used = varint_get(reader->at, reader->left, &number);
    reader->is_bad = reader->is_bad || used == 0;
    reader->at += used;
    reader->left -= used;
    return number;
}

static double get_number(struct reader_at *reader)
{
    if (reader->left < 8) {
        reader->is_bad = true;
        return 0;
    }
    double number = double_get(reader->at);
    reader->at += 8;
    reader->left -= 8;
    reader->is_bad = reader->is_bad || !isfinite(number);
    return number;
}

static void read_records(struct reader_at *reader, struct decide *into)
{
    uint64_t n = get_count(reader);
    for (uint64_t i = 0; i < n && !reader->is_bad; i++) {
        uint64_t place = get_count(reader);
        struct decide_record record = {0};
        record.hash = get_count(reader);
        record.used_ms = varint_unfold(get_count(reader));
        record.n = get_number(reader);
        record.gain = get_number(reader);
        record.square = get_number(reader);
        if (place >= DECIDE_RECORDS || record.n < 0) {
            reader->is_bad = true;
        } else {
            into->records[place] = record;
        }
    }
}

bool decide_load(struct decide *decide, const void *data, size_t len)
{
    struct reader_at reader = {data, len, false};
    AUTO_FREE struct decide *read = mem_alloc(sizeof(*read));
    uint64_t format = get_count(&reader), n = get_count(&reader);
    /* A later program may know more kinds of decisions: what is here is all there was. */
    if (reader.is_bad || format != FORMAT || n % (DECIDE_LEVELS * DECIDE_WEIGHTS) != 0 ||
        n / (DECIDE_LEVELS * DECIDE_WEIGHTS) > DECISION_KIND_COUNT) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t kind = i / (DECIDE_LEVELS * DECIDE_WEIGHTS);
        uint64_t level = i / DECIDE_WEIGHTS % DECIDE_LEVELS;
        read->shrink[kind][level].loss[i % DECIDE_WEIGHTS] = get_number(&reader);
    }
    read_records(&reader, read);
    if (reader.is_bad || reader.left != 0) {
        return false;
    }
    memcpy(decide->shrink, read->shrink, sizeof(decide->shrink));
    memcpy(decide->records, read->records, sizeof(decide->records));
    return true;
}
