/* SPDX-License-Identifier: MIT */

/*
 * Ramp: workflows that wait for a service, and when they go on.
 *
 * While nobody who could perform their effect is available they stand in no heap. When a
 * service becomes available, those whom it could serve get a time each, spread over the
 * service's ramp: all at once would bring it down again. A few go first, the highest
 * priority and then the oldest. When it goes away before they are through, the rest stay.
 *
 * Half open, a few go on to try: without calls the breaker would learn nothing. The same
 * few try when a breaker has not been heard of for a while after it should have changed,
 * so that a report that was lost costs a minute and not a workflow.
 *
 * A workflow that is sent back although its service says that it is available (a full
 * line, a rate limit) waits by itself, twice as long each time.
 */

#include "engine/base/mem.h"
#include "engine/control/control_private.h"
#include "engine/service/service.h"

#define RAMP_DEFAULT  span_s(60)
#define TRY_AFTER     span_s(60)
#define TRY_AGAIN     span_s(10) /* half open, and still no decision */
#define PAUSE_MS      5000
#define PAUSE_DOUBLES 6

void ramp_init(struct control *control)
{
    size_t n = control->options.n_services;
    control->services = mem_array(n > 0 ? n : 1, sizeof(*control->services));
    for (size_t i = 0; i < n; i++) {
        control->services[i].spec = &control->options.services[i];
    }
}

void ramp_fini(struct control *control)
{
    free(control->services);
    heap_fini(&control->ramp);
}

static bool lets_through(enum breaker_state state)
{
    return state == BREAKER_CLOSED || state == BREAKER_FORCED_CLOSED ||
           state == BREAKER_DISABLED || state == BREAKER_METRICS;
}

struct service_state *find_service_state(const struct control *control, const char *name)
{
    for (size_t i = 0; i < control->options.n_services; i++) {
        const char *own = control->services[i].spec->name;
        if (own != NULL && strcmp(own, name) == 0) {
            return &control->services[i];
        }
    }
    return NULL;
}

/* ---- who could perform what a workflow waits to do ---- */

/* Others of the chain; NULL: only the one that the workflow waits for (the forge, and the
 * sandbox that has the files already; engine/service/route.h). */
static const struct provider_chain *chain_of(const struct workflow *workflow)
{
    const struct workflow_row *row = &workflow->row;
    enum workflow_state state =
        row->state == STATE_PARKED ? row->resume_state : row->state;
    switch (stage_step(workflow->pipeline, state, row->step).kind) {
    case EFFECT_CODE:
        return &workflow->pipeline->agent_chain;
    case EFFECT_SANDBOX:
        return &workflow->pipeline->sandbox_chain;
    case EFFECT_EVALUATE:
        return &workflow->pipeline->evaluator_chain;
    default:
        return NULL;
    }
}

static bool waits(const struct live *live)
{
    return live->workflow->row.wait == WAIT_SERVICE;
}

static bool could_use(const struct live *live, const char *service)
{
    const struct provider_chain *chain = chain_of(live->workflow);
    if (service == NULL) {
        return false;
    }
    return strcmp(live->workflow->row.service, service) == 0 ||
           (chain != NULL && chain_has(chain, service));
}

/* A service that is not configured any more holds nobody up: what comes of it will say so. */
static bool is_served(const struct control *control, const struct live *live)
{
    if (find_service_state(control, live->workflow->row.service) == NULL) {
        return true;
    }
    for (size_t i = 0; i < control->options.n_services; i++) {
        const struct service_state *service = &control->services[i];
        if (lets_through(service->state) && could_use(live, service->spec->name)) {
            return true;
        }
    }
    return false;
}

/* ---- giving times ---- */

static void schedule(struct control *control, struct live *live, struct wall at)
{
    heap_put(&control->ramp, &live->ramp, at.ms, live->workflow->row.id);
}

static int by_rank(const void *a, const void *b)
{
    const struct live *const *x = a, *const *y = b;
    const struct workflow_row *one = &(*x)->workflow->row, *two = &(*y)->workflow->row;
    if (one->priority != two->priority) {
        return one->priority > two->priority ? -1 : 1;
    }
    return one->id < two->id ? -1 : 1;
}

/* Those who wait without a time and could use this service (NULL: who is served at all),
 * in the order in which they go on. */
static struct live **collect(const struct control *control, const char *service,
                             size_t *ret_n)
{
    struct live **found = mem_array(control->live.n + 1, sizeof(struct live *));
    struct live *live;
    size_t n = 0, iter = 0;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        if (waits(live) && live->ramp.place == 0 &&
            (service != NULL ? could_use(live, service) : is_served(control, live))) {
            found[n++] = live;
        }
    }
    qsort(found, n, sizeof(struct live *), by_rank);
    *ret_n = n;
    return found;
}

static size_t few(const struct service_state *service)
{
    int n = service != NULL ? service->spec->gate.breaker.half_open_calls : 1;
    return n > 1 ? (size_t)n : 1;
}

