/* How often refusals of who is not known are recorded: each machine's are counted by themselves. */
#include "gateway/service_private.h"
#include "gateway/service_testing.h"
#include "io/address.h"

static void
refuse(struct api_scene *s, const char *before, int first, int last, const char *behind)
{
    for (int i = first; i <= last; i++) {
        char address[ADDRESS_TEXT_SIZE];
        snprintf(address, sizeof address, "%s%d%s", before, i, behind);
        record_stranger(s->service, address, "the certificate has expired");
    }
    append_event(s, "test.end", "x", "{}"); /* then all of it is durable */
}

/* How many access.denied there are of addresses that begin so. */
static unsigned
count_recorded(struct api_scene *s, const char *address)
{
    struct answer a = ask(s, "ada", "GET /api/v1/journal?type=access.denied&limit=1000", NULL);
    unsigned n = 0;
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(a.json, "events"), i, event)
    {
        const json_t *body = json_object_get(event, "body");
        assert_string_equal(json_string_value(json_object_get(body, "person")), "");
        n += !strncmp(json_string_value(json_object_get(body, "address")), address,
                      strlen(address));
    }
    answer_fini(&a);
    return n;
}

/* Refusals are answered before they are in the journal. */
static void
assert_recorded(struct api_scene *s, const char *address, unsigned n)
{
    for (unsigned tries = 0; tries < 1000 && count_recorded(s, address) < n; tries++)
        continue;
    assert_int_equal(count_recorded(s, address), n);
}

static void
no_stranger_hides_another(void **state)
{
    struct api_scene *s = *state;
    refuse(s, "192.0.2.1:", 1000, 1019, "");
    refuse(s, "192.0.2.2:", 1000, 1000, "");
    refuse(s, "[2001:db8::1]:", 1000, 1019, "");
    refuse(s, "[2001:db8:0:1::1]:", 1000, 1000, "");
    assert_recorded(s, "192.0.2.1:", DENIALS_AT_ONCE);
    assert_recorded(s, "192.0.2.2:", 1);
    assert_recorded(s, "[2001:db8::1]", DENIALS_AT_ONCE);
    assert_recorded(s, "[2001:db8:0:1::1]", 1);
    assert_int_equal(gateway_service_statistics(s->service).denied, 42);
    assert_int_equal(gateway_service_statistics(s->service).denied_left_out, 30);
}

static void
all_addresses_of_a_network_are_one_stranger(void **state)
{
    struct api_scene *s = *state;
    refuse(s, "[2001:db8::", 1, 100, "]:1000");
    refuse(s, "[fe80::", 1, 100, "%eth0]:1000");
    assert_recorded(s, "[2001:db8::", DENIALS_AT_ONCE);
    assert_recorded(s, "[fe80::", DENIALS_AT_ONCE);
}

static void
no_stranger_hides_a_person(void **state)
{
    struct api_scene *s = *state;
    refuse(s, "192.0.", 0, 255, ".1:1000");
    refuse(s, "198.51.", 0, 255, ".1:1000");
    for (unsigned i = 0; i < DENIALS_AT_ONCE; i++) {
        struct answer a = ask(s, "vera", "DELETE /api/v1/sites/north", NULL);
        assert_status(a, 403);
        answer_fini(&a);
    }
    struct answer a;
    const json_t *events;
    for (unsigned tries = 0;; tries++) {
        a = ask(s, "ada", "GET /api/v1/journal?type=access.denied&limit=1000", NULL);
        events = json_object_get(a.json, "events");
        if (json_array_size(events) == DENIALS_COUNTS + 2 * DENIALS_AT_ONCE || tries == 1000)
            break;
        answer_fini(&a);
    }
    assert_int_equal(json_array_size(events), DENIALS_COUNTS + 2 * DENIALS_AT_ONCE);
    for (size_t i = json_array_size(events) - DENIALS_AT_ONCE; i < json_array_size(events); i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(events, i), "actor")),
                            "vera");
    answer_fini(&a);
}

TEST_MAIN(API_TEST(no_stranger_hides_another),
          API_TEST(all_addresses_of_a_network_are_one_stranger),
          API_TEST(no_stranger_hides_a_person))
