/* SPDX-License-Identifier: MIT */

/* The anomaly book: every rule of opening, extending, closing and grouping. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/monitor/anomaly.h"

#define MINUTE INT64_C(60000)
#define START  INT64_C(1700000000000)
#define WARM   220 /* points that teach a series what is usual */

static const struct series_info infos[] = {
    {.id = 0,
     .name = "service_latency_seconds",
     .labels = "service=\"a\"",
     .component = "service:a"                                                            },
    {.id = 1,
     .name = "service_slow_ratio",
     .labels = "service=\"a\"",
     .component = "service:a"                                                            },
    {.id = 2, .name = "workflow_queued", .labels = "",            .component = "engine"  },
    {.id = 3, .name = "disk_used_ratio", .labels = "mount=\"/\"", .component = "host"    },
    {.id = 4,
     .name = "workflow_success_ratio",
     .labels = "repo=\"r\"",
     .component = "repo:r"                                                               },
    {.id = 5, .name = "odd_thing",       .labels = "",            .component = "scrape:x"},
};

static const struct world_edge edges[] = {
    {"repo:r",     "service:a" },
    {"service:a",  "endpoint:e"},
    {"endpoint:e", "host"      },
    {"engine",     "host"      }
};

/* A book with its clock, all rows as they were told last. */
struct desk {
    struct anomaly_book *book;
    struct rule_set *set;
    struct world world;
    struct arena *arena;
    int64_t now_ms;
    struct anomaly_row rows[64];
    struct incident_row incidents[64];
    size_t n_rows, n_incidents;
    double low, high; /* the band that the detector gives */
};

static int set_up(void **state)
{
    struct desk *desk = mem_alloc(sizeof(*desk));
    desk->book = anomaly_book_new();
    desk->set = rule_set_new(NULL, 0);
    desk->arena = arena_new();
    desk->now_ms = START;
    desk->low = 9;
    desk->high = 11;
    desk->world = (struct world){.edges = edges, .n_edges = ARRAY_LEN(edges)};
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    anomaly_book_free(desk->book);
    rule_set_free(desk->set);
    arena_free(desk->arena);
    free(desk);
    return 0;
}

static void take(struct desk *desk)
{
    struct anomaly_changes changes;
    anomaly_book_tick(desk->book, desk->set, &desk->world, (struct wall){desk->now_ms});
    anomaly_book_take(desk->book, desk->set, &desk->world, desk->arena, &changes);
    for (size_t i = 0; i < changes.n_anomalies; i++) {
        size_t at = 0;
        while (at < desk->n_rows && desk->rows[at].id != changes.anomalies[i].id) {
            at++;
        }
        assert_true(at < ARRAY_LEN(desk->rows));
        desk->rows[at] = changes.anomalies[i];
        desk->n_rows = at == desk->n_rows ? at + 1 : desk->n_rows;
    }
    for (size_t i = 0; i < changes.n_incidents; i++) {
        size_t at = 0;
        while (at < desk->n_incidents &&
               desk->incidents[at].id != changes.incidents[i].id) {
            at++;
        }
        assert_true(at < ARRAY_LEN(desk->incidents));
        desk->incidents[at] = changes.incidents[i];
        desk->n_incidents = at == desk->n_incidents ? at + 1 : desk->n_incidents;
    }
}

/* What a detector says: band 9 to 11, odd by so many digits. */
static void signal_at(struct desk *desk, int series, double value, double digits,
                      enum detect_kind kind)
{
    struct series_signal signal = {
        .series = &infos[series],
        .at = {desk->now_ms                         },
        .value = value,
        .result = { .value = value,
               .surprise = digits,
               .chance = pow(10, -digits),
               .kind = kind,
               .low = desk->low,
               .high = desk->high,
               .expected = (desk->low + desk->high) / 2,
               .since = {desk->now_ms},
               .is_anomalous = digits > DETECT_ALARM}
    };
    anomaly_book_point(desk->book, desk->set, rule_match(desk->set, &infos[series]),
                       &signal);
}

