/* SPDX-License-Identifier: MIT */
/*
 * Cause first, then what happens by itself or what a person can do. A store that could be
 * read before stays on the screen below the notice, with the time it was read.
 */
#include "tui/view/common.h"

#include "engine/base/text.h"
#include "tui/widget/look.h"

#define JUST_NOW_MS 10000
#define NOTICE_ROWS 3 /* blank, what, what next */

struct notice {
    enum glyph glyph;
    enum theme_role role;
    char what[512];
    char next[256];
};

static void describe_fault(const struct frame *frame, struct notice *notice)
{
    const char *path = frame->store_path;
    switch (frame->engine.fault_code) {
    case ERR_FULL:
        (void)snprintf(notice->what, sizeof notice->what, "The store is full: %s", path);
        (void)snprintf(notice->next, sizeof notice->next,
                       "Nothing is lost. Work goes on by itself when there is room.");
        break;
    case ERR_READ_ONLY:
        (void)snprintf(notice->what, sizeof notice->what,
                       "The store cannot be written: %s is read-only", path);
        (void)snprintf(notice->next, sizeof notice->next,
                       "Nothing is lost. Work goes on when it can be written again.");
        break;
    case ERR_BUSY:
        (void)snprintf(notice->what, sizeof notice->what,
                       "Another program holds the store: %s", path);
        (void)snprintf(notice->next, sizeof notice->next,
                       "The engine waits for it and goes on by itself.");
        break;
    case ERR_CORRUPT:
        (void)snprintf(notice->what, sizeof notice->what, "The store is damaged: %s",
                       path);
        (void)snprintf(notice->next, sizeof notice->next,
                       "Stop the engine and put the last backup in its place.");
        break;
    default:
        (void)snprintf(notice->what, sizeof notice->what,
                       "The engine cannot write the store: %s", path);
        (void)snprintf(notice->next, sizeof notice->next,
                       "It tries again. Look for disk errors in the system's log.");
        break;
    }
}

static const char *next_step(enum trouble trouble)
{
    switch (trouble) {
    case TROUBLE_MISSING:
        return "It is made when an engine starts, or when a task is handed over.";
    case TROUBLE_NEWER:
        return "Update this signalbox, or open another store with --store FILE.";
    case TROUBLE_CORRUPT:
        return "Stop the engine and put the last backup in its place.";
    case TROUBLE_BUSY:
        return "It is tried again every second.";
    case TROUBLE_DENIED:
        return "Check owner and mode of the file and its folder.";
    case TROUBLE_IO:
        return "It is tried again every second.";
    default:
        return "";
    }
}

static void describe_trouble(const struct frame *frame, struct wall now,
                             struct notice *notice)
{
    char word[80], age[CLOCK_TEXT_MAX];
    (void)snprintf(word, sizeof word, "%s", trouble_word(frame->trouble));
    if (word[0] >= 'a' && word[0] <= 'z')
        word[0] = (char)(word[0] - 'a' + 'A');
    bool has_text = frame->trouble_text[0] != '\0';
    if (has_text &&
        (frame->trouble == TROUBLE_NEWER || frame->trouble == TROUBLE_CORRUPT))
        /* The store's own words are the whole sentence, path and all. */
        (void)snprintf(notice->what, sizeof notice->what, "%s", frame->trouble_text);
    else
        (void)snprintf(notice->what, sizeof notice->what, "%s: %s", word,
                       has_text && frame->trouble != TROUBLE_MISSING ? frame->trouble_text
                                                                     : frame->store_path);
    if (frame->trouble == TROUBLE_LOADING) {
        notice->glyph = GLYPH_TODO;
        notice->role = ROLE_TEXT_DIM;
    }
    if (wall_is_set(frame->read_at))
        (void)snprintf(notice->next, sizeof notice->next, "This is %s old. %s",
                       look_age(now, frame->read_at, age), next_step(frame->trouble));
    else
        (void)snprintf(notice->next, sizeof notice->next, "%s",
                       next_step(frame->trouble));
}

