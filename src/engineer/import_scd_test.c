#include "engineer/import_scd.h"

#include "base/alloc.h"
#include "engineer/import_csv.h"
#include "engineer/scd.h"
#include "model/testing.h"

#include <stdio.h>

#define LAB TIELINE_SOURCE_DIR "/lab/data/"
#define SHARED TIELINE_SOURCE_DIR "/../shared/data/scl/"

/* The file's text; NULL: there is no such file. */
static char *
read_file(const char *path)
{
    struct buf text = BUF_INIT;
    char block[4096];
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        buf_put(&text, block, n);
    fclose(file);
    return buf_steal_cstr(&text);
}

static struct network *
lab_network(void)
{
    static const enum object_kind kinds[] = {OBJECT_SITE, OBJECT_NODE, OBJECT_PORT, OBJECT_LINK,
                                             OBJECT_HOST};
    struct network *network = network_new();
    struct csv_file files[ARRAY_SIZE(kinds)];
    struct report report = {0};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        char *path = xasprintf(LAB "inventory/%s", csv_file_name(kinds[i]));
        char *text = read_file(path);
        assert_non_null(text);
        files[i] = (struct csv_file){csv_file_name(kinds[i]), text, strlen(text)};
        free(path);
    }
    struct buf out = BUF_INIT;
    enum err err = csv_import(network, files, ARRAY_SIZE(files), false, &report);
    report_to_text(&report, &out);
    if (err || report.findings.n)
        fail_msg("%s", buf_cstr(&out));
    buf_fini(&out);
    report_fini(&report);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        free((char *)files[i].text);
    return network;
}

/* Imports a text in a block of its exact size. */
static enum err
import_text(const struct network *network, const char *text, size_t size,
            struct scd_import **import)
{
    char *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    enum err err = scd_import(network, "test.scd", exact, size, import);
    free(exact);
    return err;
}

/* "code object" of each finding, and "name" or "name!" of each proposal, one per line. */
static char *
summary(const struct scd_import *import)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < import->findings.n; i++)
        buf_printf(&out, "%s %s\n", import->findings.items[i].code,
                   import->findings.items[i].object);
    for (size_t i = 0; i < import->n_proposals; i++)
        buf_printf(&out, "%s%s\n", import->proposals[i].circuit->name,
                   import->proposals[i].importable ? "" : "!");
    return buf_steal_cstr(&out);
}

/* The lab's network, its SCD file, and what is proposed from it. */
struct lab {
    struct network *network;
    char *text;
    struct scd_import *import;
};

static int
open_lab(void **state)
{
    struct lab *lab = xcalloc(1, sizeof *lab);
    lab->network = lab_network();
    lab->text = read_file(LAB "two-substations.scd");
    *state = lab;
    return import_text(lab->network, lab->text, strlen(lab->text), &lab->import) != ERR_OK;
}

/* After the network has changed. */
static void
import_again(struct lab *lab)
{
    scd_import_free(lab->import);
    assert_ok(import_text(lab->network, lab->text, strlen(lab->text), &lab->import));
}

static int
close_lab(void **state)
{
    struct lab *lab = *state;
    scd_import_free(lab->import);
    free(lab->text);
    network_free(lab->network);
    free(lab);
    return 0;
}

/* ---- The lab's file ----------------------------------------------------------------------------
 */

static void
the_labs_tables_are_as_they_would_be_exported(void **state UNUSED)
{
    static const enum object_kind kinds[] = {OBJECT_SITE, OBJECT_NODE, OBJECT_PORT, OBJECT_LINK,
                                             OBJECT_HOST};
    struct network *network = lab_network();
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct buf table = BUF_INIT;
        char *path = xasprintf(LAB "inventory/%s", csv_file_name(kinds[i]));
        char *text = read_file(path);
        csv_export(network, kinds[i], &table);
        char *exported = buf_steal_cstr(&table), *end = exported;
        for (const char *at = exported; *at; at++) { /* in the repository lines end with LF */
            if (*at != '\r')
                *end++ = *at;
        }
        *end = '\0';
        assert_string_equal(text, exported);
        free(path);
        free(text);
        free(exported);
    }
    network_free(network);
}

