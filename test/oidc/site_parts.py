"""What the tests of logging in share: a certificate authority, a provider, a site's tielined, the
`tieline` command, and a browser that fills in the provider's forms. All of it on loopback, with free
ports, in a directory of its own, ended by its process number."""

import base64
import http.cookiejar
import json
import os
import pathlib
import re
import selectors
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 60  # seconds for something to happen that must


class Failed(Exception):
    pass


def run(*args, **more):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, **more)
    if done.returncode:
        raise Failed(f"{args[:3]}: {done.stderr}")
    return done.stdout


def base64url(number_hex):
    raw = bytes.fromhex(number_hex if len(number_hex) % 2 == 0 else "0" + number_hex)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Place:
    """A directory with a CA; issues certificates and keys. `beside`: another one, with the CA of
    that."""

    def __init__(self, beside=None):
        self.holder = tempfile.TemporaryDirectory(prefix="tieline-oidc-")
        self.path = pathlib.Path(self.holder.name)
        if beside:
            for name in ("ca.crt", "ca.key"):
                (self / name).write_bytes((beside / name).read_bytes())
            return
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=test CA", "-days", "2", "-keyout", self / "ca.key", "-out",
            self / "ca.crt", "-addext", "basicConstraints=critical,CA:TRUE")

    def __truediv__(self, name):
        return self.path / name

    def issue(self, name, alternative=None):
        extensions = self / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\n" if alternative else
                              "basicConstraints=CA:FALSE\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", self / f"{name}.key", "-out", self / f"{name}.csr")
        run("openssl", "x509", "-req", "-in", self / f"{name}.csr", "-CA", self / "ca.crt",
            "-CAkey", self / "ca.key", "-CAcreateserial", "-days", "2", "-extfile", extensions,
            "-out", self / f"{name}.crt")


