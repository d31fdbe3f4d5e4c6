/* SPDX-License-Identifier: MIT */

/* One request on its way out: URL, headers, token, redirects. */
#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/http_private.h"

/* ---- addresses ------------------------------------------------------------------------
 */

static const char *base_of(const struct service_spec *service)
{
    return service->url != NULL && service->url[0] != '\0'
               ? service->url
               : service_kind_url(service->kind);
}

char *transfer_url(const struct transfer *transfer)
{
    const char *url = transfer->request->url;
    return url[0] == '/' ? mem_printf("%s%s", base_of(transfer->service), url)
                         : mem_str(url);
}

/* Parts of an origin (RFC 6454, 4), each from curl_free, lower case. */
struct origin {
    char *scheme, *host, *port;
};

static bool origin_init(struct origin *origin, const char *url)
{
    *origin = (struct origin){0};
    CURLU *parts = curl_url();
    bool is_done =
        parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &origin->scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &origin->host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &origin->port, CURLU_DEFAULT_PORT) ==
            CURLUE_OK;
    curl_url_cleanup(parts);
    return is_done;
}

static void origin_fini(struct origin *origin)
{
    curl_free(origin->scheme);
    curl_free(origin->host);
    curl_free(origin->port);
}

static bool is_same_origin(const char *a, const char *b)
{
    struct origin one, other;
    bool has_one = origin_init(&one, a), has_other = origin_init(&other, b);
    bool is_same = has_one && has_other && strcmp(one.scheme, other.scheme) == 0 &&
                   strcasecmp(one.host, other.host) == 0 &&
                   strcmp(one.port, other.port) == 0;
    origin_fini(&one);
    origin_fini(&other);
    return is_same;
}

bool transfer_is_home(const struct transfer *transfer, const char *url)
{
    return is_same_origin(url, base_of(transfer->service));
}

char *transfer_key(const struct transfer *transfer)
{
    const char *accept = "";
    for (size_t i = 0; i < transfer->request->n_headers; i++) {
        if (strcasecmp(transfer->request->headers[i].name, "accept") == 0) {
            accept = transfer->request->headers[i].value;
        }
    }
    return mem_printf("%s\n%s\n%s %lld", transfer->url, accept, transfer->service->name,
                      (long long)(transfer->has_token ? transfer->generation : 0));
}

/* ---- headers --------------------------------------------------------------------------
 */

static bool is_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A header or URL with a line break in it would say more than was meant. */
static bool is_safe(const struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!is_clean(request->headers[i].name) || !is_clean(request->headers[i].value)) {
            return false;
        }
    }
    return is_clean(transfer->url);
}

static void add_line(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (longer == NULL) {
        BUG("no memory for a header"); /* as mem_alloc does */
    }
    transfer->headers = longer;
}

static void add_header(struct transfer *transfer, const char *name, const char *value)
{
    /* libcurl: "Name;" sends a header without value, "Name:" removes one. */
    AUTO_FREE char *line =
        value[0] != '\0' ? mem_printf("%s: %s", name, value) : mem_printf("%s;", name);
    add_line(transfer, line);
}

static void add_token(struct transfer *transfer, const struct secret *secret)
{
    /* e2b.dev/docs: X-API-KEY; all others RFC 6750, 2.1. */
    const char *name =
        transfer->service->kind == SERVICE_E2B ? "X-API-KEY: " : "Authorization: Bearer ";
    char *line = mem_printf("%s%s", name, secret->value);
    add_line(transfer, line);
    secret_wipe(line);
    transfer->has_token = true;
    transfer->generation = secret->generation;
}

static bool is_own_header_wanted(const struct transfer *transfer, const char *name)
{
    bool has_left = transfer->n_hops > 0 && !transfer->is_home;
    return !has_left || strcasecmp(name, "accept") == 0;
}

