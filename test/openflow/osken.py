#!/usr/bin/python3
"""Our codec beside os-ken's, both ways.

What os-ken encodes must be decoded, and be the same octets when we encode it again: every request
that os-ken has a class for, and every flow, group and meter of its conformance patterns where these
are at hand (../shared/data/openflow13). What we encode for a controller, os-ken must decode, and find
in it what we put there.

usage: osken.py PATH-OF-openflow_text PATH-OF-openflow_samples
       osken.py --hex      prints the requests, for golden tests"""
import glob
import json
import os
import subprocess
import sys

try:
    from os_ken.ofproto import ofproto_parser, ofproto_protocol
    from os_ken.ofproto import ofproto_v1_3 as ofp
    from os_ken.ofproto import ofproto_v1_3_parser as parser
except ImportError:
    print("SKIP: python3-os-ken is not installed")
    sys.exit(77)


class Datapath(ofproto_protocol.ProtocolDesc):
    id = 1

    def set_xid(self, msg):
        msg.set_xid(0x1234)


dp = Datapath(ofp.OFP_VERSION)

# Each field with a value, and a mask where it may have one, and what must be in the match before it.
IP4, IP6 = {"eth_type": 0x0800}, {"eth_type": 0x86DD}
ARP, MPLS, PBB = {"eth_type": 0x0806}, {"eth_type": 0x8847}, {"eth_type": 0x88E7}
FIELDS = [
    ({}, "in_port", 3),
    ({"in_port": 3}, "in_phy_port", 4),
    ({}, "metadata", 0x1122334455667788),
    ({}, "metadata", (0x1100, 0xFF00)),
    ({}, "eth_dst", "01:0c:cd:01:00:01"),
    ({}, "eth_dst", ("01:0c:cd:00:00:00", "ff:ff:ff:00:00:00")),
    ({}, "eth_src", "02:00:00:00:00:01"),
    ({}, "eth_type", 0x88B8),
    ({}, "vlan_vid", 0),
    ({}, "vlan_vid", 0x1000 | 100),
    ({}, "vlan_vid", (0x1000, 0x1000)),
    ({"vlan_vid": 0x1005}, "vlan_pcp", 4),
    (IP4, "ip_dscp", 46),
    (IP6, "ip_ecn", 3),
    (IP4, "ip_proto", 6),
    (IP4, "ipv4_src", "10.1.2.3"),
    (IP4, "ipv4_dst", ("10.1.0.0", "255.255.0.0")),
    ({**IP4, "ip_proto": 6}, "tcp_src", 502),
    ({**IP6, "ip_proto": 6}, "tcp_dst", 20000),
    ({**IP4, "ip_proto": 17}, "udp_src", 862),
    ({**IP4, "ip_proto": 17}, "udp_dst", 319),
    ({**IP4, "ip_proto": 132}, "sctp_src", 7),
    ({**IP4, "ip_proto": 132}, "sctp_dst", 8),
    ({**IP4, "ip_proto": 1}, "icmpv4_type", 8),
    ({**IP4, "ip_proto": 1}, "icmpv4_code", 1),
    (ARP, "arp_op", 1),
    (ARP, "arp_spa", "10.0.0.1"),
    (ARP, "arp_tpa", ("10.0.0.0", "255.255.255.0")),
    (ARP, "arp_sha", "02:00:00:00:00:02"),
    (ARP, "arp_tha", ("02:00:00:00:00:00", "ff:ff:00:00:00:00")),
    (IP6, "ipv6_src", "2001:db8::1"),
    (IP6, "ipv6_dst", ("2001:db8::", "ffff:ffff::")),
    (IP6, "ipv6_flabel", 0x54321),
    (IP6, "ipv6_flabel", (0x54300, 0xFFF00)),
    ({**IP6, "ip_proto": 58}, "icmpv6_type", 135),
    ({**IP6, "ip_proto": 58}, "icmpv6_code", 2),
    ({**IP6, "ip_proto": 58, "icmpv6_type": 135}, "ipv6_nd_target", "fe80::1"),
    ({**IP6, "ip_proto": 58, "icmpv6_type": 135}, "ipv6_nd_sll", "02:00:00:00:00:03"),
    ({**IP6, "ip_proto": 58, "icmpv6_type": 136}, "ipv6_nd_tll", "02:00:00:00:00:04"),
    (MPLS, "mpls_label", 0xABCDE),
    (MPLS, "mpls_tc", 5),
    (MPLS, "mpls_bos", 1),
    (PBB, "pbb_isid", 0x123456),
    (PBB, "pbb_isid", (0x120000, 0xFF0000)),
    ({}, "tunnel_id", 0x99),
    ({}, "tunnel_id", (0x9900, 0xFF00)),
    (IP6, "ipv6_exthdr", 0x1F),
    (IP6, "ipv6_exthdr", (0x10, 0x11)),
    (PBB, "pbb_uca", 1),
]


