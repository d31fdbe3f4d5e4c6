/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/digest.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/learning/optimize_private.h"

#define SCOPES_MAX 512

enum scope_of { OF_PIPELINE, OF_SERVICE, OF_ENGINE };

/* clang-format off */
static const struct {
    enum optimization_kind kind;
    enum scope_of scope;
    generator *generate;
} generators[] = {
    {OPT_DEADLINE,     OF_PIPELINE, generate_deadline},
    {OPT_RETRIES,      OF_PIPELINE, generate_retries},
    {OPT_BACKOFF,      OF_ENGINE,   generate_backoff},
    {OPT_ORDER,        OF_PIPELINE, generate_order},
    {OPT_PARALLEL,     OF_PIPELINE, generate_parallel},
    {OPT_CONCURRENCY,  OF_ENGINE,   generate_concurrency},
    {OPT_BULKHEAD,     OF_SERVICE,  generate_bulkhead},
    {OPT_AGENT,        OF_PIPELINE, generate_agent},
    {OPT_EVALUATOR,    OF_PIPELINE, generate_evaluator},
    {OPT_QUARANTINE,   OF_PIPELINE, generate_quarantine},
    {OPT_MERGE_WINDOW, OF_PIPELINE, generate_merge_window},
    {OPT_LIMITS,       OF_PIPELINE, generate_limits},
    {OPT_DEADLINE,     OF_PIPELINE, generate_timeout},
    {OPT_POLL,         OF_SERVICE,  generate_poll},
    {OPT_SCALE,        OF_ENGINE,   generate_scale},
    {OPT_BREAKER,      OF_SERVICE,  generate_breaker},
};
/* clang-format on */

/* ---- what generators share ---------------------------------------------------------------- */

static bool uses_service(const struct run_features *run, uint16_t service)
{
    for (size_t i = 0; i < run->n_steps; i++) {
        if (run->steps[i].provider == service) {
            return true;
        }
    }
    return false;
}

static bool is_in_scope(const struct search *search, const struct run_features *run)
{
    if (run->created_at.ms < search->now.since.ms ||
        run->created_at.ms > search->until.ms) {
        return false;
    }
    return search->name == 0 || run->pipeline == search->name ||
           (strncmp(search->scope, "service:", 8) == 0 &&
            uses_service(run, search->name));
}

bool search_begin(struct search *search, const char *setting, size_t least)
{
    const struct optimize_input *input = search->input;
    search->draft = (struct proposal){.kind = search->kind};
    search->now = (struct setting_now){.least = (double)NAN, .most = (double)NAN};
    search->n_facts = 0;
    search->n_lines = 0;
    search->n_runs = 0;
    if (!input->lookup(input->user, setting, search->scope, &search->now)) {
        return false;
    }
    struct proposal *draft = &search->draft;
    draft_text(draft->setting, sizeof(draft->setting), "%s", setting);
    draft_text(draft->scope, sizeof(draft->scope), "%s", search->scope);
    draft_text(draft->from, sizeof(draft->from), "%s", search->now.value);
    for (size_t i = 0; i < input->n_runs; i++) {
        if (is_in_scope(search, input->runs[i])) {
            search->runs[search->n_runs] = input->runs[i];
            search->delta[search->n_runs++] = 0;
        }
    }
    draft->n_evidence = (int64_t)search->n_runs;
    return search->n_runs >= least;
}

void search_drop(struct search *search, size_t n)
{
    search->n_runs -= n;
    memmove(search->runs, search->runs + n,
            search->n_runs * sizeof(struct run_features *));
    search->draft.n_evidence = (int64_t)search->n_runs;
}

#define CHANGED 1e-5 /* by accident, at most: every search of every kind looks */

bool search_forget(struct search *search, double *series, size_t least)
{
    AUTO_FREE size_t *of = mem_array(search->n_runs + 1, sizeof(*of));
    size_t n = 0;
    double p;
    for (size_t i = 0; i < search->n_runs; i++) {
        if (isfinite(series[i])) {
            series[n] = series[i];
            of[n++] = i;
        }
    }
    size_t change = stat_change(series, n, &p);
    if (p < CHANGED && change > 0) {
        search_drop(search, of[change]);
    }
    return search->n_runs >= least;
}

