/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_SEGMENT_H
#define SIGNALBOX_STORE_SEGMENT_H

/*
 * Segment: the log of one step, a bounded file with an index beside it.
 *
 * NAME.log holds the bytes as they came. When the output passes max_bytes, the first half of
 * the bound is kept for good and the rest is a window over the newest output: nothing between
 * is kept, and the reader is told how many bytes are missing there. NAME.idx holds, per
 * SEGMENT_STRIDE bytes, offset and line number, so that a reader opens any line of a large
 * log without reading it all; it also remembers the first line that looks like a failure.
 * A reader may follow while the writer writes, in another process. A torn tail after a crash
 * is cut at the last whole line on opening; the index is remade when it does not fit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

#define SEGMENT_STRIDE 65536

struct segment_writer;
/* path without suffix. Creates or continues. max_bytes >= 4 * SEGMENT_STRIDE. */
NODISCARD struct segment_writer *segment_create(const char *path, int64_t max_bytes,
                                                struct err *err);
NODISCARD bool segment_write(struct segment_writer *writer, const void *bytes, size_t len,
                             struct err *err);
NODISCARD bool segment_flush(struct segment_writer *writer, struct err *err);
int64_t segment_bytes(const struct segment_writer *writer); /* written in all */
/* The log as text, raw, each line with its end; of one of more than max bytes or some 20,000
 * lines the beginning and the end, with "[... N lines ...]" between them. malloc'd. */
NODISCARD char *segment_text(struct segment_writer *writer, size_t max, size_t *ret_len);
void segment_close(struct segment_writer *writer); /* accepts NULL */

struct segment_line {
    int64_t number;   /* 1.. */
    const char *text; /* raw bytes in arena, without newline, NUL-terminated */
    size_t len;
    bool is_failure; /* looks like the cause: "error", "FAILED", "panic:" ... */
    bool is_cut;     /* the line is longer than what is given */
};
#define SEGMENT_LINE_MAX  4096  /* of a line that much is given */
#define SEGMENT_LINE_LONG 16000 /* or that much, to who shows it to people */

struct segment_info {
    int64_t n_lines, n_bytes; /* of the whole output, what was cut included */
    int64_t first_failure;    /* line number, 0 = none seen */
    int64_t cut_from,
        cut_lines; /* first line number of the gap and its length; 0 = whole */
};

struct segment_reader;
/* A missing log is ERR_NOT_FOUND. */
NODISCARD struct segment_reader *segment_open(const char *path, struct err *err);
/* The same for a reader that must not wait: a log that has no index that fits is not gone through
 * whole, it grows with each segment_index_more(), as if it were written just now. */
NODISCARD struct segment_reader *segment_open_now(const char *path, struct err *err);
/* Go on with the index; true: there is more to do. Cheap when there is nothing to do. */
bool segment_index_more(struct segment_reader *reader);
/* From now on segment_lines gives this much of a line, at most SEGMENT_LINE_LONG. */
void segment_set_line_max(struct segment_reader *reader, size_t max);
void segment_free(struct segment_reader *reader); /* accepts NULL */
/* Look again at the file; true when it grew since the last call. */
bool segment_refresh(struct segment_reader *reader);
void segment_info(const struct segment_reader *reader, struct segment_info *ret_info);
/* Lines first.. (1-based), at most max, in arena; returns how many. Memory is bounded by what
 * is asked for, whatever the size of the log. */
size_t segment_lines(struct segment_reader *reader, struct arena *arena, int64_t first,
                     size_t max, struct segment_line *ret_lines);

/* For who reads it all: raw bytes of whole lines from line `first` on, each with its newline but
 * the very last, as many as fit into cap (>= SEGMENT_LINE_MAX); of a line that is longer the
 * beginning, alone. *ret_first is the number of the first of them (after `first` behind the gap),
 * *ret_n how many lines they are. Returns the bytes; 0 at the end. */
size_t segment_block(struct segment_reader *reader, int64_t first, char *bytes,
                     size_t cap, int64_t *ret_first, int64_t *ret_n);

/* Is this line likely the cause of a failure? Exposed for tests. */
bool segment_is_failure(const char *line, size_t len);

#endif
