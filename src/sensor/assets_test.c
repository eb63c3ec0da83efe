#include "sensor/assets.h"

#include "base/testing.h"
#include "proto/it/dhcp/dhcp.h"
#include "proto/ot/dnp3/dnp3.h"
#include "proto/ot/modbus/modbus.h"
#include "sensor/protocols.h"

#include <stdio.h>
#include <stdlib.h>

struct bench {
    struct assets *assets;
    unsigned n_found;
    struct buf changes; /* "vendor: ABB" or "vendor: ABB, was SEL", a line each */
    nsec_t now;
};

static void
on_found(void *arg, const struct asset *a UNUSED)
{
    ((struct bench *)arg)->n_found++;
}

static void
on_changed(void *arg, const struct asset *a, enum attribute attribute, const char *was)
{
    struct bench *b = arg;
    buf_printf(&b->changes, "%s: %s%s%s\n", attribute_word(attribute), a->values[attribute].text,
               was ? ", was " : "", was ? was : "");
}

static int
begin_with(void **state, uint32_t most)
{
    static struct bench b;
    struct diag diag = {""};
    b = (struct bench){.changes = BUF_INIT};
    const struct assets_config config = {.protocols = protocols_all,
                                         .most = most,
                                         .arg = &b,
                                         .found = on_found,
                                         .changed = on_changed};
    if (assets_new(&config, &b.assets, &diag))
        fail_msg("%s", diag.text);
    *state = &b;
    return 0;
}

static int
begin(void **state)
{
    return begin_with(state, 0);
}

static int
begin_small(void **state)
{
    return begin_with(state, 3);
}

static int
end(void **state)
{
    struct bench *b = *state;
    assets_free(b->assets);
    buf_fini(&b->changes);
    return 0;
}

static const char *
changes(struct bench *b)
{
    static char text[2000];
    snprintf(text, sizeof text, "%s", buf_cstr(&b->changes));
    buf_clear(&b->changes);
    return text;
}

/* 10.0.0.FROM to 10.0.0.TO; the macs end with the same. */
static struct conversation
between(uint8_t from, uint8_t to, unsigned *way)
{
    struct conversation c = {.key = {.ip = 4, .proto = 6}};
    const uint8_t low = MIN(from, to), high = from < to ? to : from;
    memcpy(c.key.ends[0].address, (uint8_t[]){10, 0, 0, low}, 4);
    memcpy(c.key.ends[1].address, (uint8_t[]){10, 0, 0, high}, 4);
    c.macs[0] = (struct mac){{0x00, 0x30, 0xa7, 0, 0, low}};
    c.macs[1] = (struct mac){{0x00, 0x30, 0xa7, 0, 0, high}};
    *way = from > to;
    return c;
}

static void
tell(struct bench *b, uint8_t from, uint8_t to, const struct pdu *p)
{
    unsigned way;
    struct conversation c = between(from, to, &way);
    assets_message(b->assets, &c, way, b->now += NSEC_PER_SEC, p);
}

static struct pdu *
message(const struct protocol *protocol, enum pdu_kind kind, enum act act)
{
    static struct pdu p;
    p.protocol = protocol;
    p.kind = kind;
    p.act = act;
    p.n_fields = p.n_objects = 0;
    return &p;
}

static void
add(struct pdu *p, uint16_t id, uint16_t object, const char *text, uint64_t value)
{
    struct field *f = pdu_put(p, id, object);
    if (text) {
        f->octets = (const uint8_t *)text;
        f->n = (uint32_t)strlen(text);
    } else {
        f->u = value;
    }
}

static struct pdu *
identity(unsigned unit, const char *vendor, const char *firmware)
{
    struct pdu *p = message(&modbus, PDU_RESPONSE, ACT_IDENTIFY);
    add(p, MODBUS_UNIT, 0, NULL, unit);
    add(p, MODBUS_IDENTITY_OBJECT, 1, NULL, 0);
    add(p, MODBUS_IDENTITY_TEXT, 1, vendor, 0);
    add(p, MODBUS_IDENTITY_OBJECT, 2, NULL, 2);
    add(p, MODBUS_IDENTITY_TEXT, 2, firmware, 0);
    return p;
}

