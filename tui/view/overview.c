/* SPDX-License-Identifier: MIT */
/*
 * Overview: the track, and three lists in the order of what a person should look at. The
 * cursor goes through all three; it stays on its workflow when lists change.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/approval.h"
#include "tui/view/common.h"
#include "tui/view/monitor.h"
#include "tui/view/recovery.h"
#include "tui/widget/look.h"
#include "tui/widget/signal.h"
#include "tui/widget/track.h"

#define LISTS_Y  (1 + TRACK_HEIGHT + 1)
#define ROWS_MAX 128
#define X_ID     4
#define W_ID     9 /* "wf-100000" */
#define X_WORD   14
#define W_WORD   14
#define X_TITLE  29
#define X_STEP   26 /* running: state and step, then the title */
#define W_STEP   14
#define W_END    11 /* age, or "1h05m of 2h" */
#define W_REPO   14
#define W_CHANCE 4

enum section { NEEDS, WRONG, RUNNING, SECTIONS };

struct overview {
    struct view view;
    int64_t cursor; /* workflow, or -approval; 0 = the first row */
    size_t index;   /* where it stood, for when it is gone */
};

/* The rows of all sections, as many as there is room for. */
struct shown {
    const struct workflow_row *rows[ROWS_MAX]; /* NULL: it is an approval */
    const struct approval_row *asks[ROWS_MAX];
    enum section section[ROWS_MAX];
    size_t n;
    int64_t n_all[SECTIONS]; /* -1 = unknown */
    size_t n_shown[SECTIONS];
    bool has_more[SECTIONS];
};

static struct view *overview_open(int64_t id, const char *arg)
{
    (void)id;
    (void)arg;
    struct overview *over = mem_alloc(sizeof *over);
    return &over->view;
}

static void overview_close(struct view *view)
{
    free(view);
}

static void overview_query(const struct view *view, struct frame_query *query)
{
    const struct overview *over = (const struct overview *)view;
    query->parts = PART_OVERVIEW | PART_SERVICES;
    query->n_rows = view->h;
    if (over->cursor < 0) { /* what a key decides is the one that was read */
        query->parts |= PART_APPROVAL;
        query->approval = -over->cursor;
    }
    if (view->w >= WIDE_COLUMNS && over->cursor > 0) {
        query->parts |= PART_DETAIL | PART_LOG;
        query->workflow = over->cursor;
        query->log_rows = detail_log_rows(view->h - LISTS_Y);
    }
}

/* ---- what is shown ----------------------------------------------------------------- */

static bool is_running(const struct workflow_row *row)
{
    return !wait_needs_human(row->wait);
}

/* A workflow that waits for a decision and its approval are one thing. */
static bool is_asked(const struct frame_overview *data, int64_t workflow)
{
    for (size_t i = 0; i < data->n_approvals; i++)
        if (data->approvals[i].workflow == workflow)
            return true;
    return false;
}

static const struct workflow_row *nth_need(const struct frame_overview *data, size_t n)
{
    for (size_t i = 0; i < data->needs.n; i++)
        if (!is_asked(data, data->needs.rows[i].id) && n-- == 0)
            return &data->needs.rows[i];
    return NULL;
}

/* Row n of a section: an approval or a workflow. False: there is none. */
static bool nth(const struct frame_overview *data, enum section section, size_t n,
                const struct workflow_row **ret_row, const struct approval_row **ret_ask)
{
    *ret_row = NULL;
    *ret_ask = NULL;
    if (section == NEEDS && n < data->n_approvals)
        *ret_ask = &data->approvals[n];
    else if (section == NEEDS)
        *ret_row = nth_need(data, n - data->n_approvals);
    else if (section == WRONG)
        *ret_row = n < data->wrong.n ? &data->wrong.rows[n] : NULL;
    for (size_t i = 0; section == RUNNING && i < data->live.n && !*ret_row; i++)
        if (is_running(&data->live.rows[i]) && n-- == 0)
            *ret_row = &data->live.rows[i];
    return *ret_row || *ret_ask;
}

static bool has_nth(const struct frame_overview *data, enum section section, size_t n)
{
    const struct workflow_row *row;
    const struct approval_row *ask;
    return nth(data, section, n, &row, &ask);
}

