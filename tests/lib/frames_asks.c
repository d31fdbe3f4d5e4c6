/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/lib/asks.h"
#include "tests/lib/frames.h"

static const struct frame_approvals *make_queue(struct arena *arena,
                                                const struct asks *asks)
{
    struct frame_approvals *data = arena_alloc(arena, sizeof *data);
    const char **whys = arena_array(arena, asks->n_waiting, sizeof *whys);
    for (size_t i = 0; i < asks->n_waiting; i++) {
        struct card card;
        card_parse(arena, asks->approvals[i].card, &card);
        whys[i] = card.why.n > 0 ? card.why.texts[0] : "";
    }
    *data = (struct frame_approvals){
        .rows = asks->approvals, .whys = whys, .n = asks->n_waiting};
    return data;
}

static const struct frame_approval *make_approval(struct arena *arena,
                                                  const struct asks *asks, int64_t id)
{
    struct frame_approval *data = arena_alloc(arena, sizeof *data);
    data->id = id;
    data->is_missing = true;
    for (size_t i = 0; i < asks->n_approvals; i++)
        if (asks->approvals[i].id == id) {
            data->row = asks->approvals[i];
            data->is_missing = false;
            card_parse(arena, data->row.card, &data->card);
        }
    return data;
}

static const struct frame_optimization *
make_optimization(struct arena *arena, const struct asks *asks, int64_t id)
{
    struct frame_optimization *data = arena_alloc(arena, sizeof *data);
    data->id = id;
    data->is_missing = true;
    for (size_t i = 0; i < asks->n_optimizations; i++)
        if (asks->optimizations[i].id == id) {
            data->row = asks->optimizations[i];
            data->is_missing = false;
            card_parse(arena, data->row.evidence, &data->card);
        }
    return data;
}

static const struct frame_insight *make_insight(struct arena *arena)
{
    static const struct insight_bottleneck bottlenecks[] = {
        {{BOTTLENECK_STEP, 1, 0, .41, 15.2, 9.8, 2.5, .12, {31, 28, 35}, 1832},
         "step agent"            },
        {{BOTTLENECK_HUMAN, 0, 0, .23, 44.1, 1.9, 1.4, 0, {97, 92, 112}, 358},
         "waiting for a person"  },
        {{BOTTLENECK_STEP, 2, 0, .17, 6.3, 9.7, 1.0, .31, {12, 11, 13}, 1811},
         "step unit tests"       },
        {{BOTTLENECK_SLOT, 0, 0, .11, 3.9, 10.1, .7, 0, {9, 7, 11}, 1890},
         "waiting for a slot"    },
        {{BOTTLENECK_LINE, 3, 0, .05, 2.1, 8.8, .3, 0, {5, 4, 6}, 1640},
         "in line at codegen_api"},
        {{BOTTLENECK_RETRY, 0, 0, .02, 4.2, 1.0, .1, 1, {8, 6, 9}, 190},
         "pauses before retries" },
        {{BOTTLENECK_ENGINE, 0, 0, .01, .1, 9.9, 0, 0, {.2, .1, .3}, 1850},
         "between steps"         },
    };
    static const struct insight_pattern patterns[] = {
        {{2,
          {{FACTOR_AGENT, 1}, {FACTOR_SIZE, 3}},
          132,
          {.61, .54, .68},
          .83,
          .75,
          .0004},
         SUCCESS_COMPLETED, "agent codegen_eu, largest quarter of changes"},
        {{1, {{FACTOR_HOUR, 1}}, 410, {.91, .88, .93}, .79, 1.12, .002},
         SUCCESS_COMPLETED, "06:00 to 12:00 UTC"                          },
        {{1, {{FACTOR_TROUBLE, 1}}, 240, {.7, .64, .75}, .86, .82, .01},
         SUCCESS_FIRST,     "trouble"                                     },
    };
    struct frame_insight *data = arena_alloc(arena, sizeof *data);
    const struct insight insight = {.n_runs = 1890,
                                    .n_all = 1890,
                                    .since = {frames_now().ms - INT64_C(30) * 86400000},
                                    .lead = 37.1,
                                    .at_once = 6.1,
                                    .bottlenecks = bottlenecks,
                                    .n_bottlenecks = ARRAY_LEN(bottlenecks),
                                    .patterns = patterns,
                                    .n_patterns = ARRAY_LEN(patterns)};
    data->n_read = data->n_all = 1890;
    data->data = insight_copy(arena, &insight);
    return data;
}

