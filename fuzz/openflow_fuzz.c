/* Any octets into the OpenFlow decoder. What is accepted is printed, encoded and decoded again, and
 * must print and encode the same as before; what is refused must say why. */
#include "proto/openflow/openflow_multipart.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BUDGET ((size_t)2 << 20)

static void
require(bool condition)
{
    if (!condition)
        abort();
}

/* What is foreign is named with its offset, which changes as other parts take our form. */
static bool
same_text(const char *a, const char *b)
{
    return strstr(a, "foreign=") ? strstr(b, "foreign=") != NULL : !strcmp(a, b);
}

/* The encoder's octets decode to the same text and encode to the same octets. False: they became
 * more than one message, because our form of something is longer. */
static bool
check_again(const struct buf *wire, const char *text)
{
    size_t size;
    require(!openflow_frame(wire->data, wire->size, OPENFLOW_SIZE_MAX, &size));
    if (size < wire->size)
        return false;
    struct arena *arena = arena_new(2 * BUDGET);
    struct openflow_message message;
    struct buf again = BUF_INIT, print = BUF_INIT;
    require(!openflow_decode(wire->data, wire->size, arena, &message, NULL, NULL));
    openflow_print(&message, &print);
    require(same_text(buf_cstr(&print), text));
    require(!openflow_encode(&message, &again));
    require(again.size == wire->size && !memcmp(again.data, wire->data, wire->size));
    buf_fini(&again);
    buf_fini(&print);
    arena_free(arena);
    return true;
}

static void
check_message(const struct openflow_message *message)
{
    struct buf text = BUF_INIT, wire = BUF_INIT;
    openflow_print(message, &text);
    enum err err = openflow_encode(message, &wire);
    require(!err || err == ERR_LIMIT);
    if (!err)
        check_again(&wire, buf_cstr(&text));
    buf_fini(&text);
    buf_fini(&wire);
}

/* Taken apart and put together, a multipart message is what it is when decoded at once. */
static void
check_part(const uint8_t *data, size_t size, const struct openflow_message *whole)
{
    struct openflow_part part;
    struct openflow_message message;
    struct arena *arena = arena_new(BUDGET);
    struct buf a = BUF_INIT, b = BUF_INIT;
    require(!openflow_part(data, size, &part, NULL, NULL));
    enum err err = openflow_decode_body(&part, arena, &message, NULL, NULL);
    require(!err);
    openflow_print(whole, &a);
    openflow_print(&message, &b);
    require(same_text(buf_cstr(&a), buf_cstr(&b)));
    buf_fini(&a);
    buf_fini(&b);
    arena_free(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(BUDGET);
    struct openflow_message message;
    struct openflow_error error = {UINT16_MAX, UINT16_MAX, 0};
    struct diag diag = {""};
    enum err err = openflow_decode(data, size, arena, &message, &error, &diag);
    if (!err) {
        check_message(&message);
        if (message.type == OFPT_MULTIPART_REQUEST || message.type == OFPT_MULTIPART_REPLY)
            check_part(data, size, &message);
    } else {
        require(openflow_error_name(&error) && *diag.text);
    }
    require(arena_used(arena) <= BUDGET);
    arena_free(arena);
    return 0;
}
