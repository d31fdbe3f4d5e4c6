/* SPDX-License-Identifier: MIT */
#include "engine/decision/decide_stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/csv.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/predict/failure_context.h"

#define WORD_CAP    240 /* bytes of a value that count */
#define NAME_CAP    32
#define FACTOR_KEYS 65536

static const char *const action_words[DECIDE_ACTIONS] = {"retry", "escalate"};

/* Factors with what they point to. */
struct facts {
    struct decide_factor rows[DECIDE_FACTORS_MAX];
    size_t n;
    char names[DECIDE_FACTORS_MAX][NAME_CAP];
    char words[DECIDE_FACTORS_MAX][WORD_CAP];
};

struct decide_stream_open {
    uint64_t id; /* 0 = free */
    enum decide_action action;
    struct decide_factor *rows; /* with their texts, one block; NULL = free */
    size_t n;
};

void decide_stream_init(struct decide_stream *stream)
{
    struct decide_settings settings = decide_defaults();
    settings.shadow_trials = 0; /* there are no rules here that could do better */
    settings.demote_margin = (double)INFINITY;
    settings.factor_keys = FACTOR_KEYS;
    settings.open_cases = DECIDE_STREAM_OPEN;
    *stream = (struct decide_stream){
        .decide = decide_new(&settings),
        .open = mem_array(DECIDE_STREAM_OPEN, sizeof(struct decide_stream_open)),
        .rewards = {{(double)NAN, (double)NAN, 0, 0}, {(double)NAN, (double)NAN, 0, 0}},
    };
    rng_init(&stream->rng, 1);
}

void decide_stream_fini(struct decide_stream *stream)
{
    for (size_t i = 0; stream->open != NULL && i < DECIDE_STREAM_OPEN; i++) {
        free(stream->open[i].rows);
    }
    free(stream->open);
    decide_free(stream->decide);
    *stream = (struct decide_stream){0};
}

/* ---- reading ---- */

static bool get_id(const struct json *object, uint64_t *ret_id, struct err *err)
{
    const char *text = json_str(object, "id", NULL);
    double number = json_num(object, "id", (double)NAN);
    if (text != NULL && text[0] != '\0') {
        *ret_id = failure_hash(text);
    } else if (!isnan(number)) {
        *ret_id = failure_hash_with((uint64_t)json_int(object, "id", 0), 2);
    } else {
        return err_set(err, ERR_USAGE, "no \"id\"");
    }
    *ret_id += *ret_id == 0;
    return true;
}

static void add_word(struct facts *facts, const char *name, const char *within,
                     const char *text, size_t len)
{
    if (facts->n == DECIDE_FACTORS_MAX) {
        return;
    }
    char *word = facts->words[facts->n], *into = facts->names[facts->n];
    (void)snprintf(into, NAME_CAP, "%.*s%s", NAME_CAP - 4, name, within);
    (void)snprintf(word, WORD_CAP, "%.*s", (int)(len < WORD_CAP ? len : WORD_CAP), text);
    facts->rows[facts->n++] = (struct decide_factor){into, word, 0};
}

static void add_number(struct facts *facts, const char *name, double number)
{
    if (facts->n < DECIDE_FACTORS_MAX) {
        (void)snprintf(facts->names[facts->n], NAME_CAP, "%s", name);
        facts->rows[facts->n] =
            (struct decide_factor){facts->names[facts->n], NULL, number};
        facts->n++;
    }
}

/* What a path lies in: the part before " :: ", before the last " > ", and before a number at
 * its end (the attempts of a run). */
static void add_paths(struct facts *facts, const char *name, const char *text)
{
    const char *file = strstr(text, " :: "), *suite = NULL;
    for (const char *at = text; (at = strstr(at, " > ")) != NULL; at++) {
        suite = at;
    }
    const char *dot = strrchr(text, '.');
    if (file != NULL) {
        add_word(facts, name, "/1", text, (size_t)(file - text));
    }
    if (suite != NULL) {
        add_word(facts, name, "/2", text, (size_t)(suite - text));
    }
    if (dot != NULL && dot > text && dot[1] != '\0' &&
        strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
        add_word(facts, name, "/3", text, (size_t)(dot - text));
    }
}

static void add_text(struct facts *facts, const char *name, const char *text)
{
    struct failure_context context;
    failure_context_init(&context, 0, (struct wall){0});
    failure_context_field(&context, name, text);
    if (context.n_fields == 0) {
        return; /* empty */
    }
    if (context.fields[0].text == NULL) {
        add_number(facts, name, context.fields[0].number);
        return;
    }
    add_word(facts, name, "", text, strlen(text));
    add_paths(facts, name, text);
}

static bool says_nothing(const char *key)
{
    return strcmp(key, "op") == 0 || strcmp(key, "id") == 0 ||
           strcmp(key, "started_at") == 0;
}

