"""tielined learns a network from gobgpd, has routers' sessions over TLS, and is told of the optical layer."""
import json
import pathlib
import signal
import sys

from gobgp import CONFIG, NEIGHBOR
from peers import BIN, Test, check, free_port, skip_without

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from instances import Instance, make_identities, wait_until # noqa: E402
from restconf import SCHEMA, Stream, yanglint # noqa: E402

RESTART = 6
PEOPLE = {"olga": ["ENGINEER", "OPERATOR"]}
SETTINGS = """
pcep: {{listen: "127.0.0.1:{pcep}", tls: required}}
bgp: {{listen: "127.0.0.22:{bgp}", as: 65000, identifier: 10.0.0.22}}
feeds:
  - {{name: reflector, kind: bgp-ls, address: 127.0.0.1, as: 65000}}
"""


def optical():
    """The layer below the link of the first two routers of the ring."""
    return {
        "tapi-topology:topology-context": {"topology": [{"link": [
            {"uuid": "f1", "operational-state": "ENABLED",
             "risk-characteristic": [{"risk-characteristic-name": "SRLG", "risk-identifier-list": ["9001"]}],
             "latency-characteristic": [{"fixed-latency-characteristic": "300"}]}]}]},
        "tapi-connectivity:connectivity-context": {
            "connection": [{"uuid": "c1", "route": [{"local-id": "working", "link": ["f1"]}],
                            "selected-route": "working"}],
            "connectivity-service": [{"uuid": "s1", "connection": ["c1"], "ip-link": {
                "node-a": "10.0.0.1", "address-a": "11.0.0.5", "node-b": "10.0.0.2", "address-b": "11.0.0.6"}}]}}


def check_topology(controller, nodes, links):
    """The topology of RFC 8345 is what there is, and yanglint takes it."""
    answer = controller.ask("GET", "/data/ietf-network:networks", root="/restconf") or (0, {})
    wrong = yanglint(answer[1], SCHEMA / "topology" / "tieline-te-topology.yang")
    check("RESTCONF has the topology as RFC 8345", answer[0] == 200 and not wrong, f"{answer} {wrong}")
    network = answer[1]["ietf-network:networks"]["network"][0]
    counts = [len(network["node"]), len(network["ietf-network-topology:link"])]
    check("... with all nodes and links", counts == [len(nodes), len(links)] and
          {x["link-id"] for x in network["ietf-network-topology:link"]} == {x["key"] for x in links}, f"{counts} {links}")
    network["node"][0]["colour"] = "red"
    check("... and yanglint would say if it were wrong", "colour" in yanglint(answer[1], SCHEMA / "topology" / "tieline-te-topology.yang"))


def check_monitoring(controller):
    """RFC 8040 section 9.3."""
    answer = controller.ask("GET", "/data/ietf-restconf-monitoring:restconf-state", root="/restconf") or (0, {})
    streams = answer[1].get("ietf-restconf-monitoring:restconf-state", {}).get("streams", {}).get("stream", [])
    check("the stream of events is listed, with its log's beginning", [x["name"] for x in streams] == ["events"] and
          streams[0]["replay-support"] and "replay-log-creation-time" in streams[0], answer)


