#!/usr/bin/env python3
"""A control centre and a substation, each with its tielined and its nats-server: who comes with a
certificate or claims that are not good, or sends an order again, is refused, and the journal says so.
Prints a line per claim.

Usage: refused.py DIRECTORY-OF-PROGRAMS"""

import atexit
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import instances
from instances import Instance, free_port, make_identities
from nats_peer import Gone, Peer, Refused, creds

BIN = pathlib.Path(sys.argv[1]).resolve()
CENTRE, SITE, OLD, OUT = "control-centre", "substation-a", "substation-old", "substation-out"
claims = failed = 0

if not shutil.which("nats-server"):
    print("1..0 # SKIP there is no nats-server")
    sys.exit(77)

work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
brokers, sites = {}, {}


def wait_until(condition):
    return instances.wait_until(condition, 40, 0.1)


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, cwd=here, timeout=120)


def said(*args):
    result = run(BIN / "tieline", *args, "--json")
    if result.returncode:
        sys.exit(f"tieline {' '.join(map(str, args))}: {result.stderr}")
    return json.loads(result.stdout)


def check(text, holds, seen=""):
    global claims, failed
    claims += 1
    print(f"{'ok' if holds else 'not ok'} {claims} - {text}", flush=True)
    if not holds:
        failed += 1
        print(f"#   {str(seen)[-2000:]}", flush=True)
        for i in sites.values():
            if i.log.exists():
                print(f"# {i.name}:\n#   " + "\n#   ".join(i.log.read_text().splitlines()[-8:]))
        for name in brokers:
            print(f"# {name}'s broker: " + (here / f"broker-{name}.log").read_text()[-400:].replace("\n", "\n#   "))


def end():
    for i in sites.values():
        i.end()
    for broker in brokers.values():
        broker.kill()
        broker.wait()


atexit.register(end)

# ---- Two sites, one whose time is over, one that is to be thrown out

hub_link, ports = free_port(), {CENTRE: free_port(), SITE: free_port(), OLD: 1, OUT: 1}
folder = {CENTRE: "hub", SITE: "a", OLD: "old", OUT: "out"}
authority = said("site", "init", "--dir", "hub", "--hub", f"localhost:{hub_link}", "--listen",
                 f"127.0.0.1:{hub_link}", "--port", ports[CENTRE], "--name", CENTRE)["fingerprint"]


def enrol(name, *more, hub="hub", fingerprint=None, to=None):
    to = to or folder[name]
    asked = said("site", "request", "--dir", to, "--name", name, "--port", ports[name])
    said("site", "enrol", asked["request"], "--dir", hub, "--out", f"{to}.bundle", "--fingerprint",
         asked["fingerprint"], *more)
    said("site", "install", f"{to}.bundle", "--dir", to, "--fingerprint", fingerprint or authority)


enrol(SITE)
enrol(OLD, "--valid", "2s")
enrol(OUT)
evil = said("site", "init", "--dir", "evil-hub", "--hub", "localhost:1", "--port", 1)["fingerprint"]
enrol(SITE, hub="evil-hub", fingerprint=evil, to="evil")
make_identities(here, {"erin": ["SECAUD", "VIEWER"]})


def start_broker(name):
    with open(here / f"broker-{name}.log", "a", encoding="utf-8") as log:
        brokers[name] = subprocess.Popen(
            ["nats-server", "-c", str(here / folder[name] / "current/nats-server.conf")], stdout=log, stderr=log)


def instance(name, *more):
    bus = here / folder[name] / "current"
    i = Instance(BIN / "tielined", here, name, str(here / f"{name}.db"), "erin")
    i.command[i.command.index("--site") + 1] = name
    i.command += ["--roles", "lan,gateway", "--bus", f"tls://127.0.0.1:{ports[name]}", "--bus-credentials",
                  bus / "tielined.creds", "--bus-ca", bus / "ca.pem", "--bus-cert", bus / "client.pem",
                  "--bus-key", bus / "client.key", *more]
    i.command = [str(part) for part in i.command]
    sites[name] = i
    return i


def events(i):
    answer = i.ask("GET", "/journal?type=bus.refused&limit=1000")
    return [e["body"] for e in answer[1]["events"]] if answer and answer[0] == 200 else []


def told(i, **parts):
    """The events that have all of it."""
    return [e for e in events(i) if all(part in e[name] for name, part in parts.items())]


def files(name, who, ca=None):
    base = here / name / "current"
    return {"ca": here / (ca or name) / "current/ca.pem", "cert": base / f"{who}.pem", "key": base / f"{who}.key"}


def knock(source, tls, credentials, port=None, leaf=True):
    """At the hub's port for links, or another; "": it was let in."""
    try:
        Peer(port or hub_link, tls, *credentials, leaf=leaf, source=source).close()
    except (Refused, Gone) as error:
        return str(error) or "closed"
    return ""


def link_creds(name):
    return creds(here / name / "current/leaf.creds")


centre, site = instance(CENTRE, "--peers", f"{SITE}=1"), instance(SITE, "--centre", CENTRE, "--number", 1)
for name in (CENTRE, SITE):
    start_broker(name)
    sites[name].start()