static int64_t id_at(const struct shown *shown, size_t i)
{
    return shown->asks[i] ? -shown->asks[i]->id : shown->rows[i]->id;
}

static int row_height(enum section section)
{
    return section == WRONG ? 2 : 1; /* what went wrong gets a line for why */
}

/* One row to each section in turn, until the room is used up. */
static void share_room(const struct frame_overview *data, int room, struct shown *shown)
{
    bool has_given = true;
    while (room > 0 && has_given) {
        has_given = false;
        for (enum section s = 0; s < SECTIONS; s++) {
            size_t sum =
                shown->n_shown[NEEDS] + shown->n_shown[WRONG] + shown->n_shown[RUNNING];
            if (sum >= ROWS_MAX || row_height(s) > room ||
                !has_nth(data, s, shown->n_shown[s]))
                continue;
            shown->n_shown[s]++;
            room -= row_height(s);
            has_given = true;
        }
    }
}

static void collect(const struct frame *frame, int h, struct shown *shown)
{
    *shown = (struct shown){0};
    const struct frame_overview *data = frame->overview;
    if (!data)
        return;
    int fixed = SECTIONS + (SECTIONS - 1); /* titles, blanks between */
    share_room(data, h - LISTS_Y - fixed, shown);
    for (enum section s = 0; s < SECTIONS; s++) {
        for (size_t i = 0; i < shown->n_shown[s]; i++) {
            (void)nth(data, s, i, &shown->rows[shown->n], &shown->asks[shown->n]);
            shown->section[shown->n++] = s;
        }
        shown->has_more[s] = has_nth(data, s, shown->n_shown[s]);
    }
    shown->n_all[NEEDS] =
        shown->has_more[NEEDS] ? frame_attention(frame) : (int64_t)shown->n_shown[NEEDS];
    shown->n_all[WRONG] = data->wrong.has_more ? -1 : (int64_t)data->wrong.n;
    shown->n_all[RUNNING] = frame_running(frame);
}

static size_t count_bad(const struct frame_services *data)
{
    size_t n = 0;
    for (size_t i = 0; i < data->n; i++)
        n += data->services[i].row.state != BREAKER_CLOSED;
    return n;
}

/* Lines of the services below the lists, with title and the blank before it; 0 = none. Where
 * there is little room, only those that are not closed. */
static int services_height(const struct frame *frame, int h)
{
    if (!frame->services || frame->services->n == 0 || h < 18)
        return 0;
    int n = (int)(h < 28 ? count_bad(frame->services) : frame->services->n);
    int most = h < 28 ? 3 : h / 4;
    return 2 + (n < most ? n : most);
}

/* Lines of the open incidents, with title and the blank before it; 0 = none. */
static int incidents_height(const struct frame *frame, int h)
{
    size_t n = frame->overview ? frame->overview->n_incidents : 0;
    size_t most = h < 28 ? 2 : 5;
    return n == 0 || h < 18 ? 0 : 2 + (int)(n < most ? n : most);
}

/* Lines of what is coming, likewise; where there is little room the next of it alone, and
 * nothing beside incidents: those are there already. */
static int coming_height(const struct frame *frame, int h)
{
    size_t n = frame->overview ? frame->overview->n_coming : 0;
    if (n == 0 || h < 18 || (h < 28 && frame->overview->n_incidents > 0))
        return 0;
    return h < 28 ? 2 : 2 + (int)n;
}

/* What stands below the lists. */
static int below_height(const struct frame *frame, int h)
{
    return services_height(frame, h) + incidents_height(frame, h) +
           coming_height(frame, h);
}

/* The height that draw_lists gets: what notice and services take is not there for rows. */
static int lists_height(const struct view *view, const struct frame *frame)
{
    int h = view->h - notice_height(frame, view->now, view->h);
    return h - below_height(frame, h);
}

static size_t find_cursor(const struct overview *over, const struct shown *shown)
{
    for (size_t i = 0; i < shown->n; i++)
        if (id_at(shown, i) == over->cursor)
            return i;
    if (shown->n == 0)
        return 0;
    return over->index < shown->n ? over->index : shown->n - 1;
}

/* ---- drawing
 * ----------------------------------------------------------------------------------------
 */

