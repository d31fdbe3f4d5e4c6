/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_CODEGEN_H
#define SIGNALBOX_SERVICE_CODEGEN_H

/*
 * Codegen: requests to and answers of the Codegen API, as values. The op that carries out
 * an effect with them is in codegen_op.c.
 *
 * Source: the API's own description (docs.codegen.com, api-reference, OpenAPI 3.1.0), and
 * for what it leaves out the official client (github.com/codegen-sh/codegen). What it
 * says and does not say:
 *   - only the ids of a run are always there; every other field may be null or missing;
 *   - the status is a free string; the words below are those that the official client
 *     knows. They are compared without regard to case, and null or an unknown one counts
 *     as in flight;
 *   - times are RFC 3339 or "2025-06-21 11:20:04.338398" (no zone: UTC);
 *   - a pull request has no number; it is read from its URL;
 *   - lists are asked for with skip and limit and answered with items and total;
 *   - errors are {"message"} or {"detail"}, and detail is a string or a list;
 *   - there is no header for rate limits, no idempotency key, and no call that stops a
 *     run: `ban` stops the agents of a pull request.
 *
 * Ownership: strings of parsed values are malloc'd, clean (base/text.h), never NULL.
 * Errors: ERR_PROTOCOL when an answer lacks what makes it one. Pure; any thread.
 */

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/service/http.h"

/* What a request carries beside its path. */
enum codegen_form {
    CODEGEN_BARE,  /* nothing */
    CODEGEN_PAGED, /* skip, limit in the query */
    CODEGEN_NEW,   /* body of a new run */
    CODEGEN_MORE,  /* body of a resumption: run and prompt */
    CODEGEN_ONE    /* body with the run */
};

/* {org} and {run} stand for the ids. X(identifier, name, class, method, path, form, help) */
#define CODEGEN_CALL_LIST(X)                                                             \
    X(CODEGEN_ME, "users.me", CALL_READ, HTTP_GET, "/v1/users/me", CODEGEN_BARE,         \
      "whose token it is")                                                               \
    X(CODEGEN_ORGANIZATIONS, "organizations.list", CALL_READ, HTTP_GET,                  \
      "/v1/organizations", CODEGEN_PAGED, "the organizations of the token")              \
    X(CODEGEN_REPOS, "repos.list", CALL_READ, HTTP_GET, "/v1/organizations/{org}/repos", \
      CODEGEN_PAGED, "repositories, for their ids")                                      \
    X(CODEGEN_CREATE, "runs.create", CALL_CREATE, HTTP_POST,                             \
      "/v1/organizations/{org}/agent/run", CODEGEN_NEW, "start a run")                   \
    X(CODEGEN_GET, "runs.get", CALL_READ, HTTP_GET,                                      \
      "/v1/organizations/{org}/agent/run/{run}", CODEGEN_BARE, "how a run is doing")     \
    X(CODEGEN_LIST, "runs.list", CALL_READ, HTTP_GET,                                    \
      "/v1/organizations/{org}/agent/runs", CODEGEN_PAGED, "runs, newest first")         \
    X(CODEGEN_RESUME, "runs.resume", CALL_WRITE, HTTP_POST,                              \
      "/v1/organizations/{org}/agent/run/resume", CODEGEN_MORE,                          \
      "go on with a run, with another prompt")                                           \
    X(CODEGEN_BAN, "runs.ban", CALL_WRITE, HTTP_POST,                                    \
      "/v1/organizations/{org}/agent/run/ban", CODEGEN_ONE,                              \
      "stop the agents of the run's pull request")                                       \
    X(CODEGEN_UNBAN, "runs.unban", CALL_WRITE, HTTP_POST,                                \
      "/v1/organizations/{org}/agent/run/unban", CODEGEN_ONE, "take a ban back")         \
    X(CODEGEN_REMOVE, "runs.remove-from-pr", CALL_WRITE, HTTP_POST,                      \
      "/v1/organizations/{org}/agent/run/remove-from-pr", CODEGEN_ONE,                   \
      "the same as ban, by another name")                                                \
    X(CODEGEN_LOGS, "runs.logs", CALL_READ, HTTP_GET,                                    \
      "/v1/alpha/organizations/{org}/agent/run/{run}/logs", CODEGEN_PAGED,               \
      "what the agent says, oldest first")

