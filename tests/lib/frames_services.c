/* SPDX-License-Identifier: MIT */
#include "tests/lib/frames.h"

#define MINUTE 60000

static struct wall ago(int64_t ms)
{
    return (struct wall){frames_now().ms - ms};
}

/* clang-format off */
static const struct {
    const char *name, *kind;
    enum breaker_state state;
    int64_t since, until; /* ms before and after now; 0 = none */
    const char *reason, *detail;
} services[] = {
    {"codegen_api", "codegen", BREAKER_CLOSED, 5 * 3600000, 0, "",
     "{\"url\":\"https://api.codegen.com\",\"window\":{\"kind\":\"consecutive\",\"calls\":64,"
     "\"failures\":0,\"failure_percent\":0,\"slow_percent\":3,"
     "\"recent\":\"..........s...............................\"},"
     "\"latency_ms\":{\"n\":420,\"p50\":610,\"p95\":1840,\"p99\":2950},"
     "\"bulkhead\":{\"limit\":16,\"in_flight\":3,\"waiting\":0,\"refused\":0},"
     "\"rate\":{\"limit\":600,\"remaining\":412,\"reset_at\":1795356907000,\"creates_left\":7},"
     "\"retry\":{\"left_percent\":80,\"repeats\":3},\"fallback\":null,"
     "\"endpoints\":[{\"name\":\"runs.get\",\"calls\":380,\"errors\":0,\"p95_ms\":900},"
     "{\"name\":\"runs.create\",\"calls\":12,\"errors\":0,\"p95_ms\":2900}],"
     "\"errors\":[],\"mesh\":{\"healthy_percent\":null},\"probe\":null,\"snapshots\":\"\"}"},
    {"github_api", "github", BREAKER_FORCED_OPEN, 9 * MINUTE, 11 * MINUTE,
     "ada: their status page says that merges are delayed",
     "{\"url\":\"https://api.github.com\",\"window\":{\"kind\":\"consecutive\",\"calls\":31,"
     "\"failures\":1,\"failure_percent\":3,\"slow_percent\":0,\"recent\":\"...........x\"},"
     "\"latency_ms\":{\"n\":3120,\"p50\":118,\"p95\":240,\"p99\":910},"
     "\"bulkhead\":{\"limit\":50,\"in_flight\":0,\"waiting\":2,\"refused\":0},"
     "\"rate\":{\"limit\":5000,\"remaining\":3911,\"reset_at\":1795357387000},"
     "\"retry\":{\"left_percent\":95,\"repeats\":8},\"fallback\":null,\"endpoints\":[],"
     "\"errors\":[],\"mesh\":{\"healthy_percent\":100},\"probe\":null,\"snapshots\":\"\"}"},
    {"grainchain", "grainchain", BREAKER_HALF_OPEN, 20000, 0,
     "the stay in open was over",
     "{\"url\":\"\",\"window\":{\"kind\":\"consecutive\",\"calls\":9,\"failures\":3,"
     "\"failure_percent\":33,\"slow_percent\":0,\"recent\":\"......xxx\"},"
     "\"latency_ms\":{\"n\":9,\"p50\":41000,\"p95\":131000,\"p99\":131000},"
     "\"bulkhead\":{\"limit\":4,\"in_flight\":1,\"waiting\":0,\"refused\":5},"
     "\"snapshots\":\"none\"}"},
    {"web_eval_agent", "web_eval", BREAKER_OPEN, 4 * MINUTE, 72000,
     "2 failures in a row: the server ended before it answered",
     "{\"url\":\"\",\"window\":{\"kind\":\"consecutive\",\"calls\":5,\"failures\":2,"
     "\"failure_percent\":40,\"slow_percent\":0,\"recent\":\"...xx\"},"
     "\"latency_ms\":{\"n\":5,\"p50\":61000,\"p95\":95000,\"p99\":95000},"
     "\"bulkhead\":{\"limit\":2,\"in_flight\":0,\"waiting\":0,\"refused\":0},"
     "\"fallback\":{\"to\":\"web_eval_cli\",\"since\":1795355947000,\"n\":3},"
     "\"errors\":[{\"at\":1795355940000,\"call\":\"evaluate\","
     "\"text\":\"the server ended before it answered\"},"
     "{\"at\":1795355947000,\"call\":\"evaluate\",\"text\":\"no answer within 5m\"}],"
     "\"probe\":{\"at\":1795356100000,\"ok\":false}}"},
};
/* clang-format on */

