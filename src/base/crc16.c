#include "base/crc16.h"

/* A remainder is the sum of those of the octet's bits: the compiler makes the table of eight. */
#define ADD(b, n, x) ((b)&1u << (n) ? (x) : 0)
#define ENTRY(b, b0, b1, b2, b3, b4, b5, b6, b7)                                                   \
    (ADD(b, 0, b0) ^ ADD(b, 1, b1) ^ ADD(b, 2, b2) ^ ADD(b, 3, b3) ^ ADD(b, 4, b4) ^               \
     ADD(b, 5, b5) ^ ADD(b, 6, b6) ^ ADD(b, 7, b7))
#define ENTRIES_4(b, ...)                                                                          \
    ENTRY(b, __VA_ARGS__), ENTRY(b + 1, __VA_ARGS__), ENTRY(b + 2, __VA_ARGS__),                   \
        ENTRY(b + 3, __VA_ARGS__)
#define ENTRIES_16(b, ...)                                                                         \
    ENTRIES_4(b, __VA_ARGS__), ENTRIES_4(b + 4, __VA_ARGS__), ENTRIES_4(b + 8, __VA_ARGS__),       \
        ENTRIES_4(b + 12, __VA_ARGS__)
#define ENTRIES_64(b, ...)                                                                         \
    ENTRIES_16(b, __VA_ARGS__), ENTRIES_16(b + 16, __VA_ARGS__), ENTRIES_16(b + 32, __VA_ARGS__),  \
        ENTRIES_16(b + 48, __VA_ARGS__)
/* The remainders of the octets 1, 2, 4 ... 128. */
#define CRC16_TABLE(...)                                                                           \
    {                                                                                              \
        ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__), ENTRIES_64(128, __VA_ARGS__),     \
            ENTRIES_64(192, __VA_ARGS__)                                                           \
    }

const crc16_table crc16_ccitt = {
    CRC16_TABLE(0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48c4, 0x9188),
    CRC16_TABLE(0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1b98),
    CRC16_TABLE(0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad, 0x3b5a),
    CRC16_TABLE(0x76b4, 0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0xdd38),
    CRC16_TABLE(0xaa51, 0x4483, 0x8906, 0x022d, 0x045a, 0x08b4, 0x1168, 0x22d0),
    CRC16_TABLE(0x45a0, 0x8b40, 0x06a1, 0x0d42, 0x1a84, 0x3508, 0x6a10, 0xd420),
    CRC16_TABLE(0xb861, 0x60e3, 0xc1c6, 0x93ad, 0x377b, 0x6ef6, 0xddec, 0xabf9),
    CRC16_TABLE(0x47d3, 0x8fa6, 0x0f6d, 0x1eda, 0x3db4, 0x7b68, 0xf6d0, 0xfd81),
};

const crc16_table crc16_dnp = {
    CRC16_TABLE(0x365e, 0x6cbc, 0xd978, 0xff89, 0xb26b, 0x29af, 0x535e, 0xa6bc),
    CRC16_TABLE(0xab4e, 0x1be5, 0x37ca, 0x6f94, 0xdf28, 0xf329, 0xab2b, 0x1b2f),
    CRC16_TABLE(0x19b8, 0x3370, 0x66e0, 0xcdc0, 0xd6f9, 0xe08b, 0x8c6f, 0x55a7),
    CRC16_TABLE(0xc2e8, 0xc8a9, 0xdc2b, 0xf52f, 0xa727, 0x0337, 0x066e, 0x0cdc),
    CRC16_TABLE(0x2306, 0x460c, 0x8c18, 0x5549, 0xaa92, 0x185d, 0x30ba, 0x6174),
    CRC16_TABLE(0xb5e7, 0x26b7, 0x4d6e, 0x9adc, 0x78c1, 0xf182, 0xae7d, 0x1183),
    CRC16_TABLE(0x5f62, 0xbec4, 0x30f1, 0x61e2, 0xc3c4, 0xcaf1, 0xd89b, 0xfc4f),
    CRC16_TABLE(0x1612, 0x2c24, 0x5848, 0xb090, 0x2c59, 0x58b2, 0xb164, 0x2fb1),
};
