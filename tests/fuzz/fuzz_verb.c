/* SPDX-License-Identifier: MIT */

/* A line of the palette, and a verb's arguments as any front end may send them: a line that
 * is understood gives arguments that are JSON; a silence that is accepted has an end, a
 * reason, and a pattern that is quick to match. */
#include <fnmatch.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/verb.h"
#include "tests/fuzz/fuzz.h"
#include "tui/palette.h"

static void check_silence(const struct json *args)
{
    const char *match = json_str(args, "match", NULL);
    const char *length = json_str(args, "for", NULL),
               *end = json_str(args, "until", NULL);
    struct span span;
    struct wall at;
    int n_stars = 0;
    MUST(match != NULL && match[0] != '\0' && strlen(match) <= SILENCE_MATCH_MAX);
    MUST(is_harmless(match));
    for (const char *p = match; *p != '\0'; p++) {
        n_stars += *p == '*';
    }
    MUST(n_stars <= SILENCE_STARS_MAX);
    MUST((length == NULL) != (end == NULL));
    MUST(length == NULL ||
         (span_parse(length, &span) && span.ms > 0 && span.ms <= SILENCE_MAX.ms));
    MUST(end == NULL || wall_parse(end, &at));
    MUST(json_str(args, "reason", NULL) != NULL);
    (void)fnmatch(match, "service_latency_seconds{service=\"github\",quantile=\"0.99\"}",
                  0); /* must come to an end */
}

static void check_args(const struct verb *verb, const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct json *args = json_parse(text, len, &err);
    if (args != NULL && json_is_an_object(args)) {
        if (!verb_check(verb, args, &err)) {
            MUST(err.code == ERR_USAGE || err.code == ERR_TOO_LARGE);
            MUST(err.msg[0] != '\0');
        } else if (strcmp(verb->name, "silence") == 0) {
            check_silence(args);
        }
    }
    json_free(args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct palette_command command;
    struct err err = ERR_INIT;
    if (size == 0) {
        return 0;
    }
    check_args(&verbs[data[0] % n_verbs], (const char *)data + 1, size - 1);
    AUTO_FREE char *line = mem_strn((const char *)data, size < 2000 ? size : 2000);
    if (palette_parse(line, &command, &err)) {
        MUST((command.verb != NULL) || command.kind != PALETTE_VERB);
        if (command.kind == PALETTE_VERB && command.args != NULL) {
            struct json *args = json_parse(command.args, strlen(command.args), &err);
            MUST(args != NULL || strchr(line, '=') != NULL); /* one name given twice */
            json_free(args);
            check_args(command.verb, command.args, strlen(command.args));
        }
        MUST(command.args == NULL || command.kind == PALETTE_VERB ||
             command.kind == PALETTE_SET);
        free(command.args);
    } else {
        MUST(err.code == ERR_USAGE && err.msg[0] != '\0');
    }
    return 0;
}
