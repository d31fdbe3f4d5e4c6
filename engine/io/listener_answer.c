/* SPDX-License-Identifier: MIT */

/* Answers over HTTP, and the plain routes. */
#include "engine/io/listener_private.h"
#include "engine/io/openmetrics.h"

#define HEAD_MAX      512
#define RETRY_AFTER_S 5

static const struct {
    int status;
    const char *phrase;
    const char *more; /* header lines that belong to it */
} phrases[] = {
    {200, "OK",                     ""                            },
    {202, "Accepted",               ""                            },
    {400, "Bad Request",            ""                            },
    {401, "Unauthorized",           "WWW-Authenticate: Bearer\r\n"},
    {403, "Forbidden",              ""                            },
    {404, "Not Found",              ""                            },
    {405, "Method Not Allowed",     ""                            },
    {408, "Request Timeout",        ""                            },
    {409, "Conflict",               ""                            },
    {411, "Length Required",        ""                            },
    {413, "Content Too Large",      ""                            },
    {415, "Unsupported Media Type", ""                            },
    {422, "Unprocessable Content",  ""                            },
    {426, "Upgrade Required",       "Upgrade: websocket\r\n"      },
    {429, "Too Many Requests",      "Retry-After: 10\r\n"         },
    {501, "Not Implemented",        ""                            },
    {503, "Service Unavailable",    "Retry-After: 5\r\n"          },
};

void conn_answer(struct conn *conn, int status, const char *text, bool is_closing)
{
    conn->status = status;
    conn->text = text;
    conn->is_closing |= is_closing;
    /* The library serves a connection whose reading it stopped neither way. Both calls fail
     * only for what is closed. */
    (void)lws_rx_flow_control(conn->wsi, 1);
    (void)lws_callback_on_writable(conn->wsi);
}

void conn_answer_whole(struct conn *conn, int status, bool is_closing)
{
    if (is_closing || conn->is_closing || conn->n_completions > 0) {
        conn_answer(conn, status, conn->text, is_closing);
    } else {
        conn->status = status; /* written when webhook_whole() comes */
    }
}

void conn_answer_body(struct conn *conn, int status, const char *type, char *body,
                      size_t len)
{
    conn->type = type;
    conn->body = body;
    conn->body_len = len;
    conn_answer(conn, status, "", false);
}

static size_t format_head(const struct conn *conn, int status, const char *type,
                          size_t len, char *out)
{
    const char *phrase = "Unknown", *more = "";
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
        if (phrases[i].status == status) {
            phrase = phrases[i].phrase;
            more = phrases[i].more;
        }
    }
    int n = snprintf(out, HEAD_MAX,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Cache-Control: no-store\r\n%s%s%s\r\n",
                     status, phrase, type, len, more, status == 405 ? conn->allow : "",
                     conn->is_closing ? "Connection: close\r\n" : "");
    return n > 0 && n < HEAD_MAX ? (size_t)n : 0;
}

/* The whole answer in one piece: one write, one packet when it is short. */
static int write_whole(struct conn *conn)
{
    bool is_text = conn->body == NULL;
    size_t len = is_text ? strlen(conn->text) + 1 : conn->body_len;
    char *out = mem_alloc(LWS_PRE + HEAD_MAX + len);
    size_t head = format_head(conn, conn->status,
                              is_text ? "text/plain; charset=utf-8" : conn->type, len,
                              out + LWS_PRE);
    char *at = out + LWS_PRE + head;
    if (is_text) {
        memcpy(at, conn->text, len - 1);
        at[len - 1] = '\n';
    } else {
        memcpy(at, conn->body, len);
    }
    int n = lws_write(conn->wsi, (unsigned char *)out + LWS_PRE, head + len,
                      LWS_WRITE_HTTP_FINAL);
    free(out);
    return n;
}

/*
 * libwebsockets 4.1 reads a request that came in one packet with the one before it from a
 * buffer that still holds its header, takes that for the body, and then turns for ever
 * (lws_http_action). So a connection is kept only when it is sure that nothing followed this
 * request: its body was there, whole, and was told once; told twice means more bytes came.
 * Nobody who waits for answers notices (RFC 9112 9.3.2: pipelined requests may be cut off).
 */
