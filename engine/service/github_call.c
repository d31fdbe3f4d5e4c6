/* SPDX-License-Identifier: MIT */
#include "engine/service/github_call.h"

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

static const struct github_call_row rows[] = {
#define X(id, name, class, method, path, status, other)                                  \
    [id] = {name, class, method, path, status, other},
    GITHUB_CALL_LIST(X)
#undef X
};

const struct github_call_row *github_call_row(enum github_call call)
{
    if ((unsigned)call >= GITHUB_CALL_COUNT) {
        BUG("no such call of GitHub's");
    }
    return &rows[call];
}

bool github_is_success(enum github_call call, int status)
{
    const struct github_call_row *row = github_call_row(call);
    return status == row->status || (row->other != 0 && status == row->other);
}

/* Length of a word of "owner/name", or 0. */
static size_t word_of(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                              "0123456789-_.");
    return len > 100 || (len == 1 && text[0] == '.') ||
                   (len == 2 && text[0] == '.' && text[1] == '.')
               ? 0
               : len;
}

bool github_is_repo(const char *repo)
{
    size_t owner = word_of(repo);
    if (owner == 0 || repo[owner] != '/') {
        return false;
    }
    size_t name = word_of(repo + owner + 1);
    return name > 0 && repo[owner + 1 + name] == '\0';
}

#define URL_MAX 8192

static void add_escaped(struct buf *url, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        BUG("a path of GitHub's without its text");
    }
    AUTO_FREE char *escaped = http_escape(text);
    (void)buf_str(url, escaped);
}

static void add_number(struct buf *url, int64_t number)
{
    (void)buf_printf(url, "%lld", (long long)number);
}

static void add_part(struct buf *url, const char *key, size_t len,
                     const struct github_path *path)
{
    if (len == 4 && memcmp(key, "repo", len) == 0) {
        if (path->repo == NULL || !github_is_repo(path->repo)) {
            BUG("not a repository's owner/name");
        }
        (void)buf_str(url, path->repo);
    } else if (len == 4 && memcmp(key, "text", len) == 0) {
        add_escaped(url, path->text);
    } else if (len == 5 && memcmp(key, "other", len) == 0) {
        add_escaped(url, path->other);
    } else if (len == 6 && memcmp(key, "number", len) == 0) {
        add_number(url, path->number);
    } else if (len == 6 && memcmp(key, "second", len) == 0) {
        add_number(url, path->second);
    } else {
        BUG("a path of GitHub's with an unknown part");
    }
}

static char *format_path(const char *template, const struct github_path *path)
{
    AUTO_BUF struct buf url;
    buf_init(&url, URL_MAX);
    while (*template != '\0') {
        size_t plain = strcspn(template, "{");
        (void)buf_add(&url, template, plain);
        template += plain;
        if (*template == '{') {
            size_t len = strcspn(++template, "}");
            add_part(&url, template, len, path);
            template += len + (template[len] == '}');
        }
    }
    if (path->query != NULL) {
        (void)buf_printf(&url, "?%s", path->query);
    }
    return buf_take(&url, NULL);
}

struct http_request *github_request_at(enum github_call call, char *url)
{
    const struct github_call_row *row = github_call_row(call);
    struct http_request *request =
        http_request_new(row->name, row->class, row->method, url);
    /* docs.github.com "Getting started with the REST API", "Headers" */
    http_request_header(request, "Accept", "application/vnd.github+json");
    http_request_header(request, "X-GitHub-Api-Version", "2022-11-28");
    /* A log's place is good for a minute and a probe must reach the service. */
    request->has_etag = row->class == CALL_READ && row->status == 200;
    return request;
}

struct http_request *github_request(enum github_call call, const struct github_path *path)
{
    return github_request_at(call, format_path(github_call_row(call)->path, path));
}

struct http_request *github_request_log(const struct http_response *response)
{
    const char *location = http_header_of(response, "location");
    if (location == NULL ||
        (strncmp(location, "https://", 8) != 0 && strncmp(location, "http://", 7) != 0)) {
        return NULL;
    }
    struct http_request *request =
        http_request_new("actions.log", CALL_READ, HTTP_GET, mem_str(location));
    request->is_foreign = true;
    request->follows = true;
    return request;
}
