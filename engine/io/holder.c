/* SPDX-License-Identifier: MIT */
/* The holder itself. Its clients are in holder_ask.c. */
#include "engine/io/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/io/holder_private.h"
#include "engine/io/talk.h"

#define LOOK_EVERY   ((struct span){5000})  /* is the folder still there? */
#define REQUEST_TIME ((struct span){10000}) /* for a client to send or take a line */
#define CLOSE_TIME   ((struct span){15000}) /* for a bridge to close its sandboxes */
#define KILL_TIME    ((struct span){200})   /* the same, when it does not answer */
#define WORDS_MAX    1500                   /* of the bridge's last words on stderr */
#define SLACK        4096                   /* beside the largest message */

struct holder {
    const struct order *order;
    struct talk talk;
    int folder_fd, listen_fd, signal_fd;
    int idle_poll, busy_poll; /* epoll: listen + signal; client + signal */
    struct buf in;            /* of the bridge, from the start of a line */
    char words[WORDS_MAX + 1];
    size_t n_words;
    int64_t last_id;
    struct wall used_at;
    bool is_over, is_hung; /* is_hung: do not wait for the bridge */
    char *why;
};

static bool is_folder_gone(const struct holder *holder)
{
    struct stat st;
    return fstat(holder->folder_fd, &st) != 0 || st.st_nlink == 0;
}

/* From now on nobody else gets in, and who comes finds out why. Before the last client is
 * answered, so that it does. */
static void finish(struct holder *holder, bool is_hung, char *why)
{
    struct err err = ERR_INIT;
    if (holder->is_over) {
        free(why);
        return;
    }
    holder->is_over = true;
    holder->is_hung = is_hung;
    holder->why = why;
    if (!is_folder_gone(holder)) {
        AUTO_FREE char *path = file_join(holder->order->workflow_folder, HOLDER_WHY);
        bool is_kept = file_write(path, why, strlen(why), &err);
        (void)is_kept; /* only for people */
    }
    (void)unlinkat(holder->folder_fd, HOLDER_SOCKET, 0);
}

/* ---- the bridge -----------------------------------------------------------------------
 */

static void on_out(void *user, const char *bytes, size_t len)
{
    struct holder *holder = user;
    (void)buf_add(&holder->in, bytes, len); /* is_cut is looked at */
}

static void on_err(void *user, const char *bytes, size_t len)
{
    struct holder *holder = user;
    if (len >= WORDS_MAX) {
        bytes += len - WORDS_MAX;
        len = WORDS_MAX;
    }
    if (holder->n_words + len > WORDS_MAX) {
        size_t gone = holder->n_words + len - WORDS_MAX;
        memmove(holder->words, holder->words + gone, holder->n_words - gone);
        holder->n_words -= gone;
    }
    memcpy(holder->words + holder->n_words, bytes, len);
    holder->n_words += len;
}

static void bridge_ended(struct holder *holder)
{
    AUTO_FREE char *how = talk_how_it_ended(&holder->talk);
    AUTO_BUF struct buf words;
    buf_init(&words, WORDS_MAX);
    text_clean(&words, holder->words, holder->n_words, TEXT_ONE_LINE);
    finish(holder, true,
           mem_printf("the bridge %s%s%s", how, words.len > 0 ? ": " : "", words.data));
}

/* The line that answers request `id`, out of what has come; lines that are no answers are
 * dropped. NULL: not yet. */
static char *take_line(struct holder *holder, int64_t id)
{
    struct err err = ERR_INIT;
    char *newline;
    while ((newline = memchr(holder->in.data, '\n', holder->in.len)) != NULL) {
        size_t len = (size_t)(newline - holder->in.data);
        struct json *root = json_parse(holder->in.data, len, &err);
        bool is_it = json_is_an_object(root) && json_int(root, "id", 0) == id;
        char *line = is_it ? mem_strn(holder->in.data, len + 1) : NULL;
        json_free(root);
        holder->in.len -= len + 1;
        memmove(holder->in.data, newline + 1, holder->in.len);
        holder->in.data[holder->in.len] = '\0';
        if (line != NULL) {
            return line;
        }
    }
    if (holder->in.is_cut) {
        finish(holder, true, mem_str("the bridge sent a line that is too long"));
    }
    return NULL;
}

