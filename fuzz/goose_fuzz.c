/* Decodes a GOOSE frame; what decodes must encode, decode to the same again, and be judged. */
#include "fuzz.h"
#include "proto/ot/goose/goose_subscriber.h"

#include <string.h>

static void
check_round_trip(const struct goose_pdu *pdu, struct arena *arena)
{
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct goose_pdu again;
    if (!goose_encode(&once, pdu)) {
        struct cursor c = cursor_over(once.data, once.size);
        check(goose_decode(&c, arena, &again) == ERR_OK);
        check(again.n_values == pdu->n_values && again.st_num == pdu->st_num);
        check(goose_encode(&twice, &again) == ERR_OK);
        check(once.size == twice.size && !memcmp(once.data, twice.data, once.size));
    }
    buf_fini(&once);
    buf_fini(&twice);
}

static void
check_subscriber(const struct goose_pdu *pdu)
{
    struct goose_subscriber *s = goose_subscriber_new(
        &(struct goose_subscriber_config){.gocb_ref = "LD/LLN0$GO$gc1", .appid = 0x3001});
    struct goose_event first = goose_subscriber_input(s, pdu, 0);
    struct goose_event second = goose_subscriber_input(s, pdu, 1);
    if (first.kind == GOOSE_FIRST)
        check(second.kind == GOOSE_DUPLICATE && !second.altered);
    goose_subscriber_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (!arena)
        arena = arena_new(4 * GOOSE_VALUES_BUDGET);
    arena_reset(arena);
    struct goose_pdu pdu;
    struct cursor c = cursor_over(data, size);
    struct diag diag;
    if (goose_decode(&c, arena, &pdu)) {
        check(cursor_explain(&c, &diag) && c.field && c.offset <= size);
        return 0;
    }
    check_round_trip(&pdu, arena);
    check_subscriber(&pdu);
    return 0;
}
