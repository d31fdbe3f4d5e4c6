/* SPDX-License-Identifier: MIT */

/* Pull requests, their comments, labels and reviews; branches as they are pushed. */

#include "tests/fakes/fake_github_model.h"

#define MERGEABLE_UNSET ((struct wall){0})

/* ---- branches ----------------------------------------------------------------------- */

char *gh_branch_sha(struct fake_github *gh, const char *branch)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    return fake_git_resolve(gh->git, ref);
}

char *gh_resolve(struct fake_github *gh, const char *ref)
{
    const char *name = strncmp(ref, "heads/", 6) == 0 ? ref + 6 : ref;
    char *sha = gh_branch_sha(gh, name);
    return sha != NULL ? sha : fake_git_resolve(gh->git, ref);
}

static struct gh_branch *branch_find(struct fake_github *gh, const char *name)
{
    for (size_t i = 0; i < gh->n_branches; i++)
        if (strcmp(gh->branches[i].name, name) == 0)
            return &gh->branches[i];
    return NULL;
}

static void put_push_commit(struct fake_github *gh, struct jsonw *w, const char *key,
                            const char *sha)
{
    gh_put_simple_commit(gh, w, key, sha);
}

static void event_push(struct fake_github *gh, const char *branch, const char *before,
                       const char *after, struct wall now)
{
    static const char zero[] = "0000000000000000000000000000000000000000";
    struct gh_event event;
    bool is_gone = *after == '\0';
    gh_event_open(&event, "push", "");
    fake_put(&event.w, "ref", "refs/heads/%s", branch);
    jsonw_str(&event.w, "before", *before != '\0' ? before : zero);
    jsonw_str(&event.w, "after", is_gone ? zero : after);
    jsonw_bool(&event.w, "created", *before == '\0');
    jsonw_bool(&event.w, "deleted", is_gone);
    jsonw_bool(&event.w, "forced", false);
    jsonw_null(&event.w, "base_ref");
    fake_put(&event.w, "compare", "%s/compare/%.12s...%.12s", gh->web, before, after);
    jsonw_open(&event.w, "commits", '[');
    if (!is_gone)
        put_push_commit(gh, &event.w, NULL, after);
    jsonw_close(&event.w, ']');
    if (is_gone)
        jsonw_null(&event.w, "head_commit");
    else
        put_push_commit(gh, &event.w, "head_commit", after);
    jsonw_open(&event.w, "pusher", '{');
    jsonw_str(&event.w, "name", GH_BOT);
    jsonw_close(&event.w, '}');
    gh_event_send(gh, &event, GH_BOT, now);
}

/* What a push means for the pull requests with this head or base. */
static void pulls_follow(struct fake_github *gh, const char *branch, const char *sha,
                         struct wall now)
{
    for (size_t i = 0; i < gh->n_pulls; i++) {
        struct gh_pull *pull = gh->pulls[i];
        if (pull->is_closed)
            continue;
        if (strcmp(pull->base, branch) == 0)
            fake_keep(&pull->base_sha, sha);
        if (strcmp(pull->head, branch) != 0 || strcmp(pull->head_sha, sha) == 0)
            continue;
        AUTO_FREE char *before = mem_str(pull->head_sha);
        fake_keep(&pull->head_sha, sha);
        pull->updated = now;
        pull->known = wall_add(now, gh->set->mergeable_after);
        gh_event_pull(gh, pull, "synchronize", before, GH_BOT, now);
    }
}

