/* Which file a message is about. */
#include "proto/it/smb/smb_private.h"

/* The name that stands in the PDU is kept. */
static void
keep_name(struct dissection *d, struct smb_name *name)
{
    const struct field *f = pdu_field(d->pdu, SMB_FILE, 0);
    name->n = (uint8_t)(f ? MIN(f->n, SMB_NAME) : 0);
    if (name->n)
        memcpy(name->text, f->octets, name->n);
}

static struct smb_opening *
begin_opening(struct smb_state *s, uint64_t message)
{
    struct smb_opening *o = &s->openings[s->next_opening++ % SMB_OPENING];
    *o = (struct smb_opening){.waits = true, .message = message};
    return o;
}

static struct smb_opening *
find_opening(struct smb_state *s, uint64_t message, bool is_read)
{
    for (unsigned i = 0; s && i < SMB_OPENING; i++) {
        struct smb_opening *o = &s->openings[i];
        if (!o->waits || o->message != message || o->is_read != is_read)
            continue;
        o->waits = false;
        return o;
    }
    return NULL;
}

void
smb_opening(struct dissection *d, uint64_t message)
{
    if (d->state)
        keep_name(d, &begin_opening(d->state, message)->name);
}

void
smb_reading(struct dissection *d, uint64_t message, uint64_t file, bool is_first)
{
    if (!d->state)
        return;
    struct smb_opening *o = begin_opening(d->state, message);
    o->is_read = true;
    o->is_first = is_first;
    o->file = file;
}

void
smb_opened(struct dissection *d, uint64_t message, uint64_t file)
{
    struct smb_state *s = d->state;
    struct smb_opening *o = find_opening(s, message, false);
    if (!o)
        return;
    struct smb_file *f = &s->files[s->next_file++ % SMB_FILES];
    *f = (struct smb_file){.is_open = true, .id = file, .name = o->name};
    pdu_octets(d, SMB_FILE, 0, f->name.text, f->name.n);
}

static struct smb_file *
find_file(struct smb_state *s, uint64_t file)
{
    for (unsigned i = 0; s && i < SMB_FILES; i++) {
        if (s->files[i].is_open && s->files[i].id == file)
            return &s->files[i];
    }
    return NULL;
}

void
smb_put_file(struct dissection *d, uint64_t file)
{
    const struct smb_file *f = find_file(d->state, file);
    if (f)
        pdu_octets(d, SMB_FILE, 0, f->name.text, f->name.n);
}

void
smb_closed(struct dissection *d, uint64_t file)
{
    struct smb_file *f = find_file(d->state, file);
    if (f)
        f->is_open = false;
}

bool
smb_answered_read(struct dissection *d, uint64_t message)
{
    struct smb_opening *o = find_opening(d->state, message, true);
    if (o)
        smb_put_file(d, o->file);
    return o && o->is_first;
}
