#!/usr/bin/env python3
"""A control centre and a substation, each with its tielined and its nats-server, provisioned by
`tieline site`: each countersigns the checkpoints of the other's journal. Then somebody who may write
to the substation's disk tampers with its journal as well as can be done, hashes and all. Prints a
line per claim.

Usage: witness.py DIRECTORY-OF-PROGRAMS"""

import atexit
import base64
import hashlib
import json
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile

import instances
import tap
from instances import Instance, free_port, make_identities

BIN = pathlib.Path(sys.argv[1]).resolve()
CENTRE, SITE = "control-centre", "substation-a"

if not shutil.which("nats-server"):
    tap.skip("there is no nats-server")

work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
brokers, sites = {}, {}


def wait_until(condition):
    return instances.wait_until(condition, 40, 0.1)


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, cwd=here, timeout=120)


def tieline(*args):
    return run(BIN / "tieline", *args)


def check(text, holds, seen=""):
    if tap.check(text, holds, seen):
        return
    for instance in sites.values():
        if instance.log.exists():
            tap.note(f"{instance.name}:\n" + "\n".join(instance.log.read_text().splitlines()[-8:]))
    for name in brokers:
        tap.note(f"{name}'s broker: " + (here / f"broker-{name}.log").read_text()[-400:])


def said(*args):
    result = tieline(*args, "--json")
    if result.returncode:
        sys.exit(f"tieline {' '.join(map(str, args))}: {result.stderr}")
    return json.loads(result.stdout)


def end():
    for instance in sites.values():
        instance.end()
    for broker in brokers.values():
        broker.kill()
        broker.wait()


atexit.register(end)

# ---- Two sites

hub_link, ports = free_port(), {CENTRE: free_port(), SITE: free_port()}
authority = said("site", "init", "--dir", "hub", "--hub", f"localhost:{hub_link}", "--listen",
                 f"127.0.0.1:{hub_link}", "--port", ports[CENTRE], "--name", CENTRE)["fingerprint"]
asked = said("site", "request", "--dir", "a", "--name", SITE, "--port", ports[SITE])
said("site", "enrol", asked["request"], "--dir", "hub", "--out", "a.bundle", "--fingerprint",
     asked["fingerprint"])
said("site", "install", "a.bundle", "--dir", "a", "--fingerprint", authority)
folder = {CENTRE: "hub", SITE: "a"}
make_identities(here, {"erin": ["SECAUD", "VIEWER"]})
lines = []
for name in (CENTRE, SITE, "stranger"):
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", f"{name}.sign")
    lines.append(tieline("content", "key", "--secret", f"{name}.sign", "--signer", name).stdout.strip())
(here / "keys").write_text("# who signs checkpoints\n" + "\n".join(lines[:2]) + "\n")


def start_broker(name):
    with open(here / f"broker-{name}.log", "a", encoding="utf-8") as log:
        brokers[name] = subprocess.Popen(
            ["nats-server", "-c", str(here / folder[name] / "current/nats-server.conf")], stdout=log, stderr=log)


def instance(name, every, *more):
    bus = here / folder[name] / "current"
    i = Instance(BIN / "tielined", here, name, str(here / f"{name}.db"), "erin")
    i.command[i.command.index("--site") + 1] = name
    i.command += ["--roles", "gateway", "--bus", f"tls://127.0.0.1:{ports[name]}", "--bus-credentials",
                  bus / "tielined.creds", "--bus-ca", bus / "ca.pem", "--bus-cert", bus / "client.pem",
                  "--bus-key", bus / "client.key", "--checkpoint-key", here / f"{name}.sign",
                  "--checkpoint-every", every, "--witness-keys", here / "keys", *more]
    i.command = [str(part) for part in i.command]
    sites[name] = i
    return i


def checkpoint(i):
    answer = i.ask("GET", "/journal/checkpoint")
    return answer[1] if answer and answer[0] == 200 else {}


def countersigned(i, least=1):
    c = checkpoint(i)
    return c if c.get("events", 0) >= least and any(
        w["state"] == "countersigned" for w in c["witnesses"]) else None


def journal(i):
    return here / f"{i.name}.db"


