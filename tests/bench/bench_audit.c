/* SPDX-License-Identifier: MIT */
/*
 * Bench of the audit, one JSON line per figure.
 *   bench_audit [ROWS]
 * Goal: 1,000,000 rows checked in under 5 s, in memory that does not grow with them. The
 * yardstick is the same file read by the same library without a check.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "store/audit.h"

static double seconds(struct mono from)
{
    return (double)(mono_now().ns - from.ns) / 1e9;
}

static void must(bool is_good, const struct err *err)
{
    if (!is_good) {
        (void)fprintf(stderr, "bench_audit: %s\n", err->msg);
        exit(1);
    }
}

static void print(const char *figure, double value, const char *unit, const char *more)
{
    (void)printf(
        "{\"fig\":\"%s\",\"who\":\"signalbox\",\"value\":%.4g,\"unit\":\"%s\"%s}\n",
        figure, value, unit, more);
    (void)fflush(stdout);
}

static double rss_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail with these arguments */
    return (double)usage.ru_maxrss / 1024.0;
}

static void build(const char *path, int64_t n)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(path, STORE_OFF, &err);
    must(store != NULL, &err);
    struct mono start = mono_now();
    for (int64_t i = 1; i <= n; i++) {
        char subject[32], detail[200];
        (void)snprintf(subject, sizeof(subject), "wf-%lld", (long long)i / 7);
        (void)snprintf(
            detail, sizeof(detail),
            "{\"reason\":\"order %lld is paid twice\",\"args\":{\"effect\":%lld},"
            "\"message\":\"wf-%lld is CODING\"}",
            (long long)i, (long long)i % 30, (long long)i / 7);
        (void)store_add_audit(store,
                              &(struct audit_row){.at = {1700000000000 + i * 500},
                                                  .actor = i % 3 ? "ada" : "engine",
                                                  .role = "operator",
                                                  .origin = "console",
                                                  .act = "approve",
                                                  .subject = subject,
                                                  .outcome = "done",
                                                  .detail = detail});
        if (i % 1000 == 0 || i == n) {
            must(store_commit(store, &err), &err);
        }
    }
    print("audit.write", (double)n / seconds(start), "rows/s",
          ",\"what\":\"1,000 to a commit, without waiting for the disk\"");
    store_checkpoint(store);
    store_close(store);
}

static bool on_row(void *user, const struct audit_row *row)
{
    int64_t *sum = user;
    *sum += row->n;
    return true;
}

int main(int n_args, char **args)
{
    struct err err = ERR_INIT;
    int64_t n = n_args > 1 ? strtoll(args[1], NULL, 10) : 1000000;
    char folder[] = "/tmp/bench-audit-XXXXXX";
    struct stat st;
    if (n < 1 || mkdtemp(folder) == NULL) {
        return 1;
    }
    AUTO_FREE char *path = mem_printf("%s/s.db", folder);
    build(path, n);
    if (stat(path, &st) != 0) {
        return 1;
    }
    print("audit.row", (double)st.st_size / (double)n, "bytes", "");
    struct reader *reader = reader_open(path, &err);
    must(reader != NULL, &err);
    int64_t sum = 0;
    struct mono start = mono_now();
    must(reader_audit_each(reader, &(struct audit_query){0}, on_row, &sum, &err), &err);
    AUTO_FREE char *rows = mem_printf(",\"rows\":%lld", (long long)n);
    print("audit.read", seconds(start), "s", rows);
    double before = rss_mib();
    struct audit_check *check = audit_check_new(NULL, 0);
    start = mono_now();
    enum audit_step step = audit_check_step(check, reader, SIZE_MAX, &err);
    double took = seconds(start);
    AUTO_FREE char *more = mem_printf(",\"rows\":%lld,\"goal\":5,\"rss_mib\":%.1f,"
                                      "\"rss_grown_mib\":%.1f",
                                      (long long)n, rss_mib(), rss_mib() - before);
    print("audit.verify", took, "s", more);
    bool is_whole = step == AUDIT_END && audit_check_verdict(check)->good.n == n;
    audit_check_free(check);
    reader_close(reader);
    (void)file_remove_tree(folder, &err); /* what is left is below /tmp */
    return is_whole ? 0 : 1;
}
