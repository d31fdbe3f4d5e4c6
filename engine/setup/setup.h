/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SETUP_SETUP_H
#define SIGNALBOX_SETUP_SETUP_H

/*
 * Setup: the files that somebody needs who begins, made from what is found.
 *
 * It looks for the git repository, how it is tested, whether it is on GitHub, by what a token
 * for that could come, and which agent is installed, and writes down a configuration and a
 * pipeline that say so. Everything is decided from files and names: nothing is run, and the
 * value of no variable is read further than whether it is empty. An URL may hold a password,
 * so of a remote only owner and name are kept.
 *
 * What is found is a proposal: plan and merge ask, and a file that exists is never touched.
 *
 * Ownership: struct setup owns its text. Threads: any. Pure but for setup_world_real and
 * setup_write: a test gives a world of its own.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

/* What is there. `user` is handed on. */
struct setup_world {
    /* Text of a file, malloc'd, at most SETUP_READ_MAX bytes of it; NULL: there is none. */
    char *(*read)(void *user, const char *path);
    bool (*has_file)(void *user, const char *path);     /* or folder */
    bool (*has_variable)(void *user, const char *name); /* set, and not empty */
    bool (*has_program)(void *user, const char *name);  /* in PATH */
    const char *config_home;                            /* folder: $XDG_CONFIG_HOME */
    void *user;
};
#define SETUP_READ_MAX (256 * 1024)

/* One fact, for people. */
struct setup_fact {
    const char *label; /* static */
    char *value;       /* clean; "none found" and what that means */
    bool is_found;
};

struct setup_file {
    char *path, *text;
    bool exists; /* is left as it is */
};

enum setup_file_kind { SETUP_CONFIG, SETUP_PIPELINE, SETUP_FILES };
#define SETUP_FACTS_MAX 8

struct setup {
    struct setup_fact facts[SETUP_FACTS_MAX];
    size_t n_facts;
    struct setup_file files[SETUP_FILES]; /* of what is missing: path NULL */
    char *repository;                     /* absolute, NULL = none */
    char *github;                         /* "owner/name", NULL = not there */
};

/* The machine as it is. setup_world_fini when it is not used any more. */
void setup_world_real(struct setup_world *ret_world);
void setup_world_fini(struct setup_world *world);

/* folder: absolute; the repository is it or above it. config: path of the configuration.
 * Never NULL. */
NODISCARD struct setup *setup_new(const struct setup_world *world, const char *folder,
                                  const char *config);
void setup_free(struct setup *setup); /* accepts NULL */
/* How many files would be written. */
size_t setup_missing(const struct setup *setup);
/* Write what does not exist. What was written before a failure stays. */
NODISCARD bool setup_write(const struct setup *setup, struct err *err);

/* "acme/payments" of a URL of GitHub's, malloc'd; NULL: it is none. */
NODISCARD char *setup_github_name(const char *url);

#endif
