/* SPDX-License-Identifier: MIT */
#include "tui/cli/at.h"

int at_begin(struct cli *cli, struct at *ret_at)
{
    struct moment_ask ask;
    struct err err = ERR_INIT;
    const char *text = cli_value(cli, "at");
    *ret_at = (struct at){.now = wall_now()};
    if (text == NULL) {
        return CLI_OK;
    }
    if (!moment_parse(text, ret_at->now, &ask, &err)) {
        return cli_complain(cli, "--at: %s", err.msg);
    }
    if ((cli->reader == NULL && !cli_open_reader(cli, &err)) ||
        !reader_find_moment(cli->reader, &ask, &ret_at->moment, &err) ||
        !reader_pin(cli->reader, &ret_at->moment, &err)) {
        return cli_fail(&err);
    }
    ret_at->is_past = true;
    ret_at->now = ret_at->moment.at;
    return CLI_OK;
}

void at_print(const struct at *at)
{
    char text[CLOCK_TEXT_MAX];
    const struct moment *moment = &at->moment;
    if (!at->is_past) {
        return;
    }
    printf("as of %s, ", wall_format(moment->at, false, text));
    if (moment->seq == 0) {
        puts("before the first event");
        return;
    }
    printf("after event #%lld (", (long long)moment->seq);
    cli_print_clean(stdout, moment->kind);
    if (moment->workflow > 0) {
        printf(" of wf-%lld", (long long)moment->workflow);
    }
    puts(")");
}

void at_json(const struct at *at, struct jsonw *w)
{
    char text[CLOCK_TEXT_MAX];
    if (!at->is_past) {
        return;
    }
    jsonw_open(w, "as_of", '{');
    jsonw_str(w, "at", wall_format(at->moment.at, true, text));
    jsonw_int(w, "event", at->moment.seq);
    jsonw_close(w, '}');
}
