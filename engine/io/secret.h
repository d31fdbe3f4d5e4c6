/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_SECRET_H
#define SIGNALBOX_IO_SECRET_H

/*
 * Secret: tokens, fetched from where the configuration says when they are needed.
 *
 *   env      a variable of this process
 *   file     first line of a regular file that is ours and that nobody else may read
 *   command  first line that a command prints, within SECRET_TIME. An argv is executed as it
 *            is; a text goes through the shell. No terminal, no input; what it started is
 *            killed when it ends.
 *
 * A value is kept in memory for SECRET_KEEP, wiped when it is replaced, and appears in no
 * error text. Fetching never blocks: a command is a process that is watched through
 * secrets_fd. What libcurl and the kernel copied of it cannot be wiped.
 *
 * Threads: an instance belongs to one thread. Sources outlive it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/service/service.h"

#define SECRET_MAX   16384  /* bytes */
#define SECRET_TIME  10000  /* ms that a command may take */
#define SECRET_KEEP  300000 /* ms that a value is kept */
#define SECRET_PAUSE 5000   /* ms between two fetches of one source */

enum secret_state {
    SECRET_NONE,    /* the source is empty: no secret is wanted */
    SECRET_READY,   /* value is set */
    SECRET_PENDING, /* on its way; on_settled says when to ask again */
    SECRET_FAILED   /* err says why; tried again after SECRET_PAUSE */
};

struct secret {
    const char *value;  /* borrowed until the next call of any function here */
    int64_t generation; /* another one whenever the value is another one; 1.. */
};

struct secrets;

struct secret_options {
    struct span time, keep, pause;  /* 0: the constants above */
    void (*on_settled)(void *user); /* what was pending is ready or failed; NULL: nobody
                                       is told. Runs inside secrets_run. */
    void *user;
};
NODISCARD struct secrets *secrets_new(const struct secret_options *options,
                                      struct err *err);
void secrets_free(struct secrets *secrets); /* kills what runs; accepts NULL */
/* Readable (poll) when secrets_run has something to do. */
int secrets_fd(const struct secrets *secrets);
void secrets_run(struct secrets *secrets);

enum secret_state secrets_get(struct secrets *secrets, const struct secret_source *source,
                              struct secret *ret_secret, struct err *err);
/* The service did not take it: fetch it anew, unless it was fetched just now. */
void secrets_distrust(struct secrets *secrets, const struct secret_source *source);

bool secret_is_set(const struct secret_source *source);

/* The same at once, for who may wait up to SECRET_TIME (a start, a runner). malloc'd; free
 * with secret_wipe. An empty source is ERR_CONFIG. */
NODISCARD bool secret_fetch(const struct secret_source *source, char **ret_value,
                            struct err *err);
void secret_wipe(char *value); /* overwrites and frees; accepts NULL */

#endif
