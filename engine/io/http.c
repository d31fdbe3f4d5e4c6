/* SPDX-License-Identifier: MIT */

/*
 * The loop: sockets and timer of libcurl, tokens that come, answers that go out.
 *
 * All of it hangs in an epoll instance of its own, which is one descriptor to the owner. An
 * event may be about a socket that an earlier event of the same batch closed; libcurl looks
 * numbers up itself and ignores those that it does not know.
 */
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/io/http_library.h"
#include "engine/io/http_private.h"

#define EVENTS  256
#define TIMER   (-1) /* what an event is about; else a socket */
#define SECRETS (-2)
#define IDLE    1024L /* connections that are kept at most */
#define STREAMS 1000L /* over one connection, if its server allows as many */

/* ---- lists ----------------------------------------------------------------------------
 */

static void list_leave(struct transfer *transfer)
{
    if (transfer->at != NULL) {
        *transfer->at = transfer->next;
        if (transfer->next != NULL) {
            transfer->next->at = transfer->at;
        }
        transfer->at = NULL;
    }
}

static void list_enter(struct transfer **list, struct transfer *transfer)
{
    list_leave(transfer);
    transfer->next = *list;
    transfer->at = list;
    if (*list != NULL) {
        (*list)->at = &transfer->next;
    }
    *list = transfer;
}

static struct transfer *list_pop(struct transfer **list)
{
    struct transfer *first = *list;
    if (first != NULL) {
        *list = first->next;
        if (*list != NULL) {
            (*list)->at = list;
        }
        first->at = NULL;
    }
    return first;
}

/* ---- time -----------------------------------------------------------------------------
 */

static void arm(struct http *http)
{
    int64_t at = http->over != NULL || http->has_settled ? 1 : http->curl_at.ns;
    if (at == http->armed.ns) {
        return;
    }
    http->armed.ns = at;
    struct itimerspec spec = {
        .it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}
    };
    (void)timerfd_settime(http->timer, TFD_TIMER_ABSTIME, &spec,
                          NULL); /* valid arguments cannot fail */
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct http *http = user;
    (void)multi;
    http->curl_at.ns = timeout_ms < 0 ? 0 : mono_now().ns + timeout_ms * INT64_C(1000000);
    arm(http);
    return 0;
}

/* ---- sockets --------------------------------------------------------------------------
 */

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct http *http = user;
    struct epoll_event event = {.data.fd = fd};
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(http->epoll, EPOLL_CTL_DEL, fd, NULL); /* it is in there */
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) |
                   (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0U);
    int op = known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(http->epoll, op, fd, &event) != 0 &&
        (errno != EEXIST || epoll_ctl(http->epoll, EPOLL_CTL_MOD, fd, &event) != 0)) {
        return -1; /* no memory: libcurl gives up, and the calls fail */
    }
    (void)curl_multi_assign(http->multi, fd, http); /* "known" from now on */
    return 0;
}

static void on_socket(struct http *http, const struct epoll_event *event)
{
    int running, what = 0;
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
        what |= CURL_CSELECT_IN; /* reading tells what it was */
    }
    if (event->events & (EPOLLOUT | EPOLLERR)) {
        what |= CURL_CSELECT_OUT;
    }
    (void)curl_multi_socket_action(http->multi, event->data.fd, what, &running);
}

static void on_timer(struct http *http)
{
    uint64_t count;
    int running;
    ssize_t got = read(http->timer, &count, sizeof(count));
    (void)got; /* curl_at says what is due */
    http->armed.ns = 0;
    if (http->curl_at.ns > 0 && http->curl_at.ns <= mono_now().ns) {
        http->curl_at.ns = 0;
        (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

/* ---- transfers ------------------------------------------------------------------------
 */

static void destroy(struct transfer *transfer)
{
    struct http *http = transfer->http;
    list_leave(transfer);
    if (transfer->easy != NULL) {
        (void)curl_multi_remove_handle(http->multi, transfer->easy); /* or never added */
    }
    transfer_clear(transfer);
    (void)idmap_take(&http->transfers, transfer->id); /* itself */
    http_request_free(transfer->request);
    free(transfer->url);
    free(transfer);
}

static void give(struct transfer *transfer, struct http_response *answer)
{
    struct http *http = transfer->http;
    int64_t id = transfer->id;
    destroy(transfer);
    http->options.on_answer(http->options.user, id, answer);
}

void transfer_fail(struct transfer *transfer, enum http_fault fault, const char *text)
{
    char line[HTTP_ERROR_TEXT];
    http_response_free(transfer->response);
    transfer->response = http_response_new(fault, 0);
    free(transfer->response->text);
    transfer->response->text = mem_str(text_clean_into(line, sizeof(line), text));
    list_enter(&transfer->http->over, transfer);
    arm(transfer->http);
}

void transfer_wait(struct transfer *transfer)
{
    list_enter(&transfer->http->waiting, transfer);
}

void http_renew(struct http *http, const struct service_spec *service)
{
    secrets_distrust(http->secrets, &service->token);
}

void http_send(struct http *http, const struct http_call *call)
{
    struct transfer *transfer = mem_alloc(sizeof(*transfer));
    transfer->id = call->id;
    transfer->http = http;
    transfer->service = call->service;
    transfer->request = call->request;
    transfer->begun_at = mono_now();
    transfer->end_at.ns =
        transfer->begun_at.ns + (call->time.ms > 0 ? call->time.ms : HTTP_TIME) * 1000000;
    transfer->url = transfer_url(transfer);
    transfer->is_home =
        call->request->url[0] == '/' || transfer_is_home(transfer, transfer->url);
    idmap_put(&http->transfers, transfer->id, transfer);
    transfer_begin(transfer);
}

bool http_cancel(struct http *http, int64_t call)
{
    struct transfer *transfer = idmap_get(&http->transfers, call);
    if (transfer == NULL) {
        return false;
    }
    destroy(transfer);
    return true;
}

size_t http_in_flight(const struct http *http)
{
    return http->transfers.n;
}

/* ---- what is over ---------------------------------------------------------------------
 */

static void take_ended(struct http *http)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) != CURLE_OK) {
            continue;
        }
        (void)curl_multi_remove_handle(http->multi, easy); /* it is ours */
        if (code != CURLE_OK || transfer->is_too_large || !transfer->has_head ||
            !transfer_follow(transfer)) {
            give(transfer, transfer_answer(transfer, (int)code));
        }
    }
}

