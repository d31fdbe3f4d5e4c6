/* SPDX-License-Identifier: MIT */

/*
 * The learning engine on a simulated fleet: what is planted is found, nothing is found where nothing
 * is, and what is expected of a change is what the change does.
 *
 *   test_learning [--seed N] [--seeds N] [--controls N] [--look N]
 *
 * As in the engine: workflows are told as they end, and after each LOOK of them all kinds are
 * searched (the engine looks after 20, which takes this test minutes). The first proposal for a flaw counts. Then the change is made in a copy of the world, and
 * the metric is measured on other workflows, with and without it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/learning.h"
#include "tests/lib/fleet.h"

#define WORKFLOWS 2000
#define PLANTED   10
#define FOUND     8
#define COVERED   0.8
#define MEASURES  6 /* worlds of WORKFLOWS each */
#define MADE_MAX  40

static uint64_t first_seed = 1;
static int n_seeds = 3;
static int n_controls = 20;
static int look_after = 250;

static const enum optimization_kind kind_of_flaw[] = {
#define X(id, kind, help) [id] = kind,
    FLAW_LIST(X)
#undef X
};

/* ---- telling the learner ------------------------------------------------------------------ */

struct school {
    struct fleet *fleet;
    struct learning *learning;
    int64_t n;
    struct proposal made[MADE_MAX];
    size_t n_made;
};

static bool lookup(void *user, const char *setting, const char *scope,
                   struct setting_now *now)
{
    const struct scale_choice *scale = fleet_scale(user);
    bool is_there = fleet_get(user, setting, scope, now->value, sizeof(now->value));
    if (scale != NULL && strcmp(setting, "concurrency") == 0 &&
        strncmp(scope, "service:", 8) == 0 && strcmp(scope + 8, scale->service) == 0) {
        now->most = strtod(now->value, NULL); /* only the command adds any */
    }
    return is_there;
}

static void look(struct school *school, struct wall now)
{
    struct learning_world world = {.lookup = lookup,
                                   .user = school->fleet,
                                   .processors = FLEET_PROCESSORS,
                                   .scales = fleet_scale(school->fleet),
                                   .n_scales =
                                       fleet_scale(school->fleet) != NULL ? 1 : 0};
    for (int kind = 0; kind < OPTIMIZATION_KIND_COUNT; kind++) {
        school->n_made +=
            learning_propose(school->learning, &world, now, school->made + school->n_made,
                             MADE_MAX - school->n_made);
    }
}

static void tell(void *user, const struct feature_source *source)
{
    struct school *school = user;
    assert_true(learning_add(school->learning, source));
    if (++school->n % look_after == 0) {
        look(school, source->workflow->finished_at);
    }
}

static void tell_change(void *user, const char *service, enum breaker_state state,
                        struct wall at)
{
    struct school *school = user;
    learning_change(school->learning, service, state, at);
}

static void school_run(struct school *school, uint64_t seed, unsigned flaws)
{
    *school =
        (struct school){.fleet = fleet_new(seed, flaws), .learning = learning_new(seed)};
    fleet_on_change(school->fleet, tell_change, school);
    fleet_run(school->fleet, 1, WORKFLOWS, tell, school);
}

static void school_end(struct school *school)
{
    learning_free(school->learning);
    fleet_free(school->fleet);
}

/* ---- measuring ---------------------------------------------------------------------------- */

struct measure {
    struct words *words;
    const char *scope;
    enum run_metric metric;
    double sum, n;
};

static bool is_in_scope(const char *scope, const struct feature_source *source)
{
    if (strncmp(scope, "pipeline:", 9) == 0) {
        return strcmp(scope + 9, source->workflow->pipeline) == 0;
    }
    for (size_t i = 0; strncmp(scope, "service:", 8) == 0 && i < source->n_effects; i++) {
        if (strcmp(scope + 8, source->effects[i].provider) == 0) {
            return true;
        }
    }
    return scope[0] == '\0';
}

static void measure(void *user, const struct feature_source *source)
{
    struct measure *measure = user;
    if (is_in_scope(measure->scope, source)) {
        struct run_features *run = features_of(measure->words, source);
        double value = run_measure(run, measure->metric);
        measure->sum += isfinite(value) ? value : 0;
        measure->n += isfinite(value) ? 1 : 0;
        free(run);
    }
}

static double mean_in_world(struct fleet *fleet, const struct proposal *proposal)
{
    struct measure all = {words_new(), proposal->scope, proposal->metric, 0, 0};
    for (int64_t i = 1; i <= MEASURES; i++) {
        fleet_run(fleet, 100000 * i, WORKFLOWS, measure, &all);
    }
    words_free(all.words);
    return all.sum / all.n;
}

/* What the change does in the world. */
static double effect_of(uint64_t seed, unsigned flaws, const struct proposal *proposal)
{
    struct fleet *fleet = fleet_new(seed, flaws);
    double before = mean_in_world(fleet, proposal);
    assert_true(fleet_set(fleet, proposal->setting, proposal->scope, proposal->to));
    double after = mean_in_world(fleet, proposal);
    fleet_free(fleet);
    return after - before;
}

/* ---- the tests ---------------------------------------------------------------------------- */

/* Ten of all flaws, others for each seed. Too few slots and too few places hide each other: one of
 * the two. */
