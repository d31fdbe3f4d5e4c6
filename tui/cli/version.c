/* SPDX-License-Identifier: MIT */

/* signalbox version: what runs here, for a bug report. */
#include <gnu/libc-version.h>

#include "engine/base/json.h"
#include "engine/base/regex.h"
#include "engine/base/version.h"
#include "engine/base/yaml.h"
#include "store/store.h"
#include "tui/cli/rows.h"
#include "tui/term_info.h"

static int run(struct cli *cli)
{
    if (!cli_has(cli, "json")) {
        printf("signalbox %s\nstore schema %d\n%s\n%s\n%s\n%s\n%s\nglibc %s\n",
               SIGNALBOX_VERSION, store_schema_version(), store_library(), json_library(),
               yaml_tree_library(), regex_library(), term_library(),
               gnu_get_libc_version());
        return CLI_OK;
    }
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, 4096);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "version", SIGNALBOX_VERSION);
    jsonw_int(&w, "store_schema", store_schema_version());
    jsonw_open(&w, "libraries", '[');
    const char *libraries[] = {store_library(), json_library(), yaml_tree_library(),
                               regex_library(), term_library()};
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
        jsonw_str(&w, NULL, libraries[i]);
    }
    jsonw_close(&w, ']');
    jsonw_str(&w, "glibc", gnu_get_libc_version());
    jsonw_close(&w, '}');
    puts(out.data);
    return CLI_OK;
}

const struct cli_command cli_version = {
    .name = "version",
    .args = "",
    .access = ACCESS_NONE,
    .help = "print the version, the schema of the store and the libraries",
    .more = "",
    .run = run,
};
