"""tielined learns a network from gobgpd, has routers' sessions over TLS, and is told of the optical layer."""
import pathlib
import signal
import sys

from gobgp import CONFIG, NEIGHBOR
from peers import BIN, Test, check, free_port, skip_without

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from instances import Instance, make_identities, wait_until # noqa: E402

RESTART = 6
PEOPLE = {"olga": ["OPERATOR"]}
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


def main():
    skip_without("gobgpd", "openssl")
    port, bgp, pcep, api = free_port(), free_port("127.0.0.22"), free_port(), free_port()
    with Test() as test:
        here = pathlib.Path(test.directory)
        make_identities(here, PEOPLE)
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

            def risks():
                return [x["srlgs"] for x in links(key="10.0.0.1>10.0.0.2/11.0.0.5")]

            check("a link has the risk groups that were told", risks() == [[101, 202]], risks())
            check("the optical layer is told", controller.ask("PUT", "/wan/optical", optical())[0] == 200)
            check("... and adds its own", risks() == [[101, 202, 9001]], risks())
            broken = optical()
            broken["tapi-connectivity:connectivity-context"]["connection"][0]["route"][0]["link"] = ["f2"]
            answer = controller.ask("PUT", "/wan/optical", broken)
            check("what it gets wrong is refused, with the place", answer[0] == 422 and "connection[0].route[0].link[0]" in str(answer), answer)
            check("... and changes nothing", risks() == [[101, 202, 9001]], risks())

            tls = ["--ca", f"{here}/ca.pem", "--cert", f"{here}/olga.pem", "--key", f"{here}/olga.key"]
            routers = test.start("pccsim", [f"{BIN}/tieline-pccsim", "--pce", f"127.0.0.1:{pcep}", "--pccs", "4", "--lsps",
                                            "25", "--pce-name", "127.0.0.1", *tls])
            stranger = test.start("stranger", [f"{BIN}/tieline-pccsim", "--pce", f"127.0.0.1:{pcep}", "--pccs", "1",
                                               "--first", "127.9.0.1", "--duration", "2s"])

            def secure():
                known = [x for x in got("/wan/routers").get("routers", []) if x["state"] == "ready"]
                return len(known) == 4 and all(x["tls"] and x["lsps"] == 25 for x in known)

            check("four routers have reported a hundred LSPs over TLS", wait_until(secure, 20),
                  lambda: f"{got('/wan/routers')} {routers.lines}")
            check("... and are asked for router by router",
                  len(got("/wan/lsps?router=127.1.0.2&limit=1000").get("lsps", [])) == 25, got("/wan/lsps?limit=2"))
            stranger.process.wait(20)
            check("one without TLS is told why not (RFC 8253 section 3.4)", "25/4" in stranger.lines[-1], stranger.lines)

            daemon.kill(signal.SIGKILL)
            check("gobgpd is killed: its word is stale", wait_until(lambda: source("stale"), 10), got("/wan/sources"))
            check("... and counts", len(links(up=True)) == 8, links())
            speaker.end()
            test.start("gobgpd", [*argv, "-r"])
            test.speaker("a2", "-", "65000", "10.0.0.21", f"127.0.0.1:{port}=65000", "ring=3").wait_line("up AS 65000")
            check("it returns with less: that is what there is", wait_until(lambda: source("up") and len(links(up=True)) == 6, 30),
                  lambda: f"{links()} {got('/wan/sources')}")
        finally:
            check("it ends well", controller.end() == 0, controller.log.read_text())


main()