def verify(*more, name=SITE):
    result = tieline("journal", "verify", "--file", f"{name}.db", "--trust", "keys", *more)
    return result.returncode, result.stdout, result.stderr


def head(i):
    answer = i.ask("GET", "/journal?limit=1")
    return answer[1]["head"]["seq"] if answer and answer[0] == 200 else 0


centre = instance(CENTRE, "1s,20", "--peers", f"{SITE}=1")
site = instance(SITE, "1s", "--centre", CENTRE, "--number", 1, "--test-events", 20)
for name in (CENTRE, SITE):
    start_broker(name)
    sites[name].start()
check("the substation's checkpoint is countersigned by the centre",
      wait_until(lambda: countersigned(site, 60)), checkpoint(site))
check("... and the centre's by the substation", wait_until(lambda: countersigned(centre)), checkpoint(centre))
first = checkpoint(site)["events"]
check("and so is its next one", wait_until(lambda: countersigned(site, first + 1)), checkpoint(site))
note = checkpoint(site)["note"]
check("both signatures are there, as tools of others look for them",
      f"\u2014 {SITE} " in note and f"\u2014 {CENTRE} " in note and
      note.startswith(f"tieline-journal/{SITE}/"), note)
result = tieline("--url", f"https://127.0.0.1:{site.port}", "--ca", "ca.pem", "--cert", "erin.pem", "--key",
                 "erin.key", "journal", "checkpoint", "--save", "now.note")
check("tieline asks a server for its newest", result.returncode == 0 and
      (here / "now.note").read_text().startswith(f"tieline-journal/{SITE}/"), result.stderr)

# ---- A witness that is away

brokers[CENTRE].kill()
brokers.pop(CENTRE).wait()
before = checkpoint(site)["events"]
check("while the witness is away, checkpoints go on",
      wait_until(lambda: (c := checkpoint(site)).get("events", 0) > before + 40 and
                 c["witnesses"][0]["state"] == "waiting"), checkpoint(site))
start_broker(CENTRE)
check("... and the newest is countersigned when it is back",
      wait_until(lambda: countersigned(site, before + 41)), checkpoint(site))

# ---- It ends between its memory and the answer: nobody can say when. So: the site has not heard.

site.end()
size = head_size = 0
text = (here / f"{SITE}.db.checkpoints").read_text()
notes = text.split("\n\n")
witnessed = here / f"{CENTRE}.db.sites" / f"{SITE}.witnessed"
remembered = witnessed.read_bytes()
cut = text.rindex(f"\u2014 {CENTRE} ")
(here / f"{SITE}.db.checkpoints").write_text(text[:cut + 20])  # killed while it wrote that, too
site.command[-1] = "1"
site.start()
check("a site that was killed before it had the signature gets one again", wait_until(lambda: countersigned(site)),
      checkpoint(site))
site.end()
code, out, err = verify()
check("the journal is what was countersigned, all the way",
      code == 0 and "countersigned" in out and "sound" in out, (out, err))
report = json.loads(verify("--json")[1])
check("... and in JSON", report["ok"] and report["checkpoints"]["ok"] and
      report["checkpoints"]["countersigned"] > 2 and report["checkpoints"]["countersigned-events"] > 60, report)
code, out, err = verify("--checkpoints", witnessed)
check("... also by what the witness remembers", code == 0 and "countersigned" in out, (out, err))

# ---- Evidence

result = tieline("journal", "evidence", "12-31", "--file", f"{SITE}.db", "--trust", "keys", "--save", "e.json")
check("evidence of an interval takes the newest countersigned checkpoint by itself",
      result.returncode == 0 and f"\u2014 {CENTRE} " in json.loads((here / "e.json").read_text())["checkpoint"],
      result.stderr)
result = tieline("journal", "check", "e.json", "--trust", "keys")
check("whoever has the two public keys checks it with one command",
      result.returncode == 0 and f"countersigned by {CENTRE}" in result.stdout and
      "events 12 to 31" in result.stdout, (result.stdout, result.stderr))
