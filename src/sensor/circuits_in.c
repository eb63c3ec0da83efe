#include "sensor/circuits_in.h"

#include "base/attr.h"

#include <stdbool.h>
#include <string.h>

static const char *const lists[] = {"circuits", "hosts", "own"};

void
circuits_in_forget(struct circuits_in *in)
{
    json_decref(in->all);
    *in = (struct circuits_in){0};
}

static bool
read_number(const json_t *piece, const char *name, uint64_t most, uint64_t *number)
{
    const json_t *value = json_object_get(piece, name);
    json_int_t n = json_integer_value(value);
    *number = (uint64_t)n;
    return json_is_integer(value) && n >= 1 && (uint64_t)n <= most;
}

static bool
are_objects(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_object(json_array_get(list, i)))
            return false;
    }
    return true;
}

static enum err
check_lists(const json_t *piece, struct diag *diag)
{
    if (!json_is_array(json_object_get(piece, "circuits")))
        return diag_set(diag, ERR_MALFORMED, "circuits: a list is expected");
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const json_t *list = json_object_get(piece, lists[i]);
        if (list && (!json_is_array(list) || !are_objects(list)))
            return diag_set(diag, ERR_MALFORMED, "%s: a list of objects is expected", lists[i]);
    }
    return ERR_OK;
}

static enum err
add_lists(struct circuits_in *in, const json_t *piece, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        json_t *list = json_object_get(piece, lists[i]), *all = json_object_get(in->all, lists[i]);
        if (json_array_size(list) + json_array_size(all) > CIRCUITS_IN_MOST)
            return diag_set(diag, ERR_LIMIT, "%s: more than %d", lists[i], CIRCUITS_IN_MOST);
        if (list)
            json_array_extend(all, list);
    }
    return ERR_OK;
}

static enum err
take(struct circuits_in *in, const json_t *piece, struct diag *diag)
{
    uint64_t generation, part, parts;
    if (!read_number(piece, "generation", INT64_MAX, &generation) ||
        !read_number(piece, "parts", CIRCUITS_IN_PARTS, &parts) ||
        !read_number(piece, "part", parts, &part))
        return diag_set(diag, ERR_MALFORMED, "{generation, part, parts, circuits} is expected");
    enum err err = check_lists(piece, diag);
    if (err)
        return err;
    if (part == 1) {
        circuits_in_forget(in);
        in->generation = generation;
        in->parts = (uint32_t)parts;
        in->all = json_pack("{s[] s[] s[]}", lists[0], lists[1], lists[2]);
    }
    if (!in->all || generation != in->generation || parts != in->parts || part != in->part + 1)
        return diag_set(diag, ERR_CONFLICT, "part %u of %u is not the one that comes next",
                        (unsigned)part, (unsigned)parts);
    in->part = (uint32_t)part;
    return add_lists(in, piece, diag);
}

enum err
circuits_in_take(struct circuits_in *in, const json_t *piece, json_t **whole, struct diag *diag)
{
    *whole = NULL;
    enum err err = take(in, piece, diag);
    if (!err && in->part == in->parts) {
        *whole = in->all;
        in->all = NULL;
    }
    if (err || *whole)
        circuits_in_forget(in);
    return err;
}
