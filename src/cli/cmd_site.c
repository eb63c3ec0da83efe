/* Enrolment of sites on the bus between them: from files, on the machine where they are; no server
 * is asked, and no secret is ever an argument. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "enrol/centre.h"
#include "enrol/site.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 4222
#define DEFAULT_DAYS 365

static int64_t
now_seconds(void)
{
    return clock_wall() / NSEC_PER_SEC;
}

static int
read_port(struct cli *cli, unsigned *port)
{
    const char *text = cli_option(cli, "port");
    char *end;
    unsigned long n = text && *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    *port = DEFAULT_PORT;
    if (!text)
        return CLI_OK;
    if (!n || *end || n > 65535)
        return cli_fail(cli, CLI_USAGE, "--port: \"%s\" is not a port", text);
    *port = (unsigned)n;
    return CLI_OK;
}

/* How long what is issued is good, in seconds. */
static int
read_valid(struct cli *cli, int64_t *valid)
{
    nsec_t duration = DEFAULT_DAYS * 86400 * NSEC_PER_SEC;
    int status = cli_duration(cli, "valid", NSEC_PER_SEC, "365d", &duration);
    *valid = duration / NSEC_PER_SEC;
    return status;
}

/* All values of an option, each one or several with commas; NULL: it was not given. */
static json_t *
read_list(struct cli *cli, const char *option)
{
    json_t *list = NULL;
    for (size_t i = 0; i < cli->args.n_given; i++) {
        const struct cli_given *given = &cli->args.given[i];
        if (strcmp(given->option->name, option) != 0)
            continue;
        list = list ? list : json_array();
        for (const char *at = given->value; *at;) {
            size_t n = strcspn(at, ",");
            if (n)
                json_array_append_new(list, json_stringn(at, n));
            at += n + (at[n] == ',');
        }
    }
    return list;
}

/* Ends a command: the document, or what `put` makes of it. Consumes `said`. */
static int
finish(struct cli *cli, enum err err, const struct diag *why, json_t *said,
       void (*put)(struct cli *, const json_t *))
{
    if (err)
        return cli_fail(cli, CLI_FAILED, "%s", why->text);
    if (cli->json) {
        cli_print(cli, said);
        return CLI_OK;
    }
    put(cli, said);
    json_decref(said);
    return CLI_OK;
}