/* Title, repository and age, the last two in the same columns in all lists. A running row
 * needs the repository's place for its step on a narrow screen. */
static void draw_ends(const struct canvas *canvas, int y, const struct workflow_row *row,
                      struct wall now, enum section section)
{
    char text[64], repo[80];
    int right = canvas->w - 1;
    bool is_over = section == RUNNING && wall_is_set(row->deadline_at) &&
                   now.ms > row->deadline_at.ms;
    text[0] = '\0';
    if (section == RUNNING)
        look_deadline(row, now, text, sizeof text);
    if (text[0] == '\0')
        look_age(now, row->state_since, text);
    canvas_right(canvas, right - W_END, y, W_END, is_over ? ROLE_STATUS_WARN : ROLE_TEXT,
                 text);
    int x = section == RUNNING ? X_STEP + W_STEP + 1 : X_TITLE;
    int title_end = right - W_END - 1;
    if (title_end - x - W_REPO > 20) {
        title_end -= W_REPO + 1;
        look_text(canvas, title_end + 1, y, W_REPO, ROLE_TEXT_DIM,
                  look_repo(row->repo, repo, sizeof repo));
    }
    bool has_reason = section == NEEDS && row->wait == WAIT_OPERATOR && row->reason[0];
    look_text(canvas, x, y, title_end - x, ROLE_TEXT,
              has_reason ? row->reason : row->title);
}

static void draw_row(const struct canvas *canvas, int y, const struct frame *frame,
                     const struct workflow_row *row, enum section section,
                     struct wall now)
{
    char text[LOOK_TEXT_MAX];
    canvas_glyph(canvas, 2, y, look_row_role(row), look_row_glyph(row));
    canvas_printf(canvas, X_ID, y, W_ID, ROLE_TEXT, "wf-%" PRId64, row->id);
    const char *word = section == NEEDS ? row_phrase(frame, row, now, text, sizeof text)
                                        : look_state_word(row->state);
    canvas_text(canvas, X_WORD, y, W_WORD, look_row_role(row), word);
    if (section == RUNNING)
        canvas_text(canvas, X_STEP, y, W_STEP, ROLE_TEXT_DIM,
                    row_phrase(frame, row, now, text, sizeof text));
    draw_ends(canvas, y, row, now, section);
    if (section != WRONG)
        return;
    int x = X_WORD;
    if (row->wait == WAIT_RETRY) {
        row_phrase(frame, row, now, text, sizeof text);
        x += look_text(canvas, x, y + 1, canvas->w - x - 1, ROLE_TEXT_DIM, text) + 2;
    }
    look_text(canvas, x, y + 1, canvas->w - x - 1, ROLE_TEXT_DIM,
              row->reason[0] ? row->reason : "no reason was given");
}

static void section_note(const struct frame *frame, const struct shown *shown,
                         enum section section, struct wall now, char *text, size_t cap)
{
    char a[CLOCK_TEXT_MAX], b[CLOCK_TEXT_MAX];
    const struct frame_overview *data = frame->overview;
    int64_t n = shown->n_all[section];
    text[0] = '\0';
    int64_t n_failures = frame_failures_for_person(data);
    if (section == NEEDS && n == 0 && n_failures > 0) {
        (void)snprintf(text, cap, "%s %s, see failures", look_count(n_failures, a),
                       n_failures == 1 ? "failure waits" : "failures wait");
    } else if (section == NEEDS && n == 0) {
        (void)snprintf(text, cap, "nothing waits for a person");
    } else if (section == WRONG && n == 0) {
        if (wall_is_set(data->last_failed_at))
            (void)snprintf(text, cap, "nothing, the last failure was %s ago",
                           look_age(now, data->last_failed_at, a));
        else
            (void)snprintf(text, cap, "nothing has failed");
    } else if (section == RUNNING) {
        int64_t queued = frame_queued(frame);
        int used = frame->engine.max_running > 0
                       ? snprintf(text, cap, "%s of %s", look_count(n, a),
                                  look_count(frame->engine.max_running, b))
                       : snprintf(text, cap, "%s", look_count(n, a));
        if (queued > 0)
            (void)snprintf(text + used, cap - (size_t)used, ", %s queued",
                           look_count(queued, a));
    } else if (shown->has_more[section]) {
        (void)snprintf(text, cap, "%s%s, %zu shown", n < 0 ? "more than " : "",
                       look_count(n < 0 ? (int64_t)data->wrong.n : n, a),
                       shown->n_shown[section]);
    } else {
        (void)snprintf(text, cap, "%s", look_count(n, a));
    }
}

