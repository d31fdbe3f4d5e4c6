/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_LOCATE_PRIVATE_H
#define SIGNALBOX_RECOVERY_LOCATE_PRIVATE_H

/*
 * What the parts of locate share, and its trainer (tests/tools/train_locate.c).
 *
 * A log is read once into a small record per line (locate_line.c). Lines that could explain
 * anything are candidates; each gets a vector of small integers that says what it is and what
 * stands around it (locate_feature.c), and an ensemble of trees (locate_model.c, made by the
 * trainer) gives its score.
 */

#include <stdint.h>

#include "engine/recovery/locate.h"

/* Groups of words that are counted in a line. X(identifier, words) */
#define LOCATE_GROUP_LIST(X)                                                             \
    X(GROUP_ERROR, "error errors err exception exceptions throwable")                    \
    X(GROUP_FATAL, "fatal panic panicked abort aborted aborting segfault sigsegv "       \
                   "sigabrt sigkill killed oom crash crashed dumped segmentation "       \
                   "terminated terminating uncaught unhandled")                          \
    X(GROUP_FAIL, "fail failed fails failing failure failures broken")                   \
    X(GROUP_ASSERT, "assert assertion asserterror expected actual expecting expect got " \
                    "mismatch mismatched differs equal received should must")            \
    X(GROUP_MISSING, "missing undefined undeclared unknown unresolved unrecognized "     \
                     "unrecognised nonexistent unbound uninitialized")                   \
    X(GROUP_CANNOT, "cannot can couldn could unable refused denied rejected "            \
                    "forbidden unauthorized unsupported unavailable impossible "         \
                    "insufficient")                                                      \
    X(GROUP_NOT, "not no none never without doesn isn didn won t")                       \
    X(GROUP_FOUND, "found exist exists such matching available")                         \
    X(GROUP_INVALID, "invalid illegal unexpected bad malformed incorrect wrong "         \
                     "incompatible conflict conflicts conflicting duplicate violation "  \
                     "violates syntax unused ambiguous corrupt unreachable unstable "    \
                     "insert delete replace redundant offense offenses vulnerability")   \
    X(GROUP_TIME, "timeout timed exceeded exceeds expired stalled hung elapsed limit "   \
                  "maximum")                                                             \
    X(GROUP_WARN, "warning warnings warn deprecated deprecation notice obsolete")        \
    X(GROUP_OK, "ok passed pass passing success successful successfully succeeded done " \
                "finished complete completed satisfied")                                 \
    X(GROUP_NOISE, "compiling installing installed downloading downloaded fetching "     \
                   "unpacking setting building processing updating using resolving "     \
                   "selecting preparing entering leaving cloning checking copying "      \
                   "creating loading linking generating collecting requirement get "     \
                   "reading starting started running receiving counting")                \
    X(GROUP_RETRY, "retry retrying attempt attempts again tries retries")                \
    X(GROUP_TRACE, "traceback backtrace stack stacktrace caused trace")                  \
    X(GROUP_SUMMARY, "total tests test examples example specs assertions suites suite "  \
                     "skipped pending ran duration seconds summary report results "      \
                     "reports scenarios")                                                \
    X(GROUP_EXIT, "exit exited exitcode status code returned nonzero exiting errno "     \
                  "lifecycle elifecycle")                                                \
    X(GROUP_IGNORE, "ignored ignoring ignore skipping skip optional allowed")            \
    X(GROUP_CODE, "type types argument arguments module function method class field "    \
                  "variable declaration symbol reference property import header "        \
                  "identifier declared defined package dependency dependencies version " \
                  "versions member record attribute parameter template operator "        \
                  "expression statement token reason message")                           \
    X(GROUP_LINT, "line column style rule lint linter format formatting indentation "    \
                  "whitespace trailing formatted prettier parse parsing parser "         \
                  "validation validity broken links link")                               \
    X(GROUP_HELP, "see please try run use visit more information details hint help "     \
                  "consider note documentation tip usage")                               \
    X(GROUP_NET, "connection connect socket host network ssl tls certificate dns http "  \
                 "https unreachable server request remote url download fetch")           \
    X(GROUP_RESOURCE, "memory disk space quota heap memoryerror outofmemoryerror rate")  \
    X(GROUP_AFTER, "cache post cleanup cleaning upload uploading store coverage "        \
                   "notification artifact artifacts after")
enum locate_group {
#define X(id, words) id,
    LOCATE_GROUP_LIST(X)
#undef X
        GROUP_COUNT
};

