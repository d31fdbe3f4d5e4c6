/* SPDX-License-Identifier: MIT */
#include "tests/fakes/mcp.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define LINE_MAX_BYTES (16 * 1024 * 1024)

static const char *env(const char *name)
{
    return getenv(name); // NOLINT(concurrency-mt-unsafe): one thread
}

static bool is(const char *name, const char *value)
{
    return env(name) != NULL && strcmp(env(name), value) == 0;
}

static size_t number(const char *name, size_t otherwise)
{
    return env(name) != NULL ? (size_t)strtoull(env(name), NULL, 10) : otherwise;
}

/* ---- words ----------------------------------------------------------------------------
 */

static void put(const char *text, size_t len)
{
    if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0) {
        exit(1);
    }
}

static void say(const char *text)
{
    put(text, strlen(text));
    put("\n", 1);
}

static void trace(const char *line)
{
    FILE *file = env("TRACE") != NULL ? fopen(env("TRACE"), "ae") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "%s\n", line);
        (void)fclose(file); /* a test looks at what is there */
    }
}

static void make_noise(void)
{
    if (env("NOISE") != NULL) {
        say("Error: No API key provided. Please set the OPERATIVE_API_KEY variable.");
        say("[1, 2]");
        say("{broken");
        say("");
        say("   \xff\xfe noise \x1b[31m");
    }
    for (size_t n = number("NOISE_LONG", 0), i = 0; i < n; i++) {
        put(i + 1 < n ? "x" : "\n", 1);
    }
}

/* ---- hanging and dying ----------------------------------------------------------------
 */

NORETURN static void hang(void)
{
    char byte;
    while (env("CHATTER") != NULL) {
        say("still here"); /* until nobody listens */
    }
    if (env("STUBBORN") != NULL) {
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        if (fork() == 0) {
            (void)setsid();
        }
        for (;;) {
            (void)pause();
        }
    }
    while (read(0, &byte, 1) > 0) {
    }
    trace("end of stdin");
    exit(0);
}

static void misbehave_at(const char *place)
{
    if (is("HANG", place)) {
        hang();
    }
    if (is("DIE", place)) {
        (void)fputs("fatal: I die\n", stderr);
        exit(3);
    }
}

/* ---- answers --------------------------------------------------------------------------
 */

static void begin(struct jsonw *w, struct buf *buf, const struct json *id)
{
    AUTO_FREE char *text = json_format(id);
    buf_init(buf, SIZE_MAX / 2);
    jsonw_init(w, buf);
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "jsonrpc", "2.0");
    jsonw_raw(w, "id", text, strlen(text));
    jsonw_open(w, "result", '{');
}

static void end(struct jsonw *w, struct buf *buf)
{
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    (void)buf_char(buf, '\n');
    make_noise();
    put(buf->data, buf->len);
    buf_fini(buf);
}

static void initialize(const struct json *id)
{
    static const char capabilities[] = "{\"tools\":{\"listChanged\":false}}";
    static const char info[] = "{\"name\":\"Operative\",\"version\":\"1.6.0\"}";
    struct jsonw w;
    struct buf buf;
    begin(&w, &buf, id);
    jsonw_str(&w, "protocolVersion",
              env("VERSION") != NULL ? env("VERSION") : "2024-11-05");
    jsonw_raw(&w, "capabilities", capabilities, sizeof(capabilities) - 1);
    jsonw_raw(&w, "serverInfo", info, sizeof(info) - 1);
    end(&w, &buf);
}

static void list_tools(const struct json *id, const char *cursor)
{
    struct jsonw w;
    struct buf buf;
    if (env("DISORDER") != NULL) {
        say("{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{\"tools\":[]}}");
        say("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-1,\"message\":\"no\"}"
            "}");
        say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
            "{\"level\":\"info\",\"data\":\"warming up\"}}");
    }
    begin(&w, &buf, id);
    jsonw_open(&w, "tools", '[');
    if (!is("TOOLS", "none") && (env("PAGES") == NULL || cursor != NULL)) {
        static const char tool[] =
            "{\"name\":\"web_eval_agent\",\"inputSchema\":{\"type\":\"object\"}}";
        jsonw_raw(&w, NULL, tool, sizeof(tool) - 1);
    }
    jsonw_close(&w, ']');
    if (env("PAGES") != NULL && cursor == NULL) {
        jsonw_str(&w, "nextCursor", "two");
    }
    end(&w, &buf);
}

