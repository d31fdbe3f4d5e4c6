/* SPDX-License-Identifier: MIT */
#include "tests/lib/desk.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "store/store.h"

#define ENGINE_ENDS_MS 15000

int desk_set_up(void **state)
{
    char template[] = "/tmp/signalbox-desk-XXXXXX";
    struct desk *desk = mem_alloc(sizeof(*desk));
    assert_non_null(mkdtemp(template));
    desk->folder = mem_str(template);
    desk->store = file_join(template, "s.db");
    desk->config = file_join(template, "signalbox.yaml");
    desk->home = mem_printf("HOME=%s", template);
    desk->xdg_config = mem_printf("XDG_CONFIG_HOME=%s/config", template);
    desk->xdg_state = mem_printf("XDG_STATE_HOME=%s/state", template);
    desk->xdg_data = mem_printf("XDG_DATA_HOME=%s/data", template);
    desk_configure(desk, "on_hangup: stop\n");
    *state = desk;
    return 0;
}

void desk_configure(const struct desk *desk, const char *yaml)
{
    struct err err = ERR_INIT;
    if (!file_write(desk->config, yaml, strlen(yaml), &err)) {
        fail_msg("%s", err.msg);
    }
}

static bool wait_no_engine(const struct desk *desk)
{
    int64_t end = mono_now().ns + (int64_t)ENGINE_ENDS_MS * 1000000;
    int pid = 0;
    while (lease_is_held(desk->store, &pid)) {
        struct pollfd none = {.fd = -1};
        if (mono_now().ns > end) {
            print_error("the engine (pid %d) does not end\n", pid);
            (void)kill(pid, SIGKILL);
            return false;
        }
        (void)poll(&none, 1, 10);
    }
    return true;
}

int desk_tear_down(void **state)
{
    struct desk *desk = *state;
    struct err err = ERR_INIT;
    pty_free(desk->pty);
    bool has_ended = wait_no_engine(desk);
    bool is_removed = file_remove_tree(desk->folder, &err);
    free(desk->folder);
    free(desk->store);
    free(desk->config);
    free(desk->home);
    free(desk->xdg_config);
    free(desk->xdg_state);
    free(desk->xdg_data);
    free(desk);
    return has_ended && is_removed ? 0 : -1;
}

static void start(struct desk *desk, const struct pty_options *wanted, const char *extra,
                  const char *argument)
{
    const char *env[] = {
        desk->home, desk->xdg_config, desk->xdg_state, desk->xdg_data, extra, NULL};
    const char *program = getenv("SIGNALBOX");
    const char *argv[] = {program != NULL ? program : "build/signalbox",
                          "--config",
                          desk->config,
                          "--store",
                          desk->store,
                          argument,
                          NULL};
    struct pty_options options = *wanted;
    options.env = env;
    desk->pty = pty_start(&options, argv);
}

void desk_start(struct desk *desk, int w, int h, const char *term, const char *extra,
                const char *argument)
{
    start(desk, &(struct pty_options){.w = w, .h = h, .term = term}, extra, argument);
}

void desk_start_deaf(struct desk *desk)
{
    start(desk, &(struct pty_options){.w = 80, .h = 24, .ignores_hangup = true}, NULL,
          NULL);
}
