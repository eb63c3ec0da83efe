/* Any octets into the PCEP decoder. What is accepted is printed, encoded and decoded again, and
 * must print and encode the same as before; what is refused must say why, and which PCErr it is. */
#include "fuzz.h"

#include "proto/pcep/pcep_message.h"

#include <string.h>

#define BUDGET ((size_t)8 << 20)

/* Faults and unknown objects are for the reader alone: nobody sends them. */
static void
leave_out(struct pcep_message *message)
{
    bool has_entries = message->type == PCEP_PCREQ || message->type == PCEP_PCREP ||
                       message->type == PCEP_PCRPT || message->type == PCEP_PCUPD ||
                       message->type == PCEP_PCINITIATE;
    message->n_faults = 0;
    for (uint32_t i = 0; has_entries && i < message->n_entries; i++)
        ((struct pcep_entry *)(void *)(uintptr_t)&message->entries[i])->n_unknowns = 0;
}

static void
check_again(const struct buf *wire, const char *text)
{
    size_t size;
    struct arena *arena = arena_new(BUDGET);
    struct pcep_message message;
    struct buf again = BUF_INIT, print = BUF_INIT;
    check(!pcep_frame(wire->data, wire->size, &size) && size == wire->size);
    check(!pcep_message_decode(wire->data, wire->size, arena, &message, NULL, NULL));
    check(!message.n_faults);
    pcep_message_print(&message, &print);
    check(!strcmp(buf_cstr(&print), text));
    check(!pcep_message_encode(&message, &again));
    check(again.size == wire->size && !memcmp(again.data, wire->data, wire->size));
    buf_fini(&again);
    buf_fini(&print);
    arena_free(arena);
}

static bool
is_empty(const struct pcep_message *message)
{
    switch (message->type) {
    case PCEP_PCREQ:
    case PCEP_PCREP:
    case PCEP_PCRPT:
    case PCEP_PCUPD:
    case PCEP_PCINITIATE:
        return !message->n_entries;
    default:
        return false;
    }
}

static void
check_message(struct pcep_message *message)
{
    struct buf text = BUF_INIT, wire = BUF_INIT;
    pcep_message_print(message, &text);
    check(text.size > 0);
    buf_clear(&text);
    for (uint32_t i = 0; i < message->n_faults; i++)
        check(message->faults[i].error.type && message->faults[i].object);
    leave_out(message);
    pcep_message_print(message, &text);
    check(!pcep_message_encode(message, &wire));
    if (!is_empty(message))
        check_again(&wire, buf_cstr(&text));
    buf_fini(&text);
    buf_fini(&wire);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(BUDGET);
    struct pcep_message message;
    struct pcep_fault fault = {.object = NULL};
    struct diag diag = {""};
    enum err err = pcep_message_decode(data, size, arena, &message, &fault, &diag);
    if (!err) {
        struct pcep_capabilities capabilities;
        if (message.type == PCEP_OPEN)
            pcep_capabilities_read(&message.open, &capabilities);
        check_message(&message);
    } else {
        check(err != ERR_LIMIT && fault.error.type && fault.object && fault.field && *diag.text);
    }
    check(arena_used(arena) <= BUDGET);
    arena_free(arena);
    return 0;
}
