/* SPDX-License-Identifier: MIT */
#include "tui/saved.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tui/frame.h"
#include "tui/palette.h"
#include "tui/view/workflows_impl.h"

static struct saved_views parse(const char *text)
{
    struct saved_views views;
    struct findings findings;
    findings_init(&findings);
    bool is_good = saved_parse("views", text, strlen(text), &views, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_error("%s\n", line);
    }
    assert_true(is_good);
    findings_fini(&findings);
    return views;
}

static char *format(const struct saved_views *views)
{
    AUTO_BUF struct buf out;
    buf_init(&out, SAVED_FILE_MAX);
    saved_format(views, &out);
    return buf_take(&out, NULL);
}

static struct view *open_view(const struct saved_step *step)
{
    struct view *view = step->klass->open(step->id, step->arg);
    view->klass = step->klass;
    view->id = step->id;
    return view;
}

static void what_is_saved_comes_back(void **state)
{
    struct saved_views views = parse(
        "# mine\n"
        "red\n"
        "  workflows filter=\"a \\\"b\\\" \\\\c\" state=failed sort=\"age reversed\" "
        "columns=\"id title\"\n"
        "\n"
        "tests-of.12\n"
        "\tworkflow id=12\r\n"
        "\tlog id=12 arg=x\n");
    (void)state;
    assert_int_equal(views.n, 2);
    const struct saved_view *red = saved_find(&views, "red");
    assert_non_null(red);
    struct view *view = open_view(&red->steps[0]);
    assert_true(saved_apply(&red->steps[0], view));
    const struct workflows *list = (const struct workflows *)view;
    assert_string_equal(list->text, "a \"b\" \\c");
    assert_string_equal(state_groups[list->group].name, "failed");
    assert_int_equal(list->sort, SORT_AGE);
    assert_true(list->is_reversed);
    assert_int_equal(list->columns, 1u << 1 | 1u << 4);
    struct saved_step again;
    saved_step_of(view, &again);
    assert_string_equal(again.settings, red->steps[0].settings);
    free(again.settings);
    view->klass->close(view);
    assert_int_equal(views.rows[1].n, 2);
    assert_int_equal(views.rows[1].steps[1].id, 12);
    assert_string_equal(views.rows[1].steps[1].arg, "x");
    /* Written and read, it is the same. */
    AUTO_FREE char *text = format(&views);
    struct saved_views copy = parse(text);
    AUTO_FREE char *twice = format(&copy);
    assert_string_equal(text, twice);
    saved_fini(&copy);
    saved_fini(&views);
}

static void every_mistake_is_told_with_its_line(void **state)
{
    static const char *const expected[] = {
        "views:1: expected a name at the left edge before the first view",
        "views:2: '-x' is no name; expected letters, digits and . _ -",
        "views:3: ?: 'nowhere' is no view",
        "views:5: sort: 'size' means nothing there; id, state, age, priority, repo or "
        "pipeline, and perhaps reversed behind it",
        "views:6: workflows: 'colour' is no setting of it; expected id, arg, filter, "
        "state, "
        "sort, columns",
        "views:7: workflows: expected NAME=VALUE, with quotes around spaces",
        "views:8: id: 'x' is no number",
        "views:9: good: is there already",
        "views:9: good: shows no view",
    };
    static const char text[] = "  log\n-x\n  nowhere\ngood\n  workflows sort=size\n"
                               "  workflows colour=red\n  workflows filter=\"a\n"
                               "  workflow id=x\ngood\n";
    struct saved_views views;
    struct findings findings;
    (void)state;
    findings_init(&findings);
    assert_false(saved_parse("views", text, sizeof(text) - 1, &views, &findings));
    for (size_t i = 0; i < findings.n && i < ARRAY_LEN(expected) - 1; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        assert_string_equal(line, expected[i]);
    }
    assert_int_equal(findings.n, ARRAY_LEN(expected) - 1);
    findings_fini(&findings);
}

