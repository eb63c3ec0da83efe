"""A Modbus device that says who it is, and one that asks: `serve ADDRESS`, or `ask ADDRESS` with a request (unit, function, data as
hexadecimal) in each line of standard input, all over one connection, which stays open."""

import socket
import struct
import sys

OBJECTS = [b"ABB", b"RTU-560-CMU", b"3.1"]  # vendor, product code, version


def receive(connection):
    head = b""
    while len(head) < 6:
        if not (got := connection.recv(6 - len(head))):
            return None
        head += got
    size, body = struct.unpack(">H", head[4:])[0], b""
    while len(body) < size:
        if not (got := connection.recv(size - len(body))):
            return None
        body += got
    return head[:4], body


def answer(body):
    unit, function, data = body[0], body[1], body[2:]
    if function == 0x2b:
        said = b"".join(bytes([i, len(text)]) + text for i, text in enumerate(OBJECTS))
        return bytes([unit, function, 0x0e, 1, 1, 0, 0, len(OBJECTS)]) + said
    if function == 3:
        count = struct.unpack(">H", data[2:4])[0]
        return bytes([unit, function, 2 * count]) + bytes(2 * count)
    return bytes([unit, function]) + data[:4]


def serve(address):
    listener = socket.create_server((address, 502))
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        while asked := receive(connection):
            said = answer(asked[1])
            connection.sendall(asked[0] + struct.pack(">H", len(said)) + said)


def ask(address):
    connection = socket.create_connection((address, 502))
    for number, line in enumerate(sys.stdin, 1):
        body = bytes.fromhex(line)
        connection.sendall(struct.pack(">HHH", number & 0xffff, 0, len(body)) + body)
        print(receive(connection)[1].hex(), flush=True)


{"serve": serve, "ask": ask}[sys.argv[1]](sys.argv[2])
