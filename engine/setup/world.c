/* SPDX-License-Identifier: MIT */
/* The machine as engine/setup/setup.h sees it. */
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/setup/setup.h"

static char *read_file(void *user, const char *path)
{
    char *data = NULL;
    size_t len;
    struct err err = ERR_INIT;
    (void)user;
    return file_read(path, SETUP_READ_MAX, &data, &len, &err) ? data : NULL;
}

static bool has_file(void *user, const char *path)
{
    (void)user;
    return file_exists(path);
}

static bool has_variable(void *user, const char *name)
{
    const char *value =
        getenv(name); /* NOLINT(concurrency-mt-unsafe): no thread sets it */
    (void)user;
    return value != NULL && value[0] != '\0';
}

static bool has_program(void *user, const char *name)
{
    const char *path =
        getenv("PATH"); /* NOLINT(concurrency-mt-unsafe): no thread sets it */
    (void)user;
    while (path != NULL && path[0] != '\0') {
        size_t len = strcspn(path, ":");
        AUTO_FREE char *file = mem_printf("%.*s/%s", (int)len, path, name);
        if (len > 0 && access(file, X_OK) == 0) {
            return true;
        }
        path += len + (path[len] == ':' ? 1 : 0);
    }
    return false;
}

/* The folder above ours: $XDG_CONFIG_HOME. */
void setup_world_real(struct setup_world *ret_world)
{
    char *folder = file_config_dir();
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
    }
    *ret_world = (struct setup_world){.read = read_file,
                                      .has_file = has_file,
                                      .has_variable = has_variable,
                                      .has_program = has_program,
                                      .config_home = folder};
}

void setup_world_fini(struct setup_world *world)
{
    free((void *)(uintptr_t)world->config_home);
    world->config_home = NULL;
}