def flow_mod(match, instructions, **more):
    return parser.OFPFlowMod(dp, match=match, instructions=instructions, **more)


def apply(*actions):
    return [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, list(actions))]


def out(port=2, max_len=0):
    return parser.OFPActionOutput(port, max_len)


def match_messages():
    for before, field, value in FIELDS:
        match = parser.OFPMatch(**before, **{field: value})
        name = f"match_{field}" + ("_masked" if isinstance(value, tuple) else "")
        yield name, flow_mod(match, apply(out()))


def set_field_messages():
    unset = {"in_port", "in_phy_port", "metadata", "ipv6_exthdr"}
    for before, field, value in FIELDS:
        if field in unset or isinstance(value, tuple) or value == 0:
            continue
        match = parser.OFPMatch(**before)
        action = parser.OFPActionSetField(**{field: value})
        yield f"set_field_{field}", flow_mod(match, apply(action, out()))


def action_messages():
    ip, mpls, pbb = parser.OFPMatch(**IP4), parser.OFPMatch(**MPLS), parser.OFPMatch(**PBB)
    rows = [
        ("output_controller", ip, out(ofp.OFPP_CONTROLLER, 128)),
        ("output_in_port", ip, out(ofp.OFPP_IN_PORT)),
        ("output_normal", ip, out(ofp.OFPP_NORMAL)),
        ("output_flood", ip, out(ofp.OFPP_FLOOD)),
        ("output_all", ip, out(ofp.OFPP_ALL)),
        ("output_local", ip, out(ofp.OFPP_LOCAL)),
        ("copy_ttl_out", mpls, parser.OFPActionCopyTtlOut()),
        ("copy_ttl_in", mpls, parser.OFPActionCopyTtlIn()),
        ("set_mpls_ttl", mpls, parser.OFPActionSetMplsTtl(64)),
        ("dec_mpls_ttl", mpls, parser.OFPActionDecMplsTtl()),
        ("push_vlan", ip, parser.OFPActionPushVlan(0x8100)),
        ("push_svlan", ip, parser.OFPActionPushVlan(0x88A8)),
        ("pop_vlan", parser.OFPMatch(vlan_vid=0x1005), parser.OFPActionPopVlan()),
        ("push_mpls", ip, parser.OFPActionPushMpls(0x8847)),
        ("pop_mpls", mpls, parser.OFPActionPopMpls(0x0800)),
        ("set_queue", ip, parser.OFPActionSetQueue(3)),
        ("group", ip, parser.OFPActionGroup(0x100)),
        ("set_nw_ttl", ip, parser.OFPActionSetNwTtl(9)),
        ("dec_nw_ttl", ip, parser.OFPActionDecNwTtl()),
        ("push_pbb", ip, parser.OFPActionPushPbb(0x88E7)),
        ("pop_pbb", pbb, parser.OFPActionPopPbb()),
    ]
    for name, match, action in rows:
        yield f"action_{name}", flow_mod(match, apply(action))


