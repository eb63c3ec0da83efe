#include "proto/pcep/pcep_message.h"

#include "base/testing.h"

#define BUDGET ((size_t)8 << 20)

/* Decodes hex and prints it; on failure the error, and the PCErr it is answered with. */
static char *
show(const char *hex)
{
    size_t size;
    uint8_t *data = hex_bytes(hex, &size);
    struct arena *arena = arena_new(BUDGET);
    struct pcep_message message;
    struct pcep_fault fault;
    struct diag diag;
    struct buf out = BUF_INIT;
    enum err err = pcep_message_decode(data, size, arena, &message, &fault, &diag);
    free(data); /* what was decoded may not point there */
    if (err)
        buf_printf(&out, "%s %u/%u %s", err_name(err), fault.error.type, fault.error.value,
                   diag.text);
    else
        pcep_message_print(&message, &out);
    arena_free(arena);
    return buf_steal_cstr(&out);
}

static void
assert_shows(const char *hex, const char *text)
{
    char *shown = show(hex);
    assert_string_equal(shown, text);
    free(shown);
}

/* The objects as one message of that type: its header is written here. */
static void
assert_objects_show(unsigned type, const char *objects, const char *part)
{
    size_t size;
    free(hex_bytes(objects, &size));
    struct buf hex = BUF_INIT;
    buf_printf(&hex, "20%02x%04zx %s", type, size + PCEP_HEADER_SIZE, objects);
    char *shown = show(buf_cstr(&hex));
    if (!strstr(shown, part))
        assert_string_equal(shown, part);
    free(shown);
    buf_fini(&hex);
}

#define SRP "2110000c 00000000 00000009"
#define LSP "20100008 00001009"
#define ERO_LABEL "0710000c 24080009 03e83000"
#define RP "0212000c 00000025 0000002a"
#define ENDS "0412000c 0a000001 0a000002"

/* ---- What is spoken ------------------------------------------------------------------------- */

/* Written by hand from the figures of the RFCs that are named. */
static void
messages_of_the_rfcs(void **state)
{
    (void)state;
    /* RFC 5440 section 7.3, 8231 section 7.1.1, 8408 section 3, 8664 section 4.1.2. */
    assert_shows("20010028 01100024 201e7801 0010 0004 00000005"
                 "0022 0010 00000002 00010000 001a 0004 00000208",
                 "Open {OPEN keepalive=30 deadtimer=120 sid=1 STATEFUL-PCE-CAPABILITY=U,I"
                 " PATH-SETUP-TYPE-CAPABILITY=0,1 ( SR-PCE-CAPABILITY=msd:8 flags=N )}");
    assert_shows("20020004", "Keepalive");
    assert_shows("200d0004", "StartTLS");
    /* RFC 5440 section 7.4, 7.6, 7.7, 7.8: 1 Mbit/s is 125000.0 octets a second. */
    assert_shows("20030030" RP ENDS "05120008 47f42400 0612000c 00000102 42c80000",
                 "PCReq {RP id=42 priority=5 flags=O} {END-POINTS source=10.0.0.1"
                 " destination=10.0.0.2} {BANDWIDTH octets/s=125000} {METRIC te=100 flags=B}");
    /* RFC 5440 section 7.5. */
    assert_shows("20040020 0212000c 00000000 0000002a 03100010 00000000 0001 0004 00000002",
                 "PCRep {RP id=42} {NO-PATH nature=0 NO-PATH-VECTOR=0x2}");
    /* RFC 8231 section 7.3, 7.3.1, 7.3.2, 8664 section 4.3.1. */
    assert_shows("200a0044 20100028 0000102b 0012 0010 0a000001 0002 0007 0a000001 0a000009"
                 "0011 0005 70617468 31000000"
                 "07100018 24080009 03e83000 240c1001 03e84000 0a000004",
                 "PCRpt {LSP plsp-id=1 flags=D,S,A active IPV4-LSP-IDENTIFIERS=sender:10.0.0.1,"
                 "lsp:2,tunnel:7,extended:10.0.0.1,endpoint:10.0.0.9 SYMBOLIC-PATH-NAME=\"path1\"}"
                 " {ERO 16003,16004(10.0.0.4)}");
    assert_shows("200b0024" SRP LSP ERO_LABEL,
                 "PCUpd {SRP id=9} {LSP plsp-id=1 flags=D,A down} {ERO 16003}");
    /* RFC 8281 section 5.1; 8408 section 4. */
    assert_shows("200c0040 21100014 00000000 00000001 001c 0004 00000001"
                 "20100010 00000008 0011 0001 78000000" ENDS ERO_LABEL,
                 "PCInitiate {SRP id=1 PATH-SETUP-TYPE=1} {LSP plsp-id=0 flags=A down"
                 " SYMBOLIC-PATH-NAME=\"x\"} {END-POINTS source=10.0.0.1 destination=10.0.0.2}"
                 " {ERO 16003}");
    /* RFC 8697 section 6.1, 8800 section 4.2. */
    assert_objects_show(PCEP_PCRPT,
                        LSP "28100020 00000000 000203e9 0a000064 002e 0004 00000005"
                            "002f 0004 00000001" ERO_LABEL,
                        "{ASSOCIATION type=2 id=1001 source=10.0.0.100"
                        " DISJOINTNESS-CONFIGURATION=link,srlg DISJOINTNESS-STATUS=link}");
    /* RFC 9862 section 4.4, 4.5. */
    assert_objects_show(PCEP_PCRPT,
                        LSP "2810004c 00000000 00060001 0a000001 001f 0008 00000064 0a000009"
                            "0039 001c 0a000000 0000fc00 00000000 00000000 00000000 0a000001"
                            "00000002 003b 0004 000000c8 0043 0004 00000064" ERO_LABEL,
                        "SRPOLICY-CPATH-ID=origin:10,asn:64512,originator:::10.0.0.1,"
                        "discriminator:2 SRPOLICY-CPATH-PREFERENCE=200 COLOR=100}");
    /* RFC 9603 section 4.3.1: the SID with its structure, no NAI. */
    assert_objects_show(PCEP_PCRPT,
                        LSP "07100024 2820 0006 0000 0001 fc000001 00000000 00000000 00000000"
                            "20101000 00000000",
                        "{ERO fc00:1::;behavior=1;structure=32/16/16/0}");
}

