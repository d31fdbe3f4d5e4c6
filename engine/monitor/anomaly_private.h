/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_ANOMALY_PRIVATE_H
#define SIGNALBOX_MONITOR_ANOMALY_PRIVATE_H

/*
 * Anomaly book, private: its state, and what anomaly*.c and incident.c share.
 *
 * All lists are dense: what leaves is replaced by the last. A series' suspect is found by
 * slot_of, which is made again after a load.
 */

#include "engine/monitor/anomaly.h"
#include "engine/monitor/incident.h"

#define ANOMALY_RULE_NAME_MAX 72
#define ANOMALY_BY_MAX        64 /* "breaker:NAME" */
#define ANOMALY_NO_RULE       (-1)

/* What every series is watched with: the run of points that it is in. */
struct habit {
    int64_t began_ms; /* first point of the run; 0 = none */
    int64_t ended_ms; /* end of the newest run */
    float share;      /* of points outside of the band, usually */
    float distance;   /* from the middle of the band, usually */
    float run, peak;  /* digits of evidence, now and at most in this run */
    float usual;      /* highest of the runs in peace, slowly forgotten */
    uint32_t n;       /* points */
    uint16_t n_out;   /* odd points of the run */
    uint16_t n_calm;  /* points inside the band, in a row */
    uint8_t is_muted; /* adapted: nothing is told until it is back in its band */
    uint8_t unused;
    uint16_t votes; /* of the mode */
    float mode;     /* the value that most points have had */
};

/* A series that has surprised, and for a while after. */
struct suspect {
    int32_t series;
    int32_t n_calm;           /* points in a row that were inside the band */
    int32_t is_told;          /* its anomaly is open */
    int32_t n_outside;        /* surprising points since it began */
    int64_t began_ms;         /* first surprising point */
    int64_t seen_ms;          /* newest odd point */
    int64_t surprised_ms;     /* newest point that surprised the detector */
    int64_t last_ms;          /* newest point */
    double step_ms;           /* usual distance of points; 0 = not known */
    double evidence, peak;    /* sum; highest surprise */
    double value;             /* newest surprising value */
    double low, high;         /* band then */
    double was_low, was_high; /* band when it began */
    int32_t kind;             /* enum detect_kind of the peak */
    int32_t is_silent;        /* points do not come */
    char name[ANOMALY_NAME_MAX], place[ANOMALY_PLACE_MAX];
};

struct contributor {
    double score, value;
    char name[ANOMALY_NAME_MAX];
};

/* A closed anomaly, for "seen before". */
struct past {
    int64_t id, began_ms, lasted_ms;
    uint64_t series_hash, metric_hash, place_hash;
    int32_t type;
    int32_t shape; /* direction and order of magnitude of the deviation */
    int32_t closed_by;
    char text[120];
};

enum closed_by {
    CLOSED_NOT,
    CLOSED_RECOVERED,
    CLOSED_ADAPTED,
    CLOSED_SILENT,
    CLOSED_OPERATOR
};

struct entry {
    int64_t id, incident;
    int32_t type, severity, series;
    int32_t rule;      /* index, ANOMALY_NO_RULE = a detector */
    int32_t closed_by; /* enum closed_by */
    int32_t is_dirty, is_taken;
    int32_t n_contributors, n_similar;
    int32_t shape;
    int64_t began_ms, opened_ms, seen_ms, closed_ms, told_ms;
    double value, low, high, score, peak;
    struct contributor contributors[ANOMALY_TOP];
    struct past similar[ANOMALY_TOP];
    char name[ANOMALY_NAME_MAX], place[ANOMALY_PLACE_MAX], text[ANOMALY_TEXT_MAX];
    char rule_name[ANOMALY_RULE_NAME_MAX], inhibited_by[ANOMALY_BY_MAX];
};

/* What a rule remembers of a series. */
struct rule_slot {
    int32_t rule, series;
    int32_t next; /* of the same series, -1 = none */
    int32_t unused;
    double step_ms; /* usual distance of points */
    struct rule_state state;
    char name[ANOMALY_NAME_MAX], place[ANOMALY_PLACE_MAX];
};

