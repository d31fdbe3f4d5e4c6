/* SPDX-License-Identifier: MIT */
#include "engine/service/mcp.h"

#include "engine/base/mem.h"
#include "engine/base/text.h"

#define OUT_MAX        (16 * 1024 * 1024) /* of what the server has not read yet */
#define WAITING_MAX    8                  /* requests without an answer */
#define NOISE_KEPT     4096               /* bytes of a line that is no message */
#define ID_INITIALIZE  1
#define ID_TEXT_MAX    256
#define NO_SUCH_METHOD (-32601) /* JSON-RPC 2.0, 5.1 */

/* Versions whose tools/call has the result that is read here. The server answers with its
 * own when it does not know ours (specification, Lifecycle, Version Negotiation). */
static const char *const versions[] = {MCP_PROTOCOL, "2025-03-26", "2025-06-18"};

struct mcp {
    struct buf in, out;
    size_t from, scanned; /* start of the line, and how far it has no newline */
    size_t max;
    bool is_skipping; /* inside of noise whose beginning was dropped */
    bool is_ready, is_broken;
    int64_t last_id;
    int64_t waiting[WAITING_MAX]; /* ids; 0 = free */
    char *traceparent;            /* or NULL */
};

void mcp_event_fini(struct mcp_event *event)
{
    json_free(event->root);
    *event = (struct mcp_event){0};
}

/* ---- out ------------------------------------------------------------------------------
 */

static void begin(struct jsonw *w, struct mcp *mcp)
{
    jsonw_init(w, &mcp->out);
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "jsonrpc", "2.0");
}

static void end(struct jsonw *w, struct mcp *mcp)
{
    jsonw_close(w, '}');
    (void)buf_char(&mcp->out, '\n');
}

static int64_t begin_request(struct jsonw *w, struct mcp *mcp, const char *method)
{
    if (!mcp->is_ready && mcp->last_id > 0) {
        BUG("a request before the handshake");
    }
    int64_t id = ++mcp->last_id;
    for (size_t i = 0; i < WAITING_MAX; i++) {
        if (mcp->waiting[i] == 0) {
            mcp->waiting[i] = id;
            break;
        }
    }
    begin(w, mcp);
    jsonw_int(w, "id", id);
    jsonw_str(w, "method", method);
    return id;
}

/* Was this id waited for? Not any more then. */
static bool forget(struct mcp *mcp, int64_t id)
{
    for (size_t i = 0; id > 0 && i < WAITING_MAX; i++) {
        if (mcp->waiting[i] == id) {
            mcp->waiting[i] = 0;
            return true;
        }
    }
    return false;
}

static void send_initialize(struct mcp *mcp, const char *name, const char *version)
{
    struct jsonw w;
    (void)begin_request(&w, mcp, "initialize"); /* ID_INITIALIZE, the first one */
    jsonw_open(&w, "params", '{');
    jsonw_str(&w, "protocolVersion", MCP_PROTOCOL);
    jsonw_open(&w, "capabilities", '{');
    jsonw_close(&w, '}');
    jsonw_open(&w, "clientInfo", '{');
    jsonw_str(&w, "name", name);
    jsonw_str(&w, "version", version);
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    end(&w, mcp);
}

struct mcp *mcp_new(const char *client_name, const char *client_version,
                    int64_t message_max)
{
    struct mcp *mcp = mem_alloc(sizeof(*mcp));
    mcp->max = message_max > 0 ? (size_t)message_max : MCP_MESSAGE_MAX;
    buf_init(&mcp->in, SIZE_MAX / 2); /* bounded by mcp->max, see mcp_next */
    buf_init(&mcp->out, OUT_MAX);
    send_initialize(mcp, client_name, client_version);
    return mcp;
}

void mcp_free(struct mcp *mcp)
{
    if (mcp != NULL) {
        buf_fini(&mcp->in);
        buf_fini(&mcp->out);
        free(mcp->traceparent);
        free(mcp);
    }
}

struct buf *mcp_out(struct mcp *mcp)
{
    return &mcp->out;
}

int64_t mcp_list_tools(struct mcp *mcp, const char *cursor)
{
    struct jsonw w;
    int64_t id = begin_request(&w, mcp, "tools/list");
    jsonw_open(&w, "params", '{');
    if (cursor != NULL) {
        jsonw_str(&w, "cursor", cursor);
    }
    jsonw_close(&w, '}');
    end(&w, mcp);
    return id;
}

int64_t mcp_call(struct mcp *mcp, const char *tool, const char *arguments, size_t len)
{
    struct jsonw w;
    int64_t id = begin_request(&w, mcp, "tools/call");
    jsonw_open(&w, "params", '{');
    jsonw_str(&w, "name", tool);
    jsonw_raw(&w, "arguments", arguments, len);
    if (mcp->traceparent != NULL && mcp->traceparent[0] != '\0') {
        jsonw_open(&w, "_meta", '{');
        jsonw_str(&w, "traceparent", mcp->traceparent);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, '}');
    end(&w, mcp);
    return id;
}

void mcp_trace(struct mcp *mcp, const char *traceparent)
{
    free(mcp->traceparent);
    mcp->traceparent = mem_str(traceparent);
}

