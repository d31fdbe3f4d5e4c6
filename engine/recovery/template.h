/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_TEMPLATE_H
#define SIGNALBOX_RECOVERY_TEMPLATE_H

/*
 * Template: what stays the same of a line when the same thing happens again.
 *
 * Source: He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017:
 * known variables are masked (numbers, hex, UUIDs, times, durations, paths, addresses, URLs,
 * branch and commit names), then lines of equal length and first words are
 * compared token by token; those that are similar enough share a template, in which the
 * differing tokens are wildcards. The fingerprint of a failure is a hash of the masked best line
 * and of its class, whatever came before it; the book only gives a line the fingerprint of an
 * earlier one from which it differs in one token, at one place, that is a variable to the eye
 * (quoted, or with a mask in it).
 *
 * Pure, flat, bounded; a book can be saved and loaded as it is.
 */

#include <stdint.h>

#include "store/recovery.h"

#define TEMPLATE_TOKENS 48
#define TEMPLATE_TEXT   240

/*
 * The masked line, NUL-terminated, cut at cap; returns the FNV-1a hash of the whole, never 0.
 *
 * Escape sequences and the time before a line are left out, white space becomes one space.
 * "#" stands for numbers with what belongs to them (versions, times, IPv4, units of time and
 * size) and for hex and random ids, "<path>", "<url>", "<addr>" (IPv6) and "<mail>" for these.
 * What a file is called before "::" goes, the name of the test behind it stays; codes of
 * messages (TS2345, E0308) stay. Any bytes; linear in len.
 */
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
