/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GITHUB_H
#define SIGNALBOX_SERVICE_GITHUB_H

/*
 * GitHub: the effects of the port "forge" at a service of kind github. Pure ops (op.h).
 *
 *   effect         op                   what it does
 *   workspace      github.workspace     for an agent that works elsewhere: looks at repository
 *                                       and base, chooses or keeps a branch's name. It makes
 *                                       no branch: the agent does
 *   commit         github.commit        finds the head that the agent left on the branch, or
 *                                       of its pull request; compares it with the base
 *   pull-request   github.pull-request  finds the pull request of the branch or opens one;
 *                                       updates its text in later iterations when it is
 *                                       ours (GITHUB_MARK); labels; diff and commits.
 *                                       Somebody else's is looked at only
 *   forge-checks   github.checks        waits until the checks of the head are green
 *   merge          github.merge         merges exactly the head that was validated
 *   revert         github.revert        opens a pull request that takes the merge back
 *   close          github.close         says so, closes, deletes our branch
 *   none           github.redeliver     house work, see below
 *
 * Crash rule: GitHub allows one open pull request of a head, a merge names the head it
 * expects, labels and closing are idempotent; so each op begins with a look, and what has
 * no such mark (comments, reverts) carries one in its text and has a memo.
 *
 * Outcomes beside PASSED
 *   pull request closed by a person     FAILED, operator
 *   merged by a person                  PASSED, with that merge
 *   head moved (a push, update-branch)  REFUSED, world, with the new head
 *   checks red                          FAILED, change, excerpt: names and failing lines
 *   checks want a person, or cancelled  FAILED, operator
 *   conflict with the base              FAILED, change
 *   branch protection refuses           FAILED, operator, with its words
 *   token, permission, repository       REFUSED, setup
 *   not reached, nothing begun          DEFERRED, service
 *
 * Waiting for checks: check runs and combined status of the head are asked for, with
 * pauses that grow from 5 s to a minute, and within a second when a webhook hints at it
 * (dozens of them are one look). No check at all counts as "none" only GITHUB_GRACE after
 * the effect was asked for. While the API cannot be reached, what webhooks say may end the
 * waiting when it is bad news (red, closed, moved); good news is always asked for. After
 * GITHUB_BLIND without the API the effect is deferred.
 *
 * A revert is merged by this op only when it is trivial: nothing landed on the base since,
 * and GitHub calls it clean. Else it is left to people: FAILED, operator, and who retries
 * after merging it gets PASSED.
 *
 * House work: with `hook` set ("owner/name#id") failed deliveries are asked for again. The
 * op of EFFECT_NONE does it, with an order whose workflow is 0, driven by the desk like any
 * other (engine/io/desk_chore.h starts it while webhooks may come). It ends PASSED with a
 * summary, is_reconciled when it asked for something. GitHub keeps deliveries for some
 * days; one is asked for at most GITHUB_AGAIN_MAX times, and not after a day.
 */

#include "engine/service/op.h"

extern const struct op_table github_ops;

#define GITHUB_GRACE     ((struct span){30 * 1000})
#define GITHUB_BLIND     ((struct span){120 * 1000})
#define GITHUB_AGAIN_MAX 5

/* "owner/name#id": false when it is none. */
bool github_hook_of(const char *hook, char repo[208], int64_t *ret_id);

#endif
