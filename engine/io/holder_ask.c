/* SPDX-License-Identifier: MIT */
/* What runners do with a holder: start, ask, end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/io/holder.h"
#include "engine/io/holder_private.h"
#include "engine/io/process.h"

#define START_TIME     ((struct span){30000})
#define SEND_TIME      ((struct span){60000})
#define ANSWER_TIME    ((struct span){20000}) /* beyond the request's own */
#define END_TIME       ((struct span){30000})
#define LINE_MAX_BYTES (256 * 1024 * 1024)

void holder_address(int folder_fd, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
                   "/proc/self/fd/%d/" HOLDER_SOCKET, folder_fd);
}

int holder_ms_until(struct wall at)
{
    int64_t left = wall_since(at, wall_now()).ms;
    return left < 0 ? 0 : left < 60000 ? (int)left : 60000;
}

bool holder_send(int fd, const char *bytes, size_t len, struct wall until)
{
    while (len > 0) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        } else if (poll(&poll_fd, 1, holder_ms_until(until)) == 0 &&
                   wall_since(wall_now(), until).ms >= 0) {
            return false;
        }
    }
    return true;
}

/* ---- starting -------------------------------------------------------------------------
 */

NORETURN static void be_holder(const char *folder, char *const *envp, int report)
{
    char program[] = "signalbox-run", verb[] = "__hold";
    AUTO_FREE char *place = mem_str(folder);
    char *const argv[] = {program, verb, place, NULL};
    sigset_t none;
    (void)sigemptyset(&none); /* cannot fail */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (setsid() < 0 || null < 0 || dup2(null, 0) < 0 || dup2(report, 1) < 0 ||
        dup2(null, 2) < 0) {
        _exit(127);
    }
    (void)syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL); /* cannot fail */
    (void)execve("/proc/self/exe", argv, envp);      /* returns only to fail */
    _exit(127);
}

/* The line that it reports with. */
static bool read_report(int fd, struct err *err)
{
    char line[600] = {0};
    size_t len = 0;
    struct wall until = wall_add(wall_now(), START_TIME);
    while (len + 1 < sizeof(line) && strchr(line, '\n') == NULL) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&poll_fd, 1, holder_ms_until(until)) > 0
                        ? read(fd, line + len, sizeof(line) - 1 - len)
                        : 0;
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    if (strcmp(line, "ready\n") == 0) {
        return true;
    }
    char *end = line;
    int number = strncmp(line, "failed ", 7) == 0 ? (int)strtol(line + 7, &end, 10) : 0;
    char text[400];
    err_set(err, ERR_IO, "%s",
            end > line + 7 ? text_clean_into(text, sizeof(text), end + (*end == ' '))
                           : "the holder did not start");
    err->sys = number;
    return false;
}

bool holder_start(const struct order *order, struct env *env, struct err *err)
{
    int fds[2];
    holder_stop(order);
    env_set(env, "SIGNALBOX_HOLDER", order->workflow_folder);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return err_sys(err, "pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        be_holder(order->folder, env->entries, fds[1]);
    }
    (void)close(fds[1]); /* so that its end is seen */
    AUTO_CLOSE int report = fds[0];
    return pid > 0 ? read_report(report, err) : err_sys(err, "fork");
}

/* ---- asking ---------------------------------------------------------------------------
 */

