/* SPDX-License-Identifier: MIT */
#include "tui/cli/linear.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/control/config.h"
#include "engine/control/verb.h"
#include "store/store.h"
#include "tui/cli/linear_line.h"
#include "tui/cli/watch.h"
#include "tui/headless.h"
#include "tui/host.h"

#define LINE_BYTES   4096
#define PAGE         500
#define TOLD_MAX     10   /* lines at once; the rest is counted */
#define NEEDS_MAX    20   /* of what needs a person */
#define PAUSE_MS     1000 /* between two tellings */
#define BELL_EVERY_S 10

/* How much is told by itself. */
enum detail { DETAIL_NEEDS, DETAIL_CHANGES, DETAIL_ALL, DETAIL_COUNT };
static const char *const detail_words[] = {"needs", "changes", "all"};

struct linear {
    struct cli *cli;
    struct watch *watch;
    struct arena *arena;
    enum detail detail;
    int64_t after; /* number of the last event told; -1 = nothing seen yet */
    struct mono told_at, rung_at;
    int phase; /* of the engine beside us, as told; enum headless_phase */
    bool is_done;
    int status;
};

/* ---- telling ---- */

static bool needs_person(const struct event_row *row)
{
    static const char *const kinds[] = {
        "approval-asked", "approval-drifted", "approval-expiring", "recovery-asked",
        "halted",         "thread-silent",    "audit-broken",      "incident-opened",
        "breaker-open",   "restart-failed",   "guard-unclear",
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(row->kind, kinds[i]) == 0) {
            return true;
        }
    }
    return row->to == STATE_FAILED && row->from != STATE_FAILED;
}

static bool is_told(const struct linear *l, const struct event_row *row)
{
    return l->detail == DETAIL_ALL ||
           (l->detail == DETAIL_CHANGES && row->from != row->to);
}

/* "needs you: wf-12 FAILED, was VALIDATING. the text": words only, the subject first. */
static void tell(const struct event_row *row, bool is_need)
{
    char at[CLOCK_TEXT_MAX], kind[64];
    (void)text_clean_into(kind, sizeof(kind), row->kind);
    for (char *p = kind; *p != '\0'; p++) {
        *p = *p == '-' ? ' ' : *p;
    }
    printf("%s %s", wall_format_time(row->at, false, at), is_need ? "needs you: " : "");
    if (row->workflow != 0) {
        printf("wf-%lld ", (long long)row->workflow);
    }
    if (row->from != row->to) {
        printf("%s, was %s, by %s", state_name(row->to), state_name(row->from), kind);
    } else {
        fputs(kind, stdout);
    }
    if (strcmp(row->actor, "engine") != 0) {
        fputs(", ", stdout);
        cli_print_clean(stdout, row->actor);
    }
    if (row->text[0] != '\0') {
        fputs(": ", stdout);
        cli_print_clean(stdout, row->text);
    }
    putchar('\n');
}

static void ring(struct linear *l)
{
    struct mono now = mono_now();
    bool is_due = l->rung_at.ns == 0 ||
                  now.ns - l->rung_at.ns >= (int64_t)BELL_EVERY_S * 1000000000;
    if (is_due && l->cli->config->call == CALL_BELL) {
        putchar('\a');
        l->rung_at = now;
    }
}

struct told {
    int n_needs, n_others, n_left;
};

static void tell_rows(struct linear *l, const struct event_row *rows, size_t n,
                      struct told *told)
{
    for (size_t i = 0; i < n; i++) {
        bool is_need = needs_person(&rows[i]);
        l->after = rows[i].seq;
        if (is_need && told->n_needs < NEEDS_MAX) {
            tell(&rows[i], true);
            told->n_needs++;
        } else if (is_need || is_told(l, &rows[i])) {
            bool is_over = is_need || told->n_others >= TOLD_MAX;
            told->n_left += is_over;
            told->n_others += !is_over;
            if (!is_over) {
                tell(&rows[i], false);
            }
        }
    }
}

/* Everything since the last time. The store may not be there yet. */
static void tell_news(struct linear *l)
{
    struct err err = ERR_INIT;
    struct told told = {0};
    const struct event_row *rows;
    size_t n = 0;
    struct reader *reader = reader_open(l->cli->store, &err);
    if (reader == NULL) {
        return; /* 'status' says why, and the engine is told of below */
    }
    arena_reset(l->arena);
    if (l->after < 0) {
        bool is_read = reader_last_events(reader, l->arena, 0, 1, &rows, &n, &err);
        l->after = is_read && n > 0 ? rows[0].seq : 0;
    }
    do {
        arena_reset(l->arena);
        n = 0;
        if (!reader_events(reader, l->arena, 0, l->after, PAGE, &rows, &n, &err)) {
            printf("the store cannot be read: ");
            cli_print_clean(stdout, err.msg);
            putchar('\n');
            break;
        }
        tell_rows(l, rows, n, &told);
    } while (n == PAGE);
    reader_close(reader);
    if (told.n_left > 0) {
        printf("and %d more; 'events' lists them\n", told.n_left);
    }
    if (told.n_needs > 0) {
        ring(l);
    }
    if (told.n_needs + told.n_others > 0) {
        l->told_at = mono_now();
    }
}

