/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, on its way up to the one place that prints it. The caller owns the structure, on its stack; a
 * function that fails fills it once and returns a negative value, and leaves its other outputs untouched.
 */
#ifndef NSP_LIB_ERROR_H
#define NSP_LIB_ERROR_H

struct error {
    int code; /* an errno value (positive), or a code the callee documents */
    char msg[256];
};

/* Sets code and message; returns -code, or -EINVAL when code is 0, for `return error_set(...)`. err may be NULL. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " before the message that is there; keeps the code; returns -code. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
