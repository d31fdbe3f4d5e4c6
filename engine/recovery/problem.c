/* SPDX-License-Identifier: MIT */
#include "engine/recovery/problem.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/problem_private.h"

struct problem_book *problem_book_new(void)
{
    return mem_alloc(sizeof(struct problem_book));
}

void problem_book_free(struct problem_book *book)
{
    free(book);
}

void problem_tie(struct problem *problem)
{
    problem->row.cause = problem->cause;
    problem->row.text = problem->text;
    problem->row.detail = "";
}

struct problem *problem_of(struct problem_book *book, int64_t id)
{
    for (size_t i = 0; i < book->n_problems; i++) {
        if (book->problems[i].row.id == id) {
            return &book->problems[i];
        }
    }
    return NULL;
}

const struct problem_row *problem_find(const struct problem_book *book, int64_t id)
{
    for (size_t i = 0; i < book->n_problems; i++) {
        if (book->problems[i].row.id == id) {
            return &book->problems[i].row;
        }
    }
    return NULL;
}

void problem_set(struct problem_book *book, int64_t id, enum rung rung)
{
    struct problem *problem = problem_of(book, id);
    if (problem != NULL) {
        problem->row.rung = rung;
    }
}

/* ---- keys ------------------------------------------------------------------------------ */

static uint64_t hash_add(uint64_t hash, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 1099511628211u; /* FNV-1a */
    }
    return (hash ^ 0xFFu) *
           1099511628211u; /* no byte of UTF-8: "a", "bc" is not "ab", "c" */
}

/* 0 only for nothing. */
static uint64_t key_of(const char *kind, const char *a, const char *b)
{
    uint64_t hash = 14695981039346656037u;
    hash = hash_add(hash_add(hash_add(hash, kind), a), b);
    return hash != 0 ? hash : 1;
}

static bool is_node(const char *cause)
{
    return cause != NULL && cause[0] != '\0' && strcmp(cause, GRAPH_CHANGE) != 0 &&
           strcmp(cause, GRAPH_UNKNOWN) != 0;
}

/* Steps of the same name in two repositories have nothing to do with each other. */
static uint64_t cause_key(const char *cause, const char *repo)
{
    return is_node(cause)
               ? key_of("cause", cause, node_kind(cause) == NODE_STEP ? repo : "")
               : 0;
}

/* Whose fault: the change's, as far as one can see. What is not even classified has words that mean
 * nothing ("exit status 1"): shared by others of the same repository at most. */
static bool is_own(const struct problem_failure *failure)
{
    return !is_node(failure->cause) &&
           (strcmp(failure->cause, GRAPH_CHANGE) == 0 || failure->class_ == CLASS_TEST ||
            failure->class_ == CLASS_COMPILE || failure->class_ == CLASS_LINT ||
            failure->class_ == CLASS_UNKNOWN);
}

static bool may_mean(const struct member *member, uint64_t key)
{
    bool is_meant = member->cause == key;
    for (size_t i = 0; i < PROBLEM_ALSO; i++) {
        is_meant = is_meant || member->also[i] == key;
    }
    return key != 0 && is_meant;
}

static struct member member_of(const struct problem_failure *failure)
{
    struct member member = {.failure = failure->failure,
                            .workflow = failure->workflow,
                            .at = failure->at,
                            .cause = cause_key(failure->cause, failure->repo),
                            .class_ = failure->class_,
                            .severity = failure->severity};
    for (size_t i = 0; i < PROBLEM_ALSO && is_node(failure->cause); i++) {
        member.also[i] = cause_key(failure->also[i], failure->repo);
    }
    (void)snprintf(member.fingerprint, sizeof(member.fingerprint), "%s",
                   failure->fingerprint);
    if (failure->fingerprint[0] == '\0') {
        return member;
    }
    if (is_own(failure)) {
        /* Without a repository there is no base branch that could be broken. */
        member.print = failure->repo[0] != '\0'
                           ? key_of("own", failure->fingerprint, failure->repo)
                           : 0;
        return member;
    }
    member.bare_print = key_of("print", failure->fingerprint, "");
    member.print = member.cause == 0 ? member.bare_print : 0;
    return member;
}

