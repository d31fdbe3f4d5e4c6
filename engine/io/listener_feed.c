/* SPDX-License-Identifier: MIT */
#include "engine/io/listener_feed.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "store/audit.h"

#define PAGE       256   /* events read from the store at once */
#define FRAME_MAX  60000 /* bytes of one message */
#define REPOS      1024  /* workflows whose repository is remembered */
#define RING_BYTES (32 * 1024 * 1024)

struct item {
    int64_t seq, workflow;
    size_t len;  /* of the frame */
    char *frame; /* then kind and repo, each with NUL */
    const char *kind, *repo;
};

struct repo {
    int64_t workflow;
    char *name;
};

struct feed {
    char *store;
    struct reader *reader;
    struct arena *arena;
    struct buf text;
    struct item *ring; /* item i stands at i % cap */
    size_t cap, bytes;
    uint64_t first, end;    /* items [first, end) are there */
    int64_t last;           /* seq of the newest event known */
    struct audit_mark head; /* of the audit, as last seen */
    bool is_held;
    int64_t n_resyncs;
    char scratch[FRAME_MAX + 4];
    struct repo repos[REPOS];
};

struct feed *feed_new(const char *store, size_t n_events)
{
    struct feed *feed = mem_alloc(sizeof(*feed));
    feed->store = mem_str(store);
    feed->arena = arena_new();
    feed->cap = n_events;
    feed->ring = mem_array(n_events, sizeof(*feed->ring));
    buf_init(&feed->text, FRAME_MAX);
    return feed;
}

static void drop_first(struct feed *feed)
{
    struct item *item = &feed->ring[feed->first % feed->cap];
    feed->bytes -= item->len;
    free(item->frame);
    item->frame = NULL;
    feed->first++;
}

void feed_end(struct feed *feed)
{
    while (feed->first < feed->end) {
        drop_first(feed);
    }
    feed->is_held = false;
}

void feed_free(struct feed *feed)
{
    if (feed == NULL) {
        return;
    }
    feed_end(feed);
    for (size_t i = 0; i < REPOS; i++) {
        free(feed->repos[i].name);
    }
    reader_close(feed->reader);
    arena_free(feed->arena);
    buf_fini(&feed->text);
    free(feed->ring);
    free(feed->store);
    free(feed);
}

/* A store that was replaced is opened anew. */
static bool open_reader(struct feed *feed, struct err *err)
{
    if (feed->reader != NULL && reader_version(feed->reader) < 0) {
        reader_close(feed->reader);
        feed->reader = NULL;
    }
    if (feed->reader == NULL) {
        feed->reader = reader_open(feed->store, err);
    }
    return feed->reader != NULL;
}

static void look_at_head(struct feed *feed)
{
    struct err err = ERR_INIT;
    if (!reader_audit_head(feed->reader, &feed->head, &err)) {
        feed->head = (struct audit_mark){0}; /* unreadable: 'audit verify' tells */
    }
}

bool feed_begin(struct feed *feed, struct err *err)
{
    struct totals totals;
    if (feed->is_held) {
        return true;
    }
    if (!open_reader(feed, err) || !reader_totals(feed->reader, &totals, err)) {
        return false;
    }
    feed->last = totals.last_event;
    look_at_head(feed);
    feed->is_held = true;
    return true;
}

static const char *repo_of(struct feed *feed, int64_t workflow)
{
    struct repo *repo = &feed->repos[(uint64_t)workflow % REPOS];
    struct workflow_row row;
    struct err err = ERR_INIT;
    if (workflow == 0) {
        return "";
    }
    if (repo->name == NULL || repo->workflow != workflow) {
        enum found found =
            reader_workflow(feed->reader, feed->arena, workflow, &row, &err);
        free(repo->name);
        repo->name = mem_str(found == FOUND ? row.repo : "");
        repo->workflow = workflow;
    }
    return repo->name;
}

/* Whoever keeps what it hears can prove later that the audit was cut or written anew. */
static void put_head(const struct feed *feed, struct jsonw *w)
{
    char hex[DIGEST_TEXT_MAX];
    if (feed->head.n > 0) {
        jsonw_open(w, "audit", '{');
        jsonw_int(w, "n", feed->head.n);
        jsonw_str(w, "hash", digest_format(feed->head.hash, hex));
        jsonw_close(w, '}');
    }
}