static void
the_lab_has_its_circuits_and_each_defect_once(void **state)
{
    struct lab *lab = *state;
    char *found = summary(lab->import);
    assert_string_equal(found, "input-open RELAY_A2\n"
                               "ip-duplicate BCU_A9\n"
                               "ip-mismatch RTU_B\n"
                               "access-point-missing SPARE_A1\n"
                               "address-without-control-block RELAY_A2/PROT/gcbOld\n"
                               "subscriber-is-publisher RTU_A/CTRL/gcbInterlock\n"
                               "data-set-missing RTU_B/CTRL/gcbBroken\n"
                               "input-unbound RELAY_A2\n"
                               "control-block-unknown RELAY_A2\n"
                               "ied-unknown RELAY_B1\n"
                               "control-block-without-address RELAY_B1/PROT/gcbTest\n"
                               "vlan-zero RTU_A/CTRL/gcbPosition\n"
                               "publisher-without-subscribers RTU_A/CTRL/gcbPosition\n"
                               "mac-not-upper-case RTU_A/CTRL/gcbInterlock\n"
                               "ied-not-in-inventory BCU_A9\n"
                               "mac-malformed RTU_B/CTRL/gcbBroken\n"
                               "appid-malformed RTU_B/CTRL/gcbBroken\n"
                               "vlan-malformed RTU_B/CTRL/gcbBroken\n"
                               "priority-malformed RTU_B/CTRL/gcbBroken\n"
                               "time-malformed RTU_B/CTRL/gcbBroken\n"
                               "appid-duplicate RELAY_B1/PROT/gcbAlarm\n"
                               "multicast-duplicate RTU_B/CTRL/gcbMeasurement\n"
                               "mac-vlan-duplicate RTU_B/CTRL/gcbPosition\n"
                               "ied-unknown RELAY_A1/PROT/rcbEvents\n"
                               "goose-relay-a1-PROT-gcbTrip\n"
                               "goose-relay-a2-PROT-gcbBlock\n"
                               "goose-relay-b1-PROT-gcbAlarm\n"
                               "goose-relay-b1-PROT-gcbTest!\n"
                               "goose-rtu-a-CTRL-gcbPosition!\n"
                               "goose-rtu-a-CTRL-gcbInterlock!\n"
                               "goose-rtu-a-CTRL-gcbMeasurement!\n"
                               "goose-rtu-b-CTRL-gcbMeasurement!\n"
                               "goose-rtu-b-CTRL-gcbPosition\n"
                               "goose-rtu-b-CTRL-gcbBroken!\n"
                               "sv-relay-a1-MU-svLine\n"
                               "mms-fep-relay-a1\n"
                               "mms-fep-relay-a2\n"
                               "mms-fep-relay-b1\n"
                               "mms-rtu-a-relay-a1\n");
    assert_string_equal(lab->import->edition, "2007B4");
    assert_int_equal(lab->import->n_ieds, 8);
    free(found);
}

static void
a_proposal_says_what_the_file_says(void **state)
{
    struct lab *lab = *state;
    const struct circuit *trip =
        scd_import_find(lab->import, "goose-relay-a1-PROT-gcbTrip")->circuit;
    json_t *json = circuit_to_json(trip),
           *expected = json_quoted(
               "{'name': 'goose-relay-a1-PROT-gcbTrip', 'multicast': {'application': 'goose',"
               " 'publisher': 'relay-a1', 'subscribers': ['relay-a2', 'relay-b1'],"
               " 'mac': '01:0c:cd:01:00:01', 'vlan-id': 10, 'vlan-priority': 4, 'appid': '0001'},"
               " 'service-class': 'protection', 'rate-kbps': 346, 'burst-octets': 700,"
               " 'protection': 'maximal'}");
    if (!json_equal(json, expected))
        fail_msg("%s", json_dumps(json, 0));
    json_decref(json);
    json_decref(expected);

    const struct circuit *mms = scd_import_find(lab->import, "mms-fep-relay-b1")->circuit;
    assert_string_equal(mms->ip.client, "fep");
    assert_string_equal(mms->ip.server, "relay-b1");
    assert_int_equal(mms->ip.server_ports[0], 102);
    assert_int_equal(mms->service_class, CLASS_SCADA);
}

