#!/usr/bin/python3
"""Every message we encode, as tshark dissects it: no malformed packet, no complaint, and the message
type it should be. usage: tshark.py PATH-OF-openflow_samples"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

if not shutil.which("tshark"):
    print("SKIP: tshark is not installed")
    sys.exit(77)

PORT = 6653


def packet(payload, n):
    """Ethernet, IPv4, TCP: a connection of its own for each message, so none is a part of another."""
    tcp = struct.pack("!HHIIBBHHH", 20000 + n, PORT, 1, 1, 5 << 4, 0x18, 65535, 0, 0)
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 40 + len(payload), n, 0, 64, 6, 0, 0x0A000001,
                     0x0A000002)
    return bytes(12) + b"\x08\x00" + ip + tcp + payload


def write_pcap(path, payloads):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for n, payload in enumerate(payloads):
            frame = packet(payload, n)
            out.write(struct.pack("<IIII", n, 0, len(frame), len(frame)) + frame)


def dissect(path, *how):
    return subprocess.run(["tshark", "-n", "-r", path, "-d", f"tcp.port=={PORT},openflow",
                           "-o", "tcp.desegment_tcp_streams:FALSE", *how],
                          capture_output=True, text=True, check=True).stdout


# Bodies that Wireshark 4.0 does not look into, and says so; everything else it must understand.
OPAQUE = ("Experimenter body.", "Experimenter error body.", "Experimenter multipart request body.",
          "Experimenter multipart reply body.")

# Wireshark 4.0 reads on behind the end of these, also where Open vSwitch wrote them.
OVERREAD = {"reply ONFMP_FLOW_MONITOR", "reply OFPMP_EXPERIMENTER"}
OVERREAD_TEXT = "Unreassembled fragment (change preferences to enable reassembly)"


def complaints(layer):
    """Expert infos anywhere in a JSON dissection."""
    if isinstance(layer, dict):
        for key, value in layer.items():
            if key == "_ws.expert.message":
                yield value if isinstance(value, str) else str(value)
            elif key.startswith("_ws.malformed"):
                yield "malformed"
            else:
                yield from complaints(value)
    elif isinstance(layer, list):
        for value in layer:
            yield from complaints(value)


def main():
    lines = subprocess.run([sys.argv[1]], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    names, wires = zip(*[line.split("\t") for line in lines])
    payloads = [bytes.fromhex(w) for w in wires]
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "samples.pcap")
        write_pcap(path, payloads)
        packets = json.loads(dissect(path, "-T", "json", "--no-duplicate-keys"))
    for name, payload, dissected in zip(names, payloads, packets):
        layers = dissected["_source"]["layers"]
        found = [c for c in complaints(layers) if c not in OPAQUE
                 and not (name in OVERREAD and c == OVERREAD_TEXT)]
        flow = layers.get("openflow_v4", {})
        kind = flow.get("openflow_v4.type") if isinstance(flow, dict) else None
        if kind is None or int(kind) != payload[1]:
            found.append(f"dissected as type {kind}, not {payload[1]}")
        if found:
            failures += 1
            print(f"not ok - {name}: {'; '.join(found)}\n  {payload.hex()}")
    print(f"{len(payloads)} messages dissected, {failures} with complaints")
    return 1 if failures or not payloads else 0


sys.exit(main())
