#!/usr/bin/env python3
"""Compares what tieline-sensor understands of captures with what tshark does, message by message.

Usage: oracle.py TIELINE-SENSOR PCAPS PROTOCOL...
PCAPS is ../shared/data/pcaps. Prints TAP: a line per protocol, with how many messages both found, in
how many all compared fields are the same, and the differences by capture. A difference is one unless
differences/PROTOCOL.tsv beside this file has it, with its reason and who is mistaken. Exit status 1: a difference has no reason, or
we are mistaken in more than 0.1 %; 77: no tshark, or no captures.
"""
import csv
import importlib
import os
import pathlib
import shutil
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here / "oracles"))
from readings import by_frame, flat, ours, tshark  # noqa: E402

REPEATED = "tcp.analysis.retransmission || tcp.analysis.out_of_order"  # these it does not look into


def explained(protocol):
    table = here / "differences" / f"{protocol}.tsv"
    if not table.exists():
        return {}
    with open(table, newline="") as f:
        return {r["capture"]: r for r in csv.DictReader(f, delimiter="\t")}


def main():
    sensor, pcaps, *protocols = sys.argv[1:]
    if not shutil.which("tshark"):
        print("1..0 # skip: no tshark")
        return 77
    if not os.path.isdir(pcaps):
        print(f"1..0 # skip: no captures in {pcaps}")
        return 77
    failed = 0
    for number, protocol in enumerate(protocols, 1):
        oracle, reasons = importlib.import_module(protocol), explained(protocol)
        same = total = unexplained = n_aside = mistakes = 0
        name, is_ours = getattr(oracle, "PROTOCOL", protocol), getattr(oracle, "is_ours", bool)
        folders = [pathlib.Path(pcaps, folder) for folder in flat([oracle.FOLDER])]
        for capture in sorted(p for f in folders for p in f.rglob("*") if ".pcap" in p.name or ".cap" in p.name):
            if getattr(oracle, "MARK", b"") not in capture.read_bytes():  # octets that every message has
                continue
            theirs = {frame: (n, record) for frame, n, record in oracle.theirs(str(capture))}
            messages = filter(is_ours, ours(sensor, str(capture), name))
            our = {frame: (len(m), oracle.of_ours(m)) for frame, m in by_frame(messages).items()}
            if our.keys() - theirs.keys():
                aside = {int(f["frame"]) for f in tshark(str(capture), REPEATED, ())} - theirs.keys()
                n_aside += sum(our.pop(f)[0] for f in aside & our.keys())
            differing = [f for f in sorted(theirs.keys() | our.keys()) if theirs.get(f) != our.get(f)]
            n = sum(max(theirs.get(f, (0,))[0], our.get(f, (0,))[0]) for f in theirs.keys() | our.keys())
            differ = sum(max(theirs.get(f, (0,))[0], our.get(f, (0,))[0]) for f in differing)
            total += n
            same += n - differ
            reason = reasons.get(capture.name)
            if not differ:
                continue
            if reason and int(reason["messages"]) == differ:
                print(f"# {capture.name}: {differ} of {n}: {reason['mistaken']} is mistaken: {reason['reason']}")
                mistakes += differ if reason["mistaken"] == "tieline" else 0
                continue
            unexplained += differ
            print(f"# {capture.name}: {differ} of {n} differ, and nobody has said why")
            for f in differing[:int(os.environ.get("SHOW", "2"))]:
                print(f"#   frame {f}: tshark {theirs.get(f)}"[:400])
                print(f"#   frame {f}: ours   {our.get(f)}"[:400])
        if n_aside:
            print(f"# {n_aside} more are in frames that tshark takes for repeated or late, and leaves out")
        ok = total and not unexplained and mistakes <= total / 1000
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {protocol}: {same} of {total} messages are the same, "
              f"{total - same} differ, {mistakes} of them by our mistake")
    print(f"1..{len(protocols)}")
    return 1 if failed else 0


sys.exit(main())
