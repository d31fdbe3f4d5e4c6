/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_RESULT_H
#define SIGNALBOX_SERVICE_LOCAL_RESULT_H

/*
 * Local result: how a local provider says what came of it. Each takes the summary (malloc'd)
 * and replaces an earlier one.
 */

#include "engine/base/err.h"
#include "engine/service/port.h"

/* PASSED. */
void result_pass(struct effect_result *result, char *summary);
/* FAILED, the change is wrong. */
void result_reject(struct effect_result *result, char *summary);
/* REFUSED, settings are wrong. False. */
bool result_refuse(struct effect_result *result, char *summary);
/* FAILED, the surroundings failed. False. */
bool result_fail(struct effect_result *result, const struct err *err);

#endif