static void describe_engine(const struct frame *frame, struct wall now,
                            struct notice *notice)
{
    char age[CLOCK_TEXT_MAX];
    if (frame->engine.health == ENGINE_GONE && frame->engine.fault[0] != '\0') {
        (void)snprintf(notice->what, sizeof notice->what, "No engine could start: %s",
                       frame->engine.fault);
        (void)snprintf(notice->next, sizeof notice->next,
                       "It is tried again every two seconds.");
    } else if (frame->engine.health == ENGINE_GONE) {
        bool is_new = wall_since(now, frame->engine.gone_since).ms < JUST_NOW_MS;
        (void)snprintf(notice->what, sizeof notice->what,
                       "No engine runs on this store%s%s", is_new ? "" : ", for ",
                       is_new ? "" : look_age(now, frame->engine.gone_since, age));
        (void)snprintf(notice->next, sizeof notice->next,
                       "Nothing moves until one is started: signalbox serve");
    } else {
        (void)snprintf(notice->what, sizeof notice->what, "The engine says: %s",
                       frame->engine.fault);
    }
}

static void describe_silence(const struct frame *frame, struct wall now,
                             struct notice *notice)
{
    const struct frame_engine *engine = &frame->engine;
    char age[CLOCK_TEXT_MAX], pid[48] = "";
    (void)snprintf(notice->what, sizeof notice->what,
                   "The engine's %s thread is stuck, for %s: %s",
                   pulse_word(engine->silent), look_age(now, engine->silent_since, age),
                   pulse_help(engine->silent));
    if (engine->pid > 0)
        (void)snprintf(pid, sizeof pid, "process %d", engine->pid);
    (void)snprintf(notice->next, sizeof notice->next,
                   "Nothing is lost. If it stays so, end %s and start it again.",
                   engine->pid > 0 ? pid : "the engine");
}

/* False when all is well. */
static bool describe(const struct frame *frame, struct wall now, struct notice *notice)
{
    *notice = (struct notice){.glyph = GLYPH_HIGH, .role = ROLE_SEVERITY_HIGH};
    bool cannot_start =
        frame->engine.health == ENGINE_GONE && frame->engine.fault[0] != '\0';
    if (frame->trouble == TROUBLE_MISSING && cannot_start)
        describe_engine(frame, now, notice); /* why nobody makes one */
    else if (frame->trouble != TROUBLE_NONE)
        describe_trouble(frame, now, notice);
    else if (frame->engine.fault_code != ERR_NONE)
        describe_fault(frame, notice);
    else if (frame->engine.has_silent)
        describe_silence(frame, now, notice);
    else if (frame->engine.health == ENGINE_GONE || frame->engine.fault[0] != '\0')
        describe_engine(frame, now, notice);
    else
        return false;
    return true;
}

int notice_height(const struct frame *frame, struct wall now, int h)
{
    struct notice notice;
    if (!frame)
        return h;
    if (!describe(frame, now, &notice))
        return 0;
    if (frame->trouble != TROUBLE_NONE && !wall_is_set(frame->read_at))
        return h;
    return NOTICE_ROWS < h ? NOTICE_ROWS : h;
}

/* Nothing else to show: the whole sentence, in the middle. */
static void draw_alone(const struct canvas *canvas, const struct notice *notice)
{
    char clean[512];
    int y = canvas->h / 3;
    bool is_calm = notice->role == ROLE_TEXT_DIM;
    text_clean_into(clean, sizeof clean, notice->what);
    canvas_glyph(canvas, 2, y, notice->role, notice->glyph);
    y += canvas_paragraph(canvas, (struct rect){4, y, canvas->w - 6, 4},
                          is_calm ? ROLE_TEXT_DIM : ROLE_TEXT_STRONG, clean);
    (void)canvas_paragraph(canvas, (struct rect){4, y, canvas->w - 6, 2}, ROLE_TEXT,
                           notice->next);
}

struct canvas notice_draw(const struct canvas *canvas, const struct frame *frame,
                          struct wall now)
{
    struct notice notice;
    int height = notice_height(frame, now, canvas->h);
    if (!frame) {
        blank_draw(canvas, "opening the store", "");
    } else if (height > 0 && describe(frame, now, &notice)) {
        if (height == canvas->h) {
            draw_alone(canvas, &notice);
        } else {
            canvas_glyph(canvas, 2, 1, notice.role, notice.glyph);
            look_text(canvas, 4, 1, canvas->w - 5, ROLE_TEXT_STRONG, notice.what);
            look_text(canvas, 4, 2, canvas->w - 5, ROLE_TEXT, notice.next);
        }
    }
    return canvas_sub(canvas, (struct rect){0, height, canvas->w, canvas->h - height});
}

void blank_draw(const struct canvas *canvas, const char *what, const char *next)
{
    int y = canvas->h / 3;
    look_text(canvas, 4, y, canvas->w - 6, ROLE_TEXT_DIM, what);
    if (next[0] != '\0')
        look_text(canvas, 4, y + 1, canvas->w - 6, ROLE_TEXT_DIM, next);
}