static bool
put_one(void *arg, const struct asset *a)
{
    struct buf *b = arg;
    asset_put_json(b, a);
    buf_u8(b, '\n');
    return true;
}

static void
a_device_says_who_it_is(void **state)
{
    struct bench *b = *state;
    tell(b, 5, 9, identity(1, "  ABB ", "2.0"));
    assert_string_equal(changes(b), "vendor: ABB\nfirmware: 2.0\n");
    assert_int_equal(b->n_found, 2);
    tell(b, 5, 9, identity(1, "ABB", "2.0"));
    assert_string_equal(changes(b), "");
    tell(b, 5, 9, identity(1, "ABB", "2.1"));
    assert_string_equal(changes(b), "firmware: 2.1, was 2.0\n");
    struct pdu *p = message(&dnp3, PDU_RESPONSE, ACT_REPORT);
    add(p, DNP3_ATTRIBUTE, 1, NULL, 248);
    add(p, DNP3_TEXT, 1, "4711", 0);
    tell(b, 5, 9, p);
    assert_string_equal(changes(b), "serial: 4711\n");
    assert_int_equal(assets_number(b->assets), 2);
}

/* Who asks for an address has none yet; what a relay passes on is not of the relay. */
static void
who_asks_for_an_address_is_whom_it_will_be(void **state)
{
    struct bench *b = *state;
    struct conversation c = {.key = {.ip = 4, .proto = 17}};
    memset(c.key.ends[1].address, 255, 4);
    c.macs[0] = (struct mac){{0x00, 0x30, 0xa7, 0, 0, 7}};
    struct pdu *p = message(&dhcp_protocol, PDU_REQUEST, ACT_LINK);
    add(p, DHCP_HOST_NAME, 0, "relay7", 0);
    assets_message(b->assets, &c, 0, NSEC_PER_SEC, p);
    assert_int_equal(assets_number(b->assets), 0);
    add(p, DHCP_SPEAKS_FOR, 0, NULL, 0x0a000007);
    assets_message(b->assets, &c, 0, NSEC_PER_SEC, p);
    tell(b, 1, 9, p);
    assert_string_equal(changes(b), "name: relay7\n");
    struct buf list = BUF_INIT;
    assets_each(b->assets, put_one, &list);
    assert_non_null(strstr(buf_cstr(&list), "\"10.0.0.7\",\"mac\":\"00:30:a7:00:00:07\""));
    buf_fini(&list);
}

static void
weaker_evidence_does_not_count(void **state)
{
    struct bench *b = *state;
    struct pdu *p = message(&modbus, PDU_RESPONSE, ACT_IDENTIFY);
    add(p, MODBUS_IDENTITY_OBJECT, 1, NULL, 5);
    add(p, MODBUS_IDENTITY_TEXT, 1, "RTU560", 0);
    tell(b, 5, 9, p);
    p = message(&modbus, PDU_RESPONSE, ACT_IDENTIFY);
    add(p, MODBUS_IDENTITY_OBJECT, 1, NULL, 4);
    add(p, MODBUS_IDENTITY_TEXT, 1, "a family", 0);
    tell(b, 5, 9, p);
    assert_string_equal(changes(b), "model: RTU560\n");
}

static void
who_is_behind_a_gateway_is_another(void **state)
{
    struct bench *b = *state;
    struct buf list = BUF_INIT;
    tell(b, 5, 9, identity(255, "Gateway Inc.", "1"));
    tell(b, 5, 9, identity(7, "Meter \"M\"", "3"));
    assert_int_equal(assets_number(b->assets), 3);
    assets_each(b->assets, put_one, &list);
    assert_string_equal(
        buf_cstr(&list),
        "{\"address\":\"10.0.0.5\",\"mac\":\"00:30:a7:00:00:05\","
        "\"first\":\"1970-01-01T00:00:01.000000000Z\",\"last\":\"1970-01-01T00:00:02.000000000Z\","
        "\"roles\":[\"server\"],\"protocols\":{\"modbus\":[\"server\"]},\"vendor\":{\"value\":"
        "\"Gateway Inc.\",\"from\":\"modbus.identity-text\",\"confidence\":95},\"firmware\":{"
        "\"value\":\"1\",\"from\":\"modbus.identity-text\",\"confidence\":90}}\n"
        "{\"address\":\"10.0.0.5\",\"member\":7,\"first\":\"1970-01-01T00:00:02.000000000Z\","
        "\"last\":\"1970-01-01T00:00:02.000000000Z\",\"roles\":[\"server\"],\"protocols\":{"
        "\"modbus\":[\"server\"]},\"vendor\":{\"value\":\"Meter \\\"M\\\"\",\"from\":"
        "\"modbus.identity-text\",\"confidence\":95},\"firmware\":{\"value\":\"3\",\"from\":"
        "\"modbus.identity-text\",\"confidence\":90}}\n"
        "{\"address\":\"10.0.0.9\",\"mac\":\"00:30:a7:00:00:09\","
        "\"first\":\"1970-01-01T00:00:01.000000000Z\",\"last\":\"1970-01-01T00:00:02.000000000Z\","
        "\"roles\":[],\"protocols\":{\"modbus\":[]}}\n");
    buf_fini(&list);
}

