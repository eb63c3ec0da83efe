/* executable.h - what runs, by how it begins: programs, scripts and installers that somebody
 * transfers. By the formats' public descriptions. */
#ifndef DISSECT_EXECUTABLE_H
#define DISSECT_EXECUTABLE_H

#include "dissect/protocol.h"

enum executable {
    EXECUTABLE_NONE,
    EXECUTABLE_PE,     /* Windows: .exe, .dll, .sys */
    EXECUTABLE_ELF,    /* Linux and many devices */
    EXECUTABLE_MACH_O, /* Apple */
    EXECUTABLE_JAVA,   /* a class */
    EXECUTABLE_SCRIPT, /* "#!" */
    EXECUTABLE_OLE,    /* a compound file: .msi, and documents that may have macros */
    EXECUTABLE_CABINET,
    EXECUTABLE_SHORTCUT, /* .lnk */
    EXECUTABLE_DEX,      /* Android */
};
extern const struct field_word executable_words[];

#define EXECUTABLE_LOOK 64 /* octets that are enough to tell */

/* Of a file's first octets, as many as there are. */
enum executable executable_kind(const uint8_t *octets, size_t size);

#endif