def part(octets):
    """Of a token: base64url (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class SigningKey:
    """An EC key, made by openssl."""

    def __init__(self, kid):
        self.kid = kid
        self.pem = run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout")

    def sign(self, claims, header=None):
        """A token of these claims (RFC 7518 section 3.4)."""
        header = header or {"alg": "ES256", "kid": self.kid}
        text = ".".join(part(json.dumps(p).encode()) for p in (header, claims))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.pem)
            file.flush()
            der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", file.name],
                                 input=text.encode(), capture_output=True, check=True).stdout
        raw, at = b"", 2  # SEQUENCE of two INTEGERs
        for _ in range(2):
            size = der[at + 1]
            raw += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + size
        return f"{text}.{part(raw)}"

    def jwk(self):
        return private_jwk(self.kid, self.pem)


def private_jwk(kid, pem):
    told = run("openssl", "ec", "-text", "-noout", input=pem)
    numbers = {name: re.sub(r"[\s:]", "", value)
               for name, value in re.findall(r"(priv|pub):\n((?:    [0-9a-f:]+\n)+)", told)}
    private = numbers["priv"][-64:].rjust(64, "0")
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
            "x": base64url(numbers["pub"][2:66]), "y": base64url(numbers["pub"][66:130]),
            "d": base64url(private)}


class Process:
    """A program whose lines are read until one says that it is ready."""

    def __init__(self, args, ready, log, **more):
        self.log = open(log, "a+")
        self.child = subprocess.Popen([str(a) for a in args], stdout=self.log, stderr=self.log,
                                      **more)
        self.match = wait(lambda: re.search(ready, pathlib.Path(log).read_text()[self.start(log):]),
                          lambda: self.child.poll() is not None, f"{args[0]} is not ready", log)

    def start(self, log):
        # What an earlier process of the same log wrote does not count.
        if not hasattr(self, "offset"):
            self.offset = getattr(Process, "offsets", {}).get(log, 0)
        return self.offset

    def end(self, how=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(how)
            self.child.wait(timeout=PATIENCE)
        name = self.log.name
        Process.offsets = {**getattr(Process, "offsets", {}), name: os.path.getsize(name)}
        self.log.close()


def wait(condition, hopeless, what, log=None):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        if hopeless():
            break
        time.sleep(0.05)
    raise Failed(what + (": " + pathlib.Path(log).read_text()[-2000:] if log else ""))


class Provider:
    def __init__(self, place, modules, accounts, clients):
        self.key = SigningKey("first")
        self.place, self.modules, self.port = place, modules, 0
        self.settings = {"cert": str(place / "localhost.crt"), "key": str(place / "localhost.key"),
                         "accounts": accounts, "clients": clients,
                         "jwks": {"keys": [self.key.jwk()]}}
        place.issue("localhost", "DNS:localhost")
        self.start()

    def start(self):
        (self.place / "provider.json").write_text(json.dumps({**self.settings, "port": self.port}))
        self.process = Process(["node", ROOT / "test/oidc/provider.mjs", self.modules,
                                self.place / "provider.json"], r"ready (https://localhost:(\d+))",
                               str(self.place / "provider.log"))
        self.issuer, self.port = self.process.match[1], int(self.process.match[2])

    def end(self):
        self.process.end()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Follows redirects and fills in oidc-provider's development forms."""

    def __init__(self, place, login):
        self.login, self.code = login, None
        context = ssl.create_default_context(cafile=str(place / "ca.crt"))
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), NoRedirect(),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, url, form=None):
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            answer = self.opener.open(urllib.request.Request(url, data), timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers.get("Location"), answer.read().decode()

    def visit(self, url, form=None):
        """The last page, and where it was."""
        for _ in range(30):
            status, location, text = self.ask(url, form)
            form = None
            if location:
                url = urllib.parse.urljoin(url, location)
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', text)
            fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
            if status != 200 or not action:
                return url, text
            form = {**fields}
            if "user_code" not in fields and 'name="user_code"' in text:
                form["user_code"] = self.code
            if 'name="login"' in text:
                form |= {"login": self.login, "password": "any"}
            url = urllib.parse.urljoin(url, action[1].replace("&amp;", "&"))
        raise Failed("the provider goes round in circles")


class Site:
    """`oidc` None: nobody logs in by a provider."""

    def __init__(self, place, programs, users, oidc=None):
        self.place, self.programs = place, pathlib.Path(programs)
        self.address = "127.0.0.1:0"
        place.issue("tielined", "DNS:localhost,IP:127.0.0.1")
        (place / "users.json").write_text(json.dumps({"users": users}))
        self.oidc = ["--oidc", place / "oidc.json"] if oidc else []
        if oidc:
            (place / "oidc.json").write_text(json.dumps(oidc))
        self.start()

    def start(self):
        p = self.place
        self.process = Process(
            [self.programs / "tielined", "--site", "substation-a", "--journal", p / "journal.db",
             "--ca", p / "ca.crt", "--cert", p / "tielined.crt", "--key", p / "tielined.key",
             "--users", p / "users.json", *self.oidc, "--openflow", "127.0.0.1:0",
             "--rpc", "127.0.0.1:0", "--https", self.address, "--schema", ROOT / "schema",
             "--workflows", ROOT / "etc/workflows"], r"API at (127\.0\.0\.1:\d+)",
            str(p / "tielined.log"))
        self.address = self.process.match[1]

    def end(self, how=signal.SIGTERM):
        self.process.end(how)


class Person:
    """Somebody at a terminal, with a home of their own."""

    def __init__(self, site, name, certificate=False):
        self.site, self.name = site, name
        self.home = site.place / f"home-{name}"
        self.home.mkdir(exist_ok=True)
        p = site.place
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home),
                            "TIELINE_CA": str(p / "ca.crt")}
        if certificate:
            p.issue(name)
            self.certificate = {"cert": str(p / f"{name}.crt"), "key": str(p / f"{name}.key")}
            self.environment |= {"TIELINE_CERT": self.certificate["cert"],
                                 "TIELINE_KEY": self.certificate["key"]}

    def popen(self, *args):
        return subprocess.Popen([self.site.programs / "tieline", *args], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE,
                                env=self.environment | {"TIELINE_URL": "https://" +
                                                        self.site.address})

    def tieline(self, *args, given=""):
        child = self.popen(*args)
        out, err = child.communicate(given, timeout=PATIENCE)
        return child.returncode, out, err

    def json(self, *args, given=""):
        status, out, err = self.tieline(*args, "--json", given=given)
        try:
            return status, json.loads(out)
        except ValueError:
            raise Failed(f"{args}: {out}{err}") from None

    def log_in(self, *options):
        """By the provider, in a browser. What `tieline login` says."""
        child = self.popen("login", *options)
        selectors.DefaultSelector().register(child.stdout, selectors.EVENT_READ)
        url = child.stdout.readline().strip()
        page = Browser(self.site.place, self.name).visit(url) if url else None
        out, err = child.communicate(timeout=PATIENCE)
        return child.returncode, out, err, page

    def log_in_by_device(self):
        """By a code that is typed into a browser elsewhere. What `tieline login` says."""
        child = self.popen("login", "--device", "--provider-ca", str(self.site.place / "ca.crt"))
        selectors.DefaultSelector().register(child.stdout, selectors.EVENT_READ)
        url, code = child.stdout.readline().strip(), child.stdout.readline().strip()
        browser = Browser(self.site.place, self.name)
        browser.code = code
        page = browser.visit(url) if url else None
        out, err = child.communicate(timeout=PATIENCE)
        return child.returncode, out, err, page

    @property
    def token_file(self):
        return self.home / ".local/state/tieline/sessions.json"

    def token(self):
        return next(iter(json.loads(self.token_file.read_text()).values()))["token"]
