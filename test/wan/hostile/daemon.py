"""tielined with routers that do all that they should not, beside some that carry a tunnel.

Usage: daemon.py DIRECTORY-OF-PROGRAMS"""
import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bgpls"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from peers import BIN, Test, check, free_port, skip_without # noqa: E402
from rumours import Speaker, a_link, a_node, end_of_all # noqa: E402
from instances import Instance, make_identities, wait_until # noqa: E402

RING = 8
QUIET = 15
PEOPLE = {"erin": ["ENGINEER", "OPERATOR"], "olga": ["OPERATOR"], "sam": ["SECADM"]}
ENDS = ("done", "failed-undone", "failed-undo-failed", "cancelled")
SETTINGS = """
pcep: {{listen: "127.0.0.1:{pcep}", tls: none, quiet: {quiet}s}}
bgp: {{listen: "127.0.0.22:{bgp}", as: 65000, identifier: 10.0.0.22}}
feeds:
  - {{name: ring, kind: bgp-ls, address: 127.0.0.1, as: 65000}}
  - {{name: rumour, kind: bgp-ls, address: 127.0.0.31, as: 65000}}
"""

# Who is good: by the number in the ring, where it comes from.
GOOD = {"west": (1, "127.1.0.1"), "east": (3, "127.1.0.2"), "south": (7, "127.1.0.3")}

# Who is not, and what of that is told.
BAD = {
    "flooder": (["--flood"], "floods"),
    "flapper": (["--flap-every", "50ms", "--reconnect", "50ms"], "flaps"),
    "babbler": (["--garbage-every", "100ms", "--reconnect", "50ms"], "bad-message"),
    "stopper": (["--half-message", "--keepalive", "1", "--deadtimer", "4", "--reconnect", "100ms"], None),
    "reuser": (["--lie", "reuse"], "plsp-id-reused"),
    "namer": (["--lie", "names"], "name-taken"),
    "thief": (["--lie", "foreign"], "foreign-end-point"),
    "nameless": (["--lie", "nameless"], "name-missing"),
    "asker": (["--requests", "1000000", "--changes", "2000"], None),
}
# These have a tunnel of their own to south: what they do with it, and the exception that says so.
CROOKS = {
    "revoker": (5, ["--revoke-every", "1"], None), # it is taken over again
    "mislabeller": (6, ["--lie", "labels"], "tunnel-not-installed"),
    "misanswerer": (8, ["--lie", "srp"], "router-misbehaves"),
}


def addresses():
    known = {name: (f"10.0.0.{n}", address) for name, (n, address) in GOOD.items()}
    known |= {name: (f"10.9.0.{i + 1}", f"127.2.{i}.1") for i, name in enumerate(BAD)}
    known["victim"] = ("10.9.1.1", known["thief"][1][:-1] + "2") # which the thief takes for its own
    known |= {name: (f"10.0.0.{n}", f"127.3.{n}.1") for name, (n, _, _) in CROOKS.items()}
    return known


