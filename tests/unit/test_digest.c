/* SPDX-License-Identifier: MIT */

/* Digests: published vectors, in one piece and in every split, and the comparisons. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/digest.h"
#include "engine/base/mem.h"

static void must_be(const uint8_t digest[DIGEST_LEN], const char *wanted)
{
    char text[DIGEST_TEXT_MAX];
    assert_string_equal(digest_format(digest, text), wanted);
}

static void sha256_of_the_standard(void **state)
{
    (void)state;
    uint8_t digest[DIGEST_LEN];
    /* FIPS 180-4, examples of NIST: "abc", two blocks, nothing. */
    digest_sha256("abc", 3, digest);
    must_be(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
    must_be(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    digest_sha256("", 0, digest);
    must_be(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* In two pieces, at every split, one text after another with the same sum. */
static void a_sum_takes_pieces(void **state)
{
    (void)state;
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    struct digest_sum *sum = digest_sum_new();
    uint8_t digest[DIGEST_LEN];
    digest_sum_end(sum, digest);
    must_be(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof(text); i++) {
        digest_sum_add(sum, text, i);
        digest_sum_add(sum, text + i, sizeof(text) - 1 - i);
        digest_sum_end(sum, digest);
        must_be(digest,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
    digest_sum_free(sum);
    digest_sum_free(NULL);
}

struct vector {
    const char *key;
    size_t key_len;
    const char *text;
    const char *mac;
};

static const char long_key[] =
    "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
    "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
    "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
    "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
    "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
    "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
    "\xaa\xaa\xaa\xaa\xaa";

/* clang-format off */
static const struct vector vectors[] = {
    /* RFC 4231, test cases 1, 2 and 6 (a key longer than a block) */
    {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20,
     "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", 4, "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {long_key, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    /* docs.github.com, "Validating webhook deliveries" */
    {"It's a Secret to Everybody", 26, "Hello, World!",
     "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
};
/* clang-format on */

static void hmac_of_the_rfc_and_of_github(void **state)
{
    (void)state;
    uint8_t digest[DIGEST_LEN];
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        size_t len = strlen(v->text);
        digest_hmac(v->key, v->key_len, v->text, len, digest);
        must_be(digest, v->mac);
        struct digest_mac *mac = digest_mac_new(v->key, v->key_len);
        for (size_t cut = 0; cut <= len; cut++) {
            digest_mac_add(mac, v->text, cut);
            digest_mac_add(mac, v->text + cut, len - cut);
            digest_mac_end(mac, digest);
            must_be(digest, v->mac);
            digest_mac_reset(mac);
        }
        digest_mac_free(mac);
    }
    digest_hmac(NULL, 0, "", 0, digest); /* HMAC_SHA256("", "") */
    must_be(digest, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void hexadecimal_text_is_exact(void **state)
{
    (void)state;
    uint8_t digest[DIGEST_LEN] = {7}, again[DIGEST_LEN];
    char text[DIGEST_TEXT_MAX];
    digest_sha256("x", 1, digest);
    (void)digest_format(digest, text);
    assert_true(digest_parse(text, 64, again));
    assert_true(digest_is_equal(digest, again, DIGEST_LEN));
    assert_false(digest_parse(text, 63, again));
    assert_false(digest_parse(text, 65, again));
    for (size_t i = 0; i < 64; i++) {
        char c = text[i];
        text[i] = 'g';
        assert_false(digest_parse(text, 64, again));
        text[i] = c == '0' ? '1' : '0';
        assert_true(digest_parse(text, 64, again));
        assert_false(digest_is_equal(digest, again, DIGEST_LEN));
        text[i] = (char)(c >= 'a' ? c - 32 : c);
        assert_true(digest_parse(text, 64, again));
        assert_true(digest_is_equal(digest, again, DIGEST_LEN));
    }
}

static void texts_are_the_same_or_not(void **state)
{
    (void)state;
    assert_true(digest_is_same_text("sesame", "sesame", 6));
    assert_false(digest_is_same_text("sesame", "sesam", 5));
    assert_false(digest_is_same_text("sesame", "sesame ", 7));
    assert_false(digest_is_same_text("sesame", "", 0));
    assert_true(digest_is_same_text("", "", 0));
    char secret[] = "secret";
    digest_forget(secret, sizeof(secret));
    assert_int_equal(secret[0] | secret[5], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_the_standard),
        cmocka_unit_test(a_sum_takes_pieces),
        cmocka_unit_test(hmac_of_the_rfc_and_of_github),
        cmocka_unit_test(hexadecimal_text_is_exact),
        cmocka_unit_test(texts_are_the_same_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
