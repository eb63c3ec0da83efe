#!/usr/bin/env python3
"""Two tielined on one PostgreSQL: one leads, the other stands by and takes over, and no step of an
order is done twice, whenever the leader is killed, stopped or ended. Prints a line per claim.

Usage: takeover.py DIRECTORY-OF-PROGRAMS [KILLS]"""

import collections
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import postgres_server
from instances import ROOT, Instance, make_identities, wait_until
from tap import check, finish, skip

BIN = pathlib.Path(sys.argv[1]).resolve()
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
LEASE = 1000  # ms
CIRCUITS = 6  # in an order

if postgres_server.missing():
    skip(f"{postgres_server.missing()}: nothing of it is tested")

# What can be done without nodes. Each action is an effect in the state: a reservation, its end.
WORKFLOW = """
workflow: takeover
input: {circuits: {type: list, items: text, required: true}}
steps:
- {name: design, action: circuit.design, with: {circuits: "${input.circuits}"}, timeout: 1m}
- {name: reserve, action: circuit.reserve, timeout: 1m,
   with: {circuits: "${input.circuits}", plan: "${steps.design.result.plan}"}}
- {name: pause, timer: {for: 1s}}
- name: release
  foreach: "${input.circuits}"
  parallel: 2
  action: circuit.release
  with: {circuits: ["${item}"]}
  timeout: 1m
- {name: again, action: circuit.design, with: {circuits: "${input.circuits}"}, timeout: 1m}
- {name: second, action: circuit.reserve, timeout: 1m,
   with: {circuits: "${input.circuits}", plan: "${steps.again.result.plan}"}}
- {name: end, action: circuit.release, with: {circuits: "${input.circuits}"}, timeout: 1m}
"""

def must(text, holds, seen=""):
    if not check(text, holds, seen):
        for i in instances:
            print(f"# {i.name}: " + "\n#    ".join(i.log.read_text().splitlines()[-12:]))
        sys.exit(1)


work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
(here / "workflows").mkdir()
(here / "workflows/takeover.yaml").write_text(WORKFLOW)
make_identities(here, {"erin": ["ENGINEER", "OPERATOR"]})
instances = []
server = postgres_server.PostgresServer()


def run(*args):
    return subprocess.run([BIN / "tieline", *args], capture_output=True, text=True, cwd=here, timeout=120)


def leader_of(candidates):
    return wait_until(lambda: next((i for i in candidates if i.serves()), None))


def submit(leader):
    """A new order for circuits of its own. Its id; None: the leader has gone before it answered."""
    submit.n += 1
    circuits = [{"name": f"o{submit.n}-{i}", "service-class": "scada", "rate-kbps": 10,
                 "ip": {"client": "fep", "server": "rtu-b", "protocol": "udp",
                        "server-ports": [20000 + submit.n * CIRCUITS + i]}} for i in range(CIRCUITS)]
    document = json.dumps({"tieline-circuit:circuits": {"circuit": circuits}})
    answer = leader.ask("POST", "/import?format=json", {"files": [{"name": "circuits.json", "text": document}]})
    if not answer or answer[0] != 200:
        return None
    answer = leader.ask("POST", "/orders", {"workflow": "takeover", "comment": f"order {submit.n}",
                                            "input": {"circuits": [c["name"] for c in circuits]}})
    return answer[1]["id"] if answer and answer[0] == 201 else None


submit.n = 0
Lease = collections.namedtuple("Lease", "holder fence since expires given_back")


def orders(leader):
    answer = leader.ask("GET", "/orders")
    return answer[1]["orders"] if answer and answer[0] == 200 else None


def lease_of(database):
    """Who has it, how often it was taken, since when and until when: microseconds of the database's clock; whether it was given
    back."""
    row = server.query(database, "SELECT holder, fence, (extract(epoch FROM since) * 1000000)::bigint, "
                                 "(extract(epoch FROM expires) * 1000000)::bigint, token = ''::bytea FROM tieline.lease")[0]
    holder, fence, since, expires, given_back = row.split("|")
    return Lease(holder, int(fence), int(since), int(expires), given_back == "t")


