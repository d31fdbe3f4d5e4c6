/* SPDX-License-Identifier: MIT */

/*
 * signalbox log: the output of a step, and with -f what comes.
 *
 * Following goes from step to step until the workflow ends, or to the end of the step
 * that was named. Each round reads the state of the step first and its log afterwards: a
 * step seen as ended has a whole log. Between rounds it waits for the bell and for growth
 * of the file (watch.h); nothing is looked at again and again.
 */
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "store/segment.h"
#include "store/store.h"
#include "tui/cli/log_part.h"
#include "tui/cli/rows.h"
#include "tui/cli/watch.h"

#define LINES_AT_ONCE  256
#define BEFORE_FAILURE 5 /* lines shown above the first failing one */
#define FROM_START     (-1)

struct follow {
    struct cli *cli;
    struct arena *arena; /* of one round */
    struct watch *watch; /* NULL: do not follow */
    int64_t workflow;
    const char *step; /* as the user named it, or NULL */
    int64_t tail;     /* lines of the first step wanted, FROM_START = all */
    bool has_titles;  /* a line with the step's name before its output */

    int64_t seq;                   /* step that is printed; 0: none yet */
    struct segment_reader *reader; /* its log; NULL: not there yet */
    int64_t next;                  /* number of its next line */
};

/* ---- which step
 * ------------------------------------------------------------------------- */

static bool is_bad(enum effect_status status)
{
    return status == STATUS_FAILED || status == STATUS_TIMED_OUT ||
           status == STATUS_LOST || status == STATUS_REFUSED;
}

static bool is_named(const struct effect_row *effect, const char *step)
{
    char seq[24];
    (void)snprintf(seq, sizeof(seq), "%lld", (long long)effect->seq);
    return strcmp(seq, step) == 0 || strcmp(effect->name, step) == 0 ||
           strcmp(effect_name(effect->kind), step) == 0;
}

const struct effect_row *log_pick(const struct cli *cli, const char *step,
                                  const struct effect_row *effects, size_t n)
{
    bool wants_failed = cli_has(cli, "failed");
    for (size_t i = n; i > 0; i--) {
        const struct effect_row *effect = &effects[i - 1];
        bool is_it = effect->log[0] != '\0';
        if (step != NULL) {
            is_it = is_named(effect, step);
        } else if (wants_failed) {
            is_it = is_bad(effect->status);
        }
        if (is_it) {
            return effect;
        }
    }
    return NULL;
}

/* The step that is printed (seq), or the next one with a log (is_next). */
static const struct effect_row *find_from(const struct effect_row *effects, size_t n,
                                          int64_t seq, bool is_next)
{
    for (size_t i = 0; i < n; i++) {
        if (is_next ? effects[i].seq > seq && effects[i].log[0] != '\0'
                    : effects[i].seq == seq) {
            return &effects[i];
        }
    }
    return NULL;
}

/* ---- lines
 * ------------------------------------------------------------------------------ */

static void print_line(const struct follow *follow, const struct segment_line *line)
{
    struct buf AUTO_BUF out = {0};
    buf_init(&out, SEGMENT_LINE_LONG * 8);
    if (cli_has(follow->cli, "json")) {
        struct jsonw w;
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        jsonw_int(&w, "effect", follow->seq);
        jsonw_int(&w, "line", line->number);
        jsonw_bool(&w, "is_failure", line->is_failure);
        if (line->is_cut) {
            jsonw_bool(&w, "is_cut", true);
        }
        jsonw_strn(&w, "text", line->text, line->len);
        jsonw_close(&w, '}');
    } else {
        text_clean(&out, line->text, line->len,
                   TEXT_KEEP_NEWLINES); /* tabs keep columns */
        if (line->is_cut) {
            (void)buf_str(&out, " [the line goes on]");
        }
    }
    puts(out.data);
}

/* All lines that are there from follow->next on. */
static void print_lines(struct follow *follow)
{
    struct arena *arena = arena_new();
    struct segment_line lines[LINES_AT_ONCE];
    size_t n;
    do {
        arena_reset(arena);
        n = segment_lines(follow->reader, arena, follow->next, LINES_AT_ONCE, lines);
        for (size_t i = 0; i < n; i++) {
            if (lines[i].number > follow->next && follow->has_titles) {
                printf("[%lld lines were not kept]\n",
                       (long long)(lines[i].number - follow->next));
            }
            print_line(follow, &lines[i]);
            follow->next = lines[i].number + 1;
        }
    } while (n > 0);
    arena_free(arena);
    (void)fflush(stdout); /* a failure is reported at the end */
}

static int64_t first_line(const struct follow *follow)
{
    struct segment_info info;
    segment_info(follow->reader, &info);
    if (cli_has(follow->cli, "first-failure") && info.first_failure > BEFORE_FAILURE) {
        return info.first_failure - BEFORE_FAILURE;
    }
    if (follow->tail != FROM_START && info.n_lines > follow->tail) {
        return info.n_lines - follow->tail + 1;
    }
    return 1;
}

/* ---- rounds
 * ----------------------------------------------------------------------------- */

static void enter_step(struct follow *follow, const struct effect_row *effect)
{
    segment_free(follow->reader);
    follow->reader = NULL;
    follow->tail = follow->seq == 0 ? follow->tail : FROM_START;
    follow->seq = effect->seq;
    if (follow->has_titles) {
        printf("==> wf-%lld.%lld ", (long long)follow->workflow, (long long)effect->seq);
        cli_print_clean(stdout, effect->name);
        puts(" <==");
    }
}

