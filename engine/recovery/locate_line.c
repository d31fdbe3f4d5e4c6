/* SPDX-License-Identifier: MIT */

/*
 * One line, looked at once: its colours from the escape sequences, then the rest of it as a
 * terminal would show it (what stands before the last carriage return was overwritten), without
 * the time that a runner puts before it. Only LOOK_MAX bytes are looked at, so that a log of one
 * line costs as little as any other.
 */

#include <string.h>

#include "engine/recovery/locate_private.h"

#define LOOK_MAX   256
#define WORD_MAX   20
#define WORD_SLOTS 1024
#define HASH_START 2166136261u
#define HASH_PRIME 16777619u

struct word {
    char text[WORD_MAX];
    uint8_t len, group;
};

struct locate_words {
    struct word slots[WORD_SLOTS];
};

struct look {
    char text[LOOK_MAX + 1]; /* cleaned, NUL-terminated */
    char low[LOOK_MAX + 1];  /* the same in lower case */
    size_t len;
};

/* Of one comparison each: these are asked of every byte. */
static bool is_digit(char c)
{
    return (unsigned)c - '0' < 10;
}

static bool is_upper(char c)
{
    return (unsigned)c - 'A' < 26;
}

static bool is_lower(char c)
{
    return (unsigned)c - 'a' < 26;
}

static char lower(char c)
{
    return (char)(c | (is_upper(c) << 5));
}

/* ---- words ---- */

static uint32_t hash_byte(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)c) * HASH_PRIME;
}

static uint32_t hash_word(const char *word, size_t len)
{
    uint32_t hash = HASH_START;
    for (size_t i = 0; i < len; i++) {
        hash = hash_byte(hash, word[i]);
    }
    return hash;
}

static uint32_t slot_of(uint32_t hash)
{
    return (hash ^ (hash >> 15)) % WORD_SLOTS;
}

static void add_words(struct locate_words *words, const char *list, uint8_t group)
{
    while (*list != '\0') {
        size_t n = strcspn(list, " ");
        uint32_t slot = slot_of(hash_word(list, n));
        while (words->slots[slot].len != 0) {
            slot = (slot + 1) % WORD_SLOTS;
        }
        words->slots[slot].len = (uint8_t)n;
        words->slots[slot].group = group;
        (void)memcpy(words->slots[slot].text, list, n);
        list += n + (list[n] == ' ');
    }
}

struct locate_words *locate_words_new(struct arena *arena)
{
    struct locate_words *words = arena_alloc(arena, sizeof(*words));
#define X(id, list) add_words(words, list, id);
    LOCATE_GROUP_LIST(X)
#undef X
    return words;
}

static int find_group(const struct locate_words *words, const char *word, size_t len,
                      uint32_t hash)
{
    if (len >= WORD_MAX) {
        return -1;
    }
    for (uint32_t slot = slot_of(hash); words->slots[slot].len != 0;
         slot = (slot + 1) % WORD_SLOTS) {
        if (words->slots[slot].len == len &&
            memcmp(words->slots[slot].text, word, len) == 0) {
            return words->slots[slot].group;
        }
    }
    return -1;
}

/* ---- cleaning ---- */

static uint32_t colour(const char *at, size_t len)
{
    uint32_t marks = 0;
    for (size_t i = 0; i < len; i++) {
        if ((i > 0 && is_digit(at[i - 1])) || i + 1 >= len) {
            continue;
        }
        bool ends = i + 2 >= len || !is_digit(at[i + 2]);
        if ((at[i] == '3' || at[i] == '9') && ends) {
            marks |= at[i + 1] == '1'   ? BIT(MARK_RED)
                     : at[i + 1] == '2' ? BIT(MARK_GREEN)
                     : at[i + 1] == '3' ? BIT(MARK_YELLOW)
                                        : 0;
        }
    }
    if (len >= 6 && memcmp(at, "38;5;9", 6) == 0) {
        marks |= BIT(MARK_RED);
    }
    return marks;
}

