"""tielined and a PCC that shares nothing with it: what RFC 8232 spares at the next session, and RFC 8253's TLS. tshark reads
what both have sent.

Usage: daemon.py DIRECTORY-OF-PROGRAMS"""
import json
import pathlib
import ssl
import struct
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[n] / d) for n, d in ((1, "bgpls"), (2, "cli"), (2, "."))]
from peers import BIN, Test, check, free_port, skip_without # noqa: E402
from instances import Instance, make_identities, wait_until # noqa: E402
from wireshark import complaints, tshark, write_pcap # noqa: E402
from pcc import (DELTA, FIRST_SYNC, INITIATION, KEEPALIVE, REMOVE, RESYNC, START_TLS, SYNC, UPDATE, UPDATES, VERSIONS, # noqa: E402
                 Closed, Pcc, an_open, message, objects)

PLAIN = UPDATES | INITIATION
SETTINGS = 'pcep: {{listen: "127.0.0.1:{port}", tls: {tls}}}\n'


class Bed:
    """tielined with these settings, and its routers r1, r2 ... at 127.1.0.1, 127.1.0.2 ..."""

    def __init__(self, test, tls, log):
        self.port, self.log = free_port(), log
        self.here = pathlib.Path(test.directory)
        settings = test.write(f"{tls}.yaml", SETTINGS.format(port=self.port, tls=tls))
        self.daemon = Instance(f"{BIN}/tielined", self.here, tls, str(self.here / f"{tls}.db"), "olga")
        self.daemon.command += ["--wan", settings]
        self.daemon.start()
        check(f"tielined serves, TLS {tls}", wait_until(self.daemon.serves), self.daemon.log.read_text)
        routers = [{"name": f"r{n}", "site": "wan", "router-id": f"127.1.0.{n}", "platform": "frr"} for n in range(1, 4)]
        document = {"tieline-inventory:inventory": {"site": [{"name": "wan", "kind": "wan"}]},
                    "tieline-wan:wan": {"router": routers}}
        status, answer = self.daemon.ask("POST", "/import?format=json",
                                         {"files": [{"name": "r.json", "text": json.dumps(document)}]})
        check("routers are stated", status == 200 and answer["errors"] == 0, answer)

    def pcc(self, number):
        return Pcc(("127.0.0.1", self.port), f"127.1.0.{number}", self.log)

    def get(self, path):
        return self.daemon.ask("GET", path)[1]

    def router(self, number):
        return next((x for x in self.get("/wan/routers")["routers"] if x["address"] == f"127.1.0.{number}"), {})

    def is_ready(self, number):
        return wait_until(lambda: self.router(number).get("state") == "ready", 20)

    def is_down(self, number):
        return wait_until(lambda: self.router(number).get("state") == "down", 20)

    def lsps(self, number):
        """Name to (label, stale)."""
        lsps = self.get(f"/wan/lsps?router=127.1.0.{number}&limit=1000")["lsps"]
        return {x["name"]: (x["ero"][0]["label"], x["stale"]) for x in lsps}

    def context(self, name, ca="ca.pem"):
        context = ssl.create_default_context(cafile=str(self.here / ca))
        context.load_cert_chain(str(self.here / f"{name}.pem"), str(self.here / f"{name}.key"))
        return context

    def told(self, text):
        return wait_until(lambda: text in json.dumps(self.get("/exceptions")["exceptions"]), 20)

    def end(self):
        check("it ends well", self.daemon.end() == 0, self.daemon.log.read_text)


def version_of(its):
    return struct.unpack("!Q", its[23])[0] if 23 in its else None


def synchronisation_is_full_at_first(bed):
    pcc = bed.pcc(1)
    its = pcc.begin(PLAIN | VERSIONS | DELTA, 13)
    flags = struct.unpack("!I", its[16])[0]
    check("it offers versions, deltas, resynchronisation, and to ask for the first synchronisation",
          flags == PLAIN | VERSIONS | DELTA | RESYNC | FIRST_SYNC, hex(flags))
    check("... and knows no version yet", version_of(its) is None, its)
    for number in (1, 2, 3):
        pcc.report(number, 16000 + number, 10 + number)
    pcc.report(0, version=13, flags=0)
    check("three LSPs are synchronised", bed.is_ready(1) and bed.router(1)["lsps"] == 3, bed.router(1))
    pcc.close()
    check("the session is over: they are stale", bed.is_down(1) and all(stale for _, stale in bed.lsps(1).values()), bed.lsps(1))


