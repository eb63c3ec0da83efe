/* mms_private.h - between the tables and the code of MMS. */
#ifndef PROTO_OT_MMS_MMS_PRIVATE_H
#define PROTO_OT_MMS_MMS_PRIVATE_H

#include "base/attr.h"
#include "base/ber.h"
#include "proto/ot/mms/mms.h"

#define MMS_TSDU_MAX 32768u
#define MMS_DEPTH 16        /* of values within values */
#define MMS_ASKED 8         /* requests that are remembered, */
#define MMS_ASKED_ITEMS 16  /* variables of each, */
#define MMS_ASKED_TEXT 1024 /* and octets of their names */
#define MMS_TITLE_SIZE 80

enum mms_service {
    MMS_STATUS = 0,
    MMS_GET_NAME_LIST = 1,
    MMS_IDENTIFY = 2,
    MMS_READ = 4,
    MMS_WRITE = 5,
    MMS_GET_ACCESS_ATTRIBUTES = 6,
    MMS_DEFINE_LIST = 11,
    MMS_GET_LIST_ATTRIBUTES = 12,
    MMS_DELETE_LIST = 13,
    MMS_OBTAIN_FILE = 46,
    MMS_FILE_OPEN = 72,
    MMS_FILE_READ = 73,
    MMS_FILE_CLOSE = 74,
    MMS_FILE_RENAME = 75,
    MMS_FILE_DELETE = 76,
    MMS_FILE_DIRECTORY = 77,
};

struct mms_name {
    uint16_t at, domain, item; /* in the texts: octets of the domain, and of the item behind it */
};

struct mms_asked {
    bool is_used;
    uint32_t invoke, service;
    uint16_t n_items, n_text;
    struct mms_name items[MMS_ASKED_ITEMS];
    char text[MMS_ASKED_TEXT];
};

struct mms_way {
    struct iso_assembly assembly;
    uint8_t octets[MMS_TSDU_MAX];
};

struct mms_state {
    struct mms_way ways[2];
    struct mms_asked asked[MMS_ASKED];
    unsigned next;
    char titles[2][MMS_TITLE_SIZE]; /* texts of the message that is being given */
};

int mms_looks(const uint8_t *, size_t);
void mms_dissect(struct dissection *, struct cursor *);

/* An MMS PDU; it is given. Errors are the cursor's. */
void mms_pdu(struct dissection *, struct cursor *, const struct cursor *message);
/* One value with all that is in it. */
void mms_data(struct dissection *, uint16_t object, struct cursor *);
/* Names: */
void mms_object_name(struct dissection *, uint16_t object, struct cursor *, struct mms_asked *);
void mms_text(struct dissection *, uint16_t id, uint16_t object, struct cursor *value);
void mms_uint(struct dissection *, uint16_t id, uint16_t object, struct cursor *value,
              const char *what);

/* An error of a part is the whole's; what is left in it unread is not. */
static inline void
mms_up(struct cursor *c, const struct cursor *part)
{
    if (c->err || !part->err)
        return;
    c->err = part->err;
    c->field = part->field;
    c->offset = part->offset;
}

static inline bool
mms_is_context(uint32_t tag)
{
    return ((tag > 0xff ? tag >> 24 : tag) & 0xc0) == 0x80;
}

/* The number of a context-specific tag. */
static inline uint32_t
mms_tag_number(uint32_t tag)
{
    return tag > 0xff ? tag & 0xffffff : tag & 0x1f;
}

#endif
