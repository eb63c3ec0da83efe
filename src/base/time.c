#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* `n` decimal digits of it, and what stands behind them. */
static char *
put_digits(char *text, unsigned value, unsigned n, char behind)
{
    for (unsigned i = n; i-- > 0; value /= 10)
        text[i] = (char)('0' + value % 10);
    text[n] = behind;
    return text + n + 1;
}

char *
time_format(nsec_t wall, char *text)
{
    nsec_t fraction = wall % NSEC_PER_SEC;
    time_t seconds = wall / NSEC_PER_SEC - (fraction < 0);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char *at = put_digits(text, (unsigned)tm.tm_year + 1900, 4, '-');
    at = put_digits(at, (unsigned)tm.tm_mon + 1, 2, '-');
    at = put_digits(at, (unsigned)tm.tm_mday, 2, 'T');
    at = put_digits(at, (unsigned)tm.tm_hour, 2, ':');
    at = put_digits(at, (unsigned)tm.tm_min, 2, ':');
    at = put_digits(at, (unsigned)tm.tm_sec, 2, '.');
    at = put_digits(at, (unsigned)(fraction < 0 ? fraction + NSEC_PER_SEC : fraction), 9, 'Z');
    *at = '\0';
    return text;
}

/* Reads exactly `n` decimal digits; false if there are fewer. */
static bool
read_digits(const char **at, int n, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (*(*at)++ - '0');
    }
    return true;
}

static bool
read_char(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* RFC 3339 section 5.6 time-secfrac: a dot and at least one digit; beyond nine is cut. */
static bool
read_fraction(const char **at, nsec_t *fraction)
{
    *fraction = 0;
    if (!read_char(at, '.'))
        return true;
    nsec_t unit = NSEC_PER_SEC / 10;
    int n = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++, n++) {
        *fraction += (**at - '0') * unit;
        unit /= 10;
    }
    return n > 0;
}

static bool
read_offset(const char **at, int *offset_seconds)
{
    *offset_seconds = 0;
    if (read_char(at, 'Z') || read_char(at, 'z'))
        return true;
    int sign = **at == '-' ? -1 : 1, hours, minutes;
    if (**at != '+' && **at != '-')
        return false;
    (*at)++;
    if (!read_digits(at, 2, &hours) || !read_char(at, ':') || !read_digits(at, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *offset_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

enum err
time_parse(const char *text, nsec_t *wall)
{
    struct tm tm = {0};
    nsec_t fraction;
    int year, month, offset;
    const char *at = text;
    bool ok = read_digits(&at, 4, &year) && read_char(&at, '-') && read_digits(&at, 2, &month) &&
              read_char(&at, '-') && read_digits(&at, 2, &tm.tm_mday) &&
              (read_char(&at, 'T') || read_char(&at, 't') || read_char(&at, ' ')) &&
              read_digits(&at, 2, &tm.tm_hour) && read_char(&at, ':') &&
              read_digits(&at, 2, &tm.tm_min) && read_char(&at, ':') &&
              read_digits(&at, 2, &tm.tm_sec) && read_fraction(&at, &fraction) &&
              read_offset(&at, &offset) && *at == '\0';
    if (!ok || month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 60)
        return ERR_MALFORMED;
    if (year < 1970 || year > 2261)
        return ERR_LIMIT;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    struct tm asked = tm;
    time_t seconds = timegm(&tm);
    if (tm.tm_mday != asked.tm_mday) /* 30 February and the like were normalised away */
        return ERR_MALFORMED;
    *wall = ((nsec_t)seconds - offset) * NSEC_PER_SEC + fraction;
    return ERR_OK;
}

static const struct {
    const char *name;
    nsec_t value;
} units[] = {
    {"ns", 1},
    {"us", NSEC_PER_USEC},
    {"ms", NSEC_PER_MSEC},
    {"s", NSEC_PER_SEC},
    {"m", 60 * NSEC_PER_SEC},
    {"h", 3600 * NSEC_PER_SEC},
    {"d", 86400 * NSEC_PER_SEC},
};

static bool
read_unit(const char **at, nsec_t *unit)
{
    size_t length = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strlen(units[i].name) == length && !strncmp(units[i].name, *at, length)) {
            *unit = units[i].value;
            *at += length;
            return true;
        }
    }
    if (**at == '\0') { /* a bare number: seconds */
        *unit = NSEC_PER_SEC;
        return true;
    }
    return false;
}

enum err
time_parse_duration(const char *text, nsec_t *duration)
{
    nsec_t sum = 0;
    const char *at = text;
    if (*at == '\0')
        return ERR_MALFORMED;
    while (*at) {
        nsec_t whole = 0, fraction, unit, part;
        if (*at < '0' || *at > '9')
            return ERR_MALFORMED;
        for (; *at >= '0' && *at <= '9'; at++) {
            if (__builtin_mul_overflow(whole, 10, &whole) ||
                __builtin_add_overflow(whole, *at - '0', &whole))
                return ERR_LIMIT;
        }
        if (!read_fraction(&at, &fraction) || !read_unit(&at, &unit))
            return ERR_MALFORMED;
        /* The fraction counts in 1e-9 of the unit; a day is 8.64e13 ns, so divide first. */
        if (__builtin_mul_overflow(whole, unit, &part) ||
            __builtin_add_overflow(part, (nsec_t)((__int128)fraction * unit / NSEC_PER_SEC),
                                   &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return ERR_LIMIT;
    }
    *duration = sum;
    return ERR_OK;
}
