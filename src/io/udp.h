/* udp.h - a UDP socket over IPv4, on the loop. */
#ifndef IO_UDP_H
#define IO_UDP_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define UDP_MAX_PAYLOAD 65507 /* octets */

struct udp; /* Opaque; not thread-safe: the loop's thread only. */

struct udp_config {
    uint32_t address; /* ours, host order; 0: any */
    uint16_t port;    /* 0: one that is free */
    uint8_t ttl;      /* of what is sent; 0: the system's */
    /* A datagram, and when it came on the wall clock, by the kernel's word. `payload` is valid
     * during the call. May close the socket. NULL: what comes is dropped. */
    void (*received)(void *arg, uint32_t from, uint16_t from_port, const uint8_t *payload,
                     size_t size, nsec_t wall);
    void *arg;
};

/* ERR_EXISTS: the port is taken; ERR_NOT_FOUND: the address is not ours; ERR_DENIED; ERR_LIMIT: no
 * file descriptor is left; ERR_IO. Does not keep uv_run() going. */
MUST_CHECK enum err udp_open(uv_loop_t *, const struct udp_config *, struct udp **, struct diag *);
void udp_close(struct udp *); /* NULL is fine. No callback comes after it. */

uint16_t udp_port(const struct udp *);

/* Sends at once or not at all. ERR_BUSY: the kernel has no room; ERR_LIMIT: too long;
 * ERR_NOT_FOUND: there is no way to that address; ERR_IO. */
enum err udp_send(struct udp *, uint32_t to, uint16_t to_port, const uint8_t *payload, size_t size);

#endif
