/* SPDX-License-Identifier: MIT */

/* signalbox drill: a fleet lives through the faults of a profile, in virtual time. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/drill/drill.h"
#include "engine/drill/profile.h"
#include "tui/cli/rows.h"

#define PROFILE_MAX   (256 * 1024)
#define WORKFLOWS_MAX 1000000

static char *make_folder(void)
{
    const char *base = getenv("TMPDIR");
    const char *place = base != NULL && base[0] != '\0' ? base
                        : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                        : "/tmp";
    return mem_printf("%s/signalbox-drill.%ld", place, (long)getpid());
}

static struct drill_profile *load(const char *path)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct findings findings;
    if (!file_read(path, PROFILE_MAX, &text, &len, &err)) {
        (void)err_wrap(&err, "%s", path);
        (void)cli_fail(&err);
        return NULL;
    }
    findings_init(&findings);
    struct drill_profile *profile = drill_profile_parse(path, text, len, &findings);
    cli_print_findings(&findings);
    findings_fini(&findings);
    return profile;
}

/* ---- JSON ----------------------------------------------------------------------------- */

static void put_class(struct jsonw *w, enum failure_class class_,
                      const struct drill_class *row)
{
    jsonw_open(w, class_word(class_), '{');
    jsonw_int(w, "cases", row->n);
    jsonw_int(w, "recoverable", row->n_recoverable);
    jsonw_int(w, "recovered", row->n_recovered);
    jsonw_int(w, "asked", row->n_asked);
    jsonw_int(w, "choices", row->n_choices);
    if (row->n_choices > 0) {
        jsonw_num(w, "chance", row->mean_chance);
        jsonw_num(w, "oracle", row->oracle);
        jsonw_num(w, "regret", row->mean_regret);
        jsonw_str(w, "best", rung_word(row->best_rung));
        jsonw_num(w, "best_chance", row->best);
        jsonw_num(w, "worst_chance", row->worst);
        jsonw_num(w, "regret_500", row->regret_500);
        jsonw_int(w, "found_after", row->found_after);
    }
    jsonw_close(w, '}');
}

static void put_counts(struct jsonw *w, const struct drill_report *report)
{
    jsonw_int(w, "completed", report->n_completed);
    jsonw_int(w, "failed", report->n_failed);
    jsonw_int(w, "cancelled", report->n_cancelled);
    jsonw_int(w, "rolled_back", report->n_rolled_back);
    jsonw_int(w, "failures", report->n_cases);
    jsonw_int(w, "recoverable", report->n_recoverable);
    jsonw_int(w, "recovered", report->n_recovered);
    jsonw_num(w, "recovered_share", drill_recovered(report));
    jsonw_int(w, "helped", report->n_helped);
    jsonw_int(w, "lost", report->n_lost);
    jsonw_int(w, "never_recovered", report->n_never);
    jsonw_int(w, "parked", report->n_parked);
    jsonw_int(w, "asked_rightly", report->n_asked_rightly);
    jsonw_int(w, "asked_wrongly", report->n_asked_wrongly);
    jsonw_num(w, "asked_rightly_share", drill_asked_rightly(report));
    jsonw_int(w, "attempts", report->n_tries);
    jsonw_int(w, "wasted", report->n_wasted);
    jsonw_int(w, "over_bound", report->n_over_bound);
    jsonw_int(w, "repeated", report->n_repeated);
    jsonw_num(w, "recover_p50_s", (double)report->recover_p50.ms / 1000);
    jsonw_num(w, "recover_p95_s", (double)report->recover_p95.ms / 1000);
    jsonw_num(w, "availability", report->availability);
    jsonw_num(w, "regret", report->regret);
    jsonw_num(w, "regret_fixed", report->regret_fixed);
    jsonw_int(w, "crashes", report->n_crashes);
    jsonw_int(w, "calls", report->n_calls);
    jsonw_num(w, "virtual_days", (double)report->took.ms / 86400000);
}

static void print_json(const struct drill_profile *profile, int64_t seed,
                       const struct drill_report *report)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, 65536);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "profile", profile->name);
    jsonw_int(&w, "seed", seed);
    jsonw_int(&w, "workflows", report->n_workflows);
    put_counts(&w, report);
    jsonw_open(&w, "classes", '{');
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (report->classes[i].n > 0 || report->classes[i].n_choices > 0) {
            put_class(&w, (enum failure_class)i, &report->classes[i]);
        }
    }
    jsonw_close(&w, '}');
    jsonw_open(&w, "wrong", '[');
    for (size_t i = 0; i < report->n_wrong; i++) {
        jsonw_str(&w, NULL, report->wrong[i]);
    }
    jsonw_close(&w, ']');
    jsonw_bool(&w, "good", drill_is_good(report));
    jsonw_str(&w, "broken", report->failure);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* ---- for people ----------------------------------------------------------------------- */

