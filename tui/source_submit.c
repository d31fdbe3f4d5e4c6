/* SPDX-License-Identifier: MIT */
#include "tui/source_impl.h"

#include <dirent.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/control/config.h"
#include "engine/workflow/pipeline.h"

#define CHOICES_MAX 64
#define RECENT_MAX  64 /* newest workflows that choices are taken from */

/* ---- finding and checking ---------------------------------------------------------- */

/* The text that an earlier workflow brought along, when its file is gone. */
static bool find_earlier(struct source *source, struct reader *reader, const char *name,
                         char **ret_text, size_t *ret_len)
{
    struct err ignored = ERR_INIT;
    const struct workflow_row *rows;
    size_t n;
    struct list_query query = {.sort = SORT_ID, .max = RECENT_MAX};
    arena_reset(source->scratch);
    if (!reader || !reader_list(reader, source->scratch, &query, &rows, &n, &ignored))
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *found_name, *text;
        if (strcmp(rows[i].pipeline, name) != 0)
            continue;
        if (reader_pipeline(reader, source->scratch, rows[i].pipeline_id, &found_name,
                            &text, ret_len, &ignored) != FOUND)
            continue;
        *ret_text = mem_strn(text, *ret_len);
        return true;
    }
    return false;
}

bool source_find_pipeline(struct source *source, struct reader *reader, const char *name,
                          const char *repo, struct pipeline **ret_pipeline,
                          char **ret_text, struct findings *findings, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    AUTO_FREE char *path =
        config_find_pipeline(source->config, name, repo[0] ? repo : NULL, err);
    if (path) {
        if (!file_read(path, PIPELINE_TEXT_MAX, &text, &len, err))
            return false;
    } else if (!find_earlier(source, reader, name, &text, &len)) {
        return false;
    }
    *ret_pipeline = pipeline_parse(path ? path : name, text, len, findings);
    *ret_text = TAKE(text);
    return true;
}

bool source_repo_problem(const char *repo, char *text, size_t cap)
{
    struct stat st;
    if (repo[0] != '/') {
        (void)snprintf(text, cap, "give the full path of a git repository");
        return true;
    }
    if (stat(repo, &st) != 0) {
        (void)snprintf(text, cap, "there is nothing at this path");
        return true;
    }
    if (!S_ISDIR(st.st_mode)) {
        (void)snprintf(text, cap, "this is no folder");
        return true;
    }
    AUTO_FREE char *dot_git = file_join(repo, ".git");
    AUTO_FREE char *head = file_join(repo, "HEAD");
    AUTO_FREE char *objects = file_join(repo, "objects");
    if (!file_exists(dot_git) && !(file_exists(head) && file_exists(objects))) {
        (void)snprintf(text, cap, "this folder is no git repository");
        return true;
    }
    return false;
}

/* ---- choices ----------------------------------------------------------------------- */

static void add_choice(struct arena *arena, struct frame_submit *submit,
                       struct frame_choice *choices, const char *name, const char *from)
{
    for (size_t i = 0; i < submit->n_pipelines; i++)
        if (strcmp(choices[i].name, name) == 0)
            return;
    if (submit->n_pipelines < CHOICES_MAX)
        choices[submit->n_pipelines++] =
            (struct frame_choice){arena_str(arena, name), arena_str(arena, from)};
}

static int compare_choices(const void *a, const void *b)
{
    const struct frame_choice *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void add_folder(struct arena *arena, struct frame_submit *submit,
                       struct frame_choice *choices, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return; /* a folder that is not there has no pipelines */
    size_t first = submit->n_pipelines;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || dot == entry->d_name ||
            (strcmp(dot, ".yaml") != 0 && strcmp(dot, ".yml") != 0))
            continue;
        const char *name =
            arena_strn(arena, entry->d_name, (size_t)(dot - entry->d_name));
        add_choice(arena, submit, choices, name, folder);
    }
    closedir(dir);
    qsort(choices + first, submit->n_pipelines - first, sizeof *choices, compare_choices);
}

