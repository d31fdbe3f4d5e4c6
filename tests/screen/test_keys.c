/* SPDX-License-Identifier: MIT */
/*
 * Every key that the tables bind in a view's contexts is alive: with something to show, it does
 * something in at least one view that has it; and every key that the bottom line names is bound.
 * What a view cannot do with a key it says (REPLY_UNUSED or nothing at all: tui/act.c tells the
 * operator so).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/control/verb.h"
#include "tests/lib/frames.h"
#include "tui/keymap.h"
#include "tui/view/common.h"
#include "tui/view/setup.h"

typedef const struct frame *make_frame(void);

static const struct frame *list_of_60(void)
{
    return frames_list(60);
}

static const struct frame *submit_good(void)
{
    return frames_submit(true);
}

static const struct frame *recovery(void)
{
    return frames_recovery(CASE_FAILURE, 31);
}

static const struct frame *decision(void)
{
    return frames_recovery(CASE_DECISION, 52);
}

static const struct frame *asks(void)
{
    return frames_asks(1187, 12);
}

static const struct frame *audit(void)
{
    return frames_audit(AUDIT_WHOLE, false);
}

static const struct frame *chart(void)
{
    return frames_chart(2, true);
}

/* A frame in which the view has something under the cursor. */
static const struct scene {
    const char *view;
    int64_t id;
    const char *arg;
    make_frame *make;
} scenes[] = {
    {"overview",      0,    "",           frames_busy    },
    {"overview",      0,    "",           asks           },
    {"workflows",     0,    "",           list_of_60     },
    {"workflow",      2207, "",           frames_busy    },
    {"log",           2207, "",           frames_failed  },
    {"diff",          2207, "",           frames_busy    },
    {"context",       2207, "",           frames_busy    },
    {"history",       2207, "",           frames_busy    },
    {"submit",        0,    "payments",   submit_good    },
    {"engine",        0,    "",           frames_busy    },
    {"services",      0,    "",           frames_services},
    {"service",       0,    "github_api", frames_services},
    {"deliveries",    0,    "",           frames_services},
    {"delivery",      1,    "",           frames_services},
    {"trace",         2207, "",           frames_trace   },
    {"health",        0,    "",           frames_monitor },
    {"incidents",     0,    "",           frames_troubles},
    {"incident",      17,   "",           frames_troubles},
    {"handoff",       0,    "",           frames_troubles},
    {"outlook",       0,    "",           frames_monitor },
    {"metrics",       0,    "",           frames_metrics },
    {"metric",        0,    "1,2",        chart          },
    {"failures",      0,    "",           recovery       },
    {"why",           0,    "f-31",       recovery       },
    {"strategies",    0,    "",           recovery       },
    {"decisions",     0,    "",           decision       },
    {"approvals",     0,    "",           asks           },
    {"approval",      1187, "",           asks           },
    {"optimizations", 0,    "",           asks           },
    {"optimization",  12,   "",           asks           },
    {"bottlenecks",   0,    "",           asks           },
    {"autonomy",      0,    "",           asks           },
    {"audit",         0,    "",           audit          },
    {"audit-row",     4,    "",           audit          },
    {"setup",         0,    "",           frames_empty   },
};

static struct view *open_view(const struct scene *scene, const struct frame *frame)
{
    const struct view_class *klass = view_class_find(scene->view);
    assert_non_null(klass);
    struct view *view = klass->open(scene->id, scene->arg);
    struct reply reply;
    view->klass = klass;
    view->w = 80;
    view->h = 22;
    view->now = frames_now();
    view->id = scene->id;
    (void)snprintf(view->arg, sizeof(view->arg), "%s", scene->arg);
    reply_init(&reply);
    if (klass->on_frame != NULL) {
        klass->on_frame(view, frame, &reply);
    }
    reply_fini(&reply);
    return view;
}

/* What the console does with it before a view is asked. */
static bool is_for_console(const struct view_class *klass, enum action action)
{
    return action_verb(action)[0] != '\0' ||
           (klass->subjects != NULL && action >= ACTION_ASK_APPROVE &&
            action <= ACTION_ASK_CLAIM);
}

/* What is looked for, before the key that goes on with it or takes it off. */
static void narrow(struct view *view, const struct frame *frame, enum action action)
{
    bool is_search = action == ACTION_SEARCH_NEXT || action == ACTION_SEARCH_PREVIOUS;
    struct reply reply;
    if (!is_search && action != ACTION_FILTER_CLEAR) {
        return;
    }
    reply_init(&reply);
    view->klass->on_action(view, frame, is_search ? ACTION_SEARCH : ACTION_FILTER,
                           &reply);
    if (reply.has_prompt) {
        view->klass->on_prompt(view, frame, reply.prompt.token, "e", true, &reply);
    }
    reply_fini(&reply);
}

/* Does the view do something with it that the operator sees? A row down comes first, so that
 * what goes up can go up. */
static bool does_something(const struct scene *scene, enum action action)
{
    const struct frame *frame = scene->make();
    struct view *view = open_view(scene, frame);
    const struct view_class *klass = view->klass;
    bool is_alive = is_for_console(klass, action);
    if (klass->on_action != NULL && klass->on_prompt != NULL) {
        narrow(view, frame, action);
    }
    for (int tries = 0; tries < 3 && !is_alive && klass->on_action != NULL; tries++) {
        struct reply reply;
        reply_init(&reply);
        klass->on_action(view, frame, action, &reply);
        is_alive = (reply.flags & REPLY_UNUSED) == 0 && !reply_is_empty(&reply);
        reply_fini(&reply);
        reply_init(&reply);
        klass->on_action(view, frame, ACTION_ROW_DOWN, &reply);
        reply_fini(&reply);
    }
    klass->close(view);
    frame_unref(frame);
    return is_alive;
}

