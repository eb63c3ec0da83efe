"""Several tielined that share a journal: certificates, users, ports, and asking whoever leads."""

import http.client
import json
import pathlib
import signal
import socket
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def openssl(directory, *args):
    subprocess.run(["openssl", *args], check=True, cwd=directory, capture_output=True)


def issue(directory, name, file=None):
    """A certificate of that name by the authority in the directory: FILE.pem, FILE.key."""
    file = file or name
    openssl(directory, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            f"{file}.key", "-subj", f"/CN={name}", "-out", f"{file}.csr")
    pathlib.Path(directory, "ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl(directory, "x509", "-req", "-in", f"{file}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "ext", "-out", f"{file}.pem")


def make_authority(directory):
    openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ca", "-addext", "keyUsage=critical,keyCertSign")


def make_identities(directory, people):
    make_authority(directory)
    for name in ("controller", *people):
        issue(directory, name)
    pathlib.Path(directory, "users.json").write_text(json.dumps({"users": people}))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Instance:
    """One tielined: it may be killed and started again."""

    def __init__(self, program, directory, name, journal, person, workflows=ROOT / "etc/workflows", lease=None):
        self.name, self.directory, self.process = name, directory, None
        self.program, self.probe = program, f"unix:{directory}/{name}.probe"
        self.port, self.log, self.heard = free_port(), pathlib.Path(directory, f"{name}.log"), 0
        self.command = [str(program), "--site", "centre", "--journal", journal, "--instance", name, "--ca",
                        f"{directory}/ca.pem", "--cert", f"{directory}/controller.pem", "--key",
                        f"{directory}/controller.key", "--openflow", f"127.0.0.1:{free_port()}", "--rpc",
                        f"127.0.0.1:{free_port()}", "--https", f"127.0.0.1:{self.port}", "--users",
                        f"{directory}/users.json", "--schema", str(ROOT / "schema"), "--workflows",
                        str(workflows), "--probe", self.probe] + (["--lease", str(lease)] if lease else [])
        self.tls = ssl.create_default_context(cafile=f"{directory}/ca.pem")
        self.tls.load_cert_chain(f"{directory}/{person}.pem", f"{directory}/{person}.key")

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdout=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode if self.process else None

    def ask(self, method, path, document=None, timeout=5, root="/api/v1"):
        """(status, document); None: nobody answers."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=timeout)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, f"{root}{path}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def serves(self):
        answer = self.ask("GET", "/whoami", timeout=1)
        return answer is not None and answer[0] == 200

    def stage(self, word):
        """(yes, what it says) of its probe, asked whether it "lives", has "started" or "leads"."""
        asked = subprocess.run([self.program, "--probe", self.probe, "--ask", word], capture_output=True, text=True)
        return asked.returncode == 0, asked.stdout.strip()

    def listen(self):
        """What it has said so far, says() does not count any more."""
        self.heard = self.log.stat().st_size if self.log.exists() else 0

    def says(self, *texts):
        """Has it said all of them, in this order, since listen()?"""
        said, at = self.log.read_bytes()[self.heard:].decode(errors="replace"), 0
        for text in texts:
            if (found := said.find(text, at)) < 0:
                return False
            at = found + len(text)
        return True


def wait_until(condition, seconds=60, pause=0.02):
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            return None
        time.sleep(pause)
    return result
