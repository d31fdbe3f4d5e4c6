/* SPDX-License-Identifier: MIT */
#include "engine/service/local_credential.h"

#include <strings.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/io/secret.h"
#include "engine/service/local_mirror.h"

#define ASKED        "SIGNALBOX_CREDENTIAL" /* folder of the effect */
#define HELPER       "SIGNALBOX_HELPER"     /* path of this program */
#define QUESTION_MAX 65536
/* GitHub takes a token as the password of any name, and calls it so (docs.github.com,
 * "Authenticating as a GitHub App installation"). */
#define USER_NAME "x-access-token"

/* Git appends the operation: only "get" is answered; nothing is stored or erased. The
 * shell sees this text and no other. */
const char credential_helper[] =
    "!f() { test \"$1\" != get || exec \"$" HELPER "\" __run \"$" ASKED "\"; }; f";

static bool is_http(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0;
}

bool credential_is_wanted(const struct order *order, const char *url)
{
    return is_http(url) && secret_is_set(&order->forge_token);
}

void credential_env(struct env *env, const struct order *order)
{
    /* The very program that runs, also when its file was replaced meanwhile. */
    AUTO_FREE char *self = mem_printf("/proc/%ld/exe", (long)getpid());
    env_set(env, HELPER, self);
    env_set(env, ASKED, order->folder);
    if (order->forge_token.env != NULL && order->forge_token.env[0] != '\0') {
        env_inherit(env, order->forge_token.env);
    }
}

bool credential_is_asked(const char *folder)
{
    const char *asked = getenv(ASKED); // NOLINT(concurrency-mt-unsafe): the only thread
    return asked != NULL && strcmp(asked, folder) == 0;
}

/* Value of a line "KEY=value" of the question, malloc'd; "" when there is none. */
static char *value_of(const char *question, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = question; *at != '\0';) {
        size_t n = strcspn(at, "\n");
        if (n > len && strncmp(at, key, len) == 0 && at[len] == '=') {
            return mem_strn(at + len + 1, n - len - 1);
        }
        at += n + (at[n] == '\n');
    }
    return mem_str("");
}

bool credential_fits(const char *question, const char *url)
{
    AUTO_FREE char *protocol = value_of(question, "protocol");
    AUTO_FREE char *host = value_of(question, "host");
    const char *colon = strstr(url, "://");
    if (!is_http(url) || colon == NULL || host[0] == '\0' ||
        strlen(protocol) != (size_t)(colon - url) ||
        strncasecmp(protocol, url, strlen(protocol)) != 0) {
        return false;
    }
    const char *from = colon + 3, *end = from + strcspn(from, "/?#");
    const char *at = memchr(from, '@', (size_t)(end - from));
    from = at != NULL ? at + 1 : from;
    return strlen(host) == (size_t)(end - from) &&
           strncasecmp(host, from, strlen(host)) == 0;
}

static char *read_question(void)
{
    struct buf buf;
    char chunk[4096];
    buf_init(&buf, QUESTION_MAX);
    for (ssize_t n; (n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0;) {
        if (!buf_add(&buf, chunk, (size_t)n)) {
            break;
        }
    }
    return buf_take(&buf, NULL);
}

static bool put(const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t n = write(STDOUT_FILENO, text, len);
        if (n <= 0) {
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return true;
}

int credential_main(const char *folder)
{
    struct err err = ERR_INIT;
    struct order *order = order_read(folder, &err);
    AUTO_FREE char *url = order != NULL ? mirror_url(order, &err) : NULL;
    AUTO_FREE char *question = read_question();
    char *token = NULL;
    bool done = url != NULL && credential_fits(question, url) &&
                secret_fetch(&order->forge_token, &token, &err);
    if (done && strpbrk(token, "\r\n") == NULL) {
        done = put("username=" USER_NAME "\npassword=") && put(token) && put("\n");
    } else if (err.msg[0] != '\0') {
        (void)fprintf(stderr, "error: the forge's token: %s\n", err.msg);
    }
    secret_wipe(token);
    order_free(order);
    return done ? 0 : 1;
}
