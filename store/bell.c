/* SPDX-License-Identifier: MIT */
#include "store/bell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

#define LISTENERS_MAX 256
/* Name of the socket in its folder; "/proc/self/fd/1234567/" comes before it. */
#define NAME_MAX_LEN (sizeof(((struct sockaddr_un *)0)->sun_path) - 24)

struct address {
    int folder; /* O_PATH */
    char name[NAME_MAX_LEN];
};

struct listener {
    int fd;
    bool is_full; /* a byte is under way that it has not read */
};

struct bell {
    struct address address;
    int epoll, socket;
    enum err_code fault;
    struct listener *listeners[LISTENERS_MAX];
    int n;
};

struct bell_client {
    int fd;
    enum err_code fault;
};

/* A name too long for sun_path is replaced by a digest of it, the same on both sides. */
static void make_name(char out[NAME_MAX_LEN], const char *base)
{
    int len = snprintf(out, NAME_MAX_LEN, "%s-bell", base);
    if (len < 0 || (size_t)len >= NAME_MAX_LEN) {
        uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
        for (const char *p = base; *p != '\0'; p++) {
            hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
        }
        (void)snprintf(out, NAME_MAX_LEN, "%016llx-bell", (unsigned long long)hash);
    }
}

/* The folder that really holds the store, so that a link to it leads to the same bell. */
static bool find_address(struct address *address, const char *store_path, struct err *err)
{
    struct err ignored;
    char *real = file_real(store_path, &ignored);
    AUTO_FREE char *path = real != NULL ? real : mem_str(store_path);
    char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    make_name(address->name, base);
    const char *folder = ".";
    if (slash == path) {
        folder = "/";
    } else if (slash != NULL) {
        *slash = '\0';
        folder = path;
    }
    address->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return address->folder >= 0 || err_sys(err, "%s", folder);
}

static socklen_t make_sun(const struct address *address, struct sockaddr_un *sun)
{
    *sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s",
                   address->folder, address->name);
    return (socklen_t)sizeof(*sun);
}

/* Connected, non-blocking, or -1. Only to a socket in its place: no link is followed. */
static int connect_to(const struct address *address)
{
    struct sockaddr_un sun;
    struct stat st;
    if (fstatat(address->folder, address->name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISSOCK(st.st_mode)) {
        return -1;
    }
    socklen_t len = make_sun(address, &sun);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, len) != 0) {
        (void)close(fd); /* nobody listens */
        fd = -1;
    }
    return fd;
}

/* ---- engine side ---------------------------------------------------------------------
 */

/* The caller holds the lease, so what is left here is of an engine that died. Anything
 * but a socket is somebody else's and stays. */
static bool remove_stale(const struct address *address, struct err *err)
{
    struct stat st;
    if (fstatat(address->folder, address->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT || err_sys(err, "%s", address->name);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return err_set(err, ERR_EXISTS, "%s: in the way, and no socket", address->name);
    }
    int fd = connect_to(address);
    if (fd >= 0) {
        (void)close(fd); /* it was only a question */
        return err_set(err, ERR_EXISTS, "%s: another engine listens there",
                       address->name);
    }
    return unlinkat(address->folder, address->name, 0) == 0 ||
           err_sys(err, "%s", address->name);
}

static bool watch(struct bell *bell, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data = {.ptr = what}};
    return epoll_ctl(bell->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool listen_there(struct bell *bell, struct err *err)
{
    struct sockaddr_un sun;
    socklen_t len = make_sun(&bell->address, &sun);
    bell->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bell->epoll = epoll_create1(EPOLL_CLOEXEC);
    /* On Linux bind() makes the file with the mode of the socket, less the umask. */
    if (bell->socket < 0 || bell->epoll < 0 || fchmod(bell->socket, 0600) != 0 ||
        bind(bell->socket, (const struct sockaddr *)&sun, len) != 0) {
        return err_sys(err, "%s", bell->address.name);
    }
    if (listen(bell->socket, 64) != 0 || !watch(bell, bell->socket, bell)) {
        (void)err_sys(err, "%s", bell->address.name);
        (void)unlinkat(bell->address.folder, bell->address.name, 0);
        return false;
    }
    return true;
}

struct bell *bell_open(const char *store_path, struct err *err)
{
    struct bell *bell = mem_alloc(sizeof(*bell));
    bell->address.folder = bell->socket = bell->epoll = -1;
    if (!find_address(&bell->address, store_path, err) ||
        !remove_stale(&bell->address, err) || !listen_there(bell, err)) {
        (void)close(bell->socket);         /* -1 is refused, harmlessly */
        (void)close(bell->epoll);          /* same */
        (void)close(bell->address.folder); /* same */
        free(bell);
        return NULL;
    }
    return bell;
}

static void drop(struct bell *bell, struct listener *listener)
{
    for (int i = 0; i < bell->n; i++) {
        if (bell->listeners[i] == listener) {
            bell->listeners[i] = bell->listeners[--bell->n];
            break;
        }
    }
    /* Taken out by hand: closing is not enough while a child between fork and exec still has
     * a copy of the descriptor, and then events would come for what is freed here. */
    (void)epoll_ctl(bell->epoll, EPOLL_CTL_DEL, listener->fd, NULL);
    (void)close(listener->fd);
    free(listener);
}

void bell_close(struct bell *bell)
{
    if (bell == NULL) {
        return;
    }
    (void)unlinkat(bell->address.folder, bell->address.name, 0); /* gone is fine */
    while (bell->n > 0) {
        drop(bell, bell->listeners[0]);
    }
    (void)close(bell->socket);
    (void)close(bell->epoll);
    (void)close(bell->address.folder);
    free(bell);
}

int bell_fd(const struct bell *bell)
{
    return bell->epoll;
}

int bell_listeners(const struct bell *bell)
{
    return bell->n;
}

/* One byte, the fault. A full socket already holds one that makes the reader look; what
 * it says of the fault may then be old, so it is said again as soon as there is room. */
static bool ring_one(const struct bell *bell, struct listener *listener)
{
    unsigned char byte = (unsigned char)bell->fault;
    ssize_t n = send(listener->fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n == 1) {
        return true;
    }
    if (errno == EAGAIN && !listener->is_full) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLOUT,
                                    .data = {.ptr = listener}};
        listener->is_full =
            epoll_ctl(bell->epoll, EPOLL_CTL_MOD, listener->fd, &event) == 0;
    }
    return errno == EAGAIN || errno == EINTR;
}

