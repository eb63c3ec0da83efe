#!/usr/bin/env python3
"""What `tieline` does by itself, from files: what-if and rules of others. Prints a line per claim.

Usage: offline.py DIRECTORY-OF-PROGRAMS"""

import json
import pathlib
import subprocess
import sys
import tempfile

from tap import check, finish

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TIELINE = pathlib.Path(sys.argv[1]).resolve() / "tieline"
INVENTORY = [str(ROOT / f"lab/data/inventory/{name}.csv")
             for name in ("sites", "nodes", "ports", "links", "hosts")]
work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)


def tieline(*args):
    return subprocess.run([TIELINE, *args], capture_output=True, text=True, cwd=here, timeout=120)


def claim(text, result, status=0, out=(), err=()):
    wrong = [] if result.returncode == status else [f"exit status {result.returncode}"]
    wrong += [f"output lacks {part!r}" for part in out if part not in result.stdout]
    wrong += [f"errors lack {part!r}" for part in err if part not in result.stderr]
    check(text, not wrong, "\n".join([*wrong, f"out: {result.stdout!r}", f"err: {result.stderr!r}"]))


def write(name, document):
    (here / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return name


def circuit(name, server, port, **more):
    return {"name": name, "ip": {"client": "fep", "server": server, "protocol": "tcp",
                                 "server-ports": [port]},
            "service-class": "scada", "rate-kbps": 500, "burst-octets": 15000,
            "protection": "maximal", **more}


def model(*args):
    result = tieline("model", "run", *[f"--from={path}" for path in INVENTORY], "--from",
                     "circuits.csv", "--json", *args)
    try:
        return result, json.loads(result.stdout)
    except ValueError:
        return result, {}


# ---- What if, from files

write("circuits.csv", "name,client,server,protocol,server-ports,service-class,rate-kbps,"
      "burst-octets,protection\nscada-a,fep,rtu-a,tcp,502,scada,500,15000,maximal\n"
      "scada-b,fep,rtu-b,tcp,502,scada,500,15000,maximal\n")
result, answer = model()
claim("a network of files alone is planned, proved and bounded", result)
check("... with nothing different",
      answer.get("changes", {}).get("n") == 0 and answer["proof"]["ok"] and
      answer["difference"]["circuits"]["n"] == 0 and answer["bounds"]["n"] == 2, answer)

write("new.json", [circuit("new-a", "rtu-a", 20000), circuit("new-b", "rtu-b", 20000)])
result, answer = model("new.json")
claim("new circuits are designed", result)
check("... and nothing else is touched",
      [c["change"] for c in answer["difference"]["circuits"]["list"]] == ["added", "added"] and
      answer["difference"]["rules-removed"] == 0, answer)

result, answer = model("--remove", "link:a1-wan4", "--each-failure")
claim("a link is taken out", result)
check("... and its circuits move away from it",
      answer["difference"]["circuits"]["n"] > 0 and
      all("a1-wan4" not in c["after"]["primary"] + c["after"].get("failover", [])
          for c in answer["difference"]["circuits"]["list"]), answer)
check("... each failure is told, the worst first",
      answer["failures"]["tried"] > 20 and
      answer["failures"]["list"][0]["lost"] >= answer["failures"]["list"][-1]["lost"], answer)

write("many.json", [circuit(f"bulk-{i:04}", "rtu-a" if i % 2 else "rtu-b", 1000 + i, **{
    "service-class": "engineering", "rate-kbps": 300, "protection": "none"}) for i in range(1000)])
result, answer = model("many.json")
claim("of a thousand circuits not all fit", result, status=1)
fit = answer.get("circuits", {})
check("... and what limits the others is said",
      fit.get("n") == 1000 and 100 < fit["n-fit"] < 1000 and
      fit["list"][0]["limit"] == "capacity" and fit["list"][0]["links"], fit)
check("... while the plan of those that fit is proved", answer["proof"]["ok"], answer)

result, answer = model("--fail", "node:wan2", "--fail", "link:b2-wan3")
check("several failures at once cut a substation off",
      any(c["circuit"] == "scada-b" and c["impact"] == "has no path left" and not c["redesigned"]
          for c in answer["failure"]["list"]), answer)
check("... the others go on",
      all(c["circuit"] == "scada-b" or c["impact"] != "has no path left"
          for c in answer["failure"]["list"]), answer)

result = tieline("model", "run", *[f"--from={path}" for path in INVENTORY], "new.json")
claim("people get tables", result,
      out=["circuits designed: 2, of which 2 fit\n", "proof: holds\n", "fullest links\n"])
result = tieline("model", "run", *[f"--from={path}" for path in INVENTORY], "--from",
                 "circuits.csv", "new.json")
check("... of worst cases of circuits that are not listed none is said to be missing",
      "worst-case delays" in result.stdout and
      "more" not in result.stdout.split("worst-case delays")[1].split("\n\n")[0], result.stdout)
claim("what is not there is refused by name",
      tieline("model", "run", *[f"--from={path}" for path in INVENTORY], "--remove", "node:x9"),
      status=1, err=["remove: number 1: there is no node x9"])
claim("a failure of nothing, too",
      tieline("model", "run", *[f"--from={path}" for path in INVENTORY], "--fail", "link:x-y"),
      status=1, err=['link "x-y" is not there'])
write("bad.csv", "name,mac,node,port\nh9,zz,a1,9\n")
claim("a file that is wrong is named with line and column",
      tieline("model", "run", *[f"--from={path}" for path in INVENTORY], "bad.csv"), status=1,
      out=["bad.csv:2:4: error: host h9: mac"])
claim("so is the base", tieline("model", "run", "--from", "bad.csv"), status=1,
      out=["bad.csv:2:4: error: host h9: mac"])

result, answer = model("bad.csv")
claim("as a document, too", result, status=1)
check("... that has the report",
      [(r["file"], r["line"], r["field"]) for r in answer.get("report", {}).get("rows", [])] ==
      [("bad.csv", 2, "mac")], result.stdout)
result = tieline("model", "run", "--from", "bad.csv", "--json")
check("... for the base as well", result.returncode == 1 and
      json.loads(result.stdout).get("report", {}).get("errors") == 1, result.stdout)

# ---- Rules of others

RULES = """tieline-rules 1
node name=r1
node name=r2
filter name=web
link node=r1 port=te1 to=r2 filters=web
link node=r2 port=te1 to=r1
port node=r2 name=gi1
+ rule filter=web priority=10 action=permit proto=6 src=10.0.0.0/8 dport=80-81
+ rule filter=web priority=5 action=permit proto=6 src=10.1.0.0/16 dport=80
+ route node=r1 prefix=10.0.0.0/8 out=te1
+ route node=r2 prefix=10.0.0.0/8 out=gi1
"""
write("good.rules", RULES)
claim("rules of others without a fault", tieline("rules", "judge", "good.rules"),
      out=["no fault: 2 routes, 2 filter rules", "filter web: rule of priority 5 is shadowed\n"])
write("loop.rules", RULES + "+ route node=r2 prefix=10.9.0.0/16 out=te1\n")
claim("a loop is shown with a packet and its path", tieline("rules", "judge", "loop.rules"),
      status=1, out=["loop", "10.9.", "r1 > r2 > r1", "there are faults"])
result = tieline("rules", "judge", "loop.rules", "--json")
claim("... as a document, too", result, status=1)
check("... that counts them", json.loads(result.stdout)["loops"] >= 1, result.stdout)
write("labels.rules", RULES + "entry node=r1 fec=10.9.0.0/16 egress=r2 ops=push:100 port=te1\n"
      "label node=r2 in=100 ops=swap:100 port=te1\nlabel node=r1 in=100 ops=swap:100 port=te1\n")
claim("labels that go round for ever are found", tieline("rules", "judge", "labels.rules"),
      status=1, out=["loop at ", "label-switched paths: 1 entries"])
write("wrong.rules", RULES + "+ route node=r7 prefix=10.9.0.0/16 out=te1\n")
claim("what is wrong is named with line and column", tieline("rules", "judge", "wrong.rules"),
      status=1, err=["wrong.rules: line 12, column"])
claim("options are checked", tieline("rules", "judge", "good.rules", "--depth", "65"), status=2,
      err=["--depth 65: a number from 1 to 64 is expected"])
stanford = ROOT.parent / "shared/data/stanford/stanford"
if stanford.is_dir():
    claim("the Stanford backbone is judged",
          tieline("rules", "judge", str(stanford / "updates"), "--topology",
                  str(stanford / "topo.txt"), "--vlans", str(stanford / "vlan.txt"), "--limit", "3",
                  "--updates", "4526"),
          status=1, out=["black hole", "29 filters: ", "there are faults: "])
else:
    print("# skipped: the Stanford backbone is not here")

# ---- Options of many verbs

circuit_options = ["circuit", "create", "c", "--from", "a", "--to", "b", "--protocol", "tcp", "--rate",
                   "1M", "--class", "scada"]
for verb, option, example in ((["health"], "timeout", "30s"),
                              (["site", "init", "--dir", "d", "--hub", "h:1"], "valid", "365d"),
                              (["breakglass", "seal", "--role", "VIEWER"], "lasts", "1h"),
                              (["edge", "capture", "--control", "x"], "for", "10s"),
                              (["edge", "top", "--control", "x"], "interval", "1s"),
                              (circuit_options, "for", "2h"), (circuit_options, "max-latency", "10ms")):
    for value in ("soon", "0s"):
        claim(f"--{option} {value} is no duration", tieline(*verb, f"--{option}", value), status=2,
              err=[f'--{option}: "{value}" is not a duration such as {example}'])
for verb, what in ((["site", "init"], "--dir is needed: a new directory"),
                   (["journal", "check", "x"], "--public is needed: "),
                   (["content", "verify", "d"], "--trust is needed: whose signatures count"),
                   (["circuit", "stop", "c"], "--comment is needed: why"),
                   (["local", "agree", "1"], "--hash is needed: what you have looked at")):
    claim(f"{' '.join(verb)}: what is needed is said", tieline(*verb), status=2, err=[what])

finish()