static void
a_proposal_names_its_evidence(void **state)
{
    struct lab *lab = *state;
    const struct scd_proposal *trip = scd_import_find(lab->import, "goose-relay-a1-PROT-gcbTrip");
    const char *const expected[] = {
        "GSEControl RELAY_A1/PROT/gcbTrip",
        "GSE: address 01-0C-CD-01-00-01, VLAN 00A, APPID 0001",
        "IEDName: subscriber RELAY_A2 is declared",
        "ExtRef: 2 bound by RELAY_A2",
        "IEDName: subscriber RELAY_B1 is declared",
        "ExtRef: 1 bound by RELAY_B1",
        "LGOS: RELAY_B1 supervises it",
    };
    assert_int_equal(trip->n_evidence, ARRAY_SIZE(expected));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_string_equal(trip->evidence[i].text, expected[i]);
        /* The line is where it says. */
        const char *at = lab->text;
        for (uint32_t line = 1; line < trip->evidence[i].line; line++)
            at = strchr(at, '\n') + 1;
        char word[16];
        assert_int_equal(sscanf(at, " <%15[A-Za-z]", word), 1);
        if (strcmp(word, "Val") != 0)
            assert_memory_equal(word, expected[i], strlen(word));
    }
}

static void
accepted_proposals_become_circuits_and_then_stay_as_they_are(void **state)
{
    struct lab *lab = *state;
    struct report report = {0};
    const char *const names[] = {"goose-relay-a1-PROT-gcbTrip", "mms-fep-relay-a1"};
    assert_ok(scd_import_apply(lab->network, lab->import, names, 2, true, &report));
    assert_null(lab->network->circuits);
    report_fini(&report);
    assert_ok(scd_import_apply(lab->network, lab->import, names, 2, false, &report));
    assert_int_equal(report.counts[REPORT_CREATED], 2);
    assert_int_equal(network_count(lab->network, OBJECT_CIRCUIT), 2);
    report_fini(&report);

    /* What an engineer added to the circuit is not in the file, and stays. */
    struct circuit *edited = circuit_copy(network_circuit(lab->network, names[0]));
    edited->max_latency_us = 4000;
    edited->protection = DISJOINT_NODE;
    edited->description = xstrdup("the trip");
    network_put_circuit(lab->network, edited);
    import_again(lab);
    assert_ok(scd_import_apply(lab->network, lab->import, names, 2, false, &report));
    assert_int_equal(report.counts[REPORT_UNCHANGED], 2);
    report_fini(&report);
}

static void
what_is_not_importable_is_not_accepted(void **state)
{
    struct lab *lab = *state;
    struct report report = {0};
    const char *const names[] = {"mms-fep-relay-a1", "goose-relay-b1-PROT-gcbTest", "nothing"};
    assert_err(scd_import_apply(lab->network, lab->import, names, 3, false, &report), ERR_INVALID);
    assert_null(lab->network->circuits);
    assert_string_equal(report.rows[1].text, "it has no address");
    assert_string_equal(report.rows[2].text, "is not proposed");
    report_fini(&report);
    assert_ok(scd_import_apply(lab->network, lab->import, NULL, 0, false, &report));
    assert_int_equal(network_count(lab->network, OBJECT_CIRCUIT), 9);
    report_fini(&report);
}

static void
a_circuit_that_is_there_already_is_named(void **state)
{
    struct lab *lab = *state;
    json_t *json = json_quoted("{'name': 'mine', 'ip': {'client': 'fep', 'server': 'relay-a1',"
                               " 'protocol': 'tcp', 'server-ports': [102]}, 'service-class':"
                               " 'scada', 'rate-kbps': 100}");
    struct circuit *circuit;
    assert_ok(circuit_from_json(json, &circuit, NULL));
    network_put_circuit(lab->network, circuit);
    import_again(lab);
    const struct scd_proposal *proposal = scd_import_find(lab->import, "mms-fep-relay-a1");
    assert_false(proposal->importable);
    assert_string_equal(proposal->reasons[0], "ip/server-ports: circuit mine lets the same packets "
                                              "pass, to port 102");
    json_decref(json);
}