/* ---- one request ----------------------------------------------------------------------
 */

static void answer_error(int client, const char *type, const char *text)
{
    AUTO_BUF struct buf line;
    struct jsonw w;
    buf_init(&line, HOLDER_WHY_MAX * 8);
    jsonw_init(&w, &line);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "error", '{');
    jsonw_str(&w, "type", type);
    jsonw_str(&w, "message", text);
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    (void)buf_char(&line, '\n');
    /* a client that does not listen misses it */
    (void)holder_send(client, line.data, line.len, wall_add(wall_now(), REQUEST_TIME));
}

/* A whole line of the client; false when none comes. */
static bool read_request(int client, struct buf *line)
{
    static char chunk[65536];
    struct wall until = wall_add(wall_now(), REQUEST_TIME);
    while (line->len == 0 || line->data[line->len - 1] != '\n') {
        struct pollfd fd = {.fd = client, .events = POLLIN};
        int n = poll(&fd, 1, holder_ms_until(until));
        ssize_t got = n > 0 ? read(client, chunk, sizeof(chunk)) : 0;
        if (n == 0 || (n > 0 && got == 0) ||
            (n > 0 && got < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        if (got > 0 && !buf_add(line, chunk, (size_t)got)) {
            return false;
        }
    }
    return true;
}

/* Until the answer has come, or the holder is over. */
static char *wait_for_answer(struct holder *holder, struct buf *out, int64_t id,
                             struct wall until)
{
    char *line = NULL;
    while (!holder->is_over && (line = take_line(holder, id)) == NULL) {
        switch (talk_wait(&holder->talk, out, until, holder->busy_poll)) {
        case TALK_SPOKE:
            break;
        case TALK_TIME:
            finish(holder, true, mem_str("the bridge did not answer in time"));
            break;
        case TALK_OTHER:
            finish(holder, true,
                   mem_str("nobody waited for the answer of the bridge any more"));
            break;
        case TALK_ENDED:
            line = take_line(holder, id);
            bridge_ended(holder);
            return line;
        }
    }
    return line;
}

static void pass_on(struct holder *holder, int client, const struct json *request)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    AUTO_FREE char *params = json_format(json_get(request, "params"));
    int64_t id = ++holder->last_id, time = json_int(request, "time_ms", 0);
    buf_init(&out, holder->in.max + SLACK);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "id", id);
    jsonw_str(&w, "method", json_str(request, "method", ""));
    jsonw_raw(&w, "params", params, strlen(params));
    jsonw_close(&w, '}');
    (void)buf_char(&out, '\n');
    struct wall until =
        time > 0 ? wall_add(wall_now(), (struct span){time}) : (struct wall){0};
    AUTO_FREE char *line = wait_for_answer(holder, &out, id, until);
    if (line != NULL) {
        (void)holder_send(client, line, strlen(line),
                          wall_add(wall_now(), REQUEST_TIME)); /* or it has left */
    } else {
        bool is_late = strstr(holder->why, "in time") != NULL;
        answer_error(client, is_late ? HOLDER_LATE_ERROR : HOLDER_DEAD_ERROR,
                     holder->why);
    }
}

static void serve(struct holder *holder, int client)
{
    AUTO_BUF struct buf line;
    struct err err = ERR_INIT;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
    buf_init(&line, holder->in.max);
    if (!read_request(client, &line) ||
        epoll_ctl(holder->busy_poll, EPOLL_CTL_ADD, client, &event) != 0) {
        return;
    }
    struct json *request = json_parse(line.data, line.len, &err);
    buf_fini(&line);
    if (strcmp(json_str(request, "method", ""), HOLDER_END) == 0) {
        finish(holder, false, mem_str("it was told to end"));
        /* answered when it is over: the client waits for the end of the connection */
    } else {
        pass_on(holder, client, request);
    }
    json_free(request);
    (void)epoll_ctl(holder->busy_poll, EPOLL_CTL_DEL, client, NULL); /* it is in there */
    holder->used_at = wall_now();
}

/* ---- life -----------------------------------------------------------------------------
 */

