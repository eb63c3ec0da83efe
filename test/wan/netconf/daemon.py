#!/usr/bin/python3
"""tielined brings VPNs to two routers (yuma123's netconfd behind OpenSSH) as one, by work orders that two people
approve; tells of drift and ends it; goes back; and what it leaves when it is killed in the middle.

Usage: daemon.py DIRECTORY-OF-PROGRAMS"""
import copy
import json
import os
import shutil
import signal
import sys
import tempfile
import time

from routers import IF, IP, NS, THEIRS, Router, TlsDoor, access, check, edit, has_ours, running, service
from centre import CONFIRM, SCHEMA, YUMA, Centre, issue, settings, text_of, wait_until, whole, yanglint

VPN_MODULES = [SCHEMA.parent / "test/wan/vpn/yang" / f"{name}.yang" for name in
               ("ietf-vpn-common@2022-02-11", "ietf-l3vpn-ntw@2022-02-14")] + [SCHEMA / "vpn" / "tieline-vpn.yang"]


def changed():
    second = copy.deepcopy(service())
    nodes = second["ietf-l3vpn-ntw:l3vpn-ntw"]["vpn-services"]["vpn-service"][0]["vpn-nodes"]
    accesses = nodes["vpn-node"][0]["vpn-network-accesses"]["vpn-network-access"]
    accesses[0]["ip-connection"]["ipv4"]["local-address"] = "10.2.0.2"
    accesses.pop(1)
    accesses.append(access("10.2.7.1", "eth1", 207, "new"))
    return second


def state_routers(centre, routers):
    document = {"tieline-inventory:inventory": {"site": [{"name": "wan", "kind": "wan"}]},
                "tieline-wan:wan": {"router": [
                    {"name": r.name, "site": "wan", "router-id": f"10.0.0.{i + 1}", "platform": "ietf",
                     "management-address": r.address, "netconf-port": r.port} for i, r in enumerate(routers)]}}
    status, answer = centre.ask("POST", "/import?format=json", {"files": [{"name": "r.json", "text": json.dumps(document)}]})
    check(status == 200 and answer["errors"] == 0, f"routers are stated: {answer}")


def test_put(centre):
    wrong = service()
    nodes = wrong["ietf-l3vpn-ntw:l3vpn-ntw"]["vpn-services"]["vpn-service"][0]["vpn-nodes"]
    nodes["vpn-node"][1]["rd"] = "nothing"
    code, text = centre.tieline("vpn", "put", file=wrong)
    check(code != 0 and "vpn-nodes/vpn-node[south]/rd: not of the form" in text, f"what is wrong is refused: {text.strip()}")
    nodes["vpn-node"][1].update({"rd": "65000:4", "ne-id": "pe9"})
    code, text = centre.tieline("vpn", "put", file=wrong)
    check(code != 0 and "there is no router pe9" in text, f"... and what is not there: {text.strip()}")
    status, answer = centre.ask("PUT", "/tunnels/trunk", {"name": "trunk", "head": "pe2", "tail": "pe4", "rate-kbps": 1000})
    check(status == 200, f"a tunnel is stated: {answer}")
    code, text = centre.tieline("vpn", "put", file=service(**{"underlay-transport": {"transport-instance-id": "trunk"}}))
    order = centre.closed(centre.submit("vpn-turn-up"))
    check(order["state"] == "failed-undone" and "tunnel trunk, which is to carry it, is proposed" in order["error"],
          f"without its tunnel it is not built: {order['error']}")
    code, text = centre.tieline("vpn", "put", file=service())
    check(code == 0, f"a document of ietf-l3vpn-ntw is taken as it is: {text.strip()}")
    check(centre.phase() == {"phase": "proposed"}, "to state it changes nothing")
    code, text = centre.tieline("vpn", "list")
    check(code == 0 and "ems" in text and "proposed" in text, "it is listed")


def test_dry_run(centre, sessions, empty):
    def tried():
        return centre.tieline("vpn", "config", "ems")
    wait_until(lambda: tried()[1].count("dry run: accepted") == 2, 20, 0.5)
    code, text = tried()
    check(code == 0 and text.count("dry run: accepted") == 2, f"both routers try it\n{text}")
    check("<name>tl-ems</name>" in text and "# not expressed: route distinguisher 65000:2" in text,
          "their native configuration is shown, and what it lacks")
    check(whole(sessions) == empty, "nothing was changed")


