"""Sends the same frames through two nodes with the same rules, one that forwards in its packet thread and one
whose kernel does, and compares what leaves them and what they count.

usage: fast_path.py CONTROL-A CONTROL-B: their control sockets. The far ends of their ports 1 to 3 are a1 to a3 and
b1 to b3 of this network namespace. Prints a line per claim; exit status 1: some do not hold."""
import ctypes
import json
import os
import random
import re
import select
import socket
import struct
import subprocess
import sys
import time

SOL_PACKET, PACKET_AUXDATA, ETH_P_ALL = 263, 8, 3
ROUNDS = 4  # the first goes up, the others do not
failed = 0


def claim(text, holds, detail=""):
    global failed
    print(("ok   " if holds else "FAIL ") + text, flush=True)
    if not holds:
        failed += 1
        print(f"# {detail}"[:2000], flush=True)


class Node:
    def __init__(self, name, control):
        self.name, self.control = name, control
        self.sockets = {}
        for port in (1, 2, 3):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            s.setsockopt(SOL_PACKET, 23, 1)  # PACKET_IGNORE_OUTGOING
            s.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
            s.bind((f"{name}{port}", ETH_P_ALL))
            self.sockets[port] = s

    def of(self, command, *arguments):
        answer = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", command, f"unix:{self.control}.of", *arguments],
                                capture_output=True, text=True)
        if answer.returncode:
            raise SystemExit(f"{command} {arguments}: {answer.stderr}")
        return answer.stdout

    def rpc(self, method):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.control)
            s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n")
            return json.loads(s.makefile().readline())["result"]

    def send(self, port, frame):
        self.sockets[port].send(frame)

    def received(self):
        """What has come since it was last asked, by port; tags as they were on the wire."""
        frames = {1: [], 2: [], 3: []}
        by_fd = {s: port for port, s in self.sockets.items()}
        while ready := select.select(list(by_fd), [], [], 0.15)[0]:
            for s in ready:
                try:
                    data, side, _, _ = s.recvmsg(65600, 256)
                except OSError:  # told once that the interface went down
                    continue
                for level, kind, value in side:
                    if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                        status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
                        if status & 0x10:
                            data = data[:12] + struct.pack(">HH", tpid if status & 0x40 else 0x8100, tci) + data[12:]
                frames[by_fd[s]].append(data)
        return frames

    def kernel(self):
        """What its kernel does for it."""
        counters = self.rpc("edge.stats")["counters"]
        return {k: counters[f"kernel-{k}"] for k in ("forwarded", "handed-up", "programs", "declined")}

    def counters(self):
        """Everything counted, without what is a matter of time."""
        stats = self.rpc("edge.stats")
        ports = [[p[k] for k in ("number", "rx-packets", "rx-octets", "tx-packets", "tx-octets")] +
                 [[q["packets"], q["octets"]] for q in p["queues"]] for p in self.rpc("edge.ports")["ports"]]
        flows = sorted(" ".join(f for f in line.split() if not f.startswith(("duration", "idle_age")))
                       for line in self.of("dump-flows").splitlines()[1:])
        tables = [line for line in self.of("dump-tables").splitlines() if "lookup" in line][:3]
        groups = sorted(",".join(f for f in line.split(",") if not f.startswith("duration"))
                        for line in self.of("dump-groups").splitlines()[1:]), sorted(
            ",".join(f for f in line.split(",") if not f.startswith("duration"))
            for line in self.of("dump-group-stats").splitlines()[1:])
        return {"drops": stats["drops"], "ports": ports, "flows": flows, "tables": tables, "groups": groups}


# ---- Frames

def mac(n):
    return bytes([2, 0, 0, 0, 0, n])


def ethernet(kind, payload, dst=2, src=1, tags=()):
    head = mac(dst) + mac(src)
    for tpid, tci in tags:
        head += struct.pack(">HH", tpid, tci)
    return (head + struct.pack(">H", kind) + payload).ljust(60, b"\0")


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


CHECKSUM_AT = {1: 2, 6: 16, 17: 6}  # in the header of each protocol


def pseudo(ip, l4_size):
    """The pseudo-header of what is behind an IP header."""
    if ip[0] >> 4 == 4:
        return b"" if ip[9] == 1 else ip[12:20] + struct.pack(">BBH", 0, ip[9], l4_size)
    return ip[8:40] + struct.pack(">II", l4_size, ip[6])


