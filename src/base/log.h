/* log.h - what a program tells its operator, on standard error. Programs log, libraries return. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above this level are dropped. `name` (kept, not copied) starts every line: the program, or
 * the program and its instance. Not thread-safe: call it before the first thread starts. */
void log_init(const char *name, enum log_level);
bool log_enabled(enum log_level);

/* One line, stamped in UTC; thread-safe. Control characters in it come out escaped, so text from a
 * peer cannot forge a line. */
void log_at(enum log_level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG))                                                                \
            log_at(LOG_DEBUG, __VA_ARGS__);                                                        \
    } while (0)

#endif
