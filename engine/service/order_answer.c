/* SPDX-License-Identifier: MIT */
/* The answer: result.json, and its long parts as files beside it, written before it. */
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/order.h"

#define ANSWER_MAX (1024 * 1024) /* that of 64 checks side by side included */

/* clang-format off */
#define TEXT_FIELDS(X)                                                                   \
    X(summary) X(log) X(excerpt) X(branch) X(base_sha) X(head_sha) X(merge_sha)         \
    X(provider) X(service)
#define INT_FIELDS(X)                                                                    \
    X(started_at.ms)                                                                     \
    X(finished_at.ms)                                                                    \
    X(exit_status) X(cpu_ms) X(peak_rss_kib) X(out_bytes) X(tries) X(pr_number) X(red) \
    X(tokens) X(micros)
#define BOOL_FIELDS(X) X(is_revert) X(is_fallback) X(is_degraded)
#define DOC_FIELDS(X) X(plan) X(diff) X(commits)
/* clang-format on */

static bool write_part(const char *folder, const char *name, const char *text,
                       struct err *err)
{
    AUTO_FREE char *path = mem_printf("%s/%s.out", folder, name);
    return text == NULL || file_write(path, text, strlen(text), err);
}

static void put_fields(struct jsonw *w, const struct effect_result *result)
{
    jsonw_str(w, "status", status_name(result->status));
    jsonw_str(w, "blame", blame_word(result->blame));
#define X(field)                                                                         \
    if (result->field != NULL) {                                                         \
        jsonw_str(w, #field, result->field);                                             \
    }
    TEXT_FIELDS(X)
#undef X
#define X(field) jsonw_int(w, #field, (int64_t)result->field);
    INT_FIELDS(X)
#undef X
#define X(field) jsonw_bool(w, #field, result->field);
    BOOL_FIELDS(X)
#undef X
#define X(field) jsonw_bool(w, #field, result->field != NULL);
    DOC_FIELDS(X)
#undef X
}

bool order_answer(const char *folder, const struct effect_result *result, struct err *err)
{
    AUTO_BUF struct buf buf;
    buf_init(&buf, ANSWER_MAX);
    struct jsonw w;
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    put_fields(&w, result);
    if (result->n_parts > 0) {
        jsonw_int(&w, "of", result->of);
        jsonw_open(&w, "parts", '[');
        for (size_t i = 0; i < result->n_parts; i++) {
            jsonw_open(&w, NULL, '{');
            jsonw_int(&w, "seq", result->parts[i]->seq);
            put_fields(&w, result->parts[i]);
            jsonw_close(&w, '}');
        }
        jsonw_close(&w, ']');
    }
    jsonw_close(&w, '}');
    if (buf.is_cut) {
        return err_set(err, ERR_TOO_LARGE, "answer above %d bytes", ANSWER_MAX);
    }
#define X(field)                                                                         \
    if (!write_part(folder, #field, result->field, err)) {                               \
        return false;                                                                    \
    }
    DOC_FIELDS(X)
#undef X
    AUTO_FREE char *path = file_join(folder, "result.json");
    return file_write(path, buf.data, buf.len, err);
}

static bool read_part(const char *folder, const char *name, const struct json *root,
                      char **ret_text, struct err *err)
{
    AUTO_FREE char *path = mem_printf("%s/%s.out", folder, name);
    return !json_bool(root, name, false) ||
           file_read(path, (size_t)DOC_MAX, ret_text, NULL, err);
}

static bool read_parts(const char *folder, const struct json *root,
                       struct effect_result *result, struct err *err)
{
#define X(field)                                                                         \
    if (!read_part(folder, #field, root, &result->field, err)) {                         \
        return false;                                                                    \
    }
    DOC_FIELDS(X)
#undef X
    return true;
}

/* A line for people stays one, whoever has written the file. */
static void clean_line(char **text)
{
    if (*text != NULL) {
        AUTO_BUF struct buf out;
        buf_init(&out, ANSWER_MAX);
        text_clean(&out, *text, strlen(*text), TEXT_ONE_LINE);
        free(*text);
        *text = mem_str(out.data);
    }
}

static void take_fields(const struct json *from, struct effect_result *result)
{
    const char *status = json_str(from, "status", "");
    result->status = STATUS_LOST;
    for (int i = STATUS_PENDING + 1; i < STATUS_COUNT; i++) {
        if (strcmp(status, status_name((enum effect_status)i)) == 0) {
            result->status = (enum effect_status)i;
        }
    }
    if (!blame_find(json_str(from, "blame", ""), &result->blame)) {
        result->blame = BLAME_WORLD;
    }
#define X(field) result->field = mem_str(json_str(from, #field, NULL));
    TEXT_FIELDS(X)
#undef X
    clean_line(&result->summary);
#define X(field) result->field = (__typeof__(result->field))json_int(from, #field, 0);
    INT_FIELDS(X)
#undef X
#define X(field) result->field = json_bool(from, #field, false);
    BOOL_FIELDS(X)
#undef X
}

static void take_checks(const struct json *root, struct effect_result *result)
{
    const struct json *parts = json_get(root, "parts");
    size_t n = json_len(parts);
    if (n == 0) {
        return;
    }
    result->of = json_int(root, "of", 0);
    effect_result_make_parts(result, n);
    for (size_t i = 0; i < n; i++) {
        const struct json *from = json_at(parts, i);
        result->parts[i] = effect_result_new(result->workflow, json_int(from, "seq", 0));
        take_fields(from, result->parts[i]);
    }
}

enum found order_read_answer(const char *folder, int64_t workflow, int64_t seq,
                             struct effect_result **ret_result, struct err *err)
{
    AUTO_FREE char *path = file_join(folder, "result.json");
    AUTO_FREE char *text = NULL;
    size_t len;
    struct err bad = ERR_INIT;
    if (!file_read(path, ANSWER_MAX, &text, &len, &bad)) {
        if (bad.code == ERR_NOT_FOUND) {
            return MISSING;
        }
        *err = bad;
        return FOUND_FAILED;
    }
    struct json *root = json_parse(text, len, err);
    if (root == NULL) {
        return FOUND_FAILED;
    }
    struct effect_result *result = effect_result_new(workflow, seq);
    take_fields(root, result);
    take_checks(root, result);
    bool done = read_parts(folder, root, result, err);
    json_free(root);
    if (!done) {
        effect_result_free(result);
        return FOUND_FAILED;
    }
    *ret_result = result;
    return FOUND;
}
