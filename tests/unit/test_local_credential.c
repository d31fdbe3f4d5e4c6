/* SPDX-License-Identifier: MIT */

/* The forge's token and git over http: git gets it, and nobody else sees it. The forge is a
 * small server of files that wants the token, and that looks at all command lines of the
 * machine while it is asked. */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/runner.h"
#include "engine/service/local_credential.h"
#include "tests/lib/lab.h"

#define TOKEN "ghs-9f8e7d6c5b4a-for-this-test"
/* base64 of x-access-token:TOKEN, made by the test itself below */
#define REQUEST_MAX 16384

static struct lab lab;

/* ---- the forge ------------------------------------------------------------------------
 */

static char *base64(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text), n = 0;
    char *out = mem_alloc(len / 3 * 4 + 8);
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < len ? (unsigned char)text[i + k] : 0U);
        }
        for (size_t k = 0; k < 4; k++) {
            out[n++] = i + k <= len ? letters[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    return out;
}

/* How many processes have the token on their command line. */
static int count_in_command_lines(void)
{
    int n = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        AUTO_FREE char *path = mem_printf("/proc/%s/cmdline", entry->d_name);
        char text[65536];
        AUTO_CLOSE int fd = entry->d_name[0] >= '1' && entry->d_name[0] <= '9'
                                ? open(path, O_RDONLY | O_CLOEXEC)
                                : -1;
        ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
        n += len > 0 && memmem(text, (size_t)len, TOKEN, strlen(TOKEN)) != NULL;
    }
    (void)closedir(dir);
    return n;
}

static void note(const char *line)
{
    AUTO_FREE char *path = mem_printf("%s/seen", lab.root);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t n = write(fd, line, strlen(line));
    (void)n; /* shows in the test */
}

static void send_file(int fd, const char *path)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *full = mem_printf("%s/remote%s", lab.root, path);
    size_t len = 0;
    bool is_found = file_read(full, 1 << 20, &text, &len, &err);
    AUTO_FREE char *head =
        mem_printf("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                   "Connection: close\r\n\r\n",
                   is_found ? "200 OK" : "404 Not Found", len);
    ssize_t n = write(fd, head, strlen(head));
    n = is_found ? write(fd, text, len) : n;
    (void)n; /* shows in the test */
}

static void serve(int fd, const char *credential)
{
    char request[REQUEST_MAX];
    size_t len = 0;
    while (len + 1 < sizeof(request)) {
        ssize_t n = read(fd, request + len, sizeof(request) - 1 - len);
        if (n <= 0) {
            return;
        }
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) {
            break;
        }
    }
    if (strstr(request, credential) == NULL) {
        static const char no[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
                                 "WWW-Authenticate: Basic realm=\"forge\"\r\n"
                                 "Connection: close\r\n\r\n";
        ssize_t n = write(fd, no, strlen(no));
        (void)n; /* shows in the test */
        note(strstr(request, "Authorization:") != NULL ? "wrong\n" : "asked\n");
        return;
    }
    note(count_in_command_lines() == 0 ? "let in\n" : "SEEN\n");
    char *path = strchr(request, ' ') + 1;
    path[strcspn(path, " ?")] = '\0';
    send_file(fd, path);
}

/* The port; the server lives in a child until it is killed. */
static int start_server(pid_t *ret_pid)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        AUTO_FREE char *plain = mem_str("x-access-token:" TOKEN);
        AUTO_FREE char *coded = base64(plain);
        AUTO_FREE char *credential = mem_printf("Authorization: Basic %s\r\n", coded);
        for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
            serve(fd, credential);
            (void)close(fd);
        }
        _exit(0);
    }
    (void)close(listener);
    return ntohs(address.sin_port);
}

/* ---- the tests ------------------------------------------------------------------------
 */

static int set_up(void **state)
{
    (void)state;
    lab_open(&lab);
    LAB_SH(&lab, "mkdir -p ../remote/acme && git clone -q --bare . "
                 "../remote/acme/payments.git && git -C ../remote/acme/payments.git "
                 "update-server-info");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lab_close(&lab);
    return 0;
}

static struct order *order_at(int port)
{
    struct order *order = lab_order(&lab, 1, 1, EFFECT_WORKSPACE);
    AUTO_FREE char *url = mem_printf("http://127.0.0.1:%d", port);
    lab_set(&order->repo, "acme/payments");
    lab_set(&order->forge.repository, "acme/payments");
    lab_set(&order->forge_url, url);
    return order;
}

static char *seen(void)
{
    char *text = lab_read(lab.root, "seen");
    AUTO_FREE char *path = mem_printf("%s/seen", lab.root);
    (void)unlink(path);
    return text;
}

/* A workspace over http, and who saw the token. */
static void check(struct order *order, bool is_let_in)
{
    struct effect_result *result = lab_run(order);
    AUTO_FREE char *text = seen();
    if (is_let_in && result->status != STATUS_PASSED) {
        fail_msg("%s\n%s", result->summary,
                 result->excerpt != NULL ? result->excerpt : "");
    }
    assert_int_equal(strstr(text, "let in") != NULL, is_let_in);
    assert_null(strstr(text, "SEEN"));
    if (!is_let_in) {
        assert_int_equal(result->status, STATUS_REFUSED);
        assert_int_equal(result->blame, BLAME_OPERATOR);
    }
    assert_null(strstr(result->summary, TOKEN));
    effect_result_free(result);
    /* in no file of ours; the token's own file is not among them */
    AUTO_FREE char *found =
        lab_sh(&lab, lab.root,
               "grep -rlaF -e " TOKEN " store-work store-logs home remote || true");
    assert_string_equal(found, "");
}

