#include "model/member_list.h"

#include "base/alloc.h"
#include "model/object.h"

#include <stdlib.h>
#include <string.h>

/* One element of a list, as the member at the start of a struct of its own. */
static const struct member name_element = {.type = MEMBER_NAME, .need = MEMBER_REQUIRED};
static const struct member port_element = {
    .type = MEMBER_U16, .need = MEMBER_REQUIRED, .min = 1, .max = UINT16_MAX};

struct list {
    void *items;
    uint32_t n;
};

static struct list
get_list(const struct member *m, const void *object)
{
    struct list list;
    memcpy(&list.items, (const char *)object + m->offset, sizeof list.items);
    memcpy(&list.n, (const char *)object + m->more, sizeof list.n);
    return list;
}

static void
set_list(const struct member *m, void *object, struct list list)
{
    memcpy((char *)object + m->offset, &list.items, sizeof list.items);
    memcpy((char *)object + m->more, &list.n, sizeof list.n);
}

static size_t
element_size(const struct member *m)
{
    return m->type == MEMBER_NAMES   ? sizeof(char *)
           : m->type == MEMBER_PORTS ? sizeof(struct port)
                                     : sizeof(uint16_t);
}

static void *
element(const struct member *m, struct list list, uint32_t i)
{
    return (char *)list.items + i * element_size(m);
}

static void
free_list(const struct member *m, struct list list)
{
    for (uint32_t i = 0; i < list.n; i++) {
        if (m->type == MEMBER_NAMES)
            free(((char **)list.items)[i]);
        else if (m->type == MEMBER_PORTS)
            object_fini(OBJECT_PORT, element(m, list, i));
    }
    free(list.items);
}

