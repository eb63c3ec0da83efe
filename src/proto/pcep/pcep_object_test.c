/* Every object, TLV and subobject, from the figures of its RFC: read and printed, and written as it
 * came. */
#include "proto/pcep/pcep_message.h"

#include "base/testing.h"

struct sample {
    unsigned type;
    const char *objects; /* behind the message's header */
    const char *text;    /* that must be among what is printed */
};

static void
assert_same_hex(const struct buf *wire, const char *objects)
{
    size_t size;
    uint8_t *data = hex_bytes(objects, &size);
    struct buf a = BUF_INIT, b = BUF_INIT;
    for (size_t i = PCEP_HEADER_SIZE; i < wire->size; i++)
        buf_printf(&a, "%02x", wire->data[i]);
    for (size_t i = 0; i < size; i++)
        buf_printf(&b, "%02x", data[i]);
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    buf_fini(&a);
    buf_fini(&b);
    free(data);
}

static void
assert_sample(const struct sample *sample)
{
    size_t size;
    struct buf hex = BUF_INIT, text = BUF_INIT, wire = BUF_INIT;
    struct arena *arena = arena_new((size_t)8 << 20);
    struct pcep_message message;
    struct diag diag = {""};
    free(hex_bytes(sample->objects, &size));
    buf_printf(&hex, "20%02x%04zx %s", sample->type, size + PCEP_HEADER_SIZE, sample->objects);
    uint8_t *data = hex_bytes(buf_cstr(&hex), &size);
    enum err err = pcep_message_decode(data, size, arena, &message, NULL, &diag);
    free(data);
    assert_string_equal(diag.text, "");
    assert_ok(err);
    pcep_message_print(&message, &text);
    if (!strstr(buf_cstr(&text), sample->text))
        assert_string_equal(buf_cstr(&text), sample->text);
    assert_ok(pcep_message_encode(&message, &wire));
    assert_same_hex(&wire, sample->objects);
    buf_fini(&hex);
    buf_fini(&text);
    buf_fini(&wire);
    arena_free(arena);
}

#define ASSERT_SAMPLES(samples) assert_samples(samples, ARRAY_SIZE(samples))

static void
assert_samples(const struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_sample(&samples[i]);
}

#define RP "0212000c 00000000 0000002a"
#define ENDS "0412000c 0a000001 0a000002"
#define LSP "20100008 00001009"
#define ERO "07100004"

static void
every_object(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {PCEP_PCREQ, "0212000c 00000020 0000002a" ENDS, "{RP id=42 flags=O}"},
        {PCEP_PCREQ,
         RP "04220024 20010db8000000000000000000000001 20010db8000000000000000000000002",
         "{END-POINTS source=2001:db8::1 destination=2001:db8::2}"},
        {PCEP_PCREQ, RP ENDS "09120014 00000001 00000002 00000004 07030100",
         "{LSPA exclude-any=0x1 include-any=0x2 include-all=0x4 setup=7 holding=3 flags=L}"},
        {PCEP_PCREQ, RP ENDS "2310000c 00000002 42700000", "{BU type=2 value=60 optional}"},
        {PCEP_PCREQ, RP ENDS "0612000c 0000010b 40800000", "{METRIC sid-depth=4 flags=B}"},
        {PCEP_PCREQ, RP ENDS "0612000c 00000263 40800000", "{METRIC type=99 value=4 flags=C}"},
        {PCEP_PCREQ, RP ENDS "05220008 477a0000", "{BANDWIDTH octets/s=64000}"},
        {PCEP_PCREQ, RP ENDS "0e12000c 00000002 447a0000",
         "{LOAD-BALANCING max-lsp=2 min-octets/s=1000}"},
        {PCEP_PCREQ, RP ENDS "15120008 00010000", "{OF code=1}"},
        {PCEP_PCREQ, RP ENDS "2212000c 00007ed9 61626364",
         "{VENDOR-INFORMATION enterprise=32473 61626364}"},
        {PCEP_PCREQ, "0b12000c 00000004 0000002a" RP ENDS, "{SVEC flags=S ids=42}"},
        {PCEP_PCREP, RP "03100008 01800000", "{NO-PATH nature=1 flags=C}"},
        {PCEP_PCNTF, "0c100010 00000201 0002 0004 0000001e",
         "{NOTIFICATION type=2 value=1 OVERLOAD-DURATION=30}"},
        {PCEP_PCERR, "0d100010 00000700 0003 0004 0000002a",
         "{PCEP-ERROR type=7 value=0 (Synchronized path computation request missing)"
         " REQ-MISSING=42}"},
        {PCEP_PCERR, "0d100008 00000104 01100008 203cf000",
         "{OPEN keepalive=60 deadtimer=240 sid=0}"},
        {PCEP_PCERR, "0d100008 00001401 20100008 00005000",
         "(LSP State Synchronization error: A PCE cannot process an LSP State Report)}"
         " {LSP plsp-id=5 down}"},
        {PCEP_CLOSE, "0f100008 00000003",
         "{CLOSE reason=3(reception of a malformed PCEP message)}"},
        {PCEP_PCUPD, "2110000c 00000000 00000009" LSP ERO, "{SRP id=9}"},
        {PCEP_PCRPT,
         LSP "28200020 00000001 0002000a 20010db8000000000000000000000001"
             "ff00 0000" ERO,
         "{ASSOCIATION type=2 id=10 source=2001:db8::1 flags=R TLV-65280=}"},
    };
    ASSERT_SAMPLES(samples);
}

