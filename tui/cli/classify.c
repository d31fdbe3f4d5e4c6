/* SPDX-License-Identifier: MIT */

/* signalbox classify: what kind of failure a text tells of, and which lines say so. */
#include <errno.h>
#include <math.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/recovery/classify.h"
#include "tui/cli/line_stream.h"
#include "tui/cli/rows.h"

#define LINE_MAX   (64u * 1024 * 1024) /* bytes of one line of JSON */
#define LOG_MAX    (64u * 1024 * 1024) /* bytes of one log */
#define FIELDS_MAX 128                 /* of one HTTP answer */
#define ANSWER_MAX (1024 * 1024)

enum task { TASK_CATEGORY, TASK_HTTP, TASK_FLAKY, TASK_LOCATE };

struct work {
    struct cli *cli;
    enum task task;
    struct classifier *classifier;
    struct arena *arena; /* scratch of one line */
    const char *name;    /* of what is read, for messages */
};

/* ---- one line of JSON ------------------------------------------------------------------- */

static void put_judgement(struct jsonw *w, const struct failure_judgement *judgement)
{
    jsonw_str(w, "rule", judgement->rule);
    if (judgement->n_lines > 0) {
        jsonw_int(w, "line", (int64_t)judgement->lines[0].line + 1);
        jsonw_str(w, "text", judgement->lines[0].text);
    } else {
        jsonw_null(w, "line");
    }
    jsonw_str(w, "fingerprint", judgement->fingerprint);
}

static void answer_category(struct work *work, const char *text, struct jsonw *w)
{
    struct failure_input input = {.exit_status = -1, .text = text, .len = strlen(text)};
    struct failure_judgement judgement;
    classify(work->classifier, &input, &judgement);
    jsonw_str(w, "label", class_word(judgement.class_));
    jsonw_num(w, "confidence", judgement.confidence);
    put_judgement(w, &judgement);
}

static void answer_flaky(struct work *work, const char *text, struct jsonw *w)
{
    struct failure_input input = {.exit_status = -1, .text = text, .len = strlen(text)};
    struct failure_judgement judgement;
    double p = classify_flaky(work->classifier, text, strlen(text));
    classify(work->classifier, &input, &judgement);
    jsonw_str(w, "label", p >= .5 ? "flaky" : "real");
    jsonw_num(w, "confidence", p >= .5 ? p : 1 - p);
    jsonw_num(w, "score", p);
    put_judgement(w, &judgement);
}

static size_t read_fields(const struct json *headers,
                          struct http_field fields[FIELDS_MAX])
{
    size_t n = 0;
    void *iter = NULL;
    const char *name;
    const struct json *value;
    while (n < FIELDS_MAX && json_next(headers, &iter, &name, &value)) {
        fields[n++] = (struct http_field){name, json_text(value)};
    }
    return n;
}

static void answer_http(struct work *work, const struct json *line, struct jsonw *w)
{
    struct http_field fields[FIELDS_MAX];
    struct http_judgement answer;
    struct failure_judgement judgement;
    struct http_facts facts = {.method = json_str(line, "method", ""),
                               .url = json_str(line, "url", ""),
                               .status = (int)json_int(line, "status", 0),
                               .fields = fields,
                               .n_fields = read_fields(json_get(line, "headers"), fields),
                               .body = json_str(line, "body", "")};
    struct failure_input input = {
        .exit_status = -1, .text = facts.body, .len = strlen(facts.body), .http = &facts};
    classify_http(&facts, wall_now(), &answer);
    classify(work->classifier, &input, &judgement);
    jsonw_str(w, "label", http_class_word(answer.class_));
    jsonw_num(w, "confidence", answer.confidence);
    jsonw_str(w, "class", class_word(http_class_class(answer.class_)));
    jsonw_bool(w, "retryable", answer.is_retryable);
    jsonw_num(w, "retry_after_s", answer.retry_after_s);
    (void)snprintf(judgement.rule, sizeof(judgement.rule), "%s", answer.rule);
    put_judgement(w, &judgement);
}

static void answer_lines(struct work *work, const char *log, struct jsonw *w)
{
    struct located lines[LOCATE_LINES];
    arena_reset(work->arena);
    size_t n =
        locate(pattern_builtin(), log, strlen(log), work->arena, lines, LOCATE_LINES);
    jsonw_open(w, "lines", '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_int(w, NULL, (int64_t)lines[i].line + 1);
    }
    jsonw_close(w, ']');
    jsonw_open(w, "scores", '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_num(w, NULL, lines[i].score);
    }
    jsonw_close(w, ']');
}

