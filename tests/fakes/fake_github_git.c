/* SPDX-License-Identifier: MIT */

/* Refs, commits, trees, merges, branches and contents. */

#include "tests/fakes/fake_github_model.h"

static void answer_ref(struct gh_call *call, const char *ref, const char *sha, int status)
{
    call->reply->status = status;
    buf_clear(&call->reply->body);
    jsonw_init(&call->w, &call->reply->body);
    gh_put_ref(call->gh, &call->w, ref, sha);
}

void gh_ref_get(struct gh_call *call)
{
    AUTO_FREE char *ref = mem_printf("refs/%s", call->arg[0]);
    AUTO_FREE char *sha = fake_git_resolve(call->gh->git, ref);
    if (sha == NULL)
        gh_fail(call, 404, "Not Found");
    else
        answer_ref(call, ref, sha, 200);
}

void gh_refs_matching(struct gh_call *call)
{
    AUTO_FREE char *prefix = mem_printf("refs/%s", call->arg[0]);
    struct fake_ref *refs;
    size_t n = fake_git_branches(call->gh->git, &refs);
    gh_page_open(call, NULL);
    for (size_t i = 0; i < n; i++)
        if (strncmp(refs[i].name, prefix, strlen(prefix)) == 0 && gh_page_wants(call))
            gh_put_ref(call->gh, &call->w, refs[i].name, refs[i].sha);
    gh_page_close(call, NULL);
    fake_refs_free(refs, n);
}

void gh_ref_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *ref = gh_body_str(call, "ref", "");
    const char *sha = gh_body_str(call, "sha", "");
    AUTO_FREE char *there = fake_git_resolve(gh->git, ref);
    AUTO_FREE char *commit = fake_git_resolve(gh->git, sha);
    if (strncmp(ref, "refs/", 5) != 0 || strchr(ref + 5, '/') == NULL)
        gh_fail(call, 422, "Reference name must start with 'refs' and have two slashes.");
    else if (there != NULL)
        gh_fail(call, 422, "Reference already exists");
    else if (commit == NULL || !fake_git_update_ref(gh->git, ref, commit, ""))
        gh_fail(call, 422, "Object does not exist");
    else {
        gh_look(gh, call->now);
        answer_ref(call, ref, commit, 201);
    }
}

void gh_ref_update(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *ref = mem_printf("refs/%s", call->arg[0]);
    AUTO_FREE char *there = fake_git_resolve(gh->git, ref);
    AUTO_FREE char *commit = fake_git_resolve(gh->git, gh_body_str(call, "sha", ""));
    if (there == NULL || commit == NULL)
        gh_fail(call, 422,
                there == NULL ? "Reference does not exist" : "Object does not exist");
    else if (!json_bool(call->body, "force", false) &&
             !fake_git_is_ancestor(gh->git, there, commit))
        gh_fail(call, 422, "Update is not a fast forward");
    else if (!fake_git_update_ref(gh->git, ref, commit, there))
        gh_fail(call, 409, "Reference cannot be updated");
    else {
        gh_look(gh, call->now);
        answer_ref(call, ref, commit, 200);
    }
}

void gh_ref_delete(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *ref = mem_printf("refs/%s", call->arg[0]);
    AUTO_FREE char *there = fake_git_resolve(gh->git, ref);
    if (there == NULL || !fake_git_delete_ref(gh->git, ref)) {
        gh_fail(call, 422, "Reference does not exist");
        return;
    }
    gh_look(gh, call->now);
    gh_empty(call, 204);
}

static void answer_git_commit(struct gh_call *call, const char *sha, int status)
{
    gh_object(call, status);
    gh_put_git_commit(call->gh, &call->w, sha);
    gh_close(call);
}

void gh_git_commit_get(struct gh_call *call)
{
    AUTO_FREE char *sha = fake_git_resolve(call->gh->git, call->arg[0]);
    if (sha == NULL)
        gh_fail(call, 404, "Not Found");
    else
        answer_git_commit(call, sha, 200);
}

void gh_git_commit_create(struct gh_call *call)
{
    const struct json *parents = json_get(call->body, "parents");
    AUTO_FREE char *sha = fake_git_commit_tree(
        call->gh->git, gh_body_str(call, "tree", ""), gh_body_str(call, "message", ""),
        GH_BOT, json_text(json_at(parents, 0)), json_text(json_at(parents, 1)));
    if (sha == NULL)
        gh_fail(call, 422, "Tree SHA does not exist");
    else
        answer_git_commit(call, sha, 201);
}

