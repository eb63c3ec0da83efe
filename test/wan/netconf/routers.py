"""What the tests with yuma123's netconfd share: routers that are a server of its own each, behind sshd on
loopback; services for them; and looking at what they have."""
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER, SUBSYSTEM, SSHD = "/usr/sbin/netconfd", "/usr/sbin/netconf-subsystem", "/usr/sbin/sshd"
MODULES = ["ietf-interfaces", "ietf-ip", "iana-if-type", "ietf-network-instance"]


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


for path, package in ((SERVER, "netconfd"), (SUBSYSTEM, "netconfd"), (SSHD, "openssh-server"),
                      ("/usr/bin/ssh", "openssh-client")):
    if not os.path.exists(path):
        skip(f"{path} is not here (package {package})")
try:
    from ncclient import manager
    from lxml import etree
except ImportError:
    skip("ncclient is not here (package python3-ncclient)")
if os.geteuid() != 0:
    skip("sshd wants to be root")

IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
NI = "urn:ietf:params:xml:ns:yang:ietf-network-instance"
IP = "urn:ietf:params:xml:ns:yang:ietf-ip"
NS = {"if": IF, "ni": NI, "ip": IP, "nc": "urn:ietf:params:xml:ns:netconf:base:1.0"}


def free_port(address="127.0.0.1"):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=20, step=0.05):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"still waiting for: {what}")
        time.sleep(step)


class Router:
    """netconfd, and an sshd that leads to it."""

    def __init__(self, name, top, *more, address="127.0.0.1"):
        self.name, self.more, self.address = name, more, address
        self.port = free_port(address)
        self.dir = os.path.join(top, name)
        self.processes = []
        os.makedirs(os.path.join(self.dir, "home"))
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(key)],
                           check=True)
        shutil.copy(self.path("user.pub"), self.path("authorized_keys"))
        host_key = open(self.path("host.pub"), encoding="ascii").read()
        with open(self.path("known_hosts"), "w", encoding="ascii") as f:
            f.write(f"[{address}]:{self.port} {host_key}")
        self.socket = self.path("ncx.sock")
        self.start()

    def subsystem(self):
        return f'netconf "{SUBSYSTEM} --ncxserver-sockname={self.port}@{self.socket}"'

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        with open(self.path("sshd_config"), "w", encoding="ascii") as f:
            f.write(f"""Port {self.port}
ListenAddress {self.address}
HostKey {self.path("host")}
AuthorizedKeysFile {self.path("authorized_keys")}
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
Subsystem {self.subsystem()}
""")
        os.makedirs("/run/sshd", exist_ok=True)
        out = open(self.path("server.out"), "w", encoding="ascii")
        self.processes = [self.serve(out),
                          subprocess.Popen([SSHD, "-D", "-e", "-f", self.path("sshd_config")], stdout=out, stderr=out)]
        out.close()

    def serve(self, out):
        """The program behind sshd."""
        with open(self.path("startup.xml"), "w", encoding="ascii") as f:
            f.write(f'<config xmlns="{NS["nc"]}"/>\n')
        args = [SERVER, f"--port={self.port}", f"--ncxserver-sockname={self.socket}", f"--startup={self.path('startup.xml')}",
                f"--home={self.path('home')}", f"--superuser={os.environ.get('USER', 'root')}", "--target=candidate",
                "--access-control=off", "--log-level=info", f"--log={self.path('netconfd.log')}",
                f"--modpath={HERE}/yang:/usr/share/yuma/modules"]
        args += [f"--module={m}" for m in MODULES] + list(self.more)
        return subprocess.Popen(args, stdout=out, stderr=out, cwd=self.dir, start_new_session=True,
                                env={"HOME": self.path("home"), "PATH": "/usr/sbin:/usr/bin:/bin"})

    def wait(self):
        wait_for(f"{self.name}'s netconfd", lambda: os.path.exists(self.socket))

        def listens():
            with socket.socket() as s:
                return s.connect_ex((self.address, self.port)) == 0
        wait_for(f"{self.name}'s sshd", listens)

    def stop(self):
        for p in self.processes:
            p.terminate()
        for p in self.processes:
            p.wait()
        self.processes = []

    def freeze(self, still):
        if self.processes:
            self.processes[0].send_signal(signal.SIGSTOP if still else signal.SIGCONT)

    def connect(self):
        """As somebody else."""
        return manager.connect(host=self.address, port=self.port, username="root",
                               key_filename=self.path("user"), hostkey_verify=False,
                               allow_agent=False, look_for_keys=False, timeout=20)

    def order(self, **more):
        return {"op": "open", "device": self.name, "host": self.address, "port": self.port,
                "user": "root", "key": self.path("user"), "hosts": self.path("known_hosts"), **more}