/* ---- who belongs together -------------------------------------------------------------- */

static struct problem *by_key(struct problem_book *book, uint64_t key)
{
    for (size_t i = 0; i < book->n_problems && key != 0; i++) {
        if (book->problems[i].key == key) {
            return &book->problems[i];
        }
    }
    return NULL;
}

/* The one of which at least half of the failures may as well mean this node. */
static struct problem *by_hint(struct problem_book *book, uint64_t key)
{
    for (size_t i = 0; i < book->n_problems && key != 0; i++) {
        size_t n = 0;
        size_t n_hints = 0;
        for (size_t k = 0; k < book->n_members; k++) {
            const struct member *member = &book->members[k];
            if (member->problem == book->problems[i].row.id) {
                n++;
                n_hints += may_mean(member, key);
            }
        }
        if (n_hints > 0 && n_hints * 2 >= n) {
            return &book->problems[i];
        }
    }
    return NULL;
}

/* The first that has a member like this, of the same fault if there is one. */
static struct problem *by_print(struct problem_book *book, const struct member *member)
{
    int64_t bare = 0;
    for (size_t i = 0; i < book->n_members; i++) {
        const struct member *other = &book->members[i];
        if (other->problem == 0) {
            continue;
        }
        if (member->print != 0 && other->print == member->print) {
            return problem_of(book, other->problem);
        }
        if (bare == 0 && member->bare_print != 0 &&
            other->bare_print == member->bare_print) {
            bare = other->problem;
        }
    }
    return bare != 0 ? problem_of(book, bare) : NULL;
}

/* The open problem that explains it. A known cause is another problem than the same words of
 * another cause: "connection refused" says nothing of who refused. */
static struct problem *home_of(struct problem_book *book, const struct member *member)
{
    struct problem *problem = by_key(book, member->cause);
    for (size_t i = 0; i < PROBLEM_ALSO && problem == NULL; i++) {
        problem = by_key(book, member->also[i]);
    }
    if (problem == NULL) {
        problem = by_hint(book, member->cause);
    }
    if (problem == NULL) {
        problem = by_print(book, member);
        if (problem != NULL && member->cause != 0 && problem->key != 0) {
            problem = NULL;
        }
    }
    return problem;
}

static bool is_within(const struct problem_book *book, const struct member *member)
{
    return member->at.ms > book->newest.ms - PROBLEM_WINDOW.ms;
}

static bool shares(const struct member *a, const struct member *b)
{
    if (a->cause != 0) {
        return may_mean(b, a->cause) || may_mean(a, b->cause);
    }
    return a->print != 0 && a->print == b->print;
}

static bool has_workflow(const struct problem_book *book, int64_t problem,
                         int64_t workflow)
{
    for (size_t i = 0; i < book->n_members; i++) {
        if (book->members[i].problem == problem &&
            book->members[i].workflow == workflow) {
            return true;
        }
    }
    return false;
}

static void join(struct problem_book *book, struct problem *problem,
                 struct member *member)
{
    problem->row.n_failures++;
    problem->row.n_workflows += !has_workflow(book, problem->row.id, member->workflow);
    member->problem = problem->row.id;
    if (member->at.ms > problem->row.seen_at.ms) {
        problem->row.seen_at = member->at;
    }
    if (member->at.ms < problem->row.opened_at.ms) {
        problem->row.opened_at = member->at;
    }
    if (member->severity > problem->row.severity) {
        problem->row.severity = member->severity;
    }
}

