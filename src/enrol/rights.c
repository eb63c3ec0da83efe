#include "enrol/rights.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

bool
site_name_is_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n && n <= SITE_NAME_MAX && !name[n] && name[0] != '-' && name[n - 1] != '-';
}

static void PRINTF_LIKE(2, 3) add(json_t *list, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *subject = xvasprintf(format, args);
    va_end(args);
    json_array_append_new(list, json_string(subject));
    free(subject);
}

static void
init(struct rights_lists *lists)
{
    *lists = (struct rights_lists){json_array(), json_array(), json_array()};
}

void
rights_fini(struct rights_lists *lists)
{
    json_decref(lists->publish);
    json_decref(lists->publish_not);
    json_decref(lists->subscribe);
}

/* What a site says to others, and where it answers them. */
static void
add_outward(const struct rights *r, json_t *publish)
{
    size_t i;
    json_t *name;
    add(publish, "site.%s.from.%s.>", r->centre, r->site);
    add(publish, "_INBOX.%s.%s.>", r->centre, r->site);
    json_array_foreach((json_t *)r->witnesses, i, name)
        add(publish, "site.%s.from.%s.witness.>", json_string_value(name), r->site);
    json_array_foreach((json_t *)r->witness_for, i, name)
        add(publish, "_INBOX.%s.%s.>", json_string_value(name), r->site);
}

static void
add_inward(const struct rights *r, json_t *subscribe)
{
    add(subscribe, "site.%s.>", r->site);
    add(subscribe, "_INBOX.%s.>", r->site);
}

void
rights_of_link(const struct rights *r, struct rights_lists *lists)
{
    init(lists);
    add_outward(r, lists->publish);
    add_inward(r, lists->subscribe);
}

void
rights_of_tielined(const struct rights *r, struct rights_lists *lists)
{
    init(lists);
    add(lists->publish, "site.%s.>", r->site);
    add(lists->publish_not, "site.%s.from.>", r->site); /* that is what others say */
    if (!strcmp(r->site, r->centre)) {
        add(lists->publish, "site.*.from.%s.>", r->centre);
        add(lists->publish, "_INBOX.*.%s.>", r->centre);
    } else {
        add_outward(r, lists->publish);
        add(lists->publish, "_INBOX.%s.%s.>", r->site, r->site);
    }
    add_inward(r, lists->subscribe);
}

/* ---- Accounts ---- */

static bool
is_in(const json_t *names, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)names, i,
                       one) if (!strcmp(json_string_value(one), name)) return true;
    return false;
}

json_t *
rights_exports(const struct rights *r)
{
    json_t *subjects = json_array();
    if (strcmp(r->site, r->centre) != 0) {
        add_outward(r, subjects);
    } else {
        add(subjects, "site.*.from.%s.>", r->centre);
        add(subjects, "_INBOX.*.%s.>", r->centre);
    }
    return subjects;
}

json_t *
rights_imports(const struct rights *r, const char *from)
{
    json_t *subjects = json_array();
    if (!strcmp(r->site, from))
        return subjects;
    if (!strcmp(r->site, r->centre) || !strcmp(from, r->centre)) {
        add(subjects, "site.%s.from.%s.>", r->site, from);
        add(subjects, "_INBOX.%s.%s.>", r->site, from);
        return subjects;
    }
    if (is_in(r->witnesses, from))
        add(subjects, "_INBOX.%s.%s.>", r->site, from);
    if (is_in(r->witness_for, from))
        add(subjects, "site.%s.from.%s.witness.>", r->site, from);
    return subjects;
}
