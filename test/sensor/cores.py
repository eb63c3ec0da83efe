#!/usr/bin/env python3
"""Is all that tieline-sensor tells of a capture the same with several cores, octet for octet? cores.py SENSOR PCAPS

Every capture is read with one, two and four; what `objects` and `examples` of --habits say is left out: an estimate that differs
from one run to the next. Packets that are kept, and rules of Suricata, are compared for a few."""
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

ALL = ["--messages", "--identities", "--assets", "--habits", "--counters", "--alerts", "--incidents", "--rules", "etc/detections",
       "--learn", "1s"]
CORES = (1, 2, 4)
estimate = re.compile(rb'"objects":\d+(,"examples":\[("([^"\\]|\\.)*",?)*\])?')
here = pathlib.Path(__file__).resolve().parent


def told(sensor, capture, cores, options):
    p = subprocess.run([sensor, "--read", capture, "--cores", str(cores), *options], capture_output=True)
    return p.returncode, estimate.sub(b'"objects":0', p.stdout)


def kept(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in pathlib.Path(folder).iterdir()}


def told_with_packets(sensor, capture, cores):
    with tempfile.TemporaryDirectory() as folder:
        rules = ["--suricata", here / "suricata_peer.rules"]
        return told(sensor, capture, cores, [*ALL, *rules, "--evidence", folder]), kept(folder)


def first_that_differs(one, other):
    a, b = one[1].splitlines(), other[1].splitlines()
    for line, (x, y) in enumerate(zip(a, b), 1):
        if x != y:
            return f"line {line}:\n#   {x[:300]}\n#   {y[:300]}"
    return f"{len(a)} and {len(b)} lines, exit status {one[0]} and {other[0]}"


def main(sensor, pcaps):
    captures = sorted(p for p in pathlib.Path(pcaps).rglob("*.pcap*"))
    if not captures:
        print("1..0 # SKIP no captures in ../shared/data/pcaps")
        sys.exit(77)
    wrong = lines = n_kept = 0
    for capture in captures:
        one, *others = (told(sensor, capture, n, ALL) for n in CORES)
        lines += one[1].count(b"\n")
        for n, other in zip(CORES[1:], others):
            if other != one:
                wrong += 1
                print(f"# {capture}, with {n} cores: {first_that_differs(one, other)}")
    for capture in captures[::25]:
        one, *others = (told_with_packets(sensor, capture, n) for n in CORES)
        n_kept += len(one[1])
        for n, other in zip(CORES[1:], others):
            if other != one:
                wrong += 1
                print(f"# {capture}, with {n} cores and packets that are kept: {first_that_differs(one[0], other[0])}")
    is_well = not wrong and lines and n_kept
    print(f"{'ok' if is_well else 'not ok'} 1 - {len(captures)} captures, {lines} lines, {n_kept} files of packets: {wrong} differ\n1..1")
    return not is_well


sys.exit(bool(main(*sys.argv[1:])))
