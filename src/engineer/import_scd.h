/* import_scd.h - proposes circuits from a substation's SCD file (IEC 61850-6).
 *
 * What the file says becomes GOOSE, SV and MMS circuits between hosts of the inventory, each with
 * the evidence for it. Nothing is put into the network before the user accepts a proposal: many
 * files are incomplete, and a wrong one would open what nobody asked for. An IED is the host that
 * names it in `ied`, or that has its name.
 *
 * Evidence: addresses of control blocks (GSE, SMV) and of IEDs (ConnectedAP); subscribers that the
 * publisher declares (IEDName), that bind their inputs (ExtRef with srcCBName), or that supervise
 * the subscription (LGOS, LSVS); clients of reports (ClientLN) and of polled data (ExtRef of
 * serviceType Poll or Report), which open an MMS connection (TCP port 102 or MMS-Port) to the
 * server.
 *
 * Rate and burst, stated so that the meters let pass what the publisher may send, and not much
 * more:
 *
 *     GOOSE  frame = header + 4 + references + 51 + values, at least 64
 *            rate  = frame / MinTime, burst = 4 frames
 *     SV     frame = header + 11 + nofASDU * (svID + 20 + options + values), at least 64
 *            rate  = frame * frames per second + 5 %, burst = 8 frames
 *     MMS    rate  = 1000 kbit/s, burst = 15180 octets
 *
 *     header            26 octets: Ethernet, VLAN tag, APPID to reserved 2
 *     references        of control block and data set, and goID, with tag and length
 *     51                all other fields (IEC 61850-8-1 annex A) at their longest
 *     MinTime           4 ms if it is not stated
 *     frames per second SmpPerPeriod: smpRate * frequency / nofASDU, the frequency being nomFreq,
 *                       or 60 Hz if it is not stated; SmpPerSec: smpRate / nofASDU; SecPerSmp:
 *                       at most 1
 *
 * The values of a data set are estimated from the names of its members. GOOSE and SV are of class
 * protection, MMS is scada. A burst is rounded up to hundreds.
 *
 * Findings have these codes (kind of object: file, ied, access-point, control-block, address,
 * input):
 *
 * | code | severity | it means |
 * |---|---|---|
 * | not-readable | error | no well-formed SCL; nothing is proposed |
 * | namespace-wrong | warning | another namespace than 2003/SCL |
 * | ied-duplicate, control-block-duplicate | error | two of one name; the first counts |
 * | address-duplicate | warning | two addresses of one control block; the first counts |
 * | access-point-missing | warning | an IED with a server, but in no SubNetwork |
 * | ied-unknown | error | a name that no IED in the file has |
 * | ied-not-in-inventory | error | a circuit needs it, but no host is this IED |
 * | control-block-without-address | error | it cannot send; a warning if nobody listens |
 * | address-without-control-block | warning | of a control block that does not exist |
 * | control-block-unknown | error | an ExtRef to one that does not exist |
 * | data-set-missing | warning | it has none, or one that does not exist |
 * | gsse-unsupported, unicast-unsupported | warning | only GOOSE and multicast are proposed |
 * | mac-malformed, mac-missing, mac-not-group | error | |
 * | mac-not-upper-case | info | the standard wants capitals |
 * | appid-malformed, appid-missing, vlan-malformed | error | |
 * | vlan-zero | info | VLAN 000 or none: priority-tagged, so every VLAN or none |
 * | priority-malformed | warning | taken as 4 |
 * | time-malformed | warning | MinTime; taken as 4 ms |
 * | sample-rate-malformed | warning | smpRate or nofASDU; taken as 80 and 1 |
 * | multicast-duplicate | error | two with the same MAC address, VLAN and APPID |
 * | mac-vlan-duplicate, appid-duplicate | warning | two with that in common |
 * | publisher-without-subscribers | warning | nobody is known to listen; dropped by default |
 * | subscriber-is-publisher | warning | declared as its own subscriber |
 * | supervision-only | warning | supervised, but neither declared nor bound |
 * | supervision-unknown | warning | supervises a control block that does not exist |
 * | input-unbound | warning | an ExtRef that names no control block: a decision is needed |
 * | input-open | info | inputs that are bound to nothing |
 * | address-malformed | error | an IP address that is none |
 * | ip-duplicate | error | two IEDs with one address |
 * | ip-mismatch | error | another address than the inventory's host has |
 * | ip-missing | warning | the IED's access points have no IP address, but it has MMS clients |
 */
#ifndef ENGINEER_IMPORT_SCD_H
#define ENGINEER_IMPORT_SCD_H

#include "model/model.h"
#include "model/report.h"

struct scd_evidence {
    char *text;    /* "ExtRef: 2 bound by RELAY_A2" */
    uint32_t line; /* in the file */
};

struct scd_proposal {
    struct circuit *circuit; /* as far as it is known; complete if it is importable */
    bool importable;         /* it can be put into the network as it is */
    char **reasons;          /* if it cannot: why */
    size_t n_reasons;
    struct scd_evidence *evidence;
    size_t n_evidence;
};

struct scd_import {
    char *file;
    char *edition; /* "1", "2007B4"; NULL: the file could not be read */
    size_t n_ieds;
    struct scd_proposal *proposals; /* GOOSE, SV, MMS, each in the file's order */
    size_t n_proposals;
    struct findings findings;
};

/* Reads the file and compares it with the network, which is not changed. `file` is what it is to be
 * called. The caller owns the result, also if there is an error (then it has findings, but no
 * proposals). ERR_MALFORMED, ERR_UNSUPPORTED, ERR_LIMIT as scd_parse(). */
enum err scd_import(const struct network *, const char *file, const char *text, size_t size,
                    struct scd_import **);
void scd_import_free(struct scd_import *); /* NULL is fine */

/* The circuit of that name; NULL: none. */
const struct scd_proposal *scd_import_find(const struct scd_import *, const char *circuit);

/* Puts proposals into the network: those named, or with n_names 0 all that are importable. All or
 * nothing, see stage_finish(). A name that is not there or not importable is an error in the
 * report. */
MUST_CHECK enum err scd_import_apply(struct network *, const struct scd_import *,
                                     const char *const *names, size_t n_names, bool dry_run,
                                     struct report *);

/* {"file", "edition", "ieds", "proposals": [{"circuit", "importable", "reasons", "evidence":
 * [{"text", "line"}]}], "findings"}. */
json_t *scd_import_to_json(const struct scd_import *);

#endif