def flow_messages():
    every = [
        parser.OFPInstructionMeter(7, None),
        *apply(parser.OFPActionPushVlan(0x8100), parser.OFPActionSetField(vlan_vid=0x1064)),
        parser.OFPInstructionActions(ofp.OFPIT_CLEAR_ACTIONS, []),
        parser.OFPInstructionActions(ofp.OFPIT_WRITE_ACTIONS, [out(1)]),
        parser.OFPInstructionWriteMetadata(0x10, 0xF0),
        parser.OFPInstructionGotoTable(9),
    ]
    match = parser.OFPMatch(in_port=1, eth_type=0x0800)
    yield "flow_every_instruction", flow_mod(match, every, table_id=3, priority=7, cookie=5)
    for name, command in [("add", 0), ("modify", 1), ("modify_strict", 2), ("delete", 3),
                          ("delete_strict", 4)]:
        yield f"flow_{name}", flow_mod(
            match, [] if command >= 3 else apply(out()), command=command, cookie=0x11, cookie_mask=0xFF, idle_timeout=60,
            hard_timeout=3600, priority=100, out_port=3, out_group=4,
            flags=0x1F, buffer_id=77)
    yield "flow_empty", flow_mod(parser.OFPMatch(), [])
    yield "flow_delete_all", flow_mod(parser.OFPMatch(), [], command=3, table_id=255,
                                      out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY)


def group_messages():
    def bucket(port, weight=0, watch=ofp.OFPP_ANY, group=ofp.OFPG_ANY):
        return parser.OFPBucket(weight, watch, group, [out(port)])
    for name, kind, buckets in [
            ("all", 0, [bucket(1), bucket(2)]),
            ("select", 1, [bucket(1, 10), bucket(2, 90)]),
            ("indirect", 2, [bucket(1)]),
            ("ff", 3, [bucket(1, 0, 1), bucket(2, 0, 2, 9)]),
            ("empty", 0, [])]:
        yield f"group_{name}", parser.OFPGroupMod(dp, 0, kind, 0x100, buckets)
    yield "group_modify", parser.OFPGroupMod(dp, 1, 0, 5, [bucket(3)])
    yield "group_delete", parser.OFPGroupMod(dp, 2, 0, ofp.OFPG_ALL, [])


def meter_messages():
    bands = [parser.OFPMeterBandDrop(1000, 100), parser.OFPMeterBandDscpRemark(500, 50, 1)]
    yield "meter_add", parser.OFPMeterMod(dp, 0, ofp.OFPMF_KBPS | ofp.OFPMF_BURST, 7, bands)
    yield "meter_modify", parser.OFPMeterMod(dp, 1, ofp.OFPMF_PKTPS | ofp.OFPMF_STATS, 7, bands[:1])
    yield "meter_delete", parser.OFPMeterMod(dp, 2, ofp.OFPMF_KBPS, ofp.OFPM_ALL, [])


def multipart_messages():
    match = parser.OFPMatch(in_port=1)
    yield "mp_desc", parser.OFPDescStatsRequest(dp, 0)
    yield "mp_flow", parser.OFPFlowStatsRequest(dp, 0, 3, 1, 2, 0x55, 0xFF, match)
    yield "mp_aggregate", parser.OFPAggregateStatsRequest(
        dp, 0, ofp.OFPTT_ALL, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0, parser.OFPMatch())
    yield "mp_table", parser.OFPTableStatsRequest(dp, 0)
    yield "mp_port_stats", parser.OFPPortStatsRequest(dp, 0, ofp.OFPP_ANY)
    yield "mp_queue", parser.OFPQueueStatsRequest(dp, 0, 1, ofp.OFPQ_ALL)
    yield "mp_group", parser.OFPGroupStatsRequest(dp, 0, ofp.OFPG_ALL)
    yield "mp_group_desc", parser.OFPGroupDescStatsRequest(dp, 0)
    yield "mp_group_features", parser.OFPGroupFeaturesStatsRequest(dp, 0)
    yield "mp_meter", parser.OFPMeterStatsRequest(dp, 0, ofp.OFPM_ALL)
    yield "mp_meter_config", parser.OFPMeterConfigStatsRequest(dp, 0, 7)
    yield "mp_meter_features", parser.OFPMeterFeaturesStatsRequest(dp, 0)
    yield "mp_table_features_get", parser.OFPTableFeaturesStatsRequest(dp, 0, [])
    yield "mp_table_features_set", parser.OFPTableFeaturesStatsRequest(dp, 1, [table_features()])
    yield "mp_port_desc", parser.OFPPortDescStatsRequest(dp, 0)
    yield "mp_experimenter", parser.OFPExperimenterStatsRequest(dp, 0, 0x1234, 5, b"12345678")
    yield "mp_flow_monitor", parser.ONFFlowMonitorStatsRequest(dp, 0, [
        parser.ONFFlowMonitorRequest(1, 0x1F, parser.OFPMatch()),
        parser.ONFFlowMonitorRequest(2, 0x02, match, out_port=3, table_id=4)])


