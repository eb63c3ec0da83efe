#!/usr/bin/env python3
"""Sites on one bus, provisioned by `tieline site` and nothing else, with real nats-servers: a hub and
two substations. What may cross, what must not, rotation, revocation. Prints a line per claim.

Usage: enrol.py DIRECTORY-OF-PROGRAMS"""

import atexit
import json
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

from nats_peer import WAIT, Gone, Peer, Refused, claims, creds, seed_octets
from tap import check, finish, skip

TIELINE = pathlib.Path(sys.argv[1]).resolve() / "tieline"
CENTRE, A, B, C = "control-centre", "substation-a", "substation-b", "substation-c"
work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
servers = {}

if not shutil.which("nats-server"):
    skip("there is no nats-server")


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, cwd=here, timeout=120)


def site(*args):
    return run(TIELINE, "site", *args)


def said(*args):
    """What a command that must work says."""
    result = site(*args, "--json")
    if result.returncode:
        sys.exit(f"tieline site {' '.join(args)}: {result.stderr}")
    return json.loads(result.stdout)


def refused(text, result, *parts):
    check(text, result.returncode == 1 and all(p in result.stderr for p in parts),
          f"{result.returncode} {result.stdout!r} {result.stderr!r}")


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def start(name):
    with open(here / f"{name}.log", "a", encoding="utf-8") as log:
        servers[name] = subprocess.Popen(
            ["nats-server", "-D", "-c", here / name / "current/nats-server.conf"], stdout=log,
            stderr=log)


def stop(name):
    if name in servers:
        servers[name].kill()
        servers.pop(name).wait()


def log_of(name):
    return (here / f"{name}.log").read_text()


def until(condition, wait=WAIT):
    """Waits for something that must come; says whether it came."""
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def reload(name):
    """SIGHUP, and until the server says that it has taken it up."""
    before = log_of(name).count("Reloaded server configuration")
    servers[name].send_signal(1)
    good = until(lambda: log_of(name).count("Reloaded server configuration") > before)
    if not good:
        sys.exit(f"{name} does not reload: {log_of(name)[-2000:]}")


def tls(name, who="client", ca=None):
    base = here / name / "current"
    return {"ca": here / (ca or name) / "current/ca.pem", "cert": base / f"{who}.pem",
            "key": base / f"{who}.key"}


def tielined(name):
    """As the site's own tielined, at the site's own server."""
    deadline = time.monotonic() + WAIT
    while True:
        try:
            peer = Peer(port_of[name], tls(name), *creds(here / name / "current/tielined.creds"))
            break
        except Gone:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    own = claims(creds(here / name / "current/tielined.creds")[0])["name"]
    peer.subscribe(f"site.{own}.>")
    peer.subscribe(f"_INBOX.{own}.>")
    peer.sync()
    return peer


def link(name, **more):
    """As the site's nats-server, at the hub: what somebody does who has taken it over."""
    more = {"tls": tls(name, "server"), "creds": creds(here / name / "current/leaf.creds"), **more}
    return Peer(link_port, more["tls"], *more["creds"], leaf=True,
                source=more.get("source", "127.0.0.1"))


def refusal(server, attempt, why):
    """What the server tells the other end when it does not take a connection, and writes in its log about that one, as soon as that
    has `why` in it; "": it is taken."""
    before = len(log_of(server))
    try:
        attempt().close()
        return ""
    except (Refused, Gone) as error:
        said, port = str(error) or "closed", error.port

    def told():
        return "\n".join([said, *(line for line in log_of(server)[before:].splitlines() if f":{port} - " in line)])

    until(lambda: why in told())
    return told()


def refuses(text, server, why, attempt):
    """The server does not take it, for this reason and no other."""
    told = refusal(server, attempt, why)
    check(text, why in told, told or "it is taken")


def no_link(text, why, **more):
    refuses(text, "hub", why, lambda: link(**more))


def is_linked(text, **more):
    told = refusal("hub", lambda: link(**more), "")
    check(text, not told, told)


