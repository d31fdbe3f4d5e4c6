/* SPDX-License-Identifier: MIT */
#include "engine/io/http_library.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libcurl.so.4" /* the name of its binary interface since 2006 */

#define FUNCTIONS(X)                                                                     \
    X(curl_easy_cleanup)                                                                 \
    X(curl_easy_getinfo)                                                                 \
    X(curl_easy_init)                                                                    \
    X(curl_easy_reset)                                                                   \
    X(curl_easy_setopt)                                                                  \
    X(curl_easy_strerror)                                                                \
    X(curl_free)                                                                         \
    X(curl_global_init)                                                                  \
    X(curl_multi_add_handle)                                                             \
    X(curl_multi_assign)                                                                 \
    X(curl_multi_cleanup)                                                                \
    X(curl_multi_info_read)                                                              \
    X(curl_multi_init)                                                                   \
    X(curl_multi_remove_handle)                                                          \
    X(curl_multi_setopt)                                                                 \
    X(curl_multi_socket_action)                                                          \
    X(curl_slist_append)                                                                 \
    X(curl_slist_free_all)                                                               \
    X(curl_url)                                                                          \
    X(curl_url_cleanup)                                                                  \
    X(curl_url_get)                                                                      \
    X(curl_url_set)                                                                      \
    X(curl_version_info)

static struct functions {
#define FIELD(name) __typeof__(name) *name;
    FUNCTIONS(FIELD)
#undef FIELD
} library;

static const struct {
    const char *name;
    size_t at;
} rows[] = {
#define ROW(function) {#function, offsetof(struct functions, function)},
    FUNCTIONS(ROW)
#undef ROW
};

static char mistake[200]; /* "" = loaded */

static void load(void)
{
    void *handle = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL); /* stays until the end */
    for (size_t i = 0; i < ARRAY_LEN(rows) && handle != NULL; i++) {
        void *function = dlsym(handle, rows[i].name);
        if (function == NULL) {
            handle = NULL;
        } else {
            memcpy((char *)&library + rows[i].at, &function, sizeof(function));
        }
    }
    if (handle == NULL) {
        const char *why = dlerror();
        (void)snprintf(mistake, sizeof(mistake), "%s", why != NULL ? why : LIBRARY);
    }
}

static bool is_loaded(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load); /* valid arguments cannot fail */
    return mistake[0] == '\0';
}

bool http_library_load(struct err *err)
{
    return is_loaded() || err_set(err, ERR_IO, "libcurl cannot be loaded: %s", mistake);
}

static const struct functions *loaded(void)
{
    if (!is_loaded()) {
        BUG("a call of libcurl before http_library_load()");
    }
    return &library;
}

#define CALL(name) (loaded()->name)

/* ---- the functions -------------------------------------------------------------------- */

void curl_easy_cleanup(CURL *easy)
{
    CALL(curl_easy_cleanup)(easy);
}

CURL *curl_easy_init(void)
{
    return CALL(curl_easy_init)();
}

void curl_easy_reset(CURL *easy)
{
    CALL(curl_easy_reset)(easy);
}

const char *curl_easy_strerror(CURLcode code)
{
    return CALL(curl_easy_strerror)(code);
}

void curl_free(void *memory)
{
    CALL(curl_free)(memory);
}

CURLcode curl_global_init(long flags)
{
    return CALL(curl_global_init)(flags);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
    return CALL(curl_multi_add_handle)(multi, easy);
}

CURLMcode curl_multi_assign(CURLM *multi, curl_socket_t fd, void *user)
{
    return CALL(curl_multi_assign)(multi, fd, user);
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
    return CALL(curl_multi_cleanup)(multi);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *ret_left)
{
    return CALL(curl_multi_info_read)(multi, ret_left);
}

CURLM *curl_multi_init(void)
{
    return CALL(curl_multi_init)();
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
    return CALL(curl_multi_remove_handle)(multi, easy);
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t fd, int events,
                                   int *ret_running)
{
    return CALL(curl_multi_socket_action)(multi, fd, events, ret_running);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    return CALL(curl_slist_append)(list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
    CALL(curl_slist_free_all)(list);
}

CURLU *curl_url(void)
{
    return CALL(curl_url)();
}

void curl_url_cleanup(CURLU *url)
{
    CALL(curl_url_cleanup)(url);
}

CURLUcode curl_url_get(CURLU *url, CURLUPart part, char **ret_text, unsigned int flags)
{
    return CALL(curl_url_get)(url, part, ret_text, flags);
}

CURLUcode curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags)
{
    return CALL(curl_url_set)(url, part, text, flags);
}

curl_version_info_data *curl_version_info(CURLversion age)
{
    return CALL(curl_version_info)(age);
}

/* Options have one argument; its type is told by their number (curl.h, CURLOPTTYPE_). */
#define HAND_ON(name, handle, option, last)                                              \
    do {                                                                                 \
        if ((int)(option) < CURLOPTTYPE_OBJECTPOINT) {                                   \
            code = CALL(name)(handle, option, va_arg(last, long));                       \
        } else if ((int)(option) / 10000 == CURLOPTTYPE_OFF_T / 10000) {                 \
            code = CALL(name)(handle, option, va_arg(last, curl_off_t));                 \
        } else {                                                                         \
            code = CALL(name)(handle, option, va_arg(last, void *));                     \
        }                                                                                \
    } while (0)

CURLcode(curl_easy_setopt)(CURL *easy, CURLoption option, ...)
{
    CURLcode code;
    va_list rest;
    va_start(rest, option);
    HAND_ON(curl_easy_setopt, easy, option, rest);
    va_end(rest);
    return code;
}

CURLMcode(curl_multi_setopt)(CURLM *multi, CURLMoption option, ...)
{
    CURLMcode code;
    va_list rest;
    va_start(rest, option);
    HAND_ON(curl_multi_setopt, multi, option, rest);
    va_end(rest);
    return code;
}

/* Each asks for a pointer to where it goes. */
CURLcode(curl_easy_getinfo)(CURL *easy, CURLINFO info, ...)
{
    va_list rest;
    va_start(rest, info);
    CURLcode code = CALL(curl_easy_getinfo)(easy, info, va_arg(rest, void *));
    va_end(rest);
    return code;
}
