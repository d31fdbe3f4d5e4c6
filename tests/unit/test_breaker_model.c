/* SPDX-License-Identifier: MIT */

/*
 * Every sequence of calls, outcomes, probes and waits up to a depth, for several settings.
 *
 * What comes of a sequence depends on nothing but the state that the one before left, so
 * sequences that lead to the same state are followed once: states are compared with times
 * relative to now, without history that only screens read. The breaker itself runs,
 * not a model of it. In each state the invariants are checked, and that it is not stuck: as
 * soon as the service is healthy again, it closes within the bound that its settings give,
 * whatever became of the calls under way.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/resilience/breaker.h"

#define DEPTH   12
#define PENDING 3
#define BEGIN   1000000000

enum act {
    ACT_CALL,
    ACT_FINE, /* the oldest call under way ends so */
    ACT_FAILED,
    ACT_SLOW,
    ACT_NEUTRAL,
    ACT_LATER, /* the oldest becomes the newest: calls end in any order */
    ACT_PROBE_FINE,
    ACT_PROBE_FAILED,
    ACT_WAIT, /* a second */
    ACT_WAIT_LONG,
    ACT_HOLD, /* Retry-After: 2 s */
    ACT_COUNT
};

struct node {
    struct breaker breaker;
    struct wall now;
    uint32_t pending[PENDING]; /* tickets, oldest first */
    int n_pending;
};

/* What decides about the future. */
struct state {
    int32_t state, n_reopened, n_trial, n_passed, n_in_a_row, n_calls, n_failed, n_slow;
    int32_t place, n_pending, slice_age, is_proven;
    int64_t until, hold;
    uint8_t is_current[4];
    uint8_t window[sizeof(((struct breaker *)NULL)->window)];
};

struct set {
    struct state *states;
    size_t n, cap;
    size_t *buckets; /* 1-based */
    size_t n_buckets;
};

static int64_t relative(struct wall at, struct wall now)
{
    return !wall_is_set(at) || at.ms <= now.ms ? 0 : at.ms - now.ms;
}

/* Slices from the newest on; nothing when all of them are older than the window. */
static void window_of(const struct node *node, struct state *out)
{
    const struct breaker *breaker = &node->breaker;
    int64_t age = node->now.ms - breaker->slice_at * breaker->slice_ms;
    if (breaker->n_calls == 0 || age >= BREAKER_SLICES * breaker->slice_ms) {
        out->n_calls = out->n_failed = out->n_slow = 0;
        return;
    }
    out->slice_age = (int32_t)age;
    for (int i = 0; i < BREAKER_SLICES; i++) {
        int at = (breaker->place - i + BREAKER_SLICES) % BREAKER_SLICES;
        size_t size = sizeof(breaker->window.slices[0]);
        memcpy(out->window + (size_t)i * size, &breaker->window.slices[at], size);
    }
}

static void state_of(const struct node *node, struct state *out)
{
    const struct breaker *breaker = &node->breaker;
    memset(out, 0, sizeof(*out));
    out->state = (int32_t)breaker->state;
    out->n_reopened = breaker->n_reopened;
    out->n_trial = breaker->n_trial;
    out->n_passed = breaker->n_passed;
    out->n_in_a_row = breaker->n_in_a_row;
    out->n_calls = breaker->n_calls;
    out->n_failed = breaker->n_failed;
    out->n_slow = breaker->n_slow;
    out->place = breaker->place;
    out->is_proven = breaker->is_proven;
    out->n_pending = node->n_pending;
    out->until = relative(breaker->until, node->now);
    out->hold = relative(breaker->hold, node->now);
    for (int i = 0; i < node->n_pending; i++) {
        out->is_current[i] = node->pending[i] == breaker->epoch;
    }
    switch (breaker->settings.window) {
    case BREAKER_CONSECUTIVE:
        out->n_calls = 0; /* for screens */
        break;
    case BREAKER_COUNT:
        memcpy(out->window, &breaker->window, sizeof(out->window));
        break;
    case BREAKER_TIME:
        out->place =
            0; /* where in the ring the newest slice stands makes no difference */
        window_of(node, out);
        break;
    }
}

