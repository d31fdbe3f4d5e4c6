/* SPDX-License-Identifier: MIT */

/* The thread that writes commands: what a front end does for itself, done for the network. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "engine/approval/access.h"
#include "engine/io/listener_private.h"

struct sender {
    struct sender_options options;
    struct mailbox *inbox; /* struct ask */
    pthread_t thread;
    bool has_thread;
    atomic_bool is_ending;
};

static void send_one(struct sender *sender, struct ask *ask)
{
    int waits = ASK_WAITS;
    if (atomic_compare_exchange_strong(&ask->state, &waits, ASK_TAKEN)) {
        const struct command_row row = {
            .at = wall_now(),
            .actor = ask->actor,
            .origin = origin_word(ORIGIN_NETWORK),
            .verb = ask->request.verb->name,
            .workflow = ask->request.workflow,
            .args = ask->request.args,
            .key = ask->request.key,
            .answer = -1,
            .message = "",
        };
        ask->id = command_send(sender->options.store, &row, &ask->err);
        if (ask->id > 0 && sender->options.on_command != NULL) {
            sender->options.on_command(sender->options.user);
        }
    }
    if (!mailbox_put(sender->options.done, ask)) {
        BUG("more commands came back than went out");
    }
}

static void *sender_main(void *user)
{
    struct sender *sender = user;
    (void)pthread_setname_np(pthread_self(), "commands");
    while (!atomic_load(&sender->is_ending)) {
        struct pollfd fd = {.fd = mailbox_fd(sender->inbox), .events = POLLIN};
        void *asks[16];
        (void)poll(&fd, 1, -1); /* a signal is blocked here: only what is read ends it */
        size_t n = mailbox_drain(sender->inbox, asks, ARRAY_LEN(asks));
        for (size_t i = 0; i < n && !atomic_load(&sender->is_ending); i++) {
            send_one(sender, asks[i]);
        }
    }
    return NULL;
}

struct sender *sender_start(const struct sender_options *options, struct err *err)
{
    struct sender *sender = mem_alloc(sizeof(*sender));
    sigset_t all, old;
    sender->options = *options;
    sender->inbox = mailbox_new(options->max + 1);
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    errno = pthread_create(&sender->thread, NULL, sender_main, sender);
    sender->has_thread = errno == 0;
    if (!sender->has_thread) {
        (void)err_sys(err, "starting the thread of commands");
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!sender->has_thread) {
        sender_stop(sender);
        return NULL;
    }
    return sender;
}

void sender_stop(struct sender *sender)
{
    if (sender == NULL) {
        return;
    }
    atomic_store(&sender->is_ending, true);
    mailbox_wake(sender->inbox);
    if (sender->has_thread) {
        (void)pthread_join(sender->thread, NULL); /* it was started and is joined once */
    }
    mailbox_free(sender->inbox, NULL); /* what is in it is still among the asks */
    free(sender);
}

bool sender_put(struct sender *sender, struct ask *ask)
{
    return mailbox_put(sender->inbox, ask);
}