static bool
keep_roles(void *arg, const struct asset *a)
{
    ((uint8_t *)arg)[a->address.octets[3]] = a->roles;
    return true;
}

static void
roles_are_what_is_done(void **state)
{
    struct bench *b = *state;
    uint8_t roles[256] = {0};
    tell(b, 1, 5, message(&modbus, PDU_REQUEST, ACT_READ));
    tell(b, 2, 5, message(&modbus, PDU_REQUEST, ACT_OPERATE));
    tell(b, 3, 5, message(&modbus, PDU_REQUEST, ACT_DOWNLOAD));
    tell(b, 4, 6, message(&dnp3, PDU_REPORT, ACT_REPORT));
    assets_each(b->assets, keep_roles, roles);
    assert_int_equal(roles[1], ROLE_CLIENT);
    assert_int_equal(roles[2], ROLE_CLIENT | ROLE_COMMANDER);
    assert_int_equal(roles[3], ROLE_CLIENT | ROLE_ENGINEERING);
    assert_int_equal(roles[5], ROLE_SERVER);
    assert_int_equal(roles[4], ROLE_PUBLISHER);
}

static void
a_vendor_is_known_by_the_mac_unless_it_is_a_router_s(void **state UNUSED)
{
    static struct bench b;
    struct diag diag = {""};
    struct oui_registry *registry;
    if (oui_read(OUI_DIRECTORY, &registry, &diag))
        fail_msg("%s", diag.text);
    b = (struct bench){.changes = BUF_INIT};
    const struct assets_config config = {
        .protocols = protocols_all, .registry = registry, .arg = &b, .changed = on_changed};
    assert_ok(assets_new(&config, &b.assets, &diag));
    for (uint8_t i = 1; i <= ASSET_ROUTER_IPS; i++) {
        struct conversation c = {.key = {.ip = 4, .proto = 6}, .last = i};
        memcpy(c.key.ends[0].address, (uint8_t[]){10, 0, 0, i}, 4);
        memcpy(c.key.ends[1].address, (uint8_t[]){10, 0, 1, 1}, 4);
        c.macs[0] = (struct mac){{0x00, 0x30, 0xa7, 0, 0, 1}}; /* one for all */
        assets_conversation(b.assets, &c);
        assert_string_equal(changes(&b),
                            i < ASSET_ROUTER_IPS ? "vendor: SCHWEITZER ENGINEERING\n" : "");
    }
    struct buf list = BUF_INIT;
    assets_each(b.assets, put_one, &list);
    assert_null(strstr(buf_cstr(&list), "SCHWEITZER"));
    assert_null(strstr(buf_cstr(&list), "00:30:a7"));
    buf_fini(&list);
    buf_fini(&b.changes);
    assets_free(b.assets);
    oui_free(registry);
}

static void
groups_are_nobody(void **state)
{
    struct bench *b = *state;
    struct conversation c = {.key = {.ip = 4, .proto = 17}, .last = 5};
    memcpy(c.key.ends[0].address, (uint8_t[]){10, 0, 0, 1}, 4);
    memcpy(c.key.ends[1].address, (uint8_t[]){239, 0, 0, 1}, 4);
    assets_conversation(b->assets, &c);
    assert_int_equal(assets_number(b->assets), 1);
}