static uint64_t hash_of(const struct state *state)
{
    const unsigned char *bytes = (const unsigned char *)state;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof(*state); i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 29;
}

static void set_init(struct set *set)
{
    *set = (struct set){.n_buckets = (size_t)1 << 21};
    set->buckets = mem_array(set->n_buckets, sizeof(*set->buckets));
}

static void set_fini(struct set *set)
{
    free(set->states);
    free(set->buckets);
}

/* True when it was not there. */
static bool set_add(struct set *set, const struct node *node)
{
    struct state state;
    state_of(node, &state);
    size_t at = hash_of(&state) & (set->n_buckets - 1);
    for (; set->buckets[at] != 0; at = (at + 1) & (set->n_buckets - 1)) {
        if (memcmp(&set->states[set->buckets[at] - 1], &state, sizeof(state)) == 0) {
            return false;
        }
    }
    if (set->n == set->cap) {
        set->cap = set->cap > 0 ? set->cap * 2 : 1024;
        set->states = mem_grow(set->states, set->cap, sizeof(*set->states));
    }
    assert_true(set->n < set->n_buckets / 2);
    set->states[set->n] = state;
    set->buckets[at] = ++set->n;
    return true;
}

/* ---- what is done ---------------------------------------------------------------------
 */

static uint32_t take_oldest(struct node *node)
{
    uint32_t ticket = node->pending[0];
    node->n_pending--;
    memmove(&node->pending[0], &node->pending[1],
            (size_t)node->n_pending * sizeof(node->pending[0]));
    return ticket;
}

static void end_call(struct node *node, enum breaker_outcome outcome, int64_t took_ms)
{
    breaker_record(&node->breaker, take_oldest(node), outcome, (struct span){took_ms},
                   node->now);
}

static void call(struct node *node)
{
    bool would = breaker_admits(&node->breaker, node->now);
    uint32_t ticket = breaker_admit(&node->breaker, node->now);
    /* The question says what the deed does, unless the clock just moved the state. */
    assert_true(would == (ticket != 0) || node->breaker.n_changes > 0);
    if (ticket != 0) {
        node->pending[node->n_pending++] = ticket;
    }
}

/* False: it makes no sense here. */
static bool act(struct node *node, enum act what)
{
    bool has_call = node->n_pending > 0;
    switch (what) {
    case ACT_CALL:
        if (node->n_pending == PENDING) {
            return false;
        }
        call(node);
        return true;
    case ACT_FINE:
    case ACT_FAILED:
    case ACT_NEUTRAL:
        if (has_call) {
            end_call(node,
                     what == ACT_FINE     ? OUTCOME_OK
                     : what == ACT_FAILED ? OUTCOME_FAILURE
                                          : OUTCOME_NEUTRAL,
                     1);
        }
        return has_call;
    case ACT_SLOW:
        if (has_call) {
            end_call(node, OUTCOME_OK, 5000);
        }
        return has_call;
    case ACT_LATER:
        if (node->n_pending > 1) {
            uint32_t ticket = take_oldest(node);
            node->pending[node->n_pending++] = ticket;
            return true;
        }
        return false;
    case ACT_PROBE_FINE:
    case ACT_PROBE_FAILED:
        breaker_probed(&node->breaker, what == ACT_PROBE_FINE, node->now);
        return true;
    case ACT_WAIT:
    case ACT_WAIT_LONG:
        node->now.ms += what == ACT_WAIT ? 1000 : 9000;
        breaker_tick(&node->breaker, node->now);
        return true;
    case ACT_HOLD:
        breaker_hold(&node->breaker, (struct wall){node->now.ms + 2000}, node->now);
        return true;
    default:
        return false;
    }
}

/* ---- what must hold -------------------------------------------------------------------
 */

