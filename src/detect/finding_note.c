#include "detect/finding_note.h"

#include <string.h>

struct note {
    const char *name;
    nsec_t time;
    bool has_conversation, has_frame, has_pdu, has_object, has_detail;
    uint8_t way;
    uint32_t detail_at; /* octets of the object before it, with its NUL */
    char texts[];
};

static size_t
text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

size_t
finding_note_size(const struct finding *f)
{
    return sizeof(struct note) + text_size(f->object) + text_size(f->detail);
}

void
finding_note_put(void *octets, const struct finding *f)
{
    struct note *n = octets;
    *n = (struct note){.name = f->name,
                       .time = f->time,
                       .has_conversation = f->conversation,
                       .has_frame = f->frame,
                       .has_pdu = f->pdu,
                       .has_object = f->object,
                       .has_detail = f->detail,
                       .way = (uint8_t)f->way,
                       .detail_at = (uint32_t)text_size(f->object)};
    if (f->object)
        memcpy(n->texts, f->object, text_size(f->object));
    if (f->detail)
        memcpy(n->texts + n->detail_at, f->detail, text_size(f->detail));
}

void
finding_note_read(const void *octets, const struct finding *of, struct finding *f)
{
    const struct note *n = octets;
    *f = (struct finding){.name = n->name,
                          .time = n->time,
                          .conversation = n->has_conversation ? of->conversation : NULL,
                          .way = n->way,
                          .frame = n->has_frame ? of->frame : NULL,
                          .pdu = n->has_pdu ? of->pdu : NULL,
                          .object = n->has_object ? n->texts : NULL,
                          .detail = n->has_detail ? n->texts + n->detail_at : NULL};
}
