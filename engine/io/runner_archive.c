/* SPDX-License-Identifier: MIT */
/* The files of the head commit as an archive. Not with `git archive`, which leaves out what
 * .gitattributes says is not for export (git-archive(1), ATTRIBUTES): tests often are. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/process.h"
#include "engine/io/runner_sandbox.h"
#include "engine/service/local_env.h"
#include "engine/service/local_sandbox.h"
#include "engine/service/sandbox.h"

#define TAR_MESSAGE_MAX 4096

static bool fail(struct effect_result *result, enum effect_status status,
                 enum blame blame, char *summary)
{
    result->status = status;
    result->blame = blame;
    free(result->summary);
    result->summary = summary;
    return false;
}

static bool run_tar(const struct runner *runner, struct effect_result *result)
{
    const struct order *order = runner->order;
    char program[] = "tar", create[] = "-czf", name[] = SANDBOX_ARCHIVE,
         except[] = "--exclude=./.git", owner[] = "--owner=0", group[] = "--group=0",
         numeric[] = "--numeric-owner", into[] = "-C", folder[] = "sandbox", all[] = ".";
    char *const argv[] = {program, create, name,   except, owner, group,
                          numeric, into,   folder, all,    NULL};
    struct env env = {0};
    struct process_outcome outcome;
    AUTO_BUF struct buf errors;
    buf_init(&errors, TAR_MESSAGE_MAX);
    env_for_git(&env, order);
    const struct process_spec spec = {
        .argv = argv,
        .envp = env.entries,
        .folder = order->workflow_folder,
        .name = "tar",
        .deadline = order->deadline_at,
        .grace = order->grace,
        .errors = &errors,
        .keep_fd = -1,
        .stop_fd = runner->stop_fd,
    };
    process_run(&spec, &outcome);
    env_fini(&env);
    if (outcome.end == PROCESS_NOT_STARTED && outcome.status == ENOENT) {
        return fail(result, STATUS_REFUSED, BLAME_SETUP,
                    mem_str("the program 'tar' was not found"));
    }
    if (outcome.end == PROCESS_STOPPED) {
        return fail(result, STATUS_CANCELLED, BLAME_NONE, mem_str("stopped"));
    }
    return (outcome.end == PROCESS_EXITED && outcome.status == 0) ||
           fail(result, STATUS_FAILED, BLAME_WORLD,
                mem_printf("packing the files failed: %s",
                           errors.len > 0 ? errors.data : outcome.err.msg));
}

bool archive_pack(const struct runner *runner, struct effect_result *result)
{
    local_sandbox(runner, result);
    return result->status == STATUS_PASSED && run_tar(runner, result);
}

/* ---- as the body of a request ---------------------------------------------------------
 */

static bool put(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool copy(int from, int to)
{
    static char chunk[65536];
    ssize_t n;
    while ((n = read(from, chunk, sizeof(chunk))) > 0) {
        if (!put(to, chunk, (size_t)n)) {
            return false;
        }
    }
    return n == 0;
}

static bool wrap(const struct order *order, struct err *err)
{
    static const char head[] =
        "--" SANDBOX_BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; "
        "filename=\"" SANDBOX_ARCHIVE "\"\r\nContent-Type: application/gzip\r\n\r\n";
    static const char tail[] = "\r\n--" SANDBOX_BOUNDARY "--\r\n";
    AUTO_FREE char *from_path = file_join(order->workflow_folder, SANDBOX_ARCHIVE);
    AUTO_FREE char *to_path = file_join(order->workflow_folder, SANDBOX_BODY);
    AUTO_FREE char *temporary = mem_printf("%s.new", to_path);
    AUTO_CLOSE int from = open(from_path, O_RDONLY | O_CLOEXEC);
    AUTO_CLOSE int to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (from < 0 || to < 0 || !put(to, head, sizeof(head) - 1) || !copy(from, to) ||
        !put(to, tail, sizeof(tail) - 1) || rename(temporary, to_path) != 0) {
        return err_sys(err, "%s", to_path);
    }
    (void)unlink(from_path); /* the body has it all */
    return true;
}

void archive_make(const struct runner *runner, struct effect_result *result)
{
    struct err err = ERR_INIT;
    if (!archive_pack(runner, result)) {
        return;
    }
    if (!wrap(runner->order, &err)) {
        (void)fail(result, STATUS_FAILED, BLAME_WORLD, mem_str(err.msg));
    }
}