/* The answer to one object, in out. */
static bool answer(struct work *work, const struct json *line, struct buf *out,
                   struct err *err)
{
    struct jsonw w;
    const char *member = work->task == TASK_LOCATE ? "log" : "text";
    const char *text = json_text(json_get(line, member));
    bool is_http = work->task == TASK_HTTP;
    if (!json_is_an_object(line) || json_text(json_get(line, "id")) == NULL) {
        return err_set(err, ERR_PROTOCOL, "no object with a text 'id'");
    }
    if (is_http ? json_int(line, "status", -1) < 0 : text == NULL) {
        return err_set(err, ERR_PROTOCOL, is_http ? "no number 'status'" : "no text '%s'",
                       member);
    }
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "id", json_str(line, "id", ""));
    switch (work->task) {
    case TASK_CATEGORY:
        answer_category(work, text, &w);
        break;
    case TASK_FLAKY:
        answer_flaky(work, text, &w);
        break;
    case TASK_HTTP:
        answer_http(work, line, &w);
        break;
    case TASK_LOCATE:
        answer_lines(work, text, &w);
        break;
    }
    jsonw_close(&w, '}');
    return buf_char(out, '\n');
}

/* ---- many lines --------------------------------------------------------------------- */

static bool answer_line(void *user, const char *line, size_t len, struct buf *out,
                        struct err *err)
{
    struct json *json = json_parse(line, len, err);
    bool is_good = json != NULL && answer(user, json, out, err);
    json_free(json);
    return is_good;
}

static int run_stream(struct work *work, FILE *file)
{
    const struct line_stream lines = {.name = work->name,
                                      .line_max = LINE_MAX,
                                      .out_max = ANSWER_MAX,
                                      .answer = answer_line,
                                      .user = work};
    return line_stream_run(&lines, file);
}

/* ---- a log, for people ---------------------------------------------------------------- */

static void print_others(const struct failure_judgement *judgement)
{
    bool is_first = true;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (i != judgement->class_ && judgement->p[i] >= .05) {
            printf("%s%s %.2f", is_first ? "or           " : ", ",
                   class_word((enum failure_class)i), judgement->p[i]);
            is_first = false;
        }
    }
    if (!is_first) {
        putchar('\n');
    }
}

static void print_judgement(const struct failure_judgement *judgement)
{
    const struct pattern *rule = pattern_find(pattern_builtin(), judgement->rule);
    printf("class        %s: %s\n", class_word(judgement->class_),
           class_help(judgement->class_));
    printf("category     %s, severity %s\n", category_word(judgement->category),
           severity_word(judgement->severity));
    printf("confidence   %.2f\n", judgement->confidence);
    print_others(judgement);
    printf("rule         %s%s%s\n", judgement->rule, rule == NULL ? "" : ": ",
           rule == NULL ? "" : rule->help);
    printf("passes again %.2f, by the text alone\n", judgement->p_flaky);
    printf("fingerprint  %s\n", judgement->fingerprint);
    for (size_t i = 0; i < judgement->n_lines; i++) {
        printf("%s %6zu  %s\n", i == 0 ? "lines" : "     ", judgement->lines[i].line + 1,
               judgement->lines[i].text);
    }
}

static void print_json(const struct failure_judgement *judgement)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, ANSWER_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "label", class_word(judgement->class_));
    jsonw_num(&w, "confidence", judgement->confidence);
    jsonw_str(&w, "category", category_word(judgement->category));
    jsonw_str(&w, "severity", severity_word(judgement->severity));
    jsonw_num(&w, "p_flaky", judgement->p_flaky);
    jsonw_str(&w, "rule", judgement->rule);
    jsonw_str(&w, "fingerprint", judgement->fingerprint);
    jsonw_open(&w, "lines", '[');
    for (size_t i = 0; i < judgement->n_lines; i++) {
        jsonw_open(&w, NULL, '{');
        jsonw_int(&w, "line", (int64_t)judgement->lines[i].line + 1);
        jsonw_str(&w, "text", judgement->lines[i].text);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    puts(out.data);
}

