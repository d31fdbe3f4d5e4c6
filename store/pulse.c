/* SPDX-License-Identifier: MIT */
#include "store/pulse.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define MAGIC INT64_C(0x73623170756c7365) /* and version: the layout below */

struct page {
    _Atomic int64_t magic;
    _Atomic int64_t beats[PULSE_COUNT]; /* ns */
};

struct pulse {
    struct page *page;
};

static const struct {
    const char *word, *help;
} words[] = {
#define X(id, word, help) {word, help},
    PULSE_LIST(X)
#undef X
};

const char *pulse_word(enum pulse_thread thread)
{
    return (unsigned)thread < PULSE_COUNT ? words[thread].word : "?";
}

const char *pulse_help(enum pulse_thread thread)
{
    return (unsigned)thread < PULSE_COUNT ? words[thread].help : "";
}

struct pulse *pulse_open(const char *store_path, struct err *err)
{
    AUTO_FREE char *path = mem_printf("%s-pulse", store_path);
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    void *page = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)sizeof(struct page)) == 0) {
        page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (page == MAP_FAILED) {
        err_sys(err, "%s", path);
        return NULL;
    }
    struct pulse *pulse = mem_alloc(sizeof(*pulse));
    pulse->page = page;
    for (int i = 0; i < PULSE_COUNT; i++) {
        atomic_store(&pulse->page->beats[i], 0);
    }
    atomic_store(&pulse->page->magic, MAGIC);
    return pulse;
}

void pulse_close(struct pulse *pulse)
{
    if (pulse == NULL) {
        return;
    }
    for (int i = 0; i < PULSE_COUNT; i++) {
        atomic_store(&pulse->page->beats[i], 0);
    }
    (void)munmap(pulse->page, sizeof(*pulse->page)); /* it is ours and mapped */
    free(pulse);
}

void pulse_beat(struct pulse *pulse, enum pulse_thread thread)
{
    if (pulse != NULL) {
        atomic_store(&pulse->page->beats[thread], mono_now().ns);
    }
}

void pulse_end(struct pulse *pulse, enum pulse_thread thread)
{
    if (pulse != NULL) {
        atomic_store(&pulse->page->beats[thread], 0);
    }
}

static struct span silence(int64_t beat, struct mono now)
{
    int64_t ms = beat > 0 ? (now.ns - beat) / 1000000 : 0;
    return (struct span){ms > 2 * PULSE_EVERY.ms ? ms : 0};
}

struct span pulse_silence(const struct pulse *pulse, enum pulse_thread thread,
                          struct mono now)
{
    return silence(pulse != NULL ? atomic_load(&pulse->page->beats[thread]) : 0, now);
}

bool pulse_find_silent(const char *store_path, struct mono now,
                       enum pulse_thread *ret_thread, struct span *ret_silence)
{
    int64_t numbers[1 + PULSE_COUNT];
    AUTO_FREE char *path = mem_printf("%s-pulse", store_path);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || pread(fd, numbers, sizeof(numbers), 0) != (ssize_t)sizeof(numbers) ||
        numbers[0] != MAGIC) {
        return false;
    }
    for (int i = 0; i < PULSE_COUNT; i++) {
        struct span found = silence(numbers[1 + i], now);
        if (found.ms > 0) {
            *ret_thread = (enum pulse_thread)i;
            *ret_silence = found;
            return true;
        }
    }
    return false;
}
