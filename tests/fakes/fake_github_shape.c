/* SPDX-License-Identifier: MIT */

/* Objects as GitHub's OpenAPI description requires them: users, repositories, pull requests,
 * commits. Those of checks stand in fake_github_shape_ci.c. */

#include "tests/fakes/fake_github_model.h"

/* One URL of an object: key, and what follows the object's own URL. */
struct url_row {
    const char *key, *suffix;
};

static int64_t id_of(const char *name)
{
    uint64_t hash = 1469598103934665603u;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return (int64_t)(hash % 100000000) + 1;
}

static void put_urls(struct jsonw *w, const char *root, const struct url_row *rows,
                     size_t n)
{
    for (size_t i = 0; i < n; i++)
        fake_put(w, rows[i].key, "%s%s", root, rows[i].suffix);
}
#define N_ROWS(rows) (sizeof(rows) / sizeof *(rows))

static const struct url_row user_urls[] = {
    {"url",                 ""                  },
    {"followers_url",       "/followers"        },
    {"following_url",       "/following{/other}"},
    {"gists_url",           "/gists{/gist_id}"  },
    {"starred_url",         "/starred{/owner}"  },
    {"subscriptions_url",   "/subscriptions"    },
    {"organizations_url",   "/orgs"             },
    {"repos_url",           "/repos"            },
    {"events_url",          "/events{/privacy}" },
    {"received_events_url", "/received_events"  },
};

void gh_put_user(struct fake_github *gh, struct jsonw *w, const char *key,
                 const char *login)
{
    if (login == NULL || *login == '\0') {
        jsonw_null(w, key);
        return;
    }
    AUTO_FREE char *root = mem_printf("%s/users/%s", gh->set->url, login);
    jsonw_open(w, key, '{');
    jsonw_str(w, "login", login);
    jsonw_int(w, "id", id_of(login));
    fake_put(w, "node_id", "U_%s", login);
    fake_put(w, "avatar_url", "%s/avatars/%s", gh->set->url, login);
    jsonw_str(w, "gravatar_id", "");
    fake_put(w, "html_url", "%s/%s", gh->set->url, login);
    put_urls(w, root, user_urls, N_ROWS(user_urls));
    jsonw_str(w, "type", "User");
    jsonw_bool(w, "site_admin", false);
    jsonw_close(w, '}');
}

static const struct url_row repo_urls[] = {
    {"url",               ""                             },
    {"archive_url",       "/{archive_format}{/ref}"      },
    {"assignees_url",     "/assignees{/user}"            },
    {"blobs_url",         "/git/blobs{/sha}"             },
    {"branches_url",      "/branches{/branch}"           },
    {"collaborators_url", "/collaborators{/collaborator}"},
    {"comments_url",      "/comments{/number}"           },
    {"commits_url",       "/commits{/sha}"               },
    {"compare_url",       "/compare/{base}...{head}"     },
    {"contents_url",      "/contents/{+path}"            },
    {"contributors_url",  "/contributors"                },
    {"deployments_url",   "/deployments"                 },
    {"downloads_url",     "/downloads"                   },
    {"events_url",        "/events"                      },
    {"forks_url",         "/forks"                       },
    {"git_commits_url",   "/git/commits{/sha}"           },
    {"git_refs_url",      "/git/refs{/sha}"              },
    {"git_tags_url",      "/git/tags{/sha}"              },
    {"issue_comment_url", "/issues/comments{/number}"    },
    {"issue_events_url",  "/issues/events{/number}"      },
    {"issues_url",        "/issues{/number}"             },
    {"keys_url",          "/keys{/key_id}"               },
    {"labels_url",        "/labels{/name}"               },
    {"languages_url",     "/languages"                   },
    {"merges_url",        "/merges"                      },
    {"milestones_url",    "/milestones{/number}"         },
    {"notifications_url", "/notifications{?since,all}"   },
    {"pulls_url",         "/pulls{/number}"              },
    {"releases_url",      "/releases{/id}"               },
    {"stargazers_url",    "/stargazers"                  },
    {"statuses_url",      "/statuses/{sha}"              },
    {"subscribers_url",   "/subscribers"                 },
    {"subscription_url",  "/subscription"                },
    {"tags_url",          "/tags"                        },
    {"teams_url",         "/teams"                       },
    {"trees_url",         "/git/trees{/sha}"             },
    {"hooks_url",         "/hooks"                       },
};

