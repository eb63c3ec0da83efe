"""os-ken's switch tester, with what os-ken 2.x does wrong put right. Its patterns and its judgement are its own.

The checksum of SCTP is CRC32c over the packet (RFC 9260 section 6.8, appendix A). os-ken sums up the text that
Python prints for the packet, so that what it sends and expects is wrong in every pattern that sets a port."""
import struct

from os_ken.lib.packet import sctp


def crc32c(data):
    crc = 0xffffffff
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def checksum(_self, data):
    return struct.unpack(">I", struct.pack("<I", crc32c(data)))[0]


sctp.sctp._checksum = checksum

from os_ken.tests.switch import tester  # noqa: E402 (it takes the packet library as it finds it)


class Tester(tester.OfTester):
    """The application that osken-manager looks for in this file."""
