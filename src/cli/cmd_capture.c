/* Packets of a node as pcapng. The node makes the file; what is done here is to ask for it piece by
 * piece, until it is over or somebody has had enough. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/time.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 500
#define READ_OCTETS (512 * 1024)

static volatile sig_atomic_t had_enough;

static void
on_signal(int number UNUSED)
{
    had_enough = 1;
}

/* ---- What is asked for ---- */

static int
put_ports(struct cli *cli, json_t *params)
{
    json_t *ports = json_array();
    for (size_t i = 0; i < cli->args.n_given; i++) {
        const struct cli_given *given = &cli->args.given[i];
        char *end;
        if (strcmp(given->option->name, "port"))
            continue;
        unsigned long number = strtoul(given->value, &end, 10);
        bool is_number = *given->value >= '0' && *given->value <= '9' && !*end;
        json_array_append_new(ports, is_number ? json_integer((json_int_t)number)
                                               : jsontext_string(given->value));
    }
    if (json_array_size(ports))
        json_object_set(params, "ports", ports);
    json_decref(ports);
    return CLI_OK;
}

static int
put_cookie(struct cli *cli, json_t *params)
{
    const char *text = cli_option(cli, "cookie"), *slash = text ? strchr(text, '/') : NULL;
    if (!text)
        return CLI_OK;
    char *cookie = slash ? xstrndup(text, (size_t)(slash - text)) : xstrdup(text);
    json_object_set_new(params, "cookie", jsontext_string(cookie));
    free(cookie);
    if (slash)
        json_object_set_new(params, "cookie-mask", jsontext_string(slash + 1));
    return CLI_OK;
}

static int
put_duration(struct cli *cli, json_t *params)
{
    nsec_t duration = 0;
    int status = cli_duration(cli, "for", NSEC_PER_SEC, "10s", &duration);
    if (duration)
        json_object_set_new(params, "seconds", json_integer(duration / NSEC_PER_SEC));
    return status;
}

static int
put_filter(struct cli *cli, json_t *params)
{
    static const char *const numbers[] = {"count", "octets", "snap", "packets-per-second"};
    static const char *const texts[] = {"direction", "match"};
    int status = CLI_OK;
    for (size_t i = 0; i < ARRAY_SIZE(numbers) && !status; i++)
        status = cli_put_number(cli, numbers[i], 1, params);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (cli_option(cli, texts[i]))
            json_object_set_new(params, texts[i], jsontext_string(cli_option(cli, texts[i])));
    }
    if (cli_option(cli, "reason"))
        json_object_set_new(params, "drops", jsontext_string(cli_option(cli, "reason")));
    else if (cli_has(cli, "drops"))
        json_object_set_new(params, "drops", json_true());
    status = status ? status : put_ports(cli, params);
    status = status ? status : put_cookie(cli, params);
    return status ? status : put_duration(cli, params);
}

/* ---- Where it goes ---- */

static int
open_file(struct cli *cli, int *fd)
{
    const char *path = cli_option(cli, "file");
    *fd = STDOUT_FILENO;
    if (!path || !strcmp(path, "-")) {
        if (cli_is_terminal())
            return cli_fail(cli, CLI_USAGE,
                            "packets are not for a terminal: --file FILE, or a pipe");
        return CLI_OK;
    }
    *fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (*fd < 0)
        return cli_fail(cli, CLI_FAILED, "%s: %s", path, strerror(errno));
    return CLI_OK;
}

/* CLI_FAILED: nobody takes it. */
static int
write_piece(int fd, const json_t *answer)
{
    const char *text = json_string_value(json_object_get(answer, "data"));
    struct buf data = BUF_INIT;
    int status = text && !base64_parse(text, strlen(text), &data) ? CLI_OK : CLI_FAILED;
    for (size_t done = 0; done < data.size && !status;) {
        ssize_t n = write(fd, data.data + done, data.size - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            status = CLI_FAILED;
    }
    buf_fini(&data);
    return status;
}

/* ---- The capture ---- */

static int
stop(struct cli *cli, json_int_t id)
{
    const json_t *answer;
    return edge_ask(cli, "edge.capture-stop", json_pack("{s:I}", "capture", id), &answer);
}

static void
say_result(struct cli *cli, const json_t *answer, bool to_stdout)
{
    const char *reason = json_string_value(json_object_get(answer, "reason"));
    json_int_t frames = json_integer_value(json_object_get(answer, "frames"));
    json_int_t lost = json_integer_value(json_object_get(answer, "lost"));
    if (cli->json && !to_stdout)
        cli_print(cli, json_pack("{s:I, s:I, s:s}", "frames", frames, "lost", lost, "reason",
                                 reason ? reason : ""));
    else
        cli_note(cli, "%lld packets captured, %lld lost: %s", (long long)frames, (long long)lost,
                 reason ? reason : "");
}

/* Reads until it is over. When somebody has had enough, or nobody takes it any more, it is stopped,
 * and the rest is read. */
static int
read_all(struct cli *cli, json_int_t id, int fd)
{
    bool stopped = false, broken = false;
    const json_t *answer = NULL;
    int status = CLI_OK;
    do {
        if ((had_enough || broken) && !stopped) {
            stopped = true;
            status = stop(cli, id);
        }
        if (!status)
            status = edge_ask(cli, "edge.capture-read",
                              json_pack("{s:I, s:i, s:i}", "capture", id, "wait-ms", WAIT_MS,
                                        "octets", READ_OCTETS),
                              &answer);
        if (!status && !broken)
            broken = write_piece(fd, answer) != CLI_OK;
    } while (!status && !json_is_true(json_object_get(answer, "over")));
    if (!status)
        say_result(cli, answer, fd == STDOUT_FILENO);
    if (!status && broken && fd != STDOUT_FILENO)
        status = cli_fail(cli, CLI_FAILED, "%s: it cannot be written", cli_option(cli, "file"));
    return status;
}

int
cmd_edge_capture(struct cli *cli)
{
    const struct sigaction action = {.sa_handler = on_signal};
    json_t *params = json_object();
    const json_t *answer;
    int fd = STDOUT_FILENO, status = put_filter(cli, params);
    if (!status)
        status = open_file(cli, &fd);
    if (status) {
        json_decref(params);
        return status;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = edge_ask(cli, "edge.capture-start", params, &answer);
    if (!status)
        status = read_all(cli, json_integer_value(json_object_get(answer, "capture")), fd);
    if (fd != STDOUT_FILENO && close(fd) && !status)
        status = cli_fail(cli, CLI_FAILED, "%s: %s", cli_option(cli, "file"), strerror(errno));
    return status;
}
