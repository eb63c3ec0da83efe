"""What tshark and tieline-sensor say of a capture, for the oracles: lists of equal things in the order they stand."""
import collections
import json
import math
import subprocess


def numbers(text):
    return [int(n, 0) for n in text.split(",") if n != ""]


def tshark(capture, display, fields, options=()):
    """[{field: text}], one for each frame that the display filter lets through."""
    command = ["tshark", "-n", "-r", capture, "-Y", display, *options, "-T", "fields", "-E", "separator=/t",
               "-E", "occurrence=a", "-E", "aggregator=,", "-e", "frame.number"]
    for field in fields:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    return [dict(zip(["frame", *fields], line.split("\t"))) for line in out.splitlines()]


def ours(sensor, capture, protocol):
    out = subprocess.run([sensor, "--read", capture, "--messages"], capture_output=True, text=True).stdout
    lines = [json.loads(line) for line in out.splitlines()]
    return [m for m in lines if m["protocol"] == protocol and "malformed" not in m]


def by_frame(messages):
    frames = collections.defaultdict(list)
    for m in messages:
        frames[m["frame"]].append(m)
    return frames


def own(messages, name):
    """Of the messages' own fields, and of their objects' behind them."""
    return [o[name] for m in messages for o in m["fields"] if name in o]


def flat(values):
    return [v for value in values for v in (value if isinstance(value, list) else [value])]


class Real(float):
    """As near as tshark prints it."""

    def __eq__(self, other):
        return math.isclose(self, other, rel_tol=1e-5, abs_tol=1e-8) or (math.isnan(self) and math.isnan(other))

    def __ne__(self, other):
        return not self == other

    __hash__ = float.__hash__
