#!/usr/bin/env python3
"""A real tieline-sensor and a real tielined: whichever of them is killed, each alert is in the journal once; what people,
rsyslog and other programs get of it. Prints a line per claim.

Usage: sensor.py DIRECTORY-OF-PROGRAMS"""

import csv
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from instances import ROOT, Instance, free_port, make_identities, wait_until
from tap import check, finish, note, skip

BIN = pathlib.Path(sys.argv[1]).resolve()
work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
processes = []


class Sensor:
    """One tieline-sensor on a loopback interface of its own, told alerts by a FIFO."""

    def __init__(self, name, address, fifo):
        self.log, self.process = here / f"{name}.log", None
        self.command = ["unshare", "-n", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", BIN / "tieline-sensor",
                        "--interface", "lo", "--link", address, "--name", name, "--alerts-of", fifo]

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdout=log)
        processes.append(self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def says(self, text):
        return text in self.log.read_text()


class Rsyslog:
    """A real log server that writes what it gets, as it came, into a file."""

    def __init__(self):
        self.tcp, self.udp, self.file = free_port(), free_port(), here / "syslog"
        (here / "rsyslog.conf").write_text(f"""
module(load="imtcp")
module(load="imudp")
input(type="imtcp" port="{self.tcp}" address="127.0.0.1")
input(type="imudp" port="{self.udp}" address="127.0.0.1")
template(name="line" type="string" string="%protocol-version% %syslogseverity-text% %syslogfacility-text% %app-name% %msgid% %msg%\\n")
action(type="omfile" file="{self.file}" template="line")
""")
        (here / "spool").mkdir()
        self.process = subprocess.Popen(["rsyslogd", "-n", "-i", here / "rsyslog.pid", "-f", here / "rsyslog.conf"],
                                        stderr=subprocess.DEVNULL)
        processes.append(self.process)

    def lines(self):
        return self.file.read_text().splitlines() if self.file.exists() else []


def alert(number, rule="modbus-write-by-new-client", count=1, severity="high", title="A write", **more):
    return json.dumps({"id": f"s1/{number}", "rule": rule, "number": 12, "title": title, "severity": severity,
                       "techniques": ["T0855"], "source": {"address": "10.16.0.17", "mac": "02:00:00:10:00:11", "port": 40000},
                       "target": {"address": "10.48.0.9", "port": 502}, "protocol": "modbus", "circuit": None,
                       "explanation": "It has never been seen.", "playbook": ["Look who it is.", "Ask him."],
                       "evidence": {"message": {"function": 6}}, "first": "2026-11-30T10:00:00Z",
                       "last": "2026-11-30T10:00:00Z", "count": count, "incident": "s1/I1", "similar": [], "state": "open",
                       **more}) + "\n"


def modbus_capture(path):
    """A poll and its answer, and the beginnings of a pcap."""
    def packet(src, dst, sport, dport, seq, ack, payload):
        def sum16(data):
            total = sum(struct.unpack(f">{len(data) // 2}H", data))
            while total >> 16:
                total = (total & 0xffff) + (total >> 16)
            return ~total & 0xffff
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, 0x18, 8192, 0, 0) + payload
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, bytes(src), bytes(dst))
        head = head[:10] + struct.pack(">H", sum16(head)) + head[12:]
        return bytes.fromhex("0200000000020200000000010800") + head + tcp
    ask = bytes.fromhex("00010000000601030000000a")
    answer = bytes.fromhex("0001000000170103" "14" + "0001" * 10)
    frames = [packet((10, 7, 0, 1), (10, 7, 0, 2), 40000, 502, 1, 1, ask),
              packet((10, 7, 0, 2), (10, 7, 0, 1), 502, 40000, 1, 1 + len(ask), answer)]
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(frames):
            file.write(struct.pack("<IIII", 1796032800 + i, 0, len(frame), len(frame)) + frame)


