/* SPDX-License-Identifier: MIT */
#include "engine/io/desk_memo.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

static const char *const members[] = {
    [DESK_MEMO_EFFECT] = "memo",
    [DESK_MEMO_KEPT] = "keep",
};

char *desk_memo_path(const char *folder, enum desk_memo_kind kind, const char *port)
{
    return kind == DESK_MEMO_EFFECT ? mem_printf("%s/memo.json", folder)
                                    : mem_printf("%s/keep-%s.json", folder, port);
}

static bool sync_folder(const char *path, struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || err_sys(err, "syncing %s", path);
}

/* Folders that are new must be as durable as what is written into them: two levels,
 * wf-N/fx-SEQ, below one that was there before. */
static bool make_folder(const char *path, struct err *err)
{
    AUTO_FREE char *folder = mem_str(path);
    *strrchr(folder, '/') = '\0';
    if (file_exists(folder)) {
        return true;
    }
    if (!file_make_dirs(folder, err)) {
        return false;
    }
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(folder, '/');
        if (slash == NULL || slash == folder) {
            return true;
        }
        *slash = '\0';
        if (!sync_folder(folder, err)) {
            return false;
        }
    }
    return true;
}

static bool forget(const char *path, struct err *err)
{
    if (unlink(path) != 0) {
        return errno == ENOENT || err_sys(err, "%s", path);
    }
    AUTO_FREE char *folder = mem_str(path);
    *strrchr(folder, '/') = '\0';
    return sync_folder(folder, err);
}

bool desk_memo_write(const char *path, enum desk_memo_kind kind, const char *provider,
                     const char *json, struct err *err)
{
    if (json[0] == '\0') {
        return forget(path, err);
    }
    struct json *value = json_parse(json, strlen(json), err);
    bool is_object = value != NULL && json_is_an_object(value);
    json_free(value);
    if (!is_object) {
        BUG("a memo is no JSON object"); /* an adapter made it */
    }
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, DESK_MEMO_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "provider", provider);
    jsonw_raw(&w, members[kind], json, strlen(json));
    jsonw_close(&w, '}');
    if (buf.is_cut) {
        BUG("a memo is too large"); /* the same */
    }
    return make_folder(path, err) && file_write(path, buf.data, buf.len, err);
}

enum found desk_memo_read(const char *path, enum desk_memo_kind kind, char **ret_provider,
                          char **ret_json, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    if (!file_read(path, DESK_MEMO_MAX, &text, &len, err)) {
        return err->code == ERR_NOT_FOUND ? MISSING : FOUND_FAILED;
    }
    struct json *root = json_parse(text, len, err);
    const struct json *value = json_get(root, members[kind]);
    const char *provider = json_str(root, "provider", NULL);
    enum found found = FOUND_FAILED;
    if (root == NULL) {
        err_wrap(err, "%s", path);
    } else if (provider == NULL || !json_is_an_object(value)) {
        err_set(err, ERR_CORRUPT, "%s lacks what a memo must have", path);
    } else {
        *ret_provider = mem_str(provider);
        *ret_json = json_format(value);
        found = FOUND;
    }
    json_free(root);
    return found;
}
