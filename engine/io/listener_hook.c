/* SPDX-License-Identifier: MIT */
#include "engine/io/listener_hook.h"

#include <string.h>
#include <strings.h>

/* Size line with extensions, and trailers: more is no honest client. */
#define FRAMING_MAX 4096

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_BYTES,
    CHUNK_CR,
    CHUNK_LF,
    CHUNK_TRAILER, /* at the beginning of a line */
    CHUNK_TRAILER_TEXT,
    CHUNK_TRAILER_LF,
    CHUNK_LAST_LF,
    CHUNK_DONE,
    CHUNK_BROKEN
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1*DIGIT that fits; -1 else. */
static int64_t parse_length(const char *text)
{
    int64_t n = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 15) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        n = n * 10 + (text[i] - '0');
    }
    return n;
}

static bool is_name(const char *text, size_t max)
{
    size_t len = text != NULL ? strlen(text) : 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return len > 0 && len <= max;
}

static bool parse_signature(const char *text, uint8_t mac[DIGEST_LEN])
{
    static const char method[] = "sha256=";
    size_t skip = sizeof(method) - 1;
    return text != NULL && strncmp(text, method, skip) == 0 &&
           digest_parse(text + skip, strlen(text + skip), mac);
}

static void refuse(struct hook_plan *plan, int status, const char *why, bool is_closing)
{
    plan->status = status;
    plan->why = why;
    plan->is_closing = is_closing;
}

/* What says it twice is how requests are smuggled. */
bool hook_check_length(const struct hook_head *head, int64_t body_max,
                       struct hook_plan *ret_plan)
{
    struct hook_plan *plan = ret_plan;
    plan->length = -1;
    if (head->transfer != NULL) {
        plan->is_chunked = strcasecmp(head->transfer, "chunked") == 0;
        if (head->length != NULL) {
            refuse(plan, 400, "Content-Length and Transfer-Encoding", true);
        } else if (!plan->is_chunked) {
            refuse(plan, 501, "transfer encoding is not known", true);
        }
    } else if (head->length == NULL) {
        refuse(plan, 411, "no Content-Length", true);
    } else {
        plan->length = parse_length(head->length);
        if (plan->length < 0) {
            refuse(plan, 400, "Content-Length is no number", true);
        } else if (plan->length > body_max) {
            refuse(plan, 413, "body is too large", true);
        }
    }
    return plan->status == 0;
}

void hook_check(const struct hook_head *head, int64_t body_max,
                struct hook_plan *ret_plan)
{
    static const char form[] = "application/x-www-form-urlencoded";
    struct hook_plan plan = {.why = ""};
    if (!hook_check_length(head, body_max, &plan)) {
        *ret_plan = plan;
        return;
    }
    if (!parse_signature(head->signature, plan.mac)) {
        refuse(&plan, 401, "no X-Hub-Signature-256", plan.is_chunked);
    } else if (!is_name(head->guid, HOOK_GUID_MAX)) {
        refuse(&plan, 400, "no X-GitHub-Delivery", plan.is_chunked);
    } else if (!is_name(head->event, HOOK_EVENT_MAX)) {
        refuse(&plan, 400, "no X-GitHub-Event", plan.is_chunked);
    } else if (head->type != NULL &&
               strncasecmp(head->type, form, sizeof(form) - 1) == 0) {
        refuse(&plan, 415, "set the content type of the webhook to application/json",
               plan.is_chunked);
    }
    *ret_plan = plan;
}

bool hook_is_an_object(const char *body, size_t len)
{
    size_t i = 0;
    while (i < len &&
           (body[i] == ' ' || body[i] == '\t' || body[i] == '\r' || body[i] == '\n')) {
        i++;
    }
    return i < len && body[i] == '{';
}

enum byte_class { BYTE_HEX, BYTE_CR, BYTE_LF, BYTE_EXT, BYTE_OTHER, BYTE_CLASSES };

