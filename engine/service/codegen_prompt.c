/* SPDX-License-Identifier: MIT */
#include "engine/service/codegen_prompt.h"

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define TASK_MAX   (256 * 1024)
#define PLAN_MAX   (128 * 1024)
#define ERRORS_MAX (64 * 1024)
#define PROMPT_MAX (TASK_MAX + PLAN_MAX + ERRORS_MAX + 16 * 1024)

static bool is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

/* Move a cut to the beginning of a character. */
static size_t whole(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

static void add_text(struct buf *buf, const char *title, const char *note,
                     const char *text, size_t max, bool is_tail)
{
    if (is_blank(text)) {
        return;
    }
    size_t len = strlen(text), from = 0, n = len;
    if (len > max) {
        from = is_tail ? whole(text, len - max) : 0;
        n = is_tail ? len - from : whole(text, max);
    }
    (void)buf_printf(buf, "\n# %s\n\n%s", title, note); /* the parts fit PROMPT_MAX */
    if (from > 0) {
        (void)buf_printf(buf, "[%zu bytes before this are left out]\n", from);
    }
    (void)buf_add(buf, text + from, n);
    if (n > 0 && text[from + n - 1] != '\n') {
        (void)buf_char(buf, '\n');
    }
    if (from + n < len) {
        (void)buf_printf(buf, "[%zu bytes after this are left out]\n", len - from - n);
    }
}

static void add_rules(struct buf *buf, const struct order *order)
{
    (void)buf_str(buf, "\n# Rules\n\n");
    if (order->branch[0] != '\0') {
        (void)buf_printf(buf,
                         "- Work on branch `%s`, made from `%s` when it does not exist "
                         "yet. Push your commits to this branch and to no other.\n",
                         order->branch, order->base);
    } else {
        (void)buf_printf(buf, "- Work on a branch of your own, made from `%s`.\n",
                         order->base);
    }
    if (order->pr_number > 0) {
        (void)buf_printf(buf,
                         "- Pull request #%lld is open for it. Update that one; open no "
                         "other.\n",
                         (long long)order->pr_number);
    } else {
        (void)buf_printf(buf, "- Open one pull request of that branch against `%s`.\n",
                         order->base);
    }
    (void)buf_str(
        buf,
        "- Do not merge, and do not change settings of the repository.\n"
        "- Do what the task says and no more. Keep what works working; add or adapt "
        "tests.\n"
        "- Nobody can answer questions. When something is unclear, take the simplest "
        "reading.\n");
}

char *codegen_prompt(const struct op_input *input)
{
    const struct order *order = input->order;
    struct buf buf;
    buf_init(&buf, PROMPT_MAX);
    (void)buf_printf(&buf, "Carry out a task in the repository %s: %s\n",
                     order->forge.repository != NULL ? order->forge.repository : "",
                     order->title);
    add_text(&buf, "Task", "", input->task, TASK_MAX, false);
    if (!is_blank(input->plan) && !is_blank(input->task) &&
        strcmp(input->plan, input->task) != 0) {
        add_text(&buf, "Plan", "", input->plan, PLAN_MAX, false);
    }
    add_text(&buf, "What went wrong before",
             "Newest last. Do not make the same mistake again; the output below is what "
             "the checks said.\n\n",
             input->errors, ERRORS_MAX, true);
    add_rules(&buf, order);
    return buf_take(&buf, NULL);
}

char *codegen_prompt_more(const struct op_input *input)
{
    const struct order *order = input->order;
    struct buf buf;
    buf_init(&buf, PROMPT_MAX);
    if (is_blank(input->errors)) {
        (void)buf_str(&buf, "Go on with the task. The change is not accepted yet.\n");
    } else {
        (void)buf_str(&buf,
                      "The change was checked and is not right yet. Put it right.\n");
    }
    add_text(&buf, "What went wrong",
             "Newest last. The output below is what the checks said.\n\n", input->errors,
             ERRORS_MAX, true);
    if (!is_blank(input->plan) && !is_blank(input->task) &&
        strcmp(input->plan, input->task) != 0) {
        add_text(&buf, "Plan of this round", "", input->plan, PLAN_MAX, false);
    }
    add_rules(&buf, order);
    return buf_take(&buf, NULL);
}

char *codegen_prompt_limit(const char *status, const char *branch)
{
    return mem_printf(
        "You came to a limit (%s) before the task was done. Go on from where "
        "you stopped, take the shortest way, and push what is done%s%s%s.",
        status, branch[0] != '\0' ? " to branch `" : "", branch,
        branch[0] != '\0' ? "`" : "");
}
