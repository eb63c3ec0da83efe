#!/usr/bin/env python3
"""What `tieline` asks a server, and what it makes of the answers. Prints a line per claim.

Usage: scenario.py DIRECTORY-OF-PROGRAMS"""

import json
import os
import pathlib
import pty
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading

from fake_server import FakeServer, make_certificates
from tap import check, finish

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TIELINE = pathlib.Path(sys.argv[1]).resolve() / "tieline"
work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
make_certificates(here)
server = FakeServer(here)
environment = {"PATH": os.environ["PATH"], "HOME": str(here), "TZ": "UTC", "LANG": "C",
               "TIELINE_URL": server.url, "TIELINE_CA": f"{here}/ca.pem",
               "TIELINE_CERT": f"{here}/erin.pem", "TIELINE_KEY": f"{here}/erin.key"}
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        environment[name] = os.environ[name]


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


def tieline(*args, stdin="", env=None):
    done = subprocess.run([TIELINE, *args], input=stdin, capture_output=True, text=True, cwd=here,
                          env={**environment, **(env or {})}, timeout=60)
    return Result(done.returncode, done.stdout, done.stderr)


def claim(text, result, status=0, out=None, err=None, asked=None):
    """`out` and `err`: a text that is all there is, or a list of texts that are in it."""
    wrong = []
    if result.status != status:
        wrong.append(f"exit status {result.status}, not {status}")
    for what, want, got in (("output", out, result.out), ("errors", err, result.err)):
        if isinstance(want, str) and want != got:
            wrong.append(f"{what} is not {want!r}")
        elif isinstance(want, list):
            wrong += [f"{what} lacks {part!r}" for part in want if part not in got]
    if asked is not None and server.requests != asked:
        wrong.append(f"asked {server.requests}")
    check(text, not wrong, "\n".join([*wrong, f"out: {result.out!r}", f"err: {result.err!r}"]))


