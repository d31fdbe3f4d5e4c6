/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_HOLDER_PRIVATE_H
#define SIGNALBOX_IO_HOLDER_PRIVATE_H

/* What the holder and its clients share. */
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/base/clock.h"

#define HOLDER_SOCKET  "hold.sock"
#define HOLDER_WHY     "hold.end"
#define HOLDER_WHY_MAX 2000

/* A request that the holder answers itself. */
#define HOLDER_END "end"
/* Type of its own errors. */
#define HOLDER_LATE_ERROR "HolderLate"
#define HOLDER_DEAD_ERROR "HolderDead"

/* A path in a socket's address is at most 107 bytes, folders may be longer: the address
 * goes through the descriptor of the folder. */
void holder_address(int folder_fd, struct sockaddr_un *ret_address);
/* Write all of it, not later than `until`. */
bool holder_send(int fd, const char *bytes, size_t len, struct wall until);
int holder_ms_until(struct wall at);

#endif