static void
every_tlv_of_an_open(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {PCEP_OPEN, "01100010 201e7800 0010 0004 0000003f", "STATEFUL-PCE-CAPABILITY=U,S,I,T,D,F"},
        {PCEP_OPEN, "01100010 201e7800 0010 0004 00000000", "STATEFUL-PCE-CAPABILITY=0"},
        {PCEP_OPEN, "01100014 201e7800 0017 0008 0000001234567890", "LSP-DB-VERSION=78187493520"},
        {PCEP_OPEN, "01100010 201e7800 0018 0003 61626300", "SPEAKER-ENTITY-ID=616263"},
        {PCEP_OPEN, "01100014 201e7800 0004 0006 0001 0002 000f 0000", "OF-List=1,2,15"},
        {PCEP_OPEN, "01100010 201e7800 0023 0004 0002 0006", "ASSOC-Type-List=2,6"},
        {PCEP_OPEN, "01100014 201e7800 001d 0008 0000 0002 03e8 01f4",
         "OP-CONF-ASSOC-RANGE=type:2,1000+500"},
        {PCEP_OPEN, "01100010 201e7800 0047 0004 00000005", "SRPOLICY-CAPABILITY=0x5"},
        {PCEP_OPEN, "01100014 201e7800 0007 0008 00007ed9 01020304",
         "VENDOR-INFORMATION=enterprise:32473,01020304"},
        {PCEP_OPEN, "01100010 201e7800 001a 0004 0000010a", "SR-PCE-CAPABILITY=msd:10 flags=X"},
        {PCEP_OPEN,
         "01100028 201e7800 0022 001c 00000002 01030000 001a 0004 0000010a"
         "001b 0006 00000001 2903 0000",
         "PATH-SETUP-TYPE-CAPABILITY=1,3 ( SR-PCE-CAPABILITY=msd:10 flags=X"
         " SRv6-PCE-CAPABILITY=flags:0x1,msd-41:3 )"},
    };
    ASSERT_SAMPLES(samples);
}

