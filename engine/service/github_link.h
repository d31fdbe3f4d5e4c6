/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GITHUB_LINK_H
#define SIGNALBOX_SERVICE_GITHUB_LINK_H

/*
 * GitHub link: links, redirects and errors of an answer. Pure readers; limits are read by
 * engine/resilience/rate.h.
 *
 * After docs.github.com "Using pagination in the REST API" and "Troubleshooting the REST
 * API".
 */

#include "engine/service/http.h"

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
