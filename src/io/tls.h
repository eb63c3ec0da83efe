/* tls.h - mutually authenticated TLS over OpenSSL 3, as bytes in and bytes out.
 *
 * A `struct tls` is an identity: the CAs we trust, our certificate and our key. Both sides always
 * show a certificate (but for tls_session_let_anonymous()); it must lead to one of the CAs, be
 * within its validity, and be meant for its role where it says what it is meant for (RFC
 * 5280 4.2.1.12). TLS 1.3, or 1.2 with forward secrecy and AEAD (RFC 9325); no resumption, so that
 * every connection is checked anew; no renegotiation. Not thread-safe. Nothing secret is ever put
 * into an error text. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/buf.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- identity */

struct tls; /* Opaque, counted. */

struct tls_config {
    const char *ca_file;   /* PEM: the CAs whose certificates we accept */
    const char *cert_file; /* PEM: our certificate, then what leads from it to a CA */
    const char *key_file;  /* PEM: its private key, not encrypted */
};

/* Reads the files and copies their names. The text of an error starts with the file's name.
 * ERR_NOT_FOUND, ERR_DENIED, ERR_IO: cannot be read; ERR_MALFORMED: holds no certificate or key;
 * ERR_CONFLICT: key and certificate do not belong together. That our own certificate is out of date
 * is no error here: the peer will say so, and tls_not_after() allows to say so first. */
MUST_CHECK enum err tls_new(const struct tls_config *, struct tls **, struct diag *);
struct tls *tls_ref(struct tls *); /* One more owner. */
void tls_free(struct tls *);       /* One owner less; NULL is fine. */

/* Reads the same files again. New sessions use what is in them now; those that exist go on as they
 * are. On error everything stays as it was. */
MUST_CHECK enum err tls_reload(struct tls *, struct diag *);

/* When our own certificate expires, on the wall clock. */
nsec_t tls_not_after(const struct tls *);

/* ---- session */

struct tls_session; /* Opaque; one connection. Outlives its struct tls if need be. */

enum tls_role { TLS_CLIENT, TLS_SERVER };

#define TLS_SERIAL_SIZE                                                                            \
    43                   /* 20 octets (RFC 5280 4.1.2.2) as hexadecimal, and a sign; with the NUL */
#define TLS_NAME_SIZE 65 /* X.520 ub-common-name is 64 characters; octets with the NUL */

/* `peer_name`: what the peer's certificate must be issued to, as its common name or as one of its
 * DNS names, letter case aside, wildcards not accepted. NULL: any name a CA vouches for.
 * ERR_INVALID: not a name that could be compared (empty, or with a dot in front). */
MUST_CHECK enum err tls_session_new(struct tls *, enum tls_role, const char *peer_name,
                                    struct tls_session **, struct diag *);
void tls_session_free(struct tls_session *); /* NULL is fine. */

/* Before any input: nothing below TLS 1.3 for this one. */
void tls_session_require_1_3(struct tls_session *);

/* Before any input, for a server: a peer may show no certificate, and has no name then. One that
 * it shows must still be good. */
void tls_session_let_anonymous(struct tls_session *);

/* Takes octets from the peer, and does what of the handshake they allow. After an error the session
 * is good for tls_session_output() only: an alert may be waiting that tells the peer.
 * ERR_DENIED: one side does not accept the other's certificate, name or parameters; the text has
 * OpenSSL's reason and, when it is we who refuse, the certificate's subject.
 * ERR_MALFORMED: this is not TLS. ERR_CLOSED: the peer gave up. */
MUST_CHECK enum err tls_session_input(struct tls_session *, const void *data, size_t size,
                                      struct diag *);

/* A client speaks first: call it once before the first input. */
MUST_CHECK enum err tls_session_start(struct tls_session *, struct diag *);

/* The handshake is done and the peer's certificate accepted. (With TLS 1.3 a client knows at this
 * point that it accepts the server, but not yet whether the server accepts it: a refusal comes as
 * the error of a later input.) */
bool tls_session_is_established(const struct tls_session *);

/* The common name of the peer's certificate; "" when there is none or before it is established. */
const char *tls_session_peer_name(const struct tls_session *);

/* The serial number of the peer's certificate, hexadecimal; "" when there is none. */
const char *tls_session_peer_serial(const struct tls_session *);

/* Up to `size` octets of what the peer sent; *n is 0 when nothing more is there.
 * ERR_CLOSED: the peer said that it has ended (close_notify). Others as tls_session_input(). */
MUST_CHECK enum err tls_session_read(struct tls_session *, void *data, size_t size, size_t *n,
                                     struct diag *);

/* Encrypts all of it; the result waits in the output. ERR_BUSY: not established yet. */
MUST_CHECK enum err tls_session_write(struct tls_session *, const void *data, size_t size,
                                      struct diag *);

/* Says that we end here (close_notify). Nothing, if the session never was established or failed. */
void tls_session_end(struct tls_session *);

/* Moves what has to go to the peer to the end of `out`. */
void tls_session_output(struct tls_session *, struct buf *out);

#endif
