#!/usr/bin/env python3
"""Calls one JSON-RPC method on a Unix socket and prints the result as one line of JSON.

usage: rpc.py SOCKET METHOD [PARAMS]
Exit status: 0 answered; 1 refused, with the error on standard output."""
import json
import socket
import sys


def main():
    path, method = sys.argv[1:3]
    request = {"jsonrpc": "2.0", "id": 1, "method": method}
    if len(sys.argv) > 3:
        request["params"] = json.loads(sys.argv[3])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(60)
        s.connect(path)
        s.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(s.makefile().readline())
    print(json.dumps(answer.get("result", answer.get("error"))))
    return "error" in answer


sys.exit(main())
