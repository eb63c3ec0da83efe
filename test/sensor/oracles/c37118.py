"""C37.118: heads, commands, configurations with their names, and every value of the data."""
import math
import re
import subprocess
from datetime import datetime

from readings import Real, flat, numbers, own, tshark

FOLDER = "c37118"  # of the captures

HEAD = ("frtype", "version", "idcode_stream_source", "fracsec_raw", "command", "conf.numpmu", "idcode_data_source",
        "conf.cfgcnt", "num_phasors", "num_analog_values", "num_digital_status_words", "rate_of_transmission",
        "frequency_deviation_from_nominal", "digital_status_word")
PORTS = ("-d", "udp.port==40713,synphasor")  # it knows the protocol by its port alone
PHASOR = re.compile(r"Phasor #\d+: .*?(-?[\d.]+)[VA] ∠ *(-?[\d.]+)° alt *(-?[\d.]+)\+j *(-?[\d.]+)[VA]")
NAME = re.compile(r'(?:Station|name|label|Analog value) #\d+: "(.*?)\s*"$')
ANALOG = re.compile(r'Analog value #\d+: ".*", *(-?[\d.]+)$')
POLAR = re.compile(r"notation: polar")


def told(capture):
    """What it prints but has no field for, by frame: names, and phasors as they were sent."""
    command = ["tshark", "-n", "-r", capture, *PORTS, "-Y", "synphasor", "-O", "synphasor"]
    names, phasors, analogs, frame, polar = {}, {}, {}, 0, False
    for line in subprocess.run(command, capture_output=True, text=True, errors="replace").stdout.splitlines():
        if line.startswith("Frame "):
            frame = int(line.split()[1].rstrip(":"))
        elif match := NAME.search(line):
            names.setdefault(frame, []).append(match.group(1))
        elif match := ANALOG.search(line):
            analogs.setdefault(frame, []).append(float(match.group(1)))
        elif match := PHASOR.search(line):
            numbers_of = [float(n) for n in match.groups()]
            phasors.setdefault(frame, []).extend(numbers_of[:2] if polar else numbers_of[2:])
        elif "notation:" in line:
            polar = bool(POLAR.search(line))
    return names, phasors, analogs


class Rounded(float):
    """As near as three places behind the point are, of single precision."""

    def __eq__(self, other):
        return math.isclose(self, other, rel_tol=1e-6, abs_tol=6e-4)

    def __ne__(self, other):
        return not self == other

    __hash__ = float.__hash__


def theirs(capture):
    columns = [f"synphasor.{n}" for n in HEAD]
    rest = ("synphasor.soc", "synphasor.actual_frequency_value", "synphasor.checksum.status")
    names, phasors, analogs = told(capture)
    for f in tshark(capture, "synphasor", (*columns, *rest), PORTS):
        times = [datetime.strptime(" ".join(t.split()), "%b %d, %Y %H:%M:%S").isoformat()
                 for t in re.findall(r"\w+ +\d+, \d+ \d\d:\d\d:\d\d", f["synphasor.soc"])]
        frame = int(f["frame"])
        yield frame, len(numbers(f["synphasor.frtype"])), (
            [numbers(f[c]) for c in columns], times, [Real(v) for v in f["synphasor.actual_frequency_value"].split(",") if v],
            [int(v != 1) for v in numbers(f["synphasor.checksum.status"])], names.get(frame, []),
            [Rounded(v) for v in phasors.get(frame, [])], [Rounded(v) for v in analogs.get(frame, [])])


def of_ours(messages):
    def of(name):
        return flat(own(messages, name))

    types = [4 if m["function"] >= 0x100 else m["function"] for m in messages]
    configurations = [m for m in messages if m["function"] in (2, 3, 5)]
    data = [o for m in messages if m["function"] == 0 for o in m["fields"] if "frequency" in o]
    head = [types, of("version"), of("id"), of("fraction"), of("command"), of("pmus"), flat(own(configurations, "pmu")),
            of("changes"), of("phasors"), of("analogs"), of("digitals"), of("data-rate"), of("deviation"), of("digital")]
    frequencies = [Real(o["frequency"]) for o in data if "deviation" not in o]
    names = [n for m in configurations for o in m["fields"] for k in ("station", "channel", "label") for n in flat([o.get(k, [])])]
    phasors = []
    for o in data:
        for pair in (("phasor-magnitude", "phasor-angle"), ("phasor-real", "phasor-imaginary")):
            one, two = flat([o.get(pair[0], [])]), flat([o.get(pair[1], [])])
            for a, b in zip(one, two):
                phasors += [Rounded(a), Rounded(math.degrees(b) if "angle" in pair[1] else b)]
    analogs = [Rounded(v) for o in data for v in flat([o.get("analog", [])])]
    bad = [int("bad-crc" in m["fields"][0]) for m in messages]
    return head, [t[:19] for t in of("time")], frequencies, bad, names, phasors, analogs
