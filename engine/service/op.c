/* SPDX-License-Identifier: MIT */
#include "engine/service/op.h"

#include <stdarg.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/codegen_op.h"
#include "engine/service/github.h"
#include "engine/service/sandbox_op.h"

#define SUMMARY_MAX 400

/* Each adapter has a table of its own and adds it here. */
static const struct op_table *const tables[] = {
    &codegen_ops,
    &sandbox_ops,
    &github_ops,
};

const struct op_class *op_find(enum service_kind service, enum effect_kind effect)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        const struct op_table *table = tables[i];
        for (size_t k = 0; table != NULL && k < table->n; k++) {
            if (table->rows[k].service == service && table->rows[k].effect == effect) {
                return table->rows[k].class;
            }
        }
    }
    return NULL;
}

struct op_step op_call(struct http_request *request)
{
    return (struct op_step){.turn = OP_CALL, .request = request};
}

struct op_step op_sleep(struct span span)
{
    return (struct op_step){.turn = OP_SLEEP, .sleep = span};
}

struct op_step op_done(const struct order *order, enum effect_status status,
                       enum blame blame, const char *format, ...)
{
    char text[SUMMARY_MAX], clean[SUMMARY_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct effect_result *result = effect_result_new(order->workflow, order->seq);
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(text_clean_into(clean, sizeof(clean), text));
    return (struct op_step){.turn = OP_DONE, .result = result};
}

struct op_step op_deferred(const struct order *order, const struct service_spec *service,
                           const struct http_response *response)
{
    bool has_text =
        response != NULL && response->text != NULL && response->text[0] != '\0';
    const char *why = has_text           ? response->text
                      : response != NULL ? http_fault_word(response->fault)
                                         : "not available";
    struct op_step step = op_done(order, STATUS_DEFERRED, BLAME_SERVICE, "%s: %s",
                                  service->name, why[0] != '\0' ? why : "not available");
    step.result->service = mem_str(service->name);
    return step;
}
