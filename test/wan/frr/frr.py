#!/usr/bin/env python3
"""Our PCE and FRR's routers, in lab/wan: whether pathd does what it is told, which its label table shows, and what becomes of
it when PCEs come and go. All that was said is captured, and read by tshark. Prints a line per claim.

Usage: frr.py DIRECTORY-OF-PROGRAMS ospf|isis|vpn|alone
isis: without the coming and going. vpn: with OSPF, a VPN whose packets take the paths that the PCE says. alone: with OSPF,
delegations that are given back, and no PCE for longer than FRR waits for one.

Needs root, FRR and tshark; skips without."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
here = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(here.parents[2] / "cli"))
from tap import check, finish, note, skip  # noqa: E402

programs = pathlib.Path(sys.argv[1]).resolve()
part = sys.argv[2]
igp = "isis" if part == "isis" else "ospf"
lab = [str(here.parents[3] / "lab/wan"), "--name", f"w{os.getpid() % 1000000}"]
timers = {"LAB_PCC_TIMERS": "keep-alive 30 dead-timer 90 session-timeout-interval 20 delegation-timeout 2"} if part == "alone" else {}
one, two = "10.255.7.1:4189", "10.255.7.2:4189"
west, n2, east, s2 = "10.20.0.1", "10.20.0.3", "10.20.0.5", "10.20.0.7"
pccs = {"west": west, "n2": n2, "east": east, "s2": s2}


def wan(*command, check_it=True):
    return subprocess.run([*lab, *map(str, command)], check=check_it, capture_output=True, text=True,
                          env=dict(os.environ, TIELINE_BIN=str(programs), **timers)).stdout


class Probe:
    """A wan_probe: its events as they come. It answers requests for paths with the node segment of the end."""

    def __init__(self, address):
        self.process = subprocess.Popen([*lab, "exec", "ctl", str(programs / "wan_probe"), address], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events, self.more = [], threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()
        if not self.wait("listening"):
            raise RuntimeError(f"nothing listens at {address}")

    def listen(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "request":
                self.say("answer", event["request"], 16000 + int(event["destination"].rsplit(".", 1)[1]))
            with self.more:
                self.events.append(event)
                self.more.notify_all()

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def wait(self, kind, seconds=15.0, since=0, **wanted):
        """The first such event behind that many, or None."""
        end = time.monotonic() + seconds
        with self.more:
            while True:
                for event in self.events[since:]:
                    if event["event"] == kind and all(event.get(k) == v for k, v in wanted.items()):
                        return event
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.more.wait(left)

    def order(self, *words, seconds=15.0):
        """Its result, or why there is none."""
        since = len(self.events)
        self.say(*words)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for event in self.events[since:]:
                if event["event"] == "denied" or event["event"] == "result" and event["order"] == words[0]:
                    return event
            time.sleep(0.01)
        return {"outcome": "none"}

    def lsps(self):
        since = len(self.events)
        self.say("list")
        self.wait("listed", since=since)
        return {(e["pcc"], e["name"]): e for e in self.events[since:] if e["event"] == "listing"}

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def stacks(router, label):
    """What FRR puts on packets that come with this label."""
    entry = json.loads(wan("vtysh", router, "show mpls table json")).get(str(label), {})
    return sorted([n.get("nexthop"), *n["outLabelStack"]] if "outLabelStack" in n else [n.get("nexthop"), n.get("outLabel")]
                  for n in entry.get("nexthops", []))


def becomes(wanted, function, *arguments, seconds=15.0):
    """Milliseconds until it is that, or None."""
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        if function(*arguments) == wanted:
            return 1000 * (time.monotonic() - start)
        time.sleep(0.02)
    return None


def connect(peer, probe):
    """Now, and not when pathd tries again by itself, after up to two minutes: an attempt that was just under way when it
    was told so does not come to more."""
    for router, address in pccs.items():
        for _ in range(5):
            wan("vtysh", router, f"clear sr-te pcep session {peer}")
            if probe.wait("synced", 5, pcc=address):
                break


def update(probe, labels, seen):
    """West's path to the east; `seen`: what the label table must say."""
    since = len(probe.events)
    start = time.monotonic()
    rate = 1000 * labels[0]
    probe.say("update", west, "west-east-pce-west-east", *labels, f"@{rate}/4/1")
    installed = becomes(seen, stacks, "west", 1105)
    check(f"what FRR puts on packets is what was sent: {labels}", installed is not None, lambda: stacks("west", 1105))
    result = probe.wait("result", since=since) or {}
    check("and it reports the path as active", result.get("outcome") == "done", result)
    report = probe.lsps()[west, "west-east-pce-west-east"]
    check("with these labels", report["path"] == labels and report["state"] == "active", report)
    check("and this rate", report["bps"] == rate, report)
    note(f"labels seen after {installed or 0:.0f} ms, reported active after {1000 * (time.monotonic() - start):.0f} ms")


