/* iso.h - what the protocols at TCP port 102 stand on: TPKT (RFC 1006) around the TPDUs of ISO 8073
 * (X.224), class 0: connection request and confirm with their TSAPs, disconnect, error, and data in
 * segments up to the one that ends the user's data (EOT).
 *
 * Who is connected says little about what will be said: a connection request only hints at it, and
 * never settles which protocol it is (LOOKS_SHARED). A protocol puts the rows of these fields first
 * in its table, and those of these functions last. */
#ifndef PROTO_OT_ISO_ISO_H
#define PROTO_OT_ISO_ISO_H

#include "dissect/protocol.h"

#define ISO_TPKT_MAX 65535u
#define ISO_TPDU(code) (0x100000u | (code)) /* `function` of a message that is only a TPDU */

enum iso_field {
    ISO_SOURCE,
    ISO_DESTINATION,
    ISO_CALLING_TSAP,
    ISO_CALLED_TSAP,
    ISO_TPDU_SIZE,
    ISO_REASON,
    ISO_SEGMENT, /* octets of user data, of which more follow, or the beginning was not seen */
    ISO_N_FIELDS,
};

#define ISO_FIELD_ROWS                                                                             \
    [ISO_SOURCE] = {"source-reference", FIELD_UINT, NULL, "of the transport connection"},          \
    [ISO_DESTINATION] = {"destination-reference", FIELD_UINT, NULL,                                \
                         "of the transport connection"},                                           \
    [ISO_CALLING_TSAP] = {"calling-tsap", FIELD_OCTETS, NULL, "who connects"},                     \
    [ISO_CALLED_TSAP] = {"called-tsap", FIELD_OCTETS, NULL, "who it connects to"},                 \
    [ISO_TPDU_SIZE] = {"tpdu-size", FIELD_UINT, NULL, "octets of a TPDU at most"},                 \
    [ISO_REASON] = {"reason", FIELD_UINT, NULL, "of a disconnection, or of an error"},             \
    [ISO_SEGMENT] = {"segment", FIELD_UINT, NULL, "octets of user data that is not whole"}

#define ISO_FUNCTION_ROWS                                                                          \
    {ISO_TPDU(0x70), "transport-error", ACT_LINK},                                                 \
        {ISO_TPDU(0x80), "disconnect-request", ACT_LINK},                                          \
        {ISO_TPDU(0xc0), "disconnect-confirm", ACT_LINK},                                          \
        {ISO_TPDU(0xd0), "connection-confirm", ACT_LINK},                                          \
        {ISO_TPDU(0xe0), "connection-request", ACT_LINK},                                          \
    {                                                                                              \
        ISO_TPDU(0xf0), "data-segment", ACT_LINK                                                   \
    }

struct iso_tpdu {
    uint8_t code;           /* the upper four bits: 0xe0 a connection request, 0xf0 data */
    bool ends;              /* EOT, of data */
    const uint8_t *tsap[2]; /* calling, called; NULL: not said */
    uint8_t tsap_size[2];
    uint16_t source, destination;
    uint32_t tpdu_size; /* 0: not said */
    uint8_t reason;
    const uint8_t *data; /* user data */
    size_t size;
};

enum frame_found iso_frame(const uint8_t *, size_t, size_t *);

/* One TPKT, whole; errors are the cursor's. */
void iso_read(struct cursor *, struct iso_tpdu *);

/* How much a TPDU that is no data looks like the protocols at port 102: LOOKS_SHARED where it
 * connects TSAPs, else LOOKS_NOT; remote desktops, for one, connect without. */
int iso_looks(const struct iso_tpdu *);

/* Data of one way that waits for its end. */
struct iso_assembly {
    bool is_open, is_too_long;
    uint32_t size;
};

/* How a protocol wants to be carried. */
struct iso_carriage {
    struct iso_assembly *assembly; /* of the way; NULL: segments are not put together */
    uint8_t *octets;               /* where they are, */
    size_t room;                   /* and how many may be */
    /* Adds what the protocol knows of a connection's TPDU to its PDU; may be NULL. */
    void (*connection)(struct dissection *, const struct iso_tpdu *);
};

/* Reads the message; true: user data is whole, in `*user`, which lasts as long as the message and
 * `octets`. False: it was something else, which has been given, or an error. */
bool iso_take(struct dissection *, struct cursor *message, const struct iso_carriage *,
              struct cursor *user);
/* An error within user data as one of the message. */
void iso_fail(struct cursor *message, const struct cursor *user);

#endif