/* What a line looks like. X(identifier) */
#define LOCATE_MARK_LIST(X)                                                              \
    X(MARK_RED) /* in red, or the like */                                                \
    X(MARK_GREEN)                                                                        \
    X(MARK_YELLOW)                                                                       \
    X(MARK_ERROR_HEAD) /* begins with a word of an error */                              \
    X(MARK_ERROR_TAG)  /* "error:" or the like somewhere */                              \
    X(MARK_NAMED)      /* a word such as TypeError */                                    \
    X(MARK_PLACE)      /* FILE:LINE, FILE(LINE */                                        \
    X(MARK_PLACE_HEAD) /* begins with it */                                              \
    X(MARK_NUMBERED)   /* "1) .." */                                                     \
    X(MARK_FRAME)      /* a frame of a stack */                                          \
    X(MARK_NPM)        /* "npm ERR!" */                                                  \
    X(MARK_STARS)      /* "***" */                                                       \
    X(MARK_SHOUT)      /* ERROR, FAIL .. in capitals */                                  \
    X(MARK_NOT_OK)     /* TAP, and crosses */                                            \
    X(MARK_CROSS)                                                                        \
    X(MARK_TICK)                                                                         \
    X(MARK_CARET)   /* only ^ ~ | and space */                                           \
    X(MARK_RULE)    /* only - = * _ # */                                                 \
    X(MARK_COMMAND) /* "$ make", "+ make" */                                             \
    X(MARK_END)     /* "The command .. exited with 1": the failing step ends here */     \
    X(MARK_STOP)    /* a tool says that it gives up: make: ***, ELIFECYCLE */            \
    X(MARK_ZERO)    /* "0 errors" */                                                     \
    X(MARK_COUNTED) /* "2 failed" */                                                     \
    X(MARK_COLON)   /* ends with ':' */                                                  \
    X(MARK_QUOTE)   /* has a quoted word */                                              \
    X(MARK_PHASE)   /* a step of the log begins or ends */                               \
    X(MARK_BLANK)                                                                        \
    X(MARK_DIFF)   /* begins with + or - and a space */                                  \
    X(MARK_ISSUED) /* ##[error], [ERROR]: a severity given by the tool that ran it */
enum locate_mark {
#define X(id) id,
    LOCATE_MARK_LIST(X)
#undef X
        MARK_COUNT
};

#define BIT(mark) (UINT32_C(1) << (mark))

struct locate_line {
    size_t at, len;         /* in the text, without its end */
    uint32_t marks;         /* BIT(MARK_..) */
    uint32_t shape;         /* hash of its letters */
    uint32_t head;          /* hash of its first word */
    uint8_t n[GROUP_COUNT]; /* words of each group */
    uint8_t indent, n_words, digits, upper, punct, length; /* shares of 100; length / 4 */
    uint8_t skip; /* bytes in front that are a time, of the cleaned line */
    int8_t cue;   /* how much it looks like an error at all */
};

struct locate_log {
    const char *text;
    struct locate_line *lines;
    size_t n_lines;
    uint8_t *shape_counts; /* how often the shape of a line comes, at most 255 */
    uint8_t *shape_seen;   /* how often before it, at most 255 */
    uint8_t *head_counts;
    uint8_t *head_seen;
    size_t n_head, n_skipped; /* behind the first n_head lines, so many were left out */
};

/* Words of the groups, and one line looked at; locate_line.c. */
struct locate_words;
struct locate_words *locate_words_new(struct arena *arena);
void locate_look(const struct locate_words *words, struct locate_line *line,
                 const char *text);

/* Cut and look at each line. Memory in arena. */
void locate_read(struct locate_log *log, const char *text, size_t len,
                 struct arena *arena);

/* Number of a line in the text, from 0. */
size_t locate_number(const struct locate_log *log, size_t line);

#define LOCATE_FEATURES   120 /* at most */
#define LOCATE_CANDIDATES 2000

struct locate_candidate {
    uint32_t line;
    int16_t x[LOCATE_FEATURES];
};

/* Lines that may explain something, at most LOCATE_CANDIDATES, in order. */
size_t locate_candidates(const struct pattern_base *base, const struct locate_log *log,
                         struct arena *arena, struct locate_candidate **ret);
int locate_feature_count(void);

/* Trees of one depth: node i has children 2i+1 (x <= threshold) and 2i+2. */
#define LOCATE_DEPTH  4
#define LOCATE_LEAF   4000.0 /* what is 1 in a leaf */
#define LOCATE_NODES  ((1 << LOCATE_DEPTH) - 1)
#define LOCATE_LEAVES (1 << LOCATE_DEPTH)
struct locate_tree {
    uint8_t feature[LOCATE_NODES];
    int16_t threshold[LOCATE_NODES];
    int16_t leaf[LOCATE_LEAVES]; /* of LOCATE_LEAF */
};
extern const struct locate_tree locate_trees[];
extern const size_t locate_n_trees;
double locate_score(const struct locate_tree *trees, size_t n_trees, const int16_t *x);

/* Order of candidates by score, in which a line near to a better one waits for the others. */
size_t locate_rank(const struct locate_candidate *candidates, const double *scores,
                   size_t n, struct arena *arena, uint32_t *ret_order, size_t max);

#endif
