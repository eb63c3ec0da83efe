/* assets.h - the devices that were seen: at which addresses, what they are, by which evidence, what
 * they speak and in which role. Pure; bounded: the longest silent makes room.
 *
 * A device is known by its IP address, or by its MAC address where it speaks without IP; one behind
 * a gateway has the gateway's address and its number there. An attribute has the value of which the
 * evidence is strongest, the newest of equals; that it changed is told. */
#ifndef SENSOR_ASSETS_H
#define SENSOR_ASSETS_H

#include "base/buf.h"
#include "sensor/conversation.h"
#include "sensor/identity.h"
#include "sensor/oui.h"

#define ASSETS_MAX 16384
#define ASSET_TEXT_MAX 200 /* octets of a value; what is longer is cut */
#define ASSET_PROTOCOLS 16 /* that are remembered of one */
#define ASSET_ROUTER_IPS 5 /* a MAC with so many IP addresses is a router's, and says nothing */

/* Bits. */
enum asset_role {
    ROLE_CLIENT = 1,       /* asks others: master, controlling station */
    ROLE_SERVER = 2,       /* answers: outstation, controlled station */
    ROLE_PUBLISHER = 4,    /* tells without being asked */
    ROLE_COMMANDER = 8,    /* operates, writes, selects */
    ROLE_ENGINEERING = 16, /* loads programs, stops, starts, configures */
};

struct asset_address {
    uint8_t octets[16]; /* as in struct end */
    uint8_t ip;         /* 4, 6; 0: it is a MAC */
    uint8_t has_member;
    uint16_t member; /* behind a gateway: a Modbus unit */
};

struct asset_value {
    char *text;           /* printable; NULL: not known */
    const char *protocol; /* static; "oui" of a vendor by its MAC */
    const char *field;    /* static */
    uint8_t confidence;
    nsec_t first, last; /* when it was said */
};

struct asset {
    struct asset_address address;
    struct mac mac; /* zero: not known, or a router's */
    nsec_t first, last;
    uint8_t roles;
    unsigned n_protocols;
    struct asset_protocol {
        const struct protocol *protocol;
        uint8_t roles;
    } protocols[ASSET_PROTOCOLS];
    struct asset_value values[ATTRIBUTES];
};

struct assets; /* Opaque. */

struct assets_config {
    const struct protocol *const *protocols; /* ends with NULL */
    const struct oui_registry *registry;     /* borrowed; NULL: no vendors by MAC */
    uint32_t most;                           /* 0: ASSETS_MAX */
    void *arg;
    /* A new device; one whose attribute has another value than `was` (NULL: none yet, or what was
     * known was of other evidence, and is only known better now). NULL is fine. */
    void (*found)(void *arg, const struct asset *);
    /* Evidence, new or not; not of MAC addresses. The text is the message's. */
    void (*said)(void *arg, const struct asset *, const struct identity_row *, const char *text,
                 size_t size);
    void (*changed)(void *arg, const struct asset *, enum attribute, const char *was);
};

/* ERR_INVALID: a row of identity.h names what no protocol has. */
MUST_CHECK enum err assets_new(const struct assets_config *, struct assets **, struct diag *);
void assets_free(struct assets *); /* NULL is fine */

void assets_message(struct assets *, const struct conversation *, unsigned way, nsec_t time,
                    const struct pdu *);
/* Both ends are there, whatever they speak. */
void assets_conversation(struct assets *, const struct conversation *);

uint32_t assets_number(const struct assets *);
/* The device at an address; NULL: there is none. Valid until the next message. */
const struct asset *assets_find(const struct assets *, const struct asset_address *);
/* By address; stops when the function returns false. */
void assets_each(const struct assets *, bool (*)(void *arg, const struct asset *), void *arg);
/* {"address", "member"?, "mac"?, "first", "last", "roles": [], "protocols": {name: [roles]},
 *  "vendor"?: {"value", "from", "confidence"}, ...}, without a line feed. */
void asset_put_json(struct buf *, const struct asset *);

/* {"vendor": "ABB", "model": ..., "roles": []}: what is known of it, in short. */
void asset_put_words(struct buf *, const struct asset *);
/* "address":"10.0.0.5","member":7 - without braces. */
void asset_address_put(struct buf *, const struct asset_address *);

#endif
