/* SPDX-License-Identifier: MIT */
#include "tests/lib/wrong.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

#define WRONG_FILE_MAX (1024 * 1024)

static int hex(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static void unescape(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '<' && i + 3 < len && text[i + 3] == '>' &&
            hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            buf_char(out, (char)(hex(text[i + 1]) * 16 + hex(text[i + 2])));
            i += 3;
        } else if (len - i == 6 && memcmp(text + i, "<EOF>\n", 6) == 0) {
            return;
        } else {
            buf_char(out, text[i]);
        }
    }
}

static void print_findings(struct buf *out, const char *input, size_t len,
                           wrong_parse *parse)
{
    AUTO_BUF struct buf text;
    struct findings findings;
    buf_init(&text, WRONG_FILE_MAX);
    unescape(&text, input, len);
    /* An exact copy, so that a sanitizer sees a read past the end. */
    AUTO_FREE char *exact = mem_alloc(text.len);
    memcpy(exact, text.data, text.len);
    findings_init(&findings);
    parse("p", exact, text.len, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        buf_printf(out, "%s\n", line);
    }
    findings_fini(&findings);
}

/* Past the next line that is `mark`, or NULL. */
static const char *after_mark(const char *at, const char *mark, const char **ret_before)
{
    while (at != NULL && *at != '\0') {
        const char *end = strchr(at, '\n');
        end = end != NULL ? end + 1 : at + strlen(at);
        if (strncmp(at, mark, strlen(mark)) == 0 &&
            (size_t)(end - at) == strlen(mark) + 1) {
            *ret_before = at;
            return end;
        }
        at = end;
    }
    return NULL;
}

/* Where the findings of a case end: at a comment, the next input, or the end. */
static const char *end_of_findings(const char *at)
{
    while (*at != '\0' && *at != '#' && strncmp(at, "<<<<\n", 5) != 0) {
        const char *end = strchr(at, '\n');
        at = end != NULL ? end + 1 : at + strlen(at);
    }
    return at;
}

void wrong_check(const char *path, wrong_parse *parse, size_t *ret_n_cases)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text = NULL;
    size_t len = 0, n_wrong = 0, n_cases = 0;
    if (!file_read(path, WRONG_FILE_MAX, &text, &len, &err)) {
        fail_msg("%s", err.msg);
    }
    AUTO_BUF struct buf out;
    buf_init(&out, WRONG_FILE_MAX);
    const char *at = text, *mark = NULL, *input;
    while ((input = after_mark(at, "<<<<", &mark)) != NULL) {
        buf_add(&out, at, (size_t)(input - at));
        const char *input_end = NULL, *findings = after_mark(input, ">>>>", &input_end);
        if (findings == NULL) {
            fail_msg("%s: an input without >>>>", path);
            break;
        }
        at = end_of_findings(findings);
        buf_add(&out, input, (size_t)(findings - input));
        size_t before = out.len;
        print_findings(&out, input, (size_t)(input_end - input), parse);
        bool is_same = out.len - before == (size_t)(at - findings) &&
                       memcmp(out.data + before, findings, out.len - before) == 0;
        n_cases++;
        if (!is_same || out.len == before) {
            n_wrong++;
            print_message("# input:\n%.*s# expected:\n%.*s# found:\n%s",
                          (int)(input_end - input), input, (int)(at - findings), findings,
                          out.len == before ? "nothing wrong\n" : out.data + before);
        }
    }
    buf_str(&out, at);
    if (getenv("WRONG_UPDATE") != NULL && !file_write(path, out.data, out.len, &err)) {
        fail_msg("%s", err.msg);
    }
    if (n_wrong > 0) {
        fail_msg("%s: %zu of %zu inputs give other findings", path, n_wrong, n_cases);
    }
    *ret_n_cases = n_cases;
}