def no_client(text, name, why, tls, jwt, seed):
    refuses(text, name, why, lambda: Peer(port_of[name], tls, jwt, seed))


def took(peer, subject):
    return [m for m in peer.messages if m[0] == subject]


def arrives(sender, subject, receiver):
    """Sends until it is there: interest takes a moment to cross."""
    def attempt():
        sender.publish(subject)
        sender.sync()
        receiver.more(0.05)
        return took(receiver, subject)
    good = until(attempt)
    receiver.messages.clear()
    return good


def enrol(name, *more, request=None):
    """The three steps of a site that is new."""
    asked = said("request", "--dir", name, "--name", site_of[name], "--port", str(port_of[name]),
                 *(request or []))
    said("enrol", asked["request"], "--dir", "hub", "--out", f"{name}.bundle", "--fingerprint",
         asked["fingerprint"], *more)
    said("install", f"{name}.bundle", "--dir", name, "--fingerprint", authority)


class Cable:
    """Between the sites and the hub; may swallow everything, as a cut that no end is told of."""

    def __init__(self, port, to):
        self.to, self.cut = to, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            end, _ = self.listener.accept()
            try:
                other = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                end.close()
                continue
            for pair in ((end, other), (other, end)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                if not self.cut.is_set():
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


atexit.register(lambda: [stop(name) for name in list(servers)])
link_port, cable_port, hub_port, a_port, b_port, c_port = free_ports(6)
port_of = {"hub": hub_port, "a": a_port, "b": b_port, "c": c_port}
site_of = {"hub": CENTRE, "a": A, "b": B, "c": C}

# ---- Files

hub = said("init", "--dir", "hub", "--hub", f"localhost:{cable_port}", "--listen",
           f"127.0.0.1:{link_port}", "--port", str(hub_port))
authority = hub["fingerprint"]
refused("an authority is not made over another",
        site("init", "--dir", "hub", "--hub", "localhost:1"), "hub: it is there already")
check("a hub for nobody yet is a configuration that nats-server takes",
      run("nats-server", "-t", "-c", hub["config"]).returncode == 0)

asked = said("request", "--dir", "a", "--name", A, "--port", str(a_port))
refused("nor are keys of a site", site("request", "--dir", "a", "--name", A),
        "a: it is there already")
refused("a name that would be another subject is refused",
        site("request", "--dir", "x", "--name", "a.from.b"), "small letters")
result = site("enrol", asked["request"], "--dir", "hub", "--out", "a.bundle")
refused("a site that is new needs a fingerprint that was compared", result, asked["fingerprint"])
refused("... this one", site("enrol", asked["request"], "--dir", "hub", "--out", "a.bundle",
                             "--fingerprint", "0" * 64), "not what was given")

document = json.loads(pathlib.Path(asked["request"]).read_text())
for who in ("server", "client", "leaf", "tielined"):
    forged = json.loads(json.dumps(document))
    text = forged["signatures"][who]
    forged["signatures"][who] = text[:10] + ("A" if text[10] != "A" else "B") + text[11:]
    (here / "forged.json").write_text(json.dumps(forged))
    refused(f"a request without the signature of its {who} key is refused",
            site("enrol", "forged.json", "--dir", "hub", "--out", "a.bundle", "--fingerprint",
                 asked["fingerprint"]), "has not signed")
check("... and leaves nothing behind", not (here / "a.bundle").exists() and
      not [s for s in said("enrolled", "--dir", "hub")["sites"] if s["site"] == A])

said("enrol", asked["request"], "--dir", "hub", "--out", "a.bundle", "--fingerprint",
     asked["fingerprint"], "--witness", B)
refused("a bundle is not written over another",
        site("enrol", asked["request"], "--dir", "hub", "--out", "a.bundle"), "a.bundle: File exists")

secrets = [p for p in (here / "a/1").iterdir() if p.suffix in (".key", ".nk")]
texts = pathlib.Path(asked["request"]).read_bytes() + (here / "a.bundle").read_bytes()
check("what leaves a site and comes back has no secrets in it",
      len(secrets) == 4 and b"PRIVATE" not in texts and
      not any(p.read_bytes().split(b"\n")[0] in texts or
              (p.suffix == ".nk" and seed_octets(p.read_text().strip()) in texts)
              for p in secrets))

refused("a bundle needs an authority that was compared", site("install", "a.bundle", "--dir", "a"),
        authority)
said("init", "--dir", "evil", "--hub", f"localhost:{link_port}", "--port", str(hub_port))
said("enrol", asked["request"], "--dir", "evil", "--out", "evil.bundle", "--fingerprint",
     asked["fingerprint"])
refused("... and another's is refused",
        site("install", "evil.bundle", "--dir", "a", "--fingerprint", authority),
        "not what was given")
mixed = json.loads((here / "a.bundle").read_text())
mixed["signatures"] = json.loads((here / "evil.bundle").read_text())["signatures"]
(here / "mixed.bundle").write_text(json.dumps(mixed))
refused("so is one that its account has not signed",
        site("install", "mixed.bundle", "--dir", "a", "--fingerprint", authority), "has not signed")
said("install", "a.bundle", "--dir", "a", "--fingerprint", authority)
refused("a bundle is installed once",
        site("install", "a.bundle", "--dir", "a", "--fingerprint", authority), "already")
enrol("b", "--witness-for", A, request=["--addresses", "127.0.0.1"])
refused("a bundle for another site is refused", site("install", "b.bundle", "--dir", "a"), B)

modes = {p.relative_to(here): stat.S_IMODE(p.stat().st_mode)
         for d in ("hub", "a", "b") for p in (here / d).rglob("*")
         if p.suffix in (".key", ".nk", ".creds")}
check("secrets are for their owner alone",
      len(modes) >= 20 and all(m == 0o600 for m in modes.values()), modes)

# ---- What crosses

for name in ("hub", "a", "b"):
    start(name)
cable = Cable(cable_port, link_port)
centre, a, b = tielined("hub"), tielined("a"), tielined("b")
check("a site asks the centre", arrives(a, f"site.{CENTRE}.from.{A}.hello", centre))
check("the centre asks a site", arrives(centre, f"site.{A}.from.{CENTRE}.circuit.build", a))
check("the centre answers a site", arrives(centre, f"_INBOX.{A}.{CENTRE}.1", a))
check("a site answers the centre", arrives(a, f"_INBOX.{CENTRE}.{A}.1", centre))
check("a site talks to itself", arrives(a, f"site.{A}.lan.nodes", a) and
      arrives(a, f"_INBOX.{A}.{A}.2", a))
check("a site asks its witness", arrives(a, f"site.{B}.from.{A}.witness.countersign", b))
check("the witness answers", arrives(b, f"_INBOX.{A}.{B}.3", a))
check("nothing was refused so far", not (centre.errors or a.errors or b.errors),
      (centre.errors, a.errors, b.errors))

# ---- What must not: at the site's own server, which says so

FORBIDDEN = [
    (f"site.{B}.from.{A}.circuit.build", "a command to another site"),
    (f"site.{B}.from.{CENTRE}.circuit.build", "a command to another in the centre's name"),
    (f"site.{CENTRE}.from.{B}.hello", "a message to the centre in another's name"),
    (f"site.{CENTRE}.hello", "a message inside the centre"),
    (f"site.{B}.lan.nodes", "a message inside another site"),
    (f"_INBOX.{B}.{A}.1", "an answer to another site"),
    (f"_INBOX.{CENTRE}.{B}.1", "another's answer to the centre"),
    (f"site.{B}.from.{A}.witnesses", "something that only begins as a witness's"),
    ("$SYS.REQ.SERVER.PING", "a request to the server itself"),
    ("anything", "anything else"),
]
LISTENING = [">", "site.>", "site.*.>", f"site.{B}.>", f"site.{CENTRE}.>", f"site.{CENTRE}.from.{B}.>",
             "_INBOX.>", f"_INBOX.{B}.>", f"_INBOX.{CENTRE}.>", f"*.{A}.>", "site.*.from.>", "$SYS.>"]
for subject, what in FORBIDDEN:
    check(f"a site's tielined may not send {what}", not a.may("publish", subject), subject)
check("... nor commands to itself in the centre's name",
      not a.may("publish", f"site.{A}.from.{CENTRE}.circuit.build"))
check("... nor may one be sent to its witness's clients by the witness",
      not b.may("publish", f"site.{A}.from.{B}.witness.x"))
for subject in LISTENING:
    check(f"a site's tielined may not listen to {subject}", not a.may("subscribe", subject))
check("the centre's may not speak as a site",
      not centre.may("publish", f"site.{B}.from.{A}.witness.x") and
      not centre.may("publish", f"site.{A}.lan.nodes"))

# ---- What must not: at the hub, whatever the site's own server does. It says nothing to a link, so
# that what is allowed is sent after it, and has to arrive alone.

taken = link("a")
for subject, what in FORBIDDEN:
    taken.publish(subject, b"forged")
taken.publish(f"site.{CENTRE}.from.{A}.fence")
taken.sync()
check("a site that was taken over can speak to the centre as itself",
      until(lambda: centre.more(0.05) or took(centre, f"site.{CENTRE}.from.{A}.fence")))
centre.publish(f"site.{B}.from.{CENTRE}.fence")
centre.sync()
check("... (and the centre to the other site)",
      until(lambda: b.more(0.05) or took(b, f"site.{B}.from.{CENTRE}.fence")))
wrong = [m for m in centre.messages + b.messages if m[2] == b"forged"]
check("... but nothing that it forges arrives anywhere", not wrong, wrong)
centre.messages.clear()
b.messages.clear()

for subject in LISTENING:
    taken.subscribe(subject)
taken.subscribe(f"site.{A}.>")
taken.sync()
centre.publish(f"site.{B}.from.{CENTRE}.secret")
centre.publish(f"_INBOX.{B}.{CENTRE}.9", b"secret")
b.publish(f"site.{CENTRE}.from.{B}.secret")
b.publish(f"_INBOX.{CENTRE}.{B}.9", b"secret")
b.sync()
check("... (others talk)", until(lambda: centre.more(0.05) or took(centre, f"_INBOX.{CENTRE}.{B}.9")) and
      until(lambda: b.more(0.05) or took(b, f"_INBOX.{B}.{CENTRE}.9")))
centre.publish(f"site.{A}.from.{CENTRE}.fence")
centre.sync()
check("a site that was taken over hears what is for it",
      until(lambda: taken.more(0.05) or took(taken, f"site.{A}.from.{CENTRE}.fence")))
heard = {m[0] for m in taken.messages if not m[0].startswith((f"site.{A}.", f"_INBOX.{A}."))}
check("... and nothing else, however it listens", not heard, heard)
taken.close()

# ---- Who is not let in

a_creds, b_creds = creds(here / "a/current/leaf.creds"), creds(here / "b/current/leaf.creds")
is_linked("(a link with all that is right is taken)", name="a")
no_link("no link without a certificate", "client didn't provide a certificate",
        name="a", tls={"ca": here / "a/current/ca.pem"})
asked = said("request", "--dir", "stranger", "--name", A)
answer = said("enrol", asked["request"], "--dir", "evil", "--out", "stranger.bundle", "--replace",
              "--fingerprint", asked["fingerprint"])
said("install", "stranger.bundle", "--dir", "stranger", "--fingerprint", answer["fingerprint"])
UNKNOWN = "certificate signed by unknown authority"
no_link("no link with a certificate of another authority", UNKNOWN, name="a", tls=tls("stranger", "server", ca="a"))
no_link("... nor with another authority's claims", "Account JWT lookup error: account missing",
        name="a", creds=creds(here / "stranger/current/leaf.creds"))
no_link("no link with the certificate of a site's tielined, which is not for links", UNKNOWN,
        name="a", tls=tls("a", "client"))
no_link("no link with another site's claims without its seed", "Signature not verified",
        name="a", creds=(b_creds[0], a_creds[1]))
no_link("... nor with its whole credentials from elsewhere", "Bad src Ip 127.0.0.2",
        name="a", creds=b_creds, source="127.0.0.2")
no_link("... nor with its certificate as well", "Bad src Ip 127.0.0.2", name="b", source="127.0.0.2")
is_linked("(from where they are good they are taken)", name="b")
no_link("no link with the claims of a site's tielined", "Connection type not allowed",
        name="a", creds=creds(here / "a/current/tielined.creds"))
no_client("no client with a link's claims", "hub", "Connection type not allowed", tls("a"), *a_creds)
no_client("no client at a site with another site's credentials", "a", "Account JWT lookup error: account missing",
          tls("a"), *creds(here / "b/current/tielined.creds"))
no_client("... nor with its certificate as well", "a", "Account JWT lookup error: account missing",
          tls("b", ca="a"), *creds(here / "b/current/tielined.creds"))
no_client("... nor with the centre's", "a", "Account JWT lookup error: account missing",
          tls("hub", ca="a"), *creds(here / "hub/current/tielined.creds"))

# A certificate lets in and says no name: that the credentials do (doc/sites.md).
other = link("a", tls=tls("b", "server"))
other.publish(f"site.{CENTRE}.from.{B}.hello", b"forged")
other.publish(f"site.{CENTRE}.from.{A}.hello", b"own")
other.sync()
check("another site's certificate with one's own credentials is oneself ...",
      until(lambda: centre.more(0.05) or took(centre, f"site.{CENTRE}.from.{A}.hello")))
check("... and not the other site", not took(centre, f"site.{CENTRE}.from.{B}.hello"))
centre.messages.clear()
other.close()

enrol("c", "--valid", "3s")
reload("hub")
c_creds = creds(here / "c/current/leaf.creds")
is_linked("(a site that is in for three seconds is in)", name="c", creds=c_creds)
until(lambda: refusal("hub", lambda: link("c", creds=c_creds), ""))
no_link("a certificate that has expired is refused", "certificate has expired", name="c", creds=c_creds)
no_link("claims that have expired are refused, with a certificate that is good", "User Authentication Expired",
        name="c", tls=tls("a", "server"), creds=c_creds)
is_linked("... which is taken", name="a")
check("... and it is said who has expired", "EXPIRED" in site("enrolled", "--dir", "hub").stdout)
said("rotate", "--dir", "c")
listed = site("enrolled", "--dir", "c").stdout
check("... and that it has asked for more", "EXPIRED, a request waits" in listed, listed)

# ---- Rotation, while the site asks the centre without a pause

for peer in (centre, a, b):
    peer.close()  # nobody has answered the servers' pings meanwhile
centre, a = tielined("hub"), tielined("a")
stream = {"asked": 0, "lost": 0, "end": False}
asked_all = threading.Event()


def serve():
    while not asked_all.is_set():
        centre.more(0.02)
        while centre.messages:
            _, reply, payload, _ = centre.messages.pop(0)
            if reply:
                centre.publish(reply, payload)


def ask():
    while not stream["end"]:
        stream["asked"] += 1
        if a.request(f"site.{CENTRE}.from.{A}.q", f"_INBOX.{A}.{CENTRE}.q{stream['asked']}") is None:
            stream["lost"] += 1


def more_of(n):
    """The stream goes on for so many questions."""
    target = stream["asked"] + n
    return until(lambda: stream["asked"] >= target)


centre.messages.clear()
serving, asking = threading.Thread(target=serve), threading.Thread(target=ask)
serving.start()
asking.start()
more_of(50)
closed = log_of("hub").count("Leafnode connection closed")
old = {p: (here / p).read_bytes() for p in ("a/current/server.pem", "a/current/leaf.creds",
                                            "hub/current/server.pem")}
asked = said("rotate", "--dir", "a")
renewed = said("enrol", asked["request"], "--dir", "hub", "--out", "a2.bundle")
check("a site's own key vouches for its next one", renewed["renewed"] is True)
reload("hub")
more_of(50)
said("install", "a2.bundle", "--dir", "a")
reload("a")
more_of(50)
said("rotate", "--dir", "hub")
reload("hub")
more_of(50)
stream["end"] = True
asking.join()  # the last question is answered before nobody answers any more
asked_all.set()
serving.join()
check("keys of a site and of the centre are rotated and no question is lost",
      stream["asked"] > 200 and stream["lost"] == 0, stream)
check("... on a link that stays", log_of("hub").count("Leafnode connection closed") == closed)
check("... and everything is new", all((here / p).read_bytes() != o for p, o in old.items()))
check("the witness is still known",
      f"site.{B}.from.{A}.witness.>" in claims(creds(here / "a/current/leaf.creds")[0])["nats"]["pub"]["allow"])
refused("an older bundle does not come back", site("install", "a.bundle", "--dir", "a"), "it answers no request of this site")
servers["hub"].kill()
servers.pop("hub").wait()
start("hub")
before = time.monotonic()
centre = tielined("hub")
check("killed, the hub is there again and the link is made by what was rotated in",
      arrives(a, f"site.{CENTRE}.from.{A}.back", centre))
print(f"# the link was back after {time.monotonic() - before:.1f} s")

a.close()
centre.close()
before = time.monotonic()
lost = log_of("a").count("Leafnode connection closed")
cable.cut.set()
check("a link through which nothing comes is given up",
      until(lambda: log_of("a").count("Leafnode connection closed") > lost, 3 * WAIT),
      log_of("a")[-2500:])
print(f"# noticed after {time.monotonic() - before:.1f} s")
cable.cut.clear()
centre, a = tielined("hub"), tielined("a")
check("... and is there again when something does",
      arrives(a, f"site.{CENTRE}.from.{A}.mended", centre))

# ---- Revocation

closed = log_of("hub").count("Credentials Revoked")
b = tielined("b")
check("(the other site is linked)", arrives(b, f"site.{CENTRE}.from.{B}.here", centre))
said("revoke", B, "--dir", "hub")
reload("hub")
check("a site that is revoked is thrown out",
      until(lambda: log_of("hub").count("Credentials Revoked") > closed))
no_link("... its certificate is refused", UNKNOWN, name="b")
no_link("... and its claims", "User authentication revoked", name="b", tls=tls("a", "server"))
is_linked("... with a certificate that is taken", name="a")
b.publish(f"site.{CENTRE}.from.{B}.again")
b.sync()
check("... and nothing of it arrives, while others go on",
      arrives(a, f"site.{CENTRE}.from.{A}.on", centre) and
      not took(centre, f"site.{CENTRE}.from.{B}.again"))
asked = said("rotate", "--dir", "b")
refused("its keys vouch for nothing any more",
        site("enrol", asked["request"], "--dir", "hub", "--out", "b2.bundle"), "fingerprint")
refused("... and by itself it does not come back",
        site("enrol", asked["request"], "--dir", "hub", "--out", "b2.bundle", "--fingerprint",
             asked["fingerprint"]), "known")
said("enrol", asked["request"], "--dir", "hub", "--out", "b2.bundle", "--fingerprint",
     asked["fingerprint"], "--replace")
said("install", "b2.bundle", "--dir", "b")
reload("hub")
reload("b")
b.close()
b = tielined("b")
check("taken in again, it is back", arrives(b, f"site.{CENTRE}.from.{B}.back", centre))
states = {s["site"]: s for s in said("enrolled", "--dir", "hub")["sites"]}
check("all of it is listed", states[A]["state"] == "enrolled" and states[A]["renew"] is False and
      states[C]["expired"] is True and states[CENTRE]["state"] == "centre", states)

# ---- A CA that is there

for algorithm in (["-algorithm", "ed25519"], ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]):
    run("openssl", "genpkey", *algorithm, "-out", "ca.key")
    for limit in ("", ",pathlen:0"):
        run("openssl", "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=utility", "-out",
            "ca.pem", "-addext", f"basicConstraints=critical,CA:TRUE{limit}", "-config", "/dev/null")
        shutil.rmtree(here / "own", ignore_errors=True)
        args = ["init", "--dir", "own", "--hub", "h:1", "--issuer", "ca.pem", "--issuer-key", "ca.key"]
        if limit:
            refused("a CA that may not sign others is refused", site(*args), "may not sign other")
            check("... and leaves nothing behind", not list(here.glob("own*")))
        else:
            said(*args)
            verified = run("openssl", "verify", "-CAfile", "ca.pem", "own/current/server.pem",
                           "own/current/client.pem")
            check("a CA that is there is used, and its certificates are good",
                  verified.returncode == 0 and
                  run("nats-server", "-t", "-c", "own/current/nats-server.conf").returncode == 0,
                  verified.stderr)
