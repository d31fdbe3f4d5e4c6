/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_TRACK_H
#define SIGNALBOX_TUI_WIDGET_TRACK_H

/*
 * Track: the line from IDLE to COMPLETED with its stations, as a signal box shows it.
 *
 * Three rows: names, counts on the line, one mark for each workflow; then the side tracks
 * with a count each. A train that has just left a station stands on the line behind it.
 */

#include "tui/canvas.h"
#include "tui/frame.h"

#define TRACK_HEIGHT 5

/* Cells that the track takes of `width`: it does not stretch over a wide screen. */
int track_width(int width);
void track_draw(const struct canvas *canvas, const struct frame *frame, struct wall now);
/* Completed of ended workflows in the frame's hours; -1 when none ended. */
double track_success(const struct frame_overview *overview, int64_t *ret_completed,
                     int64_t *ret_failed);

#endif
