/* SPDX-License-Identifier: MIT */
/* Lease: one holder, told by pid, given back by death. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/place.h"

static void test_one_holder(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct lease *lease = NULL, *second = NULL;
    int pid = -1;
    assert_false(lease_is_held(place->path, &pid));
    assert_int_equal(lease_take(place->path, &lease, &pid, &err), LEASE_TAKEN);
    assert_true(lease_is_held(place->path, &pid));
    assert_int_equal(pid, getpid());
    pid = -1;
    assert_int_equal(lease_take(place->path, &second, &pid, &err), LEASE_HELD);
    assert_int_equal(pid, getpid());
    assert_null(second);
    lease_give_back(lease);
    assert_false(lease_is_held(place->path, &pid));
    assert_int_equal(lease_take(place->path, &second, &pid, &err), LEASE_TAKEN);
    lease_give_back(second);
    lease_give_back(NULL);
    AUTO_FREE char *name = mem_printf("%s-lock", place->path);
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_makes_its_folder(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct lease *lease = NULL;
    int pid = 0;
    AUTO_FREE char *path = mem_printf("%s/a/b/s.db", place->folder);
    assert_int_equal(lease_take(path, &lease, &pid, &err), LEASE_TAKEN);
    lease_give_back(lease);
    AUTO_FREE char *bad = mem_printf("%s/a/b/s.db-lock/s.db", place->folder);
    assert_int_equal(lease_take(bad, &lease, &pid, &err), LEASE_FAILED);
    assert_true(err.msg[0] != '\0');
}

/* The store through another name is the same store. */
static void test_link_leads_to_the_same_lease(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct lease *lease = NULL, *second = NULL;
    int pid = 0;
    struct store *store = place_store(place);
    store_close(store);
    AUTO_FREE char *name = mem_printf("%s/link.db", place->folder);
    assert_int_equal(symlink(place->path, name), 0);
    assert_int_equal(lease_take(place->path, &lease, &pid, &err), LEASE_TAKEN);
    assert_int_equal(lease_take(name, &second, &pid, &err), LEASE_HELD);
    lease_give_back(lease);
}

static void test_kill_gives_it_back(void **state)
{
    struct place *place = *state;
    int to_parent[2];
    assert_int_equal(pipe(to_parent), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err err = ERR_INIT;
        struct lease *lease = NULL;
        int pid = 0;
        bool is_taken = lease_take(place->path, &lease, &pid, &err) == LEASE_TAKEN;
        if (write(to_parent[1], is_taken ? "y" : "n", 1) == 1) {
            for (;;) {
                (void)pause();
            }
        }
        _exit(1);
    }
    char answer = 0;
    assert_int_equal(read(to_parent[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    int pid = 0;
    assert_true(lease_is_held(place->path, &pid));
    assert_int_equal(pid, child);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(lease_is_held(place->path, &pid));
    struct err err = ERR_INIT;
    struct lease *lease = NULL;
    assert_int_equal(lease_take(place->path, &lease, &pid, &err), LEASE_TAKEN);
    lease_give_back(lease);
    (void)close(to_parent[0]);
    (void)close(to_parent[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_one_holder),
        PLACE_TEST(test_makes_its_folder),
        PLACE_TEST(test_link_leads_to_the_same_lease),
        PLACE_TEST(test_kill_gives_it_back),
    };
    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
