/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_AUDIT_FILE_H
#define SIGNALBOX_STORE_AUDIT_FILE_H

/*
 * Audit file: the head of the audit's chain, noted outside of the store.
 *
 * PATH-audit holds a line "N HASH TIME" (64 hexadecimal digits; RFC 3339, whole seconds) for
 * some of the heads that were committed, at most one for each second. It is written after the
 * commit, so that the chain is never behind it: a row that a line tells of must be there,
 * with that hash. The engine alone writes; lines are only added, and in time thinned out: of
 * the last hour each stays, of the last day one for each hour, before that one for each day,
 * and always those between which the numbers went back. So it stays below 512 KiB for years.
 *
 * Who can write the store can mostly write this file as well: copy it, or its lines, to
 * where they cannot (a log server, a mail, another machine). In an append-only file
 * (chattr +a) lines are added and never thinned out.
 *
 * Threads: a handle belongs to one thread at a time.
 */

#include "store/audit.h"

#define AUDIT_FILE_MAX (16 * 1024 * 1024) /* bytes; more is no file of ours */

struct audit_file;

/* Never fails: what cannot be opened is tried again by the next note. */
NODISCARD struct audit_file *audit_file_new(const char *store_path);
void audit_file_free(struct audit_file *file); /* accepts NULL */
/* This head is committed. Written when it is new and the last line is a second old, or
 * is_last. True: nothing was to be written, or it is. */
NODISCARD bool audit_file_note(struct audit_file *file, const struct audit_mark *head,
                               struct wall now, bool is_last, struct err *err);
/* When a head that waits may be written; unset: none waits. */
struct wall audit_file_wake_at(const struct audit_file *file);

struct audit_notes {
    struct audit_mark *marks; /* in the order of the file; malloc'd */
    size_t n;
    size_t n_bad;     /* lines that are none; a torn last line is not counted */
    struct wall last; /* time of the newest line */
};
/* MISSING: there is no such file. */
enum found audit_file_read(const char *store_path, struct audit_notes *ret_notes,
                           struct err *err);
/* The same of a file's bytes; every input is one. */
void audit_notes_parse(const char *data, size_t len, struct audit_notes *ret_notes);
void audit_notes_fini(struct audit_notes *notes); /* accepts all zero */

#endif
