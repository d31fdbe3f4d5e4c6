/* SPDX-License-Identifier: MIT */
#include "engine/io/desk_chore.h"

#include "engine/base/mem.h"

#define TIME ((struct span){240 * 1000}) /* it is over before the next one */

static bool has_hook(const struct service_spec *service)
{
    return service->kind == SERVICE_GITHUB && service->hook != NULL &&
           service->hook[0] != '\0';
}

bool desk_chore_has(const struct service_spec *services, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (has_hook(&services[i])) {
            return true;
        }
    }
    return false;
}

void desk_chore_begin(struct desk *desk, const struct service_spec *services, size_t n,
                      struct wall now)
{
    for (size_t i = 0; i < n; i++) {
        if (!has_hook(&services[i])) {
            continue;
        }
        struct desk_task *task = mem_alloc(sizeof(*task));
        task->order = mem_alloc(sizeof(*task->order));
        task->order->seq = (int64_t)i + 1; /* the desk does not take one twice */
        task->order->kind = EFFECT_NONE;
        task->order->name = mem_str("redeliver");
        task->order->asked_at = now;
        task->order->deadline_at = wall_add(now, TIME);
        task->chain = mem_array(1, sizeof(*task->chain));
        task->chain[0] = mem_str(services[i].name);
        task->n_chain = 1;
        desk_perform(desk, task, now);
    }
}
