/* SPDX-License-Identifier: MIT */
#include "engine/monitor/fingerprint.h"

#include <string.h>

#include "engine/recovery/template.h"

enum fingerprint_age fingerprint_add(struct fingerprint_book *book, const char *text,
                                     struct wall at, const struct fingerprint **ret_print)
{
    char masked[FINGERPRINT_TEXT] = {0}; /* all of it is saved */
    uint64_t hash = template_mask(text, strlen(text), masked, sizeof(masked));
    struct fingerprint *print = NULL, *oldest = &book->prints[0];
    for (size_t i = 0; i < FINGERPRINTS_MAX && print == NULL; i++) {
        struct fingerprint *other = &book->prints[i];
        if (other->hash == hash) {
            print = other;
        } else if (other->last_at.ms < oldest->last_at.ms) {
            oldest = other;
        }
    }
    enum fingerprint_age age = FINGERPRINT_KNOWN;
    if (print == NULL) {
        print = oldest;
        *print = (struct fingerprint){.hash = hash, .first_at = at};
        (void)memcpy(print->text, masked, sizeof(masked));
        age = FINGERPRINT_NEW;
    } else if (at.ms - print->last_at.ms > FINGERPRINT_RETURN_MS) {
        age = FINGERPRINT_RETURNED;
        print->returned_at = at;
    }
    print->n++;
    print->last_at = at;
    if (ret_print != NULL) {
        *ret_print = print;
    }
    return age;
}

void fingerprint_count(const struct fingerprint_book *book, struct wall now,
                       struct span span, int64_t *ret_new, int64_t *ret_returned)
{
    *ret_new = *ret_returned = 0;
    for (size_t i = 0; i < FINGERPRINTS_MAX; i++) {
        const struct fingerprint *print = &book->prints[i];
        if (print->hash == 0) {
            continue;
        }
        *ret_new += now.ms - print->first_at.ms < span.ms;
        *ret_returned +=
            wall_is_set(print->returned_at) && now.ms - print->returned_at.ms < span.ms;
    }
}
