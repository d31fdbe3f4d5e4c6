/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_GITHUB_H
#define SIGNALBOX_TESTS_FAKES_FAKE_GITHUB_H

/*
 * Fake GitHub: one repository with its pull requests, checks, Actions, hooks and deployments
 * (docs.github.com, REST 2022-11-28; GraphQL for revertPullRequest), backed by a real git.
 *
 * Checks run by themselves: a tick sees what was pushed, queues what the settings say, and
 * later concludes it. What happens makes webhooks, taken with fake_github_next_hook.
 */

#include "engine/base/rng.h"
#include "tests/fakes/fake.h"
#include "tests/fakes/fake_git.h"
#include "tests/fakes/fake_settings.h"

struct fake_github;

/* Settings and git outlive it. */
struct fake_github *fake_github_new(const struct fake_settings *settings,
                                    struct fake_git *git, struct wall now);
void fake_github_free(struct fake_github *gh); /* accepts NULL */

void fake_github_serve(struct fake_github *gh, const struct fake_request *request,
                       struct wall now, struct fake_reply *reply);
/* The host that logs are redirected to: "/logs/ID?signature". Refuses an Authorization. */
void fake_github_serve_log(struct fake_github *gh, const struct fake_request *request,
                           struct wall now, struct fake_reply *reply);
void fake_github_tick(struct fake_github *gh, struct wall now);

/* A webhook to send; strings are malloc'd, for the caller. */
struct fake_hook_call {
    int64_t delivery;
    char *url, *secret, *event, *guid, *body;
    int64_t hook;
};
bool fake_github_next_hook(struct fake_github *gh, struct wall now,
                           struct fake_hook_call *ret_call);
/* status 0: nobody answered. */
void fake_github_hook_done(struct fake_github *gh, int64_t delivery, int status,
                           struct span took);

/* A hook as an administrator sets it up. Returns its id. */
int64_t fake_github_add_hook(struct fake_github *gh, const char *url, const char *secret,
                             struct wall now);

/* Commit `text` as `path` on a branch (made from base when it is new); the new head,
 * malloc'd, or NULL. */
char *fake_github_commit(struct fake_github *gh, const char *branch, const char *base,
                         const char *path, const char *text, const char *message,
                         const char *author, struct wall now);
/* Number of the pull request, 0 when it cannot be opened. */
int fake_github_open_pull(struct fake_github *gh, const char *branch, const char *base,
                          const char *title, const char *body, const char *author,
                          struct wall now);
/* Number of the pull request that is open for a branch, 0 = none. */
int fake_github_pull_of(struct fake_github *gh, const char *branch);
/* A person at work: {"action": "commit"|"pull"|"close"|"reopen"|"merge"|"review"|"comment",
 * ...}; false with a reason in reply. */
void fake_github_human(struct fake_github *gh, const struct json *what, struct wall now,
                       struct fake_reply *reply);
/* Checks that have not ended do so now, with the conclusion that was set for them. */
void fake_github_finish(struct fake_github *gh, struct wall now);
/* Counts and contents for tests, into an open object. */
void fake_github_state(struct fake_github *gh, struct jsonw *w);

#endif
