/* SPDX-License-Identifier: MIT */

/* Texts of /proc and of control groups: any bytes give numbers that make sense, or none. */
#include <math.h>

#include "engine/base/mem.h"
#include "engine/monitor/collect_parse.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), path[COLLECT_PATH_MAX];
    struct device_figures devices[COLLECT_DEVICES_MAX];
    memcpy(text, data, size);
    text[size] = '\0';
    struct cpu_times cpu = collect_parse_stat(text);
    MUST(isnan(cpu.total) == isnan(cpu.idle) && !(cpu.total < cpu.idle));
    struct memory_figures memory = collect_parse_meminfo(text);
    MUST(!(memory.total < 0) && !(memory.swap_free < 0));
    struct pressure_figures pressure = collect_parse_pressure(text);
    MUST(!(pressure.some < 0) && !(pressure.some > 1) && !(pressure.full > 1));
    MUST(!(collect_parse_load(text) < 0));
    MUST(!(collect_parse_file_nr(text) < 0));
    MUST(!(collect_parse_number(text) > 4.7e18));
    size_t n = collect_parse_net(text, devices);
    MUST(n <= COLLECT_DEVICES_MAX);
    for (size_t i = 0; i < n; i++) {
        MUST(strlen(devices[i].name) > 0 && devices[i].received >= 0);
    }
    struct process_figures self = collect_parse_self(text);
    MUST(!(self.ticks < 0) && !(self.threads < 0) && !(self.pages < 0));
    static const char *const controllers[] = {"", "memory", "cpu"};
    for (size_t i = 0; i < 3; i++) {
        MUST(strlen(collect_parse_group(text, controllers[i], path)) < COLLECT_PATH_MAX);
        MUST(path[0] == '\0' || path[0] == '/');
    }
    free(text);
    return 0;
}
