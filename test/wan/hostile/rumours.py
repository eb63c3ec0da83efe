"""A BGP-LS speaker of our own making, in octets, that tells what is not so (RFC 4271, 4760, 9552)."""
import socket
import struct
import threading

HEADER = b"\xff" * 16
BGP_LS = struct.pack("!HB", 16388, 71)


def tlv(kind, value):
    return struct.pack("!HH", kind, len(value)) + value


def message(kind, body=b""):
    return HEADER + struct.pack("!HB", 19 + len(body), kind) + body


def attribute(kind, value, flags=0x40):
    return struct.pack("!BBH", flags | 0x10, kind, len(value)) + value


def address(text):
    return socket.inet_aton(text)


def node(kind, router):
    """Descriptors of a node of OSPF's backbone: AS, BGP-LS identifier, area, router."""
    return tlv(kind, tlv(512, struct.pack("!I", 65000)) + tlv(513, bytes(4)) + tlv(514, bytes(4)) + tlv(515, address(router)))


def nlri(kind, descriptors):
    body = b"\x03" + bytes(8) + descriptors  # OSPFv2, identifier 0
    return struct.pack("!HH", kind, len(body)) + body


def update(own, thing, its):
    """One NLRI with its attributes of link state."""
    reach = attribute(14, BGP_LS + b"\x04" + address(own) + b"\0" + thing, 0x80)
    others = attribute(1, b"\0") + attribute(2, b"") + attribute(5, struct.pack("!I", 100))
    all_of_it = others + reach + attribute(29, its, 0x80)
    return message(2, struct.pack("!HH", 0, len(all_of_it)) + all_of_it)


def a_node(own, router, name):
    return update(own, nlri(1, node(256, router)), tlv(1026, name.encode()) + tlv(1028, address(router)))


def a_link(own, ends, addresses, bandwidth):
    """One direction; `bandwidth` in octets a second, whatever float that is."""
    where = node(256, ends[0]) + node(257, ends[1]) + tlv(259, address(addresses[0])) + tlv(260, address(addresses[1]))
    its = (tlv(1028, address(ends[0])) + tlv(1030, address(ends[1])) + tlv(1089, struct.pack("!f", bandwidth)) +
           tlv(1090, struct.pack("!f", bandwidth)) + tlv(1092, struct.pack("!I", 10)) + tlv(1095, b"\0\x0a"))
    return update(own, nlri(2, where), its)


def end_of_all():
    """End-of-RIB (RFC 4724 section 2)."""
    nothing = attribute(15, BGP_LS, 0x80)
    return message(2, struct.pack("!HH", 0, len(nothing)) + nothing)


class Speaker:
    def __init__(self, peer, own):
        self.socket = socket.create_connection(peer, timeout=20, source_address=(own, 0))
        capabilities = b"\x01\x04" + BGP_LS[:2] + b"\0" + BGP_LS[2:] + b"\x41\x04" + struct.pack("!I", 65000)
        body = struct.pack("!BHH4sB", 4, 65000, 90, address(own), len(capabilities) + 2)
        self.socket.sendall(message(1, body + struct.pack("!BB", 2, len(capabilities)) + capabilities) + message(4))
        threading.Thread(target=self.go_on, daemon=True).start()

    def go_on(self):
        """What comes is answered with keepalives, and not read."""
        self.socket.settimeout(None)
        try:
            while self.socket.recv(65536):
                self.socket.sendall(message(4))
        except OSError:
            pass

    def tell(self, *updates):
        self.socket.sendall(b"".join(updates))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
