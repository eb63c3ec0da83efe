/* geo_testing.h - writes a small database after "MaxMind DB File Format Specification" 2.0, for
 * tests: IPv6 with IPv4 in ::/96, records of 24 bits, a country each. */
#ifndef DETECT_GEO_TESTING_H
#define DETECT_GEO_TESTING_H

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

struct geo_made {
    uint8_t address[16];
    unsigned length;
    const char *code;
};

#define GEO_NODES 1024
#define GEO_DATA 0x800000u /* a record is the place of data */

static inline void
geo_text(struct buf *b, const char *text)
{
    buf_u8(b, (uint8_t)(0x40 | strlen(text)));
    buf_str(b, text);
}

static inline void
geo_number(struct buf *b, const char *key, uint8_t type, uint32_t value)
{
    geo_text(b, key);
    buf_u8(b, (uint8_t)(type << 5 | 2));
    buf_u8(b, (uint8_t)(value >> 8));
    buf_u8(b, (uint8_t)value);
}

static inline void
geo_metadata(struct buf *b, uint32_t n_nodes)
{
    buf_put(b, "\xab\xcd\xefMaxMind.com", 14);
    buf_u8(b, 7 << 5 | 9);
    geo_number(b, "node_count", 6, n_nodes);
    geo_number(b, "record_size", 5, 24);
    geo_number(b, "ip_version", 5, 6);
    geo_text(b, "database_type");
    geo_text(b, "Test");
    geo_text(b, "languages");
    buf_put(b, "\x00\x04", 2); /* an array of none */
    geo_number(b, "binary_format_major_version", 5, 2);
    geo_number(b, "binary_format_minor_version", 5, 0);
    geo_text(b, "build_epoch");
    buf_put(b, "\x01\x02\x01", 3); /* a number of 64 bits, of one octet */
    geo_text(b, "description");
    buf_u8(b, 7 << 5);
}

/* False: it cannot be written. */
static inline bool
geo_write(const char *path, const struct geo_made *networks, size_t n)
{
    static uint32_t nodes[GEO_NODES][2]; /* 0: nothing; others; GEO_DATA | octets into the data */
    struct buf data = BUF_INIT, file = BUF_INIT;
    uint32_t n_nodes = 1;
    memset(nodes, 0, sizeof nodes);
    for (size_t i = 0; i < n; i++) {
        uint32_t at = 0;
        for (unsigned bit = 0; bit < networks[i].length; bit++) {
            uint32_t *record = &nodes[at][networks[i].address[bit / 8] >> (7 - bit % 8) & 1];
            if (bit + 1 == networks[i].length)
                *record = GEO_DATA | (uint32_t)data.size;
            else if (!*record)
                *record = n_nodes++;
            at = *record;
        }
        buf_u8(&data, 7 << 5 | 1);
        geo_text(&data, "country");
        buf_u8(&data, 7 << 5 | 1);
        geo_text(&data, "iso_code");
        geo_text(&data, networks[i].code);
    }
    for (uint32_t i = 0; i < n_nodes; i++) {
        for (unsigned k = 0; k < 2; k++) {
            uint32_t r = nodes[i][k];
            r = r & GEO_DATA ? n_nodes + 16 + (r & ~GEO_DATA) : r ? r : n_nodes;
            buf_u8(&file, (uint8_t)(r >> 16));
            buf_u8(&file, (uint8_t)(r >> 8));
            buf_u8(&file, (uint8_t)r);
        }
    }
    buf_put(&file, (uint8_t[16]){0}, 16);
    buf_put(&file, data.data, data.size);
    geo_metadata(&file, n_nodes);
    FILE *out = fopen(path, "wb");
    bool is_written = out && fwrite(file.data, 1, file.size, out) == file.size;
    is_written &= out && !fclose(out);
    buf_fini(&data);
    buf_fini(&file);
    return is_written;
}

/* 203.0.113.0/24 in "ZZ", 198.51.100.0/24 in "AA", 2001:db8::/32 in "ZZ". */
static inline bool
geo_write_usual(const char *path)
{
    static const struct geo_made networks[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 203, 0, 113}, 120, "ZZ"},
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 198, 51, 100}, 120, "AA"},
        {{0x20, 0x01, 0x0d, 0xb8}, 32, "ZZ"},
    };
    return geo_write(path, networks, sizeof networks / sizeof networks[0]);
}

#endif
