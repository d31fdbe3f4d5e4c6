/* SPDX-License-Identifier: MIT */
#include "tui/log_compare.h"

#include "engine/base/mem.h"
#include "engine/recovery/template.h"

#define BLOCK ((size_t)256 * 1024)
#define SLOTS (LOG_COMPARE_KINDS / 3 * 4) /* a power of two */
#define MIXED                                                                            \
    UINT64_C(0x9e3779b97f4a7c15) /* tells lines that look like a failure apart */

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found by a mask");

/* The green log makes the table, ours says what is not in it, the green one again what was not
 * seen in ours. */
enum pass { PASS_GREEN, PASS_OURS, PASS_GONE, PASS_OVER };

struct slot {
    uint64_t hash; /* 0 = free */
    /* 2 * first line of ours, 0 = none; and 1 when one of the logs has it twice, so that it says
     * nothing of a place */
    int64_t ours;
};

/* What is looked at of a log. */
struct part {
    int64_t n_lines, head, tail; /* lines 1..head and tail..n_lines */
};

struct log_compare {
    enum pass pass;
    bool is_begun, is_bounded;
    struct part ours, green;
    int64_t next, anchor;
    struct slot *slots;
    size_t n_kinds, n_new, n_gone, new_cap, gone_cap;
    int64_t *new_lines;
    struct log_gone *gone;
    char bytes[BLOCK];
};

struct log_compare *log_compare_new(void)
{
    struct log_compare *compare = mem_alloc(sizeof *compare);
    compare->slots = mem_array(SLOTS, sizeof *compare->slots);
    compare->next = 1;
    return compare;
}

void log_compare_free(struct log_compare *compare)
{
    if (!compare)
        return;
    free(compare->slots);
    free(compare->new_lines);
    free(compare->gone);
    free(compare);
}

/* ---- lines ------------------------------------------------------------------------- */

/* 0: nothing but white space. */
static uint64_t hash_of(const char *line, size_t len)
{
    char masked[TEMPLATE_TEXT];
    if (len > SEGMENT_LINE_MAX)
        len = SEGMENT_LINE_MAX;
    uint64_t hash = template_mask(line, len, masked, sizeof masked);
    if (masked[0] == '\0')
        return 0;
    if (segment_is_failure(line, len))
        hash ^= MIXED;
    return hash != 0 ? hash : 1;
}

/* The slot of a hash, or the free one where it would stand. */
static struct slot *slot_of(const struct log_compare *compare, uint64_t hash)
{
    size_t at = (size_t)(hash ^ hash >> 32) & (SLOTS - 1);
    while (compare->slots[at].hash != 0 && compare->slots[at].hash != hash)
        at = (at + 1) & (SLOTS - 1);
    return &compare->slots[at];
}

static void learn(struct log_compare *compare, uint64_t hash)
{
    struct slot *slot = slot_of(compare, hash);
    if (slot->hash != 0) {
        slot->ours |= 1;
    } else if (compare->n_kinds < LOG_COMPARE_KINDS) {
        slot->hash = hash;
        compare->n_kinds++;
    } else {
        compare->is_bounded = true;
    }
}

static void judge(struct log_compare *compare, uint64_t hash, int64_t line)
{
    struct slot *slot = slot_of(compare, hash);
    if (slot->hash != 0) {
        slot->ours = slot->ours > 1 ? slot->ours | 1 : slot->ours | 2 * line;
        return;
    }
    if (compare->n_new == LOG_COMPARE_ROWS) {
        compare->is_bounded = true;
        return;
    }
    if (compare->n_new == compare->new_cap) {
        compare->new_cap = compare->new_cap > 0 ? 2 * compare->new_cap : 64;
        compare->new_lines =
            mem_grow(compare->new_lines, compare->new_cap, sizeof *compare->new_lines);
    }
    compare->new_lines[compare->n_new++] = line;
}

/* A line that both have, but not only once: it is taken for the next of ours that both have. */
static void go_on(struct log_compare *compare)
{
    if (compare->anchor < compare->ours.n_lines)
        compare->anchor++;
    while (compare->anchor < compare->ours.n_lines &&
           log_compare_is_new(compare, compare->anchor))
        compare->anchor++;
}

static void miss(struct log_compare *compare, uint64_t hash, int64_t line)
{
    const struct slot *slot = slot_of(compare, hash);
    if (slot->hash == 0)
        return; /* it was not remembered */
    if (slot->ours > 1 && !(slot->ours & 1))
        compare->anchor = slot->ours / 2;
    else if (slot->ours > 1)
        go_on(compare);
    if (slot->ours > 1)
        return;
    if (compare->n_gone == LOG_COMPARE_ROWS) {
        compare->is_bounded = true;
        return;
    }
    if (compare->n_gone == compare->gone_cap) {
        compare->gone_cap = compare->gone_cap > 0 ? 2 * compare->gone_cap : 64;
        compare->gone = mem_grow(compare->gone, compare->gone_cap, sizeof *compare->gone);
    }
    compare->gone[compare->n_gone++] = (struct log_gone){line, compare->anchor};
}

