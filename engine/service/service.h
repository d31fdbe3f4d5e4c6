/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_SERVICE_H
#define SIGNALBOX_SERVICE_SERVICE_H

/*
 * Service: the external services that may be configured, and the settings of each.
 *
 * `services:` in signalbox.yaml is a list of these. A pipeline names them per port; the
 * word "local" always stands for the provider on this machine. Settings are values: they
 * are decoded by the schema table in engine/control/config.c and never change while an
 * engine runs.
 *
 *   services:
 *     - {name: codegen_api, kind: codegen, organization: 42,
 *        token: {env: CODEGEN_API_TOKEN}, breaker: {failures: 5, open: 60s}}
 *     - {name: codegen_eu, kind: codegen, url: "https://eu.example.com", organization: 42,
 *        token: {file: ~/.config/signalbox/eu.token}}
 *     - {name: github_api, kind: github, token: {command: [gh, auth, token]}}
 *     - {name: grainchain, kind: grainchain, command: [python3, bridge.py], provider: local}
 *     - {name: web_eval_agent, kind: web_eval, command: [webEvalAgent],
 *        env: {OPERATIVE_API_KEY: "${OPERATIVE_API_KEY}"}}
 *
 * Secrets: a service holds where its token comes from, never the token. The token is
 * fetched by the io thread when a call is made (engine/io/secret.h) and lives nowhere else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/resilience/settings.h"
#include "engine/workflow/pipeline.h"

/* How effects of a kind are performed: HTTP calls by the io thread, or a runner process. */
enum service_way { WAY_HTTP, WAY_RUNNER };

/* X(identifier, word, port, way, default url, consecutive failures, open seconds, help) */
#define SERVICE_KIND_LIST(X)                                                             \
    X(SERVICE_CODEGEN, "codegen", "agent", WAY_HTTP, "https://api.codegen.com", 5, 60,   \
      "agent runs of the Codegen API")                                                   \
    X(SERVICE_GITHUB, "github", "forge", WAY_HTTP, "https://api.github.com", 3, 30,      \
      "pull requests, checks and Actions of GitHub")                                     \
    X(SERVICE_GRAINCHAIN, "grainchain", "sandbox", WAY_RUNNER, "", 3, 90,                \
      "sandboxes of the grainchain library, through a bridge process")                   \
    X(SERVICE_DAYTONA, "daytona", "sandbox", WAY_HTTP, "https://app.daytona.io/api", 3,  \
      90, "sandboxes of Daytona, over its REST interface")                               \
    X(SERVICE_E2B, "e2b", "sandbox", WAY_HTTP, "https://api.e2b.app", 3, 90,             \
      "sandboxes of E2B, over its REST interface")                                       \
    X(SERVICE_WEB_EVAL, "web_eval", "evaluator", WAY_RUNNER, "", 2, 120,                 \
      "web-eval-agent, an MCP server over stdio")                                        \
    X(SERVICE_WEB_EVAL_CLI, "web_eval_cli", "evaluator", WAY_RUNNER, "", 2, 120,         \
      "the web-eval command")

enum service_kind {
#define X(id, word, port, way, url, failures, open, help) id,
    SERVICE_KIND_LIST(X)
#undef X
        SERVICE_KIND_COUNT
};

const char *service_kind_word(enum service_kind kind);
const char *service_kind_port(enum service_kind kind);
enum service_way service_kind_way(enum service_kind kind);
const char *service_kind_url(enum service_kind kind);
const char *service_kind_help(enum service_kind kind);

#define SERVICE_LOCAL    "local" /* provider that is always there */
#define SERVICE_NAME_MAX 64      /* bytes */
#define SERVICES_MAX     32

/* Where a secret comes from; exactly one is set, or none ("" and argv NULL). */
struct secret_source {
    char *env;  /* name of a variable of the engine */
    char *file; /* path; refused when others than the owner may read it */
    struct command_spec command; /* first line of its standard output */
};

/* Who repeats calls: with `mesh`, the proxy in front does, and signalbox does not. */
enum mesh_retries { MESH_RETRIES_OURS, MESH_RETRIES_MESH };

struct mesh_spec {
    enum mesh_retries retries;
    bool sends_headers;   /* x-envoy-upstream-rq-timeout-ms */
    char *envoy_admin;    /* "" or the base URL whose /clusters?format=json is read */
    char *cluster;        /* name of the cluster there; "" = name of the service */
    char *prometheus;     /* "" or base URL */
    char *query;          /* PromQL that gives a share of healthy hosts, 0..1 */
    struct span interval; /* between two looks */
};

struct service_spec {
    char *name; /* unique; [a-z0-9_-] */
    enum service_kind kind;
    char *url; /* base, without trailing slash; "" = the kind's own */
    struct secret_source token;
    char *organization; /* codegen: id */
    char *model;        /* codegen: model, "" = the service's choice */
    char *agent_type;   /* codegen: codegen | claude_code | "" */
    char *provider; /* grainchain: local | e2b | daytona | morph | modal; "" = its own */
    char *template; /* e2b: templateID; daytona: snapshot */
    struct command_spec
        command;         /* grainchain: the bridge; web_eval: the server or command */
    struct env_var *env; /* of that command */
    size_t n_env;
    struct command_spec restart; /* starts it again; argv NULL = none */
    struct gate_settings gate;
    struct mesh_spec mesh;
    int64_t message_max; /* longest line of an MCP server or bridge, bytes */
    char *hook;          /* github: "owner/name#id" of the webhook whose failed
                                  deliveries are asked for again; "" = none */
};

/* NULL when there is none. */
const struct service_spec *service_find(const struct service_spec *services, size_t n,
                                        const char *name);

#endif