def test_build(centre, sessions):
    stream = centre.stream()
    number = centre.submit("vpn-turn-up")
    wait_until(lambda: centre.order(number)["state"] == "waiting", 30)
    code, text = centre.tieline("work", "show", str(number), who="sam")
    check(code == 0 and "<name>tl-ems</name>" in text and "# not expressed: " in text and "accepted" in text,
          "the approvers see the native configuration and the gaps")
    centre.approve(number, "olga")
    check(not any(has_ours(s) for s in sessions), "one approval is not enough")
    centre.approve(number, "sam")
    order = centre.closed(number)
    check(order["state"] == "done", f"built: {order.get('error')}")
    names = {e.text for e in running(sessions[0]).findall(".//if:interface/if:name", NS)}
    check(names == {"eth2", "eth1.200"} and all(has_ours(s) for s in sessions), "ncclient reads it on both")
    status = centre.phase()
    check(status["phase"] == "active" and status["version"] == 1, f"it is active: {status}")
    for kind in ("reserved", "wanted", "built", "tested"):
        check(bool(stream.wait("vpn-changed", type=f"vpn.{kind}", vpn=["ems"])), f"RESTCONF's stream tells that it is {kind}")
    check(not stream.wrong(), f"... all as the YANG module says: {stream.wrong()}")
    stream.close()
    code, text = centre.tieline("vpn", "drift", "ems")
    check(code == 0 and text.count("as built") == 2, f"no drift: {text}")
    status, answer = centre.ask("DELETE", "/vpns/ems")
    check(status == 409 and "take it down before" in answer["detail"], "it is not removed while it is there")
    router = {k: v for k, v in centre.get("/routers/pe4").items() if k not in ("status", "live")}
    status, answer = centre.ask("PUT", "/routers/pe4", {**router, "platform": "junos"})
    check(status == 409 and "vpn ems is on router pe4" in answer["detail"], f"nor does its router change its platform: {answer}")


def test_drift(centre, sessions):
    before = whole(sessions)
    edit(sessions[0], f"""<interfaces xmlns="{IF}"><interface><name>eth1.200</name><description>mine now</description>
      <ipv4 xmlns="{IP}"><address><ip>10.66.0.1</ip><prefix-length>24</prefix-length></address></ipv4>
      </interface></interfaces>""")
    told = wait_until(lambda: centre.exceptions("vpn-drift"), 20, 0.2)
    check(bool(told) and told[0]["object"] == "vpn/ems" and "pe2" in json.dumps(told[0]["evidence"]) and
          "mine now" in json.dumps(told[0]["evidence"]), f"drift is told, with the differences: {told}")
    code, text = centre.tieline("vpn", "drift", "ems")
    check(code == 1 and 'has "mine now"' in text and "10.66.0.1" in text, f"and when asked:\n{text}")
    code, text = centre.tieline("vpn", "restore", "ems")
    check(code == 0 and "changed" in text, f"restored: {text}")
    check(whole(sessions) == before, "the router has what it had")
    check(bool(wait_until(lambda: centre.exceptions("vpn-drift")[0]["state"] == "closed", 20)), "the exception is closed")
    edit(sessions[1], f"""<interfaces xmlns="{IF}"><interface><name>eth1.400</name><description>oh</description>
      </interface></interfaces>""")
    wait_until(lambda: any(x["state"] != "closed" for x in centre.exceptions("vpn-drift")), 20, 0.2)
    edit(sessions[1], f"""<interfaces xmlns="{IF}"><interface><name>eth1.400</name><description>tieline:ems rtu RTU</description>
      </interface></interfaces>""")
    check(bool(wait_until(lambda: all(x["state"] == "closed" for x in centre.exceptions("vpn-drift")), 20, 0.2)),
          "what somebody puts back closes it, too")
    check(whole(sessions) == before, "all is as it was")


def test_change(centre, sessions):
    first = whole(sessions)
    code, text = centre.tieline("vpn", "put", file=changed())
    check(code == 0 and whole(sessions) == first, "another statement changes nothing")
    number = centre.submit("vpn-change")
    centre.approve(number, "olga", "sam")
    order = centre.closed(number)
    names = {e.text for e in running(sessions[0]).findall(".//if:interface/if:name", NS)}
    check(order["state"] == "done" and names == {"eth2", "eth1.200", "eth1.207"}, f"changed: {names} {order.get('error')}")
    check(centre.phase()["version"] == 2, "it is version 2")
    number = centre.submit("vpn-change", version=1)
    centre.approve(number, "olga", "sam")
    order = centre.closed(number)
    check(order["state"] == "done" and whole(sessions) == first, f"back to version 1: {order.get('error')}")
    check(centre.phase()["version"] == 3, "which is version 3")


def remove_foreign(session):
    edit(session, f"""<interfaces xmlns="{IF}"><interface xmlns:nc="{NS["nc"]}" nc:operation="delete"><name>eth1.207</name>
      </interface></interfaces>""")