static const char *const repo_counts[] = {
    "forks",        "forks_count",       "stargazers_count",
    "watchers",     "watchers_count",    "open_issues",
    "size",         "open_issues_count", "subscribers_count",
    "network_count"};

static void put_repo_rest(struct fake_github *gh, struct jsonw *w)
{
    fake_put(w, "git_url", "git:%s.git", gh->web);
    fake_put(w, "ssh_url", "git@localhost:%s.git", gh->full);
    jsonw_str(w, "clone_url", fake_git_path(gh->git));
    jsonw_null(w, "mirror_url");
    jsonw_str(w, "svn_url", gh->web);
    jsonw_null(w, "homepage");
    jsonw_str(w, "language", "C");
    jsonw_null(w, "license");
    for (size_t i = 0; i < N_ROWS(repo_counts); i++)
        jsonw_int(w, repo_counts[i], 0);
    jsonw_str(w, "default_branch", gh_default_branch(gh));
    jsonw_bool(w, "has_issues", true);
    jsonw_bool(w, "has_projects", false);
    jsonw_bool(w, "has_wiki", false);
    jsonw_bool(w, "has_pages", false);
    jsonw_bool(w, "has_downloads", false);
    jsonw_bool(w, "has_discussions", false);
    jsonw_bool(w, "archived", false);
    jsonw_bool(w, "disabled", false);
    jsonw_str(w, "visibility", "private");
    fake_put_time(w, "pushed_at", gh->born);
    fake_put_time(w, "created_at", gh->born);
    fake_put_time(w, "updated_at", gh->born);
    jsonw_bool(w, "allow_merge_commit", true);
    jsonw_bool(w, "allow_squash_merge", true);
    jsonw_bool(w, "allow_rebase_merge", false);
    jsonw_bool(w, "allow_auto_merge", false);
    jsonw_bool(w, "delete_branch_on_merge", false);
    jsonw_open(w, "permissions", '{');
    jsonw_bool(w, "admin", true);
    jsonw_bool(w, "push", true);
    jsonw_bool(w, "pull", true);
    jsonw_close(w, '}');
}

void gh_put_repo(struct fake_github *gh, struct jsonw *w, const char *key, bool is_full)
{
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", id_of(gh->full));
    fake_put(w, "node_id", "R_%s", gh->set->name);
    jsonw_str(w, "name", gh->set->name);
    jsonw_str(w, "full_name", gh->full);
    gh_put_user(gh, w, "owner", gh->set->owner);
    jsonw_bool(w, "private", true);
    jsonw_str(w, "html_url", gh->web);
    jsonw_str(w, "description", "simulated");
    jsonw_bool(w, "fork", false);
    put_urls(w, gh->api, repo_urls, N_ROWS(repo_urls));
    if (is_full)
        put_repo_rest(gh, w);
    jsonw_close(w, '}');
}

/* ---- pull requests ------------------------------------------------------------------ */

static const struct url_row pull_links[] = {
    {"self",            "/pulls/%d"               },
    {"html",            ""                        },
    {"issue",           "/issues/%d"              },
    {"comments",        "/issues/%d/comments"     },
    {"review_comments", "/pulls/%d/comments"      },
    {"review_comment",  "/pulls/comments{/number}"},
    {"commits",         "/pulls/%d/commits"       },
    {"statuses",        ""                        },
};

/* "%d" in a suffix is the pull request's number. */
static char *pull_url(struct fake_github *gh, const struct gh_pull *pull,
                      const struct url_row *row)
{
    if (strcmp(row->key, "html") == 0)
        return mem_printf("%s/pull/%d", gh->web, pull->number);
    if (strcmp(row->key, "statuses") == 0)
        return mem_printf("%s/statuses/%s", gh->api, pull->head_sha);
    const char *hole = strstr(row->suffix, "%d");
    if (hole == NULL)
        return mem_printf("%s%s", gh->api, row->suffix);
    return mem_printf("%s%.*s%d%s", gh->api, (int)(hole - row->suffix), row->suffix,
                      pull->number, hole + 2);
}