def tieline(person, *args):
    return subprocess.run([BIN / "tieline", *args, "--utc", "--url", f"https://127.0.0.1:{daemon.port}", "--ca", here / "ca.pem",
                           "--cert", here / f"{person}.pem", "--key", here / f"{person}.key"],
                          capture_output=True, text=True, timeout=120)


def events(kind):
    """All events of this type."""
    found, at = [], 1
    while at:
        answer = daemon.ask("GET", f"/journal?type={kind}&limit=1000&from={at}", timeout=20)
        if not answer or answer[0] != 200:
            return found
        found += [e for e in answer[1]["events"] if e["type"] == kind]
        at = answer[1].get("next")
    return found


def recorded():
    return sorted(int(e["body"]["alert"]["id"].split("/")[1]) for e in events("sensor.alert"))


def say(*lines):
    with open(fifo, "w") as out:
        out.writelines(lines)


def must(text, holds, seen=""):
    if check(text, holds, seen):
        return
    for log in sorted(here.glob("*.log")):
        note(f"{log.name}:\n" + "\n".join(log.read_text().splitlines()[-15:]))
    sys.exit(1)


def once_each(text, number):
    """Waits until the last of them is there; then each is, once."""
    wait_until(lambda: len(set(recorded())) >= number)
    seen = recorded()
    must(text, seen == list(range(1, number + 1)),
         f"{len(seen)} events, {len(set(seen))} alerts, without {sorted(set(range(1, number + 1)) - set(seen))[:9]}")


def killed_at_any_time():
    rng = random.Random(20261130)
    number = 300
    for begin in range(1, number + 1, 50):
        say(*[alert(n) for n in range(begin, begin + 50)])
        time.sleep(rng.uniform(0, 0.05))
        daemon.kill()
        daemon.start()
        must("tielined is back", wait_until(daemon.serves))
    once_each(f"{number} alerts, tielined killed six times: each is in the journal once", number)
    sensor.kill()
    sensor.start()
    say(*[alert(n) for n in range(1, number + 51)])
    once_each("a sensor that was killed and tells all of them again adds none but the new", number + 50)
    return number + 50


def what_people_see(last):
    listed = tieline("erin", "sensor", "list")
    check("sensor list: it is there", re.search(r"^s1 +centre +there", listed.stdout, re.M), listed.stdout + listed.stderr)
    say(alert(last + 1, rule="no-circuit", title="Nobody allows this", severity="critical"))
    wait_until(lambda: last + 1 in recorded())
    shown = tieline("erin", "sensor", "alerts", "--severity", "critical").stdout
    check("sensor alerts: what is so severe", f"s1/{last + 1} " in shown and "s1/3 " not in shown, shown)
    shown = tieline("erin", "sensor", "alert", f"s1/{last + 1}").stdout
    check("sensor alert: evidence and what to do", "Ask him." in shown and "function" in shown, shown)
    raised = wait_until(lambda: [e for e in daemon.ask("GET", "/exceptions")[1]["exceptions"]
                                 if e["kind"] == "traffic-without-circuit"])
    check("traffic without circuit is an exception", raised and raised[0]["object"] == "address/10.16.0.17", raised)
    check("incidents", "s1/I1" in tieline("erin", "sensor", "incidents").stdout)
    bundle = json.loads(tieline("erin", "sensor", "alert", "s1/1", "--stix").stdout)
    check("--stix: a bundle with a sighting", bundle["type"] == "bundle" and "sighting" in [o["type"] for o in bundle["objects"]])
    refused = tieline("erin", "sensor", "close", f"s1/{last + 1}", "--why", "mine")
    check("an ENGINEER may not close one", refused.returncode == 1 and "403" in refused.stderr, refused.stderr)
    closed = tieline("olga", "sensor", "close", f"s1/{last + 1}", "--why", "a drill")
    check("an OPERATOR may", closed.returncode == 0, closed.stderr)
    end = events("sensor.alert.closed")
    check("who closed it, and why, is in the journal",
          end and end[0]["actor"] == "olga" and end[0]["body"] == {"id": f"s1/{last + 1}", "reason": "a drill"}, end)
    check("... and its exception is closed",
          wait_until(lambda: daemon.ask("GET", "/exceptions?state=closed")[1]["exceptions"]))
    say(alert(last + 1, rule="no-circuit", title="Nobody allows this", severity="critical", count=2))
    check("seen again, it is open again",
          wait_until(lambda: daemon.ask("GET", f"/sensor/alerts/s1%2F{last + 1}")[1]["state"] == "open"))
    return last + 1


