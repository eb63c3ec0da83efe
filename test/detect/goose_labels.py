#!/usr/bin/env python3
"""What the machines find in captures whose messages are labelled benign or malicious.

    goose_labels.py TIELINE-FINDINGS DIRECTORY

DIRECTORY has *.pcapng and labels/*.csv of the data set "Dataset-GOOSE-attacks" (kaitoray), whose rows are
the GOOSE messages of a capture: label, sender, stNum, sqNum, values... Their times are another clock's: a row
is the next frame with the same of these. Labels 900 to 999 are attacks. Prints a row for each capture: how many messages are benign and malicious,
and of how many of each something was found. Fails if anything is found in a capture without attacks but
publishers that stop at its end, or if an attack that was found once is not.

Then the captures without attacks are put before each with attacks, as one who listens for long would
have heard them: what the machine finds that compares publishers.
"""
import collections
import csv
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile


def messages(path):
    """(last octet of the sender's MAC, stNum, sqNum, values) -> frames, of every GOOSE message."""
    fields = ["frame.number", "eth.src", "goose.stNum", "goose.sqNum", "goose.integer"]
    wanted = [word for field in fields for word in ("-e", field)]
    text = subprocess.run(["tshark", "-n", "-r", path, "-Y", "goose", "-T", "fields", *wanted],
                          capture_output=True, text=True, check=True).stdout
    frames = collections.defaultdict(list)
    for line in text.splitlines():
        frame, source, state, sequence, values = line.split("\t")
        value = int("".join(v for v in values.split(",")))
        frames[int(source[-2:]), int(state), int(sequence), value].append(int(frame))
    return frames


def labels(path, frames):
    """frame -> label; and how many rows are no frame."""
    found, missing = {}, 0
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows)
        sender, state, sequence, values = (header.index(n) for n in ("MACsrc", "stNum", "sqNum", "data"))
        for row in rows:
            same = frames.get((int(row[sender]), int(row[state]), int(row[sequence]), int(row[values])))
            if same:
                found[same.pop(0)] = int(row[1])
            else:
                missing += 1
    return found, missing


def findings(program, path):
    text = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


# Messages that are malicious, and of how many of them something is found.
EXPECTED = {"901": (200, 200), "902": (20, 20), "903": (200, 200), "904": (25, 25), "905": (131, 131),
            "906": (153, 0), "907": (127, 127), "908": (96, 1)}


# Of which captures with attacks publishers tell of each other, by how many findings.
PEERS = {"906": 3}


def compare_peers(program, directory):
    """The number of captures where that is not as expected."""
    wrong = 0
    benign = [p for p in directory.glob("*.pcapng") if "_TRSF1_9" not in p.name]
    for path in sorted(directory.glob("*_TRSF1_9*.pcapng")):
        key = path.name.split("_TRSF1_")[1][:3]
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as merged:
            subprocess.run(["mergecap", "-w", merged.name, *benign, path], check=True)
            told = [f for f in findings(program, merged.name) if f["finding"].startswith("peer-")]
        print(f"{key}, behind those without attacks: {len(told)}")
        wrong += len(told) != PEERS.get(key, 0) or any(f["time"] < "2020-11-25" for f in told)
    return wrong


def main():
    program, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    if not directory.is_dir() or not shutil.which("tshark"):
        print("skipped: no captures, or no tshark")
        sys.exit(77)
    wrong = 0
    for table in sorted((directory / "labels").glob("*.csv")):
        key = table.stem.rsplit("_", 1)[1]
        wanted = "Normal" if key == "0" else "9072" if key == "907" else f"_{key}_"
        path = next(p for p in directory.glob("*.pcapng") if wanted in p.name)
        told = findings(program, path)
        of_messages = {f["frame"] for f in told if f["frame"]}
        label, missing = labels(table, messages(path))
        count = collections.Counter(("malicious" if 900 <= value < 1000 else "benign", frame in of_messages)
                                    for frame, value in label.items())
        benign, malicious = (count[kind, True] + count[kind, False] for kind in ("benign", "malicious"))
        names = collections.Counter(f["finding"] for f in told)
        print(f"{key:>4}: benign {count['benign', True]} of {benign}, malicious {count['malicious', True]} of "
              f"{malicious}; {dict(names)}")
        if missing or (malicious, count["malicious", True]) != EXPECTED.get(key, (0, 0)):
            print(f"{key}: {missing} rows without a frame; expected {EXPECTED.get(key, (0, 0))}")
            wrong += 1
        if not malicious and set(names) - {"goose-expired"}:
            print(f"{key}: nothing is wrong in it")
            wrong += 1
    if shutil.which("mergecap"):
        wrong += compare_peers(program, directory)
    sys.exit(wrong > 0)


main()
