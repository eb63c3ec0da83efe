#include "cli/cli_args.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* How many arguments "NAME [PORT]" and the like allow. */
struct arity {
    size_t least, most;
};

static struct arity
arity_of(const char *arguments)
{
    struct arity arity = {0, 0};
    for (const char *word = arguments; *word;) {
        size_t length = strcspn(word, " ");
        if (*word != '[')
            arity.least++;
        arity.most++;
        if (memmem(word, length, "...", 3))
            arity.most = SIZE_MAX;
        word += length;
        word += strspn(word, " ");
    }
    return arity;
}

static const struct cli_verb *
first_of_noun(const struct cli_commands *commands, const char *noun)
{
    for (size_t i = 0; i < commands->n_verbs; i++) {
        if (!strcmp(commands->verbs[i].noun, noun))
            return &commands->verbs[i];
    }
    return NULL;
}

static bool
is_verb(const struct cli_verb *row, const char *noun, const char *verb)
{
    return !strcmp(row->noun, noun) &&
           (row->verb && verb ? !strcmp(row->verb, verb) : row->verb == verb);
}

static const struct cli_verb *
find_verb(const struct cli_commands *commands, const char *noun, const char *verb)
{
    for (size_t i = 0; i < commands->n_verbs; i++) {
        if (is_verb(&commands->verbs[i], noun, verb))
            return &commands->verbs[i];
    }
    return NULL;
}

static const struct cli_option *
find_in(const struct cli_option *options, const char *name, size_t length, char letter)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (letter ? o->letter == letter
                   : strlen(o->name) == length && !memcmp(o->name, name, length))
            return o;
    }
    return NULL;
}

static const struct cli_option *
find_option(const struct cli_commands *commands, const struct cli_verb *verb, const char *name,
            size_t length, char letter)
{
    const struct cli_option *option = verb ? find_in(verb->options, name, length, letter) : NULL;
    return option ? option : find_in(commands->common, name, length, letter);
}

static bool
is_one_of(const char *words, const char *value)
{
    size_t size = strlen(value);
    for (const char *word = words; *word;) {
        size_t length = strcspn(word, "|");
        if (length == size && !memcmp(word, value, length))
            return true;
        word += length + (word[length] == '|');
    }
    return false;
}

struct reading {
    const struct cli_commands *commands;
    struct cli_args *args;
    int argc, at;
    char **argv;
    struct diag *diag;
};

static enum err
add_given(struct reading *r, const struct cli_option *option, const char *value)
{
    struct cli_args *args = r->args;
    if (option->one && !is_one_of(option->one, value))
        return diag_set(r->diag, ERR_INVALID, "--%s: \"%.60s\" is not one of %s", option->name,
                        value, option->one);
    for (size_t i = 0; i < args->n_given && !option->many; i++) {
        if (args->given[i].option == option)
            return diag_set(r->diag, ERR_INVALID, "--%s is given twice", option->name);
    }
    args->given[args->n_given++] = (struct cli_given){option, value};
    return ERR_OK;
}

static enum err
take_option(struct reading *r)
{
    const char *text = r->argv[r->at++];
    bool is_long = text[1] == '-';
    const char *name = text + 1 + is_long;
    const char *equals = is_long ? strchr(name, '=') : NULL;
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const char *value = equals ? equals + 1 : NULL;
    if (!is_long && length > 1)
        value = name + 1; /* -fFILE */
    const struct cli_option *option = find_option(r->commands, r->args->verb, name, length,
                                                  is_long ? 0 : name[0]);
    if (!option)
        return diag_set(r->diag, ERR_INVALID, "there is no option %.60s", text);
    if (!option->value)
        return value ? diag_set(r->diag, ERR_INVALID, "--%s takes no value", option->name)
                     : add_given(r, option, NULL);
    if (!value && r->at == r->argc)
        return diag_set(r->diag, ERR_INVALID, "--%s needs %s", option->name, option->value);
    if (!value)
        value = r->argv[r->at++];
    return add_given(r, option, value);
}