static bool print_step(struct follow *follow, const struct effect_row *effect,
                       struct err *err)
{
    if (effect->log[0] == '\0') {
        return true;
    }
    char *path =
        arena_printf(follow->arena, "%s-logs/%s", follow->cli->store, effect->log);
    if (follow->reader == NULL) {
        struct err missing = ERR_INIT;
        follow->reader = segment_open(path, &missing);
        if (follow->reader == NULL) {
            bool may_come =
                effect->status == STATUS_PENDING && missing.code == ERR_NOT_FOUND;
            *err = missing;
            return may_come;
        }
        segment_set_line_max(follow->reader, SEGMENT_LINE_LONG);
        follow->next = first_line(follow);
        if (follow->watch != NULL) {
            watch_file(follow->watch, arena_printf(follow->arena, "%s.log", path));
        }
    }
    (void)segment_refresh(follow->reader); /* whatever it says, the lines are asked for */
    print_lines(follow);
    return true;
}

enum round { ROUND_AGAIN, ROUND_WAIT, ROUND_OVER, ROUND_FAILED };

static enum round look(struct follow *follow, struct err *err)
{
    const struct effect_row *effects, *effect;
    struct workflow_row row;
    size_t n = 0;
    struct reader *reader = follow->cli->reader;
    arena_reset(follow->arena);
    if (!reader_begin(reader, err)) {
        return ROUND_FAILED;
    }
    enum found found =
        reader_workflow(reader, follow->arena, follow->workflow, &row, err);
    bool is_read = found == FOUND && reader_effects(reader, follow->arena,
                                                    follow->workflow, &effects, &n, err);
    reader_end(reader);
    if (found == MISSING) {
        err_set(err, ERR_NOT_FOUND, "there is no workflow wf-%lld",
                (long long)follow->workflow);
    }
    if (!is_read) {
        return ROUND_FAILED;
    }
    effect = follow->seq == 0 ? log_pick(follow->cli, follow->step, effects, n)
                              : find_from(effects, n, follow->seq, false);
    bool is_final = state_is_final(row.state);
    if (effect == NULL) {
        if (follow->watch != NULL && !is_final) {
            return ROUND_WAIT;
        }
        err_set(err, ERR_NOT_FOUND, "wf-%lld has no such step with a log",
                (long long)follow->workflow);
        return ROUND_FAILED;
    }
    if (effect->seq != follow->seq) {
        enter_step(follow, effect);
    }
    if (!print_step(follow, effect, err)) {
        return ROUND_FAILED;
    }
    if (follow->watch == NULL) {
        return ROUND_OVER;
    }
    if (effect->status == STATUS_PENDING) {
        return ROUND_WAIT;
    }
    effect = find_from(effects, n, follow->seq, true);
    if (effect != NULL && follow->step == NULL) {
        enter_step(follow, effect);
        return ROUND_AGAIN;
    }
    return is_final || follow->step != NULL ? ROUND_OVER : ROUND_WAIT;
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct follow follow = {
        .cli = cli,
        .step = cli->n_args > 1 ? cli->args[1] : NULL,
        .has_titles = !cli_has(cli, "json") && !cli_has(cli, "plain"),
    };
    if (!cli_parse_id(cli->args[0], &follow.workflow)) {
        return cli_complain(cli, "'%.80s' is no workflow; expected a number or wf-NUMBER",
                            cli->args[0]);
    }
    if (!cli_number(cli, "tail", 0, INT32_MAX, FROM_START, &follow.tail, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    if (cli_has(cli, "grep") || cli_has(cli, "compare")) {
        return log_part(cli, follow.workflow, follow.step);
    }
    follow.arena = arena_new();
    follow.watch = cli_has(cli, "follow") ? watch_new(cli->store) : NULL;
    enum round round = ROUND_AGAIN;
    while (round == ROUND_AGAIN || round == ROUND_WAIT) {
        if (round == ROUND_WAIT && !ferror(stdout)) {
            (void)watch_wait(follow.watch, WATCH_FOREVER);
        }
        round = ferror(stdout) ? ROUND_OVER : look(&follow, &err);
    }
    segment_free(follow.reader);
    watch_free(follow.watch);
    arena_free(follow.arena);
    return round == ROUND_FAILED ? cli_fail(&err) : CLI_OK;
}

/* clang-format off */
static const struct cli_option options[] = {
    {"follow", 'f', NULL, "go on with what comes, step after step, until the workflow ends"},
    {"failed", 0, NULL, "the newest step that failed"},
    {"first-failure", 0, NULL, "begin at the first line that looks like a failure"},
    {"tail", 'n', "N", "begin with the newest N lines"},
    {"grep", 0, "TEXT", "only lines that contain this text, in either case, with their numbers"},
    {"compare", 0, NULL, "what is new (+) and gone (-) against the last green run of the step"},
    {"around", 0, "N", "with --grep or --compare: N lines around each; default 0 and 3"},
    {0},
};
/* clang-format on */

const struct cli_command cli_log = {
    .name = "log",
    .args = "ID [STEP]",
    .min_args = 1,
    .max_args = 2,
    .options = options,
    .access = ACCESS_READ,
    .help = "print the output of a step",
    .more =
        "STEP is its number or name as 'show' prints it; without it, the newest step "
        "that has a log. --compare takes the newest workflow of the same pipeline and "
        "repository that completed before and passed this step; lines that differ in "
        "times, ids, numbers, paths or addresses only are the same.",
    .run = run,
};
