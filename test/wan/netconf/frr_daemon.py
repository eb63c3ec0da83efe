#!/usr/bin/python3
"""A VPN over a router that speaks NETCONF (yuma123's netconfd) and one that is FRR (zebra, bgpd and staticd in a
namespace of their own, with tieline-frr-agent as a subsystem of sshd): tielined brings it to both or to none. netconfd has no
BGP: gobgpd tells FRR the routes in its place, in time or not, with the VPN's target or another.

Usage: frr_daemon.py DIRECTORY-OF-PROGRAMS"""
import copy
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from routers import THEIRS, Router, access, check, edit, has_ours, running, service, skip
from centre import BIN, CONFIRM, YUMA, Centre, settings, wait_until, whole

DAEMONS = "/usr/lib/frr"
NAMESPACE = f"ncvpn{os.getpid()}"
CORE = f"ncore{os.getpid()}"
BASE = """ip route 192.0.2.2/32 10.9.0.2 label 16002
router bgp 65000
 bgp router-id 192.0.2.3
 no bgp default ipv4-unicast
 neighbor 10.9.0.2 remote-as 65000
 neighbor 10.9.0.2 timers connect 1
 address-family ipv4 vpn
  neighbor 10.9.0.2 activate
 exit-address-family
exit
"""
GOBGP = """
[global.config]
  as = 65000
  router-id = "192.0.2.2"
  local-address-list = ["10.9.0.2"]
[[neighbors]]
  [neighbors.config]
    peer-as = 65000
    neighbor-address = "10.9.0.1"
  [neighbors.transport.config]
    passive-mode = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "l3vpn-ipv4-unicast"
"""
OURS, OTHER = "65000:100", "65000:999"


class Core:
    """What the other router would tell over BGP, if it had BGP."""

    def __init__(self, top):
        path = os.path.join(top, "gobgpd.toml")
        with open(path, "w", encoding="ascii") as f:
            f.write(GOBGP)
        subprocess.run(["ip", "netns", "add", CORE], check=True)
        subprocess.run(["ip", "link", "add", "core", "netns", NAMESPACE, "type", "veth", "peer", "name", "core", "netns", CORE], check=True)
        for place, address in ((NAMESPACE, "10.9.0.1/24"), (CORE, "10.9.0.2/24")):
            subprocess.run(["ip", "-n", place, "address", "add", address, "dev", "core"], check=True)
            for name in ("lo", "core"):
                subprocess.run(["ip", "-n", place, "link", "set", name, "up"], check=True)
        self.out = open(os.path.join(top, "gobgpd.out"), "w", encoding="ascii")
        self.process = subprocess.Popen(["ip", "netns", "exec", CORE, "gobgpd", "-f", path], stdout=self.out, stderr=self.out)
        check(bool(wait_until(lambda: self.gobgp("neighbor") == 0, 20, 0.2)), "gobgpd is there")

    def gobgp(self, *arguments):
        return subprocess.run(["ip", "netns", "exec", CORE, "gobgp", *arguments], check=False, stdout=self.out, stderr=self.out).returncode

    def tell(self, verb, *prefixes, target=OURS):
        for prefix in prefixes:
            check(self.gobgp("global", "rib", verb, "-a", "vpnv4", prefix, "label", "100", "rd", "65000:2", "rt", target,
                             "nexthop", "192.0.2.2") == 0, f"gobgpd: {verb} {prefix}, target {target}")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.out.close()
        subprocess.run(["ip", "netns", "del", CORE], check=False)


class FrrRouter(Router):
    """FRR's daemons, and an sshd that leads to their agent."""

    def __init__(self, name, top, address):
        self.vty = tempfile.mkdtemp(prefix="tieline-frr-")
        subprocess.run(["chown", "frr:frr", self.vty], check=True)
        self.pids = {}
        super().__init__(name, top, address=address)

    def subsystem(self):
        return f'tieline-frr "{BIN}/tieline-frr-agent --vty-socket {self.vty} --config-dir {self.vty}/etc"'

    def inside(self, *command):
        return subprocess.run(["ip", "netns", "exec", NAMESPACE, *command], check=True, text=True, capture_output=True).stdout

    def run(self, name, *more, before=()):
        self.inside(*before, f"{DAEMONS}/{name}", "-d", "-u", "frr", "-g", "frr", "-z", f"{self.vty}/zserv.api", "--vty_socket", self.vty,
                    "-f", f"{self.vty}/empty.conf", "-i", f"{self.vty}/{name}.pid", *more)
        with open(f"{self.vty}/{name}.pid", encoding="ascii") as f:
            self.pids[name] = int(f.read())

    def serve(self, out):
        open(f"{self.vty}/empty.conf", "w", encoding="ascii").close()
        os.mkdir(f"{self.vty}/etc")
        with open(f"{self.vty}/etc/vtysh.conf", "w", encoding="ascii") as f:
            f.write("service integrated-vtysh-config\n")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "add", "eth1.400", "type", "veth", "peer", "name", "peer")
        self.inside("ip", "link", "set", "eth1.400", "up")
        self.inside("ip", "link", "add", "tl-ems", "type", "bridge")
        self.inside("ip", "link", "set", "tl-ems", "up")
        shim = [] if os.path.exists("/proc/sys/net/mpls") else ["env", f"LD_PRELOAD={BIN}/mpls-shim.so", "MPLS_SHIM_VRF=tl-ems:1001:eth1.400"]
        self.run("zebra", "-s", "90000000", before=shim)
        self.run("staticd")
        self.run("bgpd")
        time.sleep(1)
        self.type(BASE)
        return subprocess.Popen(["sleep", "infinity"], stdout=out, stderr=out)

    def wait(self):
        pass

    def type(self, lines):
        with open(f"{self.vty}/lines", "w", encoding="ascii") as f:
            f.write(lines)
        self.inside("vtysh", "--vty_socket", self.vty, "-f", f"{self.vty}/lines")

    def running(self):
        return self.inside("vtysh", "--vty_socket", self.vty, "-c", "show running-config")

    def saved(self):
        with open(f"{self.vty}/etc/frr.conf", encoding="ascii") as f:
            return f.read()

    def stop(self):
        super().stop()
        for pid in self.pids.values():
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.5)
        shutil.rmtree(self.vty, ignore_errors=True)


