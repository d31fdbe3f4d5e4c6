/* SPDX-License-Identifier: MIT */
/* The MCP client: lines in, events out, whatever the server does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/service/mcp.h"

static struct mcp *mcp;
static struct mcp_event event;

static int setup(void **state)
{
    (void)state;
    mcp = mcp_new("signalbox", "0.1", 1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mcp_event_fini(&event);
    mcp_free(mcp);
    return 0;
}

static void feed(const char *text)
{
    mcp_feed(mcp, text, strlen(text));
}

static enum mcp_event_kind next(void)
{
    mcp_event_fini(&event);
    return mcp_next(mcp, &event) ? event.kind : MCP_NONE;
}

static void expect_out(const char *text)
{
    assert_string_equal(mcp_out(mcp)->data, text);
    buf_clear(mcp_out(mcp));
}

#define HELLO                                                                            \
    "{\"result\":{\"protocolVersion\":\"2024-11-05\",\"capabilities\":{},"               \
    "\"serverInfo\":{\"name\":\"Operative\",\"version\":\"1.6.0\"}},\"jsonrpc\":"        \
    "\"2.0\",\"id\":1}\n"

static void shake_hands(void)
{
    buf_clear(mcp_out(mcp));
    feed(HELLO);
    assert_int_equal(next(), MCP_READY);
    assert_int_equal(next(), MCP_NONE);
    buf_clear(mcp_out(mcp));
}

static void test_handshake(void **state)
{
    (void)state;
    expect_out("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":"
               "{\"protocolVersion\":\"2024-11-05\",\"capabilities\":{},\"clientInfo\":"
               "{\"name\":\"signalbox\",\"version\":\"0.1\"}}}\n");
    feed(HELLO);
    assert_int_equal(next(), MCP_READY);
    assert_string_equal(event.text, "Operative 1.6.0");
    expect_out("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
}

static void test_other_version_of_the_protocol(void **state)
{
    (void)state;
    feed("{\"id\":1,\"result\":{\"protocolVersion\":\"1999-01-01\"}}\n");
    assert_int_equal(next(), MCP_BROKEN);
    assert_non_null(strstr(event.text, "'1999-01-01'"));
    feed(HELLO);
    assert_int_equal(next(), MCP_NONE); /* it is over */
}

static void test_refused_handshake(void **state)
{
    (void)state;
    feed("{\"id\":1,\"error\":{\"code\":-32602,\"message\":\"no\\u001b[31m way\"}}\n");
    assert_int_equal(next(), MCP_FAILED);
    assert_int_equal(event.id, 0);
    assert_int_equal(event.code, -32602);
    assert_string_equal(event.text, "no way");
}

static void test_calls_and_cancel(void **state)
{
    (void)state;
    shake_hands();
    assert_int_equal(mcp_list_tools(mcp, NULL), 2);
    expect_out(
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{}}\n");
    assert_int_equal(mcp_call(mcp, "web_eval_agent", "{\"url\":\"u\"}", 11), 3);
    expect_out("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":"
               "{\"name\":\"web_eval_agent\",\"arguments\":{\"url\":\"u\"}}}\n");
    mcp_trace(mcp, "00-a-b-01");
    mcp_cancel(mcp, 3, "timeout");
    expect_out("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
               "{\"requestId\":3,\"reason\":\"timeout\"}}\n");
    feed("{\"id\":3,\"result\":{}}\n"); /* it crossed the cancel */
    assert_int_equal(next(), MCP_NOISE);
    assert_int_equal(mcp_list_tools(mcp, "two"), 4);
    assert_int_equal(mcp_call(mcp, "t", "{}", 2), 5);
    assert_non_null(
        strstr(mcp_out(mcp)->data,
               "\"arguments\":{},\"_meta\":{\"traceparent\":\"00-a-b-01\"}}"));
    assert_non_null(strstr(mcp_out(mcp)->data, "\"cursor\":\"two\""));
}

static void test_replies_out_of_order(void **state)
{
    (void)state;
    shake_hands();
    assert_int_equal(mcp_list_tools(mcp, NULL), 2);
    assert_int_equal(mcp_call(mcp, "t", "{}", 2), 3);
    feed("{\"id\":3,\"error\":{\"code\":-1,\"message\":\"late\"}}\n"
         "{\"id\":2,\"result\":{\"tools\":[]}}\n{\"id\":2,\"result\":{}}\n");
    assert_int_equal(next(), MCP_FAILED);
    assert_int_equal(event.id, 3);
    assert_int_equal(next(), MCP_RESULT);
    assert_int_equal(event.id, 2);
    assert_non_null(json_get(event.value, "tools"));
    assert_int_equal(next(), MCP_NOISE); /* twice */
    assert_int_equal(next(), MCP_NONE);
}

static void test_requests_of_the_server(void **state)
{
    (void)state;
    shake_hands();
    feed("{\"jsonrpc\":\"2.0\",\"id\":\"p\\u00e4\",\"method\":\"ping\"}\n"
         "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"roots/list\"}\n"
         "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
         "{\"data\":\"half way\"}}\n");
    assert_int_equal(next(), MCP_NOTICE);
    assert_string_equal(event.text, "half way");
    expect_out("{\"jsonrpc\":\"2.0\",\"id\":\"p\xc3\xa4\",\"result\":{}}\n"
               "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-32601,\"message\":"
               "\"Method not found\"}}\n");
}