def summed(ip, proto, l4):
    """With its checksum; 0 means none in UDP."""
    at = CHECKSUM_AT.get(proto)
    if at is None:
        return l4
    value = checksum(pseudo(ip, len(l4)) + l4[:at] + bytes(2) + l4[at + 2:])
    return l4[:at] + struct.pack(">H", value or 0xffff if proto == 17 else value) + l4[at + 2:]


def ipv4(proto, l4, dst=2, dscp=0, fragment=0, options=b"", ttl=64, ecn=0, sums=True, src=1):
    head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, dscp << 2 | ecn, 20 + len(options) + len(l4), 7, fragment,
                       ttl, proto, 0, bytes([10, 0, 0, src]), bytes([10, 0, 0, dst])) + options
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return head + (summed(head, proto, l4) if sums and not fragment else l4)


def ipv6(proto, l4, hops=64, klass=0xa1):
    head = struct.pack(">IHBB", 6 << 28 | klass << 20 | 0x23456, len(l4), proto, hops) + bytes(range(32))
    return head + summed(head, proto, l4)


def ports(src, dst, rest):
    return struct.pack(">HH", src, dst) + rest


def tcp(dst, payload=b"", src=1000):
    return ports(src, dst, bytes(8) + b"\x50\x10" + bytes(6) + payload)


def udp(dst, payload=b"", src=1000):
    return ports(src, dst, struct.pack(">HH", 8 + len(payload), 0) + payload)


def is_right(frame):
    """Are the checksums of this frame right? Those of what is not whole are not looked at."""
    at = 12
    while frame[at:at + 2] in (b"\x81\0", b"\x88\xa8"):
        at += 4
    ip = frame[at + 2:]
    if frame[at:at + 2] == b"\x08\0":
        size, proto, whole = (ip[0] & 15) * 4, ip[9], not struct.unpack(">H", ip[6:8])[0] & 0x3fff
        l4 = ip[size:struct.unpack(">H", ip[2:4])[0]]
        if checksum(ip[:size]):
            return False
    elif frame[at:at + 2] == b"\x86\xdd":
        proto, whole, l4 = ip[6], True, ip[40:40 + struct.unpack(">H", ip[4:6])[0]]
    else:
        return True
    if proto not in CHECKSUM_AT or not whole or (proto == 17 and l4[6:8] == bytes(2)):
        return True
    return checksum(pseudo(ip, len(l4)) + l4) == 0


def turned_to_none():
    """Two octets of payload, with which the packet to port 60 has the checksum 0 when it goes to 10.9.8.7."""
    packet = ipv4(17, udp(60, bytes(2)))
    packet = packet[:16] + bytes([10, 9, 8, 7]) + packet[20:]
    return summed(packet, 17, packet[20:])[6:8]


NO_SUM = turned_to_none()


def conversations(n):
    return [ethernet(0x0800, ipv4(6, tcp(502 + i % 2, src=2000 + i))) for i in range(n)]


