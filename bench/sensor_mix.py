"""A capture of many packets, mixed from ../shared/data/pcaps: all captures of Ethernet take turns, ten packets each, again
and again with other addresses. Of the benchmarks of the sensor."""
import pathlib
import struct

pcaps = pathlib.Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "pcaps"


def frames_of(path):
    """The frames of a pcap of Ethernet; others are left out."""
    data = path.read_bytes()
    if len(data) < 24 or data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"):
        return []
    order = "<" if data[0] == 0xd4 else ">"
    if struct.unpack_from(order + "I", data, 20)[0] & 0xffff != 1:
        return []
    at, frames = 24, []
    while at + 16 <= len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        if at + 16 + size > len(data):
            break
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames


def renumbered(frame, number):
    """With addresses of its own, so that every turn is of conversations that were not there before."""
    f = bytearray(frame)
    if len(f) < 34:
        return frame
    at, kind = 12, f[12] << 8 | f[13]
    while kind in (0x8100, 0x88a8) and len(f) > at + 24:
        at += 4
        kind = f[at] << 8 | f[at + 1]
    if kind == 0x0800 and len(f) >= at + 22:
        f[at + 15] ^= number & 255
        f[at + 19] ^= number & 255
        f[at + 14] ^= number >> 8
        f[at + 18] ^= number >> 8
    else:
        f[10] ^= number & 255
        f[9] ^= number >> 8
    return bytes(f)


def mix(path, packets, largest=262144):
    """At least so many packets, none larger than that; returns how many."""
    sources = [f for f in (frames_of(p) for p in sorted(pcaps.rglob("*.pcap"))) if f]
    n = turn = 0
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        while n < packets:
            at = 0
            while any(at < len(s) for s in sources):
                for frames in sources:
                    for frame in (f for f in frames[at:at + 10] if len(f) <= largest):
                        f = renumbered(frame, turn)
                        out.write(struct.pack("<IIII", 1700000000 + n // 10000, n % 10000 * 100, len(f), len(f)) + f)
                        n += 1
                at += 10
            turn += 1
    return n