class TlsDoor:
    """NETCONF over TLS (RFC 7589) to a router's netconfd: what sshd does for SSH. The router's certificate and its
    authority, whose certificates it takes, are in the directory; `seen` are the names of those who came, `turned_away`
    how many did not come to terms with it."""

    def __init__(self, router, directory, certificate):
        self.dir, self.router, self.seen, self.turned_away = directory, router, [], 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{directory}/{certificate}.pem", f"{directory}/{certificate}.key")
        self.context.load_verify_locations(f"{directory}/ca.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server((router.address, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                stream = self.context.wrap_socket(plain, server_side=True)
            except (ssl.SSLError, OSError):
                self.turned_away += 1
                continue
            self.seen.append(dict(x[0] for x in stream.getpeercert()["subject"])["commonName"])
            port = self.router.port
            child = subprocess.Popen(
                [SUBSYSTEM, f"--ncxserver-sockname={port}@{self.router.socket}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                env={"USER": "root", "HOME": self.dir, "PATH": "/usr/sbin:/usr/bin:/bin",
                     "SSH_CONNECTION": f"127.0.0.1 4711 127.0.0.1 {port}"})
            threading.Thread(target=self.pump, args=(stream, child), daemon=True).start()

    @staticmethod
    def pump(stream, child):
        try:
            while True:
                ready, _, _ = select.select([stream, child.stdout], [], [])
                if child.stdout in ready:
                    data = os.read(child.stdout.fileno(), 65536)
                    if not data:
                        break
                    stream.sendall(data)
                if stream in ready:
                    data = stream.recv(65536)
                    while stream.pending():
                        data += stream.recv(65536)
                    if not data:
                        break
                    child.stdin.write(data)
        except OSError:
            pass  # who came has gone
        child.kill()
        child.wait()
        stream.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


checks = 0


def check(condition, what):
    global checks
    if not condition:
        print(f"FAILED: {what}")
        raise SystemExit(1)
    checks += 1
    print(f"ok: {what}")


def running(session):
    return session.get_config("running").data


def canonical(element):
    """Order of elements aside."""
    name = etree.QName(element)
    return (name.namespace, name.localname, (element.text or "").strip(),
            tuple(sorted(canonical(e) for e in element)))


def edit(session, config, target="candidate"):
    session.edit_config(f'<config xmlns="{NS["nc"]}">{config}</config>', target=target)
    session.commit()


def access(address, port="eth1", tag=200, name="rtu"):
    a = {"id": name, "interface-id": port, "description": "RTU",
         "ip-connection": {"ipv4": {"local-address": address, "prefix-length": 30}}}
    if tag:
        a["connection"] = {"encapsulation": {"type": "dot1q", "dot1q": {"cvlan-id": tag}}}
    return a


def service(**changes):
    nodes = [{"vpn-node-id": "north", "ne-id": "pe2", "rd": "65000:2",
              "vpn-network-accesses": {"vpn-network-access": [
                  access("10.2.0.1"), access("10.2.1.1", "eth2", 0, "lan")]}},
             {"vpn-node-id": "south", "ne-id": "pe4", "rd": "65000:4",
              "vpn-network-accesses": {"vpn-network-access": [access("10.4.0.1", tag=400)]}}]
    s = {"vpn-id": "ems", "vpn-instance-profiles": {"vpn-instance-profile": [{
        "profile-id": "main", "local-as": 65000, "vpn-targets": {"vpn-target": [
            {"id": 1, "route-targets": [{"route-target": "65000:100"}],
             "route-target-type": "both"}]}}]},
         "vpn-nodes": {"vpn-node": nodes}}
    s.update(changes)
    return {"ietf-l3vpn-ntw:l3vpn-ntw": {"vpn-services": {"vpn-service": [s]}}}


THEIRS = f"""
<interfaces xmlns="{IF}"><interface><name>eth2</name><description>theirs</description>
<type xmlns:i="urn:ietf:params:xml:ns:yang:iana-if-type">i:ethernetCsmacd</type></interface></interfaces>
<network-instances xmlns="{NI}"><network-instance><name>others</name>
<description>not tieline's</description><vrf-root/></network-instance></network-instances>"""


def has_ours(session):
    return b"tl-ems" in etree.tostring(running(session))
