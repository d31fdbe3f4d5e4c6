/* SPDX-License-Identifier: MIT */

/* What an agent says that it has used, and amounts of money: within bounds or refused. */
#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/service/local_usage.h"
#include "tests/fuzz/fuzz.h"

static void check_money(const char *text)
{
    char shown[MONEY_TEXT_MAX];
    int64_t micros = 0, again = 0;
    if (money_parse(text, &micros)) {
        MUST(micros >= 0 && micros <= MONEY_MAX);
        MUST(money_parse(money_format(micros, shown), &again) && again == micros);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usage usage = {0, 0};
    struct err err = ERR_INIT;
    AUTO_FREE char *text = mem_strn((const char *)data, size);
    check_money(text);
    if (usage_parse((const char *)data, size, &usage, &err)) {
        MUST(usage.tokens >= 0 && usage.tokens <= USAGE_TOKENS_MAX);
        MUST(usage.micros >= 0 && usage.micros <= MONEY_MAX);
    } else {
        MUST(usage.tokens == 0 && usage.micros == 0);
        MUST(is_harmless(err.msg));
    }
    return 0;
}