/* How recovery stands, on the right of a title that leaves room for it. */
static void draw_recovery(const struct canvas *canvas, int y, int from,
                          const struct frame_overview *data)
{
    char text[160];
    int room = canvas->w - from - 3;
    if (!data->has_recovery)
        return;
    (void)recovery_summary(&data->recovery, text, sizeof text);
    if (text_cells(text, strlen(text)) <= room)
        canvas_right(canvas, canvas->w - room - 1, y, room, ROLE_TEXT_DIM, text);
}

static void draw_lists(const struct canvas *canvas, const struct overview *over,
                       const struct frame *frame, int h)
{
    static const char *const titles[SECTIONS] = {"NEEDS YOU", "WRONG NOW", "RUNNING NOW"};
    struct shown shown;
    collect(frame, h, &shown);
    size_t at = find_cursor(over, &shown);
    int y = 0;
    size_t i = 0;
    for (enum section s = 0; s < SECTIONS; s++) {
        char note[120];
        section_note(frame, &shown, s, over->view.now, note, sizeof note);
        int used = look_title(canvas, 2, y, canvas->w - 3, titles[s], note);
        if (s == WRONG)
            draw_recovery(canvas, y, 2 + used, frame->overview);
        y++;
        for (; i < shown.n && shown.section[i] == s; i++) {
            int rows = row_height(s);
            if (shown.asks[i])
                ask_line(canvas, y, shown.asks[i], NULL, over->view.now);
            else
                draw_row(canvas, y, frame, shown.rows[i], s, over->view.now);
            if (i == at) {
                canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
                canvas_ground(canvas, (struct rect){0, y, canvas->w, rows}, ROLE_CURSOR);
            }
            y += rows;
        }
        y++;
    }
}

/* Those that are not closed first: with many services the healthy ones are left out. */
static void draw_services(const struct canvas *canvas, const struct frame *frame,
                          struct wall now)
{
    const struct frame_services *data = frame->services;
    char note[80] = "";
    int y = 1, room = canvas->h - 1;
    size_t n_bad = count_bad(data);
    if (n_bad > 0)
        (void)snprintf(note, sizeof note, "%zu of %zu not closed", n_bad, data->n);
    else
        (void)snprintf(note, sizeof note, "%zu, all closed", data->n);
    look_title(canvas, 2, 0, canvas->w - 3, "SERVICES", note);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < data->n && y <= room; i++)
            if ((data->services[i].row.state != BREAKER_CLOSED) == (pass == 0))
                signal_line(canvas, y++, &data->services[i], now);
}

static void draw_incidents(const struct canvas *canvas, const struct frame *frame,
                           struct wall now)
{
    const struct frame_overview *data = frame->overview;
    char note[80];
    (void)snprintf(note, sizeof note, "%zu%s open", data->n_incidents,
                   data->n_incidents == 8 ? " or more" : "");
    look_title(canvas, 2, 0, canvas->w - 3, "INCIDENTS", note);
    for (int y = 1; y < canvas->h && (size_t)y <= data->n_incidents; y++)
        incident_line(canvas, y, &data->incidents[y - 1], now);
}

/* What is to happen, when or why, and how likely it is. */
static void coming_line(const struct canvas *canvas, int x, int y,
                        const struct health_outlook *one)
{
    char text[LOOK_TEXT_MAX];
    bool is_limit = outlook_is_limit(one);
    enum theme_role role = is_limit && one->value <= 1 ? ROLE_STATUS_WARN : ROLE_TEXT;
    int right = canvas->w - 2 - W_CHANCE, room = right - 1 - x;
    canvas_glyph(canvas, x, y, role, is_limit ? GLYPH_ARROW_UP : GLYPH_LOW);
    x += 2;
    x +=
        look_text(canvas, x, y, room / 2, role, outlook_what(one, text, sizeof text)) + 2;
    look_text(canvas, x, y, right - 1 - x, ROLE_TEXT_DIM,
              is_limit ? outlook_full(one, text, sizeof text) : one->text);
    canvas_right_printf(canvas, right, y, W_CHANCE, role, "%.0f%%",
                        100 * (is_limit ? one->p_within : one->value));
}

