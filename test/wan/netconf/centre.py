"""tielined of a centre, and three people who work with it over REST, RESTCONF and the command line."""
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys

from routers import canonical, check, running  # it looks whether all is here

from lxml import etree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from instances import ROOT, Instance, issue, make_identities, wait_until # noqa: E402, F401
from restconf import SCHEMA, Stream, yanglint # noqa: E402, F401

BIN = os.path.abspath(sys.argv[1])
PEOPLE = {"erin": ["ENGINEER", "OPERATOR"], "olga": ["OPERATOR"], "sam": ["SECADM"]}
CONFIRM, SOAK = 9, 2
ENDS = ("done", "failed-undone", "failed-undo-failed", "cancelled")
SETTINGS = """
netconf: {{user: root, key: {key}, known-hosts: {hosts}, templates: {templates}, confirm: {confirm}s, soak: {soak}s, drift: 1s, works-within: 10s}}
"""
YUMA = os.path.expanduser("~/.yuma")  # netconfd counts its transactions there, whatever it is told


def settings(top, routers):
    """One user's key for all routers, and the keys of all hosts."""
    shutil.copy(routers[0].path("user"), f"{top}/key")
    for router in routers[1:]:
        shutil.copy(routers[0].path("authorized_keys"), router.path("authorized_keys"))
    with open(f"{top}/known_hosts", "w", encoding="ascii") as f:
        f.writelines(open(r.path("known_hosts"), encoding="ascii").read() for r in routers)
    path = f"{top}/wan.yaml"
    with open(path, "w", encoding="ascii") as f:
        f.write(SETTINGS.format(key=f"{top}/key", hosts=f"{top}/known_hosts", templates=ROOT / "etc/vpn", confirm=CONFIRM,
                                soak=SOAK))
    return path


class Centre:
    """tielined, and people who work with it."""

    def __init__(self, top, wan):
        here = pathlib.Path(top)
        make_identities(here, PEOPLE)
        self.top = top
        self.people = {who: Instance(f"{BIN}/tielined", here, "centre", f"{top}/journal.db", who) for who in PEOPLE}
        first = self.people["erin"]
        for instance in self.people.values():
            instance.port = first.port
        first.command += ["--wan", wan]
        self.daemon = first

    def start(self):
        self.daemon.start()
        check(bool(wait_until(self.daemon.serves)), "tielined serves")

    def ask(self, method, path, document=None, who="erin"):
        return self.people[who].ask(method, path, document, timeout=60)

    def get(self, path):
        return self.ask("GET", path)[1]

    def restconf(self, method, path, document=None, who="erin"):
        person = self.people[who]
        connection = http.client.HTTPSConnection("127.0.0.1", person.port, context=person.tls, timeout=30)
        connection.request(method, f"/restconf/{path}", document and json.dumps(document),
                           {"Content-Type": "application/yang-data+json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def tieline(self, *args, who="erin", file=None):
        env = dict(os.environ, TIELINE_URL=f"https://127.0.0.1:{self.daemon.port}", TIELINE_CA=f"{self.top}/ca.pem",
                   TIELINE_CERT=f"{self.top}/{who}.pem", TIELINE_KEY=f"{self.top}/{who}.key")
        if file is not None:
            with open(f"{self.top}/file.json", "w", encoding="utf-8") as f:
                json.dump(file, f)
            args = (*args, "--file", f"{self.top}/file.json")
        done = subprocess.run([f"{BIN}/tieline", *args], env=env, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def submit(self, workflow, **more):
        status, answer = self.ask("POST", "/orders", {"workflow": workflow, "input": {"vpns": ["ems"], **more}})
        check(status == 201, f"order {workflow}: {answer}")
        return answer["id"]

    def order(self, number):
        return self.get(f"/orders/{number}")

    def approve(self, number, *people):
        for who in people:
            check(bool(wait_until(lambda: self.order(number)["state"] in ("waiting", *ENDS), 30)),
                  f"order {number} waits for people")
            role = PEOPLE[who][0]
            code, text = self.tieline("work", "approve", str(number), "--yes", "--role", role, who=who)
            check(code == 0, f"{who} approves order {number}: {text.strip()}")

    def closed(self, number):
        order = wait_until(lambda: (lambda o: o if o["state"] in ENDS else None)(self.order(number)), 120, 0.1)
        check(bool(order), f"order {number} ends: {'' if order else self.order(number)}")
        return order

    def phase(self):
        return self.get("/vpns/ems").get("status", {})

    def stream(self):
        """What happens, as RESTCONF tells it."""
        return Stream(self.daemon)

    def exceptions(self, kind):
        return [x for x in self.get("/exceptions")["exceptions"] if x["kind"] == kind]


def whole(sessions):
    return [canonical(running(s)) for s in sessions]


def text_of(session):
    return etree.tostring(running(session))