evidence = json.loads((here / "e.json").read_text())
for what, change in {
        "an event in the middle that was changed": lambda e: e["before"][7].update(actor="mallory"),
        "one that was left out": lambda e: e["before"].pop(7),
        "two that were exchanged": lambda e: e["before"].insert(3, e["before"].pop(4)),
        "the last that was changed": lambda e: e["event"].update(body="{}")}.items():
    bad = json.loads(json.dumps(evidence))
    change(bad)
    (here / "bad.json").write_text(json.dumps(bad))
    result = tieline("journal", "check", "bad.json", "--trust", "keys")
    check(f"... and finds {what}", result.returncode == 1 and "as it is here" in result.stderr, result.stderr)
evidence["checkpoint"] = "".join(line for line in evidence["checkpoint"].splitlines(True)
                                 if not line.startswith(f"\u2014 {CENTRE}"))
(here / "bad.json").write_text(json.dumps(evidence))
result = tieline("journal", "check", "bad.json", "--trust", "keys")
check("... and that nobody countersigned it", result.returncode == 1 and "nobody who is trusted" in result.stderr,
      result.stderr)
(here / "strangers").write_text(lines[2] + "\n")
result = tieline("journal", "check", "e.json", "--trust", "strangers")
check("... and a key that is another's", result.returncode == 1 and "not signed by its site" in result.stderr,
      result.stderr)

# ---- Somebody tampers with the journal, hashes and all

for suffix in ("", ".checkpoints"):
    shutil.copy(here / f"{SITE}.db{suffix}", here / f"good.db{suffix}")


def restore():
    for path in here.glob(f"{SITE}.db*"):
        if path.is_file():
            path.unlink()
    for suffix in ("", ".checkpoints"):
        shutil.copy(here / f"good.db{suffix}", here / f"{SITE}.db{suffix}")


def rewrite(first, change):
    """Writes all events from `first` on anew: as doc says that they are hashed. None: it is left out."""
    db = sqlite3.connect(here / f"{SITE}.db")
    name, = db.execute("SELECT site FROM journal").fetchone()
    rows = db.execute("SELECT * FROM event WHERE seq >= ? ORDER BY seq", (first,)).fetchall()
    previous = rows[0][6]
    db.execute("DELETE FROM event WHERE seq >= ?", (first,))
    seq = first
    for row in change([list(r) for r in rows]):
        row[0], row[6] = seq, previous
        texts = b"".join(struct.pack(">I", len(t.encode())) + t.encode()
                         for t in (name, row[3], row[4], row[5], row[8]))
        row[7] = previous = hashlib.sha256(b"TLE1" + struct.pack(">QQQ", *row[:3]) + previous + texts).digest()
        db.execute("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?)", row)
        seq += 1
    if seq > first:
        db.execute("UPDATE head SET seq = ?, hash = ?", (seq - 1, previous))
    else:
        hash_of, = db.execute("SELECT hash FROM event WHERE seq = ?", (first - 1,)).fetchone()
        db.execute("UPDATE head SET seq = ?, hash = ?", (first - 1, hash_of))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def falsify(rows):
    rows[0][5] = "mallory"
    return rows


def exchange(rows):
    rows[0][8], rows[1][8] = rows[1][8], rows[0][8]
    return rows


rewrite(50, lambda rows: rows)
check("(written anew as it was, it is the same)", verify()[0] == 0, verify())
for what, change, fault in (("cut off", lambda rows: [], "truncated"),
                            ("changed, its hashes made anew", falsify, "differs"),
                            ("put in another order, hashes made anew", exchange, "differs"),
                            ("short of an event, hashes made anew", lambda rows: rows[1:], "differs")):
    restore()
    rewrite(50, change)
    alone = tieline("journal", "verify", "--file", f"{SITE}.db", "--checkpoints", "/dev/null")
    code, out, err = verify()
    check(f"a journal that was {what} is found by its checkpoints, and by nothing else",
          alone.returncode == 0 and code == 1 and f": {fault}: " in out and
          "another site has countersigned" in out, (alone.stdout, out, err))
    found = [f for f in json.loads(verify("--json")[1])["checkpoints"]["findings"] if f["fault"] == fault]
    check("... it is said from which event on",
          found and found[0]["countersigned"] and
          (found[0]["first"] == 50 if fault == "truncated" else found[0]["first"] <= 50 <= found[0]["last"]), found)
    if fault == "differs":
        code, out, err = verify("--checkpoints", witnessed)
        check("... also by what the witness remembers", code == 1 and ": differs: " in out, (out, err))

