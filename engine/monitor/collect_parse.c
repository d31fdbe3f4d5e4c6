/* SPDX-License-Identifier: MIT */
#include "engine/monitor/collect_parse.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KIB       1024.0
#define LIMIT_MAX 4.6e18 /* what v1 writes for "no limit" is near 2^63 */

/* A number that is not negative; *at moves behind it. NAN: there is none. */
static double number(const char **at)
{
    while (**at == ' ' || **at == '\t') {
        (*at)++;
    }
    if (!isdigit((unsigned char)**at)) {
        return (double)NAN;
    }
    double value = 0, place = 1;
    for (; isdigit((unsigned char)**at); (*at)++) {
        value = value * 10 + (**at - '0');
    }
    if (**at == '.') {
        for ((*at)++; isdigit((unsigned char)**at); (*at)++) {
            place *= 10;
            value = value * 10 + (**at - '0');
        }
    }
    return value / place;
}

/* Behind the key at the start of a line, or NULL. */
static const char *find_line(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, len) == 0) {
            return line + len;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return NULL;
}

double collect_parse_field(const char *text, const char *key)
{
    for (const char *at = text; (at = find_line(at, key)) != NULL;) {
        if (*at == ' ' || *at == '\t' || *at == ':') {
            at += *at == ':';
            return number(&at);
        }
    }
    return (double)NAN;
}

double collect_parse_number(const char *text)
{
    double value = number(&text);
    bool is_whole = *text == '\n' || *text == '\0';
    return is_whole && value < LIMIT_MAX ? value : (double)NAN;
}

struct cpu_times collect_parse_stat(const char *text)
{
    /* user nice system idle iowait irq softirq steal; guests are in user already */
    struct cpu_times times = {.total = (double)NAN,
                              .idle = (double)NAN,
                              .iowait = (double)NAN,
                              .steal = (double)NAN};
    const char *at = find_line(text, "cpu ");
    double sum = 0;
    for (int i = 0; at != NULL && i < 8; i++) {
        double ticks = number(&at);
        if (isnan(ticks)) {
            break;
        }
        sum += ticks;
        times.idle = i == 3 ? ticks : times.idle;
        times.iowait = i == 4 ? ticks : times.iowait;
        times.steal = i == 7 ? ticks : times.steal;
    }
    times.total = isnan(times.idle) ? (double)NAN : sum;
    return times;
}

struct memory_figures collect_parse_meminfo(const char *text)
{
    return (struct memory_figures){
        .total = collect_parse_field(text, "MemTotal") * KIB,
        .available = collect_parse_field(text, "MemAvailable") * KIB,
        .swap_total = collect_parse_field(text, "SwapTotal") * KIB,
        .swap_free = collect_parse_field(text, "SwapFree") * KIB};
}

static double average_10s(const char *text, const char *key)
{
    const char *at = find_line(text, key);
    if (at == NULL || strncmp(at, "avg10=", 6) != 0) {
        return (double)NAN;
    }
    at += 6;
    double percent = number(&at);
    return percent <= 100 ? percent / 100 : (double)NAN;
}

struct pressure_figures collect_parse_pressure(const char *text)
{
    return (struct pressure_figures){.some = average_10s(text, "some "),
                                     .full = average_10s(text, "full ")};
}

double collect_parse_load(const char *text)
{
    return number(&text);
}

double collect_parse_file_nr(const char *text)
{
    double allocated = number(&text), unused = number(&text), max = number(&text);
    return max > 0 && allocated >= unused ? (allocated - unused) / max : (double)NAN;
}

static bool is_watched(const char *name, size_t len)
{
    return !(len == 2 && strncmp(name, "lo", 2) == 0) &&
           !(len >= 4 && strncmp(name, "veth", 4) == 0);
}

size_t collect_parse_net(const char *text,
                         struct device_figures ret_devices[COLLECT_DEVICES_MAX])
{
    size_t n = 0;
    for (const char *line = text;
         line != NULL && *line != '\0' && n < COLLECT_DEVICES_MAX;) {
        const char *end = strchr(line, '\n');
        const char *name = line + strspn(line, " \t");
        const char *colon = strchr(name, ':');
        size_t len = colon != NULL ? (size_t)(colon - name) : 0;
        if (len > 0 && (end == NULL || colon < end) && memchr(name, '|', len) == NULL &&
            len < sizeof(ret_devices[n].name) && is_watched(name, len)) {
            struct device_figures *device = &ret_devices[n];
            const char *at = colon + 1; /* old kernels write no blank behind it */
            memcpy(device->name, name, len);
            device->name[len] = '\0';
            device->received = number(&at);
            for (int i = 0; i < 7; i++) {
                (void)number(&at);
            }
            device->sent = number(&at);
            n += isnan(device->received) ? 0 : 1;
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return n;
}

struct process_figures collect_parse_self(const char *text)
{
    struct process_figures figures = {
        .ticks = (double)NAN, .threads = (double)NAN, .pages = (double)NAN};
    const char *at = strrchr(text, ')'); /* the name before it may hold anything */
    double ticks = 0;
    if (at == NULL || at[1] != ' ' || at[2] == '\0') {
        return figures;
    }
    at += 3; /* behind the state, which is field 3 */
    for (int field = 4; field <= 24; field++) {
        at += strspn(at, " ");
        at += *at == '-'; /* a priority, a process group */
        double value = number(&at);
        if (isnan(value)) {
            break;
        }
        ticks += field == 14 || field == 15 ? value : 0;
        figures.ticks = field == 15 ? ticks : figures.ticks;
        figures.threads = field == 20 ? value : figures.threads;
        figures.pages = field == 24 ? value : figures.pages;
    }
    return figures;
}

/* Does controller stand in the list "cpu,cpuacct"? "" is only the empty list. */
static bool is_listed(const char *list, size_t len, const char *controller)
{
    size_t wanted = strlen(controller);
    for (size_t i = 0; i <= len;) {
        const char *end = memchr(list + i, ',', len - i);
        size_t n = end != NULL ? (size_t)(end - (list + i)) : len - i;
        if (n == wanted && strncmp(list + i, controller, n) == 0) {
            return true;
        }
        i += n + 1;
    }
    return false;
}

const char *collect_parse_group(const char *text, const char *controller,
                                char out[COLLECT_PATH_MAX])
{
    out[0] = '\0';
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        const char *list = memchr(line, ':', (size_t)(end - line));
        list = list != NULL ? list + 1 : end;
        const char *path = memchr(list, ':', (size_t)(end - list));
        if (path != NULL && is_listed(list, (size_t)(path - list), controller)) {
            size_t len = (size_t)(end - path) - 1;
            /* outside of our namespace: "/../x" leads to somebody else's group */
            if (len < COLLECT_PATH_MAX && path[1] == '/' &&
                strncmp(path + 1, "/..", 3) != 0) {
                memcpy(out, path + 1, len);
                out[len] = '\0';
            }
            break;
        }
        line = *end != '\0' ? end + 1 : NULL;
    }
    return out;
}
