/* SPDX-License-Identifier: MIT */

/* Roles by who logged in, and what an engine does that nobody told about people. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <pwd.h>
#include <unistd.h>

#include "engine/base/identity.h"
#include "engine/engine_private.h"

static char own[IDENTITY_MAX]; /* user of this process: the engine's */

static int find_own(void **state)
{
    struct identity identity;
    (void)state;
    identity_find(&(struct identity_source){.loginuid = "/nonexistent", .uid = geteuid()},
                  &identity);
    (void)snprintf(own, sizeof(own), "%s", identity.actor);
    return 0;
}

/* The cache is the engine's: a fresh one for each question. */
static enum user_role role_of(const struct config *config, const char *actor,
                              const char *account, const char *origin)
{
    struct engine *engine = mem_alloc(sizeof(*engine));
    engine->config = config;
    enum user_role role = engine_role(engine, actor, account, origin);
    enum user_role again = engine_role(engine, actor, account, origin);
    assert_int_equal(role, again);
    free(engine);
    return role;
}

static void without_a_section(void **state)
{
    static const struct config config;
    (void)state;
    assert_int_equal(role_of(&config, own, "", "cli"), USER_ADMIN);
    assert_int_equal(role_of(&config, "root", NULL, "cli"), USER_ADMIN);
    assert_int_equal(role_of(&config, "zoe", "", "cli"), USER_OBSERVER);
    /* sudo -u ENGINE signalbox approve, and through root */
    assert_int_equal(role_of(&config, "zoe", own, "cli"), USER_ADMIN);
    assert_int_equal(role_of(&config, "zoe", "root", "console"), USER_ADMIN);
    assert_int_equal(role_of(&config, "zoe", "mallory", "cli"), USER_OBSERVER);
    assert_int_equal(role_of(&config, "zoe", "", "network"), USER_OBSERVER);
}

static void with_a_section(void **state)
{
    char zoe[] = "zoe", ian[] = "ian";
    char *operators[] = {zoe}, *admins[] = {ian, own};
    struct config config = {0};
    (void)state;
    config.access.roles[USER_OPERATOR] = (struct role_members){operators, 1, NULL, 0};
    config.access.roles[USER_ADMIN] = (struct role_members){admins, 2, NULL, 0};
    assert_int_equal(role_of(&config, "zoe", "", "cli"), USER_OPERATOR);
    assert_int_equal(role_of(&config, "zoe", own, "cli"), USER_OPERATOR);
    assert_int_equal(role_of(&config, "zoe", "ian", "network"), USER_OPERATOR);
    assert_int_equal(role_of(&config, "ian", "zoe", "cli"), USER_ADMIN);
    assert_int_equal(role_of(&config, "eve", own, "cli"), USER_NONE);
    assert_int_equal(role_of(&config, own, "", "cli"), USER_ADMIN);
}

/* One who is known as himself is not known as somebody behind sudo. */
static void what_is_remembered(void **state)
{
    static const struct config config;
    struct engine *engine = mem_alloc(sizeof(*engine));
    (void)state;
    engine->config = &config;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(engine_role(engine, "zoe", own, "cli"), USER_ADMIN);
        assert_int_equal(engine_role(engine, "zoe", "", "cli"), USER_OBSERVER);
    }
    free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_section),
        cmocka_unit_test(with_a_section),
        cmocka_unit_test(what_is_remembered),
    };
    return cmocka_run_group_tests(tests, find_own, NULL);
}
