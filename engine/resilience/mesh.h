/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_MESH_H
#define SIGNALBOX_RESILIENCE_MESH_H

/*
 * Mesh: what a service mesh says of the hosts of a service, and the headers it reads.
 *
 * Envoy: GET /clusters?format=json of its administration interface gives
 * envoy.admin.v3.Clusters (envoyproxy.io, api-v3/admin/v3/clusters.proto). A host is not
 * healthy when outlier detection ejected it (failed_outlier_check), when its active health
 * check fails, or when discovery says so (eds_health_status other than HEALTHY, DEGRADED
 * and UNKNOWN). Prometheus: GET /api/v1/query gives an instant vector or scalar
 * (prometheus.io, "HTTP API"); its smallest sample is the share of healthy hosts, 0..1.
 *
 * Deadlines: x-envoy-upstream-rq-timeout-ms is sent with a call; who gets
 * x-envoy-expected-rq-timeout-ms knows how long the other side will wait (envoyproxy.io,
 * "Router" filter).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"

#define MESH_UNKNOWN (-1) /* percent: nobody said */

/* Percent of the hosts of `cluster` that are healthy; MESH_UNKNOWN when the text is not
 * what it should be, the cluster is not in it, or has no hosts. */
int mesh_envoy_percent(const char *body, size_t len, const char *cluster);
int mesh_prometheus_percent(const char *body, size_t len);

/* Value of x-envoy-expected-rq-timeout-ms; false when it is none (or 0: no limit). */
bool mesh_expected(const char *value, struct span *ret_span);

#endif