static void tell_engine(struct linear *l)
{
    const struct headless_note *note = headless_note_get();
    int phase = note != NULL ? atomic_load(&note->phase) : HEADLESS_ELSEWHERE;
    if (note != NULL) {
        uint64_t ignored;
        ssize_t n = read(note->news, &ignored, sizeof(ignored));
        (void)n; /* nothing there: it was another wake */
    }
    if (phase == l->phase) {
        return;
    }
    l->phase = phase;
    if (phase == HEADLESS_FAILED) {
        char why[HEADLESS_WHY_MAX];
        printf("the engine does not start: %s; it is tried again\n",
               text_clean_into(why, sizeof(why), note->why));
    } else if (phase == HEADLESS_HERE) {
        puts("the engine is up");
    } else if (phase == HEADLESS_ELSEWHERE) {
        puts("an engine runs already");
    }
}

/* ---- commands ---- */

/* Verbs that a key would ask about ask here, too; decisions on approvals ask by themselves. */
static bool is_confirmed(const struct cli *parent, const struct linear_line *line)
{
    const struct verb *verb = verb_find(line->words[0]);
    char answer[16] = "";
    if (verb == NULL || verb->confirm == CONFIRM_NONE || !verb->has_workflow) {
        return true;
    }
    fputs(verb->name, stdout);
    for (int i = 1; i < line->n && line->words[i][0] != '-'; i++) {
        putchar(' ');
        cli_print_clean(stdout, line->words[i]);
    }
    printf("%s? It would %s. Type yes: ",
           config_is_production(parent->config) ? ", in PRODUCTION" : "", verb->help);
    (void)fflush(stdout);
    if (fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0) {
        return true;
    }
    puts("nothing was sent");
    return false;
}

/* In a process of its own: as if it had been typed at the shell. */
static int run_command(const struct cli *parent, const struct linear_line *line)
{
    const char *argv[LINEAR_WORDS_MAX + 8] = {"signalbox"};
    struct cli cli;
    struct err err = ERR_INIT;
    int argc = 1;
    const char *config = cli_value(parent, "config");
    argv[argc++] = "--store";
    argv[argc++] = parent->store;
    if (config != NULL) {
        argv[argc++] = "--config";
        argv[argc++] = config;
    }
    if (cli_has(parent, "read-only")) {
        argv[argc++] = "--read-only";
    }
    for (int i = 0; i < line->n; i++) {
        argv[argc++] = line->words[i];
    }
    if (!is_confirmed(parent, line)) {
        return CLI_FAILURE;
    }
    cli_init(&cli);
    int status = CLI_USAGE;
    if (!cli_parse(&cli, argc, argv, &err)) {
        status = cli_complain(&cli, "%s", err.msg);
    } else if (cli_has(&cli, "help")) {
        cli_print_help(stdout, cli.command);
        status = CLI_OK;
    } else {
        status = cli_run(&cli);
    }
    status = cli_close_output(status);
    cli_fini(&cli);
    return status;
}

/* Give the terminal to a process group, as a shell does (tcsetpgrp(3)): Ctrl-C is then for it
 * alone. A group in the background is stopped by SIGTTOU when it asks, so that is blocked. */
static void give_terminal(pid_t group)
{
    sigset_t only, before;
    (void)sigemptyset(&only);
    (void)sigaddset(&only, SIGTTOU);
    (void)pthread_sigmask(SIG_BLOCK, &only, &before);
    (void)tcsetpgrp(STDIN_FILENO,
                    group); /* fails when the terminal has gone: poll says so */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
        (void)kill(-pid, SIGTERM); /* there is no job control here: Ctrl-Z ends it */
        (void)kill(-pid, SIGCONT);
    }
    if (WIFSIGNALED(status)) {
        puts("ended");
    } else if (WEXITSTATUS(status) == CLI_HUMAN) {
        puts("it waits for a person");
    }
}

static void start_command(struct linear *l, const struct linear_line *line)
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        printf("it cannot be started: %s\n", strerrordesc_np(errno));
        return;
    }
    if (pid == 0) {
        (void)setpgid(0, 0);
        give_terminal(getpid());
        _exit(run_command(l->cli, line));
    }
    (void)setpgid(pid, pid); /* whoever comes first */
    give_terminal(pid);
    wait_for(pid);
    give_terminal(getpgrp());
}