def sessions(probe):
    for name, address in pccs.items():
        check(f"{name} has a session, and has reported all", probe.wait("synced", pcc=address), probe.events)
    # pathd opens a first session while it still reads its configuration, and another when it has: the last one counts.
    def able():
        last = {e["pcc"]: e for e in list(probe.events) if e["event"] == "up"}
        return len(last) == len(pccs) and all(e["updates"] and e["depth"] == 9 for e in last.values())
    check("it can be told LSPs, with stacks of 9 labels", becomes(True, able) is not None, probe.events)


def delegations(probe):
    wanted = {(west, "west-east-pce-west-east"), (west, "west-n2-pce-west-n2"), (west, "west-s2-pce-west-s2"),
              (east, "east-west-pce-east-west"), (east, "east-n2-pce-east-n2"), (n2, "n2-west-pce-n2-west"),
              (n2, "n2-s2-pce-n2-s2"), (s2, "s2-west-pce-s2-west")}

    def delegated():
        return {k for k, e in probe.lsps().items() if e["delegated"] and e["state"] == "active"} >= wanted
    check("answered requests become delegated, active LSPs", becomes(True, delegated) is not None, probe.lsps)
    lsps = probe.lsps()
    check("which begin at the router's id", all(e["source"] == k[0] for k, e in lsps.items()), lsps)
    fallback = lsps.get((west, "west-east-fallback"), {})
    check("a configured path is reported, not delegated", fallback and not fallback["delegated"] and
          fallback["path"] == [16003, 16005], fallback)


def initiation(probe):
    result = probe.order("initiate", west, "made", west, east, 501, 1501, 16003, 16005, "@2000000/3/2")
    check("an LSP is created", result["outcome"] == "done", result)
    terms = probe.lsps()[west, "made"]
    check("the rate that was told is reported, no priorities ever", (terms["bps"], terms["priorities"]) == (2000000, None), terms)
    check("its binding label has the path", stacks("west", 1501) == [["10.30.1.2", 16003, 16005]], stacks("west", 1501))
    text = wan("vtysh", "west", "show sr-te policy detail")
    check("it is a policy of FRR's, of that colour", "Color: 501  Name: made  BSID: 1501  Status: Active" in text, text)


def removal(probe):
    result = probe.order("remove", west, "made")
    check("it is removed", result["outcome"] == "done", result)
    check("its label goes", becomes([], stacks, "west", 1501) is not None, stacks("west", 1501))


def restart(probe):
    """kill -9, and a new one that knows nothing."""
    before = {label: stacks("west", label) for label in (1103, 1105, 1107, 1501)}
    old = probe.lsps()
    probe.kill()
    time.sleep(0.5)
    check("without a PCE all labels stay", {label: stacks("west", label) for label in before} == before)
    probe = Probe(one)
    for name, address in pccs.items():
        check(f"{name} comes back by itself", probe.wait("synced", 40, pcc=address), probe.events)
    new = probe.lsps()
    differ = [k for k in old if not new.get(k) or any(old[k][x] != new[k][x] for x in ("path", "delegated", "created"))]
    check("it reports what there was, delegations and all", not differ, lambda: [(old[k], new.get(k)) for k in differ])
    check("no label has moved", {label: stacks("west", label) for label in before} == before)
    return probe