class Centre:
    def __init__(self, test, wan):
        self.here = pathlib.Path(test.directory)
        make_identities(self.here, PEOPLE)
        self.people = {who: Instance(f"{BIN}/tielined", self.here, "centre", str(self.here / "journal.db"), who)
                       for who in PEOPLE}
        self.daemon = self.people["erin"]
        for instance in self.people.values():
            instance.port = self.daemon.port
        self.daemon.command += ["--wan", wan]

    def ask(self, method, path, document=None, who="erin"):
        answer = self.people[who].ask(method, path, document)
        check(f"{method} {path} is answered", answer is not None) if answer is None else None
        return answer

    def get(self, path):
        status, answer = self.ask("GET", path)
        return answer if status == 200 else {}

    def put(self, path, document):
        status, answer = self.ask("PUT", path, document)
        check(f"{path} is stated", status == 200, answer)

    def order(self, workflow, **its):
        """Submits it, and two people approve it. Its number."""
        status, answer = self.ask("POST", "/orders", {"workflow": workflow, "input": its})
        check(f"{workflow} {its} is ordered", status == 201, answer)
        number = answer["id"]
        check("... and waits for people", wait_until(lambda: self.state(number) == "waiting", 30),
              lambda: self.get(f"/orders/{number}"))
        for who, role in (("olga", "OPERATOR"), ("sam", "SECADM")):
            asked = wait_until(lambda: self.get(f"/orders/{number}")["approval"], 30)
            hashed = asked[0]["hash"]
            status, answer = self.ask("POST", f"/orders/{number}/decisions",
                                      {"decision": "approve", "hash": hashed, "role": role}, who)
            check(f"... {who} approves", status == 200, answer)
        return number

    def state(self, number):
        return self.get(f"/orders/{number}").get("state")

    def is_done(self, number):
        return wait_until(lambda: self.state(number) in ENDS, 60) and self.state(number) == "done"

    def sessions(self):
        return {x["address"]: x for x in self.get("/wan/routers").get("routers", [])}

    def paths(self, address):
        """What a good router has of ours."""
        lsps = self.get(f"/wan/lsps?router={address}&limit=1000").get("lsps", [])
        return {x["name"]: x for x in lsps if x["name"].startswith("tl.")}

    def exceptions(self, name=None, kind=None, closed=None):
        return [x for x in self.get("/exceptions").get("exceptions", [])
                if (name is None or x["object"].split("/")[1] == name) and (kind is None or x["kind"] == kind)
                and (closed is None or (x["state"] == "closed") == closed)]

    def events(self, kind, name=None):
        out, at = [], 1
        while at:
            page = self.get(f"/journal?type={kind}&limit=1000&from={at}")
            out += [e for e in page["events"] if name is None or e["object"].split("/")[1] == name]
            at = page.get("next")
        return out

    def import_routers(self):
        routers = [{"name": name, "site": "wan", "router-id": router, "management-address": address,
                    "platform": "frr"} for name, (router, address) in addresses().items()]
        document = {"tieline-inventory:inventory": {"site": [{"name": "wan", "kind": "wan"}]},
                    "tieline-wan:wan": {"router": routers}}
        status, answer = self.ask("POST", "/import?format=json",
                                  {"files": [{"name": "routers.json", "text": json.dumps(document)}]})
        check("routers are stated", status == 200 and answer["errors"] == 0, answer)

    def tunnel(self, name, head, tail):
        self.put(f"/tunnels/{name}", {"name": name, "head": head, "tail": tail, "rate-kbps": 1000, "protection": "none"})

    def phase(self, name):
        return self.get(f"/tunnels/{name}").get("status", {}).get("phase")


def plays(test, name, first, pcep, options):
    return test.start(name, [f"{BIN}/tieline-pccsim", "--pce", f"127.0.0.1:{pcep}", "--first", first, "--lsps", "20",
                             *options])


def has_told(centre, name, word):
    """Its misbehaviour, by name."""
    return any(e["name"] == word for x in misbehaviours(centre, name) for e in x["evidence"])


def misbehaviours(centre, name):
    return centre.exceptions(name, "router-misbehaves")


def how_many(centre, name):
    """Events about a router: sessions told of, exceptions raised and repeated."""
    ids = {f"exception/{x['id']}" for x in centre.exceptions(name)}
    return len(centre.events("router.session", name)), sum(e["object"] in ids for e in centre.events("exception."))


def main():
    skip_without("openssl")
    bgp, pcep = free_port("127.0.0.22"), free_port()
    with Test() as test:
        centre = Centre(test, test.write("wan.yaml", SETTINGS.format(quiet=QUIET, pcep=pcep, bgp=bgp)))
        try:
            centre.daemon.start()
            check("it serves", wait_until(centre.daemon.serves), centre.daemon.log.read_text)
            test.speaker("speaker", "-", "65000", "10.0.0.21", f"127.0.0.22:{bgp}=65000", f"ring={RING}")
            rumour = Speaker(("127.0.0.22", bgp), "127.0.0.31")
            rumour.tell(end_of_all())
            check("it knows the network", wait_until(lambda: sum(x["up"] for x in centre.get("/wan/links")["links"]) == 2 * RING, 30))
            centre.import_routers()
            plays(test, "good", "127.1.0.1", pcep, ["--pccs", "3"])
            scenario(centre, test, pcep, bgp, rumour)
        finally:
            check("it ends well", centre.daemon.end() == 0, centre.daemon.log.read_text)


def is_undisturbed(centre, before, when):
    good = [address for _, address in GOOD.values()]
    sessions = centre.sessions()
    check(f"{when}: the good routers' sessions are the first ones",
          all(sessions[a]["state"] == "ready" for a in good) and
          all(len(centre.events("router.session", name)) == 1 for name in GOOD), sessions)
    check("... the tunnel is active, and has not moved", centre.phase("trunk") == "active" and
          not [e for e in centre.events("tunnel.moved") if e["object"] == "tunnel/trunk"], centre.get("/tunnels/trunk"))
    now = {a: centre.paths(a) for a in good}
    check("... its paths are what they were", {a: {n: x for n, x in p.items() if "trunk" in n} for a, p in now.items()} ==
          before, now)