def changed():
    second = copy.deepcopy(service())
    nodes = second["ietf-l3vpn-ntw:l3vpn-ntw"]["vpn-services"]["vpn-service"][0]["vpn-nodes"]["vpn-node"]
    nodes[0]["vpn-network-accesses"]["vpn-network-access"].append(access("10.2.7.1", "eth1", 207, "new"))
    nodes[1]["vpn-network-accesses"]["vpn-network-access"][0]["routing-protocols"] = {
        "static": {"cascaded-lan-prefixes": {"ipv4-lan-prefixes": [{"lan": "10.77.0.0/16", "next-hop": "10.4.0.2"}]}}}
    return second


def state_routers(centre, routers):
    for i, router in enumerate(routers):
        status, answer = centre.ask("PUT", f"/routers/{router.name}", {
            "name": router.name, "site": "wan", "router-id": f"10.0.0.{i + 1}", "platform": "frr" if i else "ietf",
            "management-address": router.address, "netconf-port": router.port})
        check(status == 200, f"router {router.name} is stated: {answer}")


def order(centre, workflow, *people, **more):
    number = centre.submit(workflow, **more)
    centre.approve(number, *people)
    return centre.closed(number)


def faults(centre):
    """What does not work, and whether tieline says so by its exit status, too."""
    code, text = centre.tieline("vpn", "drift", "ems")
    told = [line for line in text.splitlines() if "fault: " in line]
    return told if bool(told) == (code != 0) else [f"exit status {code}: {text}"]


def test_without_routes(centre, core, frr, bare):
    core.tell("add", "10.2.0.0/30")
    core.tell("add", "10.2.1.0/30", target=OTHER)
    done = order(centre, "vpn-turn-up", "olga", "sam")
    check(done["state"] == "failed-undone" and "router pe4: 10.2.1.0/30 of north has not come over BGP" in str(done),
          f"built, but a route has another target: the order goes back and says which: {done.get('error')}")
    check(frr.running() == bare, "FRR has what it had")
    core.tell("add", "10.2.1.0/30")


def test_watch(centre, core):
    check(not faults(centre), f"it works: {faults(centre)}")
    core.tell("del", "10.2.0.0/30")
    told = wait_until(lambda: centre.exceptions("vpn-not-working"), 30, 0.2)
    check("pe4: 10.2.0.0/30 of north has not come over BGP" in str(told), f"a route that goes is told: {told}")
    check(len(faults(centre)) == 2, f"... with the other thing that follows: {faults(centre)}")
    core.tell("add", "10.2.0.0/30")
    check(bool(wait_until(lambda: centre.exceptions("vpn-not-working")[0]["state"] == "closed", 30, 0.2)), "and that it is back")