static void
an_import_is_written_as_json(void **state)
{
    struct lab *lab = *state;
    json_t *json = scd_import_to_json(lab->import);
    assert_int_equal(json_integer_value(json_object_get(json, "ieds")), 8);
    json_t *proposal = json_array_get(json_object_get(json, "proposals"), 3);
    assert_true(json_is_false(json_object_get(proposal, "importable")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(proposal, "reasons"), 0)),
                        "it has no address");
    json_t *finding = json_array_get(json_object_get(json, "findings"), 1);
    assert_string_equal(json_string_value(json_object_get(finding, "code")), "ip-duplicate");
    assert_string_equal(json_string_value(json_object_get(finding, "file")), "test.scd");
    assert_true(json_integer_value(json_object_get(finding, "line")) > 0);
    json_decref(json);
}

/* ---- Editions and namespaces -------------------------------------------------------------------
 */

/* Two IEDs, a GOOSE between them, in whatever the root says. */
#define SMALL_SCD(root)                                                                            \
    "<?xml version='1.0'?>\n<" root ">\n"                                                          \
    "<Communication><SubNetwork name='S'>\n"                                                       \
    "<ConnectedAP iedName='P' apName='S1'><Address><P type='IP'>10.20.0.21</P></Address>\n"        \
    "<GSE ldInst='L' cbName='g'><Address><P type='MAC-Address'> 01-0C-CD-01-00-01 </P>\n"          \
    "<P type='APPID'>0001</P><P type='VLAN-ID'>00A</P><P type='VLAN-PRIORITY'>5</P></Address>\n"   \
    "</GSE></ConnectedAP><ConnectedAP iedName='Q' apName='S1'/></SubNetwork></Communication>\n"    \
    "<IED name='P'><AccessPoint name='S1'><Server><LDevice inst='L'><LN0 lnClass='LLN0'>\n"        \
    "<DataSet name='d'><FCDA ldInst='L' lnClass='PTRC' lnInst='1' doName='Tr' fc='ST'/></DataSet>" \
    "<GSEControl name='g' datSet='d' appID='g'><IEDName>Q</IEDName></GSEControl>\n"                \
    "</LN0></LDevice></Server></AccessPoint></IED>\n"                                              \
    "<IED name='Q'><AccessPoint name='S1'/></IED></SCL>\n"

static struct network *
small_network(void)
{
    return network_quoted(
        "{'tieline-inventory:inventory': {'site': [{'name': 's', 'kind': 'substation'}],"
        " 'node': [{'name': 'n', 'site': 's', 'kind': 'openflow', 'datapath-id':"
        " '0000000000000001', 'port': [{'number': 1, 'name': 'p1'}, {'number': 2, 'name':"
        " 'p2'}]}], 'host': [{'name': 'P', 'mac': '02:00:00:00:00:01', 'ipv4': '10.20.0.21/24',"
        " 'node': 'n', 'port': 1}, {'name': 'q', 'ied': 'Q', 'mac': '02:00:00:00:00:02', 'ipv4':"
        " '10.20.0.22/24', 'node': 'n', 'port': 2}]}}");
}

