/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_BASE64_H
#define SIGNALBOX_BASE_BASE64_H

/*
 * Base64: RFC 4648, section 4, with padding.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"

/* Appends the encoded bytes; false when they passed the cap of the buf. */
bool base64_encode(struct buf *out, const void *bytes, size_t len);
/* Appends the decoded bytes. False when text is not base64 or passes the cap; what was
 * appended then is not to be used. White space is skipped, padding may be missing. */
bool base64_decode(struct buf *out, const char *text, size_t len);

#endif
