#!/usr/bin/python3
"""Every message we encode, as tshark dissects it: no malformed packet, no complaint, and the values
that were put in. usage: tshark.py PATH-OF-pcep_samples"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from wireshark import complaints, tshark, write_pcap # noqa: E402

PORT = 4189

# Where Wireshark 4.0 is wrong or does not know yet, each in a sample of its own; all else it must
# understand: it reads on behind the last range, fetches the 16 octets of an IPv6 extended tunnel ID
# as one number, prints an RSVP object as text, and SRv6 is too new.
UNKNOWN = {
    "open-ranges": ("malformed",),
    "report-signalled": ("Trying to fetch an unsigned integer with length 16", "malformed",
                         "Trailing stray characters"),
    "report-srv6": ("Non defined subobject (40)",),
}


def number(text):
    try:
        return float(int(text, 0))
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def pairs(fields):
    return [pair.split("=", 1) for pair in fields.split(";") if pair]


def values_seen(path, samples):
    """Of each packet a dictionary: what tshark has in every field that some sample names."""
    names = sorted({name for fields in samples for name, _ in pairs(fields)})
    lines = tshark(path, "-T", "fields", "-E", "aggregator=,", "-E", "occurrence=a",
                   *[word for name in names for word in ("-e", name)]).splitlines()
    return [dict(zip(names, line.split("\t"))) for line in lines]


def differences(fields, seen):
    """What of "field=value,value;..." tshark sees otherwise."""
    for name, values in pairs(fields):
        if [number(v) for v in values.split(",")] != [number(v) for v in seen[name].split(",")]:
            yield f"{name} is {seen[name]}, not {values}"


def main():
    lines = subprocess.run([sys.argv[1]], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    names, wires, fields = zip(*[line.split("\t") for line in lines])
    payloads = [bytes.fromhex(w) for w in wires]
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "samples.pcap")
        write_pcap(path, PORT, payloads)
        packets = json.loads(tshark(path, "-T", "json", "--no-duplicate-keys"))
        seen = values_seen(path, fields)
        for n, (name, payload) in enumerate(zip(names, payloads)):
            layers = packets[n]["_source"]["layers"]
            found = [c for c in complaints(layers) if c not in UNKNOWN.get(name, ())]
            if "pcep" not in layers:
                found.append("not dissected as PCEP")
            found += differences(fields[n], seen[n])
            if found:
                failures += 1
                print(f"not ok - {name}: {'; '.join(found)}\n  {payload.hex()}")
    print(f"{len(payloads)} messages dissected, {failures} with complaints")
    return 1 if failures or not payloads else 0


sys.exit(main())
