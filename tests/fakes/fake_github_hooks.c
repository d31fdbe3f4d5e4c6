/* SPDX-License-Identifier: MIT */

/* Webhooks: payloads, hooks, deliveries, and what the network does to them. */

#include "tests/fakes/fake_github_model.h"

void gh_event_open(struct gh_event *event, const char *name, const char *action)
{
    event->name = name;
    event->action = action;
    buf_init(&event->buf, FAKE_BODY_MAX);
    jsonw_init(&event->w, &event->buf);
    jsonw_open(&event->w, NULL, '{');
    if (*action != '\0')
        jsonw_str(&event->w, "action", action);
}

static char *guid(struct fake_github *gh)
{
    uint64_t high = rng_next(&gh->rng), low = rng_next(&gh->rng);
    return mem_printf("%08x-%04x-11ef-%04x-%012llx", (unsigned)(high >> 32),
                      (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff),
                      (unsigned long long)(low & 0xffffffffffff));
}

static bool wants(const struct gh_hook *hook, const char *name)
{
    if (!hook->is_active)
        return false;
    for (size_t i = 0; i < hook->n_events; i++)
        if (strcmp(hook->events[i], "*") == 0 || strcmp(hook->events[i], name) == 0)
            return true;
    return false;
}

static void schedule(struct fake_github *gh, int64_t delivery, struct wall now)
{
    int64_t later = gh->hooking->delay.ms;
    if (gh->hooking->shuffle.ms > 0)
        later += (int64_t)rng_below(&gh->rng, (uint64_t)gh->hooking->shuffle.ms);
    *FAKE_ADD(gh->sends, gh->n_sends) =
        (struct gh_send){delivery, wall_add(now, (struct span){later})};
}

static bool by_chance(struct fake_github *gh, int percent)
{
    return percent > 0 && rng_below(&gh->rng, 100) < (uint64_t)percent;
}

/* docs.github.com, "Handling failed webhook deliveries": GitHub does not repeat by itself. */
static void deliver(struct fake_github *gh, struct gh_delivery *delivery, struct wall now)
{
    delivery->at = now;
    if (by_chance(gh, gh->hooking->drop)) {
        gh->n_dropped++;
        delivery->status = 502;
        delivery->is_done = true;
        return;
    }
    schedule(gh, delivery->id, now);
    if (by_chance(gh, gh->hooking->duplicate)) {
        gh->n_duplicated++;
        schedule(gh, delivery->id, now);
    }
}

static void post(struct fake_github *gh, int64_t hook, const char *name,
                 const char *action, const char *body, struct wall now)
{
    struct gh_delivery *delivery = FAKE_ADD(gh->deliveries, gh->n_deliveries);
    delivery->id = gh_id(gh);
    delivery->hook = hook;
    delivery->guid = guid(gh);
    delivery->event = mem_str(name);
    delivery->action = mem_str(action);
    delivery->body = mem_str(body);
    deliver(gh, delivery, now);
}

void gh_event_send(struct fake_github *gh, struct gh_event *event, const char *who,
                   struct wall now)
{
    gh_put_repo(gh, &event->w, "repository", true);
    gh_put_user(gh, &event->w, "sender", who);
    jsonw_close(&event->w, '}');
    for (size_t i = 0; i < gh->n_hooks; i++)
        if (wants(&gh->hooks[i], event->name))
            post(gh, gh->hooks[i].id, event->name, event->action, event->buf.data, now);
    buf_fini(&event->buf);
}

void gh_event_pull(struct fake_github *gh, struct gh_pull *pull, const char *action,
                   const char *before, const char *who, struct wall now)
{
    struct gh_event event;
    gh_event_open(&event, "pull_request", action);
    jsonw_int(&event.w, "number", pull->number);
    gh_put_pull(gh, &event.w, "pull_request", pull, true, now);
    if (before != NULL) {
        jsonw_str(&event.w, "before", before);
        jsonw_str(&event.w, "after", pull->head_sha);
    }
    gh_event_send(gh, &event, who, now);
}

static struct gh_hook *hook_find(struct fake_github *gh, int64_t id)
{
    for (size_t i = 0; i < gh->n_hooks; i++)
        if (gh->hooks[i].id == id && gh->hooks[i].url != NULL)
            return &gh->hooks[i];
    return NULL;
}

static struct gh_delivery *delivery_find(struct fake_github *gh, int64_t id)
{
    for (size_t i = 0; i < gh->n_deliveries; i++)
        if (gh->deliveries[i].id == id)
            return &gh->deliveries[i];
    return NULL;
}

