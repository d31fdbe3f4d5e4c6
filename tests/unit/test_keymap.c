/* SPDX-License-Identifier: MIT */
#include "tui/keymap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/asset.h"
#include "engine/base/mem.h"

static bool add(struct keymap *keymap, const char *text, struct findings *findings)
{
    return keymap_add(keymap, "my.keys", text, strlen(text), findings);
}

static void keys_have_one_name_each(void **state)
{
    static const struct {
        const char *text, *format, *label;
        uint32_t key;
    } rows[] = {
        {"j",          "j",          "j",             'j'                    },
        {"G",          "G",          "G",             'G'                    },
        {"é",         "é",         "é",            0xE9                   },
        {">",          ">",          ">",             '>'                    },
        {"-",          "-",          "-",             '-'                    },
        {"<Up>",       "<Up>",       "Up",            KEYC_UP                },
        {"<up>",       "<Up>",       "Up",            KEYC_UP                },
        {"<C-D>",      "<C-d>",      "^D",            'd' | KEY_MOD_CTRL     },
        {"<A-x>",      "<A-x>",      "Alt-x",         'x' | KEY_MOD_ALT      },
        {"<S-Up>",     "<S-Up>",     "Shift-Up",      KEYC_UP | KEY_MOD_SHIFT},
        {"<C-A-Left>", "<C-A-Left>", "Ctrl-Alt-Left",
         KEYC_LEFT | KEY_MOD_CTRL | KEY_MOD_ALT                              },
        {"<Space>",    "<Space>",    "Space",         ' '                    },
        {"<Comma>",    "<Comma>",    ",",             ','                    },
        {"<Lt>",       "<Lt>",       "<",             '<'                    },
        {"<C-Space>",  "<C-Space>",  "Ctrl-Space",    ' ' | KEY_MOD_CTRL     },
    };
    static const char *const bad[] = {
        "",      "jk",    "<",     "<>",   "<Foo>", ",",      "<C->", "<X-a>", "<C-i>",
        "<C-m>", "<C-[>", "<S-a>", "\x1b", "\xFF",  "<\x07>", "<Up",  "Up",    "<C-h>"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t key = 0;
        char text[KEY_TEXT_MAX];
        assert_true(key_parse(rows[i].text, &key));
        assert_int_equal(key, rows[i].key);
        assert_string_equal(key_format(key, text), rows[i].format);
        assert_string_equal(key_label(key, text), rows[i].label);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint32_t key = 0;
        if (key_parse(bad[i], &key)) {
            fail_msg("'%s' was taken for a key", bad[i]);
        }
    }
}

static void a_key_is_looked_up_in_parents(void **state)
{
    struct keymap *keymap = keymap_new();
    struct findings findings;
    char label[KEY_TEXT_MAX];
    (void)state;
    findings_init(&findings);
    assert_int_equal(keymap_find(keymap, CONTEXT_WORKFLOWS, 's'), ACTION_SORT_NEXT);
    assert_int_equal(keymap_find(keymap, CONTEXT_WORKFLOWS, 'j'), ACTION_ROW_DOWN);
    assert_int_equal(keymap_find(keymap, CONTEXT_WORKFLOWS, '?'), ACTION_HELP);
    assert_int_equal(keymap_find(keymap, CONTEXT_CONFIRM, '?'), ACTION_NONE);
    assert_true(add(keymap, "context workflows\nj none\n<F5>, z  row-down\n", &findings));
    assert_int_equal(keymap_find(keymap, CONTEXT_WORKFLOWS, 'j'), ACTION_NONE);
    assert_int_equal(keymap_find(keymap, CONTEXT_OVERVIEW, 'j'), ACTION_ROW_DOWN);
    assert_int_equal(keymap_find(keymap, CONTEXT_WORKFLOWS, 'z'), ACTION_ROW_DOWN);
    assert_string_equal(keymap_label(keymap, CONTEXT_WORKFLOWS, ACTION_ROW_DOWN, label),
                        "F5");
    assert_string_equal(keymap_label(keymap, CONTEXT_OVERVIEW, ACTION_ROW_DOWN, label),
                        "j");
    assert_string_equal(keymap_label(keymap, CONTEXT_CONFIRM, ACTION_ROW_DOWN, label),
                        "");
    /* The label never names a key that does something else here. */
    assert_true(add(keymap, "context overview\nj mark\n", &findings));
    assert_string_equal(keymap_label(keymap, CONTEXT_OVERVIEW, ACTION_ROW_DOWN, label),
                        "Down");
    findings_fini(&findings);
    keymap_free(keymap);
}

