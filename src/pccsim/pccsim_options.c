#include "pccsim/pccsim_options.h"

#include "base/options.h"

#include <stdlib.h>
#include <string.h>

/* ---- values */

static enum err
take_duration(const char *text, nsec_t *to, struct diag *diag)
{
    if (time_parse_duration(text, to) || *to < 0)
        return diag_set(diag, ERR_INVALID, "\"%s\" is not a duration like 200ms or 5s", text);
    return ERR_OK;
}

#define DURATION(function, member)                                                                 \
    static enum err function(void *options, const char *text, struct diag *diag)                   \
    {                                                                                              \
        struct pccsim_options *o = options;                                                        \
        return take_duration(text, &o->member, diag);                                              \
    }

DURATION(take_reconnect, reconnect)
DURATION(take_duration_of_all, duration)
DURATION(take_answer_after, pcc.answer_after)
DURATION(take_up_after, pcc.up_after)
DURATION(take_state_timeout, pcc.state_timeout)
DURATION(take_flap, pcc.faults.flap_every)
DURATION(take_garbage, pcc.faults.garbage_every)

/* "24/1" */
static enum err
take_error(void *options, const char *text, struct diag *diag)
{
    struct pccsim_options *o = options;
    char type[4] = "";
    const char *slash = strchr(text, '/');
    uint64_t t, v;
    if (slash && (size_t)(slash - text) < sizeof type)
        memcpy(type, text, (size_t)(slash - text));
    if (!slash || !option_number(type, 10, 1, UINT8_MAX, &t) ||
        !option_number(slash + 1, 10, 0, UINT8_MAX, &v))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not TYPE/VALUE of a PCErr, like 24/1", text);
    o->pcc.faults.refusal = (struct pcep_error){(uint8_t)t, (uint8_t)v};
    return ERR_OK;
}

static enum err
take_lie(void *options, const char *text, struct diag *diag)
{
    bool *lie = pcc_lie(&((struct pccsim_options *)options)->pcc.faults, text);
    if (!lie)
        return diag_set(diag, ERR_INVALID, "\"%s\" is none of " PCC_LIES, text);
    *lie = true;
    return ERR_OK;
}

/* ---- the table */

#define AT(member) offsetof(struct pccsim_options, member)