def test_restconf(centre, sessions):
    """Another program states it, and orders the change."""
    path = "data/ietf-l3vpn-ntw:l3vpn-ntw/vpn-services/vpn-service=ems"
    status, answer = centre.restconf("GET", path)
    stated = answer["ietf-l3vpn-ntw:vpn-service"][0]
    check(stated.pop("status")["oper-status"]["status"] == "ietf-vpn-common:op-up", "RESTCONF: the service is up")
    status, whole_answer = centre.restconf("GET", "data/ietf-l3vpn-ntw:l3vpn-ntw")
    wrong = yanglint(whole_answer, *VPN_MODULES)
    check(status == 200 and not wrong, f"all services are as RFC 9182 has them: {wrong}")
    nodes = {n["vpn-node-id"]: n for n in stated["vpn-nodes"]["vpn-node"]}
    check(nodes["south"]["active-vpn-instance-profiles"]["vpn-instance-profile"] == [{"profile-id": "main", "rd": "0:65000:4"}] and
          [a["interface-id"] for a in nodes["north"]["vpn-network-accesses"]["vpn-network-access"]] == ["eth1", "eth1"],
          f"it is what was stated last: {stated}")
    stated["vpn-nodes"]["vpn-node"][1]["vpn-network-accesses"]["vpn-network-access"][0]["description"] = "by RESTCONF"
    status, answer = centre.restconf("PUT", path, {"ietf-l3vpn-ntw:vpn-service": [stated]})
    check(status == 204, f"it is stated anew: {answer}")
    status, answer = centre.restconf("POST", "operations/tieline-work:submit-order",
                                     {"tieline-work:input": {"workflow": "vpn-change", "vpns": ["ems"]}})
    number = answer["tieline-work:output"]["id"]
    centre.approve(number, "olga", "sam")
    order = centre.closed(number)
    check(order["state"] == "done" and b"by RESTCONF" in text_of(sessions[1]), f"it is on the router: {order.get('error')}")
    status, answer = centre.restconf("PUT", path, {"ietf-l3vpn-ntw:vpn-service": [dict(stated, color="red")]})
    check(status == 400 and "vpn-service[ems]/color" in json.dumps(answer), f"what is unknown is refused: {answer}")
    code, text = centre.tieline("vpn", "put", file=changed())
    check(code == 0, "the statement is as it was before")
    number = centre.submit("vpn-change", version=1)
    centre.approve(number, "olga", "sam")
    check(centre.closed(number)["state"] == "done", "and the routers are")


def test_refusal(centre, routers, sessions):
    before = whole(sessions)
    foreign = f"""<interfaces xmlns="{IF}"><interface><name>eth1.207</name>
      <type xmlns:i="urn:ietf:params:xml:ns:yang:iana-if-type">i:l2vlan</type></interface></interfaces>"""
    edit(sessions[0], foreign)
    order = centre.closed(centre.submit("vpn-change"))
    check(order["state"] == "failed-undone" and "interface[name=eth1.207] is there already" in json.dumps(order),
          "what a router would refuse, nobody is asked to approve")
    remove_foreign(sessions[0])
    number = centre.submit("vpn-change")
    centre.approve(number, "olga")
    edit(sessions[0], foreign)
    centre.approve(number, "sam")
    order = centre.closed(number)
    check(order["state"] == "failed-undone" and "is there already, and not ours" in json.dumps(order),
          f"a router refuses after the approval: {order.get('error')}")
    remove_foreign(sessions[0])
    check(whole(sessions) == before and centre.phase()["phase"] == "active", "all routers are as they were")
    number = centre.submit("vpn-change")
    centre.approve(number, "olga", "sam")
    wait_until(lambda: b"eth1.207" in text_of(sessions[0]), 30, 0.05)
    routers[1].freeze(True)
    wait_until(lambda: b"eth1.207" not in text_of(sessions[0]), 60, 1.2)
    check(b"eth1.207" not in text_of(sessions[0]), "a router falls silent while it is looked at: the other goes back")
    routers[1].freeze(False)
    centre.ask("POST", f"/orders/{number}/cancel", {"comment": "the test"})
    order = centre.closed(number)
    check(order["state"] == "cancelled", "and the order is cancelled")
    check(bool(wait_until(lambda: whole(sessions) == before, 30, 1.2)), "all routers are as they were")
    check(centre.phase()["phase"] == "active" and centre.phase()["version"] == 5, f"and so it is told: {centre.phase()}")


def test_kill(centre, sessions):
    before = whole(sessions)
    number = centre.submit("vpn-change")
    centre.approve(number, "olga", "sam")
    check(bool(wait_until(lambda: b"eth1.207" in text_of(sessions[0]), 30, 0.05)), "the change is there, unconfirmed")
    centre.daemon.kill()
    check(bool(wait_until(lambda: whole(sessions) == before, 4 * CONFIRM, 1.2)),
          "the controller is killed: the routers go back by themselves")
    centre.start()
    order = centre.closed(number)
    check(order["state"] == "done" and b"eth1.207" in text_of(sessions[0]),
          f"it is started again, and ends what it began: {order.get('error')}")
    check(centre.phase()["phase"] == "active" and centre.phase()["version"] == 6, f"{centre.phase()}")


