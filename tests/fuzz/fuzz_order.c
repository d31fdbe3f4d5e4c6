/* SPDX-License-Identifier: MIT */

/* An effect's folder with files of any bytes, as a command may leave them: the order and
 * the answer are read or refused. Input: spec.json, or with a first byte of 'r'
 * result.json. */
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/order.h"
#include "tests/fuzz/fuzz.h"

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

static void put(const char *name, const uint8_t *data, size_t len)
{
    AUTO_FREE char *path = file_join(set_up(), name);
    FILE *file = fopen(path, "wbe");
    MUST(file != NULL);
    MUST(len == 0 || fwrite(data, 1, len, file) == len);
    MUST(fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    if (size > 0 && data[0] == 'r') {
        struct effect_result *result = NULL;
        put("result.json", data + 1, size - 1);
        enum found found = order_read_answer(folder, 1, 2, &result, &err);
        MUST((found == FOUND) == (result != NULL));
        MUST(found != FOUND_FAILED || err.msg[0] != '\0');
        if (result != NULL) {
            MUST(result->status != STATUS_PENDING);
            MUST(result->status < STATUS_COUNT && result->blame < BLAME_COUNT);
            MUST(result->workflow == 1 && result->seq == 2);
            MUST(result->summary == NULL || is_harmless(result->summary));
        }
        effect_result_free(result);
        return 0;
    }
    put("spec.json", data, size);
    struct order *order = order_read(folder, &err);
    MUST(order != NULL || err.msg[0] != '\0');
    order_free(order);
    return 0;
}
