/* SPDX-License-Identifier: MIT */
/*
 * Hostile text in every text of the store: each column of each table in turn, whatever wrote it
 * and whether it was cleaned then, and every view drawn of what is read. No control character
 * and no format control reaches a cell, no text leaves its place, wide characters are whole, and
 * the rest of the screen is as with a harmless text of the same width.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/config.h"
#include "store/audit.h"
#include "store/sqlite_private.h"
#include "tests/lib/asks.h"
#include "tests/lib/frames.h"
#include "tests/lib/place.h"
#include "tests/lib/scenes.h"
#include "tests/lib/troubles.h"
#include "tui/source.h"

#define STORE_MAX   (64 * 1024 * 1024)
#define W           100
#define H           34
#define MARGIN      2
#define CLASSES_MAX 64
#define COLUMNS_MAX 400
#define CELLS       ((W + 2 * MARGIN) * (H + 2 * MARGIN))
#define ID          2207

/* ---- texts ---- */

/* Terminal control, directions, what has no width, what is no UTF-8. No spaces: where a text is
 * broken into lines shall not differ. */
static const char nasty[] =
    "\x1b]0;pwn\x07\x1b[2J\x1b[31mA\x1b[0m\x1bP1;q\x1b\\" /* title, clear, colour, DCS */
    "\x1b[6n\x1b[c\x1b]11;?\x07\x9b"
    "31mB\xc2\x9b"
    "1mC"
    /* questions, C1 raw and as UTF-8 */
    "\xe2\x80\xae"
    "D\xe2\x81\xa6"
    "E\xe2\x80\x8f" /* RLO, LRI, RLM */
    "F\xe2\x80\x8b"
    "G\xe2\x80\x8dH\xef\xbb\xbfI\xe2\x81\xa0"                    /* ZWSP, ZWJ, BOM, WJ */
    "\xe2\x80\xa8J\xe2\x80\xa9K\xc2\xadL\xf3\xa0\x81\x81M"       /* LS, PS, SHY, tag */
    "\xff\xc3(\xe2\x82N\xed\xa0\x80O\xf4\x90\x80\x80P\x7fQ%s%n"; /* bad bytes, DEL */

static char *repeat(const char *part, size_t n)
{
    struct buf out;
    buf_init(&out, n * strlen(part) + 1);
    for (size_t i = 0; i < n; i++) {
        (void)buf_str(&out, part);
    }
    return buf_take(&out, NULL);
}

static int clean_cells(const char *text)
{
    AUTO_BUF struct buf clean;
    buf_init(&clean, 1 << 20);
    text_clean(&clean, text, strlen(text), TEXT_ONE_LINE);
    return text_cells(clean.data, clean.len);
}

/* ---- a store with something in most of its tables ---- */

static void fill(struct store *store, struct arena *arena)
{
    struct wall now = frames_now();
    struct workflow_row row = sample_workflow(ID);
    troubles_put(store, arena, now);
    asks_put(store, arena, now);
    store_put_workflow(store, &row);
    for (int i = 0; i < 3; i++) {
        (void)store_add_event(store, &(struct event_row){.at = now,
                                                         .workflow = ID,
                                                         .kind = "note",
                                                         .actor = "ada",
                                                         .to = STATE_CODING,
                                                         .text = "a text"});
        store_put_effect(store, &(struct effect_row){.workflow = ID,
                                                     .seq = 3 + i,
                                                     .kind = EFFECT_CHECK,
                                                     .status = STATUS_FAILED,
                                                     .name = "unit tests",
                                                     .iteration = 1,
                                                     .asked_at = now,
                                                     .started_at = now,
                                                     .finished_at = now,
                                                     .params = "{}",
                                                     .summary = "2 failed",
                                                     .log = "",
                                                     .provider = "local",
                                                     .exit_status = 1});
        (void)store_add_audit(store, &(struct audit_row){.at = now,
                                                         .actor = "ada",
                                                         .act = "approve",
                                                         .detail = "{\"why\":\"good\"}"});
    }
    for (int doc = 0; doc < DOC_COUNT; doc++) {
        store_put_doc(store, ID, (enum doc_kind)doc, "+ a line\n- another\n", 19);
    }
    store_add_delivery(store,
                       &(struct delivery_row){.guid = "g-1",
                                              .status = DELIVERY_IGNORED,
                                              .at = now,
                                              .event = "push",
                                              .action = "opened",
                                              .repository = "acme/payments",
                                              .sha = "abc",
                                              .text = "a push",
                                              .body = "{}",
                                              .body_len = 2},
                       NULL);
    store_put_setting(store, "halt", "");
    must_commit(store);
}