def it_is_avoided_with_the_same_version(bed):
    """RFC 8232 section 3.2: nothing is reported, and all holds."""
    pcc = bed.pcc(1)
    its = pcc.begin(PLAIN | VERSIONS, 13)
    check("the PCE shows the version that it has", version_of(its) == 13, its)
    check("nothing is reported, and it is synchronised", bed.is_ready(1), bed.router(1))
    check("... with all that was there", bed.lsps(1) == {f"lsp-{n}": (16000 + n, False) for n in (1, 2, 3)}, bed.lsps(1))
    pcc.report(1, 17001, 14, flags=0)
    check("a change is taken", wait_until(lambda: bed.lsps(1)["lsp-1"][0] == 17001, 20), bed.lsps(1))
    pcc.close()
    check("the session is over", bed.is_down(1))


def of_a_delta_the_rest_holds(bed):
    """RFC 8232 section 4.2: LSP 2 is another, 3 is gone; 1 is as it was at version 14."""
    pcc = bed.pcc(1)
    its = pcc.begin(PLAIN | VERSIONS | DELTA, 16)
    check("the PCE shows the version of the last change", version_of(its) == 14, its)
    pcc.report(2, 17002, 15)
    pcc.report(3, 16003, 16, flags=SYNC | REMOVE)
    check("the synchronisation goes on until its end is told", bed.router(1)["state"] != "ready", bed.router(1))
    pcc.report(0, version=16, flags=0)
    check("what changed is told, what did not holds", bed.is_ready(1) and
          bed.lsps(1) == {"lsp-1": (17001, False), "lsp-2": (17002, False)}, bed.lsps(1))
    pcc.close()
    check("the session is over", bed.is_down(1))


def without_delta_all_is_told_again(bed):
    pcc = bed.pcc(1)
    its = pcc.begin(PLAIN | VERSIONS, 20)
    check("the PCE shows its version, which is another", version_of(its) == 16, its)
    pcc.report(1, 18001, 20)
    pcc.report(0, version=20, flags=0)
    check("what a full synchronisation leaves out is gone", bed.is_ready(1) and bed.lsps(1) == {"lsp-1": (18001, False)},
          bed.lsps(1))
    pcc.report(1, 18002, None, flags=0)
    check("a report without the version ends the session (RFC 8232 section 3.3.1)", pcc.error() == (6, 12))
    check("... and it is over", pcc.is_ended() and bed.is_down(1))


def asked(pcc):
    """PLSP-ID and SYNC flag of the next PCUpd."""
    lsp = next(struct.unpack_from("!I", body)[0] for kind, body in objects(pcc.until(UPDATE)) if kind == 32)
    return lsp >> 12, lsp & SYNC


def the_pce_asks_for_it(bed):
    """RFC 8232 sections 5.2 and 6.2: the first time, and again when an operator says so."""
    pcc = bed.pcc(2)
    pcc.begin(PLAIN | RESYNC | FIRST_SYNC)
    check("who waits to be asked for the first synchronisation is asked", asked(pcc) == (0, SYNC))
    pcc.report(1, 16001)
    pcc.report(2, 16002)
    pcc.report(0, flags=0)
    check("... and is synchronised then", bed.is_ready(2) and len(bed.lsps(2)) == 2, bed.router(2))
    answer = bed.daemon.ask("POST", "/wan/resync", {"router": "r2"})
    check("an operator wants it all again", answer == (200, {"address": "127.1.0.2", "lsps": 2}), answer)
    check("... and the router is asked", asked(pcc) == (0, SYNC))
    check("... and is not ready until it has told", bed.router(2)["state"] != "ready", bed.router(2))
    pcc.report(1, 17001)
    pcc.report(0, flags=0)
    check("what it leaves out is gone", bed.is_ready(2) and bed.lsps(2) == {"lsp-1": (17001, False)}, bed.lsps(2))
    events = bed.get("/journal?type=router.resync")["events"]
    check("who wanted it is in the journal", [(e["actor"], e["object"]) for e in events] == [("olga", "router/r2")], events)
    pcc.close()
    pcc = bed.pcc(3)
    pcc.begin(PLAIN)
    pcc.report(0, flags=0)
    check("another one is synchronised as ever", bed.is_ready(3), bed.router(3))
    status, answer = bed.daemon.ask("POST", "/wan/resync", {"router": "r3"})
    check("who does not offer that is not asked", status == 422 and "RFC 8232" in json.dumps(answer), answer)
    pcc.close()
    check("the sessions are over", bed.is_down(2) and bed.is_down(3))


