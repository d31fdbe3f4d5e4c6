/* SPDX-License-Identifier: MIT */
/* What an agent says of itself: amounts, and the file that it may write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/service/local_usage.h"
#include "tests/lib/place.h"

static void amounts(void **state)
{
    static const struct {
        const char *text, *shown;
        int64_t micros; /* -1: refused */
    } all[] = {
        {"0",                    "0.00",          0        },
        {"2",                    "2.00",          2000000  },
        {"2.5",                  "2.50",          2500000  },
        {"0.000125",             "0.000125",      125      },
        {"1000000000",           "1000000000.00", MONEY_MAX},
        {"1000000000.000001",    "",              -1       },
        {"99999999999999999999", "",              -1       },
        {"0.0000001",            "",              -1       },
        {"",                     "",              -1       },
        {".5",                   "",              -1       },
        {"5.",                   "",              -1       },
        {"-1",                   "",              -1       },
        {"1e3",                  "",              -1       },
        {"1.2.3",                "",              -1       },
    };
    char text[MONEY_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        int64_t micros = 0;
        bool is_right = money_parse(all[i].text, &micros);
        assert_int_equal(is_right, all[i].micros >= 0);
        if (is_right) {
            assert_int_equal(micros, all[i].micros);
            assert_string_equal(money_format(micros, text), all[i].shown);
        }
    }
}

static void what_is_said(void **state)
{
    static const struct {
        const char *text;
        bool is_right;
        struct usage usage;
    } all[] = {
        {"{\"tokens\":1200,\"cost\":0.42}", true,  {1200, 420000}},
        {"{\"tokens\":7}",                  true,  {7, 0}        },
        {"{\"model\":\"x\",\"cost\":3}",    true,  {0, 3000000}  },
        {"{\"tokens\":\"many\"}",           true,  {0, 0}        },
        {"{\"tokens\":-1}",                 false, {0, 0}        },
        {"{\"tokens\":1.5}",                false, {0, 0}        },
        {"{\"tokens\":1e300}",              false, {0, 0}        },
        {"{\"cost\":-0.01}",                false, {0, 0}        },
        {"{\"cost\":1e18}",                 false, {0, 0}        },
        {"[1]",                             false, {0, 0}        },
        {"{",                               false, {0, 0}        },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct usage usage = {0, 0};
        struct err err = ERR_INIT;
        bool is_right = usage_parse(all[i].text, strlen(all[i].text), &usage, &err);
        assert_int_equal(is_right, all[i].is_right);
        assert_int_equal(usage.tokens, all[i].usage.tokens);
        assert_int_equal(usage.micros, all[i].usage.micros);
    }
}

static void the_file(void **state)
{
    struct place *place = *state;
    struct usage usage = {1, 2};
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(place->folder, USAGE_FILE);
    static const char said[] = "{\"tokens\":10,\"cost\":0.00002}";
    assert_true(usage_take(place->folder, &usage, &err)); /* nothing is said */
    assert_int_equal(usage.tokens, 1);
    assert_true(file_write(path, said, strlen(said), &err));
    assert_true(usage_take(place->folder, &usage, &err));
    assert_int_equal(usage.tokens, 11);
    assert_int_equal(usage.micros, 22);
    assert_int_equal(access(path, F_OK), -1); /* the next try begins anew */
    assert_int_equal(mkfifo(path, 0600), 0);  /* nobody is waited for */
    assert_false(usage_take(place->folder, &usage, &err));
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_false(usage_take(place->folder, &usage, &err));
    assert_int_equal(usage.tokens, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts),
        cmocka_unit_test(what_is_said),
        PLACE_TEST(the_file),
    };
    return cmocka_run_group_tests_name("local usage", tests, NULL, NULL);
}