static void
all_editions_and_namespaces_are_read(void **state UNUSED)
{
    const struct {
        const char *text, *edition, *expected;
    } cases[] = {
        {SMALL_SCD("SCL xmlns='http://www.iec.ch/61850/2003/SCL'"), "1", "goose-P-L-g\n"},
        {SMALL_SCD("SCL xmlns='http://www.iec.ch/61850/2003/SCL' version='2007' revision='A'"),
         "2007A", "goose-P-L-g\n"},
        {SMALL_SCD("SCL xmlns='http://www.iec.ch/61850/2003/SCL' version='2007' revision='B'"
                   " release='4'"),
         "2007B4", "goose-P-L-g\n"},
        {SMALL_SCD("SCL xmlns='http://www.iec.ch/61850/2006/SCL'"), "1",
         "namespace-wrong test.scd\ngoose-P-L-g\n"},
        {SMALL_SCD("SCL"), "1", "namespace-wrong test.scd\ngoose-P-L-g\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network *network = small_network();
        struct scd_import *import;
        assert_ok(import_text(network, cases[i].text, strlen(cases[i].text), &import));
        char *found = summary(import);
        assert_string_equal(found, cases[i].expected);
        assert_string_equal(import->edition, cases[i].edition);
        const struct multicast_service *m = &import->proposals[0].circuit->multicast;
        assert_string_equal(m->subscribers[0], "q");
        assert_int_equal(m->vlan_id, 10);
        assert_int_equal(m->vlan_priority, 5);
        free(found);
        scd_import_free(import);
        network_free(network);
    }
}

static void
what_is_private_or_foreign_is_skipped(void **state UNUSED)
{
    static const char text[] =
        "<SCL xmlns='http://www.iec.ch/61850/2003/SCL' xmlns:x='urn:x'>"
        "<Private><IED name='A'><AccessPoint><Server/></AccessPoint></IED></Private>"
        "<x:IED name='B'/><IED name='C'><Private><AccessPoint><Server/></AccessPoint></Private>"
        "<x:AccessPoint><Server/></x:AccessPoint><!-- <AccessPoint><Server/></AccessPoint> -->"
        "</IED><IED xmlns='urn:y' name='D'/></SCL>";
    struct network *network = network_new();
    struct scd_import *import;
    assert_ok(import_text(network, text, strlen(text), &import));
    assert_int_equal(import->n_ieds, 1);
    assert_int_equal(import->findings.n, 0);
    scd_import_free(import);
    network_free(network);
}

/* ---- Hostile files -----------------------------------------------------------------------------
 */

static void
assert_refused(const char *text, size_t size, enum err expected, const char *explanation)
{
    struct network *network = network_new();
    struct scd_import *import;
    assert_err(import_text(network, text, size, &import), expected);
    assert_int_equal(import->findings.n, 1);
    assert_int_equal(import->n_proposals, 0);
    assert_null(import->edition);
    assert_string_equal(import->findings.items[0].code, "not-readable");
    if (!strstr(import->findings.items[0].text, explanation))
        fail_msg("%s", import->findings.items[0].text);
    json_decref(scd_import_to_json(import));
    scd_import_free(import);
    network_free(network);
}

#define REFUSED(text, err, explanation) assert_refused(text, strlen(text), err, explanation)

static void
a_document_type_is_refused_whatever_it_says(void **state UNUSED)
{
    REFUSED("<!DOCTYPE SCL [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
            "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>"
            "]><SCL xmlns='http://www.iec.ch/61850/2003/SCL'><IED name='&d;'/></SCL>",
            ERR_UNSUPPORTED, "document type declaration");
    REFUSED("<!DOCTYPE SCL [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
            "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'><IED name='a'>&x;</IED></SCL>",
            ERR_UNSUPPORTED, "document type declaration");
    REFUSED("<!DOCTYPE SCL SYSTEM 'http://192.0.2.1/scl.dtd'>"
            "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'/>",
            ERR_UNSUPPORTED, "document type declaration");
    REFUSED("<!DOCTYPE SCL [<!ENTITY % x SYSTEM 'file:///etc/passwd'> %x;]>"
            "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'/>",
            ERR_UNSUPPORTED, "document type declaration");
}

static void
what_is_no_scl_is_refused(void **state UNUSED)
{
    REFUSED("", ERR_MALFORMED, "the file is empty");
    REFUSED("not XML", ERR_MALFORMED, "not well-formed XML");
    REFUSED("<SCL xmlns='http://www.iec.ch/61850/2003/SCL'>", ERR_MALFORMED, "not well-formed");
    REFUSED("<SCL xmlns='http://www.iec.ch/61850/2003/SCL'></SCL><SCL/>", ERR_MALFORMED,
            "not well-formed");
    REFUSED("<SCL xmlns='http://www.iec.ch/61850/2003/SCL'>&undefined;</SCL>", ERR_MALFORMED,
            "not well-formed");
    REFUSED("<SCL xmlns='http://www.iec.ch/61850/2003/SCL' a='1' a='2'/>", ERR_MALFORMED,
            "not well-formed");
    REFUSED("<SCL xmlns='urn:other'/>", ERR_MALFORMED, "no SCL file");
    REFUSED("<html/>", ERR_MALFORMED, "no SCL file");
    REFUSED("<?xml version='1.0' encoding='UTF-8'?><SCL name='\xff'/>", ERR_MALFORMED,
            "not well-formed");
}

static void
every_beginning_of_a_file_is_refused_cleanly(void **state UNUSED)
{
    static const char text[] = SMALL_SCD("SCL xmlns='http://www.iec.ch/61850/2003/SCL'");
    struct network *network = small_network();
    size_t end = strlen(text) - 1; /* without the last line feed it is still whole */
    for (size_t size = 0; size <= strlen(text); size++) {
        struct scd_import *import;
        enum err err = import_text(network, text, size, &import);
        assert_err(err, size >= end ? ERR_OK : ERR_MALFORMED);
        scd_import_free(import);
    }
    network_free(network);
}

static void
what_is_too_deep_or_too_long_is_refused(void **state UNUSED)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'>");
    for (int i = 0; i < 100000; i++)
        buf_str(&text, "<a>");
    REFUSED(buf_cstr(&text), ERR_MALFORMED, "not well-formed"); /* libxml2 stops at 256 */
    buf_clear(&text);
    buf_str(&text, "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'><IED name='");
    for (int i = 0; i < 256; i++)
        buf_str(&text, "a");
    buf_str(&text, "'/></SCL>");
    REFUSED(buf_cstr(&text), ERR_LIMIT, "longer than 255 octets");
    buf_clear(&text);
    buf_str(&text, "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'><Communication><SubNetwork>"
                   "<ConnectedAP><Address><P type='IP'>");
    for (int i = 0; i < 256; i++)
        buf_str(&text, "1");
    buf_str(&text, "</P></Address></ConnectedAP></SubNetwork></Communication></SCL>");
    REFUSED(buf_cstr(&text), ERR_LIMIT, "longer than 255 octets");
    buf_fini(&text);
    struct arena *arena = arena_new(SCD_MEMORY_MAX);
    struct scd *scd;
    uint32_t line;
    assert_err(scd_parse("<", SCD_TEXT_MAX + 1, arena, &scd, &line, NULL), ERR_LIMIT);
    arena_free(arena);
    arena = arena_new(1000);
    static const char small[] = SMALL_SCD("SCL xmlns='http://www.iec.ch/61850/2003/SCL'");
    assert_err(scd_parse(small, strlen(small), arena, &scd, &line, NULL), ERR_LIMIT);
    arena_free(arena);
}

