/* SPDX-License-Identifier: MIT */
#include "engine/service/local_mirror.h"

#include <ctype.h>
#include <strings.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/local_credential.h"
#include "engine/service/local_result.h"
#include "engine/service/local_tree.h"
#include "engine/service/local_turn.h"

#define REFS_MAX    8    /* that one fetch is asked for */
#define PUSHES      3    /* tries against others who push the same branch */
#define SHOWN_HEADS 10   /* branches named when the base is not among them */
#define PATIENCE    1800 /* s that a runner waits for another one's first fetch */

/* ---- where ----------------------------------------------------------------------------
 */

/* One part of "owner/name": what GitHub allows, and nothing that a path or an option could
 * mean. */
static bool is_part(const char *part, size_t len)
{
    bool has_other = false;
    for (size_t i = 0; i < len; i++) {
        char c = part[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_plain && c != '.') {
            return false;
        }
        has_other = has_other || c != '.';
    }
    return len > 0 && len <= 100 && has_other && part[0] != '-';
}

static bool is_repository(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash != NULL && is_part(text, (size_t)(slash - text)) &&
           is_part(slash + 1, strlen(slash + 1));
}

/* Where the web side of the API at `url` is; malloc'd. */
static char *web_of(const char *url)
{
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    if (len > 7 && strncasecmp(url + len - 7, "/api/v3", 7) == 0) {
        return mem_strn(url, len - 7);
    }
    const char *host = strstr(url, "://api.");
    if (host != NULL && strncasecmp(host + 3, "api.github.com", 14) == 0) {
        return mem_printf("%.*s%.*s", (int)(host + 3 - url), url,
                          (int)(len - (size_t)(host + 7 - url)), host + 7);
    }
    return mem_strn(url, len);
}

static bool has_password(const char *url)
{
    const char *colon = strstr(url, "://");
    if (colon == NULL) {
        return false;
    }
    size_t len = strcspn(colon + 3, "/?#");
    const char *at = memchr(colon + 3, '@', len);
    return at != NULL && memchr(colon + 3, ':', (size_t)(at - colon - 3)) != NULL;
}

char *mirror_url(const struct order *order, struct err *err)
{
    const char *clone = order->forge.clone != NULL ? order->forge.clone : "";
    if (!is_repository(order->forge.repository)) {
        err_set(err, ERR_CONFIG, "'%s' is no repository; expected OWNER/NAME",
                order->forge.repository);
        return NULL;
    }
    if (clone[0] == '-' || strstr(clone, "::") != NULL) {
        err_set(err, ERR_CONFIG, "forge.clone: '%s' is no URL", clone);
        return NULL;
    }
    if (has_password(clone)) {
        err_set(err, ERR_CONFIG,
                "forge.clone has a password; let the service have a token instead");
        return NULL;
    }
    if (clone[0] != '\0') {
        return mem_str(clone);
    }
    if (order->forge_url == NULL || order->forge_url[0] == '\0') {
        err_set(err, ERR_CONFIG, "no URL to clone %s from", order->forge.repository);
        return NULL;
    }
    AUTO_FREE char *web = web_of(order->forge_url);
    return mem_printf("%s/%s.git", web, order->forge.repository);
}

static char *place_of(const struct order *order)
{
    AUTO_FREE char *name = mem_str(order->forge.repository);
    AUTO_FREE char *work = mem_str(order->workflow_folder);
    *strchr(name, '/') = '+';
    char *slash = strrchr(work, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    for (char *at = name; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at); /* the forge does not tell case apart */
    }
    return mem_printf("%s/mirror/%s.git", work, name);
}

char *mirror_ref(const char *branch)
{
    return mem_printf("refs/remotes/origin/%s", branch);
}

/* ---- opening --------------------------------------------------------------------------
 */

