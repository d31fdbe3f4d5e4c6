/* SPDX-License-Identifier: MIT */

/* A log and its index of any bytes, as after a crash of the machine: opened or refused,
 * read within bounds, and continued. Input: one byte of flags, one of the index's length
 * in units of 8, the index, the log. */
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "store/segment.h"
#include "store/segment_file.h"
#include "tests/fuzz/fuzz.h"

#define LINES_MAX 50

static char folder[] = "/tmp/signalbox-fuzz.XXXXXX";

static void clean_up(void)
{
    struct err err = ERR_INIT;
    (void)file_remove_tree(folder, &err); /* at the end of the program */
}

static const char *set_up(void)
{
    static bool is_made;
    if (!is_made) {
        MUST(mkdtemp(folder) != NULL);
        MUST(atexit(clean_up) == 0);
        is_made = true;
    }
    return folder;
}

static void put(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wbe");
    MUST(file != NULL);
    MUST(len == 0 || fwrite(data, 1, len, file) == len);
    MUST(fclose(file) == 0);
}

/* Block after block: it goes forward, and ends. */
static void read_blocks(struct segment_reader *reader)
{
    AUTO_FREE char *bytes = mem_alloc(SEGMENT_LINE_MAX);
    int64_t next = 1, first, n, steps = 0;
    size_t len;
    while ((len = segment_block(reader, next, bytes, SEGMENT_LINE_MAX, &first, &n)) > 0) {
        MUST(len <= SEGMENT_LINE_MAX && first >= next && n >= 1);
        next = first + n;
        if (steps++ > 1000) {
            return; /* an index that lies promises more than there is */
        }
    }
}

static void read_all(const char *path)
{
    struct err err = ERR_INIT;
    struct segment_reader *reader = segment_open(path, &err);
    if (reader == NULL) {
        MUST(err.msg[0] != '\0');
        return;
    }
    struct segment_info info;
    struct segment_line lines[LINES_MAX];
    (void)segment_refresh(reader); /* grown or not: it must not break */
    segment_info(reader, &info);
    MUST(info.n_lines >= 0 && info.n_bytes >= 0 && info.first_failure >= 0);
    MUST(info.cut_lines >= 0);
    const int64_t firsts[] = {1,
                              info.n_lines / 2,
                              info.n_lines,
                              info.cut_from,
                              INT64_MAX - 1,
                              info.first_failure};
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        if (firsts[i] < 1) {
            continue;
        }
        struct arena *arena = arena_new();
        size_t n = segment_lines(reader, arena, firsts[i], LINES_MAX, lines);
        MUST(n <= LINES_MAX);
        for (size_t k = 0; k < n; k++) {
            MUST(lines[k].number >= firsts[i] && lines[k].len <= SEGMENT_LINE_MAX);
            MUST(lines[k].text[lines[k].len] == '\0');
        }
        arena_free(arena);
    }
    read_blocks(reader);
    segment_free(reader);
    reader = segment_open_now(path, &err);
    MUST(reader != NULL);
    while (segment_index_more(reader)) {
    }
    read_blocks(reader);
    segment_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 256 * 1024) {
        return 0;
    }
    AUTO_FREE char *path = file_join(set_up(), "log");
    AUTO_FREE char *log = mem_printf("%s.log", path);
    AUTO_FREE char *idx = mem_printf("%s.idx", path);
    uint8_t flags = data[0];
    size_t idx_len = (size_t)data[1] * 8;
    idx_len = idx_len < size - 2 ? idx_len : size - 2;
    AUTO_FREE uint8_t *index = mem_alloc(idx_len);
    memcpy(index, data + 2, idx_len);
    if ((flags & 1) != 0 && idx_len >= sizeof(struct segment_header)) {
        struct segment_header header; /* past the check sum, or little else is reached */
        memcpy(&header, index, sizeof(header));
        header.magic = SEGMENT_MAGIC;
        segment_header_seal(&header);
        memcpy(index, &header, sizeof(header));
    }
    put(log, data + 2 + idx_len, size - 2 - idx_len);
    put(idx, index, idx_len);
    if ((flags & 2) != 0) {
        MUST(unlink(idx) == 0);
    }
    read_all(path);
    struct err err = ERR_INIT;
    struct segment_writer *writer = segment_create(path, 4 * SEGMENT_STRIDE, &err);
    if (writer != NULL) {
        MUST(segment_write(writer, "one\nerror: two\nthree", 20, &err));
        size_t len = 0;
        AUTO_FREE char *text = segment_text(writer, 1000, &len);
        MUST(text != NULL && len <= 1000);
        MUST(segment_flush(writer, &err));
        segment_close(writer);
        read_all(path);
    }
    return 0;
}