static void
an_error_has_its_line(void **state UNUSED)
{
    static const char text[] = "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'>\n\n<IED name='a'>\n"
                               "</AccessPoint></IED></SCL>";
    struct network *network = network_new();
    struct scd_import *import;
    assert_err(import_text(network, text, strlen(text), &import), ERR_MALFORMED);
    assert_int_equal(import->findings.items[0].line, 4);
    scd_import_free(import);
    network_free(network);
}

/* ---- Single defects the lab's file does not have -----------------------------------------------
 */

#define SCD(communication, ieds)                                                                   \
    "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'><Communication><SubNetwork "                    \
    "name='S'>" communication "</SubNetwork></Communication>" ieds "</SCL>"
#define AP(ied, content) "<ConnectedAP iedName='" ied "' apName='S1'>" content "</ConnectedAP>"
#define GSE(cb, p) "<GSE ldInst='L' cbName='" cb "'><Address>" p "</Address></GSE>"
#define MAC(mac) "<P type='MAC-Address'>" mac "</P>"
#define APPID(appid) "<P type='APPID'>" appid "</P>"
#define VLAN "<P type='VLAN-ID'>00A</P>"
#define IED(name, ln0)                                                                             \
    "<IED name='" name "'><AccessPoint name='S1'><Server><LDevice inst='L'><LN0 lnClass='LLN0'>"   \
    "<DataSet name='d'/>" ln0 "</LN0></LDevice></Server></AccessPoint></IED>"
#define CB(name) "<GSEControl name='" name "' datSet='d'><IEDName>Q</IEDName></GSEControl>"
#define GOOD MAC("01-0C-CD-01-00-01") APPID("0001") VLAN
#define ONE(p) SCD(AP("P", p) AP("Q", ""), IED("P", CB("g")) IED("Q", ""))

