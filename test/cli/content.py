#!/usr/bin/env python3
"""Signed content: `tieline content`, and tielined, which starts with nothing else. Prints a line per claim.

Usage: content.py DIRECTORY-OF-PROGRAMS"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

from instances import wait_until
from tap import check, finish

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=here, timeout=120, **more)


def tieline(*args):
    return run(BIN / "tieline", *args)


def does(text, result, status=0, out="", err=""):
    check(text, result.returncode == status and out in result.stdout and err in result.stderr,
          f"exit status {result.returncode}\nout: {result.stdout}\nerr: {result.stderr}")


def openssl(*args):
    result = run("openssl", *args)
    assert result.returncode == 0, result.stderr


def sign(directory, name, release, key="maker", *more):
    return tieline("content", "sign", directory, "--secret", f"{key}.key", "--signer", key, "--name", name, "--version",
                   f"1.{release}", "--release", release, *more)


# ---- The command line ----

for who in ("maker", "stranger"):
    openssl("genpkey", "-algorithm", "ed25519", "-out", f"{who}.key")
result = tieline("content", "key", "--secret", "maker.key", "--signer", "maker")
does("the public key is a line", result, out="maker+")
(here / "trust").write_text("# releases\n" + result.stdout)
(here / "nobody").write_text("# nobody\n")

# Packages are files as others: what is vouched for is the set.
(here / "debs").mkdir()
for name in ("a_1_amd64.deb", "b_1_amd64.deb"):
    (here / "debs" / name).write_bytes(os.urandom(100000))
does("a directory is signed", sign("debs", "release", 5), out="2 files, by maker")
note = (here / "debs/tieline.manifest").read_text()
check("the manifest is a signed note", note.startswith("tieline-content/1\nname release\n") and "\n\n\u2014 maker " in note, note)
verify = ("content", "verify", "debs", "--trust", "trust")
does("and verified", tieline(*verify), out="verified: release 1.5, release 5, 2 files, by maker")
does("as JSON", tieline(*verify, "--json"), out='"release":')
does("an older release than asked for is refused", tieline(*verify, "--least", "6"), 1, err="release 5 is older than 6")
does("something else than asked for is refused", tieline(*verify, "--name", "other"), 1, err="is of release, not of other")
does("a file without keys trusts nobody", tieline("content", "verify", "debs", "--trust", "nobody"), 1, err="no key in it")
with open(here / "debs/b_1_amd64.deb", "r+b") as file:
    file.seek(5000)
    octet = file.read(1)
    file.seek(5000)
    file.write(bytes([octet[0] ^ 1]))
does("one bit of a package is found", tieline(*verify), 1, err="debs: b_1_amd64.deb: it is not what was signed")
(here / "debs/b_1_amd64.deb").unlink()
does("a missing package is found", tieline(*verify), 1, err="b_1_amd64.deb: it is missing")
sign("debs", "release", 5)
(here / "debs/c.deb").write_text("more")
does("a package too many is found", tieline(*verify), 1, err="c.deb: the manifest does not name it")
sign("debs", "release", 5, "stranger")
does("a stranger's signature does not count", tieline(*verify), 1, err="nobody who is trusted has signed")
(here / "debs/tieline.manifest").write_text(note[:-30])
does("half a manifest does not count", tieline(*verify), 1, err="tieline.manifest")
sign("debs", "release", 5, "maker", "--not-after", "2020-01-01T00:00:00Z")
does("nor one whose time is over", tieline(*verify), 1, err="the manifest has ended at 2020-01-01")
does("a key is not on the command line", tieline("content", "sign", "debs", "--signer", "x"), 2, err="--secret is needed")
does("a release is a number", sign("debs", "release", "five"), 2, err="--release")

# ---- tielined ----

openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "c.key", "-out", "c.pem",
        "-days", "2", "-subj", "/CN=controller", "-addext", "subjectAltName=DNS:controller,IP:127.0.0.1")
(here / "users.json").write_text('{"users": {}}')
shutil.copytree(ROOT / "schema", here / "schema")
shutil.copytree(ROOT / "etc/workflows", here / "workflows")
log = here / "log"


class Daemon:
    def __init__(self, *more):
        self.file = open(log, "w")
        self.process = subprocess.Popen(
            [str(BIN / "tielined"), "--site", "here", "--journal", "j.db", "--ca", "c.pem", "--cert", "c.pem", "--key", "c.key",
             "--users", "users.json", "--openflow", "127.0.0.1:0", "--rpc", "127.0.0.1:0", "--https", "127.0.0.1:0",
             "--schema", "schema", "--workflows", "workflows", *more], cwd=here, stderr=self.file, stdout=self.file)

    def says(self, text):
        """Waits until the log has it, or the program has ended."""
        def has():
            ended = self.process.poll() is not None
            return "it" if text in log.read_text() else "ended" if ended else None

        return wait_until(has) == "it"

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def events(kind):
    with contextlib.closing(sqlite3.connect(f"file:{here}/j.db?mode=ro", uri=True)) as journal:
        return [(o, json.loads(b)) for o, b in journal.execute(
            "SELECT object, body FROM event WHERE type = ? ORDER BY seq", (kind,))]


def refused(text, because, *options):
    daemon = Daemon("--trust", "trust", *options)
    said = daemon.says(because)
    status = daemon.process.wait(30) if said else daemon.end()
    recorded = [body for _, body in events("content.refused")]
    check(text, said and status == 1 and any(because in body["reason"] for body in recorded),
          log.read_text() + f"exit status {status}\n{recorded[-2:]}")


STARTED = "site here: OpenFlow at"
daemon = Daemon()
check("without --trust it starts with what is there, and warns", daemon.says(STARTED) and daemon.says("no --trust"), log.read_text())
check("... asked to end as soon as it says that it serves, it ends in order", daemon.end() == 0, log.read_text())
refused("with it nothing starts that is not signed", "schema: there is no tieline.manifest")
sign("schema", "tieline-schema", 7)
refused("nor if one of the two is not", "workflows: there is no tieline.manifest")
sign("workflows", "tieline-workflows", 7, "stranger")
refused("nor by a stranger", "workflows/tieline.manifest: nobody who is trusted")
sign("workflows", "tieline-schema", 7)
refused("nor what was signed as something else", "is of tieline-schema, not of tieline-workflows")
sign("workflows", "tieline-workflows", 7)
daemon = Daemon("--trust", "trust")
check("what is signed starts", daemon.says(STARTED), log.read_text())


def accepted():
    return {(o, b["release"], b["signer"]) for o, b in events("content.accepted") if b["at"] == "start"}


# It goes on while the journal writes.
check("and is in the journal", wait_until(lambda: {("content/schema", 7, "maker"), ("content/workflows", 7, "maker")} <= accepted()),
      accepted)

workflow = next((here / "workflows").glob("*.yaml"))
kept = workflow.read_text()
workflow.write_text(kept + "# a word more\n")
before = len(events("content.refused"))
daemon.process.send_signal(signal.SIGHUP)
because = f"workflows: {workflow.name}: it has "
check("what changes while it runs is refused when it is to be read again",
      daemon.says(because) and daemon.says("stays in use") and daemon.process.poll() is None, log.read_text())
wait_until(lambda: len(events("content.refused")) > before)
object_, body = events("content.refused")[-1]
check("which is an event, with file and reason",
      object_ == "content/workflows" and body["at"] == "reload" and because in body["reason"], (object_, body))
check("it ends as ever", daemon.end() == 0, log.read_text())
refused("and does not start again with it", because)
workflow.write_text(kept)
sign("workflows", "tieline-workflows", 6)
refused("an older release than was there is refused", "release 6 is older than 7, which was there")
daemon = Daemon("--trust", "trust", "--accept-older")
check("unless it is told to take it", daemon.says(STARTED), log.read_text())
daemon.end()
daemon = Daemon("--trust", "nobody")
check("a file without keys starts nothing", daemon.says("nobody: there is no key in it") and daemon.process.wait(30) == 1, log.read_text())

finish()
