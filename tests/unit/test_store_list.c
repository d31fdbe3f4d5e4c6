/* SPDX-License-Identifier: MIT */
/* Lists: order, filters and pages, against a plain sort of the same rows in memory. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

#define N_ROWS 300

static struct workflow_row rows[N_ROWS];

/* Few different values, so that ties are the rule. */
static void fill(struct store *store)
{
    static const char *const repos[] = {"/srv/b", "/srv/a", "/srv/100%_c"};
    static const char *const pipelines[] = {"web", "api"};
    static const char *const titles[] = {"add a retry", "Fix 50% of it", "a_b\\c",
                                         "wf-7"};
    uint32_t random = 7;
    for (int64_t i = 0; i < N_ROWS; i++) {
        struct workflow_row *row = &rows[i];
        *row = sample_workflow(i + 1);
        random = random * 1103515245u + 12345u;
        unsigned r = random >> 8;
        row->state = (enum workflow_state)(r % STATE_COUNT);
        row->wait = (enum workflow_wait)(r / 16 % WAIT_COUNT);
        row->repo = repos[r / 128 % ARRAY_LEN(repos)];
        row->pipeline = pipelines[r / 512 % ARRAY_LEN(pipelines)];
        row->title = titles[r / 1024 % ARRAY_LEN(titles)];
        row->priority = (int)(r / 4096 % 3);
        row->state_since.ms = 1000 + r / 8192 % 5;
        row->finished_at.ms = state_is_final(row->state) ? 5000 + i : 0;
        struct workflow_row before = *row; /* has been elsewhere, in every index */
        before.state = (enum workflow_state)((row->state + 5) % STATE_COUNT);
        before.wait = (enum workflow_wait)((row->wait + 3) % WAIT_COUNT);
        before.finished_at.ms = state_is_final(before.state) ? 5000 + i : 0;
        store_put_workflow(store, &before);
        store_put_workflow(store, row);
    }
    must_commit(store);
}

static const struct list_query *sorting; /* for compare */

static int compare_rows(const void *left, const void *right)
{
    const struct workflow_row *a = left, *b = right;
    int64_t key = 0, id = a->id - b->id;
    switch (sorting->sort) {
    case SORT_ID:
        id = -id;
        break;
    case SORT_STATE:
        key = (int64_t)a->state - (int64_t)b->state;
        id = -id;
        break;
    case SORT_AGE:
        key = a->state_since.ms - b->state_since.ms;
        break;
    case SORT_PRIORITY:
        key = b->priority - a->priority;
        break;
    case SORT_REPO:
        key = strcmp(a->repo, b->repo);
        id = -id;
        break;
    case SORT_PIPELINE:
        key = strcmp(a->pipeline, b->pipeline);
        id = -id;
        break;
    case SORT_COUNT:
        break;
    }
    int64_t order = key != 0 ? key : id;
    int sign = (order > 0) - (order < 0);
    return sorting->is_reversed ? -sign : sign;
}

static bool is_wanted(const struct list_query *query, const struct workflow_row *row)
{
    if (query->states != 0 && (query->states & STATE_BIT(row->state)) == 0) {
        return false;
    }
    if (query->needs_human && !wait_needs_human(row->wait)) {
        return false;
    }
    if (query->repo != NULL && strcmp(query->repo, row->repo) != 0) {
        return false;
    }
    if (query->text == NULL) {
        return true;
    }
    char name[32];
    (void)snprintf(name, sizeof(name), "wf-%lld", (long long)row->id);
    return strcasestr(row->title, query->text) != NULL ||
           strcasestr(row->repo, query->text) != NULL ||
           strcasestr(row->pipeline, query->text) != NULL ||
           strcasecmp(name, query->text) == 0 || strcmp(name + 3, query->text) == 0;
}

/* All pages of a query are the sorted rows, whatever the size of the page. */
static void check(const struct place *place, struct reader *reader,
                  struct list_query query)
{
    struct workflow_row wanted[N_ROWS];
    struct err err = ERR_INIT;
    size_t n_wanted = 0, n_seen = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (is_wanted(&query, &rows[i])) {
            wanted[n_wanted++] = rows[i];
        }
    }
    sorting = &query;
    qsort(wanted, n_wanted, sizeof(wanted[0]), compare_rows);
    for (;;) {
        const struct workflow_row *page;
        size_t n;
        arena_reset(place->arena);
        if (!reader_list(reader, place->arena, &query, &page, &n, &err)) {
            fail_msg("%s", err.msg);
        }
        for (size_t i = 0; i < n; i++) {
            assert_true(n_seen < n_wanted);
            assert_int_equal(page[i].id, wanted[n_seen].id);
            assert_string_equal(page[i].repo, wanted[n_seen].repo);
            n_seen++;
        }
        if (n < query.max) {
            break;
        }
        query.after_id = page[n - 1].id;
    }
    assert_int_equal(n_seen, n_wanted);
}

