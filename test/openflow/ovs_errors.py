#!/usr/bin/python3
"""What we refuse, and with which code, beside what Open vSwitch says to the same octets: every request
of golden/malformed.txt. Where they differ, the reason must be known below.

usage: ovs_errors.py UNIX-SOCKET PATH-OF-openflow_text"""
import os
import re
import socket
import subprocess
import sys

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "malformed.txt")
HELLO = bytes.fromhex("04000010000000010001000800000010")
BARRIER = bytes.fromhex("041400080000ffff")
ERROR, MULTIPART_REPLY, BARRIER_REPLY = 1, 19, 21

# Only messages for a switch can be compared, and only whole ones.
NOT_FOR_A_SWITCH = {ERROR, 6, MULTIPART_REPLY}

KNOWN = {
    "Open vSwitch is more tolerant than the specification": {
        "field given twice, once with an empty mask", "empty mask on a field that has none",
        "mask beyond the field", "VLAN id without OFPVID_PRESENT", "output to port 0",
        "output to TABLE from a flow", "queue ALL", "group command 3", "group id ANY",
        "goto_table 255", "packet_out from port 0", "packet_out with no packet",
        "set_config flags 3", "table_mod config", "bundle type 8", "bundle flags 4",
        "flow monitor whose match is cut", "NXM register",
    },
    "Open vSwitch finds something else wrong first": {
        "match type OFPMT_STANDARD", "match without its padding", "instruction length 12",
        "action unknown", "action of an experimenter", "bucket with a bad action",
        "bucket that outputs to TABLE", "meter flags unknown", "port_mod config bit 1",
        "port_mod advertise beyond 16 bits", "nothing in the bundle",
        "half a header in the bundle", "bundled message longer than the bundle message",
        "HELLO in a bundle", "bundle in a bundle", "bundled message of another xid",
        "unknown message in a bundle", "set with more behind the field than padding",
    },
    "Open vSwitch takes the length as part of a field's name, or knows fields of later versions": {
        "OXM of a wrong length", "OXM mask of half the length",
        "OXM field 42, which 1.3 does not have", "experimenter OXM without experimenter",
    },
    "a code of a later version, or a less specific one": {
        "set in_port", "set a field of an experimenter", "set with a mask",
        "fast failover that watches nothing", "table property with half an OXM header",
        "table property with an experimenter OXM cut",
    },
    "Open vSwitch 3.1 has no code for it in OpenFlow 1.3, and sends one that is undefined": {
        "flow monitor that monitors nothing", "flow monitor flags unknown",
        "flow monitor with a bad match",
    },
}
AT_LEAST_ALIKE = 80


def cases():
    text = open(GOLDEN, encoding="utf8").read()
    for name, wire, code in re.findall(r"^# (.*)\n([0-9a-f]+)\n> ! .*\((\w+)\)$", text, re.M):
        data = bytes.fromhex(wire)
        whole = len(data) >= 8 and int.from_bytes(data[2:4], "big") == len(data)
        if whole and data[1] not in NOT_FOR_A_SWITCH:
            yield name, data, code


def ask(path, data):
    """The ERROR that the request is answered with; None: it is accepted, or the connection ended."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.settimeout(10)
        s.sendall(HELLO + data + BARRIER)
        got = b""
        while True:
            while len(got) >= 8 and len(got) >= (size := int.from_bytes(got[2:4], "big")) >= 8:
                if got[1] in (ERROR, BARRIER_REPLY):
                    return got[:size] if got[1] == ERROR else None
                got = got[size:]
            more = s.recv(65536)
            if not more:
                return None
            got += more


def code_of(program, error):
    if error is None:
        return "accepted"
    text = subprocess.run([program], input=error.hex() + "\n", capture_output=True, text=True,
                          check=False).stdout
    return text.split()[2] if text.startswith("ERROR") else text.strip()


def main():
    path, program = sys.argv[1:]
    reasons = {name: reason for reason, names in KNOWN.items() for name in names}
    alike = failures = 0
    names = set()
    for name, data, ours in cases():
        names.add(name)
        theirs = code_of(program, ask(path, data))
        if theirs == ours:
            alike += 1
        elif name not in reasons:
            failures += 1
            print(f"not ok - {name}: we say {ours}, Open vSwitch {theirs}\n  {data.hex()}")
    for name in set(reasons) - names:
        failures += 1
        print(f"not ok - {name}: there is no such case")
    print(f"# error codes: {alike} like Open vSwitch, {len(names) - alike} known to differ")
    if alike < AT_LEAST_ALIKE:
        failures += 1
        print("not ok - too few are alike")
    return 1 if failures else 0


sys.exit(main())
