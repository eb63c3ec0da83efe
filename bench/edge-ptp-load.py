"""Sends 1400-octet frames that nobody waits for, so many thousand a second, spread evenly.

usage: python3 edge-ptp-load.py INTERFACE MAC KPPS"""
import socket
import sys
import time

BURST = 4
interface, mac, kpps = sys.argv[1:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((interface, 0))
s.setsockopt(263, 20, 1)  # SOL_PACKET, PACKET_QDISC_BYPASS
frame = bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\x88\xb5"  # IEEE 802: experimental
frame += bytes(1400 - len(frame))
step = BURST / (float(kpps) * 1000)
due = time.monotonic()
while True:
    now = time.monotonic()
    if now < due:
        time.sleep(due - now)
    due = max(due + step, now - 0.01)
    for _ in range(BURST):
        try:
            s.send(frame)
        except OSError:
            pass