enum codegen_call {
#define X(id, name, class, method, path, form, help) id,
    CODEGEN_CALL_LIST(X)
#undef X
        CODEGEN_CALL_COUNT
};

/* Values of a request; what a call does not use is not looked at. Texts may be NULL. */
struct codegen_args {
    const char *organization; /* id */
    int64_t run;
    int64_t skip, limit;            /* limit 1..CODEGEN_LIMIT_MAX; 0 = that */
    const char *prompt;             /* CODEGEN_NEW, CODEGEN_MORE */
    int64_t repo;                   /* id; 0 = not said */
    const char *model, *agent_type; /* "" = not said */
    const char *uid;                /* unique, into the metadata, to be found again by */
    const char *workflow, *effect;  /* "wf-12", "wf-12.7": for people, metadata too */
};

#define CODEGEN_LIMIT_MAX 100

NODISCARD struct http_request *codegen_request(enum codegen_call call,
                                               const struct codegen_args *args);
const char *codegen_call_name(enum codegen_call call);

/* ---- answers --------------------------------------------------------------- */

enum codegen_state {
    CODEGEN_IN_FLIGHT,
    CODEGEN_COMPLETE,
    CODEGEN_PAUSED, /* came to a limit; may be resumed */
    CODEGEN_FAILED,
    CODEGEN_STOPPED /* by a person */
};
/* NULL, "" and unknown words are in flight. */
enum codegen_state codegen_state(const char *status);

struct codegen_pull {
    int64_t id;
    char *title, *url, *branch; /* branch "" unless it is a possible name of one */
    char *repository;           /* "owner/name" from the URL, "" when it has none */
    int64_t number;             /* from the URL, 0 when it has none */
};

struct codegen_run {
    int64_t id, organization;
    char *status; /* as it came */
    enum codegen_state state;
    struct wall created_at; /* unset = not said */
    char *web_url, *result, *summary;
    bool has_metadata;
    char *uid; /* ours, of the metadata */
    struct codegen_pull *pulls;
    size_t n_pulls;
};
NODISCARD bool codegen_run_parse(const char *body, size_t len,
                                 struct codegen_run *ret_run, struct err *err);
void codegen_run_fini(struct codegen_run *run); /* accepts an all-zero one */

/* Items that are no runs are left out, and counted in n_items. */
struct codegen_runs {
    struct codegen_run *list;
    size_t n;
    int64_t n_items, total; /* total -1 = not said */
};
NODISCARD bool codegen_runs_parse(const char *body, size_t len,
                                  struct codegen_runs *ret_runs, struct err *err);
void codegen_runs_fini(struct codegen_runs *runs);

/* Id of a repository on one page of them. */
struct codegen_repos {
    int64_t found; /* 0 = not on this page */
    int64_t n_items, total;
};
NODISCARD bool codegen_repos_parse(const char *body, size_t len, const char *full_name,
                                   struct codegen_repos *ret_repos, struct err *err);

/* One page of logs, as text for the step's log, and the run as far as it is told. */
struct codegen_logs {
    char *text;    /* clean, whole lines */
    char *failure; /* the last ERROR among them, one clean line; "" none */
    int64_t n_items, total;
};
NODISCARD bool codegen_logs_parse(const char *body, size_t len,
                                  struct codegen_logs *ret_logs, struct err *err);
void codegen_logs_fini(struct codegen_logs *logs);

/* Who the token is (users/me): one clean line, or "". */
NODISCARD bool codegen_me_parse(const char *body, size_t len, char **ret_text,
                                struct err *err);

/* What an answer that is no success says, one clean line with its status; malloc'd. */
NODISCARD char *codegen_complaint(const struct http_response *response);

/* Both formats of time; false when it is neither. */
NODISCARD bool codegen_time(const char *text, struct wall *ret_at);

#endif
