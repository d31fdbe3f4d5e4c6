/* SPDX-License-Identifier: MIT */

/* Problems: a saved book of any bytes is refused or is used without harm, saves to the same bytes
 * again, and stays within its bounds whatever happens next. */
#include "engine/base/mem.h"
#include "engine/recovery/problem.h"
#include "tests/fuzz/fuzz.h"

static void same_again(const struct problem_book *book)
{
    AUTO_BUF struct buf once, twice;
    buf_init(&once, 1 << 23);
    buf_init(&twice, 1 << 23);
    struct problem_book *copy = problem_book_new();
    problem_save(book, &once);
    MUST(!once.is_cut);
    MUST(problem_load(copy, once.data, once.len));
    problem_save(copy, &twice);
    MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    problem_book_free(copy);
}

static void happens(struct problem_book *book, const uint8_t *bytes, int64_t *number)
{
    static const char *const causes[] = {"service:a", "host:disk", "change", "unknown"};
    static const char *const prints[] = {"0011223344556677", "0011223344556678", ""};
    struct wall at = {(int64_t)bytes[1] * 10000 + 1};
    struct problem_row rows[2];
    int64_t ids[2];
    struct problem_failure failure = {
        .failure = bytes[2],
        .workflow = bytes[2] % 16,
        .cause = causes[bytes[3] % 4],
        .also = {bytes[3] & 64 ? causes[bytes[3] / 4 % 4] : NULL},
        .repo = bytes[3] & 32 ? "r" : "",
        .class_ = (enum failure_class)(bytes[0] / 8 % CLASS_COUNT),
        .fingerprint = prints[bytes[2] % 3],
        .text = "text",
        .at = at};
    switch (bytes[0] % 6) {
    case 0:
        (void)problem_admit(book, bytes[3], bytes[2], at);
        break;
    case 1:
        problem_tried(book, bytes[3], bytes[2], bytes[0] & 64, at);
        MUST(problem_room(book, bytes[3], at) >= 0);
        break;
    case 2:
        MUST(problem_passed(book, causes[bytes[3] % 4], at, ids, 2) <= 2);
        break;
    case 3:
        MUST(problem_tick(book, at, rows, 2) <= 2);
        break;
    default:
        problem_add(book, &failure, &rows[0]);
        if (rows[0].id == -1) {
            MUST(problem_find(book, -1) != NULL);
            while (problem_find(book, ++*number) != NULL) {
            }
            problem_number(book, *number);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem_book *book = problem_book_new();
    int64_t number = 0;
    if (problem_load(book, data, size)) {
        same_again(book);
    }
    for (size_t i = 0; i + 4 <= size && i < 4000; i += 4) {
        happens(book, data + i, &number);
    }
    same_again(book);
    problem_book_free(book);
    return 0;
}