static void a_wrong_file_changes_nothing_and_is_reported_whole(void **state)
{
    static const char *const expected[] = {
        "my.keys:1: expected 'context NAME' before the first key",
        "my.keys:2: context: 'tabel' is no context; signalbox-keys(7) lists them",
        "my.keys:4: context: 'global' cannot look further in 'view': that would never "
        "end",
        "my.keys:5: j: 'row-dwon' is no action; signalbox-keys(7) lists them",
        "my.keys:6: <Foo>: is no key; expected a character, <Name> or <C-x>, <A-x>",
        "my.keys:8: z: is bound twice in context global",
        "my.keys:9: expected: keys, then an action",
        "my.keys:10: is no text, or longer than 511 bytes",
    };
    struct keymap *keymap = keymap_new();
    struct findings findings;
    (void)state;
    findings_init(&findings);
    assert_false(add(keymap,
                     "j row-down\ncontext tabel\n# comment\ncontext global : view\n"
                     "j row-dwon\n<Foo> mark\nz mark\nz open\nlonely\nx\xFF mark\n",
                     &findings));
    assert_int_equal(findings.n, ARRAY_LEN(expected));
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        assert_string_equal(line, expected[i]);
    }
    assert_int_equal(keymap_find(keymap, CONTEXT_GLOBAL, 'z'), ACTION_NONE);
    assert_false(keymap_load(keymap, "/nonexistent.keys", &findings));
    findings_fini(&findings);
    keymap_free(keymap);
}

static void default_keys_have_no_mistake(void **state)
{
    const struct asset *asset = asset_find("tui/default.keys");
    (void)state;
    assert_non_null(asset);
    struct keymap *keymap = keymap_new();
    struct findings findings;
    findings_init(&findings);
    bool is_good = keymap_add(keymap, asset->name, asset->data, asset->len, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_error("%s\n", line);
    }
    assert_true(is_good);
    findings_fini(&findings);
    keymap_free(keymap);
}

static bool is_text_context(enum context context)
{
    return context == CONTEXT_EDIT || context == CONTEXT_FORM ||
           context == CONTEXT_PROMPT || context == CONTEXT_PALETTE;
}

/* Every action can be reached by a key, and no key is bound where it would be typed text.
 */
static void every_action_is_bound_and_no_key_is_dead(void **state)
{
    struct keymap *keymap = keymap_new();
    (void)state;
    for (int action = ACTION_NONE + 1; action < ACTION_COUNT; action++) {
        bool is_bound = false;
        for (int context = 0; context < CONTEXT_COUNT; context++) {
            char labels[256];
            (void)keymap_labels(keymap, (enum context)context, (enum action)action,
                                labels, sizeof(labels));
            is_bound = is_bound || labels[0] != '\0';
            if (is_text_context((enum context)context)) {
                for (const char *p = labels; *p != '\0'; p += strcspn(p, " ")) {
                    p += strspn(p, " ");
                    assert_int_not_equal(strcspn(p, " "), 1);
                }
            }
        }
        if (!is_bound) {
            fail_msg("no key does '%s'", action_name((enum action)action));
        }
    }
    keymap_free(keymap);
}

static void every_action_and_context_is_described(void **state)
{
    char *text = NULL;
    size_t len = 0;
    (void)state;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    keymap_print_mdoc(out);
    assert_int_equal(fclose(out), 0);
    for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
        enum action back = ACTION_NONE;
        const char *name = action_name((enum action)i);
        AUTO_FREE char *line = mem_printf(".Pq Cm %s .\n", name);
        assert_true(action_find(name, &back));
        assert_int_equal(back, i);
        assert_true(strlen(action_word((enum action)i)) > 0);
        assert_true(strlen(action_help((enum action)i)) > 0);
        assert_non_null(strstr(text, line));
    }
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        AUTO_FREE char *line = mem_printf(".Ss %s\n", context_name((enum context)i));
        assert_non_null(strstr(text, line));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_one_name_each),
        cmocka_unit_test(a_key_is_looked_up_in_parents),
        cmocka_unit_test(a_wrong_file_changes_nothing_and_is_reported_whole),
        cmocka_unit_test(default_keys_have_no_mistake),
        cmocka_unit_test(every_action_is_bound_and_no_key_is_dead),
        cmocka_unit_test(every_action_and_context_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