static void
the_longest_silent_makes_room(void **state)
{
    struct bench *b = *state;
    for (uint8_t i = 1; i <= 5; i++)
        tell(b, i, 9, message(&modbus, PDU_REQUEST, ACT_READ));
    assert_int_equal(assets_number(b->assets), 3);
    uint8_t roles[256] = {0};
    assets_each(b->assets, keep_roles, roles);
    assert_int_equal(roles[5], ROLE_CLIENT);
    assert_int_equal(roles[9], ROLE_SERVER);
    assert_int_equal(roles[1], 0);
}

static void
tell_in(struct bench *b, const struct conversation *c, const struct pdu *p)
{
    assets_message(b->assets, c, 0, b->now += NSEC_PER_SEC, p);
}

/* What was found for a conversation does not hold when the device was forgotten meanwhile, nor for
 * the next conversation in its slot. */
static void
a_conversation_s_devices_are_its_own(void **state)
{
    struct bench *b = *state;
    unsigned way;
    uint8_t roles[256] = {0};
    struct conversation first = between(1, 9, &way), next = between(2, 8, &way);
    first.serial = 1;
    next.serial = 2; /* in the same slot */
    tell_in(b, &first, message(&modbus, PDU_REQUEST, ACT_READ));
    tell_in(b, &first, message(&modbus, PDU_REQUEST, ACT_OPERATE));
    tell(b, 3, 4, message(&modbus, PDU_REQUEST, ACT_READ));
    tell(b, 5, 6, message(&modbus, PDU_REQUEST, ACT_READ)); /* 1 and 9 make room */
    tell_in(b, &first, message(&modbus, PDU_REQUEST, ACT_READ));
    assets_each(b->assets, keep_roles, roles);
    assert_int_equal(roles[1], ROLE_CLIENT);
    assert_int_equal(roles[9], ROLE_SERVER);
    assert_int_equal(assets_number(b->assets), 3);
    tell_in(b, &next, message(&modbus, PDU_REQUEST, ACT_DOWNLOAD));
    assets_each(b->assets, keep_roles, roles);
    assert_int_equal(roles[2], ROLE_CLIENT | ROLE_ENGINEERING);
    assert_int_equal(roles[8], ROLE_SERVER);
    assert_int_equal(assets_number(b->assets), 3);
}

static bool
keep_last(void *arg, const struct asset *a)
{
    ((nsec_t *)arg)[a->address.octets[3]] = a->last;
    return true;
}

static void
what_is_told_late_does_not_make_a_device_older(void **state)
{
    struct bench *b = *state;
    unsigned way;
    nsec_t last[256] = {0};
    struct conversation c = between(1, 2, &way);
    c.last = 5;
    tell(b, 1, 2, message(&modbus, PDU_REQUEST, ACT_READ));
    assets_conversation(b->assets, &c);
    assets_each(b->assets, keep_last, last);
    assert_int_equal(last[1], NSEC_PER_SEC);
}

static bool
keep_macs(void *arg, const struct asset *a)
{
    ((bool *)arg)[a->address.octets[3]] = !mac_is_zero(&a->mac);
    return true;
}

/* Whoever makes up MAC addresses does not keep those that come later from being learned. */
static void
made_up_macs_make_room(void **state)
{
    struct bench *b = *state;
    bool macs[256] = {false};
    for (uint8_t i = 1; i <= 20; i++)
        tell(b, i, (uint8_t)(i + 100), message(&modbus, PDU_REQUEST, ACT_READ));
    assets_each(b->assets, keep_macs, macs);
    assert_true(macs[20]);
    assert_true(macs[120]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

TEST_MAIN(TEST(a_device_says_who_it_is), TEST(weaker_evidence_does_not_count),
          TEST(who_asks_for_an_address_is_whom_it_will_be),
          TEST(who_is_behind_a_gateway_is_another), TEST(roles_are_what_is_done),
          cmocka_unit_test(a_vendor_is_known_by_the_mac_unless_it_is_a_router_s),
          TEST(groups_are_nobody), TEST(what_is_told_late_does_not_make_a_device_older),
          cmocka_unit_test_setup_teardown(made_up_macs_make_room, begin_small, end),
          cmocka_unit_test_setup_teardown(the_longest_silent_makes_room, begin_small, end),
          cmocka_unit_test_setup_teardown(a_conversation_s_devices_are_its_own, begin_small, end))
