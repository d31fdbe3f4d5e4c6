/* SPDX-License-Identifier: MIT */
/* The story of an incident and its report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/base/json.h"
#include "tests/lib/place.h"
#include "tests/lib/troubles.h"
#include "tui/markdown.h"
#include "tui/story.h"

static struct wall moment(void)
{
    struct wall at;
    assert_true(wall_parse("2026-11-22T14:03:07Z", &at));
    return at;
}

static struct story read_story(const struct place *place, enum story_of of, int64_t id)
{
    struct err err = ERR_INIT;
    struct story story = {0};
    struct reader *reader = reader_open(place->path, &err);
    assert_non_null(reader);
    if (story_read(reader, place->arena, &(struct story_subject){.of = of, .id = id},
                   moment(), &story, &err) != FOUND) {
        fail_msg("no story: %s", err.msg);
    }
    reader_close(reader);
    return story;
}

static struct story troubles(const struct place *place, enum story_of of, int64_t id)
{
    struct store *store = place_store(place);
    troubles_put(store, place->arena, moment());
    troubles_put_hostile(store, place->arena, moment());
    must_commit(store);
    store_close(store);
    return read_story(place, of, id);
}

static const char *report(const struct place *place, const struct story *story)
{
    AUTO_BUF struct buf out;
    buf_init(&out, 1u << 20);
    story_markdown(story, &out);
    return arena_strn(place->arena, out.data, out.len);
}

static const char *says(const char *text, const char *part)
{
    const char *found = strstr(text, part);
    if (found == NULL) {
        fail_msg("missing '%s' in:\n%s", part, text);
    }
    return found;
}

static void says_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("'%s' in:\n%s", part, text);
    }
}

/* ---- what belongs to it ---- */

static void test_rows(void **state)
{
    struct story story = troubles(*state, STORY_OF_INCIDENT, 17);
    assert_int_equal(story.n_anomalies, 2);
    assert_int_equal(story.anomalies[0].id, 41); /* oldest first */
    assert_int_equal(story.n_problems, 1);
    assert_int_equal(story.problems[0].id, 2);
    assert_int_equal(story.n_failures, 2);
    assert_int_equal(story.failures[0].id, 29);
    assert_int_equal(story.failures[1].id, 30);
    assert_int_equal(story.n_recoveries, 1);
    assert_int_equal(story.recoveries[0].id, 44);
    assert_int_equal(story.n_decisions,
                     1); /* found twice: as the problem's, as the cause's */
    assert_int_equal(story.decisions[0].id, 51);
    assert_int_equal(story.n_services, 1);
    assert_int_equal(story.n_silences, 0);
    assert_int_equal(story.n_touched,
                     7); /* two failed, three are named, seven are counted */
    assert_int_equal(story.n_queued, 4);
    assert_int_equal(story.n_repositories, 2);
    assert_int_equal(story.n_environments, 1);
    assert_int_equal(moment().ms - story.from.ms,
                     16 * 60000); /* its first suspicious point */
}

static void test_problem(void **state)
{
    struct story story = troubles(*state, STORY_OF_PROBLEM, 2);
    assert_int_equal(story.subject.of, STORY_OF_INCIDENT); /* whose it is */
    assert_int_equal(story.subject.id, 17);
    story = read_story(*state, STORY_OF_INCIDENT, 18);
    assert_int_equal(story.n_problems, 0);
    assert_int_equal(story.n_failures, 0);
    assert_int_equal(story.n_silences, 1);
}

static const struct story_line *find_line(const struct story *story, const char *text)
{
    for (size_t i = 0; i < story->n_lines; i++) {
        if (strstr(story->lines[i].text, text) != NULL) {
            return &story->lines[i];
        }
    }
    return NULL;
}

