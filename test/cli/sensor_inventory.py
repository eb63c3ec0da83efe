#!/usr/bin/env python3
"""What people at the centre see of a real sensor that listens to real devices: who talks with whom as it was learned, what they say
of that, which devices advisories are about, the report of the site; over restarts, and while the sensor is away. Prints a line
per claim.

Usage: sensor_inventory.py DIRECTORY-OF-PROGRAMS"""

import atexit
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from instances import Instance, make_identities, wait_until
from tap import check, finish, note, skip

BIN = pathlib.Path(sys.argv[1]).resolve()
PEER = pathlib.Path(__file__).resolve().parent / "modbus_peer.py"
CLIENT, DEVICE = "10.7.0.1", "10.7.0.2"
READ, IDENTIFY, WRITE_REGISTER, WRITE_COIL = "010300000002", "012b0e0100", "010600100007", "01050020ff00"
RULES = """detections:
  - name: new-function
    title: A function that was never used
    explanation: "{source} asks {target} for {function}"
    playbook: [Ask why.]
    severity: medium
    protocol: modbus
    kind: request
    new: [source, target, function]
"""

if os.geteuid() != 0:
    skip("not root: no interface can be listened to")

work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
names = {end: f"inv{os.getpid()}-{end}" for end in ("a", "b")}
processes = []


def run(*command):
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


@atexit.register
def end():
    daemon.end()
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
    for name in names.values():
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


def spawn(end_name, *command, **how):
    process = subprocess.Popen(["ip", "netns", "exec", names[end_name], *map(str, command)], text=True, **how)
    processes.append(process)
    return process


def cable():
    for name in names.values():
        run("ip", "netns", "add", name)
        run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
    run("ip", "link", "add", "a0", "netns", names["a"], "type", "veth", "peer", "name", "b0", "netns", names["b"])
    for end_name, address in (("a", CLIENT), ("b", DEVICE)):
        run("ip", "-n", names[end_name], "addr", "add", f"{address}/24", "dev", f"{end_name}0")
        run("ip", "-n", names[end_name], "link", "set", f"{end_name}0", "up")


def start_sensor():
    log = open(here / "s1.log", "a")
    daemon.listen()
    sensor = spawn("b", BIN / "tieline-sensor", "--interface", "b0", "--link", f"unix:{here}/sensors", "--name", "s1", "--rules",
                   here / "rules.yaml", "--learn", "3s", "--baseline", here / "baseline", stderr=log, stdout=log)
    must("the sensor is there", wait_until(lambda: daemon.says("sensor s1 is there")))
    return sensor


def ask(*requests):
    for request in requests:
        client.stdin.write(request + "\n")
        client.stdin.flush()
        client.stdout.readline()


def tieline(person, *args):
    return subprocess.run([BIN / "tieline", *args, "--utc", "--url", f"https://127.0.0.1:{daemon.port}", "--ca", here / "ca.pem",
                           "--cert", here / f"{person}.pem", "--key", here / f"{person}.key"],
                          capture_output=True, text=True, timeout=120)


def document(*args):
    answer = tieline("erin", *args, "--json")
    return json.loads(answer.stdout) if answer.returncode == 0 else {}


def events(kind):
    answer = daemon.ask("GET", f"/journal?type={kind}&limit=1000", timeout=20)
    return [e for e in answer[1]["events"] if e["type"] == kind] if answer and answer[0] == 200 else []


def must(text, holds, seen=""):
    if check(text, holds, seen):
        return
    for log in sorted(here.glob("*.log")):
        note(f"{log.name}:\n" + "\n".join(log.read_text().splitlines()[-12:]))
    sys.exit(1)


def advisory(identity, product, versions, cve, score):
    return json.dumps({
        "document": {"category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Example",
                     "publisher": {"name": "Example CERT"}, "tracking": {"id": identity}},
        "product_tree": {"branches": [{"category": "vendor", "name": "ABB", "branches": [
            {"category": "product_name", "name": product, "branches": [
                {"category": "product_version_range", "name": versions, "product": {
                    "product_id": "A", "name": f"{product} {versions}"}}]}]}]},
        "vulnerabilities": [{"cve": cve, "product_status": {"known_affected": ["A"]},
                             "scores": [{"products": ["A"], "cvss_v3": {"baseScore": score, "baseSeverity": "HIGH"}}],
                             "remediations": [{"category": "vendor_fix", "details": "Update to 3.2", "product_ids": ["A"]}]}]})


