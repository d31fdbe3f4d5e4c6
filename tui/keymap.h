/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_KEYMAP_H
#define SIGNALBOX_TUI_KEYMAP_H

/*
 * Keymap: which key does what where.
 *
 * Read from default.keys (embedded) and the user's file on top. A key is looked up in its
 * context, then in the context's parent, and so on. Help, the bottom line and
 * signalbox-keys(7) are made from the live tables, so they cannot lie.
 *
 *   context table : view        # table looks further in view
 *   j, <Down>      row-down
 *   <C-d>          none         # unbound here, and not looked up further
 *
 * A key is a character, or <Name> (Up Down Left Right Home End PageUp PageDown Insert Delete
 * Enter Tab BackTab Esc Space Backspace F1..F12), or with modifiers <C-x> <A-x> <S-Up>; a
 * comma and '<' are written <Comma> and <Lt>, '#' is <Hash>.
 *
 * Ownership: opaque; immutable once built. Errors: findings with file and line, all or nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/findings.h"
#include "tui/action.h"

/* A key: Unicode scalar value or one of KEYC_, with KEY_MOD_ bits. Control characters come as
 * their letter with KEY_MOD_CTRL, except Tab, Enter, Esc and Backspace. */
#define KEY_MOD_CTRL  (1u << 24)
#define KEY_MOD_ALT   (1u << 25)
#define KEY_MOD_SHIFT (1u << 26)
#define KEY_CODE(key) ((key)&0xFFFFFFu)
#define KEYC_FIRST    0x110000u

/* X(identifier, name) */
#define KEYC_LIST(X)                                                                     \
    X(KEYC_UP, "Up")                                                                     \
    X(KEYC_DOWN, "Down")                                                                 \
    X(KEYC_LEFT, "Left")                                                                 \
    X(KEYC_RIGHT, "Right")                                                               \
    X(KEYC_HOME, "Home")                                                                 \
    X(KEYC_END, "End")                                                                   \
    X(KEYC_PAGE_UP, "PageUp")                                                            \
    X(KEYC_PAGE_DOWN, "PageDown")                                                        \
    X(KEYC_INSERT, "Insert")                                                             \
    X(KEYC_DELETE, "Delete")                                                             \
    X(KEYC_ENTER, "Enter")                                                               \
    X(KEYC_TAB, "Tab")                                                                   \
    X(KEYC_BACKTAB, "BackTab")                                                           \
    X(KEYC_ESC, "Esc")                                                                   \
    X(KEYC_BACKSPACE, "Backspace")                                                       \
    X(KEYC_F1, "F1")                                                                     \
    X(KEYC_F2, "F2")                                                                     \
    X(KEYC_F3, "F3")                                                                     \
    X(KEYC_F4, "F4")                                                                     \
    X(KEYC_F5, "F5")                                                                     \
    X(KEYC_F6, "F6")                                                                     \
    X(KEYC_F7, "F7")                                                                     \
    X(KEYC_F8, "F8")                                                                     \
    X(KEYC_F9, "F9")                                                                     \
    X(KEYC_F10, "F10")                                                                   \
    X(KEYC_F11, "F11")                                                                   \
    X(KEYC_F12, "F12")

enum key_code {
    KEYC_BEFORE_ = KEYC_FIRST - 1,
#define X(id, name) id,
    KEYC_LIST(X)
#undef X
        KEYC_END_
};

#define KEY_TEXT_MAX    32 /* bytes of a key as text */
#define KEYMAP_FILE_MAX (64 * 1024)

/* "j" "<C-d>" "<Up>": as in the file. Returns out. */
const char *key_format(uint32_t key, char out[KEY_TEXT_MAX]);
/* For people: "j" "^D" "Up" "Space". */
const char *key_label(uint32_t key, char out[KEY_TEXT_MAX]);
NODISCARD bool key_parse(const char *text, uint32_t *ret_key);

struct keymap;
/* The embedded defaults, which must be without mistakes. */
NODISCARD struct keymap *keymap_new(void);
void keymap_free(struct keymap *keymap); /* accepts NULL */
/* Add a file's text on top. False with findings, and nothing changed, on any mistake. */
NODISCARD bool keymap_add(struct keymap *keymap, const char *file, const char *text,
                          size_t len, struct findings *findings);
NODISCARD bool keymap_load(struct keymap *keymap, const char *path,
                           struct findings *findings);

/* ACTION_NONE when unbound. */
enum action keymap_find(const struct keymap *keymap, enum context context, uint32_t key);
/* Parent, or `context` itself at the top. */
enum context keymap_parent(const struct keymap *keymap, enum context context);
/* First key that does `action` in `context` (or inherited), for people; "" when none. */
const char *keymap_label(const struct keymap *keymap, enum context context,
                         enum action action, char out[KEY_TEXT_MAX]);
/* All keys of one action as bound in exactly this context, "j Down"; "" when none. */
const char *keymap_labels(const struct keymap *keymap, enum context context,
                          enum action action, char *out, size_t cap);
/* Binding number `index` of exactly this context, as written; false at the end. */
NODISCARD bool keymap_row(const struct keymap *keymap, enum context context, size_t index,
                          uint32_t *ret_key, enum action *ret_action);
/* mdoc tables for signalbox-keys(7): each context with its keys and actions. */
void keymap_print_mdoc(FILE *out);

#endif