static void see(struct fake_github *gh, const char *name, const char *sha,
                struct wall now)
{
    struct gh_branch *branch = branch_find(gh, name);
    bool is_first = !wall_is_set(gh->looked); /* as it was found */
    if (branch == NULL) {
        branch = FAKE_ADD(gh->branches, gh->n_branches);
        branch->name = mem_str(name);
        branch->sha = mem_str("");
    }
    branch->is_gone = false;
    if (strcmp(branch->sha, sha) == 0)
        return;
    AUTO_FREE char *before = mem_str(branch->sha);
    fake_keep(&branch->sha, sha);
    int head = branch->heads++;
    if (is_first)
        return;
    event_push(gh, name, before, sha, now);
    pulls_follow(gh, name, sha, now);
    if (strcmp(name, gh_default_branch(gh)) != 0)
        gh_checks_begin(gh, name, sha, head, "push", now);
}

void gh_look(struct fake_github *gh, struct wall now)
{
    struct fake_ref *refs;
    size_t n = fake_git_branches(gh->git, &refs);
    for (size_t i = 0; i < gh->n_branches; i++)
        gh->branches[i].is_gone = true;
    for (size_t i = 0; i < n; i++)
        see(gh, refs[i].name + strlen("refs/heads/"), refs[i].sha, now);
    for (size_t i = 0; i < gh->n_branches; i++)
        if (gh->branches[i].is_gone && *gh->branches[i].sha != '\0') {
            event_push(gh, gh->branches[i].name, gh->branches[i].sha, "", now);
            fake_keep(&gh->branches[i].sha, "");
        }
    fake_refs_free(refs, n);
    gh->looked = now;
}

/* ---- pull requests ------------------------------------------------------------------ */

struct gh_pull *gh_pull_find(struct fake_github *gh, int number)
{
    for (size_t i = 0; i < gh->n_pulls; i++)
        if (gh->pulls[i]->number == number)
            return gh->pulls[i];
    return NULL;
}

struct gh_pull *gh_pull_open_for(struct fake_github *gh, const char *branch,
                                 const char *base)
{
    for (size_t i = 0; i < gh->n_pulls; i++)
        if (!gh->pulls[i]->is_closed && strcmp(gh->pulls[i]->head, branch) == 0 &&
            (base == NULL || strcmp(gh->pulls[i]->base, base) == 0))
            return gh->pulls[i];
    return NULL;
}

int fake_github_pull_of(struct fake_github *gh, const char *branch)
{
    const struct gh_pull *pull = gh_pull_open_for(gh, branch, NULL);
    return pull != NULL ? pull->number : 0;
}

struct gh_pull *gh_pull_add(struct fake_github *gh, const char *head, const char *base,
                            const char *title, const char *text, const char *author,
                            bool is_draft, struct wall now)
{
    gh_look(gh, now);
    AUTO_FREE char *head_sha = gh_branch_sha(gh, head);
    AUTO_FREE char *base_sha = gh_branch_sha(gh, base);
    if (head_sha == NULL || base_sha == NULL)
        return NULL;
    struct gh_pull *pull = mem_alloc(sizeof *pull);
    pull->id = gh_id(gh);
    pull->number = ++gh->last_number;
    pull->title = mem_str(title);
    pull->body = mem_str(text);
    pull->author = mem_str(author);
    pull->head = mem_str(head);
    pull->base = mem_str(base);
    pull->head_sha = TAKE(head_sha);
    pull->base_sha = TAKE(base_sha);
    pull->is_draft = is_draft;
    pull->created = pull->updated = now;
    pull->known = wall_add(now, gh->set->mergeable_after);
    *FAKE_ADD(gh->pulls, gh->n_pulls) = pull;
    gh->n_opened++;
    gh_event_pull(gh, pull, "opened", NULL, author, now);
    return pull;
}

int fake_github_open_pull(struct fake_github *gh, const char *branch, const char *base,
                          const char *title, const char *body, const char *author,
                          struct wall now)
{
    const struct gh_pull *pull = gh_pull_open_for(gh, branch, base);
    if (pull == NULL)
        pull = gh_pull_add(gh, branch, base, title, body, author, false, now);
    return pull != NULL ? pull->number : 0;
}

