/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_APPROVAL_EFFECT_H
#define SIGNALBOX_APPROVAL_EFFECT_H

/*
 * Effect: what an approval allows, as a JSON object that is always written the same way, and
 * its digest. Whoever approves gives the digest of what was shown; another effect has another
 * digest, and is not what was approved.
 *
 * An effect holds what makes a difference to what is done (operation, target, parameters, the
 * commit it begins from, the version of the policy), and nothing else: no wording, no time, no id
 * that does not change what is done. So rewording or reordering keeps an approval, and every
 * change of what is done ends it.
 *
 * Canonical form: the object's members sorted by name (bytewise), no space, texts and integers
 * only; what RFC 8785 (JSON Canonicalization Scheme) gives for such objects. The digest is
 * SHA-256 of these bytes in lower-case hexadecimal.
 *
 * Pure.
 */

#include "engine/base/mem.h"
#include "store/approval.h"

/* Of the rules by which effects are made and judged: part of each effect, so that an approval
 * given under other rules is asked for again. */
#define EFFECT_POLICY 1

#define EFFECT_FIELDS_MAX 16

struct effect_field {
    const char *name; /* [a-z_]+ */
    const char *text; /* NULL: `number` */
    int64_t number;
};

/* The fields in any order, each name once; texts that are NULL with is_text are "". In arena. */
const char *effect_canonical(struct arena *arena, const struct effect_field *fields,
                             size_t n);
/* Of the bytes as they are. */
void effect_digest(const char *canonical, char ret_digest[DIGEST_HEX]);
/* SHA-256 of any text, as a field that stands for it. */
const char *effect_text_digest(struct arena *arena, const char *text, size_t len);

struct effect_change {
    const char *field, *before, *after; /* "" = was or is not there */
};
/* Fields that differ, in order of their names, at most max; returns how many. What is no object
 * counts as one without fields. In arena. */
size_t effect_diff(struct arena *arena, const char *before, const char *after,
                   struct effect_change *ret_changes, size_t max);
/* "head 3f2a1c0 -> 9b1d244, method merge -> squash", cut where it gets long. */
#define EFFECT_DIFF_TEXT 240
const char *effect_diff_text(const char *before, const char *after,
                             char ret_text[EFFECT_DIFF_TEXT]);

#endif