static void take_over(struct http *http)
{
    struct transfer *transfer;
    while ((transfer = list_pop(&http->over)) != NULL) {
        struct http_response *answer = TAKE(transfer->response);
        answer->took.ms = (mono_now().ns - transfer->begun_at.ns) / 1000000;
        give(transfer, answer);
    }
}

/* Those whose token is still on its way go back into the list. */
static void look_at_waiting(struct http *http)
{
    struct transfer *list = http->waiting;
    http->has_settled = false;
    http->waiting = NULL;
    if (list != NULL) {
        list->at = &list;
    }
    struct transfer *transfer;
    while ((transfer = list_pop(&list)) != NULL) {
        if (transfer->end_at.ns <= mono_now().ns) {
            transfer_fail(transfer, HTTP_NO_TOKEN, "the token came too late");
        } else {
            transfer_begin(transfer);
        }
    }
}

static void on_settled(void *user)
{
    struct http *http = user;
    http->has_settled = true;
}

void http_run(struct http *http)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(http->epoll, events, EVENTS, 0);
    bool has_time = false;
    for (int i = 0; i < n; i++) {
        switch (events[i].data.fd) {
        case TIMER:
            has_time = true;
            break;
        case SECRETS:
            secrets_run(http->secrets);
            break;
        default:
            on_socket(http, &events[i]);
        }
    }
    if (http->has_settled) {
        look_at_waiting(http);
    }
    if (has_time) {
        on_timer(http);
    }
    take_ended(http);
    take_over(http);
    arm(http);
}

int http_fd(const struct http *http)
{
    return http->epoll;
}

/* ---- beginning and end ----------------------------------------------------------------
 */

static CURLcode global_code;

static void global_init(void)
{
    global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool init_curl(struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!http_library_load(err)) {
        return false;
    }
    (void)pthread_once(&once, global_init); /* valid arguments cannot fail */
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (global_code != CURLE_OK) {
        return err_set(err, ERR_IO, "libcurl: %s", curl_easy_strerror(global_code));
    }
    if ((info->features & CURL_VERSION_SSL) == 0 ||
        (info->features & CURL_VERSION_ASYNCHDNS) == 0 || info->version_num < 0x075700) {
        return err_set(err, ERR_CONFIG,
                       "libcurl %s cannot be used: 7.87 or newer with TLS and an "
                       "asynchronous resolver is needed",
                       info->version);
    }
    return true;
}

static bool watch(const struct http *http, int fd, int what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = what};
    return fd >= 0 && epoll_ctl(http->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool prepare(struct http *http, struct err *err)
{
    http->epoll = epoll_create1(EPOLL_CLOEXEC);
    http->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    http->secrets = secrets_new(
        &(struct secret_options){.on_settled = on_settled, .user = http}, err);
    if (http->secrets == NULL) {
        return false;
    }
    if (http->epoll < 0 || !watch(http, http->timer, TIMER) ||
        !watch(http, secrets_fd(http->secrets), SECRETS)) {
        return err_sys(err, "getting ready for HTTP");
    }
    http->multi = curl_multi_init();
    if (http->multi == NULL) {
        return err_set(err, ERR_IO, "libcurl cannot begin");
    }
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, IDLE);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS);
    return true;
}

struct http *http_start(const struct http_options *options, struct err *err)
{
    if (!init_curl(err)) {
        return NULL;
    }
    struct http *http = mem_alloc(sizeof(*http));
    http->options = *options;
    if (options->ca_file != NULL) {
        http->options.ca_file = mem_str(options->ca_file);
    }
    http->user_agent = mem_str("signalbox/" SIGNALBOX_VERSION);
    http->cache = http_cache_new(options->cache_bytes > 0 ? options->cache_bytes
                                                          : HTTP_CACHE_BYTES);
    if (!prepare(http, err)) {
        http_stop(http);
        return NULL;
    }
    return http;
}

void http_stop(struct http *http)
{
    if (http == NULL) {
        return;
    }
    size_t iter = 0;
    for (struct transfer *transfer;
         (transfer = idmap_next(&http->transfers, &iter)) != NULL; iter = 0) {
        destroy(transfer);
    }
    idmap_fini(&http->transfers);
    while (http->n_spare > 0) {
        curl_easy_cleanup(http->spare[--http->n_spare]);
    }
    curl_multi_cleanup(http->multi);
    secrets_free(http->secrets);
    http_cache_free(http->cache);
    if (http->epoll >= 0) {
        (void)close(http->epoll);
    }
    if (http->timer >= 0) {
        (void)close(http->timer);
    }
    free((char *)(uintptr_t)http->options.ca_file); /* our copy */
    free(http->user_agent);
    free(http);
}