static void put_pull_urls(struct fake_github *gh, struct jsonw *w,
                          const struct gh_pull *pull)
{
    static const struct url_row own[] = {
        {"url",                 "/pulls/%d"               },
        {"issue_url",           "/issues/%d"              },
        {"commits_url",         "/pulls/%d/commits"       },
        {"review_comments_url", "/pulls/%d/comments"      },
        {"review_comment_url",  "/pulls/comments{/number}"},
        {"comments_url",        "/issues/%d/comments"     },
    };
    for (size_t i = 0; i < N_ROWS(own); i++) {
        AUTO_FREE char *url = pull_url(gh, pull, &own[i]);
        jsonw_str(w, own[i].key, url);
    }
    fake_put(w, "html_url", "%s/pull/%d", gh->web, pull->number);
    fake_put(w, "diff_url", "%s/pull/%d.diff", gh->web, pull->number);
    fake_put(w, "patch_url", "%s/pull/%d.patch", gh->web, pull->number);
    fake_put(w, "statuses_url", "%s/statuses/%s", gh->api, pull->head_sha);
    jsonw_open(w, "_links", '{');
    for (size_t i = 0; i < N_ROWS(pull_links); i++) {
        AUTO_FREE char *url = pull_url(gh, pull, &pull_links[i]);
        jsonw_open(w, pull_links[i].key, '{');
        jsonw_str(w, "href", url);
        jsonw_close(w, '}');
    }
    jsonw_close(w, '}');
}

static void put_side(struct fake_github *gh, struct jsonw *w, const char *key,
                     const char *branch, const char *sha)
{
    jsonw_open(w, key, '{');
    fake_put(w, "label", "%s:%s", gh->set->owner, branch);
    jsonw_str(w, "ref", branch);
    jsonw_str(w, "sha", sha);
    gh_put_user(gh, w, "user", gh->set->owner);
    gh_put_repo(gh, w, "repo", true);
    jsonw_close(w, '}');
}

