#!/usr/bin/python3
"""NETCONF and VPN services against yuma123's netconfd behind OpenSSH, with ncclient as the one who looks
and who meddles. Two routers, each a server of its own on loopback: pe2 speaks base:1.1, pe4 only 1.0.

Usage: run.py DIRECTORY-OF-PROGRAMS"""
import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import routers as shared
from routers import (IF, IP, NI, NS, THEIRS, Router, TlsDoor, access, canonical, check, edit, has_ours, running,
                     service, wait_for)

sys.path.insert(0, os.path.join(shared.HERE, "../../cli"))
from instances import issue, make_authority # noqa: E402

PROGRAMS = sys.argv[1]


class Driver:
    def __init__(self, stderr):
        self.process = subprocess.Popen([os.path.join(PROGRAMS, "wan_netconf_driver")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                                        text=True)

    def send(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def ask(self, **order):
        self.send(**order)
        return self.receive()

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(timeout=20)
        check(code == 0, f"the driver ends in good order ({code})")


def plans(driver):
    platform = {"pe2": "ietf", "pe4": "ietf"}
    first = service()
    second = copy.deepcopy(first)
    nodes = second["ietf-l3vpn-ntw:l3vpn-ntw"]["vpn-services"]["vpn-service"][0]["vpn-nodes"]
    accesses = nodes["vpn-node"][0]["vpn-network-accesses"]["vpn-network-access"]
    accesses[0]["ip-connection"]["ipv4"]["local-address"] = "10.2.0.2"
    accesses.pop(1)
    accesses.append(access("10.2.7.1", "eth1", 207, "new"))
    for name, services in (("v1", first), ("v2", second)):
        reply = driver.ask(op="plan", services=services, platform=platform, **{"as": name})
        check(reply["err"] == "ERR_OK", f"plan {name} ({reply.get('text', '')})")
    return reply


def outcomes(reply):
    return {name: d["outcome"] for name, d in reply["devices"].items()}


def test_protocol(driver):
    reply = driver.ask(op="rpc", device="pe2", operation="get-schema", identifier="ietf-interfaces")
    check(reply["err"] == "ERR_OK" and "module ietf-interfaces" in reply["reply"],
          "get-schema brings a module")
    reply = driver.ask(op="rpc", device="pe2", operation="edit-config", target="candidate",
                       config=f'<interfaces xmlns="{IF}"><interface><name>x</name>'
                              '<enabled>perhaps</enabled></interface></interfaces>')
    check(reply["err"] == "ERR_INVALID" and "invalid-value" in reply["text"]
          and "/if:interfaces/if:interface" in reply["text"], f"an error names the path: {reply['text']}")
    reply = driver.ask(op="rpc", device="pe2", operation="get", xpath="/nothing:at-all")
    check(reply["err"] != "ERR_OK", f"a bad XPath is refused: {reply['text']}")
    reply = driver.ask(op="rpc", device="pe2", operation="discard-changes")
    start = time.monotonic()
    reply = driver.ask(op="many", device="pe2", n=500)
    check(reply["ended"] == 500 and reply["failed"] == 0, "500 requests in a pipe end once each, in "
          f"{time.monotonic() - start:.2f} s")


def test_dry_run(driver, before, sessions):
    reply = driver.ask(op="provision", now="v1", dry_run=True)
    check(outcomes(reply) == {"pe2": "accepted", "pe4": "accepted"}, "a dry run is accepted by both")
    check("tl-ems" in reply["devices"]["pe2"]["edit"], "it shows what would be sent")
    check([canonical(running(s)) for s in sessions] == before, "and has changed nothing")


def test_provision(driver, sessions):
    reply = driver.ask(op="provision", now="v1")
    check(reply["err"] == "ERR_OK" and outcomes(reply) == {"pe2": "changed", "pe4": "changed"},
          f"a confirmed commit on both ({reply['text']})")
    data = running(sessions[0])
    names = [e.text for e in data.findall(".//if:interface/if:name", NS)]
    check(set(names) == {"eth2", "eth1.200"}, "ncclient reads both interfaces")
    eth2 = data.xpath(".//if:interface[if:name='eth2']", namespaces=NS)[0]
    check(eth2.find("if:description", NS).text == "theirs", "what is of others is as it was")
    check(eth2.find("ni:bind-ni-name", NS).text == "tl-ems", "and bound to ours")
    vrf = data.xpath(".//ni:network-instance[ni:name='tl-ems']", namespaces=NS)[0]
    check(vrf.find("ni:description", NS).text == "tieline:ems", "the instance has our mark")
    address = running(sessions[1]).xpath(".//if:interface[if:name='eth1.400']//ip:ip/text()",
                                         namespaces=NS)
    check(address == ["10.4.0.1"], "the other has its address")
    reply = driver.ask(op="provision", before="v1", now="v1")
    check(set(outcomes(reply).values()) == {"unchanged"}, "once more: nothing to do")


def test_drift(driver, sessions):
    reply = driver.ask(op="drift", plan="v1", device="pe2")
    check(reply["err"] == "ERR_OK" and reply["found"] == [], f"no drift {reply['found']}")
    edit(sessions[0], f"""<interfaces xmlns="{IF}">
      <interface><name>eth1.200</name><description>mine now</description><ipv4 xmlns="{IP}">
      <address><ip>10.66.0.1</ip><prefix-length>24</prefix-length></address></ipv4></interface>
      <interface><name>eth2</name><bind-ni-name xmlns="{NI}"
      xmlns:nc="{NS["nc"]}" nc:operation="delete">tl-ems</bind-ni-name></interface></interfaces>""")
    reply = driver.ask(op="drift", plan="v1", device="pe2")
    found = {(d["kind"], d["path"], d["have"]) for d in reply["found"]}
    ours = "/interfaces/interface[name=eth1.200]"
    check(found == {("different", ours + "/description", "mine now"),
                    ("unexpected", ours + "/ipv4/address[ip=10.66.0.1]", ""),
                    ("missing", "/interfaces/interface[name=eth2]/bind-ni-name", "")},
          f"drift by path: {sorted(found)}")
    reply = driver.ask(op="provision", before="v1", now="v1", restore=True)
    check(reply["err"] == "ERR_OK", f"restored ({reply['text']})")
    reply = driver.ask(op="drift", plan="v1", device="pe2")
    check(reply["found"] == [], "no drift any more")


def test_locks(driver, sessions):
    before = canonical(running(sessions[1]))
    other = sessions[1]
    with other.locked("candidate"):
        start = time.monotonic()
        reply = driver.ask(op="provision", before="v1", now="v2", lock_timeout_ms=1500)
        took = time.monotonic() - start
        pe4 = reply["devices"]["pe4"]
        check(reply["err"] == "ERR_OK" and pe4["outcome"] == "unchanged",
              "a device where nothing changes needs no lock")
        reply = driver.ask(op="provision", before="v2", now="v1")
        check(reply["err"] == "ERR_OK", "back to the earlier version")
        reply = driver.ask(op="provision", before="v1", lock_timeout_ms=1500)
        check(reply["err"] == "ERR_BUSY" and f"session {other.session_id}" in reply["text"],
              f"a lock of another session is named: {reply['text']}")
        check(reply["devices"]["pe2"]["outcome"] == "rolled back",
              "the device that was not locked went back")
        driver.send(op="provision", before="v1", now="v1", restore=True)
        time.sleep(1)
    reply = driver.receive()
    check(reply["err"] == "ERR_OK" and took < 20, "a lock that goes in time is waited for")
    check(canonical(running(sessions[1])) == before, "and the device is as planned")


def test_refusals(driver, before, sessions):
    reply = driver.ask(op="provision", before="v1", now="v2", verify="no")
    check(reply["err"] == "ERR_CONFLICT" and reply["devices"]["pe2"]["outcome"] == "rolled back",
          f"what is not verified is cancelled: {reply['text']}")
    check([canonical(running(s)) for s in sessions] == before, "all are as they were")
    reply = driver.ask(op="provision", before="v1")
    check(reply["err"] == "ERR_OK", f"removed ({reply['text']})")
    check([canonical(running(s)) for s in sessions] == EMPTY, "removal is the exact inverse")
    edit(sessions[1], f"""<interfaces xmlns="{IF}"><interface><name>eth1.400</name>
      <type xmlns:i="urn:ietf:params:xml:ns:yang:iana-if-type">i:l2vlan</type></interface></interfaces>""")
    reply = driver.ask(op="provision", now="v1")
    check(reply["err"] == "ERR_CONFLICT" and "interface[name=eth1.400] is there already" in
          reply["text"], f"what is of others is not taken over: {reply['text']}")
    check(canonical(running(sessions[0])) == EMPTY[0], "and the other device was not changed")
    edit(sessions[1], f"""<interfaces xmlns="{IF}"><interface xmlns:nc="{NS["nc"]}"
      nc:operation="delete"><name>eth1.400</name></interface></interfaces>""")


def test_death(driver, sessions):
    driver.send(op="provision", now="v1", verify="die", timeout=4, persist="death")
    check(driver.receive() is None and driver.process.wait(20) == 3,
          "the controller dies after the confirmed commit")
    check(has_ours(sessions[0]), "the device of confirmed-commit:1.1 has what it sent")
    wait_for("the other", lambda: not has_ours(sessions[1]), 2)
    check(True, "that of 1.0 has gone back with its session")
    start = time.monotonic()
    # netconfd looks at its timers when nobody asks it anything for a second.
    wait_for("the devices to go back", lambda: not any(has_ours(s) for s in sessions), 20, 1.5)
    check([canonical(running(s)) for s in sessions] == EMPTY,
          f"and go back by themselves, {time.monotonic() - start:.1f} s later")


def test_strangers(routers, stderr):
    driver = Driver(stderr)
    pe2, pe4 = routers
    driver.ask(**{**pe2.order(), "device": "stranger", "hosts": pe4.path("known_hosts")})
    driver.ask(**{**pe2.order(), "device": "intruder", "key": pe4.path("user")})
    reply = driver.ask(**{**pe2.order(), "device": "-oProxyCommand=x", "host": "-oProxyCommand=x"})
    for device, words in (("stranger", "Host key verification failed"),
                          ("intruder", "Permission denied")):
        driver.send(op="rpc", device=device, operation="get", filter="")
        wait_for(f"{device} to be refused", lambda w=words: w in open(stderr.name,
                 encoding="utf-8").read(), 10)
        check(True, f"{device}: {words}")
    driver.process.kill()
    driver.process.wait()


def test_notifications(driver, sessions, stderr):
    reply = driver.ask(op="rpc", device="pe4", operation="create-subscription")
    check(reply["err"] == "ERR_OK", f"subscribed ({reply['text']})")
    edit(sessions[1], f"""<network-instances xmlns="{NI}"><network-instance><name>others</name>
      <enabled>false</enabled></network-instance></network-instances>""")

    def told():
        return driver.ask(op="rpc", device="pe4", operation="get", filter="")["notifications"] > 0
    wait_for("a notification", told, 10)
    said = f"pe4: session {sessions[1].session_id}, root: replace /ni:network-instances"
    check(said in open(stderr.name, encoding="utf-8").read(), f"a change by others is told: {said}")


YUMA = os.path.expanduser("~/.yuma")  # netconfd counts its transactions there, whatever it is told


def test_loss(driver, routers, sessions):
    """The last: pe4 is not there any more."""
    plans(driver)
    driver.send(op="provision", now="v1", verify="never", timeout=6)
    wait_for("the confirmed commit", lambda: all(has_ours(s) for s in sessions))
    routers[1].stop()
    reply = driver.receive()
    check(reply["err"] == "ERR_TIMEOUT" and outcomes(reply) == {
        "pe2": "rolled back", "pe4": "will roll back by itself"},
        f"a router that vanishes does not keep the others: {reply['text']}")
    check(canonical(running(sessions[0])) == EMPTY[0], "pe2 is as it was")


def test_tls(driver, router, top, stderr):
    directory = os.path.join(top, "tls")
    os.makedirs(directory)
    make_authority(directory)
    for name in ("router", "controller"):
        issue(directory, name)
    door = TlsDoor(router, directory, "router")

    def order(peer):
        return {"op": "open", "device": f"tls-{peer}", "peer": peer, "ca": f"{directory}/ca.pem",
                "address": f"127.0.0.1:{door.port}", "cert": f"{directory}/controller.pem",
                "cert_key": f"{directory}/controller.key"}
    driver.ask(**order("router"))
    reply = driver.ask(op="rpc", device="tls-router", operation="get-config",
                       filter=f'<network-instances xmlns="{NI}"/>')
    check(reply["err"] == "ERR_OK" and "others" in reply["reply"] and door.seen == ["controller"],
          f"over TLS, and both know each other's name {reply['text']}")
    reply = driver.ask(op="many", device="tls-router", n=200)
    check(reply["ended"] == 200 and reply["failed"] == 0, "200 requests over TLS end once each")
    driver.ask(**order("somebody"))

    def refused():
        driver.ask(op="rpc", device="tls-router", operation="get", filter="")  # keeps its loop going
        return "tls-somebody: ERR_DENIED" in open(stderr.name, encoding="utf-8").read()
    wait_for("the other name to be refused", refused, 10)
    check(True, "a router of another name is refused")


def main():
    global EMPTY
    leave = os.path.exists(YUMA)
    top = tempfile.mkdtemp(prefix="tieline-netconf-")
    started = time.monotonic()
    routers, sessions, driver = [], [], None
    stderr = open(os.path.join(top, "driver.err"), "w", encoding="utf-8")
    try:
        routers = [Router("pe2", top), Router("pe4", top, "--protocols=netconf1.0")]
        for router in routers:
            router.wait()
        sessions = [router.connect() for router in routers]
        for session in sessions:
            edit(session, THEIRS)
        EMPTY = [canonical(running(s)) for s in sessions]
        driver = Driver(stderr)
        for router in routers:
            driver.ask(**router.order())
        plans(driver)
        test_protocol(driver)
        test_dry_run(driver, EMPTY, sessions)
        test_provision(driver, sessions)
        v1 = [canonical(running(s)) for s in sessions]
        test_drift(driver, sessions)
        test_locks(driver, sessions)
        test_refusals(driver, v1, sessions)
        test_death(driver, sessions)
        driver = Driver(stderr)
        for router in routers:
            driver.ask(**router.order())
        test_notifications(driver, sessions, stderr)
        test_tls(driver, routers[0], top, stderr)
        test_loss(driver, routers, sessions)
        driver.close()
        test_strangers(routers, stderr)
        print(f"{shared.checks} checks in {time.monotonic() - started:.1f} s")
    except (SystemExit, Exception):
        for name in ("driver.err", "pe2/server.out", "pe4/server.out", "pe2/netconfd.log",
                     "pe4/netconfd.log"):
            path = os.path.join(top, name)
            if os.path.exists(path):
                text = open(path, encoding="utf-8", errors="replace").read()
                print(f"--- {name}\n{text[-3000:]}")
        raise
    finally:
        for session in sessions:
            try:
                session.close_session()
            except Exception:
                pass
        if driver and driver.process.poll() is None:
            driver.process.kill()
            driver.process.wait()
        for router in routers:
            router.stop()
        shutil.rmtree(top, ignore_errors=True)
        if not leave:
            shutil.rmtree(YUMA, ignore_errors=True)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