def takeover(first):
    second = Probe(two)
    connect("two", second)
    sessions(second)
    lsps = second.lsps()
    check("a second PCE hears of all, and is delegated nothing",
          len(lsps) >= 5 and not any(e["delegated"] for e in lsps.values()), lsps)
    before = stacks("west", 1105)
    had = {k for k, e in first.lsps().items() if e["delegated"]}
    first.kill()

    def delegated():
        return {k for k, e in second.lsps().items() if e["delegated"]} >= had
    took = becomes(True, delegated)
    check("the first one dies: the second one has all its LSPs", took is not None, second.lsps)
    note(f"after {(took or 0) / 1000:.1f} s")
    check("no label has moved", stacks("west", 1105) == before, stacks("west", 1105))
    update(second, [16002, 16003, 16005], [["10.30.1.2", 16003, 16005]])
    result = second.order("update", west, "made", 16002, 16003, 16005)
    check("also one that the first one created obeys it", result["outcome"] == "done", result)
    first = Probe(one)
    connect("one", first)
    first.wait("synced", pcc=west)
    lsps = first.lsps()
    check("the first one comes back: it hears of all, and the second one keeps the delegations",
          lsps and not any(e["delegated"] for e in lsps.values()), lsps)
    removal(second)
    first.end()
    second.end()


def returning(probe, name, label):
    """RFC 8231 section 5.7.3: the PCE gives the delegation back. FRR 8.4 takes that for an update."""
    before = stacks("west", label)
    result = probe.order("return", west, name)
    check(f"{name}: FRR answers that its delegation is given back", result.get("accepted"), result)
    check("and goes on delegating it", result["outcome"] == "timed-out" and probe.lsps()[west, name]["delegated"], result)
    check("its label stays as it is", stacks("west", label) == before, lambda: stacks("west", label))
    result = probe.order("update", west, name, 16008, 16007, 16005)
    check("and it obeys as before", result["outcome"] == "done", result)
    check("so that the label is what was sent", becomes([["10.30.2.2", 16007, 16005]], stacks, "west", label) is not None)


def alone(probe):
    """No PCE for longer than session-timeout-interval, and then one."""
    def labels():
        return [stacks("west", label) for label in (1103, 1105, 1501)]
    fallback, east_node = ["10.30.1.2", 16003, 16005], [["10.30.1.2", 16005], ["10.30.2.2", 16005]]
    before = labels()
    probe.kill()
    start = time.monotonic()
    check("the PCE is gone: the labels stay", labels() == before and all(before), before)
    went = becomes([[], [fallback], []], labels, seconds=90)
    check("and go when FRR has waited long enough; where there is a fallback, that is used", went is not None, labels)
    note(f"after {time.monotonic() - start:.1f} s")
    probe = Probe(one)
    connect("one", probe)
    check("a PCE is there: FRR asks it for paths, and the labels are back",
          becomes([[["10.30.1.2", 16003]], east_node, east_node], labels, seconds=30) is not None, labels)

    def delegated():
        return {k[1] for k, e in probe.lsps().items() if k[0] == west and e["delegated"] and e["state"] == "active"}
    wanted = {"west-n2-pce-west-n2", "west-east-pce-west-east", "west-s2-pce-west-s2", "made"}
    check("delegated as before, also what a PCE had created", becomes(wanted, delegated) is not None, probe.lsps)
    probe.end()


def vpn_labels():
    """What is put on packets from west's customer to that in the east."""
    route = json.loads(wan("vtysh", "west", "show ip route vrf red 10.50.5.0/24 json")).get("10.50.5.0/24", [{}])[0]
    return [h["labels"] for h in route.get("nexthops", []) if h.get("fib") and "labels" in h]


