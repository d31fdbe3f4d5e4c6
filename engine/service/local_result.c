/* SPDX-License-Identifier: MIT */
#include "engine/service/local_result.h"

#include "engine/base/mem.h"

bool result_refuse(struct effect_result *result, char *summary)
{
    result->status = STATUS_REFUSED;
    result->blame = BLAME_SETUP;
    free(result->summary);
    result->summary = summary;
    return false;
}

void result_pass(struct effect_result *result, char *summary)
{
    result->status = STATUS_PASSED;
    result->blame = BLAME_NONE;
    free(result->summary);
    result->summary = summary;
}

void result_reject(struct effect_result *result, char *summary)
{
    result->status = STATUS_FAILED;
    result->blame = BLAME_CHANGE;
    free(result->summary);
    result->summary = summary;
}

bool result_fail(struct effect_result *result, const struct err *err)
{
    result->status = STATUS_FAILED;
    result->blame = BLAME_WORLD;
    free(result->summary);
    result->summary = mem_str(err->msg);
    return false;
}
