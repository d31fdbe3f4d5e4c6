/* SPDX-License-Identifier: MIT */

/* What sandbox services say. The first byte chooses:
 *   'e' a stream of E2B's envd     's' output with a status behind the mark MARK
 *   'g' an answer of a bridge      others: answers of a REST service, parts between NUL
 *   bytes, one after the other to an op of Daytona (odd byte) or E2B (even) */
#include "engine/base/mem.h"
#include "engine/service/grainchain.h"
#include "engine/service/sandbox_op.h"
#include "tests/fuzz/fuzz.h"

#define MARK  "MARK"
#define STEPS 64

static void fuzz_stream(const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct buf out;
    int status = -1;
    buf_init(&out, 100000);
    bool is_fine = e2b_read_stream(text, len, &out, &status, &err);
    MUST(is_fine || err.msg[0] != '\0');
    buf_fini(&out);
}

static void fuzz_status(const char *text, size_t len)
{
    int status = -1;
    size_t n = 0;
    if (sandbox_status(text, len, MARK, &status, &n)) {
        MUST(n < len && status >= 0 && status <= 255);
        MUST(memcmp(text + n, "\n" MARK ":", sizeof(MARK) + 1) == 0);
    }
}

static void fuzz_bridge(const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(text, len, &err);
    err = ERR_INIT;
    const struct json *result = grainchain_result(root, &err);
    MUST(result != NULL || (err.code != ERR_NONE && is_harmless(err.msg)));
    json_free(root);
}

static char empty[] = "", sh[] = "/bin/sh", dash_c[] = "-c", words[] = "make test",
            folder[] = "/nowhere", name[] = "boxes", step_name[] = "check",
            sha[] = "0123456789abcdef";

static struct order *make_order(enum effect_kind kind)
{
    static char *argv[] = {sh, dash_c, words, NULL};
    static struct order order;
    order = (struct order){.workflow = 1,
                           .seq = 2,
                           .kind = kind,
                           .name = step_name,
                           .branch = empty,
                           .base = empty,
                           .base_sha = empty,
                           .head_sha = sha,
                           .workflow_folder = folder};
    order.command.argv = argv;
    order.command.retries = 1;
    return &order;
}

/* False when it is over. */
static bool take(struct op_step *step)
{
    bool goes_on = step->turn != OP_DONE;
    MUST(step->turn != OP_CALL || step->request != NULL);
    MUST(step->turn != OP_SLEEP || step->sleep.ms > 0);
    if (step->memo != NULL) {
        struct err err = ERR_INIT;
        struct json *memo = json_parse(step->memo, strlen(step->memo), &err);
        MUST(json_is_an_object(memo));
        json_free(memo);
    }
    if (!goes_on) {
        MUST(step->result != NULL && step->result->summary != NULL);
        MUST(is_harmless(step->result->summary));
        MUST(step->result->status != STATUS_PENDING);
    }
    http_request_free(step->request);
    effect_result_free(step->result);
    free(step->memo);
    free(step->keep);
    free(step->log);
    return goes_on;
}

static struct op_step give(const struct op_class *class, void *op, const char **at,
                           const char *end, struct wall now, struct rng *rng)
{
    static const int statuses[] = {200, 201, 404, 500, 429, 0, 200, 200};
    const char *stop = memchr(*at, '\0', (size_t)(end - *at));
    stop = stop != NULL ? stop : end;
    int status = stop > *at ? statuses[(unsigned char)**at % ARRAY_LEN(statuses)] : 200;
    struct http_response *response =
        http_response_new(status != 0 ? HTTP_FINE : HTTP_TIMEOUT, status);
    size_t len = stop > *at ? (size_t)(stop - *at) - 1 : 0;
    free(response->body);
    response->body = mem_strn(stop > *at ? *at + 1 : "", len);
    response->body_len = len;
    *at = stop < end ? stop + 1 : end;
    struct op_step step = class->answer(op, response, now, rng);
    http_response_free(response);
    return step;
}

static void fuzz_op(unsigned choice, const char *text, size_t len)
{
    static const enum effect_kind kinds[] = {EFFECT_SANDBOX, EFFECT_CHECK, EFFECT_SETUP,
                                             EFFECT_CLEANUP};
    struct err err = ERR_INIT;
    struct rng rng;
    struct service_spec service = {.name = name,
                                   .kind =
                                       choice % 2 != 0 ? SERVICE_DAYTONA : SERVICE_E2B,
                                   .url = empty,
                                   .template = empty};
    struct order *order = make_order(kinds[choice / 2 % ARRAY_LEN(kinds)]);
    const struct op_class *class = op_find(service.kind, order->kind);
    const struct op_input input = {.order = order,
                                   .service = &service,
                                   .task = "",
                                   .plan = "",
                                   .errors = "",
                                   .memo = "",
                                   .keep = "{\"sandbox\":\"ibox1\"}"};
    struct wall now = {1700000000000};
    const char *at = text, *end = text + len;
    rng_init(&rng, 1);
    void *op = class->open(&input, &err);
    MUST(op != NULL);
    struct op_step step = class->begin(op, now, &rng);
    for (int i = 0; i < STEPS; i++) {
        enum op_turn turn = step.turn;
        if (!take(&step)) {
            class->close(op);
            return;
        }
        now.ms += 1000;
        if (turn == OP_RUN) {
            struct effect_result *result = effect_result_new(1, 2);
            result->status = STATUS_PASSED;
            step = class->ran(op, result, now, &rng);
            effect_result_free(result);
        } else {
            step = turn == OP_SLEEP ? class->wake(op, NULL, now, &rng)
                                    : give(class, op, &at, end, now, &rng);
        }
    }
    (void)take(&step);
    step = class->stop(op, now, &rng);
    MUST(!take(&step));
    class->close(op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    AUTO_FREE char *text = mem_alloc(size);
    size_t len = size - 1;
    memcpy(text, data + 1, len);
    switch (data[0]) {
    case 'e':
        fuzz_stream(text, len);
        break;
    case 's':
        fuzz_status(text, len);
        break;
    case 'g':
        fuzz_bridge(text, len);
        break;
    default:
        fuzz_op(data[0], text, len);
        break;
    }
    return 0;
}
