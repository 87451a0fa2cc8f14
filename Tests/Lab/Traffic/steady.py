# SPDX-License-Identifier: Apache-2.0
"""Steady traffic through a machine, and whether that machine passes it on as if nothing happened.

    python3 steady.py receive PORT            in the receiver's namespace; says `ready` on standard error
    python3 steady.py send ADDRESS PORT       in the sender's, until SIGTERM

Every millisecond four UDP datagrams and eight kilobytes of one TCP connection. A datagram has its number and the time at which it was
sent; the time at which it arrived is the kernel's, so that a receiver that has to wait for a CPU makes nothing late. Each side
prints one object of JSON: what it sent, with TCP's retransmissions; what arrived, with the datagram that took longest.
"""

import json
import signal
import socket
import struct
import sys
import threading
import time

PER_TICK, TICK, CHUNK = 4, 0.001, bytes(8192)
TCP_INFO_BYTES, TOTAL_RETRANSMISSIONS = 104, 100  # struct tcp_info of linux/tcp.h
TIMESTAMPS = 35  # SO_TIMESTAMPNS of asm-generic/socket.h
ROOM = 64 << 20


def receive(port):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.SOL_SOCKET, 33, ROOM)  # SO_RCVBUFFORCE
    datagrams.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
    datagrams.bind(("", port))
    datagrams.settimeout(0.5)
    listener = socket.create_server(("", port))
    print("ready", file=sys.stderr, flush=True)
    connection = listener.accept()[0]
    received = {"datagrams": 0, "bytes": 0, "longest": 0.0}
    ended = threading.Event()

    def stream():
        while data := connection.recv(1 << 16):
            received["bytes"] += len(data)
        ended.set()

    threading.Thread(target=stream).start()
    seen = set()
    while True:
        try:
            data, ancillary, _, _ = datagrams.recvmsg(16, 64)
        except TimeoutError:
            if ended.is_set():
                break
            continue
        number, sent = struct.unpack("!QQ", data)
        seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
        seen.add(number)
        received["longest"] = max(received["longest"], (seconds * 10**9 + nanoseconds - sent) / 1e6)
    received["datagrams"] = len(seen)
    return received


def send(address, port):
    stops = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stops.set())
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.connect((address, port))
    connection = socket.create_connection((address, port))
    count = total = 0
    due = time.monotonic()
    while not stops.is_set():
        for _ in range(PER_TICK):
            datagrams.send(struct.pack("!QQ", count, time.time_ns()))
            count += 1
        connection.sendall(CHUNK)
        total += len(CHUNK)
        due += TICK
        time.sleep(max(0, due - time.monotonic()))
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    (retransmissions,) = struct.unpack_from("I", info, TOTAL_RETRANSMISSIONS)
    return {"datagrams": count, "bytes": total, "retransmissions": retransmissions}


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    said = receive(int(arguments[0])) if role == "receive" else send(arguments[0], int(arguments[1]))
    print(json.dumps(said), flush=True)
