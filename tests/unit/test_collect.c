/* SPDX-License-Identifier: MIT */
/* Texts of several kernels to numbers, and this machine's own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/monitor/collect.h"
#include "engine/monitor/collect_parse.h"
#include "tests/lib/place.h"

static void test_stat(void **state)
{
    (void)state;
    struct cpu_times t = collect_parse_stat("cpu  10 2 3 80 5 0 1 4 6 0\ncpu0 1 1 1 1\n");
    assert_true(t.total == 105 && t.idle == 80 && t.iowait == 5 && t.steal == 4);
    t = collect_parse_stat("cpu  10 2 3 80\n"); /* Linux 2.4 */
    assert_true(t.total == 95 && t.idle == 80 && isnan(t.iowait) && isnan(t.steal));
    t = collect_parse_stat("cpu  10 2 3\n");
    assert_true(isnan(t.total) && isnan(t.idle));
    t = collect_parse_stat("cpu0 1 2 3 4\n");
    assert_true(isnan(t.total));
}

static void test_meminfo(void **state)
{
    (void)state;
    struct memory_figures m = collect_parse_meminfo("MemTotal:        1000 kB\n"
                                                    "MemFree:          100 kB\n"
                                                    "MemAvailable:     400 kB\n"
                                                    "SwapCached:         7 kB\n"
                                                    "SwapTotal:         50 kB\n"
                                                    "SwapFree:          25 kB\n");
    assert_true(m.total == 1024000 && m.available == 409600);
    assert_true(m.swap_total == 51200 && m.swap_free == 25600);
    m = collect_parse_meminfo("MemTotal: 1000 kB\nMemFree: 100 kB\n"); /* before 3.14 */
    assert_true(m.total == 1024000 && isnan(m.available) && isnan(m.swap_total));
}

static void test_pressure(void **state)
{
    (void)state;
    struct pressure_figures p =
        collect_parse_pressure("some avg10=12.50 avg60=1.00 avg300=0.10 total=123\n"
                               "full avg10=0.25 avg60=0.00 avg300=0.00 total=9\n");
    assert_true(p.some == 0.125 && p.full == 0.0025);
    p = collect_parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    assert_true(p.some == 0 && isnan(p.full)); /* cpu before 5.13 */
    p = collect_parse_pressure("");
    assert_true(isnan(p.some) && isnan(p.full));
}

static void test_others(void **state)
{
    (void)state;
    assert_true(collect_parse_load("0.75 0.68 0.97 1/123 4567\n") == 0.75);
    assert_true(isnan(collect_parse_load("")));
    assert_true(collect_parse_file_nr("300\t100\t1000\n") == 0.2);
    assert_true(isnan(collect_parse_file_nr("300\t0\t0\n")));
    assert_true(collect_parse_number("4096\n") == 4096);
    assert_true(isnan(collect_parse_number("max\n")));
    assert_true(isnan(collect_parse_number("9223372036854771712\n")));
    assert_true(collect_parse_number("0\n") == 0);
    struct process_figures f =
        collect_parse_self("42 (a ) b (c) R 1 42 42 0 -1 4194304 100 0 0 0 70 30 0 0 20 "
                           "0 7 0 999 1000000 250 "
                           "18446744073709551615 1 1\n");
    assert_true(f.ticks == 100 && f.threads == 7 && f.pages == 250);
    f = collect_parse_self("42 (x) R 1 42 42\n");
    assert_true(isnan(f.ticks) && isnan(f.threads) && isnan(f.pages));
    f = collect_parse_self("42 (x)");
    assert_true(isnan(f.ticks));
}

static void test_net(void **state)
{
    (void)state;
    struct device_figures d[COLLECT_DEVICES_MAX];
    size_t n = collect_parse_net(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
        "packets\n"
        "    lo:     500       5    0    0    0     0          0         0      500      "
        " 5\n"
        "  eth0:1000       5    0    0    0     0          0         0      2000       5 "
        "0\n"
        "veth12: 1 1 0 0 0 0 0 0 1 1\n"
        "br-x: 7 0 0\n",
        d);
    assert_int_equal(n, 2);
    assert_string_equal(d[0].name, "eth0");
    assert_true(d[0].received == 1000 && d[0].sent == 2000);
    assert_true(d[1].received == 7 && isnan(d[1].sent));
}

static void test_group(void **state)
{
    (void)state;
    char path[COLLECT_PATH_MAX];
    static const char both[] =
        "9:name=systemd:/\n4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/d\n";
    assert_string_equal(collect_parse_group(both, "memory", path), "/a/b");
    assert_string_equal(collect_parse_group(both, "cpu", path), "/c");
    assert_string_equal(collect_parse_group(both, "cpuacct", path), "/c");
    assert_string_equal(collect_parse_group(both, "pids", path), "");
    assert_string_equal(collect_parse_group(both, "", path), "/d");
    assert_string_equal(collect_parse_group("0::/../other\n", "", path), "");
    assert_string_equal(collect_parse_group("0:", "", path), "");
    assert_true(
        collect_parse_field("usage_usec 5\nthrottled_usec 77\n", "throttled_usec") == 77);
    assert_true(isnan(collect_parse_field("inactive_files 5\n", "inactive_file")));
}

