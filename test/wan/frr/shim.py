#!/usr/bin/env python3
"""mpls-shim.so between a program and the kernel: a batch of routes and next hops, labelled and plain, is acknowledged message by message
in its order, the plain routes are there, and nothing else is. Prints a line per claim.

Usage: shim.py SHIM        (in a network namespace of its own, with an interface `d0` that has 10.0.0.1/24)"""
import ctypes
import os
import pathlib
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from tap import check, finish  # noqa: E402

shim = str(pathlib.Path(sys.argv[1]).resolve())
if os.environ.get("LD_PRELOAD") != shim:
    os.execvpe(sys.executable, [sys.executable, *sys.argv], dict(os.environ, LD_PRELOAD=shim))

RTM_NEWROUTE, RTM_GETROUTE, RTM_NEWNEXTHOP, AF_MPLS = 24, 26, 104, 28
REQUEST, ACK, CREATE, DUMP = 1, 4, 0x400, 0x300
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_NEWDST, RTA_ENCAP_TYPE, RTA_ENCAP, RTA_NH_ID = 1, 4, 5, 9, 19, 21, 22, 30
NHA_ID, NHA_OIF, NHA_GATEWAY, NHA_ENCAP_TYPE, NHA_ENCAP = 1, 5, 6, 7, 8
MPLS = struct.pack("=H", 1)
interface = struct.pack("=I", socket.if_nametoindex("d0"))
number = 0


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind, body, flags=REQUEST | ACK | CREATE):
    global number
    number += 1
    return struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body


def ip(text):
    return socket.inet_aton(text)


def label(*values):
    return b"".join(struct.pack("!I", v << 12 | (i == len(values) - 1) << 8) for i, v in enumerate(values))


encap = attribute(1, label(16002, 17))  # MPLS_IPTUNNEL_DST


def route(to, *attributes):
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, 254, 196, 0, 1, 0)
    return message(RTM_NEWROUTE, head + attribute(RTA_DST, ip(to)) + b"".join(attributes))


def labelled_route(value):
    head = struct.pack("=BBBBBBBBI", AF_MPLS, 20, 0, 0, 254, 196, 0, 1, 0)
    return message(RTM_NEWROUTE, head + attribute(RTA_DST, label(value)) + attribute(RTA_NEWDST, label(16005)) +
                   attribute(RTA_OIF, interface))


def next_hop(ident, gateway, *attributes):
    head = struct.pack("=BBBBI", socket.AF_INET, 0, 196, 0, 0)
    return message(RTM_NEWNEXTHOP, head + attribute(NHA_ID, struct.pack("=I", ident)) + attribute(NHA_GATEWAY, ip(gateway)) +
                   attribute(NHA_OIF, interface) + b"".join(attributes))


def hop(gateway, *attributes):
    rest = attribute(RTA_GATEWAY, ip(gateway)) + b"".join(attributes)
    return struct.pack("=HBBI", 8 + len(rest), 0, 0, *struct.unpack("=I", interface)) + rest


kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
kernel.bind((0, 0))
kernel.settimeout(2)


def answers(count):
    """(number, error) of so many acknowledgements."""
    found = []
    while len(found) < count:
        octets = kernel.recv(65536)
        while len(octets) >= 16:
            size, kind, _, sequence, _ = struct.unpack_from("=IHHII", octets)
            if kind == 2:
                found.append((sequence, struct.unpack_from("=i", octets, 16)[0]))
            octets = octets[(size + 3) & ~3:]
    return found


batch = [route("10.9.0.1", attribute(RTA_GATEWAY, ip("10.0.0.2")), attribute(RTA_OIF, interface)),
         labelled_route(16001),
         next_hop(7, "10.0.0.3", attribute(NHA_ENCAP_TYPE, MPLS), attribute(NHA_ENCAP, encap)),
         route("10.9.0.2", attribute(RTA_NH_ID, struct.pack("=I", 7))),
         labelled_route(16002),
         labelled_route(16003),
         route("10.9.0.3", attribute(RTA_GATEWAY, ip("10.0.0.4")), attribute(RTA_OIF, interface),
               attribute(RTA_ENCAP_TYPE, MPLS), attribute(RTA_ENCAP, encap)),
         route("10.9.0.4", attribute(RTA_MULTIPATH, hop("10.0.0.5", attribute(RTA_ENCAP, encap), attribute(RTA_ENCAP_TYPE, MPLS)) +
                                     hop("10.0.0.6"))),
         route("10.9.0.5", attribute(RTA_GATEWAY, ip("10.77.0.1"))),  # nothing leads there
         labelled_route(16004)]
octets = b"".join(batch)
check("the batch is taken whole", kernel.sendmsg([octets[:100], octets[100:]]) == len(octets))
got = answers(len(batch))
check("each message is acknowledged, in order", [n for n, _ in got] == list(range(1, len(batch) + 1)), got)
check("all are done but the one that cannot be", [e != 0 for _, e in got] == [n == 9 for n in range(1, len(batch) + 1)], got)
seen = os.popen("env -u LD_PRELOAD ip route show").read()
for to, via in (("1", "10.0.0.2"), ("2", "10.0.0.3"), ("3", "10.0.0.4")):
    check(f"10.9.0.{to} has its plain route", any(f"10.9.0.{to} " in r and via in r for r in seen.split("\n")), seen)
check("and the one with two next hops", "10.9.0.4" in seen and "10.0.0.5" in seen and "10.0.0.6" in seen, seen)
check("no route has labels", "encap" not in seen, seen)
libc = ctypes.CDLL(None)
check("the directory that says MPLS is there for stat()", libc.stat(b"/proc/sys/net/mpls", ctypes.create_string_buffer(4096)) == 0)
check("and others are not, for that", libc.stat(b"/proc/sys/net/no-such", ctypes.create_string_buffer(4096)) != 0)
finish()