static void test_timeline(void **state)
{
    struct story story = troubles(*state, STORY_OF_INCIDENT, 17);
    for (size_t i = 1; i < story.n_lines; i++) {
        assert_true(story.lines[i - 1].at.ms <= story.lines[i].at.ms);
    }
    static const struct {
        const char *text;
        enum story_kind kind;
        const char *actor;
    } wanted[] = {
        {"high, level_shift: 12% of the calls fail",   STORY_ANOMALY,  "monitor"},
        {"ended, recovered: VALIDATING takes 41m",     STORY_ANOMALY,  "monitor"},
        {"12 of 20 calls failed",                      STORY_BREAKER,  "engine" },
        {"looked after by ada",                        STORY_OPERATOR, "ada"    },
        {"pause, now PARKED: until the limit",         STORY_OPERATOR, "ada"    },
        {"held open: quota",                           STORY_OPERATOR, "grace"  },
        {"wf-2209, create pull request failed, quota", STORY_FAILURE,  "engine" },
        {"breaker for service:github_api, 97% sure",   STORY_DECISION, "rules"  },
        {"breaker begun for github_api: the limit",    STORY_RECOVERY, "rules"  },
        {"opened, high: github_api: 12%",              STORY_INCIDENT, "monitor"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const struct story_line *line = find_line(&story, wanted[i].text);
        if (line == NULL) {
            fail_msg("no line '%s'", wanted[i].text);
        }
        assert_int_equal(line->kind, wanted[i].kind);
        assert_string_equal(line->actor, wanted[i].actor);
    }
    static const char *const others[] = {"long ago", "another service", "of another one",
                                         "nothing to do with it"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (find_line(&story, others[i]) != NULL) {
            fail_msg("'%s' is no part of it", others[i]);
        }
    }
}

static void test_tree(void **state)
{
    struct story story = troubles(*state, STORY_OF_INCIDENT, 17);
    assert_string_equal(story.nodes[0].text, "service:github_api");
    assert_int_equal(story.nodes[0].depth, 0);
    assert_true(story.nodes[0].is_last);
    says(story.nodes[0].note, "breaker forced-open");
    bool has_repo = false;
    for (size_t i = 0; i < story.n_nodes; i++) {
        const struct story_node *node = &story.nodes[i];
        bool is_repo = strcmp(node->text, "billing-api") == 0;
        if (is_repo) {
            has_repo = true;
            assert_string_equal(node->note, "1 workflow");
            assert_false(node->is_last);
            assert_string_equal(story.nodes[i + 1].text, "wf-2210");
            assert_int_equal(story.nodes[i + 1].depth, 2);
            assert_true(story.nodes[i + 1].is_last);
            assert_int_equal(story.nodes[i + 1].bars,
                             2); /* others stand below billing-api */
        }
    }
    assert_true(has_repo);
    assert_string_equal(story.nodes[story.n_nodes - 1].text, "queue");
    assert_true(story.nodes[story.n_nodes - 1].is_last);
}

static void test_past(void **state)
{
    struct story story = troubles(*state, STORY_OF_INCIDENT, 17);
    assert_int_equal(story.n_past, 1);
    assert_int_equal(story.past[0].subject.id, 12);
    assert_int_equal(story.past[0].lasted.ms, 40 * 60000);
    assert_string_equal(story.past[0].helped, "breaker (r-21)");
    assert_string_equal(story.past[0].note, "their status page was late");
}

static void test_ids(void **state)
{
    static const struct {
        const char *text, *id, *name;
        enum story_of of;
    } rows[] = {
        {"17",                 "17",                 "incident 17",           STORY_OF_INCIDENT},
        {"i-18",               "18",                 "incident 18",           STORY_OF_INCIDENT},
        {"p-2",                "p-2",                "problem p-2",           STORY_OF_PROBLEM },
        {"f-2",                "f-2",                "failure f-2",           STORY_OF_FAILURE },
        {"service:github_api", "service:github_api", "breaker of github_api",
         STORY_OF_BREAKER                                                                      },
    };
    struct story_subject subject;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char id[STORY_ID_MAX], name[STORY_NAME_MAX];
        assert_true(story_parse(rows[i].text, &subject));
        assert_int_equal(subject.of, rows[i].of);
        assert_string_equal(story_id(&subject, id), rows[i].id);
        assert_string_equal(story_name(&subject, name), rows[i].name);
    }
    static const char *const wrong[] = {
        "",     "0",   "-1", "17x",  "d-2",      "i-",
        "p-2x", " 17", "+3", "wf-1", "service:", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(story_parse(wrong[i], &subject));
    }
}

static void test_missing(void **state)
{
    struct err err = ERR_INIT;
    struct story story;
    const struct place *place = *state;
    (void)troubles(place, STORY_OF_INCIDENT, 17);
    struct reader *reader = reader_open(place->path, &err);
    assert_non_null(reader);
    assert_int_equal(
        story_read(reader, place->arena,
                   &(struct story_subject){.of = STORY_OF_INCIDENT, .id = 99}, moment(),
                   &story, &err),
        MISSING);
    assert_int_equal(story_read(reader, place->arena,
                                &(struct story_subject){.of = STORY_OF_PROBLEM, .id = 99},
                                moment(), &story, &err),
                     MISSING);
    reader_close(reader);
}

/* ---- how it is written ---- */

static void test_report(void **state)
{
    struct story story = troubles(*state, STORY_OF_INCIDENT, 17);
    const char *text = report(*state, &story);
    static const char *const order[] = {
        "# Incident 17: github\\_api: 12% of the calls fail",
        "| Severity | high |",
        "| State | acked, looked after by ada |",
        "| Began | 2026-11-22 13:47:07 UTC |",
        "| Assigned to | grace |",
        "| Linked | wf-2207 |",
        "## Summary",
        "2 anomalies; 2 steps of 7 workflows failed",
        "## Impact",
        "- In the queue behind it: 4",
        "- service:github\\_api (breaker forced-open, 1 anomaly)",
        "  - billing-api (1 workflow)",
        "    - wf-2210 (PARKED; create pull request open)",
        "## Timeline",
        "| Time (UTC) | What | Who |  |",
        "| 2026-11-22 13:49:07 | anomaly 41 | monitor | high, level\\_shift: 12%",
        "| 2026-11-22 13:52:07 | operator ack | ada |",
        "## Root cause",
        "Held to be the cause: service:github\\_api.",
        "- problem p-2: github\\_api: API rate limit exceeded (quota, 9 failures of 7",
        "## What was done",
        "| r-44 | breaker for github\\_api | rules | the limit is reset at 14:00 | "
        "running |",
        "## What helped",
        "No recovery is known to have helped.",
        "## Open questions",
        "- [ ] r-44 (breaker) is under way",
        "- [ ] The breaker of github\\_api is forced-open until 2026-11-22T14:25:07Z",
        "## Similar before",
        "- incident 12, 2026-11-16 14:03:07 UTC, 40m00s: github\\_api: 30% of the calls "
        "fail. "
        "Helped: breaker (r-21). Note: their status page was late",
    };
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        text = says(text, order[i]);
    }
}

