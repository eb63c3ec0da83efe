#include "tielined/options.h"

#include "base/options.h"
#include "tielined/sites.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifndef TIELINE_DATA_DIR
#define TIELINE_DATA_DIR "/usr/share/tieline"
#endif

static enum err
set_level(void *options, const char *text, struct diag *diag)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i], text)) {
            ((struct options *)options)->log_level = (enum log_level)i;
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "\"%s\" is not error, warn, info or debug", text);
}

static const struct option_row rows[] = {
#define DAEMON(member) offsetof(struct options, daemon.member)
    TEXT_OPTION("site", "NAME", DAEMON(site), NULL, "the site whose services these are"),
    TEXT_OPTION("roles", "LIST", DAEMON(roles), "lan,wan,assure,orchestrate,gateway",
                "the services that run"),
    TEXT_OPTION("journal", "PLACE", DAEMON(journal), NULL,
                "the site's journal, a file or postgresql://...; made if it is not there"),
    FLAG_OPTION("standby", DAEMON(standby),
                "wait if another has the journal; one in PostgreSQL is waited for anyway"),
    TEXT_OPTION("instance", "NAME", DAEMON(instance), "", "who leads, as the others are told"),
    NUMBER_OPTION("lease", "MS", DAEMON(lease_ms), 1000000,
                  "how long it leads when it is not heard of (3000)"),
    TEXT_OPTION("ca", "FILE", DAEMON(ca), NULL, "PEM: the CAs whose certificates count"),
    TEXT_OPTION("cert", "FILE", DAEMON(cert), NULL, "PEM: our certificate"),
    TEXT_OPTION("key", "FILE", DAEMON(key), NULL, "PEM: its private key"),
    TEXT_OPTION("openflow", "ADDRESS", DAEMON(openflow), "0.0.0.0:6653",
                "where switches connect to"),
    TEXT_OPTION("rpc", "ADDRESS", DAEMON(rpc), "0.0.0.0:6654",
                "where the nodes' agents connect to"),
    TEXT_OPTION("https", "ADDRESS", DAEMON(https), "0.0.0.0:8443", "where the API listens"),
    TEXT_OPTION("users", "FILE", DAEMON(users), NULL, "JSON: who has which roles"),
    TEXT_OPTION("oidc", "FILE", DAEMON(oidc), "", "JSON: the identity provider that is trusted"),
    TEXT_OPTION("schema", "DIR", DAEMON(schema), TIELINE_DATA_DIR "/schema", "the YANG modules"),
    TEXT_OPTION("workflows", "DIR", DAEMON(workflows), TIELINE_DATA_DIR "/workflows",
                "the workflows"),
    TEXT_OPTION("sensors", "ADDRESS", DAEMON(sensors), "",
                "where sensors connect: unix:PATH (mode 0660), or IP:PORT with certificates"),
    TEXT_OPTION("syslog", "SERVER", DAEMON(syslog), "",
                "who is told of alerts, in CEF: udp:IP:PORT or tcp:IP:PORT"),
    TEXT_OPTION("advisories", "PATH", DAEMON(advisories), "",
                "of makers, CSAF 2.0: which devices are affected; a file, or a directory"),
    TEXT_OPTION("wan", "FILE", DAEMON(wan), "",
                "YAML: where the WAN's routers connect, and where its network is learned from"),
    TEXT_OPTION("bus", "URL", DAEMON(bus), "", "the NATS server that leads to other sites"),
    TEXT_OPTION("bus-credentials", "FILE", DAEMON(bus_credentials), "",
                "who we are to it (.creds)"),
    TEXT_OPTION("bus-ca", "FILE", DAEMON(bus_ca), "", "PEM: its CAs, if not --ca"),
    TEXT_OPTION("bus-cert", "FILE", DAEMON(bus_cert), "",
                "PEM: our certificate for it, if not --cert"),
    TEXT_OPTION("bus-key", "FILE", DAEMON(bus_key), "", "PEM: its private key"),
    TEXT_OPTION("copies", "DIR", DAEMON(copies), "",
                "of other sites' journals, if not JOURNAL.sites"),
    TEXT_OPTION("centre", "SITE", DAEMON(centre), "", "the control centre, if this is not it"),
    TEXT_OPTION("peers", "LIST", DAEMON(peers), "", "the centre's sites, as in sub-a=1,sub-b=2"),
    TEXT_OPTION("domain", "LIST", DAEMON(domain), "",
                "the sites whose nodes are ours, if not ours alone"),
    NUMBER_OPTION("number", "N", DAEMON(number), SITES_MAX - 1,
                  "of this site, as the centre has it among its peers"),
    TEXT_OPTION(
        "checkpoint-key", "FILE", DAEMON(checkpoint_key), "",
        "PEM: signs what the journal is from time to time, and countersigns what others' are"),
    TEXT_OPTION("checkpoint-every", "EVERY", DAEMON(checkpoint_every), "",
                "how often: a time, a number of events, or both, as in 10m,500 (10m)"),
    TEXT_OPTION("checkpoints", "FILE", DAEMON(checkpoints), "",
                "where they are kept, if not JOURNAL.checkpoints"),
    TEXT_OPTION(
        "witness-keys", "FILE", DAEMON(witness_keys), "",
        "public keys of other sites, a line of `tieline content key` each, by the site's name"),
    TEXT_OPTION("witnesses", "LIST", DAEMON(witnesses), "",
                "peers that countersign our checkpoints, if not the first two that have a key"),
    TEXT_OPTION("trust", "FILE", DAEMON(trust), "",
                "whose signatures schema and workflows must carry (tieline content); not given: "
                "any are taken"),
    FLAG_OPTION("accept-older", DAEMON(accept_older),
                "take an older release of them than was there before"),
    FLAG_OPTION("one-clock", DAEMON(one_clock), "all nodes read one clock, as in a lab"),
    NUMBER_OPTION("test-rate", "N", DAEMON(test_rate), 1000000,
                  "test packets a second from a node, at most"),
    NUMBER_OPTION("test-events", "N", DAEMON(test_events), 1000000,
                  "of a lab: events a second in the journal"),
    TEXT_OPTION(
        "probe", "ADDRESS", offsetof(struct options, probe), "",
        "where a supervisor asks whether it lives, has started, leads; IP:PORT or unix:PATH"),
    TEXT_OPTION("ask", "WORD", offsetof(struct options, ask), "",
                "asks another tielined at --probe: lives, started or leads, and ends"),
    OTHER_OPTION("log", "LEVEL", set_level, "info", "error, warn, info or debug"),
    FLAG_OPTION("help", offsetof(struct options, help), "this"),
    FLAG_OPTION("version", offsetof(struct options, version), "which version this is"),
#undef DAEMON
};

enum err
options_parse(int argc, char *const *argv, struct options *result, struct diag *diag)
{
    struct options o = {.log_level = LOG_INFO};
    enum err err = options_read(rows, ARRAY_SIZE(rows), argc, argv, &o, diag);
    if (err)
        return err;
    if (o.ask && !o.probe)
        return diag_set(diag, ERR_INVALID, "--ask needs --probe: whom");
    if (!o.help && !o.version && !o.ask)
        err = options_complete(rows, ARRAY_SIZE(rows), &o, diag);
    if (err)
        return err;
    *result = o;
    return ERR_OK;
}

void
options_help(FILE *out)
{
    fputs("tielined - the services of a site: LAN controller, work orders, tests, API\n\n", out);
    options_explain(out, rows, ARRAY_SIZE(rows));
}
