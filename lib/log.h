/* SPDX-License-Identifier: Apache-2.0 */
/* One line per message on stderr: `level key=value … message`. Nothing is ever written to stdout. */
#ifndef NSP_LIB_LOG_H
#define NSP_LIB_LOG_H

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Messages above `level` are dropped; LOG_LEVEL_INFO until called. */
void log_set_level(enum log_level level);

/* A control character in the text is written as '?', so that one message stays one line. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
