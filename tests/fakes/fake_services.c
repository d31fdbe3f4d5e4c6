/* SPDX-License-Identifier: MIT */

/*
 * Simulated Codegen and GitHub over real sockets, for tests and `make run-services`.
 *
 *   fake_services --git REPOSITORY.git --ports FILE [--profile FILE] [--hook URL]
 *                 [--codegen PORT] [--github PORT] [--logs PORT] [--github-url URL]
 *
 * REPOSITORY.git is a bare repository with a branch main. The ports that were taken are
 * written to FILE ("codegen=1234", one a line) when all is ready. Tokens and the secret of
 * the webhook come from FAKE_CODEGEN_TOKEN, FAKE_GITHUB_TOKEN and FAKE_HOOK_SECRET; without
 * them anybody may come in.
 *
 * Every port also has the control room:
 *   GET  /_fake/state   what was done, as JSON
 *   POST /_fake/fault   a fault, from now on (fake_fault.h)
 *   POST /_fake/human   a person at work (fake_github.h)
 *   POST /_fake/finish  agents and checks that run end now, whatever time they were given
 *   POST /_fake/hook    {"url": ...}: a webhook set up by an administrator
 */

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/fakes/fake_codegen.h"
#include "tests/fakes/fake_fault.h"
#include "tests/fakes/fake_http.h"

#define TICK_NS      (10 * 1000 * 1000)
#define HOOK_THREADS 4
#define HOOK_TIME    ((struct span){10000}) /* docs.github.com: 10 s, then it has failed */

static struct {
    pthread_mutex_t lock;
    struct fake_settings *settings;
    struct fake_git *git;
    struct fake_github *github;
    struct fake_codegen *codegen;
    struct fake_faults faults;
    char *hook_secret;
} house = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum door_kind { DOOR_CODEGEN, DOOR_GITHUB, DOOR_LOGS, DOOR_COUNT };
static enum door_kind doors[DOOR_COUNT] = {DOOR_CODEGEN, DOOR_GITHUB, DOOR_LOGS};
static const char *const door_words[DOOR_COUNT] = {"codegen", "github", "logs"};

/* ---- control room ------------------------------------------------------------------- */

static void write_state(struct fake_reply *reply)
{
    struct jsonw w;
    jsonw_init(&w, &reply->body);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "codegen", '{');
    fake_codegen_state(house.codegen, &w);
    jsonw_close(&w, '}');
    jsonw_open(&w, "github", '{');
    fake_github_state(house.github, &w);
    jsonw_close(&w, '}');
    jsonw_open(&w, "faults", '{');
    fake_faults_state(&house.faults, &w);
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
}

static void control(const struct fake_request *request, struct wall now,
                    struct fake_reply *reply)
{
    struct err err = ERR_INIT;
    const char *what = request->path + strlen("/_fake/");
    struct json *body =
        request->body_len > 0 ? json_parse(request->body, request->body_len, &err) : NULL;
    if (strcmp(what, "state") == 0)
        write_state(reply);
    else if (strcmp(what, "fault") == 0)
        reply->status = fake_faults_order(&house.faults, body, now) ? 204 : 422;
    else if (strcmp(what, "human") == 0)
        fake_github_human(house.github, body, now, reply);
    else if (strcmp(what, "finish") == 0) {
        fake_github_finish(house.github, now); /* not what the agent's end begins */
        fake_codegen_finish(house.codegen, now);
    } else if (strcmp(what, "hook") == 0)
        buf_printf(&reply->body, "{\"id\":%lld}",
                   (long long)fake_github_add_hook(
                       house.github, json_str(body, "url", ""), house.hook_secret, now));
    else
        reply->status = 404;
    json_free(body);
}

/* ---- doors -------------------------------------------------------------------------- */

static enum fake_http_way way_of(enum fake_fault_kind kind)
{
    switch (kind) {
    case FAULT_LATENCY:
        return HTTP_WAY_LATE;
    case FAULT_REFUSE:
        return HTTP_WAY_REFUSE;
    case FAULT_RESET:
        return HTTP_WAY_RESET;
    case FAULT_HANG:
        return HTTP_WAY_HANG;
    case FAULT_GARBAGE:
        return HTTP_WAY_GARBAGE;
    case FAULT_TRUNCATE:
        return HTTP_WAY_TRUNCATE;
    case FAULT_STATUS:
    case FAULT_NOT_JSON:
    case FAULT_PRIMARY:
    case FAULT_SECONDARY:
    case FAULT_KIND_COUNT:
        break;
    }
    return HTTP_WAY_FINE;
}

