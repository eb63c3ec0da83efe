"""tshark as the judge of messages that we encode: a capture of them, and what it has to say against them."""
import shutil
import struct
import subprocess
import sys

if not shutil.which("tshark"):
    print("SKIP: tshark is not installed")
    sys.exit(77)


def packet(payload, port, n):
    """Ethernet, IPv4, TCP: a connection of its own for each message, so none is a part of another."""
    tcp = struct.pack("!HHIIBBHHH", 20000 + n, port, 1, 1, 5 << 4, 0x18, 65535, 0, 0)
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 40 + len(payload), n, 0, 64, 6, 0, 0x0A000001,
                     0x0A000002)
    return bytes(12) + b"\x08\x00" + ip + tcp + payload


def write_pcap(path, port, payloads):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for n, payload in enumerate(payloads):
            frame = packet(payload, port, n)
            out.write(struct.pack("<IIII", n, 0, len(frame), len(frame)) + frame)


def tshark(path, *how):
    return subprocess.run(["tshark", "-n", "-r", path, *how], capture_output=True, text=True,
                          check=True).stdout


def complaints(layer):
    """Expert infos anywhere in a JSON dissection."""
    if isinstance(layer, dict):
        for key, value in layer.items():
            if key == "_ws.expert.message":
                yield from value if isinstance(value, list) else [str(value)]
            elif key.startswith("_ws.malformed"):
                yield "malformed"
            else:
                yield from complaints(value)
    elif isinstance(layer, list):
        for value in layer:
            yield from complaints(value)
