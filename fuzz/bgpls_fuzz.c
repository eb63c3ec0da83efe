/* NLRI and the BGP-LS attribute: read, printed, written again. An NLRI that was accepted must come
 * back octet for octet. An attribute comes back in order and without what was left out; written
 * once more it must not change any further. The first octet chooses which of both the input is. */
#include "exact.h"
#include "proto/bgpls/bgpls_attributes.h"
#include "proto/bgpls/bgpls_nlri.h"

static void
fuzz_nlri(const uint8_t *data, size_t size)
{
    struct bgpls_nlri nlri;
    const char *what;
    enum err err;
    while ((err = bgpls_nlri_next(&data, &size, &nlri, &what)) == ERR_OK || err == ERR_MALFORMED) {
        struct buf out = BUF_INIT;
        check((err == ERR_OK) == (what == NULL));
        if (err)
            continue;
        bgpls_nlri_print(&nlri, &out);
        check(out.size > 0);
        buf_clear(&out);
        err = bgpls_nlri_encode(&nlri, &out);
        check(err == (nlri.n_extra > BGPLS_EXTRA_MAX ? ERR_LIMIT : ERR_OK));
        check(err || (out.size == nlri.size && memcmp(out.data, nlri.octets, out.size) == 0));
        buf_fini(&out);
    }
}

/* Reads, prints and writes; false: it was not accepted. */
static bool
pass(const uint8_t *data, size_t size, struct buf *out, struct buf *text)
{
    struct arena *arena = arena_new(1 << 20);
    struct bgpls_attributes a;
    struct diag diag;
    enum err err = bgpls_attributes_decode(data, size, arena, &a, &diag);
    if (!err) {
        a.n_dropped = 0; /* what was left out once is not left out again */
        bgpls_attributes_print(&a, text);
        check(!bgpls_attributes_encode(&a, out));
    } else {
        check(diag.text[0]);
    }
    arena_free(arena);
    return !err;
}

static void
fuzz_attributes(const uint8_t *data, size_t size)
{
    struct buf first = BUF_INIT, second = BUF_INIT, text = BUF_INIT, again = BUF_INIT;
    if (pass(data, size, &first, &text)) {
        check(first.size <= size);
        check(pass(first.data, first.size, &second, &again));
        check(first.size == second.size &&
              (!first.size || memcmp(first.data, second.data, first.size) == 0));
        check(text.size == again.size && (!text.size || !memcmp(text.data, again.data, text.size)));
    }
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&text);
    buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t *copy = exact_copy(data + 1, size - 1);
    if (data[0] & 1)
        fuzz_attributes(copy, size - 1);
    else
        fuzz_nlri(copy, size - 1);
    exact_free(copy, size - 1);
    return 0;
}
