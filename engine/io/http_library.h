/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_HTTP_LIBRARY_H
#define SIGNALBOX_IO_HTTP_LIBRARY_H

/*
 * Http library: libcurl, loaded when it is first needed.
 *
 * It brings thirty libraries, that take five megabytes and most of the time in which the
 * program starts. A console, a guardian, a subcommand and an engine without services over
 * HTTP do without. http_library.c defines the functions of libcurl that this program uses;
 * each loads the library when it is the first, and hands the call on. So callers include
 * curl/curl.h and call as always, and -lcurl is not linked.
 */

#include "engine/base/err.h"

/* Any thread. ERR_IO: it is not there, or is not what it should be; asked before the first
 * call of a function of libcurl, which could not say so (it would abort). */
NODISCARD bool http_library_load(struct err *err);

#endif