static void
every_tlv_of_an_lsp(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {PCEP_PCRPT, "20100010 00001009 0011 0003 61225c00" ERO,
         "SYMBOLIC-PATH-NAME=\"a\\x22\\x5c\""},
        {PCEP_PCRPT,
         "20100040 00001009 0013 0034 20010db8000000000000000000000001 0002 0007"
         "20010db8000000000000000000000003 20010db8000000000000000000000009" ERO,
         "IPV6-LSP-IDENTIFIERS=sender:2001:db8::1,lsp:2,tunnel:7,extended:2001:db8::3,"
         "endpoint:2001:db8::9"},
        {PCEP_PCRPT, "20100010 00001009 0014 0004 00000008" ERO,
         "LSP-ERROR-CODE=8(RSVP signaling error)"},
        {PCEP_PCRPT, "20100010 00001009 0014 0004 000000ff" ERO, "LSP-ERROR-CODE=255(?)"},
        {PCEP_PCRPT, "20100018 00001009 0015 000c 000c 0601 0a000003 01 18 0005" ERO,
         "RSVP-ERROR-SPEC=node:10.0.0.3,flags:1,code:24,value:5"},
        {PCEP_PCRPT,
         "20100024 00001009 0015 0018 0018 0602 20010db8000000000000000000000003"
         "00 18 0005" ERO,
         "RSVP-ERROR-SPEC=node:2001:db8::3,flags:0,code:24,value:5"},
        {PCEP_PCRPT, "20100014 00001009 0015 0008 0008 c201 00000001" ERO,
         "RSVP-ERROR-SPEC=0008c20100000001"},
        {PCEP_PCRPT, "20100014 00001009 0037 0007 00400000 045710 00" ERO,
         "TE-PATH-BINDING=type:0,flags:0x40,label:17777"},
        {PCEP_PCRPT, "20100014 00001009 0037 0008 01000000 00457000" ERO,
         "TE-PATH-BINDING=type:1,flags:0x0,label:1111"},
        {PCEP_PCRPT, "20100020 00001009 0037 0014 02000000 fc000001000000000000000000000000" ERO,
         "TE-PATH-BINDING=type:2,flags:0x0,fc00:1::"},
        {PCEP_PCRPT, "20100014 00001009 0037 0008 09000000 01020304" ERO,
         "TE-PATH-BINDING=type:9,flags:0x0,,01020304"},
        {PCEP_PCRPT, "20100014 00001009 ffe1 0006 0000 00457000 0000" ERO,
         "BINDING-SID(65505)=type:0,flags:0x0,label:1111"},
        {PCEP_PCRPT, "20100010 00001009 0040 0004 00000001" ERO, "LSP-EXTENDED-FLAG=00000001"},
        {PCEP_PCRPT, "20100010 00001009 0043 0004 00000064" ERO, "COLOR=100"},
        {PCEP_PCRPT, "20100010 00001009 0041 0002 766e0000" ERO, "VIRTUAL-NETWORK=\"vn\""},
        {PCEP_PCREP, "02120014 00000000 0000002a 001c 0004 00000003", "PATH-SETUP-TYPE=3"},
        {PCEP_PCREP, RP "03100010 00000000 0001 0004 00000020", "NO-PATH-VECTOR=0x20"},
    };
    ASSERT_SAMPLES(samples);
}

#define ASSOCIATION(size, type, tlv) LSP "281000" size "00000000" type "0001 0a000001" tlv ERO

static void
every_tlv_of_an_association(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {PCEP_PCRPT, ASSOCIATION("18", "0002", "002e 0004 0000001f"),
         "DISJOINTNESS-CONFIGURATION=link,node,srlg,shortest,strict"},
        {PCEP_PCRPT, ASSOCIATION("18", "0002", "002f 0004 00000000"), "DISJOINTNESS-STATUS=0"},
        {PCEP_PCRPT, ASSOCIATION("18", "0001", "0026 0004 04000001"),
         "PATH-PROTECTION-ASSOCIATION=0x4000001"},
        {PCEP_PCRPT, ASSOCIATION("18", "0003", "0030 0004 01020304"), "POLICY-PARAMETERS=01020304"},
        {PCEP_PCRPT, ASSOCIATION("18", "0004", "0036 0004 00000003"),
         "BIDIRECTIONAL-LSP-ASSOCIATION=0x3"},
        {PCEP_PCRPT, ASSOCIATION("18", "0003", "001e 0004 0000fc00"),
         "GLOBAL-ASSOCIATION-SOURCE=64512"},
        {PCEP_PCRPT, ASSOCIATION("1c", "0006", "001f 0008 00000064 0a000009"),
         "EXTENDED-ASSOCIATION-ID=000000640a000009"},
        {PCEP_PCRPT, ASSOCIATION("18", "0006", "0038 0004 676f6c64"), "SRPOLICY-POL-NAME=\"gold\""},
        {PCEP_PCRPT, ASSOCIATION("18", "0006", "003a 0002 67310000"), "SRPOLICY-CPATH-NAME=\"g1\""},
        {PCEP_PCRPT, ASSOCIATION("18", "0006", "0044 0004 03000000"), "COMPUTATION-PRIORITY=3"},
        {PCEP_PCRPT, ASSOCIATION("18", "0006", "0045 0004 04000000"),
         "EXPLICIT-NULL-LABEL-POLICY=4"},
        {PCEP_PCRPT, ASSOCIATION("18", "0006", "0046 0004 01020000"), "INVALIDATION=0x102"},
    };
    ASSERT_SAMPLES(samples);
}

