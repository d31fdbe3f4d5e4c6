/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_IDENTITY_H
#define SIGNALBOX_BASE_IDENTITY_H

/*
 * Identity: which person a process acts for, and as which user it runs.
 *
 * The person is who logged in, also behind sudo(8) and su(1):
 *   1. the login user that pam_loginuid(8) gave the session, /proc/self/loginuid (proc(5)): only a
 *      process with CAP_AUDIT_CONTROL can change it; 4294967295 is "never set"
 *   2. else, when the real user is root, the user that sudo says it was called by (SUDO_USER).
 *      Root could say anything there; nobody else is believed
 *   3. else the real user of the process; nothing else that the environment says counts.
 *
 * Errors: none. A user without an entry in the user database is "uid N", and so is one whose
 * name is reserved: what the engine does by itself stands under IDENTITY_ENGINE. Any thread.
 */

#include <stdbool.h>
#include <sys/types.h>

#define IDENTITY_ENGINE "engine"

#define IDENTITY_MAX 64 /* bytes of a name, with NUL */

struct identity {
    char actor[IDENTITY_MAX];   /* the person */
    char account[IDENTITY_MAX]; /* the process's user when that is another one; else "" */
};

/* Where it is looked up; tests give their own. */
struct identity_source {
    const char *loginuid;  /* path of the file */
    uid_t uid;             /* real user */
    const char *sudo_user; /* as in the environment; NULL = unset */
};
void identity_find(const struct identity_source *source, struct identity *ret_identity);
/* A name that no person may have. */
bool identity_is_reserved(const char *name);
/* Of this process. */
void identity_of_process(struct identity *ret_identity);

#endif
