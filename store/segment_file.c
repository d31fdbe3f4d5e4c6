/* SPDX-License-Identifier: MIT */
#include "store/segment_file.h"

#include <unistd.h>

/* Of a whole output, so that sums of offsets fit; nobody writes a petabyte. */
#define SEGMENT_BYTES_MAX (INT64_C(1) << 50)

void segment_header_init(struct segment_header *header, int64_t max_bytes)
{
    int64_t strides = max_bytes / SEGMENT_STRIDE;
    if (strides < 4) {
        strides = 4;
    }
    *header = (struct segment_header){.magic = SEGMENT_MAGIC};
    header->head = strides / 2 * SEGMENT_STRIDE;
    header->window = strides * SEGMENT_STRIDE - header->head;
}

/* FNV-1a (RFC 9923) over 64-bit words. */
static uint64_t checksum(const struct segment_header *header)
{
    const int64_t words[] = {header->magic,      header->head,         header->window,
                             header->total,      header->reserved,     header->newlines,
                             header->line_start, header->first_failure};
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        hash = (hash ^ (uint64_t)words[i]) * 0x100000001b3;
    }
    return hash;
}

void segment_header_seal(struct segment_header *header)
{
    header->check = checksum(header);
}

bool segment_header_fits(const struct segment_header *header)
{
    return header->magic == SEGMENT_MAGIC && header->check == checksum(header) &&
           header->head >= SEGMENT_STRIDE && header->window >= SEGMENT_STRIDE &&
           header->head % SEGMENT_STRIDE == 0 && header->window % SEGMENT_STRIDE == 0 &&
           header->head <= SEGMENT_BYTES_MAX && header->window <= SEGMENT_BYTES_MAX &&
           header->total >= 0 && header->total <= SEGMENT_BYTES_MAX &&
           header->reserved >= header->total && header->reserved <= SEGMENT_BYTES_MAX &&
           header->newlines >= 0 && header->newlines <= header->total &&
           header->line_start >= 0 && header->line_start <= header->total &&
           header->first_failure >= 0 && header->first_failure <= header->newlines + 1;
}

bool segment_header_read(int fd, struct segment_header *ret_header)
{
    /* The writer may be writing it right now; the second look is enough, because between
     * two headers it writes the log. */
    for (int i = 0; i < 8; i++) {
        struct segment_header header;
        ssize_t n = pread(fd, &header, sizeof(header), 0);
        if (n == (ssize_t)sizeof(header) && segment_header_fits(&header)) {
            *ret_header = header;
            return true;
        }
        if (n <= 0) {
            return false;
        }
    }
    return false;
}

int64_t segment_place(const struct segment_header *header, int64_t offset,
                      int64_t *ret_whole)
{
    if (offset < header->head) {
        *ret_whole = header->head - offset;
        return offset;
    }
    int64_t inside = (offset - header->head) % header->window;
    *ret_whole = header->window - inside;
    return header->head + inside;
}

int64_t segment_entry_place(const struct segment_header *header, int64_t k)
{
    int64_t n_head =
        header->head / SEGMENT_STRIDE + 1; /* the entry at `head` is kept too */
    int64_t n_window = header->window / SEGMENT_STRIDE + 1;
    int64_t slot = k < n_head ? k : n_head + (k - n_head) % n_window;
    return (int64_t)sizeof(*header) + slot * (int64_t)sizeof(int64_t);
}

bool segment_is_cut(const struct segment_header *header)
{
    return header->reserved > header->head + header->window;
}

int64_t segment_window_stride(const struct segment_header *header)
{
    int64_t start = header->reserved - header->window;
    return (start + SEGMENT_STRIDE - 1) / SEGMENT_STRIDE;
}
