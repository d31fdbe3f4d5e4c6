/* SPDX-License-Identifier: MIT */
#include "engine/service/local_prompt.h"

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

#define PROMPT_MAX (4 * 1024 * 1024)

static void add_part(struct buf *buf, const struct order *order, const char *file,
                     const char *title, const char *note)
{
    size_t len;
    AUTO_FREE char *text = order_doc(order, file, &len);
    if (len == 0) {
        return;
    }
    (void)buf_printf(buf, "\n# %s\n\n%s", title, note);
    (void)buf_add(buf, text, len);
    if (text[len - 1] != '\n') {
        (void)buf_char(buf, '\n');
    }
}

static void add_rules_of_planning(struct buf *buf, const struct order *order)
{
    (void)buf_printf(
        buf,
        "\n# Rules\n\n"
        "- Answer with the plan on standard output, in Markdown, and with nothing else.\n"
        "- Say which files will change and how, in which order, and how it is tested.\n"
        "- The plan is carried out by a coding agent, and its result is checked against "
        "branch `%s`.\n"
        "- Change nothing. This folder is for reading.\n",
        order->base);
}

static void add_conflicts(struct buf *buf, const struct order *order)
{
    AUTO_FREE char *path = file_join(order->workflow_folder, "conflicts");
    AUTO_FREE char *text = NULL;
    struct err err = ERR_INIT;
    size_t len;
    if (!file_read(path, DOC_MAX, &text, &len, &err) || len == 0) {
        return;
    }
    (void)buf_printf(buf,
                     "\n# Conflicts to resolve first\n\n"
                     "Branch `%s` has moved and was merged into this folder. These files "
                     "have conflict markers; resolve every one of them:\n\n%s",
                     order->base, text);
}

static void add_rules_of_coding(struct buf *buf, const struct order *order)
{
    (void)buf_printf(
        buf,
        "\n# Rules\n\n"
        "- Work in the current folder. It is a git worktree of your own, on branch `%s`, "
        "made from `%s`.\n"
        "- Edit files, and commit or leave the edits uncommitted; both are picked up. "
        "Stay "
        "on this branch; do not push, rebase or merge.\n"
        "- There may be unfinished edits of an earlier attempt. Go on from them, or undo "
        "them.\n"
        "- Do what the task says and no more. Keep what works working; add or adapt "
        "tests.\n"
        "- Nobody can answer questions. When something is unclear, take the simplest "
        "reading.\n"
        "- Exit with status 0 when the work is done, with another status when it cannot "
        "be "
        "done; say why on standard error.\n"
        "- What you leave running is killed when you exit.\n",
        order->branch, order->base);
}

bool prompt_write(const struct runner *runner, const char *path, struct err *err)
{
    const struct order *order = runner->order;
    AUTO_BUF struct buf buf;
    buf_init(&buf, PROMPT_MAX);
    (void)buf_printf(&buf, "You %s a task in a software project. Try %d, round %d.\n",
                     order->kind == EFFECT_PLAN ? "plan" : "carry out", order->attempt,
                     order->iteration);
    add_part(&buf, order, "task.md", "Task", "");
    if (order->kind == EFFECT_PLAN) {
        add_part(&buf, order, "plan.md", "The plan of the last round", "");
    } else {
        add_part(&buf, order, "plan.md", "Plan", "");
    }
    add_part(
        &buf, order, "errors.md", "What went wrong before",
        "Newest last. Do not make the same mistake again; the output below is what the "
        "checks said.\n\n");
    if (order->kind == EFFECT_PLAN) {
        add_rules_of_planning(&buf, order);
    } else {
        add_conflicts(&buf, order);
        add_rules_of_coding(&buf, order);
    }
    return file_write(path, buf.data, buf.len, err);
}
