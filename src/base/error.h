/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - why a call failed.
 *
 * The object that plugins know as the opaque struct berth_error.  A function that can
 * fail takes one as its last argument, returns a negative errno, and describes the
 * failure exactly once; callers put context in front of it.  NULL is accepted
 * everywhere and means that nobody wants to know.
 */
#ifndef BERTH_BASE_ERROR_H
#define BERTH_BASE_ERROR_H

#include "base/attr.h"
#include <errno.h>
#include <stdarg.h>

struct berth_error {
    int code;         /* positive errno; 0: no failure */
    int exit_status;  /* what the program should exit with; 0: decided by the command */
    char *text;       /* one clause; NULL only while code is 0 or memory ran out */
    const char *file; /* where it was raised, for --log-level=debug */
    int line;
};

#define ERROR_INIT      ((struct berth_error){0})
#define _cleanup_error_ _cleanup_(error_clear)

/* Describe a failure: `code` is a positive errno.  Returns -code. */
#define fail(err, code, ...) error_set((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* The same, with strerror(code) behind the text. */
#define fail_errno(err, code, ...)                                                             \
    error_set_errno((err), (code), __FILE__, __LINE__, __VA_ARGS__)

int error_set(struct berth_error *err, int code, const char *file, int line, const char *fmt,
              ...) _printf_(5, 6);
int error_vset(struct berth_error *err, int code, const char *file, int line, const char *fmt,
               va_list ap) _printf_(5, 0);
int error_set_errno(struct berth_error *err, int code, const char *file, int line,
                    const char *fmt, ...) _printf_(5, 6);

/* Put "text: " in front of what is there.  Returns the negative code that is there. */
int error_wrap(struct berth_error *err, const char *fmt, ...) _printf_(2, 3);
int error_vwrap(struct berth_error *err, const char *fmt, va_list ap) _printf_(2, 0);

/* Put ": text" behind what is there (podman's order: "container X: no such container").
 * Returns the negative code that is there. */
int error_append(struct berth_error *err, const char *fmt, ...) _printf_(2, 3);

/* The text, or a stand-in where there is none.  Lives as long as the error is unchanged. */
const char *error_text(const struct berth_error *err);

/* Move the failure from one object to another, which is cleared first. */
void error_move(struct berth_error *to, struct berth_error *from);

void error_clear(struct berth_error *err);

#endif
