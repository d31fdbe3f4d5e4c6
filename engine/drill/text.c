/* SPDX-License-Identifier: MIT */

/* Logs: a template of the profile with its words filled in by luck. */
#include <inttypes.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/drill/world.h"

#define TEXT_MAX (EXCERPT_MAX - 1)

static const char *const packages[] = {"left-pad",  "requests", "serde",   "lodash",
                                       "protobuf",  "openssl",  "urllib3", "tokio",
                                       "react-dom", "numpy"};
static const char *const modules[] = {"billing", "checkout", "session", "search",
                                      "ledger",  "mailer",   "catalog", "export"};
static const char *const verbs[] = {"rejects_expired", "keeps_order",  "rounds_up",
                                    "handles_empty",   "parses_utf8",  "times_out",
                                    "merges_twice",    "is_idempotent"};
static const char *const hosts[] = {"registry.npmjs.org", "pypi.org",
                                    "static.crates.io",   "github.com",
                                    "proxy.golang.org",   "deb.debian.org"};

static const char *pick(struct rng *rng, const char *const *list, size_t n)
{
    return list[rng_below(rng, n)];
}

static bool numbers(struct buf *out, const char *word, struct rng *rng)
{
    if (strcmp(word, "n") == 0) {
        return buf_printf(out, "%d", (int)rng_below(rng, 1000));
    }
    if (strcmp(word, "line") == 0) {
        return buf_printf(out, "%d", 1 + (int)rng_below(rng, 900));
    }
    if (strcmp(word, "ms") == 0) {
        return buf_printf(out, "%d", 10 + (int)rng_below(rng, 90000));
    }
    if (strcmp(word, "port") == 0) {
        return buf_printf(out, "%d", 1024 + (int)rng_below(rng, 60000));
    }
    if (strcmp(word, "pid") == 0) {
        return buf_printf(out, "%d", 300 + (int)rng_below(rng, 32000));
    }
    if (strcmp(word, "ip") == 0) {
        return buf_printf(out, "10.%d.%d.%d", (int)rng_below(rng, 255),
                          (int)rng_below(rng, 255), 1 + (int)rng_below(rng, 254));
    }
    if (strcmp(word, "version") == 0) {
        return buf_printf(out, "%d.%d.%d", (int)rng_below(rng, 20),
                          (int)rng_below(rng, 30), (int)rng_below(rng, 40));
    }
    if (strcmp(word, "time") == 0) {
        return buf_printf(out, "%02d:%02d:%02d", (int)rng_below(rng, 24),
                          (int)rng_below(rng, 60), (int)rng_below(rng, 60));
    }
    return false;
}

static bool names(struct buf *out, const char *word, struct rng *rng)
{
    if (strcmp(word, "hex") == 0 || strcmp(word, "id") == 0) {
        return buf_printf(out, "%08" PRIx32, (uint32_t)rng_next(rng));
    }
    if (strcmp(word, "sha") == 0) {
        return buf_printf(out, "%016" PRIx64 "%016" PRIx64 "%08" PRIx32, rng_next(rng),
                          rng_next(rng), (uint32_t)rng_next(rng));
    }
    if (strcmp(word, "package") == 0) {
        return buf_str(out, pick(rng, packages, ARRAY_LEN(packages)));
    }
    if (strcmp(word, "host") == 0) {
        return buf_str(out, pick(rng, hosts, ARRAY_LEN(hosts)));
    }
    if (strcmp(word, "module") == 0) {
        return buf_str(out, pick(rng, modules, ARRAY_LEN(modules)));
    }
    if (strcmp(word, "test") == 0) {
        const char *module = pick(rng, modules, ARRAY_LEN(modules));
        return buf_printf(out, "test_%s_%s", module, pick(rng, verbs, ARRAY_LEN(verbs)));
    }
    if (strcmp(word, "file") == 0) {
        const char *module = pick(rng, modules, ARRAY_LEN(modules));
        return buf_printf(out, "src/%s/%s.c", module, pick(rng, verbs, ARRAY_LEN(verbs)));
    }
    if (strcmp(word, "path") == 0) {
        return buf_printf(out, "/srv/work/wf-%d/tree/%s", 1 + (int)rng_below(rng, 9000),
                          pick(rng, modules, ARRAY_LEN(modules)));
    }
    return false;
}

/* {word} at `at`: its length with the braces, and filled in; 0: it is none. */
static size_t fill(struct buf *out, const char *at, struct rng *rng)
{
    char word[16];
    size_t len = strcspn(at + 1, "} \n");
    if (len == 0 || len >= sizeof(word) || at[len + 1] != '}') {
        return 0;
    }
    memcpy(word, at + 1, len);
    word[len] = '\0';
    return numbers(out, word, rng) || names(out, word, rng) ? len + 2 : 0;
}

char *drill_text(const struct drill_fault *fault, struct rng *luck)
{
    AUTO_BUF struct buf out;
    buf_init(&out, TEXT_MAX);
    if (fault->n_logs == 0) {
        return mem_printf("error: %s", fault->name);
    }
    const char *at = fault->logs[rng_below(luck, fault->n_logs)].text;
    while (*at != '\0') {
        size_t used = *at == '{' ? fill(&out, at, luck) : 0;
        if (used == 0) {
            buf_char(&out, *at);
            used = 1;
        }
        at += used;
    }
    return buf_take(&out, NULL);
}