struct world {
    struct place *place;
    struct config *config;
    char *bytes; /* of the store as filled */
    size_t len;
};

static struct world begin(void **state)
{
    struct world world = {.place = *state, .config = config_default()};
    struct err err = ERR_INIT;
    struct store *store = place_store(world.place);
    fill(store, world.place->arena);
    store_close(store);
    if (!file_read(world.place->path, STORE_MAX, &world.bytes, &world.len, &err)) {
        fail_msg("%s", err.msg);
    }
    free(world.config->store);
    world.config->store = mem_str(world.place->path);
    return world;
}

static void end(struct world *world)
{
    config_free(world->config);
    free(world->bytes);
}

/* ---- its texts ---- */

struct column {
    char table[64], name[64];
    sqlite3_int64 row; /* 0 = all rows; else they must differ, and it is this one */
};

static sqlite3 *open_store(const struct world *world)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(world->place->path, &db), SQLITE_OK);
    return db;
}

/* Columns that hold a text in some row. Old images are told of in the past only. */
static size_t find_columns(sqlite3 *db, struct column *columns)
{
    static const char all[] =
        "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE "
        "'past_%' ORDER BY 1, 2";
    sqlite3_stmt *list = NULL;
    size_t n = 0;
    assert_int_equal(sqlite3_prepare_v2(db, all, -1, &list, NULL), SQLITE_OK);
    while (sqlite3_step(list) == SQLITE_ROW) {
        struct column column = {.row = 0};
        sqlite3_stmt *look = NULL;
        (void)snprintf(column.table, sizeof(column.table), "%s",
                       (const char *)sqlite3_column_text(list, 0));
        (void)snprintf(column.name, sizeof(column.name), "%s",
                       (const char *)sqlite3_column_text(list, 1));
        AUTO_FREE char *sql = mem_printf(
            "SELECT 1 FROM \"%s\" WHERE typeof(\"%s\") = 'text' AND \"%s\" <> '' LIMIT 1",
            column.table, column.name, column.name);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &look, NULL), SQLITE_OK);
        if (sqlite3_step(look) == SQLITE_ROW) {
            assert_true(n < COLUMNS_MAX);
            columns[n++] = column;
        }
        (void)sqlite3_finalize(look);
    }
    (void)sqlite3_finalize(list);
    return n;
}

/* The store as filled, but for this text in this column. */
static void put(const struct world *world, const struct column *column, const char *text)
{
    sqlite3_stmt *set = NULL;
    FILE *file = fopen(world->place->path, "we"); /* without fsync(2) */
    assert_non_null(file);
    assert_int_equal(fwrite(world->bytes, 1, world->len, file), world->len);
    assert_int_equal(fclose(file), 0);
    sqlite3 *db = open_store(world);
    AUTO_FREE char *sql = mem_printf("UPDATE OR IGNORE \"%s\" SET \"%s\" = ?1",
                                     column->table, column->name);
    (void)sqlite3_exec(db,
                       "PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = 1; "
                       "PRAGMA foreign_keys = OFF",
                       NULL, NULL, NULL);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &set, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(set, 1, text, -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(set), SQLITE_DONE);
    (void)sqlite3_finalize(set);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- what is seen of it ---- */

/* All that any view wants. */
static const struct frame_query query = {
    .parts = PART_OVERVIEW | PART_LIST | PART_DETAIL | PART_LOG | PART_DOCS |
             PART_SERVICES | PART_DELIVERIES | PART_INCIDENT | PART_FAILURES |
             PART_DECISIONS | PART_STRATEGIES | PART_CASE | PART_TRACE | PART_APPROVALS |
             PART_APPROVAL | PART_OPTIMIZATIONS | PART_OPTIMIZATION | PART_AUTONOMY |
             PART_AUDIT | PART_HANDOFF | PART_CAUSES,
    .n_after = 40,
    .n_rows = 8,
    .workflow = ID,
    .docs = (1U << DOC_COUNT) - 1,
    .has_all_events = true,
    .log_rows = 20,
    .delivery_statuses = 0,
    .delivery = 1,
    .story = "17",
    .case_kind = CASE_FAILURE,
    .case_id = 31,
    .approval = 1187,
    .optimization = 13,
    .audit_row = 1,
};

static bool is_shown[CLASSES_MAX * 4]; /* by scene: does it show the column in hand? */

/* Every view of the store as it is now, or only those that show the column; false when it cannot
 * be read. */
static bool draw_all(const struct world *world, struct surface *const *surfaces,
                     bool only_shown)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(world->place->path, &err);
    if (reader == NULL) {
        return false;
    }
    struct source *source = source_new(world->config);
    struct frame *frame = frame_new();
    frame->parts = query.parts;
    frame->taken_at = frame->read_at = frames_now();
    bool is_read = source_read(source, reader, &query, frame, &err);
    for (size_t i = 0; is_read && scenes[i].klass != NULL; i++) {
        if ((i > 0 && scenes[i].klass == scenes[i - 1].klass) ||
            (only_shown && !is_shown[i])) {
            continue;
        }
        struct scene scene = scenes[i];
        struct surface *surface = surfaces[i];
        scene.id = strcmp(scene.klass->name, "delivery") == 0    ? 1
                   : strcmp(scene.klass->name, "audit-row") == 0 ? 1
                                                                 : scene.id;
        struct view *view = scene_open(&scene, frame, W, H, false);
        surface_clear(surface);
        surface_watch_covers(surface);
        struct canvas all = canvas_of(surface);
        struct canvas part = canvas_sub(&all, (struct rect){MARGIN, MARGIN, W, H});
        view->klass->draw(view, frame, &part);
        view->klass->close(view);
    }
    frame_unref(frame);
    source_free(source);
    reader_close(reader);
    return is_read;
}

