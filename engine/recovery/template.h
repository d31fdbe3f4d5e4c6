/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_TEMPLATE_H
#define SIGNALBOX_RECOVERY_TEMPLATE_H

/*
 * Template: what stays the same of a line when the same thing happens again.
 *
 * Source: He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017:
 * known variables are masked (numbers, hex, UUIDs, times, durations, paths, addresses, URLs,
 * quoted values, branch and commit names), then lines of equal length and first words are
 * compared token by token; those that are similar enough share a template, in which the
 * differing tokens are wildcards. The fingerprint of a failure is a hash of the template of its
 * best line and of its class; it must not depend on the order in which failures came, so it is
 * made from the masked line alone; the tree only joins fingerprints that differ in one variable
 * token (template_book).
 *
 * Pure, flat, bounded; a book can be saved and loaded as it is.
 */

#include <stdint.h>

#include "store/recovery.h"

#define TEMPLATE_TOKENS 48
#define TEMPLATE_TEXT   240

/* The masked line, NUL-terminated, cut at cap; returns the FNV-1a hash of the whole. */
uint64_t template_mask(const char *line, size_t len, char *out, size_t cap);

struct template_book;
NODISCARD struct template_book *template_book_new(void);
void template_book_free(struct template_book *book); /* accepts NULL */
/* The fingerprint of a failure of this class whose best line is this; the same for all lines of
 * one template. ret: 16 hex digits. At most 4096 templates; the one unused for longest goes. */
void template_fingerprint(struct template_book *book, enum failure_class class_,
                          const char *line, size_t len, char ret[FINGERPRINT_WORD]);
/* Saved form, malloc'd; and back (false: of another format; the book is empty then). */
NODISCARD char *template_book_save(const struct template_book *book, size_t *ret_len);
NODISCARD bool template_book_load(struct template_book *book, const void *data,
                                  size_t len);

#endif