static void test_all_orders_and_pages(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    fill(store);
    struct reader *reader = place_reader(place);
    unsigned live = 0;
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        live |= state_is_final((enum workflow_state)i) ? 0 : STATE_BIT(i);
    }
    const unsigned masks[] = {0, live, STATE_MASK_ALL & ~live,
                              STATE_BIT(STATE_CODING) | STATE_BIT(STATE_FAILED),
                              STATE_BIT(STATE_PARKED)};
    for (int sort = 0; sort < SORT_COUNT; sort++) {
        for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
            for (int bits = 0; bits < 8; bits++) {
                check(place, reader,
                      (struct list_query){.states = masks[m],
                                          .needs_human = (bits & 1) != 0,
                                          .is_reversed = (bits & 2) != 0,
                                          .repo = (bits & 4) != 0 ? "/srv/a" : NULL,
                                          .sort = (enum sort_key)sort,
                                          .max = 7 + (size_t)bits});
            }
        }
    }
    reader_close(reader);
    store_close(store);
}

static void test_text(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    fill(store);
    struct reader *reader = place_reader(place);
    static const char *const texts[] = {
        "RETRY", "%",    "_",   "\\",   "50%", "api", "wf-7", "12",
        "b",     "wf-0", "wf-", "/srv", "",    "'",   "-1",   "nothing has this"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (int sort = 0; sort < SORT_COUNT; sort++) {
            check(place, reader,
                  (struct list_query){
                      .text = texts[i], .sort = (enum sort_key)sort, .max = 50});
        }
    }
    AUTO_FREE char *large = mem_alloc(100001);
    memset(large, '%', 100000);
    struct err err = ERR_INIT;
    const struct workflow_row *page;
    size_t n;
    assert_true(reader_list(reader, place->arena,
                            &(struct list_query){.text = large, .max = 10}, &page, &n,
                            &err));
    assert_int_equal(n, 0);
    reader_close(reader);
    store_close(store);
}

/* After a row that was pruned meanwhile there is no next page, and no error. */
static void test_after_a_row_that_is_gone(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    fill(store);
    struct reader *reader = place_reader(place);
    struct err err = ERR_INIT;
    const struct workflow_row *page;
    size_t n;
    for (int sort = 0; sort < SORT_COUNT; sort++) {
        struct list_query query = {
            .sort = (enum sort_key)sort, .after_id = 9999, .max = 5};
        assert_true(reader_list(reader, place->arena, &query, &page, &n, &err));
        assert_int_equal(n, sort == SORT_ID ? 5 : 0); /* the id alone says where */
    }
    reader_close(reader);
    store_close(store);
}

/* What the console shows by default must never sort nor walk the whole table. */
static void test_default_views_use_an_index(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    static const struct {
        struct list_query query;
        const char *index;
    } views[] = {
        {{.states = STATE_BIT(STATE_IDLE) | STATE_BIT(STATE_CODING), .max = 50},
         "workflow_live"                                                                              },
        {{.needs_human = true, .max = 50},                                       "workflow_human"     },
        {{.max = 50},                                                            "SCAN w"             }, /* from the newest, as far as the page goes */
        {{.states = STATE_BIT(STATE_COMPLETED), .max = 50, .after_id = 5},       "SEARCH w"           },
        {{.repo = "/srv/a", .max = 50},                                          "submission_repo"    },
        {{.sort = SORT_REPO, .max = 50},                                         "submission_repo"    },
        {{.sort = SORT_PIPELINE, .max = 50},                                     "submission_pipeline"},
    };
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        AUTO_BUF struct buf sql, plan;
        buf_init(&sql, 8192);
        buf_init(&plan, 8192);
        (void)buf_str(&sql, "EXPLAIN QUERY PLAN ");
        list_sql(&views[i].query, &sql);
        sqlite3_stmt *s = NULL;
        assert_int_equal(sqlite3_prepare_v2(store->database.db, sql.data, -1, &s, NULL),
                         SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            (void)buf_printf(&plan, "%s\n", (const char *)sqlite3_column_text(s, 3));
        }
        (void)sqlite3_finalize(s);
        if (strstr(plan.data, views[i].index) == NULL ||
            strstr(plan.data, "TEMP B-TREE") != NULL) {
            fail_msg("view %zu: %s\n%s", i, sql.data, plan.data);
        }
    }
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_all_orders_and_pages),
        PLACE_TEST(test_text),
        PLACE_TEST(test_after_a_row_that_is_gone),
        PLACE_TEST(test_default_views_use_an_index),
    };
    return cmocka_run_group_tests_name("store list", tests, NULL, NULL);
}