void bell_ring(struct bell *bell)
{
    for (int i = bell->n - 1; i >= 0; i--) {
        if (!bell->listeners[i]->is_full && !ring_one(bell, bell->listeners[i])) {
            drop(bell, bell->listeners[i]);
        }
    }
}

void bell_set_fault(struct bell *bell, enum err_code fault)
{
    if (bell->fault != fault) {
        bell->fault = fault;
        bell_ring(bell);
    }
}

static void accept_all(struct bell *bell)
{
    int fd;
    while ((fd = accept4(bell->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct listener *listener = NULL;
        int size = 1; /* the smallest that the kernel allows: rings are coalesced */
        if (bell->n < LISTENERS_MAX) {
            listener = mem_alloc(sizeof(*listener));
            listener->fd = fd;
        }
        if (listener == NULL || !watch(bell, fd, listener)) {
            free(listener);
            (void)close(fd); /* that reader looks from time to time instead */
            continue;
        }
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size,
                         sizeof(size)); /* only thrift */
        bell->listeners[bell->n++] = listener;
        if (!ring_one(bell, listener)) {
            drop(bell, listener);
        }
    }
}

/* False when the client has gone. */
static bool read_rings(const struct listener *listener, bool *ret_rang)
{
    char bytes[256];
    for (;;) {
        ssize_t n = recv(listener->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n > 0) {
            *ret_rang = true;
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            return false;
        } else if (errno == EAGAIN) {
            return true;
        }
    }
}

static void make_room(struct bell *bell, struct listener *listener)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP,
                                .data = {.ptr = listener}};
    (void)epoll_ctl(bell->epoll, EPOLL_CTL_MOD, listener->fd,
                    &event); /* cannot fail here */
    listener->is_full = false;
    if (!ring_one(bell, listener)) {
        drop(bell, listener);
    }
}

bool bell_serve(struct bell *bell)
{
    struct epoll_event events[64];
    bool has_rung = false, has_new = false;
    int n = epoll_wait(bell->epoll, events, (int)ARRAY_LEN(events), 0);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == bell) {
            has_new = true; /* accepted last: a slot freed meanwhile is not mixed up */
            continue;
        }
        struct listener *listener = events[i].data.ptr;
        if (!read_rings(listener, &has_rung)) {
            drop(bell, listener);
        } else if ((events[i].events & EPOLLOUT) != 0) {
            make_room(bell, listener);
        }
    }
    if (has_new) {
        accept_all(bell);
    }
    return has_rung;
}

/* ---- reader side ---------------------------------------------------------------------
 */

struct bell_client *bell_connect(const char *store_path)
{
    struct address address;
    struct err ignored;
    if (!find_address(&address, store_path, &ignored)) {
        return NULL;
    }
    int fd = connect_to(&address);
    (void)close(address.folder);
    if (fd < 0) {
        return NULL;
    }
    struct bell_client *client = mem_alloc(sizeof(*client));
    client->fd = fd;
    return client;
}

void bell_disconnect(struct bell_client *client)
{
    if (client != NULL) {
        (void)close(client->fd);
        free(client);
    }
}

int bell_client_fd(const struct bell_client *client)
{
    return client->fd;
}

bool bell_client_heard(struct bell_client *client)
{
    unsigned char bytes[256];
    for (;;) {
        ssize_t n = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n > 0) {
            unsigned char last = bytes[n - 1];
            client->fault = last < ERR_CODE_COUNT ? (enum err_code)last : ERR_IO;
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            return false;
        } else if (errno == EAGAIN) {
            return true;
        }
    }
}

enum err_code bell_client_fault(const struct bell_client *client)
{
    return client->fault;
}

void bell_client_ring(struct bell_client *client)
{
    /* Full: the engine has not looked yet, and will. Gone: nobody to tell. */
    (void)send(client->fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}