/* What a terminal would show of it, into look; the colours that it uses. */
static uint32_t clean(const char *line, size_t len, struct look *look)
{
    uint32_t marks = 0;
    size_t n = 0;
    for (size_t i = 0; i < len && n < LOOK_MAX; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c == 0x1b) {
            size_t from = i + 2;
            for (i = from; i < len && line[i] >= 0x20 && line[i] < 0x40; i++) {
            }
            if (i < len && line[i] == 'm' && from <= i) {
                marks |= colour(line + from, i - from);
            }
        } else if (c >= 0x20 || c == '\t') {
            char shown = c == '\t' ? ' ' : (char)c;
            look->text[n] = shown;
            look->low[n++] = lower(shown);
        }
    }
    while (n > 0 && look->text[n - 1] == ' ') {
        n--;
    }
    look->text[n] = look->low[n] = '\0';
    look->len = n;
    return marks;
}

/* "2022-05-07T08:49:38.1946543Z ", "[18:04:01] " */
static size_t stamp_len(const char *text)
{
    size_t i = 0, n_colons = 0;
    if (!is_digit(text[0]) && text[0] != '[') {
        return 0;
    }
    while (is_digit(text[i]) ||
           (text[i] != '\0' && strchr("[-:.,TZ+]", text[i]) != NULL)) {
        n_colons += text[i] == ':';
        i++;
    }
    return n_colons >= 2 && i >= 8 && text[i] == ' ' ? i + 1 : 0;
}

static void drop_stamp(struct look *look, struct locate_line *line)
{
    size_t n = stamp_len(look->text);
    if (n > 0) {
        look->len -= n;
        /* No memmove: its checking twin is memcpy's in libc, which valgrind takes for it. */
        for (size_t i = 0; i <= look->len; i++) {
            look->text[i] = look->text[i + n];
            look->low[i] = look->low[i + n];
        }
        line->skip = (uint8_t)(n < 255 ? n : 255);
    }
}

/* ---- marks ---- */

static bool has(const struct look *look, const char *what)
{
    return strstr(look->low, what) != NULL;
}

static bool begins(const char *text, const char *what)
{
    return strncmp(text, what, strlen(what)) == 0;
}

static bool begins_any(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[0] == list[i][0] && begins(text, list[i])) {
            return true;
        }
    }
    return false;
}

static bool has_any(const struct look *look, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (has(look, list[i])) {
            return true;
        }
    }
    return false;
}

#define BEGINS(text, list)  begins_any(text, list, ARRAY_LEN(list))
#define HAS_ANY(look, list) has_any(look, list, ARRAY_LEN(list))

/* NAME.EXT:12, NAME.EXT(12, NAME.EXT[12: the mark between stands at i. */
static uint32_t place_marks(const struct look *look, size_t i)
{
    size_t from = i;
    if (i == 0 || !is_digit(look->text[i + 1]) || !is_lower(look->low[i - 1])) {
        return 0;
    }
    while (from > 0 && look->text[from - 1] != ' ') {
        from--;
    }
    if (memchr(look->text + from, '.', i - from) == NULL) {
        return 0;
    }
    bool is_head = from == strspn(look->text, " ");
    return BIT(MARK_PLACE) | (is_head ? BIT(MARK_PLACE_HEAD) : 0);
}

static uint32_t symbol_marks(const char *at)
{
    static const char *const crosses[] = {"\xe2\x9c\x97", "\xe2\x9c\x96", "\xe2\x9d\x8c",
                                          "\xe2\x9c\x98", "\xc3\x97 ",    "\xe2\x97\x8f"};
    static const char *const ticks[] = {"\xe2\x9c\x93", "\xe2\x9c\x94", "\xe2\x88\x9a"};
    return BEGINS(at, crosses) ? BIT(MARK_CROSS) : BEGINS(at, ticks) ? BIT(MARK_TICK) : 0;
}

static uint32_t only_marks(const struct look *look)
{
    if (look->len == 0) {
        return BIT(MARK_BLANK);
    }
    if (look->text[strspn(look->text, "^~| +0123456789")] == '\0' &&
        strpbrk(look->text, "^~|") != NULL) {
        return BIT(MARK_CARET);
    }
    if (look->len >= 3 && look->text[strspn(look->text, "-=*_# +.")] == '\0') {
        return BIT(MARK_RULE);
    }
    return 0;
}

