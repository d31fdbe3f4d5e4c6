/* SPDX-License-Identifier: MIT */
/* Checks, Actions, suites and deliveries of github_answer.h, and the gate rule. */
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/github_answer.h"
#include "engine/service/github_json.h"

/* docs.github.com "About status checks": statuses and conclusions of a check run. A word
 * that is not known is no success. */
enum github_verdict github_verdict_of_run(const char *status, const char *conclusion)
{
    static const struct {
        const char *word;
        enum github_verdict verdict;
    } words[] = {
        {"success",   CHECK_GREEN},
        {"neutral",   CHECK_GREEN},
        {"skipped",   CHECK_GREEN},
        {"failure",   CHECK_RED  },
        {"timed_out", CHECK_RED  },
    };
    if (strcmp(status, "completed") != 0) {
        return CHECK_PENDING;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(conclusion, words[i].word) == 0) {
            return words[i].verdict;
        }
    }
    return CHECK_PERSON;
}

enum github_verdict github_verdict_of_status(const char *state)
{
    return strcmp(state, "success") == 0   ? CHECK_GREEN
           : strcmp(state, "pending") == 0 ? CHECK_PENDING
           : strcmp(state, "error") == 0   ? CHECK_RED
           : strcmp(state, "failure") == 0 ? CHECK_RED
                                           : CHECK_PERSON;
}

static struct github_check *add_check(struct github_checks *checks)
{
    if (checks->n == GITHUB_LIST_MAX) {
        checks->is_cut = true;
        return NULL;
    }
    checks->rows = mem_grow(checks->rows, checks->n + 1, sizeof(*checks->rows));
    struct github_check *check = &checks->rows[checks->n++];
    *check = (struct github_check){.id = 0};
    return check;
}

/* ".../actions/runs/1/job/2": the job's number, 0 = none. */
static int64_t job_of(const char *url)
{
    const char *at = strstr(url, "/job/");
    int64_t job = 0;
    for (at = at != NULL ? at + 5 : ""; *at >= '0' && *at <= '9'; at++) {
        if (job > INT64_MAX / 100) {
            return 0;
        }
        job = job * 10 + (*at - '0');
    }
    return job;
}

bool github_checks_add_runs(struct github_checks *checks,
                            const struct http_response *response)
{
    struct json *root = github_json(response);
    const struct json *list = json_get(root, "check_runs");
    bool is_one = json_int(root, "total_count", -1) >= 0 && list != NULL;
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *from = json_at(list, i);
        struct github_check *check = add_check(checks);
        if (check == NULL) {
            break;
        }
        const char *status = json_str(from, "status", "");
        const char *conclusion = json_str(from, "conclusion", "");
        check->is_run = true;
        check->id = json_int(from, "id", 0);
        check->name = github_text(from, "name");
        check->word = github_text(from, conclusion[0] != '\0' ? "conclusion" : "status");
        check->title = github_text(json_get(from, "output"), "title");
        check->url = github_text(from, "html_url");
        check->app = github_text(json_get(from, "app"), "slug");
        check->verdict = github_verdict_of_run(status, conclusion);
        check->job = job_of(json_str(from, "details_url", ""));
        if (check->job == 0 && strcmp(check->app, "github-actions") == 0) {
            check->job = check->id; /* a job is its own check run */
        }
    }
    json_free(root);
    return is_one;
}

bool github_checks_add_statuses(struct github_checks *checks,
                                const struct http_response *response)
{
    struct json *root = github_json(response);
    const struct json *list = json_get(root, "statuses");
    bool is_one = json_str(root, "state", "")[0] != '\0' && list != NULL;
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *from = json_at(list, i);
        struct github_check *check = add_check(checks);
        if (check == NULL) {
            break;
        }
        check->id = json_int(from, "id", 0);
        check->name = github_text(from, "context");
        check->word = github_text(from, "state");
        check->title = github_text(from, "description");
        check->url = github_text(from, "target_url");
        check->app = mem_str("");
        check->verdict = github_verdict_of_status(json_str(from, "state", ""));
    }
    json_free(root);
    return is_one;
}

