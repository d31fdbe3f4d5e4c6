/* SPDX-License-Identifier: MIT */
/* The judgement of a report as text. That of JSON is in web_report_json.c. */
#include "engine/service/web_report.h"

#include <ctype.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/web_report_private.h"

/* Headings of format_agent_result, in the order in which they come, without the sign in
 * front of each. */
enum section {
    SECTION_TOP,
    SECTION_STEPS,
    SECTION_CONCLUSION,
    SECTION_CONSOLE_ERRORS,
    SECTION_FAILED_REQUESTS,
    SECTION_REST /* logs, requests, timeline: the page's own words */
};

static const struct {
    const char *heading;
    enum section section;
} headings[] = {
    {"Agent Steps:",             SECTION_STEPS          },
    {"Conclusion:",              SECTION_CONCLUSION     },
    {"Console Errors:",          SECTION_CONSOLE_ERRORS },
    {"Failed Network Requests:", SECTION_FAILED_REQUESTS},
    {"All Console Logs:",        SECTION_REST           },
    {"All Network Requests:",    SECTION_REST           },
    {"Chronological Timeline",   SECTION_REST           },
};

/* Phrases of a conclusion, in lower case. The good ones are taken out first, so that "no
 * errors" is no "error". A phrase counts only where a word begins. */
static const char *const good_phrases[] = {
    "no error",
    "no console error",
    "no js error",
    "no javascript error",
    "no network error",
    "no visible error",
    "no issue",
    "no problem",
    "no failure",
    "no failed",
    "no broken",
    "no missing",
    "no bug",
    "no crash",
    "without error",
    "without any error",
    "without issue",
    "without any issue",
    "without problem",
    "without fail",
    "without any problem",
    "not fail",
    "never failed",
    "none failed",
    "nothing failed",
    "nothing is broken",
    "nothing missing",
    "not broken",
    "not missing",
    "0 error",
    "0 failed",
    "zero error",
    "error-free",
    "error free",
    "errors: none",
    "errors: 0",
    "error handling",
    "error message is shown",
    "error message was shown",
    "error message appears",
    "error messages are shown",
    "error messages appear",
    "validation error is shown",
    "validation error was shown",
    "validation errors are shown",
    "shows an error message",
    "showed an error message",
    "displays an error message",
    "displayed an error message",
    "displays the error message",
};

static const char *const bad_phrases[] = {
    "fail",           "error",        "broken",          "does not work",
    "did not work",   "not working",  "doesn't work",    "didn't work",
    "do not work",    "don't work",   "unable to",       "could not",
    "couldn't",       "cannot",       "can't",           "can not",
    "crash",          "not function", "non-functional",  "unresponsive",
    "not respond",    "is missing",   "are missing",     "was missing",
    "not found",      "not possible", "impossible",      "incorrect",
    "not load",       "inaccessible", "unsuccessful",    "not successful",
    "nothing happen", "timed out",    "blank page",      "not be completed",
    "not completed",  "not able to",  "no longer works",
};

void web_verdict_fini(struct web_verdict *verdict)
{
    for (size_t i = 0; i < verdict->n_reasons; i++) {
        free(verdict->reasons[i]);
    }
    free(verdict->summary);
    *verdict = (struct web_verdict){0};
}

void web_verdict_add(struct web_verdict *verdict, enum effect_status status,
                     enum blame blame, const char *rule, const char *line, size_t len)
{
    struct buf text;
    buf_init(&text, WEB_REASON_LEN);
    (void)buf_printf(&text, "%s: ", rule);
    text_clean(&text, line, len < WEB_REASON_LEN ? len : WEB_REASON_LEN, TEXT_ONE_LINE);
    while (text.is_cut && text.len > 0 && !text_is_utf8(text.data, text.len)) {
        text.data[--text.len] = '\0';
    }
    if (verdict->status == STATUS_PASSED) { /* the first one decides */
        verdict->status = status;
        verdict->blame = blame;
        verdict->summary = mem_str(text.data);
    }
    if (verdict->n_reasons < WEB_REASONS_MAX) {
        verdict->reasons[verdict->n_reasons++] = buf_take(&text, NULL);
    } else {
        verdict->n_more++;
        buf_fini(&text);
    }
}

