/* SPDX-License-Identifier: MIT */

/*
 * Feeds a fuzz target with the files of its corpus and its regressions, so that every
 * compiler runs them with the other tests. Folders: tests/fuzz/{corpus,regression}/NAME
 * of the program's own name fuzz_NAME, or the files and folders given as arguments. TAP,
 * one line per file: what breaks, breaks by the sanitizer or by a signal.
 */

#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>

#define INPUT_MAX (4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int n_done;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *data = malloc(INPUT_MAX);
    if (file == NULL || data == NULL) {
        printf("not ok %d - cannot read %s\n", ++n_done, path);
    } else {
        /* An exact copy on the heap, so that a sanitizer sees a read past the end. */
        size_t size = fread(data, 1, INPUT_MAX, file);
        uint8_t *exact = malloc(size > 0 ? size : 1);
        if (exact != NULL) {
            memcpy(exact, data, size);
            (void)LLVMFuzzerTestOneInput(exact, size);
            free(exact);
        }
        printf("ok %d - %s\n", ++n_done, path);
    }
    (void)fflush(stdout); /* the line before the one that breaks must be seen */
    free(data);
    if (file != NULL) {
        (void)fclose(file); /* only read */
    }
}

static void replay_folder(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char file[4096];
        if (names[i]->d_name[0] != '.' &&
            snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name) <
                (int)sizeof(file)) {
            replay_file(file);
        }
        free(names[i]);
    }
    if (n >= 0) {
        free(names);
    }
}

static void replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            replay_folder(path);
        } else {
            replay_file(path);
        }
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    const char *name = argc == 1 ? strstr(argv[0], "/fuzz_") : NULL;
    if (name != NULL) {
        static const char *const folders[] = {"tests/fuzz/corpus",
                                              "tests/fuzz/regression"};
        for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
            char path[4096];
            if (snprintf(path, sizeof(path), "%s/%s", folders[i],
                         name + sizeof("/fuzz_") - 1) < (int)sizeof(path)) {
                replay(path);
            }
        }
    }
    /* A target without any file still proves that it takes nothing at all. */
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("ok %d - empty input\n", ++n_done);
    printf("1..%d\n", n_done);
    return 0;
}