/* A point of one series, and the minute that it takes. */
static void point(struct desk *desk, int series, double value, double digits)
{
    desk->now_ms += MINUTE;
    signal_at(desk, series, value, digits, digits > 2 ? DETECT_SHIFT : DETECT_NONE);
    take(desk);
}

static void calm(struct desk *desk, int series, int n)
{
    for (int i = 0; i < n; i++) {
        point(desk, series, 10 + 0.5 * (i % 3 - 1), 0);
    }
}

static int n_open(const struct desk *desk)
{
    return (int)anomaly_book_counts(desk->book).n_open;
}

/* ---- opening --------------------------------------------------------------------------- */

static void test_one_blip_is_none(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    point(desk, 0, 13, 4.5);
    assert_int_equal(n_open(desk), 0);
    calm(desk, 0, 30);
    assert_int_equal(n_open(desk), 0);
    assert_int_equal(desk->n_rows, 0);
}

static void test_extreme_blip_opens(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    point(desk, 0, 1e9, ANOMALY_EXTREME - 1);
    calm(desk, 0, 40);
    assert_int_equal(n_open(desk), 0);
    point(desk, 0, 1e9, ANOMALY_EXTREME + 1);
    assert_int_equal(n_open(desk), 1);
}

static void test_evidence_opens(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    for (int i = 0; i < 4; i++) {
        point(desk, 0, 20, 5);
    }
    assert_int_equal(n_open(desk), 1);
    const struct anomaly_row *row = &desk->rows[0];
    assert_int_equal(row->type, ANOMALY_LEVEL_SHIFT);
    assert_string_equal(row->series, "service_latency_seconds{service=\"a\"}");
    assert_string_equal(row->component, "service:a");
    assert_true(row->began_at.ms < row->opened_at.ms ||
                row->opened_at.ms == row->began_at.ms);
    assert_true(row->began_at.ms >= START + WARM * MINUTE);
    assert_true(fabs(row->value - 20) < 1e-9 && fabs(row->low - 9) < 1e-9);
    assert_true(row->incident > 0);
    assert_true(row->score > 0 && row->score < 1);
    assert_non_null(strstr(row->text, "expected 9s to 11s"));
}

/* Before it knows what is usual it says nothing. */
static void test_warm_up(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, 50);
    for (int i = 0; i < 20; i++) {
        point(desk, 0, 20, 5);
    }
    assert_int_equal(n_open(desk), 0);
}

/* Inside of the band that a person is shown nothing is wrong, whatever the score. */
static void test_inside_the_band(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    for (int i = 0; i < 20; i++) {
        point(desk, 0, 10.5, 6);
    }
    assert_int_equal(n_open(desk), 0);
}

/* What a series does every hour is no news: its own runs raise the bar. */
static void test_learns_its_runs(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, 20);
    for (int hour = 0; hour < 40; hour++) {
        calm(desk, 0, 30);
        for (int i = 0; i < 6; i++) {
            point(desk, 0, 16, 2);
        }
    }
    int64_t n_before = anomaly_book_counts(desk->book).n_opened;
    for (int hour = 0; hour < 10; hour++) {
        calm(desk, 0, 30);
        for (int i = 0; i < 6; i++) {
            point(desk, 0, 16, 2);
        }
    }
    assert_int_equal(anomaly_book_counts(desk->book).n_opened, n_before);
    calm(desk, 0, 30);
    for (int i = 0; i < 40; i++) { /* much longer than ever */
        point(desk, 0, 16, 2);
    }
    assert_int_equal(anomaly_book_counts(desk->book).n_opened, n_before + 1);
}

/* A band that is only narrow: no point of a long run is rare. */
static void test_nothing_rare(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    for (int i = 0; i < 60; i++) {
        point(desk, 0, 12.5, 0.5);
    }
    assert_int_equal(n_open(desk), 0);
    point(desk, 0, 13, 2);
    assert_int_equal(n_open(desk), 1);
}

