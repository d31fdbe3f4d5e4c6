/* SPDX-License-Identifier: MIT */

/*
 * Submit: a command becomes a workflow, from a task or from somebody's pull request.
 */

#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"
#include "engine/control/tuning.h"
#include "engine/service/service.h"

/* First line with words in it, clean, at most TITLE_MAX bytes. */
static void make_title(char title[TITLE_MAX], const char *task)
{
    const char *line = task;
    while (*line == '\n' || *line == '\r' || *line == ' ' || *line == '\t') {
        line++;
    }
    size_t len = strcspn(line, "\n\r");
    AUTO_FREE char *first = mem_strn(line, len < 4096 ? len : 4096);
    (void)text_clean_into(title, TITLE_MAX, first);
}

/* ---- does the pipeline fit the configuration? ---- */

static bool fits(const struct control *control, const char *field, const char *port,
                 const char *name, struct answer *answer)
{
    if (name == NULL || name[0] == '\0' || strcmp(name, SERVICE_LOCAL) == 0) {
        return true;
    }
    const struct service_spec *service =
        service_find(control->options.services, control->options.n_services, name);
    if (service == NULL) {
        answer_set(answer, ANSWER_REFUSED,
                   "%s: no service '%.64s' is configured; services in signalbox.yaml "
                   "may be named, and local",
                   field, name);
        return false;
    }
    if (strcmp(service_kind_port(service->kind), port) != 0) {
        answer_set(answer, ANSWER_REFUSED,
                   "%s: service '%.64s' is of kind %s, which is no %s", field, name,
                   service_kind_word(service->kind), port);
        return false;
    }
    return true;
}

static bool chain_fits(const struct control *control, const char *port,
                       const struct provider_chain *chain, struct answer *answer)
{
    char field[64];
    (void)snprintf(field, sizeof(field), "%s.provider", port);
    bool is_good = fits(control, field, port, chain->first, answer);
    for (size_t i = 0; is_good && i < chain->n_backups; i++) {
        (void)snprintf(field, sizeof(field), "%s.backups[%zu]", port, i);
        is_good = fits(control, field, port, chain->backups[i], answer);
    }
    return is_good;
}

static bool pipeline_fits(const struct control *control, const struct pipeline *pipeline,
                          struct answer *answer)
{
    return chain_fits(control, "agent", &pipeline->agent_chain, answer) &&
           chain_fits(control, "sandbox", &pipeline->sandbox_chain, answer) &&
           chain_fits(control, "evaluator", &pipeline->evaluator_chain, answer) &&
           fits(control, "forge.provider", "forge", pipeline->forge.provider, answer);
}

static bool tuned_fits(const struct control *control, const struct pipeline *pipeline)
{
    struct answer ignored = {0};
    return pipeline_fits(control, pipeline, &ignored);
}

/* Parsed, fit, and kept; NULL with an answer. */
static const struct pipeline *take_pipeline(struct control *control,
                                            const struct json *args, int64_t *ret_id,
                                            struct wall now, struct answer *answer)
{
    const char *name = json_str(args, "pipeline", "");
    const char *text = json_str(args, "text", "");
    struct findings findings;
    findings_init(&findings);
    const struct pipeline *result = NULL;
    struct pipeline *parsed = pipeline_parse(name, text, strlen(text), &findings);
    if (parsed == NULL) {
        AUTO_FREE char *line =
            findings.n > 0 ? finding_format(&findings.rows[0]) : mem_str("unreadable");
        answer_set(answer, ANSWER_BAD, "%s", line);
    } else if (pipeline_fits(control, parsed, answer)) {
        /* The settings it begins with are those of this moment. */
        AUTO_FREE char *tuned = tuning_lay_over(control, parsed, text, tuned_fits, now);
        struct pipeline *with =
            tuned != NULL ? pipeline_parse(name, tuned, strlen(tuned), &findings) : NULL;
        if (with != NULL) {
            pipeline_free(parsed);
            parsed = with;
            text = tuned;
        }
        *ret_id = store_put_pipeline(control->store, parsed->name, text, strlen(text));
        result = idmap_get(&control->pipelines, *ret_id);
        if (result == NULL && *ret_id > 0) {
            idmap_put(&control->pipelines, *ret_id, parsed);
            result = parsed;
            parsed = NULL;
        } else if (*ret_id <= 0) {
            answer_set(answer, ANSWER_REFUSED, "the pipeline could not be stored");
        }
    }
    pipeline_free(parsed);
    findings_fini(&findings);
    return result;
}

/* ---- a new workflow ---- */

static void put_docs(struct control *control, int64_t id, const char *task,
                     const struct json *args)
{
    store_put_doc(control->store, id, DOC_TASK, task, strlen(task));
    const struct json *metadata = json_get(args, "metadata");
    if (metadata != NULL) {
        AUTO_FREE char *text = json_format(metadata);
        store_put_doc(control->store, id, DOC_METADATA, text, strlen(text));
    }
}

