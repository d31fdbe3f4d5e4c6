/* SPDX-License-Identifier: MIT */

/*
 * A listener with a real store behind it, to post payloads to: prints its port, ends at
 * SIGTERM and then says what is in the store.
 */
#include <signal.h>

#include "engine/base/mem.h"
#include "engine/service/forge_event.h"
#include "tests/conformance/conform.h"
#include "tests/lib/visitor.h"

static void wait_for_term(void)
{
    sigset_t set;
    int got = 0;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigwait(&set, &got);
}

void conform_listener(const char *store)
{
    struct err err = ERR_INIT;
    struct clerk clerk;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* before there are threads */
    clerk_init(&clerk, store);
    if (!clerk_open(&clerk, &err)) {
        printf("Bail out! %s\n", err.msg);
        return;
    }
    printf("listening on %d\n", listener_port(clerk.listener));
    (void)fflush(stdout);
    wait_for_term();
    char why[WHY_MAX];
    long kept = atomic_load(&clerk.n_kept), rejected = atomic_load(&clerk.n_rejected);
    (void)snprintf(why, sizeof(why), "%ld kept, %ld rejected", kept, rejected);
    report(kept == 2 * CONFORM_PAYLOADS && rejected == 0,
           "listener: every payload reached the store, none was turned away", why);
    clerk_close(&clerk);
}