/* What FRR 8.4.4's pathd sent as PCC, captured. */
static void
messages_of_frr(void **state)
{
    (void)state;
    assert_shows("2001002801100024201e78000010000400000005002200100000000101000000001a000400000004",
                 "Open {OPEN keepalive=30 deadtimer=120 sid=0 STATEFUL-PCE-CAPABILITY=U,I"
                 " PATH-SETUP-TYPE-CAPABILITY=1 ( SR-PCE-CAPABILITY=msd:4 )}");
    assert_shows(
        "200a006c211200140000000000000000001c0004000000012012004000001042001200100a090001"
        "000000000a0900010a09090900110011474f4c442d6578706c696369742d6f6e65000000ffe10006"
        "0000004570000000071200142408000903e830002408000903e84000",
        "PCRpt {SRP id=0 PATH-SETUP-TYPE=1} {LSP plsp-id=1 flags=S going-up"
        " IPV4-LSP-IDENTIFIERS=sender:10.9.0.1,lsp:0,tunnel:0,extended:10.9.0.1,endpoint:10.9.9.9"
        " SYMBOLIC-PATH-NAME=\"GOLD-explicit-one\""
        " BINDING-SID(65505)=type:0,flags:0x0,label:1111} {ERO 16003,16004}");
    /* The end of synchronisation. */
    assert_shows("200a00242012001c00000000001200100000000000000000000000000000000007120004",
                 "PCRpt {LSP plsp-id=0 down IPV4-LSP-IDENTIFIERS=sender:0.0.0.0,lsp:0,tunnel:0,"
                 "extended:0.0.0.0,endpoint:0.0.0.0} {ERO }");
    assert_shows("20030038021200140000008000000001001c0004000000010412000c0a0900010a090909"
                 "05120008447a00000612000c0000010243fa0000",
                 "PCReq {RP id=1 flags=OF PATH-SETUP-TYPE=1} {END-POINTS source=10.9.0.1"
                 " destination=10.9.9.9} {BANDWIDTH octets/s=1000} {METRIC te=500 flags=B}");
    /* It delegates, with what it was told. */
    assert_shows(
        "200a0074211200140000000000000000001c0004000000012012003c000020c9001200100a090001"
        "000000000a0900010a09090900110010474f4c442d64796e616d69632d6f6e65ffe1000600000045"
        "700000000712000c2408000903e8500005120008447a00000612000c0000010243fa0000",
        "PCRpt {SRP id=0 PATH-SETUP-TYPE=1} {LSP plsp-id=2 flags=D,A,C going-up"
        " IPV4-LSP-IDENTIFIERS=sender:10.9.0.1,lsp:0,tunnel:0,extended:10.9.0.1,endpoint:10.9.9.9"
        " SYMBOLIC-PATH-NAME=\"GOLD-dynamic-one\""
        " BINDING-SID(65505)=type:0,flags:0x0,label:1111} {ERO 16005} {BANDWIDTH octets/s=1000}"
        " {METRIC te=500 flags=B}");
    /* Its answer to our PCInitiate. */
    assert_shows("200a0050211200140000000000000001001c0004000000012012002c00003089001200100a090001"
                 "000000000a0900010a0908080011000c6e65772d6f6e652d706174680712000c2408000903e86000",
                 "PCRpt {SRP id=1 PATH-SETUP-TYPE=1} {LSP plsp-id=3 flags=D,A,C down"
                 " IPV4-LSP-IDENTIFIERS=sender:10.9.0.1,lsp:0,tunnel:0,extended:10.9.0.1,"
                 "endpoint:10.9.8.8 SYMBOLIC-PATH-NAME=\"new-one-path\"} {ERO 16006}");
    /* In its PCErr the SRP is behind the error. */
    assert_shows("200600200d10000800001301211000140000000100000003001c000400000001",
                 "PCErr {SRP id=3} {PCEP-ERROR type=19 value=1 (Invalid operation: Attempted LSP"
                 " Update Request for a non-delegated LSP)}");
}

