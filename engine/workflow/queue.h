/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_QUEUE_H
#define SIGNALBOX_WORKFLOW_QUEUE_H

/*
 * Queue: who gets the next free slot. Pure.
 *
 * Priority first (9 before 0). Within a priority the repository with the fewest workflows
 * running goes first, so that one repository with a thousand tasks does not starve the
 * others; among equals the oldest (lowest id) goes first. Cost of a choice: one look per
 * repository with something queued.
 *
 * An entry is embedded in the workflow's owner; the queue owns only the repositories.
 */

#include "engine/base/heap.h"

#define QUEUE_PRIORITIES 10

struct queue;
struct queue_repo; /* a repository and its count of running workflows */

struct queue_entry {
    struct heap_node node;
    struct queue_repo *repo;
    int priority;
};

struct queue *queue_new(void);
void queue_free(struct queue *queue);                                 /* accepts NULL */
struct queue_repo *queue_repo(struct queue *queue, const char *name); /* find or make */
const char *queue_repo_name(const struct queue_repo *repo);
/* entry->repo and entry->priority are set by the caller; id gives the age. */
void queue_add(struct queue *queue, struct queue_entry *entry, int64_t id);
void queue_remove(struct queue *queue, struct queue_entry *entry); /* not in: nothing */
/* A slot of this repository was taken (+1) or given back (-1). */
void queue_count_running(struct queue_repo *repo, int by);
/* Whose turn it is, taken out; NULL when nobody waits. */
struct queue_entry *queue_take(struct queue *queue);
size_t queue_len(const struct queue *queue);

#endif
