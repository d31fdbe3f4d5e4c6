/* SPDX-License-Identifier: MIT */
#include "engine/service/github_link.h"

#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

/* ---- Link ------------------------------------------------------------------------------
 */

/* Behind a parameter's value: token or quoted string (RFC 9110 5.6.4, 5.6.6). */
static const char *skip_value(const char *at)
{
    if (*at != '"') {
        return at + strcspn(at, ";, \t");
    }
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        }
    }
    return *at == '"' ? at + 1 : at;
}

/* Is the relation one of the words of a value? */
static bool has_word(const char *value, const char *end, const char *word)
{
    size_t len = strlen(word);
    if (value < end && *value == '"') {
        value++;
    }
    while (value < end) {
        const char *stop = value;
        while (stop < end && *stop != ' ' && *stop != '"') {
            stop++;
        }
        if ((size_t)(stop - value) == len && strncasecmp(value, word, len) == 0) {
            return true;
        }
        value = stop + 1;
    }
    return false;
}

/* Parameters of one link from `at`; returns where the next link may begin. */
static const char *read_parameters(const char *at, const char *relation, bool *ret_is_it)
{
    bool has_rel = false; /* RFC 8288 3.3: the first rel counts */
    while (*at != '\0' && *at != ',') {
        if (*at == ';' || *at == ' ' || *at == '\t') {
            at++;
            continue;
        }
        const char *name = at;
        at += strcspn(at, "=;, \t");
        bool is_rel = at - name == 3 && strncasecmp(name, "rel", 3) == 0;
        if (*at == '=') {
            const char *value = ++at;
            at = skip_value(at);
            if (is_rel && !has_rel) {
                has_rel = true;
                *ret_is_it = has_word(value, at, relation);
            }
        }
    }
    return at;
}

char *github_link(const char *value, const char *relation)
{
    for (const char *at = strchr(value, '<'); at != NULL; at = strchr(at, '<')) {
        const char *end = strchr(++at, '>');
        if (end == NULL) {
            return NULL;
        }
        bool is_it = false;
        const char *next = read_parameters(end + 1, relation, &is_it);
        if (is_it) {
            return mem_strn(at, (size_t)(end - at));
        }
        at = next;
    }
    return NULL;
}

/* Behind "https://host:port", or NULL when it is no such URL. */
static const char *path_of(const char *url)
{
    size_t skip = strncasecmp(url, "https://", 8) == 0  ? 8
                  : strncasecmp(url, "http://", 7) == 0 ? 7
                                                        : 0;
    return skip > 0 && url[skip] != '\0' ? url + skip + strcspn(url + skip, "/?#") : NULL;
}

char *github_below(const char *base, const char *url)
{
    const char *path = path_of(url), *base_path = path_of(base);
    if (url[0] == '/' && url[1] != '/') {
        path = url; /* a redirect may be relative (RFC 9110 10.2.2) */
    }
    if (path == NULL || base_path == NULL || path[0] != '/') {
        return NULL;
    }
    size_t len = strlen(base_path);
    while (len > 0 && base_path[len - 1] == '/') {
        len--;
    }
    if (strncmp(path, base_path, len) != 0 || path[len] != '/') {
        return NULL;
    }
    path += len;
    for (const char *at = path; *at != '\0' && *at != '#'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7F) {
            return NULL; /* no URL (RFC 3986 2) */
        }
    }
    return mem_strn(path, strcspn(path, "#"));
}

/* ---- errors ----------------------------------------------------------------------------
 */

static struct json *parse_body(const struct http_response *response)
{
    struct err err = ERR_INIT;
    return response->body_len > 0 && response->body[0] == '{'
               ? json_parse(response->body, response->body_len, &err)
               : NULL;
}

/* "PullRequest head invalid", or what the error says itself; a few are mere texts. */
static void add_error(struct buf *out, const struct json *error)
{
    const char *text = json_text(error);
    text = text != NULL ? text : json_str(error, "message", "");
    if (text[0] != '\0') {
        (void)buf_printf(out, "%s%s", out->len > 0 ? "; " : "", text);
        return;
    }
    const char *words[] = {json_str(error, "resource", ""), json_str(error, "field", ""),
                           json_str(error, "code", "")};
    const char *glue = out->len > 0 ? "; " : "";
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i][0] != '\0') {
            (void)buf_printf(out, "%s%s", glue, words[i]);
            glue = " ";
        }
    }
}

const char *github_reason(const struct http_response *response,
                          char text[GITHUB_REASON_MAX + 1])
{
    if (response->fault != HTTP_FINE) {
        (void)snprintf(text, GITHUB_REASON_MAX + 1, "%s",
                       response->text[0] != '\0' ? response->text
                                                 : http_fault_word(response->fault));
        return text;
    }
    AUTO_BUF struct buf line;
    buf_init(&line, (size_t)4 * GITHUB_REASON_MAX);
    struct json *root = parse_body(response);
    (void)buf_str(&line, json_str(root, "message", ""));
    const struct json *errors = json_get(root, "errors");
    for (size_t i = 0; i < json_len(errors) && !line.is_cut; i++) {
        add_error(&line, json_at(errors, i));
    }
    if (line.len == 0) {
        (void)buf_printf(&line, "HTTP status %d", response->status);
    }
    json_free(root);
    return text_clean_into(text, GITHUB_REASON_MAX + 1, line.data);
}

bool github_says(const struct http_response *response, const char *words)
{
    struct json *root = parse_body(response);
    const struct json *errors = json_get(root, "errors");
    bool says = strcasestr(json_str(root, "message", ""), words) != NULL;
    for (size_t i = 0; i < json_len(errors) && !says; i++) {
        const struct json *error = json_at(errors, i);
        const char *text = json_text(error);
        text = text != NULL ? text : json_str(error, "message", "");
        says = strcasestr(text, words) != NULL;
    }
    json_free(root);
    return says;
}