/* Nothing from outside is anything but text, in a renderer or on a terminal. */
static void test_hostile(void **state)
{
    struct story story = troubles(*state, STORY_OF_INCIDENT, 66);
    const char *text = report(*state, &story);
    says_not(text, "\033");
    says_not(text, "\342\200\256");
    says_not(text, "<b>");
    says_not(text, "e](");
    says_not(text, "http://");
    says_not(text, "@ada");
    says_not(text, "#1");
    says(text, "\\| a b \\`c\\` \\<b\\>d\\</b\\> \\[e\\](http:<!-- -->//f) @<!-- -->ada");
    /* No cell of a table was added: as many bars as its title has. */
    size_t n_rows = 0;
    for (const char *line = says(text, "| Time (UTC)"); line[0] == '|';
         line = strchr(line, '\n') + 1) {
        size_t n_bars = 0;
        for (const char *c = line; *c != '\n'; c++) {
            n_bars += *c == '|' && (c == line || c[-1] != '\\');
        }
        assert_int_equal(n_bars, 5);
        n_rows++;
    }
    assert_true(n_rows > 4);
}

static void test_json(void **state)
{
    struct story story = troubles(*state, STORY_OF_INCIDENT, 17);
    struct err err = ERR_INIT;
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, 1u << 20);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    story_json(&story, &w);
    jsonw_close(&w, '}');
    struct json *root = json_parse(out.data, out.len, &err);
    assert_non_null(root);
    assert_int_equal(json_len(json_get(root, "timeline")), story.n_lines);
    assert_int_equal(json_int(json_get(root, "impact"), "workflows", 0), 7);
    assert_int_equal(json_len(json_get(root, "similar")), 1);
    assert_string_equal(json_str(json_get(root, "incident"), "owner", ""), "ada");
    json_free(root);
}

static void test_text(void **state)
{
    static const struct {
        const char *text, *markdown;
    } cases[] = {
        {"plain",       "plain"          },
        {"- item",      "\\- item"       },
        {"1. item",     "1\\. item"      },
        {"v1.2",        "v1.2"           },
        {"# title",     "\\# title"      },
        {"a|b\nc",      "a\\|b c"        },
        {"![x](y)",     "\\!\\[x\\](y)"  },
        {"a_b@c",       "a\\_b@<!-- -->c"},
        {"mail @ nine", "mail @ nine"    },
        {"",            ""               },
        {"&lt; \\",     "\\&lt; \\\\"    },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_BUF struct buf out;
        buf_init(&out, 4096);
        markdown_text(&out, cases[i].text);
        assert_string_equal(out.data != NULL ? out.data : "", cases[i].markdown);
    }
    char wide[3000];
    for (size_t i = 0; i + 2 < sizeof(wide); i += 2) {
        wide[i] = '\303'; /* a character of two bytes */
        wide[i + 1] = '\251';
    }
    wide[sizeof(wide) - 2] = '\0';
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    markdown_text(&out, wide + (MARKDOWN_TEXT_MAX % 2));
    assert_true(text_is_utf8(out.data, out.len));
    assert_true(out.len <= MARKDOWN_TEXT_MAX + 3);
}

static void test_event_before(void **state)
{
    const struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    int64_t seq = -1;
    for (int64_t at = 1000; at <= 50000; at += 1000) {
        (void)store_add_event(
            store, &(struct event_row){.at = {at}, .kind = "x", .actor = "", .text = ""});
    }
    must_commit(store);
    store_close(store);
    struct reader *reader = reader_open(place->path, &err);
    assert_non_null(reader);
    static const int64_t cases[][2] = {
        {500,    0 },
        {1000,   0 },
        {1001,   1 },
        {25000,  24},
        {25500,  25},
        {50000,  49},
        {50001,  50},
        {900000, 50}
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(reader_event_before(reader, (struct wall){cases[i][0]}, &seq, &err));
        assert_int_equal(seq, cases[i][1]);
    }
    reader_close(reader);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows),    TEST(test_problem), TEST(test_timeline),
        TEST(test_tree),    TEST(test_past),    TEST(test_ids),
        TEST(test_missing), TEST(test_report),  TEST(test_hostile),
        TEST(test_json),    TEST(test_text),    TEST(test_event_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