def table_features():
    def instructions(kind):
        return parser.OFPTableFeaturePropInstructions(
            kind, instruction_ids=[parser.OFPInstructionId(i) for i in (1, 2, 3, 4, 5, 6)])

    def actions(kind):
        return parser.OFPTableFeaturePropActions(
            kind, action_ids=[parser.OFPActionId(i) for i in (0, 17, 18, 22, 25)])

    def oxms(kind):
        return parser.OFPTableFeaturePropOxm(
            kind, oxm_ids=[parser.OFPOxmId("in_port"), parser.OFPOxmId("eth_dst", hasmask=True)])
    return parser.OFPTableFeaturesStats(
        table_id=1, name=b"second", metadata_match=0xFF, metadata_write=0xF0, config=3,
        max_entries=1000, properties=[
            instructions(0), instructions(1),
            parser.OFPTableFeaturePropNextTables(2, table_ids=[2, 3, 4]),
            actions(4), actions(6), oxms(8), oxms(10), oxms(12), oxms(14)])


def other_messages():
    yield "hello", parser.OFPHello(dp, [parser.OFPHelloElemVersionBitmap([1, 4])])
    yield "error", parser.OFPErrorMsg(dp, ofp.OFPET_BAD_MATCH, ofp.OFPBMC_BAD_PREREQ, b"12345678")
    yield "error_experimenter", parser.OFPErrorExperimenterMsg(
        dp, exp_type=ofp.ONFERR_ET_BAD_ID, experimenter=0x4F4E4600, data=b"x")
    yield "echo_request", parser.OFPEchoRequest(dp, b"ping")
    reply = parser.OFPEchoReply(dp)
    reply.data = b"pong"
    yield "echo_reply", reply
    yield "experimenter", parser.OFPExperimenter(dp, 0x1234, 9, b"data")
    yield "features_request", parser.OFPFeaturesRequest(dp)
    yield "get_config_request", parser.OFPGetConfigRequest(dp)
    yield "set_config", parser.OFPSetConfig(dp, ofp.OFPC_FRAG_DROP, 128)
    yield "packet_out", parser.OFPPacketOut(
        dp, ofp.OFP_NO_BUFFER, ofp.OFPP_CONTROLLER, [out(ofp.OFPP_TABLE)], bytes(range(60)))
    yield "packet_out_buffer", parser.OFPPacketOut(dp, 5, 1, [out(2)])
    yield "port_mod", parser.OFPPortMod(dp, 3, "02:00:00:00:00:07", 1, 0x65, 0x20)
    yield "table_mod", parser.OFPTableMod(dp, 255, 3)
    yield "barrier_request", parser.OFPBarrierRequest(dp)
    yield "queue_get_config_request", parser.OFPQueueGetConfigRequest(dp, ofp.OFPP_ANY)
    yield "role_request", parser.OFPRoleRequest(dp, ofp.OFPCR_ROLE_MASTER, 0x1122334455667788)
    yield "get_async_request", parser.OFPGetAsyncRequest(dp)
    yield "set_async", parser.OFPSetAsync(dp, [3, 1], [7, 2], [15, 4])
    yield "bundle_open", parser.ONFBundleCtrlMsg(dp, 9, 0, 3, [])
    inner = flow_mod(parser.OFPMatch(in_port=1), apply(out()))
    inner.set_xid(0x1234)
    inner.serialize()
    yield "bundle_add", parser.ONFBundleAddMsg(dp, 9, 3, inner, [])


def requests():
    for part in (other_messages, flow_messages, match_messages, set_field_messages,
                 action_messages, group_messages, meter_messages, multipart_messages):
        yield from part()