static void the_list_is_bounded_and_changed_by_name(void **state)
{
    struct saved_views views;
    (void)state;
    saved_init(&views);
    for (int i = 0; i <= SAVED_MAX; i++) {
        struct saved_view view = {.n = 1};
        (void)snprintf(view.name, sizeof(view.name), "v%d", i);
        view.steps[0] = (struct saved_step){.klass = view_class_find("workflows"),
                                            .settings = mem_str("state=failed")};
        bool is_put = saved_put(&views, &view);
        assert_int_equal(is_put, i < SAVED_MAX);
        if (!is_put) {
            free(view.steps[0].settings);
        }
    }
    struct saved_view other = {.name = "v7", .n = 1};
    other.steps[0] = (struct saved_step){.klass = view_class_find("overview"),
                                         .settings = mem_str("")};
    assert_true(saved_put(&views, &other));
    assert_int_equal(views.n, SAVED_MAX);
    assert_string_equal(saved_find(&views, "v7")->steps[0].klass->name, "overview");
    assert_true(saved_remove(&views, "v3"));
    assert_false(saved_remove(&views, "v3"));
    assert_null(saved_find(&views, "v3"));
    assert_non_null(saved_find(&views, "v99"));
    assert_false(saved_is_name(""));
    assert_false(saved_is_name("a b"));
    assert_false(saved_is_name("../x"));
    assert_true(saved_is_name("red.1_-"));
    saved_fini(&views);
}

/* Each setting of each view: what it says is what it takes, and "" is where it began. */
static void settings_take_what_they_give(void **state)
{
    size_t n = 0;
    (void)state;
    for (size_t i = 0; view_classes[i] != NULL; i++) {
        const struct view_setting *setting = view_classes[i]->settings;
        for (; setting != NULL && setting->name != NULL; setting++, n++) {
            struct view *view = view_classes[i]->open(0, "");
            char value[SAVED_VALUE_MAX] = "x";
            view->klass = view_classes[i];
            setting->get(view, value, sizeof(value));
            assert_string_equal(value, "");
            assert_true(setting->set(view, ""));
            setting->get(view, value, sizeof(value));
            assert_string_equal(value, "");
            bool is_text = strcmp(setting->name, "filter") == 0;
            assert_int_equal(setting->set(view, "no such thing"), is_text);
            setting->get(view, value, sizeof(value));
            assert_string_equal(value, is_text ? "no such thing" : "");
            view->klass->close(view);
        }
    }
    assert_true(n >= 8);
}

/* Each value that the palette offers for a setting is one, and is given back. */
static void what_is_offered_is_taken(void **state)
{
    static const char *const lists[] = {
        "approvals",     "audit",      "deliveries",  "services",  "metrics",
        "optimizations", "strategies", "bottlenecks", "workflows", "incidents"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct view_class *klass = view_class_find(lists[i]);
        size_t n_offered = 0;
        assert_non_null(klass->settings);
        assert_non_null(klass->setting_value);
        for (const struct view_setting *setting = klass->settings; setting->name != NULL;
             setting++) {
            char text[64], back[SAVED_VALUE_MAX];
            struct view *view = klass->open(0, "");
            const char *value;
            int n_usual = 0;
            view->klass = klass;
            for (size_t k = 0;
                 (value = klass->setting_value(view, setting->name, k)) != NULL; k++) {
                (void)snprintf(text, sizeof(text), "%s", value);
                if (!setting->set(view, text)) {
                    fail_msg("%s: %s=%s is offered and refused", lists[i], setting->name,
                             text);
                }
                setting->get(view, back, sizeof(back));
                if (back[0] != '\0') { /* "": it is the usual one */
                    assert_string_equal(back, text);
                }
                n_usual += back[0] == '\0';
                n_offered++;
            }
            assert_true(n_usual <= 1);
            klass->close(view);
        }
        assert_true(n_offered >= 4);
    }
}

