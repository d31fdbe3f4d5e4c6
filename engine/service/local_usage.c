/* SPDX-License-Identifier: MIT */
#include "engine/service/local_usage.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/money.h"

static const double cost_max = (double)(MONEY_MAX / MONEY_UNIT);

bool usage_parse(const char *text, size_t len, struct usage *ret_usage, struct err *err)
{
    struct json *root = json_parse(text, len, err);
    double tokens = json_num(root, "tokens", 0);
    double cost = json_num(root, "cost", 0);
    bool is_object = json_is_an_object(root);
    json_free(root);
    if (root == NULL) {
        return false;
    }
    if (!is_object) {
        return err_set(err, ERR_PROTOCOL, "expected an object");
    }
    if (!(tokens >= 0 && tokens <= (double)USAGE_TOKENS_MAX) || trunc(tokens) != tokens) {
        return err_set(err, ERR_PROTOCOL, "tokens: expected a whole number from 0 on");
    }
    if (!(cost >= 0 && cost <= cost_max)) {
        return err_set(err, ERR_PROTOCOL, "cost: expected an amount from 0 on");
    }
    *ret_usage = (struct usage){.tokens = (int64_t)tokens,
                                .micros = llround(cost * (double)MONEY_UNIT)};
    return true;
}

/* Whatever a command has put there: never a pipe that blocks, never another file. */
static bool read_regular(const char *path, char *text, size_t *ret_len, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = -1;
    if (fd < 0) {
        *ret_len = 0;
        return errno == ENOENT || err_set(err, ERR_IO, "it cannot be opened");
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size <= USAGE_BYTES) {
        n = read(fd, text, USAGE_BYTES);
    }
    (void)close(fd);
    *ret_len = n > 0 ? (size_t)n : 0;
    return n >= 0 ||
           err_set(err, ERR_PROTOCOL, "expected a file of at most %d bytes", USAGE_BYTES);
}

bool usage_take(const char *folder, struct usage *usage, struct err *err)
{
    AUTO_FREE char *path = file_join(folder, USAGE_FILE);
    AUTO_FREE char *text = mem_alloc(USAGE_BYTES);
    struct usage said = {.tokens = 0};
    size_t len = 0;
    bool is_right = read_regular(path, text, &len, err) &&
                    (len == 0 || usage_parse(text, len, &said, err));
    (void)unlink(path); /* not there, or a folder: then it is wrong again */
    usage->tokens += is_right ? said.tokens : 0;
    usage->micros += is_right ? said.micros : 0;
    return is_right;
}
