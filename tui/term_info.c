/* SPDX-License-Identifier: MIT */
#include "tui/term_info.h"

#include <unistd.h>

#include <curses.h>
/* after curses.h, which it needs */
#include <term.h>

#undef lines /* term.h makes macros of such words */
#undef columns

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

static bool has_string(const char *capability)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "%s", capability);
    const char *text = tigetstr(name);
    return text != NULL && text != (char *)-1 && text[0] != '\0';
}

static bool is_string(const char *capability, const char *expected)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "%s", capability);
    const char *text = tigetstr(name);
    return text != NULL && text != (char *)-1 &&
           strncmp(text, expected, strlen(expected)) == 0;
}

static bool has_flag(const char *capability)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "%s", capability);
    return tigetflag(name) > 0;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum colour_depth find_depth(void)
{
    char name[] = "colors";
    int colours = tigetnum(name);
    if (env("NO_COLOR")[0] != '\0' || colours < 8) {
        return DEPTH_MONO; /* https://no-color.org */
    }
    /* 24 bits cost twice the bytes of 256 colours: not over a network. */
    bool is_remote = env("SSH_CONNECTION")[0] != '\0' || env("SSH_TTY")[0] != '\0';
    bool says_rgb = strcmp(env("COLORTERM"), "truecolor") == 0 ||
                    strcmp(env("COLORTERM"), "24bit") == 0 || has_flag("RGB");
    if (says_rgb && !is_remote && colours >= 256) {
        return DEPTH_RGB;
    }
    return colours >= 256 ? DEPTH_256 : colours >= 16 ? DEPTH_16 : DEPTH_8;
}

/* Synchronized output is asked for where it is known to be obeyed or ignored; asking the
 * terminal would cost a round trip at the start. */
static bool find_sync(const char *name)
{
    static const char *const families[] = {"xterm", "tmux",    "alacritty", "foot",
                                           "kitty", "wezterm", "ghostty",   "contour"};
    if (has_string("Sync")) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (begins(name, families[i])) {
            return true;
        }
    }
    return false;
}

static bool find(const char *name, struct term_info *ret_info, struct err *err)
{
    int result = 0;
    if (setupterm(NULL, STDOUT_FILENO, &result) != OK) {
        return err_set(
            err, ERR_USAGE,
            "TERM=%.60s is not known here; install ncurses-term, or set TERM to "
            "what the terminal is (xterm-256color, vt100)",
            name[0] != '\0' ? name : "(unset)");
    }
    if (!is_string("cup", "\x1b[%i%p1%d;%p2%dH")) {
        return err_set(err, ERR_USAGE,
                       "TERM=%.60s cannot place its cursor; use the subcommands instead "
                       "(signalbox --help)",
                       name);
    }
    *ret_info = (struct term_info){
        .paint = {.depth = find_depth(),
                  .has_bce = has_flag("bce"),
                  .has_ech = has_string("ech"),
                  .wraps_late = has_flag("xenl") || !has_flag("am"),
                  .has_cursor_mode = has_string("civis"),
                  .has_sync = find_sync(name)},
        .has_alternate_screen = has_string("smcup"),
        .is_linux_console = begins(name, "linux"),
    };
    ret_info->paint.attrs = (uint8_t)((has_string("bold") ? ATTR_BOLD : 0) |
                                      (has_string("dim") ? ATTR_DIM : 0) |
                                      (has_string("sitm") ? ATTR_ITALIC : 0) |
                                      (has_string("smul") ? ATTR_UNDERLINE : 0) |
                                      (has_string("rev") ? ATTR_REVERSE : 0));
    return true;
}

bool term_info_find(struct term_info *ret_info, struct err *err)
{
    bool is_found = find(env("TERM"), ret_info, err);
    if (cur_term != NULL) {
        (void)del_curterm(cur_term);
    }
    return is_found;
}

const char *term_library(void)
{
    return curses_version();
}
