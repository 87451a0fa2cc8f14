# SPDX-License-Identifier: Apache-2.0
"""Rows in which packets vanish on one path that both directions share, or seem to: filters, loss, full queues, a link that is too
narrow, and what a device between two points of view rewrites.

    client ── near ── firewall ── far ── (5 ms) ── server
    10.1.0.1  hop 1   hop 2       hop 3            10.4.0.2
"""

import errno
import socket
import struct
import time

from lab import SYN, Segment, TrafficError, ready
from rows import GROUPS, exchange, expect_reset, row
from wire import connect, lengthen

DELAY = 0.005


def wire_up(lab):
    machines = [lab.machines[name] for name in ("client", "near", "firewall", "far", "server")]
    for number, (near, far) in enumerate(zip(machines, machines[1:]), start=1):
        interface = "eth0" if number == 1 else "eth1"
        connect(near, interface, far, "eth0")
        host = "254" if number == 1 else "2"
        near.alias(f"10.{number}.0.1", interface)
        near.alias(f"fd00:{number}::1", interface)
        far.alias(f"10.{number}.0.{host}", "eth0")
        far.alias(f"fd00:{number}::{host}", "eth0")
    client, near, firewall, far, server = machines
    for router in (near, firewall, far):
        router.set("net.ipv4.ip_forward", "1")
        router.set("net.ipv6.conf.all.forwarding", "1")
    lengthen(lab, DELAY)
    for machine, target, ipv4, ipv6 in (
        (client, "default", "10.1.0.254", "fd00:1::254"),
        (near, "default", "10.2.0.2", "fd00:2::2"),
        (firewall, ("10.1.0.0/24", "fd00:1::/64"), "10.2.0.1", "fd00:2::1"),
        (firewall, ("10.4.0.0/24", "fd00:4::/64"), "10.3.0.2", "fd00:3::2"),
        (far, "default", "10.3.0.1", "fd00:3::1"),
        (server, "default", "10.4.0.1", "fd00:4::1"),
    ):
        targets = (target, target) if isinstance(target, str) else target
        machine.run("ip", "route", "add", targets[0], "via", ipv4)
        machine.run("ip", "-6", "route", "add", targets[1], "via", ipv6)
    # Nobody is there whose address a flood might name.
    firewall.run("ip", "route", "add", "blackhole", "10.99.0.0/16")
    firewall.run("ip", "-6", "route", "add", "blackhole", "fd00:99::/64")
    firewall.set("net.netfilter.nf_conntrack_tcp_loose", "0")
    firewall.nft(
        """
        table inet faults {
            chain raw { type filter hook prerouting priority raw; }
            chain postrouting { type nat hook postrouting priority srcnat; }
            chain forward { type filter hook forward priority filter; }
            chain output { type filter hook output priority filter; }
        }
        """
    )


def rule(r, chain, text):
    r.lab.machines["firewall"].nft(f"add rule inet faults {chain} {text}")


def ip(r):
    return "ip" if r.version == 4 else "ip6"


# Connections that other rows need not wait for


def until(happens, seconds, what):
    """Lets other rows go on until something happens."""
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            raise TrafficError(f"did not happen within {seconds} s: {what}")
        yield 0.02


def opened(r, listener, seconds=8, bind=None):
    """Connects; both ends once the handshake is over on both."""
    client = r.socket(bind=bind)
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    yield from until(lambda: ready(listener, 0), seconds, f"{r.name}: a connection")
    server, _ = listener.accept()
    r.sockets.append(server)
    server.setblocking(False)
    yield from until(lambda: ready(client, 0, 4), seconds, f"{r.name}: connect()")
    return client, server


def sent(r, sender, receiver, size, seconds=8):
    """Sends and waits for all of it to arrive."""
    sender.sendall(bytes(size))
    yield from arrived(r, receiver, size, seconds)


def arrived(r, receiver, size, seconds=8):
    left = size
    while left > 0:
        yield from until(lambda: ready(receiver, 0), seconds, f"{r.name}: {left} more bytes")
        data = receiver.recv(left)
        if not data:
            raise TrafficError(f"{r.name}: the connection ended early")
        left -= len(data)


def talk(r, bind=None, times=3, server_first=False):
    """A connection with some requests and answers, and its close."""
    listener = r.listen()
    client, server = yield from opened(r, listener, bind=bind)
    ends = [(client, server), (server, client)]
    if server_first:
        ends.reverse()
    for _ in range(times):
        for sender, receiver in ends:
            yield from sent(r, sender, receiver, 200)
        yield 0.1
    client.close()
    yield from until(lambda: ready(server, 0), 8, f"{r.name}: the close")
    server.close()
    listener.close()
    yield 0.3


# One packet is lost, once


