/* SPDX-License-Identifier: MIT */
/* Bell: rings arrive, are coalesced, say the fault, and end with the engine. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "store/bell.h"
#include "tests/lib/place.h"

static bool is_readable(int fd, int wait_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, wait_ms) == 1;
}

static struct bell *must_open(const char *path)
{
    struct err err = ERR_INIT;
    struct bell *bell = bell_open(path, &err);
    if (bell == NULL) {
        fail_msg("%s", err.msg);
    }
    return bell;
}

/* Until the connection was accepted. */
static void serve_until(struct bell *bell, int listeners)
{
    for (int i = 0; i < 1000 && bell_listeners(bell) != listeners; i++) {
        (void)is_readable(bell_fd(bell), 10);
        (void)bell_serve(bell);
    }
    assert_int_equal(bell_listeners(bell), listeners);
}

static void test_rings_both_ways(void **state)
{
    struct place *place = *state;
    assert_null(bell_connect(place->path));
    struct bell *bell = must_open(place->path);
    struct bell_client *client = bell_connect(place->path);
    assert_non_null(client);
    serve_until(bell, 1);
    assert_true(is_readable(bell_client_fd(client), 1000)); /* hears the state at once */
    assert_true(bell_client_heard(client));
    assert_false(is_readable(bell_client_fd(client), 0));
    for (int i = 0; i < 100000; i++) { /* nobody reads: dropped, never blocked */
        bell_ring(bell);
    }
    assert_true(is_readable(bell_client_fd(client), 1000));
    assert_true(bell_client_heard(client));
    assert_false(bell_serve(bell)); /* no client rang */
    bell_client_ring(client);
    assert_true(is_readable(bell_fd(bell), 1000));
    assert_true(bell_serve(bell));
    assert_false(bell_serve(bell));
    bell_disconnect(client);
    serve_until(bell, 0);
    bell_ring(bell);
    bell_close(bell);
    bell_close(NULL);
    bell_disconnect(NULL);
}

static void test_says_the_fault(void **state)
{
    struct place *place = *state;
    struct bell *bell = must_open(place->path);
    struct bell_client *client = bell_connect(place->path);
    assert_non_null(client);
    serve_until(bell, 1);
    assert_true(bell_client_heard(client));
    assert_int_equal(bell_client_fault(client), ERR_NONE);
    for (int i = 0; i < 100000; i++) { /* even when the socket was full before */
        bell_ring(bell);
    }
    bell_set_fault(bell, ERR_FULL);
    for (int i = 0; i < 100 && bell_client_fault(client) != ERR_FULL; i++) {
        assert_true(is_readable(bell_client_fd(client), 1000) || i > 0);
        assert_true(bell_client_heard(client));
        (void)bell_serve(bell);
    }
    assert_int_equal(bell_client_fault(client), ERR_FULL);
    struct bell_client *late = bell_connect(place->path);
    assert_non_null(late);
    serve_until(bell, 2);
    assert_true(is_readable(bell_client_fd(late), 1000));
    assert_true(bell_client_heard(late));
    assert_int_equal(bell_client_fault(late), ERR_FULL);
    bell_close(bell);
    assert_true(is_readable(bell_client_fd(late), 1000));
    assert_false(bell_client_heard(late)); /* the engine has gone */
    assert_null(bell_connect(place->path));
    bell_disconnect(late);
    bell_disconnect(client);
}

static void test_private_and_stale(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    mode_t old = umask(0);
    struct bell *bell = must_open(place->path);
    (void)umask(old);
    AUTO_FREE char *name = mem_printf("%s-bell", place->path);
    struct stat st;
    assert_int_equal(lstat(name, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_null(bell_open(place->path, &err)); /* alive: not replaced */
    assert_int_equal(err.code, ERR_EXISTS);
    bell_close(bell);
    assert_int_not_equal(lstat(name, &st), 0);

    /* What an engine that was killed left behind. */
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    assert_true(snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", name) > 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
    assert_null(bell_connect(place->path));
    bell = must_open(place->path);
    bell_close(bell);
}

static void test_keeps_what_is_no_socket(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    AUTO_FREE char *name = mem_printf("%s-bell", place->path);
    AUTO_FREE char *other = mem_printf("%s/other", place->folder);
    assert_true(file_write(other, "x", 1, &err));
    assert_int_equal(symlink(other, name), 0);
    assert_null(bell_open(place->path, &err));
    assert_null(bell_connect(place->path));
    assert_true(file_exists(other));
    struct stat st;
    assert_int_equal(lstat(name, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void test_long_paths(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    char long_name[201];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    AUTO_FREE char *folder = mem_printf("%s/%s/%s", place->folder, long_name, long_name);
    assert_true(file_make_dirs(folder, &err));
    const char *const names[] = {"s.db", long_name};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *path = file_join(folder, names[i]);
        struct bell *bell = must_open(path);
        struct bell_client *client = bell_connect(path);
        assert_non_null(client);
        serve_until(bell, 1);
        bell_disconnect(client);
        bell_close(bell);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_rings_both_ways),   PLACE_TEST(test_says_the_fault),
        PLACE_TEST(test_private_and_stale), PLACE_TEST(test_keeps_what_is_no_socket),
        PLACE_TEST(test_long_paths),
    };
    return cmocka_run_group_tests_name("bell", tests, NULL, NULL);
}
