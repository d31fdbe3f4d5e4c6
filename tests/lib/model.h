/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_MODEL_H
#define SIGNALBOX_TESTS_MODEL_H

/*
 * Model: services that are only played, and an op that works with them.
 *
 * The op makes a thing ("POST /things", unique key wf-N.SEQ), then asks how it is ("GET
 * /things/KEY") every MODEL_POLL until it is done, as an agent run or a check does, and
 * obeys the crash rule of op.h. A model service keeps the things, whatever becomes of the
 * engine, is down for a while, and counts every call that reaches it. Time is virtual.
 */

#include "engine/base/heap.h"
#include "engine/base/idmap.h"
#include "engine/service/desk.h"

#define MODEL_POLL ((struct span){10000})

const struct op_class *model_op(enum service_kind service, enum effect_kind effect);

enum model_fault { MODEL_UNREACHED, MODEL_HANGS, MODEL_ANSWERS_503, MODEL_LOSES };

struct model_service {
    const char *name;
    struct wall down_from, down_until;
    enum model_fault fault; /* while it is down */
    struct span latency;
    struct span work; /* until a thing is done */
    /* counted */
    int64_t n_calls, n_creates, n_things, n_twice; /* n_twice: things made again */
    int64_t n_down, n_down_probes, n_down_reads, n_down_writes; /* while down */
    struct idmap things; /* by desk key: struct model_thing */
};

struct model_thing {
    struct wall done_at;
};

void model_fini(struct model_service *service);
bool model_is_down(const struct model_service *service, struct wall now);
/* What becomes of a call that is sent at `now`, and how long it takes. */
struct http_response *model_answer(struct model_service *service,
                                   const struct http_request *request, struct span time,
                                   struct wall now, struct span *ret_took);

#endif
