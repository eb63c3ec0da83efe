/* What was typed, as the verbs want it. */
#include "cli/cli.h"

#include "base/time.h"
#include "io/jsontext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *
cli_argument(const struct cli *cli, size_t i)
{
    return cli_args_at(&cli->args, i);
}

const char *
cli_option(const struct cli *cli, const char *name)
{
    return cli_args_option(&cli->args, name);
}

int
cli_put_number(struct cli *cli, const char *option, long long least, json_t *params)
{
    const char *text = cli_option(cli, option);
    char *end;
    if (!text)
        return CLI_OK;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || *end || end == text || number < least)
        return cli_fail(cli, CLI_USAGE, "--%s: \"%s\" is not a number from %lld on", option, text,
                        least);
    json_object_set_new(params, option, json_integer(number));
    return CLI_OK;
}

bool
cli_has(const struct cli *cli, const char *name)
{
    return cli_args_has(&cli->args, name);
}

int
cli_need(struct cli *cli, const char *option, const char *what)
{
    return cli_option(cli, option) ? CLI_OK
                                   : cli_fail(cli, CLI_USAGE, "--%s is needed: %s", option, what);
}

json_t *
cli_values(const struct cli *cli, const char *option)
{
    json_t *values = json_array();
    for (size_t i = 0; i < cli->args.n_given; i++) {
        if (!strcmp(cli->args.given[i].option->name, option))
            json_array_append_new(values, jsontext_string(cli->args.given[i].value));
    }
    return values;
}

int
cli_duration(struct cli *cli, const char *option, nsec_t least, const char *example,
             nsec_t *duration)
{
    const char *text = cli_option(cli, option);
    nsec_t value;
    if (!text)
        return CLI_OK;
    if (time_parse_duration(text, &value) || value < least)
        return cli_fail(cli, CLI_USAGE, "--%s: \"%s\" is not a duration such as %s", option, text,
                        example);
    *duration = value;
    return CLI_OK;
}