static void
single_defects_are_found(void **state UNUSED)
{
    const struct {
        const char *text, *expected;
    } cases[] = {
        {ONE(GSE("g", APPID("0001") VLAN)), "mac-missing P/L/g\ngoose-P-L-g!\n"},
        {ONE(GSE("g", MAC("01-0C-CD-01-00-01") VLAN)), "appid-missing P/L/g\ngoose-P-L-g!\n"},
        {ONE(GSE("g", MAC("02-0C-CD-01-00-01") APPID("0001") VLAN)),
         "mac-not-group P/L/g\ngoose-P-L-g!\n"},
        {ONE(GSE("g", GOOD) GSE("g", GOOD)), "address-duplicate P/L/g\ngoose-P-L-g\n"},
        {SCD(AP("P", GSE("g", GOOD)) AP("Q", ""), IED("P", CB("g") CB("g")) IED("Q", "")),
         "control-block-duplicate P/L/g\ngoose-P-L-g\n"},
        {SCD(AP("P", GSE("g", GOOD)) AP("Q", ""), IED("P", CB("g")) IED("Q", "") IED("Q", "")),
         "ied-duplicate Q\ngoose-P-L-g\n"},
        {SCD(AP("P", "<Address><P type='IP'>10.20.0</P></Address>"), IED("P", "")),
         "address-malformed P\n"},
        {SCD(AP("R", ""), ""), "ied-unknown R\n"},
        {SCD(AP("P", "") AP("Q", ""),
             IED("P", "<GSEControl name='g' datSet='d' type='GSSE'/>"
                      "<SampledValueControl name='s' datSet='d' multicast='false'/>") IED("Q", "")),
         "gsse-unsupported P/L/g\nunicast-unsupported P/L/s\n"},
        {SCD(AP("P", "<SMV ldInst='L' cbName='s'><Address>" MAC("01-0C-CD-04-00-01") APPID("4001")
                         VLAN "</Address></SMV>") AP("Q", ""),
             IED("P", "<SampledValueControl name='s' datSet='d' smpRate='many'><IEDName>Q</IEDName>"
                      "</SampledValueControl>") IED("Q", "")),
         "sample-rate-malformed P/L/s\nsv-P-L-s\n"},
        {SCD(AP("P", "") AP("Q", ""),
             IED("P", "<ReportControl name='r'><RptEnabled><ClientLN iedName='Q'/></RptEnabled>"
                      "</ReportControl>") IED("Q", "")),
         "ip-missing Q\nip-missing P\nmms-q-P\n"},
        {SCD(AP("P", GSE("g", GOOD)) AP("Q", ""),
             IED("P", "<GSEControl name='g' datSet='d'><IEDName>X</IEDName></GSEControl>")
                 IED("Q", "")),
         "ied-unknown P/L/g\nied-not-in-inventory X\ngoose-P-L-g!\n"},
        {SCD(AP("P", GSE("g", GOOD) GSE("h", MAC("01-0C-CD-01-00-01") APPID("0002") VLAN))
                 AP("Q", ""),
             IED("P", CB("g") CB("h")) IED("Q", "")),
         "mac-vlan-duplicate P/L/h\ngoose-P-L-g!\ngoose-P-L-h!\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network *network = small_network();
        struct scd_import *import;
        assert_ok(import_text(network, cases[i].text, strlen(cases[i].text), &import));
        char *found = summary(import);
        if (strcmp(found, cases[i].expected))
            fail_msg("%s\nfor %s", found, cases[i].text);
        free(found);
        scd_import_free(import);
        network_free(network);
    }
}

static void
rates_follow_the_formulas(void **state UNUSED)
{
    const struct {
        const char *attributes;
        uint32_t rate_kbps;
    } cases[] = {
        /* frame = 26 + 11 + n * (4 for "smv1" + 20 + 0 + 8 values) = 69 with one ASDU */
        {"smpRate='80' nofASDU='1'", 2783},                      /* 69 * 8 * 80 * 60 * 1.05 */
        {"smpRate='4000' nofASDU='1' smpMod='SmpPerSec'", 2319}, /* 69 * 8 * 4000 * 1.05 */
        {"smpRate='4800' nofASDU='2' smpMod='SmpPerSec'", 2037}, /* 101 * 8 * 2400 * 1.05 */
        {"smpRate='10' nofASDU='1' smpMod='SecPerSmp'", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = xasprintf(
            "<SCL xmlns='http://www.iec.ch/61850/2003/SCL'><IED name='P'><AccessPoint name='S1'>"
            "<Server><LDevice inst='L'><LN0 lnClass='LLN0'><DataSet name='d'><FCDA"
            " daName='instMag.i'/><FCDA daName='q'/></DataSet><SampledValueControl name='s'"
            " datSet='d' smvID='smv1' %s/></LN0></LDevice></Server></AccessPoint></IED></SCL>",
            cases[i].attributes);
        struct network *network = small_network();
        struct scd_import *import;
        assert_ok(import_text(network, text, strlen(text), &import));
        assert_int_equal(import->proposals[0].circuit->rate_kbps, cases[i].rate_kbps);
        scd_import_free(import);
        network_free(network);
        free(text);
    }
}

/* ---- Files of others ---------------------------------------------------------------------------
 */

static size_t
count(const struct scd_import *import, const char *code)
{
    size_t n = 0;
    for (size_t i = 0; i < import->findings.n; i++)
        n += !strcmp(import->findings.items[i].code, code);
    return n;
}

static void
files_of_the_openscd_project_are_read(void **state UNUSED)
{
    /* Counted in the files by other means (XPath). */
    const struct {
        const char *name;
        size_t n_ieds, n_controls, without_address, without_control;
    } cases[] = {
        {"openscd_104_valid-addresses.scd", 3, 0, 0, 0},
        {"openscd_LaterBindingGOOSE-LGOS.scd", 10, 4, 0, 0},
        {"openscd_MessageBindingGOOSE2007B4.scd", 4, 6, 4, 0},
        {"openscd_MessageBindingSMV2007B4.scd", 4, 7, 5, 0},
        {"openscd_cleanup.scd", 3, 6, 2, 0},
        {"openscd_communication.scd", 3, 5, 1, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *path = xasprintf(SHARED "%s", cases[i].name), *text = read_file(path);
        free(path);
        if (!text) {
            fprintf(stderr, "SKIPPED: no %s%s\n", SHARED, cases[i].name);
            skip();
        }
        struct network *network = network_new();
        struct scd_import *import;
        assert_ok(import_text(network, text, strlen(text), &import));
        assert_int_equal(import->n_ieds, cases[i].n_ieds);
        size_t n_controls = 0;
        for (size_t k = 0; k < import->n_proposals; k++)
            n_controls += import->proposals[k].circuit->kind == CIRCUIT_MULTICAST;
        assert_int_equal(n_controls, cases[i].n_controls);
        assert_int_equal(count(import, "control-block-without-address"), cases[i].without_address);
        assert_int_equal(count(import, "address-without-control-block"), cases[i].without_control);
        scd_import_free(import);
        network_free(network);
        free(text);
    }
}

TEST_MAIN(
    cmocka_unit_test(the_labs_tables_are_as_they_would_be_exported),
    cmocka_unit_test_setup_teardown(the_lab_has_its_circuits_and_each_defect_once, open_lab,
                                    close_lab),
    cmocka_unit_test_setup_teardown(a_proposal_says_what_the_file_says, open_lab, close_lab),
    cmocka_unit_test_setup_teardown(a_proposal_names_its_evidence, open_lab, close_lab),
    cmocka_unit_test_setup_teardown(accepted_proposals_become_circuits_and_then_stay_as_they_are,
                                    open_lab, close_lab),
    cmocka_unit_test_setup_teardown(what_is_not_importable_is_not_accepted, open_lab, close_lab),
    cmocka_unit_test_setup_teardown(a_circuit_that_is_there_already_is_named, open_lab, close_lab),
    cmocka_unit_test_setup_teardown(an_import_is_written_as_json, open_lab, close_lab),
    cmocka_unit_test(all_editions_and_namespaces_are_read),
    cmocka_unit_test(what_is_private_or_foreign_is_skipped),
    cmocka_unit_test(a_document_type_is_refused_whatever_it_says),
    cmocka_unit_test(what_is_no_scl_is_refused),
    cmocka_unit_test(every_beginning_of_a_file_is_refused_cleanly),
    cmocka_unit_test(what_is_too_deep_or_too_long_is_refused),
    cmocka_unit_test(an_error_has_its_line), cmocka_unit_test(single_defects_are_found),
    cmocka_unit_test(rates_follow_the_formulas),
    cmocka_unit_test(files_of_the_openscd_project_are_read))