refused("a CA's key must be its own", site("init", "--dir", "other", "--hub", "h:1", "--issuer",
                                           "hub/ca.pem", "--issuer-key", "ca.key"), "not the certificate's")
asked = said("request", "--dir", "d", "--name", "substation-d")
enrolled = ["enrol", asked["request"], "--dir", "hub", "--fingerprint", asked["fingerprint"]]
refused("a bundle that cannot be written", site(*enrolled, "--out", "nowhere/d.bundle"), "nowhere")
check("... enrols nobody", "substation-d" not in site("enrolled", "--dir", "hub").stdout)
said(*enrolled, "--out", "d.bundle", "--valid", "20d")
listed = site("enrolled", "--dir", "hub").stdout
check("who has less than thirty days left is told to rotate", "rotate: 19 days left" in listed or
      "rotate: 20 days left" in listed, listed)

# ---- Interrupted between the register and the hub's files: the same command again


def hub_files():
    return {name: (here / "hub/current" / name).read_bytes() for name in ("sites.pem", "nats-server.conf")}


def put_back(files):
    for name, data in files.items():
        (here / "hub/current" / name).write_bytes(data)


def hub_has(account, certificates):
    files = hub_files()
    return account.encode() in files["nats-server.conf"] and files["sites.pem"].count(b"BEGIN CERT") == certificates


