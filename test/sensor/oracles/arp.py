"""ARP: opcode and addresses, and what announces itself or probes."""
from readings import numbers, own, tshark

FOLDER = ["bsap", "enip-cip", "it", "profinet"]  # of the captures
MARK = b"\x08\x06\x00\x01"  # EtherType and Ethernet

NUMBERS = ("opcode", "hw.type", "proto.type")
TEXTS = ("src.hw_mac", "src.proto_ipv4", "dst.hw_mac", "dst.proto_ipv4")


def theirs(capture):
    for f in tshark(capture, "arp", [f"arp.{n}" for n in NUMBERS + TEXTS + ("isgratuitous", "isprobe")]):
        record = [numbers(f[f"arp.{n}"]) for n in NUMBERS]
        marks = [f[f"arp.{n}"] in ("1", "True") for n in ("isgratuitous", "isprobe")]
        yield int(f["frame"]), 1, (record, [f[f"arp.{n}"] for n in TEXTS], marks)


def of_ours(messages):
    record = [[m["function"] for m in messages], own(messages, "hardware"), own(messages, "protocol")]
    texts = [",".join(own(messages, name)) for name in ("sender-mac", "sender-ip", "target-mac", "target-ip")]
    return record, texts, [any(own(messages, name)) for name in ("announces", "probes")]
