/* SPDX-License-Identifier: MIT */

/*
 * What an answer of an HTTP service says about a failure. A row of the table holds when the
 * status is in its range and its words are in the body; the first one that holds decides. Words
 * are what the services document or print themselves: RFC 9110, GitHub REST and GraphQL, GitLab,
 * npm, the OCI distribution specification, OAuth 2.0 (RFC 6749), Anthropic, OpenAI; for requests
 * without an answer the messages of curl, Go, Node and glibc.
 */
#include <math.h>
#include <strings.h>

#include "engine/base/mem.h"
#include "engine/recovery/classify_private.h"

#define BODY_MAX 65536

static const struct {
    const char *word;
    enum failure_class class_;
} words[HTTP_CLASS_COUNT] = {
#define X(id, word, class_, help) [id] = {word, class_},
    HTTP_CLASS_LIST(X)
#undef X
};

const char *http_class_word(enum http_class class_)
{
    return (unsigned)class_ < HTTP_CLASS_COUNT ? words[class_].word : "?";
}

enum failure_class http_class_class(enum http_class class_)
{
    return (unsigned)class_ < HTTP_CLASS_COUNT ? words[class_].class_ : CLASS_UNKNOWN;
}

enum field_test {
    ANY_FIELDS,
    RATE_SPENT, /* nothing is left of the rate, or it is said when to come back */
    MERGES      /* the request was to merge */
};

struct http_rule {
    int low, high;      /* status */
    const char *needle; /* in the body, any case; NULL = whatever it says */
    enum field_test test;
    enum http_class class_;
    bool is_retryable;
    double confidence;
    const char *rule;
};

#define YES true
#define NO  false