static void make_headers(struct transfer *transfer, const struct secret *secret)
{
    const struct http_request *request = transfer->request;
    for (size_t i = 0; i < request->n_headers; i++) {
        if (is_own_header_wanted(transfer, request->headers[i].name)) {
            add_header(transfer, request->headers[i].name, request->headers[i].value);
        }
    }
    if (request->body != NULL) {
        add_header(transfer, "Content-Type",
                   request->content_type != NULL ? request->content_type
                                                 : "application/json");
    } else {
        add_line(transfer, "Content-Type:");
    }
    add_line(transfer, "Expect:"); /* 100-continue would cost a round trip */
    if (secret != NULL) {
        add_token(transfer, secret);
    }
    if (request->has_etag && request->method == HTTP_GET) {
        AUTO_FREE char *key = transfer_key(transfer);
        transfer->entry = http_cache_hold(transfer->http->cache, key);
    }
    if (transfer->entry != NULL) {
        add_header(transfer, "If-None-Match", transfer->entry->etag);
    }
}

/* ---- the handle -----------------------------------------------------------------------
 */

/* So that no program that we start inherits a connection. */
static curl_socket_t open_socket(void *user, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    (void)user;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_method(CURL *easy, const struct http_request *request)
{
    bool has_body = request->body != NULL || request->method == HTTP_POST ||
                    request->method == HTTP_PUT || request->method == HTTP_PATCH;
    if (request->method == HTTP_HEAD) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (has_body) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                               request->body != NULL ? request->body : "");
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)request->body_len);
    }
    if (request->method != HTTP_GET || has_body) {
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                               http_method_word(request->method));
    }
}

static void set_bounds(CURL *easy, const struct transfer *transfer)
{
    int64_t left = (transfer->end_at.ns - mono_now().ns) / 1000000;
    int64_t connect = transfer->service->gate.connect_time.ms;
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
    if (connect > 0) {
        (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    }
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Otherwise giving a call up waits for a name server that does not answer. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 8192L);
}

