/* SPDX-License-Identifier: MIT */
/* Story json: the same as objects, with the keys of store/recovery.h and store/finding.h. */
#include "engine/monitor/health.h"
#include "tui/story.h"

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

static void write_texts(struct jsonw *w, const char *key, const char *const *texts,
                        size_t n)
{
    jsonw_open(w, key, '[');
    for (size_t i = 0; i < n; i++) {
        jsonw_str(w, NULL, texts[i]);
    }
    jsonw_close(w, ']');
}

static void write_impact(const struct story *story, struct jsonw *w)
{
    jsonw_open(w, "impact", '{');
    jsonw_int(w, "workflows", story->n_touched);
    if (story->n_queued >= 0) {
        jsonw_int(w, "queued", story->n_queued);
    } else {
        jsonw_null(w, "queued");
    }
    write_texts(w, "repositories", story->repositories, story->n_repositories);
    write_texts(w, "environments", story->environments, story->n_environments);
    jsonw_open(w, "tree", '[');
    for (size_t i = 0; i < story->n_nodes; i++) {
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "depth", story->nodes[i].depth);
        jsonw_str(w, "text", story->nodes[i].text);
        jsonw_str(w, "note", story->nodes[i].note);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

static void write_lines(const struct story *story, struct jsonw *w)
{
    jsonw_open(w, "timeline", '[');
    for (size_t i = 0; i < story->n_lines; i++) {
        const struct story_line *line = &story->lines[i];
        jsonw_open(w, NULL, '{');
        write_wall(w, "at", line->at);
        jsonw_str(w, "kind", story_word(line->kind));
        jsonw_str(w, "subject", line->subject);
        jsonw_str(w, "actor", line->actor);
        jsonw_str(w, "text", line->text);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_causes(const struct story *story, struct jsonw *w)
{
    jsonw_open(w, "causes", '[');
    for (size_t i = 0; i < story->n_causes; i++) {
        const struct story_cause *cause = &story->causes[i];
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "node", cause->node);
        jsonw_num(w, "weight", cause->weight);
        jsonw_int(w, "failures", cause->n);
        jsonw_str(w, "why", cause->why);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_past(const struct story *story, struct jsonw *w)
{
    jsonw_open(w, "similar", '[');
    for (size_t i = 0; i < story->n_past; i++) {
        const struct story_past *past = &story->past[i];
        char name[STORY_NAME_MAX];
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "id", story_name(&past->subject, name));
        write_wall(w, "at", past->at);
        if (past->lasted.ms > 0) {
            jsonw_int(w, "lasted_ms", past->lasted.ms);
        } else {
            jsonw_null(w, "lasted_ms");
        }
        jsonw_str(w, "severity", severity_word(past->severity));
        jsonw_str(w, "text", past->text);
        jsonw_str(w, "helped", past->helped[0] != '\0' ? past->helped : NULL);
        jsonw_str(w, "note", past->note);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_findings(const struct story *story, struct jsonw *w)
{
    jsonw_open(w, "anomalies", '[');
    for (size_t i = 0; i < story->n_anomalies; i++) {
        jsonw_open(w, NULL, '{');
        health_write_anomaly(w, &story->anomalies[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_open(w, "problems", '[');
    for (size_t i = 0; i < story->n_problems; i++) {
        jsonw_open(w, NULL, '{');
        case_write_problem(w, &story->problems[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_open(w, "failures", '[');
    for (size_t i = 0; i < story->n_failures; i++) {
        jsonw_open(w, NULL, '{');
        case_write_failure(w, &story->failures[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_acts(const struct story *story, struct jsonw *w)
{
    jsonw_open(w, "recoveries", '[');
    for (size_t i = 0; i < story->n_recoveries; i++) {
        jsonw_open(w, NULL, '{');
        case_write_recovery(w, &story->recoveries[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_open(w, "decisions", '[');
    for (size_t i = 0; i < story->n_decisions; i++) {
        jsonw_open(w, NULL, '{');
        case_write_decision(w, &story->decisions[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

void story_json(const struct story *story, struct jsonw *w)
{
    char name[STORY_NAME_MAX];
    jsonw_str(w, "id", story_name(&story->subject, name));
    jsonw_str(w, "severity", severity_word(story->severity));
    jsonw_str(w, "cause", story->cause[0] != '\0' ? story->cause : NULL);
    jsonw_str(w, "text", story->text);
    write_wall(w, "from", story->from);
    write_wall(w, "to", story->to);
    write_wall(w, "as_of", story->now);
    if (story->subject.of == STORY_OF_INCIDENT) {
        jsonw_open(w, "incident", '{');
        health_write_incident(w, &story->incident);
        jsonw_close(w, '}');
    }
    write_impact(story, w);
    write_lines(story, w);
    jsonw_bool(w, "has_more_lines", story->has_more_lines);
    write_causes(story, w);
    write_findings(story, w);
    write_acts(story, w);
    write_texts(w, "questions", story->questions, story->n_questions);
    write_past(story, w);
}
