/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_SEGMENT_FILE_H
#define SIGNALBOX_STORE_SEGMENT_FILE_H

/*
 * Segment file: the format that the writer and the reader of a log share. Private to
 * them.
 *
 * NAME.log: `head` bytes kept for good, then a ring of `window` bytes. A byte's logical
 * offset is its place in the whole output; segment_place gives its place in the file.
 * NAME.idx: one struct segment_header, then int64_t entries: entry of stride k is the
 * number of newlines before logical offset k * SEGMENT_STRIDE. Entries of the ring are a
 * ring too, so that an endless output needs a bounded index. Host byte order: a log is
 * read on the machine that wrote it, and an index that does not fit is made again.
 *
 * The header is written after the bytes, so `total` never promises what is not there.
 * Once the ring turns, `reserved` is moved ahead *before* old bytes are overwritten: only
 * bytes from segment_window_start on are what they claim to be.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/segment.h"

#define SEGMENT_MAGIC 0x31676f6c78626773 /* "sgbxlog1" */

struct segment_header {
    int64_t magic;
    int64_t head, window; /* bytes, multiples of SEGMENT_STRIDE */
    int64_t total;        /* bytes written in all */
    int64_t reserved;     /* the ring may be overwritten up to this logical offset */
    int64_t newlines;     /* in [0, total) */
    int64_t line_start;   /* logical offset of the unfinished last line; == total: none */
    int64_t first_failure; /* line number, 0 = none seen */
    uint64_t check;        /* over all of the above; a torn read does not pass */
};

/* Sizes for a bound of max_bytes. */
void segment_header_init(struct segment_header *header, int64_t max_bytes);
void segment_header_seal(struct segment_header *header);
bool segment_header_fits(const struct segment_header *header);
/* False when there is none, or it is not whole. */
bool segment_header_read(int fd, struct segment_header *ret_header);

/* Place in NAME.log of a logical offset, and how many bytes follow it without a seam. */
int64_t segment_place(const struct segment_header *header, int64_t offset,
                      int64_t *ret_whole);
/* Place in NAME.idx of the entry of stride k. */
int64_t segment_entry_place(const struct segment_header *header, int64_t k);
bool segment_is_cut(const struct segment_header *header);
/* First stride whose bytes are still there behind the gap (only when segment_is_cut). */
int64_t segment_window_stride(const struct segment_header *header);

#endif