/* Different workflows of the window, not explained yet, that share a key with this one. */
static size_t count_alike(const struct problem_book *book, const struct member *member)
{
    int64_t workflows[PROBLEM_WORKFLOWS];
    size_t n = 0;
    for (size_t i = 0; i < book->n_members && n < PROBLEM_WORKFLOWS; i++) {
        const struct member *other = &book->members[i];
        if (other->problem != 0 || !is_within(book, other) || !shares(member, other)) {
            continue;
        }
        size_t known = 0;
        while (known < n && workflows[known] != other->workflow) {
            known++;
        }
        if (known == n) {
            workflows[n++] = other->workflow;
        }
    }
    return n;
}

/* Unknown causes whose words are those of a member: they came before it was known. */
static bool is_echo(const struct problem_book *book, int64_t problem,
                    const struct member *member)
{
    if (member->cause != 0 || member->bare_print == 0) {
        return false;
    }
    for (size_t i = 0; i < book->n_members; i++) {
        if (book->members[i].problem == problem &&
            book->members[i].bare_print == member->bare_print) {
            return true;
        }
    }
    return false;
}

static void name_cause(struct problem *problem, const struct problem_failure *failure)
{
    if (is_node(failure->cause)) {
        (void)text_clean_into(problem->cause, sizeof(problem->cause), failure->cause);
    } else if (is_own(failure)) {
        char name[GRAPH_NAME];
        (void)snprintf(name, sizeof(name), "repo:%s", failure->repo);
        (void)text_clean_into(problem->cause, sizeof(problem->cause), name);
    } else {
        (void)snprintf(problem->cause, sizeof(problem->cause), "%s", GRAPH_UNKNOWN);
    }
    problem->key = cause_key(problem->cause, failure->repo);
}

/* The fingerprint and class of its first failure: by time, then by number, whatever came first. */
static void name_first(const struct problem_book *book, struct problem *problem)
{
    const struct member *first = NULL;
    for (size_t i = 0; i < book->n_members; i++) {
        const struct member *other = &book->members[i];
        if (other->problem == -1 &&
            (first == NULL || other->at.ms < first->at.ms ||
             (other->at.ms == first->at.ms && other->failure < first->failure))) {
            first = other;
        }
    }
    if (first != NULL) {
        problem->row.class_ = first->class_;
        memcpy(problem->row.fingerprint, first->fingerprint, FINGERPRINT_WORD);
    }
}

/* Those of the window that this one shows to belong together. */
static void gather(struct problem_book *book, struct problem *problem,
                   const struct member *like)
{
    for (size_t i = 0; i < book->n_members; i++) {
        struct member *other = &book->members[i];
        if (other->problem == 0 && is_within(book, other) && shares(like, other)) {
            join(book, problem, other);
        }
    }
    for (size_t i = 0; i < book->n_members; i++) {
        struct member *other = &book->members[i];
        if (other->problem == 0 && is_within(book, other) &&
            is_echo(book, problem->row.id, other)) {
            join(book, problem, other);
        }
    }
}

/* A new one, unless one of this very cause is open: a base branch can break in two ways. */
static struct problem *open_problem(struct problem_book *book,
                                    const struct problem_failure *failure,
                                    const struct member *member)
{
    struct problem fresh = {.limit = STORM_TRIES};
    struct member like = *member;
    name_cause(&fresh, failure);
    struct problem *problem = by_key(book, fresh.key);
    if (problem != NULL || book->n_problems == PROBLEMS_OPEN) {
        if (problem != NULL) {
            gather(book, problem, &like);
        }
        return problem;
    }
    problem = &book->problems[book->n_problems++];
    *problem = fresh;
    problem_tie(problem);
    problem->row.id = -1;
    problem->row.rung = RUNG_COUNT;
    problem->row.severity = failure->severity;
    problem->row.opened_at = problem->row.seen_at = failure->at;
    (void)text_clean_into(problem->text, sizeof(problem->text), failure->text);
    gather(book, problem, &like);
    name_first(book, problem);
    return problem;
}

/* ---- the book -------------------------------------------------------------------------- */