void mcp_cancel(struct mcp *mcp, int64_t id, const char *reason)
{
    struct jsonw w;
    (void)forget(mcp, id); /* an answer that crosses this is not waited for */
    begin(&w, mcp);
    jsonw_str(&w, "method", "notifications/cancelled");
    jsonw_open(&w, "params", '{');
    jsonw_int(&w, "requestId", id);
    jsonw_str(&w, "reason", reason);
    jsonw_close(&w, '}');
    end(&w, mcp);
}

/* The id of a request of the server's as it came: a number or a text. */
static void answer_request(struct mcp *mcp, const struct json *root, const char *method)
{
    struct jsonw w;
    AUTO_FREE char *id = json_format(json_get(root, "id"));
    if (strlen(id) > ID_TEXT_MAX || mcp->out.len > OUT_MAX / 2) {
        return; /* it asks, and does not read the answers */
    }
    begin(&w, mcp);
    jsonw_raw(&w, "id", id, strlen(id));
    if (strcmp(method, "ping") == 0) { /* specification, Utilities, Ping */
        jsonw_open(&w, "result", '{');
        jsonw_close(&w, '}');
    } else {
        jsonw_open(&w, "error", '{');
        jsonw_int(&w, "code", NO_SUCH_METHOD);
        jsonw_str(&w, "message", "Method not found");
        jsonw_close(&w, '}');
    }
    end(&w, mcp);
}

/* ---- in -------------------------------------------------------------------------------
 */

void mcp_feed(struct mcp *mcp, const char *bytes, size_t len)
{
    if (!mcp->is_broken) {
        (void)buf_add(&mcp->in, bytes, len);
    }
}

static void set_text(struct mcp_event *event, enum mcp_event_kind kind, const char *text,
                     size_t len)
{
    struct buf clean;
    buf_init(&clean, MCP_TEXT_MAX);
    text_clean(&clean, text, len < NOISE_KEPT ? len : NOISE_KEPT, TEXT_ONE_LINE);
    while (clean.is_cut && clean.len > 0 && !text_is_utf8(clean.data, clean.len)) {
        clean.data[--clean.len] = '\0';
    }
    (void)snprintf(event->text, sizeof(event->text), "%s", clean.data);
    event->kind = kind;
    buf_fini(&clean);
}

static void broken(struct mcp *mcp, struct mcp_event *event, char *text)
{
    mcp->is_broken = true;
    set_text(event, MCP_BROKEN, text, strlen(text));
    free(text);
}

static bool is_hex4(const char *text)
{
    for (int i = 0; i < 4; i++) {
        if (strchr("0123456789abcdefABCDEF", text[i]) == NULL || text[i] == '\0') {
            return false;
        }
    }
    return true;
}

static unsigned hex4(const char *text)
{
    char digits[5] = {text[0], text[1], text[2], text[3], '\0'};
    return (unsigned)strtoul(digits, NULL, 16);
}

static bool is_low_surrogate(const char *text, size_t len)
{
    return len >= 6 && text[0] == '\\' && text[1] == 'u' && is_hex4(text + 2) &&
           (hex4(text + 2) & 0xFC00u) == 0xDC00u;
}

/* What json_parse refuses inside of strings becomes U+FFFD, or '?' for a bad byte, in
 * place. */
static void mend(char *line, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t rune;
        size_t n = text_decode(line + i, len - i, &rune);
        if (n == 0) {
            line[i++] = '?';
        } else if (line[i] != '\\' || len - i < 2) {
            i += n;
        } else if (line[i + 1] != 'u' || len - i < 6 || !is_hex4(line + i + 2)) {
            i += 2;
        } else {
            unsigned unit = hex4(line + i + 2);
            bool is_pair = (unit & 0xFC00u) == 0xD800u &&
                           is_low_surrogate(line + i + 6, len - i - 6);
            if (unit == 0 || ((unit & 0xF800u) == 0xD800u && !is_pair)) {
                for (size_t k = 0; k < 4; k++) {
                    line[i + 2 + k] = "fffd"[k];
                }
            }
            i += is_pair ? 12 : 6;
        }
    }
}

static struct json *parse(char *line, size_t len)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(line, len, &err);
    if (root == NULL) {
        mend(line, len);
        root = json_parse(line, len, &err);
    }
    if (root != NULL && !json_is_an_object(root)) {
        json_free(root);
        root = NULL;
    }
    return root;
}

static void read_failure(struct mcp_event *event, const struct json *error)
{
    const char *text = json_str(error, "message", "an error without a message");
    event->code = json_int(error, "code", 0);
    set_text(event, MCP_FAILED, text, strlen(text));
}