void gh_git_tree_get(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    struct buf AUTO_BUF out;
    buf_init(&out, FAKE_BODY_MAX);
    const char *const argv[] = {"ls-tree", call->arg[0], NULL};
    if (call->arg[0][0] == '-' || fake_git_run(gh->git, NULL, 0, &out, argv) != 0) {
        gh_fail(call, 404, "Not Found");
        return;
    }
    gh_object(call, 200);
    jsonw_str(&call->w, "sha", call->arg[0]);
    fake_put(&call->w, "url", "%s/git/trees/%s", gh->api, call->arg[0]);
    jsonw_open(&call->w, "tree", '[');
    /* "100644 blob SHA\tPATH" */
    for (char *line = out.data, *end; *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end == '\n')
            *end++ = '\0';
        char *tab = strchr(line, '\t');
        if (tab == NULL || tab - line < 48)
            continue;
        *tab = '\0';
        char *kind = strchr(line, ' ');
        *kind++ = '\0';
        char *sha = strchr(kind, ' ');
        *sha++ = '\0';
        jsonw_open(&call->w, NULL, '{');
        jsonw_str(&call->w, "path", tab + 1);
        jsonw_str(&call->w, "mode", line);
        jsonw_str(&call->w, "type", kind);
        jsonw_str(&call->w, "sha", sha);
        fake_put(&call->w, "url", "%s/git/%ss/%s", gh->api, kind, sha);
        jsonw_close(&call->w, '}');
    }
    jsonw_close(&call->w, ']');
    jsonw_bool(&call->w, "truncated", false);
    gh_close(call);
}

void gh_merges_create(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *base = gh_body_str(call, "base", "");
    AUTO_FREE char *base_sha = gh_branch_sha(gh, base);
    AUTO_FREE char *head_sha = gh_resolve(gh, gh_body_str(call, "head", ""));
    if (base_sha == NULL || head_sha == NULL) {
        gh_fail(call, 404,
                base_sha == NULL ? "Base does not exist" : "Head does not exist");
        return;
    }
    if (fake_git_is_ancestor(gh->git, head_sha, base_sha)) {
        gh_empty(call, 204);
        return;
    }
    AUTO_FREE char *tree = fake_git_merge_tree(gh->git, base_sha, head_sha);
    if (tree == NULL) {
        gh_fail(call, 409, "Merge conflict");
        return;
    }
    AUTO_FREE char *commit =
        fake_git_commit_tree(gh->git, tree, gh_body_str(call, "commit_message", "Merge"),
                             GH_BOT, base_sha, head_sha);
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", base);
    if (commit == NULL || !fake_git_update_ref(gh->git, ref, commit, base_sha)) {
        gh_fail(call, 409, "Merge conflict");
        return;
    }
    gh_look(gh, call->now);
    call->reply->status = 201;
    jsonw_init(&call->w, &call->reply->body);
    gh_put_commit(gh, &call->w, NULL, commit);
}

void gh_compare(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    char *dots = strstr(call->arg[0], "...");
    AUTO_FREE char *left = dots != NULL
                               ? mem_strn(call->arg[0], (size_t)(dots - call->arg[0]))
                               : mem_str("");
    AUTO_FREE char *base = gh_resolve(gh, left);
    AUTO_FREE char *head = dots != NULL ? gh_resolve(gh, dots + 3) : NULL;
    AUTO_FREE char *fork =
        base != NULL && head != NULL ? fake_git_merge_base(gh->git, base, head) : NULL;
    if (fork == NULL) {
        gh_fail(call, 404, "Not Found");
        return;
    }
    struct fake_change change = *fake_git_change(gh->git, base, head);
    AUTO_FREE char *list = fake_git_between(gh->git, base, head);
    AUTO_FREE char *files = fake_git_files(gh->git, base, head);
    gh_object(call, 200);
    struct jsonw *w = &call->w;
    fake_put(w, "url", "%s/compare/%s", gh->api, call->arg[0]);
    fake_put(w, "html_url", "%s/compare/%s", gh->web, call->arg[0]);
    fake_put(w, "permalink_url", "%s/compare/%.12s...%.12s", gh->web, base, head);
    fake_put(w, "diff_url", "%s/compare/%s.diff", gh->web, call->arg[0]);
    fake_put(w, "patch_url", "%s/compare/%s.patch", gh->web, call->arg[0]);
    gh_put_commit(gh, w, "base_commit", base);
    gh_put_commit(gh, w, "merge_base_commit", fork);
    jsonw_str(w, "status",
              change.commits > 0 && change.behind > 0 ? "diverged"
              : change.commits > 0                    ? "ahead"
              : change.behind > 0                     ? "behind"
                                                      : "identical");
    jsonw_int(w, "ahead_by", change.commits);
    jsonw_int(w, "behind_by", change.behind);
    jsonw_int(w, "total_commits", change.commits);
    jsonw_open(w, "commits", '[');
    for (char *line = list, *end; line != NULL && *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end == '\n')
            *end++ = '\0';
        gh_put_commit(gh, w, NULL, line);
    }
    jsonw_close(w, ']');
    jsonw_open(w, "files", '[');
    for (char *line = files, *end; line != NULL && *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end == '\n')
            *end++ = '\0';
        gh_put_file(gh, w, base, head, line);
    }
    jsonw_close(w, ']');
    gh_close(call);
}

