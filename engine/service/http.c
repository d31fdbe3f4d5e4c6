/* SPDX-License-Identifier: MIT */
#include "engine/service/http.h"

#include <string.h>

#include "engine/base/mem.h"

static const char *const methods[] = {
    [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
};

static const char *const faults[] = {
#define X(id, word, help) [id] = word,
    HTTP_FAULT_LIST(X)
#undef X
};

const char *http_method_word(enum http_method method)
{
    return (unsigned)method < ARRAY_LEN(methods) ? methods[method] : "?";
}

const char *http_fault_word(enum http_fault fault)
{
    return (unsigned)fault < HTTP_FAULT_COUNT ? faults[fault] : "?";
}

/* Not tolower(): names are ASCII (RFC 9110, 5.1), whatever the locale says. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static void add_header(struct http_header **headers, size_t *n, char *name, char *value)
{
    *headers = mem_grow(*headers, *n + 1, sizeof(**headers));
    (*headers)[(*n)++] = (struct http_header){name, value};
}

static void free_headers(struct http_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(headers[i].name);
        free(headers[i].value);
    }
    free(headers);
}

/* ---- requests -------------------------------------------------------------------------
 */

struct http_request *http_request_new(const char *name, enum call_class class,
                                      enum http_method method, char *url)
{
    struct http_request *request = mem_alloc(sizeof(*request));
    request->name = name;
    request->class = class;
    request->method = method;
    request->url = url;
    return request;
}

void http_request_header(struct http_request *request, const char *name,
                         const char *value)
{
    add_header(&request->headers, &request->n_headers, mem_str(name), mem_str(value));
}

void http_request_body(struct http_request *request, char *body, size_t len)
{
    free(request->body);
    request->body = body;
    request->body_len = len;
}

struct http_request *http_request_copy(const struct http_request *request)
{
    struct http_request *copy = mem_alloc(sizeof(*copy));
    *copy = *request;
    copy->url = mem_str(request->url);
    copy->headers = NULL;
    copy->n_headers = 0;
    for (size_t i = 0; i < request->n_headers; i++) {
        http_request_header(copy, request->headers[i].name, request->headers[i].value);
    }
    copy->body_file = mem_str(request->body_file);
    copy->body =
        request->body != NULL ? mem_strn(request->body, request->body_len) : NULL;
    return copy;
}

void http_request_free(struct http_request *request)
{
    if (request == NULL) {
        return;
    }
    free_headers(request->headers, request->n_headers);
    free(request->url);
    free(request->body);
    free(request->body_file);
    free(request);
}

/* ---- answers --------------------------------------------------------------------------
 */

struct http_response *http_response_new(enum http_fault fault, int status)
{
    struct http_response *response = mem_alloc(sizeof(*response));
    response->fault = fault;
    response->status = status;
    response->body = mem_str("");
    response->text = mem_str("");
    return response;
}

void http_response_header(struct http_response *response, const char *name,
                          size_t name_len, const char *value, size_t value_len)
{
    char *key = mem_strn(name, name_len);
    for (size_t i = 0; i < name_len; i++) {
        key[i] = lower(key[i]);
    }
    add_header(&response->headers, &response->n_headers, key, mem_strn(value, value_len));
}

const char *http_header_of(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->n_headers; i++) {
        if (strcmp(response->headers[i].name, name) == 0) {
            return response->headers[i].value;
        }
    }
    return NULL;
}

void http_response_free(struct http_response *response)
{
    if (response == NULL) {
        return;
    }
    free_headers(response->headers, response->n_headers);
    free(response->body);
    free(response->text);
    free(response);
}

/* ---- escaping -------------------------------------------------------------------------
 */

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

char *http_escape(const char *text)
{
    static const char hex[] = "0123456789ABCDEF"; /* RFC 3986, 2.1: upper case */
    char *out = mem_array(strlen(text) + 1, 3), *at = out;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (is_unreserved(*text)) {
            *at++ = *text;
            continue;
        }
        *at++ = '%';
        *at++ = hex[byte >> 4];
        *at++ = hex[byte & 15];
    }
    *at = '\0';
    return out;
}