def test_teardown(centre, sessions, empty):
    number = centre.submit("vpn-teardown")
    centre.approve(number, "olga")
    order = centre.closed(number)
    check(order["state"] == "done" and whole(sessions) == empty, f"teardown leaves nothing: {order.get('error')}")
    check(centre.phase()["phase"] == "proposed", "it is proposed")
    check(all(x["state"] == "closed" for x in centre.get("/exceptions")["exceptions"]), "no exception is open")
    code, text = centre.tieline("vpn", "remove", "ems")
    check(code == 0, f"and can be removed: {text}")


def test_tls(centre, routers, sessions, empty):
    """One of the two routers is reached by TLS (RFC 7589), the other by SSH as before."""
    stated = {k: v for k, v in centre.get("/routers/pe4").items() if k not in ("status", "live")}

    def reach_by(door):
        status, answer = centre.ask("PUT", "/routers/pe4", {**stated, "netconf-transport": "tls", "netconf-port": door.port})
        check(status in (200, 204), f"pe4 is reached by TLS at port {door.port}: {answer}")

    def accepted():
        return centre.tieline("vpn", "config", "ems")[1].count("dry run: accepted")
    issue(centre.top, "pe9")
    issue(centre.top, "pe4")
    code, text = centre.tieline("vpn", "put", file=service())
    check(code == 0, f"the VPN is stated again: {text.strip()}")
    other = TlsDoor(routers[1], centre.top, "pe9")
    reach_by(other)
    check(bool(wait_until(lambda: other.turned_away, 30, 0.2)), "the controller comes, and goes when it sees the name")
    told = centre.tieline("vpn", "config", "ems")[1]
    check("pe4, ietf, dry run: not asked: NETCONF does not reach it" in told and
          centre.daemon.says("pe4: NETCONF is down: TLS: peer's certificate not accepted: hostname mismatch (CN=pe9)"),
          f"a router whose certificate has another name is not worked with: {told}")
    door = TlsDoor(routers[1], centre.top, "pe4")
    reach_by(door)
    check(bool(wait_until(lambda: accepted() == 2, 30, 0.5)), "one with its name is")
    check(set(door.seen) == {"controller"}, f"who came has shown the controller's certificate: {door.seen}")
    number = centre.submit("vpn-turn-up")
    centre.approve(number, "olga", "sam")
    order = centre.closed(number)
    check(order["state"] == "done" and all(has_ours(s) for s in sessions), f"the VPN is built over TLS and SSH: {order.get('error')}")
    code, text = centre.tieline("vpn", "drift", "ems")
    check(code == 0 and text.count("as built") == 2, f"no drift: {text}")
    number = centre.submit("vpn-teardown")
    centre.approve(number, "olga")
    order = centre.closed(number)
    check(order["state"] == "done" and whole(sessions) == empty, f"teardown leaves nothing: {order.get('error')}")
    other.close()
    door.close()


def main():
    leave = os.path.exists(YUMA)
    top = tempfile.mkdtemp(prefix="tieline-vpns-")
    routers, sessions, centre = [], [], None
    started = time.monotonic()
    try:
        routers = [Router("pe2", top, address="127.0.0.2"),
                   Router("pe4", top, "--protocols=netconf1.0", address="127.0.0.4")]
        for router in routers:
            router.wait()
        sessions = [router.connect() for router in routers]
        for session in sessions:
            edit(session, THEIRS)
        empty = whole(sessions)
        centre = Centre(top, settings(top, routers))
        centre.start()
        state_routers(centre, routers)
        test_put(centre)
        test_dry_run(centre, sessions, empty)
        test_build(centre, sessions)
        test_drift(centre, sessions)
        test_change(centre, sessions)
        test_restconf(centre, sessions)
        test_refusal(centre, routers, sessions)
        test_kill(centre, sessions)
        test_teardown(centre, sessions, empty)
        test_tls(centre, routers, sessions, empty)
        check(centre.daemon.end() == 0, "it ends well")
        print(f"all in {time.monotonic() - started:.1f} s")
    except (SystemExit, Exception):
        for name in ("centre.log", "pe2/server.out", "pe4/server.out"):
            path = os.path.join(top, name)
            if os.path.exists(path):
                print(f"--- {name}\n{open(path, encoding='utf-8', errors='replace').read()[-4000:]}")
        raise
    finally:
        for router in routers:
            router.freeze(False)
        for session in sessions:
            try:
                session.close_session()
            except Exception:
                pass
        if centre:
            centre.daemon.end()
        for router in routers:
            router.stop()
        shutil.rmtree(top, ignore_errors=True)
        if not leave:
            shutil.rmtree(YUMA, ignore_errors=True)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