int conn_write_answer(struct conn *conn)
{
    if (conn->status == 0) {
        return 0;
    }
    conn->is_closing |= conn->n_completions != 1;
    int n = write_whole(conn);
    conn->listener->counts.by_status[conn->status]++;
    conn->status = 0;
    free(TAKE(conn->body));
    if (n < 0 || conn->is_closing) {
        return -1;
    }
    conn_idle(conn);
    if (lws_http_transaction_completed(conn->wsi) != 0) {
        return -1;
    }
    conn_no_timer(conn);
    return 0;
}

int conn_refuse_upgrade(struct conn *conn, int status, const char *text)
{
    conn->status = status;
    conn->text = text;
    conn->is_closing = true;
    (void)write_whole(conn); /* it is closed in any case */
    conn->listener->counts.by_status[status]++;
    conn->status = 0;
    return -1;
}

/* ---- routes --------------------------------------------------------------------------- */

static void answer_metrics(struct conn *conn)
{
    const char *why = "";
    size_t len = 0;
    int status = check_token(conn, &why);
    if (status != 0) {
        conn_answer(conn, status, why, false);
        return;
    }
    AUTO_FREE char *accept = conn_header(conn, WSI_TOKEN_HTTP_ACCEPT);
    enum openmetrics_format format = openmetrics_accept(accept);
    char *body = metrics_format(conn->listener, format, &len);
    if (body == NULL) {
        conn_answer(conn, 503, "the store cannot be read", false);
    } else {
        conn_answer_body(conn, 200, openmetrics_type(format), body, len);
    }
}

static void answer_healthz(struct conn *conn)
{
    conn_answer(conn, 200, "alive", false);
}

static void answer_readyz(struct conn *conn)
{
    const char *problem = ready_problem(conn->listener);
    bool is_ready = problem[0] == '\0';
    conn_answer(conn, is_ready ? 200 : 503, is_ready ? "ready" : problem, false);
}

static void answer_events(struct conn *conn)
{
    conn_answer(conn, 426, "this is a WebSocket", false);
}

static const struct {
    const char *path;
    enum lws_token_indexes method;
    const char *allow;
    bool has_body;
    void (*answer)(struct conn *conn);
} routes[] = {
    {"/webhooks/github", WSI_TOKEN_POST_URI, "Allow: POST\r\n", true,  webhook_begin    },
    {"/commands",        WSI_TOKEN_POST_URI, "Allow: POST\r\n", true,  command_begin    },
    {"/approvals",       WSI_TOKEN_GET_URI,  "Allow: GET\r\n",  false, command_approvals},
    {"/events",          WSI_TOKEN_GET_URI,  "Allow: GET\r\n",  false, answer_events    },
    {"/healthz",         WSI_TOKEN_GET_URI,  "Allow: GET\r\n",  false, answer_healthz   },
    {"/readyz",          WSI_TOKEN_GET_URI,  "Allow: GET\r\n",  false, answer_readyz    },
    {"/metrics",         WSI_TOKEN_GET_URI,  "Allow: GET\r\n",  false, answer_metrics   },
};
#define COMMAND_PATH "/commands/"

static void refuse_method(struct conn *conn, const char *allow)
{
    conn->allow = allow;
    conn_answer(conn, 405, "another method is asked for", true);
}

void route_request(struct conn *conn, const char *path)
{
    conn->allow = "";
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(path, routes[i].path) == 0) {
            conn->is_closing = !routes[i].has_body;
            if (lws_hdr_total_length(conn->wsi, routes[i].method) > 0) {
                routes[i].answer(conn);
            } else {
                refuse_method(conn, routes[i].allow);
            }
            return;
        }
    }
    if (strncmp(path, COMMAND_PATH, sizeof(COMMAND_PATH) - 1) == 0) {
        conn->is_closing = true;
        if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_GET_URI) > 0) {
            command_look(conn, path + sizeof(COMMAND_PATH) - 1);
        } else {
            refuse_method(conn, "Allow: GET\r\n");
        }
        return;
    }
    conn_answer(conn, 404, "there is nothing here", true);
}
