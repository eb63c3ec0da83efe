#!/usr/bin/python3
"""Every message we encode, as tshark dissects it: no malformed packet, no complaint, and the message
type it should be. usage: tshark.py PATH-OF-openflow_samples"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from wireshark import complaints, tshark, write_pcap # noqa: E402

PORT = 6653


def dissect(path, *how):
    return tshark(path, "-d", f"tcp.port=={PORT},openflow", "-o", "tcp.desegment_tcp_streams:FALSE", *how)


# Bodies that Wireshark 4.0 does not look into, and says so; everything else it must understand.
OPAQUE = ("Experimenter body.", "Experimenter error body.", "Experimenter multipart request body.",
          "Experimenter multipart reply body.")

# Wireshark 4.0 reads on behind the end of these, also where Open vSwitch wrote them.
OVERREAD = {"reply ONFMP_FLOW_MONITOR", "reply OFPMP_EXPERIMENTER"}
OVERREAD_TEXT = "Unreassembled fragment (change preferences to enable reassembly)"


def main():
    lines = subprocess.run([sys.argv[1]], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    names, wires = zip(*[line.split("\t") for line in lines])
    payloads = [bytes.fromhex(w) for w in wires]
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "samples.pcap")
        write_pcap(path, PORT, payloads)
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
