/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_ROOM_H
#define SIGNALBOX_TESTS_ROOM_H

/*
 * Room: a desk with three services and ops of tests/lib/model.h, worked by hand: take what
 * it puts out, give it answers, let time pass. Wrong outputs fail the cmocka test.
 */

#include "tests/lib/model.h"

#define ROOM_BEGIN 1000000000000

/* One HTTP service with a backup, and one that runners perform. */
struct room {
    struct service_spec services[3];
    struct desk *desk;
    struct wall now;
};

struct wall room_at(int64_t ms);
struct gate_settings room_settings(void);
/* Services as configured; change them before the desk is opened. */
void room_open(struct room *room);
void room_open_desk(struct room *room);
void room_close(struct room *room);

/* The next output that is no report, memo or note. */
struct desk_out room_next(struct room *room);
void room_out_free(struct desk_out *out);
void room_skip(struct room *room); /* all that is there */
/* Of workflow N, seq 7; second NULL: a chain of one. */
struct desk_task *room_task(int64_t workflow, enum effect_kind kind, const char *first,
                            const char *second);
/* A body that begins with "<" is text/html. */
void room_answer(struct room *room, int64_t call, enum http_fault fault, int status,
                 const char *body);
/* Takes the next output, which is a call of this name, and answers it. */
void room_serve(struct room *room, const char *name, enum http_fault fault, int status,
                const char *body);
/* The next output, a call; its number. */
int64_t room_call(struct room *room, const char *name);
struct effect_result *room_result(struct room *room);
void room_tick(struct room *room, int64_t ms);

#endif