static void write_text(const struct place *place, const char *path, const char *text)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *whole = mem_printf("%s/root%s", place->folder, path);
    AUTO_FREE char *folder = mem_str(whole);
    *strrchr(folder, '/') = '\0';
    assert_true(file_make_dirs(folder, &err));
    assert_true(file_write(whole, text, strlen(text), &err));
}

static double newest(const struct series_set *set, const char *name, const char *labels)
{
    struct wall at;
    double value;
    int32_t id = series_find(set, name, labels);
    return id != SERIES_NONE && series_newest(set, id, &at, &value) ? value : (double)NAN;
}

/* A machine made of files: a container under v2 with a limit. */
static void test_round(void **state)
{
    struct place *place = *state;
    write_text(place, "/proc/stat", "cpu  10 0 0 90 0 0 0 0\n");
    write_text(place, "/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n");
    write_text(place, "/proc/pressure/io", "some avg10=50.00 avg60=0 avg300=0 total=1\n");
    write_text(place, "/proc/self/cgroup", "0::/box\n");
    write_text(place, "/sys/fs/cgroup/box/memory.max", "1000\n");
    write_text(place, "/sys/fs/cgroup/box/memory.current", "900\n");
    write_text(place, "/sys/fs/cgroup/box/memory.stat", "anon 1\ninactive_file 400\n");
    write_text(place, "/sys/fs/cgroup/box/pids.max", "max\n");
    write_text(place, "/sys/fs/cgroup/box/pids.current", "9\n");
    AUTO_FREE char *root = mem_printf("%s/root", place->folder);
    const char *folders[] = {place->folder, root};
    struct collector *collector = collector_new(root, folders, 2);
    struct series_set *set = series_set_new(1000);
    collector_round(collector, set, (struct wall){1000000000000}, NULL, NULL);
    assert_true(isnan(newest(set, "host_cpu_used_ratio", "")));
    write_text(place, "/proc/stat", "cpu  40 0 0 140 10 0 0 10\n");
    collector_round(collector, set, (struct wall){1000000010000}, NULL, NULL);
    assert_true(newest(set, "host_cpu_used_ratio", "") == 0.3);
    assert_true(newest(set, "host_cpu_iowait_ratio", "") == 0.1);
    assert_true(newest(set, "host_cpu_steal_ratio", "") == 0.1);
    assert_true(newest(set, "host_memory_used_ratio", "") == 0.75);
    assert_true(newest(set, "host_pressure_ratio", "kind=\"some\",resource=\"io\"") ==
                0.5);
    assert_true(newest(set, "cgroup_memory_used_ratio", "") == 0.5);
    /* unknown is absent */
    assert_true(
        isnan(newest(set, "host_pressure_ratio", "kind=\"full\",resource=\"io\"")));
    assert_int_equal(series_find(set, "cgroup_tasks_used_ratio", ""), SERIES_NONE);
    assert_int_equal(series_find(set, "host_swap_used_ratio", ""), SERIES_NONE);
    assert_int_equal(series_find(set, "engine_threads", ""), SERIES_NONE);
    /* one file system, two folders: once */
    AUTO_FREE char *first = mem_printf("folder=\"%s\"", place->folder);
    AUTO_FREE char *second = mem_printf("folder=\"%s\"", root);
    double used = newest(set, "disk_used_ratio", first);
    assert_true(used >= 0 && used <= 1);
    assert_int_equal(series_find(set, "disk_used_ratio", second), SERIES_NONE);
    series_set_free(set);
    collector_free(collector);
}

/* This machine: whatever it offers is sensible. */
static void test_here(void **state)
{
    struct place *place = *state;
    const char *folders[] = {place->folder};
    struct collector *collector = collector_new("", folders, 1);
    struct series_set *set = series_set_new(1000);
    collector_round(collector, set, (struct wall){1000000000000}, NULL, NULL);
    assert_true(newest(set, "engine_threads", "") >= 1);
    assert_true(newest(set, "engine_memory_bytes", "") > 100000);
    double share = newest(set, "host_memory_used_ratio", "");
    assert_true(share > 0 && share < 1);
    for (int32_t i = 0; i < series_count(set); i++) {
        const struct series_info *info = series_get(set, i);
        struct wall at;
        double value;
        if (series_newest(set, i, &at, &value) && strcmp(info->unit, "ratio") == 0) {
            assert_true(value >= 0 && value <= 1);
        }
    }
    series_set_free(set);
    collector_free(collector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat),     cmocka_unit_test(test_meminfo),
        cmocka_unit_test(test_pressure), cmocka_unit_test(test_others),
        cmocka_unit_test(test_net),      cmocka_unit_test(test_group),
        PLACE_TEST(test_round),          PLACE_TEST(test_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
