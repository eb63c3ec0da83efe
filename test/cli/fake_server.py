"""A server that answers what it is told to, over TLS with client certificates, and notes what it
was asked: what `tieline` is held against."""

import http.server
import json
import pathlib
import ssl
import subprocess
import threading


def make_certificates(directory):
    """A CA, a server's and a person's certificate, and a second CA that nobody trusts."""

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, cwd=directory, capture_output=True)

    for ca in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-days", "2", "-subj", f"/CN={ca}",
                "-addext", "keyUsage=critical,keyCertSign")
    for name, ca in (("server", "ca"), ("erin", "ca"), ("mallory", "other-ca")):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        extensions = pathlib.Path(directory, f"{name}.ext")
        extensions.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
                "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(length)
        body = json.loads(text) if text else None
        fake = self.server.fake
        if not self.path.startswith("/api/v1/"):
            self.send_error(404)
            return
        path = self.path[len("/api/v1"):]
        fake.requests.append((self.command, path, body))
        reply = fake.replies.get((self.command, path), (404, {"status": 404, "title": "not here"}))
        if callable(reply):
            reply = reply(body)
        if reply == "stream":
            self.stream(fake.events)
            return
        status, document = reply
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def stream(self, events):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events():
            self.wfile.write(event.encode())
            self.wfile.flush()
        self.close_connection = True


class FakeServer:
    def __init__(self, certificates):
        self.requests, self.replies, self.events = [], {}, lambda: ()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.fake = self
        self.http.handle_error = lambda *args: None  # a client that goes, or is refused
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(f"{certificates}/server.pem", f"{certificates}/server.key")
        context.load_verify_locations(f"{certificates}/ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True,
                                               do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"https://127.0.0.1:{self.http.server_address[1]}"

    def tell(self, replies):
        """From now on: {"GET /sites": document or (status, document) or function of the body}."""
        self.requests.clear()
        self.replies = {}
        for what, reply in replies.items():
            if not callable(reply) and not isinstance(reply, tuple) and reply != "stream":
                reply = (200, reply)
            self.replies[tuple(what.split(" ", 1))] = reply
