"""A request that waits for the answer to the one before, over raw sockets.

usage: edge-round-trips.py serve|ask INTERFACE [SECONDS]; `ask` prints how many round trips were made in a second.
"""

import socket
import sys
import time

TYPE = 0x88B6  # local experimental
ASKER, SERVER = b"\x02\0\0\0\0\x98", b"\x02\0\0\0\0\x99"


def main():
    what, interface = sys.argv[1:3]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(TYPE))
    s.bind((interface, TYPE))
    frame = (ASKER + SERVER if what == "serve" else SERVER + ASKER) + TYPE.to_bytes(2, "big") + bytes(46)
    if what == "serve":
        print("ready", flush=True)
        while True:
            if s.recv(64)[:6] == SERVER:
                s.send(frame)
    s.settimeout(0.2)
    n, lost, begin = 0, 0, time.monotonic()
    while time.monotonic() - begin < float(sys.argv[3]):
        s.send(frame)
        try:
            while s.recv(64)[:6] != ASKER:
                pass
            n += 1
        except TimeoutError:
            lost += 1
    print(round(n / (time.monotonic() - begin), 1), lost)


main()
