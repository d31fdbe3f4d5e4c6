/* SPDX-License-Identifier: MIT */
#include "engine/io/desk_calls.h"

#include <time.h>

#include "engine/base/mem.h"

/* What is known of a call before its answer. */
struct desk_call {
    struct span_call call; /* texts: static, of the service, or `url` */
    char *url;
};

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* it exists */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void call_free(struct desk_call *call)
{
    free(call->url);
    free(call);
}

void desk_calls_fini(struct desk_calls *calls)
{
    size_t iter = 0;
    for (struct desk_call *call; (call = idmap_next(&calls->open, &iter)) != NULL;) {
        call_free(call);
    }
    idmap_fini(&calls->open);
    span_batch_free(calls->batch);
    calls->batch = NULL;
}

static char *absolute(const struct desk_out *out)
{
    const char *url = out->request->url, *base = out->service->url;
    if (url[0] != '/') {
        return mem_str(url);
    }
    bool has_base = base != NULL && base[0] != '\0';
    return mem_printf("%s%s", has_base ? base : service_kind_url(out->service->kind),
                      url);
}

void desk_calls_begin(struct desk_calls *calls, const struct desk_out *out)
{
    if (calls->on_spans == NULL) {
        return;
    }
    struct desk_call *call = mem_alloc(sizeof(*call));
    const struct http_request *request = out->request;
    call->url = absolute(out);
    call->call = (struct span_call){.workflow = out->workflow,
                                    .seq = out->seq,
                                    .context = out->context,
                                    .service = out->service->name,
                                    .kind = service_kind_word(out->service->kind),
                                    .name = request->name,
                                    .method = http_method_word(request->method),
                                    .url = call->url,
                                    .start_us = now_us(),
                                    .attempt = out->attempt,
                                    .fault = "",
                                    .sent_bytes = request->body != NULL
                                                      ? (int64_t)request->body_len
                                                  : request->body_file != NULL ? -1
                                                                               : 0};
    memcpy(call->call.parent, out->parent, sizeof(call->call.parent));
    idmap_put(&calls->open, out->call, call);
}

static void end(struct desk_calls *calls, struct desk_call *call)
{
    call->call.end_us = now_us();
    if (calls->batch == NULL) {
        calls->batch = span_batch_new();
        calls->send_at.ns = mono_now().ns + DESK_CALLS_WAIT.ms * 1000000;
    }
    struct span_row row = span_of_call(calls->batch->arena, &call->call);
    span_batch_add(calls->batch, &row);
    call_free(call);
}

void desk_calls_answer(struct desk_calls *calls, int64_t number,
                       const struct http_response *response)
{
    struct desk_call *call = idmap_take(&calls->open, number);
    if (call != NULL) {
        call->call.status = response->status;
        call->call.fault = http_fault_word(response->fault);
        call->call.got_bytes = (int64_t)response->body_len;
        call->call.is_cached = response->is_cached;
        end(calls, call);
    }
}

void desk_calls_cancel(struct desk_calls *calls, int64_t number)
{
    struct desk_call *call = idmap_take(&calls->open, number);
    if (call != NULL) {
        call->call.fault = http_fault_word(HTTP_STOPPED);
        call->call.got_bytes = -1;
        end(calls, call);
    }
}

void desk_calls_run(struct desk_calls *calls, struct mono now)
{
    if (calls->batch != NULL &&
        (calls->send_at.ns <= now.ns || calls->batch->n == SPAN_BATCH_MAX)) {
        calls->send_at.ns = 0;
        calls->on_spans(calls->user, TAKE(calls->batch));
    }
}
