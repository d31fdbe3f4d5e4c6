/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/monitor/metric.h"
#include "tests/lib/frames.h"

#define SLOTS 136
#define SPAN  INT64_C(3600000)

static struct wall ago(int64_t ms)
{
    return (struct wall){frames_now().ms - ms};
}

/* clang-format off */
static const struct {
    const char *title, *component, *unit;
    double value, swing; /* of its last hour */
    bool is_rate, is_odd;
} series[] = {
    {"engine_cpu_seconds_total", "engine", "ratio", 0.004, 0.002, true, false},
    {"engine_memory_bytes", "engine", "bytes", 24641536, 1048576, false, false},
    {"host_cpu_used_ratio", "host", "ratio", 0.42, 0.3, false, false},
    {"host_network_receive_bytes_total{device=\"eth0\"}", "host", "bytes", 51200, 20000, true,
     false},
    {"service_latency_seconds{service=\"github\"}", "service:github", "seconds", 2.4, 2.1, false,
     true},
    {"service_latency_seconds{service=\"codegen\"}", "service:codegen", "seconds", 0.31, 0.1,
     false, false},
    {"workflow_running", "engine", "", 7, 4, false, false},
    {"workflow_waiting", "engine", "", 0, 0, false, false},
};
/* clang-format on */

static const struct anomaly_row odd = {
    .id = 41,
    .incident = 17,
    .series = "service_latency_seconds{service=\"github\"}",
    .component = "service:github",
    .value = 2.4,
    .low = 0.2,
    .high = 0.6,
    .text = "github answers in 2.4 s, expected 200 ms to 600 ms",
    .rule = "",
    .closed_by = "",
    .detail = "{}",
};

/* A wave, the same with each run. */
static double wave(size_t i, size_t of, double phase)
{
    return 0.5 + 0.35 * sin((double)i * 12 / (double)of + phase) +
           0.15 * sin((double)i * 71 / (double)of);
}

static const double *spark(struct arena *arena, size_t which)
{
    double *means = arena_array(arena, METRIC_SPARK, sizeof *means);
    for (size_t i = 0; i < METRIC_SPARK; i++)
        means[i] =
            i < 5 && which % 2 == 1
                ? (double)NAN
                : series[which].value +
                      series[which].swing * (wave(i, METRIC_SPARK, (double)which) - 1);
    return means;
}

static struct frame_metrics *begin(const struct frame **ret_frame)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_busy(); /* not shared yet */
    struct frame_metrics *data = arena_alloc(frame_arena(frame), sizeof *data);
    data->has_file = true;
    frame->metrics = data;
    *ret_frame = frame;
    return data;
}

const struct frame *frames_metrics(void)
{
    const struct frame *frame;
    struct frame_metrics *data = begin(&frame);
    struct arena *arena = frame_arena((struct frame *)(uintptr_t)frame);
    struct anomaly_row *open = arena_alloc(arena, sizeof *open);
    struct metric_row *rows = arena_array(arena, ARRAY_LEN(series), sizeof *rows);
    *open = odd;
    open->began_at = ago(900000);
    open->seen_at = ago(5000);
    for (size_t i = 0; i < ARRAY_LEN(series); i++)
        rows[i] = (struct metric_row){.id = (int32_t)i,
                                      .title = series[i].title,
                                      .component = series[i].component,
                                      .unit = series[i].unit,
                                      .is_rate = series[i].is_rate,
                                      .newest_at = ago(4000),
                                      .newest = series[i].value,
                                      .spark = spark(arena, i),
                                      .anomaly = series[i].is_odd ? open : NULL};
    data->rows = rows;
    data->n = data->n_all = ARRAY_LEN(series);
    return frame;
}

static const struct plot_slot *slots_of(struct arena *arena, size_t n_past, double value,
                                        double swing, double phase, bool has_trouble)
{
    struct plot_slot *slots = arena_array(arena, SLOTS, sizeof *slots);
    for (size_t i = 0; i < SLOTS; i++) {
        double mean = value + swing * wave(i, SLOTS, phase);
        bool is_bad = has_trouble && i > n_past * 3 / 4;
        bool is_gap = i > 20 && i < 32;
        mean = is_bad ? mean * 4 : mean;
        slots[i] = (struct plot_slot){.mean = mean,
                                      .min = mean * 0.9,
                                      .max = i == 50 ? mean * 2 : mean * 1.1,
                                      .low = value,
                                      .high = value + swing,
                                      .n = i >= n_past || is_gap ? 0 : 4};
        if (i >= n_past) {
            slots[i].low = mean * 0.7;
            slots[i].high = mean * 1.3;
        }
    }
    return slots;
}

const struct frame *frames_chart(size_t n_lines, bool has_forecast)
{
    const struct frame *frame;
    struct frame_metrics *data = begin(&frame);
    struct arena *arena = frame_arena((struct frame *)(uintptr_t)frame);
    struct metric_chart *chart = &data->chart;
    struct anomaly_row *rows = arena_alloc(arena, sizeof *rows);
    size_t n_past = has_forecast ? SLOTS - SLOTS / 5 : SLOTS;
    *chart = (struct metric_chart){.slot = {SPAN / SLOTS},
                                   .n_slots = SLOTS,
                                   .n_past = n_past,
                                   .level = LEVEL_RAW,
                                   .n_lines = n_lines,
                                   .model = has_forecast ? "smooth" : "",
                                   .anomalies = rows,
                                   .n_anomalies = 1};
    chart->from = ago((int64_t)n_past * chart->slot.ms);
    chart->to = (struct wall){chart->from.ms + SLOTS * chart->slot.ms};
    *rows = odd;
    rows->began_at =
        (struct wall){chart->from.ms + (int64_t)n_past * 3 / 4 * chart->slot.ms};
    rows->seen_at = ago(5000);
    for (size_t k = 0; k < n_lines; k++)
        chart->lines[k] =
            (struct metric_line){.id = 4 + (int32_t)k,
                                 .title = series[4 + k].title,
                                 .unit = series[4 + k].unit,
                                 .slots = slots_of(arena, n_past, 0.2 + 0.3 * (double)k,
                                                   0.4, (double)k, k == 0),
                                 .newest = series[4 + k].value,
                                 .newest_at = ago(4000)};
    return frame;
}