/* The SR policy association that Pola PCE writes, as its own tests have it. */
static void
an_association_of_pola(void **state)
{
    (void)state;
    assert_objects_show(PCEP_PCRPT,
                        LSP "28100044 00000000 00060001 c0000201 001f 0008 00000064 c0000202"
                            "0039 001c 0a000000 00000000 00000000 00000000 00000000 c0000202"
                            "00000001 003b 0004 000000c8" ERO_LABEL,
                        "{ASSOCIATION type=6 id=1 source=192.0.2.1"
                        " EXTENDED-ASSOCIATION-ID=00000064c0000202 SRPOLICY-CPATH-ID=origin:10,"
                        "asn:0,originator:::192.0.2.2,discriminator:1"
                        " SRPOLICY-CPATH-PREFERENCE=200}");
}

static void
attributes_before_rro_are_actual(void **state)
{
    (void)state;
    assert_objects_show(PCEP_PCRPT,
                        LSP ERO_LABEL "05100008 447a0000 0610000c 00000002 41200000"
                                      "0810000c 2408 0009 03e83000 05100008 44fa0000",
                        "{ERO 16003} {BANDWIDTH octets/s=1000} {METRIC te=10} {RRO 16003}"
                        " {BANDWIDTH octets/s=2000}");
}

static void
one_message_has_many_of_each(void **state)
{
    (void)state;
    assert_objects_show(PCEP_PCRPT, LSP ERO_LABEL LSP ERO_LABEL SRP LSP ERO_LABEL,
                        "{LSP plsp-id=1 flags=D,A down} {ERO 16003} {LSP plsp-id=1 flags=D,A down}"
                        " {ERO 16003} {SRP id=9} {LSP plsp-id=1 flags=D,A down} {ERO 16003}");
    assert_objects_show(PCEP_PCREQ, "0b120010 00000003 0000002a 0000002b 15120008 00020000" RP ENDS,
                        "PCReq {SVEC flags=L,N ids=42,43} {OF code=2} {RP");
    assert_objects_show(PCEP_PCREP, RP ERO_LABEL ERO_LABEL "05100008 447a0000",
                        "{ERO 16003} {ERO 16003} {BANDWIDTH octets/s=1000}");
    assert_objects_show(PCEP_PCERR,
                        "2110000c 00000000 00000009 0d100008 00001303 2110000c 00000000 0000000a"
                        "0d100008 00000609",
                        "PCErr {SRP id=9} {PCEP-ERROR type=19 value=3 (Invalid operation: Attempted"
                        " LSP Update Request for an unknown PLSP-ID)} {SRP id=10} {PCEP-ERROR"
                        " type=6 value=9 (Mandatory object missing: ERO object missing)}");
    /* Errors among such as name requests are about those of their neighbours. */
    assert_objects_show(PCEP_PCERR,
                        "2110000c 00000000 00000009 0d100008 00001303 20100008 00001000"
                        "0d100008 00001301",
                        "PCErr {SRP id=9} {PCEP-ERROR type=19 value=3 (Invalid operation: Attempted"
                        " LSP Update Request for an unknown PLSP-ID)} {LSP plsp-id=1 down} {SRP"
                        " id=9} {PCEP-ERROR type=19 value=1 ");
    assert_objects_show(PCEP_PCERR,
                        "0d100008 00001401 20100008 00001000 0d100008 00000900"
                        "2110000c 00000000 00000009",
                        "PCErr {SRP id=9} {PCEP-ERROR type=20 value=1 (LSP State Synchronization"
                        " error: A PCE cannot process an LSP State Report)} {LSP plsp-id=1 down}"
                        " {SRP id=9} {PCEP-ERROR type=9 value=0 ");
    assert_objects_show(PCEP_PCNTF, "0210000c 00000000 0000002a 0c100008 00000101",
                        "PCNtf {RP id=42} {NOTIFICATION type=1 value=1}");
}

/* ---- What is refused ------------------------------------------------------------------------ */

