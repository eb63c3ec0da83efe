"""os-ken's switch tester, with what os-ken 2.x does wrong put right. Its patterns and its judgement are its own.

The checksum of SCTP is CRC32c over the packet (RFC 9260 section 6.8, appendix A). os-ken sums up the text that
Python prints for the packet, so that what it sends and expects is wrong in every pattern that sets a port.

Where packets are sent at a rate, os-ken sleeps for 10 ms, then sends what is due in 10 ms, however long it slept:
on a busy machine it sends less than it says and blames the switch. Here the clock says what is due."""
import struct
import time

from os_ken.lib import hub
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


TURN = 0.005  # seconds
BATCH = 64    # messages in one write: more would keep the switches' own messages waiting


class Tester(tester.OfTester):
    """The application that osken-manager looks for in this file."""

    def _continuous_packet_send(self, pkt):
        what = pkt[tester.KEY_PACKETS]
        start, sent = time.monotonic(), 0
        while time.monotonic() < start + what[tester.KEY_DURATION_TIME]:
            due = int((time.monotonic() - start) * what[tester.KEY_PKTPS]) - sent
            if due > 0:
                self._send_packets(what, min(due, BATCH))
                sent += min(due, BATCH)
            hub.sleep(0 if due > BATCH else TURN)

    def _send_packets(self, what, n):
        if what['randomize']:
            messages = [self._packet_out(self._random_packet(what['packet_text'])) for _ in range(n)]
        else:
            messages = [self._packet_out(what['packet_binary'])] * n
        self.tester_sw.dp.send(b''.join(messages))

    @staticmethod
    def _random_packet(text):
        packet = eval('/'.join(text), vars(tester))
        packet.serialize()
        return packet.data

    def _packet_out(self, data):
        dp = self.tester_sw.dp
        ofp, parser = dp.ofproto, dp.ofproto_parser
        message = parser.OFPPacketOut(datapath=dp, buffer_id=ofp.OFP_NO_BUFFER, in_port=ofp.OFPP_CONTROLLER,
                                      actions=[parser.OFPActionOutput(self.tester_send_port)], data=data)
        dp.set_xid(message)
        message.serialize()
        return bytes(message.buf)
