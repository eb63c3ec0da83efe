"""Sends the same frames through two nodes with the same rules, one that forwards in its packet thread and one
whose kernel does, and compares what leaves them and what they count.

usage: fast_path.py CONTROL-A CONTROL-B: their control sockets. The far ends of their ports 1 to 3 are a1 to a3 and
b1 to b3 of this network namespace. Prints a line per claim; exit status 1: some do not hold."""
import ctypes
import json
import random
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


def ipv4(proto, l4, dst=2, dscp=0, fragment=0, options=b""):
    head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, dscp << 2, 20 + len(options) + len(l4), 7, fragment, 64,
                       proto, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, dst])) + options
    return head + l4


def ports(src, dst, rest):
    return struct.pack(">HH", src, dst) + rest


def tcp(dst, payload=b""):
    return ports(1000, dst, bytes(8) + b"\x50\x10" + bytes(6) + payload)


def udp(dst, payload=b""):
    return ports(1000, dst, struct.pack(">HH", 8 + len(payload), 0) + payload)


def frames():
    yield ethernet(0x0800, ipv4(6, tcp(502)))
    yield ethernet(0x0800, ipv4(6, tcp(503, bytes(500))))
    yield ethernet(0x0800, ipv4(17, udp(53, bytes(1472 - 28))))
    yield ethernet(0x0800, ipv4(17, udp(319)))
    yield ethernet(0x0800, ipv4(17, udp(54)), tags=[(0x8100, 0x6005)])
    yield ethernet(0x0800, ipv4(17, udp(54, b"odd")), tags=[(0x8100, 0xb005)])  # drop eligible
    yield ethernet(0x0800, ipv4(17, udp(55)), tags=[(0x88A8, 0x2007), (0x8100, 0x6005)])
    yield ethernet(0x0800, ipv4(1, bytes([8, 0, 0, 0, 0, 1, 0, 1])))
    yield ethernet(0x0800, ipv4(132, ports(1, 2, bytes(20))))
    yield ethernet(0x0800, ipv4(17, udp(56), options=bytes(4)))
    yield ethernet(0x0800, ipv4(17, udp(57), fragment=0x2000))
    yield ethernet(0x0800, ipv4(17, udp(57), fragment=0x0010))
    yield ethernet(0x0800, ipv4(17, udp(58), dscp=46, dst=3))
    yield ethernet(0x0806, struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + mac(1) + bytes([10, 0, 0, 1]) + bytes(6) + bytes([10, 0, 0, 2]))
    yield ethernet(0x86DD, bytes.fromhex("6a1234560014") + bytes([6, 64]) + bytes(range(32)) + tcp(502))
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
    "what the kernel cannot do": ([], ["priority=5,in_port=1,ip,actions=dec_ttl,output:2",
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
        forwarded = nodes[1].rpc("edge.stats")["counters"]["kernel-forwarded"]
        sequence = plain * ROUNDS
        random.shuffle(sequence)
        out = run(nodes, sequence)
        after = [n.counters() for n in nodes]
        in_kernel = nodes[1].rpc("edge.stats")["counters"]["kernel-forwarded"] - forwarded
        claim(f"{name}: the same frames leave", out[0] == out[1],
              str({p: (len(out[0][p]), len(out[1][p])) for p in out[0]}) +
              str([x.hex() for p in (1, 2, 3) for x in out[1][p] if x not in out[0][p]][:3]))
        grown = [growth(b, a) for b, a in zip(before, after)]
        claim(f"{name}: and the same is counted", grown[0] == grown[1], difference(*grown))
        if name != "what the kernel cannot do":
            claim(f"{name}: the kernel did most of it", in_kernel > len(sequence) // 4, in_kernel)

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
        for n in nodes:
            subprocess.run(["ip", "link", "set", f"{n.name}2", state], check=True)
            deadline = time.monotonic() + 5
            while n.rpc("edge.ports")["ports"][1]["live"] != (state == "up") and time.monotonic() < deadline:
                time.sleep(0.01)
        for n in nodes:
            n.received()
        ups = nodes[1].rpc("edge.stats")["counters"]["kernel-handed-up"]
        out = run(nodes, [tcp_frame] * 3, (1,))
        claim(f"port 2 {state}: frames leave by port {port}", [len(o[port]) for o in out] == [3, 3], [
            {p: len(f) for p, f in o.items()} for o in out])
        claim(f"port 2 {state}: decided in the kernel",
              nodes[1].rpc("edge.stats")["counters"]["kernel-handed-up"] - ups <= 3, "")

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
    sys.exit(1 if failed else 0)


main()
