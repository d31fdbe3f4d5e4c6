/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_CONFIG_H
#define SIGNALBOX_CONTROL_CONFIG_H

/*
 * Config: settings of the program, read from signalbox.yaml.
 *
 * Fields, ranges and defaults stand in one schema table, as for pipelines. A missing file
 * gives the defaults; a wrong file changes nothing and is reported whole. Paths may begin
 * with
 * "~/" or "$HOME/"; relative ones are relative to the folder of the file.
 *
 *   environment: production         # shown in the top line; "" by default
 *   max_running: 50
 *   store: /var/lib/signalbox/signalbox.db
 *   pipelines: [/etc/signalbox/pipelines]     # folders searched for `--pipeline NAME`
 *   on_hangup: continue             # continue | drain | stop
 *   logs: {max_bytes: 16MiB, keep: 30d}
 *   history: {keep: 90d}
 *   recovery: {mode: learn, backoff: 5s, backoff_max: 5m, revert_per_hour: 2, revert_per_day: 6}
 *   access: {admin: {users: [ada]}, approver: {groups: [ops]}, observer: {users: ["*"]}}
 *   approvals: {expire: 3d, rules: [{name: dear, repo: "*payments*", risk: critical}]}
 *   autonomy: {merge: approve, restart: auto}
 *   scale: [...]                    # see engine/service/scale.h
 *   services: [...]                 # see engine/service/service.h
 *   listener: {address: 127.0.0.1, port: 9350, webhook_secrets: [{env: HOOK_SECRET}],
 *              token: {env: SIGNALBOX_TOKEN}, origins: ["https://ops.example.com"],
 *              certificate: /etc/ssl/x.pem, key: /etc/ssl/x.key}
 *   monitor: {interval: 5s, disk: 256MiB, rules: [...], scrape: [...]}
 *   telemetry: {otlp: [{endpoint: "http://collector:4318"}]}
 *   notify: [{name: phone, url: "https://ntfy.sh/our-topic", format: ntfy, min_risk: high,
 *             on: [approval, failed, halted], token: {env: NTFY_TOKEN}}]
 *   console: {theme: dark, ascii: auto, mouse: false, keys: my.keys, notify: bell,
 *             environments: [{match: "prod*", theme: high-contrast}]}
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/approval/access.h"
#include "engine/approval/risk.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/findings.h"
#include "engine/io/notice.h"
#include "engine/io/telemetry.h"
#include "engine/monitor/rule.h"
#include "engine/service/scale.h"
#include "engine/service/service.h"

enum on_hangup { HANGUP_CONTINUE, HANGUP_DRAIN, HANGUP_STOP };
enum ascii_mode { ASCII_AUTO, ASCII_ALWAYS, ASCII_NEVER };
/* How a console calls its operator when something waits for a person (tui/call.h). */
enum call_mode { CALL_OFF, CALL_BELL, CALL_OSC9, CALL_OSC777 };

/* A bearer token that names a user, who may then send commands. */
struct listener_user {
    char *user;
    struct secret_source secret;
    bool is_read_only; /* may look, and send nothing that changes something */
};
#define LISTENER_USERS 64 /* tokens of users at most */

/* The network side; off unless port is given. */
struct listener_spec {
    char *address; /* 127.0.0.1 by default */
    int port;      /* 0 = off */
    struct secret_source
        *secrets; /* of webhooks: any of them is right, so that they can be
                                      rotated */
    size_t n_secrets;
    struct secret_source
        token; /* bearer token of /events and /metrics; none: refused unless
                                   the address is a loopback one */
    /* Who may send commands; several tokens of one user are fine. */
    struct listener_user *users;
    size_t n_users;
    bool is_clear;  /* their tokens are taken without TLS, not only from this machine */
    char **origins; /* that may open /events from a browser */
    size_t n_origins;
    char *certificate, *key;       /* PEM files; both or none */
    int64_t body_max;              /* of a webhook, bytes; 25 MB (docs.github.com) */
    int connections;               /* at once */
    struct span keep, keep_bodies; /* of deliveries */
};
/* Only reached from this machine: a loopback address. */
bool listener_is_local(const struct listener_spec *spec);