static void put_text(struct jsonw *w, const char *key, const char *text)
{
    jsonw_str(w, key, text[0] != '\0' ? text : NULL);
}

static void write_event(struct feed *feed, const struct event_row *row, const char *repo,
                        const char *text, bool is_new)
{
    char at[CLOCK_TEXT_MAX];
    struct jsonw w;
    buf_clear(&feed->text);
    jsonw_init(&w, &feed->text);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "type", "event");
    jsonw_int(&w, "seq", row->seq);
    jsonw_str(&w, "at", wall_format(row->at, true, at));
    jsonw_int(&w, "workflow", row->workflow);
    put_text(&w, "repo", repo);
    jsonw_str(&w, "kind", row->kind);
    jsonw_str(&w, "actor", row->actor);
    jsonw_str(&w, "from", state_name(row->from));
    jsonw_str(&w, "to", state_name(row->to));
    put_text(&w, "waits_for", wait_word(row->wait));
    jsonw_int(&w, "iteration", row->iteration);
    jsonw_int(&w, "attempt", row->attempt);
    if (row->effect != 0) {
        jsonw_int(&w, "effect", row->effect);
    } else {
        jsonw_null(&w, "effect");
    }
    put_text(&w, "text", text);
    if (is_new) {
        put_head(feed, &w);
    }
    jsonw_close(&w, '}');
}

/* RFC 6455 5.2: one whole, unmasked text frame. Returns its length. */
static size_t frame_text(char *out, const char *text, size_t len)
{
    size_t head = len < 126 ? 2 : 4;
    out[0] = (char)0x81;
    if (head == 2) {
        out[1] = (char)len;
    } else {
        out[1] = 126;
        out[2] = (char)(len >> 8);
        out[3] = (char)(len & 255);
    }
    memcpy(out + head, text, len);
    return head + len;
}

static size_t frame_event(struct feed *feed, const struct event_row *row,
                          const char *repo, bool is_new, char *out)
{
    write_event(feed, row, repo, row->text, is_new);
    if (feed->text.is_cut) { /* a text that long comes from no engine of ours */
        write_event(feed, row, repo, "", is_new);
    }
    return frame_text(out, feed->text.data, feed->text.len);
}

static size_t frame_note(struct feed *feed, const char *type, int64_t seq, int64_t from,
                         char *out)
{
    struct jsonw w;
    buf_clear(&feed->text);
    jsonw_init(&w, &feed->text);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "type", type);
    jsonw_int(&w, "seq", seq);
    if (from >= 0) {
        jsonw_int(&w, "from", from);
    }
    put_head(feed, &w);
    jsonw_close(&w, '}');
    return frame_text(out, feed->text.data, feed->text.len);
}

static void keep(struct feed *feed, const struct event_row *row)
{
    const char *repo = repo_of(feed, row->workflow);
    size_t kind_len = strlen(row->kind) + 1;
    size_t repo_len = strlen(repo) + 1;
    size_t len = frame_event(feed, row, repo, true, feed->scratch);
    char *frame = mem_alloc(len + kind_len + repo_len);
    memcpy(frame, feed->scratch, len);
    memcpy(frame + len, row->kind, kind_len);
    memcpy(frame + len + kind_len, repo, repo_len);
    while (feed->first < feed->end &&
           (feed->end - feed->first == feed->cap || feed->bytes + len > RING_BYTES)) {
        drop_first(feed);
    }
    feed->ring[feed->end % feed->cap] = (struct item){.seq = row->seq,
                                                      .workflow = row->workflow,
                                                      .len = len,
                                                      .frame = frame,
                                                      .kind = frame + len,
                                                      .repo = frame + len + kind_len};
    feed->end++;
    feed->bytes += len;
    feed->last = row->seq;
}