/* ---- what must hold ---- */

static bool is_harmless(uint32_t rune)
{
    char bytes[8] = {'e'}; /* a mark needs something to stand on */
    AUTO_BUF struct buf clean;
    size_t len = 1 + text_encode(rune, bytes + 1);
    buf_init(&clean, 64);
    text_clean(&clean, bytes, len, TEXT_ONE_LINE);
    return clean.len == len && memcmp(clean.data, bytes, len) == 0;
}

struct fault {
    char text[300]; /* "" = none */
};

static void find_fault(const struct surface *surface, const char *view, bool may_replace,
                       struct fault *fault)
{
    int cover_x, cover_y;
    for (int y = 0; y < H + 2 * MARGIN && fault->text[0] == '\0'; y++) {
        const struct cell *row = surface_row(surface, y);
        for (int x = 0; x < W + 2 * MARGIN; x++) {
            const struct cell *cell = &row[x];
            bool is_wide = cell->rune != 0 && text_rune_cells(cell->rune) == 2;
            bool is_half = cell->rune == 0;
            bool has_half = x + 1 < W + 2 * MARGIN && row[x + 1].rune == 0;
            bool is_in = x >= MARGIN && x < MARGIN + W && y >= MARGIN && y < MARGIN + H;
            const char *what =
                is_wide != has_half           ? "half a wide character"
                : !is_in && cell->rune != ' ' ? "outside"
                : !is_half && cell->rune > 0x7E && !is_harmless(cell->rune) ? "control"
                : !is_half && cell->rune < 0x20                             ? "control"
                : cell->marks[0] != 0 && !is_harmless(cell->marks[0])
                    ? "control as a mark"
                : !may_replace && cell->rune == TEXT_REPLACEMENT ? "character cut in half"
                                                                 : NULL;
            if (what != NULL) {
                (void)snprintf(fault->text, sizeof(fault->text),
                               "%s: %s at %d %d (U+%04X)", view, what, x - MARGIN,
                               y - MARGIN, (unsigned)(cell->rune));
                return;
            }
        }
    }
    if (surface_covers(surface, &cover_x, &cover_y) > 0) {
        (void)snprintf(fault->text, sizeof(fault->text), "%s: text over text at %d %d",
                       view, cover_x - MARGIN, cover_y - MARGIN);
    }
}

static struct surface **new_surfaces(void)
{
    struct surface **surfaces = mem_array(scenes_count(), sizeof(struct surface *));
    for (size_t i = 0; i < scenes_count(); i++) {
        surfaces[i] = surface_new(W + 2 * MARGIN, H + 2 * MARGIN, false);
    }
    return surfaces;
}

static void free_surfaces(struct surface **surfaces)
{
    for (size_t i = 0; i < scenes_count(); i++) {
        surface_free(surfaces[i]);
    }
    free(surfaces);
}

static int n_faults, n_shown;

