#include "cli/cli.h"

#include "base/alloc.h"
#include "cli/cli_config.h"
#include "cli/cli_problem.h"
#include "cli/cli_session.h"
#include "io/file.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)256 << 20)

/* ---- Output ------------------------------------------------------------------------------------
 */

static bool
write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

int
cli_flush(struct cli *cli)
{
    bool ok = write_all(STDOUT_FILENO, cli->out.data, cli->out.size);
    buf_clear(&cli->out);
    return ok ? CLI_OK : CLI_FAILED;
}

static void
say(struct cli *cli, const char *prefix, const char *text, bool lines)
{
    struct buf line = BUF_INIT;
    (void)cli_flush(cli); /* what was said before it, comes before it */
    buf_str(&line, prefix);
    text_put(&line, text, lines);
    buf_str(&line, "\n");
    (void)!write(STDERR_FILENO, line.data, line.size);
    buf_fini(&line);
}

int
cli_fail(struct cli *cli, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    say(cli, "tieline: ", text, false);
    free(text);
    return status;
}

void
cli_note(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    say(cli, "", text, true);
    free(text);
}

bool
cli_json(struct cli *cli)
{
    if (!cli->json)
        return false;
    const struct http_answer *answer = &cli->answer;
    if (answer->document)
        text_put_json(&cli->out, answer->text, answer->size);
    else
        buf_str(&cli->out, "{}");
    if (!cli->out.size || cli->out.data[cli->out.size - 1] != '\n')
        buf_str(&cli->out, "\n");
    return true;
}

void
cli_print(struct cli *cli, json_t *document)
{
    struct buf text = BUF_INIT;
    if (jsontext_put(&text, document))
        buf_str(&text, "{}");
    text_put_json(&cli->out, (const char *)text.data, text.size);
    buf_str(&cli->out, "\n");
    buf_fini(&text);
    json_decref(document);
}

int
cli_done(struct cli *cli, const char *format, ...)
{
    if (cli_json(cli))
        return CLI_OK;
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    text_put(&cli->out, text, false);
    buf_str(&cli->out, "\n");
    free(text);
    return CLI_OK;
}

bool
cli_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

bool
cli_confirm(const char *question)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, "%s [y/N] ", question);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    return !strcmp(answer, "y\n") || !strcmp(answer, "yes\n");
}

/* ---- The server --------------------------------------------------------------------------------
 */

static const char *
setting(const struct cli *cli, const char *option, const char *variable, const char *configured)
{
    const char *value = cli_option(cli, option);
    if (!value)
        value = getenv(variable);
    return value && *value ? value : configured;
}

/* It is nobody's in particular: whatever certificate there is goes with it, which a site without an
 * identity provider asks for. */
static bool
session_is_by_code(const struct cli_session *session)
{
    return session->person && !strncmp(session->person, "break-glass/", 12);
}

static int
open_server(struct cli *cli, const struct cli_config *file)
{
    struct diag diag = {""};
    struct http_config config = {
        .url = setting(cli, "url", "TIELINE_URL", file->url),
        .ca = setting(cli, "ca", "TIELINE_CA", file->ca),
        .cert = setting(cli, "cert", "TIELINE_CERT", file->cert),
        .key = setting(cli, "key", "TIELINE_KEY", file->key),
    };
    struct cli_session session = {0};
    int status = cli_duration(cli, "timeout", 1, "30s", &config.timeout);
    if (status)
        return status;
    if (!config.url)
        return cli_fail(cli, CLI_USAGE,
                        "which server? Set TIELINE_URL or --url; in the lab: eval \"$(tieline lab "
                        "env)\"");
    if (cli->shown == SHOWN_SESSION && !cli_option(cli, "cert")) { /* who logged in, meant it */
        enum err err = cli_session_read(config.url, &session, &diag);
        if (err && err != ERR_NOT_FOUND)
            return cli_fail(cli, CLI_USAGE, "%s", diag.text);
        config.token = session.token;
    }
    if (cli->shown == SHOWN_NOTHING || (session.token && !session_is_by_code(&session)))
        config.cert = config.key = NULL;
    enum err err = http_open(&config, &cli->http, &diag);
    cli_session_fini(&session);
    return err ? cli_fail(cli, CLI_USAGE, "%s", diag.text) : CLI_OK;
}

int
cli_server(struct cli *cli, struct http **http)
{
    int status = CLI_OK;
    if (!cli->http) {
        struct cli_config file = {0};
        struct diag diag = {""};
        char *path = cli_config_path();
        enum err err = path ? cli_config_read(path, &file, &diag) : ERR_NOT_FOUND;
        free(path);
        status = err && err != ERR_NOT_FOUND ? cli_fail(cli, CLI_USAGE, "%s", diag.text)
                                             : open_server(cli, &file);
        cli_config_fini(&file);
    }
    *http = cli->http;
    return status;
}

static int
refuse(struct cli *cli)
{
    struct buf text = BUF_INIT;
    problem_text(&text, cli->answer.status, cli->answer.document);
    say(cli, "tieline: ", buf_cstr(&text), true);
    buf_fini(&text);
    cli_json(cli);
    return CLI_FAILED;
}

