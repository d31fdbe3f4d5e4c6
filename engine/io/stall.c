/* SPDX-License-Identifier: MIT */
#include "engine/io/stall.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define FILES_MAX 200000 /* entries of one walk */
#define CPU_MIN   20     /* ms; the clock of /proc ticks in tens */

void stall_init(struct stall *stall, const char *folder, const char *tree,
                struct span limit, struct wall now)
{
    *stall = (struct stall){.folder = folder, .tree = tree};
    stall->progress = (struct progress){.at = now, .started_at = now, .stall = limit};
    stall->walked_at = now;
}

struct span stall_pace(const struct stall *stall)
{
    struct span pace = STALL_LOOK;
    int64_t tenth = stall->progress.stall.ms / 10;
    if (tenth > 0 && tenth < pace.ms) {
        pace.ms = tenth < 100 ? 100 : tenth;
    }
    return pace;
}

/* ---- files ---- */

struct walk {
    char **folders; /* still to be looked at */
    size_t n, cap, n_seen;
    struct wall newest;
};

static void push(struct walk *walk, char *folder)
{
    if (walk->n == walk->cap) {
        walk->cap = walk->cap * 2 + 64;
        walk->folders = mem_grow(walk->folders, walk->cap, sizeof(char *));
    }
    walk->folders[walk->n++] = folder;
}

static void look_at(struct walk *walk, const char *folder, int dir, const char *name)
{
    struct stat info;
    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return; /* gone meanwhile */
    }
    struct wall at = {(int64_t)info.st_mtim.tv_sec * 1000 +
                      info.st_mtim.tv_nsec / 1000000};
    if (at.ms > walk->newest.ms) {
        walk->newest = at;
    }
    if (S_ISDIR(info.st_mode)) {
        push(walk, mem_printf("%s/%s", folder, name));
    }
}

/* The newest change of anything in the tree. A folder's own time tells what was removed. */
static struct wall newest_change(const char *tree)
{
    struct walk walk = {.n = 0};
    push(&walk, mem_str(tree));
    while (walk.n > 0) {
        AUTO_FREE char *folder = walk.folders[--walk.n];
        DIR *dir = walk.n_seen < FILES_MAX ? opendir(folder) : NULL;
        for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                strcmp(entry->d_name, ".git") != 0 && walk.n_seen++ < FILES_MAX) {
                look_at(&walk, folder, dirfd(dir), entry->d_name);
            }
        }
        if (dir != NULL) {
            (void)closedir(dir); /* only read */
        }
    }
    free(walk.folders);
    return walk.newest;
}

/* ---- the look ---- */

/* While something else moves, files are not worth the walk more than once in a minute. */
static bool is_time_to_walk(const struct stall *stall, struct wall now)
{
    int64_t since = wall_since(now, stall->walked_at).ms;
    int64_t quiet = wall_since(now, progress_sign(&stall->progress)).ms;
    int64_t limit =
        stall->progress.stall.ms > 0 ? stall->progress.stall.ms : PROGRESS_QUIET.ms;
    return quiet >= limit / 2 ? since >= limit / 10 : since >= 60000;
}

static void look_at_files(struct stall *stall, struct wall now)
{
    struct progress *progress = &stall->progress;
    struct wall at = newest_change(stall->tree);
    stall->walked_at = now;
    /* a file may come from an archive, with a time of its own */
    if (at.ms > now.ms) {
        at = now;
    }
    if (at.ms > progress->started_at.ms && at.ms > progress->file_at.ms) {
        progress->file_at = at;
    }
}

static void look_at_cpu(struct stall *stall, int64_t cpu_ms, struct wall now)
{
    struct progress *progress = &stall->progress;
    struct wall since =
        wall_is_set(progress->cpu_at) ? progress->cpu_at : progress->started_at;
    int64_t least = wall_since(now, since).ms / 1000;
    if (cpu_ms - stall->cpu_mark >= (least > CPU_MIN ? least : CPU_MIN)) {
        progress->cpu_at = now;
        stall->cpu_mark = cpu_ms;
    }
    if (cpu_ms > progress->cpu_ms) {
        progress->cpu_ms = cpu_ms;
    }
}

static void move(struct wall *at, struct span by)
{
    if (wall_is_set(*at)) {
        *at = wall_add(*at, by);
    }
}

void stall_stood(struct stall *stall, struct span span)
{
    struct progress *progress = &stall->progress;
    move(&progress->started_at, span);
    move(&progress->output_at, span);
    move(&progress->file_at, span);
    move(&progress->cpu_at, span);
}

bool stall_look(struct stall *stall, int64_t out_bytes, int64_t cpu_ms, struct wall now)
{
    struct progress *progress = &stall->progress;
    struct err err = ERR_INIT;
    if (out_bytes > progress->out_bytes) {
        progress->out_bytes = out_bytes;
        progress->output_at = now;
    }
    look_at_cpu(stall, cpu_ms, now);
    if (is_time_to_walk(stall, now)) {
        look_at_files(stall, now);
    }
    progress->at = now;
    bool is_written = progress_write(stall->folder, progress, &err);
    (void)is_written; /* a hint for the screens */
    int64_t quiet = wall_since(now, progress_sign(progress)).ms;
    if (progress->stall.ms <= 0 || quiet < progress->stall.ms) {
        return true;
    }
    look_at_files(stall, now); /* before the last word */
    return wall_since(now, progress_sign(progress)).ms < progress->stall.ms;
}