/* All of them, the first few at once. */
static void begin(struct control *control, const struct service_state *service,
                  struct wall now)
{
    size_t n = 0, n_first = few(service);
    AUTO_FREE struct live **order =
        collect(control, service != NULL ? service->spec->name : NULL, &n);
    int64_t ramp = service != NULL ? service->spec->gate.ramp.ms : RAMP_DEFAULT.ms;
    for (size_t i = 0; i < n; i++) {
        int64_t ms =
            i < n_first ? 0 : ramp * (int64_t)(i - n_first + 1) / (int64_t)(n - n_first);
        order[i]->n_deferrals = 0;
        schedule(control, order[i], wall_add(now, (struct span){ms}));
    }
}

/* The first few, and no more. */
static void try_few(struct control *control, struct service_state *service,
                    struct wall now)
{
    service->tried_at = now;
    size_t n = 0;
    AUTO_FREE struct live **order = collect(control, service->spec->name, &n);
    for (size_t i = 0; i < n && i < few(service); i++) {
        schedule(control, order[i], now);
    }
}

/* Who can be served no more goes back to waiting. */
static void stop(struct control *control)
{
    struct live *live;
    size_t iter = 0;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        if (live->ramp.place != 0 && !is_served(control, live)) {
            heap_remove(&control->ramp, &live->ramp);
        }
    }
}

static void take_state(struct service_state *service, const struct service_row *row,
                       struct wall now)
{
    bool waits_for_time = row->state == BREAKER_HALF_OPEN || wall_is_set(row->until);
    struct wall change = row->until.ms > now.ms ? row->until : now;
    service->state = row->state;
    service->since = row->since;
    service->next_try.ms = 0;
    if (waits_for_time && !lets_through(row->state)) {
        service->next_try = wall_add(change, TRY_AFTER);
    }
}

void ramp_report(struct control *control, const struct service_row *row, struct wall now)
{
    struct service_state *service = find_service_state(control, row->name);
    if (service == NULL) {
        return;
    }
    enum breaker_state old = service->state;
    bool is_undecided = old == BREAKER_HALF_OPEN && row->state == old &&
                        now.ms - service->tried_at.ms >= TRY_AGAIN.ms;
    take_state(service, row, now);
    if (is_undecided) {
        try_few(control, service, now);
    }
    if (service->state == old) {
        return;
    }
    if (lets_through(service->state)) {
        if (!lets_through(old)) {
            begin(control, service, now);
        }
        return;
    }
    stop(control);
    if (service->state == BREAKER_HALF_OPEN) {
        try_few(control, service, now);
    }
}

void ramp_settle(struct control *control, struct live *live,
                 const struct workflow_row *before, struct wall now)
{
    if (!waits(live)) {
        heap_remove(&control->ramp, &live->ramp);
        return;
    }
    bool is_new = before->id == 0 || before->wait != WAIT_SERVICE;
    if (is_new && is_served(control, live)) {
        int doubles =
            live->n_deferrals < PAUSE_DOUBLES ? live->n_deferrals : PAUSE_DOUBLES;
        live->n_deferrals++;
        schedule(control, live,
                 wall_add(now, (struct span){(int64_t)PAUSE_MS << doubles}));
    }
}

/* ---- time ---- */

static void run_tries(struct control *control, struct wall now)
{
    for (size_t i = 0; i < control->options.n_services; i++) {
        struct service_state *service = &control->services[i];
        if (wall_is_set(service->next_try) && service->next_try.ms <= now.ms) {
            service->next_try = wall_add(now, TRY_AFTER);
            try_few(control, service, now);
        }
    }
}

void ramp_tick(struct control *control, struct wall now)
{
    struct heap_node *first;
    if (control->totals.by_wait[WAIT_SERVICE] > 0) {
        run_tries(control, now);
    }
    while ((first = heap_first(&control->ramp)) != NULL && first->key <= now.ms) {
        struct live *live = HEAP_ITEM(first, struct live, ramp);
        struct machine_input input = {.event = EV_RELEASE, .actor = "engine"};
        heap_remove(&control->ramp, first);
        (void)control_step(control, live, &input, now); /* it waits: it goes on */
    }
}

struct wall ramp_wake_at(const struct control *control)
{
    const struct heap_node *first = heap_first(&control->ramp);
    struct wall at = {first != NULL ? first->key : 0};
    if (control->totals.by_wait[WAIT_SERVICE] == 0) {
        return at;
    }
    for (size_t i = 0; i < control->options.n_services; i++) {
        struct wall next = control->services[i].next_try;
        if (wall_is_set(next) && (!wall_is_set(at) || next.ms < at.ms)) {
            at = next;
        }
    }
    return at;
}

/* ---- start ---- */

struct loading {
    struct control *control;
    struct wall now;
};

static void on_service(void *user, const struct service_row *row)
{
    const struct loading *loading = user;
    struct service_state *service = find_service_state(loading->control, row->name);
    if (service != NULL) {
        take_state(service, row, loading->now);
    }
}

bool ramp_load(struct control *control, struct wall now, struct err *err)
{
    struct loading loading = {control, now};
    if (!store_load_services(control->store, on_service, &loading, err)) {
        return false;
    }
    for (size_t i = 0; i < control->options.n_services; i++) {
        if (lets_through(control->services[i].state)) {
            begin(control, &control->services[i], now);
        }
    }
    begin(control, NULL, now); /* of services that are configured no more */
    return true;
}
