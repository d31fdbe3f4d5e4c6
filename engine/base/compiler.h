/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_COMPILER_H
#define SIGNALBOX_BASE_COMPILER_H

/*
 * Compiler: attributes that this program uses, and thread roles.
 *
 * A thread role is a clang capability without a lock: a function that may run on one
 * thread only says REQUIRES(control_thread), the entry of that thread says
 * assert_role(&control_thread). `make lint` compiles with clang -Wthread-safety; gcc sees
 * empty macros. Calls through function pointers are not checked by clang.
 */

#define NODISCARD         __attribute__((warn_unused_result))
#define NORETURN          __attribute__((noreturn))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define MAYBE_UNUSED      __attribute__((unused))
#define FALLTHROUGH       __attribute__((fallthrough))

#if defined(__clang__)
#define THREAD_ATTR(x) __attribute__((x))
#else
#define THREAD_ATTR(x)
#endif
#define CAPABILITY(name) THREAD_ATTR(capability(name))
#define REQUIRES(...)    THREAD_ATTR(requires_capability(__VA_ARGS__))
#define ACQUIRE(...)     THREAD_ATTR(acquire_capability(__VA_ARGS__))
#define RELEASE(...)     THREAD_ATTR(release_capability(__VA_ARGS__))

struct CAPABILITY("role") role {
    int unused;
};

static inline void assert_role(const struct role *role)
    THREAD_ATTR(assert_capability(role));
static inline void assert_role(const struct role *role)
{
    (void)role;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
