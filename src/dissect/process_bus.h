/* process_bus.h - what GOOSE and Sampled Values have around their APDUs: the header behind the
 * EtherType, or the session of IEC TR 61850-90-5 over UDP. */
#ifndef DISSECT_PROCESS_BUS_H
#define DISSECT_PROCESS_BUS_H

#include "base/iec61850.h"
#include "dissect/protocol.h"

/* The first fields of both. */
enum process_bus_field {
    PROCESS_BUS_APPID,
    PROCESS_BUS_LENGTH, /* as the header says */
    PROCESS_BUS_SIMULATED,
    PROCESS_BUS_RESERVED_1, /* where they are not zero, but for the bit above */
    PROCESS_BUS_RESERVED_2,
    PROCESS_BUS_SPDU_NUMBER, /* over UDP */
    PROCESS_BUS_SESSION_VERSION,
    PROCESS_BUS_KEY_ID,
    PROCESS_BUS_SIGNED,
    PROCESS_BUS_FIELDS
};

#define PROCESS_BUS_FIELD_INFO                                                                     \
    [PROCESS_BUS_APPID] = {"appid", FIELD_UINT, NULL, "what subscribers select messages by"},      \
    [PROCESS_BUS_LENGTH] = {"length", FIELD_UINT, NULL, "as the header says"},                     \
    [PROCESS_BUS_SIMULATED] = {"simulated", FIELD_BOOL, NULL, "made by a test set (header)"},      \
    [PROCESS_BUS_RESERVED_1] = {"reserved-1", FIELD_UINT, NULL, "of the header, if not zero"},     \
    [PROCESS_BUS_RESERVED_2] = {"reserved-2", FIELD_UINT, NULL, "of the header, if not zero"},     \
    [PROCESS_BUS_SPDU_NUMBER] = {"spdu-number", FIELD_UINT, NULL, "counts a sender's datagrams"},  \
    [PROCESS_BUS_SESSION_VERSION] = {"session-version", FIELD_UINT, NULL, "of the session"},       \
    [PROCESS_BUS_KEY_ID] = {"key-id", FIELD_UINT, NULL, "which key of the group signs"},           \
    [PROCESS_BUS_SIGNED] = {"signed", FIELD_BOOL, NULL, "a signature follows"}

struct process_bus {
    const char *name; /* of its APDU, for errors */
    uint32_t tag;     /* of that: the function of the message */
    uint32_t request; /* another that there may be on Ethernet; 0: none */
    uint8_t spdu, payload;
    void (*apdu)(struct dissection *, struct cursor *); /* reads one into the message begun */
};

void process_bus_dissect(const struct process_bus *, struct dissection *, struct cursor *);
int process_bus_looks(const struct process_bus *, const uint8_t *message, size_t size);

#endif