bool feed_update(struct feed *feed)
{
    const struct event_row *rows = NULL;
    size_t n = 0;
    struct err err = ERR_INIT;
    if (!feed->is_held || !open_reader(feed, &err)) {
        return false; /* the next look tries again */
    }
    arena_reset(feed->arena);
    if (!reader_events(feed->reader, feed->arena, 0, feed->last, PAGE, &rows, &n, &err)) {
        return false;
    }
    if (n > 0) {
        look_at_head(feed);
    }
    for (size_t i = 0; i < n; i++) {
        keep(feed, &rows[i]);
    }
    return n == PAGE;
}

struct feed_place feed_enter(const struct feed *feed, const struct query *query)
{
    struct feed_place place = {.seq = feed->last, .is_live = true, .at = feed->end};
    if (query->has_since && query->since != feed->last) {
        place = (struct feed_place){.seq = query->since};
    }
    return place;
}

static size_t resync(struct feed *feed, struct feed_place *place, char *out)
{
    int64_t from = place->seq;
    feed->n_resyncs++;
    place->is_live = true;
    place->at = feed->end;
    place->seq = feed->last;
    return frame_note(feed, "resync", feed->last, from, out);
}

/* The place is at the ring, or in it: stand there from now on. */
static void go_live(struct feed *feed, struct feed_place *place)
{
    uint64_t at = feed->end;
    while (at > feed->first && feed->ring[(at - 1) % feed->cap].seq > place->seq) {
        at--;
    }
    place->is_live = true;
    place->at = at;
}

static enum feed_result read_ring(struct feed *feed, struct feed_place *place,
                                  const struct query *query, char *out, size_t *len)
{
    if (place->at < feed->first) {
        *len += resync(feed, place, out + *len);
    }
    while (place->at < feed->end && *len < FEED_WRITE) {
        const struct item *item = &feed->ring[place->at % feed->cap];
        if (item->seq > place->seq &&
            query_wants(query, item->workflow, item->kind, item->repo)) {
            memcpy(out + *len, item->frame, item->len);
            *len += item->len;
        }
        place->seq = item->seq > place->seq ? item->seq : place->seq;
        place->at++;
    }
    return place->at < feed->end ? FEED_AGAIN : FEED_DONE;
}

static enum feed_result read_store(struct feed *feed, struct feed_place *place,
                                   const struct query *query, char *out, size_t *len)
{
    const struct event_row *rows = NULL;
    size_t n = 0, i = 0;
    struct err err = ERR_INIT;
    arena_reset(feed->arena);
    if (!open_reader(feed, &err) ||
        !reader_events(feed->reader, feed->arena, 0, place->seq, PAGE, &rows, &n, &err)) {
        return FEED_FAILED;
    }
    for (i = 0; i < n && *len < FEED_WRITE; i++) {
        const char *repo = repo_of(feed, rows[i].workflow);
        if (query_wants(query, rows[i].workflow, rows[i].kind, repo)) {
            *len += frame_event(feed, &rows[i], repo, false, out + *len);
        }
        place->seq = rows[i].seq;
    }
    int64_t ring_from = feed->first < feed->end
                            ? feed->ring[feed->first % feed->cap].seq - 1
                            : feed->last;
    if (place->seq >= ring_from || (i == n && n < PAGE)) {
        go_live(feed, place);
    }
    return FEED_AGAIN;
}

enum feed_result feed_read(struct feed *feed, struct feed_place *place,
                           const struct query *query, char *out, size_t *ret_len)
{
    size_t len = 0;
    enum feed_result result = FEED_AGAIN;
    if (!place->has_hello) {
        struct err ignored = ERR_INIT; /* then with the head as it was */
        place->has_hello = true;
        if (open_reader(feed, &ignored)) {
            look_at_head(feed);
        }
        len += frame_note(feed, "hello", place->seq, -1, out);
        if (!place->is_live && place->seq > feed->last) {
            len += resync(feed, place, out + len);
        }
    }
    if (place->is_live) {
        result = read_ring(feed, place, query, out, &len);
    } else {
        result = read_store(feed, place, query, out, &len);
    }
    *ret_len = len;
    return result;
}

int64_t feed_resyncs(const struct feed *feed)
{
    return feed->n_resyncs;
}
