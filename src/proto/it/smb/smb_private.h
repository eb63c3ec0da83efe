/* smb_private.h - between the parts of SMB. */
#ifndef PROTO_IT_SMB_SMB_PRIVATE_H
#define PROTO_IT_SMB_SMB_PRIVATE_H

#include "base/attr.h"
#include "proto/it/smb/smb.h"

#define SMB_NAME 120  /* octets of a name that is remembered */
#define SMB_OPENING 8 /* creates and reads whose answers are waited for */
#define SMB_FILES 16  /* open files that are remembered */

struct smb_name {
    uint8_t n;
    uint8_t text[SMB_NAME];
};
struct smb_state {
    uint64_t left[2]; /* octets of a message that pass by */
    struct smb_opening {
        bool waits, is_read, is_first; /* of a read: the file's first octets */
        uint64_t message;              /* with the process and tree of SMB 1 */
        uint64_t file;                 /* of a read */
        struct smb_name name;          /* of a create */
    } openings[SMB_OPENING];
    struct smb_file {
        bool is_open;
        uint64_t id;
        struct smb_name name;
    } files[SMB_FILES];
    uint32_t next_opening, next_file;
};

/* Texts that are written out; they last as long as the PDU. */
struct smb_texts {
    size_t n;
    uint8_t octets[6144];
};

enum frame_found smb_frame(const uint8_t *, size_t, size_t *);
int smb_looks(const uint8_t *, size_t);
void smb_dissect(struct dissection *, struct cursor *);
size_t smb_body(struct dissection *, const uint8_t *, size_t);

/* A part of a message that may be cut: then nothing of it is an error. */
void smb1_take(struct dissection *, struct cursor *);
void smb2_take(struct dissection *, struct cursor *);

/* Adds UTF-16 in little endian, or ASCII, as UTF-8. `size` in octets. */
void smb_put_text(struct dissection *, struct smb_texts *, enum smb_field, const uint8_t *,
                  size_t size, bool is_unicode);
/* Looks for NTLMSSP or Kerberos in what authenticates. */
void smb_put_token(struct dissection *, struct smb_texts *, const uint8_t *, size_t size);
/* Adds the time, 100 ns since 1601; 0 is none. */
void smb_put_time(struct dissection *, uint64_t filetime);
/* The first octets of a file: adds what they are, and the act for that. */
void smb_put_contents(struct dissection *, const uint8_t *, size_t size, bool is_write);

/* The name of the PDU's file, which is being opened; what it was, when it is open. */
void smb_opening(struct dissection *, uint64_t message);
void smb_reading(struct dissection *, uint64_t message, uint64_t file, bool is_first);
/* Adds the name and remembers the file; NULL: the request was not seen. */
void smb_opened(struct dissection *, uint64_t message, uint64_t file);
/* Adds the file's name, if it is known; true: the read was of its beginning. */
bool smb_answered_read(struct dissection *, uint64_t message);
void smb_put_file(struct dissection *, uint64_t file);
void smb_closed(struct dissection *, uint64_t file);

#endif