void web_verdict_one(struct web_verdict *ret_verdict, enum effect_status status,
                     enum blame blame, const char *rule, const char *text)
{
    *ret_verdict = (struct web_verdict){.status = STATUS_PASSED};
    web_verdict_add(ret_verdict, status, blame, rule, text, strlen(text));
}

/* ---- conclusions ----------------------------------------------------------------------
 */

static char *find_word(char *text, const char *phrase)
{
    char *at = text;
    while ((at = strstr(at, phrase)) != NULL) {
        if (at == text || !isalnum((unsigned char)at[-1])) {
            return at;
        }
        at++;
    }
    return NULL;
}

bool web_report_is_bad(const char *line, size_t len)
{
    AUTO_FREE char *text = mem_strn(line, len);
    for (char *at = text; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    for (size_t i = 0; i < ARRAY_LEN(good_phrases); i++) {
        char *at;
        while ((at = find_word(text, good_phrases[i])) != NULL) {
            memset(at, ' ', strlen(good_phrases[i]));
            for (at += strlen(good_phrases[i]); isalpha((unsigned char)*at); at++) {
                *at = ' '; /* "no errors", "no failures" */
            }
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_phrases); i++) {
        if (find_word(text, bad_phrases[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- the text, line by line -----------------------------------------------------------
 */

struct line {
    const char *text;
    size_t len;
};

static bool starts(struct line line, const char *prefix)
{
    size_t len = strlen(prefix);
    return line.len >= len && memcmp(line.text, prefix, len) == 0;
}

static struct line next_line(const char **at, const char *end)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = newline != NULL ? newline : end;
    struct line line = {*at, (size_t)(stop - *at)};
    *at = newline != NULL ? newline + 1 : end;
    return line;
}

static struct line trim(struct line line)
{
    while (line.len > 0 && isspace((unsigned char)line.text[0])) {
        line.text++;
        line.len--;
    }
    while (line.len > 0 && isspace((unsigned char)line.text[line.len - 1])) {
        line.len--;
    }
    return line;
}

/* "  3. text" of a list; false for headings, blanks and the remainder of an item. */
static bool is_item(struct line line)
{
    size_t i = 0;
    line = trim(line);
    while (i < line.len && isdigit((unsigned char)line.text[i])) {
        i++;
    }
    return i > 0 && i + 1 < line.len && line.text[i] == '.' && line.text[i + 1] == ' ';
}

static bool has(struct line line, const char *word)
{
    return memmem(line.text, line.len, word, strlen(word)) != NULL;
}

/* A browser asks for it whether the page wants it or not. */
static bool is_favicon(struct line line)
{
    return has(line, "favicon.ico");
}

struct judge {
    struct web_verdict *verdict;
    enum section section;
    bool has_steps, has_conclusion;
};

static void judge_top(struct judge *judge, struct line line)
{
    static const char error_mark[] = "❌ Error";
    if (has(line, "API Key validation failed") || has(line, "No API key provided") ||
        has(line, "Invalid API key")) {
        web_verdict_add(judge->verdict, STATUS_REFUSED, BLAME_SETUP, "key", line.text,
                        line.len);
    } else if (starts(line, "Error executing web_eval_agent")) {
        web_verdict_add(judge->verdict, STATUS_FAILED, BLAME_WORLD, "tool", line.text,
                        line.len);
    } else if (starts(line, error_mark)) {
        web_verdict_add(judge->verdict, STATUS_FAILED, BLAME_CHANGE, "evaluation",
                        line.text + sizeof("❌ ") - 1, line.len - (sizeof("❌ ") - 1));
    } else if (starts(line, "⚠️ Result parsing failed")) {
        web_verdict_add(judge->verdict, STATUS_FAILED, BLAME_WORLD, "tool", line.text,
                        line.len);
    } else if (starts(line, "Error: ")) { /* arguments that the tool does not take */
        web_verdict_add(judge->verdict, STATUS_REFUSED, BLAME_SETUP, "tool", line.text,
                        line.len);
    }
}

static void judge_line(struct judge *judge, struct line line)
{
    struct web_verdict *verdict = judge->verdict;
    struct line text = trim(line);
    switch (judge->section) {
    case SECTION_TOP:
        judge_top(judge, line);
        break;
    case SECTION_STEPS:
        judge->has_steps = judge->has_steps || text.len > 0;
        if (starts(line, "⚠️ Result parsing failed")) {
            judge_top(judge, line);
        }
        break;
    case SECTION_CONCLUSION:
        judge->has_conclusion = judge->has_conclusion || text.len > 0;
        if (text.len > 0 && web_report_is_bad(text.text, text.len)) {
            web_verdict_add(verdict, STATUS_FAILED, BLAME_CHANGE, "conclusion", text.text,
                            text.len);
        }
        break;
    case SECTION_CONSOLE_ERRORS:
        if (is_item(line) && !is_favicon(line)) {
            web_verdict_add(verdict, STATUS_FAILED, BLAME_CHANGE, "console error",
                            text.text, text.len);
        }
        break;
    case SECTION_FAILED_REQUESTS:
        if (is_item(line) && !is_favicon(line)) {
            web_verdict_add(verdict, STATUS_FAILED, BLAME_CHANGE, "failed request",
                            text.text, text.len);
        }
        break;
    case SECTION_REST:
        break;
    }
}

/* Sections only follow each other: a page that prints a heading does not open one. */
static bool enter_section(struct judge *judge, struct line line)
{
    size_t sign = 0;
    while (sign < line.len && (unsigned char)line.text[sign] >= 0x80) {
        sign++;
    }
    if (sign == 0 || sign + 1 >= line.len || line.text[sign] != ' ') {
        return false;
    }
    line.text += sign + 1;
    line.len -= sign + 1;
    for (size_t i = 0; i < ARRAY_LEN(headings); i++) {
        if (starts(line, headings[i].heading) && headings[i].section > judge->section) {
            judge->section = headings[i].section;
            return true;
        }
    }
    return false;
}

/* Behind the task that the report repeats, or the whole text. */
static const char *skip_task(const char *text, size_t len, const char *task)
{
    static const char mark[] = "📝 Completed Task: ";
    const char *at = memmem(text, len, mark, sizeof(mark) - 1);
    size_t task_len = strlen(task);
    if (at == NULL) {
        return text;
    }
    at += sizeof(mark) - 1;
    size_t left = len - (size_t)(at - text);
    return left >= task_len && memcmp(at, task, task_len) == 0 ? at + task_len : at;
}

void web_report_judge(const char *text, size_t len, const char *task,
                      struct web_verdict *ret_verdict)
{
    static const char header[] = "📊 Web Evaluation Report";
    struct web_verdict *verdict = ret_verdict;
    *verdict = (struct web_verdict){.status = STATUS_PASSED, .blame = BLAME_NONE};
    struct judge judge = {.verdict = verdict};
    const char *end = text + len;
    bool is_report = memmem(text, len, header, sizeof(header) - 1) != NULL;
    for (const char *at = skip_task(text, len, task); at < end;) {
        struct line line = next_line(&at, end);
        if (!enter_section(&judge, line)) {
            judge_line(&judge, line);
        }
    }
    if (verdict->status != STATUS_PASSED) {
        return;
    }
    if (!is_report) {
        const char *at = text;
        struct line line = next_line(&at, end);
        web_verdict_add(verdict, STATUS_FAILED, BLAME_WORLD, "no report", line.text,
                        line.len);
    } else if (!judge.has_steps && !judge.has_conclusion) {
        static const char nothing[] = "the report has neither steps nor a conclusion";
        web_verdict_add(verdict, STATUS_FAILED, BLAME_WORLD, "empty report", nothing,
                        sizeof(nothing) - 1);
    } else {
        verdict->summary = mem_str("no console error, no failed request, and the "
                                   "conclusion speaks of no failure");
    }
}
