/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_PROCESS_KILL_H
#define SIGNALBOX_IO_PROCESS_KILL_H

/*
 * Process kill: SIGKILL to every descendant of this process, and reap them all.
 *
 * This process is a subreaper, so whatever a command left behind, also what made itself a
 * daemon, is a descendant of it. They are stopped first, so that none forks while the
 * rest is looked for. Bounded: gives up after a second.
 */
void process_kill_descendants(void);
/* SIGSTOP to all of them, also to those that begin meanwhile; and SIGCONT. */
void process_stop_descendants(void);
void process_continue_descendants(void);
/* Processor time of all descendants, those that were reaped included, ms. */
int64_t process_descendants_cpu(void);

#endif