/* The value that it nearly always has is no news, wherever a band is put. */
static void test_most_usual_value(void **state)
{
    struct desk *desk = *state;
    desk->low = 7;
    desk->high = 8.5;
    for (int i = 0; i < 2 * WARM; i++) {
        point(desk, 0, 8, 0);
    }
    desk->low = 9; /* a burst has moved it */
    desk->high = 11;
    for (int i = 0; i < 60; i++) {
        point(desk, 0, 8, 3);
    }
    assert_int_equal(n_open(desk), 0);
    for (int i = 0; i < 60; i++) {
        point(desk, 0, 60, 3);
    }
    assert_int_equal(n_open(desk), 1);
}

/* ---- extending and closing ------------------------------------------------------------- */

static void trouble(struct desk *desk, int series, int n)
{
    for (int i = 0; i < n; i++) {
        point(desk, series, 20, 5);
    }
}

static void test_repeats_extend(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    for (int i = 0; i < 5; i++) {
        trouble(desk, 0, 8);
        calm(desk, 0, ANOMALY_CALM / 2);
    }
    assert_int_equal(n_open(desk), 1);
    assert_int_equal(desk->n_rows, 1);
    assert_true(desk->rows[0].seen_at.ms > desk->rows[0].opened_at.ms);
}

static void test_recovers(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    calm(desk, 0, ANOMALY_CALM - 1);
    assert_int_equal(n_open(desk), 1);
    calm(desk, 0, 1);
    assert_int_equal(n_open(desk), 0);
    assert_string_equal(desk->rows[0].closed_by, "recovered");
    assert_int_equal(desk->rows[0].closed_at.ms, desk->now_ms);
    assert_int_equal(desk->incidents[0].n_open, 0);
    assert_int_equal(desk->incidents[0].closed_at.ms, desk->now_ms);
}

/* It stays outside, and the detector is no longer surprised: this is how it is now. */
static void test_adapts_and_is_quiet(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    for (int64_t ms = 0; ms < ANOMALY_ADAPTED_MS + 20 * MINUTE; ms += 10 * MINUTE) {
        desk->now_ms += 9 * MINUTE;
        point(desk, 0, 20 + (double)(ms / MINUTE % 70) / 100, 0);
    }
    assert_int_equal(n_open(desk), 0);
    assert_string_equal(desk->rows[0].closed_by, "adapted");
    for (int i = 0; i < 30; i++) { /* still there: not told again */
        point(desk, 0, 21 + i * 0.01, 5);
    }
    assert_int_equal(n_open(desk), 0);
    calm(desk, 0, ANOMALY_CALM + 1);
    for (int i = 0; i < 30; i++) { /* it had been back */
        point(desk, 0, 60, 5);
    }
    assert_int_equal(n_open(desk), 1);
}

static void test_dead_series(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    assert_int_equal(n_open(desk), 1);
    desk->now_ms += (ANOMALY_SILENT - 1) * MINUTE;
    take(desk);
    assert_int_equal(n_open(desk), 1);
    desk->now_ms += 5 * MINUTE;
    take(desk);
    assert_int_equal(n_open(desk), 0);
    assert_string_equal(desk->rows[0].closed_by, "silent");
}

/* Odd for ever: the bound ends it. */
static void test_lasts_no_longer(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    int64_t opened = desk->rows[0].opened_at.ms;
    while (n_open(desk) > 0 && desk->now_ms - opened < 2 * ANOMALY_LASTS_MAX) {
        desk->now_ms += 17 * MINUTE;
        point(desk, 0, 20 + (double)(desk->now_ms / MINUTE % 70) / 100, 5);
    }
    assert_string_equal(desk->rows[0].closed_by, "adapted");
    assert_true(desk->now_ms - opened <= ANOMALY_LASTS_MAX + 60 * MINUTE);
}

