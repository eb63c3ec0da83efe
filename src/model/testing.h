/* testing.h - networks and objects for tests, written as JSON with single quotes. */
#ifndef MODEL_TESTING_H
#define MODEL_TESTING_H

#include "base/testing.h"
#include "model/json.h"

/* JSON in which ' stands for ". */
static inline UNUSED json_t *
json_quoted(const char *text)
{
    json_error_t error;
    char *copy = strdup(text);
    for (char *at = copy; (at = strchr(at, '\''));)
        *at = '"';
    json_t *json = json_loads(copy, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("line %d: %s", error.line, error.text);
    free(copy);
    return json;
}

static inline UNUSED struct network *
network_quoted(const char *text)
{
    struct network *network;
    struct diag diag = {""};
    json_t *json = json_quoted(text);
    if (network_from_json(json, &network, &diag))
        fail_msg("%s", diag.text);
    json_decref(json);
    return network;
}

/* Two sites with a node each and a link between them, two hosts with addresses in different
 * subnets, one without; no circuits. Free ports: x 3 to 4, y 2 to 4. */
#define SMALL_INVENTORY                                                                            \
    "'tieline-inventory:inventory': {"                                                             \
    " 'site': [{'name': 'north', 'kind': 'control-centre'},"                                       \
    "          {'name': 'south', 'kind': 'substation', 'description': 'by the river'}],"           \
    " 'node': [{'name': 'x', 'site': 'north', 'kind': 'tieline-edge',"                             \
    "           'datapath-id': '0000000000000001', 'management-address': '10.255.0.1', 'port': ["  \
    "           {'number': 1, 'name': 'p1'}, {'number': 2, 'name': 'p2'},"                         \
    "           {'number': 3, 'name': 'p3'}, {'number': 4, 'name': 'p4'}]},"                       \
    "          {'name': 'y', 'site': 'south', 'kind': 'openvswitch', 'probe': true,"               \
    "           'datapath-id': '0000000000000002', 'port': ["                                      \
    "           {'number': 1, 'name': 'p1'}, {'number': 2, 'name': 'p2'},"                         \
    "           {'number': 3, 'name': 'p3'}, {'number': 4, 'name': 'p4'}]}],"                      \
    " 'link': [{'name': 'x-y', 'a': {'node': 'x', 'port': 1}, 'b': {'node': 'y', 'port': 1},"      \
    "           'delay-us': 500, 'capacity-kbps': 100000, 'shared-risks': ['duct-7']}],"           \
    " 'host': [{'name': 'fep', 'mac': '02:00:00:10:00:11', 'ipv4': '10.10.0.11/24',"               \
    "           'gateway': '10.10.0.1', 'node': 'x', 'port': 2},"                                  \
    "          {'name': 'rtu', 'mac': '02:00:00:20:00:11', 'ipv4': '10.20.0.11/24',"               \
    "           'gateway': '10.20.0.1', 'node': 'y', 'port': 2},"                                  \
    "          {'name': 'relay', 'mac': '02:00:00:20:00:21', 'node': 'y', 'port': 3}]}"

#define MODBUS_CIRCUIT                                                                             \
    "{'name': 'scada-rtu', 'ip': {'client': 'fep', 'server': 'rtu', 'protocol': 'tcp',"            \
    " 'server-ports': [502]}, 'service-class': 'scada', 'rate-kbps': 1000}"

#define GOOSE_CIRCUIT                                                                              \
    "{'name': 'goose-trip', 'multicast': {'application': 'goose', 'publisher': 'relay',"           \
    " 'subscribers': ['rtu', 'fep'], 'mac': '01-0c-cd-01-00-01', 'vlan-id': 10, 'appid': '0001'}," \
    " 'service-class': 'protection', 'rate-kbps': 600, 'burst-octets': 1200,"                      \
    " 'max-latency-us': 4000, 'protection': 'link',"                                               \
    " 'window': {'start': '2026-03-01T08:00:00Z', 'end': '2026-03-01T10:00:00+01:00'}}"

#endif
