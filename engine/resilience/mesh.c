/* SPDX-License-Identifier: MIT */
#include "engine/resilience/mesh.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "engine/base/json.h"

static bool is_healthy(const struct json *host)
{
    const struct json *status = json_get(host, "health_status");
    const char *eds = json_str(status, "eds_health_status", "HEALTHY");
    return !json_bool(status, "failed_outlier_check", false) &&
           !json_bool(status, "failed_active_health_check", false) &&
           (strcmp(eds, "HEALTHY") == 0 || strcmp(eds, "DEGRADED") == 0 ||
            strcmp(eds, "UNKNOWN") == 0);
}

int mesh_envoy_percent(const char *body, size_t len, const char *cluster)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(body, len, &err);
    const struct json *all = json_get(root, "cluster_statuses");
    int percent = MESH_UNKNOWN;
    for (size_t i = 0; i < json_len(all); i++) {
        const struct json *one = json_at(all, i);
        const struct json *hosts = json_get(one, "host_statuses");
        size_t n = json_len(hosts), n_healthy = 0;
        if (strcmp(json_str(one, "name", ""), cluster) != 0 || n == 0) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            n_healthy += is_healthy(json_at(hosts, k));
        }
        /* Rounded up: 0 stands for none at all. */
        percent = (int)((n_healthy * 100 + n - 1) / n);
        break;
    }
    json_free(root);
    return percent;
}

/* A sample is [time, "value"]. */
static bool read_sample(const struct json *sample, double *ret_value)
{
    const char *text = json_len(sample) == 2 ? json_text(json_at(sample, 1)) : NULL;
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    char *end = NULL;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

int mesh_prometheus_percent(const char *body, size_t len)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(body, len, &err);
    const struct json *data = json_get(root, "data");
    const struct json *result = json_get(data, "result");
    const char *type = json_str(data, "resultType", "");
    bool is_known = false;
    double worst = 1, value = 0;
    if (strcmp(json_str(root, "status", ""), "success") != 0) {
        result = NULL;
    }
    if (strcmp(type, "scalar") == 0) {
        is_known = read_sample(result, &worst);
    } else if (strcmp(type, "vector") == 0) {
        for (size_t i = 0; i < json_len(result); i++) {
            if (read_sample(json_get(json_at(result, i), "value"), &value)) {
                worst = !is_known || value < worst ? value : worst;
                is_known = true;
            }
        }
    }
    json_free(root);
    if (!is_known) {
        return MESH_UNKNOWN;
    }
    worst = worst < 0 ? 0 : worst > 1 ? 1 : worst;
    return (int)ceil(worst * 100);
}

bool mesh_expected(const char *value, struct span *ret_span)
{
    if (value == NULL || value[0] < '0' || value[0] > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    long long ms = strtoll(value, &end, 10);
    if (errno != 0 || *end != '\0' || ms <= 0 || ms > (long long)24 * 3600 * 1000) {
        return false;
    }
    ret_span->ms = ms;
    return true;
}
