#include "lab/tools/wire_config.h"

#include "base/alloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 16

static const struct setting {
    const char *name;
    double max, scale;
} settings[] = {
    {"delay-us", 10e6, 1e3}, /* to nanoseconds */
    {"rate-kbps", 100e6, 1e3},
    {"queue", 1e9, 1},
    {"loss", 1, 1},
};

static void
apply(struct wire_settings *s, size_t setting, double value)
{
    double scaled = value * settings[setting].scale;
    switch (setting) {
    case 0:
        s->delay = (nsec_t)scaled;
        break;
    case 1:
        s->rate_bps = (uint64_t)scaled;
        break;
    case 2:
        s->queue = (uint64_t)scaled;
        break;
    default:
        s->loss = scaled;
    }
}

/* A number from 0 to max that ends at `end`. */
static bool
read_value(const char *text, char end, double max, double *value, const char **rest)
{
    char *stop;
    errno = 0;
    *value = strtod(text, &stop);
    *rest = stop;
    return !errno && stop != text && *stop == end && isfinite(*value) && *value >= 0 &&
           *value <= max;
}

static enum err
apply_word(const char *word, struct wire_settings way[2], struct diag *diag)
{
    size_t length = strcspn(word, "="), i = 0;
    while (i < ARRAY_SIZE(settings) &&
           (strlen(settings[i].name) != length || strncmp(settings[i].name, word, length)))
        i++;
    if (i == ARRAY_SIZE(settings) || !word[length])
        return diag_set(diag, ERR_INVALID, "unknown setting '%s'", word);
    const char *text = word + length + 1, *rest;
    double there, back;
    bool ok;
    if (strchr(text, '/')) {
        ok = read_value(text, '/', settings[i].max, &there, &rest) &&
             read_value(rest + 1, '\0', settings[i].max, &back, &rest);
    } else {
        ok = read_value(text, '\0', settings[i].max, &there, &rest);
        back = there;
    }
    if (!ok)
        return diag_set(diag, ERR_INVALID, "'%s' is not a number from 0 to %.0f, or two with a /",
                        word, settings[i].max);
    apply(&way[0], i, there);
    apply(&way[1], i, back);
    return ERR_OK;
}

enum err
wire_settings_parse(char *const *words, size_t n, struct wire_settings way[2], struct diag *diag)
{
    struct wire_settings result[2] = {way[0], way[1]};
    for (size_t i = 0; i < n; i++) {
        enum err err = apply_word(words[i], result, diag);
        if (err)
            return err;
    }
    way[0] = result[0];
    way[1] = result[1];
    return ERR_OK;
}

static enum err
parse_link(char *line, struct wire_link_config *link, struct diag *diag)
{
    char *words[MAX_WORDS];
    size_t n = 0;
    line[strcspn(line, "#")] = '\0';
    for (char *word; (word = strsep(&line, " \t\r"));) {
        if (!*word)
            continue;
        if (n == MAX_WORDS)
            return diag_set(diag, ERR_LIMIT, "more than %d words", MAX_WORDS);
        words[n++] = word;
    }
    if (n == 0)
        return ERR_NOT_FOUND;
    if (n < 3)
        return diag_set(diag, ERR_MALFORMED, "a link is a name and two interfaces");
    *link = (struct wire_link_config){
        .way = {{.queue = WIRE_DEFAULT_QUEUE}, {.queue = WIRE_DEFAULT_QUEUE}}};
    if (strlen(words[0]) >= sizeof link->name || strlen(words[1]) >= WIRE_INTERFACE_SIZE ||
        strlen(words[2]) >= WIRE_INTERFACE_SIZE)
        return diag_set(diag, ERR_LIMIT, "a name is too long");
    strcpy(link->name, words[0]);
    strcpy(link->interface[0], words[1]);
    strcpy(link->interface[1], words[2]);
    return wire_settings_parse(words + 3, n - 3, link->way, diag);
}

static enum err
check_unique(const struct wire_link_config *links, size_t n, struct diag *diag)
{
    const struct wire_link_config *new = &links[n];
    if (!strcmp(new->interface[0], new->interface[1]))
        return diag_set(diag, ERR_EXISTS, "both ends are %s", new->interface[0]);
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(links[i].name, new->name))
            return diag_set(diag, ERR_EXISTS, "there is a link %s already", new->name);
        for (int a = 0; a < 4; a++) {
            if (!strcmp(links[i].interface[a / 2], new->interface[a % 2]))
                return diag_set(diag, ERR_EXISTS, "%s is an end of %s already",
                                new->interface[a % 2], links[i].name);
        }
    }
    return ERR_OK;
}

enum err
wire_config_parse(const char *text, const char *path, struct wire_link_config **links, size_t *n,
                  struct diag *diag)
{
    char *copy = xstrdup(text), *rest = copy;
    struct wire_link_config *result = xcalloc(WIRE_MAX_LINKS, sizeof *result), link;
    size_t count = 0, number = 0;
    enum err err = ERR_OK;
    for (char *line; !err && (line = strsep(&rest, "\n"));) {
        number++;
        err = parse_link(line, &link, diag);
        if (err == ERR_NOT_FOUND) { /* an empty line */
            err = ERR_OK;
        } else if (!err && count == WIRE_MAX_LINKS) {
            err = diag_set(diag, ERR_LIMIT, "more than %d links", WIRE_MAX_LINKS);
        } else if (!err) {
            result[count] = link;
            err = check_unique(result, count, diag);
            count++;
        }
    }
    free(copy);
    if (err) {
        diag_prefix(diag, "%s:%zu", path, number);
        free(result);
        return err;
    }
    *links = result;
    *n = count;
    return ERR_OK;
}
