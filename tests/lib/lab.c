/* SPDX-License-Identifier: MIT */
#include "tests/lib/lab.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/runner.h"

#define WAIT_MS 60000

void lab_open(struct lab *lab)
{
    struct err err = ERR_INIT;
    char name[] = "/tmp/signalbox-lab-XXXXXX";
    char *base = mkdtemp(name);
    assert_non_null(base);
    lab->root = mem_printf("%s/l\xc3\xa4"
                           "b it's",
                           base);
    lab->repo = mem_printf("%s/repo dir", lab->root);
    lab->work = mem_printf("%s/store-work", lab->root);
    lab->logs = mem_printf("%s/store-logs", lab->root);
    lab->home = mem_printf("%s/home", lab->root);
    if (!file_make_dirs(lab->repo, &err) || !file_make_dirs(lab->work, &err) ||
        !file_make_dirs(lab->logs, &err) || !file_make_dirs(lab->home, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(setenv("HOME", lab->home, 1), 0);
    assert_int_equal(setenv("GIT_CONFIG_NOSYSTEM", "1", 1), 0);
    LAB_SH(lab, "git init -q -b main . && git config user.name Tester && "
                "git config user.email tester@example.org && "
                "printf 'one\\ntwo\\nthree\\n' > a.txt && echo b > b.txt && "
                "git add . && git commit -q -m first");
}

void lab_close(struct lab *lab)
{
    struct err err = ERR_INIT;
    char *slash = strrchr(lab->root, '/');
    *slash = '\0';
    if (!file_remove_tree(lab->root, &err)) {
        fail_msg("%s", err.msg);
    }
    free(lab->root);
    free(lab->repo);
    free(lab->work);
    free(lab->logs);
    free(lab->home);
}

static char *shell(const char *folder, const char *text, int *ret_status)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(folder) == 0 && dup2(fds[1], 1) >= 0) {
            (void)execl("/bin/sh", "sh", "-c", text, (char *)NULL);
        }
        _exit(127);
    }
    (void)close(fds[1]);
    struct buf out;
    char chunk[4096];
    buf_init(&out, 16 << 20);
    for (ssize_t n; (n = read(fds[0], chunk, sizeof(chunk))) > 0;) {
        (void)buf_add(&out, chunk, (size_t)n);
    }
    (void)close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    *ret_status = status;
    while (out.len > 0 && out.data[out.len - 1] == '\n') {
        out.data[--out.len] = '\0';
    }
    return buf_take(&out, NULL);
}

char *lab_sh(const struct lab *lab, const char *folder, const char *text)
{
    (void)lab;
    int status;
    char *out = shell(folder, text, &status);
    if (status != 0) {
        fail_msg("'%s' ended with %d: %s", text, status, out);
    }
    return out;
}

void lab_wait(const struct lab *lab, const char *folder, const char *text)
{
    (void)lab;
    struct mono until = {mono_now().ns + WAIT_MS * 1000000LL};
    for (;;) {
        int status;
        free(shell(folder, text, &status));
        if (status == 0) {
            return;
        }
        if (mono_now().ns > until.ns) {
            fail_msg("waited for '%s' in vain", text);
        }
        struct timespec pause = {.tv_nsec = 5000000};
        (void)nanosleep(&pause, NULL);
    }
}

struct order *lab_order(const struct lab *lab, int64_t workflow, int64_t seq,
                        enum effect_kind kind)
{
    struct order *order = mem_alloc(sizeof(*order));
    order->workflow = workflow;
    order->seq = seq;
    order->kind = kind;
    order->iteration = order->attempt = 1;
    order->asked_at = (struct wall){1700000000000};
    order->deadline_at = wall_add(wall_now(), span_s(60));
    order->name = mem_str(effect_name(kind));
    order->repo = mem_str(lab->repo);
    order->base = mem_str("main");
    order->title = mem_str("Add a thing");
    order->submitter = mem_str("anna");
    order->branch = mem_str("");
    order->base_sha = mem_str("");
    order->head_sha = mem_str("");
    order->merge_sha = mem_str("");
    order->bounds.has_network = true;
    order->grace = (struct span){300};
    order->log_folder = mem_str(lab->logs);
    order->log = mem_printf("wf-%lld/%lld-%s", (long long)workflow, (long long)seq,
                            effect_name(kind));
    order->log_max = 1 << 20;
    order->folder = order_folder(lab->work, workflow, seq);
    order->workflow_folder = mem_printf("%s/wf-%lld", lab->work, (long long)workflow);
    order->command.name = mem_str("");
    order->command.text = mem_str("");
    return order;
}

void lab_set(char **field, const char *text)
{
    free(*field);
    *field = mem_str(text);
}

void lab_argv(struct order *order, const char *const *argv)
{
    size_t n = 0;
    for (char **at = order->command.argv; at != NULL && *at != NULL; at++) {
        free(*at);
    }
    free(order->command.argv);
    while (argv[n] != NULL) {
        n++;
    }
    order->command.argv = mem_array(n + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        order->command.argv[i] = mem_str(argv[i]);
    }
}

void lab_command(struct order *order, const char *shell_text)
{
    lab_argv(order, (const char *const[]){"/bin/sh", "-c", shell_text, NULL});
}

void lab_file(const struct order *order, const char *name, const char *text)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(order->folder, name);
    if (!file_make_dirs(order->folder, &err) ||
        !file_write(path, text, strlen(text), &err)) {
        fail_msg("%s", err.msg);
    }
}

pid_t lab_start(const struct order *order)
{
    struct err err = ERR_INIT;
    if (!order_write(order, NULL, &err)) {
        fail_msg("%s", err.msg);
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(runner_main(order->folder));
    }
    assert_true(pid > 0);
    return pid;
}

struct effect_result *lab_answer(const struct order *order)
{
    struct err err = ERR_INIT;
    struct effect_result *result = NULL;
    if (order_read_answer(order->folder, order->workflow, order->seq, &result, &err) !=
        FOUND) {
        fail_msg("no answer: %s", err.msg);
    }
    return result;
}

struct effect_result *lab_run(const struct order *order)
{
    int status;
    pid_t pid = lab_start(order);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return lab_answer(order);
}

char *lab_read(const char *folder, const char *name)
{
    struct err err = ERR_INIT;
    char *text;
    AUTO_FREE char *path = file_join(folder, name);
    return file_read(path, 16 << 20, &text, NULL, &err) ? text : mem_str("");
}
