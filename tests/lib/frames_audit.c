/* SPDX-License-Identifier: MIT */
#include "tests/lib/frames.h"
#include "tui/audit_text.h"

static struct wall ago(int64_t ms)
{
    return (struct wall){frames_now().ms - ms};
}

/* clang-format off */
static const struct {
    int64_t ago;
    const char *actor, *role, *origin, *act, *subject, *outcome, *detail;
} rows[] = {
    {4000, "engine", "", "engine", "merge", "wf-2207", "passed",
     "{\"effect\":\"wf-2207.31\",\"name\":\"merge\",\"provider\":\"local\","
     "\"text\":\"merged as 9c3f0f1b9a\","
     "\"params\":{\"bytes\":214,\"sha256\":\"5d1c0c2c8a9cf0a6a3b1c5a2f4de9b2ef0aa7d64\"}}"},
    {5000, "engine", "", "engine", "merge", "wf-2207", "asked", "{\"effect\":\"wf-2207.31\"}"},
    {9000, "ada", "approver", "console", "approve", "wf-2207", "done",
     "{\"command\":812,\"reason\":\"the price list is right\",\"answer\":\"wf-2207 is VALIDATING\","
     "\"args\":{\"effect\":30}}"},
    {61000, "eve", "observer", "cli", "cancel", "wf-2204", "refused",
     "{\"command\":811,\"answer\":\"observer may not cancel\",\"args\":{}}"},
    {190000, "engine", "", "engine", "recovery", "wf-2199", "begun",
     "{\"recovery\":\"r-14\",\"rung\":\"fallback\",\"decider\":\"odds\","
     "\"reason\":\"grainchain does not answer\"}"},
    {260000, "engine", "", "engine", "breaker", "service:grainchain", "begun",
     "{\"text\":\"open: switch_to_backup\"}"},
    {400000, "grace", "admin", "cli", "audit-read", "audit:export", "done",
     "{\"command\":809,\"answer\":\"noted\",\"args\":{\"what\":\"export\"}}"},
    {90000000, "ada", "approver", "console", "approve", "a-31", "done",
     "{\"command\":790,\"reason\":\"\",\"answer\":\"a-31 is approved\"}"},
    {90100000, "engine", "", "engine", "engine-start", "engine", "done",
     "{\"text\":\"signalbox 0.1.0, process 4711, at most 8 at once, 4 services\"}"},
};
/* clang-format on */

const struct frame *frames_audit(enum audit_fault fault, bool is_running)
{
    struct frame *frame =
        (struct frame *)(uintptr_t)frames_services(); /* not shared yet */
    struct arena *arena = frame_arena(frame);
    struct frame_audit *data = arena_alloc(arena, sizeof *data);
    struct audit_row *all = arena_array(arena, ARRAY_LEN(rows), sizeof *all);
    const char **texts = arena_array(arena, ARRAY_LEN(rows), sizeof *texts);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        all[i] = (struct audit_row){.n = 1204 - (int64_t)i,
                                    .at = ago(rows[i].ago),
                                    .actor = rows[i].actor,
                                    .role = rows[i].role,
                                    .origin = rows[i].origin,
                                    .act = rows[i].act,
                                    .subject = rows[i].subject,
                                    .outcome = rows[i].outcome,
                                    .detail = rows[i].detail};
        memset(all[i].prev, 0x9b - (int)i - 1, DIGEST_LEN);
        memset(all[i].hash, 0x9b - (int)i, DIGEST_LEN);
        texts[i] = audit_summary(arena, &all[i]);
    }
    static const char detail[] =
        "{\n  \"command\": 812,\n  \"reason\": \"the price list is "
        "right\",\n  \"args\": {\n    \"effect\": 30\n  }\n}";
    bool is_whole = fault == AUDIT_WHOLE;
    *data = (struct frame_audit){
        .rows = all,
        .texts = texts,
        .n = ARRAY_LEN(rows),
        .one = all[2],
        .detail = frame_text(arena, detail, sizeof detail - 1, false),
        .check = {.is_running = is_running,
                  .fault = fault,
                  .n = is_running ? 400
                       : is_whole ? 1204
                                  : 811,
                  .n_all = 1204,
                  .broken = is_whole ? 0 : 812,
                  .text = is_whole ? ""
                                   : "row 812 was edited: its content is not what its "
                                     "hash was made of", .at = {is_running ? 0 : ago(3000).ms},
                  .has_file = true,
                  .n_notes = 38,
                  .n_agree = is_running ? 12
                             : is_whole ? 38
                                        : 21},
    };
    frame->audit = data;
    return frame;
}
