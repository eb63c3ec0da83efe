/* Decodes a Sampled Values frame; what decodes must encode and decode to the same again. */
#include "fuzz.h"
#include "proto/ot/sv/sv.h"

#include <string.h>

static void
check_round_trip(const struct sv_pdu *pdu)
{
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct sv_pdu again;
    if (!sv_encode(&once, pdu)) {
        struct cursor c = cursor_over(once.data, once.size);
        check(sv_decode(&c, &again) == ERR_OK);
        check(again.n_asdus == pdu->n_asdus && cursor_left(&c) == 0);
        check(sv_encode(&twice, &again) == ERR_OK);
        check(once.size == twice.size && !memcmp(once.data, twice.data, once.size));
    }
    buf_fini(&once);
    buf_fini(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sv_pdu pdu;
    struct cursor c = cursor_over(data, size);
    struct diag diag;
    if (sv_decode(&c, &pdu)) {
        check(cursor_explain(&c, &diag) && c.field && c.offset <= size);
        return 0;
    }
    check_round_trip(&pdu);
    for (unsigned i = 0; i < pdu.n_asdus; i++) {
        struct sv_le_sample sample;
        uint8_t octets[SV_LE_SAMPLE_SIZE];
        if (sv_le_decode(&pdu.asdus[i], &sample))
            continue;
        sv_le_encode(octets, &sample);
        check(!memcmp(octets, pdu.asdus[i].sample, sizeof octets));
    }
    return 0;
}