static void test_token_from_a_variable(void **state)
{
    pid_t server;
    (void)state;
    int port = start_server(&server);
    struct order *order = order_at(port);
    assert_int_equal(setenv("TEST_FORGE_TOKEN", TOKEN, 1), 0);
    lab_set(&order->forge_token.env, "TEST_FORGE_TOKEN");
    check(order, true);
    assert_int_equal(unsetenv("TEST_FORGE_TOKEN"), 0);
    order_free(order);
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
}

static void test_token_from_a_file(void **state)
{
    pid_t server;
    (void)state;
    int port = start_server(&server);
    struct order *order = order_at(port);
    AUTO_FREE char *path = mem_printf("%s/the token", lab.root);
    struct err err = ERR_INIT;
    assert_true(file_write(path, TOKEN "\n", strlen(TOKEN) + 1, &err));
    lab_set(&order->forge_token.file, path);
    check(order, true);
    /* others may read it: then it is no secret, and is not used */
    order->seq = 2;
    lab_set(&order->forge_token.file, path);
    free(order->folder);
    order->folder = order_folder(lab.work, 1, 2);
    assert_int_equal(chmod(path, 0644), 0);
    check(order, false);
    order_free(order);
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
}

static void test_token_from_a_command(void **state)
{
    pid_t server;
    (void)state;
    int port = start_server(&server);
    struct order *order = order_at(port);
    char **argv = mem_array(4, sizeof(char *));
    argv[0] = mem_str("/bin/sh");
    argv[1] = mem_str("-c");
    argv[2] = mem_str("printf 'ghs-9f8e7d6c5b4a-for-''this-test\\n'");
    order->forge_token.command.argv = argv;
    check(order, true);
    order_free(order);
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
}

static void test_no_token(void **state)
{
    pid_t server;
    (void)state;
    int port = start_server(&server);
    struct order *order = order_at(port);
    check(order, false);
    order_free(order);
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
}

/* What the runner is given, by effect. */
static void test_variable_reaches_only_who_needs_it(void **state)
{
    (void)state;
    assert_int_equal(setenv("TEST_FORGE_TOKEN", TOKEN, 1), 0);
    static const struct {
        enum effect_kind kind;
        bool want;
    } cases[] = {
        {EFFECT_WORKSPACE, true },
        {EFFECT_COMMIT,    true },
        {EFFECT_SANDBOX,   true },
        {EFFECT_CHECK,     false},
        {EFFECT_SETUP,     false},
        {EFFECT_CLEANUP,   false}
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct env env = {0};
        struct order *order = order_at(1);
        order->kind = cases[i].kind;
        lab_set(&order->forge_token.env, "TEST_FORGE_TOKEN");
        env_for_runner(&env, order);
        assert_int_equal(env_has(&env, "TEST_FORGE_TOKEN"), cases[i].want);
        env_fini(&env);
        struct err err = ERR_INIT;
        struct env agents = {0};
        assert_true(env_for_command(&agents, order, ENV_AGENT, &err));
        assert_false(env_has(&agents, "TEST_FORGE_TOKEN"));
        env_fini(&agents);
        order_free(order);
    }
    assert_int_equal(unsetenv("TEST_FORGE_TOKEN"), 0);
}

static void test_only_the_forge_is_answered(void **state)
{
    static const struct {
        const char *question, *url;
        bool want;
    } cases[] = {
        {"protocol=https\nhost=github.com\n",          "https://github.com/a/b.git",    true },
        {"protocol=https\nhost=GitHub.com\npath=x\n",  "https://github.com/a/b.git",    true },
        {"protocol=https\nhost=github.com\n",          "https://me@github.com/a/b.git", true },
        {"protocol=http\nhost=127.0.0.1:80\n",         "http://127.0.0.1:80/a/b.git",   true },
        {"protocol=http\nhost=github.com\n",           "https://github.com/a/b.git",    false},
        {"protocol=https\nhost=github.com.evil.net\n", "https://github.com/a/b",        false},
        {"protocol=https\nhost=evil.net\n",            "https://github.com/a/b.git",    false},
        {"protocol=https\nhost=github.com:444\n",      "https://github.com/a/b.git",    false},
        {"protocol=https\n",                           "https://github.com/a/b.git",    false},
        {"",                                           "https://github.com/a/b.git",    false},
        {"protocol=https\nhost=github.com\n",          "git@github.com:a/b.git",        false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(credential_fits(cases[i].question, cases[i].url), cases[i].want);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(test_token_from_a_variable),
        TEST(test_token_from_a_file),
        TEST(test_token_from_a_command),
        TEST(test_no_token),
        TEST(test_variable_reaches_only_who_needs_it),
        cmocka_unit_test(test_only_the_forge_is_answered),
    };
    if (argc == 3 && strcmp(argv[1], "__run") == 0) {
        return runner_main(argv[2]); /* git asks for a credential */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