void gh_pull_set_closed(struct fake_github *gh, struct gh_pull *pull, bool is_closed,
                        const char *who, struct wall now)
{
    if (pull->is_closed == is_closed || pull->is_merged)
        return;
    pull->is_closed = is_closed;
    pull->closed = is_closed ? now : MERGEABLE_UNSET;
    pull->updated = now;
    gh_event_pull(gh, pull, is_closed ? "closed" : "reopened", NULL, who, now);
}

char *gh_merge(struct fake_github *gh, struct gh_pull *pull, const char *method,
               const char *title, const char *text, const char *who, struct wall now)
{
    bool is_squash = strcmp(method, "squash") == 0;
    AUTO_FREE char *base = gh_branch_sha(gh, pull->base);
    if (base == NULL)
        return NULL;
    AUTO_FREE char *tree = fake_git_merge_tree(gh->git, base, pull->head_sha);
    if (tree == NULL)
        return NULL;
    AUTO_FREE char *subject = title != NULL ? mem_str(title)
                              : is_squash
                                  ? mem_printf("%s (#%d)", pull->title, pull->number)
                                  : mem_printf("Merge pull request #%d from %s/%s",
                                               pull->number, gh->set->owner, pull->head);
    AUTO_FREE char *message =
        mem_printf("%s\n\n%s\n", subject, text != NULL ? text : pull->title);
    AUTO_FREE char *commit = fake_git_commit_tree(gh->git, tree, message, who, base,
                                                  is_squash ? NULL : pull->head_sha);
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", pull->base);
    if (commit == NULL || !fake_git_update_ref(gh->git, ref, commit, base))
        return NULL;
    gh->n_merges++;
    pull->is_closed = pull->is_merged = true;
    pull->closed = pull->updated = now;
    fake_keep(&pull->merge_sha, commit);
    fake_keep(&pull->merger, who);
    gh_event_pull(gh, pull, "closed", NULL, who, now);
    gh_look(gh, now);
    return TAKE(commit);
}

struct gh_pull *gh_revert(struct fake_github *gh, struct gh_pull *pull, const char *title,
                          const char *text, struct wall now)
{
    AUTO_FREE char *base = gh_branch_sha(gh, pull->base);
    AUTO_FREE char *tree = fake_git_revert_tree(gh->git, base, pull->merge_sha);
    if (tree == NULL)
        return NULL;
    AUTO_FREE char *own = mem_printf("Revert \"%s\"", pull->title);
    AUTO_FREE char *message =
        mem_printf("%s\n\nThis reverts commit %s.\n", own, pull->merge_sha);
    AUTO_FREE char *commit =
        fake_git_commit_tree(gh->git, tree, message, GH_BOT, base, NULL);
    AUTO_FREE char *branch = mem_printf("revert-%d-%s", pull->number, pull->head);
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    if (commit == NULL || !fake_git_update_ref(gh->git, ref, commit, ""))
        return NULL;
    gh->n_reverts++;
    return gh_pull_add(gh, branch, pull->base, title != NULL ? title : own,
                       text != NULL ? text : "", GH_BOT, false, now);
}

/* ---- routes ------------------------------------------------------------------------- */

static struct gh_pull *pull_of(struct gh_call *call)
{
    struct gh_pull *pull = gh_pull_find(call->gh, (int)fake_number(call->arg[0], 0));
    if (pull == NULL)
        gh_fail(call, 404, "Not Found");
    return pull;
}

static void answer_pull(struct gh_call *call, struct gh_pull *pull, int status)
{
    call->reply->status = status;
    buf_clear(&call->reply->body);
    jsonw_init(&call->w, &call->reply->body);
    gh_put_pull(call->gh, &call->w, NULL, pull, true, call->now);
}