static void line(const char *what, const char *format, ...) PRINTF_LIKE(2, 3);
static void line(const char *what, const char *format, ...)
{
    va_list args;
    printf("  %-26s ", what);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void print_classes(const struct drill_report *report)
{
    printf("\n  %-11s %7s %9s %8s %7s %7s %7s  %s\n", "class", "cases", "recovered",
           "choices", "chance", "oracle", "fixed", "best fixed rung");
    for (int i = 0; i < CLASS_COUNT; i++) {
        const struct drill_class *row = &report->classes[i];
        if (row->n == 0 && row->n_choices == 0) {
            continue;
        }
        printf("  %-11s %7" PRId64 " %5" PRId64 "/%-3" PRId64 " %8" PRId64,
               class_word((enum failure_class)i), row->n, row->n_recovered,
               row->n_recoverable, row->n_choices);
        if (row->n_choices > 0) {
            printf(" %7.3f %7.3f %7.3f  %s", row->mean_chance, row->oracle, row->best,
                   rung_word(row->best_rung));
        }
        if (!isnan(row->regret_500)) {
            printf("; regret of 500: %.0f %% of the worst's", 100 * row->regret_500);
        }
        if (row->found_after != 0) {
            printf("; after the drift found in %" PRId64, row->found_after);
        }
        putchar('\n');
    }
}

static void print_report(const struct drill_profile *profile, int64_t seed,
                         const struct drill_report *report)
{
    char p50[CLOCK_TEXT_MAX], p95[CLOCK_TEXT_MAX], took[CLOCK_TEXT_MAX];
    printf("%s, seed %" PRId64 ": %" PRId64 " workflows in %s of virtual time\n",
           profile->name, seed, report->n_workflows, span_format(report->took, took));
    line("workflows",
         "%" PRId64 " completed, %" PRId64 " failed, %" PRId64 " cancelled, %" PRId64
         " taken back",
         report->n_completed, report->n_failed, report->n_cancelled,
         report->n_rolled_back);
    line("failures", "%" PRId64 ", %" PRId64 " of them recoverable, %" PRId64 " parked",
         report->n_cases, report->n_recoverable, report->n_parked);
    line("recovered without a human", "%" PRId64 " = %.2f %%", report->n_recovered,
         100 * drill_recovered(report));
    line("helped, lost, never", "%" PRId64 ", %" PRId64 ", %" PRId64, report->n_helped,
         report->n_lost, report->n_never);
    line("asked a person", "%" PRId64 " rightly, %" PRId64 " wrongly = %.1f %% right",
         report->n_asked_rightly, report->n_asked_wrongly,
         100 * drill_asked_rightly(report));
    line("attempts",
         "%" PRId64 ", %" PRId64 " wasted, %" PRId64 " cases over their bound",
         report->n_tries, report->n_wasted, report->n_over_bound);
    line("time to recover", "p50 %s, p95 %s", span_format(report->recover_p50, p50),
         span_format(report->recover_p95, p95));
    line("side effects repeated", "%" PRId64, report->n_repeated);
    line("availability", "%.3f %% (%" PRId64 " crashes)", 100 * report->availability,
         report->n_crashes);
    line("regret of a choice", "%.3f; of the best fixed rung %.3f", report->regret,
         report->regret_fixed);
    print_classes(report);
    for (size_t i = 0; i < report->n_wrong; i++) {
        line(i == 0 ? "for example" : "", "%s", report->wrong[i]);
    }
    if (report->failure[0] != '\0') {
        line("BROKEN", "%s", report->failure);
    }
}

/* ---- several seeds: the sum of them -------------------------------------------------- */

struct sum {
    int64_t recoverable, recovered, rightly, wrongly, repeated, over, cases, broken;
    double availability, worst_availability, regret, fixed;
    int64_t n;
};

static void add(struct sum *sum, const struct drill_report *report)
{
    sum->recoverable += report->n_recoverable;
    sum->recovered += report->n_recovered;
    sum->rightly += report->n_asked_rightly;
    sum->wrongly += report->n_asked_wrongly;
    sum->repeated += report->n_repeated;
    sum->over += report->n_over_bound;
    sum->cases += report->n_cases;
    sum->broken += report->failure[0] != '\0';
    sum->availability += report->availability;
    sum->regret += report->regret;
    sum->fixed += report->regret_fixed;
    sum->worst_availability =
        sum->n == 0 || report->availability < sum->worst_availability
            ? report->availability
            : sum->worst_availability;
    sum->n++;
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 1;
}

static bool is_good(const struct sum *sum)
{
    return share(sum->recovered, sum->recoverable) >= 0.95 &&
           share(sum->rightly, sum->rightly + sum->wrongly) >= 0.9 &&
           sum->availability / (double)sum->n >= 0.999 && sum->repeated == 0 &&
           sum->over == 0 && sum->broken == 0;
}

static void print_sum(const char *name, const struct sum *sum)
{
    double n = (double)sum->n;
    printf("%-22s %8" PRId64 " %8.2f %7.1f %9.3f %9.3f %8" PRId64 " %5" PRId64
           " %7.3f %7.3f  %s\n",
           name, sum->cases, 100 * share(sum->recovered, sum->recoverable),
           100 * share(sum->rightly, sum->rightly + sum->wrongly),
           100 * sum->availability / n, 100 * sum->worst_availability, sum->repeated,
           sum->over, sum->regret / n, sum->fixed / n,
           sum->broken > 0 ? "BROKEN"
           : is_good(sum)  ? "ok"
                           : "short");
    (void)fflush(stdout);
}

/* ---- run ------------------------------------------------------------------------------ */

struct campaign {
    int64_t n_workflows, seed, n_seeds;
    bool is_json, is_kept;
    const char *folder;
};

/* True: the goals are met. */
static bool run_profile(const struct campaign *campaign,
                        const struct drill_profile *profile)
{
    struct sum sum = {0};
    for (int64_t i = 0; i < campaign->n_seeds; i++) {
        struct drill_report report;
        const struct drill_options options = {.profile = profile,
                                              .n_workflows = (int)campaign->n_workflows,
                                              .seed = (uint64_t)(campaign->seed + i),
                                              .folder = campaign->folder,
                                              .is_kept = campaign->is_kept};
        drill_run(&options, &report);
        add(&sum, &report);
        if (campaign->is_json) {
            print_json(profile, campaign->seed + i, &report);
        } else if (campaign->n_seeds == 1) {
            print_report(profile, campaign->seed, &report);
        } else if (report.failure[0] != '\0') {
            fprintf(stderr, "%s, seed %" PRId64 ": %s\n", profile->name,
                    campaign->seed + i, report.failure);
        }
    }
    if (!campaign->is_json && campaign->n_seeds > 1) {
        print_sum(profile->name, &sum);
    }
    return is_good(&sum);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    const char *keep = cli_value(cli, "keep");
    AUTO_FREE char *folder = keep != NULL ? mem_str(keep) : make_folder();
    struct campaign campaign = {
        .is_json = cli_has(cli, "json"), .folder = folder, .is_kept = keep != NULL};
    if (keep != NULL && file_exists(keep)) {
        return cli_complain(cli, "--keep: %.200s exists; expected a new folder", keep);
    }
    bool is_good_at_all = true;
    if (!cli_number(cli, "workflows", 1, WORKFLOWS_MAX, 2000, &campaign.n_workflows,
                    &err) ||
        !cli_number(cli, "seed", 0, INT64_MAX - 10000, 1, &campaign.seed, &err) ||
        !cli_number(cli, "seeds", 1, 10000, 1, &campaign.n_seeds, &err)) {
        return cli_fail(&err);
    }
    if (!campaign.is_json && campaign.n_seeds > 1) {
        printf("%-22s %8s %8s %7s %9s %9s %8s %5s %7s %7s\n", "profile", "failures",
               "recov. %", "right %", "avail. %", "worst %", "repeated", "over", "regret",
               "fixed");
    }
    for (int i = 0; i < cli->n_args; i++) {
        struct drill_profile *profile = load(cli->args[i]);
        if (profile == NULL) {
            return CLI_USAGE;
        }
        is_good_at_all = run_profile(&campaign, profile) && is_good_at_all;
        drill_profile_free(profile);
    }
    return is_good_at_all || !cli_has(cli, "check") ? CLI_OK : CLI_FAILURE;
}

/* clang-format off */
static const struct cli_option options[] = {
    {"workflows", 0, "N", "so many workflows; 2000"},
    {"seed", 0, "S", "the same seed gives the same report; 1"},
    {"seeds", 0, "N", "so many seeds, from S on, and one line for each profile"},
    {"keep", 0, "DIR", "leave the store of the last run in this new folder, as drill.db"},
    {"check", 0, NULL, "fail when the goals are not met"},
    {0}
};
/* clang-format on */

const struct cli_command cli_drill = {
    .name = "drill",
    .args = "PROFILE...",
    .min_args = 1,
    .max_args = -1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "let a simulated fleet live through faults, and judge the recovery",
    .more =
        "The engine itself, with its store, breakers, recovery and decisions, runs a "
        "fleet "
        "of workflows in virtual time while the faults of the profile befall it; nothing "
        "outside is touched. The report says what was recovered without a human, whether "
        "people were asked rightly, what was wasted, and how far each decision was from "
        "the "
        "best one. Profiles are described in signalbox-drill(5). The goals of --check: "
        "95 % "
        "of the recoverable failures recovered, 90 % of the questions to a person right, "
        "available 99.9 % of the time, no side effect repeated.",
    .run = run,
};
