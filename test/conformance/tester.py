"""os-ken's switch tester, with what os-ken 2.x does wrong put right. Its patterns and its judgement are its own.

The checksum of SCTP is CRC32c over the packet (RFC 9260 section 6.8, appendix A). os-ken sums up the text that
Python prints for the packet, so that what it sends and expects is wrong in every pattern that sets a port.

Where packets are sent at a rate, os-ken sleeps for 10 ms, then sends what is due in 10 ms, however long it slept:
on a busy machine it sends less than it says and blames the switch. Here the clock says what is due, and where a
rate is not as expected the report tells how far the packets came."""
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
        self.before = self._passed()
        start, sent = time.monotonic(), 0
        while time.monotonic() < start + what[tester.KEY_DURATION_TIME]:
            due = int((time.monotonic() - start) * what[tester.KEY_PKTPS]) - sent
            if due > 0:
                self._send_packets(what, min(due, BATCH))
                sent += min(due, BATCH)
            hub.sleep(0 if due > BATCH else TURN)
        self.handed_out = f"{sent} of {what[tester.KEY_DURATION_TIME] * what[tester.KEY_PKTPS]} handed to the tester"

    def _passed(self):
        """What has passed so far, from the tester and back."""
        beside = self._test(tester.STATE_TESTER_PKT_COUNT, False)
        tested = self._test(tester.STATE_TARGET_PKT_COUNT, True)
        return (beside[self.tester_send_port]['tx'], tested[self.target_recv_port]['rx'],
                tested[self.target_send_port_1]['tx'] + tested[self.target_send_port_2]['tx'],
                beside[self.tester_recv_port_1]['rx'] + beside[self.tester_recv_port_2]['rx'])

    def _test_throughput_check(self, throughputs, start, end):
        try:
            super()._test_throughput_check(throughputs, start, end)
        except tester.TestFailure as failure:
            out, into, onward, back = (now - then for now, then in zip(self._passed(), self.before))
            failure.args = (f"{failure}; packets: {self.handed_out}, {out} sent by it, {into} received by the target, "
                            f"{onward} sent on, {back} received back",)
            raise

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