static void check_faults(struct surface *const *surfaces, const struct column *column,
                         const char *sample, bool may_replace)
{
    for (size_t i = 0; i < scenes_count(); i++) {
        struct fault fault = {""};
        if (!is_shown[i]) {
            continue; /* not drawn for this sample */
        }
        find_fault(surfaces[i], scenes[i].klass->name, may_replace, &fault);
        if (fault.text[0] != '\0') {
            print_error("%s.%s, %s: %s\n", column->table, column->name, sample,
                        fault.text);
            if (getenv("SHOW") != NULL) {
                AUTO_FREE char *text = surface_dump_text(surfaces[i]);
                (void)fputs(text, stderr);
            }
            n_faults++;
        }
    }
}

/* Cells in which two harmless texts differ are the text's own. Returns how many there are. */
static int find_shown(struct surface *const *a, struct surface *const *b)
{
    int n = 0;
    for (size_t i = 0; i < scenes_count(); i++) {
        int before = n;
        for (int y = 0; y < H + 2 * MARGIN; y++) {
            for (int x = 0; x < W + 2 * MARGIN; x++) {
                n += surface_row(a[i], y)[x].rune != surface_row(b[i], y)[x].rune;
            }
        }
        is_shown[i] = n > before;
    }
    return n;
}

/* The hostile text may be seen in its own cells and nowhere else. */
static void check_rest(struct surface *const *a, struct surface *const *b,
                       struct surface *const *hostile, const struct column *column)
{
    for (size_t i = 0; i < scenes_count(); i++) {
        bool is_told = !is_shown[i];
        for (int y = 0; y < H + 2 * MARGIN && !is_told; y++) {
            const struct cell *first = surface_row(a[i], y);
            const struct cell *second = surface_row(b[i], y);
            const struct cell *row = surface_row(hostile[i], y);
            for (int x = 0; x < W + 2 * MARGIN && !is_told; x++) {
                is_told = first[x].rune == second[x].rune &&
                          memcmp(&first[x], &row[x], sizeof(*row)) != 0;
                if (is_told) {
                    print_error("%s.%s: %s: changed at %d %d what is not its own\n",
                                column->table, column->name, scenes[i].klass->name,
                                x - MARGIN, y - MARGIN);
                    n_faults++;
                }
            }
        }
    }
}

static void try_column(const struct world *world, const struct column *column,
                       struct surface **screens[3])
{
    static const char *const parts[] = {"\xe6\xbc\xa2", "e\xcc\x81", "\xf0\x9f\x9a\x82x"};
    size_t cells = (size_t)clean_cells(nasty);
    /* They are sorted as the nasty one is. */
    AUTO_FREE char *many_a = repeat("a", cells);
    AUTO_FREE char *many_b = repeat("b", cells);
    AUTO_FREE char *a = mem_printf("\x1b[m%s", many_a);
    AUTO_FREE char *b = mem_printf("\x1b[m%s", many_b);
    put(world, column, a);
    bool is_read = draw_all(world, screens[0], false);
    put(world, column, b);
    is_read = draw_all(world, screens[1], false) && is_read;
    int n = is_read ? find_shown(screens[0], screens[1]) : 0;
    if (n == 0) {
        return; /* no view shows it, or it is refused whatever it says */
    }
    n_shown += n;
    put(world, column, nasty);
    assert_true(draw_all(world, screens[2], true));
    check_faults(screens[2], column, "nasty", true);
    /* The detail of an audit is laid out as JSON: its brackets break lines. */
    if (strcmp(column->table, "audit") != 0) {
        check_rest(screens[0], screens[1], screens[2], column);
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        AUTO_FREE char *text = repeat(parts[i], 5000); /* 10,000 columns when wide */
        put(world, column, text);
        /* A digest is of our own making, and has its fixed room. */
        bool may_replace = strcmp(column->name, "digest") == 0;
        if (draw_all(world, screens[2], true)) {
            check_faults(screens[2], column, parts[i], may_replace);
        }
    }
}

static void no_text_of_the_store_does_harm(void **state)
{
    struct world world = begin(state);
    struct column *columns = mem_array(COLUMNS_MAX, sizeof(*columns));
    struct surface **screens[3] = {new_surfaces(), new_surfaces(), new_surfaces()};
    sqlite3 *db = open_store(&world);
    size_t n = find_columns(db, columns);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_true(draw_all(&world, screens[0], false));
    for (size_t i = 0; i < n; i++) {
        try_column(&world, &columns[i], screens);
    }
    print_message("# %zu columns, %d cells of theirs\n", n, n_shown);
    assert_true(n > 80);
    assert_true(n_shown > 5000);
    assert_int_equal(n_faults, 0);
    for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
        free_surfaces(screens[i]);
    }
    free(columns);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(no_text_of_the_store_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
