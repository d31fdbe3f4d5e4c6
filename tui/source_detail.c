/* SPDX-License-Identifier: MIT */
#include "tui/source_impl.h"

#include <dirent.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/control/config.h"
#include "engine/workflow/pipeline.h"
#include "store/checks.h"

/* ---- limits of pipelines ----------------------------------------------------------- */

static const char *const *copy_names(struct arena *arena,
                                     const struct command_spec *specs, size_t n)
{
    const char **names = arena_array(arena, n, sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = arena_str(arena, specs[i].name);
    return names;
}

static void copy_limits(struct arena *arena, const struct pipeline *from,
                        struct frame_pipeline *to)
{
    to->name = arena_str(arena, from->name);
    to->max_iterations = from->max_iterations;
    to->max_retries = from->max_retries;
    to->max_tokens = from->max_tokens;
    to->max_cost = from->max_cost;
    to->planning = from->planning;
    to->coding = from->coding;
    to->validation = from->validation;
    to->agent = arena_str(arena, from->agent.text);
    to->asks_plan = from->plan_mode == PLAN_ASK;
    to->asks_merge = from->merge_mode == MERGE_ASK;
    to->never_merges = from->merge_mode == MERGE_NEVER;
    to->has_plan = from->plan.argv != NULL;
    to->has_evaluator = from->evaluator.argv != NULL;
    to->evaluator = arena_str(arena, to->has_evaluator ? from->evaluator.name : "");
    to->n_setup = from->n_setup;
    to->setup = copy_names(arena, from->setup, from->n_setup);
    to->n_checks = from->n_checks;
    to->checks = copy_names(arena, from->checks, from->n_checks);
    int *retries = arena_array(arena, from->n_checks, sizeof *retries);
    bool *may_fail = arena_array(arena, from->n_checks, sizeof *may_fail);
    for (size_t i = 0; i < from->n_checks; i++) {
        retries[i] = from->checks[i].retries;
        may_fail[i] = from->checks[i].may_fail;
    }
    to->check_retries = retries;
    to->check_may_fail = may_fail;
}

const struct frame_pipeline *source_limits(struct source *source, struct reader *reader,
                                           int64_t pipeline_id)
{
    for (size_t i = 0; i < source->n_limits; i++)
        if (source->limits[i].id == pipeline_id)
            return source->limits[i].max_iterations > 0 ? &source->limits[i] : NULL;
    if (source->n_limits == SOURCE_LIMITS_MAX) {
        source->n_limits = 0;
        arena_reset(source->limits_arena);
    }
    arena_reset(source->scratch);
    const char *name, *text;
    size_t len;
    struct err ignored = ERR_INIT;
    if (reader_pipeline(reader, source->scratch, pipeline_id, &name, &text, &len,
                        &ignored) != FOUND)
        return NULL;
    /* A text that this version cannot parse is remembered too, with no limits. */
    struct frame_pipeline *limits = &source->limits[source->n_limits++];
    *limits = (struct frame_pipeline){.id = pipeline_id};
    struct findings findings;
    findings_init(&findings);
    struct pipeline *pipeline = pipeline_parse(name, text, len, &findings);
    findings_fini(&findings);
    if (!pipeline)
        return NULL;
    copy_limits(source->limits_arena, pipeline, limits);
    pipeline_free(pipeline);
    return limits;
}

static void copy_into_frame(struct arena *arena, const struct frame_pipeline *from,
                            struct frame_pipeline *to)
{
    *to = *from;
    to->name = arena_str(arena, from->name);
    to->agent = arena_str(arena, from->agent);
    to->evaluator = arena_str(arena, from->evaluator);
    const char **setup = arena_array(arena, from->n_setup, sizeof *setup);
    for (size_t i = 0; i < from->n_setup; i++)
        setup[i] = arena_str(arena, from->setup[i]);
    const char **checks = arena_array(arena, from->n_checks, sizeof *checks);
    int *retries = arena_array(arena, from->n_checks, sizeof *retries);
    bool *may_fail = arena_array(arena, from->n_checks, sizeof *may_fail);
    for (size_t i = 0; i < from->n_checks; i++) {
        checks[i] = arena_str(arena, from->checks[i]);
        retries[i] = from->check_retries[i];
        may_fail[i] = from->check_may_fail[i];
    }
    to->setup = setup;
    to->checks = checks;
    to->check_retries = retries;
    to->check_may_fail = may_fail;
}

static void add_limits(struct source *source, struct reader *reader, struct frame *frame,
                       struct frame_pipeline *all, const struct frame_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        int64_t id = rows->rows[i].pipeline_id;
        frame->pipelines = all;
        if (frame->n_pipelines == SOURCE_LIMITS_MAX || frame_find_pipeline(frame, id))
            continue;
        const struct frame_pipeline *limits = source_limits(source, reader, id);
        if (limits)
            copy_into_frame(frame_arena(frame), limits, &all[frame->n_pipelines++]);
    }
}

void source_read_limits(struct source *source, struct reader *reader, struct frame *frame)
{
    struct frame_pipeline *all =
        arena_array(frame_arena(frame), SOURCE_LIMITS_MAX, sizeof *all);
    if (frame->overview) {
        add_limits(source, reader, frame, all, &frame->overview->needs);
        add_limits(source, reader, frame, all, &frame->overview->wrong);
        add_limits(source, reader, frame, all, &frame->overview->live);
    }
    if (frame->list)
        add_limits(source, reader, frame, all, &frame->list->page);
    if (frame->detail && !frame->detail->is_missing) {
        struct frame_rows one = {.rows = &frame->detail->row, .n = 1};
        add_limits(source, reader, frame, all, &one);
    }
}