static void
what_is_missing_is_named(void **state)
{
    (void)state;
    static const struct {
        unsigned type;
        const char *objects, *fault;
    } cases[] = {
        {PCEP_PCREQ, ENDS, "{refused 6/1 "},
        {PCEP_PCREQ, RP,
         "{refused 6/3 (Mandatory object missing: END-POINTS object missing)"
         " request=42 END-POINTS}"},
        {PCEP_PCREQ, "0212000c 00000008 0000002a" ENDS "05120008 447a0000", "{refused 6/2 "},
        {PCEP_PCREP, ERO_LABEL, "{refused 6/1 "},
        {PCEP_PCRPT, SRP ERO_LABEL, "{refused 6/8 "},
        {PCEP_PCRPT, LSP, "{refused 6/9 "},
        {PCEP_PCRPT, "", "{refused 6/8 "},
        {PCEP_PCRPT, LSP "0710000c 01080a01 00022000", "{refused 6/11 "},
        {PCEP_PCUPD, LSP ERO_LABEL, "{refused 6/10 "},
        {PCEP_PCUPD, SRP ERO_LABEL, "{refused 6/8 "},
        {PCEP_PCUPD, SRP LSP,
         "{refused 6/9 (Mandatory object missing: ERO object missing) srp=9"
         " plsp-id=1 ERO}"},
        {PCEP_PCINITIATE, "20100010 00000008 0011 0001 78000000" ERO_LABEL, "{refused 6/10 "},
        {PCEP_PCINITIATE, SRP "20100010 00000008 0011 0001 78000000" ERO_LABEL, "{refused 6/3 "},
        {PCEP_PCINITIATE, SRP "20100010 00000008 0011 0001 78000000" ENDS, "{refused 6/9 "},
        {PCEP_PCINITIATE, SRP "20100008 00000008" ENDS ERO_LABEL, "{refused 10/8 "},
        {PCEP_PCINITIATE, SRP LSP ENDS ERO_LABEL, "{refused 19/8 "},
        {PCEP_PCRPT, LSP "28100010 00000000 000203e9 0a000064" ERO_LABEL, "{refused 6/15 "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_objects_show(cases[i].type, cases[i].objects, cases[i].fault);
}

static void
what_may_be_missing_is_not_asked_for(void **state)
{
    (void)state;
    /* The end of synchronisation, an LSP that was removed, its removal, its reclamation, a request
     * to synchronise again. */
    assert_objects_show(PCEP_PCRPT, "20100008 00000000", "PCRpt {LSP plsp-id=0 down}");
    assert_objects_show(PCEP_PCRPT, "20100008 00001004", "PCRpt {LSP plsp-id=1 flags=R down}");
    assert_objects_show(PCEP_PCINITIATE, "2110000c 00000001 00000009" LSP,
                        "PCInitiate {SRP id=9 flags=R} {LSP plsp-id=1 flags=D,A down}");
    assert_objects_show(PCEP_PCINITIATE, SRP LSP,
                        "PCInitiate {SRP id=9} {LSP plsp-id=1 flags=D,A down}");
    assert_objects_show(PCEP_PCUPD, SRP "20100008 00000002",
                        "PCUpd {SRP id=9} {LSP plsp-id=0 flags=S down}");
}

static void
what_is_malformed_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *objects, *fault;
    } cases[] = {
        {LSP "07100008 01080a00", "{refused 10/11 (Reception of an invalid object: Malformed"
                                  " object) plsp-id=1 ERO: subobject at offset 18}"},
        {LSP "07100008 01020000", "ERO: subobject length at offset 17}"},
        {LSP "0710000c 01080a00 00012100", "ERO: Prefix Length at offset 22}"},
        {LSP "0710000c 24080001 03e83000", "ERO: NT, flags and length at offset"},
        {LSP "0710000c 2408000d 03e83000", "{refused 10/6 "},
        {LSP "0710000c 24080003 03e83000", "ERO: NT, flags and length at offset"},
        {LSP "0710000c 24087001 03e83000", "{refused 10/13 "},
        {LSP "07100014 24080009 03e83000 01080a00 00012000", "{refused 10/5 "},
        {LSP ERO_LABEL "0810000c 2408000d 03e83000", "{refused 10/7 "},
        {LSP ERO_LABEL "08100014 24080009 03e83000 01080a00 00012000", "{refused 10/10 "},
        {LSP "07100010 2808 0003 0000 0001 00000000", "{refused 10/41 "},
        {LSP "07100010 2808 1002 0000 0001 00000000", "{refused 10/40 "},
        {LSP "07100024 2820 0006 0000 0001 fc000001 00000000 00000000 00000000 40404000 00000000",
         "{refused 10/37 "},
        {LSP "07100024 28180002 00000001 fc000001 00000000 00000000 00000000 24080009 03e83000",
         "{refused 10/42 "},
        {LSP "0510000c 447a0000 00000000" ERO_LABEL, "BANDWIDTH: Object Length at offset 16}"},
        {"20100010 00001009 0012 0004 0a000001" ERO_LABEL, "LSP: IPV4-LSP-IDENTIFIERS at offset"},
        {"20100010 00001009 0011 0000 0011 0001" ERO_LABEL, "LSP: SYMBOLIC-PATH-NAME at offset"},
        {"20100010 00001009 0011 0009 0a000001" ERO_LABEL, "LSP: SYMBOLIC-PATH-NAME at offset"},
        {"2110000c 00000000 ffffffff" LSP ERO_LABEL, "SRP: SRP-ID-number at offset 12}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_objects_show(PCEP_PCRPT, cases[i].objects, cases[i].fault);
    assert_objects_show(PCEP_PCREQ, "0210000c 00000000 0000002a" ENDS, "{refused 10/1 ");
    assert_objects_show(PCEP_PCREQ, "0212000c 00000000 00000000" ENDS, "{refused 10/11 ");
}

static void
a_message_that_is_broken_is_refused(void **state)
{
    (void)state;
    assert_shows("200a000c 20100003 00001009",
                 "ERR_MALFORMED 10/11 PCRpt: LSP: Object Length at offset 6: malformed input");
    assert_shows("200a000c 2010000c 00001009",
                 "ERR_TRUNCATED 10/11 PCRpt: LSP: object at offset 8: truncated input");
    assert_shows("200a000e 20100008 00001009 0710",
                 "ERR_TRUNCATED 10/11 PCRpt: ERO: Object Length at offset 14: truncated input");
    assert_shows("20010004", "ERR_MALFORMED 1/1 Open: header: object missing at offset 4: malformed"
                             " input");
    assert_shows("20010010 0110000c 201e7801 00100003",
                 "ERR_TRUNCATED 1/1 Open: OPEN: STATEFUL-PCE-CAPABILITY at offset 16: truncated"
                 " input");
    assert_shows("2001000c 01100008 401e7801",
                 "ERR_UNSUPPORTED 1/8 Open: OPEN: Ver at offset 8: not supported");
    assert_shows("20060004", "ERR_MALFORMED 10/11 PCErr: header: PCEP-ERROR missing at offset 4:"
                             " malformed input");
    assert_shows("20c80004", "ERR_NOT_FOUND 2/0 message: header: Message-Type at offset 1: not"
                             " found");
}

/* RFC 5440 section 7.2. */
static void
unknown_objects_count_if_p_is_set(void **state)
{
    (void)state;
    assert_objects_show(PCEP_PCREQ, RP ENDS "fe120008 01020304", "{refused 3/1 ");
    assert_objects_show(PCEP_PCREQ, RP ENDS "05f20008 01020304", "{refused 3/2 ");
    assert_objects_show(PCEP_PCREQ, RP ENDS "0f120008 00000001", "{refused 4/1 ");
    assert_objects_show(PCEP_PCREQ, RP ENDS "fe100008 01020304",
                        "{END-POINTS source=10.0.0.1 destination=10.0.0.2}"
                        " {unknown class=254 type=1 01020304}");
    assert_objects_show(PCEP_PCUPD, SRP LSP ERO_LABEL "fe120008 01020304",
                        "{refused 3/1 (Unknown object: Unrecognized object class) srp=9 plsp-id=1"
                        " object: P flag at offset 36}");
    /* A state report is not a request. */
    assert_objects_show(PCEP_PCRPT, LSP ERO_LABEL "fe120008 01020304",
                        "{ERO 16003} {unknown class=254 type=1 01020304}");
    /* Only the request that has it is refused. */
    assert_objects_show(PCEP_PCREQ, RP ENDS "0212000c 00000000 0000002b" ENDS "fe120008 01020304",
                        "PCReq {RP id=42 priority=5 flags=O} {END-POINTS source=10.0.0.1"
                        " destination=10.0.0.2} {refused 3/1 (Unknown object: Unrecognized object"
                        " class) request=43");
}

static void
unknown_tlvs_and_subobjects_are_kept(void **state)
{
    (void)state;
    assert_objects_show(PCEP_PCRPT, "20100010 00001009 fff0 0003 01020300" ERO_LABEL,
                        "{LSP plsp-id=1 flags=D,A down TLV-65520=010203}");
    assert_objects_show(PCEP_PCRPT, LSP "07100008 7d040102", "{ERO type:125:0102}");
}

/* ---- Robustness ----------------------------------------------------------------------------- */

static const char everything[] = "200a0074" SRP
                                 "20100028 0000102b 0012 0010 0a000001 0002 0007 0a000001 0a000009"
                                 "0011 0005 70617468 31000000"
                                 "28100018 00000000 000203e9 0a000064 002e 0004 00000005"
                                 "07100018 24080009 03e83000 240c1001 03e84000 0a000004"
                                 "0610000c 00000002 41200000";

/* The message ends at every octet; its length says so, or not. */
static void
survives_truncation_at_every_octet(void **state)
{
    (void)state;
    size_t whole;
    uint8_t *data = hex_bytes(everything, &whole);
    assert_int_equal(get_be16(data + 2), whole);
    for (size_t size = 0; size <= whole; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        struct arena *arena = arena_new(BUDGET);
        struct pcep_message message;
        struct pcep_fault fault = {.object = NULL};
        struct diag diag;
        memcpy(copy, data, size);
        enum err err = pcep_message_decode(copy, size, arena, &message, &fault, &diag);
        assert_err(err, size == whole ? ERR_OK : ERR_TRUNCATED);
        if (size >= PCEP_HEADER_SIZE) {
            copy[2] = (uint8_t)(size >> 8);
            copy[3] = (uint8_t)size;
            err = pcep_message_decode(copy, size, arena, &message, &fault, &diag);
            assert_true(!err || (fault.error.type == 10 && fault.error.value == 11));
        }
        arena_free(arena);
        free(copy);
    }
    free(data);
}

/* The most that one message can become: hops of 4 octets, LSPs of 8, TLVs of 4. */
static void
the_worst_messages_fit_the_budget(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *repeat;
    } cases[] = {
        {"", "2010000800001004"},
        {"", "2010000800001009"},
        {"", "201000080000100407100004"},
        {"0710fff4", "20040001"},
        {"2010fff000001004", "fff00000"},
        {"", "2010000800001004fe100004"},
        {"", "201000080000100405100008447a0000"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf hex = BUF_INIT;
        size_t size = strlen(cases[i].begin), limit = i == 3 ? 0xfff4 : i == 4 ? 0xfff0 : 65524;
        buf_printf(&hex, "200a0000%s", cases[i].begin);
        for (; (size + strlen(cases[i].repeat)) / 2 <= limit; size += strlen(cases[i].repeat))
            buf_str(&hex, cases[i].repeat);
        uint8_t *data = hex_bytes(buf_cstr(&hex), &size);
        data[2] = (uint8_t)(size >> 8);
        data[3] = (uint8_t)size;
        struct arena *arena = arena_new(BUDGET);
        struct pcep_message message;
        struct diag diag = {""};
        enum err err = pcep_message_decode(data, size, arena, &message, NULL, &diag);
        assert_string_not_equal(err_name(err), "ERR_LIMIT");
        assert_true(arena_used(arena) > 50000);
        arena_free(arena);
        free(data);
        buf_fini(&hex);
    }
}

static void
a_small_budget_is_kept(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = hex_bytes(everything, &size);
    for (size_t budget = 0; budget < 4096; budget += 16) {
        struct arena *arena = arena_new(budget);
        struct pcep_message message = {.type = 99};
        enum err err = pcep_message_decode(data, size, arena, &message, NULL, NULL);
        assert_true(err == ERR_OK || err == ERR_LIMIT);
        assert_int_equal(message.type, err ? 99 : PCEP_PCRPT);
        arena_free(arena);
    }
    free(data);
}

static void
types_do_not_nest(void **state)
{
    (void)state;
    assert_shows("20010024 01100020 201e7801 0022 0014 00000001 01000000"
                 "0022 0008 00000001 01000000",
                 "ERR_MALFORMED 1/1 Open: OPEN: sub-TLV at offset 31: malformed input");
}

/* ---- Encoding ------------------------------------------------------------------------------- */

static void
what_has_no_form_is_not_encoded(void **state)
{
    (void)state;
    struct pcep_hop bad_label[] = {{.type = PCEP_HOP_SR}}; /* neither F nor an NAI */
    struct pcep_hop bad_type[] = {{.type = 99}};
    struct pcep_route routes[] = {
        {.hops = bad_label, .n = 1}, {.hops = bad_type, .n = 1}, {.n = 0}};
    struct pcep_tlv no_name[] = {{.type = PCEP_TLV_SYMBOLIC_PATH_NAME}};
    struct pcep_lsp good = {.plsp_id = 1}, large = {.plsp_id = 1 << 20},
                    nameless = {.plsp_id = 1, .tlvs = {no_name, 1}};
    struct pcep_srp reserved = {.srp_id = UINT32_MAX};
    struct pcep_bandwidth bandwidth = {.octets_per_s = 1};
    const struct pcep_entry entries[] = {
        {.lsp = &good, .path.ero = &routes[0]},
        {.lsp = &good, .path.ero = &routes[1]},
        {.lsp = &good},
        {.path.ero = &routes[2]},
        {.lsp = &large, .path.ero = &routes[2]},
        {.lsp = &nameless, .path.ero = &routes[2]},
        {.srp = &reserved, .lsp = &good, .path.ero = &routes[2]},
        {.lsp = &good, .path = {.ero = &routes[2], .actual_bandwidth = &bandwidth}},
    };
    struct buf out = BUF_INIT;
    buf_str(&out, "before");
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        struct pcep_message message = {.type = PCEP_PCRPT, .entries = &entries[i], .n_entries = 1};
        assert_err(pcep_message_encode(&message, &out), ERR_INVALID);
        assert_err(pcep_entry_append(PCEP_PCRPT, &entries[i], 0, &out, out.size), ERR_INVALID);
        assert_string_equal(buf_cstr(&out), "before");
    }
    assert_err(pcep_message_encode(&(struct pcep_message){.type = 77}, &out), ERR_INVALID);
    assert_err(pcep_entry_append(PCEP_OPEN, &entries[0], 0, &out, out.size), ERR_INVALID);
    buf_fini(&out);
}

static void
entries_are_appended_up_to_the_limit(void **state)
{
    (void)state;
    struct pcep_hop hops[] = {pcep_label_hop(16001)};
    struct pcep_route ero = {.hops = hops, .n = 1};
    struct pcep_lsp lsp = {.plsp_id = 1};
    struct pcep_entry entry = {.lsp = &lsp, .path.ero = &ero};
    struct buf out = BUF_INIT;
    assert_ok(pcep_entry_append(PCEP_PCRPT, &entry, 44, &out, 0));
    assert_ok(pcep_entry_append(PCEP_PCRPT, &entry, 44, &out, 0));
    assert_int_equal(out.size, 44);
    assert_int_equal(get_be16(out.data + 2), 44);
    assert_err(pcep_entry_append(PCEP_PCRPT, &entry, 44, &out, 0), ERR_LIMIT);
    assert_int_equal(out.size, 44);
    assert_int_equal(get_be16(out.data + 2), 44);
    assert_ok(pcep_entry_append(PCEP_PCRPT, &entry, 44, &out, 44));
    assert_int_equal(get_be16(out.data + 46), 24);
    buf_fini(&out);
}

/* P is set in requests unless an object is optional, and in nothing that is stateful. */
static void
flags_of_objects_are_by_message(void **state)
{
    (void)state;
    struct pcep_rp rp = {.request_id = 1};
    struct pcep_endpoints ends = {.source = {4, {1}}, .destination = {4, {2}}};
    struct pcep_bandwidth optional = {.head.optional = true, .octets_per_s = 1};
    struct pcep_route ero = {.head.ignored = true};
    struct pcep_lsp lsp = {.plsp_id = 1};
    struct pcep_entry request = {.rp = &rp, .endpoints = &ends, .path.bandwidth = &optional};
    struct pcep_entry report = {.lsp = &lsp, .path.ero = &ero};
    struct buf out = BUF_INIT;
    assert_ok(pcep_entry_append(PCEP_PCREQ, &request, 0, &out, 0));
    assert_int_equal(out.data[4 + 1], 0x12);
    assert_int_equal(out.data[4 + 12 + 1], 0x12);
    assert_int_equal(out.data[4 + 12 + 12 + 1], 0x10);
    buf_clear(&out);
    assert_ok(pcep_entry_append(PCEP_PCRPT, &report, 0, &out, 0));
    assert_int_equal(out.data[4 + 1], 0x10);
    assert_int_equal(out.data[4 + 8 + 1], 0x11);
    buf_fini(&out);
}

/* ---- What messages say ---------------------------------------------------------------------- */

static void
bandwidth_may_be_no_bandwidth(void **state)
{
    (void)state;
    uint64_t bps = 7;
    assert_true(pcep_bandwidth_bps(&(struct pcep_bandwidth){.octets_per_s = 125000}, &bps));
    assert_int_equal(bps, 1000000);
    static const float bad[] = {
        -1, -0x1p-140f, __builtin_inff(), -__builtin_inff(), __builtin_nanf(""), 0x1p61f};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(pcep_bandwidth_bps(&(struct pcep_bandwidth){.octets_per_s = bad[i]}, &bps));
    assert_int_equal(bps, 1000000);
}

static void
capabilities_are_what_was_written(void **state)
{
    (void)state;
    struct pcep_capabilities in = {.stateful = true,
                                   .stateful_flags = 0x3f,
                                   .db_version = 12345678901234,
                                   .speaker_entity_id = {(const uint8_t *)"me", 2},
                                   .path_setup_types = 1 << 0 | 1 << 1 | 1 << 3,
                                   .sr = true,
                                   .sr_flags = 2,
                                   .sr_msd = 9,
                                   .srv6 = true,
                                   .srv6_flags = 1,
                                   .association_types = 1 << 2 | 1 << 6,
                                   .objective_functions = 1 << 1 | 1 << 15,
                                   .sr_policy = true,
                                   .sr_policy_flags = 5},
                             out;
    struct arena *arena = arena_new(65536);
    struct pcep_open open = {.keepalive = 30};
    assert_ok(pcep_capabilities_write(&in, arena, &open.tlvs));
    struct buf wire = BUF_INIT;
    assert_ok(pcep_message_encode(&(struct pcep_message){.type = PCEP_OPEN, .open = open}, &wire));
    struct pcep_message message;
    assert_ok(pcep_message_decode(wire.data, wire.size, arena, &message, NULL, NULL));
    pcep_capabilities_read(&message.open, &out);
    assert_memory_equal(out.speaker_entity_id.data, "me", 2);
    out.speaker_entity_id = in.speaker_entity_id;
    assert_int_equal(out.stateful_flags, in.stateful_flags);
    assert_true(out.db_version == in.db_version && out.sr_msd == in.sr_msd);
    assert_true(out.path_setup_types == in.path_setup_types && out.srv6 && out.srv6_flags == 1);
    assert_true(out.association_types == in.association_types);
    assert_true(out.objective_functions == in.objective_functions);
    assert_true(out.sr_policy && out.sr_policy_flags == 5 && out.sr_flags == 2);
    pcep_capabilities_read(&(struct pcep_open){.keepalive = 30}, &out);
    assert_int_equal(out.path_setup_types, 1); /* RFC 8408 section 3 */
    buf_fini(&wire);
    arena_free(arena);
}

static void
the_policy_of_an_association_is_found(void **state)
{
    (void)state;
    static const uint8_t id4[] = {0, 0, 0, 100, 10, 0, 0, 9}, id6[20] = {0, 0, 1, 0, 0x20, 1};
    struct pcep_tlv tlvs[] = {{.type = PCEP_TLV_EXTENDED_ASSOCIATION_ID, .octets = {id4, 8}}};
    struct pcep_association association = {.type = PCEP_ASSOC_SR_POLICY, .tlvs = {tlvs, 1}};
    struct pcep_address endpoint;
    uint32_t color;
    assert_true(pcep_association_policy(&association, &color, &endpoint));
    assert_true(color == 100 && endpoint.family == 4 && endpoint.octets[3] == 9);
    tlvs[0].octets = (struct pcep_octets){id6, 20};
    assert_true(pcep_association_policy(&association, &color, &endpoint));
    assert_true(color == 256 && endpoint.family == 6 && endpoint.octets[0] == 0x20);
    uint8_t octets[20];
    struct pcep_tlv again = pcep_policy_tlv(256, &endpoint, octets);
    assert_int_equal(again.type, PCEP_TLV_EXTENDED_ASSOCIATION_ID);
    assert_int_equal(again.octets.size, 20);
    assert_memory_equal(again.octets.data, id6, 20);
    again = pcep_policy_tlv(100, &(struct pcep_address){4, {10, 0, 0, 9}}, octets);
    assert_int_equal(again.octets.size, 8);
    assert_memory_equal(again.octets.data, id4, 8);
    tlvs[0].octets.size = 7;
    assert_false(pcep_association_policy(&association, &color, &endpoint));
}

static void
names_of_errors_are_known(void **state)
{
    (void)state;
    assert_string_equal(pcep_error_type_name(24), "LSP instantiation error");
    assert_string_equal(pcep_error_value_name(&PCEP_ERROR_NAME_IN_USE),
                        "SYMBOLIC-PATH-NAME in use");
    assert_null(pcep_error_value_name(&PCEP_ERROR(24, 99)));
    assert_string_equal(pcep_error_type_name(255), "Unknown error");
    assert_string_equal(pcep_tlv_name(18), "IPV4-LSP-IDENTIFIERS");
    assert_null(pcep_tlv_name(22));
}

TEST_MAIN(cmocka_unit_test(messages_of_the_rfcs), cmocka_unit_test(messages_of_frr),
          cmocka_unit_test(an_association_of_pola),
          cmocka_unit_test(attributes_before_rro_are_actual),
          cmocka_unit_test(one_message_has_many_of_each),
          cmocka_unit_test(what_is_missing_is_named),
          cmocka_unit_test(what_may_be_missing_is_not_asked_for),
          cmocka_unit_test(what_is_malformed_is_named),
          cmocka_unit_test(a_message_that_is_broken_is_refused),
          cmocka_unit_test(unknown_objects_count_if_p_is_set),
          cmocka_unit_test(unknown_tlvs_and_subobjects_are_kept),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(the_worst_messages_fit_the_budget),
          cmocka_unit_test(a_small_budget_is_kept), cmocka_unit_test(types_do_not_nest),
          cmocka_unit_test(what_has_no_form_is_not_encoded),
          cmocka_unit_test(entries_are_appended_up_to_the_limit),
          cmocka_unit_test(flags_of_objects_are_by_message),
          cmocka_unit_test(bandwidth_may_be_no_bandwidth),
          cmocka_unit_test(capabilities_are_what_was_written),
          cmocka_unit_test(the_policy_of_an_association_is_found),
          cmocka_unit_test(names_of_errors_are_known))