static bool make(struct git *git, const char *place, struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *folder = mem_strn(place, (size_t)(strrchr(place, '/') - place));
    AUTO_FREE char *draft = mem_printf("%s/.new-%ld", folder, (long)getpid());
    if (!file_make_dirs(folder, &err) || !file_remove_tree(draft, &err)) {
        return result_fail(result, &err);
    }
    bool done = GIT(git, folder, "init", "--quiet", "--bare", draft);
    if (!done) {
        git_blame(git, result, BLAME_WORLD, "making the mirror");
    } else if (rename(draft, place) != 0 && !file_exists(place)) {
        err_sys(&err, "%s", place);
        done = result_fail(result, &err);
    }
    (void)file_remove_tree(draft, &err); /* another runner may have been faster */
    return done;
}

bool mirror_open(struct git *git, struct effect_result *result)
{
    struct err err = ERR_INIT;
    git->url = mirror_url(git->order, &err);
    if (git->url == NULL) {
        return result_refuse(result, mem_str(err.msg));
    }
    AUTO_FREE char *place = place_of(git->order);
    git->patience = span_s(PATIENCE);
    if (credential_is_wanted(git->order, git->url)) {
        git->has_token = true;
        credential_env(&git->online_env, git->order);
    }
    if (!file_exists(place) &&
        (git->order->kind == EFFECT_CLEANUP || !make(git, place, result))) {
        return false;
    }
    if (!GIT(git, place, "rev-parse", "--path-format=absolute", "--git-common-dir")) {
        git_blame(git, result, BLAME_WORLD, place);
        return false;
    }
    git->common = mem_str(git->out.data);
    return true;
}

/* ---- network --------------------------------------------------------------------------
 */

