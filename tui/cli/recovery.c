/* SPDX-License-Identifier: MIT */
#include "tui/cli/recovery.h"

#include <stdlib.h>
#include <string.h>

bool recovery_parse_id(const char *text, enum case_kind kind, int64_t *ret_id,
                       struct err *err)
{
    enum case_kind seen = kind;
    char sample[CASE_ID_MAX], *end = NULL;
    if (text[0] >= '1' && text[0] <= '9') {
        long long id = strtoll(text, &end, 10);
        if (*end == '\0' && strlen(text) <= 18) {
            *ret_id = id;
            return true;
        }
    } else if (case_id_parse(text, &seen, ret_id) && seen == kind) {
        return true;
    }
    return err_set(err, ERR_USAGE, "'%.40s' is no %s such as %s", text, case_word(kind),
                   case_id(kind, 12, sample));
}

bool recovery_parse_query(const struct cli *cli, enum case_kind kind,
                          struct recovery_query *ret_query, struct err *err)
{
    struct recovery_query query = {.is_open = !cli_has(cli, "all"),
                                   .text = cli_value(cli, "text")};
    const char *wanted = cli_value(cli, "class");
    const char *workflow = cli_value(cli, "workflow");
    const char *before = cli_value(cli, "before");
    enum failure_class one = CLASS_UNKNOWN;
    int64_t limit;
    if (wanted != NULL && !class_find(wanted, &one)) {
        return err_set(err, ERR_USAGE,
                       "--class: '%.40s'; expected "
#define X(id, word, category, help) word " "
                       CLASS_LIST(X)
#undef X
                           "",
                       wanted);
    }
    query.class_ = wanted != NULL ? (int)one + 1 : 0;
    if (workflow != NULL && !cli_parse_id(workflow, &query.workflow)) {
        return err_set(err, ERR_USAGE, "--workflow: '%.40s' is no workflow", workflow);
    }
    if (before != NULL && !recovery_parse_id(before, kind, &query.before_id, err)) {
        return err_wrap(err, "--before");
    }
    if (!cli_number(cli, "limit", 1, RECOVERY_LIMIT_MAX, RECOVERY_LIMIT_DEFAULT, &limit,
                    err)) {
        return false;
    }
    query.max = (size_t)limit;
    *ret_query = query;
    return true;
}

void recovery_print_json(void (*write)(struct jsonw *w, const void *row), const void *row)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    write(&w, row);
    jsonw_close(&w, '}');
    puts(out.data);
}
