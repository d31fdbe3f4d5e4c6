/* SPDX-License-Identifier: MIT */
/*
 * One read transaction per frame: the parts agree with each other. Overview and list cost
 * a few index range scans of at most a screen or two of rows each; nothing is counted.
 */
#include "tui/source.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "engine/base/file.h"
#include "engine/base/findings.h"
#include "engine/base/json.h"
#include "engine/control/config.h"
#include "engine/workflow/pipeline.h"
#include "tui/source_impl.h"

#define LIVE_MASK                                                                        \
    (STATE_BIT(STATE_PLANNING) | STATE_BIT(STATE_CODING) | STATE_BIT(STATE_PR_CREATED) | \
     STATE_BIT(STATE_VALIDATING))
#define LIVE_MAX      256 /* rows for the track's marks */
#define MOVES_MAX     64
#define INCIDENTS_MAX 8
#define HOUR_MS       (3600 * 1000)

struct source *source_new(const struct config *config)
{
    struct source *source = mem_alloc(sizeof *source);
    source->config = config;
    source->limits_arena = arena_new();
    source->scratch = arena_new();
    source->failed_arena = arena_new();
    source->metrics_path = metric_store_path(config->store);
    return source;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    source_free_log(source);
    audit_check_free(source->audit);
    source_free_insight(source);
    source_free_coming(source);
    arena_free(source->limits_arena);
    arena_free(source->scratch);
    arena_free(source->failed_arena);
    metric_reader_close(source->metrics);
    free(source->metrics_path);
    free(source);
}

void source_forget(struct source *source)
{
    source->has_failed = false;
}

/* ---- engine ------------------------------------------------------------------------ */

static void read_engine(struct reader *reader, struct frame *frame)
{
    struct arena *arena = frame_arena(frame);
    const char *text = reader_setting(reader, arena, "engine");
    frame->engine.fault = reader_setting(reader, arena, "fault");
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    if (!root)
        return; /* never run, or not written yet: unknown */
    if (frame->engine.pid == 0)
        frame->engine.pid = (int)json_int(root, "pid", 0);
    frame->engine.version = arena_str(arena, json_str(root, "version", ""));
    frame->engine.max_running = (int)json_int(root, "max_running", 0);
    frame->engine.admitted = (int)json_int(root, "admitted", 0);
    frame->engine.started_at.ms = json_int(root, "started_at", 0);
    const char *started = json_str(root, "started_at", NULL);
    struct wall at;
    if (started && wall_parse(started, &at))
        frame->engine.started_at = at;
    const char *state = json_str(root, "state", "");
    if (frame->engine.health == ENGINE_RUNNING && strcmp(state, "draining") == 0)
        frame->engine.health = ENGINE_DRAINING;
    json_free(root);
}

/* ---- overview ---------------------------------------------------------------------- */

static bool list_some(struct reader *reader, struct arena *arena,
                      const struct list_query *query, size_t max, struct frame_rows *ret,
                      struct err *err)
{
    struct list_query ask = *query;
    ask.max = max + 1; /* one more tells whether there is more */
    if (!reader_list(reader, arena, &ask, &ret->rows, &ret->n, err))
        return false;
    ret->has_more = ret->n > max;
    if (ret->has_more)
        ret->n = max;
    return true;
}

/* The newest failures; see source_impl.h. Needs totals and hours. */
static bool read_failed(struct source *source, struct reader *reader, size_t max,
                        const struct frame *frame, const struct frame_overview *over,
                        struct err *err)
{
    int64_t n_failed = 0;
    for (int i = 0; i < FRAME_HOURS; i++)
        n_failed += over->hours[i].failed;
    int64_t key[2] = {frame->totals.by_state[STATE_FAILED], n_failed};
    if (source->has_failed && memcmp(source->failed_key, key, sizeof key) == 0 &&
        source->failed_max >= max)
        return true;
    struct list_query query = {
        .states = STATE_BIT(STATE_FAILED), .sort = SORT_AGE, .is_reversed = true};
    source->has_failed = false;
    arena_reset(source->failed_arena);
    source->failed = (struct frame_rows){0};
    if (key[0] > 0 &&
        !list_some(reader, source->failed_arena, &query, max, &source->failed, err))
        return false;
    memcpy(source->failed_key, key, sizeof key);
    source->failed_max = max;
    source->has_failed = true;
    return true;
}