static enum byte_class class_of(char c)
{
    if (hex_value(c) >= 0) {
        return BYTE_HEX;
    }
    switch (c) {
    case '\r':
        return BYTE_CR;
    case '\n':
        return BYTE_LF;
    case ';':
    case ' ':
    case '\t':
        return BYTE_EXT;
    default:
        return BYTE_OTHER;
    }
}

/* clang-format off */
#define NO CHUNK_BROKEN
static const unsigned char after[CHUNK_DONE][BYTE_CLASSES] = {
    /*                       hex digit           CR                LF             ; space tab         other */
    [CHUNK_SIZE] =         { CHUNK_SIZE,         CHUNK_SIZE_LF,    NO,            CHUNK_EXTENSION,    NO },
    [CHUNK_EXTENSION] =    { CHUNK_EXTENSION,    CHUNK_SIZE_LF,    NO,            CHUNK_EXTENSION,    CHUNK_EXTENSION },
    [CHUNK_SIZE_LF] =      { NO,                 NO,               CHUNK_BYTES,   NO,                 NO },
    [CHUNK_BYTES] =        { NO,                 NO,               NO,            NO,                 NO },
    [CHUNK_CR] =           { NO,                 CHUNK_LF,         NO,            NO,                 NO },
    [CHUNK_LF] =           { NO,                 NO,               CHUNK_SIZE,    NO,                 NO },
    [CHUNK_TRAILER] =      { CHUNK_TRAILER_TEXT, CHUNK_LAST_LF,    NO,            CHUNK_TRAILER_TEXT, CHUNK_TRAILER_TEXT },
    [CHUNK_TRAILER_TEXT] = { CHUNK_TRAILER_TEXT, CHUNK_TRAILER_LF, NO,            CHUNK_TRAILER_TEXT, CHUNK_TRAILER_TEXT },
    [CHUNK_TRAILER_LF] =   { NO,                 NO,               CHUNK_TRAILER, NO,                 NO },
    [CHUNK_LAST_LF] =      { NO,                 NO,               CHUNK_DONE,    NO,                 NO },
};
#undef NO
/* clang-format on */

/* One byte outside of data. */
static int take_framing(struct hook_chunks *chunks, char c)
{
    int next = after[chunks->state][class_of(c)];
    if (chunks->state == CHUNK_SIZE && next == CHUNK_SIZE) {
        chunks->left = chunks->left * 16 + (uint64_t)hex_value(c);
        return ++chunks->digits > 15 ? CHUNK_BROKEN : CHUNK_SIZE;
    }
    if (chunks->state == CHUNK_SIZE && chunks->digits == 0) {
        return CHUNK_BROKEN;
    }
    if (chunks->state == CHUNK_LF) {
        chunks->digits = 0;
    }
    /* A size of nothing is the end; trailers may follow. */
    return next == CHUNK_BYTES && chunks->left == 0 ? CHUNK_TRAILER : next;
}

enum hook_step hook_chunk(struct hook_chunks *chunks, const char **at, const char *end,
                          const char **ret_data, size_t *ret_len)
{
    while (chunks->state != CHUNK_DONE && chunks->state != CHUNK_BROKEN && *at < end) {
        if (chunks->state == CHUNK_BYTES) {
            size_t n = (size_t)(end - *at);
            n = n < chunks->left ? n : (size_t)chunks->left;
            *ret_data = *at;
            *ret_len = n;
            *at += n;
            chunks->left -= n;
            chunks->spent = 0;
            chunks->state = chunks->left > 0 ? CHUNK_BYTES : CHUNK_CR;
            return HOOK_DATA;
        }
        chunks->state =
            ++chunks->spent > FRAMING_MAX ? CHUNK_BROKEN : take_framing(chunks, **at);
        *at += 1;
    }
    return chunks->state == CHUNK_DONE     ? HOOK_END
           : chunks->state == CHUNK_BROKEN ? HOOK_BAD
                                           : HOOK_MORE;
}
