/* opcua_private.h - between the tables and the code of OPC UA. */
#ifndef PROTO_OT_OPCUA_OPCUA_PRIVATE_H
#define PROTO_OT_OPCUA_OPCUA_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/opcua/opcua.h"

#define OPCUA_MESSAGE_MAX (256u << 10) /* a chunk */
#define OPCUA_DEPTH 12                 /* of structures within structures */
#define OPCUA_NONE UINT16_MAX          /* a field that is not told */
#define OPCUA_ASKED 16                 /* requests that are remembered, */
#define OPCUA_ASKED_ITEMS 32           /* nodes of each, */
#define OPCUA_ASKED_TEXT 512           /* and octets of their names */

enum opcua_kind {
    UA_END,
    UA_BOOL,
    UA_U8,
    UA_U32,
    UA_DOUBLE,
    UA_TIME,
    UA_TEXT,
    UA_SIZE, /* a byte string of which only the size is told */
    UA_STATUS,
    UA_NODE,  /* to five fields from this on */
    UA_NODE0, /* only where it is of namespace 0 */
    UA_EXPANDED,
    UA_NAME,
    UA_LOCALIZED,
    UA_VARIANT,
    UA_DATA_VALUE,
    UA_DIAGNOSTIC,
    UA_EXTENSION,
    UA_STRUCT,  /* of `of` */
    UA_LIST,    /* an array of `of`, all of the same object */
    UA_EACH,    /* an array of `of`, an object each */
    UA_ANSWERS, /* the same, each about a node that was asked for */
    UA_ITSELF,  /* no octets: what follows describes the server, */
    UA_OTHERS,  /* other servers, */
    UA_CLIENT,  /* or the client */
};

struct opcua_part {
    enum opcua_kind kind;
    uint16_t field;
    const char *name; /* for errors */
    const struct opcua_part *of;
};

struct opcua_service {
    uint16_t request, response;              /* numbers of their encodings */
    const struct opcua_part *asks, *answers; /* behind the headers; NULL: not looked into */
};
extern const struct opcua_service opcua_services[];
extern const size_t opcua_n_services;

/* What an extension object may have in it. */
struct opcua_structure {
    uint16_t type;
    uint16_t field, value; /* told of it, but OPCUA_NONE */
    const struct opcua_part *parts;
};
extern const struct opcua_structure opcua_structures[];
extern const size_t opcua_n_structures;

struct opcua_node {
    uint16_t space;
    uint8_t kind; /* of the encoding: 2 a number, 3 a name, 4 a GUID, 5 octets */
    uint32_t number;
    uint32_t attribute;
    const uint8_t *octets;
    uint32_t size;
};

struct opcua_item {
    uint8_t kind;
    uint16_t space, at, size; /* in the texts; size 0: too long to be remembered */
    uint32_t number, attribute;
};

struct opcua_asked {
    bool waits;
    uint8_t way; /* in which it went */
    uint16_t service;
    uint16_t n_items, n_text;
    uint32_t request;
    enum act act;
    struct opcua_item items[OPCUA_ASKED_ITEMS];
    uint8_t text[OPCUA_ASKED_TEXT];
};

struct opcua_state {
    struct opcua_asked asked[OPCUA_ASKED];
    unsigned next;
    uint8_t signature;         /* octets of it behind a chunk that is not encrypted */
    bool has_policy;           /* of the channel: its opening was seen */
    bool is_open, is_too_long; /* a message is being put together, */
    uint8_t way;               /* which goes this way */
    uint32_t request;
    uint32_t size;
    uint8_t octets[OPCUA_ASSEMBLY];
};

enum frame_found opcua_frame(const uint8_t *, size_t, size_t *);
int opcua_looks(const uint8_t *, size_t);
void opcua_dissect(struct dissection *, struct cursor *);

/* ---- The binary encoding (opcua_value.c) ---- */

/* A string or a byte string; NULL: there is none. */
const uint8_t *opcua_string(struct cursor *, uint32_t *size, const char *what);
void opcua_node(struct cursor *, struct opcua_node *, bool is_expanded, const char *what);
void opcua_put_node(struct dissection *, uint16_t field, uint16_t object,
                    const struct opcua_node *);
/* `asked`: of UA_ANSWERS; NULL: it is not known. */
void opcua_parts(struct dissection *, struct cursor *, const struct opcua_part *, uint16_t object,
                 unsigned depth, const struct opcua_asked *asked);

/* ---- Services (opcua_service.c) ---- */

const struct opcua_service *opcua_service_of(uint16_t encoding);
/* The number of a service that is known, which these octets begin; 0: they do not. */
uint16_t opcua_service_begins(const uint8_t *, size_t);
/* A message's body from the service's number on; the PDU is begun, but not ended. */
void opcua_service(struct dissection *, struct cursor *, uint32_t request);

#endif
