/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_CLASSIFY_TEXT_H
#define SIGNALBOX_RECOVERY_CLASSIFY_TEXT_H

/*
 * Classify, text: what of a text the linear model sees. Private to classify*.c and to its
 * trainer (tests/tools/train_classify.c), which so cannot see anything else.
 *
 * A text becomes tokens between blanks, in lower case, without escape sequences; numbers, hex,
 * paths, file names and addresses are masked. Features are counted in groups, each of which has
 * buckets of its own (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning",
 * ICML 2009, without signs):
 *
 *   chars    runs of 3 to 5 characters inside one token with a blank on each side
 *   words    words of letters, whole and taken apart at capitals
 *   pairs    two words that follow each other in one line
 *   starts   the first token, and the first two tokens, of a line
 *   rules    rules of the pattern base that match, and their classes, by weight
 *   shape    how long, how many lines, how many with an error
 *
 * Pure; linear in the text; scratch memory in the reader.
 */

#include <stdint.h>

#include "engine/recovery/pattern.h"

enum text_group {
    GROUP_CHARS,
    GROUP_WORDS,
    GROUP_PAIRS,
    GROUP_STARTS,
    GROUP_RULES,
    GROUP_SHAPE,
    GROUP_COUNT
};

#define TEXT_CHARS  16384
#define TEXT_WORDS  8192
#define TEXT_PAIRS  8192
#define TEXT_STARTS 4096
#define TEXT_RULES  2048
#define TEXT_SHAPE  32
#define TEXT_BUCKETS                                                                     \
    (TEXT_CHARS + TEXT_WORDS + TEXT_PAIRS + TEXT_STARTS + TEXT_RULES + TEXT_SHAPE)

struct text_feature {
    uint32_t bucket;
    float value; /* how often, damped: 1 + ln(count); rules: weight */
};

struct text_reader {
    float sum[TEXT_BUCKETS];
    uint32_t touched[TEXT_BUCKETS];
    size_t n_touched;
};

/* The group of a bucket. */
enum text_group text_group_of(uint32_t bucket);

/* Features of text, in reader->touched order of first sight: pairs written to ret (room for
 * TEXT_BUCKETS), returns how many. base may be NULL: no rules. */
size_t text_features(struct text_reader *reader, const struct pattern_base *base,
                     const char *text, size_t len, struct text_feature *ret);

#endif
