/* SPDX-License-Identifier: MIT */
/* What the next shift must know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/lib/asks.h"
#include "tests/lib/place.h"
#include "tests/lib/troubles.h"
#include "tui/handoff.h"

#define MINUTE 60000

static struct wall moment(void)
{
    struct wall at;
    assert_true(wall_parse("2026-11-22T14:03:07Z", &at));
    return at;
}

static void put_merge(struct store *store, int64_t id, enum effect_kind kind)
{
    struct workflow_row row = sample_workflow(id);
    row.state = STATE_COMPLETED;
    row.is_active = true;
    row.effect_seq = 3;
    row.title = "Watched work";
    store_put_workflow(store, &row);
    store_put_effect(store, &(struct effect_row){.workflow = id,
                                                 .seq = 3,
                                                 .kind = kind,
                                                 .status = STATUS_PENDING,
                                                 .name = "watch",
                                                 .asked_at = moment(),
                                                 .params = "{}",
                                                 .log = ""});
}

static struct handoff read_handoff(const struct place *place, bool is_filled)
{
    struct err err = ERR_INIT;
    struct handoff handoff;
    struct store *store = place_store(place);
    if (is_filled) {
        troubles_put(store, place->arena, moment());
        asks_put(store, place->arena, moment());
        put_merge(store, 501, EFFECT_WATCH);
        put_merge(store, 502, EFFECT_CLEANUP);
        store_put_service(store, &(struct service_row){.name = "harbour",
                                                       .kind = "github",
                                                       .state = BREAKER_OPEN,
                                                       .since = moment(),
                                                       .reason = "5 failures in a row",
                                                       .detail = "{}",
                                                       .memo = "{}",
                                                       .updated_at = moment()});
        store_put_setting(store, HALT_SETTING,
                          "{\"by\":\"ada\",\"at\":1795269600000,\"reason\":\"a drill\"}");
        must_commit(store);
    }
    store_close(store);
    struct reader *reader = reader_open(place->path, &err);
    assert_non_null(reader);
    if (!handoff_read(reader, place->arena, moment(), &handoff, &err)) {
        fail_msg("%s", err.msg);
    }
    reader_close(reader);
    return handoff;
}

static const struct handoff_item *find(const struct handoff *handoff, const char *id)
{
    for (size_t i = 0; i < handoff->n; i++) {
        if (strcmp(handoff->items[i].id, id) == 0) {
            return &handoff->items[i];
        }
    }
    fail_msg("no '%s'", id);
    return NULL;
}

static void test_parts(void **state)
{
    struct handoff handoff = read_handoff(*state, true);
    static const struct {
        const char *id;
        enum handoff_part part;
        const char *who, *next;
    } wanted[] = {
        {"incident 17", HANDOFF_INCIDENTS, "lin",   "waiting for the limit to be reset"},
        {"p-2",         HANDOFF_PROBLEMS,  "",      "answered by breaker"              },
        {"harbour",     HANDOFF_BREAKERS,  "",      "it tries by itself"               },
        {"f-27",        HANDOFF_FAILURES,  "",      "signalbox why f-27"               },
        {"silence 1",   HANDOFF_SILENCES,  "ada",   "signalbox unsilence 1"            },
        {"halt",        HANDOFF_OVERRIDES, "ada",   "signalbox release"                },
        {"github_api",  HANDOFF_OVERRIDES, "",
         "signalbox breaker github_api auto --reason ..."                              },
        {"r-44",        HANDOFF_CHANGES,   "rules", "the breaker is let go"            },
        {"wf-501",      HANDOFF_CHANGES,   NULL,    "signalbox rollback wf-501"        },
    };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const struct handoff_item *item = find(&handoff, wanted[i].id);
        assert_int_equal(item->part, wanted[i].part);
        assert_string_equal(item->next, wanted[i].next);
        if (wanted[i].who != NULL) {
            assert_string_equal(item->who, wanted[i].who);
        }
    }
    assert_int_equal(find(&handoff, "silence 1")->until.ms, moment().ms + 90 * MINUTE);
    assert_int_equal(find(&handoff, "github_api")->until.ms, moment().ms + 22 * MINUTE);
    assert_true(handoff.n_of[HANDOFF_APPROVALS] > 4); /* the snoozed one, too */
    assert_true(handoff.n_of[HANDOFF_AUTONOMY] > 0);
    assert_int_equal(handoff.n_of[HANDOFF_INCIDENTS], 2); /* 12 is over */
    for (size_t i = 0; i < handoff.n; i++) {
        assert_string_not_equal(handoff.items[i].id, "wf-502"); /* is cleaned up only */
    }
}

static void test_markdown(void **state)
{
    struct handoff handoff = read_handoff(*state, true);
    AUTO_BUF struct buf out;
    buf_init(&out, 1u << 20);
    handoff_markdown(&handoff, &out);
    const char *text = out.data;
    static const char *const order[] = {
        "# Handoff, 2026-11-22 14:03 UTC",
        "## Open incidents (2)",
        "| incident 17 | high, acked: github\\_api: 12%",
        "(quiet: silence:1)",
        "## Waits for a decision",
        "| a-1190 | critical risk",
        "## Silences (1)",
        "| silence 1 | scrape:runner-\\*: it is moved | ada | 2026-11-22 13:03 | "
        "2026-11-22 15:33, in 1h30m | signalbox unsilence 1 |",
        "## Overrides",
        "| github\\_api | breaker forced-open: grace: quota |",
        "## Autonomy that was changed",
        "## Changes that are still watched",
    };
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const char *found = strstr(text, order[i]);
        if (found == NULL) {
            fail_msg("missing '%s' in:\n%s", order[i], text);
        }
        text = found;
    }
}

static void test_json(void **state)
{
    struct handoff handoff = read_handoff(*state, true);
    struct err err = ERR_INIT;
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, 1u << 20);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    handoff_json(&handoff, &w);
    jsonw_close(&w, '}');
    struct json *root = json_parse(out.data, out.len, &err);
    assert_non_null(root);
    for (int part = 0; part < HANDOFF_PART_COUNT; part++) {
        const struct json *list = json_get(root, handoff_key((enum handoff_part)part));
        assert_non_null(list);
        assert_int_equal(json_len(list), handoff.n_of[part]);
    }
    json_free(root);
}

static void test_nothing(void **state)
{
    struct handoff handoff = read_handoff(*state, false);
    assert_int_equal(handoff.n, 0);
    AUTO_BUF struct buf out;
    buf_init(&out, 1u << 16);
    handoff_markdown(&handoff, &out);
    size_t n = 0;
    for (const char *at = out.data; (at = strstr(at, "None.\n")) != NULL; at++) {
        n++;
    }
    assert_int_equal(n, HANDOFF_PART_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_parts),
        PLACE_TEST(test_markdown),
        PLACE_TEST(test_json),
        PLACE_TEST(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
