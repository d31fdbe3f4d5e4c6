/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_VERSION_H
#define SIGNALBOX_BASE_VERSION_H

/* Version: of the program, as `signalbox version` and the man pages say it. A release
 * changes this line and CHANGELOG.md. */
#define SIGNALBOX_VERSION "0.1.0"

#endif