struct incident {
    int64_t id;
    int64_t opened_ms, changed_ms, closed_ms,
        newest_ms; /* newest: a member's last news */
    int32_t severity, n_anomalies, n_open, is_dirty;
    char cause[ANOMALY_PLACE_MAX], text[ANOMALY_TEXT_MAX], inhibited_by[ANOMALY_BY_MAX];
    int32_t n_evidence, unused;
    char evidence[INCIDENT_EVIDENCE_MAX][ANOMALY_TEXT_MAX]; /* earliest first */
    int32_t n_places, unused_too;
    char places[INCIDENT_PLACES_MAX][ANOMALY_PLACE_MAX]; /* of all members so far */
};

struct anomaly_book {
    /* saved: */
    int64_t next_anomaly, next_incident;
    int64_t n_opened, n_closed, n_dropped;
    int64_t tick_ms, awake_ms; /* newest tick; since when it comes without a gap */
    int32_t n_suspects, n_entries, n_slots, n_incidents, n_past, newest_past, n_habits,
        unused;
    struct suspect suspects[ANOMALY_SUSPECTS_MAX];
    struct entry entries[ANOMALY_OPEN_MAX];
    struct rule_slot slots[ANOMALY_RULES_MAX];
    struct incident incidents[INCIDENT_OPEN_MAX];
    struct past past[ANOMALY_PAST_MAX];

    struct habit habits[ANOMALY_SERIES_MAX];
    /* made again: */
    int16_t suspect_of[ANOMALY_SERIES_MAX]; /* -1 = none */
    int16_t slot_of[ANOMALY_SERIES_MAX];    /* first rule_slot of a series */
};

/* ---- anomaly.c ---- */

void anomaly_close(struct anomaly_book *book, struct entry *entry, enum closed_by why,
                   struct wall now);
const char *closed_by_word(enum closed_by why);

/* ---- anomaly_habit.c ---- */

#define HABIT_WARM 200 /* points before anything is told */

/* Digits of how rarely a point of a peaceful series is as odd; novelty does not count twice. */
double habit_surprise(const struct detect_result *result);
bool habit_is_in_band(double value, double low, double high);
/* Does it lie outside, or is the window that it belongs to odd? */
bool habit_is_odd(const struct habit *habit, const struct series_signal *signal);
/* A point; is_open: trouble is told already, and does not become usual. */
void habit_follow(struct habit *habit, const struct series_signal *signal,
                  double surprise, bool is_open);
/* Digits of a run that are trouble. */
double habit_opens_at(const struct habit *habit);
void habit_end_run(struct habit *habit, int64_t now_ms, bool was_told);

/* ---- anomaly_state.c ---- */

struct suspect *anomaly_find_suspect(struct anomaly_book *book, int32_t series);
/* Makes room when it must; NULL: the series is out of bounds. */
struct suspect *anomaly_add_suspect(struct anomaly_book *book,
                                    const struct series_info *series);
void anomaly_remove_suspect(struct anomaly_book *book, size_t i);
struct entry *anomaly_find_entry(struct anomaly_book *book, int32_t series, int32_t rule);
/* NULL: the book is full; counted. */
struct entry *anomaly_add_entry(struct anomaly_book *book);
void anomaly_remove_entry(struct anomaly_book *book, size_t i);
struct rule_slot *anomaly_slot(struct anomaly_book *book,
                               const struct series_info *series, int32_t rule);
/* name{labels}, cut. */
void anomaly_name(const struct series_info *series, char out[ANOMALY_NAME_MAX]);

/* ---- anomaly_text.c ---- */

enum anomaly_type anomaly_type_of(enum detect_kind kind);
/* Severity by peak, direction, component and duration; a rule's own for its anomalies. */
enum severity anomaly_severity(const struct entry *entry, const struct rule_set *set,
                               struct wall now);
/* What helps, by metric and type; how many. */
#define ANOMALY_ACTIONS_MAX 3
size_t anomaly_actions(const char *name, enum anomaly_type type,
                       const char *ret_actions[ANOMALY_ACTIONS_MAX]);
/* One clean line. */
void anomaly_describe(struct entry *entry);
/* What it looked like, for the comparison with past ones. */
int32_t anomaly_shape(double value, double low, double high);

/* ---- anomaly_link.c ---- */

void anomaly_find_contributors(struct anomaly_book *book, struct entry *entry,
                               const struct world *world);
void anomaly_find_similar(const struct anomaly_book *book, struct entry *entry);
void anomaly_remember(struct anomaly_book *book, const struct entry *entry);

/* ---- incident.c ---- */

/* Put each new anomaly into an incident; causes, inhibition, severities, ends. */
void incident_group(struct anomaly_book *book, const struct world *world,
                    struct wall now);

#endif