static void set_connection(CURL *easy, const struct transfer *transfer)
{
    enum call_class class = transfer->request->class;
    bool may_repeat = class == CALL_READ || class == CALL_PROBE;
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (transfer->http->options.ca_file != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->http->options.ca_file);
    }
    if (!may_repeat) {
        (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    } else if (strncmp(transfer->url, "https:", 6) == 0) {
        /* Share a connection that is being made rather than make another one. */
        (void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    }
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

static void *take_handle(struct http *http)
{
    CURL *easy = http->n_spare > 0 ? http->spare[--http->n_spare] : curl_easy_init();
    if (easy == NULL) {
        BUG("no memory for a call"); /* as mem_alloc does */
    }
    return easy;
}

static void send_out(struct transfer *transfer, const struct secret *secret)
{
    struct http *http = transfer->http;
    CURL *easy = transfer->easy = take_handle(http);
    int64_t max = transfer->request->answer_max;
    buf_init(&transfer->body, max > 0 ? (size_t)max : HTTP_ANSWER_MAX);
    make_headers(transfer, secret);
    set_method(easy, transfer->request);
    set_bounds(easy, transfer);
    set_connection(easy, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    if (curl_multi_add_handle(http->multi, easy) != CURLM_OK) {
        BUG("libcurl refuses a call"); /* only for want of memory, or a bug */
    }
}

/* A file that is the body: it comes from the page cache, where a runner has just put it. */
static bool read_body(struct http_request *request, struct err *err)
{
    return request->body_file == NULL || request->body != NULL ||
           file_read(request->body_file, HTTP_BODY_FILE_MAX, &request->body,
                     &request->body_len, err);
}

void transfer_begin(struct transfer *transfer)
{
    struct err err = ERR_INIT;
    struct secret secret;
    if (!is_safe(transfer)) {
        transfer_fail(transfer, HTTP_UNREACHED, "a header or the URL has line breaks");
        return;
    }
    if (!read_body(transfer->request, &err)) {
        transfer_fail(transfer, HTTP_UNREACHED, err.msg);
        return;
    }
    bool is_trusted = transfer->request->is_trusted && transfer->n_hops == 0;
    if ((!transfer->is_home && !is_trusted) || transfer->request->is_foreign) {
        send_out(transfer, NULL);
        return;
    }
    switch (
        secrets_get(transfer->http->secrets, &transfer->service->token, &secret, &err)) {
    case SECRET_NONE:
        send_out(transfer, NULL);
        return;
    case SECRET_READY:
        send_out(transfer, &secret);
        return;
    case SECRET_PENDING:
        transfer_wait(transfer);
        return;
    case SECRET_FAILED:
        transfer_fail(transfer, HTTP_NO_TOKEN, err.msg);
        return;
    }
}

void transfer_clear(struct transfer *transfer)
{
    struct http *http = transfer->http;
    for (struct curl_slist *line = transfer->headers; line != NULL; line = line->next) {
        if (transfer->has_token) {
            explicit_bzero(line->data, strlen(line->data));
        }
    }
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->has_token = false;
    if (transfer->easy != NULL && http->n_spare < HTTP_SPARE) {
        curl_easy_reset(transfer->easy);
        http->spare[http->n_spare++] = transfer->easy;
    } else {
        curl_easy_cleanup(transfer->easy);
    }
    transfer->easy = NULL;
    http_entry_release(TAKE(transfer->entry));
    http_response_free(TAKE(transfer->response));
    buf_fini(&transfer->body);
    transfer->body = (struct buf){0};
    transfer->head_bytes = 0;
    transfer->has_head = transfer->is_too_large = false;
    transfer->error[0] = '\0';
}

/* ---- redirects ------------------------------------------------------------------------
 */

/* Location may be relative (RFC 9110, 10.2.2). NULL when it is no address for us. */
static char *target_of(const char *url, const char *location)
{
    char *whole = NULL, *target = NULL;
    CURLU *parts = curl_url();
    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_set(parts, CURLUPART_URL, location, 0) == CURLUE_OK &&
        curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_URL, &whole, 0) == CURLUE_OK) {
        target = mem_str(whole);
    }
    curl_free(whole);
    curl_url_cleanup(parts);
    return target;
}

static bool is_fit(const char *from, const char *to)
{
    bool is_secure = strncmp(to, "https://", 8) == 0;
    bool was_secure = strncmp(from, "https://", 8) == 0;
    return is_secure || (!was_secure && strncmp(to, "http://", 7) == 0);
}

/* RFC 9110, 15.4: 307 and 308 repeat the request; after 303, and as everybody does after
 * 301 and 302 of a POST, it becomes a GET. */
static void change_method(struct http_request *request, int status)
{
    bool becomes_get = (status == 303 && request->method != HTTP_HEAD) ||
                       ((status == 301 || status == 302) && request->method == HTTP_POST);
    if (becomes_get) {
        request->method = HTTP_GET;
        free(request->body);
        free(request->body_file);
        request->body = request->body_file = NULL;
        request->body_len = 0;
    }
}

bool transfer_follow(struct transfer *transfer)
{
    struct http_request *request = transfer->request;
    long status = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    bool is_redirect =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    const char *location = transfer->response != NULL
                               ? http_header_of(transfer->response, "location")
                               : NULL;
    if (!request->follows || !is_redirect || location == NULL ||
        transfer->n_hops >= HTTP_REDIRECTS_MAX) {
        return false;
    }
    char *target = target_of(transfer->url, location);
    if (target == NULL || !is_fit(transfer->url, target)) {
        free(target);
        return false;
    }
    bool is_home = transfer_is_home(transfer, target);
    change_method(request, (int)status);
    if (!is_home && request->body != NULL) { /* what we write is for the service alone */
        free(target);
        return false;
    }
    transfer_clear(transfer);
    free(transfer->url);
    transfer->url = target;
    transfer->n_hops++;
    transfer->is_home = is_home;
    transfer_begin(transfer);
    return true;
}