def circuits_are_told():
    files = [{"name": p.name, "text": p.read_text()} for p in sorted((ROOT / "lab/data/inventory").glob("*.csv"))]
    daemon.ask("POST", "/import?format=csv", {"files": files}, timeout=30)
    circuits = [{"name": f"c{i}", "service-class": "scada", "rate-kbps": 10,
                 "ip": {"client": "fep", "server": "rtu-b", "protocol": "tcp", "server-ports": [2000 + i]}} for i in range(500)]
    text = json.dumps({"tieline-circuit:circuits": {"circuit": circuits}})
    answer = daemon.ask("POST", "/import?format=json", {"files": [{"name": "c.json", "text": text}]}, timeout=30)
    check("500 circuits are stated", answer and answer[0] == 200, answer)
    check("the sensor is told of all of them", wait_until(lambda: sensor.says("is told of 500 circuits")))


def syslog_gets_them(last):
    wait_until(lambda: len(rsyslog.lines()) >= 1)
    told = [line for line in rsyslog.lines() if "CEF:0|Tieline|tieline-sensor|" in line]
    check("rsyslog got alerts, by RFC 5424, and took the header apart",
          told and all(line.startswith("1 err auth tielined modbus-write-by-new-client CEF:0|") or "no-circuit" in line
                       for line in told), rsyslog.lines()[:3])
    before = len(rsyslog.lines())
    say(alert(last + 1, title="a|b\\c=d", explanation="line one\nline two=three", rule="escaping"))
    line = wait_until(lambda: next((l for l in rsyslog.lines()[before:] if "escaping" in l), None))
    check("... one line for one alert, escaped", line and "|a\\|b\\\\c=d|8|" in line and "msg=line one\\nline two\\=three" in line,
          line)
    return last + 1


def a_flood_stalls_nobody(last):
    say(*[alert(n, severity="low") for n in range(last + 1, last + 8001)])
    slow = 0
    for _ in range(20):
        slow += daemon.ask("GET", "/whoami", timeout=5) is None
        time.sleep(0.05)
    check("8000 alerts at once: tielined answers others meanwhile", slow == 0, slow)
    check("it has the sensor wait", wait_until(lambda: daemon.says("sensor s1 tells more than it may, and has to wait")))
    dropped = wait_until(lambda: events("sensor.dropped"))
    check("what the sensor had no room for is told", dropped and dropped[0]["body"]["by-severity"]["low"] > 0, dropped)
    settled = wait_until(lambda: (lambda n: n + sum(e["body"]["dropped"] for e in events("sensor.dropped"))
                                  == 8000)(len([i for i in recorded() if i > last])), 90, 1)
    check("recorded and dropped are all of them", settled,
          lambda: f'{len([i for i in recorded() if i > last])} {events("sensor.dropped")}')


def a_killed_sensor_is_missed():
    sensor.kill()
    lost = wait_until(lambda: events("sensor.lost"), 90, 0.5)
    check("a sensor that was killed is lost", lost, lambda: sensor.log.read_text()[-500:])
    check("... which is an exception",
          wait_until(lambda: [e for e in daemon.ask("GET", "/exceptions?state=open")[1]["exceptions"]
                              if e["kind"] == "sensor-lost" and e["object"] == "sensor/s1"]))
    sensor.start()
    check("it comes back, and the exception is closed",
          wait_until(lambda: [e for e in daemon.ask("GET", "/exceptions?state=closed")[1]["exceptions"]
                              if e["kind"] == "sensor-lost"]))
    sensor.process.send_signal(signal.SIGTERM)
    check("told to end, the sensor ends in order", sensor.process.wait(20) == 0)


