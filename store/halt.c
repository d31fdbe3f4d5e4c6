/* SPDX-License-Identifier: MIT */
#include "store/halt.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "store/approval.h"

#define LINE_MAX 300

static const char *line(struct arena *arena, const struct json *root, const char *key)
{
    char clean[LINE_MAX];
    return arena_str(arena,
                     text_clean_into(clean, sizeof(clean), json_str(root, key, "")));
}

void halt_row_parse(struct arena *arena, const char *text, struct halt_row *ret_row)
{
    *ret_row = (struct halt_row){.by = "", .reason = ""};
    if (text == NULL || text[0] == '\0') {
        return;
    }
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    ret_row->is_on = true;
    ret_row->at.ms = json_int(root, "at", 0);
    ret_row->by = line(arena, root, "by");
    ret_row->reason = line(arena, root, "reason");
    json_free(root);
}

void reader_halt(struct reader *reader, struct arena *arena, struct halt_row *ret_row)
{
    halt_row_parse(arena, reader_setting(reader, arena, HALT_SETTING), ret_row);
}

/* ---- without an engine ---- */

/* "PID STARTTIME\n"; the signal is one that a process which is no runner ignores. */
static bool wake(const char *work, const char *mark)
{
    long long workflow = 0, seq = 0;
    char *end = NULL;
    struct err ignored = ERR_INIT;
    AUTO_FREE char *text = NULL;
    if (strncmp(mark, "wf-", 3) != 0) {
        return false;
    }
    workflow = strtoll(mark + 3, &end, 10);
    seq = *end == '.' ? strtoll(end + 1, &end, 10) : 0;
    AUTO_FREE char *path = mem_printf("%s/wf-%lld/fx-%lld/lock", work, workflow, seq);
    if (*end != '\0' || !file_read(path, 256, &text, NULL, &ignored)) {
        return false;
    }
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    return pid > 1 && kill(pid, HALT_SIGNAL) == 0;
}

int halt_without_engine(const char *store)
{
    AUTO_FREE char *work = mem_printf("%s-work", store);
    AUTO_FREE char *path = file_join(work, HALT_FILE);
    AUTO_FREE char *live = file_join(work, "live");
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    DIR *dir = fd >= 0 ? opendir(live) : NULL;
    int n = 0;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        n += wake(work, entry->d_name);
    }
    if (dir != NULL) {
        (void)closedir(dir); /* only read */
    }
    return n;
}