static double size_factor(const char *unit)
{
    static const struct {
        const char *unit;
        double mib;
    } units[] = {
        {"KiB", 1.0 / 1024   },
        {"MiB", 1            },
        {"GiB", 1024         },
        {"TiB", 1024.0 * 1024}
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(unit, units[i].unit) == 0) {
            return units[i].mib;
        }
    }
    return (double)NAN;
}

double search_value(const struct search *search)
{
    const char *text = search->now.value;
    char *end;
    double number = strtod(text, &end);
    struct span span;
    if (end == text) {
        return (double)NAN;
    }
    if (*end == '\0') {
        return number;
    }
    return span_parse(text, &span) ? (double)span.ms / 1000 : number * size_factor(end);
}

/* A character that was cut at the end is taken away whole. */
PRINTF_LIKE(3, 0)
static void print_cut(char *out, size_t cap, const char *format, va_list args)
{
    (void)vsnprintf(out, cap, format, args);
    size_t len = strlen(out), start = len;
    while (start > 0 && ((unsigned char)out[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    uint32_t rune;
    bool is_wide = start > 0 && ((unsigned char)out[start - 1] & 0x80) != 0;
    if (is_wide && text_decode(out + start - 1, len - start + 1, &rune) == 0) {
        out[start - 1] = '\0';
    }
}

void draft_text(char *out, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_cut(out, cap, format, args);
    va_end(args);
}

void search_fact(struct search *search, double value, const char *format, ...)
{
    if (search->n_facts == SEARCH_LINES) {
        return;
    }
    va_list args;
    va_start(args, format);
    print_cut(search->facts[search->n_facts], sizeof(search->facts[0]), format, args);
    va_end(args);
    search->values[search->n_facts++] = value;
}

void search_line(struct search *search, const char *format, ...)
{
    if (search->n_lines == SEARCH_LINES) {
        return;
    }
    va_list args;
    va_start(args, format);
    print_cut(search->lines[search->n_lines++], sizeof(search->lines[0]), format, args);
    va_end(args);
}

void search_expect(struct search *search, size_t block, double less, double more)
{
    struct estimate mean = stat_mean(search->delta, search->n_runs, block, search->rng);
    double z = (mean.high - mean.low) / (2 * 1.645);
    double sign = run_metric_is_more_better(search->draft.metric) ? 1 : -1;
    search->draft.confidence = z > 0 ? normal_below(sign * mean.value / z)
                               : sign * mean.value > 0 ? 1
                                                       : 0;
    double least = mean.value * (1 - less), most = mean.value * (1 + more);
    double low = fmin(least, most), high = fmax(least, most);
    search->draft.expected = (struct estimate){mean.value, mean.low - (mean.value - low),
                                               mean.high + (high - mean.value)};
}

static double metric_mean(const struct search *search)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < search->n_runs; i++) {
        double value = run_measure(search->runs[i], search->draft.metric);
        sum += isfinite(value) ? value : 0;
        n += isfinite(value) ? 1 : 0;
    }
    return n > 0 ? sum / n : (double)NAN;
}

/* The run that differs most, after `n` that do more: where the evidence can be looked up. */
static int64_t telling_run(const struct search *search, size_t n)
{
    const struct run_features *best = NULL;
    double above = (double)INFINITY, most = 0;
    for (size_t k = 0; k <= n; k++) {
        best = NULL;
        most = 0;
        for (size_t i = 0; i < search->n_runs; i++) {
            double size = fabs(search->delta[i]);
            if (size > most && size < above) {
                most = size;
                best = search->runs[i];
            }
        }
        above = most;
    }
    return best != NULL ? best->workflow : 0;
}

static void put_evidence(const struct search *search, struct proposal *out)
{
    AUTO_BUF struct buf buf = {0};
    struct jsonw w;
    buf_init(&buf, sizeof(out->evidence) - 1);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "evidence", '[');
    for (size_t i = 0; i < search->n_facts; i++) {
        char id[24], ref[32] = "";
        int64_t workflow = telling_run(search, i);
        (void)snprintf(id, sizeof(id), "e%zu", i + 1);
        if (workflow != 0) {
            (void)snprintf(ref, sizeof(ref), "wf-%lld", (long long)workflow);
        }
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "id", id);
        jsonw_str(&w, "text", search->facts[i]);
        jsonw_str(&w, "kind", "series");
        jsonw_str(&w, "ref", ref);
        jsonw_open(&w, "values", '[');
        if (isfinite(search->values[i])) {
            jsonw_num(&w, NULL, search->values[i]);
        }
        jsonw_close(&w, ']');
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_open(&w, "dry_run", '[');
    for (size_t i = 0; i < search->n_lines; i++) {
        jsonw_str(&w, NULL, search->lines[i]);
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    (void)snprintf(out->evidence, sizeof(out->evidence), "%s",
                   buf.is_cut ? "{}" : buf.data);
}

static void put_fingerprint(struct proposal *out)
{
    char text[400], hex[DIGEST_TEXT_MAX];
    uint8_t digest[DIGEST_LEN];
    int len = snprintf(text, sizeof(text), "%s\n%s\n%s", optimization_word(out->kind),
                       out->setting, out->scope);
    digest_sha256(text, (size_t)len, digest);
    (void)snprintf(out->fingerprint, sizeof(out->fingerprint), "%.16s",
                   digest_format(digest, hex));
}

void search_propose(struct search *search)
{
    struct proposal *draft = &search->draft;
    double mean = metric_mean(search), change = draft->expected.value;
    double sign = run_metric_is_more_better(draft->metric) ? 1 : -1;
    bool is_sure = draft->confidence >= OPTIMIZE_CONFIDENCE &&
                   sign * (change > 0 ? draft->expected.low : draft->expected.high) > 0;
    bool is_worth = sign * change >= OPTIMIZE_WORTH * mean;
    if (!is_sure || !is_worth || strcmp(draft->from, draft->to) == 0 ||
        search->n_out == search->max_out) {
        return;
    }
    struct proposal *out = &search->out[search->n_out++];
    *out = *draft;
    /* "web: ...", not "pipeline:web: ...": people read it in a narrow column */
    const char *name = strchr(search->scope, ':');
    size_t len = name != NULL ? (size_t)(name + 1 - search->scope) : 0;
    if (len > 0 && strncmp(out->title, search->scope, len) == 0) {
        memmove(out->title, out->title + len, strlen(out->title + len) + 1);
    }
    put_fingerprint(out);
    put_evidence(search, out);
}

/* ---- values ------------------------------------------------------------------------------- */

double nice_seconds(double seconds)
{
    double step = seconds < 10     ? 1
                  : seconds < 120  ? 5
                  : seconds < 1200 ? 60
                  : seconds < 7200 ? 300
                                   : 1800;
    return ceil(seconds / step - 1e-9) * step;
}

double nice_mib(double mib)
{
    double step = mib < 1024 ? 64 : mib < 8192 ? 256 : 1024;
    return ceil(mib / step - 1e-9) * step;
}

void write_span(char *out, size_t cap, double seconds)
{
    long long s = llround(seconds);
    if (s % 3600 == 0) {
        (void)snprintf(out, cap, "%lldh", s / 3600);
    } else if (s % 60 == 0 && s > 3600) {
        (void)snprintf(out, cap, "%lldh%lldm", s / 3600, s % 3600 / 60);
    } else if (s % 60 == 0) {
        (void)snprintf(out, cap, "%lldm", s / 60);
    } else if (s < 60) {
        (void)snprintf(out, cap, "%llds", s);
    } else {
        (void)snprintf(out, cap, "%lldm%llds", s / 60, s % 60);
    }
}

void write_mib(char *out, size_t cap, double mib)
{
    long long m = llround(mib);
    if (m % 1024 == 0) {
        (void)snprintf(out, cap, "%lldGiB", m / 1024);
    } else {
        (void)snprintf(out, cap, "%lldMiB", m);
    }
}

const char *say_span(double seconds, char text[CLOCK_TEXT_MAX])
{
    return span_format((struct span){(int64_t)(seconds * 1000)}, text);
}

bool is_same_check(const struct run_step *a, const struct run_step *b)
{
    return a->kind == b->kind && a->name == b->name && a->position == b->position &&
           a->iteration == b->iteration;
}

/* ---- the table ------------------------------------------------------------------------------ */

/* Words of the scopes there are, each once. */
static size_t scopes(const struct optimize_input *input, enum scope_of of, uint16_t *out)
{
    AUTO_FREE bool *seen = mem_array(WORDS_MAX, sizeof(*seen));
    size_t n = 0;
    if (of == OF_ENGINE) {
        out[0] = 0;
        return 1;
    }
    seen[0] = true;
    for (size_t i = 0; i < input->n_runs; i++) {
        const struct run_features *run = input->runs[i];
        size_t n_words = of == OF_PIPELINE ? 1 : run->n_steps;
        for (size_t k = 0; k < n_words && n < SCOPES_MAX; k++) {
            uint16_t word = of == OF_PIPELINE ? run->pipeline : run->steps[k].provider;
            if (word < WORDS_MAX && !seen[word]) {
                seen[word] = true;
                out[n++] = word;
            }
        }
    }
    return n;
}

static void search_scope(struct search *search, size_t row, uint16_t name)
{
    static const char *const prefixes[] = {
        [OF_PIPELINE] = "pipeline:", [OF_SERVICE] = "service:", [OF_ENGINE] = ""};
    enum scope_of of = generators[row].scope;
    (void)snprintf(search->scope, sizeof(search->scope), "%s%s", prefixes[of],
                   of == OF_ENGINE ? "" : words_name(search->input->words, name));
    search->name = name;
    generators[row].generate(search);
}

/* Of what was created lately only the quick ones have ended, which would make everything look better
 * than it is. What is looked at was created before the oldest that is still open, or so long before the
 * newest end that hardly any of its time is still under way (one that hangs must not hold back all). */
#define SETTLED 0.995
static struct wall settled_until(const struct optimize_input *input, double *scratch)
{
    struct wall newest = {0};
    for (size_t i = 0; i < input->n_runs; i++) {
        const struct run_features *run = input->runs[i];
        scratch[i] = (double)(run->finished_at.ms - run->created_at.ms);
        newest.ms = run->finished_at.ms > newest.ms ? run->finished_at.ms : newest.ms;
    }
    double longest = stat_quantile(scratch, input->n_runs, SETTLED);
    int64_t until = isfinite(longest) ? newest.ms - (int64_t)longest : newest.ms;
    int64_t ended = wall_is_set(input->open_since) ? input->open_since.ms - 1 : until;
    return (struct wall){ended > until ? ended : until};
}

size_t optimize_kind(const struct optimize_input *input, enum optimization_kind kind,
                     struct rng *rng, struct proposal *out, size_t max)
{
    size_t n = input->n_runs + 1;
    AUTO_FREE uint16_t *names = mem_array(SCOPES_MAX, sizeof(*names));
    AUTO_FREE const struct run_features **runs =
        mem_array(n, sizeof(struct run_features *));
    AUTO_FREE double *delta = mem_array(n, sizeof(*delta));
    AUTO_FREE struct search *search = mem_alloc(sizeof(*search));
    search->input = input;
    search->rng = rng;
    search->kind = kind;
    search->runs = runs;
    search->delta = delta;
    search->until = settled_until(input, delta);
    search->out = out;
    search->max_out = max;
    for (size_t row = 0; row < ARRAY_LEN(generators); row++) {
        if (generators[row].kind == kind) {
            size_t n_names = scopes(input, generators[row].scope, names);
            for (size_t i = 0; i < n_names; i++) {
                search_scope(search, row, names[i]);
            }
        }
    }
    return search->n_out;
}

size_t optimize(const struct optimize_input *input, struct rng *rng, struct proposal *out,
                size_t max)
{
    size_t n = 0;
    for (int kind = 0; kind < OPTIMIZATION_KIND_COUNT && n < max; kind++) {
        n += optimize_kind(input, (enum optimization_kind)kind, rng, out + n, max - n);
    }
    return n;
}