static void get_facts(const struct json *object, struct facts *facts)
{
    void *iter = NULL;
    const char *key = NULL;
    const struct json *value = NULL;
    facts->n = 0;
    while (json_next(object, &iter, &key, &value)) {
        double number = json_num(object, key, (double)NAN);
        if (says_nothing(key)) {
            continue;
        }
        if (json_text(value) != NULL) {
            add_text(facts, key, json_text(value));
        } else if (isfinite(number)) {
            add_number(facts, key, number);
        } else if (json_bool(object, key, true) == json_bool(object, key, false)) {
            add_text(facts, key, json_bool(object, key, false) ? "true" : "false");
        }
    }
}

/* ---- the question ---- */

static double mean_or(double mean, double other, double otherwise)
{
    return !isnan(mean) ? mean : !isnan(other) ? other : otherwise;
}

/* Rewards as worth of being right and harm of being wrong, the largest of them 1. What was not
 * seen yet is taken to be like that of the other action. */
static void set_options(const struct decide_stream *stream,
                        struct decide_option options[DECIDE_ACTIONS])
{
    double right[DECIDE_ACTIONS], harm[DECIDE_ACTIONS], most = 1e-9;
    for (int i = 0; i < DECIDE_ACTIONS; i++) {
        const struct decide_stream_reward *own = &stream->rewards[i],
                                          *other = &stream->rewards[1 - i];
        right[i] = mean_or(own->right, other->right, 1);
        harm[i] = fmax(0, -mean_or(own->wrong, other->wrong, -1));
        most = fmax(most, fmax(right[i], harm[i]));
    }
    for (int i = 0; i < DECIDE_ACTIONS; i++) {
        options[i] = (struct decide_option){
            .name = action_words[i],
            .rank = i,
            .prior = 0.5,
            .prior_weight = 2,
            .cost_s = (double)NAN,
            .risk = harm[i] / most,
            .worth = fmax(1e-6, right[i] / most),
        };
    }
    options[ACTION_ESCALATE].opposite = options[ACTION_RETRY].name;
}

static struct decide_question question_of(const struct decide_option *options,
                                          const struct decide_factor *factors, size_t n)
{
    return (struct decide_question){
        .kind = DECISION_RECOVERY,
        .factors = factors,
        .n_factors = n,
        .options = options,
        .n_options = DECIDE_ACTIONS,
        .worth_s = 3600,
        .aversion = 1,
        .risk_max = 1,
    };
}

/* Factors that live until the reward comes, in one block. */
static struct decide_factor *copy_facts(const struct facts *facts)
{
    size_t size = (facts->n + 1) * sizeof(struct decide_factor);
    for (size_t i = 0; i < facts->n; i++) {
        size += strlen(facts->names[i]) + 1;
        size += facts->rows[i].word == NULL ? 0 : strlen(facts->words[i]) + 1;
    }
    struct decide_factor *rows = mem_alloc(size);
    char *at = (char *)(rows + facts->n + 1);
    for (size_t i = 0; i < facts->n; i++) {
        size_t len = strlen(facts->names[i]) + 1;
        rows[i] = facts->rows[i];
        rows[i].name = memcpy(at, facts->names[i], len);
        at += len;
        if (facts->rows[i].word != NULL) {
            len = strlen(facts->words[i]) + 1;
            rows[i].word = memcpy(at, facts->words[i], len);
            at += len;
        }
    }
    return rows;
}

static struct decide_stream_open *find_open(const struct decide_stream *stream,
                                            uint64_t id)
{
    for (size_t i = 0; i < DECIDE_STREAM_OPEN; i++) {
        if (stream->open[i].id == id) {
            return &stream->open[i];
        }
    }
    return NULL;
}

static void close_one(struct decide_stream_open *open)
{
    free(open->rows);
    *open = (struct decide_stream_open){0};
}

/* ---- the two operations ---- */

static void print_answer(const struct decide_stream *stream,
                         const struct decide_answer *answer, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "action", action_words[answer->choice]);
    jsonw_num(&w, "p_flaky", answer->beliefs[ACTION_RETRY].p);
    jsonw_num(&w, "confidence", answer->confidence);
    if (stream->has_reasons) {
        jsonw_str(&w, "reason", answer->reason);
    }
    jsonw_close(&w, '}');
    (void)buf_char(out, '\n'); /* a cut answer shows in out->is_cut */
}

static bool get_time(struct decide_stream *stream, const struct json *object,
                     struct err *err)
{
    char clean[64];
    struct wall at = stream->clock;
    const char *text = json_str(object, "started_at", "");
    if (text[0] != '\0' && !csv_time(text, &at)) {
        return err_set(err, ERR_USAGE, "\"started_at\": %s is no time",
                       text_clean_into(clean, sizeof(clean), text));
    }
    stream->clock = at.ms > stream->clock.ms ? at : stream->clock;
    return true;
}