def test(centre, netconf, frr, session, core):
    empty, bare = whole([session]), frr.running()
    code, text = centre.tieline("vpn", "put", file=service())
    check(code == 0, f"the VPN is stated: {text}")

    def tried():
        return centre.tieline("vpn", "config", "ems")
    wait_until(lambda: tried()[1].count("dry run: accepted") == 2, 20, 0.5)
    code, text = tried()
    check(text.count("dry run: accepted") == 2 and "vrf tl-ems" in text, f"both routers try it\n{text}")
    check(frr.running() == bare and whole([session]) == empty, "and nothing was changed")
    test_without_routes(centre, core, frr, bare)
    done = order(centre, "vpn-turn-up", "olga", "sam")
    check(done["state"] == "done", f"built: {done.get('error')}")
    first = frr.running()
    check("router bgp 65000 vrf tl-ems" in first and " ip address 10.4.0.1/30" in first and has_ours(session),
          f"FRR has it, and the other\n{first}")
    check(centre.phase()["phase"] == "active", "it is active")
    check("router bgp 65000 vrf tl-ems" in frr.saved(), "FRR will have it after its next start, too")

    frr.type("vrf tl-ems\n ip route 10.66.0.0/16 10.4.0.2\nexit-vrf\n")
    told = wait_until(lambda: centre.exceptions("vpn-drift"), 20, 0.2)
    check(bool(told) and "+  ip route 10.66.0.0/16 10.4.0.2" in str(told), f"drift of FRR is told: {told}")
    code, text = centre.tieline("vpn", "restore", "ems")
    check(code == 0 and frr.running() == first, f"and ended: {text}")
    check(bool(wait_until(lambda: centre.exceptions("vpn-drift")[0]["state"] == "closed", 20)), "the exception is closed")

    test_watch(centre, core)
    before = whole([session])
    core.tell("add", "10.2.7.0/30")
    centre.tieline("vpn", "put", file=changed())
    done = order(centre, "vpn-change", "olga", "sam")
    check(done["state"] == "done" and "ip route 10.77.0.0/16 10.4.0.2" in frr.running(), f"changed: {done.get('error')}")
    done = order(centre, "vpn-change", "olga", "sam", version=1)
    check(done["state"] == "done" and frr.running() == first and whole([session]) == before, "and back")

    number = centre.submit("vpn-change")
    centre.approve(number, "olga", "sam")
    check(bool(wait_until(lambda: "10.77.0.0/16" in frr.running(), 30, 0.05)), "lines are applied, unconfirmed")
    centre.daemon.kill()
    check(bool(wait_until(lambda: frr.running() == first, 20, 0.2)), "the controller is killed: the agent takes them back")
    check(bool(wait_until(lambda: whole([session]) == before, 4 * CONFIRM, 1.2)), "... and so does the router of NETCONF")
    centre.start()
    done = centre.closed(number)
    check(done["state"] == "done" and "10.77.0.0/16" in frr.running(), f"started again it ends what it began: {done.get('error')}")
    done = order(centre, "vpn-change", "olga", "sam", version=1)
    check(done["state"] == "done" and frr.running() == first, "and back")

    number = centre.submit("vpn-change")
    centre.approve(number, "olga", "sam")
    wait_until(lambda: "10.77.0.0/16" in frr.running(), 30, 0.05)
    frr.type("vrf tl-ems\n no ip route 10.77.0.0/16 10.4.0.2\nexit-vrf\n")
    done = centre.closed(number)
    check(done["state"] == "failed-undone" and "pe4, unconfirmed" in str(done), f"FRR loses a line while it is looked at: {done.get('error')}")
    check(frr.running() == first and whole([session]) == before, "both have what they had")

    done = order(centre, "vpn-teardown", "olga")
    check(done["state"] == "done" and frr.running() == bare and whole([session]) == empty,
          f"teardown leaves nothing: {done.get('error')}")
    check("tl-ems" not in frr.saved(), "neither in FRR's files")


def main():
    leave = os.path.exists(YUMA)
    top = tempfile.mkdtemp(prefix="tieline-vpns-")
    routers, session, centre, core = [], None, None, None
    started = time.monotonic()
    try:
        netconf = Router("pe2", top, address="127.0.0.2")
        routers.append(netconf)
        frr = FrrRouter("pe4", top, "127.0.0.4")
        routers.append(frr)
        netconf.wait()
        session = netconf.connect()
        edit(session, THEIRS)
        centre = Centre(top, settings(top, routers))
        centre.start()
        check(centre.ask("PUT", "/sites/wan", {"name": "wan", "kind": "wan"})[0] == 200, "a site")
        state_routers(centre, routers)
        core = Core(top)
        test(centre, netconf, frr, session, core)
        check(centre.daemon.end() == 0, "it ends well")
        print(f"all in {time.monotonic() - started:.1f} s")
    except (SystemExit, Exception):
        for name in ("centre.log", "pe2/server.out", "pe4/server.out"):
            path = os.path.join(top, name)
            if os.path.exists(path):
                print(f"--- {name}\n{open(path, encoding='utf-8', errors='replace').read()[-4000:]}")
        raise
    finally:
        if session:
            try:
                session.close_session()
            except Exception:
                pass
        if centre:
            centre.daemon.end()
        for router in routers:
            router.stop()
        if core:
            core.stop()
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=False)
        shutil.rmtree(top, ignore_errors=True)
        if not leave:
            shutil.rmtree(YUMA, ignore_errors=True)


if not os.path.exists(f"{DAEMONS}/zebra"):
    skip("FRR is not here (package frr)")
if not shutil.which("gobgpd"):
    skip("gobgpd is not here (package gobgpd)")
if subprocess.run(["ip", "netns", "add", NAMESPACE], check=False, stderr=subprocess.DEVNULL).returncode:
    skip("a network namespace cannot be made")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