static bool is_wanted(const struct gh_pull *pull, const char *owner, const char *state,
                      const char *head, const char *base)
{
    if (strcmp(state, "all") != 0 && (strcmp(state, "closed") == 0) != pull->is_closed)
        return false;
    if (base != NULL && strcmp(base, pull->base) != 0)
        return false;
    if (head == NULL)
        return true;
    /* "user:branch"; without the user GitHub does not filter. */
    const char *colon = strchr(head, ':');
    return colon == NULL || (strncmp(head, owner, (size_t)(colon - head)) == 0 &&
                             strcmp(colon + 1, pull->head) == 0);
}

void gh_pulls_list(struct gh_call *call)
{
    AUTO_FREE char *state = fake_request_param(call->request, "state");
    AUTO_FREE char *head = fake_request_param(call->request, "head");
    AUTO_FREE char *base = fake_request_param(call->request, "base");
    AUTO_FREE char *direction = fake_request_param(call->request, "direction");
    size_t n = call->gh->n_pulls;
    gh_page_open(call, NULL);
    for (size_t i = 0; i < n; i++) {
        bool is_up = direction != NULL && strcmp(direction, "asc") == 0;
        struct gh_pull *pull = call->gh->pulls[is_up ? i : n - 1 - i];
        if (is_wanted(pull, call->gh->set->owner, state != NULL ? state : "open", head,
                      base) &&
            gh_page_wants(call))
            gh_put_pull(call->gh, &call->w, NULL, pull, false, call->now);
    }
    gh_page_close(call, NULL);
}

void gh_pulls_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *head = gh_body_str(call, "head", "");
    const char *base = gh_body_str(call, "base", "");
    const char *colon = strchr(head, ':');
    if (colon != NULL)
        head = colon + 1;
    if (*head == '\0' || *base == '\0' || gh_body_str(call, "title", NULL) == NULL) {
        gh_invalid(call, "PullRequest", *head == '\0' ? "head" : "base", "missing_field",
                   NULL);
        return;
    }
    AUTO_FREE char *head_sha = gh_branch_sha(gh, head);
    AUTO_FREE char *base_sha = gh_branch_sha(gh, base);
    if (head_sha == NULL || base_sha == NULL) {
        gh_invalid(call, "PullRequest", head_sha == NULL ? "head" : "base", "invalid",
                   NULL);
        return;
    }
    AUTO_FREE char *text = NULL;
    if (gh_pull_open_for(gh, head, base) != NULL) {
        text =
            mem_printf("A pull request already exists for %s:%s.", gh->set->owner, head);
        gh_invalid(call, "PullRequest", NULL, "custom", text);
        return;
    }
    if (fake_git_is_ancestor(gh->git, head_sha, base_sha)) {
        text = mem_printf("No commits between %s and %s", base, head);
        gh_invalid(call, "PullRequest", NULL, "custom", text);
        return;
    }
    struct gh_pull *pull = gh_pull_add(gh, head, base, gh_body_str(call, "title", ""),
                                       gh_body_str(call, "body", ""), GH_BOT,
                                       json_bool(call->body, "draft", false), call->now);
    fake_reply_header(call->reply, "Location", "%s/pulls/%d", gh->api, pull->number);
    answer_pull(call, pull, 201);
}

void gh_pulls_get(struct gh_call *call)
{
    struct gh_pull *pull = pull_of(call);
    if (pull != NULL)
        answer_pull(call, pull, 200);
}

void gh_pulls_patch(struct gh_call *call)
{
    struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    const char *title = gh_body_str(call, "title", NULL);
    const char *text = gh_body_str(call, "body", NULL);
    const char *state = gh_body_str(call, "state", NULL);
    if (title != NULL)
        fake_keep(&pull->title, title);
    if (text != NULL)
        fake_keep(&pull->body, text);
    if (title != NULL || text != NULL)
        gh_event_pull(call->gh, pull, "edited", NULL, GH_BOT, call->now);
    if (state != NULL && strcmp(state, "open") != 0 && strcmp(state, "closed") != 0) {
        gh_invalid(call, "PullRequest", "state", "invalid", NULL);
        return;
    }
    if (state != NULL)
        gh_pull_set_closed(call->gh, pull, strcmp(state, "closed") == 0, GH_BOT,
                           call->now);
    answer_pull(call, pull, 200);
}

