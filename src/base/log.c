#include "base/log.h"

#include "base/time.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *log_name = "tieline";
static enum log_level log_max = LOG_INFO;

void
log_init(const char *name, enum log_level level)
{
    log_name = name;
    log_max = level;
}

bool
log_enabled(enum log_level level)
{
    return level <= log_max;
}

static size_t
escape(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text && n + 5 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (iscntrl(c))
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
        else
            out[n++] = (char)c;
    }
    return n;
}

void
log_at(enum log_level level, const char *format, ...)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    char text[1024], line[1400], stamp[TIME_TEXT_SIZE];

    if (!log_enabled(level))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time_format((nsec_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec, stamp);
    int n = snprintf(line, sizeof line, "%.26sZ %s %s: ", stamp, log_name, words[level]);
    size_t size = (size_t)n + escape(text, line + n, sizeof line - (size_t)n - 1);
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, size) < 0) { /* nowhere left to say so */
    }
}