static void take(struct log_compare *compare, const char *text, size_t len, int64_t line)
{
    uint64_t hash = hash_of(text, len);
    if (hash == 0) {
        if (compare->pass == PASS_GONE)
            go_on(compare);
        return;
    }
    switch (compare->pass) {
    case PASS_GREEN:
        learn(compare, hash);
        break;
    case PASS_OURS:
        judge(compare, hash, line);
        break;
    case PASS_GONE:
        miss(compare, hash, line);
        break;
    case PASS_OVER:
        break;
    }
}

/* ---- the passes -------------------------------------------------------------------- */

static struct part part_of(struct log_compare *compare, struct segment_reader *reader)
{
    struct segment_info info;
    segment_info(reader, &info);
    struct part part = {info.n_lines, info.n_lines, info.n_lines + 1};
    if (info.cut_lines > 0)
        compare->is_bounded = true; /* what is not kept cannot be compared */
    if (info.n_bytes > LOG_COMPARE_BYTES) {
        double share = (double)LOG_COMPARE_BYTES / (double)info.n_bytes;
        int64_t n = (int64_t)((double)info.n_lines * share);
        part.head = n / 8;
        part.tail = info.n_lines - (n - n / 8) + 1;
        compare->is_bounded = true;
    }
    return part;
}

static int by_place(const void *a, const void *b)
{
    const struct log_gone *x = a, *y = b;
    if (x->after != y->after)
        return x->after < y->after ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void end_pass(struct log_compare *compare)
{
    compare->pass++;
    compare->next = 1;
    if (compare->pass == PASS_OVER && compare->n_gone > 1)
        qsort(compare->gone, compare->n_gone, sizeof *compare->gone, by_place);
}

/* One block; false: the pass is over. */
static bool take_block(struct log_compare *compare, struct segment_reader *reader,
                       const struct part *part)
{
    if (compare->next > part->head && compare->next < part->tail)
        compare->next = part->tail;
    int64_t number = compare->next, n = 0;
    size_t len =
        compare->next > part->n_lines
            ? 0
            : segment_block(reader, compare->next, compare->bytes, BLOCK, &number, &n);
    if (len == 0)
        return false;
    for (size_t at = 0; at < len && number <= part->n_lines; number++) {
        const char *end = memchr(compare->bytes + at, '\n', len - at);
        size_t to = end ? (size_t)(end - compare->bytes) : len;
        if (number <= part->head || number >= part->tail)
            take(compare, compare->bytes + at, to - at, number);
        at = to + 1;
    }
    compare->next = number;
    return true;
}

bool log_compare_step(struct log_compare *compare, struct segment_reader *ours,
                      struct segment_reader *green, struct mono until)
{
    if (!compare->is_begun) {
        compare->is_begun = true;
        compare->ours = part_of(compare, ours);
        compare->green = part_of(compare, green);
    }
    while (compare->pass != PASS_OVER) {
        bool is_ours = compare->pass == PASS_OURS;
        if (!take_block(compare, is_ours ? ours : green,
                        is_ours ? &compare->ours : &compare->green))
            end_pass(compare);
        if (mono_now().ns >= until.ns)
            break;
    }
    return compare->pass != PASS_OVER;
}

/* ---- what came out ----------------------------------------------------------------- */

const int64_t *log_compare_new_lines(const struct log_compare *compare, size_t *ret_n)
{
    *ret_n = compare->n_new;
    return compare->new_lines;
}

bool log_compare_is_new(const struct log_compare *compare, int64_t line)
{
    size_t low = 0, high = compare->n_new;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare->new_lines[mid] < line)
            low = mid + 1;
        else
            high = mid;
    }
    return low < compare->n_new && compare->new_lines[low] == line;
}

const struct log_gone *log_compare_gone(const struct log_compare *compare, size_t *ret_n)
{
    *ret_n = compare->n_gone;
    return compare->gone;
}

bool log_compare_is_bounded(const struct log_compare *compare)
{
    return compare->is_bounded;
}

int log_compare_percent(const struct log_compare *compare)
{
    int64_t ours = compare->ours.n_lines, green = compare->green.n_lines;
    int64_t all = ours + 2 * green, done = compare->next - 1;
    if (compare->pass == PASS_OVER || all == 0)
        return 100;
    if (compare->pass > PASS_GREEN)
        done += green;
    if (compare->pass > PASS_OURS)
        done += ours;
    return (int)(done * 100 / all);
}

struct log_rows *log_compare_rows(const struct log_compare *compare, int around)
{
    struct log_rows *rows = log_rows_new(around);
    size_t n = 0, g = 0;
    while (n < compare->n_new || g < compare->n_gone) {
        if (n < compare->n_new &&
            (g == compare->n_gone || compare->new_lines[n] <= compare->gone[g].after)) {
            log_rows_add(rows, compare->new_lines[n++]);
        } else {
            log_rows_add_gone(rows, compare->gone[g].after, (int64_t)g, 1);
            g++;
        }
    }
    return rows;
}