def vpn(probe):
    """Provisioned as somebody would by hand; `set sr-te color` sends what goes east over the policy of that colour."""
    for router, number in (("west", 1), ("east", 5)):
        wan("vtysh", router, "configure terminal", "router bgp 65000 vrf red", "address-family ipv4 unicast", "redistribute connected",
            "label vpn export auto", f"rd vpn export 65000:{number}", "rt vpn both 65000:1", "export vpn", "import vpn")
    check("a VPN's routes have the east's node segment and the label of the VPN",
          becomes(True, lambda: bool(vpn_labels()) and all(s[0] == 16005 and len(s) == 2 for s in vpn_labels())) is not None, vpn_labels)
    label = vpn_labels()[0][-1]
    wan("vtysh", "west", "configure terminal", "route-map steer permit 10", "set sr-te color 100", "exit", "router bgp 65000",
        "address-family ipv4 vpn", f"neighbor {east} route-map steer in")
    for labels, seen in (([16003, 16005], [16003, 16005]), ([16008, 16007, 16005], [16007, 16005])):
        result = probe.order("update", west, "west-east-pce-west-east", *labels)
        check(f"the PCE moves the policy to {labels}", result["outcome"] == "done", result)
        check("and the VPN with it", becomes([[*seen, label]], vpn_labels) is not None, vpn_labels)


def read_capture(capture):
    """What tshark has against it."""
    def ask(condition, *fields):
        command = ["tshark", "-r", str(capture), "-d", "tcp.port==4189,pcep", "-Y", condition, "-T", "fields"]
        return subprocess.run([*command, *fields], check=True, capture_output=True, text=True).stdout.split("\n")[:-1]
    types = " ".join(ask("pcep", "-e", "pcep.msg")).replace(",", " ").split()
    names = {"1": "Open", "2": "Keepalive", "3": "Request", "4": "Reply", "6": "Error", "10": "Report", "11": "Update", "12": "Initiate"}
    count = {name: types.count(number) for number, name in names.items()}
    note(f"tshark has read: {count}")
    check("tshark has seen each kind of message", all(count[name] for name in ("Open", "Report", "Update", "Initiate", "Reply")))
    bad = ask("pcep && (_ws.malformed || _ws.expert.severity >= 0x600000)", "-e", "frame.number", "-e", "_ws.expert.message")
    check("and complains of none", not bad, "\n".join(bad[:20]))


def run(work):
    start = time.monotonic()
    wan("up", "--igp", igp, *(["--vpn"] if part == "vpn" else []))
    check(f"eight routers have {igp} and segment routing", "converged" in wan("status"))
    note(f"up in {time.monotonic() - start:.1f} s")
    capture = work / "pcep.pcapng"
    tshark = subprocess.Popen([*lab, "exec", "ctl", "tshark", "-q", "-i", "mgmt", "-f", "tcp port 4189", "-w", capture],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    becomes(True, capture.exists)
    time.sleep(0.5)
    probe = Probe(one)
    connect("one", probe)
    sessions(probe)
    delegations(probe)
    if part == "vpn":
        vpn(probe)
    else:
        tell(probe)
    time.sleep(0.5)
    tshark.terminate()
    tshark.wait()
    if part not in ("vpn", "alone"):
        read_capture(capture)
    check("every router lives", "ended" not in wan("status"), wan("status"))


def tell(probe):
    if part == "alone":
        initiation(probe)
        returning(probe, "west-east-pce-west-east", 1105)
        returning(probe, "made", 1501)
        alone(probe)
        return
    update(probe, [16003, 16005], [["10.30.1.2", 16003, 16005]])
    update(probe, [16008, 16007, 16005], [["10.30.2.2", 16007, 16005]])
    initiation(probe)
    if igp == "ospf":
        probe = restart(probe)
        update(probe, [16007, 16003, 16005], [["10.30.2.2", 16007, 16003, 16005]])
        takeover(probe)
    else:
        removal(probe)
        probe.end()


def main():
    if os.geteuid():
        skip("not root")
    for program in ("/usr/lib/frr/pathd", "tshark", "vtysh", "ip"):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    work = pathlib.Path(tempfile.mkdtemp(prefix="wan-frr-"))
    work.chmod(0o777)  # tshark captures as somebody else
    try:
        run(work)
    finally:
        wan("down", check_it=False)
        shutil.rmtree(work)
    check("nothing is left of the lab", not subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout.count(lab[2] + "-"))
    finish()


main()
