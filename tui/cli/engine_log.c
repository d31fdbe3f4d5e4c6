/* SPDX-License-Identifier: MIT */

/*
 * signalbox engine-log: what the engine itself did (engine/base/log.h). Read from its files,
 * without the store: it is wanted most when that is out of order.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/text.h"
#include "tui/cli/rows.h"
#include "tui/cli/watch.h"

#define TAIL_DEFAULT 100
#define READ_MAX     ((size_t)4 * LOG_FILE_MAX)
#define CHUNK        65536

struct engine_log {
    const struct cli *cli;
    enum log_level level; /* milder lines are left out */
    const char *text;     /* only lines with it; NULL = all */
    int fd;               /* of the newest file; -1 = there is none */
    struct stat st;       /* of it when it was opened */
    struct buf rest;      /* the beginning of a line whose end is to come */
};

/* ---- one line -------------------------------------------------------------------------
 */

static bool is_wanted(const struct engine_log *log, const char *line, size_t len,
                      const struct json *root)
{
    enum log_level level;
    bool is_known = log_level_find(json_str(root, "level", ""), &level);
    return (!is_known || level >= log->level) &&
           (log->text == NULL || memmem(line, len, log->text, strlen(log->text)) != NULL);
}

static void print_field(const char *key, const struct json *value)
{
    AUTO_FREE char *plain = json_text(value) == NULL ? json_format(value) : NULL;
    putchar(' ');
    cli_print_clean(stdout, key);
    putchar('=');
    if (strcmp(key, "workflow") == 0 && plain != NULL) {
        fputs("wf-", stdout); /* as people know it */
    }
    cli_print_clean(stdout, plain != NULL ? plain : json_text(value));
}

/* "22:03:07.120Z warn  control   store: cannot be written error=..." */
static void print_pretty(const struct json *root)
{
    static const char *const known[] = {"time", "level", "thread", "component",
                                        "message"};
    const char *at = json_str(root, "time", "");
    const char *day = strchr(at, 'T');
    printf("%-13.13s %-5.5s ", day != NULL ? day + 1 : at, json_str(root, "level", ""));
    cli_print_clean(stdout, json_str(root, "component", ""));
    fputs(": ", stdout);
    cli_print_clean(stdout, json_str(root, "message", ""));
    void *iter = NULL;
    const char *key;
    const struct json *value;
    while (json_next(root, &iter, &key, &value)) {
        bool is_known = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            is_known = is_known || strcmp(key, known[i]) == 0;
        }
        if (!is_known) {
            print_field(key, value);
        }
    }
    putchar('\n');
}

/* False: it is not wanted. */
static bool show(const struct engine_log *log, const char *line, size_t len,
                 bool is_printed)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(line, len, &ignored);
    bool is_shown = root != NULL && is_wanted(log, line, len, root);
    if (is_shown && is_printed) {
        if (cli_has(log->cli, "json")) {
            printf("%.*s\n", (int)len, line); /* written harmless */
        } else {
            print_pretty(root);
        }
    }
    json_free(root);
    return is_shown;
}

/* ---- what is there --------------------------------------------------------------------
 */

/* Everything in the files, oldest first; malloc'd. *ret_newest: bytes of the newest one. */
static char *read_files(const char *path, bool is_all, size_t *ret_len,
                        size_t *ret_newest)
{
    struct buf all;
    *ret_newest = 0;
    buf_init(&all, READ_MAX);
    for (int i = is_all ? LOG_FILES - 1 : 0; i >= 0; i--) {
        struct err ignored = ERR_INIT;
        AUTO_FREE char *name = i > 0 ? mem_printf("%s.%d", path, i) : mem_str(path);
        AUTO_FREE char *text = NULL;
        size_t len = 0;
        if (file_read(name, (size_t)2 * LOG_FILE_MAX, &text, &len, &ignored)) {
            (void)buf_add(&all, text, len);
            *ret_newest = i == 0 ? len : 0;
        }
    }
    return buf_take(&all, ret_len);
}

/* Where the newest `tail` wanted lines begin. */
static size_t find_tail(const struct engine_log *log, const char *text, size_t len,
                        int64_t tail)
{
    size_t at = len;
    while (at > 0 && tail > 0) {
        size_t end = at - (text[at - 1] == '\n' ? 1 : 0), from = end;
        while (from > 0 && text[from - 1] != '\n') {
            from--;
        }
        tail -= show(log, text + from, end - from, false) ? 1 : 0;
        at = from;
    }
    return at;
}

