/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_CONFORMANCE_CONFORM_H
#define SIGNALBOX_TESTS_CONFORMANCE_CONFORM_H

/*
 * Conform: the parts of the conformance program (conform.c says what it is).
 */

#include "engine/service/github_call.h"
#include "tests/lib/ask.h"

#define WHY_MAX          1200
#define CONFORM_PAYLOADS 329 /* of npm @octokit/webhooks-examples */

/* One TAP line. */
void report(bool is_fine, const char *name, const char *why);
/* Is there no violation? is_strict: of either side. */
bool is_conformant(const struct http_response *response, bool is_strict,
                   char why[WHY_MAX]);
/* Does the parser of the call read its answer? True for calls whose answers nobody reads. */
bool is_readable(enum github_call call, const struct http_response *response);

/* What the requests are made with. */
struct sample {
    const char *repo, *base, *branch, *sha, *tree, *parent;
    const char *workflow, *content, *check_name;
    int64_t pull, run, job, suite, check, hook, delivery, deployment;
};
/* A request of this call, with everything in its body that we ever say. */
NODISCARD struct http_request *sample_request(enum github_call call,
                                              const struct sample *sample);

void conform_mock(const char *base);
void conform_live(const char *base, const char *fake);
void conform_ops(const char *base, const char *fake);
void conform_fixtures(const char *name, const char *base);
void conform_listener(const char *store);
void conform_otlp(const char *endpoint, const char *store);

#endif