static bool ask(struct decide_stream *stream, const struct json *object, struct buf *out,
                struct err *err)
{
    struct decide_option options[DECIDE_ACTIONS];
    struct decide_answer answer;
    struct facts facts;
    uint64_t id = 0;
    if (!get_id(object, &id, err) || !get_time(stream, object, err)) {
        return false;
    }
    get_facts(object, &facts);
    set_options(stream, options);
    struct decide_question question = question_of(options, facts.rows, facts.n);
    decide_ask(stream->decide, &question, stream->clock, &stream->rng, &answer);
    struct decide_stream_open *open = find_open(stream, id);
    if (open == NULL) {
        open = &stream->open[stream->n_asked++ % DECIDE_STREAM_OPEN];
    }
    close_one(open);
    *open = (struct decide_stream_open){
        .id = id,
        .action = (enum decide_action)answer.choice,
        .rows = copy_facts(&facts),
        .n = facts.n,
    };
    print_answer(stream, &answer, out);
    return true;
}

static bool get_action(const struct json *object, enum decide_action *ret,
                       struct err *err)
{
    char clean[64];
    const char *word = json_str(object, "action", NULL);
    for (int i = 0; word != NULL && i < DECIDE_ACTIONS; i++) {
        if (strcmp(word, action_words[i]) == 0) {
            *ret = (enum decide_action)i;
            return true;
        }
    }
    return err_set(
        err, ERR_USAGE, "\"action\": %s is neither \"retry\" nor \"escalate\"",
        text_clean_into(clean, sizeof(clean), word == NULL ? "nothing" : word));
}

static void learn_reward(struct decide_stream_reward *of, double reward)
{
    double *mean = reward > 0 ? &of->right : &of->wrong;
    int64_t *n = reward > 0 ? &of->n_right : &of->n_wrong;
    *n += *n < 100; /* follows when the rewards change */
    *mean = isnan(*mean) ? reward : *mean + (reward - *mean) / (double)*n;
}

static bool reward(struct decide_stream *stream, const struct json *object,
                   struct err *err)
{
    struct decide_option options[DECIDE_ACTIONS];
    enum decide_action action = ACTION_RETRY;
    uint64_t id = 0;
    double earned = json_num(object, "reward", (double)NAN);
    if (!get_id(object, &id, err) || !get_action(object, &action, err)) {
        return false;
    }
    if (!isfinite(earned)) {
        return err_set(err, ERR_USAGE, "\"reward\" is no number");
    }
    struct decide_stream_open *open = find_open(stream, id);
    if (open == NULL) {
        stream->n_unknown++;
        return true;
    }
    stream->n_rewards++;
    stream->sum += earned;
    learn_reward(&stream->rewards[action], earned);
    set_options(stream, options);
    struct decide_question question = question_of(options, open->rows, open->n);
    bool is_override = action != open->action;
    decide_learn(stream->decide, &question, (int)action,
                 &(struct decide_outcome){
                     .success = earned > 0 ? 1 : 0,
                     .cost_s = (double)NAN,
                     .is_override = is_override,
                     .chosen_by = is_override ? DECIDER_OPERATOR : DECIDER_LEARNED,
                 },
                 stream->clock);
    close_one(open);
    return true;
}

bool decide_stream_line(struct decide_stream *stream, const char *line, size_t len,
                        struct buf *out, struct err *err)
{
    bool is_good;
    if (len > DECIDE_STREAM_LINE_MAX) {
        return err_set(err, ERR_TOO_LARGE, "a line of more than %d bytes",
                       DECIDE_STREAM_LINE_MAX);
    }
    struct json *root = json_parse(line, len, err);
    if (root == NULL) {
        return false;
    }
    const char *op = json_str(root, "op", "");
    if (strcmp(op, "decide") == 0) {
        is_good = ask(stream, root, out, err);
    } else if (strcmp(op, "reward") == 0) {
        is_good = reward(stream, root, err);
    } else {
        is_good = err_set(err, ERR_USAGE, "\"op\" is neither \"decide\" nor \"reward\"");
    }
    json_free(root);
    return is_good;
}

void decide_stream_score(const struct decide_stream *stream, struct buf *out)
{
    struct jsonw w;
    double n = stream->n_rewards > 0 ? (double)stream->n_rewards : (double)NAN;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "decisions", (int64_t)stream->n_asked);
    jsonw_int(&w, "rewards", (int64_t)stream->n_rewards);
    jsonw_int(&w, "unknown_rewards", (int64_t)stream->n_unknown);
    jsonw_num(&w, "mean_reward", stream->sum / n);
    jsonw_close(&w, '}');
    (void)buf_char(out, '\n'); /* a cut answer shows in out->is_cut */
}
