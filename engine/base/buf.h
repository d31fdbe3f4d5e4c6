/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_BUF_H
#define SIGNALBOX_BASE_BUF_H

/*
 * Buf: a growing byte buffer with a named maximum.
 *
 * Text from outside enters through a buf whose cap is a constant with a name. An append that
 * would pass the cap appends what fits, sets `is_cut` and returns false. The bytes are always
 * followed by a NUL that is not counted, so buf->data is a C string when the text has none.
 *
 * Ownership: struct buf in the caller's memory; buf_fini frees, buf_take hands out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/compiler.h"

struct buf {
    char *data; /* never NULL after buf_init */
    size_t len, cap, max;
    bool is_cut;
};

void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);  /* accepts an all-zero buf */
void buf_clear(struct buf *buf); /* keeps the memory */
bool buf_add(struct buf *buf, const void *bytes, size_t len);
bool buf_str(struct buf *buf, const char *text);
bool buf_char(struct buf *buf, char c);
bool buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* malloc'd bytes, NUL-terminated; buf is empty afterwards. ret_len may be NULL. */
NODISCARD char *buf_take(struct buf *buf, size_t *ret_len);

void buf_fini_cleanup(struct buf *buf);
#define AUTO_BUF __attribute__((cleanup(buf_fini_cleanup)))

#endif
