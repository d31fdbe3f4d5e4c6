/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_DIGEST_H
#define SIGNALBOX_BASE_DIGEST_H

/*
 * Digest: SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104), and comparing secrets, through
 * libcrypto (digest.c is its only user).
 *
 * A sum and a mac take their text in pieces, so that a large body is never hashed in one go. No
 * function fails: libcrypto without SHA-256 is a broken installation, and the program ends.
 * Threads: a sum or a mac belongs to one thread at a time; the rest may be called from any.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

#define DIGEST_LEN      32                   /* bytes */
#define DIGEST_TEXT_MAX (2 * DIGEST_LEN + 1) /* as hexadecimal text, with NUL */

void digest_sha256(const void *bytes, size_t len, uint8_t ret_digest[DIGEST_LEN]);
void digest_hmac(const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t ret_digest[DIGEST_LEN]);

/* SHA-256 in pieces, one text after another without setting up anew. */
struct digest_sum;
NODISCARD struct digest_sum *digest_sum_new(void);
void digest_sum_add(struct digest_sum *sum, const void *bytes, size_t len);
/* Of what was added since new or the last end; then it is empty again. */
void digest_sum_end(struct digest_sum *sum, uint8_t ret_digest[DIGEST_LEN]);
void digest_sum_free(struct digest_sum *sum); /* accepts NULL */

/* HMAC-SHA256 in pieces. */
struct digest_mac;
NODISCARD struct digest_mac *digest_mac_new(const void *key, size_t key_len);
/* From the start again, with the same key. */
void digest_mac_reset(struct digest_mac *mac);
void digest_mac_add(struct digest_mac *mac, const void *bytes, size_t len);
/* Only once after new or reset. */
void digest_mac_end(struct digest_mac *mac, uint8_t ret_digest[DIGEST_LEN]);
void digest_mac_free(struct digest_mac *mac); /* forgets the key; accepts NULL */

/* Takes as long for equal bytes as for different ones. */
bool digest_is_equal(const void *a, const void *b, size_t len);
/* The same for texts of any length: only the length of `given` shows in the time. */
bool digest_is_same_text(const char *secret, const char *given, size_t given_len);
/* Lower-case hexadecimal; returns text. */
const char *digest_format(const uint8_t digest[DIGEST_LEN], char text[DIGEST_TEXT_MAX]);
/* 64 hexadecimal digits, nothing else. */
NODISCARD bool digest_parse(const char *text, size_t len, uint8_t ret_digest[DIGEST_LEN]);
/* Overwrite a secret; the compiler does not leave it out. */
void digest_forget(void *bytes, size_t len);

#endif