static void set_detail(struct linear *l, const struct linear_line *line)
{
    for (int i = 0; line->n == 2 && i < DETAIL_COUNT; i++) {
        if (strcmp(line->words[1], detail_words[i]) == 0) {
            l->detail = (enum detail)i;
            printf("told by itself: %s\n", detail_words[i]);
            return;
        }
    }
    puts("tell: expected needs (what needs a person), changes (of states too) or all");
}

static void do_line(struct linear *l, const char *text)
{
    struct linear_line line;
    struct err err = ERR_INIT;
    arena_reset(l->arena);
    if (!linear_parse(l->arena, text, &line, &err)) {
        puts(err.msg);
    } else if (line.n == 0) {
        return;
    } else if (strcmp(line.words[0], "exit") == 0) {
        l->is_done = true;
    } else if (strcmp(line.words[0], "tell") == 0) {
        set_detail(l, &line);
    } else if (linear_refusal(&line) != NULL) {
        cli_print_clean(stdout, line.words[0]);
        printf(": %s\n", linear_refusal(&line));
    } else if (cli_has(l->cli, "read-only") && linear_changes(&line)) {
        printf("%s: refused, read-only\n", line.words[0]);
    } else {
        if (linear_changes(&line)) {
            /* It may ask, and what was typed or pasted before a question is no answer. */
            (void)tcflush(STDIN_FILENO, TCIFLUSH);
        }
        start_command(l, &line);
    }
}

static bool has_input(void)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

/* The terminal hands over whole lines; a longer one than it takes is cut by it (termios(3)). */
static void read_input(struct linear *l)
{
    char text[LINE_BYTES + 1];
    ssize_t n = read(STDIN_FILENO, text, LINE_BYTES);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) { /* Ctrl-D, or the terminal has gone */
        l->is_done = true;
        l->status = n < 0 ? HOST_LOST : CLI_OK;
        return;
    }
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    do_line(l, text);
}

/* ---- the whole ---- */

static void greet(struct linear *l)
{
    const struct config *config = l->cli->config;
    char host[256] = "", clean[256];
    (void)gethostname(host, sizeof(host) - 1);
    printf("signalbox %s on %s", SIGNALBOX_VERSION,
           text_clean_into(clean, sizeof(clean), host));
    if (config->environment[0] != '\0') {
        printf(", environment %s",
               text_clean_into(clean, sizeof(clean), config->environment));
    }
    puts(config_is_production(config) ? ". This is PRODUCTION." : ".");
    if (cli_has(l->cli, "read-only")) {
        puts("read-only: nothing can be changed from here");
    }
    AUTO_FREE char *folder = file_config_dir();
    AUTO_FREE char *file = file_join(folder, "signalbox.yaml");
    if (cli_value(l->cli, "config") == NULL && !file_exists(file)) {
        puts("There is no configuration yet: init shows one and asks before it writes "
             "it.");
    }
    puts("Type a command, such as status, list, approvals, show wf-12 or approve a-3; "
         "help lists all, tell all, tell changes or tell needs says how much is told by "
         "itself, quit leaves.");
}

/* Milliseconds until the next telling may begin; 0 = now. */
static int64_t ms_until_telling(const struct linear *l)
{
    int64_t left = l->told_at.ns + (int64_t)PAUSE_MS * 1000000 - mono_now().ns;
    return l->told_at.ns == 0 || left <= 0 ? 0 : left / 1000000 + 1;
}

static void loop(struct linear *l)
{
    bool is_pending = true;
    while (!l->is_done && !ferror(stdout)) {
        tell_engine(l);
        int64_t left = ms_until_telling(l);
        if (is_pending && left == 0) {
            tell_news(l);
            is_pending = false;
        }
        (void)fflush(stdout);
        struct span wait = WATCH_FOREVER;
        if (is_pending) {
            wait = (struct span){left};
        }
        bool is_woken = watch_wait(l->watch, wait);
        if (has_input()) {
            read_input(l);
        }
        is_pending = is_pending || is_woken;
    }
}

int linear_run(struct cli *cli)
{
    struct linear l = {.cli = cli,
                       .watch = watch_new(cli->store),
                       .arena = arena_new(),
                       .detail = DETAIL_CHANGES,
                       .after = -1,
                       .phase = HEADLESS_STARTING};
    const struct headless_note *note = headless_note_get();
    watch_fd(l.watch, STDIN_FILENO);
    if (note != NULL) {
        watch_fd(l.watch, note->news);
    }
    greet(&l);
    loop(&l);
    watch_free(l.watch);
    arena_free(l.arena);
    return l.status;
}