static void test_operator_resolves(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    assert_false(anomaly_book_resolve(desk->book, 99, (struct wall){desk->now_ms}));
    assert_true(anomaly_book_resolve_incident(desk->book, desk->rows[0].incident,
                                              (struct wall){desk->now_ms}));
    take(desk);
    assert_string_equal(desk->rows[0].closed_by, "operator");
    assert_int_equal(n_open(desk), 0);
}

/* ---- silence --------------------------------------------------------------------------- */

static void silence(struct desk *desk, int series, int64_t since_ms, double digits)
{
    struct series_signal signal = {
        .series = &infos[series],
        .at = {desk->now_ms        },
        .value = (double)NAN,
        .result = { .value = (double)NAN,
               .surprise = digits,
               .chance = pow(10, -digits),
               .kind = DETECT_SILENCE,
               .low = (double)NAN,
               .high = (double)NAN,
               .since = {since_ms},
               .is_alarm = true,
               .is_anomalous = true}
    };
    anomaly_book_point(desk->book, desk->set, 0, &signal);
    take(desk);
}

static void test_silence(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    int64_t last = desk->now_ms;
    for (int i = 1; i < 12; i++) {
        desk->now_ms += MINUTE;
        silence(desk, 0, last, 4.5); /* told often is not known better */
        assert_int_equal(n_open(desk), 0);
    }
    silence(desk, 0, last, 7);
    assert_int_equal(n_open(desk), 1);
    assert_int_equal(desk->rows[0].type, ANOMALY_SILENCE);
    assert_true(isnan(desk->rows[0].value));
    calm(desk, 0, ANOMALY_CALM + 1);
    assert_string_equal(desk->rows[0].closed_by, "recovered");
}

/* Nobody was watching: what was missed then says nothing. */
static void test_silence_while_asleep(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    int64_t last = desk->now_ms;
    desk->now_ms += 600 * MINUTE;
    take(desk); /* back again */
    desk->now_ms += MINUTE;
    silence(desk, 0, last, 30);
    assert_int_equal(n_open(desk), 0);
}

/* ---- rules ----------------------------------------------------------------------------- */

static void test_rule_opens_and_ends(void **state)
{
    struct desk *desk = *state;
    point(desk, 3, 0.5, 0);
    point(desk, 3, 0.93, 0);
    point(desk, 3, 0.93, 0);
    assert_int_equal(n_open(desk), 1);
    const struct anomaly_row *row = &desk->rows[0];
    assert_int_equal(row->type, ANOMALY_EXHAUSTION);
    assert_int_equal(row->severity, SEVERITY_CRITICAL);
    assert_string_equal(row->rule, "disk nearly full");
    assert_true(fabs(row->high - 0.9) < 1e-9 && isnan(row->low));
    for (int i = 0; i < 30; i++) {
        point(desk, 3, 0.95, 0);
    }
    assert_int_equal(desk->n_rows, 1); /* extended */
    point(desk, 3, 0.85, 0);
    assert_string_equal(desk->rows[0].closed_by, "recovered");
}

/* ---- severity -------------------------------------------------------------------------- */

static void test_good_news_is_info(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    for (int i = 0; i < 6; i++) {
        point(desk, 0, 1, 5); /* faster than ever */
    }
    assert_int_equal(desk->rows[0].severity, SEVERITY_INFO);
    calm(desk, 4, WARM);
    for (int i = 0; i < 6; i++) {
        point(desk, 4, 20,
              5); /* more success than ever; its rule looks at less than 0.85 */
    }
    assert_int_equal(desk->rows[desk->n_rows - 1].severity, SEVERITY_INFO);
}

static void test_lasting_is_worse(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 6);
    enum severity first = desk->rows[0].severity;
    trouble(desk, 0, 70);
    assert_int_equal(desk->rows[0].severity, first + 1);
}

static void test_scraped_is_bounded(void **state)
{
    struct desk *desk = *state;
    calm(desk, 5, WARM);
    for (int i = 0; i < 80; i++) {
        point(desk, 5, 1e6, 11.9);
    }
    assert_true(desk->rows[0].severity <= SEVERITY_MEDIUM);
}