static void draw_coming(const struct canvas *canvas, const struct frame *frame,
                        struct wall now)
{
    const struct frame_overview *data = frame->overview;
    char note[16];
    (void)now;
    (void)snprintf(note, sizeof note, "%zu", data->n_coming);
    int used = look_title(canvas, 2, 0, canvas->w - 3, "COMING", note);
    if (canvas->h == 1)
        coming_line(canvas, 2 + used + 2, 0, &data->coming[0]);
    for (int y = 1; y < canvas->h && (size_t)y <= data->n_coming; y++)
        coming_line(canvas, 2, y, &data->coming[y - 1]);
}

/* From the bottom up: services, incidents, what is coming; as much of each as has room. */
static void draw_below(const struct canvas *canvas, const struct frame *frame, int width,
                       struct wall now)
{
    const struct {
        int height;
        void (*draw)(const struct canvas *canvas, const struct frame *frame,
                     struct wall now);
    } parts[] = {
        {services_height(frame,  canvas->h), draw_services },
        {incidents_height(frame, canvas->h), draw_incidents},
        {coming_height(frame,    canvas->h), draw_coming   }
    };
    int y = canvas->h;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        y -= parts[i].height;
        if (parts[i].height > 0) {
            struct canvas part =
                canvas_sub(canvas, (struct rect){0, y + 1, width, parts[i].height - 1});
            parts[i].draw(&part, frame, now);
        }
    }
}

static void overview_draw(const struct view *view, const struct frame *frame,
                          const struct canvas *all)
{
    const struct overview *over = (const struct overview *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h < LISTS_Y)
        return;
    bool has_asks = frame->overview && frame->overview->n_approvals > 0;
    if (frame->has_totals && frame->totals.n_workflows == 0 && !has_asks) {
        blank_draw(&canvas, "No workflows yet. Press n to submit one.", "");
        return;
    }
    struct canvas track =
        canvas_sub(&canvas, (struct rect){0, 1, track_width(canvas.w), TRACK_HEIGHT});
    track_draw(&track, frame, view->now);
    int rest = canvas.h - LISTS_Y;
    if (!frame->overview)
        return;
    int left = list_width(canvas.w);
    int below = below_height(frame, canvas.h);
    struct canvas lists =
        canvas_sub(&canvas, (struct rect){0, LISTS_Y, left, rest - below});
    draw_lists(&lists, over, frame, canvas.h - below);
    draw_below(&canvas, frame, left, view->now);
    if (left == canvas.w)
        return;
    int x = left + SIDE_GAP, width = canvas.w - x;
    struct canvas side =
        canvas_sub(&canvas, (struct rect){x, LISTS_Y, width > 110 ? 110 : width, rest});
    const struct frame_approval *one = frame->approval;
    if (over->cursor < 0 && one && one->id == -over->cursor && !one->is_missing)
        card_beside(&side, one, view->now);
    else if (frame->detail && frame->detail->row.id == over->cursor)
        detail_draw(&side, frame, view->now, &(struct detail_look){.step = -1});
}

/* ---- handling
 * ---------------------------------------------------------------------------------------
 */

static void put_cursor(struct overview *over, const struct shown *shown, size_t index,
                       struct reply *reply)
{
    int64_t id = shown->n > 0 ? id_at(shown, index) : 0;
    if (id != over->cursor && (over->view.w >= WIDE_COLUMNS || id < 0))
        reply->flags |= REPLY_REQUERY;
    if (id != over->cursor || index != over->index)
        reply->flags |= REPLY_REDRAW;
    over->cursor = id;
    over->index = index;
}

static void overview_on_frame(struct view *view, const struct frame *frame,
                              struct reply *reply)
{
    struct overview *over = (struct overview *)view;
    struct shown shown;
    if (!frame->overview)
        return;
    collect(frame, lists_height(view, frame), &shown);
    put_cursor(over, &shown, find_cursor(over, &shown), reply);
}