/* What git and curl say when the forge does not let us in. */
static bool is_denied(const char *text)
{
    static const char *const words[] = {"Authentication failed",
                                        "could not read Username",
                                        "could not read Password",
                                        "Permission denied",
                                        "The requested URL returned error: 403",
                                        "The requested URL returned error: 401",
                                        "Write access to repository not granted",
                                        "the forge's token"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strstr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_absent(const char *text)
{
    return strstr(text, "epository not found") != NULL ||
           strstr(text, "does not appear to be a git repository") != NULL ||
           strstr(text, "' not found") != NULL;
}

static bool blame_network(struct git *git, struct effect_result *result, const char *what)
{
    git_blame(git, result, BLAME_WORLD, what);
    if (is_denied(git->err.data)) { /* a person gives access; then it goes on */
        result->status = STATUS_REFUSED;
        result->blame = BLAME_OPERATOR;
    } else if (is_absent(git->err.data)) {
        result->status = STATUS_REFUSED;
        result->blame = BLAME_SETUP;
    }
    return false;
}

bool mirror_has_branch(struct git *git, const char *name)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", name);
    return git_online(git, (const char *const[]){"ls-remote", "--exit-code", "--heads",
                                                 "--", git->url, ref, NULL});
}

/* Is "SHA<tab>REF" among the lines? Its id into sha. */
static bool find_line(const char *lines, const char *ref, char sha[SHA_MAX])
{
    for (const char *at = lines; *at != '\0';) {
        size_t n = strcspn(at, "\n"), id = strcspn(at, "\t\n");
        if (id < SHA_MAX && at[id] == '\t' && n - id - 1 == strlen(ref) &&
            strncmp(at + id + 1, ref, strlen(ref)) == 0) {
            memcpy(sha, at, id);
            sha[id] = '\0';
            return true;
        }
        at += n + (at[n] == '\n');
    }
    return false;
}

static bool refuse_base(struct git *git, struct effect_result *result)
{
    struct buf names;
    buf_init(&names, 600);
    if (git_online(git,
                   (const char *const[]){"ls-remote", "--heads", "--", git->url, NULL})) {
        const char *at = git->out.data;
        for (int i = 0; i < SHOWN_HEADS && (at = strstr(at, "refs/heads/")) != NULL;
             i++) {
            at += strlen("refs/heads/");
            (void)buf_printf(&names, " %.*s", (int)strcspn(at, "\n"), at);
        }
    }
    bool done =
        names.len == 0
            ? result_refuse(result, mem_printf("%s has no commit yet, so there is no "
                                               "branch '%s'",
                                               git->order->repo, git->order->base))
            : result_refuse(result,
                            mem_printf("%s has no branch '%s'; it has:%s",
                                       git->order->repo, git->order->base, names.data));
    buf_fini(&names);
    return done;
}

static bool update(struct git *git, const char *branch, struct effect_result *result)
{
    AUTO_FREE char *base = mem_printf("refs/heads/%s", git->order->base);
    AUTO_FREE char *ours =
        mem_printf("refs/heads/%s", branch != NULL ? branch : git->order->base);
    if (!git_online(git, (const char *const[]){"ls-remote", "--heads", "--", git->url,
                                               base, ours, NULL})) {
        return blame_network(git, result, "asking the forge for its branches");
    }
    AUTO_FREE char *lines = mem_str(git->out.data);
    const char *args[REFS_MAX + 8] = {"fetch",
                                      "--quiet",
                                      "--no-tags",
                                      "--force",
                                      "--no-write-fetch-head",
                                      "--no-recurse-submodules",
                                      "--",
                                      git->url};
    char *specs[2] = {NULL, NULL};
    size_t n = 8, n_specs = 0;
    char there[SHA_MAX], here[SHA_MAX];
    if (!find_line(lines, base, there)) {
        return refuse_base(git, result);
    }
    for (int i = 0; i < (branch != NULL ? 2 : 1); i++) {
        const char *ref = i == 0 ? base : ours;
        AUTO_FREE char *mine = mirror_ref(ref + strlen("refs/heads/"));
        if (!find_line(lines, ref, there)) {
            (void)GIT(git, NULL, "update-ref", "-d", mine); /* mostly there is none */
            continue;
        }
        git_commit_of(git, mine, here);
        if (strcmp(here, there) != 0) {
            specs[n_specs] = mem_printf("%s:%s", ref, mine);
            args[n++] = specs[n_specs++];
        }
    }
    args[n] = NULL;
    bool done =
        n_specs == 0 || git_online(git, args) || blame_network(git, result, "fetching");
    free(specs[0]);
    free(specs[1]);
    return done;
}

bool mirror_update(struct git *git, const char *branch, struct effect_result *result)
{
    if (!turn_take(git, result)) {
        return false;
    }
    bool done = update(git, branch, result);
    turn_give(git);
    return done;
}

/* ---- commits that others made ---------------------------------------------------------
 */

static bool has_commit(struct git *git, const char *sha)
{
    char found[SHA_MAX];
    git_commit_of(git, sha, found);
    return found[0] != '\0';
}

static bool fetch_one(struct git *git, const char *from)
{
    AUTO_FREE char *spec =
        mem_printf("%s:refs/signalbox/wf-%lld", from, (long long)git->order->workflow);
    return git_online(git, (const char *const[]){"fetch", "--quiet", "--no-tags",
                                                 "--force", "--no-write-fetch-head",
                                                 "--no-recurse-submodules", "--",
                                                 git->url, spec, NULL});
}

bool mirror_want(struct git *git, const char *sha, struct effect_result *result)
{
    const struct order *order = git->order;
    if (sha[0] == '\0' || has_commit(git, sha)) {
        return true;
    }
    if (!turn_take(git, result)) {
        return false;
    }
    /* The branch has it, mostly; else the pull request; else a forge may give any commit
     * that one of its refs reaches. */
    AUTO_FREE char *branch = mem_printf("refs/heads/%s", order->branch);
    AUTO_FREE char *pull = mem_printf("refs/pull/%lld/head", (long long)order->pr_number);
    bool done =
        order->branch[0] != '\0' && fetch_one(git, branch) && has_commit(git, sha);
    done = done || (order->pr_number > 0 && fetch_one(git, pull) && has_commit(git, sha));
    if (!done && !fetch_one(git, sha)) {
        AUTO_FREE char *what = mem_printf("fetching commit %.10s", sha);
        (void)blame_network(git, result, what);
    } else if (!done && !has_commit(git, sha)) {
        struct err err = ERR_INIT;
        err_set(&err, ERR_NOT_FOUND, "there is no commit %s", sha);
        (void)result_fail(result, &err);
    } else {
        done = true;
    }
    turn_give(git);
    return done;
}

/* ---- pushing --------------------------------------------------------------------------
 */

bool mirror_is_own(const struct git *git, const char *branch)
{
    AUTO_FREE char *name =
        mem_printf("signalbox/wf-%lld", (long long)git->order->workflow);
    size_t len = strlen(name);
    return strncmp(branch, name, len) == 0 &&
           (branch[len] == '\0' ||
            (branch[len] == '-' && branch[len + 1] != '\0' &&
             branch[len + 1 + strspn(branch + len + 1, "0123456789")] == '\0'));
}

enum push_outcome { PUSH_DONE, PUSH_BEHIND, PUSH_FAILED };

static enum push_outcome push(struct git *git, const char *branch, const char *head)
{
    char seen[SHA_MAX];
    AUTO_FREE char *mine = mirror_ref(branch);
    git_commit_of(git, mine, seen);
    AUTO_FREE char *spec = mem_printf("%s:refs/heads/%s", head, branch);
    AUTO_FREE char *lease =
        mem_printf("--force-with-lease=refs/heads/%s:%s", branch, seen);
    bool done = git_online(
        git, (const char *const[]){"push", "--porcelain", "--no-verify",
                                   mirror_is_own(git, branch) ? lease : "--no-force",
                                   "--", git->url, spec, NULL});
    if (done) {
        (void)GIT(git, NULL, "update-ref", mine, head); /* or it is fetched */
        return PUSH_DONE;
    }
    /* git-push(1), --porcelain: "!\tFROM:TO\t[rejected] (fetch first)" */
    bool is_rejected = strstr(git->out.data, "[rejected]") != NULL ||
                       strstr(git->out.data, "(stale info)") != NULL;
    return is_rejected ? PUSH_BEHIND : PUSH_FAILED;
}

/* Others have pushed. True when their commits are in ours now. */
static bool catch_up(struct git *git, const char *branch, struct effect_result *result)
{
    char theirs[SHA_MAX];
    AUTO_FREE char *mine = mirror_ref(branch);
    AUTO_FREE char *what = mem_printf("what was pushed to %s", branch);
    if (!mirror_update(git, branch, result)) {
        return false;
    }
    git_commit_of(git, mine, theirs);
    if (theirs[0] == '\0') {
        return true; /* deleted over there */
    }
    enum tree_merge merge = tree_merge(git, branch, what, theirs, result);
    if (merge == TREE_CONFLICT) {
        AUTO_FREE char *files = tree_join_lines(result->excerpt);
        result_reject(result, mem_printf("conflict with %s in %s", what, files));
    } else if (merge == TREE_OPEN) {
        result_reject(result, mem_printf("a merge of %s is not concluded", what));
    }
    return merge == TREE_HAS_IT || merge == TREE_MERGED;
}

bool mirror_push(struct git *git, const char *branch, struct effect_result *result)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    for (int i = 0; i < PUSHES; i++) {
        char head[SHA_MAX];
        git_commit_of(git, ref, head);
        switch (push(git, branch, head)) {
        case PUSH_DONE:
            return true;
        case PUSH_FAILED:
            return blame_network(git, result, "pushing");
        case PUSH_BEHIND:
            if (!catch_up(git, branch, result)) {
                return false;
            }
            break;
        }
    }
    git_blame(git, result, BLAME_WORLD, "pushing");
    return false;
}

void mirror_tidy(struct git *git)
{
    struct effect_result *ignored = effect_result_new(0, 0);
    if (turn_take(git, ignored)) {
        /* Our calls have it off. What nothing reaches stays two weeks (gc.pruneExpire). */
        (void)GIT(git, NULL, "-c", "gc.auto=6700", "-c", "gc.autoDetach=false", "gc",
                  "--auto", "--quiet");
        turn_give(git);
    }
    effect_result_free(ignored);
}