static const struct option_row rows[] = {
    TEXT_OPTION("pce", "ADDRESS", AT(pce), "127.0.0.1:4189", "where the PCE listens"),
    TEXT_OPTION("backup", "ADDRESS", AT(backup), "",
                "another PCE, which each has a session with, too"),
    NUMBER_OPTION("pccs", "N", AT(pccs), 65000, "routers [1]"),
    NUMBER_OPTION("lsps", "N", AT(lsps), 65535, "LSPs of each [10]"),
    NUMBER_OPTION("hops", "N", AT(hops), PCC_MAX_HOPS, "labels of each LSP [4]"),
    TEXT_OPTION("first", "ADDRESS", AT(first), "127.1.0.1",
                "the first one's own address; the others count up from it"),
    FLAG_OPTION("undelegated", AT(undelegated), "no LSP is delegated"),
    NUMBER_OPTION("keepalive", "SECONDS", AT(keepalive), 254, "between keepalives [30]"),
    NUMBER_OPTION("deadtimer", "SECONDS", AT(deadtimer), 255, "of silence [four times that]"),
    FLAG_OPTION("db-version", AT(pcc.db_version),
                "LSPs that the PCE knows are not reported again (RFC 8232 section 3)"),
    FLAG_OPTION("delta", AT(pcc.delta), "only those that changed are (RFC 8232 section 4)"),
    FLAG_OPTION("triggered", AT(pcc.triggered),
                "nothing is reported before the PCE asks for it (RFC 8232 section 5)"),
    FLAG_OPTION("sr-policy", AT(pcc.sr_policy),
                "offers SR policies as associations (RFC 9862), and reports what it was told"),
    OTHER_OPTION("answer-after", "DURATION", take_answer_after, "",
                 "an order is answered so much later [0]"),
    OTHER_OPTION("up-after", "DURATION", take_up_after, "",
                 "and its LSP, going up until then, is up [0]"),
    NUMBER_OPTION("requests", "N", AT(pcc.n_requests), 1000000,
                  "paths that each asks for, one after the other"),
    NUMBER_OPTION("changes", "N", AT(pcc.changes_per_s), 1000000,
                  "state changes a second that each reports by itself"),
    OTHER_OPTION("state-timeout", "DURATION", take_state_timeout, "",
                 "LSPs that a PCE created stay so long without it [60s]"),
    OTHER_OPTION("reconnect", "DURATION", take_reconnect, "",
                 "after a session ended; 0: never [1s]"),
    NUMBER_OPTION("at-once", "N", AT(at_once), 65000, "routers that connect at a time [50]"),
    OTHER_OPTION("duration", "DURATION", take_duration_of_all, "",
                 "ends then [when it is told to]"),
    FLAG_OPTION("until-synced", AT(until_synced), "ends when all have reported all"),
    TEXT_OPTION("ca", "FILE", AT(ca), "", "TLS (RFC 8253): who vouches for the PCE, PEM"),
    TEXT_OPTION("cert", "FILE", AT(cert), "", "the certificate of all routers"),
    TEXT_OPTION("key", "FILE", AT(key), "", "its key"),
    TEXT_OPTION("pce-name", "NAME", AT(pce_name), "", "that the PCE's certificate must have"),
    NUMBER_OPTION("faulty", "N", AT(faulty), 65000, "routers that do what follows [all]"),
    NUMBER_OPTION("refuse-every", "K", AT(pcc.faults.refuse_every), 1000000000,
                  "the K-th order is refused"),
    OTHER_OPTION("refuse-with", "TYPE/VALUE", take_error, "", "so [24/1]"),
    NUMBER_OPTION("silent-every", "K", AT(pcc.faults.silent_every), 1000000000,
                  "the K-th order is never answered"),
    NUMBER_OPTION("revoke-every", "K", AT(pcc.faults.revoke_every), 1000000000,
                  "the K-th update ends the delegation"),
    OTHER_OPTION("flap-every", "DURATION", take_flap, "", "the connection is cut"),
    OTHER_OPTION("garbage-every", "DURATION", take_garbage, "", "octets come that are no PCEP"),
    FLAG_OPTION("half-message", AT(pcc.faults.half), "stops in the middle of a message"),
    FLAG_OPTION("flood", AT(pcc.faults.flood), "reports changes as fast as they are taken"),
    FLAG_OPTION("never-end", AT(pcc.faults.never_end), "the synchronisation has no end"),
    OTHER_OPTION("lie", "WHAT", take_lie, "", PCC_LIES "; may be repeated"),
    TEXT_OPTION("script", "FILE", AT(script), "", "what they do when, line by line"),
};

enum err
pccsim_options_parse(int argc, char **argv, struct pccsim_options *o, enum pccsim_command *command,
                     struct diag *diag)
{
    *o = (struct pccsim_options){.pccs = 1,
                                 .lsps = 10,
                                 .hops = 4,
                                 .keepalive = 30,
                                 .at_once = 50,
                                 .reconnect = NSEC_PER_SEC,
                                 .pcc.faults.refusal = {24, 1},
                                 .log_level = LOG_INFO};
    *command = PCCSIM_RUN;
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "--version"))) {
        *command = !strcmp(argv[1], "--help") ? PCCSIM_HELP : PCCSIM_VERSION;
        return ERR_OK;
    }
    enum err err = options_read(rows, ARRAY_SIZE(rows), argc, argv, o, diag);
    if (!err)
        err = options_complete(rows, ARRAY_SIZE(rows), o, diag);
    if (err)
        return err;
    int files = (o->ca != NULL) + (o->cert != NULL) + (o->key != NULL);
    if (files && files != 3)
        return diag_set(diag, ERR_INVALID, "--ca, --cert and --key come together");
    if (!o->faulty)
        o->faulty = o->pccs;
    return ERR_OK;
}

void
pccsim_options_help(FILE *out)
{
    fputs("tieline-pccsim [OPTION ...]\n"
          "Plays many routers to a path computation element. Ends with a summary in JSON.\n\n",
          out);
    options_explain(out, rows, ARRAY_SIZE(rows));
    fputs("  --help, --version\n", out);
}
