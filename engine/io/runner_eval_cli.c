/* SPDX-License-Identifier: MIT */
/* The evaluator that is the web-eval command. */
#include <sys/wait.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/io/runner_eval.h"
#include "engine/io/runner_eval_private.h"
#include "engine/io/talk.h"

#define REPORT_MAX     (64 * 1024 * 1024)
#define IMAGE_TEXT_MIN 64 /* a shorter text is a name, no image */

static void on_words(void *user, const char *bytes, size_t len)
{
    step_log(user, bytes, len);
}

/* The service's command with the options of this evaluation; NULL-terminated. */
static char **make_argv(const struct order *order, const char *instructions,
                        const char *report)
{
    const char *const options[] = {
        "--url", order->evaluator_url, "--instructions", instructions, "--format",
        "json",  "--output",           report,           "--headless"};
    char *const *command = order->service_command.argv;
    size_t n = 0;
    while (command[n] != NULL) {
        n++;
    }
    char **argv = mem_array(n + ARRAY_LEN(options) + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        argv[i] = mem_str(command[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        argv[n + i] = mem_str(options[i]);
    }
    return argv;
}

static void free_argv(char **argv)
{
    for (char **at = argv; *at != NULL; at++) {
        free(*at);
    }
    free(argv);
}

/* A screenshot is base64, or an object around it, or the name of a file. */
static void take_images(struct step *step, const char *text, size_t len,
                        struct eval_images *images)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(text, len, &err);
    const struct json *results = json_get(root, "test_results");
    for (size_t i = 0; i < json_len(results); i++) {
        const struct json *shots = json_get(json_at(results, i), "screenshots");
        for (size_t k = 0; k < json_len(shots); k++) {
            const struct json *shot = json_at(shots, k);
            const char *data = json_text(shot);
            data = data != NULL ? data : json_str(shot, "screenshot", "");
            const char *comma = strncmp(data, "data:", 5) == 0 ? strchr(data, ',') : NULL;
            data = comma != NULL ? comma + 1 : data;
            if (strlen(data) >= IMAGE_TEXT_MIN) {
                eval_save_image(step, images, data,
                                strncmp(data, "iVBOR", 5) == 0 ? "image/png" : "");
            } else if (data[0] != '\0') {
                step_note(step, "image: %s", data);
            }
        }
    }
    json_free(root);
}

static void judge(struct step *step, const char *report, int status)
{
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    struct web_verdict verdict;
    struct eval_images images = {0};
    step->result->exit_status = status;
    if (status == 126 || status == 127) {
        step_end(step, STATUS_REFUSED, BLAME_SETUP,
                 mem_printf("the command of service %s was not found (exit status %d)",
                            step->order->provider, status));
        return;
    }
    if (!file_read(report, REPORT_MAX, &text, &len, &err)) {
        AUTO_FREE char *why =
            mem_printf("the command ended with exit status %d and left none (%s)", status,
                       err_word(err.code));
        web_verdict_one(&verdict, STATUS_FAILED, BLAME_WORLD, "no report", why);
    } else {
        take_images(step, text, len, &images);
        web_report_judge_json(text, len, status, &verdict);
    }
    eval_conclude(step, &verdict, &images);
    web_verdict_fini(&verdict);
    free(images.first);
}

/* Until the command has ended, or the outcome is known. */
static bool wait_for_it(struct step *step, struct talk *talk, struct wall deadline)
{
    for (;;) {
        switch (talk_wait(talk, NULL, deadline, step->runner->stop_fd)) {
        case TALK_SPOKE:
            break;
        case TALK_ENDED:
            return true;
        case TALK_OTHER:
            step_end(step, STATUS_CANCELLED, BLAME_NONE, mem_str("stopped"));
            return false;
        case TALK_TIME:
            step_end(step, STATUS_TIMED_OUT, BLAME_WORLD, step_timeout_text(step->order));
            return false;
        }
    }
}

static void run(struct step *step, char *const *argv, const char *report)
{
    struct err err = ERR_INIT;
    struct talk talk;
    const struct order *order = step->order;
    AUTO_FREE char *name = mem_printf("wf-%lld.%lld-eval", (long long)order->workflow,
                                      (long long)order->seq);
    const struct talk_spec spec = {
        .argv = argv,
        .envp = step->env.entries,
        .folder = order->workflow_folder,
        .bounds = &order->bounds,
        .name = name,
        .on_out = on_words,
        .on_err = on_words,
        .user = step,
        .hold = step->runner->hold,
    };
    if (!talk_open(&talk, &spec, &err)) {
        eval_not_started(step, &err);
        return;
    }
    bool has_ended = wait_for_it(step, &talk, step_deadline(step->runner));
    talk_close(&talk, order->grace);
    if (has_ended && WIFSIGNALED(talk.wait_status)) {
        AUTO_FREE char *how = talk_how_it_ended(&talk);
        step_end(step, STATUS_FAILED, BLAME_WORLD,
                 mem_printf("the command of service %s %s", order->provider, how));
    } else if (has_ended) {
        judge(step, report, WEXITSTATUS(talk.wait_status));
    }
}

void eval_cli(const struct runner *runner, struct effect_result *result)
{
    struct step step;
    struct err err = ERR_INIT;
    const struct order *order = runner->order;
    AUTO_FREE char *instructions = file_join(order->folder, "instructions.md");
    AUTO_FREE char *report = file_join(order->folder, "report.json");
    if (step_open(&step, runner, result) && eval_can_begin(&step) &&
        step_may_begin(&step)) {
        AUTO_FREE char *task = eval_task(order);
        (void)remove(report); /* of a try that died */
        if (!file_write(instructions, task, strlen(task), &err)) {
            step_end(&step, STATUS_REFUSED, BLAME_WORLD, mem_str(err.msg));
        } else {
            char **argv = make_argv(order, instructions, report);
            run(&step, argv, report);
            free_argv(argv);
        }
    }
    step_close(&step);
}
