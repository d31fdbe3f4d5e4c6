/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/csv.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/predict/failure_stream.h"

#define SAID_MAX 512

void failure_stream_init(struct failure_stream *stream)
{
    *stream = (struct failure_stream){
        .failure = failure_new(),
        .duration = duration_new(),
        .said = mem_array(SAID_MAX, sizeof(struct failure_stream_said)),
    };
}

void failure_stream_fini(struct failure_stream *stream)
{
    failure_free(stream->failure);
    duration_free(stream->duration);
    free(stream->said);
    *stream = (struct failure_stream){0};
}

/* ---- reading ---- */

/* A number that is a number, however it is written. */
static bool get_number(const struct json *object, const char *key, double *ret)
{
    const char *text = json_str(object, key, NULL);
    double number = json_num(object, key, (double)NAN);
    if (text != NULL && !csv_number(text, &number)) {
        return false;
    }
    *ret = number;
    return isfinite(number);
}

static bool get_id(const struct json *object, uint64_t *ret_id, struct err *err)
{
    const char *text = json_str(object, "id", NULL);
    double number;
    if (text != NULL && text[0] != '\0') {
        *ret_id = failure_hash(text);
        return true;
    }
    if (text == NULL && get_number(object, "id", &number)) {
        *ret_id = failure_hash_with((uint64_t)json_int(object, "id", 0), 2);
        return true;
    }
    return err_set(err, ERR_USAGE, "no \"id\"");
}

/* Time under `key`, else what was; false when it is there and is none. */
static bool get_time(const struct json *object, const char *key, struct wall *at,
                     struct err *err)
{
    char clean[64];
    double number;
    const char *text = json_str(object, key, NULL);
    if (text == NULL) {
        if (get_number(object, key, &number) && fabs(number) < 1e11) {
            *at = (struct wall){(int64_t)(number * 1000)};
        }
        return true;
    }
    if (text[0] != '\0' && !csv_time(text, at)) {
        return err_set(err, ERR_USAGE, "\"%s\": %s is no time", key,
                       text_clean_into(clean, sizeof(clean), text));
    }
    return true;
}

