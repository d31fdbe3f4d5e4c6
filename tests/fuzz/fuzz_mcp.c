/* SPDX-License-Identifier: MIT */

/* What a server of web evaluations says. The first byte chooses: 'r' a report as text, 'j'
 * one as JSON, anything else: lines of the protocol, cut where the byte says; the same
 * bytes in one piece must give the same events. */
#include "engine/base/mem.h"
#include "engine/service/mcp.h"
#include "engine/service/web_report.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGE_MAX 2000

static void check_verdict(struct web_verdict *verdict)
{
    MUST(verdict->summary != NULL && is_harmless(verdict->summary));
    MUST(verdict->n_reasons <= WEB_REASONS_MAX);
    MUST((verdict->status == STATUS_PASSED) == (verdict->n_reasons == 0));
    MUST((verdict->status == STATUS_PASSED) == (verdict->blame == BLAME_NONE));
    for (size_t i = 0; i < verdict->n_reasons; i++) {
        MUST(is_harmless(verdict->reasons[i]));
        MUST(strlen(verdict->reasons[i]) <= WEB_REASON_LEN);
    }
    web_verdict_fini(verdict);
}

/* Sum over the events, so that two ways can be compared. */
static size_t drain(struct mcp *mcp, size_t sum, bool *ret_is_broken)
{
    struct mcp_event event;
    while (mcp_next(mcp, &event)) {
        MUST(!*ret_is_broken && event.kind != MCP_NONE);
        MUST(is_harmless(event.text));
        MUST(event.kind != MCP_RESULT || event.value != NULL);
        *ret_is_broken = event.kind == MCP_BROKEN;
        sum = sum * 31 + (size_t)event.kind * 7 + (size_t)event.id;
        if (event.kind == MCP_READY) {
            (void)mcp_list_tools(mcp, NULL);
            (void)mcp_call(mcp, "t", "{}", 2);
        }
        mcp_event_fini(&event);
    }
    return sum;
}

static size_t talk(const char *text, size_t len, size_t cut)
{
    bool is_broken = false;
    struct mcp *mcp = mcp_new("fuzz", "1", MESSAGE_MAX);
    if (cut > len) {
        cut = len;
    }
    mcp_feed(mcp, text, cut);
    size_t sum = drain(mcp, 0, &is_broken);
    mcp_feed(mcp, text + cut, len - cut);
    sum = drain(mcp, sum, &is_broken);
    MUST(!mcp_out(mcp)->is_cut);
    MUST(mcp_out(mcp)->data[mcp_out(mcp)->len - 1] == '\n');
    mcp_free(mcp);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    /* exactly as long as it is, so that a read behind it is seen */
    AUTO_FREE char *text = mem_alloc(size);
    struct web_verdict verdict;
    size_t len = size - 1;
    memcpy(text, data + 1, len);
    if (data[0] == 'r') {
        web_report_judge(text, len, "log in", &verdict);
        check_verdict(&verdict);
    } else if (data[0] == 'j') {
        web_report_judge_json(text, len, 0, &verdict);
        check_verdict(&verdict);
    } else {
        size_t whole = talk(text, len, len), parts = talk(text, len, data[0]);
        MUST(len > MESSAGE_MAX || whole == parts);
    }
    return 0;
}