static uint32_t head_marks(const struct look *look)
{
    static const char *const errors[] = {"error",   "fatal", "failed",    "failure",
                                         "panic",   "err!",  "e:",        "fail ",
                                         "fail:",   "abort", "exception", "uncaught",
                                         "thread '"};
    static const char *const frames[] = {"at ",  "from ", "file \"", "in `",
                                         "... ", "#0",    "#1",      "caused by"};
    static const char *const issued[] = {"##[error]", "[error]", "::error"};
    const char *low = look->low + strspn(look->low, " [(*!>#");
    const char *text = look->low + strspn(look->low, " ");
    uint32_t marks = 0;
    marks |= BEGINS(low, errors) ? BIT(MARK_ERROR_HEAD) : 0;
    marks |= BEGINS(text, frames) ? BIT(MARK_FRAME) : 0;
    marks |= BEGINS(text, issued) ? BIT(MARK_ISSUED) : 0;
    marks |= begins(text, "not ok") || begins(text, "--- fail") || begins(text, "---- ")
                 ? BIT(MARK_NOT_OK)
                 : 0;
    marks |= begins(text, "npm err!") || begins(text, "npm error") ? BIT(MARK_NPM) : 0;
    marks |= begins(text, "$ ") || begins(text, "+ ") || begins(text, "> ") ||
                     begins(text, "##[group]run")
                 ? BIT(MARK_COMMAND)
                 : 0;
    marks |= (text[0] == '+' || text[0] == '-') && text[1] == ' ' ? BIT(MARK_DIFF) : 0;
    size_t n = 0;
    while (is_digit(text[n])) {
        n++;
    }
    marks |= n > 0 && n < 4 && (text[n] == ')' || (text[n] == '.' && text[n + 1] == ' '))
                 ? BIT(MARK_NUMBERED)
                 : 0;
    return marks;
}

/* A number other than 0 behind what, which is a phrase such as "exited with " */
static bool has_number(const struct look *look, const char *what)
{
    const char *at = strstr(look->low, what);
    if (at == NULL) {
        return false;
    }
    at += strlen(what);
    return *at >= '1' && *at <= '9';
}

static uint32_t end_marks(const struct look *look)
{
    static const char *const stops[] = {
        "*** ",           "elifecycle", "build failed", "non-zero",
        "command failed", "aborted!",   "failed with",  "failed to execute goal",
        "exit status ",   "exit code",  "errored"};
    static const char *const ends[] = {
        "finished: failure", "job failed", "your build has been stopped",
        "the build has been terminated", "failed to clone from"};
    uint32_t marks = 0;
    if ((has(look, "the command \"") && has_number(look, "exited with ")) ||
        has_number(look, "process completed with exit code ") || HAS_ANY(look, ends) ||
        (look->low[0] == '"' && has_number(look, "exited with ")) ||
        (has(look, "the command \"") && has(look, "failed"))) {
        marks |= BIT(MARK_END);
    } else if (HAS_ANY(look, stops)) {
        marks |= BIT(MARK_STOP);
    }
    return marks;
}

static uint32_t count_marks(const struct look *look)
{
    static const char *const nouns[] = {"err",     "fail",    "warn",
                                        "problem", "offense", "viol"};
    uint32_t marks = 0;
    for (size_t i = 0; i + 2 < look->len; i++) {
        if (is_digit(look->low[i]) && look->low[i + 1] == ' ' &&
            BEGINS(look->low + i + 2, nouns)) {
            bool is_zero = look->low[i] == '0' && (i == 0 || !is_digit(look->low[i - 1]));
            marks |= is_zero ? BIT(MARK_ZERO) : BIT(MARK_COUNTED);
        }
    }
    static const char *const zeros[] = {"errors: 0", "failures: 0",   "failed: 0",
                                        "no error",  "without error", "failed=0",
                                        "errors=0"};
    return marks | (HAS_ANY(look, zeros) ? BIT(MARK_ZERO) : 0);
}