def frames():
    yield ethernet(0x0800, ipv4(6, tcp(502)))
    yield ethernet(0x0800, ipv4(6, tcp(503, bytes(500))))
    yield ethernet(0x0800, ipv4(17, udp(53, bytes(1472 - 28))))
    yield ethernet(0x0800, ipv4(17, udp(319)))
    yield ethernet(0x0800, ipv4(17, udp(54)), tags=[(0x8100, 0x6005)])
    yield ethernet(0x0800, ipv4(17, udp(54, b"odd"), sums=False), tags=[(0x8100, 0xb005)])  # drop eligible
    yield ethernet(0x0800, ipv4(17, udp(59), sums=False))
    yield ethernet(0x0800, ipv4(17, udp(60, NO_SUM)))
    yield ethernet(0x0800, ipv4(17, udp(60), ttl=1, src=3))
    yield ethernet(0x0800, ipv4(6, tcp(502), ttl=1))  # of a conversation whose other packets have more
    yield ethernet(0x0800, ipv4(6, tcp(504), ttl=1))
    yield ethernet(0x0800, ipv4(6, tcp(505), ttl=2, ecn=3))
    yield ethernet(0x0800, ipv4(6, tcp(506, b"odd"), ttl=255, dscp=10, ecn=1))
    yield ethernet(0x0800, ipv4(47, bytes(8)))
    yield ethernet(0x0800, ipv4(17, udp(55)), tags=[(0x88A8, 0x2007), (0x8100, 0x6005)])
    yield ethernet(0x0800, ipv4(1, bytes([8, 0, 0, 0, 0, 1, 0, 1])))
    yield ethernet(0x0800, ipv4(132, ports(1, 2, bytes(20))))
    yield ethernet(0x0800, ipv4(17, udp(56), options=bytes(4)))
    yield ethernet(0x0800, ipv4(17, udp(57), fragment=0x2000))
    yield ethernet(0x0800, ipv4(17, udp(57), fragment=0x0010))
    yield ethernet(0x0800, ipv4(17, udp(58), dscp=46, dst=3))
    yield ethernet(0x0806, struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + mac(1) + bytes([10, 0, 0, 1]) + bytes(6) + bytes([10, 0, 0, 2]))
    yield ethernet(0x86DD, ipv6(6, tcp(502)))
    yield ethernet(0x86DD, ipv6(17, udp(61, b"odd")))
    yield ethernet(0x86DD, ipv6(17, udp(62)), tags=[(0x8100, 0x6005)])
    yield ethernet(0x86DD, ipv6(6, tcp(502), hops=1))
    yield ethernet(0x86DD, ipv6(6, tcp(503), hops=1))
    yield ethernet(0x86DD, ipv6(6, tcp(504), hops=2))
    yield ethernet(0x86DD, bytes.fromhex("6a1234560018") + bytes([58, 64]) + bytes(range(32)) + bytes([135, 0]) + bytes(22))
    yield ethernet(0x88B8, bytes(range(100)), dst=9)
    yield ethernet(0x88B8, bytes(range(100)), dst=9, tags=[(0x8100, 0x8064)])
    yield ethernet(0x88B8, b"", tags=[(0x8100, 0x8001)])[:60]
    yield ethernet(0x88BA, bytes(40), dst=8)
    yield ethernet(0x8847, struct.pack(">I", 16 << 12 | 0x140) + ipv4(17, udp(1)))
    yield ethernet(0x0026, bytes(38))
    yield ethernet(0x0800, ipv4(6, tcp(502)), src=7)
    yield bytes(10)


# ---- Rules: a set each

