/* SPDX-License-Identifier: MIT */

/* Memory: values that are copied by pages, and what the system is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/lib/flavour.h"

#define LARGE ((size_t)64 << 20)
#define PAGE  4096

static size_t resident(void)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t len = 0;
    long total, pages;
    assert_true(file_read("/proc/self/statm", 4096, &text, &len, &err));
    assert_int_equal(sscanf(text, "%ld %ld", &total, &pages), 2);
    free(text);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void same_afterwards(void **state)
{
    char to[3 * PAGE + 17], from[sizeof(to)];
    (void)state;
    for (size_t i = 0; i < sizeof(to); i++) {
        to[i] = (char)(i * 7);
        from[i] = (char)(i < PAGE ? i * 7 : i * 11);
    }
    mem_copy_pages(to, from, sizeof(to));
    assert_memory_equal(to, from, sizeof(to));
    mem_copy_pages(to, NULL, sizeof(to) - 1); /* the last byte is not its own */
    for (size_t i = 0; i + 1 < sizeof(to); i++) {
        assert_int_equal(to[i], 0);
    }
    assert_int_equal(to[sizeof(to) - 1], from[sizeof(to) - 1]);
}

/* A large model with little in it takes little memory, also after it was restored. */
static void zeros_take_no_memory(void **state)
{
    (void)state;
    if (IS_SANITIZED) {
        skip(); /* its shadow of what is read is memory, too */
    }
    char *from = mem_alloc(LARGE), *to = mem_alloc(LARGE);
    size_t before = resident();
    from[LARGE / 2] = 'x';
    mem_copy_pages(to, from, LARGE);
    assert_int_equal(to[LARGE / 2], 'x');
    assert_true(resident() < before + LARGE / 4);
    free(from);
    free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_afterwards),
        cmocka_unit_test(zeros_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
