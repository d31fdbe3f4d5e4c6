/* SPDX-License-Identifier: MIT */
#include "store/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define FILE_MAX 4096

/* clang-format off */
#define FIELDS(X)                                                                        \
    X(at.ms) X(started_at.ms) X(output_at.ms) X(file_at.ms) X(cpu_at.ms) X(cpu_ms)       \
    X(out_bytes) X(stall.ms)
/* clang-format on */

const char *worker_state_word(enum worker_state state)
{
    static const char *const words[] = {
#define X(id, word, help) word,
        WORKER_LIST(X)
#undef X
    };
    return (unsigned)state < WORKER_STATE_COUNT ? words[state] : "?";
}

static struct wall later(struct wall a, struct wall b)
{
    return a.ms > b.ms ? a : b;
}

struct wall progress_sign(const struct progress *progress)
{
    struct wall at = later(progress->output_at, progress->file_at);
    return later(later(at, progress->cpu_at), progress->started_at);
}

enum worker_state progress_state(const struct progress *progress, struct wall now)
{
    struct wall sign = progress_sign(progress);
    int64_t quiet = wall_since(now, sign).ms;
    int64_t most = progress->stall.ms > 0 ? progress->stall.ms / 2 : PROGRESS_QUIET.ms;
    if (sign.ms == progress->started_at.ms && quiet < PROGRESS_GRACE.ms) {
        return WORKER_STARTING;
    }
    return quiet >= most ? WORKER_STALLED : WORKER_WORKING;
}

/* One unit is enough: "40s", "18m", "3h". */
static const char *brief(struct span span, char text[CLOCK_TEXT_MAX])
{
    long long s = span.ms > 0 ? span.ms / 1000 : 0;
    (void)snprintf(text, CLOCK_TEXT_MAX, "%lld%s",
                   s < 100    ? s
                   : s < 6000 ? s / 60
                              : s / 3600,
                   s < 100    ? "s"
                   : s < 6000 ? "m"
                              : "h");
    return text;
}

static void add(char *text, const char *what, struct wall at, struct wall now)
{
    char span[CLOCK_TEXT_MAX];
    size_t used = strlen(text);
    if (wall_is_set(at)) {
        (void)snprintf(text + used, PROGRESS_TEXT_MAX - used, "%s%s %s ago",
                       used > 0 ? ", " : "", what, brief(wall_since(now, at), span));
    }
}

const char *progress_text(const struct progress *progress, struct wall now,
                          char ret_text[PROGRESS_TEXT_MAX])
{
    char signs[PROGRESS_TEXT_MAX] = "", span[CLOCK_TEXT_MAX];
    add(signs, "output", progress->output_at, now);
    add(signs, "files", progress->file_at, now);
    add(signs, "cpu", progress->cpu_at, now);
    (void)snprintf(ret_text, PROGRESS_TEXT_MAX, "%s: %.150s%s%s",
                   worker_state_word(progress_state(progress, now)),
                   signs[0] != '\0' ? signs : "no sign of life yet",
                   progress->stall.ms > 0 ? "; ended after " : "",
                   progress->stall.ms > 0 ? brief(progress->stall, span) : "");
    return ret_text;
}

bool progress_write(const char *folder, const struct progress *progress, struct err *err)
{
    AUTO_FREE char *path = file_join(folder, "progress");
    AUTO_FREE char *fresh = file_join(folder, "progress.new");
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, FILE_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
#define X(field) jsonw_int(&w, #field, progress->field);
    FIELDS(X)
#undef X
    jsonw_close(&w, '}');
    AUTO_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, buf.data, buf.len) != (ssize_t)buf.len ||
        rename(fresh, path) != 0) {
        return err_sys(err, "%s", fresh);
    }
    return true;
}

bool progress_read(const char *folder, struct progress *ret_progress)
{
    AUTO_FREE char *path = file_join(folder, "progress");
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct err ignored = ERR_INIT;
    if (!file_read(path, FILE_MAX, &text, &len, &ignored)) {
        return false;
    }
    struct json *root = json_parse(text, len, &ignored);
    if (root == NULL) {
        return false;
    }
#define X(field) ret_progress->field = json_int(root, #field, 0);
    FIELDS(X)
#undef X
    json_free(root);
    return true;
}