def pair():
    """What is known of the client and the device."""
    return next((h for h in document("sensor", "habits", "--address", CLIENT).get("habits", []) if h["protocol"] == "modbus"), {})


def functions():
    return {f["name"]: f for f in pair().get("functions", [])}


def alerts():
    """Of each new function how often."""
    return {a["id"]: a["count"] for a in document("sensor", "alerts", "--rule", "new-function").get("alerts", [])}


def what_was_learned():
    ask(IDENTIFY, READ)
    wait_until(lambda: "read-holding-registers" in functions())
    shown = tieline("erin", "sensor", "habits").stdout
    check("sensor habits: it still learns, and until when", "sensor s1: learning, has heard" in shown and ", until 20" in shown, shown)
    for _ in range(12):
        ask(READ)
        time.sleep(0.4)
    reads = functions()["read-holding-registers"]
    check("which function, how often, about which registers, in which period",
          reads["messages"] == 13 and reads["range"] == {"unit": [1, 1], "address": [0, 0], "quantity": [2, 2]} and
          0.3 < reads["period"] < 1, reads)
    shown = tieline("erin", "sensor", "habits", "--rules").stdout
    check("... it has learned, and how sure it is", "sensor s1: has learned for 3 s" in shown and "new-function " in shown, shown)
    check("nothing of what was learned is an alert", alerts() == {}, alerts())


def what_people_say_of_it():
    ask(WRITE_REGISTER)
    check("a new function is an alert", wait_until(lambda: len(alerts()) == 1), alerts)
    refused = tieline("erin", "sensor", "approve", CLIENT, DEVICE, "--why", "mine")
    check("an ENGINEER may not say that it is fine", refused.returncode == 1 and "403" in refused.stderr, refused.stderr)
    no_reason = tieline("olga", "sensor", "approve", CLIENT, DEVICE)
    check("nobody may without a reason", no_reason.returncode == 2, no_reason.stderr)
    said = tieline("olga", "sensor", "approve", CLIENT, DEVICE, "--protocol", "modbus", "--why", "it is the new master")
    check("an OPERATOR may", said.returncode == 0 and "by sensor s1" in said.stdout, said.stdout + said.stderr)
    ask(WRITE_COIL)
    check("... and what is new of it then is learned", wait_until(lambda: "write-single-coil" in functions()))
    time.sleep(2)
    check("... and is no alert", len(alerts()) == 1, alerts())
    order = events("sensor.habit")
    check("who said so, and why, is in the journal", order and order[0]["actor"] == "olga" and
          order[0]["body"] == {"sensor": "s1", "order": "approve", "client": CLIENT, "server": DEVICE, "protocol": "modbus",
                               "reason": "it is the new master"}, order)
    wrong = tieline("olga", "sensor", "approve", CLIENT, DEVICE, "--protocol", "modbus", "--function", "fly", "--why", "why not")
    check("what the sensor does not know it refuses", wrong.returncode == 1 and "no such one" in wrong.stderr, wrong.stderr)
    check("... which is in the journal, too", wait_until(lambda: events("sensor.habit.failed")))


def it_is_kept(sensor):
    since = pair()["first"]
    sensor.kill()
    sensor.wait()
    sensor = start_sensor()
    check("a sensor that was killed knows what was said, and since when the pair is there",
          wait_until(lambda: pair().get("verdict", {}).get("by") == "olga") and pair()["first"] == since, pair)
    said = tieline("olga", "sensor", "forget", CLIENT, DEVICE, "--why", "the master was replaced")
    check("sensor forget", said.returncode == 0, said.stderr)
    check("... and it is not known any more", wait_until(lambda: not pair()), pair)
    before = alerts()
    ask(READ)
    check("... but new, though the connection is the same", wait_until(lambda: len(alerts()) > len(before)), alerts)
    return sensor


