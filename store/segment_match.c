/* SPDX-License-Identifier: MIT */
/*
 * Which line says what failed. Needles are literal; all of them are looked for in one
 * pass by an Aho-Corasick automaton (CACM 18(6), 1975) over byte classes, made once. A
 * line with a hit is then checked against the phrases that take it back ("0 errors",
 * "-Werror").
 */
#include <ctype.h>
#include <pthread.h>

#include "engine/base/err.h"
#include "store/segment.h"

/* '^' at the start: only at the start of a line. '|' at either end: no letter or digit
 * beyond. */
static const char *const needles[] = {
    /* compilers, linkers */
    "error:",
    "Error:",
    "ERROR:",
    "error[E",
    "error TS",
    "|error C",
    "|error CS",
    "fatal error",
    "undefined reference to",
    "undefined symbol",
    "ld returned ",
    "collect2:",
    "CMake Error",
    "cannot find symbol",
    "does not compile",
    /* make, ninja, shells */
    "*** [",
    "make: ***",
    "ninja: build stopped",
    "command not found",
    ": not found",
    "No such file or directory",
    "Permission denied",
    "No space left on device",
    "Cannot allocate memory",
    "syntax error",
    /* test runners */
    "|FAILED|",
    "|FAIL|",
    "|FAILURE|",
    "|FAILURES|",
    "^not ok ",
    "^E   ",
    "^Bail out!",
    "test result: FAILED",
    "Test failed",
    "Tests failed",
    "test failed",
    "tests failed",
    "assertion failed",
    "Assertion failed",
    "Assertion `",
    "ASSERT",
    "AssertionError",
    "assertion `",
    "\xe2\x9c\x97",
    "\xe2\x9c\x98",
    "\xe2\x9c\x96",
    "\xe2\x9c\x95",
    "\xe2\x97\x8f ",
    "|failed|",
    "|failures|",
    /* crashes */
    "panic:",
    "panicked at",
    "Traceback (most recent",
    "Exception in thread",
    "Segmentation fault",
    "segmentation fault",
    "core dumped",
    "Aborted",
    "Killed",
    "runtime error",
    "Sanitizer: ",
    "Unhandled",
    "unhandled",
    "Uncaught",
    "uncaught",
    "SyntaxError",
    "TypeError",
    "ReferenceError",
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "ValueError",
    "KeyError",
    "NullPointerException",
    "Exception:",
    "fatal:",
    "Fatal:",
    "FATAL",
    "CRITICAL",
    "out of memory",
    "Out of memory",
    "stack overflow",
    "timed out",
    "Timed out",
    "TIMEOUT",
    /* package managers, log levels */
    "npm ERR!",
    "npm error",
    "[ERROR]",
    "|ERROR|",
    "BUILD FAILED",
    "E: ",
    "ERR!",
    "Could not resolve",
    "could not resolve",
    "Connection refused",
};

/* A line with one of these is not the cause; '|' at the start: no digit before. */
static const char *const pardons[] = {
    "|0 errors", "|0 error",     "|0 failed",   "|0 failures", "|0 failure",
    "no errors", "no error",     "No errors",   "errors: 0",   "Errors: 0",
    "failed: 0", "Failed: 0",    "failures: 0", "Failures: 0", "failures=0",
    "FAIL: 0",   "FAIL:  0",     "ERROR: 0",    "ERROR:  0",   "FAILED: 0",
    "errors=0",  "XFAIL",        "xfail",       "# fail 0",    "|0 tests failed",
    "FAILED 0",  "did not fail", "if failed",   "|0 FAILED",   "|0 timed out",
};

#define STATES_MAX  1200
#define CLASSES_MAX 96