bool fake_github_next_hook(struct fake_github *gh, struct wall now,
                           struct fake_hook_call *ret_call)
{
    for (size_t i = 0; i < gh->n_sends; i++) {
        struct gh_send send = gh->sends[i];
        if (send.at.ms > now.ms)
            continue;
        gh->sends[i] = gh->sends[--gh->n_sends];
        const struct gh_delivery *delivery = delivery_find(gh, send.delivery);
        const struct gh_hook *hook = hook_find(gh, delivery->hook);
        if (hook == NULL) {
            i--;
            continue;
        }
        gh->n_sent++;
        *ret_call = (struct fake_hook_call){
            .delivery = delivery->id,
            .url = mem_str(hook->url),
            .secret = mem_str(hook->secret),
            .event = mem_str(delivery->event),
            .guid = mem_str(delivery->guid),
            .body = mem_str(delivery->body),
            .hook = hook->id,
        };
        return true;
    }
    return false;
}

void fake_github_hook_done(struct fake_github *gh, int64_t id, int status,
                           struct span took)
{
    struct gh_delivery *delivery = delivery_find(gh, id);
    if (delivery == NULL)
        return;
    delivery->status = status;
    delivery->took = took;
    delivery->is_done = true;
    struct gh_hook *hook = hook_find(gh, delivery->hook);
    if (hook != NULL)
        hook->last_status = status;
}

static void ping(struct fake_github *gh, struct gh_hook *hook, struct wall now)
{
    struct gh_event event;
    gh_event_open(&event, "ping", "");
    jsonw_str(&event.w, "zen", "Keep it logically awesome.");
    jsonw_int(&event.w, "hook_id", hook->id);
    gh_put_hook(gh, &event.w, "hook", hook);
    gh_put_repo(gh, &event.w, "repository", true);
    gh_put_user(gh, &event.w, "sender", GH_BOT);
    jsonw_close(&event.w, '}');
    post(gh, hook->id, "ping", "", event.buf.data, now);
    buf_fini(&event.buf);
}

int64_t fake_github_add_hook(struct fake_github *gh, const char *url, const char *secret,
                             struct wall now)
{
    struct gh_hook *hook = FAKE_ADD(gh->hooks, gh->n_hooks);
    hook->id = gh_id(gh);
    hook->url = mem_str(url);
    hook->secret = mem_str(secret);
    *FAKE_ADD(hook->events, hook->n_events) = mem_str("*");
    hook->is_active = true;
    hook->created = now;
    ping(gh, hook, now);
    return hook->id;
}

/* ---- routes ------------------------------------------------------------------------- */

static struct gh_hook *hook_of(struct gh_call *call)
{
    struct gh_hook *hook = hook_find(call->gh, fake_number(call->arg[0], 0));
    if (hook == NULL)
        gh_fail(call, 404, "Not Found");
    return hook;
}

static void answer_hook(struct gh_call *call, const struct gh_hook *hook, int status)
{
    call->reply->status = status;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_hook(call->gh, &call->w, NULL, hook);
}

void gh_hooks_list(struct gh_call *call)
{
    gh_page_open(call, NULL);
    for (size_t i = 0; i < call->gh->n_hooks; i++)
        if (call->gh->hooks[i].url != NULL && gh_page_wants(call))
            gh_put_hook(call->gh, &call->w, NULL, &call->gh->hooks[i]);
    gh_page_close(call, NULL);
}

static void take_hook(struct gh_call *call, struct gh_hook *hook)
{
    const struct json *config = json_get(call->body, "config");
    const struct json *events = json_get(call->body, "events");
    fake_keep(&hook->url, json_str(config, "url", hook->url));
    fake_keep(&hook->secret, json_str(config, "secret", hook->secret));
    hook->is_active = json_bool(call->body, "active", hook->is_active);
    if (json_len(events) == 0)
        return;
    for (size_t i = 0; i < hook->n_events; i++)
        free(hook->events[i]);
    hook->n_events = 0;
    for (size_t i = 0; i < json_len(events); i++)
        *FAKE_ADD(hook->events, hook->n_events) = mem_str(json_text(json_at(events, i)));
}

void gh_hook_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *url = json_str(json_get(call->body, "config"), "url", "");
    if (*url == '\0') {
        gh_invalid(call, "Hook", "url", "missing_field", NULL);
        return;
    }
    struct gh_hook *hook = FAKE_ADD(gh->hooks, gh->n_hooks);
    hook->id = gh_id(gh);
    hook->url = mem_str("");
    hook->secret = mem_str("");
    hook->is_active = true;
    hook->created = call->now;
    take_hook(call, hook);
    if (hook->n_events == 0)
        *FAKE_ADD(hook->events, hook->n_events) = mem_str("push");
    ping(gh, hook, call->now);
    answer_hook(call, hook, 201);
}

void gh_hook_get(struct gh_call *call)
{
    const struct gh_hook *hook = hook_of(call);
    if (hook != NULL)
        answer_hook(call, hook, 200);
}

void gh_hook_patch(struct gh_call *call)
{
    struct gh_hook *hook = hook_of(call);
    if (hook == NULL)
        return;
    take_hook(call, hook);
    answer_hook(call, hook, 200);
}

void gh_hook_delete(struct gh_call *call)
{
    struct gh_hook *hook = hook_of(call);
    if (hook == NULL)
        return;
    free(hook->url);
    hook->url = NULL;
    hook->is_active = false;
    gh_empty(call, 204);
}

