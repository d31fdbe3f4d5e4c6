/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_SOURCE_IMPL_H
#define SIGNALBOX_TUI_SOURCE_IMPL_H

/* Inside of the source, shared by its files only. */

#include "store/metric_store.h"
#include "tui/source.h"

#define SOURCE_LIMITS_MAX 256 /* pipelines remembered; then the memory starts afresh */

struct source {
    const struct config *config; /* immutable after new */

    struct arena *limits_arena;
    struct frame_pipeline limits[SOURCE_LIMITS_MAX];
    size_t n_limits;

    /* Newest failures. Finding them costs a look at every workflow, so they are kept
     * until the counts say that there are others. */
    struct arena *failed_arena;
    struct frame_rows failed;
    size_t failed_max;
    int64_t failed_key[2];
    bool has_failed;

    struct source_log *log; /* made when a log is first asked for */

    char *metrics_path;
    struct metric_reader *metrics; /* NULL = not open */
    struct source_coming *coming;  /* NULL = not asked for yet */

    struct audit_check *audit; /* NULL = none has begun */
    struct wall audit_begun, audit_ended;
    size_t n_audit_notes;
    bool has_audit_file;

    struct runs *runs;           /* NULL = nobody has asked for them */
    struct arena *insight_arena; /* of `insight` */
    struct insight insight;
    uint64_t insight_of; /* generation of the runs, + 1; 0 = not made yet */
    char insight_text[FRAME_FILTER_MAX];

    struct arena *scratch; /* reset by its user */
};

bool source_read_detail(struct source *source, struct reader *reader,
                        const struct frame_query *query, struct frame *frame,
                        struct err *err);
bool source_read_submit(struct source *source, struct reader *reader,
                        const struct frame_query *query, struct frame *frame,
                        struct err *err);
/* Needs frame->detail. */
bool source_read_trace(struct reader *reader, const struct frame_query *query,
                       struct frame *frame, struct err *err);
bool source_read_services(struct reader *reader, const struct frame_query *query,
                          struct frame *frame, struct err *err);
/* Fine without a metrics file: the report then says that nothing is measured. */
bool source_read_health(struct source *source, struct reader *reader, struct frame *frame,
                        struct err *err);
/* What is coming, into the overview that was read before. */
void source_read_coming(struct source *source, struct frame *frame);
void source_free_coming(struct source *source);
/* One incident, and what is handed over, as the query asks. */
bool source_read_incidents(struct reader *reader, const struct frame_query *query,
                           struct frame *frame, struct err *err);
/* NULL while there is no metrics file. */
struct metric_reader *source_metrics(struct source *source);
bool source_read_metrics(struct source *source, struct reader *reader,
                         const struct frame_query *query, struct frame *frame,
                         struct err *err);
/* Failures, decisions, strategies and one case, as the query asks; and what overview and detail,
 * read before, show of failures. */
bool source_read_recovery(struct reader *reader, const struct frame_query *query,
                          struct frame *frame, struct err *err);
/* Approvals, optimizations, levels as the query asks, totals of them, and what the overview,
 * read before, shows of them. */
bool source_read_approvals(struct reader *reader, const struct frame_query *query,
                           struct frame *frame, struct err *err);
/* What holds work back; the dry run of the approval or optimization that was read before. */
bool source_read_insight(struct source *source, struct reader *reader,
                         const struct frame_query *query, struct frame *frame,
                         struct err *err);
void source_free_insight(struct source *source);
bool source_read_deliveries(struct reader *reader, const struct frame_query *query,
                            struct frame *frame, struct err *err);
bool source_read_audit(struct source *source, struct reader *reader,
                       const struct frame_query *query, struct frame *frame,
                       struct err *err);
/* JSON with a line for each member, as far as it fits. */
void source_indent(struct buf *out, const char *text, size_t len);
/* Limits of the pipelines of all rows in the frame. */
void source_read_limits(struct source *source, struct reader *reader,
                        struct frame *frame);
/* Into detail, which has its effects. */
bool source_read_log(struct source *source, struct reader *reader,
                     const struct frame_query *query, struct frame *frame,
                     struct frame_detail *detail, struct err *err);
void source_drop_log(struct source *source);
void source_free_log(struct source *source);
/* Limits of one pipeline, in the source's own memory; NULL when its text is gone. */
const struct frame_pipeline *source_limits(struct source *source, struct reader *reader,
                                           int64_t pipeline_id);

#endif