def over_tls():
    """tielined once more, with sensors over the network, and a sensor that reads a capture."""
    global daemon
    port = free_port()
    daemon.end()
    daemon.command[daemon.command.index("--sensors") + 1] = f"127.0.0.1:{port}"
    daemon.command[daemon.command.index("--syslog") + 1] = f"udp:127.0.0.1:{rsyslog.udp}"
    daemon.start()
    must("tielined is back", wait_until(daemon.serves))
    modbus_capture(here / "modbus.pcap")
    (here / "alerts").write_text(alert(1).replace("s1/", "s2/"))
    command = [BIN / "tieline-sensor", "--read", here / "modbus.pcap", "--link", f"127.0.0.1:{port}", "--name", "s2", "--ca",
               here / "ca.pem", "--cert", here / "s2.pem", "--key", here / "s2.key", "--alerts-of", here / "alerts"]
    read = subprocess.run(command, capture_output=True, text=True, timeout=90)
    check("a capture is told over TLS", read.returncode == 0, read.stderr)
    assets = tieline("erin", "sensor", "assets").stdout
    check("its devices are there", "10.7.0.2" in assets and "modbus" in assets, assets)
    rows = list(csv.DictReader(io.StringIO(tieline("erin", "sensor", "assets", "--csv").stdout)))
    server = next((r for r in rows if r["address"] == "10.7.0.2"), None)
    check("... as CSV", server and server["roles"] == "server" and server["protocols"] == "modbus", rows)
    report = tieline("erin", "sensor", "report", "centre").stdout
    check("sensor report: devices, protocols, ports, who talks with whom",
          re.search(r"^10\.7\.0\.1 +10\.7\.0\.2 +tcp +502 +modbus +2 ", report, re.M) and "tcp/502" in report, report)
    check("rsyslog got its alert by UDP",
          wait_until(lambda: [l for l in rsyslog.lines() if "externalId=s2/1 " in l]))
    command[command.index("--name") + 1] = "s3"
    denied = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    processes.append(denied)
    check("a name that its certificate does not have is refused",
          wait_until(lambda: daemon.says('is refused: its certificate is of "s2"')))
    denied.kill()
    denied.wait()


if os.geteuid() != 0:
    skip("not root: no interface can be listened to")
if not shutil.which("rsyslogd"):
    skip("no rsyslogd (tools/setup)")
make_identities(here, {"erin": ["ENGINEER"], "olga": ["OPERATOR"], "s2": []})
fifo = here / "alerts.fifo"
os.mkfifo(fifo)
rsyslog = Rsyslog()
daemon = Instance(BIN / "tielined", here, "daemon", str(here / "journal.db"), "erin")
daemon.command += ["--sensors", f"unix:{here}/sensors", "--syslog", f"tcp:127.0.0.1:{rsyslog.tcp}"]
sensor = Sensor("s1", f"unix:{here}/sensors", fifo)
try:
    daemon.start()
    must("tielined serves", wait_until(daemon.serves))
    sensor.start()
    must("the sensor is there", wait_until(lambda: daemon.says("sensor s1 is there")))
    check("its socket is for its group", (here / "sensors").stat().st_mode & 0o777 == 0o660)
    highest = killed_at_any_time()
    highest = what_people_see(highest)
    circuits_are_told()
    highest = syslog_gets_them(highest)
    a_flood_stalls_nobody(highest)
    a_killed_sensor_is_missed()
    over_tls()
    check("tielined ends in order", daemon.end() == 0)
finally:
    daemon.end()
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
finish()
