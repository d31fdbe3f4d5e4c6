/* SPDX-License-Identifier: MIT */
#include "engine/base/err.h"
#include "engine/workflow/schema.h"
#include "engine/workflow/schema_value.h"

#define TABLES_MAX 48 /* tables below one schema */

/* Running text for mdoc(7): each sentence on its own line, nothing that is a request. */
static void print_text(FILE *out, const char *text)
{
    bool is_line_start = true;
    for (const char *at = text; *at != '\0'; at++) {
        if (is_line_start && (*at == '.' || *at == '\'')) {
            fputs("\\&", out);
        }
        is_line_start = false;
        if (*at == '\\') {
            fputs("\\e", out);
        } else if (*at == '-' && (at[1] == '-' || (at > text && at[-1] == '-'))) {
            fputs("\\-", out);
        } else if (*at == '.' && at[1] == ' ') {
            fputs(".\n", out);
            is_line_start = true;
            at++;
        } else {
            fputc(*at, out);
        }
    }
    fputc('\n', out);
}

static void print_field(FILE *out, const struct field *field)
{
    char text[VALUE_WHY_MAX];
    fprintf(out, ".It Ic %s Ns \\&: Em %s\n", field->name,
            field->type == FIELD_WORD ? value_words(field, text)
                                      : field_type_word(field->type));
    print_text(out, field->help);
    if (value_range(field, text)[0] != '\0') {
        fprintf(out, "Range: %s.\n", text);
    }
    if (field->is_required) {
        fprintf(out, "Required.\n");
    } else if (field->shown != NULL) {
        fprintf(out, "Default: %s.\n", field->shown);
    } else if (field->fallback != NULL) {
        fprintf(out, "Default:\n.Li %s .\n", field->fallback);
    }
    if (field->alias != NULL) {
        fprintf(out, "Also written\n.Ic %s .\n", field->alias);
    }
}

/* Tables in the order in which a reader meets them, each once. */
static size_t collect(const struct schema *root, const struct schema *tables[TABLES_MAX])
{
    size_t n = 1;
    tables[0] = root;
    for (size_t at = 0; at < n; at++) {
        for (size_t i = 0; i < tables[at]->n_fields; i++) {
            const struct schema *sub = tables[at]->fields[i].sub;
            bool is_known = sub == NULL;
            for (size_t j = 0; j < n && !is_known; j++) {
                is_known = tables[j] == sub;
            }
            if (!is_known && n == TABLES_MAX) {
                BUG("more tables than TABLES_MAX");
            }
            if (!is_known) {
                tables[n++] = sub;
            }
        }
    }
    return n;
}

void schema_print_mdoc(FILE *out, const struct schema *schema)
{
    const struct schema *tables[TABLES_MAX];
    size_t n = collect(schema, tables);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            fprintf(out, ".Ss Fields of %s\n", tables[i]->name);
        }
        print_text(out, tables[i]->help);
        fprintf(out, ".Bl -tag -width Ds\n");
        for (size_t j = 0; j < tables[i]->n_fields; j++) {
            print_field(out, &tables[i]->fields[j]);
        }
        fprintf(out, ".El\n");
    }
}