def patterns():
    """Every flow, group and meter mod of the conformance patterns, as they are prepared."""
    for path in sorted(glob.glob("../shared/data/openflow13/of13/**/*.json", recursive=True)):
        for test in json.load(open(path, encoding="utf8")):
            if isinstance(test, str):
                continue
            for n, entry in enumerate(test["prerequisite"]):
                yield f"{os.path.basename(path)}: {test['description']} #{n}", \
                    ofproto_parser.ofp_msg_from_jsondict(dp, entry)


def encode(msg):
    if msg.xid is None:
        msg.set_xid(0x1234)
    msg.serialize()
    return bytes(msg.buf)


# The extension's text and os-ken put bare OXM fields into flow monitor requests, Open vSwitch puts an
# ofp_match there; we read both and write the latter.
OUR_OWN_FORM = {"mp_flow_monitor"}


def run(program, messages, what):
    names, wires = zip(*[(name, encode(msg)) for name, msg in messages])
    lines = "".join(w.hex() + "\n" for w in wires)
    text = subprocess.run([program], input=lines, capture_output=True, text=True, check=False)
    again = subprocess.run([program, "--encode"], input=lines, capture_output=True, text=True,
                           check=False).stdout.splitlines()
    failures = 0
    if len(again) != len(wires) or text.returncode:
        failures += 1
        print(text.stdout)
    for name, before, after in zip(names, wires, again):
        if after.startswith("!"):
            print(f"not ok - {name}: {after}\n  {before.hex()}")
            failures += 1
            continue
        if before.hex() != after and name not in OUR_OWN_FORM:
            print(f"not ok - {name}\n  {before.hex()}\n  {after}")
            failures += 1
    print(f"{what}: {len(wires)} messages, {failures} failures")
    return failures


