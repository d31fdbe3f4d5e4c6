/* SPDX-License-Identifier: MIT */
#include "tui/input.h"

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "tui/keymap.h"

#define ESC          '\x1b'
#define SEQUENCE_MAX 64   /* bytes of one escape sequence; a longer one is noise */
#define EVENTS_MAX   1024 /* keys held; more typed-ahead is dropped */
#define PASTE_END    "\x1b[201~"
#define WHEEL_ROWS   3
#define ANSWER_MAX   (1024 * 1024) /* bytes of a control string; then it was none */
#define ANSWER_WAITS                                                                     \
    20 /* of INPUT_ESC_MS without a byte, until its end is taken as lost */

/* What is passed over until its end: nobody typed it. */
enum answer {
    ANSWER_NONE,
    ANSWER_CSI, /* with more parameters than any key has; ends with its final byte */
    ANSWER_STRING, /* OSC, DCS, SOS, PM, APC (ECMA-48 5.6); ends with ST, or BEL as in xterm */
    ANSWER_ESC /* the same, after an ESC, which begins ST or something new */
};

struct input {
    char held[SEQUENCE_MAX + 8]; /* beginning of a sequence or of a character */
    size_t n_held;
    int skip; /* bytes of an old mouse report to be passed over */
    enum answer answer;
    size_t answer_len;
    int answer_waits;
    bool is_pasting, takes_wheel;
    struct buf paste;
    struct input_event events[EVENTS_MAX];
    size_t first, n_events;
};

struct input *input_new(void)
{
    struct input *input = mem_alloc(sizeof(*input));
    buf_init(&input->paste, INPUT_PASTE_MAX);
    return input;
}

void input_free(struct input *input)
{
    struct input_event event;
    if (input != NULL) {
        while (input_next(input, &event)) {
            free(event.text);
        }
        buf_fini(&input->paste);
        free(input);
    }
}

void input_take_wheel(struct input *input, bool is_on)
{
    input->takes_wheel = is_on;
}

bool input_next(struct input *input, struct input_event *ret_event)
{
    if (input->n_events == 0) {
        return false;
    }
    *ret_event = input->events[input->first];
    input->first = (input->first + 1) % EVENTS_MAX;
    input->n_events--;
    return true;
}

static void push(struct input *input, struct input_event event)
{
    if (input->n_events == EVENTS_MAX) {
        free(event.text);
        return;
    }
    input->events[(input->first + input->n_events) % EVENTS_MAX] = event;
    input->n_events++;
}

static void push_key(struct input *input, uint32_t key)
{
    push(input, (struct input_event){.kind = INPUT_KEY, .key = key});
}

/* ---- sequences ---- */

struct named_key {
    int name; /* final byte, or number before '~' */
    uint32_t key;
};

/* Final bytes after CSI or SS3 (xterm, VT100). */
static const struct named_key finals[] = {
    {'A', KEYC_UP     },
    {'B', KEYC_DOWN   },
    {'C', KEYC_RIGHT  },
    {'D', KEYC_LEFT   },
    {'F', KEYC_END    },
    {'H', KEYC_HOME   },
    {'M', KEYC_ENTER  }, /* SS3 only: keypad */
    {'P', KEYC_F1     },
    {'Q', KEYC_F2     },
    {'R', KEYC_F3     },
    {'S', KEYC_F4     },
    {'Z', KEYC_BACKTAB},
};

/* CSI number ~ (VT220, rxvt). */
static const struct named_key numbers[] = {
    {1,  KEYC_HOME     },
    {2,  KEYC_INSERT   },
    {3,  KEYC_DELETE   },
    {4,  KEYC_END      },
    {5,  KEYC_PAGE_UP  },
    {6,  KEYC_PAGE_DOWN},
    {7,  KEYC_HOME     },
    {8,  KEYC_END      },
    {11, KEYC_F1       },
    {12, KEYC_F2       },
    {13, KEYC_F3       },
    {14, KEYC_F4       },
    {15, KEYC_F5       },
    {17, KEYC_F6       },
    {18, KEYC_F7       },
    {19, KEYC_F8       },
    {20, KEYC_F9       },
    {21, KEYC_F10      },
    {23, KEYC_F11      },
    {24, KEYC_F12      },
};

