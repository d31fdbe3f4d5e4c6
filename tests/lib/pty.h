/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_PTY_H
#define SIGNALBOX_TESTS_PTY_H

/*
 * Pty: a program on a terminal that exists in memory only.
 *
 * The terminal (libvterm) shows what a person would see; beside it stands every byte the
 * program wrote, and the terminal's settings from before it started. Waiting is for a
 * condition with a bound, never for a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pty;

struct pty_options {
    int w, h;
    const char *term; /* TERM; NULL = xterm-256color */
    const char *const
        *env; /* "NAME=VALUE" or "NAME" (unset), NULL at the end; may be NULL */
    bool ignores_hangup; /* SIGHUP is ignored by the program and what it starts */
};

/* argv[0] is executed. HOME and the XDG folders must come from env. */
struct pty *pty_start(const struct pty_options *options, const char *const argv[]);
/* Kills what is left (its whole process group) and frees. Accepts NULL. */
void pty_free(struct pty *pty);
pid_t pty_pid(const struct pty *pty);

void pty_send(struct pty *pty, const char *bytes);
void pty_sendn(struct pty *pty, const char *bytes, size_t len);
void pty_resize(struct pty *pty, int w, int h);
/* From now on nothing that the program writes is read, as on a line that is stuck. */
void pty_stall(struct pty *pty);
/* Stall, and press `key` until no more can be written to the terminal; false after `ms`. */
bool pty_choke(struct pty *pty, const char *key, int ms);
/* The terminal goes away, as when SSH drops. */
void pty_hang_up(struct pty *pty);

/* Read what the program writes until the screen holds `text`; false after `ms`. */
bool pty_wait_text(struct pty *pty, const char *text, int ms);
bool pty_wait_no_text(struct pty *pty, const char *text, int ms);
/* Until it has ended; *ret_status as of waitpid. */
bool pty_wait_exit(struct pty *pty, int ms, int *ret_status);
/* Until it has stopped (Ctrl-Z). */
bool pty_wait_stop(struct pty *pty, int ms);
/* Until nothing was written for `quiet_ms`; false when it never falls silent within ms. */
bool pty_wait_quiet(struct pty *pty, int quiet_ms, int ms);

/* What is seen, rows right-trimmed and ended by '\n'; malloc'd. */
char *pty_screen(struct pty *pty);
/* Number of bytes written so far, and the bytes. */
size_t pty_written(const struct pty *pty);
const char *pty_bytes(const struct pty *pty);

/* Is anything of the terminal not as before the start? "" = all as before; else what. */
const char *pty_damage(struct pty *pty);
/* Until there is no damage. */
bool pty_wait_mended(struct pty *pty, int ms);

/* Until process `pid` has been at rest, or nearly so, for a while, or is gone; false when it works
 * without pause for ms. */
bool pty_wait_calm(pid_t pid, int ms);

/* Process that is a child of `parent` and has a controlling terminal (or none, has_terminal
 * false); 0 = none within ms. */
pid_t pty_find_child(pid_t parent, bool has_terminal, int ms);

#endif