static bool is_legal(enum breaker_state from, enum breaker_state to)
{
    return (from == BREAKER_CLOSED && to == BREAKER_OPEN) ||
           (from == BREAKER_OPEN && to == BREAKER_HALF_OPEN) ||
           (from == BREAKER_HALF_OPEN && (to == BREAKER_OPEN || to == BREAKER_CLOSED));
}

static void check_changes(struct breaker *breaker, enum breaker_state before)
{
    struct breaker_change change;
    while (breaker_take_change(breaker, &change)) {
        assert_int_equal(change.from, before);
        assert_true(is_legal(change.from, change.to));
        assert_true(change.cause[0] != '\0');
        assert_string_equal(change.actor, "engine");
        before = change.to;
    }
    assert_int_equal(before, breaker->state);
}

static void check_invariants(const struct node *node)
{
    const struct breaker *breaker = &node->breaker;
    const struct breaker_settings *set = &breaker->settings;
    int n_current = 0;
    for (int i = 0; i < node->n_pending; i++) {
        n_current += node->pending[i] == breaker->epoch;
    }
    switch (breaker->state) {
    case BREAKER_CLOSED:
        assert_true(set->window != BREAKER_CONSECUTIVE ||
                    breaker->n_in_a_row < set->failures);
        assert_true(breaker->due.ms == INT64_MAX);
        assert_true(breaker->n_reopened == 0 || !breaker->is_proven);
        break;
    case BREAKER_OPEN:
        /* It ends by the clock, and the stay is bounded. */
        assert_true(wall_is_set(breaker_wake_at(breaker)));
        assert_true(breaker->until.ms > node->now.ms - 1);
        assert_true(breaker->until.ms <= breaker->since.ms + set->open_max.ms ||
                    breaker->until.ms <= breaker->hold.ms);
        break;
    case BREAKER_HALF_OPEN:
        assert_int_equal(breaker->n_trial, n_current);
        assert_true(breaker->n_trial <= set->half_open_calls); /* probes are beside */
        assert_true(breaker->n_passed < set->half_open_calls);
        assert_true(wall_is_set(breaker->until) == (breaker->n_trial > 0));
        assert_true(breaker->until.ms <= node->now.ms + set->half_open_max.ms);
        break;
    default:
        fail_msg("state %d", (int)breaker->state);
    }
    assert_true(breaker->n_failed >= 0 && breaker->n_slow >= 0);
    assert_true(breaker->n_failed <= breaker->n_calls);
    assert_true(breaker->n_slow <= breaker->n_calls);
}

/* From now on every call that is sent succeeds at once; those under way never end. */
static void check_recovers(const struct node *from)
{
    struct node node = *from;
    const struct breaker_settings *set = &node.breaker.settings;
    int64_t bound = node.now.ms + relative(node.breaker.hold, node.now) +
                    2 * set->open_max.ms + set->half_open_max.ms + 1000;
    while (node.breaker.state != BREAKER_CLOSED) {
        uint32_t ticket = breaker_admit(&node.breaker, node.now);
        if (ticket != 0) {
            breaker_record(&node.breaker, ticket, OUTCOME_OK, (struct span){1}, node.now);
            continue;
        }
        /* refused: then the clock alone must help */
        struct wall wake = breaker_wake_at(&node.breaker);
        assert_true(wake.ms > node.now.ms);
        node.now = wake;
        assert_true(node.now.ms <= bound);
        breaker_tick(&node.breaker, node.now);
    }
}

/* What one more act may lead to. */
struct level {
    struct node *nodes;
    size_t n, cap;
};

static void level_add(struct level *level, const struct node *node)
{
    if (level->n == level->cap) {
        level->cap = level->cap > 0 ? level->cap * 2 : 256;
        level->nodes = mem_grow(level->nodes, level->cap, sizeof(*level->nodes));
    }
    level->nodes[level->n++] = *node;
}

static void step(struct set *set, const struct node *from, struct level *to)
{
    for (int what = 0; what < ACT_COUNT; what++) {
        struct node node = *from;
        if (act(&node, (enum act)what)) {
            check_changes(&node.breaker, from->breaker.state);
            check_invariants(&node);
            if (set_add(set, &node)) {
                check_recovers(&node);
                level_add(to, &node);
            }
        }
    }
}