static struct {
    uint8_t class_of[256];
    uint16_t next[STATES_MAX][CLASSES_MAX];
    int16_t needle[STATES_MAX];                  /* -1: none ends here */
    uint16_t fail[STATES_MAX], link[STATES_MAX]; /* link: next shorter needle, 0 = none */
    size_t n_states, n_classes;
} machine;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *body_of(const char *needle, size_t *ret_len)
{
    if (*needle == '|') {
        needle++;
    }
    *ret_len = strlen(needle);
    if (*ret_len > 0 && needle[*ret_len - 1] == '|') {
        (*ret_len)--;
    }
    return needle;
}

/* '^' stands for the newline before the line. */
static unsigned byte_at(const char *body, size_t i)
{
    unsigned c = (unsigned char)body[i];
    return i == 0 && c == '^' ? '\n' : c;
}

static void add_needle(int id)
{
    size_t len, state = 0;
    const char *body = body_of(needles[id], &len);
    for (size_t i = 0; i < len; i++) {
        unsigned c = byte_at(body, i);
        if (machine.class_of[c] == 0) {
            machine.class_of[c] = (uint8_t)++machine.n_classes;
        }
        uint16_t *next = &machine.next[state][machine.class_of[c]];
        if (*next == 0) {
            if (machine.n_states >= STATES_MAX || machine.n_classes >= CLASSES_MAX) {
                BUG("too many failure needles");
            }
            machine.needle[machine.n_states] = -1;
            *next = (uint16_t)machine.n_states++;
        }
        state = *next;
    }
    machine.needle[state] = (int16_t)id;
}

static void build(void)
{
    static uint16_t queue[STATES_MAX];
    size_t n_done = 0, n_queued = 0;
    machine.n_states = 1;
    machine.needle[0] = -1;
    for (size_t i = 0; i < ARRAY_LEN(needles); i++) {
        add_needle((int)i);
    }
    for (size_t c = 0; c <= machine.n_classes; c++) {
        if (machine.next[0][c] != 0) {
            queue[n_queued++] = machine.next[0][c];
        }
    }
    while (n_done < n_queued) {
        size_t state = queue[n_done++];
        size_t fail = machine.fail[state];
        machine.link[state] =
            machine.needle[fail] >= 0 ? machine.fail[state] : machine.link[fail];
        for (size_t c = 0; c <= machine.n_classes; c++) {
            size_t child = machine.next[state][c];
            if (child == 0) {
                machine.next[state][c] = machine.next[fail][c];
            } else {
                machine.fail[child] = machine.next[fail][c];
                queue[n_queued++] = (uint16_t)child;
            }
        }
    }
}

static bool is_word(const char *line, size_t len, size_t i)
{
    return i < len && (isalnum((unsigned char)line[i]) || line[i] == '_');
}

/* The needle's last byte is line[end - 1]. */
static bool has_edges(const char *needle, const char *line, size_t len, size_t end)
{
    size_t body_len;
    (void)body_of(needle, &body_len);
    size_t start = end - body_len;
    if (needle[0] == '|' && start > 0 && is_word(line, len, start - 1)) {
        return false;
    }
    return needle[strlen(needle) - 1] != '|' || !is_word(line, len, end);
}

static bool is_pardoned(const char *line, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(pardons); i++) {
        bool needs_edge = pardons[i][0] == '|';
        const char *body = pardons[i] + needs_edge;
        const char *at = memmem(line, len, body, strlen(body));
        if (at != NULL && !(needs_edge && at > line && isdigit((unsigned char)at[-1]))) {
            return true;
        }
    }
    return false;
}

bool segment_is_failure(const char *line, size_t len)
{
    (void)pthread_once(&once, build); /* fails for a bad argument only */
    size_t state = machine.next[0][machine.class_of['\n']];
    for (size_t i = 0; i < len; i++) {
        state = machine.next[state][machine.class_of[(unsigned char)line[i]]];
        for (size_t hit = machine.needle[state] >= 0 ? state : machine.link[state];
             hit != 0; hit = machine.link[hit]) {
            if (has_edges(needles[machine.needle[hit]], line, len, i + 1)) {
                return !is_pardoned(line, len);
            }
        }
    }
    return false;
}