/* What single marks say; most bytes are letters and cost one comparison. */
static uint32_t tag_marks(const struct look *look)
{
    uint32_t marks =
        look->len > 0 && look->text[look->len - 1] == ':' ? BIT(MARK_COLON) : 0;
    for (size_t i = 0; look->text[i] != '\0'; i++) {
        char c = look->text[i];
        if (is_lower(look->low[i]) || c == ' ') {
            continue;
        }
        if (c == '\'' || c == '"' || c == '`') {
            marks |= BIT(MARK_QUOTE);
        } else if (c == ':' || c == '(' || c == '[') {
            marks |= (marks & BIT(MARK_PLACE)) == 0 ? place_marks(look, i) : 0;
        } else if (c == '*' && strncmp(look->text + i, "***", 3) == 0) {
            marks |= BIT(MARK_STARS);
        } else if ((unsigned char)c >= 0xc3) {
            marks |= symbol_marks(look->text + i);
        }
    }
    return marks;
}

static uint32_t phrase_marks(const struct look *look)
{
    static const char *const tags[] = {"error:", "error]",     "error!",   "error[",
                                       "fatal:", "exception:", "failure:", "failed:",
                                       "err:",   "error -",    "error :"};
    static const char *const shouts[] = {"ERROR", "FAIL", "FATAL", "Error:", "ERR!"};
    uint32_t marks = HAS_ANY(look, tags) ? BIT(MARK_ERROR_TAG) : 0;
    for (size_t i = 0; i < ARRAY_LEN(shouts); i++) {
        marks |= strstr(look->text, shouts[i]) != NULL ? BIT(MARK_SHOUT) : 0;
    }
    return marks;
}

/* ---- counts ---- */

static bool is_named(const char *text, const char *low, size_t len)
{
    static const char *const ends[] = {"error", "exception", "failure"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t n = strlen(ends[i]);
        if (len > n && memcmp(low + len - n, ends[i], n) == 0 &&
            is_upper(text[len - n])) {
            return true;
        }
    }
    return false;
}

static uint8_t share(size_t n, size_t of)
{
    return (uint8_t)(of > 0 ? n * 100 / of : 0);
}

/* One word at look->low[at]; returns its length. */
static size_t count_word(const struct locate_words *words, const struct look *look,
                         size_t at, struct locate_line *line, size_t *n_upper)
{
    uint32_t hash = HASH_START;
    size_t n = 0, upper = 0;
    for (; is_lower(look->low[at + n]); n++) {
        hash = hash_byte(hash, look->low[at + n]);
        upper += look->text[at + n] != look->low[at + n];
    }
    int group = find_group(words, look->low + at, n, hash);
    if (group >= 0 && line->n[group] < 9) {
        line->n[group]++;
    }
    if (upper > 0 && n > 5 && is_named(look->text + at, look->low + at, n)) {
        line->marks |= BIT(MARK_NAMED);
    }
    line->shape = (line->shape ^ hash) * HASH_PRIME;
    *n_upper += upper;
    return n;
}

static void count(const struct locate_words *words, const struct look *look,
                  struct locate_line *line)
{
    size_t n_digits = 0, n_upper = 0, n_punct = 0, n_words = 0;
    line->shape = HASH_START;
    for (size_t i = 0; i < look->len;) {
        char c = look->low[i];
        if (is_lower(c)) {
            i += count_word(words, look, i, line, &n_upper);
            n_words++;
            continue;
        }
        if (is_digit(c)) {
            n_digits++;
        } else if (c != ' ') {
            n_punct++;
            line->shape = hash_byte(line->shape, c);
        }
        i++;
    }
    size_t indent = strspn(look->text, " "), head = indent;
    while (head < look->len && look->text[head] != ' ' && head - indent < WORD_MAX &&
           !is_digit(look->text[head])) {
        head++;
    }
    line->head = hash_word(look->text + indent, head - indent);
    line->indent = (uint8_t)(indent < 60 ? indent : 60);
    line->n_words = (uint8_t)(n_words < 60 ? n_words : 60);
    line->digits = share(n_digits, look->len);
    line->upper = share(n_upper, look->len);
    line->punct = share(n_punct, look->len);
    line->length = (uint8_t)(look->len / 4);
}

