/* syslog.h - sends messages to a log server: a datagram each (RFC 5426), or over TCP, their octets
 * counted (RFC 6587 section 3.4.1). Keeps the connection up; bounded: what finds no room is dropped
 * and counted, the journal has it anyway. */
#ifndef SENSORS_SYSLOG_H
#define SENSORS_SYSLOG_H

#include "base/buf.h"

#include <stdint.h>
#include <uv.h>

struct syslog; /* Opaque. */

/* "udp:10.0.0.9:514" or "tcp:[2001:db8::9]:514"; UDP over IPv4 only. ERR_INVALID; those of
 * udp_open(). */
MUST_CHECK enum err syslog_new(uv_loop_t *, const char *address, struct syslog **, struct diag *);
void syslog_free(struct syslog *); /* NULL is fine */

void syslog_send(struct syslog *, const struct buf *message);

uint64_t syslog_dropped(const struct syslog *);

#endif
