/* SPDX-License-Identifier: MIT */

/*
 * Secrets of the listener, read anew each minute so that they can be rotated without a
 * restart. A command may take its time, so a thread of their own reads them; one that
 * cannot be read any more keeps its last value.
 */
#include <errno.h>
#include <time.h>

#include "engine/io/listener_private.h"
#include "engine/io/secret.h"

#define REREAD_S 60

struct keeper {
    const struct listener_spec *spec;
    pthread_t thread;
    bool has_thread;
    struct secret_values *values; /* listener thread only */
    pthread_mutex_t lock;
    pthread_cond_t ends;
    /* under lock */
    bool is_ending;
    struct secret_values *fresh;
};

static void values_free(struct secret_values *values)
{
    if (values != NULL) {
        for (size_t i = 0; i < values->n_hooks; i++) {
            secret_wipe(values->hooks[i]);
        }
        secret_wipe(values->token);
        digest_forget(values->users, sizeof(values->users));
        free(values);
    }
}

/* Of a user's token only the digest is kept: nothing else is needed to know it again. */
static bool read_user(const struct listener_user *user, uint8_t digest[DIGEST_LEN],
                      struct err *err)
{
    char *token = NULL;
    if (!secret_fetch(&user->secret, &token, err)) {
        return false;
    }
    size_t len = strlen(token);
    digest_sha256(token, len, digest);
    secret_wipe(token);
    return len >= TOKEN_MIN ||
           err_set(err, ERR_CONFIG, "too short; expected at least %d characters",
                   TOKEN_MIN);
}

static bool read_users(const struct listener_spec *spec, struct secret_values *values,
                       struct err *err)
{
    for (size_t i = 0; i < spec->n_users && i < LISTENER_USERS; i++) {
        if (!read_user(&spec->users[i], values->users[i], err)) {
            return err_wrap(err, "listener: token of %s", spec->users[i].user);
        }
        values->n_users++;
    }
    return true;
}

/* NULL with err when one of them cannot be read. */
static struct secret_values *read_values(const struct listener_spec *spec,
                                         struct err *err)
{
    struct secret_values *values = mem_alloc(sizeof(*values));
    for (size_t i = 0; i < spec->n_secrets && i < LISTENER_SECRETS; i++) {
        char *secret = NULL;
        if (!secret_fetch(&spec->secrets[i], &secret, err)) {
            (void)err_wrap(err, "listener: webhook secret %zu", i + 1);
            values_free(values);
            return NULL;
        }
        values->lens[values->n_hooks] = strlen(secret);
        values->hooks[values->n_hooks++] = secret;
    }
    if (secret_is_set(&spec->token) && !secret_fetch(&spec->token, &values->token, err)) {
        (void)err_wrap(err, "listener: token");
        values_free(values);
        return NULL;
    }
    if (!read_users(spec, values, err)) {
        values_free(values);
        return NULL;
    }
    return values;
}

static void *keeper_main(void *user)
{
    struct keeper *keeper = user;
    struct timespec at;
    (void)pthread_setname_np(pthread_self(), "secrets");
    (void)pthread_mutex_lock(&keeper->lock);
    while (!keeper->is_ending) {
        (void)clock_gettime(CLOCK_REALTIME, &at); /* what the condition counts in */
        at.tv_sec += REREAD_S;
        if (pthread_cond_timedwait(&keeper->ends, &keeper->lock, &at) != ETIMEDOUT) {
            continue;
        }
        (void)pthread_mutex_unlock(&keeper->lock);
        struct err err = ERR_INIT;
        struct secret_values *values = read_values(keeper->spec, &err);
        (void)pthread_mutex_lock(&keeper->lock);
        if (values != NULL) {
            values_free(keeper->fresh);
            keeper->fresh = values;
        }
    }
    (void)pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

/* Variables of this process do not change. */
static bool is_fixed(const struct secret_source *source)
{
    return !secret_is_set(source) || (source->env != NULL && source->env[0] != '\0');
}

static bool may_change(const struct listener_spec *spec)
{
    bool may = !is_fixed(&spec->token);
    for (size_t i = 0; i < spec->n_secrets; i++) {
        may = may || !is_fixed(&spec->secrets[i]);
    }
    for (size_t i = 0; i < spec->n_users; i++) {
        may = may || !is_fixed(&spec->users[i].secret);
    }
    return may;
}

struct keeper *keeper_new(const struct listener_spec *spec, struct err *err)
{
    struct secret_values *values = read_values(spec, err);
    if (values == NULL) {
        return NULL;
    }
    struct keeper *keeper = mem_alloc(sizeof(*keeper));
    keeper->spec = spec;
    keeper->values = values;
    (void)pthread_mutex_init(&keeper->lock, NULL); /* default attributes cannot fail */
    (void)pthread_cond_init(&keeper->ends, NULL);
    if (may_change(spec)) {
        keeper->has_thread =
            pthread_create(&keeper->thread, NULL, keeper_main, keeper) == 0;
    }
    return keeper;
}

void keeper_free(struct keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&keeper->lock);
    keeper->is_ending = true;
    (void)pthread_cond_signal(&keeper->ends);
    (void)pthread_mutex_unlock(&keeper->lock);
    if (keeper->has_thread) {
        (void)pthread_join(keeper->thread, NULL); /* it was started and is joined once */
    }
    (void)pthread_mutex_destroy(&keeper->lock);
    (void)pthread_cond_destroy(&keeper->ends);
    values_free(keeper->fresh);
    values_free(keeper->values);
    free(keeper);
}

const struct secret_values *keeper_get(struct keeper *keeper)
{
    (void)pthread_mutex_lock(&keeper->lock);
    struct secret_values *fresh = TAKE(keeper->fresh);
    (void)pthread_mutex_unlock(&keeper->lock);
    if (fresh != NULL) {
        values_free(keeper->values);
        keeper->values = fresh;
    }
    return keeper->values;
}
