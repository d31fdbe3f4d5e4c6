/* SPDX-License-Identifier: MIT */

/* The Link header, and places of pages and redirects. Input: the header, and behind a newline
 * the base URL. */
#include "engine/base/mem.h"
#include "engine/service/github_link.h"
#include "tests/fuzz/fuzz.h"

static void check_path(const char *path)
{
    MUST(path[0] == '/');
    for (const char *at = path; *at != '\0'; at++) {
        MUST((unsigned char)*at > ' ' && (unsigned char)*at < 0x7F);
    }
}

static void check_link(const char *link, const char *base)
{
    AUTO_FREE char *url = github_link(link, "next");
    if (url == NULL) {
        return;
    }
    MUST(strchr(url, '>') == NULL);
    MUST(strstr(link, url) != NULL);
    AUTO_FREE char *path = github_below("https://api.github.com", url);
    AUTO_FREE char *own = github_below(base, url);
    if (path != NULL) {
        check_path(path);
    }
    if (own != NULL) {
        check_path(own);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *link = mem_strn((const char *)data, size);
    char *end = strchr(link, '\n');
    if (end != NULL) {
        *end = '\0';
    }
    check_link(link, end != NULL ? end + 1 : "");
    return 0;
}
