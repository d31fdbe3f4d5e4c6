/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_MCP_H
#define SIGNALBOX_SERVICE_MCP_H

/*
 * Mcp: client side of the Model Context Protocol over stdio, without the stdio.
 *
 * Bytes of the server go in, events come out, and what is to be written to the server
 * waits in `out`. JSON-RPC 2.0, one message per line, UTF-8
 * (modelcontextprotocol.io/specification/2024-11-05/basic/transports).
 *
 *   mcp_new ─► out: initialize ─► feed ─► MCP_READY (out: notifications/initialized)
 *   mcp_list_tools, mcp_call ─► out ─► feed ─► MCP_RESULT or MCP_FAILED with that id
 *   mcp_cancel ─► out: notifications/cancelled; an answer that still comes is dropped
 *
 * Only initialize is sent before the server has answered it; calls made earlier are a
 * bug. Replies may come in any order and are matched by id. A ping is answered, other
 * requests of the server are refused with -32601 (method not found). A line that is no
 * JSON object is noise: servers print before and between their messages. Noise may be of
 * any length, a message at most `message_max` bytes; a longer one ends the talk with
 * MCP_BROKEN, because nobody knows whose answer it was.
 *
 * Strings with \u0000, lone surrogates or bytes that are no UTF-8 are taken, each of them
 * replaced: a page's console may print anything, and the report is worth more.
 *
 * Pure: no I/O, no clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/json.h"

#define MCP_PROTOCOL    "2024-11-05"
#define MCP_MESSAGE_MAX (64 * 1024 * 1024) /* when the settings say nothing */
#define MCP_TEXT_MAX    400                /* bytes of event.text */

enum mcp_event_kind {
    MCP_NONE,
    MCP_READY,  /* the handshake is over; text: name and version of the server */
    MCP_RESULT, /* id, value: the member "result" */
    MCP_FAILED, /* id (0: the handshake itself), code, text: the server's error */
    MCP_NOTICE, /* the server tells something: text */
    MCP_NOISE,  /* a line that is no message: text */
    MCP_BROKEN  /* nothing more will come: text says why */
};

struct mcp_event {
    enum mcp_event_kind kind;
    int64_t id, code;
    const struct json *value;     /* below root */
    struct json *root;            /* owned by the event */
    char text[MCP_TEXT_MAX + 64]; /* one clean line */
};
void mcp_event_fini(struct mcp_event *event);

struct mcp;

/* The first message is in out at once. message_max 0: MCP_MESSAGE_MAX. */
NODISCARD struct mcp *mcp_new(const char *client_name, const char *client_version,
                              int64_t message_max);
void mcp_free(struct mcp *mcp); /* accepts NULL */

/* Bytes from the server. What was fed before must have been taken with mcp_next. */
void mcp_feed(struct mcp *mcp, const char *bytes, size_t len);
/* False when there is nothing left. Give the event back with mcp_event_fini. */
bool mcp_next(struct mcp *mcp, struct mcp_event *ret_event);

/* To be written to the server; the caller clears it as far as it was written. */
struct buf *mcp_out(struct mcp *mcp);

/* After MCP_READY. They give the id of the request. */
int64_t mcp_list_tools(struct mcp *mcp, const char *cursor); /* cursor NULL: the first */
/* arguments: a JSON object. */
int64_t mcp_call(struct mcp *mcp, const char *tool, const char *arguments, size_t len);
void mcp_cancel(struct mcp *mcp, int64_t id, const char *reason);
/* W3C Trace Context of the calls that follow: member "traceparent" of params._meta, the
 * place that the protocol keeps for it (modelcontextprotocol.io, SEP-414). "" = none. */
void mcp_trace(struct mcp *mcp, const char *traceparent);

#endif
