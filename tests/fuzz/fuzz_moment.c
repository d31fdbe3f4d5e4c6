/* SPDX-License-Identifier: MIT */

/* What a person types as a moment: an event, a time that is over, or refused in clean words. */
#include "engine/base/mem.h"
#include "store/past.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct wall now = {1795317120000};
    struct moment_ask ask = {0};
    struct err err = ERR_INIT;
    AUTO_FREE char *text = mem_strn((const char *)data, size);
    if (moment_parse(text, now, &ask, &err)) {
        MUST((ask.event > 0) != (ask.at.ms > 0));
        MUST(ask.event >= 0 && ask.at.ms <= now.ms);
    } else {
        MUST(err.code == ERR_USAGE && is_harmless(err.msg));
    }
    return 0;
}