def what_is_affected():
    # A device's changes are told once a minute.
    rows = wait_until(lambda: document("sensor", "vulnerabilities").get("vulnerabilities"), 90, 0.2) or [{}]
    row = rows[0]
    check("sensor vulnerabilities: the device, the advisory, why, what to do", len(rows) == 1 and row.get("address") == DEVICE and
          row["advisory"] == "EX-1" and row["cves"] == ["CVE-2026-0001"] and row["score"] == 8.1 and
          "firmware 3.1 is below 3.2" in row["reason"] and row["remedy"] == "vendor_fix: Update to 3.2", rows)
    shown = tieline("erin", "sensor", "vulnerabilities", "--asset", DEVICE).stdout
    check("... for people", "EX-1" in shown and "Update to 3.2" in shown, shown)
    table = list(csv.DictReader(io.StringIO(tieline("erin", "sensor", "vulnerabilities", "--csv").stdout)))
    check("... and as CSV", len(table) == 1 and table[0]["firmware"] == "3.1" and table[0]["cves"] == "CVE-2026-0001", table)
    check("... it is in the journal, once", len(events("sensor.vulnerability")) == 1, events("sensor.vulnerability"))


def the_report(sensor):
    sensor.terminate()  # it tells what it has counted
    check("told to end, the sensor ends in order", sensor.wait(20) == 0)
    report = document("sensor", "report", "centre", "--since", "1h")
    device = next((a for a in report.get("assets", []) if a["address"] == DEVICE), {})
    check("sensor report: the device with vendor, firmware and role", device.get("vendor", {}).get("value") == "ABB" and
          device["firmware"]["value"] == "3.1" and "server" in device["roles"], report.get("assets"))
    check("... applications, ports in use, bandwidth", [a["name"] for a in report["applications"]][:1] == ["modbus"] and
          report["ports"][0]["name"] == "tcp/502" and report["ports"][0]["servers"] == [DEVICE] and
          report["bandwidth"]["octets"] > 0 and len(report["series"]) >= 1, report["applications"])
    check("... and vulnerabilities", report["vulnerabilities"][0]["advisory"] == "EX-1")
    before = document("sensor", "report", "centre", "--to", "2020-01-01T00:00:00Z")
    check("of a time in which there was nothing, nothing", before["assets"] == [] and before["conversations"] == [], before)
    shown = tieline("erin", "sensor", "report", "centre").stdout
    check("... for people", "Site centre, counted from" in shown and "Ports in use" in shown and "RTU-560" in shown, shown)
    (here / "tables").mkdir()
    tieline("erin", "sensor", "report", "centre", "--csv", "--dir", str(here / "tables"))
    rows = list(csv.DictReader(open(here / "tables/conversations.csv")))
    check("... and as tables", rows and any(r["PORT"] == "502" and r["OCTETS"].isdigit() and r["PEAK"].isdigit() for r in rows), rows)
    away = tieline("erin", "sensor", "habits")
    check("of a sensor that is away nothing is asked, and that is told", "sensor s1 is not asked" in away.stdout, away.stdout)
    refused = tieline("olga", "sensor", "forget", CLIENT, DEVICE, "--why", "x")
    check("... nor is it ordered", refused.returncode == 1 and "not connected" in refused.stderr, refused.stderr)
    check("... and what is affected is still known", len(document("sensor", "vulnerabilities")["vulnerabilities"]) == 1)


(here / "advisories").mkdir()
(here / "advisories/1.json").write_text(advisory("EX-1", "RTU-560-CMU", "< 3.2", "CVE-2026-0001", 8.1))
(here / "advisories/2.json").write_text(advisory("EX-2", "RTU-560-CMU", "< 3.0", "CVE-2026-0002", 9.9))
(here / "advisories/3.json").write_text("{}")
(here / "rules.yaml").write_text(RULES)
make_identities(here, {"erin": ["ENGINEER"], "olga": ["OPERATOR"]})
daemon = Instance(BIN / "tielined", here, "daemon", str(here / "journal.db"), "erin")
daemon.command += ["--sensors", f"unix:{here}/sensors", "--advisories", str(here / "advisories")]
cable()
daemon.start()
must("tielined serves", wait_until(daemon.serves))
device = spawn("b", "python3", PEER, "serve", DEVICE, stdout=subprocess.PIPE)
device.stdout.readline()
listener = start_sensor()
client = spawn("a", "python3", PEER, "ask", DEVICE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
what_was_learned()
what_people_say_of_it()
what_is_affected()
listener = it_is_kept(listener)
the_report(listener)
check("tielined ends in order", daemon.end() == 0)
finish()
