/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_YAML_H
#define SIGNALBOX_BASE_YAML_H

/*
 * Yaml: a small, bounded tree of a YAML file that a person wrote (libyaml's only user).
 *
 * A subset on purpose: maps with text keys, lists and scalars. Anchors, aliases, merge
 * keys and tags are refused with a finding (nobody needs them in a file of 50 lines, and
 * aliases are how a small file becomes a large one), and so are a second document, a key
 * given twice, and nesting, items or bytes beyond the bounds below. Bad UTF-8 and control
 * characters are findings with their line, and do not hide what else is wrong.
 *
 * Every item knows its line and its parent, so that whoever decodes it can say
 * "validate[1].timeout" without carrying a path.
 *
 * The names begin with yaml_tree and yaml_item since libyaml exports others, yaml_free
 * among them: a function of ours with that name would take its place at run time.
 *
 * Ownership: the tree owns all; items and their texts live as long as the tree.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"
#include "engine/base/findings.h"

#define YAML_TEXT_MAX  (256 * 1024) /* bytes of a file */
#define YAML_DEPTH_MAX 16
#define YAML_ITEMS_MAX 8192
#define YAML_PATH_MAX  256 /* of yaml_item_path, with the NUL */
#define YAML_QUOTE_MAX 256 /* of yaml_quote, with the NUL */

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_item {
    enum yaml_kind kind;
    int line;         /* where the value begins, 1.. */
    const char *text; /* YAML_SCALAR: NUL-terminated, may hold NUL bytes; else "" */
    size_t len;
    const char *key; /* inside a map, else NULL */
    int key_line;    /* inside a map: where the key stands; else as line */
    size_t index;    /* 0.. inside its parent */
    size_t n;        /* YAML_LIST, YAML_MAP: children */
    struct yaml_item *parent, *first, *last, *next;
};

struct yaml_tree {
    struct arena *arena;
    struct yaml_item *root; /* NULL when there is nothing at all */
    bool is_partial; /* the file ends in a syntax error: what is missing means nothing */
};

/* Never NULL; what is wrong is added to findings. Free with yaml_tree_free. */
NODISCARD struct yaml_tree *yaml_tree_parse(const char *file, const char *text,
                                            size_t len, struct findings *findings);
void yaml_tree_free(struct yaml_tree *tree); /* accepts NULL */

/* Value of `key`, or NULL when it is missing or item is no map. */
const struct yaml_item *yaml_item_get(const struct yaml_item *item, const char *key);
/* "validate[1].timeout" into path, with `field` (may be NULL) as the last part; "" for
 * the root. Returns path. */
const char *yaml_item_path(const struct yaml_item *item, const char *field,
                           char path[YAML_PATH_MAX]);
/* "text", "a list", "a map", "empty". */
const char *yaml_kind_word(enum yaml_kind kind);
/* Text from a file for a message: in single quotes, harmless, cut to 40 cells. Returns
 * out. */
const char *yaml_quote(const char *text, size_t len, char out[YAML_QUOTE_MAX]);

/* Name and version of the library behind it, for a bug report. */
const char *yaml_tree_library(void);

#endif
