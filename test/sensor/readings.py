"""What tshark and tieline-sensor say of a capture, for the oracles: lists of equal things in the order they stand."""
import collections
import hashlib
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile

CARRIERS = {"ip", "ipv6", "tcp", "udp", "icmp", "icmpv6", "eth"}


def numbers(text):
    return [int(n, 0) for n in text.split(",") if n != ""]


def protocols_in(capture):
    """Names of what tshark finds in it, in any frame. Kept for the other oracles, of which each reads all captures."""
    facts = os.stat(capture)
    key = hashlib.sha256(f"{os.path.realpath(capture)} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()
    kept = pathlib.Path(tempfile.gettempdir(), f"tieline-oracles-{os.getuid()}", key)
    try:
        return set(kept.read_text().split())
    except OSError:
        pass
    out = subprocess.run(["tshark", "-n", "-r", capture, "-T", "fields", "-e", "frame.protocols"], capture_output=True, text=True,
                         errors="replace").stdout
    found = {name for line in set(out.splitlines()) for name in line.split(":")}
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False) as whole:
        whole.write(" ".join(sorted(found)))
    os.replace(whole.name, kept)
    return found


def can_show(capture, display, options):
    """Has it any of the protocols that the filter is about? Whatever is not sure, may be. Options may change what is found."""
    about = set(re.findall(r"(?<![.\w])[a-z][a-z0-9_]*", display)) - CARRIERS
    return bool(options) or not about or not about.isdisjoint(protocols_in(capture))


def tshark(capture, display, fields, options=()):
    """[{field: text}], one for each frame that the display filter lets through."""
    if not can_show(capture, display, options):
        return []
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
