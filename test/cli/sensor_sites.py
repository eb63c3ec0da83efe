#!/usr/bin/env python3
"""A control centre and a substation, each with its tielined, its nats-server and a real tieline-sensor of the same name: what
the centre shows of the substation's sensor, also while it cannot be reached, and who closes an alert. Prints a line per claim.

Usage: sensor_sites.py DIRECTORY-OF-PROGRAMS"""

import atexit
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from instances import Instance, free_port, make_identities, wait_until
from tap import check, finish, note, skip

BIN = pathlib.Path(sys.argv[1]).resolve()
CENTRE, SITE = "control-centre", "substation-a"

if not shutil.which("nats-server"):
    skip("there is no nats-server")
if os.geteuid() != 0:
    skip("not root: no interface can be listened to")

work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
processes, brokers, sites = [], {}, {}


def said(*args):
    result = subprocess.run([str(a) for a in (BIN / "tieline", *args, "--json")], capture_output=True, text=True, cwd=here, timeout=120)
    if result.returncode:
        sys.exit(f"tieline {' '.join(map(str, args))}: {result.stderr}")
    return json.loads(result.stdout)


def must(text, holds, seen=""):
    if check(text, holds, seen):
        return
    for log in sorted(here.glob("*.log")):
        note(f"{log.name}:\n" + "\n".join(log.read_text().splitlines()[-12:]))
    sys.exit(1)


@atexit.register
def end():
    for instance in sites.values():
        instance.end()
    for process in (*processes, *brokers.values()):
        process.kill()
        process.wait()


hub_link, ports = free_port(), {CENTRE: free_port(), SITE: free_port()}
authority = said("site", "init", "--dir", "hub", "--hub", f"localhost:{hub_link}", "--listen", f"127.0.0.1:{hub_link}", "--port",
                 ports[CENTRE], "--name", CENTRE)["fingerprint"]
asked = said("site", "request", "--dir", "a", "--name", SITE, "--port", ports[SITE])
said("site", "enrol", asked["request"], "--dir", "hub", "--out", "a.bundle", "--fingerprint", asked["fingerprint"])
said("site", "install", "a.bundle", "--dir", "a", "--fingerprint", authority)
folder = {CENTRE: "hub", SITE: "a"}
make_identities(here, {"olga": ["OPERATOR"]})


def start_broker(name):
    with open(here / f"broker-{name}.log", "a") as log:
        brokers[name] = subprocess.Popen(["nats-server", "-c", here / folder[name] / "current/nats-server.conf"], stdout=log, stderr=log)


def instance(name, *more):
    bus = here / folder[name] / "current"
    i = Instance(BIN / "tielined", here, name, str(here / f"{name}.db"), "olga")
    i.command[i.command.index("--site") + 1] = name
    i.command += ["--roles", "gateway", "--bus", f"tls://127.0.0.1:{ports[name]}", "--bus-credentials", bus / "tielined.creds",
                  "--bus-ca", bus / "ca.pem", "--bus-cert", bus / "client.pem", "--bus-key", bus / "client.key", "--sensors",
                  f"unix:{here}/{name}.sensors", *more]
    i.command = [str(part) for part in i.command]
    sites[name] = i
    return i


def alert(number):
    return json.dumps({"id": f"s1/{number}", "rule": "r", "title": "A title", "severity": "low", "first": "2026-11-30T10:00:00Z",
                       "last": "2026-11-30T10:00:00Z", "count": 1}) + "\n"


def start_sensor(name):
    fifo = here / f"{name}.fifo"
    os.mkfifo(fifo)
    with open(here / f"sensor-{name}.log", "a") as log:
        processes.append(subprocess.Popen(
            ["unshare", "-n", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", BIN / "tieline-sensor", "--interface", "lo",
             "--link", f"unix:{here}/{name}.sensors", "--name", "s1", "--alerts-of", fifo], stdout=log, stderr=log))
    return fifo


def say(fifo, *lines):
    with open(fifo, "w") as out:
        out.writelines(lines)


def get(i, path):
    answer = i.ask("GET", path)
    return answer[1] if answer and answer[0] == 200 else None


def alerts(i, query=""):
    """{(site, id): state}"""
    answer = get(i, f"/sensor/alerts{query}") or {"alerts": []}
    return {(a["site"], a["id"]): a["state"] for a in answer["alerts"]}


