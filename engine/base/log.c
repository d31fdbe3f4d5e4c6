/* SPDX-License-Identifier: MIT */

/* The one log of the process: lines, repeats, rotation. */
#include "engine/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define SLOTS 64 /* messages whose repeats are counted; others are written as they come */

/* A message and how often it came in its window. */
struct repeat {
    const char *component, *message; /* constants; NULL = free */
    enum log_level level;
    struct mono since;
    int n; /* in this window */
};

static atomic_int lowest = LOG_LEVEL_COUNT; /* level that is written; COUNT = none */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under lock */
static struct {
    int fd;
    char *path;
    int64_t size, file_max;
    struct span window;
    int burst;
    int64_t n_lost;
    struct repeat repeats[SLOTS];
} state = {.fd = -1};

static const struct {
    const char *word;
    int number;
} levels[] = {
#define X(id, word, number, help) {word, number},
    LOG_LEVEL_LIST(X)
#undef X
};

const char *log_level_word(enum log_level level)
{
    return levels[level].word;
}

int log_level_number(enum log_level level)
{
    return levels[level].number;
}

bool log_level_find(const char *word, enum log_level *ret_level)
{
    for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (strcmp(levels[i].word, word) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_is_on(enum log_level level)
{
    return (int)level >= atomic_load(&lowest);
}

/* ---- one line -------------------------------------------------------------------------
 */

static void put_text(struct jsonw *w, const char *key, const char *text)
{
    AUTO_BUF struct buf clean, safe;
    size_t len = strlen(text);
    buf_init(&clean, LOG_TEXT_MAX);
    buf_init(&safe, LOG_TEXT_MAX);
    /* A secret that is cut in two is not recognised: hide first, then cut. */
    AUTO_BUF struct buf whole;
    buf_init(&whole, 16 * LOG_TEXT_MAX);
    log_redact(&whole, text, len < (size_t)8 * LOG_TEXT_MAX ? len : 8 * LOG_TEXT_MAX);
    text_clean(&clean, whole.data, whole.len, TEXT_ONE_LINE);
    jsonw_strn(w, key, clean.data, clean.len);
}

static void put_trace(struct jsonw *w, const char *text)
{
    if (text != NULL && strlen(text) == 55) {
        jsonw_strn(w, "trace_id", text + 3, 32);
        jsonw_strn(w, "span_id", text + 36, 16);
    }
}

static void put_field(struct jsonw *w, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_KIND_TEXT:
        if (field->text != NULL && field->text[0] != '\0') {
            put_text(w, field->key, field->text);
        }
        break;
    case LOG_KIND_INT:
        jsonw_int(w, field->key, field->integer);
        break;
    case LOG_KIND_NUM:
        if (__builtin_isfinite(field->number)) {
            jsonw_num(w, field->key, field->number);
        }
        break;
    case LOG_KIND_TRACE:
        put_trace(w, field->text);
        break;
    case LOG_END:
        break;
    }
}

static void begin(struct jsonw *w, struct buf *line, enum log_level level,
                  const char *component, const char *message)
{
    char at[CLOCK_TEXT_MAX], thread[16] = "";
    (void)pthread_getname_np(pthread_self(), thread, sizeof(thread)); /* or none */
    jsonw_init(w, line);
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "time", wall_format(wall_now(), true, at));
    jsonw_str(w, "level", levels[level].word);
    jsonw_str(w, "thread", thread);
    jsonw_str(w, "component", component);
    jsonw_str(w, "message", message);
}

/* A field that would make the line too long is left out whole, so that it stays JSON. */
static void format(struct buf *line, enum log_level level, const char *component,
                   const char *message, const struct log_field *fields)
{
    struct jsonw w;
    begin(&w, line, level, component, message);
    for (; fields != NULL && fields->kind != LOG_END; fields++) {
        struct jsonw before = w;
        size_t len = line->len;
        put_field(&w, fields);
        if (line->is_cut || line->len > LOG_LINE_MAX - 32) {
            w = before;
            line->len = len;
            line->data[len] = '\0';
            line->is_cut = false;
            jsonw_bool(&w, "is_cut", true);
            break;
        }
    }
    jsonw_close(&w, '}');
    (void)buf_char(line, '\n');
}

/* ---- the file; under lock -------------------------------------------------------------
 */

static int open_file(const char *path, int64_t *ret_size)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        *ret_size = fstat(fd, &st) == 0 ? (int64_t)st.st_size : 0;
    }
    return fd;
}