/* The system monitor, see engine/monitor/monitor.h. */
struct monitor_spec {
    struct span interval; /* between two samples */
    int64_t disk;         /* bytes of the metrics file */
    struct rule *rules;   /* beside the built-in ones */
    size_t n_rules;
    struct scrape_spec *scrapes;
    size_t n_scrapes;
};

/* Where traces go, see engine/io/telemetry.h. */
struct telemetry_spec {
    struct otlp_spec *otlps;
    size_t n_otlps;
};

/* What the engine does by itself after failures, beside the pauses. */
enum recovery_mode { RECOVERY_MODE_OFF, RECOVERY_MODE_RULES, RECOVERY_MODE_LEARN };
struct recovery_spec {
    enum recovery_mode mode;
    int attempts, storm;                 /* see engine/recovery/ladder.h */
    char *patterns;                      /* path of a file of own rules; "" = none */
    int revert_per_hour, revert_per_day; /* merges taken back, of one repository */
    int runs_per_day;                    /* of agents, of one repository; 0 = no cap */
    struct span agent_time_per_day;      /* likewise */
    int tokens_per_day;
    int64_t cost_per_day;
    bool
        is_proactive; /* prepared actions before something fails (decision/proactive.h) */
    bool is_admission; /* how many run at once by evidence (decision/admission.h) */
};

/* How consoles look where the name of the environment matches. */
struct look_spec {
    char *match;                /* fnmatch(3), capitals are not told apart */
    char *theme;                /* "" = the console's */
    enum ascii_mode production; /* auto: as the name says */
};

/* What waits for people, and how much is done without them; see engine/approval/. */
struct approval_spec {
    struct span expire;        /* from when it was seen; 0 = never */
    struct span expire_unseen; /* of what nobody has seen; 0 = three times that */
    enum risk self_max;        /* up to this tier who asked may approve */
    enum user_role second;     /* one of two who approve what is critical has it */
    struct risk_rule *rules;
    size_t n_rules;
    int levels[ACT_COUNT]; /* enum autonomy_level + 1; 0 = the class's own */
};

struct config {
    struct monitor_spec monitor;
    struct recovery_spec recovery;
    struct telemetry_spec telemetry;
    struct service_spec *services;
    size_t n_services;
    struct access_spec access;
    struct approval_spec approvals;
    struct scale_spec *scales;
    size_t n_scales;
    struct listener_spec listener;
    char *environment;
    char *store;          /* absolute path */
    char **pipeline_dirs; /* searched in order */
    size_t n_pipeline_dirs;
    int max_running; /* 1..100000 */
    enum on_hangup on_hangup;
    int64_t log_max_bytes; /* of one step */
    struct span log_keep, history_keep;
    struct span backoff, backoff_max; /* first pause before a retry, and the longest */
    char *theme;                      /* name or path; see config_theme */
    struct look_spec *looks;          /* the first that matches counts */
    size_t n_looks;
    char *keys; /* path or "" */
    enum ascii_mode ascii;
    bool has_mouse;
    enum call_mode call;
    struct notify_spec *notifies;
    size_t n_notifies;
};

/* Defaults (XDG paths). Never NULL. */
NODISCARD struct config *config_default(void);
/* Defaults with the file's values on top, or NULL with findings. */
NODISCARD struct config *config_parse(const char *file, const char *text, size_t len,
                                      struct findings *findings);
/* path NULL: the XDG place, where a missing file means defaults. */
NODISCARD struct config *config_load(const char *path, struct findings *findings);
void config_free(struct config *config); /* accepts NULL */

/* Theme of this environment: name or path. Borrowed. */
const char *config_theme(const struct config *config);
/* Shall the console say that this is production? */
bool config_is_production(const struct config *config);

/* Path of pipeline `name`: a path (has '/' or ends in .yaml/.yml) as it is, else
 * NAME.yaml or NAME.yml in the pipeline folders, then in REPO/.signalbox/ when repo is
 * not NULL. malloc'd; NULL with err that lists where it looked. */
NODISCARD char *config_find_pipeline(const struct config *config, const char *name,
                                     const char *repo, struct err *err);

/* The table behind it, see engine/workflow/schema.h. */
struct schema;
const struct schema *config_schema(void);

#endif
