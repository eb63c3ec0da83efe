"""gobgpd reflects between two of our speakers; it is killed, comes back, and does not come back."""
import signal
import sys

from peers import Test, check, fields, free_port, judge, skip_without, tlvs

# What gobgpd 3.10 does not know and leaves out: delays, the depth of label stacks, metrics of prefixes.
LEFT_OUT = {266, 1114, 1115, 1116, 1155}
RESTART = 12

CONFIG = """
[global.config]
  as = 65000
  router-id = "10.0.0.100"
  port = {port}
  local-address-list = ["127.0.0.1"]
"""
NEIGHBOR = """
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = 65000
  [neighbors.timers.config]
    connect-retry = 1
  [neighbors.transport.config]
    local-address = "127.0.0.1"
    passive-mode = {passive}
    remote-port = {remote}
  [neighbors.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "10.0.0.100"
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = {restart}
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ls"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
"""


def table(speaker):
    """What a speaker knows by the changes that it told: NLRI, attributes, stale or not."""
    known = {}
    for line in speaker.lines:
        if line[:2] in ("+ ", "* ", "= "):
            key, value, _, _ = fields(line)
            known[key] = (value, False)
        elif line[:2] == "~ ":
            key = fields(line)[0]
            known[key] = (known[key][0], True)
        elif line[:2] in ("- ", "! "):
            del known[fields(line)[0]]
    return known


def check_reflected(sender, receiver, after=0):
    sent = {}
    for line in sender.lines[after:]:
        if line.startswith("> "):
            key, value, _, _ = fields(line)
            sent[key] = value
    got = table(receiver)
    check(f"{len(sent)} NLRI came back octet for octet", set(sent) == set(got) and sent)
    same, left_out = 0, set()
    for key, value in sent.items():
        before, back = tlvs(value), tlvs(got[key][0])
        left_out |= {kind for kind, _ in before} - {kind for kind, _ in back}
        check_same = [t for t in before if t[0] not in LEFT_OUT]
        if check_same != [t for t in back if t[0] not in LEFT_OUT]:
            sys.exit(f"not so: {before} came back as {back}")
        same += len(check_same)
    check(f"and {same} TLVs; left out by gobgpd: {sorted(left_out)}", left_out <= LEFT_OUT)


def database(speaker):
    """The links of the speaker's database."""
    begin = len(speaker.lines)
    n = speaker.count("ted ")
    speaker.write("ted")
    speaker.wait_line("ted ", n + 1)
    return [x for x in speaker.lines[begin:] if x.startswith("link ")]


def check_database(what, speaker, n):
    links = database(speaker)
    up = [x for x in links if " up " in x]
    check(f"{what}: the database has {n} links that are up", len(up) == n, "\n".join(links))
    return up


def ask_stats(speaker):
    n = speaker.count("stats ")
    speaker.write("stats")
    return speaker.wait_line("stats ", n + 1)


def wait_stale(speaker, n):
    def stale(_):
        known = table(speaker)
        return len(known) == n and all(is_stale for _, is_stale in known.values())

    speaker.wait(f"{n} stale NLRI", stale, 10)
    check(f"all {n} are stale, and kept", True)


def main():
    skip_without("gobgpd", "tshark", "tcpdump")
    port, ours, api = free_port(), free_port("127.0.0.22"), free_port()
    with Test() as test:
        config = CONFIG.format(port=port)
        config += NEIGHBOR.format(address="127.0.0.1", passive="true", remote=port, restart=RESTART)
        config += NEIGHBOR.format(address="127.0.0.22", passive="false", remote=ours, restart=RESTART)
        argv = ["gobgpd", "-f", test.write("gobgp.toml", config), "--api-hosts", f"127.0.0.1:{api}"]
        capture = test.capture(port, ours)
        daemon = test.start("gobgpd", argv)
        # One connects, the other is connected to.
        a = test.speaker("a", "-", "65000", "10.0.0.21", f"127.0.0.1:{port}=65000", "ring=4")
        b = test.speaker("b", f"127.0.0.22:{ours}", "65000", "10.0.0.22", "127.0.0.1=65000")
        a.wait_line("up AS 65000")
        b.wait_line("up AS 65000")
        b.wait_line("complete")
        b.wait("all NLRI", lambda lines: len(table(b)) == 18)
        check_reflected(a, b)

        links = check_database("told", b, 8)
        # Without a delay, which gobgpd leaves out.
        link = "link 10.0.0.1>10.0.0.2/11.0.0.5 up 10000000000 bit/s 4294967295 us metric 11 label 24002 srlgs 2"
        check("and each is as it was told", link in links, str(links))
        b.write("again")
        b.wait("all again", lambda lines: ask_stats(b).startswith("stats 18 unchanged 18 changed 0"), 20)
        check("a refresh brings all again, and nothing has changed", True)

        daemon.kill(signal.SIGKILL)
        b.wait_line("down kept")
        wait_stale(b, 18)
        check_database("held", b, 8)
        a.end()
        mark = b.count("! ")
        a = test.speaker("a2", "-", "65000", "10.0.0.21", f"127.0.0.1:{port}=65000", "ring=3")
        daemon = test.start("gobgpd", argv + ["-r"])
        b.wait_line("complete", 2)
        b.wait("sweeping", lambda lines: b.count("! ") == mark + 6, 10)  # a router, its prefix, four links
        got = table(b)
        check("told again, it is fresh", not any(stale for _, stale in got.values()))
        check("what was not told again is swept", len(got) == 14)
        check("nothing was withdrawn", b.count("- ") == 0)
        check_reflected(a, b)

        daemon.kill(signal.SIGKILL)
        b.wait_line("down kept", 2)
        swept = b.count("! ")
        check_database("three routers are left", b, 6)
        wait_stale(b, 14)
        b.wait("sweeping", lambda lines: not table(b), RESTART + 10)
        check("gobgpd did not return in time: all is swept", b.count("! ") == swept + 14)
        check("both speakers end well", a.end() == 0 and b.end() == 0)
        judge(*capture, [port, ours], ["127.0.0.22"], 2, 2)  # UPDATEs: End-of-RIB


if __name__ == "__main__":
    main()
