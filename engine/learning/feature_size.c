/* SPDX-License-Identifier: MIT */
#include "engine/learning/feature_size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* " 3 files changed, 10 insertions(+), 2 deletions(-)"; either may be missing, of a change of
 * modes both. */
static double read_shortstat(const char *text)
{
    char *end;
    double lines = 0;
    (void)strtol(text, &end, 10);
    if (end == text || strncmp(end, " file", 5) != 0 || strstr(end, " changed") == NULL) {
        return (double)NAN;
    }
    for (const char *at = strchr(end, ','); at != NULL; at = strchr(at + 1, ',')) {
        double number = strtod(at + 1, &end);
        bool is_lines =
            strncmp(end, " insertion", 10) == 0 || strncmp(end, " deletion", 9) == 0;
        lines += is_lines && number > 0 ? number : 0;
    }
    return lines;
}

double feature_size_of_steps(const struct effect_row *effects, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        const struct effect_row *effect = &effects[i];
        double lines = effect->kind == EFFECT_COMMIT && effect->status == STATUS_PASSED
                           ? read_shortstat(effect->summary)
                           : (double)NAN;
        if (isfinite(lines)) {
            return lines;
        }
    }
    return (double)NAN;
}

/* Lines of the hunk that begins "@@ -1,3 +1,4 @@", of one side; 1 when it is not said. */
static long hunk_lines(const char *at, const char *end, char side)
{
    while (at < end && *at != side) {
        at++;
    }
    char *number;
    (void)strtol(at, &number, 10);
    return number > at && number < end && *number == ',' ? strtol(number + 1, NULL, 10)
                                                         : 1;
}

struct diff_walk {
    long old_left, new_left; /* of the hunk in hand */
    double lines;
};

/* Inside a hunk the first character says what the line is; outside "+++" is a name. */
static void walk_line(struct diff_walk *walk, const char *at, const char *end)
{
    bool is_in = walk->old_left > 0 || walk->new_left > 0;
    if (is_in && at < end && *at == '+') {
        walk->new_left--;
        walk->lines++;
    } else if (is_in && at < end && *at == '-') {
        walk->old_left--;
        walk->lines++;
    } else if (is_in && (at == end || *at == ' ')) {
        walk->old_left--;
        walk->new_left--;
    } else if (end - at > 3 && strncmp(at, "@@ ", 3) == 0) {
        walk->old_left = hunk_lines(at, end, '-');
        walk->new_left = hunk_lines(at, end, '+');
    }
}

double feature_size_of_diff(const char *diff, size_t len)
{
    struct diff_walk walk = {.lines = 0};
    if (len > 0 && (len < 5 || strncmp(diff, "diff ", 5) != 0)) {
        return (double)NAN;
    }
    for (const char *at = diff, *all = diff + len; at < all;) {
        const char *end = memchr(at, '\n', (size_t)(all - at));
        end = end != NULL ? end : all;
        walk_line(&walk, at, end);
        at = end < all ? end + 1 : all;
    }
    return walk.lines;
}
