#include "sensor/protocols.h"

#include "base/testing.h"

#include <string.h>

/* What the tables promise to whoever reads them. */
static void
tables_are_whole(void **state UNUSED)
{
    for (const struct protocol *const *at = protocols_all; *at; at++) {
        const struct protocol *p = *at;
        assert_non_null(p->name);
        assert_non_null(p->title);
        assert_non_null(p->source);
        assert_non_null(p->looks);
        assert_non_null(p->dissect);
        assert_true(!(p->carriers & CARRIER_TCP) || (p->frame && p->message_max));
        assert_true(p->n_fields <= PROTOCOL_FIELDS);
        for (size_t i = 0; i < p->n_fields; i++) {
            assert_non_null(p->fields[i].name);
            assert_non_null(p->fields[i].about);
            for (size_t k = 0; k < i; k++)
                assert_string_not_equal(p->fields[i].name, p->fields[k].name);
        }
        for (size_t i = 0; i < p->n_functions; i++) {
            assert_non_null(p->functions[i].name);
            assert_true(!i || p->functions[i].number > p->functions[i - 1].number);
        }
        for (const struct protocol *const *other = protocols_all; other < at; other++)
            assert_string_not_equal(p->name, (*other)->name);
    }
}

TEST_MAIN(cmocka_unit_test(tables_are_whole))
