"""The client and leaf node protocols of NATS, as plain lines over TLS: a peer for tests that says
exactly what it is told to, also what a decent one would not. It reads keys by itself (base32, Ed25519
by openssl), so that nothing is judged by the code that is under test."""

import base64
import json
import pathlib
import select
import socket
import ssl
import subprocess
import tempfile
import time

WAIT = 20  # seconds until something that must come is given up


class Refused(Exception):
    """The server has ended it, and why. `port`: ours, by which its log names the connection."""

    port = None


class Gone(Exception):
    """Nobody answers there, or not any more. `port`: as above, if there was a connection."""

    port = None


def creds(path):
    lines = pathlib.Path(path).read_text().split("\n")
    return lines[1], next(lines[i + 1] for i, l in enumerate(lines) if "BEGIN USER NKEY SEED" in l)


def claims(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def seed_octets(seed):
    return base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]


def sign(seed, data):
    """Ed25519 by openssl; the seed as PKCS #8 (RFC 8410)."""
    with tempfile.TemporaryDirectory() as work:
        key, text = pathlib.Path(work) / "key.der", pathlib.Path(work) / "text"
        key.write_bytes(bytes.fromhex("302e020100300506032b657004220420") + seed_octets(seed))
        text.write_bytes(data)
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey",
                               key, "-in", text], check=True, capture_output=True).stdout


class Peer:
    """A connection. `tls`: {ca, cert, key}, files; `source`: the address it comes from, "": any."""

    def __init__(self, port, tls, jwt, seed, leaf=False, source="127.0.0.1", host="127.0.0.1"):
        self.leaf, self.buffer, self.messages, self.errors, self.pongs = leaf, b"", [], [], 0
        self.n, self.port = 0, None
        try:
            self.socket = socket.create_connection((host, port), WAIT, (source, 0))
            self.port = self.socket.getsockname()[1]
            info = self.line()
            if not info.startswith("INFO "):
                raise Refused(info)
            self.info = json.loads(info[5:])
            context = ssl.create_default_context(cafile=tls["ca"])
            if "cert" in tls:
                context.load_cert_chain(tls["cert"], tls["key"])
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            connect = {"jwt": jwt, "sig": base64.urlsafe_b64encode(
                sign(seed, self.info["nonce"].encode())).decode().rstrip("=")}
            if leaf:
                connect.update(version="2.9.10", id="test", name="test", headers=True)
            else:
                connect.update(verbose=False, pedantic=False, protocol=1, lang="test", version="1",
                               headers=True, no_responders=True)
            self.send(f"CONNECT {json.dumps(connect)}\r\n")
            self.sync()
            if self.errors:
                raise Refused(self.errors[0])
        except (OSError, EOFError, Refused) as error:
            self.close()
            end = error if isinstance(error, Refused) else Gone(str(error))
            end.port = self.port
            raise end from error

    def close(self):
        if hasattr(self, "socket"):
            self.socket.close()

    def send(self, text, payload=b""):
        self.socket.sendall(text.encode() + payload)

    def fill(self, deadline):
        left = deadline - time.monotonic()
        if not (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()):
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return False
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server has closed it" + "".join(f": {e}" for e in self.errors))
        self.buffer += data
        return True

    def line(self):
        deadline = time.monotonic() + WAIT
        while b"\r\n" not in self.buffer:
            if not self.fill(deadline):
                raise EOFError("nothing comes")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode()

    def payload(self, size):
        deadline = time.monotonic() + WAIT
        while len(self.buffer) < size + 2:
            if not self.fill(deadline):
                raise EOFError("a message ends early")
        data, self.buffer = self.buffer[:size], self.buffer[size + 2:]
        return data

    def step(self):
        """Takes one line of the protocol."""
        line = self.line()
        words = line.split()
        what = words[0].upper()
        if what == "PING":
            self.send("PONG\r\n")
        elif what == "PONG":
            self.pongs += 1
        elif what == "-ERR":
            self.errors.append(line[5:])
        elif what in ("MSG", "LMSG"):
            skip = 1 if what == "MSG" else 0
            subject, rest = words[1], words[2 + skip:]
            reply = rest[0] if len(rest) > 1 else None
            if len(rest) > 2 and rest[0] in ("+", "|"):
                reply = rest[1] if rest[0] == "+" else None
            self.messages.append((subject, reply, self.payload(int(rest[-1])), b""))
        elif what in ("HMSG", "LHMSG", "HMSG"):
            skip = 1 if what == "HMSG" else 0
            rest = words[2 + skip:]
            data, head = self.payload(int(rest[-1])), int(rest[-2])
            self.messages.append((words[1], rest[0] if len(rest) > 2 else None, data[head:],
                                  data[:head]))

    def sync(self):
        """All that was sent before this has been judged by the server when it returns."""
        wanted = self.pongs + 1
        self.send("PING\r\n")
        while self.pongs < wanted:
            self.step()

    def more(self, seconds):
        """Takes what comes for so long."""
        deadline = time.monotonic() + seconds
        while b"\r\n" in self.buffer or self.fill(deadline):
            self.step()

    def subscribe(self, subject):
        self.n += 1
        self.send(f"LS+ {subject}\r\n" if self.leaf else f"SUB {subject} {self.n}\r\n")

    def publish(self, subject, payload=b"x", reply=None):
        verb = "LMSG" if self.leaf else "PUB"
        self.send(f"{verb} {subject} {reply + ' ' if reply else ''}{len(payload)}\r\n",
                  payload + b"\r\n")

    def may(self, verb, subject):
        """Does the server let us? Asks it, by doing it. False: it says that this subject is not permitted."""
        seen = len(self.errors)
        getattr(self, verb)(subject)
        self.sync()
        return not any("Permissions Violation" in e and f'"{subject}"' in e for e in self.errors[seen:])

    def request(self, subject, reply, payload=b"?", wait=WAIT):
        """The first answer at `reply`, which has been subscribed to; None: none in time, or nobody
        is there."""
        self.publish(subject, payload, reply)
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            for i, (at, _, data, head) in enumerate(self.messages):
                if at == reply:
                    del self.messages[i]
                    return None if head.startswith(b"NATS/1.0 503") else data
            if b"\r\n" in self.buffer or self.fill(deadline):
                self.step()
        return None
