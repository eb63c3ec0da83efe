/* pccsim_options.h - the command line of tieline-pccsim. */
#ifndef PCCSIM_PCCSIM_OPTIONS_H
#define PCCSIM_PCCSIM_OPTIONS_H

#include "base/buf.h"
#include "base/log.h"
#include "pccsim/pcc.h"

#include <stdio.h>

/* Texts point into the command line. */
struct pccsim_options {
    const char *pce;    /* "127.0.0.1:4189" */
    const char *backup; /* of another PCE; NULL: none */
    const char *first;  /* source address of the first PCC; the others count up from it */
    uint32_t pccs, lsps, hops, faulty;
    uint32_t keepalive, deadtimer;
    uint32_t at_once; /* PCCs that connect at the same time */
    nsec_t reconnect; /* after a session ended; 0: never */
    nsec_t duration;  /* 0: until it is told to end */
    bool until_synced;
    bool undelegated;
    const char *ca, *cert, *key, *pce_name;
    bool tls_required;
    const char *script;    /* a file: script.h; NULL: none */
    struct pcc_config pcc; /* what all have in common; faults are for the faulty ones */
    enum log_level log_level;
};

enum pccsim_command { PCCSIM_RUN, PCCSIM_HELP, PCCSIM_VERSION };

/* ERR_INVALID: what is wrong, in words, with the option's name. */
MUST_CHECK enum err pccsim_options_parse(int argc, char **argv, struct pccsim_options *,
                                         enum pccsim_command *, struct diag *);
void pccsim_options_help(FILE *);

#endif
