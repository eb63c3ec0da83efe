#!/usr/bin/env python3
"""xdp_holder.py INTERFACE - holds queue 0 of the interface with an AF_XDP socket of its own, until it is ended.
Prints "held" when it has it."""
import ctypes
import mmap
import os
import signal
import socket
import struct
import sys

AF_XDP, SOL_XDP = 44, 283
TX_RING, UMEM_REG, FILL_RING, COMPLETION_RING = 3, 4, 5, 6
COPY = 2
libc = ctypes.CDLL(None, use_errno=True)
size = 64 * 2048
memory = mmap.mmap(-1, size)
place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
s = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
s.setsockopt(SOL_XDP, UMEM_REG, struct.pack("QQIIII", place, size, 2048, 0, 0, 0))
for ring in FILL_RING, COMPLETION_RING, TX_RING:
    s.setsockopt(SOL_XDP, ring, struct.pack("I", 64))
address = struct.pack("HHIII", AF_XDP, COPY, socket.if_nametoindex(sys.argv[1]), 0, 0)
if libc.bind(s.fileno(), address, len(address)):
    sys.exit(os.strerror(ctypes.get_errno()))
print("held", flush=True)
signal.pause()
