#!/usr/bin/env python3
"""People log in by a real OpenID Connect provider. Prints a line per claim.

Usage: login.py DIRECTORY-OF-PROGRAMS MODULES"""

import hashlib
import http.client
import json
import os
import pathlib
import signal
import ssl
import sys
import threading
import time
import urllib.request

from site_parts import Person, Place, Provider, SigningKey, Site, part

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from tap import check, finish  # noqa: E402

CLIENT = {"client_id": "tieline", "application_type": "native",
          "token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/callback"],
          "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
          "response_types": ["code"], "id_token_signed_response_alg": "ES256"}
# Every character that means something in a form, in a URL or in HTTP Basic.
SECRET = "hush+b%41&c=d:e /?#~\"\\"
CONFIDENTIAL = {"client_id": "tieline:b%41+", "application_type": "native",
                "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic",
                "redirect_uris": ["http://127.0.0.1/callback"],
                "grant_types": ["authorization_code"], "response_types": ["code"],
                "id_token_signed_response_alg": "ES256"}
ACCOUNTS = {
    "4711": {"preferred_username": "alice", "groups": ["grid-engineers", "golf"]},
    "4712": {"preferred_username": "mallory", "groups": ["golf"]},
    "4713": {"preferred_username": "both", "groups": ["auditors", "administrators"]},
    "4714": {"preferred_username": "olga", "groups": ["operators"]},
    "4715": {"preferred_username": "system/lan", "groups": ["operators"]},
}


def ask(method, path, token=None, body=None, source="127.0.0.1"):
    """The API without a certificate, from an address of this machine. Status and document."""
    connection = http.client.HTTPSConnection(
        site.address, timeout=60, source_address=(source, 0),
        context=ssl.create_default_context(cafile=str(place / "ca.crt")))
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        fields["Content-Type"] = "application/json"
    try:
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body),
                           fields)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def alices(**more):
    """What a token says that gets her in."""
    now = int(time.time())
    return {"iss": provider.issuer, "aud": "tieline", "sub": "4711", "iat": now, "exp": now + 60,
            "preferred_username": "alice", "groups": ["grid-engineers"]} | more


def unsigned(header, signature=""):
    return ".".join((part(json.dumps(header).encode()), part(json.dumps(alices()).encode()),
                     signature))


def refused(text, source, says, method, path, **more):
    """Refused, and on record: nobody is known by it, from where it came, and why."""
    status, problem = ask(method, path, source=source, **more)
    check(f"refused: {text}", status == 401 and says in problem["detail"], problem)
    end, found = time.monotonic() + 60, []
    while not found and time.monotonic() < end:  # it is answered before it is durable
        found = [e for e in events(sam, "access.denied")
                 if e["body"]["address"].startswith(source + ":")]
    check("... which is recorded", len(found) == 1 and found[0]["actor"] == "system/gateway" and
          found[0]["object"] == f"/api/v1{path}" and found[0]["body"]["person"] == "" and
          found[0]["body"]["method"] == method and says in found[0]["body"]["reason"] and
          "right" not in found[0]["body"], found)


def everywhere():
    """All that the journal's file has, and what is not in it yet."""
    return b"".join(path.read_bytes() for path in sorted(place.path.glob("journal.db*")))


def events(person, *kind):
    return person.json("journal", "list", *(("--type", *kind) if kind else ()), "--limit", "1000")[1]["events"]


def follow(token, kind, lines):
    """A stream of events in a thread; it ends when the server ends it."""
    def read():
        request = urllib.request.Request(f"https://{site.address}/api/v1/events?type={kind}",
                                         headers={"Authorization": f"Bearer {token}"})
        context = ssl.create_default_context(cafile=str(place / "ca.crt"))
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as stream:
                for line in stream:
                    lines.append(line.decode())
        except OSError as error:
            lines.append(str(error))
    thread = threading.Thread(target=read)
    thread.start()
    end = time.monotonic() + 60
    while not lines and time.monotonic() < end:
        time.sleep(0.02)
    return thread


