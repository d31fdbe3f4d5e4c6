/* SPDX-License-Identifier: MIT */
#include "engine/base/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define RECORD_MAX 16384 /* bytes of one entry of the user database */
#define UID_NEVER  UINT32_MAX

bool identity_is_reserved(const char *name)
{
    return strcmp(name, IDENTITY_ENGINE) == 0;
}

static void name_of(uid_t uid, char name[IDENTITY_MAX])
{
    char record[RECORD_MAX];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, record, sizeof(record), &found) == 0 && found != NULL &&
        strlen(found->pw_name) < IDENTITY_MAX && !identity_is_reserved(found->pw_name)) {
        (void)snprintf(name, IDENTITY_MAX, "%s", found->pw_name);
    } else {
        (void)snprintf(name, IDENTITY_MAX, "uid %lu", (unsigned long)uid);
    }
}

/* False: not there, no number, or never set. */
static bool read_login(const char *path, uid_t *ret_uid)
{
    char text[24];
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (len <= 0) {
        return false;
    }
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    unsigned long long uid = strtoull(text, NULL, 10);
    if (errno != 0 || uid >= UID_NEVER) {
        return false;
    }
    *ret_uid = (uid_t)uid;
    return true;
}

/* Only a user that exists: the text is not kept as it came. */
static bool find_sudo_user(const struct identity_source *source, uid_t *ret_uid)
{
    char record[RECORD_MAX];
    struct passwd entry, *found = NULL;
    if (source->uid != 0 || source->sudo_user == NULL ||
        getpwnam_r(source->sudo_user, &entry, record, sizeof(record), &found) != 0 ||
        found == NULL) {
        return false;
    }
    *ret_uid = found->pw_uid;
    return true;
}

void identity_find(const struct identity_source *source, struct identity *ret_identity)
{
    struct identity identity = {0};
    uid_t person = source->uid;
    if (!read_login(source->loginuid, &person)) {
        (void)find_sudo_user(source, &person); /* else it stays the process's */
    }
    name_of(person, identity.actor);
    if (person != source->uid) {
        name_of(source->uid, identity.account);
    }
    *ret_identity = identity;
}

void identity_of_process(struct identity *ret_identity)
{
    identity_find(
        &(struct identity_source){
            .loginuid = "/proc/self/loginuid",
            .uid = getuid(),
            .sudo_user =
                getenv("SUDO_USER")}, // NOLINT(concurrency-mt-unsafe): no thread sets it
        ret_identity);
}