/* Whole lines; what is left goes into rest. */
static void take(struct engine_log *log, const char *text, size_t len)
{
    (void)buf_add(&log->rest, text, len);
    size_t from = 0;
    for (char *end;
         (end = memchr(log->rest.data + from, '\n', log->rest.len - from)) != NULL;) {
        size_t to = (size_t)(end - log->rest.data);
        (void)show(log, log->rest.data + from, to - from, true);
        from = to + 1;
    }
    char *left = mem_strn(log->rest.data + from, log->rest.len - from);
    size_t left_len = log->rest.len - from;
    buf_clear(&log->rest);
    (void)buf_add(&log->rest, left, left_len);
    free(left);
    (void)fflush(stdout); /* a failure is reported at the end */
}

/* ---- what comes -----------------------------------------------------------------------
 */

static void read_more(struct engine_log *log)
{
    char bytes[CHUNK];
    for (ssize_t n; log->fd >= 0 && (n = read(log->fd, bytes, sizeof(bytes))) != 0;) {
        if (n > 0) {
            take(log, bytes, (size_t)n);
        } else if (errno != EINTR) {
            return;
        }
    }
}

/* The file was rotated: the old one to its end, then the new one from its beginning. */
static void look(struct engine_log *log, const char *path)
{
    struct stat st;
    read_more(log);
    if (stat(path, &st) != 0 || (log->fd >= 0 && st.st_ino == log->st.st_ino)) {
        return;
    }
    if (log->fd >= 0) {
        (void)close(log->fd); /* read only */
    }
    log->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (log->fd >= 0 && fstat(log->fd, &log->st) == 0) {
        read_more(log);
    }
}

static void follow(struct engine_log *log, const char *path)
{
    struct watch *watch = watch_new(log->cli->store);
    watch_file(watch, path);
    while (!ferror(stdout)) {
        look(log, path);
        (void)watch_wait(watch, WATCH_FOREVER);
    }
    watch_free(watch);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct engine_log log = {
        .cli = cli, .level = LOG_DEBUG, .text = cli_value(cli, "grep"), .fd = -1};
    const char *level = cli_value(cli, "level");
    int64_t tail = TAIL_DEFAULT;
    if (level != NULL && !log_level_find(level, &log.level)) {
        return cli_complain(
            cli, "'%.20s' is no level; expected debug, info, warn or error", level);
    }
    if (!cli_number(cli, "tail", 0, INT32_MAX, TAIL_DEFAULT, &tail, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    AUTO_FREE char *path = mem_printf("%s-logs/engine.log", cli->store);
    if (!file_exists(path) && !cli_has(cli, "follow")) {
        err_set(&err, ERR_NOT_FOUND, "%s: no engine has written there yet", path);
        return cli_fail(&err);
    }
    size_t len, newest;
    log.fd = open(path, O_RDONLY | O_CLOEXEC); /* first: nothing falls between */
    AUTO_FREE char *text = read_files(path, cli_has(cli, "all"), &len, &newest);
    if (log.fd >= 0 && fstat(log.fd, &log.st) == 0) {
        (void)lseek(log.fd, (off_t)newest, SEEK_SET); /* a plain file */
    }
    size_t from = cli_has(cli, "all") ? 0 : find_tail(&log, text, len, tail);
    buf_init(&log.rest, (size_t)2 * LOG_LINE_MAX + READ_MAX);
    take(&log, text + from, len - from);
    if (cli_has(cli, "follow")) {
        follow(&log, path);
    }
    buf_fini(&log.rest);
    if (log.fd >= 0) {
        (void)close(log.fd); /* read only */
    }
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"follow",                           'f', NULL, "go on with what comes"},
    {"tail",                              'n', "N", "the newest N lines; default 100"},
    {"all",                                  0, NULL, "everything that is kept, from older files too"},
    {"level",  0, "LEVEL", "debug, info, warn or error: nothing milder than that"},
    {"grep", 0, "TEXT", "only lines that contain this text"},
    {0                             },
};

const struct cli_command cli_engine_log = {
    .name = "engine-log",
    .args = "",
    .options = options,
    .access = ACCESS_CONFIG,
    .help = "print what the engine did: starts, faults, effects, commands, exports",
    .more = "It needs no store that can be read. With --json the lines are as they were "
            "written, one object each. 'log' prints the output of steps.",
    .run = run,
};