static void forget(struct problem_book *book)
{
    size_t n = 0;
    for (size_t i = 0; i < book->n_members; i++) {
        if (book->members[i].problem == 0 && !is_within(book, &book->members[i])) {
            continue;
        }
        if (n != i) {
            book->members[n] = book->members[i];
        }
        n++;
    }
    if (n == PROBLEM_FAILURES) {
        size_t gone = PROBLEM_FAILURES / 8;
        n -= gone;
        memmove(book->members, book->members + gone, n * sizeof(*book->members));
    }
    book->n_members = n;
}

static struct member *find_member(struct problem_book *book, int64_t failure)
{
    for (size_t i = 0; i < book->n_members; i++) {
        if (book->members[i].failure == failure) {
            return &book->members[i];
        }
    }
    return NULL;
}

/* It failed again: of a problem, that is news of it; else more may be known of its cause now. */
static struct problem *add_again(struct problem_book *book, struct member *member,
                                 const struct problem_failure *failure)
{
    struct problem *problem =
        member->problem != 0 ? problem_of(book, member->problem) : NULL;
    if (problem != NULL) {
        member->at = failure->at.ms > member->at.ms ? failure->at : member->at;
        problem->row.seen_at =
            member->at.ms > problem->row.seen_at.ms ? member->at : problem->row.seen_at;
        return problem;
    }
    book->n_members--;
    memmove(member, member + 1,
            (size_t)(book->members + book->n_members - member) * sizeof(*member));
    return NULL;
}

/* More of its failures are blamed on another node by now: that is its cause. */
static void correct_cause(struct problem_book *book, struct problem *problem,
                          const struct problem_failure *failure,
                          const struct member *member)
{
    int64_t n_key = 0;
    int64_t n_other = 0;
    if (member->cause == 0 || member->cause == problem->key) {
        return;
    }
    for (size_t i = 0; i < book->n_members; i++) {
        const struct member *other = &book->members[i];
        bool is_its = other->problem == problem->row.id;
        n_key += is_its && other->cause == problem->key;
        n_other += is_its && other->cause == member->cause;
    }
    if (n_other > n_key || problem->key == 0) {
        name_cause(problem, failure);
    }
}

static struct problem *add_fresh(struct problem_book *book,
                                 const struct problem_failure *failure)
{
    forget(book);
    struct member *member = &book->members[book->n_members];
    *member = member_of(failure);
    struct problem *problem = home_of(book, member);
    if (problem != NULL) {
        join(book, problem, member);
    }
    book->n_members++;
    if (problem != NULL) {
        correct_cause(book, problem, failure, member);
    }
    if (problem == NULL && count_alike(book, member) >= PROBLEM_WORKFLOWS) {
        problem = open_problem(book, failure, member);
    }
    return problem;
}

void problem_add(struct problem_book *book, const struct problem_failure *failure,
                 struct problem_row *ret_problem)
{
    *ret_problem =
        (struct problem_row){.cause = "", .text = "", .detail = "", .rung = RUNG_COUNT};
    if (failure->at.ms > book->newest.ms) {
        book->newest = failure->at;
    }
    struct member *member = find_member(book, failure->failure);
    struct problem *problem = member != NULL ? add_again(book, member, failure) : NULL;
    if (problem == NULL) {
        problem = add_fresh(book, failure);
    }
    if (problem != NULL) {
        *ret_problem = problem->row;
    }
}

void problem_number(struct problem_book *book, int64_t id)
{
    struct problem *problem = problem_of(book, -1);
    if (problem == NULL) {
        return;
    }
    problem->row.id = id;
    for (size_t i = 0; i < book->n_members; i++) {
        if (book->members[i].problem == -1) {
            book->members[i].problem = id;
        }
    }
}

size_t problem_members(const struct problem_book *book, int64_t problem,
                       int64_t *ret_failures, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < book->n_members && n < max; i++) {
        if (problem != 0 && book->members[i].problem == problem) {
            ret_failures[n++] = book->members[i].failure;
        }
    }
    return n;
}
