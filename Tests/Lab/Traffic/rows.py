# SPDX-License-Identifier: Apache-2.0
"""What every row of the matrix needs: its own host, its own port, and the usual things that ends of a connection do.

A row is a generator: `yield seconds` lets other rows go on meanwhile, so that rows that wait do not add up.
"""

import contextlib
import errno
import os
import socket
import struct
import time

from lab import ACK, RST, SYN, Segment, TrafficError, mark, ping, ready, send, set_ttl

GROUPS = {}

# What a reset does to a socket, by what it was doing.
RESET_ERRORS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE)


def row(group, only=None, kind=None):
    """Declares a row of a group, for both IP versions or only one. `kind` is a `Row` of another network than the usual one."""

    def declare(function):
        GROUPS.setdefault(group, []).append((function, only, kind or Row))
        return function

    return declare


class Row:
    """One row in one IP version. `server` is an address of its own, on the machine that plays the host."""

    LINKS = {
        "server": ("10.4.0.{}", "fd00:4::{:x}", "eth0"),
        "firewall": ("10.2.0.{}", "fd00:2::{:x}", "eth0"),
        "client": ("10.1.0.{}", "fd00:1::{:x}", "eth0"),
    }
    # Who connects to whom.
    CLIENT, SERVER = "client", "server"
    CLIENT_ADDRESSES = ("10.1.0.1", "fd00:1::1")

    def __init__(self, lab, name, number, version):
        self.lab, self.name, self.version = lab, name, version
        self.number = number
        # When its first packet may have been sent, as others' clocks have it.
        self.began = None
        self.port = 2000 + 20 * number + (10 if version == 6 else 0)
        self.forged = []
        self.client_ports = []
        self.sockets = []
        self.client_address = self.CLIENT_ADDRESSES[0 if version == 4 else 1]
        self.server = self.host(self.SERVER, 20 + number)

    def host(self, machine, number):
        """Gives a machine an address that no other row knows: what was learned of other hosts does not count."""
        ipv4, ipv6, interface = self.LINKS[machine]
        address = (ipv4 if self.version == 4 else ipv6).format(number)
        self.lab.machines[machine].alias(address, interface, preferred=False)
        return address

    def report(self):
        return {
            "row": self.name,
            "version": self.version,
            "server": self.server,
            "client": self.client_address,
            "port": self.port,
            "clientPorts": self.client_ports,
            "began": self.began,
            "forged": self.forged,
        }

    # The usual things

    @property
    def client_machine(self):
        return self.lab.machines[self.CLIENT]

    @property
    def server_machine(self):
        return self.lab.machines[self.SERVER]

    def ping(self, dscp=0):
        ping(self.client_machine, self.server, dscp=dscp)

    def listen(self, port=0, ttl=None, address=None, machine=None, backlog=16, defer=0):
        address = address or self.server
        sock = (machine or self.server_machine).socket(
            socket.AF_INET6 if self.version == 6 else socket.AF_INET, socket.SOCK_STREAM
        )
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ttl:
            set_ttl(sock, address, ttl)
        if defer:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, defer)
        sock.bind((address, port or self.port))
        sock.listen(backlog)
        sock.settimeout(5)
        self.sockets.append(sock)
        return sock

    def socket(self, machine=None, dscp=0, bind=None):
        sock = (machine or self.client_machine).socket(
            socket.AF_INET6 if self.version == 6 else socket.AF_INET, socket.SOCK_STREAM
        )
        sock.settimeout(5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if dscp:
            mark(sock, self.server, dscp)
        if bind:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(bind)
        self.sockets.append(sock)
        return sock

    def connect(self, port=0, dscp=0, address=None):
        sock = self.socket(dscp=dscp)
        sock.connect((address or self.server, port or self.port))
        self.client_ports.append(sock.getsockname()[1])
        return sock

    def open(self, port=0, dscp=0, ttl=None):
        """A connection over which a request and its answer went: client's end, server's end."""
        with contextlib.closing(self.listen(port, ttl)) as listener:
            client = self.connect(port, dscp)
            server, _ = listener.accept()
        server.settimeout(5)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sockets.append(server)
        exchange(client, server)
        exchange(client, server)
        return client, server

    def refused(self, port=0, dscp=0, address=None):
        """A connect that has to be refused."""
        sock = self.socket(dscp=dscp)
        try:
            sock.connect((address or self.server, port or self.port))
        except ConnectionRefusedError:
            return
        raise TrafficError(f"{self.name}: the connect was not refused")

    def silent(self, seconds, port=0):
        """A connect that has to stay unanswered."""
        sock = self.socket()
        sock.settimeout(seconds)
        try:
            sock.connect((self.server, port or self.port))
        except (TimeoutError, socket.timeout):
            sock.close()
            return
        raise TrafficError(f"{self.name}: the connect was answered")

    def hush(self):
        """Ends all connections without a packet: from now on nothing moves."""
        waiting = []
        for sock in self.sockets:
            # Those that listen go first: what they would still repeat, nobody is left to answer. What nobody has accepted would be
            # reset.
            if sock.fileno() >= 0 and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        waiting.append(sock.accept()[0])
                sock.close()
        for sock in self.sockets + waiting:
            if sock.fileno() >= 0:
                forget(sock)

    def raw(self, machine, segment, forged=False):
        if forged:
            self.forged.append({"seq": segment.seq, "flags": segment.flags, "ttl": segment.ttl})
        send(self.lab.machines[machine], segment)


def exchange(client, server, size=32):
    """A request and its answer."""
    client.sendall(os.urandom(size))
    receive(server, size)
    server.sendall(os.urandom(size))
    receive(client, size)


def receive(sock, size):
    left = size
    while left > 0:
        data = sock.recv(left)
        if not data:
            raise TrafficError("the connection ended early")
        left -= len(data)


def expect_reset(sock, seconds=5.0):
    """Waits until the connection is reset."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ready(sock, 0.2)
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in RESET_ERRORS:
            return
        try:
            sock.setblocking(False)
            sock.recv(4096)
        except BlockingIOError:
            pass
        except ConnectionError:
            return
        time.sleep(0.005)
    raise TrafficError("the connection was not reset")


def abort(sock):
    """Closes as SO_LINGER 0 does: with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def forget(sock):
    """Ends a connection without a packet, as a crash would."""
    TCP_REPAIR = 19
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.close()


# Nothing of these is used here, but every file of rows takes its tools from one place.
__all__ = [
    "ACK", "RST", "SYN", "GROUPS", "Row", "Segment", "TrafficError", "abort", "exchange", "expect_reset",
    "forget", "mark", "ping", "ready", "receive", "row", "set_ttl",
]