void gh_branch_get(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *name = call->arg[0];
    AUTO_FREE char *sha = gh_branch_sha(gh, name);
    if (sha == NULL) {
        gh_fail(call, 404, "Branch not found");
        return;
    }
    gh_object(call, 200);
    jsonw_str(&call->w, "name", name);
    gh_put_commit(gh, &call->w, "commit", sha);
    jsonw_open(&call->w, "_links", '{');
    fake_put(&call->w, "html", "%s/tree/%s", gh->web, name);
    fake_put(&call->w, "self", "%s/branches/%s", gh->api, name);
    jsonw_close(&call->w, '}');
    jsonw_bool(&call->w, "protected", gh->set->n_required > 0);
    jsonw_open(&call->w, "protection", '{');
    jsonw_bool(&call->w, "enabled", gh->set->n_required > 0);
    jsonw_close(&call->w, '}');
    fake_put(&call->w, "protection_url", "%s/branches/%s/protection", gh->api, name);
    gh_close(call);
}

void gh_commit_get(struct gh_call *call)
{
    AUTO_FREE char *sha = gh_resolve(call->gh, call->arg[0]);
    if (sha == NULL) {
        gh_fail(call, 422, "No commit found for SHA: %s", call->arg[0]);
        return;
    }
    jsonw_init(&call->w, &call->reply->body);
    gh_put_commit(call->gh, &call->w, NULL, sha);
}

void gh_commits_list(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    AUTO_FREE char *from = fake_request_param(call->request, "sha");
    AUTO_FREE char *sha = gh_resolve(gh, from != NULL ? from : gh_default_branch(gh));
    if (sha == NULL) {
        gh_fail(call, 404, "Not Found");
        return;
    }
    struct buf AUTO_BUF out;
    buf_init(&out, FAKE_BODY_MAX);
    (void)fake_git_run(gh->git, NULL, 0, &out,
                       (const char *const[]){"rev-list", sha, NULL});
    gh_page_open(call, NULL);
    for (char *line = out.data, *end; *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end == '\n')
            *end++ = '\0';
        if (gh_page_wants(call))
            gh_put_commit(gh, &call->w, NULL, line);
    }
    gh_page_close(call, NULL);
}

/* RFC 4648 4 */
static char *base64(const char *text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text), n = 0;
    char *out = mem_alloc(len / 3 * 4 + 8);
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)text[i] << 16;
        if (i + 1 < len)
            v |= (uint32_t)(unsigned char)text[i + 1] << 8;
        if (i + 2 < len)
            v |= (unsigned char)text[i + 2];
        out[n++] = digits[v >> 18];
        out[n++] = digits[v >> 12 & 63];
        out[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
        out[n++] = i + 2 < len ? digits[v & 63] : '=';
    }
    return out;
}

void gh_contents_get(struct gh_call *call)
{
    struct fake_github *gh = call->gh;
    const char *path = call->arg[0], *name = strrchr(path, '/');
    AUTO_FREE char *from = fake_request_param(call->request, "ref");
    AUTO_FREE char *sha = gh_resolve(gh, from != NULL ? from : gh_default_branch(gh));
    AUTO_FREE char *text = sha != NULL ? fake_git_blob(gh->git, sha, path) : NULL;
    if (text == NULL) {
        gh_fail(call, 404, "Not Found");
        return;
    }
    AUTO_FREE char *content = base64(text);
    char hex[65];
    fake_sha256(text, strlen(text), hex);
    gh_object(call, 200);
    jsonw_str(&call->w, "type", "file");
    jsonw_str(&call->w, "encoding", "base64");
    jsonw_int(&call->w, "size", (int64_t)strlen(text));
    jsonw_str(&call->w, "name", name != NULL ? name + 1 : path);
    jsonw_str(&call->w, "path", path);
    jsonw_str(&call->w, "content", content);
    fake_put(&call->w, "sha", "%.40s", hex);
    fake_put(&call->w, "url", "%s/contents/%s", gh->api, path);
    fake_put(&call->w, "git_url", "%s/git/blobs/%.40s", gh->api, hex);
    fake_put(&call->w, "html_url", "%s/blob/main/%s", gh->web, path);
    fake_put(&call->w, "download_url", "%s/raw/main/%s", gh->web, path);
    jsonw_open(&call->w, "_links", '{');
    fake_put(&call->w, "self", "%s/contents/%s", gh->api, path);
    fake_put(&call->w, "git", "%s/git/blobs/%.40s", gh->api, hex);
    fake_put(&call->w, "html", "%s/blob/main/%s", gh->web, path);
    jsonw_close(&call->w, '}');
    gh_close(call);
}

char *fake_github_commit(struct fake_github *gh, const char *branch, const char *base,
                         const char *path, const char *text, const char *message,
                         const char *author, struct wall now)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    AUTO_FREE char *there = gh_branch_sha(gh, branch);
    AUTO_FREE char *parent = there != NULL ? mem_str(there) : gh_branch_sha(gh, base);
    AUTO_FREE char *tree =
        parent != NULL ? fake_git_tree_with(gh->git, parent, path, text, strlen(text))
                       : NULL;
    AUTO_FREE char *commit =
        tree != NULL ? fake_git_commit_tree(gh->git, tree, message, author, parent, NULL)
                     : NULL;
    if (commit == NULL ||
        !fake_git_update_ref(gh->git, ref, commit, there != NULL ? there : ""))
        return NULL;
    gh_look(gh, now);
    return TAKE(commit);
}
