#!/usr/bin/env python3
"""What tieline-sensor says of what devices are, beside the identities that tshark finds in the same captures.

Usage: identities.py TIELINE-SENSOR PCAPS
PCAPS is ../shared/data/pcaps, whose identities.jsonl has them. Prints TAP: of those that are compared, how many the sensor has, at
the same frame; and how many of the sensor's own in these captures are there, too. Exit status 1: under 98 % of either; 77: no captures.

Not compared: names of BACnet objects, which are not the devices', and vendors there that are not the sender's (private services);
in which frame a vendor class of DHCP is told, as a client without an address repeats it before it is somebody.
"""
import collections
import csv
import json
import pathlib
import subprocess
import sys


def texts(value):
    return [t.strip() for t in value.split("|") if t.strip()]


def number(value):
    return [str(int(value, 0))]


# Field of tshark: attribute, how its value becomes ours.
FIELDS = {
    "cip.id.product_name": ("enip.product-name", texts),
    "cip.id.serial_number": ("enip.serial", number),
    "dhcp.option.vendor_class_id": ("dhcp.vendor-class", texts),
    "enip.lir.name": ("enip.product-name", texts),
    "enip.lir.serial": ("enip.serial", number),
    "lldp.tlv.system.desc": ("lldp.system-description", texts),
    "mms.modelName": ("mms.model", texts),
    "mms.revision": ("mms.revision", texts),
    "mms.vendorName": ("mms.vendor", texts),
    "modbus.object_str_value": ("modbus.identity-text", texts),
    "pn_dcp.suboption_device_devicevendorvalue": ("profinet.device-vendor", texts),
    "s7comm.szl.001c.0001.name": ("s7comm.system-name", texts),
    "s7comm.szl.001c.0005.serialn": ("s7comm.serial-number", texts),
    "s7comm.szl.001c.0007.cputypname": ("s7comm.module-type", texts),
    "snmp.value.octets": ("snmp.text", lambda v: [bytes.fromhex(v).decode("latin-1").strip()]),
    "s7comm.szl.xy11.0001.anz": ("s7comm.order-number", lambda v: texts(v)[:1]),
}


def frame_of(number, source):
    return 0 if source == "dhcp.vendor-class" else int(number)


def main():
    sensor, pcaps = sys.argv[1], pathlib.Path(sys.argv[2])
    if not (pcaps / "identities.jsonl").exists():
        print(f"1..0 # skip: no captures in {pcaps}")
        return 77
    with open(pcaps / "INDEX.tsv", newline="") as f:
        files = {f"{r['repo']}:{r['path']}": r["file"] for r in csv.DictReader(f, delimiter="\t")}
    theirs = collections.defaultdict(set)
    for line in open(pcaps / "identities.jsonl"):
        row = json.loads(line)
        for field, value in row.items():
            if field in FIELDS:
                source, values = FIELDS[field]
                theirs[row["file"]] |= {(frame_of(row["frame.number"], source), source, v) for v in values(value)}
    sources = {source for source, _ in FIELDS.values()}
    wanted = found = said = known = 0
    for name, expected in sorted(theirs.items()):
        out = subprocess.run([sensor, "--read", pcaps / files[name], "--identities"], capture_output=True, text=True).stdout
        ours = {(frame_of(m["frame"], m["from"]), m["from"], m["value"]) for m in map(json.loads, out.splitlines()) if m["from"] in sources}
        in_question = {m for m in ours if m[1] in {e[1] for e in expected}}
        wanted += len(expected)
        found += len(expected & ours)
        said += len(in_question)
        known += len({m for m in in_question if any(m[1:] == e[1:] for e in expected)})
        for e in sorted(expected - ours)[:4]:
            print(f"# {name}: not found: {e}")
        for m in sorted(m for m in in_question if not any(m[1:] == e[1:] for e in expected))[:4]:
            print(f"# {name}: nobody else says: {m}")
    ok = [wanted and found >= 0.98 * wanted, said and known >= 0.98 * said]
    print(f"{'ok' if ok[0] else 'not ok'} 1 - {found} of {wanted} identities are found")
    print(f"{'ok' if ok[1] else 'not ok'} 2 - {known} of {said} that are told are known to tshark, too")
    print("1..2")
    return 0 if all(ok) else 1


sys.exit(main())