static unsigned ten_flaws(uint64_t seed)
{
    unsigned flaws = (1u << FLAW_COUNT) - 1;
    unsigned other = (unsigned)(seed * 5 % FLAW_COUNT);
    flaws &= ~(1u << (seed % 2 == 0 ? FLAW_BULKHEAD : FLAW_CONCURRENCY));
    while (__builtin_popcount(flaws) > PLANTED) {
        while ((flaws >> other & 1) == 0) {
            other = (other + 1) % FLAW_COUNT;
        }
        flaws &= ~(1u << other);
        other = (other + 4) % FLAW_COUNT;
    }
    return flaws;
}

/* Deadlines of a state, and timeouts of a check, at one pipeline. */
static bool is_its_setting(enum fleet_flaw flaw, const char *setting)
{
    bool is_check = strncmp(setting, "checks/", 7) == 0;
    return flaw == FLAW_TIMEOUT ? is_check : flaw == FLAW_DEADLINE ? !is_check : true;
}

/* The flaw that it puts right, or FLAW_COUNT. */
static enum fleet_flaw flaw_of(const struct fleet *fleet, unsigned flaws,
                               const struct proposal *proposal)
{
    for (int flaw = 0; flaw < FLAW_COUNT; flaw++) {
        if ((flaws >> flaw & 1) != 0 &&
            is_its_setting((enum fleet_flaw)flaw, proposal->setting) &&
            kind_of_flaw[flaw] == proposal->kind &&
            strcmp(fleet_flaw_scope(fleet, (enum fleet_flaw)flaw), proposal->scope) ==
                0) {
            return (enum fleet_flaw)flaw;
        }
    }
    return FLAW_COUNT;
}

static void check_proposal(const struct proposal *proposal)
{
    assert_true(proposal->setting[0] != '\0' && proposal->to[0] != '\0');
    assert_true(proposal->title[0] != '\0' && proposal->reason[0] != '\0');
    assert_true(proposal->if_wrong[0] != '\0' && proposal->n_evidence > 0);
    assert_true(strlen(proposal->evidence) > 40);
    assert_true(proposal->expected.low <= proposal->expected.value);
    assert_true(proposal->expected.value <= proposal->expected.high);
    assert_true(proposal->confidence > 0.9 && proposal->confidence <= 1);
}

struct tally {
    int n, n_covered, n_wrong;
};

static int found_in(uint64_t seed, struct tally *tally)
{
    unsigned flaws = ten_flaws(seed), found = 0;
    AUTO_FREE struct school *school = mem_alloc(sizeof(*school));
    school_run(school, seed, flaws);
    for (size_t i = 0; i < school->n_made; i++) {
        const struct proposal *proposal = &school->made[i];
        enum fleet_flaw flaw = flaw_of(school->fleet, flaws, proposal);
        double effect = effect_of(seed, flaws, proposal);
        bool is_covered =
            effect >= proposal->expected.low && effect <= proposal->expected.high;
        check_proposal(proposal);
        found |= flaw < FLAW_COUNT ? 1u << flaw : 0;
        tally->n++;
        tally->n_covered += is_covered ? 1 : 0;
        tally->n_wrong += flaw == FLAW_COUNT ? 1 : 0;
        if (!is_covered || flaw == FLAW_COUNT) {
            print_message("seed %d %s: %s %+.3f (%+.3f to %+.3f), measured %+.3f%s\n",
                          (int)seed, proposal->title, run_metric_word(proposal->metric),
                          proposal->expected.value, proposal->expected.low,
                          proposal->expected.high, effect,
                          flaw == FLAW_COUNT ? ", not planted" : "");
        }
    }
    for (int flaw = 0; flaw < FLAW_COUNT; flaw++) {
        if (((flaws & ~found) >> flaw & 1) != 0) {
            print_message("seed %d not found: %s at %s\n", (int)seed,
                          optimization_word(kind_of_flaw[flaw]),
                          fleet_flaw_scope(school->fleet, (enum fleet_flaw)flaw));
        }
    }
    school_end(school);
    return __builtin_popcount(found);
}

static void finds_what_is_planted_and_expects_what_happens(void **state)
{
    (void)state;
    struct tally tally = {0};
    int found = 0;
    for (int i = 0; i < n_seeds; i++) {
        int n = found_in(first_seed + (uint64_t)i, &tally);
        assert_true(n >= FOUND);
        found += n;
    }
    print_message("found %d of %d; %d of %d effects in their interval; %d not planted\n",
                  found, n_seeds * PLANTED, tally.n_covered, tally.n, tally.n_wrong);
    assert_true(tally.n_covered >= COVERED * tally.n);
}

static void finds_nothing_where_nothing_is(void **state)
{
    (void)state;
    size_t n = 0;
    AUTO_FREE struct school *school = mem_alloc(sizeof(*school));
    for (uint64_t i = 0; i < (uint64_t)n_controls; i++) {
        school_run(school, first_seed + i, 0);
        for (size_t k = 0; k < school->n_made; k++) {
            print_message("seed %d: %s: %s\n", (int)(first_seed + i),
                          school->made[k].title, school->made[k].reason);
        }
        n += school->n_made;
        school_end(school);
    }
    print_message("%zu proposals in %d workflows\n", n, n_controls * WORKFLOWS);
    assert_true((double)n < n_controls * WORKFLOWS / 1000.0);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            first_seed = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seeds") == 0) {
            n_seeds = (int)strtol(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--controls") == 0) {
            n_controls = (int)strtol(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--look") == 0) {
            look_after = (int)strtol(argv[i + 1], NULL, 10);
        }
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_planted_and_expects_what_happens),
        cmocka_unit_test(finds_nothing_where_nothing_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