# What os-ken must find in our samples, beyond their being decoded. test/openflow/samples.c has them.
EXPECTED = {
    "HELLO": lambda m: m.elements[0].versions == [1, 4],
    "ERROR": lambda m: (m.type, m.code) == (ofp.OFPET_BAD_MATCH, ofp.OFPBMC_BAD_PREREQ),
    "ERROR of the ONF": lambda m: (m.exp_type, m.experimenter) == (2302, 0x4F4E4600),
    "ECHO_REQUEST": lambda m: m.data == b"ping",
    "ECHO_REPLY": lambda m: m.data == b"ping",
    "FEATURES_REPLY": lambda m: (m.datapath_id, m.n_buffers, m.n_tables, m.capabilities)
    == (0x1122334455667788, 256, 2, 0x4F),
    "GET_CONFIG_REPLY": lambda m: (m.flags, m.miss_send_len) == (0, 128),
    "PACKET_IN": lambda m: (m.total_len, m.reason, m.table_id, m.cookie, m.match["in_port"],
                            m.match["metadata"], m.match["tunnel_id"], len(m.data))
    == (60, 1, 1, 0x55, 1, 5, 9, 60),
    "FLOW_REMOVED": lambda m: (m.cookie, m.priority, m.reason, m.duration_sec, m.idle_timeout,
                               m.packet_count, m.match["tcp_dst"]) == (2, 102, 0, 10, 60, 3, 502),
    "PORT_STATUS": lambda m: (m.reason, m.desc.port_no, m.desc.name, m.desc.curr_speed)
    == (2, 1, b"p1", 1000000),
    "OFPT_BARRIER_REPLY": lambda m: True,
    "QUEUE_GET_CONFIG_REPLY": lambda m: [(q.queue_id, [p.rate for p in q.properties])
                                         for q in m.queues] == [(1, [100, 1000]), (2, [100])],
    "ROLE_REPLY": lambda m: (m.role, m.generation_id) == (2, 7),
    "GET_ASYNC_REPLY": lambda m: (m.packet_in_mask, m.port_status_mask, m.flow_removed_mask)
    == ([3, 0], [7, 7], [15, 0]),
    "EXPERIMENTER": lambda m: (m.experimenter, m.exp_type) == (0x1234, 5),
    "reply OFPMP_DESC": lambda m: (m.body.mfr_desc, m.body.dp_desc)
    == (b"Tieline", b"a switch made of samples"),
    "reply OFPMP_FLOW": lambda m: [f.priority for f in m.body] == list(range(100, 112))
    and sum(len(list(f.match.items())) for f in m.body) == 56
    and len(m.body[2].instructions) == 6 and len(m.body[2].instructions[1].actions) == 21,
    "reply OFPMP_AGGREGATE": lambda m: (m.body.packet_count, m.body.flow_count) == (1000, 11),
    "reply OFPMP_TABLE": lambda m: [(t.table_id, t.active_count, t.matched_count)
                                    for t in m.body] == [(0, 10, 900), (1, 1, 40)],
    "reply OFPMP_PORT_STATS": lambda m: (m.body[0].port_no, m.body[0].tx_bytes,
                                         m.body[0].rx_crc_err, m.body[0].duration_nsec)
    == (1, 1280, 7, 5),
    "reply OFPMP_QUEUE": lambda m: (m.body[0].queue_id, m.body[0].tx_bytes, m.body[0].tx_packets)
    == (1, 640, 10),
    "reply OFPMP_GROUP": lambda m: (m.body[0].ref_count,
                                    [b.packet_count for b in m.body[0].bucket_stats])
    == (2, [10, 20]),
    "reply OFPMP_GROUP_DESC": lambda m: [(g.group_id, g.type, [b.weight for b in g.buckets],
                                          [b.watch_port for b in g.buckets]) for g in m.body]
    == [(1, 0, [0, 0], [ofp.OFPP_ANY] * 2), (2, 1, [10, 20], [ofp.OFPP_ANY] * 2),
        (3, 2, [0], [ofp.OFPP_ANY]), (4, 3, [0, 0], [1, 2])],
    "reply OFPMP_GROUP_FEATURES": lambda m: (m.body.types, m.body.capabilities,
                                             m.body.max_groups) == (15, 5, [100, 200, 300, 400]),
    "reply OFPMP_METER": lambda m: (m.body[0].flow_count,
                                    [b.packet_band_count for b in m.body[0].band_stats])
    == (3, [10, 20]),
    "reply OFPMP_METER_CONFIG": lambda m: [(c.meter_id, c.flags, [b.rate for b in c.bands])
                                           for c in m.body] == [(7, 13, [1000, 500]),
                                                                (8, 2, [1000])],
    "reply OFPMP_METER_FEATURES": lambda m: (m.body[0].max_meter, m.body[0].band_types,
                                             m.body[0].max_bands) == (100, 6, 2),
    "reply OFPMP_TABLE_FEATURES": lambda m: [(t.table_id, t.name.rstrip(b"\0"), t.max_entries,
                                              len(t.properties)) for t in m.body]
    == [(0, b"first", 1000, 9), (1, b"second", 500, 9)]
    and [(o.type, o.hasmask) for o in m.body[0].properties[5].oxm_ids]
    == [("in_port", 0), ("eth_dst", 1), ("eth_type", 0)],
    "reply OFPMP_PORT_DESC": lambda m: [(p.port_no, p.name) for p in m.body]
    == [(1, b"p1"), (2, b"a-15-char-name2"), (ofp.OFPP_LOCAL, b"local")],
    "reply OFPMP_EXPERIMENTER": lambda m: (m.body.experimenter, m.body.exp_type) == (0x1234, 5),
}


def check_samples(program):
    failures, checked = 0, set()
    for line in subprocess.run([program], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        name, wire = line.split("\t")
        if name not in EXPECTED:
            continue
        data = bytes.fromhex(wire)
        version, kind, length, xid = ofproto_parser.header(data)
        msg = ofproto_parser.msg(dp, version, kind, length, xid, data)
        checked.add(name)
        if msg is None or not EXPECTED[name](msg):
            failures += 1
            print(f"not ok - {name}: {msg}\n  {wire}")
    for name in set(EXPECTED) - checked:
        failures += 1
        print(f"not ok - {name}: there is no such sample")
    print(f"samples: {len(checked)} messages, {failures} failures")
    return failures


def main():
    messages = list(requests())
    if "--hex" in sys.argv:
        for name, msg in messages:
            print(name, encode(msg).hex())
        return 0
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    failures = run(sys.argv[1], messages, "requests")
    more = list(patterns())
    if more:
        failures += run(sys.argv[1], more, "conformance patterns")
    else:
        print("note: the conformance patterns are not at hand, left out")
    failures += check_samples(sys.argv[2])
    return 1 if failures else 0


sys.exit(main())
