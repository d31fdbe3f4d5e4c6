/* SPDX-License-Identifier: MIT */

/* What must not be read in a log: values that were told, and the shapes of tokens. */
#include <ctype.h>
#include <pthread.h>
#include <strings.h>

#include "engine/base/digest.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"

#define HIDDEN     "[hidden]"
#define SECRET_MIN 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under lock */
static struct {
    char *value;
    size_t len;
} hidden[LOG_SECRETS];
static size_t next_hidden;

void log_hide(const char *secret, size_t len)
{
    bool is_known = len < SECRET_MIN;
    (void)pthread_mutex_lock(&lock); /* never fails for such a lock */
    for (size_t i = 0; i < LOG_SECRETS && !is_known; i++) {
        is_known = hidden[i].value != NULL && hidden[i].len == len &&
                   memcmp(hidden[i].value, secret, len) == 0;
    }
    if (!is_known) {
        if (hidden[next_hidden].value != NULL) {
            digest_forget(hidden[next_hidden].value, hidden[next_hidden].len);
            free(hidden[next_hidden].value);
        }
        hidden[next_hidden].value = mem_strn(secret, len);
        hidden[next_hidden].len = len;
        next_hidden = (next_hidden + 1) % LOG_SECRETS;
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ---- shapes ---------------------------------------------------------------------------
 */

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("_-.~+/=", c) != NULL);
}

static size_t token_len(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && is_token_char(text[n])) {
        n++;
    }
    return n;
}

static bool begins(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && strncasecmp(text, with, n) == 0;
}

/* Tokens that are known by how they begin, where no word goes on. */
static const struct {
    const char *prefix;
    size_t min; /* characters behind it */
} prefixes[] = {
    {"ghp_",        8 },
    {"gho_",        8 },
    {"ghu_",        8 },
    {"ghs_",        8 },
    {"ghr_",        8 },
    {"github_pat_", 8 },
    {"glpat-",      8 },
    {"sk-",         12},
    {"sk_",         12},
    {"xoxb-",       8 },
    {"xoxp-",       8 },
    {"xoxa-",       8 },
    {"AKIA",        16},
    {"eyJ",         16},
    {"dtn_",        12}, /* Daytona */
    {"e2b_",        12},
};

static size_t prefixed(const char *text, size_t len, bool is_start)
{
    for (size_t i = 0; is_start && i < ARRAY_LEN(prefixes); i++) {
        size_t n = strlen(prefixes[i].prefix);
        if (len >= n && memcmp(text, prefixes[i].prefix, n) == 0) {
            size_t more = token_len(text + n, len - n);
            if (more >= prefixes[i].min) {
                return n + more;
            }
        }
    }
    return 0;
}

/* Words behind which a secret stands, with what may be between. */
static const char *const schemes[] = {"bearer ", "basic ", "token "};
static const char *const names[] = {"authorization", "x-api-key",    "api_key",
                                    "apikey",        "access_token", "token",
                                    "password",      "passwd",       "secret"};

/* Length of the secret that begins behind `*ret_keep` bytes; 0 = none. */
static size_t behind_scheme(const char *text, size_t len, bool is_start, size_t *ret_keep)
{
    for (size_t i = 0; is_start && i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (begins(text, len, schemes[i])) {
            size_t more = token_len(text + n, len - n);
            if (more >= SECRET_MIN) {
                *ret_keep = n;
                return more;
            }
        }
    }
    return 0;
}

/* name=value, name: value, "name":"value" */
static size_t behind_name(const char *text, size_t len, bool is_start, size_t *ret_keep)
{
    for (size_t i = 0; is_start && i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (!begins(text, len, names[i])) {
            continue;
        }
        n += n < len && text[n] == '"' ? 1 : 0;
        if (n >= len || (text[n] != '=' && text[n] != ':')) {
            continue;
        }
        n++;
        while (n < len && (text[n] == ' ' || text[n] == '"' || text[n] == '\'')) {
            n++;
        }
        for (size_t k = 0; k < ARRAY_LEN(schemes); k++) {
            n += begins(text + n, len - n, schemes[k]) ? strlen(schemes[k]) : 0;
        }
        size_t more = 0;
        while (n + more < len && strchr(" \t\r\n&\"',;)}", text[n + more]) == NULL) {
            more++;
        }
        if (more > 0) {
            *ret_keep = n;
            return more;
        }
    }
    return 0;
}

/* ://user:password@host */
static size_t in_url(const char *text, size_t len, size_t *ret_keep)
{
    if (!begins(text, len, "://")) {
        return 0;
    }
    size_t at = 0;
    for (size_t i = 3; i < len && strchr("/?# \t\"'", text[i]) == NULL; i++) {
        at = text[i] == '@' ? i : at;
    }
    if (at <= 3) {
        return 0;
    }
    *ret_keep = 3;
    return at - 3;
}

static size_t private_key(const char *text, size_t len)
{
    static const char begin[] = "-----BEGIN ", end[] = "-----END ";
    if (!begins(text, len, begin)) {
        return 0;
    }
    const char *last = memmem(text, len, end, strlen(end));
    if (last == NULL) {
        return len; /* it was cut */
    }
    size_t used = (size_t)(last - text) + strlen(end);
    while (used < len && text[used] != '\n' && text[used] != '\\') {
        used++;
    }
    return used;
}

/* Under lock. */
static size_t told(const char *text, size_t len)
{
    for (size_t i = 0; i < LOG_SECRETS; i++) {
        if (hidden[i].value != NULL && len >= hidden[i].len &&
            memcmp(text, hidden[i].value, hidden[i].len) == 0) {
            return hidden[i].len;
        }
    }
    return 0;
}

static size_t find_secret(const char *text, size_t len, bool is_start, size_t *ret_keep)
{
    *ret_keep = 0;
    size_t n = told(text, len);
    n = n > 0 ? n : prefixed(text, len, is_start);
    n = n > 0 ? n : private_key(text, len);
    n = n > 0 ? n : in_url(text, len, ret_keep);
    n = n > 0 ? n : behind_name(text, len, is_start, ret_keep);
    return n > 0 ? n : behind_scheme(text, len, is_start, ret_keep);
}

void log_redact(struct buf *out, const char *text, size_t len)
{
    size_t plain = 0; /* begin of what is not copied yet */
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < len;) {
        size_t keep;
        bool is_start = i == 0 || !isalnum((unsigned char)text[i - 1]);
        size_t n = find_secret(text + i, len - i, is_start, &keep);
        if (n == 0) {
            i++;
            continue;
        }
        (void)buf_add(out, text + plain, i + keep - plain);
        (void)buf_str(out, HIDDEN);
        i += keep + n;
        plain = i;
    }
    (void)pthread_mutex_unlock(&lock);
    (void)buf_add(out, text + plain, len - plain);
}