/* ---- what belongs to it ---------------------------------------------------------------- */

/* Two series in the same minutes. */
static void both(struct desk *desk, int a, int b, int n)
{
    for (int i = 0; i < n; i++) {
        desk->now_ms += MINUTE;
        signal_at(desk, a, 20, 5, DETECT_SHIFT);
        signal_at(desk, b, 20, 5, DETECT_SHIFT);
        take(desk);
    }
}

static void warm(struct desk *desk, int a, int b)
{
    for (int i = 0; i < WARM; i++) {
        desk->now_ms += MINUTE;
        signal_at(desk, a, 10, 0, DETECT_NONE);
        signal_at(desk, b, 10, 0, DETECT_NONE);
        take(desk);
    }
}

static bool mentions(const char *detail, const char *key, const char *field,
                     const char *text)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(detail, strlen(detail), &err);
    const struct json *list = json_get(root, key);
    bool is_there = false;
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        const char *found = field != NULL ? json_str(one, field, "") : json_text(one);
        is_there |= found != NULL && strcmp(found, text) == 0;
    }
    json_free(root);
    return is_there;
}

static void test_contributing_and_affected(void **state)
{
    struct desk *desk = *state;
    warm(desk, 0, 1);
    both(desk, 0, 1, 10);
    assert_int_equal(n_open(desk), 2);
    const char *detail = desk->rows[0].detail;
    const char *other = desk->rows[1].series;
    assert_true(mentions(detail, "contributing", "series", other));
    assert_false(mentions(detail, "contributing", "series", desk->rows[0].series));
    assert_true(mentions(detail, "affected", NULL, "service:a"));
    assert_true(mentions(detail, "affected", NULL, "repo:r"));
    assert_false(mentions(detail, "affected", NULL, "host"));
    assert_true(mentions(detail, "actions", NULL,
                         "look for what changed at that time: a deploy, a setting"));
}

static void test_unrelated_does_not_contribute(void **state)
{
    struct desk *desk = *state;
    warm(desk, 0, 5);
    both(desk, 0, 5, 10);
    assert_int_equal(n_open(desk), 2);
    assert_false(
        mentions(desk->rows[0].detail, "contributing", "series", desk->rows[1].series));
    assert_int_not_equal(desk->rows[0].incident, desk->rows[1].incident);
}

static void test_similar(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    calm(desk, 0, 40);
    for (int i = 0; i < 60; i++) {
        point(desk, 0, 20, 5);
    }
    assert_int_equal(desk->n_rows, 2);
    struct err err = ERR_INIT;
    struct json *root =
        json_parse(desk->rows[1].detail, strlen(desk->rows[1].detail), &err);
    const struct json *one = json_at(json_get(root, "similar"), 0);
    assert_int_equal(json_int(one, "id", 0), desk->rows[0].id);
    assert_string_equal(json_str(one, "closed_by", ""), "recovered");
    assert_true(json_num(one, "lasted_s", 0) > 600);
    json_free(root);
}

/* ---- incidents ------------------------------------------------------------------------- */

/* The host explains the service, and that the repository's work. */
static void test_cause(void **state)
{
    struct desk *desk = *state;
    warm(desk, 0, 4);
    both(desk, 0, 4, 10);
    assert_int_equal(desk->n_incidents, 1);
    assert_string_equal(desk->incidents[0].cause, "service:a");
    assert_true(desk->incidents[0].n_anomalies >= 2);
    point(desk, 3, 0.95, 0);
    point(desk, 3, 0.95, 0);
    assert_int_equal(desk->n_incidents, 1);
    assert_string_equal(desk->incidents[0].cause, "host");
    assert_int_equal(desk->incidents[0].severity, SEVERITY_CRITICAL);
    assert_true(mentions(desk->incidents[0].detail, "affected", NULL, "repo:r"));
}