static uint32_t look_up(const struct named_key *rows, size_t n, int name)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].name == name) {
            return rows[i].key;
        }
    }
    return 0;
}

/* xterm's modifier parameter: 1 + shift 1 + alt 2 + ctrl 4 + meta 8. */
static uint32_t mods_of(int parameter)
{
    unsigned bits = parameter > 1 ? (unsigned)parameter - 1 : 0;
    return ((bits & 1u) != 0 ? KEY_MOD_SHIFT : 0) |
           ((bits & 10u) != 0 ? KEY_MOD_ALT : 0) | ((bits & 4u) != 0 ? KEY_MOD_CTRL : 0);
}

/* A character with modifiers as the key that default.keys would name. */
static uint32_t plain_key(uint32_t code, uint32_t mods)
{
    switch (code) {
    case '\t':
        return (mods & KEY_MOD_SHIFT) != 0 ? KEYC_BACKTAB : KEYC_TAB | mods;
    case '\r':
    case '\n':
        return KEYC_ENTER | mods;
    case 0x1B:
        return KEYC_ESC | mods;
    case 0x08:
    case 0x7F:
        return KEYC_BACKSPACE | mods;
    case 0:
        return ' ' | KEY_MOD_CTRL | mods;
    default:
        break;
    }
    if (code < 0x20) {
        code = code <= 26 ? code + 'a' - 1 : code + '@';
        return code | KEY_MOD_CTRL | mods;
    }
    return code | (mods & ~KEY_MOD_SHIFT);
}

/* A number that may stand for a key: Unicode scalar values (no surrogates) without C1. */
static bool is_character(int code)
{
    return code >= 0 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) &&
           (code < 0x80 || code > 0x9F);
}

/* CSI < BUTTON ; X ; Y M. Buttons 64 and 65 are the wheel; what is held with it does not
 * matter, and a click does nothing: it shall not press what happens to lie under it. */
static void take_mouse(struct input *input, const char *text, size_t len)
{
    int button = 0;
    for (size_t i = 1; i < len && text[i] >= '0' && text[i] <= '9' && button < 1000;
         i++) {
        button = button * 10 + (text[i] - '0');
    }
    button &= ~(4 | 8 | 16); /* Shift, Meta, Control */
    bool is_wheel = text[len - 1] == 'M' && (button == 64 || button == 65);
    for (int i = 0; i < WHEEL_ROWS && is_wheel && input->takes_wheel; i++) {
        push_key(input, button == 64 ? KEYC_UP : KEYC_DOWN);
    }
}

static void take_csi(struct input *input, const char *text, size_t len)
{
    int params[4] = {0};
    size_t n = 0;
    char final = text[len - 1];
    if (len > 1 && text[0] == '<') {
        take_mouse(input, text, len);
        return;
    }
    for (size_t i = 0; i + 1 < len && n < ARRAY_LEN(params); i++) {
        if (text[i] == ';') {
            n++;
        } else if (text[i] >= '0' && text[i] <= '9') {
            if (params[n] < 100000000) {
                params[n] = params[n] * 10 + (text[i] - '0');
            }
        } else {
            return; /* private: a reply */
        }
    }
    uint32_t mods = mods_of(params[1]);
    uint32_t key = 0;
    if (final == '~' && params[0] == 200) {
        input->is_pasting = true;
    } else if (final == '~') {
        key = look_up(numbers, ARRAY_LEN(numbers), params[0]);
    } else if (final == 'u' && is_character(params[0])) {
        push_key(input, plain_key((uint32_t)params[0], mods)); /* fixterms, kitty */
    } else if (final == 'n' && params[0] == 0) {
        push(input, (struct input_event){.kind = INPUT_STATUS});
    } else if (final == 'M') {
        input->skip =
            3; /* X10 mouse: never asked for, yet a dead session may have left it */
    } else if (final != 'R' || params[0] == 1) {
        key = look_up(finals, ARRAY_LEN(finals), final);
    }
    if (key != 0) {
        push_key(input, key | mods);
    }
}