/* The identifiers keep an RSVP-TE path from being refused. */
#define SIGNALLED "2010001c 00001009 0012 0010 0a000001 0002 0007 0a000001 0a000009"

static void
every_hop(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {PCEP_PCRPT, SIGNALLED "0710000c 81080a00 00001800", "{ERO loose 10.0.0.0/24}"},
        {PCEP_PCRPT, SIGNALLED "07100018 0214 20010db8000000000000000000000003 8000",
         "{ERO 2001:db8::3/128}"},
        {PCEP_PCRPT, SIGNALLED "0710000c 0308 8002 0000012c", "{ERO label:300;type=2;flags=0x80}"},
        {PCEP_PCRPT, SIGNALLED "07100010 040c 0000 0a000003 00000011", "{ERO 10.0.0.3#17}"},
        {PCEP_PCRPT, SIGNALLED "07100008 2004fc00", "{ERO as:64512}"},
        {PCEP_PCRPT, SIGNALLED "0710000c 24080008 00000005", "{ERO index:5}"},
        {PCEP_PCRPT, SIGNALLED "0710000c a408000b 03e83140", "{ERO loose 16003;tc-s-ttl=0x140}"},
        {PCEP_PCRPT, SIGNALLED "0710000c 24081004 0a000004", "{ERO nosid(10.0.0.4)}"},
        {PCEP_PCRPT, SIGNALLED "0710001c 24182001 03e83000 20010db8000000000000000000000004",
         "{ERO 16003(2001:db8::4)}"},
        {PCEP_PCRPT, SIGNALLED "07100014 24103001 03e83000 0a010001 0a010002",
         "{ERO 16003(10.1.0.1-10.1.0.2)}"},
        {PCEP_PCRPT,
         SIGNALLED "0710002c 24284001 03e83000 20010db8000000000000000000000001"
                   "20010db8000000000000000000000002",
         "{ERO 16003(2001:db8::1-2001:db8::2)}"},
        {PCEP_PCRPT, SIGNALLED "0710001c 24185001 03e83000 0a000001 00000003 0a000002 00000004",
         "{ERO 16003(10.0.0.1#3-10.0.0.2#4)}"},
        {PCEP_PCRPT,
         SIGNALLED "07100034 24306001 03e83000 fe800000000000000000000000000001"
                   "00000003 fe800000000000000000000000000002 00000004",
         "{ERO 16003(fe80::1#3-fe80::2#4)}"},
        {PCEP_PCRPT,
         SIGNALLED "0710002c 28282000 0000 0005 fc000002000000000000000000000000"
                   "20010db8000000000000000000000002",
         "{ERO fc00:2::;behavior=5(2001:db8::2)}"},
        {PCEP_PCRPT,
         SIGNALLED "07100034 28306001 0000 0000 fe800000000000000000000000000001"
                   "00000003 fe800000000000000000000000000002 00000004",
         "{ERO nosid;behavior=0(fe80::1#3-fe80::2#4)}"},
        {PCEP_PCRPT, SIGNALLED ERO "0810000c 01080a00 00012001", "{RRO 10.0.0.1/32;flags=0x1}"},
        {PCEP_PCRPT, SIGNALLED ERO "08100010 040c 0200 0a000003 00000011",
         "{RRO 10.0.0.3#17;flags=0x2}"},
        {PCEP_PCRPT, SIGNALLED ERO "0a10000c 01080a00 00012000", "{IRO 10.0.0.1/32}"},
        {PCEP_PCRPT, SIGNALLED ERO "11100010 00000001 81080a00 00012001",
         "{XRO flags=F soft 10.0.0.1/32;attribute=1}"},
        {PCEP_PCRPT, SIGNALLED ERO "11100010 00000000 2208 00001267 0002",
         "{XRO srlg:4711;attribute=2}"},
        {PCEP_PCRPT, SIGNALLED ERO "11100010 00000000 2008 0000 0000fc00", "{XRO as:64512}"},
        {PCEP_PCRPT, SIGNALLED ERO "11100014 00000000 040c 0001 0a000003 00000011",
         "{XRO 10.0.0.3#17;attribute=1}"},
    };
    ASSERT_SAMPLES(samples);
}

TEST_MAIN(cmocka_unit_test(every_object), cmocka_unit_test(every_tlv_of_an_open),
          cmocka_unit_test(every_tlv_of_an_lsp), cmocka_unit_test(every_tlv_of_an_association),
          cmocka_unit_test(every_hop))