static char *make_report(const char *url, const char *task)
{
    struct buf report;
    buf_init(&report, LINE_MAX_BYTES);
    if (env("KEY") != NULL) {
        return mem_str("❌ Error: API Key validation failed when running the tool.\n"
                       "   Reason: Free tier limit reached.\n");
    }
    if (env("CRASH") != NULL) {
        return mem_str("Error executing web_eval_agent: no browser\n\nTraceback:\nx\n");
    }
    (void)buf_printf(&report,
                     "📊 Web Evaluation Report for %s complete!\n📝 Completed Task: %s\n\n",
                     url, task);
    if (env("FAIL") != NULL || strstr(task, "FAIL") != NULL) {
        (void)buf_str(&report, "❌ Error: browser crashed");
    } else {
        (void)buf_printf(&report,
                         "🔍 Agent Steps:\n  📍 Step 1: 🔗 Navigated to %s\n"
                         "  🏁 done\n\n📋 Conclusion:\n%s\n",
                         url,
                         env("UNHAPPY") != NULL ? "The login button does not work."
                                                : "All is well, no errors were found.");
        if (env("CONSOLE") != NULL) {
            (void)buf_str(&report, "\n🔴 Console Errors: (2 items)\n  1. favicon.ico 404\n"
                                   "  2. TypeError: x is undefined\n");
        }
        if (env("REQUESTS") != NULL) {
            (void)buf_str(&report, "\n❌ Failed Network Requests: (1 items)\n"
                                   "  1. POST http://localhost/api/pay - Status: 500\n");
        }
        (void)buf_str(&report,
                      "\n🖥️ All Console Logs: (1 items)\n  1. [log] Error: no\n"
                      "❌ Error: said by the page\n"
                      "\n🌐 All Network Requests: No items found.\n");
    }
    (void)buf_str(&report, "\n\n👁️ See the dashboard.\nWeb Evaluation completed!");
    return buf_take(&report, NULL);
}

static void call(const struct json *id, const struct json *params)
{
    static const char image[] = "{\"type\":\"image\",\"data\":\"/9j/4AAQSkZJRg==\","
                                "\"mimeType\":\"image/jpeg\"}";
    struct jsonw w;
    struct buf buf;
    const struct json *arguments = json_get(params, "arguments");
    const char *url = json_str(arguments, "url", "");
    AUTO_FREE char *report = make_report(url, json_str(arguments, "task", ""));
    if (is("ERROR", "call")) {
        AUTO_FREE char *text = json_format(id);
        (void)printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32603,"
                     "\"message\":\"out of order\"}}\n",
                     text);
        (void)fflush(stdout);
        return;
    }
    begin(&w, &buf, id);
    jsonw_open(&w, "content", '[');
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "type", "text");
    jsonw_str(&w, "text",
              url[0] != '\0' ? report : "Error executing tool: 1 validation error");
    jsonw_close(&w, '}');
    for (size_t i = 0; i < number("IMAGES", 1); i++) {
        jsonw_raw(&w, NULL, image, sizeof(image) - 1);
    }
    size_t huge = number("HUGE", 0);
    if (huge > 0) {
        char *text = mem_alloc(huge + 1);
        memset(text, 'A', huge);
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "type", "image");
        jsonw_str(&w, "data", text);
        jsonw_str(&w, "mimeType", "image/png");
        jsonw_close(&w, '}');
        free(text);
    }
    jsonw_close(&w, ']');
    jsonw_bool(&w, "isError", url[0] == '\0');
    end(&w, &buf);
}

/* ---- requests -------------------------------------------------------------------------
 */

static char *read_line(void)
{
    static char *line;
    static size_t cap;
    ssize_t n = getline(&line, &cap, stdin);
    if (n <= 0) {
        return NULL;
    }
    line[n - 1] = '\0';
    trace(line);
    return line;
}

/* What the client answers must be there before anything else is done. */
static void ask_client(void)
{
    static const struct {
        const char *ask, *want;
    } asks[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"method\":\"ping\"}", "\"result\":{}"},
        {"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"sampling/"
         "createMessage\",\"params\":{}}",                  "-32601"       },
    };
    for (size_t i = 0; env("PING") != NULL && i < ARRAY_LEN(asks); i++) {
        say(asks[i].ask);
        const char *line = read_line();
        if (line == NULL || strstr(line, asks[i].want) == NULL) {
            exit(4);
        }
    }
}

static void answer(const struct json *root)
{
    const char *method = json_str(root, "method", "");
    const struct json *id = json_get(root, "id"), *params = json_get(root, "params");
    if (strcmp(method, "initialize") == 0) {
        misbehave_at("initialize");
        initialize(id);
    } else if (strcmp(method, "tools/list") == 0) {
        misbehave_at("list");
        ask_client();
        list_tools(id, json_str(params, "cursor", NULL));
    } else if (strcmp(method, "tools/call") == 0) {
        (void)fputs("browsing ...\n", stderr);
        misbehave_at("call");
        call(id, params);
    }
}

int fake_mcp(void)
{
    struct err err = ERR_INIT;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    trace(tty < 0 ? "no terminal" : "a terminal");
    trace(env("DISPLAY") == NULL ? "no display" : "a display");
    trace(env("BROWSER") != NULL ? env("BROWSER") : "no browser");
    make_noise();
    for (const char *line; (line = read_line()) != NULL;) {
        struct json *root = json_parse(line, strlen(line), &err);
        answer(root);
        json_free(root);
    }
    trace("end of stdin");
    return 0;
}