static void overview_on_action(struct view *view, const struct frame *frame,
                               enum action action, struct reply *reply)
{
    struct overview *over = (struct overview *)view;
    struct shown shown = {0};
    if (frame)
        collect(frame, lists_height(view, frame), &shown);
    size_t at = find_cursor(over, &shown);
    const struct workflow_row *row = shown.n > 0 ? shown.rows[at] : NULL;
    const struct approval_row *ask = shown.n > 0 ? shown.asks[at] : NULL;
    switch (action) {
    case ACTION_ROW_DOWN:
        put_cursor(over, &shown, at + 1 < shown.n ? at + 1 : at, reply);
        break;
    case ACTION_ROW_UP:
        put_cursor(over, &shown, at > 0 ? at - 1 : 0, reply);
        break;
    case ACTION_TOP:
    case ACTION_PAGE_UP:
        put_cursor(over, &shown, 0, reply);
        break;
    case ACTION_END:
    case ACTION_PAGE_DOWN:
        put_cursor(over, &shown, shown.n > 0 ? shown.n - 1 : 0, reply);
        break;
    case ACTION_NEXT_PANEL:
        /* The first row of the next section that has one. */
        for (size_t i = at + 1; i < shown.n; i++)
            if (shown.section[i] != shown.section[at]) {
                put_cursor(over, &shown, i, reply);
                return;
            }
        put_cursor(over, &shown, 0, reply);
        break;
    case ACTION_OPEN:
        if (ask)
            reply_open(reply, &approval_class, ask->id, NULL);
        else if (row)
            reply_open(reply, &workflow_class, row->id, NULL);
        break;
    default:
        common_action(view, row, action, reply);
        break;
    }
}

static size_t overview_targets(const struct view *view, const struct frame *frame,
                               int64_t *ids, size_t max)
{
    const struct overview *over = (const struct overview *)view;
    (void)frame;
    if (over->cursor <= 0 || max == 0)
        return 0;
    ids[0] = over->cursor;
    return 1;
}

static size_t overview_subjects(const struct view *view, const struct frame *frame,
                                struct view_subject *subjects, size_t max)
{
    const struct overview *over = (const struct overview *)view;
    const struct frame_overview *data = frame ? frame->overview : NULL;
    for (size_t i = 0; data && max > 0 && i < data->n_approvals; i++)
        if (-data->approvals[i].id == over->cursor) {
            subject_of(&data->approvals[i], &subjects[0]);
            return 1;
        }
    return 0;
}

static struct wall overview_next_change(const struct view *view,
                                        const struct frame *frame)
{
    const struct overview *over = (const struct overview *)view;
    struct wall next = {0};
    struct shown shown;
    if (!frame)
        return next;
    collect(frame, lists_height(view, frame), &shown);
    for (size_t i = 0; i < shown.n; i++)
        next =
            look_sooner(next, shown.asks[i] ? ask_next_change(shown.asks[i], view->now)
                                            : row_next_change(shown.rows[i], view->now));
    for (size_t i = 0; frame->services && i < frame->services->n; i++)
        if (frame->services->services[i].row.state == BREAKER_OPEN)
            next = look_sooner(
                next, signal_next_change(&frame->services->services[i].row, view->now));
    if (frame->detail && view->w >= WIDE_COLUMNS && frame->detail->row.id == over->cursor)
        next = look_sooner(next, detail_next_change(frame->detail, view->now));
    return next;
}

const struct view_class overview_class = {
    .name = "overview",
    .title = "overview",
    .help = "The track with all workflows, what needs a person, what is wrong",
    .context = CONTEXT_OVERVIEW,
    .hints = {ACTION_NEXT_NEEDED, ACTION_APPROVE, ACTION_REJECT, ACTION_HALT,
              ACTION_GO_APPROVALS, ACTION_GO_WORKFLOWS, ACTION_GO_SUBMIT, ACTION_OPEN,
              ACTION_GO_OPTIMIZATIONS, ACTION_GO_AUTONOMY, ACTION_PALETTE, ACTION_HELP},
    .is_root = true,
    .open = overview_open,
    .close = overview_close,
    .query = overview_query,
    .on_frame = overview_on_frame,
    .draw = overview_draw,
    .on_action = overview_on_action,
    .on_prompt = common_on_prompt,
    .targets = overview_targets,
    .subjects = overview_subjects,
    .next_change = overview_next_change,
};
