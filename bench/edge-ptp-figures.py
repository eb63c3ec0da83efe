"""Makes edge-ptp's figures of its samples.

usage: python3 edge-ptp-figures.py DIRECTORY"""
import json
import math
import pathlib
import sys

NAMES = {"bridge": "kernel bridge", "edge-off": "edge without its clock", "linuxptp-tc": "linuxptp's TC",
         "edge": "1 edge", "edge-p2p": "1 edge, peer-to-peer", "three-edges": "3 edges"}
PEERS = ("bridge", "edge-off", "linuxptp-tc")
GOALS = {("edge", 50): 0.3, ("edge", 95): 1.0, ("three-edges", 95): 2.0}

work = pathlib.Path(sys.argv[1])
errors, rates = {}, {}
for kind in NAMES:
    errors[kind] = sorted(abs(int(line)) / 1000 for line in (work / f"samples-{kind}").read_text().split())
    counted = [int(line) for line in (work / f"rate-{kind}").read_text().split()]
    rates[kind] = sum(counted) // len(counted) if counted else 0


def percentile(kind, percent):
    samples = errors[kind]
    return round(samples[max(math.ceil(percent / 100 * len(samples)), 1) - 1], 3) if samples else None


if not errors["edge"]:
    sys.exit("nothing measured")
for kind in ("edge", "three-edges", "edge-p2p"):
    for percent in (50, 95):
        value, goal = percentile(kind, percent), GOALS.get((kind, percent))
        if value is None:
            continue
        print(json.dumps({
            "bench": "edge-ptp", "case": f"{NAMES[kind]}, a slave's error, p{percent}", "value": value, "unit": "us",
            "goal": goal, "ok": value <= goal if goal else None,
            "peers": {NAMES[peer]: percentile(peer, percent) for peer in PEERS if errors[peer]},
            "note": f"{len(errors[kind])} samples, worst {errors[kind][-1]:.1f} us; {rates[kind]} packets/s came through; "
                    "software stamps"}))
