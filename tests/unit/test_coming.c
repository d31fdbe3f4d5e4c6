/* SPDX-License-Identifier: MIT */
/* What the overview says is coming: what of the monitor's figures, and in which order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/place.h"
#include "tui/health_read.h"

static const struct wall begin = {1763815387000};

static void test_order(void **state)
{
    const struct health_outlook limits[] = {
        {.what = "soon",      .value = .4,               .p_within = .9         },
        {.what = "next week", .value = 6,                .p_within = .8         },
        {.what = "hardly",    .value = 7,                .p_within = .5         },
        {.what = "far",       .value = COMING_DAYS + 1,  .p_within = .9         },
        {.what = "never",     .value = (double)INFINITY, .p_within = .1         },
        {.what = "unknown",   .value = (double)NAN,      .p_within = (double)NAN},
    };
    const struct health_outlook failures[] = {
        {.what = "likely",  .value = .8,        .is_trusted = true},
        {.what = "guessed", .value = .9       },
        {.what = "unlikely",      .value = .5, .is_trusted = true                  },
    };
    const struct health health = {.forecasts = limits,
                                  .n_forecasts = ARRAY_LEN(limits),
                                  .predictions = failures,
                                  .n_predictions = ARRAY_LEN(failures)};
    const struct health_outlook *out[8];
    (void)state;
    assert_int_equal(health_coming(&health, out, ARRAY_LEN(out)), 3);
    assert_string_equal(out[0]->what, "soon");
    assert_string_equal(out[1]->what, "likely");
    assert_string_equal(out[2]->what, "next week");
    assert_int_equal(health_coming(&health, out, 2), 2);
    assert_int_equal(health_coming(&(struct health){0}, out, 2), 0);
}

/* A run that is not scored yet and a limit in sight, as the monitor writes them. */
static void test_file(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    char *broken = NULL;
    AUTO_FREE char *path = metric_store_path(place->path);
    struct metric_store *store = metric_store_open(path, begin, &broken, &err);
    assert_non_null(store);
    metric_store_begin(store);
    metric_store_put_prediction(store,
                                &(struct metric_prediction){.id = 5,
                                                            .workflow = 12,
                                                            .kind = "workflow",
                                                            .subject = "pipeline:x",
                                                            .at = begin,
                                                            .p = 0.75,
                                                            .base = 0.2,
                                                            .n = 9,
                                                            .outcome = (double)NAN,
                                                            .detail = ""});
    metric_store_put_forecast(
        store, &(struct metric_forecast){
                   "disk_used_ratio{folder=\"/\"}",
                   begin,
                   {60000},
                   "{\"capacity\":{\"verdict\":\"within\",\"days\":3,\"low\":2,"
                   "\"high\":5,\"p_within\":0.9,\"limit\":1,\"used\":0.95}}"});
    assert_true(metric_store_commit(store, &err));
    metric_store_close(store);

    struct metric_reader *reader = metric_reader_open(path, &err);
    struct health health;
    const struct health_outlook *out[2];
    assert_non_null(reader);
    assert_true(health_read_outlooks(reader, place->arena, &health, &err));
    assert_int_equal(health.n_predictions, 1);
    assert_string_equal(health.predictions[0].what, "wf-12 fails");
    assert_int_equal(health_coming(&health, out, 2), 1); /* nobody trusts the model yet */
    assert_string_equal(out[0]->what, "disk_used_ratio{folder=\"/\"}");
    assert_true(out[0]->value > 2.9 && out[0]->value < 3.1);
    metric_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),
                                       PLACE_TEST(test_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
