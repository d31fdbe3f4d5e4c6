/* SPDX-License-Identifier: MIT */
#include "engine/base/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

struct mailbox {
    /* immutable after new */
    size_t cap;
    int fd;
    /* under lock */
    pthread_mutex_t lock;
    size_t first, n;
    void *ring[];
};

struct mailbox *mailbox_new(size_t cap)
{
    struct mailbox *mailbox = mem_alloc(sizeof(*mailbox) + cap * sizeof(void *));
    mailbox->cap = cap;
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0) {
        BUG("no file descriptor for a mailbox");
    }
    (void)pthread_mutex_init(&mailbox->lock, NULL); /* default attributes cannot fail */
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox, void (*on_left)(void *message))
{
    if (mailbox == NULL) {
        return;
    }
    for (size_t i = 0; on_left != NULL && i < mailbox->n; i++) {
        on_left(mailbox->ring[(mailbox->first + i) % mailbox->cap]);
    }
    (void)close(mailbox->fd);
    (void)pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

void mailbox_wake(struct mailbox *mailbox)
{
    uint64_t one = 1;
    ssize_t n = write(mailbox->fd, &one, sizeof(one));
    (void)n; /* EAGAIN means it is readable already */
}

bool mailbox_put(struct mailbox *mailbox, void *message)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    bool has_room = mailbox->n < mailbox->cap;
    bool was_empty = mailbox->n == 0;
    if (has_room) {
        mailbox->ring[(mailbox->first + mailbox->n) % mailbox->cap] = message;
        mailbox->n++;
    }
    (void)pthread_mutex_unlock(&mailbox->lock);
    if (has_room && was_empty) {
        mailbox_wake(mailbox);
    }
    return has_room;
}

size_t mailbox_drain(struct mailbox *mailbox, void **messages, size_t max)
{
    uint64_t count;
    ssize_t got = read(mailbox->fd, &count, sizeof(count));
    (void)got; /* EAGAIN: a message may be there all the same */
    (void)pthread_mutex_lock(&mailbox->lock);
    size_t n = mailbox->n < max ? mailbox->n : max;
    for (size_t i = 0; i < n; i++) {
        messages[i] = mailbox->ring[(mailbox->first + i) % mailbox->cap];
    }
    mailbox->first = (mailbox->first + n) % mailbox->cap;
    mailbox->n -= n;
    bool is_left = mailbox->n > 0;
    (void)pthread_mutex_unlock(&mailbox->lock);
    if (is_left) {
        mailbox_wake(mailbox);
    }
    return n;
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->fd;
}