struct newcomer {
    const struct pipeline *pipeline;
    int64_t pipeline_id, pull; /* pull 0: none yet */
    const char *repo, *title, *task;
};

static void admit(struct control *control, const struct command_row *command,
                  const struct json *args, const struct newcomer *newcomer,
                  struct wall now, struct answer *answer)
{
    struct workflow_row row = {
        .id = ++control->last_workflow,
        .pipeline = newcomer->pipeline->name,
        .pipeline_id = newcomer->pipeline_id,
        .repo = newcomer->repo,
        .title = newcomer->title,
        .submitter = command->actor,
        .priority = (int)json_int(args, "priority", 5),
        .state = STATE_IDLE,
        .wait = WAIT_SLOT,
        .attempt = 1,
        .created_at = now,
        .state_since = now,
        .pr_number = newcomer->pull,
        .is_adopted = newcomer->pull > 0,
    };
    struct live *live = control_add(control, &row, newcomer->pipeline);
    control->totals.n_workflows++;
    put_docs(control, row.id, newcomer->task, args);
    control_note(control,
                 &(struct event_row){.at = now,
                                     .workflow = row.id,
                                     .kind = newcomer->pull > 0 ? "adopt" : "submit",
                                     .actor = command->actor,
                                     .from = STATE_IDLE,
                                     .to = STATE_IDLE,
                                     .wait = WAIT_SLOT,
                                     .text = newcomer->title});
    control_settle(control, live, &(struct workflow_row){.id = 0}, now);
    answer->workflow = row.id;
    answer_set(answer, ANSWER_DONE, "wf-%lld accepted", (long long)row.id);
}

/* The repository of a remote forge is the pipeline's; only the same may be said again. */
static const char *choose_repo(const struct pipeline *pipeline, const struct json *args,
                               struct answer *answer)
{
    const char *asked = json_str(args, "repo", "");
    if (!pipeline_is_remote(pipeline)) {
        const char *repo = asked[0] != '\0' ? asked : pipeline->repository;
        if (repo[0] == '\0') {
            answer_set(answer, ANSWER_BAD,
                       "no repository: neither the pipeline nor the command names one");
            return NULL;
        }
        return repo;
    }
    const char *repo = pipeline->forge.repository;
    if (asked[0] != '\0' && strcmp(asked, repo) != 0 &&
        strcmp(asked, pipeline->repository) != 0) {
        answer_set(answer, ANSWER_BAD,
                   "repo: the pipeline's forge has %.128s, not %.128s", repo, asked);
        return NULL;
    }
    return repo;
}

void control_submit(struct control *control, const struct command_row *command,
                    const struct json *args, struct wall now, struct answer *answer)
{
    char title[TITLE_MAX];
    struct newcomer newcomer = {.task = json_str(args, "task", ""), .title = title};
    newcomer.pipeline = take_pipeline(control, args, &newcomer.pipeline_id, now, answer);
    if (newcomer.pipeline == NULL) {
        return;
    }
    newcomer.repo = choose_repo(newcomer.pipeline, args, answer);
    if (newcomer.repo == NULL) {
        return;
    }
    make_title(title, newcomer.task);
    if (title[0] == '\0') {
        answer_set(answer, ANSWER_BAD, "task: empty; expected what is to be done");
        return;
    }
    admit(control, command, args, &newcomer, now, answer);
}

/* The live workflow that has this pull request; 0 = none. */
static int64_t owner_of(const struct control *control, const char *repo, int64_t pull)
{
    int64_t id = place_find(control, repo, pull, "", "");
    const struct live *live = idmap_get(&control->live, id);
    return live != NULL && !state_is_final(live->workflow->row.state) ? id : 0;
}

void control_adopt(struct control *control, const struct command_row *command,
                   const struct json *args, struct wall now, struct answer *answer)
{
    char title[TITLE_MAX];
    struct newcomer newcomer = {.pull = json_int(args, "pull", 0), .title = title};
    newcomer.pipeline = take_pipeline(control, args, &newcomer.pipeline_id, now, answer);
    if (newcomer.pipeline == NULL) {
        return;
    }
    if (!pipeline_is_remote(newcomer.pipeline)) {
        answer_set(answer, ANSWER_REFUSED,
                   "forge.repository: the pipeline has none; only a pull request of a "
                   "remote forge can be adopted");
        return;
    }
    newcomer.repo = newcomer.pipeline->forge.repository;
    int64_t owner = owner_of(control, newcomer.repo, newcomer.pull);
    if (owner != 0) {
        answer_set(answer, ANSWER_REFUSED, "pull request %lld of %.128s is wf-%lld's",
                   (long long)newcomer.pull, newcomer.repo, (long long)owner);
        return;
    }
    AUTO_FREE char *task = mem_printf("Make pull request #%lld of %s ready to merge",
                                      (long long)newcomer.pull, newcomer.repo);
    newcomer.task = json_str(args, "task", task);
    make_title(title, newcomer.task);
    if (title[0] == '\0') {
        newcomer.task = task;
        make_title(title, task);
    }
    admit(control, command, args, &newcomer, now, answer);
}