void github_checks_fini(struct github_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++) {
        struct github_check *check = &checks->rows[i];
        free(check->name);
        free(check->word);
        free(check->title);
        free(check->url);
        free(check->app);
    }
    free(checks->rows);
    *checks = (struct github_checks){.rows = NULL};
}

/* ---- the gate --------------------------------------------------------------------------
 */

static bool has_check(const struct github_checks *checks, const char *name)
{
    for (size_t i = 0; i < checks->n; i++) {
        if (strcmp(checks->rows[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

enum github_gate github_gate(const struct github_checks *checks, char *const *expected,
                             size_t n_expected)
{
    size_t n[CHECK_PERSON + 1] = {0};
    for (size_t i = 0; i < checks->n; i++) {
        n[checks->rows[i].verdict]++;
    }
    if (n[CHECK_RED] > 0) {
        return CHECKS_RED;
    }
    if (n[CHECK_PENDING] > 0 || checks->is_cut) {
        return CHECKS_PENDING;
    }
    if (n[CHECK_PERSON] > 0) {
        return CHECKS_PERSON;
    }
    for (size_t i = 0; i < n_expected; i++) {
        if (!has_check(checks, expected[i])) {
            return CHECKS_PENDING;
        }
    }
    return checks->n == 0 ? CHECKS_NONE : CHECKS_GREEN;
}

static void add_names(struct buf *out, const struct github_checks *checks,
                      enum github_verdict verdict, const char *word)
{
    size_t n = 0;
    for (size_t i = 0; i < checks->n; i++) {
        n += checks->rows[i].verdict == verdict;
    }
    if (n == 0) {
        return;
    }
    (void)buf_printf(out, "%s%zu %s", out->len > 0 ? ", " : "", n, word);
    const char *glue = " (";
    size_t shown = 0;
    for (size_t i = 0; verdict != CHECK_GREEN && i < checks->n && shown < 5; i++) {
        if (checks->rows[i].verdict == verdict) {
            (void)buf_printf(out, "%s%.60s", glue, checks->rows[i].name);
            glue = ", ";
            shown++;
        }
    }
    (void)buf_str(out, verdict == CHECK_GREEN ? "" : n > shown ? " ...)" : ")");
}

char *github_gate_text(const struct github_checks *checks, char *const *expected,
                       size_t n_expected)
{
    AUTO_BUF struct buf text;
    buf_init(&text, 2000);
    add_names(&text, checks, CHECK_RED, "red");
    add_names(&text, checks, CHECK_PERSON, "for a person");
    add_names(&text, checks, CHECK_PENDING, "pending");
    add_names(&text, checks, CHECK_GREEN, "green");
    const char *glue = text.len > 0 ? ", not there: " : "not there: ";
    for (size_t i = 0; i < n_expected; i++) {
        if (!has_check(checks, expected[i])) {
            (void)buf_printf(&text, "%s%s", glue, expected[i]);
            glue = ", ";
        }
    }
    char out[GITHUB_TEXT_MAX + 1]; /* a name may be cut inside a character */
    return mem_str(
        text_clean_into(out, sizeof(out), text.len > 0 ? text.data : "no checks"));
}

/* ---- Actions, suites, deliveries -------------------------------------------------------
 */

static char *failed_step(const struct json *steps)
{
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *step = json_at(steps, i);
        if (strcmp(json_str(step, "conclusion", ""), "failure") == 0) {
            return github_text(step, "name");
        }
    }
    return mem_str("");
}

static bool read_run(const struct json *from, struct github_runs *runs)
{
    if (json_int(from, "id", 0) <= 0) {
        return false;
    }
    runs->rows = mem_grow(runs->rows, runs->n + 1, sizeof(*runs->rows));
    runs->rows[runs->n++] = (struct github_run){
        .id = json_int(from, "id", 0),
        .run = json_int(from, "run_id", 0),
        .suite = json_int(from, "check_suite_id", 0),
        .attempt = (int)(json_int(from, "run_attempt", 1) % 1000),
        .name = github_text(from, "name"),
        .status = github_text(from, "status"),
        .conclusion = github_text(from, "conclusion"),
        .sha = github_text(from, "head_sha"),
        .branch = github_text(from, "head_branch"),
        .url = github_text(from, "html_url"),
        .failed_step = failed_step(json_get(from, "steps")),
    };
    return true;
}

bool github_runs_read(const struct http_response *response, struct github_runs *ret_runs)
{
    struct json *root = github_json(response);
    struct github_runs runs = {.rows = NULL};
    const struct json *list = json_get(root, "workflow_runs");
    list = list != NULL ? list : json_get(root, "jobs");
    bool is_one = list != NULL || read_run(root, &runs);
    for (size_t i = 0; is_one && i < json_len(list) && i < GITHUB_LIST_MAX; i++) {
        is_one = read_run(json_at(list, i), &runs);
    }
    json_free(root);
    if (!is_one) {
        github_runs_fini(&runs);
        return false;
    }
    *ret_runs = runs;
    return true;
}

void github_runs_fini(struct github_runs *runs)
{
    for (size_t i = 0; i < runs->n; i++) {
        struct github_run *run = &runs->rows[i];
        free(run->name);
        free(run->status);
        free(run->conclusion);
        free(run->sha);
        free(run->branch);
        free(run->url);
        free(run->failed_step);
    }
    free(runs->rows);
    *runs = (struct github_runs){.rows = NULL};
}

bool github_suites_read(const struct http_response *response,
                        struct github_suites *ret_suites)
{
    struct json *root = github_json(response);
    const struct json *list = json_get(root, "check_suites");
    bool is_one = list != NULL || json_int(root, "id", 0) > 0;
    size_t n = list != NULL ? json_len(list) : 1;
    struct github_suites suites = {.rows = NULL};
    for (size_t i = 0; is_one && i < n && i < GITHUB_LIST_MAX; i++) {
        const struct json *from = list != NULL ? json_at(list, i) : root;
        suites.rows = mem_grow(suites.rows, suites.n + 1, sizeof(*suites.rows));
        suites.rows[suites.n++] = (struct github_suite){
            .id = json_int(from, "id", 0),
            .n_runs = json_int(from, "latest_check_runs_count", 0),
            .status = github_text(from, "status"),
            .conclusion = github_text(from, "conclusion"),
            .app = github_text(json_get(from, "app"), "slug"),
        };
    }
    json_free(root);
    if (is_one) {
        *ret_suites = suites;
    }
    return is_one;
}

void github_suites_fini(struct github_suites *suites)
{
    for (size_t i = 0; i < suites->n; i++) {
        free(suites->rows[i].status);
        free(suites->rows[i].conclusion);
        free(suites->rows[i].app);
    }
    free(suites->rows);
    *suites = (struct github_suites){.rows = NULL};
}

bool github_deliveries_add(struct github_deliveries *deliveries,
                           const struct http_response *response)
{
    struct json *root = github_json(response);
    size_t n = json_len(root);
    bool is_list =
        root != NULL && response->body[strspn(response->body, " \t\r\n")] == '[';
    for (size_t i = 0; i < n && deliveries->n < GITHUB_LIST_MAX; i++) {
        const struct json *from = json_at(root, i);
        struct github_delivery delivery = {
            .id = json_int(from, "id", 0),
            .guid = github_text(from, "guid"),
            .event = github_text(from, "event"),
            .is_fine = strcmp(json_str(from, "status", ""), "OK") == 0,
            .is_again = json_bool(from, "redelivery", false),
        };
        if (!wall_parse(json_str(from, "delivered_at", ""), &delivery.at)) {
            delivery.at = (struct wall){0};
        }
        deliveries->rows =
            mem_grow(deliveries->rows, deliveries->n + 1, sizeof(*deliveries->rows));
        deliveries->rows[deliveries->n++] = delivery;
    }
    json_free(root);
    return is_list;
}

void github_deliveries_fini(struct github_deliveries *deliveries)
{
    for (size_t i = 0; i < deliveries->n; i++) {
        free(deliveries->rows[i].guid);
        free(deliveries->rows[i].event);
    }
    free(deliveries->rows);
    *deliveries = (struct github_deliveries){.rows = NULL};
}