RULE_SETS = {
    "both ways": ([], ["in_port=1,actions=output:2", "in_port=2,actions=output:1"]),
    "nothing": ([], []),
    "a deny rule and a queue": ([], ["priority=9,udp,tp_dst=53,actions=drop",
                                     "priority=1,in_port=1,actions=set_queue:5,output:3"]),
    "several outputs": ([], ["in_port=1,actions=output:2,output:3,output:1", "in_port=2,actions=in_port"]),
    "a tag put on": ([], ["in_port=1,actions=push_vlan:0x8100,set_field:4101->vlan_vid,set_field:6->vlan_pcp,output:2"]),
    "a tag put on behind a copy": ([], ["in_port=1,actions=output:3,push_vlan:0x88a8,set_field:4101->vlan_vid,output:2"]),
    "a tag taken off": ([], ["priority=5,in_port=1,dl_vlan=5,actions=pop_vlan,output:2",
                             "priority=5,in_port=1,dl_vlan=100,actions=set_field:4200->vlan_vid,output:2",
                             "priority=5,in_port=1,dl_vlan=1,actions=pop_vlan,output:3",
                             "priority=1,in_port=1,actions=output:3"]),
    "addresses changed": ([], ["in_port=1,actions=set_field:02:aa:bb:cc:dd:ee->eth_dst,set_field:02:11:22:33:44:55->eth_src,output:2"]),
    "addresses and ports of IPv4": ([], [
        "priority=5,tcp,in_port=1,actions=set_field:10.9.8.7->ip_dst,set_field:255.254.3.4->ip_src,"
        "set_field:1502->tcp_dst,set_field:4097->tcp_src,output:2",
        "priority=6,udp,in_port=1,tp_dst=60,actions=set_field:10.9.8.7->ip_dst,output:2",
        "priority=5,udp,in_port=1,actions=set_field:10.9.8.7->ip_src,set_field:53->udp_dst,set_field:5353->udp_src,output:2",
        "priority=1,ip,in_port=1,actions=set_field:10.9.8.7->ip_dst,output:2", "in_port=2,priority=0,actions=output:1"]),
    "addresses and ports of IPv6": ([], [
        "priority=5,tcp6,in_port=1,actions=set_field:2001:db8::1->ipv6_dst,set_field:1502->tcp_dst,output:2",
        "priority=5,udp6,in_port=1,actions=set_field:2001:db8::1:2:3->ipv6_src,set_field:4096->udp_src,output:2",
        "in_port=2,priority=0,actions=output:1"]),
    "classes": ([], [
        "priority=5,ip,in_port=1,actions=set_field:46->ip_dscp,output:2",
        "priority=6,tcp,in_port=1,actions=set_field:1->nw_ecn,output:2",
        "priority=5,ipv6,in_port=1,actions=set_field:46->ip_dscp,set_field:2->nw_ecn,output:2",
        "in_port=2,priority=0,actions=output:1"]),
    "a TTL": ([], [
        "priority=5,ip,in_port=1,actions=dec_ttl,output:2", "priority=6,udp,in_port=1,actions=dec_ttl,dec_ttl,output:2",
        "priority=5,ipv6,in_port=1,actions=dec_ttl,output:2", "priority=6,udp6,in_port=1,actions=mod_nw_ttl:9,dec_ttl,output:2",
        "priority=6,icmp,in_port=1,actions=mod_nw_ttl:200,output:2", "ip,in_port=2,priority=0,actions=dec_ttl,output:1"]),
    "changes behind a copy": ([], [
        "priority=5,ip,in_port=1,actions=output:3,set_field:10.9.8.7->ip_dst,output:2,dec_ttl,set_field:7->ip_dscp,in_port",
        "priority=5,ipv6,in_port=1,actions=output:3,dec_ttl,output:2,set_field:2001:db8::1->ipv6_dst,in_port",
        "in_port=2,priority=0,actions=output:1"]),
    "changes behind tags": ([], [
        "priority=5,ip,in_port=1,actions=push_vlan:0x8100,set_field:4101->vlan_vid,push_vlan:0x88a8,set_field:10.9.8.7->ip_dst,"
        "dec_ttl,output:2",
        "priority=6,ip,in_port=1,dl_vlan=5,actions=set_field:10.9.8.7->ip_src,pop_vlan,set_field:9->ip_dscp,output:2",
        "priority=7,udp,in_port=1,tp_dst=55,actions=output:2",  # of two tags: the kernel does not read it
        "priority=5,ipv6,in_port=1,actions=push_vlan:0x88a8,push_vlan:0x88a8,set_field:2001:db8::1->ipv6_dst,output:2",
        "in_port=2,priority=0,actions=output:1"]),
    "choices": ([
        "group_id=1,type=select,bucket=weight:2,output:2,bucket=weight:3,output:3,bucket=weight:1,in_port",
        "group_id=2,type=select,bucket=weight:2,watch_port:2,output:2,bucket=weight:3,watch_port:3,output:3,"
        "bucket=weight:1,in_port",
        "group_id=3,type=select,bucket=weight:1,watch_port:2,push_vlan:0x88a8,set_field:10.9.8.7->ip_dst,dec_ttl,output:2,"
        "bucket=weight:1,watch_port:3,set_field:10.9.8.6->ip_dst,output:3",
        "group_id=4,type=select,bucket=weight:0,output:2", "group_id=5,type=select",
        "group_id=6,type=select,bucket=weight:1,watch_port:2,output:2,bucket=weight:2,watch_port:3,output:3"],
        ["priority=5,tcp,in_port=1,actions=set_field:10.2.2.2->ip_dst,group:1",
         "priority=6,tcp,in_port=1,tp_dst=503,actions=group:6,group:6",
         "priority=1,in_port=1,actions=group:2",
         "priority=6,udp,in_port=1,actions=set_field:10.1.1.1->ip_dst,set_field:999->udp_dst,group:2",
         "priority=7,in_port=1,dl_vlan=5,actions=pop_vlan,group:2",
         "priority=7,in_port=1,dl_vlan=100,actions=set_field:4196->vlan_vid,push_vlan:0x8100,group:2",
         "priority=6,tcp6,in_port=1,actions=group:4", "priority=6,arp,in_port=1,actions=group:5",
         "priority=1,in_port=2,actions=group:3"]),
    "watched groups": ([
        "group_id=1,type=ff,bucket=watch_port:2,actions=output:2,bucket=watch_port:3,actions=output:3",
        "group_id=2,type=ff,bucket=watch_group:1,actions=dec_ttl,group:1,bucket=watch_port:1,actions=in_port",
        "group_id=3,type=select,bucket=weight:1,watch_group:1,group:1,bucket=weight:1,watch_port:3,output:3"],
        ["priority=1,in_port=1,actions=group:2", "priority=2,in_port=1,udp,actions=group:3"]),
    "what the kernel cannot do": ([], ["priority=5,in_port=1,ip,actions=push_mpls:0x8847,output:2",
                                       "priority=1,in_port=1,actions=LOCAL", "priority=7,arp,actions=controller"]),
    "two tables": ([], ["table=0,priority=1,in_port=1,actions=write_metadata:0x5/0xff,goto_table:1",
                        "table=1,priority=3,metadata=0x5/0xff,tcp,actions=write_actions(output:2)",
                        "table=1,priority=2,ip,actions=write_actions(output:3)"]),
    "groups": (["group_id=1,type=ff,bucket=watch_port:2,actions=output:2,bucket=watch_port:3,actions=output:3",
                "group_id=2,type=all,bucket=output:2,bucket=pop_vlan,output:3",
                "group_id=3,type=indirect,bucket=set_queue:4,output:3",
                "group_id=4,type=select,bucket=weight:1,output:2,bucket=weight:3,output:3",
                "group_id=5,type=all,bucket=push_vlan:0x8100,output:2,bucket=output:3",
                "group_id=6,type=all"],
               ["priority=1,in_port=1,actions=group:1", "priority=5,in_port=1,dl_vlan=100,actions=group:2",
                "priority=5,tcp,in_port=1,actions=group:3", "priority=5,udp,in_port=1,actions=group:4",
                "priority=5,arp,in_port=1,actions=group:5", "priority=5,icmp,in_port=1,actions=group:6"]),
}