static const struct column said_fields[] = {
    {"site", "site", AS_TEXT, NULL},
    {"centre", "centre", AS_TEXT, NULL},
    {"hub", "hub", AS_TEXT, NULL},
    {"authority", "fingerprint", AS_TEXT, NULL},
    {"addresses", "addresses", AS_TEXT, NULL},
    {"witnesses", "witnesses", AS_TEXT, NULL},
    {"witness for", "witness-for", AS_TEXT, NULL},
    {"revoked", "revoked", AS_TIME, NULL},
    {"expires", "expires", AS_TIME, NULL},
    {"configuration", "config", AS_TEXT, NULL},
    {"bundle", "bundle", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
put_said(struct cli *cli, const json_t *said)
{
    fields_put(&cli->out, said, said_fields, cli->utc);
}

static void
put_reload(struct cli *cli, const json_t *said)
{
    put_said(cli, said);
    buf_str(&cli->out, "now reload its nats-server: kill -HUP\n");
}

static void
put_request(struct cli *cli, const json_t *said)
{
    static const struct column fields[] = {
        {"site", "site", AS_TEXT, NULL},
        {"request", "request", AS_TEXT, NULL},
        {"fingerprint", "fingerprint", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    fields_put(&cli->out, said, fields, cli->utc);
}

/* Has somebody compared it? 1 with --fingerprint or an answer on the terminal. *given is what they
 * say it is; NULL: nobody needs to. */
static int
compare(struct cli *cli, const json_t *looked, bool needless, const char *whose, const char **given)
{
    const char *own = text_of(looked, "fingerprint");
    *given = cli_option(cli, "fingerprint");
    if (*given || needless)
        return CLI_OK;
    char *question = xasprintf("%s has the fingerprint\n  %s\nIs this what they told you?", whose,
                               own);
    bool yes = cli_confirm(question);
    free(question);
    if (!yes)
        return cli_fail(cli, CLI_FAILED,
                        "%s has the fingerprint %s: compare it with what they tell you, and say "
                        "--fingerprint",
                        whose, own);
    *given = own;
    return CLI_OK;
}

/* ---- At the centre ---- */

int
cmd_site_init(struct cli *cli)
{
    struct diag why = {""};
    struct centre_config config = {.now = now_seconds()};
    json_t *said = NULL;
    int status = cli_need(cli, "dir", "a new directory");
    if (!status)
        status = cli_need(cli, "hub", "HOST:PORT as the sites reach it");
    if (!status)
        status = read_port(cli, &config.port);
    if (!status)
        status = read_valid(cli, &config.valid);
    if (!status && cli_has(cli, "issuer") != cli_has(cli, "issuer-key"))
        status = cli_fail(cli, CLI_USAGE, "--issuer and --issuer-key go together");
    if (status)
        return status;
    config.dir = cli_option(cli, "dir");
    config.name = cli_has(cli, "name") ? cli_option(cli, "name") : "control-centre";
    config.hub = cli_option(cli, "hub");
    config.listen = cli_option(cli, "listen");
    config.ca_file = cli_option(cli, "issuer");
    config.ca_key_file = cli_option(cli, "issuer-key");
    enum err err = centre_init(&config, &said, &why);
    return finish(cli, err, &why, said, put_said);
}

static int
enrol(struct cli *cli, struct centre_request *request)
{
    struct diag why = {""};
    json_t *looked = NULL, *said = NULL;
    const char *path = cli_argument(cli, 0);
    if (centre_look(request, &looked, &why))
        return cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text);
    char *whose = xasprintf("the request of %s", text_of(looked, "site"));
    int status = compare(cli, looked, json_is_true(json_object_get(looked, "renews")), whose,
                         &request->fingerprint);
    if (!status) {
        enum err err = centre_enrol(request, &said, &why);
        status = finish(cli, err, &why, said, put_reload);
    }
    free(whose);
    json_decref(looked);
    return status;
}

int
cmd_site_enrol(struct cli *cli)
{
    struct buf text = BUF_INIT;
    struct centre_request request = {.now = now_seconds()};
    int status = cli_need(cli, "dir", "the centre's directory");
    if (!status)
        status = cli_need(cli, "out", "where the bundle for the site goes");
    if (!status)
        status = read_valid(cli, &request.valid);
    if (!status)
        status = cli_read_file(cli, cli_argument(cli, 0), &text);
    if (!status) {
        request.dir = cli_option(cli, "dir");
        request.text = buf_cstr(&text);
        request.size = text.size;
        request.out = cli_option(cli, "out");
        request.replace = cli_has(cli, "replace");
        request.addresses = read_list(cli, "addresses");
        request.witnesses = read_list(cli, "witness");
        request.witness_for = read_list(cli, "witness-for");
        status = enrol(cli, &request);
        json_decref(request.addresses);
        json_decref(request.witnesses);
        json_decref(request.witness_for);
    }
    buf_fini(&text);
    return status;
}

int
cmd_site_revoke(struct cli *cli)
{
    struct diag why = {""};
    json_t *said = NULL;
    int status = cli_need(cli, "dir", "the centre's directory");
    if (status)
        return status;
    enum err err = centre_revoke(cli_option(cli, "dir"), cli_argument(cli, 0), now_seconds(), &said,
                                 &why);
    return finish(cli, err, &why, said, put_reload);
}

/* ---- At a site ---- */

int
cmd_site_request(struct cli *cli)
{
    struct diag why = {""};
    struct site_config config = {0};
    json_t *said = NULL;
    int status = cli_need(cli, "dir", "a new directory");
    if (!status)
        status = cli_need(cli, "name", "the site's");
    if (!status)
        status = read_port(cli, &config.port);
    if (status)
        return status;
    json_t *addresses = read_list(cli, "addresses");
    config.dir = cli_option(cli, "dir");
    config.name = cli_option(cli, "name");
    config.addresses = addresses ? addresses : json_array();
    enum err err = site_request(&config, &said, &why);
    json_decref(config.addresses);
    return finish(cli, err, &why, said, put_request);
}

static int
install(struct cli *cli, struct site_bundle *bundle)
{
    struct diag why = {""};
    json_t *looked = NULL, *said = NULL;
    const char *path = cli_argument(cli, 0);
    if (site_look(bundle, &looked, &why))
        return cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text);
    char *whose = xasprintf("the authority of %s", text_of(looked, "centre"));
    int status = compare(cli, looked, json_is_true(json_object_get(looked, "known")), whose,
                         &bundle->fingerprint);
    if (!status && site_install(bundle, &said, &why))
        status = cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text);
    else if (!status)
        status = finish(cli, ERR_OK, &why, said, put_reload);
    free(whose);
    json_decref(looked);
    return status;
}

int
cmd_site_install(struct cli *cli)
{
    struct buf text = BUF_INIT;
    struct site_bundle bundle = {.now = now_seconds()};
    int status = cli_need(cli, "dir", "the site's directory");
    if (!status)
        status = cli_read_file(cli, cli_argument(cli, 0), &text);
    if (!status) {
        bundle.dir = cli_option(cli, "dir");
        bundle.text = buf_cstr(&text);
        bundle.size = text.size;
        status = install(cli, &bundle);
    }
    buf_fini(&text);
    return status;
}

/* ---- At both ---- */

int
cmd_site_rotate(struct cli *cli)
{
    struct diag why = {""};
    json_t *said = NULL;
    int64_t valid;
    int status = cli_need(cli, "dir", "the centre's or the site's directory");
    if (!status)
        status = read_valid(cli, &valid);
    if (status)
        return status;
    const char *dir = cli_option(cli, "dir");
    bool is_centre = centre_is(dir);
    if (!is_centre && cli_has(cli, "valid"))
        return cli_fail(cli, CLI_USAGE, "--valid: the centre says how long, when it enrols");
    enum err err = is_centre ? centre_rotate(dir, valid, now_seconds(), &said, &why)
                             : site_rotate(dir, &said, &why);
    return finish(cli, err, &why, said, is_centre ? put_reload : put_request);
}

static void
put_note(struct buf *out, const json_t *site, bool utc UNUSED)
{
    long long days = json_integer_value(json_object_get(site, "days-left"));
    bool expired = json_is_true(json_object_get(site, "expired"));
    bool renew = !expired && json_is_true(json_object_get(site, "renew"));
    if (expired)
        buf_str(out, "EXPIRED");
    if (renew)
        buf_printf(out, "rotate: %lld days left", days);
    if (json_object_get(site, "waiting"))
        buf_printf(out, "%sa request waits", expired || renew ? ", " : "");
}

static void
put_list(struct cli *cli, const json_t *said)
{
    static const struct column columns[] = {
        {"SITE", "site", AS_TEXT, NULL},
        {"STATE", "state", AS_TEXT, NULL},
        {"EXPIRES", "expires", AS_TIME, NULL},
        {"REVOKED", "revoked", AS_TIME, NULL},
        {"ADDRESSES", "addresses", AS_TEXT, NULL},
        {"WITNESSES", "witnesses", AS_TEXT, NULL},
        {"WITNESS FOR", "witness-for", AS_TEXT, NULL},
        {"NOTE", NULL, AS_TEXT, put_note},
        {NULL, NULL, AS_TEXT, NULL},
    };
    table_put_array(&cli->out, json_object_get(said, "sites"), columns, cli->utc);
}

int
cmd_site_enrolled(struct cli *cli)
{
    struct diag why = {""};
    json_t *said = NULL;
    int status = cli_need(cli, "dir", "the centre's or a site's directory");
    if (status)
        return status;
    const char *dir = cli_option(cli, "dir");
    enum err err = centre_is(dir) ? centre_list(dir, now_seconds(), &said, &why)
                                  : site_list(dir, now_seconds(), &said, &why);
    return finish(cli, err, &why, said, put_list);
}