static void test_flood_of_pings_is_bounded(void **state)
{
    (void)state;
    shake_hands();
    for (int i = 0; i < 300000; i++) {
        feed("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}\n");
        assert_int_equal(next(), MCP_NONE);
    }
    assert_true(mcp_out(mcp)->len < 9u << 20);
    assert_false(mcp_out(mcp)->is_cut);
}

static void test_noise(void **state)
{
    (void)state;
    feed("Error: No API key\x1b]0;x\x07\n\n[1]\n{broken\n\xff\xfe\n");
    assert_int_equal(next(), MCP_NOISE);
    assert_string_equal(event.text, "Error: No API key");
    assert_int_equal(next(), MCP_NOISE);
    assert_int_equal(next(), MCP_NOISE);
    assert_string_equal(event.text, "{broken");
    assert_int_equal(next(), MCP_NOISE);
    assert_int_equal(next(), MCP_NONE);
    shake_hands();
}

static void test_noise_may_be_longer_than_any_message(void **state)
{
    (void)state;
    char chunk[5000];
    int n = 0;
    memset(chunk, 'x', sizeof(chunk));
    for (int i = 0; i < 100; i++) {
        mcp_feed(mcp, chunk, sizeof(chunk));
        n += next() == MCP_NOISE;
    }
    feed("\n" HELLO);
    assert_int_equal(next(), MCP_READY);
    assert_int_equal(n, 1);
}

static void test_message_beyond_the_bound(void **state)
{
    (void)state;
    char text[900];
    shake_hands();
    assert_int_equal(mcp_call(mcp, "t", "{}", 2), 2);
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    AUTO_FREE char *fits = mem_printf("{\"id\":2,\"result\":{\"a\":\"%s\"}}\n", text);
    feed(fits);
    assert_int_equal(next(), MCP_RESULT);
    AUTO_FREE char *large = mem_printf("{\"id\":2,\"result\":{\"a\":\"%s%s", text, text);
    feed(large);
    assert_int_equal(next(), MCP_BROKEN);
    assert_string_equal(event.text, "a message of the server is longer than 1000 bytes");
}

static void test_whole_line_beyond_the_bound(void **state)
{
    (void)state;
    char text[1200];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    AUTO_FREE char *large = mem_printf("{\"id\":1,\"result\":{\"a\":\"%s\"}}\n", text);
    feed(large);
    assert_int_equal(next(), MCP_BROKEN);
}

static void test_megabyte_lines(void **state)
{
    (void)state;
    const size_t len = 20u << 20;
    mcp_free(mcp);
    mcp = mcp_new("signalbox", "0.1", 0);
    shake_hands();
    assert_int_equal(mcp_call(mcp, "t", "{}", 2), 2);
    char *data = mem_alloc(len + 1);
    memset(data, 'A', len);
    AUTO_FREE char *line = mem_printf("{\"id\":2,\"result\":{\"data\":\"%s\"}}\n", data);
    size_t total = strlen(line);
    for (size_t at = 0; at < total; at += 65536) {
        assert_int_equal(next(), MCP_NONE);
        mcp_feed(mcp, line + at, total - at < 65536 ? total - at : 65536);
    }
    assert_int_equal(next(), MCP_RESULT);
    assert_int_equal(strlen(json_str(event.value, "data", "")), len);
    free(data);
}

static void test_strings_that_json_does_not_take(void **state)
{
    (void)state;
    shake_hands();
    assert_int_equal(mcp_call(mcp, "t", "{}", 2), 2);
    feed("{\"id\":2,\"result\":{\"a\":\"x\\u0000y\\ud83dz\\\\u0000\xff\","
         "\"b\":\"\\ud83d\\ude00\"}}\n");
    assert_int_equal(next(), MCP_RESULT);
    assert_string_equal(json_str(event.value, "a", ""),
                        "x\xef\xbf\xbdy\xef\xbf\xbdz\\u0000?");
    assert_string_equal(json_str(event.value, "b", ""), "\xf0\x9f\x98\x80");
}

static void test_split_at_every_byte(void **state)
{
    (void)state;
    static const char talk[] = "noise\n" HELLO "{\"id\":7,\"method\":\"ping\"}\r\n"
                               "{\"method\":\"notifications/message\",\"params\":{}}\n";
    for (size_t cut = 0; cut < sizeof(talk) - 1; cut++) {
        enum mcp_event_kind seen[4] = {0};
        size_t n = 0;
        struct mcp *other = mcp_new("s", "1", 1000);
        for (int half = 0; half < 2; half++) {
            mcp_feed(other, half == 0 ? talk : talk + cut,
                     half == 0 ? cut : sizeof(talk) - 1 - cut);
            while (n < 4 && mcp_next(other, &event)) {
                seen[n++] = event.kind;
                mcp_event_fini(&event);
            }
        }
        assert_int_equal(n, 3);
        assert_int_equal(seen[0], MCP_NOISE);
        assert_int_equal(seen[1], MCP_READY);
        assert_int_equal(seen[2], MCP_NOTICE);
        assert_non_null(strstr(mcp_out(other)->data, "\"id\":7,\"result\":{}"));
        mcp_free(other);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_handshake),
        TEST(test_other_version_of_the_protocol),
        TEST(test_refused_handshake),
        TEST(test_calls_and_cancel),
        TEST(test_replies_out_of_order),
        TEST(test_requests_of_the_server),
        TEST(test_flood_of_pings_is_bounded),
        TEST(test_noise),
        TEST(test_noise_may_be_longer_than_any_message),
        TEST(test_message_beyond_the_bound),
        TEST(test_whole_line_beyond_the_bound),
        TEST(test_megabyte_lines),
        TEST(test_strings_that_json_does_not_take),
        TEST(test_split_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