static void look_around(struct holder *holder)
{
    struct pollfd fds[] = {
        {.fd = holder->signal_fd, .events = POLLIN},
        {.fd = holder->listen_fd, .events = POLLIN}
    };
    if (poll(fds, ARRAY_LEN(fds), 0) > 0 && fds[0].revents != 0) {
        finish(holder, false, mem_str("it was told to end by a signal"));
    } else if (fds[1].revents != 0) {
        AUTO_CLOSE int client =
            accept4(holder->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0) {
            serve(holder, client);
            if (holder->is_over && !holder->is_hung) {
                talk_close(&holder->talk, CLOSE_TIME); /* before the client goes on */
            }
        }
    }
}

static void live(struct holder *holder)
{
    while (!holder->is_over) {
        struct wall until = wall_add(wall_now(), LOOK_EVERY);
        switch (talk_wait(&holder->talk, NULL, until, holder->idle_poll)) {
        case TALK_SPOKE:
            free(take_line(holder, -1)); /* nobody asked */
            break;
        case TALK_OTHER:
            look_around(holder);
            break;
        case TALK_ENDED:
            bridge_ended(holder);
            break;
        case TALK_TIME:
            if (is_folder_gone(holder)) {
                finish(holder, false, mem_str("the workflow's folder is gone"));
            } else if (wall_since(wall_now(), holder->used_at).ms > HOLDER_IDLE.ms) {
                finish(holder, false, mem_str("nobody used it for a long time"));
            }
            break;
        }
    }
}

static bool add_to(int poll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_socket(struct holder *holder, struct err *err)
{
    struct sockaddr_un address;
    sigset_t set;
    (void)sigemptyset(&set); /* cannot fail */
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* cannot fail */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)umask(0177);
    holder->folder_fd =
        open(holder->order->workflow_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (holder->folder_fd < 0) {
        return err_sys(err, "%s", holder->order->workflow_folder);
    }
    holder_address(holder->folder_fd, &address);
    (void)unlinkat(holder->folder_fd, HOLDER_SOCKET, 0);
    (void)unlinkat(holder->folder_fd, HOLDER_WHY, 0);
    holder->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    holder->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    holder->idle_poll = epoll_create1(EPOLL_CLOEXEC);
    holder->busy_poll = epoll_create1(EPOLL_CLOEXEC);
    bool done =
        holder->listen_fd >= 0 &&
        bind(holder->listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        listen(holder->listen_fd, 8) == 0 &&
        add_to(holder->idle_poll, holder->listen_fd) &&
        add_to(holder->idle_poll, holder->signal_fd) &&
        add_to(holder->busy_poll, holder->signal_fd);
    (void)umask(077);
    return done || err_sys(err, "socket of the holder");
}

/* To the runner that waits: one line, "ready" or "failed ERRNO TEXT". */
static void report(const struct err *err)
{
    AUTO_FREE char *line = err == NULL ? mem_str("ready\n")
                                       : mem_printf("failed %d %s\n", err->sys, err->msg);
    ssize_t n = write(1, line, strlen(line));
    (void)n; /* the runner may have died; the next one finds us */
    AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)dup2(null, 1);
}

int holder_main(const char *folder)
{
    struct err err = ERR_INIT;
    struct order *order = order_read(folder, &err);
    struct holder holder = {.order = order,
                            .folder_fd = -1,
                            .listen_fd = -1,
                            .signal_fd = -1,
                            .idle_poll = -1,
                            .busy_poll = -1,
                            .used_at = wall_now()};
    if (order == NULL || !open_socket(&holder, &err)) {
        report(&err);
        return 1;
    }
    const struct talk_spec spec = {
        .argv = order->service_command.argv,
        .envp = environ,
        .folder = order->workflow_folder,
        .name = "hold",
        .on_out = on_out,
        .on_err = on_err,
        .user = &holder,
    };
    int64_t max = order->message_max > 0 ? order->message_max : HOLDER_MESSAGE_MAX;
    buf_init(&holder.in, (size_t)max + SLACK);
    if (!talk_open(&holder.talk, &spec, &err)) {
        (void)unlinkat(holder.folder_fd, HOLDER_SOCKET, 0);
        report(&err);
        return 1;
    }
    report(NULL);
    live(&holder);
    talk_close(&holder.talk, holder.is_hung ? KILL_TIME : CLOSE_TIME);
    free(holder.why);
    buf_fini(&holder.in);
    order_free(order);
    return 0;
}