/* Two troubles turn out to be one. */
static void test_merge(void **state)
{
    struct desk *desk = *state;
    warm(desk, 0, 2);
    both(desk, 0, 2, 10); /* service:a and engine know nothing of each other */
    assert_int_equal(desk->n_incidents, 2);
    point(desk, 3, 0.95, 0);
    point(desk, 3, 0.95, 0);
    assert_int_equal(anomaly_book_counts(desk->book).n_incidents, 1);
    assert_int_equal(desk->rows[0].incident, desk->rows[1].incident);
    assert_true(wall_is_set(desk->incidents[1].closed_at));
    assert_string_equal(desk->incidents[0].cause, "host");
}

static void test_much_later_is_another(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    calm(desk, 0, 120);
    trouble(desk, 0, 60);
    assert_int_equal(desk->n_incidents, 2);
}

/* Nothing is heard of the first for an hour: what comes then is another trouble, though the
 * first is open. */
static void test_no_news_is_apart(void **state)
{
    struct desk *desk = *state;
    for (int i = 0; i < WARM; i++) {
        desk->now_ms += 4 * MINUTE;
        signal_at(desk, 1, 10, 0, DETECT_NONE);
        point(desk, 0, 10, 0);
    }
    for (int i = 0; i < 10; i++) {
        desk->now_ms += 4 * MINUTE;
        point(desk, 0, 20, 5);
    }
    desk->now_ms += 60 * MINUTE;
    trouble(desk, 1, 10);
    assert_int_equal(n_open(desk), 2);
    assert_int_equal(desk->n_incidents, 2);
}

static void test_breaker_inhibits(void **state)
{
    struct desk *desk = *state;
    static const char *const open[] = {"a"};
    calm(desk, 4, WARM);
    desk->world.open_breakers = open;
    desk->world.n_open_breakers = 1;
    trouble(desk, 4, 10); /* repo:r needs service:a */
    assert_int_equal(n_open(desk), 1);
    assert_string_equal(desk->incidents[0].inhibited_by, "breaker:a");
    desk->world.n_open_breakers = 0;
    trouble(desk, 4, 1);
    assert_string_equal(desk->incidents[0].inhibited_by, "");
}

static void test_silence_of_an_operator(void **state)
{
    struct desk *desk = *state;
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    struct silence_row row = {.id = 4,
                              .match = "service_latency*",
                              .author = "",
                              .reason = "",
                              .from = {START},
                              .until = {desk->now_ms + 5 * MINUTE}};
    desk->world.silences = &row;
    desk->world.n_silences = 1;
    trouble(desk, 0, 1);
    assert_string_equal(desk->incidents[0].inhibited_by, "silence:4");
    trouble(desk, 0, 6); /* it has an end */
    assert_string_equal(desk->incidents[0].inhibited_by, "");
    row.until.ms += 60 * MINUTE;
    row.is_ended = true;
    trouble(desk, 0, 1);
    assert_string_equal(desk->incidents[0].inhibited_by, "");
    row.is_ended = false;
    row.match = "service:b";
    trouble(desk, 0, 1);
    assert_string_equal(desk->incidents[0].inhibited_by, "");
}

/* ---- kept ------------------------------------------------------------------------------ */

