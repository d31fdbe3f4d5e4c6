/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_FILE_H
#define SIGNALBOX_BASE_FILE_H

/*
 * File: whole files, folders and the places where things live (XDG Base Directory 0.8).
 *
 * New files are 0600, new folders 0700.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

/* Whole file into malloc'd, NUL-terminated memory; more than max bytes is ERR_TOO_LARGE.
 */
NODISCARD bool file_read(const char *path, size_t max, char **ret_data, size_t *ret_len,
                         struct err *err);
/* Atomic replacement: temporary file in the same folder, fsync, rename, fsync of the
 * folder. */
NODISCARD bool file_write(const char *path, const void *data, size_t len,
                          struct err *err);
/* A file that is not there yet, 0600, without waiting for the disk; "~/" is $HOME. ERR_REFUSED:
 * it is there. What could not be written whole is removed. */
NODISCARD bool file_write_new(const char *path, const void *data, size_t len,
                              struct err *err);
/* mkdir -p with mode 0700 for what is missing. */
NODISCARD bool file_make_dirs(const char *path, struct err *err);
/* rm -rf below and including path, following no symbolic link and staying on its file
 * system. A missing path is fine. */
bool file_remove_tree(const char *path, struct err *err);
bool file_exists(const char *path);

/* "a/b" malloc'd. */
NODISCARD char *file_join(const char *folder, const char *name);
/* Absolute, symlink-free path of what exists, malloc'd, or NULL with err. */
NODISCARD char *file_real(const char *path, struct err *err);

/* malloc'd: $XDG_CONFIG_HOME/signalbox, $XDG_STATE_HOME/signalbox,
 * $XDG_DATA_HOME/signalbox, with the defaults of the specification below $HOME (or the
 * password database). */
NODISCARD char *file_config_dir(void);
NODISCARD char *file_state_dir(void);
NODISCARD char *file_data_dir(void);

#endif
