/* testing.h - for the sensor's tests: frames from hexadecimal and from parts. */
#ifndef SENSOR_TESTING_H
#define SENSOR_TESTING_H

#include "base/testing.h"
#include "sensor/layers.h"

struct made_frame {
    uint8_t octets[4096];
    uint32_t size;
};

static inline void
put(struct made_frame *f, const void *octets, size_t n)
{
    assert_true(f->size + n <= sizeof f->octets);
    memcpy(f->octets + f->size, octets, n);
    f->size += (uint32_t)n;
}

/* Hexadecimal, spaces are free. */
static inline void
put_hex(struct made_frame *f, const char *hex)
{
    size_t n;
    uint8_t *bytes = hex_bytes(hex, &n);
    put(f, bytes, n);
    free(bytes);
}

static inline void
put_u16(struct made_frame *f, uint16_t v)
{
    uint8_t octets[2];
    put_be16(octets, v);
    put(f, octets, 2);
}

static inline void
put_ethernet(struct made_frame *f, uint16_t type)
{
    put_hex(f, "020000000002 020000000001");
    put_u16(f, type);
}

/* From 10.0.0.1 to 10.0.0.2, of `size` octets behind the header. */
static inline void
put_ipv4(struct made_frame *f, uint8_t proto, uint16_t size, uint16_t fragment, uint16_t id)
{
    put_hex(f, "4500");
    put_u16(f, (uint16_t)(size + 20));
    put_u16(f, id);
    put_u16(f, fragment);
    put(f, (uint8_t[]){64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, 12);
}

static inline void
put_udp(struct made_frame *f, uint16_t src, uint16_t dst, uint16_t size)
{
    put_u16(f, src);
    put_u16(f, dst);
    put_u16(f, (uint16_t)(size + 8));
    put_u16(f, 0);
}

/* Between devices: number N has 10.0.0.N and 02:00:00:00:00:N; `size` octets are behind it. */
static inline void
put_between(struct made_frame *f, uint8_t from, uint8_t to, uint8_t proto, size_t size)
{
    put(f, (uint8_t[]){2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0}, 14);
    put_ipv4(f, proto, (uint16_t)size, 0, 1);
    f->octets[f->size - 5] = from;
    f->octets[f->size - 1] = to;
}

static inline void
put_datagram(struct made_frame *f, uint8_t from, uint8_t to, uint16_t src, uint16_t dst,
             const char *hex)
{
    size_t n;
    uint8_t *octets = hex_bytes(hex, &n);
    put_between(f, from, to, 17, 8 + n);
    put_udp(f, src, dst, (uint16_t)n);
    put(f, octets, n);
    free(octets);
}

static inline struct frame
as_frame(const struct made_frame *f, nsec_t time, uint32_t number)
{
    return (struct frame){.data = f->octets,
                          .size = f->size,
                          .wire = f->size,
                          .time = time,
                          .link = LINK_ETHERNET,
                          .number = number};
}

#endif