/* Recovering first: something can still be done; then what failed within a day. */
static bool read_wrong(struct source *source, struct reader *reader, size_t max,
                       struct frame *frame, struct frame_overview *over, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_rows recovering;
    struct list_query query = {
        .states = STATE_BIT(STATE_RECOVERING), .sort = SORT_AGE, .is_reversed = true};
    if (!list_some(reader, arena, &query, max, &recovering, err) ||
        !read_failed(source, reader, max, frame, over, err))
        return false;
    struct frame_rows failed = frame_copy_rows(arena, &source->failed);
    if (failed.n > 0)
        over->last_failed_at = failed.rows[0].state_since;
    size_t n_new = 0;
    while (n_new < failed.n && frame->taken_at.ms - failed.rows[n_new].state_since.ms <
                                   FRAME_HOURS * (int64_t)HOUR_MS)
        n_new++;
    struct workflow_row *rows = arena_array(arena, recovering.n + n_new, sizeof *rows);
    for (size_t i = 0; i < recovering.n; i++)
        rows[i] = recovering.rows[i];
    for (size_t i = 0; i < n_new; i++)
        rows[recovering.n + i] = failed.rows[i];
    over->wrong = (struct frame_rows){
        .rows = rows,
        .n = recovering.n + n_new,
        .has_more = recovering.has_more || (failed.has_more && n_new == failed.n),
    };
    return true;
}

static bool read_moves(struct reader *reader, struct arena *arena,
                       struct frame_overview *over, struct err *err)
{
    const struct event_row *events;
    size_t n;
    if (!reader_last_events(reader, arena, 0, MOVES_MAX, &events, &n, err))
        return false;
    struct event_row *moves = arena_array(arena, n, sizeof *moves);
    for (size_t i = 0; i < n; i++)
        if (events[i].workflow != 0 && events[i].from != events[i].to)
            moves[over->n_moves++] = events[i];
    over->moves = moves;
    return true;
}

static bool read_hours(struct reader *reader, struct frame *frame,
                       struct frame_overview *over, struct err *err)
{
    const struct hour_row *hours;
    over->last_hour = frame->taken_at.ms / HOUR_MS;
    if (!reader_hours(reader, frame_arena(frame), over->last_hour - FRAME_HOURS + 1,
                      over->last_hour, &hours, err))
        return false;
    for (int i = 0; i < FRAME_HOURS; i++)
        over->hours[i] = hours[i];
    return true;
}

static bool read_overview(struct source *source, struct reader *reader,
                          const struct frame_query *query, struct frame *frame,
                          struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_overview *over = arena_alloc(arena, sizeof *over);
    size_t max = query->n_rows > 0 ? (size_t)query->n_rows : 1;
    struct list_query needs = {.needs_human = true, .sort = SORT_AGE};
    struct list_query live = {.states = LIVE_MASK, .sort = SORT_AGE};
    struct incident_query incidents = {.is_open = true, .max = INCIDENTS_MAX};
    if (!read_hours(reader, frame, over, err) ||
        !list_some(reader, arena, &needs, max, &over->needs, err) ||
        !read_wrong(source, reader, max, frame, over, err) ||
        !list_some(reader, arena, &live, LIVE_MAX, &over->live, err) ||
        !read_moves(reader, arena, over, err) ||
        !reader_incidents(reader, arena, &incidents, &over->incidents, &over->n_incidents,
                          err))
        return false;
    frame->overview = over;
    if (!query->past.is_on) /* what was coming then, nobody knows */
        source_read_coming(source, frame);
    return true;
}

/* ---- list -------------------------------------------------------------------------- */

/* Known without counting only where the writer's totals say it. */
static int64_t count_all(const struct frame_query *query, const struct frame *frame)
{
    if (query->text[0] != '\0' || !frame->has_totals)
        return -1;
    if (query->needs_human)
        return query->states == 0 ? frame_needs_human(frame) : -1;
    if (query->states == 0)
        return frame->totals.n_workflows;
    int64_t n = 0;
    for (int s = 0; s < STATE_COUNT; s++)
        if (query->states & STATE_BIT(s))
            n += frame->totals.by_state[s];
    return n;
}

static void reverse(struct workflow_row *rows, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct workflow_row swap = rows[i];
        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = swap;
    }
}

/* The page around the anchor: some rows backwards from it, then forwards from the first
 * of those, so that the anchor itself is in it exactly when it still matches. */
