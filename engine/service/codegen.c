/* SPDX-License-Identifier: MIT */
/* Requests, and the words of the API. Answers are parsed in codegen_parse.c. */
#include "engine/service/codegen.h"

#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"

#define BODY_MAX (8 * 1024 * 1024)

static const struct {
    const char *name;
    enum call_class class;
    enum http_method method;
    const char *path;
    enum codegen_form form;
} calls[] = {
#define X(id, name, class, method, path, form, help)                                     \
    [id] = {name, class, method, path, form},
    CODEGEN_CALL_LIST(X)
#undef X
};

const char *codegen_call_name(enum codegen_call call)
{
    return (unsigned)call < CODEGEN_CALL_COUNT ? calls[call].name : "?";
}

/* ---- requests -------------------------------------------------------------------------
 */

/* The path with its places filled in. */
static void add_path(struct buf *url, const char *path, const struct codegen_args *args)
{
    AUTO_FREE char *org =
        http_escape(args->organization != NULL ? args->organization : "");
    while (*path != '\0') {
        size_t len = strcspn(path, "{");
        (void)buf_add(url, path, len); /* URLs stay far below the cap */
        path += len;
        if (strncmp(path, "{org}", 5) == 0) {
            (void)buf_str(url, org);
        } else if (strncmp(path, "{run}", 5) == 0) {
            (void)buf_printf(url, "%lld", (long long)args->run);
        }
        path += *path != '\0' ? strcspn(path, "}") + 1 : 0;
    }
}

static void write_text(struct jsonw *w, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        jsonw_str(w, key, text);
    }
}

static void write_body(struct jsonw *w, enum codegen_form form,
                       const struct codegen_args *args)
{
    jsonw_open(w, NULL, '{');
    if (form == CODEGEN_MORE || form == CODEGEN_ONE) {
        jsonw_int(w, "agent_run_id", args->run);
    }
    if (form == CODEGEN_MORE || form == CODEGEN_NEW) {
        jsonw_str(w, "prompt", args->prompt != NULL ? args->prompt : "");
    }
    if (form == CODEGEN_NEW) {
        if (args->repo > 0) {
            jsonw_int(w, "repo_id", args->repo);
        }
        write_text(w, "model", args->model);
        write_text(w, "agent_type", args->agent_type);
        jsonw_open(w, "metadata", '{');
        write_text(w, "signalbox_id", args->uid);
        write_text(w, "signalbox_workflow", args->workflow);
        write_text(w, "signalbox_effect", args->effect);
        jsonw_close(w, '}');
    }
    jsonw_close(w, '}');
}

struct http_request *codegen_request(enum codegen_call call,
                                     const struct codegen_args *args)
{
    struct buf url;
    buf_init(&url, 4096);
    add_path(&url, calls[call].path, args);
    if (calls[call].form == CODEGEN_PAGED) {
        int64_t limit = args->limit > 0 && args->limit < CODEGEN_LIMIT_MAX
                            ? args->limit
                            : CODEGEN_LIMIT_MAX;
        (void)buf_printf(&url, "?skip=%lld&limit=%lld", (long long)args->skip,
                         (long long)limit);
    }
    struct http_request *request = http_request_new(
        calls[call].name, calls[call].class, calls[call].method, buf_take(&url, NULL));
    if (calls[call].method != HTTP_GET) {
        struct buf body;
        struct jsonw w;
        size_t len;
        buf_init(&body, BODY_MAX);
        jsonw_init(&w, &body);
        write_body(&w, calls[call].form, args);
        char *text = buf_take(&body, &len);
        http_request_body(request, text, len);
    }
    return request;
}

/* ---- words ----------------------------------------------------------------------------
 */

/* The statuses that the official client tells apart (src/codegen/cli/tui/app.py), the
 * lower-case ones of the documentation, and the other spelling. */
static const struct {
    const char *word;
    enum codegen_state state;
} statuses[] = {
    {"COMPLETE",               CODEGEN_COMPLETE},
    {"COMPLETED",              CODEGEN_COMPLETE},
    {"MAX_ITERATIONS_REACHED", CODEGEN_PAUSED  },
    {"OUT_OF_TOKENS",          CODEGEN_PAUSED  },
    {"TIMEOUT",                CODEGEN_PAUSED  },
    {"ERROR",                  CODEGEN_FAILED  },
    {"FAILED",                 CODEGEN_FAILED  },
    {"CANCELLED",              CODEGEN_STOPPED },
    {"CANCELED",               CODEGEN_STOPPED },
    {"STOPPED",                CODEGEN_STOPPED },
};

enum codegen_state codegen_state(const char *status)
{
    for (size_t i = 0; status != NULL && i < ARRAY_LEN(statuses); i++) {
        if (strcasecmp(status, statuses[i].word) == 0) {
            return statuses[i].state;
        }
    }
    return CODEGEN_IN_FLIGHT; /* ACTIVE RUNNING PENDING EVALUATION QUEUED IN_PROGRESS ... */
}