/* ---- names of logs ------------------------------------------------------------------ */

/*
 * The engine learns the name of a log with the outcome. While a step runs, or when it was
 * stopped, its log is found by its number: FILE-logs/wf-N/SEQ-name.log.
 */
static bool lacks_log(const struct effect_row *effect)
{
    return effect->log[0] == '\0' && effect->status != STATUS_SKIPPED &&
           strcmp(effect_port(effect->kind), "forge") != 0;
}

static void add_log(struct arena *arena, struct effect_row *effects, size_t n,
                    const char *file)
{
    char *end = NULL;
    long long seq = strtoll(file, &end, 10);
    size_t len = strlen(file);
    if (end == file || (*end != '-' && *end != '.') || len < 5 ||
        strcmp(file + len - 4, ".log") != 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (effects[i].seq == seq && lacks_log(&effects[i]))
            effects[i].log =
                arena_printf(arena, "wf-%lld/%.*s", (long long)effects[i].workflow,
                             (int)(len - 4), file);
}

static void find_logs(const struct config *config, struct arena *arena,
                      struct frame_detail *detail)
{
    size_t n_lacking = 0;
    for (size_t i = 0; i < detail->n_effects; i++)
        n_lacking += lacks_log(&detail->effects[i]);
    if (n_lacking == 0)
        return;
    struct effect_row *effects = arena_array(arena, detail->n_effects, sizeof *effects);
    memcpy(effects, detail->effects, detail->n_effects * sizeof *effects);
    AUTO_FREE char *name = mem_printf("wf-%lld", (long long)detail->row.id);
    AUTO_FREE char *folder = source_log_file(config, name);
    DIR *dir = opendir(folder);
    if (!dir)
        return; /* nothing has been said yet */
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        add_log(arena, effects, detail->n_effects, entry->d_name);
    closedir(dir);
    detail->effects = effects;
}

#define LATER "Not known at that time: it changed since.\n"

/* ---- workflow ---------------------------------------------------------------------- */

static bool read_docs(struct reader *reader, const struct frame_query *query,
                      struct frame_detail *detail, struct arena *arena, struct err *err)
{
    for (int doc = 0; doc < DOC_COUNT; doc++) {
        if (!(query->docs & DOC_BIT(doc)))
            continue;
        const char *text;
        size_t len;
        enum found found = reader_doc(reader, arena, query->workflow, (enum doc_kind)doc,
                                      &text, &len, err);
        if (found == FOUND_FAILED)
            return false;
        if (found == MISSING &&
            reader_doc_is_later(reader, query->workflow, (enum doc_kind)doc))
            detail->docs[doc] = frame_text(arena, LATER, sizeof LATER - 1, false);
        if (found == FOUND)
            detail->docs[doc] = frame_text(arena, text, len, doc == DOC_DIFF);
        detail->docs_read |= DOC_BIT(doc);
    }
    return true;
}

/* Signs of life of what runs: its runner leaves them in the effect's folder. */
static const struct progress *read_progress(const struct config *config,
                                            struct arena *arena,
                                            const struct frame_detail *detail)
{
    for (size_t i = detail->n_effects; i-- > 0;) {
        const struct effect_row *effect = &detail->effects[i];
        if (effect->status != STATUS_PENDING)
            continue;
        AUTO_FREE char *folder =
            mem_printf("%s-work/wf-%lld/fx-%lld", config->store,
                       (long long)effect->workflow, (long long)effect->seq);
        struct progress *progress = arena_alloc(arena, sizeof *progress);
        if (progress_read(folder, progress))
            return progress;
    }
    return NULL;
}

bool source_read_detail(struct source *source, struct reader *reader,
                        const struct frame_query *query, struct frame *frame,
                        struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_detail *detail = arena_alloc(arena, sizeof *detail);
    enum found found = reader_workflow(reader, arena, query->workflow, &detail->row, err);
    if (found == FOUND_FAILED)
        return false;
    detail->row.id = query->workflow;
    detail->is_missing = found == MISSING;
    frame->detail = detail;
    if (detail->is_missing)
        return true;
    size_t max = query->has_all_events ? FRAME_EVENTS_ALL : FRAME_EVENTS;
    if (!reader_last_events(reader, arena, query->workflow, max + 1, &detail->events,
                            &detail->n_events, err) ||
        !reader_effects(reader, arena, query->workflow, &detail->effects,
                        &detail->n_effects, err))
        return false;
    if (detail->n_events > max) {
        detail->has_more_events = true;
        detail->events++;
        detail->n_events--;
    }
    detail->n_spans = frame_spans(arena, detail->events, detail->n_events, &detail->row,
                                  &detail->spans);
    if ((query->parts & PART_DOCS) && !read_docs(reader, query, detail, arena, err))
        return false;
    if (!frame->is_past) /* what runners left beside the store is of now */
        detail->effects =
            checks_look(source->config->store, arena, detail->effects, detail->n_effects);
    find_logs(source->config, arena, detail);
    if ((query->parts & PART_LOG) &&
        !source_read_log(source, reader, query, frame, detail, err))
        return false;
    if (!frame->is_past) /* what a process left is of now */
        detail->progress = read_progress(source->config, arena, detail);
    const struct frame_pipeline *limits =
        source_limits(source, reader, detail->row.pipeline_id);
    if (limits) {
        struct frame_pipeline *copy = arena_alloc(arena, sizeof *copy);
        copy_into_frame(arena, limits, copy);
        detail->pipeline = copy;
    }
    return true;
}