# The site is started with such a journal, and without its own memory: it would sign that.


def exceptions(i):
    answer = i.ask("GET", "/exceptions")
    return [e for e in (answer[1]["exceptions"] if answer and answer[0] == 200 else [])
            if e["kind"] == "checkpoint-refused"]


def events(i, kind):
    answer = i.ask("GET", f"/journal?type={kind}&limit=1000")
    return answer[1]["events"] if answer and answer[0] == 200 else []


(here / f"{SITE}.db.checkpoints").unlink()
check("(until now the witness has refused nothing)", not exceptions(centre) and
      not events(centre, "checkpoint."), exceptions(centre))
last = int(remembered.decode().split("\n\n")[-3].split("\n")[1]) if remembered else 0
before = witnessed.read_bytes()
site.start()
check("the witness refuses what a forged journal is signed as",
      wait_until(lambda: checkpoint(site).get("witnesses", [{}])[0].get("state") == "refused"), checkpoint(site))
check("... raises an exception", wait_until(lambda: exceptions(centre)) and
      exceptions(centre)[0]["severity"] == "critical" and
      exceptions(centre)[0]["object"] == f"journal/{SITE}", exceptions(centre))
check("... has it in its journal", wait_until(lambda: events(centre, "checkpoint.refused")) and
      any(why in events(centre, "checkpoint.refused")[0]["body"]["reason"]
          for why in ("has a fork", "is a fork", "not that of the copy here")),
      events(centre, "checkpoint.refused"))
check("... and has signed nothing", witnessed.read_bytes() == before)
code, out, err = verify("--checkpoints", witnessed)
check("the journal still does not go with what was countersigned", code == 1 and ": differs: " in out, (out, err))

# Cut off, and grown again: a fork.
site.end()
restore()
rewrite(50, lambda rows: [])
(here / f"{SITE}.db.checkpoints").unlink()
site.start()
check("a journal that was cut off is refused, too",
      wait_until(lambda: (c := checkpoint(site)) and c["witnesses"][0]["state"] == "refused"), checkpoint(site))
check("... and that it was cut off is the reason",
      "cut off" in checkpoint(site)["witnesses"][0]["why"], checkpoint(site))
site.end()
result = tieline("journal", "verify", "--file", f"{SITE}.db", "--trust", "keys", "--checkpoints", witnessed)
check("... and found", result.returncode == 1 and ": truncated: " in result.stdout, result.stdout)
with open(here / f"{SITE}.db.checkpoints", "a", encoding="utf-8") as both:
    both.write(witnessed.read_text())

# A new journal of the site is a new one: countersigned from its beginning, and the old is not forgotten.
for path in here.glob(f"{SITE}.db*"):
    if path.is_file():
        path.unlink()
site.command[-1] = "20"
site.start()
check("a new journal of the site is countersigned", wait_until(lambda: countersigned(site, 10)), checkpoint(site))
check("... and what was known of the old one is remembered", before in witnessed.read_bytes())
site.end()
shutil.copy(here / "good.db.checkpoints", here / "mixed")
code, out, err = verify("--checkpoints", "mixed")
check("a journal that was exchanged for another is found", code == 1 and ": foreign: " in out, (out, err))

# ---- What is asked for and cannot be

for more, what in ((["--witness-keys", "keys"], "--checkpoint-key is needed"),
                   (["--checkpoint-key", "keys"], "keys: not an Ed25519 private key"),
                   (["--checkpoint-key", f"{SITE}.sign", "--checkpoint-every", "often"], "--checkpoint-every"),
                   (["--checkpoint-key", f"{SITE}.sign", "--witness-keys", "nowhere"], "nowhere")):
    base = Instance(BIN / "tielined", here, "x", "x.db", "erin").command
    result = run(*base, *more)
    check(f"tielined says what is wrong: {what}", result.returncode == 1 and what in result.stderr, result.stderr)

check("both end as they should", [i.end() for i in (site, centre)] == [0, 0])
tap.finish()
