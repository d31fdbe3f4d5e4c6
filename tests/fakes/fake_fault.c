/* SPDX-License-Identifier: MIT */

#include "tests/fakes/fake_fault.h"

#include "engine/base/mem.h"

static const char *const words[] = {
#define X(id, word, help) word,
    FAKE_FAULT_LIST(X)
#undef X
};

void fake_faults_init(struct fake_faults *faults, const struct fake_settings *settings,
                      struct wall now)
{
    *faults = (struct fake_faults){.born = now};
    rng_init(&faults->rng, settings->seed + 1);
    for (size_t i = 0; i < settings->n_faults; i++) {
        struct fake_fault *fault = FAKE_ADD(faults->list, faults->n);
        *fault = settings->faults[i];
        fault->method = mem_str(settings->faults[i].method);
        fault->match = mem_str(settings->faults[i].match);
    }
}

static void clear(struct fake_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++)
        fake_fault_fini(&faults->list[i]);
    faults->n = 0;
}

void fake_faults_fini(struct fake_faults *faults)
{
    clear(faults);
    free(faults->list);
}

bool fake_faults_order(struct fake_faults *faults, const struct json *what,
                       struct wall now)
{
    const char *service = json_str(what, "service", "");
    if (json_bool(what, "clear", false)) {
        clear(faults);
        return true;
    }
    enum fake_fault_kind kind;
    if (!fake_fault_find(json_str(what, "kind", ""), &kind))
        return false;
    struct fake_fault *fault = FAKE_ADD(faults->list, faults->n);
    *fault = fake_fault_init();
    fault->kind = kind;
    fault->service = strcmp(service, "codegen") == 0  ? FAKE_CODEGEN
                     : strcmp(service, "github") == 0 ? FAKE_GITHUB
                                                      : FAKE_ANY;
    fake_keep(&fault->method, json_str(what, "method", ""));
    fake_keep(&fault->match, json_str(what, "match", ""));
    fault->percent = (int)json_int(what, "percent", fault->percent);
    fault->status = (int)json_int(what, "status", fault->status);
    fault->retry_after = json_int(what, "retry_after", fault->retry_after);
    fault->count = json_int(what, "count", fault->count);
    fault->is_after = json_bool(what, "after", false);
    fault->time.ms = json_int(what, "time_ms", fault->time.ms);
    fault->from.ms = now.ms - faults->born.ms;
    fault->span.ms = json_int(what, "for_ms", 0);
    return true;
}

const struct fake_fault *fake_faults_choose(struct fake_faults *faults,
                                            enum fake_service service, const char *method,
                                            const char *path, struct wall now)
{
    int64_t age = now.ms - faults->born.ms;
    for (size_t i = 0; i < faults->n; i++) {
        struct fake_fault *fault = &faults->list[i];
        if ((fault->service != FAKE_ANY && fault->service != service) ||
            age < fault->from.ms ||
            (fault->span.ms > 0 && age >= fault->from.ms + fault->span.ms) ||
            fault->count == 0 ||
            (*fault->method != '\0' && strcmp(fault->method, method) != 0) ||
            (*fault->match != '\0' && strstr(path, fault->match) == NULL) ||
            rng_below(&faults->rng, 100) >= (uint64_t)fault->percent)
            continue;
        if (fault->count > 0)
            fault->count--;
        faults->done[fault->kind]++;
        return fault;
    }
    return NULL;
}

static void message(struct fake_reply *reply, const char *text)
{
    struct jsonw w;
    jsonw_init(&w, &reply->body);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "message", text);
    jsonw_str(&w, "documentation_url", "https://docs.github.com/rest");
    fake_put(&w, "status", "%d", reply->status);
    jsonw_int(&w, "status_code", reply->status);
    jsonw_close(&w, '}');
}

void fake_fault_reply(const struct fake_fault *fault, struct wall now,
                      struct fake_reply *reply)
{
    if (fault->retry_after >= 0)
        fake_reply_header(reply, "Retry-After", "%lld", (long long)fault->retry_after);
    if (fault->kind == FAULT_NOT_JSON) {
        reply->type = "text/html";
        buf_str(&reply->body, "<html><body>Unicorn!</body></html>");
    } else if (fault->kind == FAULT_PRIMARY) {
        reply->status = 403;
        fake_reply_header(reply, "X-RateLimit-Limit", "5000");
        fake_reply_header(reply, "X-RateLimit-Remaining", "0");
        fake_reply_header(reply, "X-RateLimit-Reset", "%lld",
                          (long long)(now.ms + fault->time.ms) / 1000 + 1);
        message(reply, "API rate limit exceeded for user ID 1.");
    } else if (fault->kind == FAULT_SECONDARY) {
        reply->status = 403;
        message(reply,
                "You have exceeded a secondary rate limit. Please wait a few minutes "
                "before you try again.");
    } else {
        reply->status = fault->status;
        message(reply, fault->status == 429
                           ? "Rate limit exceeded. Please try again later."
                           : "Server Error");
    }
}

void fake_faults_state(const struct fake_faults *faults, struct jsonw *w)
{
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        if (faults->done[i] > 0)
            jsonw_int(w, words[i], faults->done[i]);
}
