/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_TAP_H
#define SIGNALBOX_IO_LISTENER_TAP_H

/*
 * Tap: how often the listener is asked, and how often with a wrong token. Pure: time is given.
 *
 * A bucket is full at first, each request takes one out, and it fills at an even pace. Wrong
 * tokens are counted by the address they come from, in a table of fixed size: addresses that share
 * a place share its bucket. That is no harm: a right token is never refused for the wrong ones of
 * somebody else, or whoever reaches the port could keep operators from halting. Guessing is kept
 * off by the length of a token (TOKEN_MIN).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/compiler.h"

#define TOKEN_MIN       20 /* bytes of a user's token: 120 bits as base64 */
#define TAP_BURST       40 /* commands of one user at once */
#define TAP_SECOND      10 /* commands of one user in a second, for long */
#define TAP_WRONG       20 /* wrong tokens of one address at once */
#define TAP_WRONG_PAUSE 6  /* seconds until another one is looked at */
#define TAP_PLACES      64

struct tap_bucket {
    int64_t spent_ns; /* how much is missing, as time that it takes to fill */
    struct mono at;
};
/* Takes one; false: it is empty. each: time in which one comes back. */
NODISCARD bool tap_take(struct tap_bucket *bucket, struct mono now, struct span each,
                        int burst);

/* Place of an address (4 or 16 bytes; of IPv6 the network of /64 counts), 0..TAP_PLACES-1. */
size_t tap_place(const uint8_t *address, size_t len);

#endif