/* clang-format off */
static const struct http_rule rules[] = {
    /* no answer: what curl, Go, Node, OpenSSL and the resolver say. A certificate does not heal. */
    {0, 0, "certificate", ANY_FIELDS, HTTP_NETWORK, NO, .97, "http-tls-certificate"},
    {0, 0, "x509:", ANY_FIELDS, HTTP_NETWORK, NO, .97, "http-tls-certificate"},
    {0, 0, "unsupported protocol scheme", ANY_FIELDS, HTTP_VALIDATION, NO, .8, "http-bad-url"},
    {0, 0, NULL, ANY_FIELDS, HTTP_NETWORK, YES, .97, "http-no-answer"},

    /* typed errors, whatever the status: GraphQL answers 200, streams fail after their 200 */
    {1, 599, "\"insufficient_quota\"", ANY_FIELDS, HTTP_QUOTA, NO, .98, "http-quota"},
    {1, 599, "billing_hard_limit", ANY_FIELDS, HTTP_QUOTA, NO, .98, "http-quota"},
    {1, 599, "billing_not_active", ANY_FIELDS, HTTP_QUOTA, NO, .97, "http-quota"},
    {1, 599, "\"billing_error\"", ANY_FIELDS, HTTP_QUOTA, NO, .97, "http-quota"},
    {1, 599, "exceeded your current quota", ANY_FIELDS, HTTP_QUOTA, NO, .97, "http-quota"},
    {1, 499, "credit balance is too low", ANY_FIELDS, HTTP_QUOTA, NO, .98, "http-quota"},
    {1, 499, "insufficient credits", ANY_FIELDS, HTTP_QUOTA, NO, .96, "http-quota"},
    {1, 499, "insufficient balance", ANY_FIELDS, HTTP_QUOTA, NO, .96, "http-quota"},
    {1, 499, "spending limit", ANY_FIELDS, HTTP_QUOTA, NO, .95, "http-quota"},
    {1, 499, "usage limits", ANY_FIELDS, HTTP_QUOTA, NO, .93, "http-quota"},
    {1, 499, "usage limit", ANY_FIELDS, HTTP_QUOTA, NO, .9, "http-quota"},
    {1, 499, "account payments have failed", ANY_FIELDS, HTTP_QUOTA, NO, .97, "http-quota"},
    {1, 499, "billing plan", ANY_FIELDS, HTTP_QUOTA, NO, .85, "http-quota"},
    {1, 499, "over its data quota", ANY_FIELDS, HTTP_QUOTA, NO, .97, "http-quota"},
    {1, 499, "storage quota", ANY_FIELDS, HTTP_QUOTA, NO, .94, "http-quota"},
    {1, 499, "storage limit", ANY_FIELDS, HTTP_QUOTA, NO, .9, "http-quota"},
    {1, 499, "minutes quota", ANY_FIELDS, HTTP_QUOTA, NO, .94, "http-quota"},
    {1, 499, "compute minutes", ANY_FIELDS, HTTP_QUOTA, NO, .9, "http-quota"},
    {1, 499, "pipeline minutes", ANY_FIELDS, HTTP_QUOTA, NO, .9, "http-quota"},
    {1, 499, "quota exceeded", ANY_FIELDS, HTTP_QUOTA, NO, .85, "http-quota"},
    {1, 499, "quota has been exceeded", ANY_FIELDS, HTTP_QUOTA, NO, .9, "http-quota"},
    {402, 402, NULL, ANY_FIELDS, HTTP_QUOTA, NO, .95, "http-payment-required"},

    {1, 299, "\"rate_limited\"", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .99, "http-graphql-rate"},
    {1, 499, "\"rate_limit_error\"", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .98, "http-rate-limit"},
    {1, 499, "\"rate_limit_exceeded\"", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .98, "http-rate-limit"},
    {1, 599, "\"overloaded_error\"", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .98, "http-overloaded"},
    {1, 399, "\"api_error\"", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .9, "http-api-error"},
    {1, 399, "\"timeout_error\"", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .9, "http-api-error"},
    {1, 499, "\"authentication_error\"", ANY_FIELDS, HTTP_AUTH, NO, .98, "http-auth-type"},
    {1, 499, "\"permission_error\"", ANY_FIELDS, HTTP_PERMISSION, NO, .98, "http-permission-type"},
    {1, 499, "\"invalid_api_key\"", ANY_FIELDS, HTTP_AUTH, NO, .98, "http-auth-type"},
    {1, 499, "\"api_key_invalid\"", ANY_FIELDS, HTTP_AUTH, NO, .98, "http-auth-type"},
    {1, 499, "\"not_found_error\"", ANY_FIELDS, HTTP_NOT_FOUND, NO, .98, "http-not-found-type"},
    {1, 499, "\"invalid_grant\"", ANY_FIELDS, HTTP_AUTH, NO, .95, "http-oauth"},
    {1, 499, "\"invalid_client\"", ANY_FIELDS, HTTP_AUTH, NO, .95, "http-oauth"},
    {1, 499, "\"invalid_token\"", ANY_FIELDS, HTTP_AUTH, NO, .96, "http-oauth"},
    {1, 299, "bad_refresh_token", ANY_FIELDS, HTTP_AUTH, NO, .96, "http-oauth"},
    {1, 499, "bad_verification_code", ANY_FIELDS, HTTP_AUTH, NO, .96, "http-oauth"},
    {1, 499, "incorrect_client_credentials", ANY_FIELDS, HTTP_AUTH, NO, .97, "http-oauth"},
    {1, 499, "insufficient_scope", ANY_FIELDS, HTTP_PERMISSION, NO, .97, "http-scope"},

    /* GraphQL: 200 with errors */
    {1, 299, "api rate limit", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .97, "http-graphql-rate"},
    {1, 299, "secondary rate limit", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .97, "http-graphql-rate"},
    {1, 299, "rate limit", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .9, "http-graphql-rate"},
    {1, 299, "insufficient_scopes", ANY_FIELDS, HTTP_PERMISSION, NO, .97, "http-graphql-scope"},
    {1, 299, "\"forbidden\"", ANY_FIELDS, HTTP_PERMISSION, NO, .97, "http-graphql-forbidden"},
    {1, 299, "not accessible by", ANY_FIELDS, HTTP_PERMISSION, NO, .97, "http-graphql-forbidden"},
    {1, 299, "does not have permission", ANY_FIELDS, HTTP_PERMISSION, NO, .95, "http-graphql-forbidden"},
    {1, 299, "must have push access", ANY_FIELDS, HTTP_PERMISSION, NO, .95, "http-graphql-forbidden"},
    {1, 299, "saml enforcement", ANY_FIELDS, HTTP_PERMISSION, NO, .95, "http-saml"},
    {1, 299, "\"unauthenticated\"", ANY_FIELDS, HTTP_AUTH, NO, .96, "http-graphql-auth"},
    {1, 299, "bad credentials", ANY_FIELDS, HTTP_AUTH, NO, .97, "http-graphql-auth"},
    {1, 299, "\"not_found\"", ANY_FIELDS, HTTP_NOT_FOUND, NO, .98, "http-graphql-not-found"},
    {1, 299, "could not resolve to a", ANY_FIELDS, HTTP_NOT_FOUND, NO, .96, "http-graphql-not-found"},
    {1, 299, "\"stale_data\"", ANY_FIELDS, HTTP_CONFLICT, YES, .95, "http-graphql-stale"},
    {1, 299, "already exists", ANY_FIELDS, HTTP_CONFLICT, NO, .95, "http-graphql-exists"},
    {1, 299, "not in the correct state", ANY_FIELDS, HTTP_CONFLICT, NO, .93, "http-graphql-state"},
    {1, 299, "is not mergeable", ANY_FIELDS, HTTP_CONFLICT, NO, .95, "http-graphql-merge"},
    {1, 299, "merge conflict", ANY_FIELDS, HTTP_CONFLICT, NO, .95, "http-graphql-merge"},
    {1, 299, "is in unstable status", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-graphql-state"},
    {1, 299, "is in clean status", ANY_FIELDS, HTTP_CONFLICT, NO, .93, "http-graphql-state"},
    {1, 299, "was modified", ANY_FIELDS, HTTP_CONFLICT, YES, .9, "http-graphql-stale"},
    {1, 299, "expected head oid", ANY_FIELDS, HTTP_CONFLICT, YES, .9, "http-graphql-stale"},
    {1, 299, "something went wrong", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .96, "http-graphql-server"},
    {1, 299, "\"service_unavailable\"", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .96, "http-graphql-server"},
    {1, 299, "internal server error", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .96, "http-graphql-server"},
    {1, 299, "timedout", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .9, "http-graphql-server"},
    {1, 299, "timed out", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .85, "http-graphql-server"},
    {1, 299, "couldn't respond to your request in time", ANY_FIELDS, HTTP_SERVER_ERROR, YES, .95, "http-graphql-server"},
    {1, 299, "\"error", ANY_FIELDS, HTTP_VALIDATION, NO, .85, "http-graphql-invalid"},
    {1, 299, NULL, ANY_FIELDS, HTTP_VALIDATION, NO, .4, "http-unexpected-success"},

    {300, 399, NULL, ANY_FIELDS, HTTP_REDIRECT, NO, .97, "http-redirect"},
    {401, 401, NULL, ANY_FIELDS, HTTP_AUTH, NO, .97, "http-unauthorized"},
    {407, 407, NULL, ANY_FIELDS, HTTP_AUTH, NO, .97, "http-proxy-auth"},
    {511, 511, NULL, ANY_FIELDS, HTTP_AUTH, NO, .8, "http-network-auth"},
    {429, 429, NULL, ANY_FIELDS, HTTP_RATE_LIMIT, YES, .97, "http-too-many-requests"},

    /* 403: too fast, who are you, not now, or not you */
    {403, 403, "rate limit", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .98, "http-rate-limit"},
    {403, 403, "abuse detection", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .98, "http-abuse-limit"},
    {403, 403, "too many requests", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .96, "http-rate-limit"},
    {403, 403, "please wait a few minutes", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .93, "http-rate-limit"},
    {403, 403, "submitted too quickly", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .95, "http-rate-limit"},
    {403, 403, "login attempts", ANY_FIELDS, HTTP_AUTH, YES, .85, "http-login-lock"},
    {403, 403, "bad credentials", ANY_FIELDS, HTTP_AUTH, NO, .96, "http-bad-credentials"},
    {403, 403, "requires authentication", ANY_FIELDS, HTTP_AUTH, NO, .93, "http-bad-credentials"},
    {403, 403, "authentication required", ANY_FIELDS, HTTP_AUTH, NO, .9, "http-bad-credentials"},
    {403, 403, "must be authenticated", ANY_FIELDS, HTTP_AUTH, NO, .9, "http-bad-credentials"},
    {403, 403, "api key not valid", ANY_FIELDS, HTTP_AUTH, NO, .93, "http-bad-credentials"},
    {403, 403, "token expired", ANY_FIELDS, HTTP_AUTH, NO, .9, "http-bad-credentials"},
    {403, 403, "token has expired", ANY_FIELDS, HTTP_AUTH, NO, .9, "http-bad-credentials"},
    {403, 403, "already", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "previously published version", ANY_FIELDS, HTTP_CONFLICT, NO, .6, "http-published"},
    {403, 403, "that is not active", ANY_FIELDS, HTTP_CONFLICT, NO, .92, "http-state-conflict"},
    {403, 403, "unable to retry", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "unable to re-run", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "unable to rerun", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "cannot be retried", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "cannot be rerun", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "cannot be re-run", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "in progress", ANY_FIELDS, HTTP_CONFLICT, NO, .8, "http-state-conflict"},
    {403, 403, "not in a state", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "is not retryable", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "is not mergeable", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-state-conflict"},
    {403, 403, "is too large", ANY_FIELDS, HTTP_VALIDATION, NO, .85, "http-too-large"},
    {403, 403, "larger than", ANY_FIELDS, HTTP_VALIDATION, NO, .6, "http-too-large"},
    {403, 403, NULL, RATE_SPENT, HTTP_RATE_LIMIT, YES, .9, "http-rate-spent"},
    {403, 403, NULL, ANY_FIELDS, HTTP_PERMISSION, NO, .93, "http-forbidden"},
    {451, 451, NULL, ANY_FIELDS, HTTP_PERMISSION, NO, .9, "http-legal"},

    /* 404 hides what one may not see; but what was sent may be wrong instead */
    {404, 404, "make sure", ANY_FIELDS, HTTP_VALIDATION, NO, .7, "http-not-found-invalid"},
    {404, 404, "could not be created", ANY_FIELDS, HTTP_VALIDATION, NO, .75, "http-not-found-invalid"},
    {404, 404, NULL, ANY_FIELDS, HTTP_NOT_FOUND, NO, .96, "http-not-found"},
    {410, 410, NULL, ANY_FIELDS, HTTP_NOT_FOUND, NO, .95, "http-gone"},

    {405, 406, "merge", ANY_FIELDS, HTTP_CONFLICT, NO, .93, "http-not-mergeable"},
    {405, 406, "base branch", ANY_FIELDS, HTTP_CONFLICT, YES, .93, "http-not-mergeable"},
    {405, 406, "status check", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-not-mergeable"},
    {405, 406, "review is required", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-not-mergeable"},
    {405, 406, "approving review", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-not-mergeable"},
    {405, 406, "protected branch", ANY_FIELDS, HTTP_CONFLICT, NO, .8, "http-not-mergeable"},
    {405, 406, NULL, MERGES, HTTP_CONFLICT, NO, .9, "http-not-mergeable"},
    {405, 406, NULL, ANY_FIELDS, HTTP_VALIDATION, NO, .75, "http-method"},
    {408, 408, NULL, ANY_FIELDS, HTTP_SERVER_ERROR, YES, .6, "http-request-timeout"},
    {409, 409, NULL, ANY_FIELDS, HTTP_CONFLICT, NO, .96, "http-conflict"},
    {412, 412, NULL, ANY_FIELDS, HTTP_CONFLICT, NO, .85, "http-precondition"},
    {423, 423, NULL, ANY_FIELDS, HTTP_CONFLICT, YES, .85, "http-locked"},
    {425, 425, NULL, ANY_FIELDS, HTTP_CONFLICT, YES, .5, "http-too-early"},
    {424, 424, NULL, ANY_FIELDS, HTTP_SERVER_ERROR, YES, .6, "http-dependency"},
    {421, 421, NULL, ANY_FIELDS, HTTP_SERVER_ERROR, YES, .5, "http-misdirected"},

    /* 400 and 422: wrong, unless it was right and came too late */
    {400, 422, "already_exists", ANY_FIELDS, HTTP_CONFLICT, NO, .97, "http-exists"},
    {400, 422, "already exist", ANY_FIELDS, HTTP_CONFLICT, NO, .97, "http-exists"},
    {400, 422, "already been taken", ANY_FIELDS, HTTP_CONFLICT, NO, .95, "http-exists"},
    {400, 422, "already in use", ANY_FIELDS, HTTP_CONFLICT, NO, .93, "http-exists"},
    {400, 422, "already", ANY_FIELDS, HTTP_CONFLICT, NO, .85, "http-exists"},
    {400, 422, "not a fast forward", ANY_FIELDS, HTTP_CONFLICT, NO, .96, "http-not-fast-forward"},
    {400, 422, "not a fast-forward", ANY_FIELDS, HTTP_CONFLICT, NO, .96, "http-not-fast-forward"},
    {400, 422, "reference update failed", ANY_FIELDS, HTTP_CONFLICT, NO, .9, "http-not-fast-forward"},
    {400, 422, "merge conflict", ANY_FIELDS, HTTP_CONFLICT, NO, .95, "http-merge-conflict"},
    {400, 422, "cannot be merged", ANY_FIELDS, HTTP_CONFLICT, NO, .93, "http-merge-conflict"},
    {400, 422, "is not mergeable", ANY_FIELDS, HTTP_CONFLICT, NO, .93, "http-merge-conflict"},
    {400, 422, "expected head sha", ANY_FIELDS, HTTP_CONFLICT, YES, .9, "http-stale"},
    {400, 422, "sha wasn't the latest", ANY_FIELDS, HTTP_CONFLICT, YES, .9, "http-stale"},
    {400, 422, "submitted too quickly", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .95, "http-rate-limit"},
    {400, 422, "rate limit", ANY_FIELDS, HTTP_RATE_LIMIT, YES, .9, "http-rate-limit"},
    {400, 400, "api key not valid", ANY_FIELDS, HTTP_AUTH, NO, .95, "http-bad-credentials"},
    {400, 400, "invalid api key", ANY_FIELDS, HTTP_AUTH, NO, .95, "http-bad-credentials"},
    {422, 422, "reference does not exist", ANY_FIELDS, HTTP_NOT_FOUND, NO, .93, "http-no-reference"},
    {422, 422, "no commit found", ANY_FIELDS, HTTP_NOT_FOUND, NO, .75, "http-no-commit"},
    {400, 499, NULL, ANY_FIELDS, HTTP_VALIDATION, NO, .9, "http-invalid"},

    {507, 507, NULL, ANY_FIELDS, HTTP_QUOTA, NO, .6, "http-storage"},
    {501, 501, NULL, ANY_FIELDS, HTTP_SERVER_ERROR, NO, .9, "http-not-implemented"},
    {505, 505, NULL, ANY_FIELDS, HTTP_SERVER_ERROR, NO, .8, "http-version"},
    {500, 599, NULL, ANY_FIELDS, HTTP_SERVER_ERROR, YES, .97, "http-server-error"},
};
/* clang-format on */

static const char *field(const struct http_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->n_fields; i++) {
        if (facts->fields[i].name != NULL && facts->fields[i].value != NULL &&
            strcasecmp(facts->fields[i].name, name) == 0) {
            return facts->fields[i].value;
        }
    }
    return NULL;
}

static bool is_zero(const char *value)
{
    return value != NULL && strcmp(value, "0") == 0;
}

static bool does_hold(const struct http_rule *rule, const struct http_facts *facts,
                      const char *body)
{
    if (facts->status < rule->low || facts->status > rule->high ||
        (rule->needle != NULL && strcasestr(body, rule->needle) == NULL)) {
        return false;
    }
    switch (rule->test) {
    case RATE_SPENT:
        return is_zero(field(facts, "x-ratelimit-remaining")) ||
               is_zero(field(facts, "ratelimit-remaining")) ||
               field(facts, "retry-after") != NULL;
    case MERGES:
        return facts->url != NULL && strstr(facts->url, "/merge") != NULL;
    case ANY_FIELDS:
        break;
    }
    return true;
}

/* "7", "1.4s", "20ms", "6m0s": seconds; NAN when it is something else. */
static double read_delay(const char *text)
{
    double sum = 0;
    bool is_some = false;
    while (*text >= '0' && *text <= '9') {
        char *end;
        double n = strtod(text, &end);
        text = end;
        if (strncmp(text, "ms", 2) == 0) {
            sum += n / 1000;
            text += 2;
        } else {
            sum += n * (*text == 'h' ? 3600 : *text == 'm' ? 60 : 1);
            text += *text == 'h' || *text == 'm' || *text == 's';
        }
        is_some = true;
    }
    return is_some && sum >= 0 && sum < 1e7 ? sum : (double)NAN;
}

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* IMF-fixdate of RFC 9110 5.6.7, "Sun, 06 Nov 1994 08:49:37 GMT", as seconds from now. */
static double read_date(const char *text, struct wall now)
{
    struct tm tm = {0};
    char month[4] = "";
    if (wall_is_set(now) &&
        sscanf(text, "%*3c, %2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 6) {
        const char *at = strstr(months, month);
        if (at == NULL || strlen(month) != 3) {
            return (double)NAN;
        }
        tm.tm_mon = (int)((at - months) / 3);
        tm.tm_year -= 1900;
        double s = (double)timegm(&tm) - (double)now.ms / 1000;
        return s > 0 ? s : 0;
    }
    return (double)NAN;
}

/* When the rate begins anew: a time of the calendar in seconds (GitHub, GitLab) or a delay. */
static double read_reset(const char *text, struct wall now)
{
    double s = text == NULL ? (double)NAN : read_delay(text);
    if (text != NULL && isnan(s)) {
        char *end;
        double at = strtod(text, &end);
        if (end != text && at >= 1e7 && wall_is_set(now)) {
            s = at - (double)now.ms / 1000;
            s = s > 0 ? s : 0;
        }
    }
    return s;
}

static double retry_after(const struct http_facts *facts, const char *body,
                          struct wall now)
{
    static const char *const resets[] = {"x-ratelimit-reset", "ratelimit-reset",
                                         "x-ratelimit-reset-requests",
                                         "x-ratelimit-reset-tokens"};
    const char *said = field(facts, "retry-after-ms");
    double s = said != NULL ? read_delay(said) / 1000 : (double)NAN;
    if (isnan(s) && (said = field(facts, "retry-after")) != NULL) {
        s = read_delay(said);
        s = isnan(s) ? read_date(said, now) : s;
    }
    if (isnan(s) && (said = strcasestr(body, "try again in ")) != NULL) {
        s = read_delay(said + strlen("try again in "));
    }
    bool is_spent = is_zero(field(facts, "x-ratelimit-remaining")) ||
                    is_zero(field(facts, "ratelimit-remaining")) ||
                    field(facts, "x-ratelimit-reset-requests") != NULL;
    for (size_t i = 0; isnan(s) && is_spent && i < ARRAY_LEN(resets); i++) {
        s = read_reset(field(facts, resets[i]), now);
    }
    return s;
}

void classify_http(const struct http_facts *facts, struct wall now,
                   struct http_judgement *ret_judgement)
{
    AUTO_FREE char *body =
        mem_strn(facts->body == NULL ? "" : facts->body,
                 facts->body == NULL ? 0 : strnlen(facts->body, BODY_MAX));
    *ret_judgement = (struct http_judgement){.class_ = HTTP_VALIDATION,
                                             .confidence = .3,
                                             .retry_after_s = (double)NAN,
                                             .rule = "http-strange-status"};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (does_hold(&rules[i], facts, body)) {
            ret_judgement->class_ = rules[i].class_;
            ret_judgement->confidence = rules[i].confidence;
            ret_judgement->is_retryable = rules[i].is_retryable;
            ret_judgement->rule = rules[i].rule;
            break;
        }
    }
    if (ret_judgement->is_retryable) {
        ret_judgement->retry_after_s = retry_after(facts, body, now);
    }
}
