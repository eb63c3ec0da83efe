/* What was learned, as octets. */
#include "detect/detector_private.h"
#include "detect/real.h"

#define MAGIC 0x544c4233u                      /* "TLB3" */
#define MAGIC_2 0x544c4232u                    /* "TLB2": without what people said */
#define LEARNED_MOST ((UINT64_C(1) << 62) - 1) /* 146 years */

struct saver {
    struct buf *out;
    uint32_t n;
};

static void
save_known(void *arg, uint64_t key, void *cell)
{
    struct saver *s = arg;
    const struct sighted *k = cell;
    buf_be64(s->out, key);
    buf_be32(s->out, k->count);
    s->n++;
}

static void
save_range(void *arg, uint64_t key, void *cell)
{
    struct saver *s = arg;
    const struct range *r = cell;
    buf_be64(s->out, key);
    real_put(s->out, r->low);
    real_put(s->out, r->high);
    buf_be32(s->out, r->n);
    s->n++;
}

static void
save_cells(struct buf *out, struct cells *cells, void (*save)(void *, uint64_t, void *))
{
    struct saver s = {.out = out};
    size_t at = out->size;
    buf_be32(out, 0);
    cells_each(cells, save, &s);
    buf_patch_be32(out, at, s.n);
}

/* Rules are told by their names: another version of them may have others. */
void
detector_save(struct detector *d, struct buf *out)
{
    size_t n = rules_number(d->config.rules);
    buf_be32(out, MAGIC);
    buf_be64(out, d->seed);
    buf_be64(out, (uint64_t)d->learned);
    buf_be32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        const char *name = rules_at(d->config.rules, i)->name;
        buf_be64(out, hash_bytes(name, strlen(name), 0));
        buf_be64(out, d->usual[i].n);
        buf_be64(out, d->usual[i].once);
        buf_be64(out, (uint64_t)d->usual[i].since);
    }
    save_cells(out, d->known, save_known);
    save_cells(out, d->ranges, save_range);
    verdicts_save(d->verdicts, out);
}

static void
restore_usual(struct detector *d, uint64_t name, struct usual usual)
{
    for (size_t i = 0; i < rules_number(d->config.rules); i++) {
        const char *its = rules_at(d->config.rules, i)->name;
        if (hash_bytes(its, strlen(its), 0) == name)
            d->usual[i] = usual;
    }
}

/* Once to see that it is whole (`d` NULL), once to take it. */
static void
read_saved(struct detector *d, struct cursor *c, uint32_t version)
{
    bool is_new;
    uint64_t seed = cursor_be64(c, "seed");
    nsec_t learned = (nsec_t)(cursor_be64(c, "learned") & LEARNED_MOST);
    uint32_t n = cursor_be32(c, "rules");
    if (d) {
        d->seed = seed;
        detector_make_seeds(d);
        d->learned = learned;
        for (size_t i = 0; i < rules_number(d->config.rules); i++)
            d->usual[i] = (struct usual){.since = learned}; /* those that the file does not have */
    }
    for (; n && !c->err; n--) {
        uint64_t name = cursor_be64(c, "rule");
        struct usual usual = {.n = cursor_be64(c, "seen")};
        usual.once = cursor_be64(c, "seen once");
        usual.since = (nsec_t)(cursor_be64(c, "since") & LEARNED_MOST);
        if (usual.once > usual.n)
            cursor_fail(c, ERR_MALFORMED, "seen once");
        if (d)
            restore_usual(d, name, usual);
    }
    for (n = cursor_be32(c, "keys"); n && !c->err; n--) {
        uint64_t key = cursor_be64(c, "key");
        uint32_t seen = cursor_be32(c, "count");
        if (d)
            ((struct sighted *)cells_make(d->known, key, 0, &is_new))->count = seen;
    }
    for (n = cursor_be32(c, "ranges"); n && !c->err; n--) {
        uint64_t key = cursor_be64(c, "key");
        struct range range = {.low = real_read(c, "low")};
        range.high = real_read(c, "high");
        range.n = cursor_be32(c, "count");
        if (d)
            *(struct range *)cells_make(d->ranges, key, 0, &is_new) = range;
    }
    if (version == MAGIC)
        verdicts_read(d ? d->verdicts : NULL, c);
    if (!c->err && cursor_left(c))
        cursor_fail(c, ERR_MALFORMED, "end");
}

enum err
detector_restore(struct detector *d, const void *data, size_t size, struct diag *diag)
{
    struct cursor c = cursor_over(data, size);
    uint32_t version = cursor_be32(&c, "version");
    if (version != MAGIC && version != MAGIC_2)
        return diag_set(diag, ERR_UNSUPPORTED, "not a baseline of this version");
    struct cursor again = c;
    read_saved(NULL, &c, version);
    if (c.err)
        return diag_set(diag, ERR_MALFORMED, "%s at octet %zu: %s", c.field, c.offset,
                        err_text(c.err));
    read_saved(d, &again, version);
    return ERR_OK;
}
