/* check.h - everything about a network that its YANG modules cannot say, because it spans objects.
 *
 * Pure and linear in the size of the network (but for the number of findings). Each finding has a
 * code; these exist:
 *
 * | code | severity | it means |
 * |---|---|---|
 * | site-unknown, node-unknown, port-unknown, host-unknown | error | a reference to nothing |
 * | circuit-unknown, link-unknown | warning | a design of a circuit or over a link that has gone |
 * | name-duplicate | error | two ports of a node have one name |
 * | datapath-id-duplicate, mac-duplicate, address-duplicate, ied-duplicate | error | used twice |
 * | number-duplicate | error | two designs have one number |
 * | port-occupied | error | two things at one port |
 * | link-loop | error | a link from a node to itself |
 * | mac-not-unicast | error | a host has a group address |
 * | mac-not-group | error | a multicast goes to the address of one host |
 * | mac-unusual, appid-unusual | info | outside the ranges IEC 61850 recommends |
 * | address-unusable | error | the subnet's own or broadcast address, loopback, multicast |
 * | subnet-overlap | warning | hosts whose subnets overlap, but are not the same |
 * | gateway-outside | error | the gateway is not in the host's subnet, or is the host itself |
 * | gateway-missing | error | the ends are in different subnets, and one has no gateway |
 * | address-missing | error | an IP circuit with a host that has no address |
 * | same-host | error | client is server; publisher is subscriber |
 * | port-reserved | error | UDP port 862, which tests use on every path |
 * | protocol-unsupported | error | neither TCP, UDP nor ICMP |
 * | server-port-missing, subscriber-missing | error | nothing to reach |
 * | conversation-duplicate | error | two circuits let the same packets pass at the same time |
 * | multicast-duplicate | error | the same destination, VLAN and APPID, or from one publisher |
 * | multicast-shared | warning | one destination and VLAN, but different publishers and APPIDs |
 * | appid-duplicate | warning | one APPID, different destinations |
 * | window-invalid | error | the window ends before it starts |
 * | rate-missing | error | a circuit without rate or burst passes nothing |
 * | burst-small | warning | less than one large frame: it will be dropped |
 * | island | warning | a part of the network that has no link to the rest |
 * | no-path | error | the ends of a circuit are on different islands |
 */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "model/finding.h"
#include "model/model.h"

#define STAMP_PORT 862 /* RFC 8762 section 4: the reflector's well-known UDP port */

void network_check(const struct network *, struct findings *);

/* What network_check() would find about this circuit if it were in the network, in place of the one
 * of its name. It is compared with each other circuit once. */
void network_check_circuit(const struct network *, const struct circuit *, struct findings *);

#endif