def routers_that_misbehave(centre, test, pcep):
    """All at once; each is told of once, by name."""
    started = time.monotonic()
    bad = [plays(test, name, addresses()[name][1], pcep, ["--pccs", "2", "--faulty", "1", *options])
           for name, (options, _) in BAD.items()]
    for name, (_, word) in BAD.items():
        if word:
            check(f"{name}: {word} is told", wait_until(lambda: has_told(centre, name, word)), lambda: centre.exceptions(name))
    check("stopper: that it has no session is told", wait_until(lambda: centre.exceptions("stopper", "router-session-lost")),
          lambda: centre.exceptions("stopper"))
    return bad, started


def routers_that_do_not_as_they_are_told(centre, test, pcep):
    """Each has a tunnel, which nobody else suffers from."""
    crooks = [plays(test, name, addresses()[name][1], pcep, options) for name, (_, options, _) in CROOKS.items()]
    check("crooks are there", wait_until(lambda: all(
        centre.sessions().get(addresses()[name][1], {}).get("state") == "ready" for name in CROOKS)), centre.sessions)
    for name in CROOKS:
        centre.tunnel(f"of-{name}", name, "south")
        centre.order("tunnel-turn-up", tunnels=[f"of-{name}"])
    check("the revoker's tunnel is built at first", wait_until(lambda: centre.phase("of-revoker") == "active"),
          lambda: centre.exceptions("of-revoker"))
    straight = centre.paths(addresses()["revoker"][1])["tl.of-revoker.p"]["ero"]
    link = next(x["key"] for x in centre.get("/wan/links")["links"] if x["key"].startswith("10.0.0.6>10.0.0.7"))
    status, answer = centre.ask("POST", "/wan/drain", {"element": link, "reason": "the revoker has to move"})
    check("... and has to go another way", status == 200 and answer["moved"] == 2, answer)
    here = addresses()["revoker"][1]
    check("... which it takes back at once, and gives again", wait_until(lambda: [
        x for x in centre.paths(here).values() if x["delegated"] and x["ero"] != straight]), lambda: [centre.paths(here), centre.get("/tunnels/of-revoker"), centre.events("tunnel.moved")])
    check("... so the tunnel is active", centre.phase("of-revoker") == "active")
    for name, (_, _, kind) in CROOKS.items():
        if not kind:
            continue
        about = name if kind.startswith("router") else f"of-{name}"
        check(f"{name}: {kind} is told", wait_until(lambda: centre.exceptions(about, kind), 90),
              lambda: [centre.exceptions(about), centre.get(f"/tunnels/of-{name}"), centre.paths(addresses()[name][1])])
    return crooks


def the_journal_is_spared(centre, started):
    """Whatever a router does: events grow with the time that has passed, and slowly."""
    turns = int((time.monotonic() - started) / QUIET) + 1
    for name in BAD:
        sessions, others = how_many(centre, name)
        check(f"{name}: {sessions} sessions are told of, and {others} events of exceptions are there",
              sessions <= 6 + turns and others <= 2 * (6 + turns) + 2 * turns + 2, centre.exceptions(name))
        check("... it is one exception", len(misbehaviours(centre, name)) <= 1, misbehaviours(centre, name))


SCRIPT = """
# The third of three: its paths fail, are taken back, are gone; it lies, and then it behaves.
0s   3           fail-lsp pcc2-lsp*
0s   3           lie reuse
1s   127.4.0.3   revoke pcc2-lsp1?
2s   3           remove-lsp pcc2-lsp2
3s   1-3         silence
"""


def a_script_is_followed(centre, test, pcep):
    """One router of three changes what it has, as the script says; then all fall silent and are missed."""
    plays(test, "actors", "127.4.0.1", pcep, ["--pccs", "3", "--keepalive", "1", "--deadtimer", "4", "--reconnect", "0s",
                                              "--script", test.write("script", SCRIPT)])
    check("what a script says is seen: one LSP fewer, ten not delegated, all down", wait_until(lambda: has_played(centre)),
          lambda: centre.get("/wan/lsps?router=127.4.0.3&limit=1000"))
    check("... and then silence: no session", wait_until(lambda: all(
        centre.sessions()[f"127.4.0.{n}"]["state"] == "down" for n in (1, 2, 3))), centre.sessions)