static struct list
copy_list(const struct member *m, struct list list)
{
    if (list.n == 0)
        return (struct list){NULL, 0};
    struct list copy = {xmemdup(list.items, list.n * element_size(m)), list.n};
    for (uint32_t i = 0; i < list.n; i++) {
        if (m->type == MEMBER_NAMES)
            member_own(&name_element, element(m, copy, i));
        else if (m->type == MEMBER_PORTS)
            object_own(OBJECT_PORT, element(m, copy, i));
    }
    return copy;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
compare_transport_ports(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int
compare_port_numbers(const void *a, const void *b)
{
    uint32_t x = ((const struct port *)a)->number, y = ((const struct port *)b)->number;
    return (x > y) - (x < y);
}

/* Sorted by number; two of one number or of one name are refused. */
static enum err
check_ports(struct list list, struct diag *diag)
{
    struct port *ports = list.items;
    char **names = xcalloc(list.n, sizeof *names);
    enum err err = ERR_OK;
    qsort(ports, list.n, sizeof *ports, compare_port_numbers);
    for (uint32_t i = 0; i < list.n; i++) {
        names[i] = ports[i].name;
        if (i && !err && ports[i - 1].number == ports[i].number)
            err = diag_set(diag, ERR_INVALID, "port %u is there twice", ports[i].number);
    }
    qsort(names, list.n, sizeof *names, compare_names);
    for (uint32_t i = 1; i < list.n && !err; i++) {
        if (!strcmp(names[i - 1], names[i]))
            err = diag_set(diag, ERR_INVALID, "two ports are named %s", names[i]);
    }
    free(names);
    return err;
}

static enum err
check_transport_ports(struct list list, struct diag *diag)
{
    uint16_t *ports = list.items;
    qsort(ports, list.n, sizeof *ports, compare_transport_ports);
    for (uint32_t i = 1; i < list.n; i++) {
        if (ports[i - 1] == ports[i])
            return diag_set(diag, ERR_INVALID, "%u is there twice", ports[i]);
    }
    return ERR_OK;
}

static enum err
check_names(const struct member *m, struct list list, struct diag *diag)
{
    char **sorted = list.items, **copy = NULL;
    enum err err = ERR_OK;
    if (m->ordered) /* the order stays, what is there twice is still found */
        sorted = copy = xmemdup(list.items, list.n * sizeof *copy);
    qsort(sorted, list.n, sizeof *sorted, compare_names);
    for (uint32_t i = 1; i < list.n && !err; i++) {
        if (!strcmp(sorted[i - 1], sorted[i]))
            err = diag_set(diag, ERR_INVALID, "%s is there twice", sorted[i]);
    }
    free(copy);
    return err;
}

static enum err
check_list(const struct member *m, struct list list, struct diag *diag)
{
    if (m->max && list.n > m->max)
        return diag_set(diag, ERR_LIMIT, "has %u values, at most %u are possible", list.n, m->max);
    if (list.n < m->min)
        return diag_set(diag, ERR_INVALID, "must have at least %u", m->min);
    if (list.n == 0)
        return ERR_OK;
    return m->type == MEMBER_PORTS   ? check_ports(list, diag)
           : m->type == MEMBER_NAMES ? check_names(m, list, diag)
                                     : check_transport_ports(list, diag);
}

/* Takes over `list`, whether it is accepted or not. */
static enum err
take_list(const struct member *m, void *object, struct list list, struct diag *diag)
{
    enum err err = check_list(m, list, diag);
    if (err) {
        free_list(m, list);
        return err;
    }
    free_list(m, get_list(m, object));
    if (list.n == 0) {
        free(list.items);
        list.items = NULL;
    }
    set_list(m, object, list);
    return ERR_OK;
}

static const struct member *
element_member(const struct member *m)
{
    return m->type == MEMBER_NAMES ? &name_element : &port_element;
}

enum err
member_list_from_text(const struct member *m, void *object, const char *text, struct diag *diag)
{
    static const char separators[] = " ,;\t\r\n";
    size_t capacity = strlen(text) / 2 + 1; /* there is a separator between any two */
    struct list list = {xcalloc(capacity, element_size(m)), 0};
    char *copy = xstrdup(text), *rest = copy;
    enum err err = ERR_OK;
    for (char *word; !err && (word = strsep(&rest, separators));) {
        if (*word == '\0')
            continue;
        err = member_from_text(element_member(m), element(m, list, list.n), word, diag);
        list.n += !err;
    }
    free(copy);
    if (err) {
        free_list(m, list);
        return err;
    }
    return take_list(m, object, list, diag);
}

void
member_list_to_text(const struct member *m, const void *object, struct buf *out)
{
    struct list list = get_list(m, object);
    for (uint32_t i = 0; i < list.n; i++) {
        if (i)
            buf_u8(out, ' ');
        member_to_text(element_member(m), element(m, list, i), out);
    }
}

enum err
member_list_from_json(const struct member *m, void *object, const json_t *json, struct diag *diag)
{
    if (!json_is_array(json))
        return diag_set(diag, ERR_INVALID, "must be a list");
    size_t n = json_array_size(json);
    struct list list = {xcalloc(n, element_size(m)), 0};
    enum err err = ERR_OK;
    for (; !err && list.n < n; list.n++) { /* what is half read is freed too */
        const json_t *value = json_array_get(json, list.n);
        void *at = element(m, list, list.n);
        err = m->type == MEMBER_PORTS ? object_read_json(OBJECT_PORT, value, at, diag)
                                      : member_from_json(element_member(m), at, value, diag);
    }
    if (err) {
        free_list(m, list);
        return err;
    }
    return take_list(m, object, list, diag);
}

json_t *
member_list_to_json(const struct member *m, const void *object)
{
    json_t *array = json_array();
    struct list list = get_list(m, object);
    for (uint32_t i = 0; i < list.n; i++) {
        const void *at = element(m, list, i);
        json_array_append_new(array, m->type == MEMBER_PORTS
                                         ? object_to_json(OBJECT_PORT, at)
                                         : member_to_json(element_member(m), at));
    }
    return array;
}

bool
member_list_is_set(const struct member *m, const void *object)
{
    return get_list(m, object).n > 0;
}

bool
member_list_equal(const struct member *m, const void *a, const void *b)
{
    struct list x = get_list(m, a), y = get_list(m, b);
    if (x.n != y.n)
        return false;
    for (uint32_t i = 0; i < x.n; i++) {
        const void *p = element(m, x, i), *q = element(m, y, i);
        bool equal = m->type == MEMBER_PORTS ? object_equal(OBJECT_PORT, p, q)
                                             : member_equal(element_member(m), p, q);
        if (!equal)
            return false;
    }
    return true;
}

void
member_list_own(const struct member *m, void *object)
{
    set_list(m, object, copy_list(m, get_list(m, object)));
}

void
member_list_clear(const struct member *m, void *object)
{
    free_list(m, get_list(m, object));
    set_list(m, object, (struct list){NULL, 0});
}
