/* SPDX-License-Identifier: MIT */
#include "engine/base/csv.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <strings.h>

#include "engine/base/mem.h"

#define SECONDS_MAX 1e11 /* year 5138; what is more is milliseconds */

void csv_init(struct csv *csv, FILE *file)
{
    *csv = (struct csv){.file = file};
}

void csv_fini(struct csv *csv)
{
    free(csv->text);
    *csv = (struct csv){0};
}

static char *trim(char *text, char *end)
{
    while (text < end && isspace((unsigned char)*text)) {
        text++;
    }
    while (end > text && isspace((unsigned char)end[-1])) {
        end--;
    }
    *end = '\0';
    return text;
}

/* Cut the cell at `at`; returns where the next one begins, NULL at the end. In quotes, "" is a
 * quote. */
static char *cut_cell(struct csv *csv, char *at)
{
    char *from = at;
    while (isspace((unsigned char)*from)) {
        from++;
    }
    if (*from != '"') {
        char *end = at + strcspn(at, ",");
        char *next = *end == ',' ? end + 1 : NULL;
        csv->cells[csv->n_cells++] = trim(at, end);
        return next;
    }
    char *out = from;
    const char *in = from + 1;
    csv->cells[csv->n_cells++] = from;
    while (*in != '\0' && (*in != '"' || in[1] == '"')) {
        in += *in == '"' ? 1 : 0;
        *out++ = *in++;
    }
    const char *rest = in + strcspn(in, ",");
    bool has_next = *rest == ',';
    *out = '\0';
    return has_next ? at + (rest + 1 - at) : NULL;
}

bool csv_next(struct csv *csv, struct err *err)
{
    for (;;) {
        errno = 0;
        ssize_t len = getline(&csv->text, &csv->cap, csv->file);
        if (len < 0) {
            if (ferror(csv->file) != 0) {
                err_sys(err, "reading line %ld", csv->line + 1);
            }
            return false;
        }
        csv->line++;
        if (len > CSV_LINE_MAX) {
            return err_set(err, ERR_TOO_LARGE, "line %ld is longer than %d bytes",
                           csv->line, CSV_LINE_MAX);
        }
        csv->n_cells = 0;
        for (char *at = csv->text; at != NULL && csv->n_cells < CSV_CELLS_MAX;) {
            at = cut_cell(csv, at);
        }
        if (csv->n_cells > 1 || csv->cells[0][0] != '\0') {
            return true;
        }
    }
}

int csv_find(const struct csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->n_cells; i++) {
        if (strcasecmp(csv->cells[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool csv_number(const char *text, double *ret_number)
{
    char *end;
    if (text[0] == '\0' || strcasecmp(text, "nan") == 0) {
        *ret_number = (double)NAN;
        return true;
    }
    errno = 0;
    *ret_number = strtod(text, &end);
    return *end == '\0' && end != text && (errno == 0 || fabs(*ret_number) < 1);
}

/* Digits and one mark from `shape`, where '0' stands for a digit. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; text++, shape++) {
        bool is_digit = isdigit((unsigned char)*text) != 0;
        if (*shape == '0' ? !is_digit : *text != *shape) {
            return false;
        }
    }
    return true;
}

bool csv_time(const char *text, struct wall *ret_at)
{
    char whole[CLOCK_TEXT_MAX];
    double number;
    if (has_shape(text, "0000-00-00 00:00") || has_shape(text, "0000-00-00T00:00")) {
        size_t len = strlen(text);
        bool has_seconds = len > 16 && text[16] == ':';
        bool has_zone = len > 16 && strpbrk(text + 16, "Zz+-") != NULL;
        int n = snprintf(whole, sizeof(whole), "%.10sT%.5s%s%s%s", text, text + 11,
                         has_seconds ? "" : ":00", text + 16, has_zone ? "" : "Z");
        return n > 0 && (size_t)n < sizeof(whole) && wall_parse(whole, ret_at);
    }
    if (!csv_number(text, &number) || !isfinite(number) || fabs(number) > 1e15) {
        return false;
    }
    double ms = fabs(number) > SECONDS_MAX ? number : number * 1000;
    *ret_at = (struct wall){(int64_t)llround(ms)};
    return true;
}