def check_tunnel(controller, stream, got):
    """A tunnel that is laid another way is told to whoever listens."""
    document = {"tieline-wan:wan": {
        "router": [{"name": f"edge{n}", "site": "wan", "router-id": f"10.0.0.{n}", "platform": "frr"} for n in (1, 2, 3)],
        "tunnel": [{"name": "trunk", "head": "edge1", "tail": "edge3", "rate-kbps": 1000, "protection": "none"}]}}
    answer = controller.ask("POST", "/import?format=json", {"files": [{"name": "t.json", "text": json.dumps(document)}]})
    check("a tunnel is stated", answer and answer[0] == 200 and answer[1]["errors"] == 0, answer)
    answer = controller.ask("POST", "/orders", {"workflow": "tunnel-turn-up", "input": {"tunnels": ["trunk"]}})
    check("... and ordered", answer and answer[0] == 201, answer)
    check("its reservation is told", stream.wait("tunnel-changed", type="tunnel.reserved", tunnel=["trunk"]), stream.notifications)
    path = got("/tunnels/trunk")["status"]["primary"]
    middle = "edge2" if "10.0.0.2" in json.dumps(path) else "edge-4"
    answer = controller.ask("POST", "/wan/drain", {"element": middle, "reason": "test"})
    check("what it goes by is taken out of service", answer and answer[0] in (200, 204), f"{answer} {path}")
    moved = stream.wait("tunnel-changed", type="tunnel.moved", tunnel=["trunk"])
    check("that it is moved is told", moved and json.loads(moved[0]["body"])["tunnel"] == "trunk", stream.notifications)
    answer = controller.ask("POST", "/wan/restore", {"element": middle})
    check("it may be used again", answer and answer[0] in (200, 204), answer)