def tls_is_offered(bed):
    pcc = bed.pcc(2)
    pcc.start_tls(bed.context("r2"))
    check("the handshake is made, with TLS 1.2 at least", pcc.socket.version() in ("TLSv1.2", "TLSv1.3"), pcc.socket.version())
    pcc.begin(PLAIN)
    pcc.report(1)
    pcc.report(0, flags=0)
    check("a session in TLS is told as one", bed.is_ready(2) and bed.router(2)["tls"] and bed.router(2)["lsps"] == 1, bed.router(2))
    pcc.close()
    pcc = bed.pcc(3)
    pcc.begin(PLAIN)
    pcc.report(0, flags=0)
    check("one without TLS has a session, too", bed.is_ready(3) and not bed.router(3)["tls"], bed.router(3))
    pcc.send(message(START_TLS))
    check("StartTLS is too late then", pcc.error() == (25, 1) and pcc.is_ended())
    pcc = bed.pcc(3)
    pcc.send(message(KEEPALIVE))
    check("what is neither StartTLS nor Open is refused", pcc.error() == (25, 2) and pcc.is_ended())


def tls_is_required(bed):
    pcc = bed.pcc(1)
    check("the PCE says StartTLS by itself", pcc.receive() == message(START_TLS))
    pcc.send(an_open(PLAIN))
    check("a plain session is refused", pcc.error() == (25, 3) and pcc.is_ended())
    pcc = bed.pcc(1)
    pcc.start_tls(bed.context("r1"))
    pcc.begin(PLAIN)
    pcc.report(0, flags=0)
    check("one in TLS is not", bed.is_ready(1) and bed.router(1)["tls"], bed.router(1))
    other = bed.pcc(2)
    other.start_tls(bed.context("r1"))
    other.begin(PLAIN, wait=False)
    check("the certificate of r1 is none for r2", other.error()[0] == 1 and other.is_ended() and bed.router(2).get("state") != "ready", bed.router(2))
    check("... which is told", bed.told("has the certificate of r1, and is router r2"), bed.get("/exceptions"))
    check("... and the session of r1 goes on", bed.router(1)["state"] == "ready", bed.router(1))


def strangers(bed):
    """Certificates that nobody vouches for, on either side."""
    pcc = bed.pcc(3)
    try:
        pcc.start_tls(bed.context("stranger"))
        pcc.begin(PLAIN)
        check("a certificate of somebody else's CA is refused", False)
    except (Closed, OSError) as why:
        check(f"a certificate of somebody else's CA is refused: {why}", True)
    pcc = bed.pcc(3)
    try:
        pcc.start_tls(bed.context("r3"), "another.example")
        check("the PCC would see a wrong name in the PCE's certificate", False)
    except ssl.SSLCertVerificationError as why:
        check(f"the PCC would see a wrong name in the PCE's certificate: {why.verify_message}", True)
    check("no session of either is there", bed.router(3).get("state") != "ready", bed.router(3))


def make_stranger(here):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    "stranger.key", "-out", "stranger.pem", "-days", "2", "-subj", "/CN=r3"], check=True, cwd=here,
                   capture_output=True)


def judge(directory, log):
    """What tshark has to say of all that was sent, by either side."""
    path = f"{directory}/all.pcap"
    write_pcap(path, 4189, log)
    packets = json.loads(tshark(path, "-T", "json", "--no-duplicate-keys"))
    layers = [p["_source"]["layers"] for p in packets]
    bad = [(log[n].hex(), list(complaints(x))) for n, x in enumerate(layers) if "pcep" not in x or list(complaints(x))]
    check(f"tshark reads all {len(log)} messages, and has nothing against them", len(layers) == len(log) and not bad, bad)


def main():
    skip_without("openssl")
    log = []
    with Test() as test:
        make_identities(pathlib.Path(test.directory), {"olga": ["ENGINEER", "OPERATOR"], **{f"r{n}": ["VIEWER"] for n in (1, 2, 3)}})
        make_stranger(test.directory)
        bed = Bed(test, "offered", log)
        synchronisation_is_full_at_first(bed)
        it_is_avoided_with_the_same_version(bed)
        of_a_delta_the_rest_holds(bed)
        without_delta_all_is_told_again(bed)
        the_pce_asks_for_it(bed)
        tls_is_offered(bed)
        bed.end()
        bed = Bed(test, "required", log)
        tls_is_required(bed)
        strangers(bed)
        bed.end()
        judge(test.directory, log)


main()
