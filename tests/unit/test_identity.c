/* SPDX-License-Identifier: MIT */

/* Who acts: by the login user, behind sudo and su too; and what nobody is believed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <pwd.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/identity.h"
#include "engine/base/mem.h"

struct fixture {
    char folder[64];
    char *loginuid;
};

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->loginuid = file_join(f->folder, "loginuid");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    (void)file_remove_tree(f->folder, &err);
    free(f->loginuid);
    free(f);
    return 0;
}

static void put_login(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->loginuid, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Some users that every system has beside root. */
static const char *name_of(uid_t uid, char name[IDENTITY_MAX])
{
    const struct passwd *entry = getpwuid(uid);
    if (entry != NULL) {
        (void)snprintf(name, IDENTITY_MAX, "%s", entry->pw_name);
    } else {
        (void)snprintf(name, IDENTITY_MAX, "uid %u", (unsigned)uid);
    }
    return name;
}

static void must_be(const struct fixture *f, uid_t uid, const char *sudo_user,
                    const char *actor, const char *account)
{
    struct identity identity;
    identity_find(&(struct identity_source){f->loginuid, uid, sudo_user}, &identity);
    assert_string_equal(identity.actor, actor);
    assert_string_equal(identity.account, account);
}

#define UNSET "4294967295"

static void who_logged_in(void **state)
{
    const struct fixture *f = *state;
    char root[IDENTITY_MAX], daemon[IDENTITY_MAX];
    (void)name_of(0, root);
    (void)name_of(1, daemon);
    put_login(f, "1");
    must_be(f, 1, NULL, daemon, "");
    must_be(f, 0, NULL, daemon, root); /* sudo and su change the user, not the login */
    must_be(f, 0, "root", daemon, root);
    must_be(f, 54321, NULL, daemon, "uid 54321");
    put_login(f, "0\n");
    must_be(f, 1, NULL, root, daemon);
    put_login(f, "54321");
    must_be(f, 0, NULL, "uid 54321", root);
}

static void who_sudo_names(void **state)
{
    const struct fixture *f = *state;
    char root[IDENTITY_MAX], daemon[IDENTITY_MAX];
    (void)name_of(0, root);
    (void)name_of(1, daemon);
    put_login(f, UNSET);
    must_be(f, 0, NULL, root, "");
    must_be(f, 0, daemon, daemon, root);
    must_be(f, 0, "no such user, surely", root, "");
    must_be(f, 0, "", root, "");
    must_be(f, 1, root, daemon, ""); /* only root's word counts */
    must_be(f, 54321, daemon, "uid 54321", "");
}

static void what_is_no_login(void **state)
{
    static const char *const texts[] = {"",    UNSET,  "-1",          "1x", " 1",
                                        "0x1", "root", "99999999999", "\n"};
    const struct fixture *f = *state;
    char root[IDENTITY_MAX], daemon[IDENTITY_MAX];
    (void)name_of(0, root);
    (void)name_of(1, daemon);
    must_be(f, 1, NULL, daemon, ""); /* no file: a kernel without audit */
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put_login(f, texts[i]);
        must_be(f, 1, NULL, daemon, "");
        must_be(f, 0, daemon, daemon, root);
    }
}

static void this_process(void **state)
{
    struct identity identity;
    (void)state;
    identity_of_process(&identity);
    assert_true(identity.actor[0] != '\0');
    assert_string_not_equal(identity.actor, identity.account);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* No account of the host may act as the engine does. */
static void test_reserved(void **state)
{
    (void)state;
    assert_true(identity_is_reserved("engine"));
    assert_false(identity_is_reserved("engineer"));
    assert_false(identity_is_reserved("root"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_logged_in),
        TEST(who_sudo_names),
        TEST(what_is_no_login),
        TEST(this_process),
        cmocka_unit_test(test_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
