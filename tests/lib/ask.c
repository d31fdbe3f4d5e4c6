/* SPDX-License-Identifier: MIT */
#include "tests/lib/ask.h"

#include <poll.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/io/http.h"

struct ask {
    struct http *http;
    struct service_spec service;
    struct http_response *response;
    int64_t call;
};

static void on_answer(void *user, int64_t call, struct http_response *response)
{
    struct ask *ask = user;
    if (call == ask->call) {
        ask->response = response;
    } else {
        http_response_free(response);
    }
}

static char name[] = "asked", variable[] = "ASK_TOKEN";

struct ask *ask_open(const char *base)
{
    struct err err = ERR_INIT;
    struct ask *ask = mem_alloc(sizeof(*ask));
    ask->service.name = name;
    ask->service.kind = SERVICE_GITHUB;
    ask->service.url = mem_str(base);
    ask->service.token.env = getenv(variable) != NULL ? variable : NULL;
    ask->service.gate.connect_time = span_s(10);
    const struct http_options options = {.on_answer = on_answer, .user = ask};
    ask->http = http_start(&options, &err);
    if (ask->http == NULL) {
        printf("Bail out! %s\n", err.msg);
        exit(1);
    }
    return ask;
}

void ask_close(struct ask *ask)
{
    http_stop(ask->http);
    free(ask->service.url);
    free(ask);
}

struct http_response *ask_once(struct ask *self, struct http_request *request)
{
    self->response = NULL;
    self->call++;
    const struct http_call call = {
        .id = self->call, .service = &self->service, .request = request};
    http_send(self->http, &call);
    while (self->response == NULL) { /* HTTP_TIME bounds it */
        struct pollfd fd = {.fd = http_fd(self->http), .events = POLLIN};
        (void)poll(&fd, 1, 1000);
        http_run(self->http);
    }
    return TAKE(self->response);
}