def close(i, path):
    answer = i.ask("POST", path, {"reason": "a drill"}, timeout=20)
    return answer[0] if answer else None


centre = instance(CENTRE, "--peers", f"{SITE}=1")
site = instance(SITE, "--centre", CENTRE, "--number", 1)
for name, i in sites.items():
    start_broker(name)
    i.start()
for i in sites.values():
    must(f"{i.name} serves", wait_until(i.serves))
fifos = {name: start_sensor(name) for name in sites}
for i in sites.values():
    must(f"{i.name} has its sensor", wait_until(lambda: i.says("sensor s1 is there")))
say(fifos[SITE], alert(1), alert(2))
say(fifos[CENTRE], alert(1))

both = {(SITE, "s1/1"), (SITE, "s1/2"), (CENTRE, "s1/1")}
must("the centre shows what both sensors told", wait_until(lambda: set(alerts(centre)) == both), lambda: alerts(centre))
check("by site", set(alerts(centre, f"?site={SITE}")) == {(SITE, "s1/1"), (SITE, "s1/2")})
listed = {(s["site"], s["name"]): s["state"] for s in get(centre, "/sensors")["sensors"]}
check("both are listed, though they have one name", listed == {(SITE, "s1"): "there", (CENTRE, "s1"): "there"}, listed)
answer = centre.ask("GET", "/sensor/alerts/s1%2F1")
check("which of two is meant has to be said", answer and answer[0] == 409, answer)
check("... then it is shown", get(centre, f"/sensor/alerts/s1%2F1?site={SITE}")["site"] == SITE)

check("the centre closes one of the site", wait_until(lambda: close(centre, "/sensor/alerts/s1%2F2/close") == 200))
check("... there", wait_until(lambda: alerts(site).get((SITE, "s1/2")) == "closed"), lambda: alerts(site))
closed = [e for e in get(site, "/journal?type=sensor.alert.closed")["events"]]
check("... by whom, in the site's journal", closed and closed[0]["actor"] == "olga", closed)
check("and sees it so", wait_until(lambda: alerts(centre).get((SITE, "s1/2")) == "closed"), lambda: alerts(centre))
check("the other site's of the same number is as it was", alerts(centre)[CENTRE, "s1/1"] == "open")
traffic = wait_until(lambda: get(centre, f"/sensor/traffic?site={SITE}"))
check("who talks with whom is asked of the site", traffic and traffic["site"] == SITE, traffic)
learned = wait_until(lambda: get(centre, f"/sensor/habits?site={SITE}"))
check("what was learned is asked of the site's sensor", learned and learned["site"] == SITE and learned["sensor"] == "s1", learned)
ordered = centre.ask("POST", f"/sensor/habits/approve?site={SITE}", {"client": "10.0.0.1", "server": "10.0.0.2", "reason": "a drill"},
                     timeout=20)
check("an order about it goes there: a sensor without rules refuses it", ordered and ordered[0] == 422 and
      "no rules" in ordered[1]["detail"], ordered)
orders = lambda: [(e["type"], e["actor"]) for e in (get(site, "/journal?type=sensor.habit") or {"events": []})["events"]]
check("... by whom, in the site's journal, and that it failed",
      wait_until(lambda: orders() == [("sensor.habit", "olga"), ("sensor.habit.failed", "system/sensors")]), orders)

brokers[SITE].kill()
brokers[SITE].wait()
say(fifos[SITE], alert(3))
check("a site that is cut off records on", wait_until(lambda: (SITE, "s1/3") in alerts(site)))
check("... and the centre shows what it knew", (SITE, "s1/1") in alerts(centre) and (SITE, "s1/3") not in alerts(centre))
check("... but closes nothing there", close(centre, f"/sensor/alerts/s1%2F1/close?site={SITE}") in (503, 504))
start_broker(SITE)
check("when it is back, so is what it recorded", wait_until(lambda: (SITE, "s1/3") in alerts(centre)), lambda: alerts(centre))
centre.end()
centre.start()
check("a centre that begins anew knows it still", wait_until(lambda: set(alerts(centre)) == both | {(SITE, "s1/3")}),
      lambda: alerts(centre))
finish()