static bool read_choices(struct source *source, struct reader *reader,
                         struct frame_submit *submit, struct arena *arena,
                         struct err *err)
{
    struct frame_choice *choices = arena_array(arena, CHOICES_MAX, sizeof *choices);
    const char **repos = arena_array(arena, RECENT_MAX, sizeof *repos);
    for (size_t i = 0; i < source->config->n_pipeline_dirs; i++)
        add_folder(arena, submit, choices, source->config->pipeline_dirs[i]);
    submit->pipelines = choices;
    submit->repos = repos;
    if (!reader)
        return true;
    const struct workflow_row *rows;
    size_t n;
    struct list_query query = {.sort = SORT_ID, .max = RECENT_MAX};
    if (!reader_list(reader, arena, &query, &rows, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        add_choice(arena, submit, choices, rows[i].pipeline, "used before");
        size_t k = 0;
        while (k < submit->n_repos && strcmp(repos[k], rows[i].repo) != 0)
            k++;
        if (k == submit->n_repos)
            repos[submit->n_repos++] = rows[i].repo;
    }
    return true;
}

static void add_findings(struct arena *arena, struct frame_submit *submit,
                         const struct findings *findings)
{
    const char **lines = arena_array(arena, findings->n, sizeof *lines);
    for (size_t i = 0; i < findings->n; i++) {
        AUTO_FREE char *line = finding_format(&findings->rows[i]);
        lines[i] = arena_str(arena, line);
    }
    submit->findings = lines;
    submit->n_findings = findings->n;
}

static const char *describe(struct arena *arena, const struct pipeline *pipeline)
{
    static const char *const merges[] = {
        [MERGE_AUTO] = "merges by itself",
        [MERGE_ASK] = "asks before the merge",
        [MERGE_NEVER] = "never merges",
    };
    return arena_printf(arena, "%zu %s, %s%s", pipeline->n_checks,
                        pipeline->n_checks == 1 ? "check" : "checks",
                        pipeline->plan_mode == PLAN_ASK ? "asks for the plan, " : "",
                        merges[pipeline->merge_mode]);
}

static void check_pipeline(struct source *source, struct reader *reader,
                           const struct frame_query *query, struct frame_submit *submit,
                           struct arena *arena)
{
    struct findings findings;
    findings_init(&findings);
    struct pipeline *pipeline = NULL;
    AUTO_FREE char *text = NULL;
    struct err err = ERR_INIT;
    if (!source_find_pipeline(source, reader, query->submit_pipeline, query->submit_repo,
                              &pipeline, &text, &findings, &err))
        findings_add(&findings, query->submit_pipeline, 0, "", "%s", err.msg);
    if (pipeline) {
        submit->is_pipeline_good = true;
        submit->pipeline_repo =
            arena_str(arena, pipeline_is_remote(pipeline) ? pipeline->forge.repository
                                                          : pipeline->repository);
        submit->is_repo_fixed = pipeline_is_remote(pipeline);
        submit->pipeline_help = describe(arena, pipeline);
        pipeline_free(pipeline);
    }
    add_findings(arena, submit, &findings);
    findings_fini(&findings);
}

bool source_read_submit(struct source *source, struct reader *reader,
                        const struct frame_query *query, struct frame *frame,
                        struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_submit *submit = arena_alloc(arena, sizeof *submit);
    submit->checked_pipeline = arena_str(arena, query->submit_pipeline);
    submit->checked_repo = arena_str(arena, query->submit_repo);
    submit->repo_problem = submit->pipeline_repo = submit->pipeline_help = "";
    if (query->submit_pipeline[0] != '\0')
        check_pipeline(source, reader, query, submit, arena);
    if (query->submit_repo[0] != '\0') {
        char problem[120];
        if (submit->is_repo_fixed)
            submit->repo_problem =
                "this pipeline works on the repository of its forge: leave it empty";
        else if (source_repo_problem(query->submit_repo, problem, sizeof problem))
            submit->repo_problem = arena_str(arena, problem);
        else
            submit->is_repo_good = true;
    }
    frame->submit = submit;
    return read_choices(source, reader, submit, arena, err);
}
