/* What the table of commands says about itself: help, completion, the manual's list. */
#include "cli/cli_args.h"

#include <stdio.h>
#include <string.h>

static size_t
option_text(const struct cli_option *o, char *text, size_t size)
{
    char letter[8] = "";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    int n = snprintf(text, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
                     o->value ? o->value : "");
    return n < 0 ? 0 : MIN((size_t)n, size - 1);
}

static void
put_options(const struct cli_option *options, struct buf *out)
{
    char text[80];
    size_t width = 0;
    for (const struct cli_option *o = options; o && o->name; o++)
        width = MAX(width, option_text(o, text, sizeof text));
    for (const struct cli_option *o = options; o && o->name; o++) {
        option_text(o, text, sizeof text);
        buf_printf(out, "  %-*s  %s", (int)width, text, o->help);
        if (o->one)
            buf_printf(out, " (%s)", o->one);
        buf_str(out, "\n");
    }
}

static void
put_words(const struct cli_verb *v, struct buf *out)
{
    buf_str(out, v->noun);
    if (v->verb)
        buf_printf(out, " %s", v->verb);
    if (*v->arguments)
        buf_printf(out, " %s", v->arguments);
}

void
cli_usage_put(const struct cli_verb *v, struct buf *out)
{
    buf_str(out, "tieline ");
    put_words(v, out);
    if (v->options && v->options->name)
        buf_str(out, " [options]");
}

static void
put_verb(const struct cli_commands *commands, const struct cli_verb *v, struct buf *out)
{
    cli_usage_put(v, out);
    buf_printf(out, "\n\n%s.\n", v->help);
    if (v->options && v->options->name) {
        buf_str(out, "\nOptions:\n");
        put_options(v->options, out);
    }
    buf_str(out, "\nFor all commands:\n");
    put_options(commands->common, out);
}

static void
put_rows(const struct cli_commands *commands, const char *noun, struct buf *out)
{
    size_t width = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < commands->n_verbs; i++) {
            const struct cli_verb *v = &commands->verbs[i];
            struct buf words = BUF_INIT;
            if (!noun || !strcmp(noun, v->noun)) {
                put_words(v, &words);
                if (pass)
                    buf_printf(out, "  %-*s  %s\n", (int)width, buf_cstr(&words), v->help);
                width = MAX(width, words.size);
            }
            buf_fini(&words);
        }
    }
}

enum err
cli_help_put(const struct cli_commands *commands, const char *noun, const char *verb,
             struct buf *out)
{
    size_t n = 0;
    const struct cli_verb *only = NULL;
    for (size_t i = 0; i < commands->n_verbs && noun; i++) {
        const struct cli_verb *v = &commands->verbs[i];
        if (strcmp(v->noun, noun) || (verb && (!v->verb || strcmp(v->verb, verb))))
            continue;
        only = v;
        n++;
    }
    if (noun && !n)
        return ERR_NOT_FOUND;
    if (n == 1) {
        put_verb(commands, only, out);
        return ERR_OK;
    }
    buf_printf(out, "tieline %s [arguments] [options]\n\n", noun ? noun : "NOUN VERB");
    put_rows(commands, noun, out);
    buf_str(out, "\nFor all commands:\n");
    put_options(commands->common, out);
    buf_str(out, "\nExit status: 0 done, 1 refused or failed, 2 not understood, 3 it waits for an "
                 "approval or a time,\n4 the server cannot be reached.\n"
                 "More: tieline help NOUN VERB, doc/cli.md.\n");
    return ERR_OK;
}

/* ---- Completion --------------------------------------------------------------------------------
 */

static void
put_nouns(const struct cli_commands *commands, struct buf *out)
{
    for (size_t i = 0; i < commands->n_verbs; i++) {
        if (!i || strcmp(commands->verbs[i].noun, commands->verbs[i - 1].noun))
            buf_printf(out, "%s%s", i ? " " : "", commands->verbs[i].noun);
    }
}

static void
put_option_names(const struct cli_option *options, struct buf *out)
{
    for (const struct cli_option *o = options; o && o->name; o++)
        buf_printf(out, " --%s", o->name);
}

static void
put_verb_case(const struct cli_commands *commands, const struct cli_verb *v, struct buf *out)
{
    bool files = strstr(v->arguments, "FILE") || strstr(v->arguments, "DIR") ||
                 strstr(v->arguments, "PATH");
    const char *kind = v->data && strstr(v->arguments, "NAME") ? v->noun : "";
    buf_printf(out, "    \"%s %s\") options=\"", v->noun, v->verb ? v->verb : "");
    put_option_names(v->options, out);
    put_option_names(commands->common, out);
    buf_printf(out, "\" files=%d names=\"%s\" ;;\n", files, kind);
}

