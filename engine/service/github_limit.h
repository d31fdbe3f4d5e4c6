/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GITHUB_LIMIT_H
#define SIGNALBOX_SERVICE_GITHUB_LIMIT_H

/*
 * GitHub limit: what the headers of GitHub's REST API say. Pure readers of one answer.
 *
 * After docs.github.com "Rate limits for the REST API", "Best practices for using the REST
 * API" and "Using pagination in the REST API".
 */

#include "engine/service/http.h"

enum github_limit_kind {
    GITHUB_NO_LIMIT,
    GITHUB_PRIMARY,  /* the quota of the hour is used up */
    GITHUB_SECONDARY /* too many at once, too fast, or too much that is costly */
};

/* Does this answer turn us away because of a limit, and until when? A 403 that is none says
 * that something is not permitted. `until` is set for both kinds: Retry-After, else the
 * reset of an empty quota, else a minute; who is turned away again waits twice as long. */
struct github_limit {
    enum github_limit_kind kind;
    struct wall until;
};
struct github_limit github_limit(const struct http_response *response, struct wall now);

#define GITHUB_WAIT     ((struct span){60 * 1000})   /* when nothing says how long */
#define GITHUB_WAIT_MAX ((struct span){3600 * 1000}) /* a window of the quota */

/* x-ratelimit-*: false when the answer has none. `resource` is core, search, graphql ... */
struct github_quota {
    int64_t limit, remaining;
    struct wall reset_at; /* within GITHUB_WAIT_MAX from now */
    char resource[24];
};
bool github_quota(const struct http_response *response, struct wall now,
                  struct github_quota *ret_quota);

/* URL of the link with this relation ("next"), malloc'd, or NULL (RFC 8288). */
NODISCARD char *github_link(const char *value, const char *relation);

/*
 * Path and query of an absolute URL below the base URL of a service, malloc'd, or NULL.
 *
 * Links and redirects of an answer name a host; a call that carries our token goes to no
 * host but the configured one. When the base is a bare host (also a proxy's), path and
 * query are taken as they are; when it has a path, the URL must begin with it.
 */
NODISCARD char *github_below(const char *base, const char *url);

/* One clean line for people: message and errors[] of the body, else the status. */
#define GITHUB_REASON_MAX 300
const char *github_reason(const struct http_response *response,
                          char text[GITHUB_REASON_MAX + 1]);
/* Does message or errors[].message hold these words, in any case? */
bool github_says(const struct http_response *response, const char *words);

#endif