place = Place()
provider = Provider(place, sys.argv[2], ACCOUNTS, [CLIENT, CONFIDENTIAL])
SETTINGS = {
    "issuer": provider.issuer, "client-id": "tieline", "ca": "ca.crt", "scope": "openid profile",
    "person": "preferred_username", "groups": "groups", "cache": "provider-cache.json",
    "map": {"grid-engineers": {"roles": ["ENGINEER"]},
            "operators": {"roles": ["OPERATOR"], "sites": ["substation-a"]},
            "auditors": {"roles": ["SECAUD"]}, "administrators": {"roles": ["SECADM"]}}}
site = Site(place, sys.argv[1], {"sam": ["SECADM"], "ada": ["SECAUD"]}, SETTINGS)
try:
    alice = Person(site, "4711")
    status, out, err, page = alice.log_in()
    check("alice logs in in a browser", status == 0 and "ENGINEER" in out, (out, err, page))
    check("the browser is told", page and "You can close this window" in page[1], page)
    mode = os.stat(alice.token_file).st_mode & 0o777
    check("her session is for her eyes only", mode == 0o600, oct(mode))
    os.chmod(alice.token_file, 0o644)
    status, out, err = alice.tieline("whoami")
    check("if it is not, it is not used", status == 2 and "others can read it" in err and
          "chmod 600" in err, err)
    status, out, err, _ = alice.log_in()
    check("... and none is opened that could not be kept", status == 1 and not out and
          "others can read it" in err, (out, err))
    os.chmod(alice.token_file, 0o600)
    check("... until it is", len(alice.json("session", "list")[1]["sessions"]) == 1)
    status, who = alice.json("whoami")
    check("whoami says by which right", status == 0 and who["name"] == "alice" and
          who["roles"] == ["ENGINEER"] and who["right"]["kind"] == "session" and
          who["right"]["issuer"] == provider.issuer and "until" in who["right"], who)
    status, journal = alice.json("journal", "list", "--type", "session.opened")
    event = journal["events"][0]
    check("the journal says who came by which groups", event["actor"] == "alice" and
          event["body"]["groups"] == ["grid-engineers"] and event["body"]["subject"] == "4711",
          event)
    token = alice.token().encode()
    check("the journal has no token", token not in everywhere())
    check("... but its hash", hashlib.sha256(token).hexdigest().encode() in everywhere())

    # ---- Every change is on record, by its right
    status, out, err = alice.tieline("inventory", "import", str(
        pathlib.Path(__file__).resolve().parent.parent.parent / "lab/data/inventory/sites.csv"))
    granted = events(alice, "access.granted")
    session = alice.json("session", "list")[1]["sessions"][0]["id"]
    check("what she changes is recorded with address, session and role", status == 0 and
          granted[-1]["actor"] == "alice" and granted[-1]["body"]["right"] == "session" and
          granted[-1]["body"]["right-id"] == session and granted[-1]["body"]["roles"] ==
          ["ENGINEER"] and granted[-1]["body"]["address"].startswith("127.0.0.1:"),
          (out, err, granted))
    put = events(alice, "model.put")
    check("... before it is done", put and put[-1]["seq"] > granted[-1]["seq"], put)

    # ---- Who is not let in
    mallory = Person(site, "4712")
    status, out, err, _ = mallory.log_in()
    check("without a group there is no role, and no session", status == 1 and
          "none of the groups of mallory" in err, (out, err))
    status, out, err, _ = Person(site, "4713").log_in()
    check("duties that must be apart are refused by their rule", status == 1 and
          "rule guard-and-judge" in err, (out, err))
    status, out, err, _ = Person(site, "4715").log_in()
    check("nobody is a service by name", status == 1 and "not a name a person" in err, (out, err))
    status, out, err = Person(site, "nobody").tieline("whoami")
    check("without anything there is nothing", status == 1 and "neither a certificate nor" in err,
          err)
    check("a made-up token is none", ask("GET", "/whoami", "tieline_x")[0] == 401)
    olga = Person(site, "4714")
    check("olga logs in", olga.log_in()[0] == 0)
    sam = Person(site, "sam", certificate=True)
    denied = [e["body"]["reason"] for e in events(sam, "access.denied")]
    check("all of it is recorded", any("none of the groups of mallory" in r for r in denied) and
          any("guard-and-judge" in r for r in denied) and any("no session with" in r
                                                              for r in denied), denied)
    first, other = provider.key, SigningKey("first")
    now = int(time.time())
    for n, (text, token, says) in enumerate((
            ("alg none", unsigned({"alg": "none"}), 'alg "none" is not taken'),
            ("HS256", unsigned({"alg": "HS256", "kid": "first"}, "AAAA"),
             'alg "HS256" is not taken'),
            ("no signature", unsigned({"alg": "ES256", "kid": "first"}), "not signed"),
            ("a signature by another key", other.sign(alices()), "signature is not the key's"),
            ("an unknown key", SigningKey("other").sign(alices()), 'no key "other"'),
            ("an expired token", first.sign(alices(iat=now - 900, exp=now - 300)), "expired at"),
            ("one of another provider", first.sign(alices(iss="https://elsewhere")), "iss"),
            ("one for another client", first.sign(alices(aud="other")), "aud is not"))):
        refused(text, f"127.0.1.{n + 1}", says, "POST", "/session", body={"token": token})
    status, opened = ask("POST", "/session", body={"token": first.sign(alices())},
                         source="127.0.1.100")
    check("a token with nothing wrong is taken", status == 201 and opened["person"] == "alice",
          opened)
    check("... and logged out", ask("DELETE", f"/sessions/{opened['id']}",
                                    opened["token"])[0] == 200)
    refused("the token of a session that was logged out", "127.0.1.101", "no session with",
            "GET", "/whoami", token=opened["token"])
    statuses = [ask("POST", "/session", body={"token": unsigned({"alg": "none"})})[0]
                for _ in range(12)]
    check("who goes on trying waits", statuses[-1] == 429, statuses)
    check("... but not who is in", olga.tieline("whoami")[0] == 0)

    # ---- Sessions
    lines = []
    thread = follow(olga.token(), "circuit.", lines)
    status, sessions = sam.json("session", "list")
    ids = {s["person"]: s["id"] for s in sessions["sessions"]}
    check("who guards sees all sessions", status == 0 and set(ids) == {"alice", "olga"}, sessions)
    check("others see their own", [s["person"] for s in olga.json("session", "list")[1]["sessions"]]
          == ["olga"])
    check("... and end no other", ask("DELETE", f"/sessions/{ids['alice']}", olga.token())[0] == 404)
    status, out, err = sam.tieline("session", "revoke", ids["olga"])
    check("a session is revoked", status == 0, err)
    refused("the token of a session that was revoked", "127.0.1.102", "no session with", "GET",
            "/whoami", token=olga.token())
    thread.join(60)
    check("... nor do its streams", not thread.is_alive() and any("has ended" in t for t in lines),
          lines)
    site.end(signal.SIGKILL)
    site.start()
    check("a session outlives a killed server", alice.json("whoami")[1]["name"] == "alice")
    check("... but not a revocation", ask("GET", "/whoami", olga.token())[0] == 401)

    # ---- Duties
    status, out, err = sam.tieline("user", "put", "max", "--role", "SECADM", "--role", "SECAUD")
    check("guard and judge are two people", status == 1 and "rule guard-and-judge" in err, err)
    status, out, err = sam.tieline("user", "put", "sam", "--role", "ENGINEER", "--role", "SECADM")
    check("nobody grants to themselves", status == 1 and "rule own-roles" in err, err)
    status, out, err = sam.tieline("user", "put", "alice", "--role", "VIEWER")
    users = {u["name"]: u for u in sam.json("user", "list")[1]["users"]}
    check("who granted is known", status == 0 and users["alice"].get("granted-by") == "sam" and
          "granted" in users["alice"] and "granted-by" not in users["ada"], users)

    # ---- Without a browser
    alice.tieline("logout")
    status, out, err, page = alice.log_in_by_device()
    check("who has no browser logs in by a code for another device", status == 0 and
          "ENGINEER" in out, (out, err, page))
    check("... for a session as any other", alice.json("whoami")[1]["right"]["kind"] == "session")

    # ---- A client with a secret
    other = Place(beside=place)
    (other / "secret").write_text(SECRET + "\n")
    with_secret = Site(other, sys.argv[1], {}, SETTINGS | {
        "client-id": CONFIDENTIAL["client_id"], "client-secret-file": "secret"})
    try:
        erin = Person(with_secret, "4711")
        status, out, err, _ = erin.log_in()
        check("a client with a secret redeems the code", status == 0 and "ENGINEER" in out,
              (out, err))
        check("the secret is told to nobody", not [
            path for path in other.path.glob("*") if path.name != "secret" and path.is_file() and
            b"hush" in path.read_bytes()])
        status, out, err = erin.tieline("login", "--device")
        check("... and so not for another device", status == 1 and "public client only" in err, err)
        with_secret.end()
        (other / "secret").write_text("another")
        with_secret.start()
        status, out, err, _ = Person(with_secret, "4714").log_in()
        check("with another secret nobody gets in", status == 1 and "status 401 invalid_client"
              in err, (out, err))
    finally:
        with_secret.end()

    # ---- Rotation, and a provider that is away
    provider.end()
    check("a session goes on without the provider", alice.tieline("whoami")[0] == 0)
    site.end()
    site.start()
    check("... also over a restart", alice.tieline("whoami")[0] == 0)
    provider.settings["jwks"] = {"keys": [SigningKey("second").jwk()]}
    provider.start()
    time.sleep(10)  # it has just looked, and looks again no sooner
    status, out, err, _ = Person(site, "4714").log_in()
    check("a key that is new is fetched", status == 0, (out, err))
    provider.end()

    # ---- Break-glass
    status, sealed = sam.json("breakglass", "seal", "--role", "OPERATOR")
    code = sealed.get("code", "")
    check("a code is sealed", status == 0 and len(code) == 39, sealed)
    check("... and is nowhere", code.encode() not in everywhere() and
          code.replace("-", "").encode() not in everywhere())
    status, out, err = sam.tieline("breakglass", "seal", "--role", "SECADM")
    check("no code gives SECADM", status == 1 and "rule seal" in err, err)
    lines = []
    thread = follow(alice.token(), "circuit.", lines)
    somebody = Person(site, "somebody")
    status, out, err = somebody.tieline("login", "--break-glass", given="0000-0000\n")
    check("another code opens nothing", status == 1 and "not the code" in err, err)
    status, out, err = somebody.tieline("login", "--break-glass", "--reason", "storm",
                                        given=code.lower() + "\n")
    check("the code opens a session", status == 0 and "break-glass/main" in out, (out, err))
    status, who = somebody.json("whoami")
    check("... of its roles", who.get("roles") == ["OPERATOR"] and
          who["right"]["kind"] == "break-glass", who)
    exceptions = [e for e in alice.json("exception", "list")[1]["exceptions"]
                  if e["kind"] == "break-glass-used"]
    check("a critical exception says so", len(exceptions) == 1 and
          exceptions[0]["severity"] == "critical", exceptions)
    order = [e["type"] for e in events(alice) if e["type"] in
             ("exception.raised", "break-glass.used", "session.opened")]
    check("... before the session is", order[-3:] == ["exception.raised", "break-glass.used",
                                                      "session.opened"], order)
    check("even its reading is recorded", any(e["actor"] == "break-glass/main" and
          e["object"] == "/api/v1/whoami" for e in events(alice, "access.granted")))
    status, out, err = Person(site, "thief").tieline("login", "--break-glass", given=code + "\n")
    check("the code works once", status == 1 and "used already" in err, err)
    alice.tieline("logout")
    thread.join(60)
    check("every stream has seen it", any("event: break-glass.used" in t for t in lines), lines)
    check("logged out is out", alice.tieline("whoami")[0] == 1)
    status, out, err = alice.tieline("logout")
    check("... once", status == 1 and "no session" in err, err)
finally:
    site.end()
    provider.end()

finish()
