#!/usr/bin/python3
"""Bad input for a node: at its ports, from its controllers, on its control socket.

usage: hostile.py send INTERFACE EXPECTED [giants]   sends frames of every bad kind, and a few thousand that were
                       changed at random; writes those that the rules of edge-hostile.sh allow, a line each
       hostile.py listen INTERFACE RECEIVED          writes what arrives, until it is ended
       hostile.py compare EXPECTED RECEIVED          status 0: these frames arrived, and no others
       hostile.py openflow SOCKET                    is several bad controllers; prints what the node answered
       hostile.py rpc SOCKET                         is several bad clients"""
import collections
import random
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SOURCE, TARGET = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
GOOSE_GROUP = bytes.fromhex("010ccd010001")
CLIENT, SERVER = bytes([10, 1, 0, 1]), bytes([10, 1, 0, 2])


# ---- Frames

def ethernet(kind, payload, dst=TARGET):
    return dst + SOURCE + struct.pack(">H", kind) + payload


def ipv4(payload, proto=6, fragment=0, src=CLIENT, dst=SERVER, first=0x45, total=None, options=b""):
    total = 20 + len(options) + len(payload) if total is None else total
    return struct.pack(">BBHHHBBH", first + len(options) // 4, 0, total, 7, fragment, 64, proto, 0) + \
        src + dst + options + payload


def tcp(port=502, size=20):
    return struct.pack(">HHIIHHHH", 40000, port, 1, 0, 0x5018, 1000, 0, 0)[:size]


def ipv6(payload, following):
    return struct.pack(">IHBB", 6 << 28, len(payload), following, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + payload


def mpls(depth, payload, bottom=True):
    labels = [struct.pack(">I", (100 + i) << 12 | (bottom and i == depth - 1) << 8 | 64) for i in range(depth)]
    return ethernet(0x8847, b"".join(labels) + payload)


def tags(depth, inner, kind=0x8100):
    return inner[:12] + b"".join(struct.pack(">HH", kind, i + 1) for i in range(depth)) + inner[12:]


def padded(frame):
    return frame + bytes(max(0, 60 - len(frame)))


def extension_chain(depth, kind, payload, last=6):
    """Extension headers, each of the smallest size and followed by its like."""
    chain = b"".join(bytes([kind if i < depth - 1 else last, 0]) + bytes(6) for i in range(depth))
    return ethernet(0x86dd, ipv6(chain + payload, kind if depth else last))


GOOD = padded(ethernet(0x0800, ipv4(tcp() + b"modbus")))
GOOSE = padded(ethernet(0x88b8, bytes.fromhex("000100100000000061060000"), dst=GOOSE_GROUP))


def directed(giants):
    yield from (GOOD, GOOSE)
    # Runts: a header and less than what it announces.
    for size in range(14, 54):
        yield GOOD[:size]
    # IPv4 that contradicts itself.
    for first in list(range(0x40, 0x45)) + [0x4f, 0x00, 0x65, 0xf5]:
        yield padded(ethernet(0x0800, ipv4(tcp(), first=first)))
    for total in (0, 1, 19, 20, 21, 39, 40, 46, 47, 0x7fff, 0xffff):
        yield padded(ethernet(0x0800, ipv4(tcp(), total=total)))
    for size in range(20):
        yield padded(ethernet(0x0800, ipv4(tcp(size=size))))
    yield padded(ethernet(0x0800, ipv4(tcp(), options=bytes([1]) * 40)))
    # Fragments: the first has ports, the others have octets that look like them.
    for fragment in (0x2000, 0x0001, 0x2001, 0x1fff, 0x3fff, 0x4000, 0x8000):
        yield padded(ethernet(0x0800, ipv4(tcp(), fragment=fragment)))
    # The conversation from elsewhere, to elsewhere, of another protocol, to another port.
    yield padded(ethernet(0x0800, ipv4(tcp(), src=SERVER)))
    yield padded(ethernet(0x0800, ipv4(tcp(), dst=CLIENT)))
    yield padded(ethernet(0x0800, ipv4(tcp(), proto=17)))
    yield padded(ethernet(0x0800, ipv4(tcp(port=503))))
    # In tags, labels and service instances.
    for kind in (0x8100, 0x88a8, 0x9100):
        for depth in (1, 2, 3, 8, 100):
            yield tags(depth, GOOD, kind)
        for cut in range(1, 5):
            yield (tags(1, GOOD, kind))[:14 + cut]
    for depth in (1, 2, 8, 9, 10, 40, 300):
        yield mpls(depth, GOOD[14:])
        yield mpls(depth, GOOD[14:], bottom=False)
    for cut in range(4):
        yield mpls(1, b"")[:14 + cut]
    for cut in (0, 1, 3, 4, 10, 16, 17, 18):
        yield ethernet(0x88e7, (struct.pack(">I", 42) + GOOD)[:cut])
    yield ethernet(0x88e7, struct.pack(">I", 42) + GOOD)
    # Chains of extension headers, as they should be, too long, cut, and round and round.
    for kind in (0, 43, 60):
        for depth in (0, 1, 2, 15, 16, 17, 100):
            yield extension_chain(depth, kind, tcp())
        for cut in (1, 2, 7, 8, 9):
            yield extension_chain(2, kind, b"")[:54 + cut]
    yield ethernet(0x86dd, ipv6(bytes([44, 255]) * 100, 44))
    for fragment in (0, 1, 8, 9, 0xfff9):
        yield ethernet(0x86dd, ipv6(struct.pack(">BBHI", 6, 0, fragment, 1) + tcp(), 44))
    yield ethernet(0x86dd, struct.pack(">IHBB", 6 << 28, 0xffff, 6, 64) + bytes(32) + tcp())
    # ARP that is none, and lengths below 0x600.
    for size in (0, 7, 8, 27, 28):
        yield ethernet(0x0806, bytes.fromhex("0001080006040001") + bytes(20))[:14 + size]
    for kind in (0, 1, 46, 0x5dc, 0x5ff):
        yield padded(ethernet(kind, bytes.fromhex("aaaa03000000") + GOOD[12:]))
    # Addresses that nobody may have.
    for source in (bytes(6), b"\xff" * 6, GOOSE_GROUP):
        yield TARGET + source + GOOSE[12:]
    yield padded(ethernet(0x0800, ipv4(tcp() + bytes(1460))))
    if giants:
        for size in (1515, 1600, 2048, 2049, 4096, 8999, 9014):
            yield ethernet(0x0800, ipv4(tcp() + bytes(size - 54)))


def mutated(rng):
    frame = bytearray(GOOD if rng.random() < 0.8 else GOOSE)
    for _ in range(rng.randrange(1, 4)):
        frame[rng.randrange(12, min(56, len(frame)))] = rng.choice((0, 1, 255, rng.randrange(256)))
    if rng.random() < 0.3:
        del frame[rng.randrange(14, len(frame)):]
    elif rng.random() < 0.3:
        frame += bytes(rng.randrange(1, 200))
    return bytes(frame)


def allowed(f):
    """By the two rules, read from the RFCs and not from the node."""
    kind = int.from_bytes(f[12:14], "big")
    if kind < 0x600 and f[14:20] == bytes.fromhex("aaaa03000000"):
        kind, f = int.from_bytes(f[20:22], "big"), f[:12] + f[20:]  # SNAP: OpenFlow takes the type in it
    if len(f) > 1514:
        return False
    if kind == 0x88b8:
        return f[:6] == GOOSE_GROUP
    if kind != 0x0800 or len(f) < 34:
        return False
    ip, header, total = f[14:], (f[14] & 15) * 4, int.from_bytes(f[16:18], "big")
    if ip[0] >> 4 != 4 or header < 20 or not header <= total <= len(ip):
        return False
    if ip[9] != 6 or (ip[6] & 31) << 8 | ip[7] or ip[12:16] != CLIENT or ip[16:20] != SERVER:
        return False
    return total - header >= 20 and ip[header + 2:header + 4] == struct.pack(">H", 502)


def raw(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.bind((interface, ETH_P_ALL))
    return s


def send(interface, expected, giants=None):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((interface, 0))
    rng = random.Random(4711)
    frames = list(directed(giants)) + [mutated(rng) for _ in range(5000)]
    n = 0
    with open(expected, "w") as out:
        for i, frame in enumerate(frames):
            try:
                s.send(frame)
            except OSError as e:
                sys.exit(f"a frame of {len(frame)} octets cannot be sent: {e}")
            n += 1
            if allowed(frame):
                out.write(frame.hex() + "\n")
            if i % 16 == 15:
                time.sleep(0.002)
    print(n)


def listen(interface, received):
    s = raw(interface)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(received, "w", buffering=1) as out:
        print("ready", flush=True)
        while True:
            frame, address = s.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING:
                out.write(frame.hex() + "\n")


def compare(expected, received):
    want, have = (collections.Counter(open(p).read().split()) for p in (expected, received))
    for word, difference in (("missing", want - have), ("not allowed", have - want)):
        for frame, n in list(difference.items())[:5]:
            print(f"# {word}, {n} times: {frame[:300]}")
    return want != have


# ---- Controllers

EXPERIMENTER, BUNDLE_CONTROL, BUNDLE_ADD = 0x4f4e4600, 2300, 2301
OPEN, COMMIT, ATOMIC = 0, 4, 1


def message(kind, body=b"", xid=1, version=4, length=None):
    return struct.pack(">BBHI", version, kind, 8 + len(body) if length is None else length, xid) + body


def oxm(field, value):
    return struct.pack(">HBB", 0x8000, field << 1, len(value)) + value


def flow_mod(cookie, match=b"", instructions=b"", priority=99, flags=0, xid=1, table=0, command=0):
    m = struct.pack(">HH", 1, 4 + len(match)) + match
    return message(14, struct.pack(">QQBBHHHIIIHH", cookie, 0, table, command, 0, 0, priority, 0xffffffff, 0xffffffff,
                                   0xffffffff, flags, 0) + m + bytes(-len(m) % 8) + instructions, xid)


def output(port):
    return struct.pack(">HH4xHHIH6x", 4, 24, 0, 16, port, 0)


def goto(table):
    return struct.pack(">HHB3x", 1, 8, table)


def group_mod(group, actions, kind=0, command=0, xid=1):
    bucket = struct.pack(">HHII4x", 16 + len(actions), 0, 0xffffffff, 0xffffffff) + actions
    return message(15, struct.pack(">HBBI", command, kind, 0, group) + bucket, xid)


def to_group(group):
    return struct.pack(">HHI", 22, 8, group)


def bundle(kind, number=7, flags=ATOMIC):
    return message(4, struct.pack(">IIIHH", EXPERIMENTER, BUNDLE_CONTROL, number, kind, flags), xid=1)


def bundled(inner, number=7):
    return message(4, struct.pack(">IIIHH", EXPERIMENTER, BUNDLE_ADD, number, 0, ATOMIC) + inner, xid=1)


class Controller:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(10)
        self.s.connect(path)
        self.s.sendall(message(0))
        self.rest = b""

    def send(self, *messages):
        self.s.sendall(b"".join(messages))

    def answers(self):
        """Until the barrier is answered: the errors, as (type, code)."""
        self.send(message(20, xid=99))
        errors = []
        while True:
            kind, xid, body = self.next()
            if kind == 1:
                errors.append(struct.unpack(">HH", body[:4]))
            if kind == 21 and xid == 99:
                return errors

    def next(self):
        while len(self.rest) < 8 or len(self.rest) < struct.unpack(">H", self.rest[2:4])[0]:
            more = self.s.recv(65536)
            if not more:
                raise EOFError
            self.rest += more
        _, kind, size, xid = struct.unpack(">BBHI", self.rest[:8])
        body, self.rest = self.rest[8:size], self.rest[size:]
        return kind, xid, body

    def is_turned_away(self):
        try:
            while True:
                self.next()
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False

    def close(self):
        self.s.close()


IN_PORT_1, IPV4, TCP_502 = oxm(0, struct.pack(">I", 1)), oxm(5, b"\x08\x00"), oxm(14, struct.pack(">H", 502))


def contradictions():
    """Each with the errors it deserves (OpenFlow 1.3.5 section 7.4.4); none of them changes anything."""
    yield "the same rule twice, where overlaps are checked", [flow_mod(1, IN_PORT_1, output(3), 60001, 2)] * 2, [(5, 3)]
    yield "ports of TCP without TCP", [flow_mod(1, TCP_502, output(3))], [(4, 9)]
    yield "an address of IPv4 in IPv6", [flow_mod(1, oxm(5, b"\x86\xdd") + oxm(11, CLIENT), output(3))], [(4, 9)]
    yield "one field twice", [flow_mod(1, IN_PORT_1 + IN_PORT_1, output(3))], [(4, 10)]
    yield "a field that is not there", [flow_mod(1, oxm(100, b"\1"), output(3))], [(4, 6)]
    yield "a field of another length", [flow_mod(1, oxm(0, b"\1"), output(3))], [(4, 1)]
    yield "on to a table that lies behind", [flow_mod(1, IN_PORT_1, goto(0), table=3)], [(3, 2)]
    yield "to a group that is not there", [flow_mod(1, IN_PORT_1, struct.pack(">HH4x", 4, 16) + to_group(77))], [(2, 9)]
    yield "to port 0", [flow_mod(1, IN_PORT_1, output(0))], [(2, 4)]
    yield "a table beyond the last", [flow_mod(1, IN_PORT_1, output(3), table=254)], [(5, 2)]
    yield "a command that is none", [flow_mod(1, IN_PORT_1, output(3), command=9)], [(5, 6)]
    yield "a group in itself", [group_mod(88, to_group(88))], [(6, 7)]
    yield "a group of a kind that is none", [group_mod(88, b"", kind=9)], [(6, 10)]


def show(name, ok):
    print(f"{'ok' if ok else 'not ok'} {name}", flush=True)
    return ok


def openflow(path):
    fine = True
    for name, messages, deserved in contradictions():
        c = Controller(path)
        c.send(*messages)
        errors = c.answers()
        fine &= show(f"{name}: {errors}", errors == deserved)
        c.send(flow_mod(0, IN_PORT_1, b"", 60001, command=4))  # the first of two that overlap
        c.answers()
        c.close()
    # A bundle that is never committed, each time a step further.
    steps = [bundle(OPEN), bundled(flow_mod(0xbad, b"", output(3), 60000)),
             bundled(flow_mod(0xbad, IN_PORT_1, output(3), 60000)), bundled(group_mod(66, b"")),
             bundle(COMMIT)[:12]]
    for n in range(1, len(steps) + 1):
        c = Controller(path)
        c.send(*steps[:n])
        if n < len(steps):
            fine &= show(f"a bundle of {n} messages that is left behind: nothing refused", c.answers() == [])
        c.close()
    c = Controller(path)
    c.send(bundle(OPEN), bundled(flow_mod(0xbad, b"", output(3), 60000)), bundled(flow_mod(0xbad, TCP_502, b"")))
    fine &= show("a bundled message that is wrong is refused", c.answers() == [(4, 9)])
    c.close()
    c = Controller(path)
    c.send(bundle(OPEN), bundled(flow_mod(0xbad, b"", output(3), 60000)),
           bundled(flow_mod(0xbad, IN_PORT_1, output(3), 60000, 2)))
    fine &= show("a bundle that contradicts itself is taken in", c.answers() == [])
    c.send(bundle(COMMIT))
    fine &= show("and refused as a whole", len(c.answers()) >= 1)
    c.close()
    # Messages that end in the middle, at every octet.
    whole = flow_mod(0xbad, IN_PORT_1, output(3), 60000)
    for size in range(1, len(whole)):
        c = Controller(path)
        c.send(whole[:size])
        c.close()
    # What is no OpenFlow.
    for name, octets in {"a length below the header's": message(14, b"", length=7), "a length of nothing":
                         message(2, b"", length=0), "text": b"GET / HTTP/1.1\r\n\r\n" + bytes(64)}.items():
        c = Controller(path)
        c.send(octets)
        fine &= show(f"{name}: turned away", c.is_turned_away())
        c.close()
    return not fine


def rpc(path):
    fine = True
    bad = {
        "no JSON": b"hello\n", "half of it": b'{"jsonrpc":"2.0","id":1,', "no JSON-RPC": b"[1,2,3]\n",
        "deep": b"[" * 100000 + b"\n", "long": b'"' + b"x" * (5 << 20) + b'"\n', "octets": bytes(range(256)) + b"\n",
        "no method": b'{"jsonrpc":"2.0","id":1,"method":"edge.explode"}\n',
        "other parameters": b'{"jsonrpc":"2.0","id":1,"method":"edge.trace","params":[1]}\n',
        "a capture of nobody": b'{"jsonrpc":"2.0","id":1,"method":"edge.capture-read","params":{"capture":9}}\n',
        "wrong numbers": b'{"jsonrpc":"2.0","id":1,"method":"edge.capture-start","params":{"snap":-1}}\n',
    }
    for name, octets in bad.items():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(path)
        try:
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while more := s.recv(65536):
                answer += more
        except (BrokenPipeError, ConnectionResetError):
            answer = b'"error"'
        fine &= show(name, b'"result"' not in answer)
        s.close()
    return not fine


if len(sys.argv) < 3 or sys.argv[1] not in ("send", "listen", "compare", "openflow", "rpc"):
    sys.exit(__doc__)
sys.exit(globals()[sys.argv[1]](*sys.argv[2:]))
