/* SPDX-License-Identifier: MIT */

/* Spans of every kind, exported by the real thread to a collector that is strict. */
#include <poll.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/telemetry.h"
#include "engine/trace/span.h"
#include "tests/conformance/conform.h"

#define WORKFLOWS 40
#define WAIT_MS   60000

static void add(struct store *store, struct span_row row, int *n)
{
    (void)store_add_span(store, &row);
    (*n)++;
}

/* What one workflow leaves; texts that JSON does not like among it. */
static void add_workflow(struct store *store, struct arena *arena, int64_t id, int *n)
{
    static const char *const titles[] = {
        "plain",          "quotes \" and \\",
        "tab\tnewline\n", "\xE2\x82\xAC \xF0\x9F\x9A\x80",
        "bad \xff\xfe",   ""};
    int64_t at = 1700000000000 + id * 100000;
    struct workflow_row row = {.id = id,
                               .pipeline = "default",
                               .repo = "https://bot:secret@git.example.com/a/b.git",
                               .title = titles[(size_t)id % ARRAY_LEN(titles)],
                               .submitter = "ada",
                               .iteration = 1,
                               .created_at = {at},
                               .branch = "signalbox/x",
                               .base_sha = "",
                               .head_sha = "8f3c2aa91bd04a7e6c5d4e3f2a1b0c9d8e7f6a5b",
                               .merge_sha = "",
                               .pr_number = id % 3,
                               .reason = "",
                               .service = ""};
    for (int s = STATE_IDLE; s <= STATE_PARKED; s++) {
        row.state = (enum workflow_state)s;
        row.state_since.ms = at + s * 1000;
        if (state_is_final(row.state)) {
            continue;
        }
        add(store, span_of_state(arena, &row, (struct wall){at + s * 1000 + 900}), n);
        const struct effect_row effect = {
            .workflow = id,
            .seq = s + 1,
            .kind = EFFECT_CHECK,
            .status = (enum effect_status)(1 + s % (STATUS_COUNT - 1)),
            .name = "unit tests",
            .iteration = 1,
            .attempt = 1,
            .asked_at = row.state_since,
            .started_at = {row.state_since.ms + 5},
            .finished_at = {row.state_since.ms + 800},
            .params = "{}",
            .summary = titles[(size_t)s % 5],
            .log = "",
            .exit_status = s,
            .cpu_ms = INT64_MAX,
            .peak_rss_kib = -1,
            .out_bytes = 0,
            .provider = "local"};
        add(store, span_of_step(arena, &row, &effect), n);
        struct trace_context step = trace_of_step(&row, s + 1);
        struct span_call call = {
            .workflow = id,
            .seq = s + 1,
            .context = trace_of_call(&step, "github_api", s, row.state_since),
            .service = "github_api",
            .kind = "github",
            .name = "pulls.get",
            .method = "GET",
            .url = "https://api.github.com:443/repos/a/b?token=x",
            .start_us = row.state_since.ms * 1000 + 7,
            .end_us = row.state_since.ms * 1000 + 1007,
            .attempt = 2,
            .status = s % 2 == 0 ? 200 : 0,
            .fault = s % 2 == 0 ? "" : "timeout",
            .sent_bytes = 0,
            .got_bytes = -1};
        memcpy(call.parent, step.span, sizeof(call.parent));
        add(store, span_of_call(arena, &call), n);
    }
    static const enum workflow_state ends[] = {STATE_COMPLETED, STATE_FAILED,
                                               STATE_CANCELLED, STATE_ROLLED_BACK};
    row.state = ends[(size_t)id % ARRAY_LEN(ends)];
    row.finished_at.ms = at + 20000;
    add(store, span_of_workflow(arena, &row), n);
}

void conform_otlp(const char *endpoint, const char *path)
{
    struct err err = ERR_INIT;
    struct telemetry_figures figures = {0};
    int n = 0;
    struct arena *arena = arena_new();
    struct store *store = store_open(path, STORE_OFF, &err);
    if (store == NULL) {
        report(false, "a store", err.msg);
        return;
    }
    for (int64_t id = 1; id <= WORKFLOWS; id++) {
        add_workflow(store, arena, id, &n);
    }
    bool is_kept = store_commit(store, &err);
    const struct otlp_spec spec = {
        .endpoint = (char *)(uintptr_t)endpoint, .interval = {20}, .batch = 100};
    const struct telemetry_options options = {
        .store = path, .environment = "conformance", .otlps = &spec, .n_otlps = 1};
    struct telemetry *telemetry = is_kept ? telemetry_start(&options, &err) : NULL;
    for (int i = 0; telemetry != NULL && i < WAIT_MS / 10; i++) {
        telemetry_figures(telemetry, &figures);
        if (figures.spans_exported + figures.spans_dropped >= n) {
            break;
        }
        (void)poll(NULL, 0, 10); /* let it work */
    }
    telemetry_stop(telemetry);
    char why[WHY_MAX];
    (void)snprintf(why, sizeof(why), "%lld of %d taken, %lld refused %s",
                   (long long)figures.spans_exported, n, (long long)figures.spans_dropped,
                   err.msg);
    report(figures.spans_exported == n, "a strict collector takes every span", why);
    store_close(store);
    arena_free(arena);
}
