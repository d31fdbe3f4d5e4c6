/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_INCIDENT_H
#define SIGNALBOX_MONITOR_INCIDENT_H

/*
 * Incident: anomalies of one cause, so that one trouble rings once.
 *
 * An anomaly joins an open incident when it began within INCIDENT_NEAR_MS of that incident's
 * last news and its component is the same as, needs, or is needed by one of the incident's
 * components; an anomaly that joins two makes them one. The cause is the component on which
 * most of the others rest, the earliest of equals; the others are symptoms. An incident is
 * inhibited (shown, but not told) while the breaker of its cause is open, or while breakers and
 * silences with an end cover each of its open anomalies. It closes when all of them are closed.
 *
 * Part of the anomaly book (engine/monitor/anomaly.h), which owns the state and calls it from
 * anomaly_book_tick.
 */

#define INCIDENT_NEAR_MS      (30 * 60 * 1000)
#define INCIDENT_EVIDENCE_MAX 6  /* texts that it shows; the earliest */
#define INCIDENT_PLACES_MAX   12 /* components that it remembers */

#endif
