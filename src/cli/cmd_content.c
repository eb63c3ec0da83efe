/* Content that somebody vouches for: signed, and verified, without a server. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/signed_content.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static int
read_secret(struct cli *cli, EVP_PKEY **key)
{
    const char *path = cli_option(cli, "secret");
    struct diag why = {""};
    struct buf pem = BUF_INIT;
    int status = cli_need(cli, "secret", "the private key to sign with");
    if (!status)
        status = cli_need(cli, "signer", "who signs");
    if (!status)
        status = cli_read_file(cli, path, &pem);
    if (!status && note_secret_key((const char *)pem.data, pem.size, key, &why))
        status = cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text);
    if (pem.size)
        OPENSSL_cleanse(pem.data, pem.size);
    buf_fini(&pem);
    return status;
}

/* A number of a release; 0 if it is not given. */
static int
read_release(struct cli *cli, const char *option, uint64_t *release)
{
    const char *text = cli_option(cli, option);
    char *end = NULL;
    *release = 0;
    if (!text)
        return CLI_OK;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > INT64_MAX)
        return cli_fail(cli, CLI_USAGE, "--%s: \"%s\" is not a number", option, text);
    *release = value;
    return CLI_OK;
}

static json_t *
to_json(const char *directory, const struct content *c)
{
    char time[TIME_TEXT_SIZE];
    return json_pack("{s:s, s:s, s:s, s:I, s:s?, s:s, s:I}", "directory", directory, "name",
                     c->name, "version", c->version, "release", (json_int_t)c->release, "not-after",
                     c->not_after ? time_format(c->not_after, time) : NULL, "signer", c->signer,
                     "files", (json_int_t)c->n_files);
}

static void
show(struct cli *cli, const char *what, const char *directory, const struct content *c)
{
    if (cli->json) {
        cli_print(cli, to_json(directory, c));
        return;
    }
    text_put(&cli->out, directory, false);
    buf_printf(&cli->out, ": %s: %s %s, release %llu, %zu files, by %s\n", what, c->name,
               c->version, (unsigned long long)c->release, c->n_files, c->signer);
}

/* ---- sign ---- */

/* What is said about it on the command line. */
static int
take_words(struct cli *cli, struct content *c)
{
    static const char *const needed[] = {"name", "version", "release"};
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        if (!cli_option(cli, needed[i]))
            return cli_fail(cli, CLI_USAGE, "--%s is needed", needed[i]);
    }
    const char *not_after = cli_option(cli, "not-after");
    if (not_after && (time_parse(not_after, &c->not_after) || c->not_after <= 0))
        return cli_fail(cli, CLI_USAGE,
                        "--not-after: \"%s\" is not a time as "
                        "2027-01-01T00:00:00Z",
                        not_after);
    if (strlen(cli_option(cli, "name")) > CONTENT_WORD_MAX ||
        strlen(cli_option(cli, "version")) > CONTENT_WORD_MAX)
        return cli_fail(cli, CLI_USAGE, "name and version have at most %d characters",
                        CONTENT_WORD_MAX);
    strcpy(c->name, cli_option(cli, "name"));
    strcpy(c->version, cli_option(cli, "version"));
    return read_release(cli, "release", &c->release);
}

static int
sign(struct cli *cli, const char *directory, EVP_PKEY *key)
{
    struct content c = {.n_files = 0};
    struct buf note = BUF_INIT;
    struct diag why = {""};
    if (content_describe(directory, &c, &why))
        return cli_fail(cli, CLI_FAILED, "%s", why.text);
    int status = take_words(cli, &c);
    if (!status && content_sign(&c, cli_option(cli, "signer"), key, &note, &why))
        status = cli_fail(cli, CLI_FAILED, "%s", why.text);
    if (!status) {
        char *path = xasprintf("%s/" CONTENT_MANIFEST, directory);
        status = cli_write_file(cli, path, note.data, note.size);
        free(path);
    }
    if (!status) {
        strcpy(c.signer, cli_option(cli, "signer")); /* content_sign() has checked it */
        show(cli, "signed", directory, &c);
    }
    buf_fini(&note);
    content_fini(&c);
    return status;
}

int
cmd_content_sign(struct cli *cli)
{
    EVP_PKEY *key = NULL;
    int status = read_secret(cli, &key);
    if (!status)
        status = sign(cli, cli_argument(cli, 0), key);
    EVP_PKEY_free(key);
    return status;
}

/* ---- verify ---- */

int
cmd_content_verify(struct cli *cli)
{
    const char *directory = cli_argument(cli, 0), *path = cli_option(cli, "trust");
    struct content_wanted wanted = {.name = cli_option(cli, "name"), .now = clock_wall()};
    struct content_trust *trust;
    struct content c;
    struct diag why = {""};
    int status = cli_need(cli, "trust", "whose signatures count");
    if (!status)
        status = read_release(cli, "least", &wanted.release);
    if (status)
        return status;
    if (content_trust_read(path, &trust, &why))
        return cli_fail(cli, CLI_FAILED, "%s", why.text);
    if (content_verify(directory, trust, &wanted, &c, &why)) {
        status = cli_fail(cli, CLI_FAILED, "%s", why.text);
    } else {
        show(cli, "verified", directory, &c);
        content_fini(&c);
    }
    content_trust_free(trust);
    return status;
}

/* ---- key ---- */

int
cmd_content_key(struct cli *cli)
{
    EVP_PKEY *key = NULL;
    struct buf line = BUF_INIT;
    struct diag why = {""};
    int status = read_secret(cli, &key);
    if (!status && note_check_name(cli_option(cli, "signer"), &why))
        status = cli_fail(cli, CLI_USAGE, "--signer: %s", why.text);
    if (!status) {
        note_put_verifier(&line, cli_option(cli, "signer"), key);
        if (cli->json)
            cli_print(cli, json_pack("{s:s}", "key", buf_cstr(&line)));
        else
            buf_printf(&cli->out, "%s\n", buf_cstr(&line));
    }
    buf_fini(&line);
    EVP_PKEY_free(key);
    return status;
}