/* ---- answers ---- */

static void begin_answer(struct input *input, enum answer answer)
{
    input->answer = answer;
    input->answer_len = 0;
    input->answer_waits = 0;
}

/* False: the byte belongs to what comes after the answer. */
static bool pass_over(struct input *input, char byte)
{
    bool is_control = (unsigned char)byte < 0x20;
    bool is_final = byte >= 0x40 && byte <= 0x7E;
    input->answer_waits = 0;
    if (input->answer == ANSWER_ESC) {
        input->answer = ANSWER_NONE;
        if (byte != '\\') {
            input->held[input->n_held++] = ESC;
            return false;
        }
        return true;
    }
    if (++input->answer_len > ANSWER_MAX) {
        input->answer = ANSWER_NONE;
        return false;
    }
    if (input->answer == ANSWER_CSI) {
        input->answer = is_final || is_control ? ANSWER_NONE : ANSWER_CSI;
        return !is_control;
    }
    if (byte == ESC) {
        input->answer = ANSWER_ESC;
    } else if (byte == '\a' || byte == 0x18 ||
               byte == 0x1A) { /* CAN and SUB: ECMA-48 8.3 */
        input->answer = ANSWER_NONE;
    }
    return true;
}

/* Bytes of the CSI sequence at held[0..n), 0 = not complete. */
static size_t csi_len(const char *text, size_t n)
{
    if (n >= 3 && text[2] == '[') { /* Linux console F1..F5: ESC [ [ A */
        return n >= 4 ? 4 : 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (text[i] >= 0x40 && text[i] <= 0x7E) {
            return i + 1;
        }
        if (text[i] < 0x20 || (unsigned char)text[i] > 0x7E) {
            return i; /* broken off: what follows is a key */
        }
    }
    return n >= SEQUENCE_MAX ? n : 0;
}

static size_t take_character(struct input *input, const char *text, size_t len,
                             uint32_t mods)
{
    uint32_t rune;
    unsigned char first = (unsigned char)text[0];
    size_t n = text_decode(text, len, &rune);
    if (n == 0) {
        size_t need = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        if (first >= 0xC2 && first <= 0xF4 && len < need) {
            return 0;
        }
        return 1; /* no UTF-8: no key */
    }
    push_key(input, plain_key(rune, mods));
    return n;
}

/* ESC O: function keys and arrows of old and of application mode. */
static size_t take_ss3(struct input *input, const char *text, size_t n)
{
    size_t at = 2;
    while (at < n && text[at] >= '0' && text[at] <= '9') {
        at++; /* old xterm put modifiers here */
    }
    if (at >= n) {
        return n >= SEQUENCE_MAX ? n : 0;
    }
    uint32_t key = look_up(finals, ARRAY_LEN(finals), text[at]);
    if (key != 0) {
        push_key(input, key);
    }
    return at + 1;
}

/* Bytes of held[0..n) that are understood, 0 = more are needed. */
static size_t take_one(struct input *input)
{
    const char *text = input->held;
    size_t n = input->n_held;
    if (text[0] != ESC) {
        return take_character(input, text, n, 0);
    }
    if (n < 2) {
        return 0;
    }
    if (text[1] == '[') {
        size_t len = csi_len(text, n);
        if (len >= SEQUENCE_MAX && (text[len - 1] < 0x40 || text[len - 1] > 0x7E)) {
            begin_answer(input, ANSWER_CSI);
            return len;
        }
        if (len == 4 && text[2] == '[') {
            uint32_t key = text[3] >= 'A' && text[3] <= 'E'
                               ? KEYC_F1 + (uint32_t)(text[3] - 'A')
                               : 0;
            if (key != 0) {
                push_key(input, key);
            }
        } else if (len > 2) {
            take_csi(input, text + 2, len - 2);
        }
        return len;
    }
    if (text[1] == 'O') {
        return take_ss3(input, text, n);
    }
    if (text[1] == ESC) {
        push_key(input, KEYC_ESC);
        return 1;
    }
    if (strchr("]PX^_", text[1]) != NULL) {
        if (n < 3) {
            return 0; /* nothing more: Alt and that key */
        }
        begin_answer(input, ANSWER_STRING);
        return 2;
    }
    size_t used = take_character(input, text + 1, n - 1, KEY_MOD_ALT);
    return used > 0 ? used + 1 : 0;
}