/* All that can follow within `depth`; returns the number of states. */
static size_t explore(const struct breaker_settings *settings, int depth)
{
    struct set set;
    struct level now = {0}, next = {0};
    struct node begin = {.now = {BEGIN}};
    set_init(&set);
    breaker_init(&begin.breaker, settings, 1, begin.now);
    (void)set_add(&set, &begin);
    level_add(&now, &begin);
    for (int i = 0; i < depth; i++) {
        for (size_t k = 0; k < now.n; k++) {
            step(&set, &now.nodes[k], &next);
        }
        struct level done = now;
        now = next;
        next = done;
        next.n = 0;
    }
    free(now.nodes);
    free(next.nodes);
    size_t n = set.n;
    set_fini(&set);
    return n;
}

static struct breaker_settings base(void)
{
    return (struct breaker_settings){.window = BREAKER_CONSECUTIVE,
                                     .failures = 2,
                                     .slow = {2000},
                                     .min_calls = 2,
                                     .window_calls = 3,
                                     .window_time = {30000},
                                     .open = {3000},
                                     .open_max = {8000},
                                     .half_open_calls = 2,
                                     .half_open_max = {4000}};
}

static void report(const char *name, size_t n)
{
    print_message("%s: %zu states, all sequences of %d out of %d acts\n", name, n, DEPTH,
                  ACT_COUNT);
    assert_true(n > 100);
}

static void in_a_row(void **state)
{
    (void)state;
    struct breaker_settings settings = base();
    report("consecutive", explore(&settings, DEPTH));
    settings.half_open_calls = 1;
    report("consecutive, one trial", explore(&settings, DEPTH));
}

static void in_a_window_of_calls(void **state)
{
    (void)state;
    struct breaker_settings settings = base();
    settings.window = BREAKER_COUNT;
    settings.failures = 0;
    settings.failure_percent = 60;
    report("count, failures", explore(&settings, DEPTH));
    settings.failure_percent = 0;
    settings.slow_percent = 60;
    report("count, slow", explore(&settings, DEPTH));
}

static void in_a_window_of_time(void **state)
{
    (void)state;
    struct breaker_settings settings = base();
    settings.window = BREAKER_TIME;
    settings.window_time.ms =
        4000; /* shorter than the stay in open, and than a long wait */
    settings.failures = 0;
    settings.failure_percent = 50;
    report("time, failures", explore(&settings, DEPTH));
}

/* Without the comparison of states, as a check of it: the same states come out. */
static size_t walk(struct set *set, const struct node *root, int depth)
{
    struct {
        struct node node;
        int next;
    } stack[8];
    size_t n = 0;
    int top = 0;
    stack[0].node = *root;
    stack[0].next = 0;
    while (top >= 0) {
        if (top == depth || stack[top].next == ACT_COUNT) {
            top--;
            continue;
        }
        enum act what = (enum act)stack[top].next++;
        stack[top + 1].node = stack[top].node;
        struct node *node = &stack[top + 1].node;
        if (act(node, what)) {
            node->breaker.n_changes = 0;
            n++;
            (void)set_add(set, node);
            stack[++top].next = 0;
        }
    }
    return n;
}

static void comparing_states_loses_none(void **state)
{
    (void)state;
    struct breaker_settings settings = base();
    struct set set;
    struct node begin = {.now = {BEGIN}};
    set_init(&set);
    breaker_init(&begin.breaker, &settings, 1, begin.now);
    (void)set_add(&set, &begin);
    size_t n = walk(&set, &begin, 5);
    print_message("%zu sequences of 5, one by one: %zu states\n", n, set.n);
    assert_int_equal(set.n, explore(&settings, 5));
    set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_states_loses_none),
        cmocka_unit_test(in_a_row),
        cmocka_unit_test(in_a_window_of_calls),
        cmocka_unit_test(in_a_window_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