static bool says_nothing(const char *key)
{
    static const char *const names[] = {"op", "id", "started_at", "set", "series"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(key, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Texts of numbers, which must live as long as the context. */
struct number_texts {
    char rows[FAILURE_FIELDS_MAX][40];
};

static void get_fields(const struct json *object, struct failure_context *context,
                       struct number_texts *texts)
{
    void *iter = NULL;
    const char *key = NULL;
    const struct json *value = NULL;
    while (json_next(object, &iter, &key, &value)) {
        double number;
        if (says_nothing(key)) {
            continue;
        }
        if (json_text(value) != NULL) {
            failure_context_field(context, key, json_text(value));
        } else if (context->n_fields < FAILURE_FIELDS_MAX &&
                   get_number(object, key, &number)) {
            char *text = texts->rows[context->n_fields];
            (void)snprintf(text, sizeof(texts->rows[0]), "%.*f",
                           number == floor(number) ? 0 : 6,
                           fmin(1e15, fmax(-1e15, number)));
            failure_context_field(context, key, text);
        } else if (json_bool(object, key, true) == json_bool(object, key, false)) {
            failure_context_text(context, key, FAILURE_KIND,
                                 json_bool(object, key, false) ? "true" : "false");
        }
    }
}

/* ---- the three operations ---- */

static void answer(const struct failure_stream *stream,
                   const struct failure_answer *failure,
                   const struct duration_answer *duration, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_num(&w, "p_fail", failure->p);
    if (!isnan(duration->p50)) {
        jsonw_num(&w, "duration_s", duration->p50);
    }
    if (!isnan(duration->p10)) {
        jsonw_num(&w, "low_s", duration->p10);
        jsonw_num(&w, "p80_s", duration->p80);
        jsonw_num(&w, "high_s", duration->p90);
    }
    jsonw_num(&w, "base", failure->base);
    jsonw_int(&w, "n", failure->n);
    jsonw_bool(&w, "is_trusted", scorecard_is_trusted(&stream->card));
    if (stream->has_reasons) {
        jsonw_open(&w, "reasons", '[');
        for (size_t i = 0; i < failure->n_reasons; i++) {
            jsonw_open(&w, NULL, '{');
            jsonw_str(&w, "text", failure->reasons[i].text);
            jsonw_num(&w, "weight", failure->reasons[i].weight);
            jsonw_close(&w, '}');
        }
        jsonw_close(&w, ']');
    }
    jsonw_close(&w, '}');
    (void)buf_char(out, '\n'); /* a cut answer shows in out->is_cut */
}

static bool predict(struct failure_stream *stream, const struct json *object,
                    struct buf *out, struct err *err)
{
    struct failure_context context;
    struct number_texts texts;
    struct failure_answer failure;
    struct duration_answer duration;
    uint64_t id = 0;
    struct wall at = stream->clock;
    if (!get_id(object, &id, err) || !get_time(object, "started_at", &at, err)) {
        return false;
    }
    stream->clock = at.ms > stream->clock.ms ? at : stream->clock;
    failure_context_init(&context, id, at);
    get_fields(object, &context, &texts);
    failure_predict(stream->failure, &context, &failure);
    duration_predict(stream->duration, &context, &duration);
    stream->said[stream->n_said++ % SAID_MAX] = (struct failure_stream_said){
        id, failure.p, duration.p10, duration.p50, duration.p90,
    };
    answer(stream, &failure, &duration, out);
    return true;
}

static void score(struct failure_stream *stream, uint64_t id, bool has_failed,
                  double took)
{
    for (size_t i = 0; i < SAID_MAX; i++) {
        const struct failure_stream_said *said = &stream->said[i];
        if (i < stream->n_said && said->id == id) {
            scorecard_add(&stream->card, said->p, has_failed);
            if (!has_failed) {
                scorecard_add_duration(&stream->card, said->p50, said->low, said->high,
                                       took);
            }
            return;
        }
    }
}

static bool observe(struct failure_stream *stream, const struct json *object,
                    struct err *err)
{
    uint64_t id = 0;
    double failed, took = (double)NAN;
    struct wall at = stream->clock;
    if (!get_id(object, &id, err) || !get_time(object, "finished_at", &at, err)) {
        return false;
    }
    if (json_bool(object, "failed", true) == json_bool(object, "failed", false)) {
        failed = json_bool(object, "failed", false) ? 1 : 0;
    } else if (!get_number(object, "failed", &failed) || (failed != 0 && failed != 1)) {
        return err_set(err, ERR_USAGE, "\"failed\" is neither 0 nor 1");
    }
    (void)get_number(object, "duration_s", &took); /* optional: NAN without */
    stream->clock = at.ms > stream->clock.ms ? at : stream->clock;
    if (!failure_observe(stream->failure, id, failed > 0, at)) {
        stream->n_unknown++;
        return true;
    }
    (void)duration_observe(stream->duration, id, failed > 0, took); /* same runs */
    score(stream, id, failed > 0, took);
    return true;
}

bool failure_stream_line(struct failure_stream *stream, const char *line, size_t len,
                         struct buf *out, struct err *err)
{
    bool is_good;
    uint64_t id = 0;
    if (len > FAILURE_STREAM_LINE_MAX) {
        return err_set(err, ERR_TOO_LARGE, "a line of more than %d bytes",
                       FAILURE_STREAM_LINE_MAX);
    }
    struct json *root = json_parse(line, len, err);
    if (root == NULL) {
        return false;
    }
    const char *op = json_str(root, "op", "");
    if (strcmp(op, "predict") == 0) {
        is_good = predict(stream, root, out, err);
    } else if (strcmp(op, "observe") == 0) {
        is_good = observe(stream, root, err);
    } else if (strcmp(op, "forget") == 0) {
        is_good = get_id(root, &id, err);
        if (is_good) {
            failure_forget(stream->failure, id);
            duration_forget(stream->duration, id);
        }
    } else {
        is_good = err_set(err, ERR_USAGE,
                          "\"op\" is neither \"predict\", \"observe\" nor \"forget\"");
    }
    json_free(root);
    return is_good;
}

static void print_skill(struct jsonw *w, const char *key,
                        const struct scorecard_skill *skill)
{
    jsonw_open(w, key, '{');
    jsonw_int(w, "n", skill->n);
    jsonw_num(w, "brier", skill->brier);
    jsonw_num(w, "brier_base", skill->base);
    jsonw_num(w, "skill", skill->skill);
    jsonw_num(w, "calibration_error", skill->ece);
    jsonw_num(w, "interval_coverage", skill->coverage);
    jsonw_num(w, "duration_error", skill->error);
    jsonw_close(w, '}');
}

void failure_stream_score(const struct failure_stream *stream, struct buf *out)
{
    struct scorecard_skill all = scorecard_all(&stream->card);
    struct scorecard_skill recent = scorecard_recent(&stream->card);
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    print_skill(&w, "all", &all);
    print_skill(&w, "last_50", &recent);
    jsonw_open(&w, "reliability", '[');
    for (int i = 0; i < SCORECARD_BINS; i++) {
        const struct scorecard_bin *bin = &stream->card.bins[i];
        double n = bin->n > 0 ? (double)bin->n : (double)NAN;
        jsonw_open(&w, NULL, '{');
        jsonw_int(&w, "n", bin->n);
        jsonw_num(&w, "said", bin->sum_p / n);
        jsonw_num(&w, "came", (double)bin->failed / n);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_bool(&w, "is_trusted", scorecard_is_trusted(&stream->card));
    jsonw_str(&w, "verdict", scorecard_verdict(&stream->card));
    jsonw_int(&w, "unknown_outcomes", (int64_t)stream->n_unknown);
    jsonw_close(&w, '}');
    (void)buf_char(out, '\n'); /* a cut answer shows in out->is_cut */
}
