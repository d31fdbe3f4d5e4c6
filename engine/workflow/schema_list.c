/* SPDX-License-Identifier: MIT */
#include <ctype.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/workflow/schema_decode.h"
#include "engine/workflow/schema_value.h"

#define WORDS_MAX     256 /* of a command that is a list */
#define ENV_MAX       256
#define TEXTS_MAX     64
#define COMMAND_MAX   (96 * 1024) /* the kernel takes 128 KiB per argument */
#define ENV_VALUE_MAX (32 * 1024)

static bool is_good_word(struct decoder *d, const struct yaml_item *item, size_t max,
                         const char *expected)
{
    if (item->kind != YAML_SCALAR) {
        decode_report(d, item, "is %s; expected %s", yaml_kind_word(item->kind),
                      expected);
    } else if (strlen(item->text) != item->len) {
        decode_report(d, item, "holds a NUL character; expected %s", expected);
    } else if (item->len > max) {
        decode_report(d, item, "%zu bytes; expected at most %zu", item->len, max);
    } else {
        return true;
    }
    return false;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* For people: a list as one would type it. */
static char *join_words(char *const *argv)
{
    AUTO_BUF struct buf buf;
    buf_init(&buf, COMMAND_MAX);
    for (size_t i = 0; argv[i] != NULL; i++) {
        bool is_plain = argv[i][0] != '\0';
        for (const char *c = argv[i]; *c != '\0'; c++) {
            is_plain =
                is_plain && (isalnum((unsigned char)*c) || strchr("%+,-./:=@_", *c));
        }
        buf_printf(&buf, "%s%s%s%s", i > 0 ? " " : "", is_plain ? "" : "'", argv[i],
                   is_plain ? "" : "'");
    }
    return buf_take(&buf, NULL);
}

static const char a_command[] = "a command, as text or list of words";

static bool take_shell(struct decoder *d, const struct yaml_item *item,
                       struct command_spec *ret)
{
    if (!is_good_word(d, item, COMMAND_MAX, a_command)) {
        return false;
    }
    if (is_blank(item->text)) {
        decode_report(d, item, "is empty; expected %s", a_command);
        return false;
    }
    size_t len = item->len; /* "|" ends in a newline that is not worth showing */
    while (strchr("\r\n \t", item->text[len - 1]) != NULL) {
        len--;
    }
    ret->argv = mem_array(4, sizeof(*ret->argv));
    ret->argv[0] = mem_str("/bin/sh");
    ret->argv[1] = mem_str("-c");
    ret->argv[2] = mem_str(item->text);
    ret->text = mem_strn(item->text, len);
    return true;
}

static bool take_words(struct decoder *d, const struct yaml_item *item,
                       struct command_spec *ret)
{
    bool is_good = true;
    size_t n = 0, len = 0;
    if (item->first == NULL || item->n > WORDS_MAX) {
        decode_report(d, item, "%zu words; expected a command of 1 to %d", item->n,
                      WORDS_MAX);
        return false;
    }
    for (const struct yaml_item *word = item->first; word != NULL; word = word->next) {
        is_good = is_good_word(d, word, COMMAND_MAX, "a word of a command") && is_good;
        len += word->len;
    }
    if (is_good && item->first->len == 0) {
        decode_report(d, item->first, "is empty; expected the name of a program");
        is_good = false;
    } else if (is_good && len > COMMAND_MAX) {
        decode_report(d, item, "%zu bytes; expected at most %d", len, COMMAND_MAX);
        is_good = false;
    }
    if (!is_good) {
        return false;
    }
    ret->argv = mem_array(item->n + 1, sizeof(*ret->argv));
    for (const struct yaml_item *word = item->first; word != NULL; word = word->next) {
        ret->argv[n++] = mem_str(word->text);
    }
    ret->text = join_words(ret->argv);
    return true;
}

void decode_command(struct decoder *d, const struct field *field,
                    const struct yaml_item *item, struct command_spec *command)
{
    struct command_spec taken = {0};
    bool is_good = false;
    if (item->kind == YAML_SCALAR) {
        is_good = take_shell(d, item, &taken);
    } else if (item->kind == YAML_LIST) {
        is_good = take_words(d, item, &taken);
    } else {
        decode_report_shape(d, field, item);
    }
    if (is_good) {
        schema_free_command(command);
        command->argv = taken.argv;
        command->text = taken.text;
    }
}

static bool is_env_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool is_digit = *c >= '0' && *c <= '9';
        bool is_letter =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!is_letter && !(is_digit && c > name)) {
            return false;
        }
    }
    return *name != '\0';
}

void decode_env(struct decoder *d, const struct field *field,
                const struct yaml_item *item, void *object)
{
    if (item->kind != YAML_MAP || item->n > ENV_MAX) {
        if (item->kind != YAML_MAP) {
            decode_report_shape(d, field, item);
        } else {
            decode_report(d, item, "%zu variables; expected at most %d", item->n,
                          ENV_MAX);
        }
        return;
    }
    struct env_var *env = mem_array(item->n, sizeof(*env));
    size_t n = 0;
    for (const struct yaml_item *var = item->first; var != NULL; var = var->next) {
        if (!is_env_name(var->key)) {
            decode_report(d, var,
                          "is no name of a variable; expected letters, digits and _, "
                          "a letter or _ first");
        } else if (is_good_word(d, var, ENV_VALUE_MAX, "text (\"\" for none)")) {
            env[n++] = (struct env_var){mem_str(var->key), mem_str(var->text)};
        }
    }
    size_t n_old = 0;
    struct env_var *old = schema_get_list(field, object, &n_old);
    schema_free_env(old, n_old);
    schema_set_list(field, object, env, n);
}

void decode_texts(struct decoder *d, const struct field *field,
                  const struct yaml_item *item, void *object)
{
    const struct field one = {.name = "",
                              .type = field->type == FIELD_PATHS   ? FIELD_PATH
                                      : field->type == FIELD_NAMES ? FIELD_NAME
                                                                   : FIELD_TEXT,
                              .max = field->max};
    if (item->kind != YAML_LIST || item->n > TEXTS_MAX) {
        if (item->kind != YAML_LIST) {
            decode_report_shape(d, field, item);
        } else {
            decode_report(d, item, "%zu %s; expected at most %d", item->n,
                          field->type == FIELD_PATHS ? "paths" : "entries", TEXTS_MAX);
        }
        return;
    }
    char **texts = mem_array(item->n, sizeof(*texts));
    size_t n = 0;
    for (const struct yaml_item *text = item->first; text != NULL; text = text->next) {
        char why[VALUE_WHY_MAX];
        if (text->kind != YAML_SCALAR) {
            decode_report_shape(d, &one, text);
        } else if (!value_from_text(&one, d->folder, text->text, text->len, &texts[n],
                                    why)) {
            decode_report(d, text, "%s", why);
        } else {
            n++;
        }
    }
    size_t n_old = 0;
    char **old = schema_get_list(field, object, &n_old);
    schema_free_texts(old, n_old);
    schema_set_list(field, object, texts, n);
}
