/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_TWIN_H
#define SIGNALBOX_TUI_TWIN_H

/*
 * Twin: the subcommand that tells what a view shows, for scripts and for who cannot use a
 * screen. Every view has one, and every twin knows --json. A verb's twin has the verb's name.
 *
 * The help, signalbox-keys(7) and the test that runs them all are made from this table. Pure.
 */

/* Beginning of a subcommand's words: "show --diff"; NULL at the end of the table. What is meant
 * stands behind it. */
struct twin {
    const char *view;
    const char *command;
    const char
        *target; /* what it is asked about, for people: "ID", "NAME"; "" = nothing */
};
extern const struct twin twins[];
const struct twin *twin_find(const char *view); /* or NULL */

#endif