/* Saved in the middle of it all, it goes on as if nothing had been. */
static void test_save_and_load(void **state)
{
    struct desk *desk = *state;
    AUTO_BUF struct buf first, second;
    buf_init(&first, 64 * 1024 * 1024);
    buf_init(&second, 64 * 1024 * 1024);
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    point(desk, 3, 0.95, 0);
    anomaly_book_save(desk->book, &first);
    struct anomaly_book *other = anomaly_book_new();
    assert_true(anomaly_book_load(other, first.data, first.len));
    struct anomaly_book *old = desk->book;
    int64_t now_ms = desk->now_ms;
    calm(desk, 0, 30);
    anomaly_book_save(old, &first);
    buf_clear(&first);
    anomaly_book_save(old, &first);
    desk->book = other;
    desk->now_ms = now_ms;
    calm(desk, 0, 30);
    anomaly_book_save(other, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    anomaly_book_free(old);
}

static void test_damaged_is_refused(void **state)
{
    struct desk *desk = *state;
    AUTO_BUF struct buf out;
    buf_init(&out, 64 * 1024 * 1024);
    calm(desk, 0, WARM);
    trouble(desk, 0, 10);
    anomaly_book_save(desk->book, &out);
    for (size_t len = 0; len < out.len; len += 1 + len / 20) {
        assert_false(anomaly_book_load(desk->book, out.data, len));
        assert_int_equal(n_open(desk), 0);
    }
    for (size_t at = 0; at < out.len;
         at += 7) { /* whatever is in it, it is used safely */
        char was = out.data[at];
        out.data[at] = (char)0xFF;
        if (anomaly_book_load(desk->book, out.data, out.len)) {
            desk->n_rows = desk->n_incidents = 0;
            anomaly_book_tick(desk->book, desk->set, &desk->world,
                              (struct wall){desk->now_ms});
        }
        out.data[at] = was;
    }
    assert_true(anomaly_book_load(desk->book, out.data, out.len));
    assert_int_equal(n_open(desk), 1);
}

/* More trouble than it has room for: counted, and nothing breaks. */
static void test_bounds(void **state)
{
    struct desk *desk = *state;
    static char places[600][32];
    for (int round = 0; round < WARM + 10; round++) {
        desk->now_ms += MINUTE;
        for (int i = 0; i < 600; i++) {
            snprintf(places[i], sizeof(places[i]), "service:%d", i);
            struct series_info info = {
                .id = i, .name = "m", .labels = "", .component = places[i]};
            bool is_odd = round >= WARM;
            struct series_signal signal = {
                .series = &info,
                .at = {desk->now_ms          },
                .value = is_odd ? 20 : 10,
                .result = { .low = 9,
                       .high = 11,
                       .since = {desk->now_ms},
                       .chance = is_odd ? 1e-6 : 1,
                       .surprise = is_odd ? 6 : 0,
                       .kind = DETECT_SPIKE,
                       .is_anomalous = is_odd}
            };
            anomaly_book_point(desk->book, desk->set, 0, &signal);
        }
        anomaly_book_tick(desk->book, desk->set, &desk->world,
                          (struct wall){desk->now_ms});
    }
    struct anomaly_counts counts = anomaly_book_counts(desk->book);
    assert_int_equal(counts.n_open, ANOMALY_OPEN_MAX);
    assert_int_equal(counts.n_incidents, INCIDENT_OPEN_MAX);
    assert_true(counts.n_dropped > 0);
    struct series_info out = {
        .id = ANOMALY_SERIES_MAX, .name = "m", .labels = "", .component = "x"};
    struct series_signal signal = {
        .series = &out,
        .at = {desk->now_ms   },
        .value = 1,
        .result = { .low = 5, .high = 6, .chance = 1e-9}
    };
    anomaly_book_point(desk->book, desk->set, 0, &signal);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_one_blip_is_none),
        T(test_extreme_blip_opens),
        T(test_evidence_opens),
        T(test_warm_up),
        T(test_inside_the_band),
        T(test_learns_its_runs),
        T(test_nothing_rare),
        T(test_most_usual_value),
        T(test_repeats_extend),
        T(test_recovers),
        T(test_adapts_and_is_quiet),
        T(test_dead_series),
        T(test_lasts_no_longer),
        T(test_operator_resolves),
        T(test_silence),
        T(test_silence_while_asleep),
        T(test_rule_opens_and_ends),
        T(test_good_news_is_info),
        T(test_lasting_is_worse),
        T(test_scraped_is_bounded),
        T(test_contributing_and_affected),
        T(test_unrelated_does_not_contribute),
        T(test_similar),
        T(test_cause),
        T(test_merge),
        T(test_much_later_is_another),
        T(test_no_news_is_apart),
        T(test_breaker_inhibits),
        T(test_silence_of_an_operator),
        T(test_save_and_load),
        T(test_damaged_is_refused),
        T(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