void gh_pulls_merged(struct gh_call *call)
{
    const struct gh_pull *pull = pull_of(call);
    if (pull != NULL && pull->is_merged)
        gh_empty(call, 204);
    else if (pull != NULL)
        gh_fail(call, 404, "Not Found");
}

/* NULL when it may be merged. */
static const char *unmergeable(struct fake_github *gh, const struct gh_pull *pull)
{
    if (pull->is_draft)
        return "Pull Request is still a draft";
    if (pull->is_closed ||
        fake_git_change(gh->git, pull->base_sha, pull->head_sha)->has_conflict)
        return "Pull Request is not mergeable";
    for (size_t i = 0; i < gh->set->n_required; i++)
        if (!gh_context_is_green(gh, pull->head_sha, gh->set->required[i]))
            return "Required status check is expected.";
    return NULL;
}

void gh_pulls_merge(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    gh_look(gh, call->now);
    const char *sha = gh_body_str(call, "sha", NULL);
    const char *method = gh_body_str(call, "merge_method", "merge");
    if (sha != NULL && strcmp(sha, pull->head_sha) != 0 && !pull->is_closed) {
        gh_fail(call, 409, "Head branch was modified. Review and try the merge again.");
        return;
    }
    const char *why = unmergeable(gh, pull);
    if (why != NULL) {
        gh_fail(call, 405, "%s", why);
        return;
    }
    if (strcmp(method, "rebase") == 0) {
        gh_fail(call, 405, "Rebase merges are not allowed on this repository.");
        return;
    }
    AUTO_FREE char *commit =
        gh_merge(gh, pull, method, gh_body_str(call, "commit_title", NULL),
                 gh_body_str(call, "commit_message", NULL), GH_BOT, call->now);
    if (commit == NULL) {
        gh_fail(call, 405, "Base branch was modified. Review and try the merge again.");
        return;
    }
    gh_object(call, 200);
    jsonw_str(&call->w, "sha", commit);
    jsonw_bool(&call->w, "merged", true);
    jsonw_str(&call->w, "message", "Pull Request successfully merged");
    gh_close(call);
}

void gh_pulls_update(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    gh_look(gh, call->now);
    const char *expected = gh_body_str(call, "expected_head_sha", pull->head_sha);
    if (strcmp(expected, pull->head_sha) != 0) {
        gh_invalid(call, "PullRequest", "expected_head_sha", "invalid",
                   "expected head sha didn't match current head ref.");
        return;
    }
    if (fake_git_is_ancestor(gh->git, pull->base_sha, pull->head_sha)) {
        gh_invalid(call, "PullRequest", NULL, "custom",
                   "There are no new commits on the base branch.");
        return;
    }
    AUTO_FREE char *tree = fake_git_merge_tree(gh->git, pull->head_sha, pull->base_sha);
    if (tree == NULL) {
        gh_invalid(call, "PullRequest", NULL, "custom",
                   "merge conflict between base and head");
        return;
    }
    AUTO_FREE char *message =
        mem_printf("Merge branch '%s' into %s\n", pull->base, pull->head);
    AUTO_FREE char *commit = fake_git_commit_tree(gh->git, tree, message, GH_BOT,
                                                  pull->head_sha, pull->base_sha);
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", pull->head);
    if (commit != NULL && fake_git_update_ref(gh->git, ref, commit, pull->head_sha))
        gh_look(gh, call->now);
    gh_object(call, 202);
    jsonw_str(&call->w, "message", "Updating pull request branch.");
    fake_put(&call->w, "url", "%s/pulls/%d", gh->api, pull->number);
    gh_close(call);
}