def lost(direction, number):
    def traffic(r):
        r.ping()
        port = "dport" if direction == "to_server" else "sport"
        rule(r, "forward", f"{ip(r)} {'daddr' if port == 'dport' else 'saddr'} {r.server} tcp {port} {r.port} "
             f"numgen inc mod 100000 == {number - 1} counter drop")
        yield from talk(r)

    traffic.__name__ = f"lost_{direction}_{number}"
    return traffic


for _direction in ("to_server", "to_client"):
    for _number in range(1, 6):
        row("faults")(lost(_direction, _number))


@row("faults")
def lost_ack_server_first(r):
    """The ACK of the handshake is lost, and the client has nothing to say: one more SYN-ACK, and all is well."""
    r.ping()
    rule(r, "forward", f"{ip(r)} daddr {r.server} tcp dport {r.port} numgen inc mod 100000 == 1 counter drop")
    yield from talk(r, server_first=True)


# A filter that says nothing


@row("faults")
def silent_syn(r):
    r.ping()
    rule(r, "forward", f"{ip(r)} daddr {r.server} tcp dport {r.port} tcp flags & (syn|ack) == syn counter drop")
    r.listen()
    client = r.socket()
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    yield 8


TCP_MD5SIG = 14


def sign(sock, address, key):
    """Signs the segments to an address: struct tcp_md5sig of linux/tcp.h."""
    if ":" in address:
        peer = struct.pack("=HHI16s", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address))
    else:
        peer = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(address))
    option = struct.pack("=128sBBHI80s", peer, 0, 0, len(key), 0, key)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, option)


@row("faults")
def signed_by_one_side(r):
    """The client signs (RFC 2385), and the server has no key for it: its kernel drops the SYN."""
    r.ping()
    r.listen()
    client = r.socket()
    sign(client, r.server, b"a key of one side")
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    yield 8
    if ready(client, 0):
        raise TrafficError("the connect was answered")


@row("faults")
def silent_syn_ack(r):
    r.ping()
    rule(r, "forward", f"{ip(r)} saddr {r.server} tcp sport {r.port} tcp flags & (syn|ack) == syn|ack counter drop")
    r.listen()
    client = r.socket()
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    yield 8


@row("faults")
def silent_ack(r):
    """What the client sends after its SYN does not pass."""
    r.ping()
    rule(r, "forward", f"{ip(r)} daddr {r.server} tcp dport {r.port} tcp flags & syn == 0 counter drop")
    listener = r.listen()
    client = r.connect()
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    yield 8
    if ready(listener, 0):
        raise TrafficError("the server has accepted the connection")


@row("faults")
def silent_data(r):
    """The handshake passes, data of the client does not."""
    r.ping()
    listener = r.listen()
    client, server = yield from opened(r, listener)
    rule(r, "forward", f"{ip(r)} daddr {r.server} tcp dport {r.port} meta length > 150 counter drop")
    client.sendall(bytes(200))
    yield 8
    if ready(server, 0):
        raise TrafficError("the data came through")


# Queues of the server


def fill(r, listener, count):
    for _ in range(count):
        r.connect()
    yield 0.1


@row("faults")
def queue_full(r):
    """Connections complete faster than the application accepts them: the last ACKs are dropped, the SYN-ACK is repeated."""
    r.ping()
    with r.listen(port=r.port + 1) as other:
        client = r.connect(port=r.port + 1)
        server, _ = other.accept()
        r.sockets.append(server)
        exchange(client, server)
    listener = r.listen(backlog=4)
    yield from fill(r, listener, 4)
    # Both SYNs find the queue with one place left.
    for _ in range(2):
        client = r.socket()
        client.setblocking(False)
        client.connect_ex((r.server, r.port))
    yield 9


@row("faults")
def queue_full_at_syn(r):
    """The queue is full from the start: SYNs are not answered."""
    r.ping()
    listener = r.listen(backlog=4)
    yield from fill(r, listener, 5)
    client = r.socket()
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    yield 9


def deferred(seconds):
    """The server's kernel waits so many seconds for data before it takes the connection, and then repeats its SYN-ACK once."""

    def traffic(r):
        r.ping()
        listener = r.listen(defer=seconds)
        client = r.connect()
        client.setblocking(False)
        yield seconds * 1.7
        client.sendall(bytes(200))
        yield from until(lambda: ready(listener, 0), 8, f"{r.name}: a connection")
        server, _ = listener.accept()
        server.setblocking(False)
        yield from arrived(r, server, 200)
        yield from sent(r, server, client, 200)
        client.close()
        yield from until(lambda: ready(server, 0), 8, f"{r.name}: the close")
        server.close()
        yield 0.3

    traffic.__name__ = f"deferred_{seconds}"
    return traffic


for _seconds in (1, 3):
    row("faults")(deferred(_seconds))


# A link that is too narrow


