/* SPDX-License-Identifier: MIT */

/*
 * Values of fields back as text, in one form for each value: two settings are the same when
 * these texts are.
 */

#include <inttypes.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/workflow/pipeline.h"
#include "engine/workflow/schema_decode.h"
#include "engine/workflow/schema_value.h"

static void put_texts(char *const *texts, size_t n, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_str(&w, NULL, texts[i]);
    }
    jsonw_close(&w, ']');
}

static void put_number(const struct field *field, const void *slot, struct buf *out)
{
    char text[BYTES_TEXT_MAX > CLOCK_TEXT_MAX ? BYTES_TEXT_MAX : CLOCK_TEXT_MAX];
    int64_t bytes = 0;
    struct span span = {0};
    int number = 0;
    if (field->type == FIELD_DURATION) {
        memcpy(&span, slot, sizeof(span));
        (void)buf_printf(out, "%s", value_format_duration(span.ms, text));
    } else if (field->type == FIELD_BYTES) {
        memcpy(&bytes, slot, sizeof(bytes));
        (void)buf_printf(out, "%s", bytes_format(bytes, text));
    } else {
        memcpy(&number, slot, sizeof(number));
        (void)buf_printf(out, "%d", number);
    }
}

static void put_when(const struct field *field, const void *slot, struct buf *out)
{
    char text[CLOCK_TEXT_MAX];
    struct hours hours = {0};
    struct wall at = {0};
    if (field->type == FIELD_TIME) {
        memcpy(&at, slot, sizeof(at));
        (void)buf_printf(out, "%s", wall_format(at, false, text));
        return;
    }
    memcpy(&hours, slot, sizeof(hours));
    if (hours.from != hours.to) {
        (void)buf_printf(out, "%02d:%02d-%02d:%02d", hours.from / 60, hours.from % 60,
                         hours.to / 60, hours.to % 60);
    }
}

bool schema_text(const struct field *field, const void *object, struct buf *out)
{
    const char *slot = (const char *)object + field->offset;
    const char *text = NULL;
    unsigned word = 0;
    bool flag = false;
    double share = 0;
    int64_t micros = 0;
    char money[MONEY_TEXT_MAX];
    size_t n = 0;
    void *texts = NULL;
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_BRANCH:
    case FIELD_PATH:
    case FIELD_PLACE:
    case FIELD_LINES:
        memcpy(&text, slot, sizeof(text));
        (void)buf_printf(out, "%s", text != NULL ? text : "");
        return true;
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_INT:
        put_number(field, slot, out);
        return true;
    case FIELD_BOOL:
        memcpy(&flag, slot, sizeof(flag));
        (void)buf_printf(out, "%s", flag ? "true" : "false");
        return true;
    case FIELD_WORD:
        memcpy(&word, slot, sizeof(word));
        (void)buf_printf(out, "%s", field->words[word]);
        return true;
    case FIELD_SHARE:
        memcpy(&share, slot, sizeof(share));
        (void)buf_printf(out, "%.6g", share);
        return true;
    case FIELD_MONEY:
        memcpy(&micros, slot, sizeof(micros));
        (void)buf_printf(out, "%s", money_format(micros, money));
        return true;
    case FIELD_HOURS:
    case FIELD_TIME:
        put_when(field, slot, out);
        return true;
    case FIELD_PATHS:
    case FIELD_NAMES:
    case FIELD_TEXTS:
        memcpy(&texts, slot, sizeof(texts));
        memcpy(&n, (const char *)object + field->offset_n, sizeof(n));
        put_texts(texts, n, out);
        return true;
    default:
        return false;
    }
}

/* Room for a value of any type of one text. */
union any {
    char *text;
    struct span span;
    struct wall wall;
    struct hours hours;
    int64_t bytes;
    double share;
    int number;
    unsigned word;
    bool flag;
};

bool schema_normal(const struct field *field, const char *text, struct buf *out,
                   struct err *err)
{
    char why[VALUE_WHY_MAX];
    struct field here = *field;
    union any value = {0};
    here.offset = 0;
    if (!value_is_text(field->type)) {
        return err_set(err, ERR_USAGE, "%s: no value of one text", field->name);
    }
    if (!value_from_text(&here, NULL, text, strlen(text), &value, why)) {
        return err_set(err, ERR_USAGE, "%.300s", why);
    }
    bool is_good = schema_text(&here, &value, out);
    const struct schema row = {.fields = &here, .n_fields = 1, .size = sizeof(value)};
    schema_fini(&row, &value);
    return is_good || err_set(err, ERR_USAGE, "%s: no value of one text", field->name);
}