static void serve_model(enum door_kind door, const struct fake_request *request,
                        struct wall now, struct fake_reply *reply)
{
    if (door == DOOR_CODEGEN)
        fake_codegen_serve(house.codegen, request, now, reply);
    else if (door == DOOR_GITHUB)
        fake_github_serve(house.github, request, now, reply);
    else
        fake_github_serve_log(house.github, request, now, reply);
}

static void serve_locked(enum door_kind door, const struct fake_request *request,
                         struct fake_reply *reply, struct fake_http_plan *plan)
{
    struct wall now = wall_now();
    if (strncmp(request->path, "/_fake/", 7) == 0) {
        control(request, now, reply);
        return;
    }
    const struct fake_fault *fault = fake_faults_choose(
        &house.faults, door == DOOR_CODEGEN ? FAKE_CODEGEN : FAKE_GITHUB, request->method,
        request->path, now);
    if (fault != NULL)
        *plan = (struct fake_http_plan){way_of(fault->kind), fault->time};
    /* The model answers when nothing is wrong, when the answer is only late or cut, and
     * when the call is carried out and the answer lost. */
    if (fault == NULL || fault->is_after || fault->kind == FAULT_LATENCY ||
        fault->kind == FAULT_TRUNCATE)
        serve_model(door, request, now, reply);
    if (fault != NULL && plan->way == HTTP_WAY_FINE) {
        buf_clear(&reply->body);
        buf_clear(&reply->headers);
        reply->status = 200;
        fake_fault_reply(fault, now, reply);
    }
}

static void serve(void *user, const struct fake_request *request,
                  struct fake_reply *reply, struct fake_http_plan *plan)
{
    const enum door_kind *door = user;
    (void)pthread_mutex_lock(&house.lock);
    serve_locked(*door, request, reply, plan);
    (void)pthread_mutex_unlock(&house.lock);
}

/* ---- time and webhooks -------------------------------------------------------------- */

static void pause_a_tick(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
}

static void *tick_main(void *arg)
{
    (void)arg;
    for (unsigned i = 0;; i++) {
        (void)pthread_mutex_lock(&house.lock);
        fake_codegen_tick(house.codegen, wall_now());
        if (i % 10 == 0) /* git is asked ten times a second */
            fake_github_tick(house.github, wall_now());
        (void)pthread_mutex_unlock(&house.lock);
        pause_a_tick();
    }
    return NULL;
}

/* docs.github.com, "Webhook events and payloads", delivery headers */
static int send_hook(const struct fake_hook_call *call)
{
    struct buf AUTO_BUF headers;
    char hex[65];
    buf_init(&headers, 8192);
    buf_printf(&headers,
               "User-Agent: GitHub-Hookshot/fake\r\nContent-Type: application/json\r\n");
    buf_printf(&headers, "X-GitHub-Event: %s\r\nX-GitHub-Delivery: %s\r\n", call->event,
               call->guid);
    buf_printf(&headers, "X-GitHub-Hook-ID: %lld\r\n", (long long)call->hook);
    buf_str(&headers, "X-GitHub-Hook-Installation-Target-Type: repository\r\n");
    if (*call->secret != '\0') {
        fake_hmac(call->secret, call->body, strlen(call->body), hex);
        buf_printf(&headers, "X-Hub-Signature-256: sha256=%s\r\n", hex);
    }
    return fake_http_post(call->url, headers.data, call->body, strlen(call->body),
                          HOOK_TIME);
}

static void *hook_main(void *arg)
{
    (void)arg;
    for (;;) {
        struct fake_hook_call call;
        (void)pthread_mutex_lock(&house.lock);
        bool is_due = fake_github_next_hook(house.github, wall_now(), &call);
        (void)pthread_mutex_unlock(&house.lock);
        if (!is_due) {
            pause_a_tick();
            continue;
        }
        struct wall begun = wall_now();
        int status = send_hook(&call);
        (void)pthread_mutex_lock(&house.lock);
        fake_github_hook_done(house.github, call.delivery, status,
                              wall_since(wall_now(), begun));
        (void)pthread_mutex_unlock(&house.lock);
        free(call.url);
        free(call.secret);
        free(call.event);
        free(call.guid);
        free(call.body);
    }
    return NULL;
}

/* ---- start -------------------------------------------------------------------------- */