/* How much the line looks like an error by itself; only gates and sums use it, trees see more. */
static int8_t cue_of(const struct locate_line *line)
{
    static const int8_t weights[GROUP_COUNT] = {
        [GROUP_ERROR] = 3,   [GROUP_FATAL] = 3,  [GROUP_FAIL] = 3,    [GROUP_ASSERT] = 1,
        [GROUP_MISSING] = 2, [GROUP_CANNOT] = 2, [GROUP_NOT] = 1,     [GROUP_INVALID] = 2,
        [GROUP_TIME] = 1,    [GROUP_WARN] = -1,  [GROUP_OK] = -2,     [GROUP_NOISE] = -1,
        [GROUP_TRACE] = 1,   [GROUP_RETRY] = -1, [GROUP_IGNORE] = -2,
    };
    static const int8_t marks[MARK_COUNT] = {
        [MARK_RED] = 2,    [MARK_ERROR_HEAD] = 2, [MARK_ERROR_TAG] = 2, [MARK_NAMED] = 3,
        [MARK_PLACE] = 1,  [MARK_NUMBERED] = 1,   [MARK_NOT_OK] = 3,    [MARK_CROSS] = 3,
        [MARK_TICK] = -3,  [MARK_ZERO] = -4,      [MARK_COUNTED] = 2,   [MARK_SHOUT] = 1,
        [MARK_FRAME] = -2, [MARK_COMMAND] = -2,   [MARK_ISSUED] = 2,    [MARK_GREEN] = -1,
    };
    int cue = 0;
    for (int i = 0; i < GROUP_COUNT; i++) {
        cue += line->n[i] > 0 ? weights[i] : 0;
    }
    for (int i = 0; i < MARK_COUNT; i++) {
        cue += (line->marks & BIT(i)) != 0 ? marks[i] : 0;
    }
    return (int8_t)cue;
}

static bool speaks_of_failure(const struct locate_line *line)
{
    return line->n[GROUP_ERROR] > 0 || line->n[GROUP_FATAL] > 0 ||
           line->n[GROUP_FAIL] > 0 || line->n[GROUP_EXIT] > 0 ||
           line->n[GROUP_WARN] > 0 || line->n[GROUP_NOT] > 0 ||
           line->n[GROUP_CANNOT] > 0 || line->n[GROUP_INVALID] > 0 ||
           (line->marks & (BIT(MARK_NAMED) | BIT(MARK_RED))) != 0;
}

void locate_look(const struct locate_words *words, struct locate_line *line,
                 const char *text)
{
    struct look look;
    const char *from = text + line->at;
    size_t len = line->len;
    size_t head = len < 400 ? len : 400;
    const char *travis = memmem(from, head, "travis_", 7);
    if (travis != NULL && from + head - travis >= 12 &&
        (memcmp(travis + 7, "time:", 5) == 0 || memcmp(travis + 7, "fold:", 5) == 0)) {
        line->marks |= BIT(MARK_PHASE);
    }
    while (len > 0 && from[len - 1] == '\r') {
        len--;
    }
    const char *shown = len > 0 ? memrchr(from, '\r', len) : NULL;
    if (shown != NULL) {
        len -= (size_t)(shown + 1 - from);
        from = shown + 1;
    }
    line->marks |= clean(from, len, &look);
    drop_stamp(&look, line);
    line->marks |= only_marks(&look);
    if ((line->marks & (BIT(MARK_BLANK) | BIT(MARK_RULE) | BIT(MARK_CARET))) == 0) {
        count(words, &look, line);
        line->marks |= head_marks(&look) | tag_marks(&look);
        if (speaks_of_failure(line)) { /* most lines do not, and searching costs */
            line->marks |= end_marks(&look) | phrase_marks(&look) | count_marks(&look);
        }
    }
    if (begins(look.low, "##[group]") || begins(look.low, "##[endgroup]")) {
        line->marks |= BIT(MARK_PHASE);
    }
    line->cue = cue_of(line);
}
