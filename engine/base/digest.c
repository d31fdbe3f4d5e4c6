/* SPDX-License-Identifier: MIT */
#include "engine/base/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

struct digest_mac {
    EVP_MAC_CTX *ctx;
};

struct digest_sum {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

static void must(bool is_done)
{
    if (!is_done) {
        BUG("libcrypto has no SHA-256");
    }
}

void digest_sha256(const void *bytes, size_t len, uint8_t ret_digest[DIGEST_LEN])
{
    must(EVP_Digest(bytes, len, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}

struct digest_sum *digest_sum_new(void)
{
    struct digest_sum *sum = mem_alloc(sizeof(*sum));
    /* Fetched once: to look SHA-256 up by name takes longer than a small text. */
    sum->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    sum->ctx = EVP_MD_CTX_new();
    must(sum->md != NULL && sum->ctx != NULL &&
         EVP_DigestInit_ex2(sum->ctx, sum->md, NULL) == 1);
    return sum;
}

void digest_sum_add(struct digest_sum *sum, const void *bytes, size_t len)
{
    must(EVP_DigestUpdate(sum->ctx, bytes, len) == 1);
}

void digest_sum_end(struct digest_sum *sum, uint8_t ret_digest[DIGEST_LEN])
{
    must(EVP_DigestFinal_ex(sum->ctx, ret_digest, NULL) == 1 &&
         EVP_DigestInit_ex2(sum->ctx, sum->md, NULL) == 1);
}

void digest_sum_free(struct digest_sum *sum)
{
    if (sum != NULL) {
        EVP_MD_CTX_free(sum->ctx);
        EVP_MD_free(sum->md);
        free(sum);
    }
}

struct digest_mac *digest_mac_new(const void *key, size_t key_len)
{
    static const unsigned char none[1];
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end()};
    struct digest_mac *mac = mem_alloc(sizeof(*mac));
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(hmac != NULL);
    mac->ctx = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context keeps it */
    /* A NULL key would mean "the one from before". */
    must(mac->ctx != NULL &&
         EVP_MAC_init(mac->ctx, key_len > 0 ? key : none, key_len, params) == 1);
    return mac;
}

void digest_mac_reset(struct digest_mac *mac)
{
    must(EVP_MAC_init(mac->ctx, NULL, 0, NULL) == 1);
}

void digest_mac_add(struct digest_mac *mac, const void *bytes, size_t len)
{
    must(EVP_MAC_update(mac->ctx, bytes, len) == 1);
}

void digest_mac_end(struct digest_mac *mac, uint8_t ret_digest[DIGEST_LEN])
{
    size_t len = 0;
    must(EVP_MAC_final(mac->ctx, ret_digest, &len, DIGEST_LEN) == 1 && len == DIGEST_LEN);
}

void digest_mac_free(struct digest_mac *mac)
{
    if (mac != NULL) {
        EVP_MAC_CTX_free(mac->ctx);
        free(mac);
    }
}

void digest_hmac(const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t ret_digest[DIGEST_LEN])
{
    struct digest_mac *mac = digest_mac_new(key, key_len);
    digest_mac_add(mac, bytes, len);
    digest_mac_end(mac, ret_digest);
    digest_mac_free(mac);
}

bool digest_is_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

bool digest_is_same_text(const char *secret, const char *given, size_t given_len)
{
    uint8_t a[DIGEST_LEN], b[DIGEST_LEN];
    digest_sha256(secret, strlen(secret), a);
    digest_sha256(given, given_len, b);
    return digest_is_equal(a, b, DIGEST_LEN);
}

const char *digest_format(const uint8_t digest[DIGEST_LEN], char text[DIGEST_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * DIGEST_LEN] = '\0';
    return text;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool digest_parse(const char *text, size_t len, uint8_t ret_digest[DIGEST_LEN])
{
    uint8_t digest[DIGEST_LEN];
    if (len != 2 * DIGEST_LEN) {
        return false;
    }
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        digest[i] = (uint8_t)(high * 16 + low);
    }
    memcpy(ret_digest, digest, DIGEST_LEN);
    return true;
}

void digest_forget(void *bytes, size_t len)
{
    OPENSSL_cleanse(bytes, len);
}
