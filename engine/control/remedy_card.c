/* SPDX-License-Identifier: MIT */

/*
 * What a remedy that waits for a person asks for: its effect, and the card.
 */

#include "engine/base/json.h"
#include "engine/control/approval.h"
#include "engine/control/recovery_private.h"

#define CARD_MAX 16384

enum act rung_act(enum rung rung)
{
    switch (rung) {
    case RUNG_RESTART:
        return ACT_RESTART;
    case RUNG_REVERT:
        return ACT_REVERT;
    case RUNG_RETRY:
    case RUNG_CHECKPOINT:
    case RUNG_WAIT:
        return ACT_RETRY;
    case RUNG_HAND_BACK:
    case RUNG_OTHER_AGENT:
    case RUNG_SMALLER_TASK:
    case RUNG_OTHER_ORDER:
        return ACT_REWORK;
    default:
        return ACT_FALLBACK;
    }
}

bool remedy_asks(const struct control *control, enum rung rung, struct wall now)
{
    return rung != RUNG_ESCALATE &&
           control_level(control, rung_act(rung), "", now) < LEVEL_AUTO;
}

void remedy_done(struct control *control, enum rung rung)
{
    autonomy_done(control, rung_act(rung), "");
}

static const char *command_text(const struct control *control, enum rung rung,
                                const char *service)
{
    const struct service_state *state = find_service_state(control, service);
    bool has_text =
        rung == RUNG_RESTART && state != NULL && state->spec->restart.text != NULL;
    return has_text ? state->spec->restart.text : "";
}

static const char *make_card(struct control *control, struct arena *arena,
                             const struct problem_row *problem,
                             const struct recovery_row *row)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, CARD_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "why", '[');
    jsonw_str(&w, NULL, problem->text);
    jsonw_str(&w, NULL, row->reason);
    jsonw_close(&w, ']');
    jsonw_str(&w, "expected", row->expected);
    jsonw_str(&w, "undo", row->inverse);
    jsonw_open(&w, "touches", '{');
    jsonw_int(&w, "workflows", problem->n_workflows);
    jsonw_int(&w, "queued", (int64_t)queue_len(control->queue));
    jsonw_close(&w, '}');
    jsonw_open(&w, "evidence", '[');
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "id", "e1");
    jsonw_str(&w, "text",
              arena_printf(arena, "%lld failures of %s", (long long)problem->n_failures,
                           problem->cause));
    jsonw_str(&w, "kind", "failure");
    jsonw_str(&w, "ref", arena_printf(arena, "p-%lld", (long long)problem->id));
    jsonw_close(&w, '}');
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    return buf.is_cut ? "{}" : arena_strn(arena, buf.data, buf.len);
}

void remedy_ask(struct control *control, const struct problem_row *problem,
                enum rung rung, const struct recovery_row *row, struct wall now)
{
    struct arena *arena = arena_new();
    const char *command = command_text(control, rung, row->service);
    const char *target = row->service[0] != '\0' ? row->service : problem->cause;
    const struct effect_field fields[] = {
        {.name = "operation", .text = rung_strategy(rung)   },
        {.name = "service",   .text = row->service          },
        {.name = "cause",     .text = problem->cause        },
        {.name = "command",   .text = command               },
        {.name = "hold_ms",   .number = remedy_hold(rung).ms},
        {.name = "policy",    .number = EFFECT_POLICY       },
    };
    const struct approval_draft draft = {
        .facts = {.action = rung_act(rung),
                  .repo = "",
                  .environment = control->options.environment,
                  .is_reversible = row->inverse[0] != '\0',
                  .confidence = row->odds,
                  .n_workflows = (int)problem->n_workflows,
                  .n_repos = 1},
        .recovery = row->id,
        .target = target,
        .title = arena_printf(arena, "%s of %s%s%s", rung_strategy(rung), target,
                              command[0] != '\0' ? ": " : "", command),
        .requester = "engine",
        .fields = fields,
        .n_fields = ARRAY_LEN(fields),
        .card = make_card(control, arena, problem, row),
    };
    (void)approval_ask(control, &draft, now);
    arena_free(arena);
}
