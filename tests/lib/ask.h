/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_ASK_H
#define SIGNALBOX_TESTS_ASK_H

/*
 * Ask: one call after the other over the real transport (engine/io/http.h), for programs
 * that check what adapters send against somebody's description.
 */

#include "engine/service/http.h"

struct ask;

/* base: URL of the service; token from the variable ASK_TOKEN when it is set. Ends the
 * program when the transport cannot be started. */
struct ask *ask_open(const char *base);
void ask_close(struct ask *ask);
/* Takes the request; http_response_free. */
struct http_response *ask_once(struct ask *ask, struct http_request *request);

#endif
