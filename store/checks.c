/* SPDX-License-Identifier: MIT */
#include "store/checks.h"

#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/text.h"

#define RESULT_MAX (256 * 1024)

/* The last one that is asked for beside others, whose folder has the outcomes of all; 0 = none:
 * a workflow has one such effect at most. */
static int64_t find_last(const struct effect_row *rows, size_t n)
{
    int64_t last = 0;
    size_t n_pending = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind == EFFECT_CHECK && rows[i].status == STATUS_PENDING) {
            last = rows[i].seq > last ? rows[i].seq : last;
            n_pending++;
        }
    }
    return n_pending > 1 ? last : 0;
}

static const char *clean(struct arena *arena, const struct json *root, const char *key)
{
    char text[400];
    return arena_str(arena, text_clean_into(text, sizeof(text), json_str(root, key, "")));
}

static void take(struct arena *arena, const struct json *root, struct effect_row *row)
{
    const char *status = json_str(root, "status", "");
    for (int i = STATUS_PENDING + 1; i < STATUS_COUNT; i++) {
        if (strcmp(status, status_name((enum effect_status)i)) == 0) {
            row->status = (enum effect_status)i;
        }
    }
    if (row->status == STATUS_PENDING) {
        return;
    }
    row->summary = clean(arena, root, "summary");
    row->log = clean(arena, root, "log");
    row->provider = clean(arena, root, "provider");
    row->started_at.ms = json_int(root, "started_at.ms", 0);
    row->finished_at.ms = json_int(root, "finished_at.ms", 0);
    row->exit_status = (int)json_int(root, "exit_status", -1);
    row->cpu_ms = json_int(root, "cpu_ms", -1);
    row->peak_rss_kib = json_int(root, "peak_rss_kib", -1);
    row->out_bytes = json_int(root, "out_bytes", -1);
}

const struct effect_row *checks_look(const char *store, struct arena *arena,
                                     const struct effect_row *rows, size_t n)
{
    int64_t last = find_last(rows, n);
    if (last == 0) {
        return rows;
    }
    struct effect_row *copy = arena_array(arena, n, sizeof(*copy));
    memcpy(copy, rows, n * sizeof(*copy));
    for (size_t i = 0; i < n; i++) {
        struct err ignored = ERR_INIT;
        AUTO_FREE char *text = NULL;
        size_t len = 0;
        if (copy[i].kind != EFFECT_CHECK || copy[i].status != STATUS_PENDING) {
            continue;
        }
        AUTO_FREE char *path = mem_printf(
            "%s-work/wf-%lld/fx-%lld/check-%lld/result.json", store,
            (long long)copy[i].workflow, (long long)last, (long long)copy[i].seq);
        struct json *root = file_read(path, RESULT_MAX, &text, &len, &ignored)
                                ? json_parse(text, len, &ignored)
                                : NULL;
        if (root != NULL) {
            take(arena, root, &copy[i]);
        }
        json_free(root);
    }
    return copy;
}
