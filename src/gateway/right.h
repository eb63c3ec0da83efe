/* right.h - by which right somebody asks: what they showed. */
#ifndef GATEWAY_RIGHT_H
#define GATEWAY_RIGHT_H

#include "io/tls.h"

enum right_kind { RIGHT_NONE, RIGHT_CERTIFICATE, RIGHT_SESSION, RIGHT_BREAK_GLASS };

struct right {
    enum right_kind kind;
    char id[TLS_SERIAL_SIZE]; /* the certificate's serial number, or the session's id */
};

/* "certificate", "session", "break-glass"; "none"; static. */
const char *right_word(enum right_kind);

#endif
