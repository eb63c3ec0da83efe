/* openflow_text - OpenFlow messages as hex, one on each line of standard input, into text. A
 * message that cannot be decoded, or does not come back the same through the encoder, is said to be
 * so, and the exit status is 1. With --encode, prints what the encoder makes of it, as hex. */
#include "proto/openflow/openflow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET ((size_t)64 << 20)

static size_t
parse_hex(const char *line, uint8_t *out)
{
    size_t n = 0;
    for (unsigned value; sscanf(line, "%2x", &value) == 1; line += 2)
        out[n++] = (uint8_t)value;
    return n;
}

/* Encoding and decoding once more must give the same text. */
static bool
comes_back(const struct openflow_message *message, const char *text, struct buf *wire)
{
    struct arena *arena = arena_new(BUDGET);
    struct buf again = BUF_INIT;
    struct openflow_message second;
    bool same = !openflow_encode(message, wire) &&
                !openflow_decode(wire->data, wire->size, arena, &second, NULL, NULL);
    if (same)
        openflow_print(&second, &again);
    same = same && !strcmp(buf_cstr(&again), text);
    buf_fini(&again);
    arena_free(arena);
    return same;
}

static void
print_hex(const struct buf *wire)
{
    for (size_t i = 0; i < wire->size; i++)
        printf("%02x", wire->data[i]);
    printf("\n");
}

static bool
show(const uint8_t *data, size_t size, bool encode)
{
    struct arena *arena = arena_new(BUDGET);
    struct openflow_message message;
    struct diag diag = {"does not come back the same"};
    struct buf text = BUF_INIT, wire = BUF_INIT;
    bool good = !openflow_decode(data, size, arena, &message, NULL, &diag);
    if (good) {
        openflow_print(&message, &text);
        good = comes_back(&message, buf_cstr(&text), &wire);
    }
    if (!good)
        printf("! %s\n", diag.text);
    else if (encode)
        print_hex(&wire);
    else
        puts(buf_cstr(&text));
    buf_fini(&text);
    buf_fini(&wire);
    arena_free(arena);
    return good;
}

int
main(int argc, char **argv)
{
    bool encode = argc > 1 && !strcmp(argv[1], "--encode"), good = true;
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t length; (length = getline(&line, &capacity, stdin)) > 0;) {
        uint8_t *data = malloc((size_t)length);
        if (!data)
            abort();
        size_t size = parse_hex(line, data);
        good &= show(data, size, encode);
        free(data);
    }
    free(line);
    return good ? 0 : 1;
}
