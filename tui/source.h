/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_SOURCE_H
#define SIGNALBOX_TUI_SOURCE_H

/*
 * Source: reads the parts of a frame from an open store.
 *
 * Keeps what is worth keeping between frames: limits of pipelines (their text never
 * changes), the log that is open, the last search in it.
 *
 * Threads: feed thread only. Errors: what the store cannot give is returned as err, and
 * the frame has the parts read so far; a missing workflow, document or log is no error.
 */

#include "engine/base/err.h"
#include "tui/frame.h"

struct config;
struct source;

NODISCARD struct source *source_new(const struct config *config);
void source_free(struct source *source); /* accepts NULL */

/* Fill frame with totals and the parts of query, in one read transaction. */
NODISCARD bool source_read(struct source *source, struct reader *reader,
                           const struct frame_query *query, struct frame *frame,
                           struct err *err);
/* What was remembered is of another moment: past_read.h. */
void source_forget(struct source *source);
/* PART_STATUS alone: what can be said without a reader too (reader NULL). */
void source_read_status(struct source *source, struct reader *reader,
                        struct frame *frame);

/* Path of the log that the last frame showed, "" = none; for following it. */
const char *source_log_path(const struct source *source);
/* True when that log grew since it was read, or is not there yet. */
bool source_log_grew(struct source *source);
/* A search, a filter or a comparison goes on between two frames, so that neither waits for the
 * other: source_work does a few milliseconds of it; true when the next frame can tell more. */
bool source_has_work(const struct source *source);
bool source_work(struct source *source);

/* Path of an effect's log below the store's log folder; malloc'd. */
NODISCARD char *source_log_file(const struct config *config, const char *log);

/* Find, read and check a pipeline for submission. Findings are added as lines. Used by
 * the form and by feed_submit. ret_text is malloc'd. */
struct pipeline;
struct findings;
NODISCARD bool source_find_pipeline(struct source *source, struct reader *reader,
                                    const char *name, const char *repo,
                                    struct pipeline **ret_pipeline, char **ret_text,
                                    struct findings *findings, struct err *err);
/* What is wrong with a repository, for people; false when nothing is. */
bool source_repo_problem(const char *repo, char *text, size_t cap);

#endif