static int run_log(struct work *work, FILE *file)
{
    AUTO_BUF struct buf text;
    struct err err = ERR_INIT;
    struct failure_judgement judgement;
    char block[65536];
    size_t n;
    buf_init(&text, LOG_MAX);
    while ((n = fread(block, 1, sizeof(block), file)) > 0 && buf_add(&text, block, n)) {
    }
    if (ferror(file)) {
        err_sys(&err, "%s", work->name);
        return cli_fail(&err);
    }
    if (text.is_cut) {
        err_set(&err, ERR_TOO_LARGE, "%s: more than %u bytes", work->name, LOG_MAX);
        return cli_fail(&err);
    }
    struct failure_input input = {.exit_status = -1, .text = text.data, .len = text.len};
    classify(work->classifier, &input, &judgement);
    if (cli_has(work->cli, "json")) {
        print_json(&judgement);
    } else {
        print_judgement(&judgement);
    }
    return CLI_OK;
}

/* ---- command -------------------------------------------------------------------------- */

static bool find_task(struct cli *cli, enum task *ret_task)
{
    static const char *const words[] = {"category", "http", "flaky"};
    const char *word = cli_value(cli, "task");
    *ret_task = cli_has(cli, "locate")  ? TASK_LOCATE
                : cli_has(cli, "flaky") ? TASK_FLAKY
                                        : TASK_CATEGORY;
    if (word == NULL) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret_task = (enum task)i;
            return *ret_task == TASK_FLAKY ||
                   (!cli_has(cli, "flaky") && !cli_has(cli, "locate"));
        }
    }
    return false;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static int run_file(struct work *work, FILE *file, bool is_text)
{
    work->classifier = classifier_new(NULL);
    work->arena = arena_new();
    int status = is_text ? run_log(work, file) : run_stream(work, file);
    classifier_free(work->classifier);
    arena_free(work->arena);
    return status;
}

static int run(struct cli *cli)
{
    const char *name = cli->args[0];
    struct work work = {.cli = cli, .name = name};
    struct err err = ERR_INIT;
    bool is_stdin = strcmp(name, "-") == 0;
    if (!find_task(cli, &work.task)) {
        return cli_complain(cli, "--task is one of category, http, flaky, and stands "
                                 "without --flaky and --locate");
    }
    bool has_task = cli_has(cli, "task") || work.task != TASK_CATEGORY;
    if (cli_has(cli, "text") && has_task) {
        return cli_complain(cli, "--text tells the category of one log; the tasks read "
                                 "lines of JSON");
    }
    bool is_text =
        cli_has(cli, "text") || (!has_task && !is_stdin && !ends_with(name, ".jsonl"));
    if (is_stdin) {
        work.name = "standard input";
        (void)setvbuf(stdout, NULL, _IOLBF, 0); /* a stream: each answer at once */
        return run_file(&work, stdin, is_text);
    }
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        err_sys(&err, "%s", name);
        return cli_fail(&err);
    }
    int status = run_file(&work, file, is_text);
    (void)fclose(file); /* only read */
    return status;
}

static const struct cli_option options[] = {
    {"task",                                                    0, "TASK", "category (the default), http or flaky"},
    {"flaky",                                                   0, NULL, "as --task flaky: would the same pass when it ran again"},
    {"locate",                                                         0, NULL, "rank the lines that explain a log"},
    {"text",      0, NULL, "FILE is one log, whatever its name"},
    {0},
};

const struct cli_command cli_classify = {
    .name = "classify",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "say what kind of failure a log or an answer tells of",
    .more =
        "FILE is a log, or when its name ends in .jsonl one JSON object on each line, "
        "answered by one line when it is read; - is standard input, as lines of JSON. "
        "{\"id\":ID,\"text\":TEXT} is answered with id, label (a class of failure, "
        "or unknown when nothing fits well enough), confidence (calibrated), the rule "
        "that "
        "says so (or model), line (its number) and text, and fingerprint (the same when "
        "the same happens again). --task flaky tells flaky or real with its score, the "
        "chance that the same passes when it is run again. --task http reads "
        "id, method, url, status (0: no answer), headers and body. --locate reads "
        "{\"id\":ID,\"log\":TEXT} and answers with lines, their numbers, best first, "
        "and scores. A line that is wrong ends the stream with its number. It is the "
        "same "
        "code, with the same model, that the engine looks at failures with.",
    .run = run,
};