/* What a saved view says is what the feed is asked, and Esc takes the filter back. */
static void a_saved_list_asks_for_what_it_says(void **state)
{
    struct saved_views views = parse("mine\n  approvals filter=pay state=all "
                                     "sort=\"risk reversed\"\n");
    struct view *view = open_view(&views.rows[0].steps[0]);
    struct frame_query query = {0};
    struct reply reply;
    (void)state;
    assert_true(saved_apply(&views.rows[0].steps[0], view));
    view->klass->query(view, &query);
    assert_string_equal(query.text, "pay");
    assert_false(query.is_unsettled);
    assert_int_equal(query.order, 1);
    assert_true(query.is_reversed);
    reply_init(&reply);
    view->klass->on_action(view, NULL, ACTION_SORT_NEXT, &reply);
    assert_string_equal(reply.message, "by age");
    view->klass->on_action(view, NULL, ACTION_CLOSE, &reply);
    assert_true((reply.flags & REPLY_UNUSED) == 0);
    query = (struct frame_query){0};
    view->klass->query(view, &query);
    assert_string_equal(query.text, "");
    assert_true(query.is_unsettled);
    assert_int_equal(query.order, 2);
    view->klass->on_action(view, NULL, ACTION_CLOSE, &reply);
    assert_true((reply.flags & REPLY_UNUSED) != 0);
    reply_fini(&reply);
    view->klass->close(view);
    saved_fini(&views);
}

static void the_palette_knows_them(void **state)
{
    struct saved_views views = parse("red-payments\n  workflows state=failed\n");
    struct view view = {.klass = view_class_find("workflows")};
    static const char *const themes[] = {"dusk"};
    const struct palette_context context = {
        .view = &view, .saved = &views, .themes = themes, .n_themes = 1};
    struct palette_candidate rows[PALETTE_ROWS];
    struct palette_command command;
    struct err err = ERR_INIT;
    char usage[160];
    (void)state;
    assert_true(palette_complete("redp", &context, rows, ARRAY_LEN(rows)) >= 1);
    assert_string_equal(rows[0].text, "open red-payments");
    assert_int_equal(palette_complete("forget r", &context, rows, ARRAY_LEN(rows)), 1);
    assert_int_equal(palette_complete("set so", &context, rows, ARRAY_LEN(rows)), 1);
    assert_string_equal(rows[0].text, "sort");
    view.klass = view_class_find("services");
    assert_int_equal(palette_complete("set sort bre", &context, rows, ARRAY_LEN(rows)),
                     1);
    assert_string_equal(rows[0].text, "breaker");
    assert_true(
        palette_complete("set columns name at", &context, rows, ARRAY_LEN(rows)) >= 1);
    assert_string_equal(rows[0].text, "at-once");
    view.klass = view_class_find("workflows");
    assert_int_equal(palette_complete("theme dusk", &context, rows, ARRAY_LEN(rows)), 1);
    assert_true(palette_parse("set sort age reversed", &command, &err));
    assert_int_equal(command.kind, PALETTE_SET);
    assert_string_equal(command.text, "sort");
    assert_string_equal(command.args, "age reversed");
    free(command.args);
    assert_true(palette_parse("save red", &command, &err));
    assert_int_equal(command.kind, PALETTE_SAVE);
    assert_false(palette_parse("save ../red", &command, &err));
    err = ERR_INIT;
    assert_false(palette_parse("open", &command, &err));
    assert_string_equal(err.msg, "open: expected NAME");
    palette_usage("cancel wf-1 beca", usage, sizeof(usage));
    assert_string_equal(usage, "cancel [wf-N ...] [reason...]  stop a workflow for good");
    palette_usage("nonsense", usage, sizeof(usage));
    assert_string_equal(usage, "");
    saved_fini(&views);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_comes_back),
        cmocka_unit_test(every_mistake_is_told_with_its_line),
        cmocka_unit_test(the_list_is_bounded_and_changed_by_name),
        cmocka_unit_test(settings_take_what_they_give),
        cmocka_unit_test(what_is_offered_is_taken),
        cmocka_unit_test(a_saved_list_asks_for_what_it_says),
        cmocka_unit_test(the_palette_knows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
