/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_CLASSIFY_PRIVATE_H
#define SIGNALBOX_RECOVERY_CLASSIFY_PRIVATE_H

/* Classify, private: what its files share. */

#include "engine/recovery/classify.h"

/* What is known without reading: a class and how sure, or confidence 0. */
struct exact {
    enum failure_class class_;
    double confidence; /* 0..1; 0 = nothing known */
    const char *rule;  /* static */
};

/* By status, exit status, signal and HTTP answer. */
struct exact classify_exact(const struct failure_input *input);
#endif