static bool looks_in(const struct keymap *keymap, enum context from, enum context wanted)
{
    for (enum context at = from;; at = keymap_parent(keymap, at)) {
        if (at == wanted) {
            return true;
        }
        if (keymap_parent(keymap, at) == at) {
            return false;
        }
    }
}

/* The setup view and the form are the console's and the editor's: the pty tests press them. */
static bool is_of_views(enum context context)
{
    switch (context) {
    case CONTEXT_GLOBAL:
    case CONTEXT_PAST:
    case CONTEXT_EDIT:
    case CONTEXT_FORM:
    case CONTEXT_PROMPT:
    case CONTEXT_PALETTE:
    case CONTEXT_CONFIRM:
    case CONTEXT_OVERLAY:
    case CONTEXT_SETUP:
        return false;
    default:
        return true;
    }
}

static bool is_alive_somewhere(const struct keymap *keymap, enum context context,
                               uint32_t key, enum action action)
{
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        const struct view_class *klass = view_class_find(scenes[i].view);
        if (looks_in(keymap, klass->context, context) &&
            keymap_find(keymap, klass->context, key) == action &&
            does_something(&scenes[i], action)) {
            return true;
        }
    }
    return false;
}

static void every_key_of_a_view_is_alive(void **state)
{
    struct keymap *keymap = keymap_new();
    size_t n_dead = 0;
    (void)state;
    for (int context = 0; context < CONTEXT_COUNT; context++) {
        uint32_t key;
        enum action action;
        for (size_t i = 0; is_of_views((enum context)context) &&
                           keymap_row(keymap, (enum context)context, i, &key, &action);
             i++) {
            char label[KEY_TEXT_MAX];
            if (action != ACTION_NONE &&
                !is_alive_somewhere(keymap, (enum context)context, key, action)) {
                print_error("%s: %s (%s) does nothing in any view\n",
                            context_name((enum context)context), key_label(key, label),
                            action_name(action));
                n_dead++;
            }
        }
    }
    keymap_free(keymap);
    assert_int_equal(n_dead, 0);
}

/* Every view is in a scene, and each key of its bottom line is bound there and alive. */
static void every_hint_is_bound_and_alive(void **state)
{
    struct keymap *keymap = keymap_new();
    size_t n_bad = 0;
    (void)state;
    for (size_t v = 0; view_classes[v] != NULL; v++) {
        const struct view_class *klass = view_classes[v];
        bool has_scene = false;
        for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
            has_scene = has_scene || strcmp(scenes[i].view, klass->name) == 0;
        }
        if (!has_scene) {
            fail_msg("view %s has no scene", klass->name);
        }
        for (size_t i = 0; i < VIEW_HINTS_MAX && klass->hints[i] != ACTION_NONE; i++) {
            char label[KEY_TEXT_MAX];
            (void)keymap_label(keymap, klass->context, klass->hints[i], label);
            if (label[0] == '\0') {
                print_error("%s: no key for '%s'\n", klass->name,
                            action_name(klass->hints[i]));
                n_bad++;
            }
        }
    }
    keymap_free(keymap);
    assert_int_equal(n_bad, 0);
}

/* The manual has a line for each key that is bound, in its context. */
static void every_key_is_in_the_manual(void **state)
{
    struct keymap *keymap = keymap_new();
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    (void)state;
    assert_non_null(out);
    keymap_print_mdoc(out);
    assert_int_equal(fclose(out), 0);
    for (int context = 0; context < CONTEXT_COUNT; context++) {
        AUTO_FREE char *title =
            mem_printf(".Ss %s\n", context_name((enum context)context));
        const char *start = strstr(text, title);
        assert_non_null(start);
        const char *stop = strstr(start + 1, "\n.Ss ");
        size_t n = stop != NULL ? (size_t)(stop - start) : strlen(start);
        AUTO_FREE char *part = mem_strn(start, n);
        uint32_t key;
        enum action action;
        for (size_t i = 0; keymap_row(keymap, (enum context)context, i, &key, &action);
             i++) {
            AUTO_FREE char *line = mem_printf(".Pq Cm %s .", action_name(action));
            if (strstr(part, line) == NULL) {
                fail_msg("%s: %s is not in the manual",
                         context_name((enum context)context), action_name(action));
            }
        }
    }
    free(text);
    keymap_free(keymap);
}

static void a_reply_that_asks_for_nothing_is_empty(void **state)
{
    struct reply reply;
    (void)state;
    reply_init(&reply);
    assert_true(reply_is_empty(&reply));
    reply_say(&reply, MESSAGE_INFO, "no");
    assert_false(reply_is_empty(&reply));
    reply_fini(&reply);
    reply_init(&reply);
    reply.flags |= REPLY_REDRAW;
    assert_false(reply_is_empty(&reply));
    reply_fini(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_a_view_is_alive),
        cmocka_unit_test(every_hint_is_bound_and_alive),
        cmocka_unit_test(every_key_is_in_the_manual),
        cmocka_unit_test(a_reply_that_asks_for_nothing_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
