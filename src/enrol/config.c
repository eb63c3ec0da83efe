#include "enrol/config.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void
put_common(struct buf *out, const struct config *c)
{
    char account[NKEY_PUBLIC_LENGTH + 1], system[NKEY_PUBLIC_LENGTH + 1];
    const char *key;
    json_t *jwt;
    nkey_put_public(c->account, account);
    nkey_put_public(c->system, system);
    buf_printf(out,
               "# Written by `tieline site`: a change made here is lost with the next.\n"
               "server_name: \"%s\"\n"
               "listen: \"127.0.0.1:%u\"\n"
               "tls {\n"
               "    cert_file: \"%s/current/server.pem\"\n"
               "    key_file: \"%s/current/server.key\"\n"
               "    ca_file: \"%s/current/ca.pem\"\n"
               "    verify: true\n"
               "    timeout: 5\n"
               "}\n",
               c->site, c->port, c->dir, c->dir, c->dir);
    /* A peer is given up when a third ping is due and two are not answered: after 1.2 to 1.8 s.
     * Then another way to it is tried (doc/sites.md). */
    buf_str(out, "ping_interval: \"600ms\"\nping_max: 2\nwrite_deadline: \"5s\"\n"
                 "max_payload: 1048576\nmax_pending: 67108864\nmax_connections: 1024\n"
                 "max_subscriptions: 4096\nmax_control_line: 4096\n");
    buf_printf(out,
               "operator: \"%s\"\n"
               "system_account: %s\n"
               "resolver: MEMORY\n"
               "resolver_preload: {\n"
               "    %s: \"%s\"\n"
               "    %s: \"%s\"\n",
               c->operator_jwt, system, account, c->account_jwt, system, c->system_jwt);
    json_object_foreach((json_t *)c->more, key, jwt)
        buf_printf(out, "    %s: \"%s\"\n", key, json_string_value(jwt));
    buf_str(out, "}\n");
}

void
config_put_hub(struct buf *out, const struct config *c, const char *listen, const char *hub)
{
    char *first = xstrndup(hub, strcspn(hub, ","));
    put_common(out, c);
    buf_printf(out,
               "leafnodes {\n"
               "    listen: \"%s\"\n"
               "    advertise: \"%s\"\n"
               "    tls {\n"
               "        cert_file: \"%s/current/server.pem\"\n"
               "        key_file: \"%s/current/server.key\"\n"
               "        ca_file: \"%s/current/sites.pem\"\n"
               "        verify: true\n"
               "        timeout: 5\n"
               "    }\n"
               "}\n",
               listen, first, c->dir, c->dir, c->dir);
    free(first);
}

void
config_put_site(struct buf *out, const struct config *c, const char *hub)
{
    char account[NKEY_PUBLIC_LENGTH + 1];
    nkey_put_public(c->account, account);
    put_common(out, c);
    buf_str(out, "leafnodes {\n"
                 "    reconnect: 1\n"
                 "    remotes: [{\n"
                 "        urls: [");
    for (const char *at = hub; *at; at += strcspn(at, ","), at += *at == ',')
        buf_printf(out, "%s\"tls://%.*s\"", at == hub ? "" : ", ", (int)strcspn(at, ","), at);
    buf_printf(out,
               "]\n"
               "        no_randomize: true\n"
               "        account: \"%s\"\n"
               "        credentials: \"%s/current/leaf.creds\"\n"
               "        tls {\n"
               "            cert_file: \"%s/current/server.pem\"\n"
               "            key_file: \"%s/current/server.key\"\n"
               "            ca_file: \"%s/current/ca.pem\"\n"
               "            timeout: 5\n"
               "        }\n"
               "    }]\n"
               "}\n",
               account, c->dir, c->dir, c->dir, c->dir);
}

enum err
config_parse_address(const char *text, char **host, unsigned *port)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    bool bracket = *text == '[';
    const char *start = text + bracket;
    size_t n = bracket ? strspn(start, "0123456789abcdefABCDEF:.") : strspn(start, letters);
    const char *at = start + n;
    if (!n || n > 253 || (bracket && *at++ != ']') || *at++ != ':' || *at < '1' || *at > '9')
        return ERR_MALFORMED;
    char *end;
    unsigned long number = strtoul(at, &end, 10);
    if (*end || number > 65535)
        return ERR_MALFORMED;
    *host = xstrndup(start, n);
    *port = (unsigned)number;
    return ERR_OK;
}

enum err
config_parse_hubs(const char *text, char **hosts, unsigned *port)
{
    struct buf list = BUF_INIT;
    enum err err = ERR_OK;
    unsigned n = 0, other;
    for (const char *at = text; !err && (n == 0 || *at); n++) {
        size_t length = strcspn(at, ",");
        char *host = NULL, *one = xstrndup(at, length);
        err = n == CONFIG_HUBS ? ERR_MALFORMED
                               : config_parse_address(one, &host, n ? &other : port);
        if (!err)
            buf_printf(&list, "%s%s", n ? "," : "", host);
        free(host);
        free(one);
        at += length + (at[length] == ',');
    }
    if (err)
        buf_fini(&list);
    else
        *hosts = buf_steal_cstr(&list);
    return err;
}
