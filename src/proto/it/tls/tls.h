/* tls.h - what TLS (RFC 5246, RFC 8446) and SSL 3.0 (RFC 6101) say in the open: hellos with their
 * fingerprints, certificates, alerts, heartbeats (RFC 6520). Passive, without keys: what is
 * encrypted is told to be so, once each way, and passed over.
 *
 * A message here is a record, or as many records as a handshake message goes over, up to
 * TLS_MESSAGE_MAX. Fingerprints: JA3 and JA3S (github.com/salesforce/ja3, BSD), JA4 of clients
 * (github.com/FoxIO-LLC/ja4, technical details of JA4, BSD); values of RFC 8701 (GREASE) do not
 * count in them. Not: SSL 2.0, DTLS. */
#ifndef PROTO_IT_TLS_TLS_H
#define PROTO_IT_TLS_TLS_H

#include "dissect/protocol.h"

#define TLS_MESSAGE_MAX 73728u             /* octets */
#define TLS_RECORD(type) (0x100u | (type)) /* `function` of a record that is no handshake */

enum tls_field {
    TLS_RECORD_VERSION,
    TLS_VERSION, /* that a hello says in its old place */
    TLS_SUPPORTED_VERSIONS,
    TLS_SELECTED_VERSION,
    TLS_SERVER_NAME,
    TLS_ALPN,
    TLS_CIPHERS,
    TLS_CIPHER, /* that the server has chosen */
    TLS_EXTENSIONS,
    TLS_GROUPS,
    TLS_POINT_FORMATS,
    TLS_SIGNATURES,
    TLS_RETRY, /* the server wants another hello */
    TLS_JA3,
    TLS_JA3S,
    TLS_JA4,
    TLS_CERTIFICATE,  /* begins an object: 0 the speaker's, then whose it stands on */
    TLS_SUBJECT_NAME, /* its common name */
    TLS_SUBJECT_ORGANIZATION,
    TLS_SUBJECT_UNIT,
    TLS_SUBJECT_SERIAL, /* serialNumber, which devices have in their names */
    TLS_ISSUER_NAME,
    TLS_ISSUER_ORGANIZATION,
    TLS_SERIAL,
    TLS_NOT_BEFORE,
    TLS_NOT_AFTER,
    TLS_ALTERNATIVE_NAME, /* host names, mailboxes, URIs */
    TLS_ALTERNATIVE_ADDRESS,
    TLS_CERTIFICATE_SHA256,
    TLS_CERTIFICATE_SIZE,
    TLS_ALERT_LEVEL,
    TLS_HEARTBEAT_SIZE, /* that it claims its payload has */
    TLS_SIZE,           /* octets of a record's contents */
};

extern const struct protocol tls;

#endif
