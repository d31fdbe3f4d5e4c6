/* SPDX-License-Identifier: MIT */

/*
 * Findings as they stand in the outbox of the metrics file. Numbers of enums, times in ms;
 * a number that is not known is left out. Read by nobody but the next monitor.
 */

#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/monitor/monitor.h"

#define TEXT_MAX ((size_t)1 << 20)

enum kind { KIND_ID, KIND_INT, KIND_WALL, KIND_TEXT, KIND_DOUBLE };

struct column {
    const char *key;
    enum kind kind;
    size_t offset;
};

#define A(member) offsetof(struct anomaly_row, member)
#define I(member) offsetof(struct incident_row, member)

static const struct column anomaly_columns[] = {
    {"id",        KIND_ID,     A(id)       },
    {"incident",  KIND_ID,     A(incident) },
    {"type",      KIND_INT,    A(type)     },
    {"severity",  KIND_INT,    A(severity) },
    {"began_at",  KIND_WALL,   A(began_at) },
    {"opened_at", KIND_WALL,   A(opened_at)},
    {"seen_at",   KIND_WALL,   A(seen_at)  },
    {"closed_at", KIND_WALL,   A(closed_at)},
    {"series",    KIND_TEXT,   A(series)   },
    {"component", KIND_TEXT,   A(component)},
    {"value",     KIND_DOUBLE, A(value)    },
    {"low",       KIND_DOUBLE, A(low)      },
    {"high",      KIND_DOUBLE, A(high)     },
    {"score",     KIND_DOUBLE, A(score)    },
    {"text",      KIND_TEXT,   A(text)     },
    {"rule",      KIND_TEXT,   A(rule)     },
    {"closed_by", KIND_TEXT,   A(closed_by)},
    {"detail",    KIND_TEXT,   A(detail)   },
};

static const struct column incident_columns[] = {
    {"id",           KIND_ID,   I(id)          },
    {"severity",     KIND_INT,  I(severity)    },
    {"cause",        KIND_TEXT, I(cause)       },
    {"text",         KIND_TEXT, I(text)        },
    {"opened_at",    KIND_WALL, I(opened_at)   },
    {"changed_at",   KIND_WALL, I(changed_at)  },
    {"closed_at",    KIND_WALL, I(closed_at)   },
    {"n_anomalies",  KIND_INT,  I(n_anomalies) },
    {"n_open",       KIND_INT,  I(n_open)      },
    {"inhibited_by", KIND_TEXT, I(inhibited_by)},
    {"detail",       KIND_TEXT, I(detail)      },
};

/* Enums and ints are of one size here; the columns above name nothing else KIND_INT. */
_Static_assert(sizeof(enum anomaly_type) == sizeof(int), "stored as int");
_Static_assert(sizeof(enum severity) == sizeof(int), "stored as int");

static void write_column(struct jsonw *w, const struct column *column, const void *row)
{
    const void *at = (const char *)row + column->offset;
    switch (column->kind) {
    case KIND_ID:
        jsonw_int(w, column->key, *(const int64_t *)at);
        break;
    case KIND_INT:
        jsonw_int(w, column->key, *(const int *)at);
        break;
    case KIND_WALL:
        jsonw_int(w, column->key, ((const struct wall *)at)->ms);
        break;
    case KIND_TEXT:
        jsonw_str(w, column->key, *(const char *const *)at);
        break;
    case KIND_DOUBLE:
        jsonw_num(w, column->key, *(const double *)at);
        break;
    }
}

static void read_column(struct arena *arena, const struct json *object,
                        const struct column *column, void *row)
{
    void *at = (char *)row + column->offset;
    switch (column->kind) {
    case KIND_ID:
        *(int64_t *)at = json_int(object, column->key, 0);
        break;
    case KIND_INT:
        *(int *)at = (int)json_int(object, column->key, 0);
        break;
    case KIND_WALL:
        ((struct wall *)at)->ms = json_int(object, column->key, 0);
        break;
    case KIND_TEXT:
        *(const char **)at = arena_str(arena, json_str(object, column->key, ""));
        break;
    case KIND_DOUBLE:
        *(double *)at = json_num(object, column->key, (double)NAN);
        break;
    }
}

char *discovery_format(const struct discovery *discovery)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    bool is_anomaly = discovery->anomaly != NULL;
    const struct column *columns = is_anomaly ? anomaly_columns : incident_columns;
    size_t n = is_anomaly ? ARRAY_LEN(anomaly_columns) : ARRAY_LEN(incident_columns);
    const void *row = is_anomaly ? (const void *)discovery->anomaly : discovery->incident;
    buf_init(&buf, TEXT_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, is_anomaly ? "anomaly" : "incident_row", '{');
    for (size_t i = 0; i < n; i++) {
        write_column(&w, &columns[i], row);
    }
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    return buf_take(&buf, NULL);
}

static bool is_row(int64_t id, int type, int n_types, int severity)
{
    return id > 0 && type >= 0 && type < n_types && severity >= 0 &&
           severity < SEVERITY_COUNT;
}

bool discovery_parse(struct arena *arena, const char *json,
                     struct discovery *ret_discovery)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(json, strlen(json), &ignored);
    const struct json *object = json_get(root, "anomaly");
    *ret_discovery = (struct discovery){0};
    bool is_good;
    if (object != NULL) {
        struct anomaly_row *row = arena_alloc(arena, sizeof(*row));
        for (size_t i = 0; i < ARRAY_LEN(anomaly_columns); i++) {
            read_column(arena, object, &anomaly_columns[i], row);
        }
        is_good = is_row(row->id, (int)row->type, ANOMALY_TYPE_COUNT, (int)row->severity);
        ret_discovery->anomaly = row;
    } else {
        struct incident_row *row = arena_alloc(arena, sizeof(*row));
        object = json_get(root, "incident_row");
        for (size_t i = 0; i < ARRAY_LEN(incident_columns); i++) {
            read_column(arena, object, &incident_columns[i], row);
        }
        row->owner = row->note = "";
        is_good = is_row(row->id, 0, 1, (int)row->severity);
        ret_discovery->incident = row;
    }
    json_free(root);
    return is_good;
}
