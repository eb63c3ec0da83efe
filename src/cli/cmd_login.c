/* Logging in by an identity provider, and the sessions there are. The code of the authorization
 * endpoint comes back to a port of this machine (RFC 8252 section 7.3), and the server redeems it;
 * with --device the person types a code into a browser elsewhere (RFC 8628), and the token that the
 * provider gives for it is handed to the server. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "cli/cli_redirect.h"
#include "cli/cli_session.h"
#include "oidc/fetch.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LOGIN_TIME (300 * NSEC_PER_SEC) /* for the person to log in */
#define SECRET_TEXT_SIZE 44             /* 32 octets as base64url, with the NUL */

static void
put_secret(const uint8_t octets[32], char text[SECRET_TEXT_SIZE])
{
    struct buf out = BUF_INIT;
    base64url_put(&out, octets, 32);
    memcpy(text, buf_cstr(&out), SECRET_TEXT_SIZE);
    buf_fini(&out);
}

static void
make_secret(char text[SECRET_TEXT_SIZE])
{
    uint8_t octets[32];
    if (RAND_bytes(octets, sizeof octets) != 1)
        abort(); /* no machine to log in from */
    put_secret(octets, text);
}

/* ---- what came of it */

/* Opens the session and keeps it. `path` and `body` are consumed. */
static int
open_session(struct cli *cli, char *path, json_t *body)
{
    const json_t *answer;
    struct diag diag = {""};
    int status = cli_call(cli, "POST", path, body, &answer);
    if (status)
        return status;
    struct cli_session session = {
        (char *)(uintptr_t)text_of(answer, "id"), (char *)(uintptr_t)text_of(answer, "person"),
        (char *)(uintptr_t)text_of(answer, "token"), (char *)(uintptr_t)text_of(answer, "until")};
    if (cli_session_write(http_url(cli->http), &session, &diag))
        return cli_fail(cli, CLI_FAILED, "the session cannot be kept: %s", diag.text);
    json_t *shown = json_copy((json_t *)(uintptr_t)answer);
    json_object_del(shown, "token");
    if (cli->json) {
        cli_print(cli, shown);
        return CLI_OK;
    }
    static const struct column fields[] = {
        {"name", "person", AS_TEXT, NULL}, {"roles", "roles", AS_TEXT, NULL},
        {"session", "id", AS_TEXT, NULL},  {"until", "until", AS_TIME, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    fields_put(&cli->out, shown, fields, cli->utc);
    json_decref(shown);
    return CLI_OK;
}

/* ---- by a redirect */

struct login {
    char state[SECRET_TEXT_SIZE], nonce[SECRET_TEXT_SIZE];
    char verifier[SECRET_TEXT_SIZE], challenge[SECRET_TEXT_SIZE];
};

static void
login_init(struct login *login)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    make_secret(login->state);
    make_secret(login->nonce);
    make_secret(login->verifier);
    SHA256((const uint8_t *)login->verifier, strlen(login->verifier), digest);
    put_secret(digest, login->challenge);
}

static char *
authorization_url(const json_t *info, const struct login *login, const char *redirect)
{
    const char *endpoint = text_of(info, "authorization-endpoint");
    struct buf query = BUF_INIT;
    fetch_form_put(&query, "response_type", "code");
    fetch_form_put(&query, "client_id", text_of(info, "client-id"));
    fetch_form_put(&query, "redirect_uri", redirect);
    fetch_form_put(&query, "scope", text_of(info, "scope"));
    fetch_form_put(&query, "state", login->state);
    fetch_form_put(&query, "nonce", login->nonce);
    fetch_form_put(&query, "code_challenge", login->challenge);
    fetch_form_put(&query, "code_challenge_method", "S256");
    char *url = xasprintf("%s%c%s", endpoint, strchr(endpoint, '?') ? '&' : '?', buf_cstr(&query));
    buf_fini(&query);
    return url;
}

static int
wait_for_code(struct cli *cli, struct redirect *redirect, const json_t *info,
              const struct login *login, char **code)
{
    struct diag diag = {""};
    char *url = authorization_url(info, login, redirect_uri(redirect));
    cli_note(cli, "Open this address in a browser, on this machine:");
    buf_printf(&cli->out, "%s\n", url);
    free(url);
    int status = cli_flush(cli);
    if (status)
        return cli_fail(cli, status, "nobody takes the address");
    if (redirect_wait(redirect, login->state, text_of(info, "issuer"), LOGIN_TIME, code, &diag))
        return cli_fail(cli, CLI_FAILED, "%s", diag.text);
    return CLI_OK;
}

static int
login_by_redirect(struct cli *cli, const json_t *info)
{
    struct login login;
    struct redirect *redirect;
    struct diag diag = {""};
    char *code = NULL;
    if (!*text_of(info, "authorization-endpoint"))
        return cli_fail(cli, CLI_FAILED,
                        "the server does not know the provider's authorization "
                        "endpoint now: it cannot reach it");
    if (redirect_open(&redirect, &diag))
        return cli_fail(cli, CLI_FAILED, "%s", diag.text);
    login_init(&login);
    int status = wait_for_code(cli, redirect, info, &login, &code);
    if (!status)
        status = open_session(cli, http_path("session", NULL),
                              cli_object("code", code, "code-verifier", login.verifier,
                                         "redirect-uri", redirect_uri(redirect), "nonce",
                                         login.nonce, NULL));
    redirect_close(redirect);
    OPENSSL_cleanse(&login, sizeof login);
    free(code);
    return status;
}

/* ---- by a code for another device */

struct answer {
    enum err err;
    struct diag diag;
    int status;
    json_t *document;
};

static void
take_answer(void *arg, const struct fetch_result *result)
{
    struct answer *answer = arg;
    answer->err = diag_set(&answer->diag, result->err, "%s", result->text);
    answer->status = result->status;
    answer->document = json_deep_copy(result->document);
}

/* Asks the provider, and waits. */
static struct answer
post_form(struct cli *cli, const char *url, struct buf *form)
{
    struct answer answer = {0};
    uv_loop_t loop;
    uv_loop_init(&loop);
    fetch_start(&loop,
                &(struct fetch_request){
                    .url = url, .ca = cli_option(cli, "provider-ca"), .form = buf_cstr(form)},
                take_answer, &answer);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    OPENSSL_cleanse(form->data, form->size);
    buf_fini(form);
    return answer;
}

/* RFC 8628 section 3.5: whether to ask again, and after how long. */
static bool
is_pending(const struct answer *answer, unsigned *interval)
{
    const char *error = text_of(answer->document, "error");
    if (!strcmp(error, "slow_down"))
        *interval += 5;
    return !strcmp(error, "slow_down") || !strcmp(error, "authorization_pending");
}

static int
wait_for_token(struct cli *cli, const json_t *info, const json_t *device, json_t **token)
{
    json_int_t left = json_integer_value(json_object_get(device, "expires_in"));
    json_int_t asked = json_integer_value(json_object_get(device, "interval"));
    unsigned interval = asked > 0 && asked < 60 ? (unsigned)asked : 5;
    for (left = MIN(left, 1800); left > 0; left -= interval) {
        struct buf form = BUF_INIT;
        sleep(interval);
        fetch_form_put(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        fetch_form_put(&form, "device_code", text_of(device, "device_code"));
        fetch_form_put(&form, "client_id", text_of(info, "client-id"));
        struct answer answer = post_form(cli, text_of(info, "token-endpoint"), &form);
        int status = CLI_OK;
        *token = json_incref(json_object_get(answer.document, "id_token"));
        if (answer.err)
            status = cli_fail(cli, CLI_UNREACHABLE, "%s", answer.diag.text);
        else if (!*token && !is_pending(&answer, &interval))
            status = cli_fail(cli, CLI_FAILED, "the provider refuses: %s",
                              text_of(answer.document, "error"));
        json_decref(answer.document);
        if (status || *token)
            return status;
    }
    return cli_fail(cli, CLI_FAILED, "nobody typed the code in time");
}

static int
login_by_device(struct cli *cli, const json_t *info)
{
    struct buf form = BUF_INIT;
    json_t *token = NULL;
    if (!*text_of(info, "device-authorization-endpoint"))
        return cli_fail(cli, CLI_FAILED, "the provider offers no codes for other devices");
    if (!json_is_true(json_object_get(info, "public-client")))
        return cli_fail(cli, CLI_FAILED, "--device is for a provider's public client only");
    fetch_form_put(&form, "client_id", text_of(info, "client-id"));
    fetch_form_put(&form, "scope", text_of(info, "scope"));
    struct answer answer = post_form(cli, text_of(info, "device-authorization-endpoint"), &form);
    int status = CLI_OK;
    if (answer.err)
        status = cli_fail(cli, CLI_UNREACHABLE, "%s", answer.diag.text);
    else if (answer.status != 200 || !*text_of(answer.document, "user_code"))
        status = cli_fail(cli, CLI_FAILED, "the provider refuses: status %d %s", answer.status,
                          text_of(answer.document, "error"));
    if (!status) {
        cli_note(cli, "Open this address in a browser anywhere, and type the code there:");
        text_put(&cli->out, text_of(answer.document, "verification_uri"), false);
        buf_str(&cli->out, "\n");
        text_put(&cli->out, text_of(answer.document, "user_code"), false);
        buf_str(&cli->out, "\n");
        status = cli_flush(cli);
    }
    if (!status)
        status = wait_for_token(cli, info, answer.document, &token);
    if (!status)
        status = open_session(cli, http_path("session", NULL),
                              cli_object("token", json_string_value(token), NULL));
    json_decref(token);
    json_decref(answer.document);
    return status;
}

/* ---- by a sealed code */

/* From the terminal, unseen, or a line of standard input. */
static bool
read_code(char code[256])
{
    struct termios before, quiet;
    bool terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
    if (terminal) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fputs("break-glass code: ", stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool got = fgets(code, 256, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputs("\n", stderr);
    }
    code[got ? strcspn(code, "\r\n") : 0] = '\0';
    return *code;
}

static int
login_by_code(struct cli *cli)
{
    char code[256] = "";
    if (!read_code(code))
        return cli_fail(cli, CLI_USAGE, "no code was given");
    int status = open_session(cli, http_path("break-glass", "session", NULL),
                              cli_object("code", code, "name", cli_option(cli, "name"), "reason",
                                         cli_option(cli, "reason"), NULL));
    OPENSSL_cleanse(code, sizeof code);
    return status;
}

int
cmd_break_glass_seal(struct cli *cli)
{
    const json_t *answer;
    nsec_t duration = 0;
    if (!cli_has(cli, "role"))
        return cli_fail(cli, CLI_USAGE, "breakglass seal needs --role ROLE");
    int status = cli_duration(cli, "lasts", NSEC_PER_SEC, "1h", &duration);
    if (status)
        return status;
    json_t *body = cli_object("name", cli_argument(cli, 0), NULL);
    json_object_set_new(body, "roles", cli_values(cli, "role"));
    if (duration)
        json_object_set_new(body, "session-s", json_integer(duration / NSEC_PER_SEC));
    status = cli_call(cli, "POST", http_path("break-glass", NULL), body, &answer);
    if (status || cli_json(cli))
        return status;
    cli_note(cli, "The code, for the envelope. It is not shown again:");
    buf_printf(&cli->out, "%s\n", text_of(answer, "code"));
    return CLI_OK;
}

int
cmd_break_glass_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"NAME", "name", AS_TEXT, NULL},       {"ROLES", "roles", AS_TEXT, NULL},
        {"USABLE", "usable", AS_YES, NULL},    {"SEALED BY", "sealed-by", AS_TEXT, NULL},
        {"SEALED", "sealed", AS_TIME, NULL},   {"USED", "used", AS_TIME, NULL},
        {"SESSION", "session", AS_TEXT, NULL}, {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document;
    int status = cli_get(cli, http_path("break-glass", NULL), &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, "codes"), columns, cli->utc);
    return CLI_OK;
}

int
cmd_login(struct cli *cli)
{
    const json_t *document;
    struct diag diag = {""};
    const char *issuer = cli_option(cli, "issuer");
    if (cli_session_ready(&diag))
        return cli_fail(cli, CLI_FAILED, "no session could be kept: %s", diag.text);
    cli->shown = cli_has(cli, "break-glass") ? SHOWN_CERTIFICATE : SHOWN_NOTHING;
    if (cli_has(cli, "break-glass"))
        return login_by_code(cli);
    int status = cli_get(cli, http_path("login", NULL), &document);
    if (status)
        return status;
    json_t *info = json_incref((json_t *)(uintptr_t)document);
    if (!json_is_true(json_object_get(info, "provider")))
        status = cli_fail(cli, CLI_FAILED, "the server trusts no identity provider");
    else if (issuer && strcmp(issuer, text_of(info, "issuer")) != 0)
        status = cli_fail(cli, CLI_FAILED, "the server trusts %s, not %s", text_of(info, "issuer"),
                          issuer);
    else
        status = cli_has(cli, "device") ? login_by_device(cli, info) : login_by_redirect(cli, info);
    json_decref(info);
    return status;
}

/* ---- sessions */

int
cmd_logout(struct cli *cli)
{
    struct cli_session session = {0};
    struct diag diag = {""};
    struct http *http;
    const json_t *answer;
    int status = cli_server(cli, &http);
    if (status)
        return status;
    enum err err = cli_session_read(http_url(http), &session, &diag);
    if (err)
        return cli_fail(cli, CLI_FAILED, "%s",
                        err == ERR_NOT_FOUND ? "you have no session here" : diag.text);
    status = cli_call(cli, "DELETE", http_path("sessions", session.id, NULL), NULL, &answer);
    cli_session_fini(&session);
    if (cli_session_write(http_url(http), NULL, &diag))
        return cli_fail(cli, CLI_FAILED, "%s", diag.text);
    return status ? status : cli_done(cli, "logged out");
}

int
cmd_session_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"ID", "id", AS_TEXT, NULL},          {"PERSON", "person", AS_TEXT, NULL},
        {"RIGHT", "right", AS_TEXT, NULL},    {"ROLES", "roles", AS_TEXT, NULL},
        {"FROM", "address", AS_TEXT, NULL},   {"OPENED", "opened", AS_TIME, NULL},
        {"USED", "last-used", AS_TIME, NULL}, {"UNTIL", "until", AS_TIME, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document;
    int status = cli_get(cli, http_path("sessions", NULL), &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, "sessions"), columns, cli->utc);
    return CLI_OK;
}

int
cmd_session_revoke(struct cli *cli)
{
    const json_t *answer;
    const char *id = cli_argument(cli, 0);
    int status = cli_call(cli, "DELETE", http_path("sessions", id, NULL), NULL, &answer);
    return status ? status : cli_done(cli, "session %s is revoked", id);
}