static void count(struct frame *frame, const struct asks *asks)
{
    for (size_t i = 0; i < asks->n_waiting; i++) {
        const struct approval_row *row = &asks->approvals[i];
        if (row->status == APPROVAL_SUGGESTED)
            frame->asks.n_suggested++;
        else if (row->snoozed_until.ms > frame->taken_at.ms)
            frame->asks.n_snoozed++;
        else
            frame->asks.n_open[row->risk]++;
    }
    for (size_t i = 0; i < asks->n_optimizations; i++)
        frame->asks.n_optimizations[asks->optimizations[i].status]++;
    frame->asks.next_expiry = asks->approvals[1].expires_at;
}

const struct frame *frames_asks(int64_t approval, int64_t optimization)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_busy();
    struct arena *arena = frame_arena(frame);
    struct asks asks = asks_make(arena, frames_now());
    struct frame_optimizations *optimizations = arena_alloc(arena, sizeof *optimizations);
    struct frame_autonomy *autonomy = arena_alloc(arena, sizeof *autonomy);
    *optimizations = (struct frame_optimizations){.rows = asks.optimizations,
                                                  .n = asks.n_optimizations};
    autonomy->levels = levels_list(arena, asks.levels, asks.n_levels, "", frames_now(),
                                   &autonomy->n_levels);
    autonomy->tunings = asks.tunings;
    autonomy->n_tunings = asks.n_tunings;
    frame->approvals = make_queue(arena, &asks);
    frame->approval = make_approval(arena, &asks, approval);
    frame->optimizations = optimizations;
    frame->optimization = make_optimization(arena, &asks, optimization);
    frame->autonomy = autonomy;
    frame->insight = make_insight(arena);
    count(frame, &asks);
    struct frame_overview *over = (struct frame_overview *)(uintptr_t)frame->overview;
    over->approvals = asks.approvals;
    over->n_approvals = asks.n_waiting - 2; /* none that is snoozed or only suggested */
    over->inconclusive = &asks.optimizations[2];
    over->n_inconclusive = 1;
    return frame;
}

#define HOSTILE                                                                          \
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m \xe2\x80\xae"                                    \
    "desrever \xff\xfe \twide \xe6\xbc\xa2 "                                             \
    "averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword"

const struct frame *frames_asks_hostile(void)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_asks(1187, 14);
    struct frame_approval *one = (struct frame_approval *)(uintptr_t)frame->approval;
    struct approval_row *rows = (struct approval_row *)(uintptr_t)frame->approvals->rows;
    rows[0].title = rows[0].target = rows[0].repo = rows[0].requester = HOSTILE;
    rows[0].id = one->id;
    rows[0].rule = rows[0].assignee = rows[0].claimed_by = HOSTILE;
    rows[0].effect = "{\"\\u001b[2J\":\"\\u202e\",\"a\":{\"b\":[1,{\"c\":null}]}}";
    rows[0].effect_before = "[]";
    rows[0].votes = "[7,{\"by\":\"\\u0007\"}]";
    rows[1].risk = (enum risk)99; /* of a newer program */
    rows[1].status = (enum approval_status)99;
    rows[1].action = (enum act)99;
    rows[1].on_expiry = (enum expiry)99;
    one->row = rows[0];
    card_parse(
        frame_arena(frame),
        "{\"why\":[\"\\u001b[31mred\",7,\"\"],\"undo\":[],\"evidence\":[3,{\"text\":"
        "\"\\u202e\",\"values\":[1e308,null,-5,\"x\"]}],\"change\":7,"
        "\"touches\":{\"repositories\":7,\"queued\":-1}}",
        &one->card);
    frame->halt = (struct halt_row){.is_on = true, .by = HOSTILE, .reason = HOSTILE};
    return frame;
}

const struct frame *frames_asks_none(void)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_busy();
    struct arena *arena = frame_arena(frame);
    struct frame_autonomy *autonomy = arena_alloc(arena, sizeof *autonomy);
    autonomy->levels = levels_list(arena, NULL, 0, "", frames_now(), &autonomy->n_levels);
    frame->autonomy = autonomy;
    frame->approvals = arena_alloc(arena, sizeof(struct frame_approvals));
    frame->optimizations = arena_alloc(arena, sizeof(struct frame_optimizations));
    frame->insight = arena_alloc(arena, sizeof(struct frame_insight));
    return frame;
}
