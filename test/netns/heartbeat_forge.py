#!/usr/bin/python3
"""Speaks like a packet node on an interface until it is believed, and is silent then.

usage: heartbeat_forge.py INTERFACE    status 0: it was believed (doc/edge.md has the frame)"""
import socket
import struct
import sys
import time

ADDRESS = bytes.fromhex("0180c200000e")
LAYOUT = struct.Struct(">IBBBBQQIIII6x")
DOWN, INIT, UP = 1, 2, 3


def main(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((interface, 0))
    s.settimeout(5)
    session, sequence, peer, state, end = 0x4242424200000001, 0, 0, DOWN, time.monotonic() + 20
    while time.monotonic() < end:
        sequence += 1
        payload = LAYOUT.pack(0x544C4842, 1, state, 0, 3, session, peer, sequence, 20000, 20000, 1)
        s.send(ADDRESS + bytes.fromhex("020000000042") + b"\x88\xb5" + payload)
        while True:
            frame = s.recv(2048)
            if frame[:6] == ADDRESS and frame[12:14] == b"\x88\xb5" and frame[6:12] != bytes.fromhex("020000000042"):
                break
        theirs = LAYOUT.unpack(frame[14:60])
        if theirs[2] == UP and theirs[6] == session and state == UP:
            return 0
        peer, state = theirs[5], UP if theirs[6] == session else INIT
    return 1


if len(sys.argv) == 2:
    sys.exit(main(sys.argv[1]))
sys.exit(__doc__)
