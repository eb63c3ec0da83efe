#!/usr/bin/python3
"""Talks to a node's JSON-RPC.

usage: edge_rpc.py call SOCKET METHOD [PARAMS]   prints the result, or the error with status 1
       edge_rpc.py listen ADDRESS PORT           is a controller: prints a line for each message,
                                                 asks each node that connects for its status"""
import json
import socket
import sys


def call(path, method, params="{}"):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": json.loads(params)}
    s.sendall((json.dumps(request) + "\n").encode())
    answer = json.loads(s.makefile().readline())
    print(json.dumps(answer.get("result", answer.get("error"))))
    return "error" in answer


def listen(address, port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, int(port)))
    server.listen()
    print("ready", flush=True)
    while True:
        s, _ = server.accept()
        s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"edge.status"}\n')
        for line in s.makefile():
            print(line.strip(), flush=True)


if len(sys.argv) >= 4 and sys.argv[1] in ("call", "listen"):
    sys.exit({"call": call, "listen": listen}[sys.argv[1]](*sys.argv[2:]))
sys.exit(__doc__)