def write(name, document):
    (here / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return name


# ---- Who and where

server.tell({"GET /whoami": {"name": "erin", "roles": ["ENGINEER"], "site": "cc", "version": "1"}})
claim("asks over TLS with the person's certificate", tieline("whoami"),
      out="name    erin\nroles   ENGINEER\nsite    cc\nserver  1\n", asked=[("GET", "/whoami", None)])
raw = b'{"name": "erin",  "roles":["A", "B"], "x": 1.10}'
server.tell({"GET /whoami": (200, raw)})
claim("--json prints the document as it came", tieline("whoami", "--json"),
      out=raw.decode() + "\n")
claim("options win over the environment",
      tieline("whoami", "--cert", f"{here}/mallory.pem", "--key", f"{here}/mallory.key"), status=4,
      err=["tieline: https://127.0.0.1:"])
claim("a server that the CA does not vouch for is not asked",
      tieline("whoami", "--ca", f"{here}/other-ca.pem"), status=4, err=["certificate"], asked=None)
claim("no server is exit status 4", tieline("whoami", "--url", "https://127.0.0.1:1"), status=4,
      err=["tieline: https://127.0.0.1:1: "], out="")
claim("no server said is exit status 2", tieline("whoami", env={"TIELINE_URL": ""}), status=2,
      err=["TIELINE_URL"])
claim("without TLS only to this machine", tieline("whoami", "--url", "http://10.0.0.1"), status=2,
      err=["only https"])
claim("no password in an address", tieline("whoami", "--url", "https://a:b@10.0.0.1"), status=2,
      err=["no user and no password"])
claim("a missing certificate is named", tieline("whoami", "--cert", "/nowhere.pem"), status=2,
      err="tieline: --cert: /nowhere.pem: No such file or directory\n")
(here / ".config/tieline").mkdir(parents=True)
config = here / ".config/tieline/config.json"
config.write_text(json.dumps({"url": server.url, "ca": str(here / "ca.pem"),
                              "cert": "../../erin.pem", "key": "../../erin.key"}))
claim("the configuration file is enough",
      tieline("whoami", env={"TIELINE_URL": "", "TIELINE_CA": "", "TIELINE_CERT": "",
                             "TIELINE_KEY": ""}), out=["erin"])
config.write_text('{"url": "https://x", "password": "y"}')
claim("what it does not know there is refused", tieline("whoami"), status=2,
      err=["there is no setting \"password\""])
config.unlink()

# ---- The model

nodes = [{"name": "a1", "site": "A", "kind": "tieline-edge", "datapath-id": "1",
          "management-address": "10.255.0.21", "port": [{"number": 1, "name": "p1"}],
          "live": {"state": "adopted", "since": "2026-03-01T08:00:00Z", "in-sync": True,
                   "rules": {"flows": 20, "groups": 3, "meters": 2}, "latency-us": 350,
                   "address": "10.255.0.21:41000",
                   "ports": [{"number": 1, "name": "p1", "up": True, "live": False,
                              "said": {"up": True, "live": False, "reason": "silent"},
                              "link": "a1-a2"}]}}]
server.tell({"GET /nodes": {"nodes": nodes, "live": {"ok": True}}, "GET /nodes/a1": nodes[0],
             "GET /sites": {"sites": []},
             "GET /links": {"links": [], "live": {"ok": False, "why": "lan does not answer"},
                            "unexpected": [{"from": "a1 port 9"}]}})
claim("node list is a table", tieline("node", "list", "--utc"),
      out="NAME  SITE  KIND          STATE    SINCE                 IN SYNC  RULES  LATENCY  "
          "ADDRESS            PORTS\n"
          "a1    A     tieline-edge  adopted  2026-03-01 08:00:00Z  yes         25   350 us  "
          "10.255.0.21:41000      1\n")
claim("node show has its ports", tieline("node", "show", "a1"),
      out=["state           adopted", "PORT  NAME  UP   LIVE  REASON  LINK\n   1  p1    yes  no    silent  a1-a2\n"])
claim("names alone", tieline("node", "list", "--names"), out="a1\n")
claim("nothing is none, or {}", tieline("site", "list"), out="none\n")
claim("what is not known, and what nobody stated, is said", tieline("link", "list"),
      out="none\nnot in the inventory: from a1 port 9\n"
          "how they are now is not known: lan does not answer\n")
links = [{"name": "a1-a2", "a": {"node": "a1", "port": 2}, "b": {"node": "a2", "port": 1},
          "live": {"state": "down", "seen": ["a2"], "held": False,
                   "reason": "a1 port 2 is not heard by a2 (heartbeat)"}}]
server.tell({"GET /links": {"links": links, "live": {"ok": True}, "unexpected": []}})
claim("a link that is down says why", tieline("link", "list"),
      out="NAME   A          B          STATE  SEEN  REASON\n"
          "a1-a2  a1 port 2  a2 port 1  down   a2    a1 port 2 is not heard by a2 (heartbeat)\n")
server.tell({"GET /hosts/a%2F..%2Fb": (404, {"status": 404, "detail": "there is no host a/../b",
                                             "err": "ERR_NOT_FOUND"})})
claim("a name is one segment of a path, whatever is in it", tieline("host", "show", "a/../b"),
      status=1, err="tieline: there is no host a/../b [404 ERR_NOT_FOUND]\n")
server.tell({"GET /hosts/x": {"name": "x", "description": "\u001b[2Jboo\u202e\u0085"}})
claim("a description does not move the cursor", tieline("host", "show", "x"),
      out="name: x\ndescription: \\x1b[2Jboo\\u202e\\x85\n")
claim("nor in --json", tieline("host", "show", "x", "--json"),
      out='{"name": "x", "description": "\\u001b[2Jboo\\u202e\\u0085"}\n')
server.tell({"DELETE /hosts/x": (409, {"status": 409, "detail": "circuit c uses it",
                                       "err": "ERR_CONFLICT"}),
             "DELETE /hosts/y": {}})
claim("a refusal is one line, and its document with --json", tieline("host", "remove", "x", "--json"),
      status=1, err="tieline: circuit c uses it [409 ERR_CONFLICT]\n", out=["ERR_CONFLICT"])
claim("removes", tieline("host", "remove", "y"), out="host y is removed\n")

# ---- Circuits

report = {"dry-run": False, "applied": True, "created": 1, "changed": 0, "unchanged": 0,
          "errors": 0, "rows": [{"action": "created", "kind": "circuit", "name": "scada-a"}],
          "findings": []}
server.tell({"GET /circuits": {"circuits": []}, "PUT /circuits/scada-a": report,
             "PUT /circuits/g": report, "PUT /circuits/e": report})
stated = {"name": "scada-a", "ip": {"client": "fep", "server": "rtu-a", "protocol": "tcp",
                                    "server-ports": [502, 503]},
          "service-class": "scada", "rate-kbps": 512, "max-latency-us": 10000}
claim("create makes a circuit of options",
      tieline("circuit", "create", "scada-a", "--from", "fep", "--to", "rtu-a", "--protocol", "tcp",
              "--port", "502,503", "--rate", "512kbit/s", "--class", "scada", "--max-latency",
              "10ms"), out="created circuit scada-a\n1 created\n",
      asked=[("GET", "/circuits", None), ("PUT", "/circuits/scada-a", stated)])
server.requests.clear()
claim("create makes a GOOSE circuit",
      tieline("circuit", "create", "g", "--from", "relay-a1", "--to", "relay-a2", "--to",
              "relay-b1", "--protocol", "goose", "--mac", "01:0c:cd:01:00:01", "--appid", "1001",
              "--vlan", "10", "--rate", "2M", "--class", "protection"),
      asked=[("GET", "/circuits", None),
             ("PUT", "/circuits/g",
              {"name": "g", "multicast": {"publisher": "relay-a1",
                                          "subscribers": ["relay-a2", "relay-b1"],
                                          "application": "goose", "mac": "01:0c:cd:01:00:01",
                                          "appid": "1001", "vlan-id": 10},
               "service-class": "protection", "rate-kbps": 2000})])
common = ["--from", "a", "--to", "b", "--rate", "1M", "--class", "bulk"]
claim("a window begins and ends",
      tieline("circuit", "create", "e", *common, "--protocol", "tcp", "--port", "22", "--start",
              "2026-03-01T08:00:00Z", "--for", "20s"))
window = server.requests[-1][2]["window"]
check("... when it should", window == {"start": "2026-03-01T08:00:00.000000000Z",
                                       "end": "2026-03-01T08:00:20.000000000Z"}, window)
for wrong, text in (
        (["--protocol", "tcp", "--appid", "1"], "--appid is not for protocol tcp"),
        (["--protocol", "goose", "--port", "1"], "--port is not for protocol goose"),
        (["--protocol", "tcp", "--port", "x"], '--port: "x" is not a number'),
        (["--protocol", "ipx"], '--protocol: "ipx" is not one of tcp|udp|icmp|goose|sv'),
        ([], "circuit create x needs --protocol"),
        (["--protocol", "udp", "--start", "noon", "--for", "1h"], '--start: "noon" is not a time'),
        (["--protocol", "udp", "-f", "x.json"], "does not go with -f")):
    claim("refuses " + " ".join(wrong), tieline("circuit", "create", "x", *common, *wrong), status=2,
          err=[text])
server.tell({"GET /circuits": {"circuits": [{"name": "scada-a"}]}})
write("one.json", stated)
claim("create does not replace", tieline("circuit", "create", "-f", "one.json"), status=1,
      err=["circuit scada-a exists already"], asked=[("GET", "/circuits", None)])
server.tell({"PUT /circuits/scada-a": report})
write("answered.json", {"circuits": [{**stated, "status": {"phase": "active"}}]})
claim("put takes what list --json printed", tieline("circuit", "put", "-f", "answered.json"),
      asked=[("PUT", "/circuits/scada-a", stated)])
server.tell({"POST /import?format=json": report, "GET /circuits": {"circuits": []}})
write("two.json", [stated, {**stated, "name": "scada-b"}])
claim("a list is put in at once, all or nothing", tieline("circuit", "create", "-f", "two.json"))
sent = json.loads(server.requests[-1][2]["files"][0]["text"])
check("... as one document", sent == {
    "tieline-circuit:circuits": {"circuit": [stated, {**stated, "name": "scada-b"}]}}, sent)
write("broken.json", '{"name": "x",\n "ip": }')
claim("JSON that is none is refused with its place", tieline("circuit", "put", "-f", "broken.json"),
      status=1, err=["broken.json: ", "line 2"])

design = {"circuit": "scada-a", "number": 5, "primary": {"links": ["cc1-wan1", "wan4-a1"]},
          "failover": {"links": ["cc1-wan2"]}, "disjoint": "node"}
circuit = {**stated, "protection": "maximal",
           "status": {"phase": "active", "since": "2026-03-01T08:00:00Z", "order": 17,
                      "build-time-ns": 42300000, "design": design}}
links = {"links": [{"name": "cc1-wan1", "a": {"node": "cc1", "port": 1},
                    "b": {"node": "wan1", "port": 1}}]}
rules = {"flows": [{"text": "table=0,priority=1000,cookie=0x500000005 in_port=1 -> x", "packets": 7},
                   {"text": "table=0,priority=1000,cookie=0x500000006 in_port=2 -> y", "packets": 3},
                   {"text": "table=0,priority=1,cookie=0x2 any -> drop", "packets": 99}],
         "groups": [], "meters": []}
server.tell({"GET /circuits/scada-a": circuit, "GET /links": links,
             "GET /hosts/fep": {"name": "fep", "node": "cc1"},
             "GET /nodes/cc1/rules?what=observed": rules, "GET /circuits": {"circuits": [circuit]},
             "GET /assurance": {"circuits": [{"circuit": "scada-a", "verdict": "good", "paths": [
                 {"path": "primary", "verdict": "good", "ends": [
                     {"direction": "forward", "receiver": "rtu-a", "sent": 5, "lost": 0,
                      "latency-p50-ns": 4250000}]}]}]}})
claim("circuit show tells paths, phase, and rules in words", tieline("circuit", "show", "scada-a"),
      out=["phase           active", "built in        42.3 ms",
           "primary path    cc1-wan1 > wan4-a1", "failover path   cc1-wan2",
           "  cc1: 2 rules: 1 forward, 1 back; 10 packets so far\n"])
claim("circuit list has what was measured", tieline("circuit", "list"),
      out="NAME     FROM  TO     SERVICE       CLASS        RATE  PHASE   LATENCY  PATH\n"
          "scada-a  fep   rtu-a  tcp 502, 503  scada  512 kbit/s  active  4.25 ms  "
          "cc1-wan1 > wan4-a1\n")
claim("test list, an end a row", tieline("test", "list"),
      out="CIRCUIT  VERDICT  PATH     DIRECTION  RECEIVER  LOST/SENT  LATENCY\n"
          "scada-a  good     primary  forward    rtu-a           0/5  4.25 ms\n")
server.tell({"POST /circuits/scada-a/tests": {"ok": False, "entries": [
    {"path": "primary", "direction": "forward", "receiver": "rtu-a", "sent": 100, "lost": 3,
     "latency-p50-ns": 56200}], "findings": ["3 packets were lost"]}})
claim("a test that fails is exit status 1",
      tieline("circuit", "test", "scada-a", "--path", "primary"), status=1,
      out=["primary  forward    rtu-a         3/100  56.2 us", "3 packets were lost\n"],
      asked=[("POST", "/circuits/scada-a/tests", {"paths": ["primary"]})])
server.tell({"POST /what-if": {
    "ok": False, "findings": [], "summary": {"circuits": 1, "nodes": 3, "flows": 9, "paths": []},
    "proof": {"ok": False, "violations": [{"kind": "leak", "circuit": "x", "node": "a1",
                                           "text": "passes what it should not"}]}}})
claim("what-if says that a proof is violated", tieline("circuit", "what-if", "-f", "one.json"),
      status=1, out=["plan: 1 circuits, 3 nodes, 9 flows", "proof: VIOLATED", "leak"],
      asked=[("POST", "/what-if", {"circuits": [stated]})])
server.requests.clear()
claim("... of circuits by their names", tieline("circuit", "what-if", "scada-a", "g"), status=1,
      asked=[("POST", "/what-if", {"circuits": ["scada-a", "g"]})])
claim("... and needs one or the other", tieline("circuit", "what-if"), status=2,
      err=["NAME... or -f FILE"])

server.tell({"POST /fit": {
    "n": 2, "n-fit": 1, "rate-kbps": 512, "orders": [],
    "circuits": [{"circuit": "scada-a", "fits": True},
                 {"circuit": "g", "fits": False, "limit": "capacity", "links": ["a1-a2"],
                  "reason": "no path has 900000 kbit/s left"}],
    "links": [{"link": "a1-a2", "capacity-kbps": 1000000, "before-kbps": 0, "after-kbps": 512000,
               "limits": 1}]}})
claim("fit says which circuits fit and what limits the others",
      tieline("circuit", "fit", "scada-a", "g"),
      out=["1 of 2 circuits fit\n", "g        no    capacity  a1-a2", "51.2 %"],
      asked=[("POST", "/fit", {"circuits": ["scada-a", "g"], "orders": False})])
modelled = {
    "ok": False, "findings": [], "changes": {"n": 1, "list": [
        {"action": "removed", "kind": "link", "name": "a1-a2"}]},
    "circuits": {"n": 3, "n-fit": 2, "list": [
        {"circuit": "g", "why": "a link of its paths is gone", "fits": False, "limit": "capacity",
         "links": ["a2-a3"], "reason": "no path has 900000 kbit/s left"}]},
    "size": {"nodes": 3, "flows": 9, "groups": 2, "meters": 2},
    "proof": {"ok": True, "violations": [], "text": "nothing else passes"},
    "bounds": {"n": 2, "n-unmet": 1, "n-broken": 1, "n-unmet-after-failure": 1, "overloads": [],
               "list": [{"circuit": "scada-a", "budget-us": 3000, "normal-us": 4000,
                         "normal-before-us": 2000, "failure-us": None, "broken": True}]},
    "difference": {"circuits": {"n": 1, "list": [
        {"circuit": "scada-a", "change": "moved", "before": {"primary": ["a1-a2"]},
         "after": {"primary": ["a3-a1", "a2-a3"]}}]},
        "nodes": {"n": 1, "list": [{"node": "a1", "added": 4, "removed": 2, "changed": 1}]},
        "rules-added": 4, "rules-removed": 2, "rules-changed": 1},
    "utilisation": {"n": 250, "list": [
        {"link": "a2-a3", "capacity-kbps": 1000, "reserved-kbps": 755, "before-capacity-kbps": 1000,
         "before-kbps": 0}]},
    "failure": {"n": 1, "failed": ["node a3"], "n-redesigned": 0, "counts": {}, "list": [
        {"circuit": "scada-a", "impact": "has no path left", "receiver": "rtu-a",
         "redesigned": False, "reason": "no way"}]}}
server.tell({"POST /model": modelled})
claim("model run asks with all that is different, and shows what comes of it",
      tieline("model", "run", "one.json", "--remove", "link:a1-a2", "--fail", "node:a3",
              "--design", "x", "--each-failure"), status=1,
      out=["circuits designed: 3, of which 2 fit\n",
           "plan: 3 nodes, 9 flows, 2 groups, 2 meters; 4 rules to add, 2 to remove, 1 to change\n",
           "proof: holds\n", "1 do not keep their budgets (1 did before, or are new)",
           "removed  link  a1-a2\n", "no path has 900000 kbit/s left", "a3-a1 > a2-a3",
           "scada-a            3 ms   4 ms    2 ms  yes", "75.5 %", "and 249 more\n", "has no path left"],
      asked=[("POST", "/model", {
          "remove": [{"kind": "link", "name": "a1-a2"}], "fail": [{"kind": "node", "name": "a3"}],
          "design": ["x"], "redesign": False, "each-failure": True, "format": "json",
          "files": [{"name": "one.json", "text": json.dumps(
              {"tieline-circuit:circuits": {"circuit": [stated]}}, separators=(",", ":"))}]})])
claim("model run takes names with their kinds", tieline("model", "run", "--remove", "a1-a2"),
      status=2, err=["--remove a1-a2: KIND:NAME is expected, as link:a1-a2"])
server.tell({"POST /model": (422, {"status": 422, "detail": "host x: mac: not a MAC address"})})
(here / "hosts.csv").write_text("name,mac\nx,y\n")
claim("model run says what is wrong with a file", tieline("model", "run", "hosts.csv"), status=1,
      err=["host x: mac: not a MAC address"])
server.tell({"GET /conditions": {
    "ok": False, "n": 9, "n-broken": 1, "n-unknown": 1, "list": [
        {"state": "broken", "node": "a1", "needs": "a1 port 1 sends at 100000 kbit/s",
         "seen": "its interface at 10000000 kbit/s", "remedy": "share the port"},
        {"state": "holds", "node": "a1", "needs": "a1 meter 2", "seen": "meter 2"}]}})
claim("network conditions shows what the bounds cannot count on", tieline("network", "conditions"),
      status=1, out="STATE   NEEDED                            SEEN                              REMEDY\n"
      "broken  a1 port 1 sends at 100000 kbit/s  its interface at 10000000 kbit/s  share the port\n"
      "not all hold: 9 conditions of the latency bounds, 1 broken, 1 not known\n")
server.tell({"GET /proof?of=observed": {
    "ok": False, "rules": 9, "circuits": 1, "walks": 4, "failures": 12, "n-violations": 1,
    "violations": [{"kind": "leak", "text": "node a1 lets it in", "packet": "in_port=4",
                    "failure": "link a1-a2"}],
    "unread": [{"node": "b1", "known-before": False}],
    "unjudged": [{"node": "a2", "rule": "of table 7"}]}})
claim("network prove shows what is against it", tieline("network", "prove"), status=1,
      out=["leak: node a1 lets it in\n", "  failure  link a1-a2\n", "unread: node b1",
           "unjudged: node a2 holds of table 7\n", "not proved: the tables of all nodes: 9 rules"])
server.tell({"GET /ask/reach?from=fep&to=rtu-a&protocol=tcp%2F502": {
    "from": "fep", "to": "rtu-a", "protocol": "tcp/502", "reaches": True, "proved": True,
    "ways": [{"circuit": "scada-a", "packet": "tcp_dst=502", "path": "cc1 > a1",
              "rules": ["cc1: one", "a1: two"]}]}})
claim("ask reach says by which circuit", tieline("ask", "reach", "fep", "rtu-a", "tcp/502"),
      out="fep reaches rtu-a (tcp/502)\nby circuit scada-a\n  packet   tcp_dst=502\n"
          "  path     cc1 > a1\n  rules    cc1: one\n           a1: two\n")
server.tell({"GET /ask/affected-by?element=a1-a2": {"element": "link a1-a2", "proved": False, "lost": ["x"],
                                      "fails-over": [], "unprotected": []}})
claim("ask affected-by says it, and that the tables are not as proved",
      tieline("ask", "affected-by", "a1-a2"),
      out=["If link a1-a2 fails\n", "lost: 1 circuit\n  x\n", "not as proved"])

# ---- Work


def order(state, push="pending", done=0, approvals=("asked", "asked"), **more):
    granted = {"person": "olga", "time": "2026-03-01T08:00:03Z"}
    return {"id": 17, "workflow": "circuit-turn-up", "state": state, "requester": "erin",
            "created": "2026-03-01T08:00:00Z", "circuits": ["scada-a"], "plan-hash": "ab" * 32,
            "step": [{"name": "design", "kind": "action", "state": "done",
                      "started": "2026-03-01T08:00:00Z", "finished": "2026-03-01T08:00:01Z"},
                     {"name": "push", "kind": "action", "state": push, "items": 200,
                      "items-done": done}],
            "approval": [{"step": "approve", "role": role, "state": a, "hash": "cd" * 32,
                          **(granted if a == "granted" else {})}
                         for role, a in zip(("OPERATOR", "SECADM"), approvals)],
            "plan": {"hash": "ab" * 32, "summary": {"circuits": 1, "flows": 12, "paths": [
                {"circuit": "scada-a", "primary": ["l1", "l2"]}]},
                     "proof": {"ok": True, "violations": [], "text": "nothing else passes"},
                     "changes": ["+ a1 table=0"], "n-changes": 1}, **more}


DECIDE = "POST /orders/17/decisions"
server.tell({"GET /orders/17": order("waiting"), DECIDE: {}})
claim("work show has steps, approvals, plan and proof",
      tieline("work", "show", "17", "--utc", "--changes"),
      out=["STEP    KIND    STATE    ITEMS  STARTED               TOOK\n"
           "design  action  done            2026-03-01 08:00:00Z   1 s\n"
           "push    action  pending  0/200\n", "approve   OPERATOR  asked  cdcdcdcdcdcdcdcd",
           "plan: 1 circuits, 12 flows", "l1 > l2", "proof: holds\nnothing else passes",
           "+ a1 table=0\n"])
path = {"routers": ["west", "n1", "east"], "metric": 20, "latency-us": 9000, "latency-back-us": 9500,
        "labels": [16002, 16005], "labels-back": [16002, 16001]}
server.tell({"GET /orders/17": order("waiting", plan={"shown": {
    "tunnels": ["protect-we", "bulk"], "window-start": None, "window-end": "2026-03-02T00:00:00Z", "summary": {
        "n": 2, "tunnels": [{"tunnel": "protect-we", "head": "west", "tail": "east", "rate-kbps": 2000,
                             "primary": path, "standby": {**path, "routers": ["west", "s1", "east"]},
                             "pushes-aside": ["old"]},
                            {"tunnel": "bulk", "head": "west", "tail": "east", "rate-kbps": 5, "primary": path}]}}})})
claim("work show has the paths of tunnels, as their approvers need them", tieline("work", "show", "17", "--utc"),
      out=["2026-03-02 00:00:00Z\n", "tunnels: protect-we, bulk\n\nTUNNEL      KBIT/S  PATH",
           "protect-we    2000  primary  west > n1 > east     9 ms  9.5 ms  16002, 16005  16002, 16001\n",
           "protect-we    2000  standby  west > s1 > east", "bulk             5  primary  west > n1 > east",
           "protect-we pushes aside: old\n"])
server.tell({"GET /orders/17": order("waiting"), DECIDE: {}})
server.requests.clear()
claim("approve with a hash does not ask",
      tieline("work", "approve", "17", "--hash", "cd" * 32, "--role", "OPERATOR", "--comment", "ok"),
      out=["approved\n"])
check("... and sends what was said",
      server.requests[0] == ("POST", "/orders/17/decisions",
                             {"decision": "approve", "hash": "cd" * 32, "role": "OPERATOR",
                              "comment": "ok"}), server.requests)
server.requests.clear()
claim("approve without a hash and without a terminal shows, and refuses",
      tieline("work", "approve", "17"), status=1, out=["cd" * 32, "proof: holds"],
      err=["--hash HASH"], asked=[("GET", "/orders/17", None)])
server.tell({"GET /orders/17": order("waiting", approvals=("granted", "asked")), DECIDE: {}})
claim("approve --yes takes the hash that is asked for, and says who is still to decide",
      tieline("work", "approve", "17", "--yes"),
      out="approved\norder 17 waits for approval as SECADM: tieline work approve 17\n")
check("... that one", server.requests[1][2] == {"decision": "approve", "hash": "cd" * 32},
      server.requests)
server.tell({DECIDE: (403, {"status": 403, "detail": "erin requested it, and may not decide",
                            "err": "ERR_DENIED"})})
claim("a rule that stands against it is said", tieline("work", "approve", "17", "--hash", "cd" * 32),
      status=1, err="tieline: erin requested it, and may not decide [403 ERR_DENIED]\n")
server.tell({"GET /orders/17": order("waiting"), DECIDE: {}})
claim("refuse needs no hash", tieline("work", "refuse", "17", "--comment", "no"), out=["refused\n"])
check("... of ours", server.requests[1][2] == {"decision": "refuse", "hash": "cd" * 32,
                                               "comment": "no"}, server.requests)


def on_terminal(answer, *args):
    """Runs it on a terminal, and types the answer when it is asked."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(here)
        os.execve(TIELINE, [str(TIELINE), *args], {**environment, "TERM": "xterm"})
    seen, typed = b"", False
    while select.select([fd], [], [], 30)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
        if b"[y/N]" in seen and not typed:
            os.write(fd, answer.encode())
            typed = True
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return Result(status, seen.decode(), "")


server.requests.clear()
claim("on a terminal it asks, and no is no", on_terminal("n\n", "work", "approve", "17"), status=1,
      out=["Approve it? [y/N]"], asked=[("GET", "/orders/17", None)])
claim("... and yes is yes", on_terminal("y\n", "work", "approve", "17"), out=["approved"])

# Watching, by events: the order is done only after the event that says so was sent.
course = [order("running", "running", 50), order("running", "running", 50), order("done", "done", 200,
                                                                                  closed="2026-03-01T08:00:14Z")]
happened, looked = threading.Event(), threading.Event()


def look(_):
    looked.set()
    return 200, course[2] if happened.is_set() else course[0]


def events():
    yield ": hello\n\n"
    looked.wait(30)
    happened.set()
    body = json.dumps({"seq": 9, "type": "step.done", "object": "work/17", "body": {}})
    yield f"id: 9\nevent: step.done\ndata: {body}\n\n"
    threading.Event().wait(10)


server.tell({"GET /orders/17": look, "GET /events": "stream"})
server.events = events
claim("watch follows events, line by line", tieline("work", "watch", "17"),
      out=["push  running  50/200", "push  done  200/200", "order 17: done after 14 s\n"])
happened.clear(), looked.clear()
drawn = on_terminal("", "work", "watch", "17")
claim("on a terminal it draws over itself", drawn,
      out=["[#####...............]  50/200", "\033[3A", "[####################]  200/200"])
polled = iter([order("running", "running", 1), order("running", "running", 100)])
server.tell({"GET /orders/17": lambda _: (200, next(polled, order("failed-undone", error="a1 is gone")))})
claim("without events it asks again and again; failed is exit status 1",
      tieline("work", "watch", "17"), status=1,
      out=["push  running  100/200", "order 17: failed-undone: a1 is gone\n"])
server.tell({"GET /orders/17": order("waiting")})
claim("--until waiting is exit status 3", tieline("work", "watch", "17", "--until", "waiting"),
      status=3, out=["order 17 waits for approval as OPERATOR and SECADM"])
server.tell({"GET /orders/18": (404, {"status": 404, "detail": "there is no order 18"})})
claim("watching nothing is refused", tieline("work", "watch", "18"), status=1,
      err="tieline: there is no order 18 [404]\n")
server.tell({"POST /orders": (201, {"id": 17}), "GET /orders/17": order("waiting"),
             "GET /circuits": {"circuits": []}, "PUT /circuits/scada-a": report})
claim("build submits a turn-up, and ends when it waits for people",
      tieline("circuit", "build", "scada-a", "scada-b", "--comment", "why"), status=3,
      out=["tieline work approve 17\n"])
check("... for these circuits", server.requests[0] == (
    "POST", "/orders", {"workflow": "circuit-turn-up", "comment": "why",
                        "input": {"circuits": ["scada-a", "scada-b"]}}), server.requests)
server.requests.clear()
claim("create --build does both", tieline("circuit", "create", "-f", "one.json", "--build"),
      status=3, out=["design  done"])
check("... in this order", [r[:2] for r in server.requests[:3]] == [
    ("GET", "/circuits"), ("PUT", "/circuits/scada-a"), ("POST", "/orders")], server.requests)
server.requests.clear()
write("names.txt", "a\nb\n\nc\n")
claim("build --file, not followed",
      tieline("circuit", "build", "--file", "names.txt", "--until", "submitted", "--json"),
      out='{"id": 17}\n',
      asked=[("POST", "/orders", {"workflow": "circuit-turn-up",
                                  "input": {"circuits": ["a", "b", "c"]}})])
claim("teardown", tieline("circuit", "teardown", "a", "--until", "submitted"), out="order 17\n")
claim("build of nothing", tieline("circuit", "build"), status=2, err=["which circuits?"])
write("input.json", {"exception": 5})
server.requests.clear()
claim("submit", tieline("work", "submit", "drift-repair", "--input", "input.json", "--until",
                        "submitted"), out="order 17\n",
      asked=[("POST", "/orders", {"workflow": "drift-repair", "input": {"exception": 5}})])
followed = tieline("work", "watch", "17", "--until", "waiting", "--json")
check("--json after following prints the order alone",
      json.loads(followed.out) == order("waiting"), followed.out)

# ---- Inventory

write("hosts.csv", "name,mac\nx,y\n")
refused = {"status": 422, "detail": "host x: mac: not a MAC address", "err": "ERR_INVALID",
           "report": {"rows": [{"action": "error", "kind": "host", "name": "x", "file": "hosts.csv",
                                "line": 2, "column": 3, "field": "mac",
                                "text": "not a MAC address"}]}}
server.tell({"POST /import?format=csv": (422, refused),
             "POST /import?format=csv&dry-run=true": {
                 "dry-run": True, "applied": False, "created": 0, "errors": 1,
                 "rows": refused["report"]["rows"]}})
row = "hosts.csv:2:3: error: host x: mac: not a MAC address\n"
claim("import names file, line and column", tieline("inventory", "import", "hosts.csv"), status=1,
      err=[row],
      asked=[("POST", "/import?format=csv",
              {"files": [{"name": "hosts.csv", "text": "name,mac\nx,y\n"}]})])
claim("a dry run with errors is exit status 1",
      tieline("inventory", "import", "hosts.csv", "--dry-run"), status=1,
      out=row + "1 errors; nothing was changed, as asked\n")
claim("a file of no known format is refused", tieline("inventory", "import", "one.json", "x.csv"),
      status=2, err=["files of one format at a time"])
scd = {"dry-run": True, "applied": False, "created": 1, "errors": 0, "rows": [],
       "findings": [{"severity": "warning", "code": "input-unbound", "kind": "input",
                     "object": "RELAY_A1", "file": "two.scd", "line": 88, "text": "binds nothing"}],
       "circuits": [{"circuit": {"name": "g1", "multicast": {"application": "goose",
                                                             "appid": "1001", "publisher": "r1",
                                                             "subscribers": ["r2"]},
                                 "rate-kbps": 400}, "importable": True, "evidence": []},
                    {"circuit": {"name": "g2", "multicast": {"publisher": "r1"}},
                     "importable": False, "reasons": ["nobody listens"]}]}
server.tell({"POST /import?format=scd&dry-run=true": scd})
write("two.scd", "<SCL/>")
claim("an SCD file: findings, and proposed circuits",
      tieline("inventory", "import", "two.scd", "--save", "proposed.json"),
      out=["g1       r1    r2  goose 1001  400 kbit/s  yes", "no          nobody listens",
           "two.scd:88: warning: input RELAY_A1: binds nothing [input-unbound]\n",
           "1 circuits saved in proposed.json\n"])
check("... which create takes",
      json.loads((here / "proposed.json").read_text()) == [scd["circuits"][0]["circuit"]])
server.tell({"GET /export?format=csv": {"files": [{"name": "sites.csv", "text": "name\nä\n"}]}})
claim("export writes files", tieline("inventory", "export", "--dir", "out"), out="out/sites.csv\n")
check("... as they came", (here / "out/sites.csv").read_text() == "name\nä\n")
claim("CSV is several files, and needs a directory", tieline("inventory", "export"), status=2,
      err=["--dir DIR"])
server.tell({"GET /export?format=json": {"files": [{"name": "tieline.json",
                                                    "text": '{\n  "a": "ä"\n}'}]}})
claim("JSON is one document", tieline("inventory", "export", "--format", "json"),
      out='{\n  "a": "ä"\n}\n')
claim("a file that cannot be read is named, with the reason",
      tieline("inventory", "import", "nothing.csv"), status=1,
      err="tieline: nothing.csv: it cannot be read: No such file or directory\n")
server.tell({"GET /export?format=csv": {"files": [{"name": "../evil", "text": ""}]}})
claim("a file's name does not lead out of the directory",
      tieline("inventory", "export", "--dir", "out"), status=1, err=['calls a file "../evil"'])

# ---- Nodes, exceptions, journal, users

server.tell({"GET /nodes/b2/rules?what=difference": {
    "flows": [{"text": "table=0 any -> 1", "difference": "foreign", "packets": 5}], "groups": [],
    "meters": []}, "POST /nodes/b2/repair": {"added": 1, "removed": 2, "changed": 0,
                                             "duration-ns": 12000000},
    "POST /nodes/b2/release-port": {},
    "GET /denied": {"ports": [{"node": "a2", "port": 4, "host": "eng-a", "packets": 12}]}})
claim("node rules", tieline("node", "rules", "b2", "--difference"),
      out="flows: 1\nDIFFERENCE  PACKETS  RULE\nforeign           5  table=0 any -> 1\n\ngroups: 0\n"
          "\nmeters: 0\n")
claim("node rules, one of three", tieline("node", "rules", "b2", "--planned", "--observed"), status=2)
claim("node repair", tieline("node", "repair", "b2"), out=["removed  2", "in       12 ms"])
server.requests.clear()
claim("node release-port", tieline("node", "release-port", "b2", "3"),
      out="b2 port 3: used again now\n", asked=[("POST", "/nodes/b2/release-port", {"port": 3})])
claim("denied list", tieline("denied", "list"), out="NODE  PORT  HOST   PACKETS\na2       4  eng-a       12\n")
exceptions = {"exceptions": [
    {"id": 1, "kind": "rule-foreign", "severity": "major", "state": "closed", "object": "node/b2",
     "text": "x", "count": 1, "closed": "2026-03-01T08:00:00Z", "closed-by": "olga",
     "closed-reason": "it was me"},
    {"id": 2, "kind": "traffic-denied", "severity": "major", "state": "open", "object": "host/eng-a",
     "text": "eng-a tried tcp/502", "count": 3, "evidence": [{"name": "port", "value": "a2 port 4"}]}]}
server.tell({"GET /exceptions": exceptions, "GET /exceptions/1": exceptions["exceptions"][0],
             "GET /exceptions/2": exceptions["exceptions"][1],
             "POST /exceptions/2/acknowledge": {}, "POST /exceptions/2/close": {}})
listed = tieline("exception", "list")
check("exception list leaves out what is closed",
      "rule-foreign" not in listed.out and "traffic-denied" in listed.out, listed.out)
claim("... unless asked", tieline("exception", "list", "--all"), out=["rule-foreign"])
everything = tieline("exception", "list", "--all", "--json")
listed = tieline("exception", "list", "--json")
check("--json lists the same",
      [e["id"] for e in json.loads(listed.out)["exceptions"]] == [2]
      and json.loads(everything.out) == exceptions, listed.out)
claim("exception show says who closed it and why", tieline("exception", "show", "1", "--utc"),
      out=["closed           2026-03-01 08:00:00Z\n", "closed by        olga\n",
           "reason           it was me\n"])
claim("exception show has evidence", tieline("exception", "show", "2"), out=["port      a2 port 4\n"])
server.requests.clear()
claim("exception acknowledge", tieline("exception", "acknowledge", "2", "--comment", "mine"),
      asked=[("POST", "/exceptions/2/acknowledge", {"comment": "mine"})])
server.requests.clear()
claim("exception close", tieline("exception", "close", "2", "--reason", "over"),
      asked=[("POST", "/exceptions/2/close", {"reason": "over"})])
claim("exception close wants a reason", tieline("exception", "close", "2"), status=2)


def event(seq):
    return {"seq": seq, "time": "2026-03-01T08:00:00Z", "type": "model.put", "object": "inventory",
            "actor": "erin", "body": {"n": seq}, "prev-hash": f"{seq - 1:064x}",
            "hash": f"{seq:064x}"}


page = {"identity": {"site": "cc"}, "head": {"seq": 3, "hash": "f" * 64}}
server.tell({"GET /journal?type=model.&actor=erin&limit=2": {
    **page, "events": [event(1), event(2)], "next": 3},
    "GET /journal?limit=1": {**page, "events": [event(1)], "next": 2},
    "GET /journal?from=1&limit=1000": {**page, "events": [event(1), event(2)], "next": 3},
    "GET /journal?from=3&limit=1000": {**page, "events": [event(3)]}})
claim("journal list", tieline("journal", "list", "--type", "model.", "--actor", "erin", "--limit",
                              "2"), out=["  1  2026-03-01 08:00:00  model.put  inventory  erin\n",
                                         "more: --from 3\n"])
server.tell({"GET /journal?object=node%2Fb2": {**page, "events": [], "next": 20001},
             "GET /journal?from=20001&object=node%2Fb2": {**page, "events": [event(20002)], "next": 40001},
             "GET /journal?from=40001&object=node%2Fb2&limit=99": {**page, "events": [event(40003)]}})
claim("journal list looks on where a request found less than was asked for",
      tieline("journal", "list", "--object", "node/b2"),
      out=["20002  2026-03-01 08:00:00  model.put  inventory  erin\n40003  2026"])
claim("... and prints it as one document", tieline("journal", "list", "--object", "node/b2", "--json"),
      out=['{"identity":{"site":"cc"},"head":{"seq":3,', '"seq":20002', '"seq":40003'])
server.tell({"GET /journal?type=model.&actor=erin&limit=2": {
    **page, "events": [event(1), event(2)], "next": 3},
    "GET /journal?limit=1": {**page, "events": [event(1)], "next": 2},
    "GET /journal?from=1&limit=1000": {**page, "events": [event(1), event(2)], "next": 3},
    "GET /journal?from=3&limit=1000": {**page, "events": [event(3)]}})
claim("journal head is what verify --head takes", tieline("journal", "head"),
      out="3:" + "f" * 64 + "\n")
write("minutes.txt", "no journal\n" * 200)
claim("journal verify says that a file is no journal",
      tieline("journal", "verify", "--file", "minutes.txt"), status=1,
      err="tieline: minutes.txt: this is not a journal: it is no SQLite database\n")
claim("journal export follows the pages", tieline("journal", "export", "--file", "events.json"),
      out="3 events in events.json\n")
lines = [json.loads(line) for line in (here / "events.json").read_text().splitlines()]
check("... and has all events", lines == [event(1), event(2), event(3)], lines)
server.tell({"GET /events?from=2": "stream", "GET /events?from=4": (404, {"status": 404})})
server.events = lambda: (f"id: {n}\nevent: model.put\ndata: {json.dumps(event(n))}\n\n"
                         for n in (2, 3))
claim("journal follow goes on from where a stream ended", tieline("journal", "follow", "--from", "2"),
      status=1, out="2  2026-03-01 08:00:00  model.put  inventory  erin\n"
                    "3  2026-03-01 08:00:00  model.put  inventory  erin\n", err=["status 404"])
check("... and asks for no event twice",
      [r[1] for r in server.requests] == ["/events?from=2", "/events?from=4"], server.requests)
server.tell({"GET /users": {"users": [{"name": "erin", "roles": ["ENGINEER"]}]},
             "PUT /users/max": {}, "DELETE /users/max": {}})
claim("user list", tieline("user", "list"), out="NAME  ROLES\nerin  ENGINEER\n")
server.requests.clear()
claim("user put", tieline("user", "put", "max", "--role", "OPERATOR", "--role", "VIEWER", "--site",
                          "A"), asked=[("PUT", "/users/max", {"roles": ["OPERATOR", "VIEWER"],
                                                              "sites": ["A"]})])
server.tell({"GET /health": {"ok": False, "journal": {"ok": False, "why": "disk full", "seq": 9},
                             "nodes": {"adopted": 3, "known": 10}}})
claim("health that is not good is exit status 1", tieline("health"), status=1, out=["disk full"])

# ---- The edge

RPC = "POST /nodes/a1/rpc"
server.tell({RPC: {"text": "table 0: priority 1000\n  -> output 2\n", "verdict": "x"}})
claim("edge trace prints what the node says",
      tieline("edge", "trace", "--node", "a1", "--in-port", "3", "--hex", "ff:ff 00"),
      out="table 0: priority 1000\n  -> output 2\n",
      asked=[("POST", "/nodes/a1/rpc", {"method": "edge.trace",
                                        "params": {"in-port": 3, "frame": "ffff00"}})])
server.requests.clear()
claim("edge trace makes a frame of fields",
      tieline("edge", "trace", "--node", "a1", "--in-port", "3", "--ipv4-src", "10.20.0.31",
              "--ipv4-dst", "10.20.0.11", "--tcp-dst", "502"))
frame = server.requests[0][2]["params"]["frame"]
check("... of that kind", frame[24:28] == "0800" and frame[72:76] == "01f6" and len(frame) == 120,
      frame)
pcap = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000") + b"".join(
    bytes(8) + len(f).to_bytes(4, "little") * 2 + f for f in (b"\x01" * 60, b"\x02" * 60))
(here / "two.pcap").write_bytes(pcap)
server.requests.clear()
claim("edge trace takes a packet of a capture",
      tieline("edge", "trace", "--node", "a1", "--in-port", "1", "--pcap", "two.pcap:2"),
      asked=[("POST", "/nodes/a1/rpc", {"method": "edge.trace",
                                        "params": {"in-port": 1, "frame": "02" * 60}})])
claim("... if there is one",
      tieline("edge", "trace", "--node", "a1", "--in-port", "1", "--pcap", "two.pcap:3"), status=1,
      err="tieline: two.pcap: there is no packet 3\n")
claim("... and if there is a capture",
      tieline("edge", "trace", "--node", "a1", "--in-port", "1", "--pcap", "none.pcap"), status=1,
      err="tieline: none.pcap: it cannot be read: No such file or directory\n")
claim("edge wants a node", tieline("edge", "status"), status=2, err=["--node NAME, or --control"])
claim("a socket where nobody is, is exit status 4",
      tieline("edge", "status", "--control", f"{here}/nobody"), status=4)


def node_on_socket(path, answer):
    """A node that answers one question on its socket; the question is in the list."""
    asked, listener = [], socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve():
        connection, _ = listener.accept()
        question = json.loads(connection.makefile().readline())
        asked.append(question)
        reply = {"jsonrpc": "2.0", "id": question["id"], **answer}
        connection.sendall(json.dumps(reply).encode() + b"\n")
        connection.recv(100)
        connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return asked


asked = node_on_socket(here / "a1", {"result": {"text": "table 0: miss\n"}})
claim("edge trace asks a node on its own socket",
      tieline("edge", "trace", "--control", f"{here}/a1", "--in-port", "3", "--hex", "ffff",
              env={"TIELINE_URL": ""}), out="table 0: miss\n")
check("... the same", asked[0]["method"] == "edge.trace"
      and asked[0]["params"] == {"in-port": 3, "frame": "ffff"}, asked)
node_on_socket(here / "a2", {"error": {"code": -32602, "message": "in-port: there is none",
                                       "data": {"err": "ERR_INVALID"}}})
claim("what a node refuses is exit status 1",
      tieline("edge", "status", "--control", f"{here}/a2"), status=1,
      err=["in-port: there is none [ERR_INVALID]"])
server.tell({RPC: {"counters": {"rx": 5, "zero": 0}, "drops": {"table-miss": 3}}})
claim("edge stats leaves out zeros", tieline("edge", "stats", "--node", "a1"),
      out="counters\nCOUNTER  VALUE\nrx           5\n\npackets dropped\nCOUNTER     VALUE\n"
          "table-miss      3\n")

server.tell({RPC: {"ports": [{"number": 1, "name": "p1", "up": True, "live": True, "reason": ""},
                             {"number": 2, "name": "p2", "up": True, "live": False,
                              "reason": "not-heard"}]}})
claim("edge ports says why a port is not used", tieline("edge", "ports", "--node", "a1"),
      out="PORT  NAME  UP   LIVE  REASON\n   1  p1    yes  yes\n   2  p2    yes  no    not-heard\n")

shared = {"ports": [{"number": 3, "name": "eth3", "scheduling": "rate=10M,q0=weight:1+max:2M",
                     "rate-kbps": 10000,
                     "queues": [{"queue": 0, "weight": 1, "max-kbps": 2000, "packets": 5,
                                 "octets": 300, "dropped": 2},
                                {"queue": 1, "strict": True, "packets": 7, "octets": 420,
                                 "dropped": 0}]}]}
server.tell({RPC: shared})
claim("edge queues shows the first to leave first",
      tieline("edge", "queues", "--node", "a1", "--port", "3"),
      out="PORT       RATE  QUEUE  SHARE         MOST  PACKETS  OCTETS  DROPPED\n"
          "   3  10 Mbit/s      1  strict                    7     420        0\n"
          "                     0  weight 1  2 Mbit/s        5     300        2\n",
      asked=[("POST", "/nodes/a1/rpc", {"method": "edge.queues", "params": {"port": 3}})])
claim("edge queues wants to know whose",
      tieline("edge", "queues", "--node", "a1", "--set", "rate=1M"), status=2,
      err="tieline: --set needs --port NUMBER\n")
server.requests.clear()
claim("edge queues shares a port anew, and shows it",
      tieline("edge", "queues", "--node", "a1", "--port", "3", "--set", "rate=1M"), out=["strict"])
check("... by edge.config", [r[2]["method"] for r in server.requests] == ["edge.config",
                                                                           "edge.queues"]
      and server.requests[0][2]["params"] == {"port": 3, "scheduling": "rate=1M"},
      server.requests)
server.tell({"POST /nodes/a1/capture": {"capture": 7, "data": "AAEC", "frames": 1, "lost": 2,
                                        "over": True, "reason": "it was stopped"}})
server.requests.clear()
CAPTURE = ("POST", "/nodes/a1/capture")
claim("edge capture asks, reads to the end, and says what was lost",
      tieline("edge", "capture", "--node", "a1", "--file", "x.pcapng", "--port", "3", "--port",
              "LOCAL", "--match", "tcp-dst=502", "--cookie", "0x10/0xf0", "--reason", "no_match",
              "--count", "5", "--for", "2s"),
      err="1 packets captured, 2 lost: it was stopped\n",
      asked=[(*CAPTURE, {"method": "edge.capture-start",
                         "params": {"count": 5, "match": "tcp-dst=502", "drops": "no_match",
                                    "ports": [3, "LOCAL"], "cookie": "0x10", "cookie-mask": "0xf0",
                                    "seconds": 2}}),
             (*CAPTURE, {"method": "edge.capture-read",
                         "params": {"capture": 7, "wait-ms": 500, "octets": 524288}})])
check("... into the file", (here / "x.pcapng").read_bytes() == b"\0\1\2")
claim("edge capture with --json",
      tieline("edge", "capture", "--node", "a1", "--file", "x.pcapng", "--json"),
      out='{"frames":1,"lost":2,"reason":"it was stopped"}\n')
claim("edge capture into a folder that is not there",
      tieline("edge", "capture", "--node", "a1", "--file", "none/x"), status=1,
      err=["none/x: No such file or directory"])
claim("edge capture refuses a number that is none",
      tieline("edge", "capture", "--node", "a1", "--count", "many"), status=2, err=["--count"])
server.tell({RPC: {
    "node": "a1", "interval-ms": 1000, "n-flows": 9, "n-active": 1, "punts-per-second": 2,
    "ports": [{"number": 1, "name": "p1", "live": True, "rx-packets-per-second": 12345678,
               "rx-bits-per-second": 99960, "tx-packets-per-second": 0, "tx-bits-per-second": 9999,
               "tx-dropped-per-second": 0}],
    "flows": [{"table": 0, "priority": 5, "cookie": "0x12", "match": "in_port=1",
               "instructions": "group:1", "packets-per-second": 3, "bits-per-second": 4,
               "packets": 5, "octets": 6, "used-ms-ago": 61000}],
    "groups": [{"group": 1, "type": "fast-failover", "buckets": 2, "active": [1],
                "actions": "output:3", "packets-per-second": 3, "bits-per-second": 4}],
    "drops": [{"reason": "meter", "packets-per-second": 1, "packets": 8}],
    "cache": {"hits-per-second": 9, "misses-per-second": 1}}})
claim("edge top shows ports, flows, groups and drops",
      tieline("edge", "top", "--node", "a1", "--once"),
      out="a1: 9 flows, 1 active; 2 packet-ins/s; cache 90.0 %\n\n"
          "PORT  NAME  LIVE  RX PACKETS/S  RX BIT/S  TX PACKETS/S  TX BIT/S  DROPPED/S\n"
          "   1  p1    yes          12.3M      100k             0      9999          0\n\n"
          "TABLE  PRIORITY  COOKIE  PACKETS/S  BIT/S   USED  MATCH      DOES\n"
          "    0         5  0x12            3      4  1 min  in_port=1  group:1\n\n"
          "GROUP  TYPE           BUCKET  PACKETS/S  BIT/S  DOES\n"
          "    1  fast-failover  1 of 2          3      4  output:3\n\n"
          "DROPPED  PACKETS/S  PACKETS\nmeter            1        8\n")
claim("edge top again and again, as documents",
      tieline("edge", "top", "--node", "a1", "--count", "2", "--json"), out=['"n-flows": 9'])
server.tell({RPC: {"content-type": "x", "text": "# TYPE a counter\n# EOF\n"}})
claim("edge stats --openmetrics prints what the node says",
      tieline("edge", "stats", "--node", "a1", "--openmetrics"),
      out="# TYPE a counter\n# EOF\n")

# ---- The lab, help, the manual

lab = here / "lab"
lab.mkdir()
(lab / "two-substations").write_text('#!/bin/sh\nfor a in "$@"; do echo "[$a]"; done\nexit 7\n')
(lab / "two-substations").chmod(0o755)
there = {"TIELINE_LAB_DIR": str(lab)}
claim("lab calls the lab's program, and its exit status is ours",
      tieline("lab", "cut", "--name", "x", "a1-a2", env=there), status=7,
      out="[--name]\n[x]\n[cut]\n[a1-a2]\n")
claim("lab exec passes options on",
      tieline("lab", "exec", "rtu-a", "ping", "-c", "1", env={**there, "TIELINE_LAB": "y"}),
      status=7, out="[--name]\n[y]\n[exec]\n[rtu-a]\n[ping]\n[-c]\n[1]\n")
claim("a lab that is not there", tieline("lab", "up", env={"TIELINE_LAB_DIR": "/nowhere"}), status=1,
      err=["not found"])
claim("version", tieline("version"), out=["tieline "])
claim("help names everything", tieline("help"), out=["circuit create", "work approve"])
claim("help about a verb", tieline("help", "work", "approve"), out=["--hash HASH"])
claim("without a verb: usage", tieline(), status=2, err=["NOUN VERB"], out="")
manual = tieline("help", "--manual").out
check("doc/cli.md has the table of all commands (tieline help --manual)",
      manual and manual in (ROOT / "doc/cli.md").read_text())
completed = subprocess.run(
    ["bash", "-c", 'eval "$(tieline completion bash)"; COMP_WORDS=(tieline work app); COMP_CWORD=2;'
     '_tieline tieline app work; echo "${COMPREPLY[@]}"; COMP_WORDS=(tieline work watch 1 --until '
     'w); COMP_CWORD=5; _tieline tieline w --until; echo "${COMPREPLY[@]}"'],
    capture_output=True, text=True,
    env={**environment, "PATH": f"{TIELINE.parent}:{environment['PATH']}"})
claim("bash completes verbs and values", Result(completed.returncode, completed.stdout,
                                                completed.stderr),
      out="approve\nwaiting\n", err="")

finish()