static void
put_values(const struct cli_option *options, struct buf *out)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (!o->one)
            continue;
        buf_printf(out, "    --%s) COMPREPLY=($(compgen -W \"", o->name);
        for (const char *c = o->one; *c; c++)
            buf_u8(out, *c == '|' ? ' ' : (uint8_t)*c);
        buf_str(out, "\" -- \"$word\")); return ;;\n");
    }
}

/* Options of one name have the same values wherever they are. */
static bool
is_first_with(const struct cli_commands *commands, const struct cli_option *options)
{
    for (size_t i = 0; i < commands->n_verbs; i++) {
        if (commands->verbs[i].options == options)
            return true;
    }
    return false;
}

static void
put_all_values(const struct cli_commands *commands, struct buf *out)
{
    const struct cli_option *last = NULL;
    for (size_t i = 0; i < commands->n_verbs; i++) {
        const struct cli_verb *v = &commands->verbs[i];
        struct cli_commands before = {commands->verbs, i, commands->common};
        if (v->options && v->options != last && !is_first_with(&before, v->options))
            put_values(v->options, out);
        last = v->options;
    }
}

static void
put_verbs_case(const struct cli_commands *commands, struct buf *out)
{
    for (size_t i = 0; i < commands->n_verbs; i++) {
        const struct cli_verb *v = &commands->verbs[i];
        bool first = !i || strcmp(v->noun, commands->verbs[i - 1].noun);
        bool last = i + 1 == commands->n_verbs || strcmp(v->noun, commands->verbs[i + 1].noun);
        if (!v->verb)
            continue;
        if (first)
            buf_printf(out, "        %s) verbs=\"", v->noun);
        buf_printf(out, "%s%s", first ? "" : " ", v->verb);
        if (last)
            buf_str(out, "\" ;;\n");
    }
}

enum err
cli_completion_put(const struct cli_commands *commands, const char *shell, struct buf *out)
{
    if (strcmp(shell, "bash"))
        return ERR_UNSUPPORTED;
    buf_str(out, "# Completion of tieline for bash: eval \"$(tieline completion bash)\"\n"
                 "_tieline() {\n"
                 "    local word=$2 previous=$3 noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]}\n"
                 "    local verbs= options= files=0 names=\n"
                 "    COMPREPLY=()\n"
                 "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                 "        COMPREPLY=($(compgen -W \"");
    put_nouns(commands, out);
    buf_str(out, "\" -- \"$word\"))\n"
                 "        return\n"
                 "    fi\n"
                 "    if [ \"$COMP_CWORD\" = 2 ]; then\n"
                 "        case $noun in\n");
    put_verbs_case(commands, out);
    buf_str(out, "        esac\n"
                 "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))\n"
                 "        return\n"
                 "    fi\n"
                 "    case $previous in\n"
                 "    --file | -f | --dir | --save | --pcap | --ca | --cert | --key | --input)\n"
                 "        COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
    put_all_values(commands, out);
    buf_str(out, "    esac\n"
                 "    case \"$noun $verb\" in\n");
    for (size_t i = 0; i < commands->n_verbs; i++)
        put_verb_case(commands, &commands->verbs[i], out);
    buf_str(out, "    esac\n"
                 "    case $word in\n"
                 "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
                 "    *)\n"
                 "        if [ $files = 1 ]; then\n"
                 "            COMPREPLY=($(compgen -f -- \"$word\"))\n"
                 "        elif [ -n \"$names\" ]; then\n"
                 "            COMPREPLY=($(compgen -W \"$(tieline $names list --names "
                 "2>/dev/null)\" -- \"$word\"))\n"
                 "        fi ;;\n"
                 "    esac\n"
                 "}\n"
                 "complete -F _tieline tieline\n");
    return ERR_OK;
}

/* ---- The manual --------------------------------------------------------------------------------
 */

static void
put_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_u8(out, '\\');
        buf_u8(out, (uint8_t)*text);
    }
}

void
cli_manual_put(const struct cli_commands *commands, struct buf *out)
{
    char text[80];
    buf_str(out, "| command | options | what it does |\n|---|---|---|\n");
    for (size_t i = 0; i < commands->n_verbs; i++) {
        const struct cli_verb *v = &commands->verbs[i];
        buf_str(out, "| `");
        put_words(v, out);
        buf_str(out, "` | ");
        for (const struct cli_option *o = v->options; o && o->name; o++) {
            option_text(o, text, sizeof text);
            buf_str(out, o == v->options ? "`" : ", `");
            put_cell(text, out);
            buf_str(out, "`");
        }
        buf_str(out, " | ");
        put_cell(v->help, out);
        buf_str(out, " |\n");
    }
}
