/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_QUERY_H
#define SIGNALBOX_IO_LISTENER_QUERY_H

/*
 * Query: what a subscriber of /events wants to hear. Pure.
 *
 * Parameters come one by one, as "name=value" with percent signs decoded. Values of one
 * name are alternatives, different names must all agree.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

#define QUERY_ARG_MAX   512 /* bytes of one parameter */
#define QUERY_VALUES    16  /* of one name */
#define QUERY_TOKEN_MAX 512 /* bytes of a bearer token */

struct query {
    bool has_since;
    int64_t since;
    int64_t workflows[QUERY_VALUES];
    size_t n_workflows, n_repos, n_kinds;
    char *repos[QUERY_VALUES], *kinds[QUERY_VALUES]; /* owned */
};

/* False: a name or value that means nothing, *ret_why says what. */
NODISCARD bool query_take(struct query *query, const char *arg, size_t len,
                          const char **ret_why);
void query_fini(struct query *query);
bool query_wants(const struct query *query, int64_t workflow, const char *kind,
                 const char *repo);

/* The token in "Bearer TOKEN", or NULL. Borrowed. */
const char *query_bearer(const char *authorization);
/* The token in a list of subprotocols, "signalbox.events, bearer.TOKEN"; length in *ret_len.
 * NULL when none. Borrowed. */
const char *query_protocol_bearer(const char *protocols, size_t *ret_len);

#endif
