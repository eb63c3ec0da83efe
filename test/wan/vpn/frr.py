#!/usr/bin/python3
"""What the templates make for FRR, given to FRR's daemons in a namespace of their own: what they then
show is what was planned, a change and a meddler are told, and removal leaves nothing.

Usage: frr.py DIRECTORY-OF-PROGRAMS"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DAEMONS = "/usr/lib/frr"
NAMESPACE = f"ncfrr{os.getpid()}"
PORTS = ("eth1.300", "eth2")
BASE = """router bgp 65003
 bgp router-id 192.0.2.3
exit
mpls ldp
 router-id 192.0.2.3
exit
"""


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


if not os.path.exists(f"{DAEMONS}/zebra"):
    skip("FRR is not here (package frr)")
if os.geteuid() != 0 or subprocess.run(["ip", "netns", "add", NAMESPACE], check=False,
                                       stderr=subprocess.DEVNULL).returncode:
    skip("a network namespace cannot be made")

top = tempfile.mkdtemp(prefix="tieline-frr-")
pids = []
driver = subprocess.Popen([f"{sys.argv[1]}/wan_netconf_driver"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True)


def check(condition, what):
    print(f"{'ok' if condition else 'FAILED'}: {what}")
    if not condition:
        raise SystemExit(1)


def ask(**order):
    driver.stdin.write(json.dumps(order) + "\n")
    driver.stdin.flush()
    return json.loads(driver.stdout.readline())["text"]


def inside(*command, **more):
    return subprocess.run(["ip", "netns", "exec", NAMESPACE, *command], check=True, text=True,
                          capture_output=True, **more).stdout


def start():
    subprocess.run(["chown", "frr:frr", top], check=True)
    config = f"{top}/empty.conf"
    open(config, "w", encoding="ascii").close()
    inside("ip", "link", "set", "lo", "up")
    for i, port in enumerate(PORTS):
        inside("ip", "link", "add", port, "type", "veth", "peer", "name", f"peer{i}")
        inside("ip", "link", "set", port, "up")
    for name, more in (("zebra", ["-s", "90000000"]), ("staticd", []), ("bgpd", ["-p", "0"]),
                       ("ldpd", ["--ctl_socket", top])):
        inside(f"{DAEMONS}/{name}", "-d", "-u", "frr", "-g", "frr", "-z", f"{top}/zserv.api",
               "--vty_socket", top, "-f", config, "-i", f"{top}/{name}.pid", *more)
        pids.append(f"{top}/{name}.pid")
    time.sleep(1)


def vtysh(lines):
    path = f"{top}/lines"
    with open(path, "w", encoding="utf-8") as f:
        f.write(lines)
    said = inside("vtysh", "--vty_socket", top, "-f", path)
    check("%" not in said, f"FRR takes {lines.count(chr(10))} lines {said.strip()}")


def running():
    return inside("vtysh", "--vty_socket", top, "-c", "show running-config")


def golden(name):
    with open(f"{HERE}/{name}", encoding="utf-8") as f:
        return "".join(line for line in f if not line.startswith("#"))


try:
    start()
    vtysh(BASE)
    before = running()
    ems, tele = golden("ems-frr.conf.txt"), golden("tele-frr.conf.txt")
    for plan in (ems, tele):
        vtysh(ask(op="lines", before="", now=plan))
    for plan in (ems, tele):
        check(ask(op="compare", want=plan, have=running()) == "", "FRR shows what was planned")
    changed = ems.replace("  redistribute static\n", "", 1)
    for old, new in (("10.3.0.1/30", "10.3.0.1/29"), ("color 100", "color 200"),
                     ("import 65000:100 65000:900\n  rt vpn export 65000:100", "both 65000:100")):
        changed = changed.replace(old, new)
    vtysh(ask(op="lines", before=ems, now=changed))
    check(ask(op="compare", want=changed, have=running()) == "", "and what was changed")
    vtysh("vrf tl-ems\n ip route 10.77.0.0/16 10.3.0.2\nexit-vrf\nroute-map tl-ems permit 10\n"
          " no set sr-te color 200\nexit\n")
    drift = ask(op="compare", want=changed, have=running())
    check(drift == "  vrf tl-ems\n+  ip route 10.77.0.0/16 10.3.0.2\n  route-map tl-ems permit 10\n"
          "-  set sr-te color 200\n", f"a meddler is told:\n{drift}")
    vtysh("vrf tl-ems\n no ip route 10.77.0.0/16 10.3.0.2\nexit-vrf\n")
    for plan in (tele, changed):
        vtysh(ask(op="lines", before=plan, now=""))
    check(running() == before, "removal is the exact inverse")
finally:
    driver.kill()
    driver.wait()
    for path in pids:
        with open(path, encoding="ascii") as f:
            os.kill(int(f.read()), 15)
    time.sleep(0.5)
    subprocess.run(["ip", "netns", "del", NAMESPACE], check=False)
    shutil.rmtree(top, ignore_errors=True)