def narrow(r, told):
    """The firewall's way to the server takes 1300 bytes; it says so, or not."""
    r.ping()
    gateway = "10.3.0.2" if r.version == 4 else "fd00:3::2"
    r.lab.machines["firewall"].run("ip", f"-{r.version}", "route", "add", r.server, "via", gateway, "mtu", "1300")
    if not told:
        quoted = f"@th,192,32 {int.from_bytes(socket.inet_aton(r.server), 'big')}" if r.version == 4 else (
            f"@th,256,128 {int.from_bytes(socket.inet_pton(socket.AF_INET6, r.server), 'big')}")
        kind = "icmp type destination-unreachable" if r.version == 4 else "icmpv6 type packet-too-big"
        rule(r, "output", f"{kind} {quoted} counter drop")
    listener = r.listen()
    client, server = yield from opened(r, listener)
    yield from sent(r, client, server, 200)
    return client, server


@row("faults")
def narrow_told(r):
    client, server = yield from narrow(r, told=True)
    yield from sent(r, client, server, 20000)
    yield from sent(r, server, client, 200)


@row("faults")
def narrow_untold(r):
    client, server = yield from narrow(r, told=False)
    client.sendall(bytes(20000))
    yield 8
    if ready(server, 0):
        raise TrafficError("the data came through")


# What a device between rewrites


@row("faults")
def translated(r):
    """The server sees the firewall's address and another port."""
    r.ping()
    source = "10.3.0.1" if r.version == 4 else "[fd00:3::1]"
    rule(r, "postrouting", f"{ip(r)} daddr {r.server} tcp dport {r.port} snat {ip(r)} to {source}:{40000 + r.port}")
    yield from talk(r)


@row("faults")
def translated_silent_data(r):
    """Behind a translator data does not pass."""
    r.ping()
    source = "10.3.0.1" if r.version == 4 else "[fd00:3::1]"
    rule(r, "postrouting", f"{ip(r)} daddr {r.server} tcp dport {r.port} snat {ip(r)} to {source}:{40000 + r.port}")
    listener = r.listen()
    client, server = yield from opened(r, listener)
    rule(r, "forward", f"{ip(r)} daddr {r.server} tcp dport {r.port} meta length > 150 counter drop")
    client.sendall(bytes(200))
    yield 8
    if ready(server, 0):
        raise TrafficError("the data came through")


@row("faults")
def clamped(r):
    """The firewall lowers the MSS."""
    r.ping()
    for side, port in (("daddr", "dport"), ("saddr", "sport")):
        rule(r, "forward", f"{ip(r)} {side} {r.server} tcp {port} {r.port} tcp flags syn tcp option maxseg size set 1200")
    yield from talk(r)


@row("faults", only=4)
def proxied(r):
    """The firewall answers SYNs itself: the sequence numbers of the two halves differ."""
    r.ping()
    to = f"{ip(r)} daddr {r.server} tcp dport {r.port}"
    rule(r, "raw", f"{to} tcp flags syn / fin,syn,rst,ack notrack")
    rule(r, "forward", f"{to} ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm")
    yield from talk(r)


@row("faults")
def rejected_midstream(r):
    """The firewall ends a connection in the server's name."""
    r.ping()
    listener = r.listen()
    client, server = yield from opened(r, listener)
    yield from sent(r, client, server, 200)
    rule(r, "forward", f"{ip(r)} daddr {r.server} tcp dport {r.port} reject with tcp reset")
    client.sendall(bytes(200))
    expect_reset(client)


GROUPS["faults.prepare"] = wire_up


# Many at once, none of them a connection


@row("crowds")
def scan(r):
    """Three hundred ports, a third of which a filter leaves unanswered."""
    r.ping()
    rule(r, "forward", f"{ip(r)} daddr {r.server} tcp dport 30100-30199 counter drop")
    for port in range(30000, 30300):
        sock = r.socket()
        sock.setblocking(False)
        if sock.connect_ex((r.server, port)) not in (errno.EINPROGRESS, errno.ECONNREFUSED):
            raise TrafficError(f"{r.name}: connect()")
    yield 7


@row("crowds")
def flood(r):
    """SYNs from a thousand addresses that do not answer."""
    r.ping()
    r.listen(backlog=64)
    for number in range(1000):
        source = f"10.99.{number // 250}.{number % 250 + 1}" if r.version == 4 else f"fd00:99::{number + 1:x}"
        r.raw("client", Segment(source, 1024 + number, r.server, r.port, SYN, seq=number * 7919, window=1024))
        if number % 100 == 99:
            yield 0.05
    yield 7


@row("crowds")
def beside(r):
    """Connections that work meanwhile."""
    r.ping()
    for _ in range(6):
        yield from talk(r, times=2)


GROUPS["crowds.prepare"] = wire_up

for _group in ("faults", "crowds"):
    GROUPS[f"{_group}.machines"] = ["client", "near", "firewall", "far", "server", "extra"]
