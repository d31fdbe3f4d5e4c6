/* SPDX-License-Identifier: MIT */
/* Commands that add or remove machines: the section scale, and what an effect runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/control/config.h"
#include "engine/service/order.h"

static const char text[] =
    "scale:\n"
    "  - {name: runners, up: [./add, '1'], down: ./drop, help: CI}\n"
    "  - {name: hosts, up: ./host}\n";

static struct config *parse(const char *from, struct findings *findings)
{
    findings_init(findings);
    return config_parse("/etc/s.yaml", from, strlen(from), findings);
}

static void a_direction_has_a_command(void **state)
{
    (void)state;
    struct findings findings;
    struct config *config = parse(text, &findings);
    assert_non_null(config);
    assert_int_equal(config->n_scales, 2);
    const struct scale_spec *runners =
        scale_find(config->scales, config->n_scales, "runners");
    assert_string_equal(scale_command(runners, "up")->argv[1], "1");
    assert_string_equal(scale_command(runners, "down")->text, "./drop");
    assert_null(scale_command(runners, "sideways"));
    assert_null(scale_command(&config->scales[1], "down"));
    assert_null(scale_find(config->scales, config->n_scales, "nobody"));
    config_free(config);
    findings_fini(&findings);
}

static void the_command_comes_from_the_configuration(void **state)
{
    (void)state;
    struct findings findings;
    struct err err = ERR_INIT;
    struct config *config = parse(text, &findings);
    const struct pipeline *none = NULL;
    struct workflow_row workflow = {.id = 1,
                                    .pipeline = "p",
                                    .repo = "/r",
                                    .title = "t",
                                    .submitter = "ada",
                                    .branch = "",
                                    .base_sha = "",
                                    .head_sha = "",
                                    .merge_sha = ""};
    const char params[] = "{\"scale\":\"runners\",\"direction\":\"up\"}";
    struct effect_row effect = {.workflow = 1,
                                .seq = 2,
                                .kind = EFFECT_SCALE,
                                .name = "scale runners up",
                                .params = params};
    const struct order_paths paths = {"/w", "/l", 1 << 20};
    struct order *order = order_build(none, &workflow, &effect, &paths, &err);
    assert_non_null(order);
    assert_true(scale_order(order, params, config->scales, config->n_scales, &err));
    assert_string_equal(order->command.argv[0], "./add");
    assert_string_equal(order->command.argv[1], "1");
    assert_false(scale_order(order, "{\"scale\":\"hosts\",\"direction\":\"down\"}",
                             config->scales, config->n_scales, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.msg, "no command to scale hosts down is configured");
    assert_false(scale_order(order, "no json", config->scales, config->n_scales, &err));
    order_free(order);
    config_free(config);
    findings_fini(&findings);
}

static void expect_finding(const char *from, const char *line)
{
    struct findings findings;
    assert_null(parse(from, &findings));
    assert_true(findings.n > 0);
    AUTO_FREE char *first = finding_format(&findings.rows[0]);
    assert_string_equal(first, line);
    findings_fini(&findings);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    expect_finding("scale: [{name: a}]\n",
                   "/etc/s.yaml:1: scale[0].up: missing; expected a command for up, down "
                   "or both");
    expect_finding("scale:\n  - {name: a, up: x}\n  - {name: a, up: y}\n",
                   "/etc/s.yaml:3: scale[1].name: is the name of another one; expected "
                   "names that differ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_direction_has_a_command),
        cmocka_unit_test(the_command_comes_from_the_configuration),
        cmocka_unit_test(what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