static int reach(const struct order *order)
{
    struct sockaddr_un address;
    AUTO_CLOSE int folder =
        open(order->workflow_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    holder_address(folder, &address);
    if (fd >= 0 &&
        (folder < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)) {
        (void)close(fd); /* nobody is there */
        fd = -1;
    }
    return fd;
}

bool holder_exists(const struct order *order)
{
    AUTO_CLOSE int fd = reach(order);
    return fd >= 0;
}

static enum holder_end gone(const struct order *order, struct err *err)
{
    struct err ignored = ERR_INIT;
    AUTO_FREE char *path = file_join(order->workflow_folder, HOLDER_WHY);
    AUTO_FREE char *why = NULL;
    char text[300];
    bool is_told = file_read(path, HOLDER_WHY_MAX, &why, NULL, &ignored);
    err_set(err, ERR_NOT_FOUND, "the sandbox is gone (%s)",
            is_told ? text_clean_into(text, sizeof(text), why) : "its holder vanished");
    return HOLDER_GONE;
}

static enum holder_end read_answer(int fd, struct wall until, int stop_fd,
                                   struct buf *line)
{
    static char chunk[65536];
    while (line->len == 0 || line->data[line->len - 1] != '\n') {
        struct pollfd fds[] = {
            {.fd = fd,      .events = POLLIN},
            {.fd = stop_fd, .events = POLLIN}
        };
        int n = poll(fds, ARRAY_LEN(fds), holder_ms_until(until));
        if (n > 0 && fds[1].revents != 0) {
            return HOLDER_STOPPED;
        }
        if (n > 0) {
            ssize_t got = read(fd, chunk, sizeof(chunk));
            if (got == 0 || (got < 0 && errno != EINTR) ||
                (got > 0 && !buf_add(line, chunk, (size_t)got))) {
                return HOLDER_GONE;
            }
        } else if (wall_since(wall_now(), until).ms >= 0) {
            return HOLDER_GONE;
        }
    }
    return HOLDER_ANSWERED;
}

/* time 0: the holder waits as long as it takes, and so do we. */
static struct wall give_up_at(struct span time)
{
    const struct span ever = {HOLDER_IDLE.ms};
    return wall_add(wall_add(wall_now(), time.ms > 0 ? time : ever), ANSWER_TIME);
}

enum holder_end holder_ask(const struct order *order, const struct buf *request,
                           struct span time, int stop_fd, struct json **ret_answer,
                           struct err *err)
{
    AUTO_BUF struct buf line;
    AUTO_CLOSE int fd = reach(order);
    buf_init(&line, LINE_MAX_BYTES);
    if (fd < 0 ||
        !holder_send(fd, request->data, request->len, wall_add(wall_now(), SEND_TIME))) {
        return gone(order, err);
    }
    enum holder_end end = read_answer(fd, give_up_at(time), stop_fd, &line);
    if (end != HOLDER_ANSWERED) {
        return end == HOLDER_GONE ? gone(order, err) : end;
    }
    struct json *root = json_parse(line.data, line.len, err);
    const char *type = json_str(json_get(root, "error"), "type", "");
    if (root == NULL || strcmp(type, HOLDER_DEAD_ERROR) == 0) {
        char text[300];
        err_set(err, ERR_NOT_FOUND, "the sandbox is gone (%s)",
                text_clean_into(text, sizeof(text),
                                json_str(json_get(root, "error"), "message", "garbage")));
        json_free(root);
        return HOLDER_GONE;
    }
    if (strcmp(type, HOLDER_LATE_ERROR) == 0) {
        json_free(root);
        return HOLDER_LATE;
    }
    *ret_answer = root;
    return HOLDER_ANSWERED;
}

/* ---- ending ---------------------------------------------------------------------------
 */

void holder_stop(const struct order *order)
{
    static const char words[] = "{\"method\":\"" HOLDER_END "\"}\n";
    AUTO_FREE char *socket_path = file_join(order->workflow_folder, HOLDER_SOCKET);
    AUTO_FREE char *why_path = file_join(order->workflow_folder, HOLDER_WHY);
    AUTO_FREE char *mark = mem_printf("SIGNALBOX_HOLDER=%s", order->workflow_folder);
    if (!file_exists(socket_path) && !file_exists(why_path)) {
        return; /* there never was one */
    }
    AUTO_CLOSE int fd = reach(order);
    struct wall until = wall_add(wall_now(), END_TIME);
    AUTO_BUF struct buf line;
    buf_init(&line, 1);
    if (fd >= 0 && holder_send(fd, words, sizeof(words) - 1, until)) {
        (void)read_answer(fd, until, -1, &line); /* its end is the answer */
    }
    process_kill_marked(mark); /* what it could not end itself */
    (void)unlink(socket_path);
    (void)unlink(why_path);
}