def level(i):
    answer = i.ask("GET", "/peers")
    return answer and answer[0] == 200 and [p for p in answer[1]["peers"] if p["state"] == "level"]


check("the two have each other's journal", wait_until(lambda: level(centre) and level(site)), centre.ask("GET", "/peers"))
check("nobody has been refused", not events(centre) and not events(site), (events(centre), events(site)))

# What is before the first look at a broker is not told: so, until it is.


def watches(i, source, port, leaf):
    return wait_until(lambda: knock(source, files("evil", "server", "a"), link_creds("a"), port, leaf) and
                      told(i, what="stranger", address=source))


check("each looks at whom its broker turns away", watches(centre, "127.0.0.9", hub_link, True) and
      watches(site, "127.0.0.9", ports[SITE], False), (events(centre), events(site)))

# ---- Strangers at the hub

BAD = "TLS Handshake Failure"
why = knock("127.0.0.2", files("evil", "server", "a"), link_creds("a"))
check("a certificate of another authority is refused", why)
check("... and is in the centre's journal", wait_until(lambda: told(
    centre, what="stranger", address="127.0.0.2", reason=BAD)), events(centre))
why = wait_until(lambda: knock("127.0.0.3", files("old", "server"), link_creds("old")))
check("one that has expired is refused", why)
check("... and is in the journal", wait_until(lambda: told(
    centre, what="stranger", address="127.0.0.3", reason=BAD)), events(centre))
check("(a site that is in is let in)", knock("127.0.0.4", files("out", "server"), link_creds("out")) == "")
said("site", "revoke", OUT, "--dir", "hub")
brokers[CENTRE].send_signal(1)
check("once it is revoked it is not", wait_until(
    lambda: knock("127.0.0.4", files("out", "server"), link_creds("out"))))
check("... and that is in the journal", wait_until(lambda: told(
    centre, what="stranger", address="127.0.0.4", reason="link: ")), events(centre))
why = knock("127.0.0.5", files("a", "server"), link_creds("out"))
check("its claims with a certificate that is good are refused", why)
check("... and are in the journal, by the name that they claim", wait_until(lambda: told(
    centre, what="stranger", address="127.0.0.5", who=OUT, reason="Authentication Failure")), events(centre))
why = knock("127.0.0.6", files("a", "client"), (creds(here / "a/current/tielined.creds")[0], link_creds("a")[1]),
            ports[SITE], leaf=False)
check("a client with another's seed is refused at a site's own server", why)
check("... and is in the site's journal", wait_until(lambda: told(
    site, what="stranger", address="127.0.0.6", who=SITE, reason="client: ")), events(site))
for _ in range(30):
    knock("127.0.0.7", files("evil", "server", "a"), link_creds("a"))
knock("127.0.0.8", files("evil", "server", "a"), link_creds("a"))
check("somebody who tries for ever does not fill the journal",
      wait_until(lambda: told(centre, address="127.0.0.8")) and 0 < len(told(centre, address="127.0.0.7")) <= 6,
      events(centre))

# ---- An order that comes again

tap = Peer(ports[SITE], files("a", "client"), *creds(here / "a/current/tielined.creds"))
tap.subscribe(f"site.{SITE}.from.{CENTRE}.lan.>")
tap.sync()


def heard():
    centre.ask("GET", "/nodes")
    tap.more(0.3)
    return [m for m in tap.messages if b'"session"' in m[2]]


orders = wait_until(heard)
check("somebody at the site hears what the centre asks", orders, tap.messages)
if not orders:
    sys.exit(1)
check("... which was refused nothing", not told(site, what="order"), events(site))
forger = Peer(ports[CENTRE], files("hub", "client"), *creds(here / "hub/current/tielined.creds"))
subject, reply, payload, _ = orders[-1]
for _ in range(3):
    forger.publish(subject, payload, reply)
forger.sync()
check("sent again it is refused, and that is in the site's journal", wait_until(lambda: told(
    site, what="order", who=CENTRE, reason="taken before")), events(site))
forger.publish(subject, b"{}", reply)
forger.sync()
check("so is one that does not say which it is", wait_until(lambda: told(
    site, what="order", reason="which one it is")), events(site))
tap.close()
forger.close()

# ---- We are refused ourselves

site.end()
site.command[site.command.index("--bus-credentials") + 1] = str(here / "out/current/tielined.creds")
site.start()
check("a tielined whose claims its own server refuses writes that down", wait_until(lambda: told(
    site, what="credentials", who=SITE, reason="Authorization Violation")), events(site))
site.end()
site.command[site.command.index("--bus-credentials") + 1] = str(here / "a/current/tielined.creds")
site.command[site.command.index("--bus-ca") + 1] = str(here / "evil/current/ca.pem")
site.start()
check("so does one whose server shows a certificate of somebody else", wait_until(lambda: told(
    site, what="tls", who=SITE, reason="certificate")), events(site))

print(f"1..{claims}")
sys.exit(1 if failed else 0)