static void read_handshake(struct mcp *mcp, const struct json *result,
                           struct mcp_event *event)
{
    const char *version = json_str(result, "protocolVersion", "");
    const struct json *info = json_get(result, "serverInfo");
    struct jsonw w;
    size_t i = 0;
    while (i < ARRAY_LEN(versions) && strcmp(versions[i], version) != 0) {
        i++;
    }
    if (i == ARRAY_LEN(versions)) {
        broken(mcp, event,
               mem_printf("the server speaks version '%.40s' of the protocol, not %s",
                          version, MCP_PROTOCOL));
        return;
    }
    AUTO_FREE char *name = mem_printf("%.200s %.100s", json_str(info, "name", "?"),
                                      json_str(info, "version", ""));
    set_text(event, MCP_READY, name, strlen(name));
    mcp->is_ready = true;
    begin(&w, mcp);
    jsonw_str(&w, "method", "notifications/initialized");
    end(&w, mcp);
}

static void read_reply(struct mcp *mcp, const struct json *root, struct mcp_event *event)
{
    int64_t id = json_int(root, "id", 0);
    const struct json *error = json_get(root, "error"),
                      *result = json_get(root, "result");
    if (!forget(mcp, id)) {
        static const char text[] = "an answer to a question that nobody asked";
        set_text(event, MCP_NOISE, text, strlen(text));
    } else if (json_is_an_object(error) || result == NULL) {
        read_failure(event, error);
        event->id = id == ID_INITIALIZE ? 0 : id;
    } else if (id == ID_INITIALIZE) {
        read_handshake(mcp, result, event);
    } else {
        event->kind = MCP_RESULT;
        event->id = id;
        event->value = result;
    }
}

/* "notifications/message" and "notifications/progress" have something to tell. */
static void read_notification(const struct json *root, const char *method,
                              struct mcp_event *event)
{
    const struct json *params = json_get(root, "params");
    const char *text = json_str(params, "message", NULL);
    const struct json *data = json_get(params, "data");
    AUTO_FREE char *made = NULL;
    if (text == NULL && data != NULL) {
        text = json_text(data);
        if (text == NULL) {
            text = made = json_format(data);
        }
    }
    set_text(event, MCP_NOTICE, text != NULL ? text : method,
             strlen(text != NULL ? text : method));
}

/* False: nothing to tell. */
static bool read_line(struct mcp *mcp, char *line, size_t len, struct mcp_event *event)
{
    size_t blank = 0;
    while (blank < len && strchr(" \t\r", line[blank]) != NULL && line[blank] != '\0') {
        blank++;
    }
    if (blank == len) {
        return false;
    }
    struct json *root = line[blank] == '{' ? parse(line, len) : NULL;
    if (root == NULL) {
        set_text(event, MCP_NOISE, line, len);
        return true;
    }
    event->root = root;
    const char *method = json_str(root, "method", NULL);
    const struct json *id = json_get(root, "id");
    if (method == NULL) {
        read_reply(mcp, root, event);
    } else if (id != NULL) {
        answer_request(mcp, root, method);
        mcp_event_fini(event);
        return false;
    } else {
        read_notification(root, method, event);
    }
    return true;
}

/* Is the line that begins at `from` already known to be no message? */
static bool is_noise(const struct mcp *mcp)
{
    size_t at = mcp->from;
    while (at < mcp->in.len && strchr(" \t\r", mcp->in.data[at]) != NULL &&
           mcp->in.data[at] != '\0') {
        at++;
    }
    return at < mcp->in.len && mcp->in.data[at] != '{';
}

/* No newline yet: drop what is only noise, refuse what is too long, move to the front. */
static bool wait_for_more(struct mcp *mcp, struct mcp_event *event)
{
    size_t len = mcp->in.len - mcp->from;
    if (len > NOISE_KEPT && (mcp->is_skipping || is_noise(mcp))) {
        bool is_first = !mcp->is_skipping;
        if (is_first) {
            set_text(event, MCP_NOISE, mcp->in.data + mcp->from, len);
        }
        mcp->is_skipping = true;
        buf_clear(&mcp->in);
        mcp->from = mcp->scanned = 0;
        return is_first;
    }
    if (len > mcp->max) {
        broken(mcp, event,
               mem_printf("a message of the server is longer than %zu bytes", mcp->max));
        return true;
    }
    if (mcp->from > 0) {
        memmove(mcp->in.data, mcp->in.data + mcp->from, len);
        mcp->in.len = len;
        mcp->in.data[len] = '\0';
        mcp->from = 0;
    }
    mcp->scanned = len;
    return false;
}

bool mcp_next(struct mcp *mcp, struct mcp_event *ret_event)
{
    *ret_event = (struct mcp_event){0};
    while (!mcp->is_broken) {
        char *from = mcp->in.data + mcp->from;
        char *scan = mcp->in.data + mcp->scanned;
        char *newline = memchr(scan, '\n', mcp->in.len - mcp->scanned);
        if (newline == NULL) {
            return wait_for_more(mcp, ret_event);
        }
        size_t len = (size_t)(newline - from);
        mcp->from = mcp->scanned = (size_t)(newline - mcp->in.data) + 1;
        if (mcp->is_skipping) {
            mcp->is_skipping = false;
        } else if (len > mcp->max && from[0] == '{') {
            broken(
                mcp, ret_event,
                mem_printf("a message of the server is longer than %zu bytes", mcp->max));
            return true;
        } else if (read_line(mcp, from, len, ret_event)) {
            return true;
        }
    }
    return false;
}