void gh_pulls_commits(struct gh_call *call)
{
    struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    AUTO_FREE char *list =
        fake_git_between(call->gh->git, pull->base_sha, pull->head_sha);
    gh_page_open(call, NULL);
    for (char *line = list, *end; line != NULL && *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end == '\n')
            *end++ = '\0';
        if (gh_page_wants(call))
            gh_put_commit(call->gh, &call->w, NULL, line);
    }
    gh_page_close(call, NULL);
}

void gh_pulls_files(struct gh_call *call)
{
    struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    AUTO_FREE char *list = fake_git_files(call->gh->git, pull->base_sha, pull->head_sha);
    gh_page_open(call, NULL);
    for (char *line = list, *end; line != NULL && *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end == '\n')
            *end++ = '\0';
        if (gh_page_wants(call))
            gh_put_file(call->gh, &call->w, pull->base_sha, pull->head_sha, line);
    }
    gh_page_close(call, NULL);
}

void gh_commit_pulls(struct gh_call *call)
{
    AUTO_FREE char *sha = gh_resolve(call->gh, call->arg[0]);
    gh_page_open(call, NULL);
    for (size_t i = 0; sha != NULL && i < call->gh->n_pulls; i++) {
        struct gh_pull *pull = call->gh->pulls[i];
        if ((strcmp(pull->head_sha, sha) == 0 ||
             (pull->merge_sha != NULL && strcmp(pull->merge_sha, sha) == 0)) &&
            gh_page_wants(call))
            gh_put_pull(call->gh, &call->w, NULL, pull, false, call->now);
    }
    gh_page_close(call, NULL);
}

/* ---- reviews ------------------------------------------------------------------------ */

struct gh_review *gh_review_add(struct fake_github *gh, struct gh_pull *pull,
                                const char *state, const char *text, const char *who,
                                struct wall now)
{
    struct gh_review *review = FAKE_ADD(gh->reviews, gh->n_reviews);
    *review = (struct gh_review){gh_id(gh),    pull->number,   mem_str(text),
                                 mem_str(who), mem_str(state), mem_str(pull->head_sha),
                                 now};
    struct gh_event event;
    gh_event_open(&event, "pull_request_review", "submitted");
    gh_put_review(gh, &event.w, "review", review);
    gh_put_pull(gh, &event.w, "pull_request", pull, false, now);
    gh_event_send(gh, &event, who, now);
    return review;
}

void gh_pulls_reviews(struct gh_call *call)
{
    const struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    gh_page_open(call, NULL);
    for (size_t i = 0; i < call->gh->n_reviews; i++)
        if (call->gh->reviews[i].number == pull->number && gh_page_wants(call))
            gh_put_review(call->gh, &call->w, NULL, &call->gh->reviews[i]);
    gh_page_close(call, NULL);
}

void gh_pulls_review(struct gh_call *call)
{
    struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    const char *event = gh_body_str(call, "event", "");
    const char *state = strcmp(event, "APPROVE") == 0           ? "APPROVED"
                        : strcmp(event, "REQUEST_CHANGES") == 0 ? "CHANGES_REQUESTED"
                        : strcmp(event, "COMMENT") == 0         ? "COMMENTED"
                                                                : "PENDING";
    const struct gh_review *review = gh_review_add(
        call->gh, pull, state, gh_body_str(call, "body", ""), GH_BOT, call->now);
    call->reply->status = 200;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_review(call->gh, &call->w, NULL, review);
}

void gh_pulls_reviewers(struct gh_call *call)
{
    if (pull_of(call) == NULL)
        return;
    gh_object(call, 200);
    jsonw_open(&call->w, "users", '[');
    jsonw_close(&call->w, ']');
    jsonw_open(&call->w, "teams", '[');
    jsonw_close(&call->w, ']');
    gh_close(call);
}

/* ---- comments and labels ------------------------------------------------------------ */

