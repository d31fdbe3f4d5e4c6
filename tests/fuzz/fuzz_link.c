/* SPDX-License-Identifier: MIT */

/* Headers of GitHub's answers: Link, limits, places of redirects. Input: status as a byte,
 * then the lines link, retry-after, x-ratelimit-limit, -remaining, -reset, base URL. */
#include "engine/base/mem.h"
#include "engine/service/github_limit.h"
#include "tests/fuzz/fuzz.h"

static void check_path(const char *path)
{
    MUST(path[0] == '/');
    for (const char *at = path; *at != '\0'; at++) {
        MUST((unsigned char)*at > ' ' && (unsigned char)*at < 0x7F);
    }
}

static void check_link(const char *link, const char *base)
{
    AUTO_FREE char *url = github_link(link, "next");
    if (url == NULL) {
        return;
    }
    MUST(strchr(url, '>') == NULL);
    MUST(strstr(link, url) != NULL);
    AUTO_FREE char *path = github_below("https://api.github.com", url);
    AUTO_FREE char *own = github_below(base, url);
    if (path != NULL) {
        check_path(path);
    }
    if (own != NULL) {
        check_path(own);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"link",
                                        "retry-after",
                                        "x-ratelimit-limit",
                                        "x-ratelimit-remaining",
                                        "x-ratelimit-reset",
                                        "base"};
    static const int statuses[] = {200, 403, 429, 301};
    const struct wall now = {1700000000000};
    if (size == 0) {
        return 0;
    }
    struct http_response *response = http_response_new(HTTP_FINE, statuses[data[0] % 4]);
    AUTO_FREE char *text = mem_strn((const char *)data + 1, size - 1);
    char *at = text;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strcspn(at, "\n");
        http_response_header(response, names[i], strlen(names[i]), at, len);
        at += len + (at[len] == '\n');
    }
    check_link(http_header_of(response, "link"), http_header_of(response, "base"));
    struct github_limit limit = github_limit(response, now);
    MUST(limit.kind == GITHUB_NO_LIMIT ||
         (limit.until.ms > now.ms && limit.until.ms <= now.ms + GITHUB_WAIT_MAX.ms));
    MUST(limit.kind == GITHUB_NO_LIMIT || response->status == 403 ||
         response->status == 429);
    struct github_quota quota;
    if (github_quota(response, now, &quota)) {
        MUST(quota.limit >= 0 && quota.remaining >= 0);
        MUST(quota.reset_at.ms > now.ms &&
             quota.reset_at.ms <= now.ms + GITHUB_WAIT_MAX.ms);
        MUST(is_harmless(quota.resource));
    }
    http_response_free(response);
    return 0;
}