def stands_by_for(leader):
    return f"standing by, serving nothing: {leader.name} leads since"


def main():
    database = server.create()
    address = server.address(database)
    program = BIN / "tielined"
    instances.extend(Instance(program, here, name, address, "erin", here / "workflows", LEASE) for name in "ab")
    a, b = instances
    a.start()
    must("the first one leads", leader_of([a]))
    b.start()
    must("the second one says that it stands by, and for whom",
         wait_until(lambda: b.says(stands_by_for(a))))
    check("it serves nothing", b.ask("GET", "/whoami") is None)
    check("the probes say who leads and who stands by",
          [i.stage("leads") for i in instances] == [(True, "leads"), (False, "stands by")] and
          all(i.stage(word)[0] for i in instances for word in ("lives", "started")),
          [i.stage("leads") for i in instances])
    refused = subprocess.run([*b.command[:-2], "--lease", "x"], capture_output=True, text=True)
    check("a lease that is no number is refused", refused.returncode == 2 and "--lease" in refused.stderr,
          refused.stderr)
    secret = subprocess.run([part.replace("user=postgres", "user=postgres&password=geheim").replace("b.probe", "c.probe")
                             for part in b.command], capture_output=True, text=True)
    check("a password in the address is refused, and is not repeated",
          secret.returncode == 1 and "passfile" in secret.stderr and "geheim" not in secret.stderr, secret.stderr)

    files = [{"name": p.name, "text": p.read_text()} for p in sorted((ROOT / "lab/data/inventory").glob("*.csv"))]
    answer = a.ask("POST", "/import?format=csv", {"files": files}, timeout=30)
    must("the inventory is taken", answer and answer[0] == 200, answer)

    rng = random.Random(20261129)
    leader, other, submitted = a, b, []
    slowest, leases, led = 0.0, [], [a.name]
    for i in range(KILLS):
        submitted += [submit(leader) for _ in range(3)]
        time.sleep(rng.uniform(0.0, 1.6))
        other.signal(signal.SIGSTOP)  # until the lease has been read that the killed one leaves
        leader.kill()
        left = lease_of(database)
        other.signal(signal.SIGCONT)
        begun = time.monotonic()
        if not leader_of([other]):
            must(f"kill {i + 1}: the other one takes over", False)
        slowest = max(slowest, time.monotonic() - begun)
        leases.append((leader.name, other.name, left, lease_of(database)))
        led.append(other.name)
        leader.listen()
        leader.start()
        leader, other = other, leader
        if not wait_until(lambda: other.says(stands_by_for(leader))):
            must(f"kill {i + 1}: the one that was killed stands by", False)
    print(f"# {KILLS} leaders killed; the slowest takeover took {slowest:.2f} s, with a lease of {LEASE} ms")
    check(f"{KILLS} times the other one takes over, and has the lease that the killed one had",
          len(leases) == KILLS and all(left.holder == killed and taken.holder == successor and taken.fence > left.fence
                                       for killed, successor, left, taken in leases), leases)
    check("... never before that had ended, by the database's clock",
          all(not left.given_back and taken.since >= left.expires for _, _, left, taken in leases), leases)
    must("orders were under way", sum(1 for o in submitted if o) >= KILLS, submitted)

    # A leader that stands still, and wakes up as if nothing had been.
    submitted += [submit(leader) for _ in range(3)]
    time.sleep(0.3)
    leader.listen()
    leader.signal(signal.SIGSTOP)
    must("one that is stopped is relieved", leader_of([other]))
    led.append(other.name)
    check("its probe does not answer, the other's says that it leads",
          leader.stage("lives") == (False, "") and other.stage("leads") == (True, "leads"))
    taken = server.query(database, "SELECT seq FROM tieline.head")
    leader.signal(signal.SIGCONT)
    must("when it wakes up it says that it leads no more", wait_until(lambda: leader.says("leads no more")))
    must("... and then stands by again, in the same process",
         wait_until(lambda: leader.says("leads no more", stands_by_for(other))) and leader.process.poll() is None)
    check("... and serves nothing", leader.ask("GET", "/whoami") is None)
    check("... which its probe says", leader.stage("leads") == (False, "stands by"), leader.stage("leads"))
    check("the head did not go back", int(server.query(database, "SELECT seq FROM tieline.head")[0]) >= int(taken[0]))
    leader, other = other, leader

    # One that ends in order gives its lease back.
    other.signal(signal.SIGSTOP)
    leader.signal(signal.SIGTERM)
    check("one that is ended ends well", leader.process.wait(30) == 0)
    left = lease_of(database)
    check("... and has given its lease back", left.holder == leader.name and left.given_back, left)
    other.signal(signal.SIGCONT)
    must("... and the other one takes over", leader_of([other]))
    led.append(other.name)
    leader.listen()
    leader.start()
    leader, other = other, leader
    must("... for which the one that was ended stands by", wait_until(lambda: other.says(stands_by_for(leader))))

    # The database goes away for longer than the lease.
    leader.listen()
    server.stop(signal.SIGQUIT)
    must("without a database the leader leads no more", wait_until(lambda: leader.says("leads no more")))
    check("... and nobody serves, nobody says that he leads",
          not any(i.serves() or i.stage("leads")[0] for i in instances), [i.stage("leads") for i in instances])
    server.start()
    leader = leader_of(instances)
    must("when it is back, one leads again", leader)
    led.append(leader.name)

    must("all orders come to their end",
         wait_until(lambda: (o := orders(leader)) is not None and all(x["state"] not in ("running", "waiting", "open")
                                                                    for x in o) and o, 120), orders(leader))
    states = collections.Counter(x["state"] for x in orders(leader))
    check("all orders are done", set(states) == {"done"}, states)
    for i in instances:
        i.end()
    judge(database, address, led)