# Sets of which the kernel can do everything, but for the two conversations of PTP's port. Each packet thread asks.
ALL_TAKEN = ("both ways", "addresses and ports of IPv4", "addresses and ports of IPv6", "classes", "a TTL",
             "changes behind a copy", "changes behind tags", "choices")
PTP = 2 * os.cpu_count()


def install(nodes, groups, flows):
    for n in nodes:
        n.of("del-flows")
        n.of("del-groups")
        for g in groups:
            n.of("add-group", g)
        for f in flows:
            n.of("add-flow", f)


def run(nodes, sequence, into=(1, 2)):
    """Sends to both, and gives what came out of each: by port, and per frame in any order."""
    for frame in sequence:
        for n in nodes:
            for port in into:
                n.send(port, frame)
        time.sleep(0.002)
    return [{port: sorted(got) for port, got in n.received().items()} for n in nodes]


def difference(a, b):
    for key in a:
        if a[key] != b[key]:
            if isinstance(a[key], list):
                return f"{key}: only a: {[x for x in a[key] if x not in b[key]]}, only b: {[x for x in b[key] if x not in a[key]]}"
            return f"{key}: {a[key]} {b[key]}"
    return ""


def growth(before, after):
    """Counters that only ever grow, since a moment."""
    def minus(x, y):
        if isinstance(x, list):
            return [minus(i, j) for i, j in zip(x, y)]
        return x - y
    return {"drops": {k: after["drops"][k] - before["drops"][k] for k in after["drops"]},
            "ports": [[p[0]] + minus(p[1:], q[1:]) for p, q in zip(after["ports"], before["ports"])],
            "flows": after["flows"], "groups": after["groups"]}


def set_port(nodes, port, state):
    for n in nodes:
        subprocess.run(["ip", "link", "set", f"{n.name}{port}", state], check=True)
        deadline = time.monotonic() + 5
        while n.rpc("edge.ports")["ports"][port - 1]["live"] != (state == "up") and time.monotonic() < deadline:
            time.sleep(0.01)
    for n in nodes:
        n.received()


# ---- What hosts leave to the card

