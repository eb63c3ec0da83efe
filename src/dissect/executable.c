#include "dissect/executable.h"

#include "base/attr.h"
#include "base/bytes.h"

const struct field_word executable_words[] = {
    {EXECUTABLE_PE, "pe"},           {EXECUTABLE_ELF, "elf"},
    {EXECUTABLE_MACH_O, "mach-o"},   {EXECUTABLE_JAVA, "java-class"},
    {EXECUTABLE_SCRIPT, "script"},   {EXECUTABLE_OLE, "ole"},
    {EXECUTABLE_CABINET, "cabinet"}, {EXECUTABLE_SHORTCUT, "shortcut"},
    {EXECUTABLE_DEX, "dex"},         {0, NULL}};

static const struct magic {
    const char *octets;
    uint8_t size;
    uint8_t kind;
} magics[] = {
    {"\x7f"
     "ELF",
     4, EXECUTABLE_ELF},
    {"\xfe\xed\xfa\xce", 4, EXECUTABLE_MACH_O},
    {"\xfe\xed\xfa\xcf", 4, EXECUTABLE_MACH_O},
    {"\xce\xfa\xed\xfe", 4, EXECUTABLE_MACH_O},
    {"\xcf\xfa\xed\xfe", 4, EXECUTABLE_MACH_O},
    {"#!/", 3, EXECUTABLE_SCRIPT},
    {"#! /", 4, EXECUTABLE_SCRIPT},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, EXECUTABLE_OLE},
    {"MSCF\0\0\0\0", 8, EXECUTABLE_CABINET},
    {"L\0\0\0\x01\x14\x02\0", 8, EXECUTABLE_SHORTCUT},
    {"dex\n", 4, EXECUTABLE_DEX},
};

/* "MZ", and where the header of PE is: behind that of DOS, which has 64 octets. */
static bool
is_pe(const uint8_t *octets, size_t size)
{
    if (size < 64 || octets[0] != 'M' || octets[1] != 'Z')
        return false;
    uint32_t at = get_le32(octets + 60);
    if (at < 64 || at > 4096)
        return false;
    return size < at + 4 || !memcmp(octets + at, "PE\0\0", 4);
}

enum executable
executable_kind(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
        if (size >= magics[i].size && !memcmp(octets, magics[i].octets, magics[i].size))
            return magics[i].kind;
    }
    if (size >= 8 && get_be32(octets) == 0xcafebabe) /* a few architectures, or a version */
        return get_be32(octets + 4) < 45 ? EXECUTABLE_MACH_O : EXECUTABLE_JAVA;
    return is_pe(octets, size) ? EXECUTABLE_PE : EXECUTABLE_NONE;
}