def judge(database, address, led):
    verified = run("journal", "verify", "--file", address, "--json")
    report = json.loads(verified.stdout) if verified.stdout else {}
    check("the journal is sound", verified.returncode == 0 and report.get("ok"), verified.stderr)
    lines = server.query(database, "SELECT json_build_object('seq', seq, 'type', type, 'object', object, 'body', "
                                   "body::json) FROM tieline.event ORDER BY seq")
    events = [json.loads(line) for line in lines]
    check("no event is missing and none is there twice", [e["seq"] for e in events] == list(range(1, len(events) + 1)))
    started, done, effects, closed = (collections.Counter() for _ in range(4))
    for e in events:
        body = e["body"]
        if e["type"] == "step.started":
            started[e["object"], body["step"], body["item"], body["attempt"]] += 1
        elif e["type"] == "step.done":
            done[e["object"], body["step"], body["item"]] += 1
        elif e["type"] == "run.closed":
            closed[e["object"], body["outcome"]] += 1
        elif e["type"] in ("circuit.reserved", "circuit.released"):
            for circuit in [d.get("circuit", d.get("name")) for d in body["designs"]] if "designs" in body \
                    else body["circuits"]:
                effects[e["type"], circuit] += 1
    n_orders = sum(closed.values())
    print(f"# {len(events)} events, {n_orders} orders, {sum(started.values())} steps started")
    for e in events:
        if e["type"] in ("step.failed", "undo.failed") or e["body"].get("outcome", "done") != "done":
            print(f"# {e}")
    check("no attempt at a step was begun twice", max(started.values()) == 1, started.most_common(3))
    check("every step that was begun was done, once",
          {k[:3] for k in started} == set(done) and max(done.values()) == 1, done.most_common(3))
    check("every step had one attempt", all(k[3] == 1 for k in started), [k for k in started if k[3] != 1][:3])
    check("every order ended once, and well", set(closed.values()) == {1} and {k[1] for k in closed} == {"done"}, closed)
    check("every effect was there as often as the orders say: twice reserved, twice released",
          effects and set(effects.values()) == {2} and len(effects) == 2 * CIRCUITS * n_orders,
          [x for x in effects.items() if x[1] != 2][:5])
    leads = [e["body"]["instance"] for e in events if e["type"] == "program.leads"]
    rest = iter(leads)
    check("the journal says who led, in this order", all(name in rest for name in led), (led, leads))


try:
    main()
finally:
    for instance in instances:
        instance.end()
    server.end()
finish()