static void drop_held(struct input *input, size_t n)
{
    memmove(input->held, input->held + n, input->n_held - n);
    input->n_held -= n;
}

/* ---- paste ---- */

static void end_paste(struct input *input)
{
    AUTO_BUF struct buf clean;
    buf_init(&clean, INPUT_PASTE_MAX);
    /* Terminals send CR for the ends of pasted lines. */
    size_t n = 0;
    char previous = '\0';
    for (size_t at = 0; at < input->paste.len; at++) {
        char byte = input->paste.data[at];
        if (byte == '\n' && previous == '\r') {
            previous = byte;
            continue;
        }
        previous = byte;
        input->paste.data[n++] = byte == '\r' ? '\n' : byte;
    }
    input->paste.len = n;
    text_clean(&clean, input->paste.data, input->paste.len, TEXT_KEEP_NEWLINES);
    size_t len;
    char *text = buf_take(&clean, &len);
    push(input, (struct input_event){.kind = INPUT_PASTE, .text = text, .len = len});
    buf_clear(&input->paste);
    input->is_pasting = false;
}

/* One byte inside a paste; held is what may be the beginning of its end. */
static void feed_paste(struct input *input, char byte)
{
    size_t n = input->n_held;
    if (byte == PASTE_END[n]) {
        input->held[input->n_held++] = byte;
        if (PASTE_END[n + 1] == '\0') {
            input->n_held = 0;
            end_paste(input);
        }
        return;
    }
    (void)buf_add(&input->paste, input->held, n); /* cut at INPUT_PASTE_MAX */
    input->n_held = 0;
    if (byte == ESC) {
        input->held[input->n_held++] = byte;
    } else {
        (void)buf_char(&input->paste, byte);
    }
}

/* ---- feeding ---- */

static void feed_keys(struct input *input, char byte)
{
    size_t used = 1;
    input->held[input->n_held++] = byte;
    while (input->n_held > 0 && !input->is_pasting && used > 0) {
        used = take_one(input);
        drop_held(input, used);
        if (input->answer != ANSWER_NONE && input->n_held > 0) {
            char first = input->held[0]; /* of the answer: no more is held by then */
            input->n_held = 0;
            if (!pass_over(input, first)) {
                input->held[input->n_held++] = first;
            }
        }
    }
}

void input_feed(struct input *input, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (input->is_pasting) {
            feed_paste(input, bytes[i]);
        } else if (input->skip > 0) {
            input->skip--;
        } else if (input->answer == ANSWER_NONE || !pass_over(input, bytes[i])) {
            feed_keys(input, bytes[i]);
        }
    }
}

bool input_is_waiting(const struct input *input)
{
    return (input->n_held > 0 || input->answer != ANSWER_NONE) && !input->is_pasting;
}

void input_expire(struct input *input)
{
    if (!input_is_waiting(input)) {
        return;
    }
    if (input->answer != ANSWER_NONE) {
        if (++input->answer_waits >= ANSWER_WAITS) {
            input->answer = ANSWER_NONE;
        }
        return;
    }
    if (input->held[0] == ESC && input->n_held == 1) {
        push_key(input, KEYC_ESC);
    } else if (input->held[0] == ESC && input->n_held == 2) {
        push_key(input, (unsigned char)input->held[1] | KEY_MOD_ALT);
    }
    if (input->n_held > 2 && input->held[1] == '[') {
        begin_answer(input, ANSWER_CSI); /* its end may be late: no key */
    }
    input->n_held = 0; /* else: half a sequence or character, lost on the line */
}
