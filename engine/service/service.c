/* SPDX-License-Identifier: MIT */
#include "engine/service/service.h"

#include <string.h>

static const struct {
    const char *word, *port;
    enum service_way way;
    const char *url, *help;
} kinds[] = {
#define X(id, word, port, way, url, failures, open, help)                                \
    [id] = {word, port, way, url, help},
    SERVICE_KIND_LIST(X)
#undef X
};

const char *service_kind_word(enum service_kind kind)
{
    return (unsigned)kind < SERVICE_KIND_COUNT ? kinds[kind].word : "?";
}

const char *service_kind_port(enum service_kind kind)
{
    return (unsigned)kind < SERVICE_KIND_COUNT ? kinds[kind].port : "";
}

enum service_way service_kind_way(enum service_kind kind)
{
    return (unsigned)kind < SERVICE_KIND_COUNT ? kinds[kind].way : WAY_HTTP;
}

const char *service_kind_url(enum service_kind kind)
{
    return (unsigned)kind < SERVICE_KIND_COUNT ? kinds[kind].url : "";
}

const char *service_kind_help(enum service_kind kind)
{
    return (unsigned)kind < SERVICE_KIND_COUNT ? kinds[kind].help : "";
}

const struct service_spec *service_find(const struct service_spec *services, size_t n,
                                        const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (services[i].name != NULL && strcmp(services[i].name, name) == 0) {
            return &services[i];
        }
    }
    return NULL;
}
