/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_BELL_H
#define SIGNALBOX_STORE_BELL_H

/*
 * Bell: "look at the store", between processes, without polling.
 *
 * The engine owns a UNIX stream socket PATH-bell (0600). Whoever wants to know of commits
 * connects and keeps the connection; after a commit each connection gets one byte,
 * coalesced (a full socket buffer means that the reader has not looked yet, and nothing
 * is lost by dropping the byte). A byte from a client means "I wrote a command". The bell
 * carries no data but one: the byte says whether the engine can commit (ERR_NONE) or what
 * keeps it from it (ERR_FULL, ERR_READ_ONLY, ERR_BUSY, ERR_CORRUPT, ERR_IO), because in
 * that state the store itself cannot say so. A new connection hears the present state at
 * once. A lost ring costs time, never truth.
 *
 * The socket path may be longer than sun_path; both sides go through the folder's
 * descriptor (/proc/self/fd/N/NAME). A name that is too long by itself is replaced by a
 * digest of it. No symbolic link is followed to a socket.
 */

#include <stdbool.h>

#include "engine/base/err.h"

/* Engine side. One thread. */
struct bell;
/* The caller holds the lease. A socket that nobody listens on is replaced; a live one, or
 * something that is no socket, is ERR_EXISTS. */
NODISCARD struct bell *bell_open(const char *store_path, struct err *err);
void bell_close(struct bell *bell);   /* accepts NULL; unlinks */
int bell_fd(const struct bell *bell); /* an epoll fd: readable = call bell_serve */
/* Accepts connections, drops closed ones, reads what clients wrote. Returns true when a
 * client rang. Never blocks. */
bool bell_serve(struct bell *bell);
void bell_ring(struct bell *bell); /* a commit happened; never blocks */
/* What keeps the engine from committing; ERR_NONE: nothing. Rings when it changed. */
void bell_set_fault(struct bell *bell, enum err_code fault);
int bell_listeners(const struct bell *bell);

/* Reader side. */
struct bell_client;
/* NULL when no engine listens now. */
NODISCARD struct bell_client *bell_connect(const char *store_path);
void bell_disconnect(struct bell_client *client);     /* accepts NULL */
int bell_client_fd(const struct bell_client *client); /* readable: rang, or engine gone */
/* Empty the socket. False when the engine has gone: disconnect, connect again later. */
bool bell_client_heard(struct bell_client *client);
/* The engine's fault as last heard. */
enum err_code bell_client_fault(const struct bell_client *client);
/* Tell the engine that a command was written. */
void bell_client_ring(struct bell_client *client);

#endif
