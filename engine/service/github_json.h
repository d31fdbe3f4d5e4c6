/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GITHUB_JSON_H
#define SIGNALBOX_SERVICE_GITHUB_JSON_H

/*
 * GitHub JSON: what the parsers of github_answer.h share. For them alone.
 */

#include "engine/base/json.h"
#include "engine/service/http.h"

/* The body's root, or NULL when it is no JSON; json_free. */
NODISCARD struct json *github_json(const struct http_response *response);
/* A text field, clean, one line, bounded by GITHUB_TEXT_MAX, malloc'd; "" = none. */
NODISCARD char *github_text(const struct json *object, const char *key);

#endif