void gh_comments_list(struct gh_call *call)
{
    const struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    gh_page_open(call, NULL);
    for (size_t i = 0; i < call->gh->n_comments; i++)
        if (call->gh->comments[i].number == pull->number && gh_page_wants(call))
            gh_put_comment(call->gh, &call->w, NULL, &call->gh->comments[i]);
    gh_page_close(call, NULL);
}

static void answer_comment(struct gh_call *call, const struct gh_comment *comment,
                           int status)
{
    call->reply->status = status;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_comment(call->gh, &call->w, NULL, comment);
}

void gh_comments_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const struct gh_pull *pull = pull_of(call);
    const char *text = gh_body_str(call, "body", "");
    if (pull == NULL)
        return;
    if (*text == '\0') {
        gh_invalid(call, "IssueComment", "body", "missing_field", NULL);
        return;
    }
    struct gh_comment *comment = FAKE_ADD(gh->comments, gh->n_comments);
    *comment = (struct gh_comment){gh_id(gh), pull->number, mem_str(text),
                                   mem_str(GH_BOT), call->now};
    fake_reply_header(call->reply, "Location", "%s/issues/comments/%lld", gh->api,
                      (long long)comment->id);
    answer_comment(call, comment, 201);
}

static struct gh_comment *comment_of(struct gh_call *call)
{
    int64_t id = fake_number(call->arg[0], 0);
    for (size_t i = 0; i < call->gh->n_comments; i++)
        if (call->gh->comments[i].id == id)
            return &call->gh->comments[i];
    gh_fail(call, 404, "Not Found");
    return NULL;
}

void gh_comments_get(struct gh_call *call)
{
    const struct gh_comment *comment = comment_of(call);
    if (comment != NULL)
        answer_comment(call, comment, 200);
}

void gh_comments_patch(struct gh_call *call)
{
    struct gh_comment *comment = comment_of(call);
    if (comment == NULL)
        return;
    fake_keep(&comment->body, gh_body_str(call, "body", ""));
    answer_comment(call, comment, 200);
}

void gh_comments_delete(struct gh_call *call)
{
    struct gh_comment *comment = comment_of(call);
    if (comment == NULL)
        return;
    comment->number = 0;
    comment->id = 0;
    gh_empty(call, 204);
}

static void answer_labels(struct gh_call *call, const struct gh_pull *pull)
{
    gh_page_open(call, NULL);
    for (size_t i = 0; i < pull->n_labels; i++) {
        if (!gh_page_wants(call))
            continue;
        jsonw_open(&call->w, NULL, '{');
        jsonw_int(&call->w, "id", (int64_t)i + 1);
        fake_put(&call->w, "node_id", "LA_%s", pull->labels[i]);
        fake_put(&call->w, "url", "%s/labels/%s", call->gh->api, pull->labels[i]);
        jsonw_str(&call->w, "name", pull->labels[i]);
        jsonw_null(&call->w, "description");
        jsonw_str(&call->w, "color", "ededed");
        jsonw_bool(&call->w, "default", false);
        jsonw_close(&call->w, '}');
    }
    gh_page_close(call, NULL);
}

void gh_labels_list(struct gh_call *call)
{
    const struct gh_pull *pull = pull_of(call);
    if (pull != NULL)
        answer_labels(call, pull);
}

void gh_labels_add(struct gh_call *call)
{
    struct gh_pull *pull = pull_of(call);
    if (pull == NULL)
        return;
    const struct json *list = json_get(call->body, "labels");
    for (size_t i = 0; i < json_len(list); i++) {
        const char *name = json_text(json_at(list, i));
        bool is_there = name == NULL;
        for (size_t k = 0; !is_there && k < pull->n_labels; k++)
            is_there = strcmp(pull->labels[k], name) == 0;
        if (is_there)
            continue;
        *FAKE_ADD(pull->labels, pull->n_labels) = mem_str(name);
        gh_event_pull(call->gh, pull, "labeled", NULL, GH_BOT, call->now);
    }
    answer_labels(call, pull);
}
