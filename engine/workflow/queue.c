/* SPDX-License-Identifier: MIT */
#include "engine/workflow/queue.h"

#include "engine/base/mem.h"

struct queue_repo {
    char *name;
    int n_running;
    struct heap waiting[QUEUE_PRIORITIES];
};

struct queue {
    struct queue_repo **repos;
    size_t n_repos, cap_repos;
    size_t n_waiting[QUEUE_PRIORITIES];
};

struct queue *queue_new(void)
{
    return mem_alloc(sizeof(struct queue));
}

void queue_free(struct queue *queue)
{
    if (queue == NULL) {
        return;
    }
    for (size_t i = 0; i < queue->n_repos; i++) {
        for (int p = 0; p < QUEUE_PRIORITIES; p++) {
            heap_fini(&queue->repos[i]->waiting[p]);
        }
        free(queue->repos[i]->name);
        free(queue->repos[i]);
    }
    free(queue->repos);
    free(queue);
}

struct queue_repo *queue_repo(struct queue *queue, const char *name)
{
    for (size_t i = 0; i < queue->n_repos; i++) {
        if (strcmp(queue->repos[i]->name, name) == 0) {
            return queue->repos[i];
        }
    }
    if (queue->n_repos == queue->cap_repos) {
        queue->cap_repos = queue->cap_repos > 0 ? queue->cap_repos * 2 : 8;
        queue->repos =
            mem_grow(queue->repos, queue->cap_repos, sizeof(struct queue_repo *));
    }
    struct queue_repo *repo = mem_alloc(sizeof(*repo));
    repo->name = mem_str(name);
    queue->repos[queue->n_repos++] = repo;
    return repo;
}

const char *queue_repo_name(const struct queue_repo *repo)
{
    return repo->name;
}

void queue_add(struct queue *queue, struct queue_entry *entry, int64_t id)
{
    if (entry->node.place == 0) {
        queue->n_waiting[entry->priority]++;
    }
    heap_put(&entry->repo->waiting[entry->priority], &entry->node, id, 0);
}

void queue_remove(struct queue *queue, struct queue_entry *entry)
{
    if (entry->node.place != 0) {
        queue->n_waiting[entry->priority]--;
        heap_remove(&entry->repo->waiting[entry->priority], &entry->node);
    }
}

void queue_count_running(struct queue_repo *repo, int by)
{
    repo->n_running += by;
}

static struct queue_entry *fairest(const struct queue *queue, int priority)
{
    struct heap_node *best = NULL;
    int best_running = 0;
    for (size_t i = 0; i < queue->n_repos; i++) {
        struct heap_node *first = heap_first(&queue->repos[i]->waiting[priority]);
        int running = queue->repos[i]->n_running;
        if (first != NULL && (best == NULL || running < best_running ||
                              (running == best_running && first->key < best->key))) {
            best = first;
            best_running = running;
        }
    }
    return best != NULL ? HEAP_ITEM(best, struct queue_entry, node) : NULL;
}

struct queue_entry *queue_take(struct queue *queue)
{
    for (int p = QUEUE_PRIORITIES - 1; p >= 0; p--) {
        if (queue->n_waiting[p] > 0) {
            struct queue_entry *entry = fairest(queue, p);
            if (entry != NULL) {
                queue_remove(queue, entry);
            }
            return entry;
        }
    }
    return NULL;
}

size_t queue_len(const struct queue *queue)
{
    size_t n = 0;
    for (int p = 0; p < QUEUE_PRIORITIES; p++) {
        n += queue->n_waiting[p];
    }
    return n;
}
