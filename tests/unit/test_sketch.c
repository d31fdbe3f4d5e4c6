/* SPDX-License-Identifier: MIT */
/* Quantiles against sorted measurements, merging against adding, bytes there and back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/sketch.h"

#define N 20000

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Shapes that durations have, and worse ones. */
static double draw(struct rng *rng, int shape)
{
    switch (shape) {
    case 0:
        return 10 + (1 - rng_unit(rng)); /* narrow */
    case 1:
        return -log((1 - rng_unit(rng))) * 300; /* exponential */
    case 2:
        return exp(12 * ((1 - rng_unit(rng)) - 0.5)); /* six powers of e to each side */
    case 3:
        return pow((1 - rng_unit(rng)), -2); /* a very heavy tail */
    default:
        return (1 - rng_unit(rng)) < 0.1
                   ? 0
                   : exp(40 * (1 - rng_unit(rng))); /* zeros, and 1:10^17 */
    }
}

static void test_error(void **state)
{
    (void)state;
    for (int shape = 0; shape < 5; shape++) {
        struct rng rng;
        struct sketch sketch;
        double *all = mem_array(N, sizeof(*all));
        rng_init(&rng, (uint64_t)shape + 7);
        sketch_init(&sketch);
        for (size_t i = 0; i < N; i++) {
            all[i] = draw(&rng, shape);
            assert_true(sketch_add(&sketch, all[i]));
        }
        qsort(all, N, sizeof(*all), compare);
        double error = sketch_error(&sketch), worst = 0;
        for (double q = 0; q <= 1; q += 0.001) {
            double rank = ceil(q * N);
            double truth = all[rank < 1 ? 0 : (size_t)rank - 1];
            double off = fabs(sketch_quantile(&sketch, q) - truth);
            worst = off > worst * truth && truth > 0 ? off / truth : worst;
            assert_true(off <= error * truth * (1 + 1e-9) + SKETCH_TINY);
        }
        printf("shape %d: stated %.4f, worst %.4f, %d buckets of level %d\n", shape,
               error, worst, sketch.used, sketch.level);
        assert_true(worst > error / 3); /* the statement is no empty promise */
        assert_true(shape > 0 || sketch.level == 0);
        free(all);
    }
}

static void test_merge(void **state)
{
    (void)state;
    for (int shape = 0; shape < 5; shape++) {
        struct rng rng;
        struct sketch whole, parts[3], merged;
        rng_init(&rng, (uint64_t)shape);
        sketch_init(&whole);
        sketch_init(&merged);
        for (size_t i = 0; i < 3; i++) {
            sketch_init(&parts[i]);
        }
        for (size_t i = 0; i < N; i++) { /* parts of different widths */
            double value = draw(&rng, shape);
            size_t part = value < 20 ? 0 : i % 3;
            (void)sketch_add(&whole, value);
            (void)sketch_add(&parts[part], value);
        }
        for (size_t i = 0; i < 3; i++) {
            sketch_merge(&merged, &parts[2 - i]);
        }
        assert_int_equal(merged.n, whole.n);
        assert_int_equal(merged.level, whole.level);
        for (double q = 0; q <= 1; q += 0.01) {
            assert_true(sketch_quantile(&merged, q) == sketch_quantile(&whole, q));
        }
        assert_true(fabs(merged.sum - whole.sum) <= 1e-9 * whole.sum);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    for (int shape = 0; shape < 5; shape++) {
        struct rng rng;
        struct sketch sketch, again;
        uint8_t bytes[SKETCH_BLOB_MAX];
        rng_init(&rng, (uint64_t)shape);
        sketch_init(&sketch);
        for (size_t n = 0; n < 2000; n++) {
            size_t len = sketch_format(&sketch, bytes);
            assert_true(sketch_parse(bytes, len, &again));
            assert_int_equal(sketch_format(&again, bytes), len);
            assert_int_equal(again.n, sketch.n);
            assert_true(n == 0 ||
                        sketch_quantile(&again, 0.9) == sketch_quantile(&sketch, 0.9));
            for (size_t cut = 0; cut < len; cut += 1 + len / 7) {
                assert_false(sketch_parse(bytes, cut, &again));
            }
            (void)sketch_add(&sketch, draw(&rng, shape));
        }
    }
}

static void test_edges(void **state)
{
    (void)state;
    struct sketch sketch;
    sketch_init(&sketch);
    assert_true(isnan(sketch_quantile(&sketch, 0.5)));
    assert_false(sketch_add(&sketch, -1));
    assert_false(sketch_add(&sketch, (double)NAN));
    assert_false(sketch_add(&sketch, (double)INFINITY));
    assert_int_equal(sketch.n, 0);
    assert_true(sketch_add(&sketch, 0));
    assert_true(sketch_quantile(&sketch, 0.5) == 0);
    assert_true(sketch_add(&sketch, 1e300));
    assert_true(sketch_add(&sketch, 1e-8));
    assert_true(sketch_quantile(&sketch, 1) == 1e300);
    assert_true(sketch_quantile(&sketch, 0) == 0);
    assert_true(isnan(sketch_quantile(&sketch, 1.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