def partial(ip, l4, at):
    """With the sum of the pseudo-header only."""
    return ip + l4[:at] + struct.pack(">H", checksum(pseudo(ip, len(l4))) ^ 0xffff) + l4[at + 2:]


def head_of(packet, l4_size):
    return packet[:-l4_size]


def offload_cases():
    """Name, octets of the IP header, GSO's type and size, the place of the checksum, packet."""
    big = bytes(i & 255 for i in range(6000))
    for name, make, proto, l4, size, kind, step in (
            ("a segment of TCP", ipv4, 6, tcp(502, big), 20, 1, 1448),
            ("a segment of TCP by IPv6", ipv6, 6, tcp(502, big), 40, 4, 1428),
            ("a segment of UDP", ipv4, 17, udp(53, big), 20, 5, 1400),
            ("a partial checksum of UDP", ipv4, 17, udp(53, b"odd", src=1001), 20, 0, 0),
            ("a partial checksum of TCP by IPv6", ipv6, 6, tcp(502, b"odd", src=1001), 40, 0, 0)):
        at = CHECKSUM_AT[proto]
        yield name, size, kind, step, at, partial(head_of(make(proto, l4), len(l4)), l4, at)


def is_partial(frame, kind, ip_size, at):
    """Behind its header of virtio, which tells the kind of segment."""
    ip, l4 = frame[24:24 + ip_size], frame[24 + ip_size:]
    return (frame[0] == 1 and frame[1] == kind and (ip[0] >> 4 == 6 or not checksum(ip)) and
            l4[at:at + 2] == struct.pack(">H", checksum(pseudo(ip, len(l4))) ^ 0xffff))


def segments(sink):
    """All that comes; without the length of the headers, which is a hint."""
    got = []
    while select.select([sink], [], [], 0.2)[0]:
        frame = sink.recv(65600)
        got.append(frame[:2] + bytes(2) + frame[4:])
    return got


def offloads(nodes):
    """Segments and partial checksums, rewritten on the way: as they are, with their header of virtio."""
    install(nodes, [], [
        "in_port=1,priority=5,tcp,actions=set_field:10.9.8.7->ip_dst,set_field:1502->tcp_dst,dec_ttl,output:2",
        "in_port=1,priority=5,udp,actions=set_field:10.9.8.7->ip_src,set_field:99->udp_src,output:2",
        "in_port=1,priority=5,tcp6,actions=set_field:2001:db8::1->ipv6_dst,set_field:9->ip_dscp,dec_ttl,output:2"])
    sockets = []
    for n in nodes:
        pair = []
        for port in (1, 2):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(SOL_PACKET, 15, 1)  # PACKET_VNET_HDR
            s.setsockopt(SOL_PACKET, 23, 1)
            s.bind((f"{n.name}{port}", ETH_P_ALL))
            pair.append(s)
        sockets.append(pair)
    for name, ip_size, kind, step, at, packet in offload_cases():
        frame = mac(2) + mac(1) + (b"\x08\0" if ip_size == 20 else b"\x86\xdd") + packet
        header = struct.pack("<BBHHHH", 1, kind, 14 + ip_size + at + 2 if kind else 0, step, 14 + ip_size, at)
        for turn in ("by the packet thread", "in the kernel"):
            before, got = nodes[1].kernel()["forwarded"], []
            for source, sink in sockets:
                source.send(header + frame)
                got.append(segments(sink))
            there = nodes[1].kernel()["forwarded"] - before
            claim(f"{name}: the same leaves {turn}", got[0] == got[1] and there == (turn == "in the kernel"),
                  (there, [[(len(f), f[:100].hex()) for f in g] for g in got]))
            if turn == "in the kernel":
                claim(f"{name}: as it is, with the sum of its new pseudo-header", len(got[1]) == 1 and
                      len(got[1][0]) == len(header + frame) and is_partial(got[1][0], kind, ip_size, at), got[1][0][:100].hex())
            elif kind:  # of a conversation that nobody knows yet: it has been cut
                claim(f"{name}: cut, with right checksums", len(got[1]) == 6000 // step + 1 and
                      all(is_right(f[10:]) for f in got[1]), len(got[1]))
    for n in nodes:
        n.received()


