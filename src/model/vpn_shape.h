/* vpn_shape.h - services between the shapes of ietf-l3vpn-ntw (RFC 9182) and ietf-l2vpn-ntw (RFC
 * 9291) and the flatter ones that are read (vpn_service.h). Pure.
 *
 * What has no place in the flat shape is left as it is, so that the reader refuses it by its name.
 * What is in the flat shape already stays so: documents of both kinds, and mixed ones, are taken.
 *
 *   RFC 9182                                                   flat
 *   vpn-instance-profile/address-family/vpn-targets            vpn-instance-profile/vpn-targets
 *   vpn-node/active-vpn-instance-profiles/vpn-instance-profile vpn-node/vpn-instance-profile, rd
 *   routing-protocols/routing-protocol                         routing-protocols/static, bgp
 *   ip-connection/.../address-allocation-type                  (static-address)
 *   qos/qos-profile/qos-profile/profile                        qos/qos-profile
 *   vpn-profiles                                               (those that are named)
 *
 *   RFC 9291                                                   flat
 *   vpn-type mpls-evpn                                         vpls-evpn
 *   vpn-node/active-global-parameters-profiles/...             vpn-node/global-parameters-profile
 *   bgp-ad-enabled, vpn-node/bgp-auto-discovery/rd             vpn-node/rd
 *   signaling-option/ldp-or-l2tp/pw-peer-list                  signaling-option/ac-pw-list
 *   service/svc-pe-to-ce-bandwidth/..., bw-per-port, cir       service/pe-to-ce-bandwidth */
#ifndef MODEL_VPN_SHAPE_H
#define MODEL_VPN_SHAPE_H

#include "base/err.h"

#include <jansson.h>

/* A document of services in the flat shapes; the caller owns it. ERR_INVALID: address families of a
 * profile have different targets, or more than targets; `diag` names the profile. */
MUST_CHECK enum err vpn_shape_flat(const json_t *document, json_t **flat, struct diag *);

/* One service of ietf-l3vpn-ntw or ietf-l2vpn-ntw, however it was stated, as the RFC has it;
 * identities, targets and numbers as RFC 7951 and RFC 8294 write them. That a VPN is point to point
 * is left out: RFC 9181 has no such topology. The caller owns it. */
json_t *vpn_shape_rfc9182(const json_t *service);
json_t *vpn_shape_rfc9291(const json_t *service);

/* {"valid-provider-identifiers": ...}: the profiles that such services name. The caller owns it. */
json_t *vpn_shape_profiles(const json_t *services);

#endif