def has_played(centre):
    lsps = centre.get("/wan/lsps?router=127.4.0.3&limit=1000").get("lsps", [])
    others = centre.get("/wan/lsps?router=127.4.0.2&limit=1000").get("lsps", [])
    return (len(lsps) == 19 and sum(not x["delegated"] for x in lsps) == 10 and {x["state"] for x in lsps} == {"down"}
            and len(others) == 20 and all(x["delegated"] and x["state"] == "up" for x in others))


def links_up(centre):
    return {x["key"] for x in centre.get("/wan/links")["links"] if x["up"]}


def a_source_that_errs(centre, rumour, port):
    """Another device with the id of a router of the ring, and links whose bandwidth is none."""
    own, up = "127.0.0.31", links_up(centre)
    rumour.tell(a_node(own, "10.0.0.2", "intruder"), a_node(own, "10.7.0.1", "far"),
                a_link(own, ("10.0.0.2", "10.7.0.1"), ("10.7.1.1", "10.7.1.2"), -1.0),
                a_link(own, ("10.7.0.1", "10.0.0.2"), ("10.7.1.2", "10.7.1.1"), float("nan")))

    def findings(kind):
        return [x for x in centre.get("/wan/findings")["findings"] if x["finding"] == kind]

    check("two devices with one id are a finding that names both", wait_until(lambda: any(
        "intruder" in x["text"] and "edge-2" in x["text"] for x in findings("node-id-conflict"))),
        lambda: [centre.get("/wan/findings"), centre.get("/wan/sources")])
    check("so are bandwidths that are none, of both directions", wait_until(lambda: len(findings("bandwidth-bad")) == 2),
          lambda: findings("bandwidth-bad"))
    check("the clash is an exception, too", wait_until(lambda: centre.exceptions("10.0.0.2", "wan-node-id-conflict", False)),
          lambda: centre.exceptions())
    check("all links that were up are", up <= links_up(centre), lambda: up - links_up(centre))
    rumour.close()
    check("that the source is gone is one", wait_until(lambda: centre.exceptions("rumour", "wan-source-stale", False)),
          lambda: [centre.exceptions(), centre.get("/wan/sources")])
    rumour = Speaker(("127.0.0.22", port), own)
    rumour.tell(a_node(own, "10.7.0.1", "far"), end_of_all())
    check("it returns, and says other things: both are closed", wait_until(lambda: all(
        centre.exceptions(name, kind, True) and not centre.exceptions(name, kind, False)
        for name, kind in (("10.0.0.2", "wan-node-id-conflict"), ("rumour", "wan-source-stale"))), 90, 0.5),
        lambda: [centre.exceptions(), centre.get("/wan/findings")])
    rumour.close()


def it_ends(centre, bad):
    for process in bad:
        process.kill(signal.SIGTERM)
    check("when it stops the exceptions are closed", wait_until(
        lambda: all(x["state"] == "closed" for x in centre.exceptions(kind="router-misbehaves")), 60, 0.5),
        lambda: centre.exceptions(kind="router-misbehaves"))


def scenario(centre, test, pcep, bgp, rumour):
    good = [address for _, address in GOOD.values()]
    check("good routers are there", wait_until(lambda: all(centre.sessions().get(a, {}).get("state") == "ready" for a in good)))
    centre.tunnel("trunk", "west", "east")
    check("a tunnel is built", centre.is_done(centre.order("tunnel-turn-up", tunnels=["trunk"])))
    before = {a: centre.paths(a) for a in good}
    check("... both its ends have it", set(before[good[0]]) == {"tl.trunk.p"} == set(before[good[1]]), before)
    bad, started = routers_that_misbehave(centre, test, pcep)
    is_undisturbed(centre, before, "beside them")
    centre.tunnel("late", "west", "south")
    check("another tunnel is built", centre.is_done(centre.order("tunnel-turn-up", tunnels=["late"])))
    bad += routers_that_do_not_as_they_are_told(centre, test, pcep)
    is_undisturbed(centre, before, "beside those, too")
    a_source_that_errs(centre, rumour, bgp)
    a_script_is_followed(centre, test, pcep)
    the_journal_is_spared(centre, started)
    it_ends(centre, bad)
    is_undisturbed(centre, before, "in the end")


main()
