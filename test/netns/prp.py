#!/usr/bin/python3
"""A PRP node (DANP, IEC 62439-3) of its own, and rules for the other end.

usage: prp.py rules SOCKET RULE...   sends them as OpenFlow; a RULE is
           "group ID ACTIONS ACTIONS..." (type all) or "flow MATCH ACTIONS", with
           MATCH    in_port=N[,eth_type=0xHEX], ACTIONS of output:N, group:N, sequence:STREAM,
           push_prp:LAN, push_hsr:PATH, discard:STREAM:prp|hsr[:LAN], separated by commas
       prp.py send A B COUNT [LOSE]  numbered frames, by both interfaces; every LOSE-th only by one
       prp.py receive A B SECONDS    takes the first of each; prints {passed, copies, lost, reordered,
                                     bad, supervision}"""
import json
import re
import select
import socket
import struct
import sys
import time

OURS = 0x0002544C
NODE = bytes.fromhex("02000000da01")
GROUP_ADDRESS = bytes.fromhex("010ccd010001")
PORTS = {"local": 0xFFFFFFFE}


# ---- Rules ----

def our_action(subtype, ethertype, stream, lan):
    return struct.pack("!HHIHHIB7x", 0xFFFF, 24, OURS, subtype, ethertype, stream, lan)


def action(text):
    kind, *rest = text.split(":")
    form = {"prp": 0x88FB, "hsr": 0x892F}
    if kind == "output":
        return struct.pack("!HHIH6x", 0, 16, PORTS.get(rest[0]) or int(rest[0]), 0xFFFF)
    if kind == "group":
        return struct.pack("!HHI", 22, 8, int(rest[0]))
    if kind == "sequence":
        return our_action(1, 0, int(rest[0]), 0)
    if kind in ("push_prp", "push_hsr"):
        return our_action(2, form[kind[5:]], 0, int(rest[0], 16))
    return our_action(3, form[rest[1]], int(rest[0]), int(rest[2], 16) if rest[2:] else 0)


def actions(text):
    return b"".join(action(a) for a in text.split(","))


def match(text):
    oxm = b""
    for name, value in (part.split("=") for part in text.split(",")):
        number = int(value, 0)
        oxm += {"in_port": struct.pack("!HBBI", 0x8000, 0 << 1, 4, number),
                "eth_type": struct.pack("!HBBH", 0x8000, 5 << 1, 2, number & 0xFFFF)}[name]
    size = 4 + len(oxm)
    return struct.pack("!HH", 1, size) + oxm + bytes(-size % 8)


def message(kind, body):
    return struct.pack("!BBHI", 4, kind, 8 + len(body), kind) + body


def rule(text):
    what, first, *rest = text.split()
    if what == "group":
        buckets = b""
        for bucket in rest:
            a = actions(bucket)
            buckets += struct.pack("!HHII4x", 16 + len(a), 0, 0xFFFFFFFF, 0xFFFFFFFF) + a
        return message(15, struct.pack("!HBxI", 0, 0, int(first)) + buckets)
    a = actions(rest[0])
    priority = 100 + 10 * first.count(",")
    return message(14, struct.pack("!QQBBHHHIIIH2x", 0, 0, 0, 0, 0, 0, priority, 0xFFFFFFFF, 0xFFFFFFFF,
                                   0xFFFFFFFF, 0) + match(first) + struct.pack("!HH4x", 4, 8 + len(a)) + a)


def read_message(s):
    header = s.recv(8, socket.MSG_WAITALL)
    size = struct.unpack("!H", header[2:4])[0]
    return header, s.recv(size - 8, socket.MSG_WAITALL) if size > 8 else b""


def rules(path, *texts):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    s.sendall(message(0, b"") + b"".join(rule(t) for t in texts) + message(20, b""))
    while True:
        header, body = read_message(s)
        if header[1] == 1:
            print("refused: type %d code %d" % struct.unpack("!HH", body[:4]))
            return 1
        if header[1] == 21:
            return 0


# ---- The node ----

def attach(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind((interface, 0))
    return s


def with_rct(frame, sequence, lan):
    frame += bytes(max(0, 60 - len(frame)))
    return frame + struct.pack("!HHH", sequence & 0xFFFF, lan << 12 | len(frame) - 14 + 6, 0x88FB)


def rct_of(frame):
    sequence, size, suffix = struct.unpack("!HHH", frame[-6:])
    vlan = 4 if frame[12:14] == b"\x81\x00" else 0
    if suffix != 0x88FB or size & 0xFFF != len(frame) - 14 - vlan or len(frame) < 66:
        return None
    return sequence, size >> 12


def send(a, b, count, lose="0"):
    ports = attach(a), attach(b)
    for i in range(int(count)):
        number = struct.pack("!I", i)
        frame = GROUP_ADDRESS + NODE + b"\x88\xb8" + number + bytes(i % 200)
        for path in (0, 1):
            if int(lose) and i % int(lose) == path:
                continue
            ports[path].send(with_rct(frame, 65000 + i, 0xA + path))
        time.sleep(0.0005)
    return 0


def receive(a, b, seconds):
    ports = attach(a), attach(b)
    end = time.monotonic() + float(seconds)
    seen, order = set(), {}
    told = {"passed": 0, "copies": 0, "lost": 0, "reordered": 0, "bad": 0, "supervision": 0}
    print("ready", flush=True)
    while time.monotonic() < end:
        for s in select.select(ports, [], [], 0.1)[0]:
            frame, address = s.recvfrom(2048)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            tag = rct_of(frame)
            if not tag or tag[1] != 0xA + ports.index(s):
                told["bad"] += 1
                continue
            key = frame[6:12], tag[0]
            if key in seen:
                told["copies"] += 1
                continue
            seen.add(key)
            order.setdefault(key[0], []).append(tag[0])
            told["passed"] += 1
            told["supervision"] += frame[12:14] == b"\x88\xfb"
    steps = [(y - x) & 0xFFFF for numbers in order.values() for x, y in zip(numbers, numbers[1:])]
    told["reordered"] = sum(step > 0x8000 for step in steps)
    told["lost"] = sum(step - 1 for step in steps if step < 0x8000)
    print(json.dumps(told))
    return 0


if len(sys.argv) >= 4 and re.fullmatch("rules|send|receive", sys.argv[1]):
    sys.exit({"rules": rules, "send": send, "receive": receive}[sys.argv[1]](*sys.argv[2:]))
sys.exit(__doc__)