static void rotate(void)
{
    for (int i = LOG_FILES - 1; i > 0; i--) {
        AUTO_FREE char *to = mem_printf("%s.%d", state.path, i);
        AUTO_FREE char *from =
            i > 1 ? mem_printf("%s.%d", state.path, i - 1) : mem_str(state.path);
        (void)rename(from, to); /* or it is not there */
    }
    int64_t size = 0;
    int fd = open_file(state.path, &size);
    if (fd >= 0) { /* else the old one grows on */
        (void)close(state.fd);
        state.fd = fd;
        state.size = size;
    }
}

static void put_line(const struct buf *line)
{
    if (state.size + (int64_t)line->len > state.file_max && state.size > 0) {
        rotate();
    }
    ssize_t n = write(state.fd, line->data, line->len);
    if (n == (ssize_t)line->len) {
        state.size += n;
    } else {
        state.n_lost++;
        if (n > 0) { /* half a line: the next one begins on its own */
            n = write(state.fd, "\n", 1);
        }
    }
}

static void tell(enum log_level level, const char *component, const char *message,
                 const char *key, int64_t count)
{
    AUTO_BUF struct buf line;
    struct jsonw w;
    buf_init(&line, LOG_LINE_MAX);
    begin(&w, &line, level, component, message);
    jsonw_int(&w, key, count);
    jsonw_close(&w, '}');
    (void)buf_char(&line, '\n');
    put_line(&line);
}

/* Of windows that are over, or of all: what was counted and not written. */
static void tell_repeats(struct mono now, bool is_last)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct repeat *repeat = &state.repeats[i];
        if (repeat->message == NULL ||
            (!is_last && now.ns - repeat->since.ns < state.window.ms * 1000000)) {
            continue;
        }
        if (repeat->n > state.burst) {
            tell(repeat->level, repeat->component, repeat->message, "repeated",
                 repeat->n - state.burst);
        }
        *repeat = (struct repeat){0};
    }
}

/* False: only counted. */
static bool may_write(enum log_level level, const char *component, const char *message,
                      struct mono now)
{
    struct repeat *spare = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        struct repeat *repeat = &state.repeats[i];
        if (repeat->message == NULL) {
            spare = repeat;
        } else if (repeat->level == level && strcmp(repeat->message, message) == 0 &&
                   strcmp(repeat->component, component) == 0) {
            return ++repeat->n <= state.burst;
        }
    }
    if (spare != NULL) {
        *spare = (struct repeat){component, message, level, now, 1};
    }
    return true;
}

void log_line(enum log_level level, const char *component, const char *message,
              const struct log_field *fields)
{
    if (!log_is_on(level)) {
        return;
    }
    struct mono now = mono_now();
    AUTO_BUF struct buf line;
    buf_init(&line, LOG_LINE_MAX);
    format(&line, level, component, message, fields);
    (void)pthread_mutex_lock(&lock); /* never fails for such a lock */
    if (state.fd >= 0) {
        tell_repeats(now, false);
        if (state.n_lost > 0) {
            int64_t n = state.n_lost;
            state.n_lost = 0;
            tell(LOG_WARN, "log", "lines were lost", "lost", n);
        }
        if (may_write(level, component, message, now)) {
            put_line(&line);
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ---- beginning and end ----------------------------------------------------------------
 */

bool log_open(const struct log_options *options, struct err *err)
{
    int64_t size = 0;
    int fd = open_file(options->path, &size);
    if (fd < 0) {
        return err_sys(err, "%s", options->path);
    }
    log_close();
    (void)pthread_mutex_lock(&lock);
    state.fd = fd;
    state.path = mem_str(options->path);
    state.size = size;
    state.file_max = options->file_max > 0 ? options->file_max : LOG_FILE_MAX;
    state.window = options->window.ms > 0 ? options->window : LOG_WINDOW;
    state.burst = options->burst > 0 ? options->burst : LOG_BURST;
    state.n_lost = 0;
    atomic_store(&lowest, (int)options->level);
    (void)pthread_mutex_unlock(&lock);
    return true;
}

void log_close(void)
{
    atomic_store(&lowest, LOG_LEVEL_COUNT);
    (void)pthread_mutex_lock(&lock);
    if (state.fd >= 0) {
        tell_repeats(mono_now(), true);
        (void)close(state.fd);
        state.fd = -1;
        free(TAKE(state.path));
    }
    (void)pthread_mutex_unlock(&lock);
}