static enum err
check_arguments(struct reading *r)
{
    const struct cli_args *args = r->args;
    const struct cli_verb *verb = args->verb;
    struct arity arity = arity_of(verb->arguments);
    const char *name = verb->verb ? verb->verb : "";
    if (args->n_arguments < arity.least)
        return diag_set(r->diag, ERR_INVALID, "%s %s needs %s", verb->noun, name, verb->arguments);
    if (args->n_arguments > arity.most && !verb->rest)
        return diag_set(r->diag, ERR_INVALID, "%s %s: \"%.60s\" is one argument too many",
                        verb->noun, name, args->arguments[arity.most]);
    return ERR_OK;
}

/* Options that every verb has may also stand before it. */
static enum err
skip_options(struct reading *r)
{
    enum err err = ERR_OK;
    while (!err && r->at < r->argc && r->argv[r->at][0] == '-' && strcmp(r->argv[r->at], "--") != 0)
        err = take_option(r);
    return err;
}

static enum err
choose_verb(struct reading *r)
{
    struct cli_args *args = r->args;
    enum err err = skip_options(r);
    if (err || r->at == r->argc)
        return err;
    args->noun = r->argv[r->at++];
    if (!first_of_noun(r->commands, args->noun))
        return diag_set(r->diag, ERR_INVALID, "there is no \"%.60s\"; see tieline help",
                        args->noun);
    args->verb = find_verb(r->commands, args->noun, NULL);
    err = args->verb ? ERR_OK : skip_options(r);
    if (err || args->verb || r->at == r->argc)
        return err;
    const char *verb = r->argv[r->at++];
    args->verb = find_verb(r->commands, args->noun, verb);
    return args->verb
               ? ERR_OK
               : diag_set(r->diag, ERR_INVALID, "%s: there is no \"%.60s\"; see tieline help %s",
                          args->noun, verb, args->noun);
}

static enum err
take_words(struct reading *r)
{
    struct cli_args *args = r->args;
    bool options = true;
    while (r->at < r->argc) {
        const char *word = r->argv[r->at];
        if (options && !strcmp(word, "--")) {
            options = false;
            r->at++;
        } else if (options && word[0] == '-' && word[1]) {
            enum err err = take_option(r);
            if (err)
                return err;
        } else {
            args->arguments[args->n_arguments++] = word;
            r->at++;
            options = options && !(args->verb && args->verb->rest);
        }
    }
    return ERR_OK;
}

enum err
cli_args_parse(const struct cli_commands *commands, int argc, char **argv, struct cli_args *args,
               struct diag *diag)
{
    struct reading r = {commands, args, argc, 1, argv, diag};
    size_t room = (size_t)MAX(argc, 1);
    *args = (struct cli_args){.arguments = xcalloc(room, sizeof *args->arguments),
                              .given = xcalloc(room, sizeof *args->given)};
    enum err err = choose_verb(&r);
    if (!err)
        err = take_words(&r);
    args->help = cli_args_has(args, "help");
    if (!err && !args->help && args->verb)
        err = check_arguments(&r);
    if (!err && !args->help && args->noun && !args->verb)
        err = diag_set(diag, ERR_INVALID, "%s: what about it? See tieline help %s", args->noun,
                       args->noun);
    return err;
}

void
cli_args_fini(struct cli_args *args)
{
    free(args->arguments);
    free(args->given);
    *args = (struct cli_args){0};
}

static const struct cli_given *
find_given(const struct cli_args *args, const char *name)
{
    for (size_t i = args->n_given; i-- > 0;) {
        if (!strcmp(args->given[i].option->name, name))
            return &args->given[i];
    }
    return NULL;
}

const char *
cli_args_option(const struct cli_args *args, const char *name)
{
    const struct cli_given *given = find_given(args, name);
    return given ? given->value : NULL;
}

bool
cli_args_has(const struct cli_args *args, const char *name)
{
    return find_given(args, name) != NULL;
}

const char *
cli_args_at(const struct cli_args *args, size_t i)
{
    return i < args->n_arguments ? args->arguments[i] : NULL;
}
