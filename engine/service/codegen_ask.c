/* SPDX-License-Identifier: MIT */
/* The calls and pauses of the Codegen op. */
#include "engine/base/mem.h"
#include "engine/service/codegen_private.h"

static struct op_step call(struct codegen_op *op, enum codegen_call which,
                           struct codegen_args args)
{
    args.organization = op->service->organization;
    args.repo = op->repo;
    struct http_request *request = codegen_request(which, &args);
    request->workflow = op->order->workflow;
    request->follows = request->class == CALL_READ;
    op->is_calling = true;
    return op_call(request);
}

static struct op_step ask_create(struct codegen_op *op, struct wall now)
{
    AUTO_FREE char *workflow = mem_printf("wf-%lld", (long long)op->order->workflow);
    AUTO_FREE char *effect = mem_printf("wf-%lld.%lld", (long long)op->order->workflow,
                                        (long long)op->order->seq);
    if (!wall_is_set(op->asked_at)) {
        op->asked_at = now;
    }
    struct op_step step =
        call(op, CODEGEN_CREATE,
             (struct codegen_args){.prompt = op->prompt,
                                   .model = op->service->model,
                                   .agent_type = op->service->agent_type,
                                   .uid = op->uid,
                                   .workflow = workflow,
                                   .effect = effect});
    step.memo = codegen_memo(op, "create");
    return step;
}

static struct op_step ask_resume(struct codegen_op *op)
{
    struct op_step step =
        call(op, CODEGEN_RESUME,
             (struct codegen_args){.run = op->run,
                                   .prompt = op->limit_prompt != NULL ? op->limit_prompt
                                                                      : op->more});
    step.memo = codegen_memo(op, "resume");
    return step;
}

/* The call of a phase. */
struct op_step codegen_go(struct codegen_op *op, enum codegen_phase phase,
                          struct wall now)
{
    op->phase = phase;
    op->wake_at = (struct wall){0};
    switch (phase) {
    case PHASE_REPO:
        return call(op, CODEGEN_REPOS, (struct codegen_args){.skip = op->skip});
    case PHASE_LOOK:
        return call(op, CODEGEN_LIST, (struct codegen_args){.skip = op->skip});
    case PHASE_CANDIDATE:
        return call(op, CODEGEN_GET,
                    (struct codegen_args){.run = op->candidates[op->n_candidates - 1]});
    case PHASE_CREATE:
        return ask_create(op, now);
    case PHASE_RESUME:
        return ask_resume(op);
    case PHASE_LOGS:
        return call(op, CODEGEN_LOGS,
                    (struct codegen_args){
                        .run = op->run, .skip = op->logs, .limit = op->logs_limit});
    case PHASE_BAN:
        return call(op, CODEGEN_BAN, (struct codegen_args){.run = op->run});
    case PHASE_UNBAN:
        return call(op, CODEGEN_UNBAN, (struct codegen_args){.run = op->run});
    case PHASE_KEPT:
    case PHASE_POLL:
        break;
    }
    return call(op, CODEGEN_GET, (struct codegen_args){.run = op->run});
}

struct op_step codegen_sleep(struct codegen_op *op, enum codegen_phase phase, int64_t ms,
                             struct wall now)
{
    op->phase = phase;
    op->wake_at = wall_add(now, (struct span){ms});
    return op_sleep((struct span){ms});
}

/* The same again after a pause that grows; half of it is drawn. */
struct op_step codegen_back_off(struct codegen_op *op, enum codegen_phase phase,
                                struct wall now, struct rng *rng)
{
    int64_t ms = INT64_C(1000) << (op->errors < 6 ? op->errors : 6);
    op->errors++;
    ms = ms / 2 + (int64_t)rng_below(rng, (uint64_t)(ms / 2));
    return codegen_sleep(op, phase, ms, now);
}

struct op_step codegen_poll_later(struct codegen_op *op, struct wall now, struct rng *rng)
{
    int64_t most =
        op->poll != NULL && op->poll->ms > 0 ? op->poll->ms : CODEGEN_POLL_LAST;
    int64_t ms = op->pause.ms < most ? op->pause.ms : most;
    op->pause.ms = ms + ms / 2 < most ? ms + ms / 2 : most;
    ms += (int64_t)rng_below(rng, (uint64_t)(ms / 10) + 1);
    return codegen_sleep(op, PHASE_POLL, ms, now);
}