def main():
    libc = ctypes.CDLL(None)
    libc.prctl(1, 15)  # ends with its parent
    nodes = [Node("a", sys.argv[1]), Node("b", sys.argv[2])]
    plain = [f for f in frames() if len(f) >= 14]
    random.seed(1)
    for name, (groups, flows) in RULE_SETS.items():
        install(nodes, groups, flows)
        for n in nodes:
            n.received()
        before = [n.counters() for n in nodes]
        kernel = nodes[1].kernel()
        sequence = (plain + conversations(30) if name == "choices" else plain) * ROUNDS
        random.shuffle(sequence)
        out = run(nodes, sequence)
        after = [n.counters() for n in nodes]
        kernel = {k: n - kernel[k] for k, n in nodes[1].kernel().items()}
        claim(f"{name}: the same frames leave", out[0] == out[1],
              str({p: (len(out[0][p]), len(out[1][p])) for p in out[0]}) +
              str([x.hex() for p in (1, 2, 3) for x in out[1][p] if x not in out[0][p]][:3]))
        grown = [growth(b, a) for b, a in zip(before, after)]
        claim(f"{name}: and the same is counted", grown[0] == grown[1], difference(*grown))
        if name != "what the kernel cannot do":
            claim(f"{name}: the kernel did most of it", kernel["forwarded"] > len(sequence) // 4, kernel)
        if name in ALL_TAKEN:
            claim(f"{name}: the kernel takes all programs", kernel["declined"] <= PTP, kernel)
            wrong = [f.hex() for p in (1, 2, 3) for f in out[1][p] if not is_right(f)]
            claim(f"{name}: the checksums are right", not wrong, wrong[:3])

    # A rule that is taken away is gone when the barrier has been answered; one that comes is there.
    install(nodes, [], ["in_port=1,actions=output:2"])
    run(nodes, plain * 2)
    for n in nodes:
        n.of("mod-flows", "in_port=1,actions=output:3")
    out = run(nodes, plain)
    claim("a changed rule: nothing takes the old way", not out[1][2] and len(out[1][3]) >= len(plain) - 1, out[1])
    for n in nodes:
        n.of("del-flows")
    out = run(nodes, plain)
    claim("a rule taken away: nothing passes", out[1] == {1: [], 2: [], 3: []}, out[1])

    # A port that is configured down, or may not receive or forward.
    install(nodes, [], ["in_port=1,actions=output:2"])
    run(nodes, plain * 2)
    for change in ("no-forward", "forward"):
        before = [n.counters() for n in nodes]
        for n in nodes:
            n.of("mod-port", "2", change)
        out = run(nodes, plain)
        grown = [growth(b, n.counters()) for b, n in zip(before, nodes)]
        claim(f"mod-port {change}: the same", out[0] == out[1] and grown[0]["drops"] == grown[1]["drops"],
              difference(grown[0], grown[1]))

    # A group follows the carrier without any change of the tables.
    install(nodes, RULE_SETS["groups"][0][:1], ["in_port=1,actions=group:1"])
    tcp_frame = plain[0]
    run(nodes, [tcp_frame] * 3, (1,))
    for state, port in (("down", 3), ("up", 2)):
        set_port(nodes, 2, state)
        ups = nodes[1].kernel()["handed-up"]
        out = run(nodes, [tcp_frame] * 3, (1,))
        claim(f"port 2 {state}: frames leave by port {port}", [len(o[port]) for o in out] == [3, 3], [
            {p: len(f) for p, f in o.items()} for o in out])
        claim(f"port 2 {state}: decided in the kernel", nodes[1].kernel()["handed-up"] - ups <= 3, "")

    # A choice is made among the live ones, and a group that is watched is live by one of its ports.
    watched = [re.sub("(group_id=|group:)", r"\g<1>1", g) for g in RULE_SETS["watched groups"][0][:2]]
    install(nodes, RULE_SETS["choices"][0][:3] + watched,
            ["priority=1,in_port=1,actions=group:2", "priority=5,in_port=1,ip,nw_src=10.0.0.3,actions=group:3",
             "priority=5,in_port=1,ip,nw_src=10.0.0.4,actions=group:12"])
    talk = conversations(60) + [ethernet(0x0800, ipv4(17, udp(100 + i), src=3)) for i in range(60)]
    talk.append(ethernet(0x0800, ipv4(17, udp(99), src=4)))
    used = {}
    run(nodes, talk * 2, (1,))
    for state in ("all up", "2 down", "2 up", "3 down", "3 up"):
        if state != "all up":
            set_port(nodes, int(state[0]), state[2:])
        before, ups = [n.counters() for n in nodes], nodes[1].kernel()["handed-up"]
        out = run(nodes, talk, (1,))
        grown = [growth(b, n.counters()) for b, n in zip(before, nodes)]
        used[state] = out[1]
        claim(f"choices, {state}: the same leaves and is counted", out[0] == out[1] and grown[0] == grown[1],
              difference(*grown) or [{p: len(f) for p, f in o.items()} for o in out])
        claim(f"choices, {state}: decided in the kernel", nodes[1].kernel()["handed-up"] - ups <= 3, "")
    count = {state: [len(out[p]) for p in (1, 2, 3)] for state, out in used.items()}
    claim("choices: each bucket is used, and none that is dead", all(count["all up"]) and not count["2 down"][1] and
          not count["3 down"][2] and all(sum(c) == len(talk) for c in count.values()), count)
    claim("choices: and they are as before when all are back", used["2 up"] == used["3 up"] == used["all up"], count)

    # What is denied is counted there, and handed up now and then, as a sample.
    install(nodes, [], [])
    run(nodes, [tcp_frame] * 3, (1,))
    before, ups, started = nodes[1].counters(), nodes[1].kernel()["handed-up"], time.monotonic()
    for _ in range(600):
        nodes[1].send(1, tcp_frame)
        time.sleep(0.002)
    nodes[1].received()
    took, ups = time.monotonic() - started, nodes[1].kernel()["handed-up"] - ups
    grown = growth(before, nodes[1].counters())
    claim("denied: every packet is counted", grown["drops"]["no_match"] == 600, grown["drops"])
    claim("denied: some are handed up as samples", 5 <= ups <= 3 + 10 * took * os.cpu_count(), (ups, took))

    offloads(nodes)

    # Meters: a bucket of 5 packets that fills by one in ten seconds' time passes 5, and 1 more if this took long.
    for n in nodes:
        n.of("del-flows")
        n.of("add-meter", "meter=1,pktps,burst,stats,band=type=drop,rate=1,burst_size=5")
        n.of("add-flow", "in_port=1,actions=meter:1,output:2")
    started = time.monotonic()
    out = run(nodes, [tcp_frame] * 40, (1,))
    most = 6 + (time.monotonic() - started)
    claim("a meter passes its burst", all(5 <= len(o[2]) <= most for o in out), [len(o[2]) for o in out])
    stats = [n.of("meter-stats", "meter=1") for n in nodes]
    claim("and counts all", all("packet_in_count:40" in s for s in stats), stats)

    # A deny rule that samples: what is above its rate the kernel drops, what is not goes up to be told of.
    for n in nodes:
        n.of("del-flows")
        n.of("add-meter", "meter=2,pktps,burst,stats,band=type=drop,rate=1,burst_size=5")
        n.of("add-flow", "in_port=1,actions=meter:2,controller")
    run(nodes, [tcp_frame] * 5, (1,))
    before, kernel, started = [n.counters() for n in nodes], nodes[1].kernel(), time.monotonic()
    run(nodes, [tcp_frame] * 300, (1,))
    grown = [growth(b, n.counters()) for b, n in zip(before, nodes)]
    took = time.monotonic() - started
    kernel = {k: n - kernel[k] for k, n in nodes[1].kernel().items()}
    dropped = [g["drops"]["meter"] for g in grown]
    claim("a deny rule's meter drops what is above its rate", all(300 - 6 - took <= d <= 300 for d in dropped), dropped)
    claim("and does so in the kernel", kernel["forwarded"] >= 300 - took * (1 + 10 * os.cpu_count()) - 6, kernel)
    claim("what it lets pass goes up", kernel["handed-up"] >= took - 1, kernel)
    stats = [n.of("meter-stats", "meter=2") for n in nodes]
    claim("and all is counted", all("packet_in_count:305" in s for s in stats) and grown[0]["flows"] == grown[1]["flows"],
          stats + [g["flows"] for g in grown])
    sys.exit(1 if failed else 0)


main()