/* clang-format off */
static const struct {
    const char *event, *action, *repo, *text;
    int64_t pull, workflow;
    enum delivery_status status;
    int repeats;
    size_t size;
} deliveries[] = {
    {"check_run",    "completed",   "acme/payments", "unit tests: success",                        482, 2207,
     DELIVERY_ACCEPTED,                                                                                        0, 9120 },
    {"",             "",            "acme/payments", "lint: success, found by asking",             482, 2207,
     DELIVERY_RECONCILED,                                                                                      0, 0    },
    {"pull_request", "synchronize", "acme/payments", "head 8f3c2aa91bd0",                          482, 2207,
     DELIVERY_ACCEPTED,                                                                                        2, 21370},
    {"star",         "created",     "acme/shop",     "",                                           0,   0,
     DELIVERY_IGNORED,                                                                                         0, 7210 },
    {"push",         "",            "acme/payments", "signalbox/wf-2207",                          0,   2207,
     DELIVERY_ACCEPTED,                                                                                        0, 6800 },
    {"ping",         "",            "acme/payments", "Approachable is better than simple.",        0,   0,
     DELIVERY_ACCEPTED,                                                                                        0, 7000 },
};
/* clang-format on */

const struct frame *frames_services(void)
{
    static const char body[] = "{\n  \"action\": \"completed\",\n  \"check_run\": {\n    "
                               "\"name\": \"unit tests\",\n"
                               "    \"conclusion\": \"success\"\n  }\n}\n";
    struct frame *frame = (struct frame *)(uintptr_t)frames_busy();
    struct arena *arena = frame_arena(frame);
    struct frame_services *list = arena_alloc(arena, sizeof *list);
    struct frame_service *rows = arena_array(arena, ARRAY_LEN(services), sizeof *rows);
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        rows[i].row = (struct service_row){
            .name = services[i].name,
            .kind = services[i].kind,
            .state = services[i].state,
            .since = ago(services[i].since),
            .until = services[i].until != 0 ? ago(-services[i].until) : (struct wall){0},
            .reason = services[i].reason,
            .detail = services[i].detail,
            .memo = "{}",
            .updated_at = ago(1000),
        };
        service_detail_parse(arena, rows[i].row.detail, &rows[i].detail);
    }
    *list = (struct frame_services){rows, ARRAY_LEN(services)};
    frame->services = list;

    struct frame_deliveries *data = arena_alloc(arena, sizeof *data);
    struct delivery_row *all = arena_array(arena, ARRAY_LEN(deliveries), sizeof *all);
    for (size_t i = 0; i < ARRAY_LEN(deliveries); i++)
        all[i] = (struct delivery_row){
            .seq = 900 - (int64_t)i,
            .at = ago((int64_t)i * 37000 + 4000),
            .guid = deliveries[i].size > 0 ? "72d3162e-cc78-11e3-81ab-4c9367dc0958" : "",
            .event = deliveries[i].event,
            .action = deliveries[i].action,
            .repository = deliveries[i].repo,
            .pull = deliveries[i].pull,
            .sha = deliveries[i].pull ? "8f3c2aa91bd04a7e6c5d4e3f2a1b0c9d8e7f6a5b" : "",
            .workflow = deliveries[i].workflow,
            .status = deliveries[i].status,
            .repeats = deliveries[i].repeats,
            .text = deliveries[i].text,
            .body_len = deliveries[i].size,
        };
    *data = (struct frame_deliveries){
        .rows = all,
        .n = ARRAY_LEN(deliveries),
        .one = all[0],
        .body = frame_text(arena, body, sizeof body - 1, false),
    };
    frame->deliveries = data;
    frame->totals.by_delivery[DELIVERY_ACCEPTED] = 4120;
    frame->totals.by_delivery[DELIVERY_IGNORED] = 311;
    frame->totals.by_delivery[DELIVERY_DUPLICATE] = 12;
    frame->totals.by_delivery[DELIVERY_REJECTED] = 3;
    frame->totals.by_delivery[DELIVERY_RECONCILED] = 5;
    frame->totals.by_wait[WAIT_SERVICE] = 3;
    return frame;
}