static int
ask(struct cli *cli, const char *method, const char *path, const json_t *body)
{
    static const char *const no_answer = "it may have been done or not";
    struct http *http;
    struct diag diag = {""};
    int status = cli_server(cli, &http);
    if (status)
        return status;
    http_answer_fini(&cli->answer);
    enum err err = http_call(http, method, path, body, &cli->answer, &diag);
    if (err == ERR_LIMIT || err == ERR_INVALID)
        return cli_fail(cli, CLI_FAILED, "%s", diag.text);
    if (err == ERR_TIMEOUT && strcmp(method, "GET") != 0)
        return cli_fail(cli, CLI_UNREACHABLE, "%s: %s", diag.text, no_answer);
    return err ? cli_fail(cli, CLI_UNREACHABLE, "%s", diag.text) : CLI_OK;
}

int
cli_call(struct cli *cli, const char *method, char *path, json_t *body, const json_t **document)
{
    int status = ask(cli, method, path, body);
    json_decref(body);
    struct http_answer *answer = &cli->answer;
    if (!status && (answer->status < 200 || answer->status > 299))
        status = refuse(cli);
    else if (!status && answer->size && !json_is_object(answer->document))
        status = cli_fail(cli, CLI_FAILED, "%s: the answer is not a JSON object", path);
    free(path);
    if (status)
        return status;
    if (!answer->document)
        answer->document = json_object();
    *document = answer->document;
    return CLI_OK;
}

int
cli_look(struct cli *cli, char *path, json_t **document)
{
    struct http *http;
    struct http_answer answer;
    int status = cli_server(cli, &http);
    if (!status && http_call(http, "GET", path, NULL, &answer, NULL))
        status = CLI_UNREACHABLE;
    free(path);
    if (status)
        return status;
    *document = answer.status == 200 && json_is_object(answer.document)
                    ? json_incref(answer.document)
                    : NULL;
    http_answer_fini(&answer);
    return *document ? CLI_OK : CLI_FAILED;
}

int
cli_get(struct cli *cli, char *path, const json_t **document)
{
    return cli_call(cli, "GET", path, NULL, document);
}

/* ---- Files -------------------------------------------------------------------------------------
 */

int
cli_read_file(struct cli *cli, const char *path, struct buf *text)
{
    bool standard = !strcmp(path, "-");
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    if (fd < 0)
        return cli_fail(cli, CLI_FAILED, "%s: it cannot be read: %m", path);
    *text = buf_limited(FILE_MAX);
    uint8_t *chunk = xmalloc(65536);
    while ((n = read(fd, chunk, 65536)) > 0 && !buf_err(text))
        buf_put(text, chunk, (size_t)n);
    int saved = errno;
    free(chunk);
    if (!standard)
        close(fd);
    errno = saved;
    if (n >= 0 && !buf_err(text))
        return CLI_OK;
    buf_fini(text);
    return n < 0 ? cli_fail(cli, CLI_FAILED, "%s: it cannot be read: %m", path)
                 : cli_fail(cli, CLI_FAILED, "%s: too large", path);
}

int
cli_read_json(struct cli *cli, const char *path, json_t **document)
{
    struct buf text;
    struct diag diag = {""};
    int status = cli_read_file(cli, path, &text);
    if (status)
        return status;
    if (jsontext_parse(buf_cstr(&text), text.size, document, &diag))
        status = cli_fail(cli, CLI_FAILED, "%s: %s", path, diag.text);
    buf_fini(&text);
    return status;
}

int
cli_write_file(struct cli *cli, const char *path, const void *data, size_t size)
{
    struct diag diag;
    return file_write(path, data, size, 0644, false, &diag)
               ? cli_fail(cli, CLI_FAILED, "%s", diag.text)
               : CLI_OK;
}

json_t *
cli_object(const char *name, ...)
{
    json_t *object = json_object();
    va_list args;
    va_start(args, name);
    for (; name; name = va_arg(args, const char *)) {
        const char *text = va_arg(args, const char *);
        if (text)
            json_object_set_new(object, name, jsontext_string(text));
    }
    va_end(args);
    return object;
}

/* ---- The program -------------------------------------------------------------------------------
 */

static int
show_help(struct cli *cli)
{
    const struct cli_verb *verb = cli->args.verb;
    const char *noun = cli->args.noun;
    if (cli_help_put(cli->commands, noun, verb ? verb->verb : NULL, &cli->out))
        return CLI_USAGE;
    return CLI_OK;
}

static int
run(struct cli *cli)
{
    cli->json = cli_has(cli, "json");
    cli->utc = cli_has(cli, "utc");
    if (cli->args.help)
        return show_help(cli);
    if (!cli->args.verb) {
        struct buf help = BUF_INIT;
        if (!cli_help_put(cli->commands, NULL, NULL, &help))
            (void)!write(STDERR_FILENO, help.data, help.size);
        buf_fini(&help);
        return CLI_USAGE;
    }
    return cli->args.verb->handler(cli);
}

int
cli_main(int argc, char **argv)
{
    struct cli cli = {.commands = &cli_commands};
    struct diag diag = {""};
    int status;
    setlocale(LC_CTYPE, "C.UTF-8"); /* how wide characters are; the rest stays as it is */
    signal(SIGPIPE, SIG_IGN);
    char *asks_version[] = {argv[0], "version", NULL}; /* as every program has it */
    if (argc == 2 && !strcmp(argv[1], "--version"))
        argv = asks_version;
    if (cli_args_parse(cli.commands, argc, argv, &cli.args, &diag))
        status = cli_fail(&cli, CLI_USAGE, "%s", diag.text);
    else
        status = run(&cli);
    int written = cli_flush(&cli);
    http_answer_fini(&cli.answer);
    http_close(cli.http);
    cli_args_fini(&cli.args);
    buf_fini(&cli.out);
    return status ? status : written;
}
