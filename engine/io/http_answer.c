/* SPDX-License-Identifier: MIT */

/* What comes back: header lines, body, and what an error of libcurl means. */
#include <curl/curl.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/io/http_private.h"

#define HEADERS_COUNT_MAX 256

/* ---- coming in ------------------------------------------------------------------------
 */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One header line, complete. A status line begins anew: what came before was an interim
 * answer (RFC 9110, 15.2). */
size_t transfer_on_header(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;
    size_t len = size * n, end = len;
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        http_response_free(transfer->response);
        transfer->response = http_response_new(HTTP_FINE, 0);
        transfer->has_head = false;
        return len;
    }
    transfer->head_bytes += len;
    if (transfer->head_bytes > HTTP_HEADERS_MAX || transfer->response == NULL ||
        transfer->response->n_headers >= HEADERS_COUNT_MAX) {
        transfer->is_too_large = true;
        return 0;
    }
    const char *colon = memchr(bytes, ':', len);
    if (colon == NULL) {
        transfer->has_head = is_space(bytes[0]); /* the empty line */
        return len;
    }
    size_t name_len = (size_t)(colon - bytes), start = name_len + 1;
    while (start < end && is_space(bytes[start])) {
        start++;
    }
    while (end > start && is_space(bytes[end - 1])) {
        end--;
    }
    http_response_header(transfer->response, bytes, name_len, bytes + start, end - start);
    return len;
}

size_t transfer_on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;
    if (!buf_add(&transfer->body, bytes, size * n)) {
        transfer->is_too_large = true;
        return 0;
    }
    return size * n;
}

/* ---- afterwards -----------------------------------------------------------------------
 */

/* Did anything of the request leave? Told by what libcurl counted, not by the kind of
 * error: the same one can come before and after. */
static bool was_sent(const struct transfer *transfer)
{
    long request = 0;
    curl_off_t ready = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    return request > 0 || ready > 0;
}

static enum http_fault fault_of(const struct transfer *transfer, CURLcode code)
{
    if (transfer->is_too_large) {
        return HTTP_TOO_LARGE;
    }
    if (!was_sent(transfer)) {
        return HTTP_UNREACHED;
    }
    return code == CURLE_OPERATION_TIMEDOUT ? HTTP_TIMEOUT : HTTP_LOST;
}

static char *text_of(const struct transfer *transfer, CURLcode code)
{
    char line[HTTP_ERROR_TEXT];
    if (transfer->is_too_large) {
        return mem_printf("the answer is larger than allowed");
    }
    const char *text =
        transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);
    return mem_str(text_clean_into(line, sizeof(line), text));
}

static struct http_response *failed(const struct transfer *transfer, CURLcode code)
{
    struct http_response *answer = http_response_new(fault_of(transfer, code), 0);
    free(answer->text);
    answer->text = text_of(transfer, code);
    return answer;
}

static void keep_in_cache(struct transfer *transfer, const struct http_response *answer)
{
    const struct http_request *request = transfer->request;
    if (request->has_etag && request->method == HTTP_GET && answer->status == 200) {
        AUTO_FREE char *key = transfer_key(transfer);
        http_cache_put(transfer->http->cache, key, answer);
    }
}

static struct http_response *succeeded(struct transfer *transfer)
{
    long status = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    struct http_response *answer = TAKE(transfer->response);
    if (answer == NULL) {
        answer = http_response_new(HTTP_FINE, 0);
    }
    answer->status = (int)status;
    if (status == 304 && transfer->entry != NULL) {
        struct http_response *cached = http_entry_answer(transfer->entry, answer);
        http_response_free(answer);
        return cached;
    }
    free(answer->body);
    answer->body = buf_take(&transfer->body, &answer->body_len);
    if (status == 401 && transfer->has_token) {
        secrets_distrust(transfer->http->secrets, &transfer->service->token);
    }
    keep_in_cache(transfer, answer);
    return answer;
}

struct http_response *transfer_answer(struct transfer *transfer, int code)
{
    /* To libcurl a connection that ends within the header lines is an answer. */
    bool is_whole = code == CURLE_OK && transfer->has_head && !transfer->is_too_large;
    struct http_response *answer =
        is_whole
            ? succeeded(transfer)
            : failed(transfer, code == CURLE_OK ? CURLE_PARTIAL_FILE : (CURLcode)code);
    answer->took.ms = (mono_now().ns - transfer->begun_at.ns + 500000) / 1000000;
    return answer;
}