void gh_hook_ping(struct gh_call *call)
{
    struct gh_hook *hook = hook_of(call);
    if (hook == NULL)
        return;
    ping(call->gh, hook, call->now);
    gh_empty(call, 204);
}

void gh_hook_test(struct gh_call *call)
{
    if (hook_of(call) != NULL)
        gh_empty(call, 204);
}

static void put_delivery(struct jsonw *w, const struct gh_delivery *delivery)
{
    bool is_fine = delivery->status >= 200 && delivery->status < 300;
    jsonw_int(w, "id", delivery->id);
    jsonw_str(w, "guid", delivery->guid);
    fake_put_time(w, "delivered_at", delivery->at);
    jsonw_bool(w, "redelivery", delivery->is_again);
    jsonw_num(w, "duration", (double)delivery->took.ms / 1000);
    if (is_fine)
        jsonw_str(w, "status", "OK");
    else if (delivery->status == 0)
        jsonw_str(w, "status", "failed to connect to host");
    else
        fake_put(w, "status", "Invalid HTTP Response: %d", delivery->status);
    jsonw_int(w, "status_code", delivery->status);
    jsonw_str(w, "event", delivery->event);
    jsonw_str(w, "action", *delivery->action != '\0' ? delivery->action : NULL);
    jsonw_null(w, "installation_id");
    jsonw_int(w, "repository_id", 1);
    jsonw_null(w, "throttled_at");
}

/* Newest first; pages by cursor (docs.github.com, "List deliveries for a repository
 * webhook"): the id of the first one of the next page. */
void gh_deliveries_list(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const struct gh_hook *hook = hook_of(call);
    if (hook == NULL)
        return;
    int64_t cursor = fake_request_number(call->request, "cursor", INT64_MAX);
    AUTO_FREE char *wanted = fake_request_param(call->request, "status");
    int64_t n = 0, max = fake_request_number(call->request, "per_page", 30), next = 0;
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '[');
    for (size_t i = gh->n_deliveries; i > 0; i--) {
        const struct gh_delivery *delivery = &gh->deliveries[i - 1];
        bool is_fine = delivery->status >= 200 && delivery->status < 300;
        if (delivery->hook != hook->id || !delivery->is_done || delivery->id > cursor ||
            (wanted != NULL && (strcmp(wanted, "success") == 0) != is_fine))
            continue;
        if (n == max) {
            next = delivery->id;
            break;
        }
        n++;
        jsonw_open(&call->w, NULL, '{');
        put_delivery(&call->w, delivery);
        jsonw_close(&call->w, '}');
    }
    jsonw_close(&call->w, ']');
    if (next != 0)
        fake_reply_header(
            call->reply, "Link",
            "<%s/hooks/%lld/deliveries?per_page=%lld&cursor=%lld>; rel=\"next\"", gh->api,
            (long long)hook->id, (long long)max, (long long)next);
}

static struct gh_delivery *delivery_of(struct gh_call *call)
{
    struct gh_delivery *delivery = delivery_find(call->gh, fake_number(call->arg[1], 0));
    if (hook_of(call) == NULL)
        return NULL;
    if (delivery == NULL)
        gh_fail(call, 404, "Not Found");
    return delivery;
}

void gh_delivery_get(struct gh_call *call)
{
    const struct gh_delivery *delivery = delivery_of(call);
    if (delivery == NULL)
        return;
    const struct gh_hook *hook = hook_find(call->gh, delivery->hook);
    gh_object(call, 200);
    put_delivery(&call->w, delivery);
    jsonw_str(&call->w, "url", hook->url);
    jsonw_open(&call->w, "request", '{');
    jsonw_open(&call->w, "headers", '{');
    jsonw_str(&call->w, "X-GitHub-Delivery", delivery->guid);
    jsonw_str(&call->w, "X-GitHub-Event", delivery->event);
    jsonw_close(&call->w, '}');
    jsonw_raw(&call->w, "payload", delivery->body, strlen(delivery->body));
    jsonw_close(&call->w, '}');
    jsonw_open(&call->w, "response", '{');
    jsonw_open(&call->w, "headers", '{');
    jsonw_close(&call->w, '}');
    jsonw_str(&call->w, "payload", "");
    jsonw_close(&call->w, '}');
    gh_close(call);
}

/* A redelivery has the same GUID and a new id. */
void gh_delivery_again(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    if (delivery_of(call) == NULL)
        return;
    struct gh_delivery *again = FAKE_ADD(gh->deliveries, gh->n_deliveries);
    const struct gh_delivery *old = delivery_find(gh, fake_number(call->arg[1], 0));
    *again = (struct gh_delivery){.id = gh_id(gh),
                                  .hook = old->hook,
                                  .guid = mem_str(old->guid),
                                  .event = mem_str(old->event),
                                  .action = mem_str(old->action),
                                  .body = mem_str(old->body),
                                  .is_again = true};
    deliver(gh, again, call->now);
    gh_object(call, 202);
    gh_close(call);
}
