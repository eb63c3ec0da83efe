/* address.h - where a stream connects to or listens, as text and as a socket address.
 *
 *   10.1.0.5:6653          [2001:db8::5]:6653          [fe80::1%eth0]:6653
 *   unix:/run/tieline/edge.sock
 *
 * Numbers only: names are not resolved, for what keeps a substation connected must not depend on a
 * name server. Who the peer is, its certificate says (tls.h). */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include "base/err.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

union address {
    struct sockaddr any; /* any.sa_family is AF_INET, AF_INET6 or AF_UNIX */
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

#define ADDRESS_TEXT_SIZE 128 /* octets, with the NUL; enough for any of them */

/* ERR_INVALID: not an address of these forms; the text says what is wrong with it. */
MUST_CHECK enum err address_parse(const char *text, union address *, struct diag *);

/* The same forms; an IPv4 address in IPv6 clothes (::ffff:10.1.0.5) is written as IPv4. `text`
 * holds ADDRESS_TEXT_SIZE octets. Returns `text`. */
char *address_format(const union address *, char *text);

#define ADDRESS_MACHINE_SIZE 64 /* octets, with the NUL */

/* Whose it is, as far as the text of an address tells: without its port, and of an IPv6 address the
 * network alone, for one machine has all of a /64: "10.1.0.5", "2001:db8:1:2::", "fe80::%eth0". A
 * text that is no address is taken as it is, up to the port. Returns `machine`. */
char *address_machine(const char *text, char machine[ADDRESS_MACHINE_SIZE]);

#endif
