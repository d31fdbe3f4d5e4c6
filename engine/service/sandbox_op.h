/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_SANDBOX_OP_H
#define SIGNALBOX_SERVICE_SANDBOX_OP_H

/*
 * Sandbox op: SANDBOX, SETUP, CHECK and CLEANUP at a provider with a REST interface. What
 * differs between providers is a vendor: how calls are written and answers read.
 *
 *   SANDBOX   remove the one before ─► runner packs the files (OP_RUN) ─► create ─► wait
 *             until it is up ─► upload ─► unpack
 *   SETUP,    connect ─► launch ─► watch, until the status has come; CHECK with the
 *   CHECK     retries of its command
 *   CLEANUP   remove
 *
 * Nothing twice. A sandbox carries a label with an id that is in the memo before create is
 * called; an op that begins with such a memo looks for the label first. A command is
 * launched in the background under a name made of effect and try, and only when that name
 * is new there, so that launching again is harmless; its output goes to a file, which is
 * read in pieces. So no call is longer than a moment, whatever the command takes, and an
 * engine that comes later goes on where the log ends.
 *
 * memo {"phase","uid","id","mark","at","try","offset"}
 * keep {"sandbox"}   id; for the steps in it and for its removal
 *
 * Access tokens of a sandbox are asked for at each effect (connect) and stay in memory.
 *
 * A sandbox that is gone: REFUSED, world, and the machine starts the state again.
 */

#include "engine/base/buf.h"
#include "engine/base/json.h"
#include "engine/service/op.h"
#include "engine/service/sandbox.h"

#define SANDBOX_LABEL        "signalbox_id" /* label, or metadata */
#define SANDBOX_ARCHIVE_NAME "signalbox-archive.tar.gz"
#define SANDBOX_LIFE         ((struct span){3600000}) /* of a sandbox nobody asks about */
#define SANDBOX_EXEC_S       60                       /* of one short command */
#define SANDBOX_PIECE        49152                    /* bytes of output read at once */

enum box_state { BOX_READY, BOX_COMING, BOX_STOPPED, BOX_GONE, BOX_BROKEN };

/* What a vendor may know and fill in. */
struct box {
    const struct service_spec *service;
    char *uid;    /* value of the label */
    char *id;     /* "" = not known */
    char *base;   /* URL of what answers inside of it */
    char *access; /* token of that, "" = the service's own */
    bool has_network;
    char *body_file; /* path of the archive as a request's body */
};

struct sandbox_vendor {
    struct http_request *(*create)(const struct box *box);
    struct http_request *(*find)(const struct box *box); /* by label */
    struct http_request *(*connect)(const struct box *box);
    struct http_request *(*start)(const struct box *box); /* NULL: connect does it */
    struct http_request *(*upload)(const struct box *box);
    struct http_request *(*exec)(const struct box *box, const char *command);
    struct http_request *(*remove)(const struct box *box);
    /* A sandbox out of an answer; fills id, base and access. */
    enum box_state (*read)(struct box *box, const struct json *value);
    /* Output and status of a command. False with err when it is no such answer. */
    bool (*read_exec)(const struct http_response *response, struct buf *out,
                      int *ret_status, struct err *err);
};

extern const struct sandbox_vendor daytona_vendor, e2b_vendor;
extern const struct op_table sandbox_ops;

/* An answer of POST /process.Process/Start of E2B's envd: Connect streaming envelopes
 * (connectrpc.com/docs/protocol). Exposed for tests. */
NODISCARD bool e2b_read_stream(const char *bytes, size_t len, struct buf *out,
                               int *ret_status, struct err *err);

/* Helper of vendors: a request with what is in `body` (taken), or none. */
NODISCARD struct http_request *sandbox_request(const char *name, enum call_class class,
                                               enum http_method method, char *url,
                                               struct buf *body);

#endif
