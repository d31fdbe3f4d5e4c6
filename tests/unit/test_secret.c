/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/secret.h"

#define TOKEN "s3cret-of-the-test"

static char folder[] = "/tmp/signalbox-secret.XXXXXX";
static int n_settled;

static void on_settled(void *user)
{
    (void)user;
    n_settled++;
}

static struct secrets *start(struct span time)
{
    struct err err = ERR_INIT;
    struct secrets *secrets = secrets_new(
        &(struct secret_options){.time = time, .pause = {1}, .on_settled = on_settled},
        &err);
    assert_non_null(secrets);
    n_settled = 0;
    return secrets;
}

/* Until it is no longer pending, at most 20 s. */
static enum secret_state settled(struct secrets *secrets,
                                 const struct secret_source *source,
                                 struct secret *ret_secret, struct err *err)
{
    enum secret_state state;
    struct mono end = {mono_now().ns + 20000000000};
    while ((state = secrets_get(secrets, source, ret_secret, err)) == SECRET_PENDING) {
        struct pollfd wait = {.fd = secrets_fd(secrets), .events = POLLIN};
        assert_true(mono_now().ns < end.ns);
        (void)poll(&wait, 1, 1000);
        secrets_run(secrets);
    }
    return state;
}

static char *put(const char *name, const char *text, mode_t mode)
{
    struct err err = ERR_INIT;
    char *path = file_join(folder, name);
    assert_true(file_write(path, text, strlen(text), &err));
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void expect(const struct secret_source *source, const char *value)
{
    struct err err = ERR_INIT;
    char *got = NULL;
    if (!secret_fetch(source, &got, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_string_equal(got, value);
    secret_wipe(got);
}

static void expect_no(const struct secret_source *source, const char *why)
{
    struct err err = ERR_INIT;
    char *got = NULL;
    assert_false(secret_fetch(source, &got, &err));
    assert_int_equal(err.code == ERR_CONFIG || err.code == ERR_NOT_FOUND, 1);
    if (strstr(err.msg, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
    }
    assert_null(strstr(err.msg, TOKEN));
}

static struct secret_source shell(char *text)
{
    static char sh[] = "/bin/sh", c[] = "-c";
    static char *argv[4];
    argv[0] = sh;
    argv[1] = c;
    argv[2] = text;
    return (struct secret_source){.command = {.argv = argv}};
}

static void test_variables(void **state)
{
    (void)state;
    char name[] = "SIGNALBOX_TEST_SECRET";
    const struct secret_source source = {.env = name};
    assert_int_equal(unsetenv(name), 0);
    expect_no(&source, "SIGNALBOX_TEST_SECRET is not set");
    assert_int_equal(setenv(name, " " TOKEN "\t", 1), 0);
    expect(&source, TOKEN);
    assert_int_equal(setenv(name, " \r\n" TOKEN, 1), 0);
    expect_no(&source, "gives no secret");
    assert_int_equal(setenv(name, TOKEN "\rX-Evil: 1", 1), 0);
    expect_no(&source, "control characters");
    assert_int_equal(unsetenv(name), 0);
}

static void test_files(void **state)
{
    (void)state;
    AUTO_FREE char *good = put("good", TOKEN "\r\nsecond line\n", 0600);
    AUTO_FREE char *readable = put("readable", TOKEN "\n", 0640);
    AUTO_FREE char *writable = put("writable", TOKEN "\n", 0602);
    AUTO_FREE char *empty = put("empty", "", 0600);
    AUTO_FREE char *missing = file_join(folder, "missing");
    AUTO_FREE char *pipe = file_join(folder, "pipe");
    AUTO_FREE char *big = mem_alloc(SECRET_MAX + 2);
    memset(big, 'x', SECRET_MAX + 1);
    AUTO_FREE char *large = put("large", big, 0600);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    expect(&(struct secret_source){.file = good}, TOKEN);
    expect_no(&(struct secret_source){.file = readable}, "mode 0640");
    expect_no(&(struct secret_source){.file = writable}, "mode 0602");
    expect_no(&(struct secret_source){.file = empty}, "gives no secret");
    expect_no(&(struct secret_source){.file = missing}, "No such file");
    expect_no(&(struct secret_source){.file = pipe}, "no regular file");
    expect_no(&(struct secret_source){.file = large}, "too large");
    if (geteuid() == 0) {
        assert_int_equal(chown(good, 12345, 0), 0);
        expect_no(&(struct secret_source){.file = good}, "another user");
    }
}

static void test_commands(void **state)
{
    (void)state;
    char print[] = "echo " TOKEN "; echo more; echo " TOKEN " >&2";
    char fails[] = "echo " TOKEN "; exit 3", dies[] = "echo " TOKEN "; kill -KILL $$";
    char floods[] = "exec yes " TOKEN, silent[] = "exec true";
    char tty[] = "test -t 0 || ( : </dev/tty ) 2>/dev/null || echo " TOKEN;
    char program[] = "/bin/echo", word[] = "$HOME;" TOKEN, none[] = "/no/such/program";
    char *argv[] = {program, word, NULL}, *nothing[] = {none, NULL};
    struct secret_source source = shell(print);
    expect(&source, TOKEN);
    source = shell(tty);
    expect(&source, TOKEN);
    source = shell(fails);
    expect_no(&source, "ended with status 3");
    source = shell(dies);
    expect_no(&source, "was killed");
    source = shell(floods);
    expect_no(&source, "prints too much");
    source = shell(silent);
    expect_no(&source, "gives no secret");
    expect(&(struct secret_source){.command = {.argv = argv}}, "$HOME;" TOKEN);
    expect_no(&(struct secret_source){.command = {.argv = nothing}}, "/no/such/program");
}

/* A command that hangs costs its time, and takes what it started with it. */
static void test_commands_that_hang(void **state)
{
    (void)state;
    struct secret secret;
    struct err err = ERR_INIT;
    AUTO_FREE char *pid_path = file_join(folder, "pid");
    AUTO_FREE char *hangs = mem_printf(
        "sleep 1000 & echo $! >%s; printf %%s " TOKEN "; sleep 1000", pid_path);
    struct secret_source source = shell(hangs);
    struct secrets *secrets = start((struct span){300});
    assert_int_equal(secrets_get(secrets, &source, &secret, &err), SECRET_PENDING);
    assert_int_equal(settled(secrets, &source, &secret, &err), SECRET_FAILED);
    assert_non_null(strstr(err.msg, "did not end within 300 ms"));
    assert_int_equal(n_settled, 1);
    AUTO_FREE char *text = NULL;
    assert_true(file_read(pid_path, 100, &text, NULL, &err));
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    struct mono end = {mono_now().ns + 10000000000};
    AUTO_FREE char *stat = mem_printf("/proc/%ld/cmdline", (long)pid);
    for (size_t len = 1; len > 0;) { /* a zombie has no command line */
        AUTO_FREE char *line = NULL;
        assert_true(mono_now().ns < end.ns);
        len = 0;
        (void)!file_read(stat, 4096, &line, &len, &err);
    }
    secrets_free(secrets);
    /* Freed in the middle of a fetch. */
    secrets = start((struct span){300});
    assert_int_equal(secrets_get(secrets, &source, &secret, &err), SECRET_PENDING);
    secrets_free(secrets);
}

/* Who leaves a child with its output open has ended all the same. */
static void test_children_do_not_hold_it(void **state)
{
    (void)state;
    char text[] = "sleep 1000 & echo " TOKEN;
    struct secret_source source = shell(text);
    struct mono before = mono_now();
    expect(&source, TOKEN);
    assert_true(mono_now().ns - before.ns < 60000000000);
}

static void test_kept_and_fetched_anew(void **state)
{
    (void)state;
    struct secret first, second;
    struct err err = ERR_INIT;
    AUTO_FREE char *count = file_join(folder, "count");
    AUTO_FREE char *text =
        mem_printf("echo x >>%s; echo " TOKEN "-$(wc -l <%s)", count, count);
    struct secret_source source = shell(text);
    const struct secret_source nothing = {0};
    struct secrets *secrets = start((struct span){0});
    assert_int_equal(secrets_get(secrets, &nothing, &first, &err), SECRET_NONE);
    assert_int_equal(settled(secrets, &source, &first, &err), SECRET_READY);
    assert_string_equal(first.value, TOKEN "-1");
    assert_int_equal(secrets_get(secrets, &source, &second, &err), SECRET_READY);
    assert_int_equal(second.generation, first.generation);
    assert_string_equal(second.value, TOKEN "-1");
    struct mono after = {mono_now().ns + 2000000};
    while (mono_now().ns < after.ns) {
    }
    secrets_distrust(secrets, &source);
    assert_int_equal(settled(secrets, &source, &second, &err), SECRET_READY);
    assert_string_equal(second.value, TOKEN "-2");
    assert_int_not_equal(second.generation, first.generation);
    secrets_free(secrets);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    struct err err;
    return file_remove_tree(folder, &err) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_commands_that_hang),
        cmocka_unit_test(test_children_do_not_hold_it),
        cmocka_unit_test(test_kept_and_fetched_anew),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