static bool read_page(struct reader *reader, struct arena *arena,
                      const struct frame_query *query, struct frame_list *list,
                      struct err *err)
{
    struct list_query ask = {.states = query->states,
                             .needs_human = query->needs_human,
                             .text = query->text[0] ? query->text : NULL,
                             .sort = query->sort,
                             .is_reversed = query->is_reversed};
    size_t n_before = query->n_before > 0 ? (size_t)query->n_before : 0;
    size_t n_after = query->n_after > 0 ? (size_t)query->n_after : 0;
    if (query->anchor == 0 && !query->is_from_end) {
        if (!list_some(reader, arena, &ask, n_before + n_after + 1, &list->page, err))
            return false;
        list->has_after = list->page.has_more;
        return true;
    }
    struct frame_rows back;
    struct list_query backwards = ask;
    backwards.is_reversed = !ask.is_reversed;
    backwards.after_id = query->anchor;
    if (query->is_from_end && query->anchor == 0)
        n_before += n_after;
    if (!list_some(reader, arena, &backwards, n_before, &back, err))
        return false;
    list->has_before = back.has_more;
    if (query->anchor == 0) {
        struct workflow_row *rows = arena_array(arena, back.n, sizeof *rows);
        for (size_t i = 0; i < back.n; i++)
            rows[i] = back.rows[i];
        reverse(rows, back.n);
        list->page = (struct frame_rows){rows, back.n, false};
        return true;
    }
    /* From the row before the page: the extra one of `backwards`, or the very start. */
    ask.after_id = back.has_more ? back.rows[back.n].id : 0;
    if (!list_some(reader, arena, &ask, back.n + 1 + n_after, &list->page, err))
        return false;
    list->has_after = list->page.has_more;
    return true;
}

static bool read_list(struct reader *reader, const struct frame_query *query,
                      struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_list *list = arena_alloc(arena, sizeof *list);
    if (!read_page(reader, arena, query, list, err))
        return false;
    list->n_all = count_all(query, frame);
    list->taken_at = frame->taken_at;
    frame->list = list;
    return true;
}

/* ---- status ------------------------------------------------------------------------ */

static int64_t size_of(const char *path, const char *suffix)
{
    AUTO_FREE char *full = mem_printf("%s%s", path, suffix);
    struct stat st;
    return stat(full, &st) == 0 ? (int64_t)st.st_size : -1;
}

void source_read_status(struct source *source, struct reader *reader, struct frame *frame)
{
    struct arena *arena = frame_arena(frame);
    struct frame_status *status = arena_alloc(arena, sizeof *status);
    const char *path = source->config->store;
    status->store_path = arena_str(arena, path);
    status->store_bytes = size_of(path, "");
    status->wal_bytes = size_of(path, "-wal");
    status->schema = store_schema_version();
    status->is_lease_held = lease_is_held(path, &status->lease_pid);
    status->log_dir = arena_printf(arena, "%s-logs", path);
    struct statvfs vfs;
    status->free_bytes =
        statvfs(path, &vfs) == 0 ? (int64_t)(vfs.f_bavail * (uint64_t)vfs.f_frsize) : -1;
    status->version = reader ? reader_version(reader) : -1;
    frame->status = status;
}

/* ---- all
 * -------------------------------------------------------------------------------------
 */

static bool read_parts(struct source *source, struct reader *reader,
                       const struct frame_query *query, struct frame *frame,
                       struct err *err)
{
    if (!reader_totals(reader, &frame->totals, err))
        return false;
    frame->has_totals = true;
    read_engine(reader, frame);
    if ((query->parts & PART_OVERVIEW) &&
        !read_overview(source, reader, query, frame, err))
        return false;
    if ((query->parts & PART_LIST) && !read_list(reader, query, frame, err))
        return false;
    if ((query->parts & PART_DETAIL) && query->workflow != 0 &&
        !source_read_detail(source, reader, query, frame, err))
        return false;
    if ((query->parts & PART_TRACE) && frame->detail &&
        !source_read_trace(reader, query, frame, err))
        return false;
    if ((query->parts & PART_SUBMIT) &&
        !source_read_submit(source, reader, query, frame, err))
        return false;
    if ((query->parts & PART_SERVICES) &&
        !source_read_services(reader, query, frame, err))
        return false;
    if ((query->parts & PART_DELIVERIES) &&
        !source_read_deliveries(reader, query, frame, err))
        return false;
    if ((query->parts & PART_AUDIT) &&
        !source_read_audit(source, reader, query, frame, err))
        return false;
    if ((query->parts & PART_METRICS) &&
        !source_read_metrics(source, reader, query, frame, err))
        return false;
    if ((query->parts & PART_HEALTH) && !source_read_health(source, reader, frame, err))
        return false;
    if (!source_read_incidents(reader, query, frame, err) ||
        !source_read_recovery(reader, query, frame, err) ||
        !source_read_approvals(reader, query, frame, err) ||
        !source_read_insight(source, reader, query, frame, err))
        return false;
    if (query->parts & PART_STATUS)
        source_read_status(source, reader, frame);
    if (!(query->parts & PART_LOG))
        source_drop_log(source);
    source_read_limits(source, reader, frame);
    return true;
}

bool source_read(struct source *source, struct reader *reader,
                 const struct frame_query *query, struct frame *frame, struct err *err)
{
    if (!reader_begin(reader, err))
        return false;
    bool is_done = read_parts(source, reader, query, frame, err);
    reader_end(reader);
    return is_done;
}