static void put_labels(struct fake_github *gh, struct jsonw *w,
                       const struct gh_pull *pull)
{
    jsonw_open(w, "labels", '[');
    for (size_t i = 0; i < pull->n_labels; i++) {
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "id", id_of(pull->labels[i]));
        fake_put(w, "node_id", "LA_%s", pull->labels[i]);
        fake_put(w, "url", "%s/labels/%s", gh->api, pull->labels[i]);
        jsonw_str(w, "name", pull->labels[i]);
        jsonw_str(w, "description", "");
        jsonw_str(w, "color", "ededed");
        jsonw_bool(w, "default", false);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

/* What GitHub computes in the background: null until it has. */
static void put_mergeable(struct fake_github *gh, struct jsonw *w, struct gh_pull *pull,
                          const struct fake_change *change, struct wall now)
{
    const char *state = "clean";
    if (pull->is_merged || now.ms < pull->known.ms)
        state = "unknown";
    else if (pull->is_draft)
        state = "draft";
    else if (change->has_conflict)
        state = "dirty";
    else {
        for (size_t i = 0; i < gh->set->n_required; i++)
            if (!gh_context_is_green(gh, pull->head_sha, gh->set->required[i]))
                state = "blocked";
        size_t n;
        if (strcmp(state, "clean") == 0 &&
            strcmp(gh_combined_state(gh, pull->head_sha, &n), "success") != 0 && n > 0)
            state = "unstable";
    }
    if (strcmp(state, "unknown") == 0) {
        jsonw_null(w, "mergeable");
        jsonw_null(w, "rebaseable");
    } else {
        jsonw_bool(w, "mergeable", !change->has_conflict);
        jsonw_bool(w, "rebaseable", !change->has_conflict);
    }
    jsonw_str(w, "mergeable_state", state);
}

static void put_pull_full(struct fake_github *gh, struct jsonw *w, struct gh_pull *pull,
                          struct wall now)
{
    const struct fake_change *change =
        fake_git_change(gh->git, pull->base_sha, pull->head_sha);
    int64_t n_comments = 0;
    for (size_t i = 0; i < gh->n_comments; i++)
        n_comments += gh->comments[i].number == pull->number;
    jsonw_bool(w, "merged", pull->is_merged);
    jsonw_int(w, "comments", n_comments);
    jsonw_int(w, "review_comments", 0);
    jsonw_bool(w, "maintainer_can_modify", false);
    jsonw_int(w, "commits", change->commits);
    jsonw_int(w, "additions", change->additions);
    jsonw_int(w, "deletions", change->deletions);
    jsonw_int(w, "changed_files", change->files);
    put_mergeable(gh, w, pull, change, now);
    gh_put_user(gh, w, "merged_by", pull->is_merged ? pull->merger : NULL);
}

void gh_put_pull(struct fake_github *gh, struct jsonw *w, const char *key,
                 struct gh_pull *pull, bool is_full, struct wall now)
{
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", pull->id);
    fake_put(w, "node_id", "PR_%d", pull->number);
    jsonw_int(w, "number", pull->number);
    jsonw_str(w, "state", pull->is_closed ? "closed" : "open");
    jsonw_bool(w, "locked", false);
    jsonw_str(w, "title", pull->title);
    jsonw_str(w, "body", *pull->body != '\0' ? pull->body : NULL);
    jsonw_bool(w, "draft", pull->is_draft);
    put_pull_urls(gh, w, pull);
    gh_put_user(gh, w, "user", pull->author);
    put_labels(gh, w, pull);
    jsonw_null(w, "milestone");
    jsonw_null(w, "assignee");
    jsonw_open(w, "assignees", '[');
    jsonw_close(w, ']');
    jsonw_open(w, "requested_reviewers", '[');
    jsonw_close(w, ']');
    jsonw_open(w, "requested_teams", '[');
    jsonw_close(w, ']');
    fake_put_time(w, "created_at", pull->created);
    fake_put_time(w, "updated_at", pull->updated);
    fake_put_time(w, "closed_at", pull->closed);
    fake_put_time(w, "merged_at", pull->is_merged ? pull->closed : (struct wall){0});
    jsonw_str(w, "merge_commit_sha", pull->merge_sha);
    put_side(gh, w, "head", pull->head, pull->head_sha);
    put_side(gh, w, "base", pull->base, pull->base_sha);
    jsonw_str(w, "author_association", "CONTRIBUTOR");
    jsonw_null(w, "auto_merge");
    if (is_full)
        put_pull_full(gh, w, pull, now);
    jsonw_close(w, '}');
}

static void put_min_side(struct fake_github *gh, struct jsonw *w, const char *key,
                         const char *ref, const char *sha)
{
    jsonw_open(w, key, '{');
    jsonw_str(w, "ref", ref);
    jsonw_str(w, "sha", sha);
    jsonw_open(w, "repo", '{');
    jsonw_int(w, "id", id_of(gh->full));
    jsonw_str(w, "url", gh->api);
    jsonw_str(w, "name", gh->set->name);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

/* "pull_requests": the open ones with this head. */
void gh_put_pulls_min(struct fake_github *gh, struct jsonw *w, const char *sha)
{
    jsonw_open(w, "pull_requests", '[');
    for (size_t i = 0; i < gh->n_pulls; i++) {
        const struct gh_pull *pull = gh->pulls[i];
        if (pull->is_closed || strcmp(pull->head_sha, sha) != 0)
            continue;
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "id", pull->id);
        jsonw_int(w, "number", pull->number);
        fake_put(w, "url", "%s/pulls/%d", gh->api, pull->number);
        put_min_side(gh, w, "head", pull->head, pull->head_sha);
        put_min_side(gh, w, "base", pull->base, pull->base_sha);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

void gh_put_comment(struct fake_github *gh, struct jsonw *w, const char *key,
                    const struct gh_comment *comment)
{
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", comment->id);
    fake_put(w, "node_id", "IC_%lld", (long long)comment->id);
    fake_put(w, "url", "%s/issues/comments/%lld", gh->api, (long long)comment->id);
    fake_put(w, "html_url", "%s/pull/%d#issuecomment-%lld", gh->web, comment->number,
             (long long)comment->id);
    fake_put(w, "issue_url", "%s/issues/%d", gh->api, comment->number);
    jsonw_str(w, "body", comment->body);
    gh_put_user(gh, w, "user", comment->author);
    fake_put_time(w, "created_at", comment->at);
    fake_put_time(w, "updated_at", comment->at);
    jsonw_str(w, "author_association", "CONTRIBUTOR");
    jsonw_close(w, '}');
}

void gh_put_review(struct fake_github *gh, struct jsonw *w, const char *key,
                   const struct gh_review *review)
{
    AUTO_FREE char *html = mem_printf("%s/pull/%d#pullrequestreview-%lld", gh->web,
                                      review->number, (long long)review->id);
    jsonw_open(w, key, '{');
    jsonw_int(w, "id", review->id);
    fake_put(w, "node_id", "PRR_%lld", (long long)review->id);
    gh_put_user(gh, w, "user", review->author);
    jsonw_str(w, "body", review->body);
    jsonw_str(w, "state", review->state);
    jsonw_str(w, "html_url", html);
    fake_put(w, "pull_request_url", "%s/pulls/%d", gh->api, review->number);
    jsonw_open(w, "_links", '{');
    jsonw_open(w, "html", '{');
    jsonw_str(w, "href", html);
    jsonw_close(w, '}');
    jsonw_open(w, "pull_request", '{');
    fake_put(w, "href", "%s/pulls/%d", gh->api, review->number);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    fake_put_time(w, "submitted_at", review->at);
    jsonw_str(w, "commit_id", review->sha);
    jsonw_str(w, "author_association", "COLLABORATOR");
    jsonw_close(w, '}');
}

/* ---- commits ------------------------------------------------------------------------ */

static void put_person(struct jsonw *w, const char *key, const char *name,
                       const char *email, struct wall at)
{
    jsonw_open(w, key, '{');
    jsonw_str(w, "name", name);
    jsonw_str(w, "email", email);
    fake_put_time(w, "date", at);
    jsonw_close(w, '}');
}

static void put_verification(struct jsonw *w)
{
    jsonw_open(w, "verification", '{');
    jsonw_bool(w, "verified", false);
    jsonw_str(w, "reason", "unsigned");
    jsonw_null(w, "signature");
    jsonw_null(w, "payload");
    jsonw_null(w, "verified_at");
    jsonw_close(w, '}');
}

static void put_parents(struct fake_github *gh, struct jsonw *w,
                        const struct fake_commit *commit, const char *kind)
{
    jsonw_open(w, "parents", '[');
    for (size_t i = 0; i < commit->n_parents; i++) {
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "sha", commit->parents[i]);
        fake_put(w, "url", "%s%s/commits/%s", gh->api, kind, commit->parents[i]);
        fake_put(w, "html_url", "%s/commit/%s", gh->web, commit->parents[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void put_tree(struct fake_github *gh, struct jsonw *w,
                     const struct fake_commit *commit)
{
    jsonw_open(w, "tree", '{');
    jsonw_str(w, "sha", commit->tree);
    fake_put(w, "url", "%s/git/trees/%s", gh->api, commit->tree);
    jsonw_close(w, '}');
}

void gh_put_git_commit(struct fake_github *gh, struct jsonw *w, const char *sha)
{
    const struct fake_commit *commit = fake_git_commit(gh->git, sha);
    jsonw_str(w, "sha", sha);
    fake_put(w, "node_id", "C_%s", sha);
    fake_put(w, "url", "%s/git/commits/%s", gh->api, sha);
    fake_put(w, "html_url", "%s/commit/%s", gh->web, sha);
    put_person(w, "author", commit->author, commit->author_email, commit->authored);
    put_person(w, "committer", commit->committer, commit->committer_email,
               commit->committed);
    jsonw_str(w, "message", commit->message);
    put_tree(gh, w, commit);
    put_parents(gh, w, commit, "/git");
    put_verification(w);
}

void gh_put_commit(struct fake_github *gh, struct jsonw *w, const char *key,
                   const char *sha)
{
    const struct fake_commit *commit = fake_git_commit(gh->git, sha);
    jsonw_open(w, key, '{');
    jsonw_str(w, "sha", sha);
    fake_put(w, "node_id", "C_%s", sha);
    fake_put(w, "url", "%s/commits/%s", gh->api, sha);
    fake_put(w, "html_url", "%s/commit/%s", gh->web, sha);
    fake_put(w, "comments_url", "%s/commits/%s/comments", gh->api, sha);
    jsonw_open(w, "commit", '{');
    fake_put(w, "url", "%s/git/commits/%s", gh->api, sha);
    put_person(w, "author", commit->author, commit->author_email, commit->authored);
    put_person(w, "committer", commit->committer, commit->committer_email,
               commit->committed);
    jsonw_str(w, "message", commit->message);
    jsonw_int(w, "comment_count", 0);
    put_tree(gh, w, commit);
    put_verification(w);
    jsonw_close(w, '}');
    gh_put_user(gh, w, "author", gh->set->owner);
    gh_put_user(gh, w, "committer", gh->set->owner);
    put_parents(gh, w, commit, "");
    jsonw_close(w, '}');
}

void gh_put_simple_commit(struct fake_github *gh, struct jsonw *w, const char *key,
                          const char *sha)
{
    const struct fake_commit *commit = fake_git_commit(gh->git, sha);
    if (commit == NULL) {
        jsonw_null(w, key);
        return;
    }
    jsonw_open(w, key, '{');
    jsonw_str(w, "id", sha);
    jsonw_str(w, "tree_id", commit->tree);
    jsonw_str(w, "message", commit->message);
    fake_put_time(w, "timestamp", commit->committed);
    jsonw_open(w, "author", '{');
    jsonw_str(w, "name", commit->author);
    jsonw_str(w, "email", commit->author_email);
    jsonw_close(w, '}');
    jsonw_open(w, "committer", '{');
    jsonw_str(w, "name", commit->committer);
    jsonw_str(w, "email", commit->committer_email);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

void gh_put_ref(struct fake_github *gh, struct jsonw *w, const char *ref, const char *sha)
{
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "ref", ref);
    fake_put(w, "node_id", "REF_%s", ref);
    fake_put(w, "url", "%s/git/%s", gh->api, ref);
    jsonw_open(w, "object", '{');
    jsonw_str(w, "type", "commit");
    jsonw_str(w, "sha", sha);
    fake_put(w, "url", "%s/git/commits/%s", gh->api, sha);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

/* `line` is one of fake_git_files. The patch has no file headers, as GitHub's has none. */
void gh_put_file(struct fake_github *gh, struct jsonw *w, const char *base,
                 const char *head, const char *line)
{
    char *end;
    int64_t added = strtoll(line, &end, 10), deleted = strtoll(end, &end, 10);
    const char *path = end + (*end == '\t');
    struct buf AUTO_BUF diff;
    AUTO_FREE char *range = mem_printf("%s...%s", base, head);
    buf_init(&diff, 1024 * 1024);
    (void)fake_git_run(
        gh->git, NULL, 0, &diff,
        (const char *const[]){"diff", "--no-renames", range, "--", path, NULL});
    const char *patch = strstr(diff.data, "\n@@");
    char sha[65];
    fake_sha256(diff.data, diff.len, sha);
    jsonw_open(w, NULL, '{');
    fake_put(w, "sha", "%.40s", sha);
    jsonw_str(w, "filename", path);
    jsonw_str(w, "status",
              strstr(diff.data, "\nnew file mode") != NULL       ? "added"
              : strstr(diff.data, "\ndeleted file mode") != NULL ? "removed"
                                                                 : "modified");
    jsonw_int(w, "additions", added);
    jsonw_int(w, "deletions", deleted);
    jsonw_int(w, "changes", added + deleted);
    fake_put(w, "blob_url", "%s/blob/%s/%s", gh->web, head, path);
    fake_put(w, "raw_url", "%s/raw/%s/%s", gh->web, head, path);
    fake_put(w, "contents_url", "%s/contents/%s?ref=%s", gh->api, path, head);
    if (patch != NULL)
        jsonw_str(w, "patch", patch + 1);
    jsonw_close(w, '}');
}
