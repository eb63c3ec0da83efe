"""A path computation client of our own making, in octets: nothing of it is shared with src/proto/pcep. What is sent and
what came is kept, message by message, for tshark to judge."""
import ipaddress
import socket
import ssl
import struct

OPEN, KEEPALIVE, ERROR, CLOSE, REPORT, UPDATE, START_TLS = 1, 2, 6, 7, 10, 11, 13
# Flags of STATEFUL-PCE-CAPABILITY (RFC 8231 section 7.1.1, RFC 8232 section 7, RFC 8281 section 4.1).
UPDATES, VERSIONS, INITIATION, RESYNC, DELTA, FIRST_SYNC = 1, 2, 4, 8, 16, 32
# Flags of the LSP object (RFC 8231 section 7.3).
DELEGATE, SYNC, REMOVE, ADMIN, UP = 1, 2, 4, 8, 1 << 4


def tlv(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def tlvs(octets):
    """Type to value."""
    out = {}
    while octets:
        kind, size = struct.unpack_from("!HH", octets)
        out[kind] = octets[4:4 + size]
        octets = octets[4 + size + -size % 4:]
    return out


def thing(kind, body, number=1):
    """An object."""
    return struct.pack("!BBH", kind, number << 4, 4 + len(body)) + body


def message(kind, *objects):
    body = b"".join(objects)
    return struct.pack("!BBH", 0x20, kind, 4 + len(body)) + body


def objects(octets):
    """(class, body) of each object of a message."""
    octets = octets[4:]
    while octets:
        kind, _, size = struct.unpack_from("!BBH", octets)
        yield kind, octets[4:size]
        octets = octets[size:]


def an_open(flags, version=None, keepalive=30):
    paths = tlv(34, bytes([0, 0, 0, 1, 1, 0, 0, 0]) + tlv(26, bytes([0, 0, 0, 10])))  # RFC 8408, RFC 8664: SR, 10 labels
    its = tlv(16, struct.pack("!I", flags)) + paths + (tlv(23, struct.pack("!Q", version)) if version else b"")
    return message(OPEN, thing(1, struct.pack("!BBBB", 0x20, keepalive, 4 * keepalive, 7) + its))


def a_report(address, number, label, version, flags):
    """An LSP of one label; number 0: the end of synchronisation."""
    name = tlv(17, f"lsp-{number}".encode()) if number else b""
    own, end = (ipaddress.ip_address(x).packed for x in ((address, "10.0.0.9") if number else ("0.0.0.0", "0.0.0.0")))
    its = tlv(18, own + struct.pack("!HH", 1 if number else 0, number) + own + end) + name
    its += tlv(23, struct.pack("!Q", version)) if version else b""
    lsp = thing(32, struct.pack("!I", number << 12 | flags) + its)
    if not number:
        return message(REPORT, lsp, thing(7, b""))
    srp = thing(33, struct.pack("!II", 0, 0) + tlv(28, bytes([0, 0, 0, 1])))
    hop = struct.pack("!BBHI", 36, 8, 0x0009, label << 12)  # RFC 8664 section 4.3.1: no NAI, an MPLS label
    return message(REPORT, srp, lsp, thing(7, hop))


class Closed(Exception):
    """The PCE has ended the connection."""


class Pcc:
    def __init__(self, pce, address, log):
        self.address, self.log, self.left = address, log, b""
        self.socket = socket.create_connection(pce, timeout=20, source_address=(address, 0))

    def send(self, octets):
        self.log.append(octets)
        self.socket.sendall(octets)

    def receive(self):
        """The next message."""
        while len(self.left) < 4 or len(self.left) < struct.unpack_from("!H", self.left, 2)[0]:
            try:
                more = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLError) as error:
                raise Closed(str(error)) from error
            if not more:
                raise Closed("closed")
            self.left += more
        size = struct.unpack_from("!H", self.left, 2)[0]
        octets, self.left = self.left[:size], self.left[size:]
        self.log.append(octets)
        return octets

    def until(self, kind):
        """The next message of this type; keepalives are passed over."""
        while True:
            octets = self.receive()
            if octets[1] == kind:
                return octets
            if octets[1] != KEEPALIVE:
                raise AssertionError(f"type {octets[1]} came, not {kind}: {octets.hex()}")

    def error(self):
        """(type, value) of the next PCErr; after it the connection ends, orderly or not."""
        for kind, body in objects(self.until(ERROR)):
            if kind == 13:
                return body[2], body[3]
        raise AssertionError("a PCErr without an error")

    def is_ended(self):
        try:
            while self.receive()[1] in (KEEPALIVE, CLOSE, ERROR):
                pass
        except Closed:
            return True
        return False

    def begin(self, flags, version=None, wait=True):
        """Both OPENs and KEEPALIVEs; the TLVs of the PCE's OPEN."""
        self.send(an_open(flags, version))
        its = next(body for kind, body in objects(self.until(OPEN)) if kind == 1)
        self.send(message(KEEPALIVE))
        if wait:
            self.until(KEEPALIVE)
        return tlvs(its[4:])

    def report(self, number, label=16001, version=None, flags=SYNC):
        self.send(a_report(self.address, number, label, version, flags | DELEGATE | ADMIN | UP if number else flags))

    def start_tls(self, context, name="127.0.0.1"):
        self.send(message(START_TLS))
        self.until(START_TLS)
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def close(self):
        self.send(message(CLOSE, thing(15, bytes([0, 0, 0, 1]))))
        self.socket.close()
