/* SPDX-License-Identifier: MIT */
/* Opening a sandbox op from what was left of it, and the table of them. */
#include "engine/base/json.h"
#include "engine/service/sandbox_op_private.h"

static void close_op(void *self)
{
    struct sandbox_op *op = self;
    order_free(op->order);
    sandbox_env_free(op->env, op->n_env);
    free(op->box.uid);
    free(op->box.id);
    free(op->box.base);
    free(op->box.access);
    free(op->box.body_file);
    free(op->log);
    buf_fini(&op->tail);
    buf_fini(&op->recent);
    free(op);
}

static struct order *copy_order(const struct order *from)
{
    struct order *order = mem_alloc(sizeof(*order));
    size_t n = 0;
    order->workflow = from->workflow;
    order->seq = from->seq;
    order->kind = from->kind;
    order->iteration = from->iteration;
    order->attempt = from->attempt;
    order->deadline_at = from->deadline_at;
    order->name = mem_str(from->name);
    order->branch = mem_str(from->branch);
    order->base = mem_str(from->base);
    order->base_sha = mem_str(from->base_sha);
    order->head_sha = mem_str(from->head_sha);
    order->command.timeout = from->command.timeout;
    order->command.retries = from->command.retries;
    while (from->command.argv != NULL && from->command.argv[n] != NULL) {
        n++;
    }
    if (n > 0) {
        order->command.argv = mem_array(n + 1, sizeof(char *));
        for (size_t i = 0; i < n; i++) {
            order->command.argv[i] = mem_str(from->command.argv[i]);
        }
    }
    return order;
}

static void recall(struct sandbox_op *op, const struct op_input *input)
{
    struct err err = ERR_INIT;
    struct json *memo = input->memo[0] != '\0'
                            ? json_parse(input->memo, strlen(input->memo), &err)
                            : NULL;
    struct json *keep = input->keep[0] != '\0'
                            ? json_parse(input->keep, strlen(input->keep), &err)
                            : NULL;
    const char *phase = json_str(memo, "phase", "");
    const char *kept = json_str(keep, "sandbox", "");
    const char *id = json_str(memo, "id", "");
    op->box.uid = mem_str(json_str(memo, "uid", ""));
    op->try = (int)json_int(memo, "try", 0);
    op->offset = json_int(memo, "offset", 0);
    op->launched_at.ms = json_int(memo, "at", 0);
    (void)snprintf(op->mark, sizeof(op->mark), "%s", json_str(memo, "mark", ""));
    if (op->order->kind != EFFECT_SANDBOX) {
        op->box.id = mem_str(kept);
        op->phase = PHASE_CONNECT;
    } else if (id[0] != '\0') {
        op->box.id = mem_str(id);
        op->phase = PHASE_CONNECT;
    } else if (strcmp(phase, "create") == 0 && op->box.uid[0] != '\0') {
        op->box.id = mem_str("");
        op->phase = PHASE_FIND;
    } else {
        op->box.id = mem_str(strcmp(phase, "pack") != 0 ? kept : "");
        op->phase = op->box.id[0] != '\0' ? PHASE_OLD : PHASE_PACK;
    }
    json_free(memo);
    json_free(keep);
}

static void *open_op(const struct op_input *input, const struct sandbox_vendor *vendor,
                     struct err *err)
{
    const struct order *order = input->order;
    bool runs = order->kind == EFFECT_SETUP || order->kind == EFFECT_CHECK;
    if (runs && order->command.argv == NULL) {
        err_set(err, ERR_CONFIG, "the pipeline has no such command");
        return NULL;
    }
    struct env_var *env = NULL;
    size_t n_env = 0;
    if (runs && !sandbox_env(order, &env, &n_env, err)) {
        return NULL;
    }
    struct sandbox_op *op = mem_alloc(sizeof(*op));
    op->vendor = vendor;
    op->order = copy_order(order);
    op->env = env;
    op->n_env = n_env;
    op->box = (struct box){
        .service = input->service,
        .base = mem_str(""),
        .access = mem_str(""),
        .has_network = order->bounds.has_network,
        .body_file = mem_printf("%s/" SANDBOX_BODY, order->workflow_folder),
    };
    op->pause = SANDBOX_LOOK_FIRST;
    buf_init(&op->tail, 4 * SANDBOX_PIECE);
    buf_init(&op->recent, SANDBOX_RECENT_MAX);
    (void)buf_str(&op->recent, " "); /* so that it has memory of its own */
    buf_clear(&op->recent);
    recall(op, input);
    AUTO_FREE char *script = runs ? sandbox_op_script(op) : NULL;
    if (script != NULL && strlen(script) > SANDBOX_SCRIPT_MAX) {
        err_set(err, ERR_CONFIG, "the command is longer than %d bytes",
                SANDBOX_SCRIPT_MAX);
        close_op(op);
        return NULL;
    }
    return op;
}

static void *open_daytona(const struct op_input *input, struct err *err)
{
    return open_op(input, &daytona_vendor, err);
}

static void *open_e2b(const struct op_input *input, struct err *err)
{
    return open_op(input, &e2b_vendor, err);
}

#define CLASS(class_name, opens)                                                         \
    {                                                                                    \
        .name = class_name, .open = (opens), .begin = sandbox_op_begin,                  \
        .answer = sandbox_op_answer, .wake = sandbox_op_wake, .ran = sandbox_op_ran,     \
        .stop = sandbox_op_stop, .close = close_op                                       \
    }
static const struct op_class daytona = CLASS("daytona.sandbox", open_daytona);
static const struct op_class e2b = CLASS("e2b.sandbox", open_e2b);

static const struct op_row rows[] = {
    {SERVICE_DAYTONA, EFFECT_SANDBOX, &daytona},
    {SERVICE_DAYTONA, EFFECT_SETUP,   &daytona},
    {SERVICE_DAYTONA, EFFECT_CHECK,   &daytona},
    {SERVICE_DAYTONA, EFFECT_CLEANUP, &daytona},
    {SERVICE_E2B,     EFFECT_SANDBOX, &e2b    },
    {SERVICE_E2B,     EFFECT_SETUP,   &e2b    },
    {SERVICE_E2B,     EFFECT_CHECK,   &e2b    },
    {SERVICE_E2B,     EFFECT_CLEANUP, &e2b    },
};
const struct op_table sandbox_ops = {rows, ARRAY_LEN(rows)};