def main():
    skip_without("gobgpd", "openssl", "yanglint")
    port, bgp, pcep, api = free_port(), free_port("127.0.0.22"), free_port(), free_port()
    with Test() as test:
        here = pathlib.Path(test.directory)
        make_identities(here, {**PEOPLE, "r1": ["VIEWER"]})
        config = CONFIG.format(port=port)
        config += NEIGHBOR.format(address="127.0.0.1", passive="true", remote=port, restart=RESTART)
        config += NEIGHBOR.format(address="127.0.0.22", passive="false", remote=bgp, restart=RESTART)
        argv = ["gobgpd", "-f", test.write("gobgp.toml", config), "--api-hosts", f"127.0.0.1:{api}"]
        settings = test.write("wan.yaml", SETTINGS.format(pcep=pcep, bgp=bgp))
        controller = Instance(f"{BIN}/tielined", here, "one", str(here / "journal.db"), "olga")
        controller.command += ["--wan", settings]

        def got(path):
            answer = controller.ask("GET", path)
            return answer[1] if answer and answer[0] == 200 else {}

        def links(**wanted):
            return [x for x in got("/wan/links").get("links", []) if all(x.get(k) == v for k, v in wanted.items())]

        def source(state):
            return any(x["state"] == state for x in got("/wan/sources").get("sources", []) if x["name"] == "reflector")

        daemon = test.start("gobgpd", argv)
        speaker = test.speaker("a", "-", "65000", "10.0.0.21", f"127.0.0.1:{port}=65000", "ring=4")
        speaker.wait_line("up AS 65000")
        try:
            controller.start()
            check("it serves", wait_until(controller.serves), controller.log.read_text())
            check("eight links come by way of gobgpd", wait_until(lambda: len(links(up=True)) == 8, 30),
                  lambda: f"{got('/wan/links')} {got('/wan/sources')}")
            check("from a source that is up", wait_until(lambda: source("up"), 10), got("/wan/sources"))

            check_topology(controller, got("/wan/nodes")["nodes"], links())
            check_monitoring(controller)
            stream = Stream(controller)
            check("a program opens the stream of RESTCONF", stream.type == "text/event-stream", stream.type)
            stream.wait("topology-changed", type="wan.changed")  # what came at the start

            def risks():
                return [x["srlgs"] for x in links(key="10.0.0.1>10.0.0.2/11.0.0.5")]

            check("a link has the risk groups that were told", risks() == [[101, 202]], risks())
            check("the optical layer is told", controller.ask("PUT", "/wan/optical", optical())[0] == 200)
            check("... and adds its own", risks() == [[101, 202, 9001]], risks())
            check("that a link has another risk is told", [x for x in stream.wait("topology-changed", type="wan.changed") if
                  "10.0.0.1>10.0.0.2/11.0.0.5" in x.get("link", []) and '"srlg"' in x["body"]] or wait_until(
                      lambda: any('"srlg"' in x["body"] for x in stream.of("topology-changed", type="wan.changed")), 20),
                  stream.notifications)
            broken = optical()
            broken["tapi-connectivity:connectivity-context"]["connection"][0]["route"][0]["link"] = ["f2"]
            answer = controller.ask("PUT", "/wan/optical", broken)
            check("what it gets wrong is refused, with the place", answer[0] == 422 and "connection[0].route[0].link[0]" in str(answer), answer)
            check("... and changes nothing", risks() == [[101, 202, 9001]], risks())

            plan = {"file": "ducts.csv", "text": "node_a,node_b,srlg\n10.0.0.1,10.0.0.2,7001 7002\n"}
            answer = controller.ask("PUT", "/wan/plans/ducts", plan)
            check("a plan is told", answer[0] == 200 and answer[1]["rows"] == 1 and risks() == [[101, 202, 7001, 7002, 9001]], f"{answer} {risks()}")
            answer = controller.ask("PUT", "/wan/plans/ducts", {"file": "ducts.csv", "text": "node_a,node_b,srlg\n10.0.0.1,10.0.0.2,x\n"})
            check("what it gets wrong is refused, with file, line and field", answer[0] == 422 and "ducts.csv:2:19: srlg" in str(answer), answer)
            document = json.dumps({
                "tieline-inventory:inventory": {"site": [{"name": "wan", "kind": "wan"}]},
                "tieline-wan:wan": {"router": [{"name": f"r{n}", "site": "wan", "router-id": f"127.1.0.{n}", "platform": "frr"}
                                               for n in (1, 2)]}})
            answer = controller.ask("POST", "/import?format=json", {"files": [{"name": "routers.json", "text": document}]})
            check("two routers are stated", answer and answer[0] in (200, 201, 204), answer)
            plays = [f"{BIN}/tieline-pccsim", "--pce", f"127.0.0.1:{pcep}", "--lsps", "25", "--pce-name", "127.0.0.1",
                     "--ca", f"{here}/ca.pem"]

            def with_certificate_of(name):
                return ["--cert", f"{here}/{name}.pem", "--key", f"{here}/{name}.key"]

            r1 = test.start("r1", [*plays, "--first", "127.1.0.1", *with_certificate_of("r1")])
            impostor = test.start("impostor", [*plays, "--first", "127.1.0.2", "--duration", "2s", *with_certificate_of("r1")])
            person = test.start("person", [*plays, "--first", "127.1.0.3", "--duration", "2s", *with_certificate_of("olga")])
            stranger = test.start("stranger", [f"{BIN}/tieline-pccsim", "--pce", f"127.0.0.1:{pcep}",
                                               "--first", "127.9.0.1", "--duration", "2s"])

            def sessions():
                return {x["address"]: x["lsps"] for x in got("/wan/routers").get("routers", []) if x["state"] == "ready" and x["tls"]}

            check("a router has reported its LSPs over TLS", wait_until(lambda: sessions().get("127.1.0.1") == 25, 20),
                  lambda: f"{got('/wan/routers')} {r1.lines}")
            check("... and is asked for them", len(got("/wan/lsps?router=127.1.0.1&limit=1000").get("lsps", [])) == 25,
                  got("/wan/lsps?limit=2"))
            pages, after = [], 0
            while after is not None:
                pages.append(got(f"/wan/lsps?limit=10&after={after}"))
                after = pages[-1].get("next")
            names = [x["name"] for p in pages for x in p.get("lsps", [])]
            check("... by pages that say how many there are in all", [len(p["lsps"]) for p in pages] == [10, 10, 5] and
                  {p["total"] for p in pages} == {25} and len(set(names)) == 25, pages)
            state = (controller.ask("GET", "/data/tieline-wan:wan-state?limit=10", root="/restconf") or (0, {}))[1]
            check("... over RESTCONF likewise", [len(state.get("tieline-wan:wan-state", {}).get("lsp", [])),
                  state.get("tieline-wan:wan-state", {}).get("lsp-total")] == [10, 25] and
                  "lsp-next" in state["tieline-wan:wan-state"], state)
            nothing = (controller.ask("POST", "/wan/optimise", {}) or (0, {}))[1]
            check("where no tunnel is nothing is to be moved", nothing.get("moves") == 0 and len(nothing["plan_hash"]) == 64 and
                  nothing["summary"]["before"]["highest-utilisation"] == 0, nothing)
            emptied = (controller.ask("POST", "/wan/plan-drain", {"element": links()[0]["key"]}) or (0, {}))[1]
            check("... nor where a link is to be emptied", emptied.get("moves") == 0 and len(emptied["plan_hash"]) == 64 and
                  emptied["summary"]["stuck"] == [] and emptied["plan"]["element"] == links()[0]["key"], emptied)
            check("what is not there cannot be emptied", controller.ask("POST", "/wan/plan-drain", {"element": "r99"})[0] == 404)
            check("a threshold that is none is refused", controller.ask("POST", "/wan/relieve", {"threshold": 0})[0] == 422)
            for who in (impostor, person):
                who.process.wait(20)
            told = {x["object"]: x["text"] for x in got("/exceptions").get("exceptions", []) if x["kind"] == "router-misbehaves"}
            check("another router with its certificate has no session", "1/3" in impostor.lines[-1] and
                  "certificate of r1, and is router r2" in told.get("router/r2", ""), f"{impostor.lines} {told}")
            check("nor has a person with theirs", "1/3" in person.lines[-1] and
                  "certificate of olga" in told.get("address/127.1.0.3", ""), f"{person.lines} {told}")
            check("... nothing of theirs is kept, and the first one has its own yet",
                  sessions() == {"127.1.0.1": 25} and len(got("/wan/lsps?limit=1000").get("lsps", [])) == 25,
                  lambda: f"{got('/wan/routers')} {got('/wan/lsps?limit=1000')}")
            stranger.process.wait(20)
            check("one without TLS is told why not (RFC 8253 section 3.4)", "25/4" in stranger.lines[-1], stranger.lines)
            check_tunnel(controller, stream, got)

            daemon.kill(signal.SIGKILL)
            check("gobgpd is killed: its word is stale", wait_until(lambda: source("stale"), 10), got("/wan/sources"))
            check("... and counts", len(links(up=True)) == 8, links())
            speaker.end()
            test.start("gobgpd", [*argv, "-r"])
            test.speaker("a2", "-", "65000", "10.0.0.21", f"127.0.0.1:{port}=65000", "ring=3").wait_line("up AS 65000")
            check("it returns with less: that is what there is", wait_until(lambda: source("up") and len(links(up=True)) == 6, 30),
                  lambda: f"{links()} {got('/wan/sources')}")
            check("that links have gone is told", wait_until(lambda: any(
                '"removed"' in x["body"] or '"up":false' in x["body"] for x in stream.of("topology-changed")), 20),
                  stream.notifications)
            check("all that the stream has told is as the YANG module says, without a field event",
                  len(stream.notifications) > 5 and not stream.wrong() and "event" not in stream.fields,
                  lambda: f"{stream.wrong()} {stream.fields}")
            first = stream.notifications[0]["ietf-restconf:notification"]
            again = Stream(controller, f"?start-time={first['eventTime']}")
            check("what was told is told again from its time on", wait_until(
                lambda: [x for x in again.notifications if x == stream.notifications[0]], 10), again.notifications[:3])
            again.close()
            stream.close()

            before = risks()
            check("the controller ends", controller.end() == 0, controller.log.read_text())
            controller.start()
            check("... and begins anew", wait_until(controller.serves), controller.log.read_text())
            check("... with what the optical layer and the plan told", wait_until(lambda: risks() == before, 30) and {7001, 7002, 9001} <= set(before[0]),
                  lambda: f"{before} {risks()} {got('/wan/sources')}")
            told = {x["name"]: x.get("told-by") for x in got("/wan/sources").get("sources", [])}
            check("... and who told it", told.get("optical") == "olga" and told.get("ducts") == "olga", told)
        finally:
            check("it ends well", controller.end() == 0, controller.log.read_text())


main()