asked = said("request", "--dir", "e", "--name", "substation-e")
before = hub_files()
certificates = before["sites.pem"].count(b"BEGIN CERT")
said("enrol", asked["request"], "--dir", "hub", "--fingerprint", asked["fingerprint"], "--out", "e.bundle")
account = json.loads((here / "hub/registry.json").read_text())["sites"]["substation-e"]["account"]
put_back(before)
refused("enrolled by half, it is not written over the bundle", site("enrol", asked["request"], "--dir", "hub", "--out", "e.bundle"),
        "e.bundle: File exists")
(here / "e.bundle").unlink()
again = said("enrol", asked["request"], "--dir", "hub", "--out", "e.bundle")
check("... and again, without it, it is whole: no fingerprint, for the request is known",
      again["renewed"] is True and hub_has(account, certificates + 2), hub_files()["sites.pem"].decode()[-200:])
said("install", "e.bundle", "--dir", "e", "--fingerprint", authority)
enrolled = hub_files()
said("revoke", "substation-e", "--dir", "hub")
whole = hub_files()["sites.pem"]
put_back(enrolled)
said("revoke", "substation-e", "--dir", "hub")
check("revoked by half and again, it is whole", hub_files()["sites.pem"] == whole and hub_has(account, certificates) and
      run("nats-server", "-t", "-c", hub["config"]).returncode == 0)

(here / "hub/operator.nk").rename(here / "operator.nk")
refused("without the operator's seed nobody is revoked", site("revoke", A, "--dir", "hub"),
        "operator.nk")

finish()