struct options {
    const char *git, *ports, *profile, *hook, *github_url;
    int port[DOOR_COUNT];
};

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        {"git",        required_argument, NULL, 'r'},
        {"ports",      required_argument, NULL, 'o'},
        {"profile",    required_argument, NULL, 'p'},
        {"hook",       required_argument, NULL, 'h'},
        {"codegen",    required_argument, NULL, 'c'},
        {"github",     required_argument, NULL, 'g'},
        {"logs",       required_argument, NULL, 'l'},
        {"github-url", required_argument, NULL, 'u'},
        {NULL,         0,                 NULL, 0  },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (c) {
        case 'r':
            options->git = optarg;
            break;
        case 'o':
            options->ports = optarg;
            break;
        case 'p':
            options->profile = optarg;
            break;
        case 'h':
            options->hook = optarg;
            break;
        case 'c':
            options->port[DOOR_CODEGEN] = (int)fake_number(optarg, 0);
            break;
        case 'g':
            options->port[DOOR_GITHUB] = (int)fake_number(optarg, 0);
            break;
        case 'l':
            options->port[DOOR_LOGS] = (int)fake_number(optarg, 0);
            break;
        case 'u':
            options->github_url = optarg;
            break;
        default:
            return false;
        }
    }
    return options->git != NULL && options->ports != NULL && optind == argc;
}

static void keep_variable(char **text, const char *name)
{
    const char *value = getenv(name);
    fake_keep(text, value != NULL ? value : "");
    (void)unsetenv(name); /* not for git */
}

static bool open_doors(const struct options *options, int ports[DOOR_COUNT],
                       struct err *err)
{
    for (int i = 0; i < DOOR_COUNT; i++) {
        ports[i] = fake_http_listen(options->port[i], serve, &doors[i]);
        if (ports[i] == 0)
            return err_sys(err, "listening for %s", door_words[i]);
    }
    return true;
}

static bool write_ports(const char *path, const int ports[DOOR_COUNT], struct err *err)
{
    struct buf AUTO_BUF text;
    buf_init(&text, 1024);
    for (int i = 0; i < DOOR_COUNT; i++)
        buf_printf(&text, "%s=%d\n", door_words[i], ports[i]);
    return file_write(path, text.data, text.len, err);
}

static bool start(const struct options *options, struct err *err)
{
    int ports[DOOR_COUNT];
    pthread_t thread;
    house.settings = options->profile != NULL ? fake_settings_read(options->profile, err)
                                              : fake_settings_new();
    if (house.settings == NULL)
        return false;
    struct fake_settings *set = house.settings;
    keep_variable(&set->codegen.token, "FAKE_CODEGEN_TOKEN");
    keep_variable(&set->github.token, "FAKE_GITHUB_TOKEN");
    keep_variable(&house.hook_secret, "FAKE_HOOK_SECRET");
    house.git = fake_git_open(options->git);
    if (house.git == NULL)
        return err_set(err, ERR_NOT_FOUND, "%s: no repository", options->git);
    (void)pthread_mutex_lock(&house.lock); /* nobody is served before all is there */
    if (!open_doors(options, ports, err))
        return false;
    set->codegen.url = mem_printf("http://127.0.0.1:%d", ports[DOOR_CODEGEN]);
    set->codegen.repository = mem_printf("%s/%s", set->github.owner, set->github.name);
    set->github.url = options->github_url != NULL
                          ? mem_str(options->github_url)
                          : mem_printf("http://127.0.0.1:%d", ports[DOOR_GITHUB]);
    set->github.logs_url = mem_printf("http://127.0.0.1:%d", ports[DOOR_LOGS]);
    house.github = fake_github_new(set, house.git, wall_now());
    house.codegen = fake_codegen_new(&set->codegen, house.github);
    fake_faults_init(&house.faults, set, wall_now());
    if (options->hook != NULL)
        (void)fake_github_add_hook(house.github, options->hook, house.hook_secret,
                                   wall_now());
    (void)pthread_mutex_unlock(&house.lock);
    for (int i = 0; i <= HOOK_THREADS; i++)
        if (pthread_create(&thread, NULL, i == 0 ? tick_main : hook_main, NULL) != 0)
            return err_set(err, ERR_IO, "no thread");
    return write_ports(options->ports, ports, err);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct err err = ERR_INIT;
    sigset_t ends;
    if (!parse_options(argc, argv, &options)) {
        (void)fprintf(stderr, "usage: fake_services --git REPOSITORY --ports FILE "
                              "[--profile FILE] [--hook URL] [--codegen PORT] "
                              "[--github PORT] [--logs PORT] [--github-url URL]\n");
        return 2;
    }
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
    if (!start(&options, &err)) {
        (void)fprintf(stderr, "fake_services: %s\n", err.msg);
        return err_exit_status(err.code);
    }
    int got;
    (void)sigwait(&ends, &got);
    return 0;
}
