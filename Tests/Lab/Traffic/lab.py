# SPDX-License-Identifier: Apache-2.0
"""One program with sockets in many network namespaces: the lab's machines as objects.

A socket belongs to the namespace that its maker was in when it made it. So one single-threaded program can play both
ends of a connection, and whoever stands between, in an order that does not depend on any scheduler.
"""

import contextlib
import ctypes
import os
import select
import socket
import struct
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_home = os.open("/proc/self/ns/net", os.O_RDONLY)

IPV6_HDRINCL = 36
TCP_REPAIR = 19

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class TrafficError(Exception):
    """The traffic did not happen as its row wants it: nothing that was captured means anything."""


class Machine:
    """One of the lab's network namespaces."""

    def __init__(self, name):
        self.name = name
        self._fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
        self._rules = False

    @contextlib.contextmanager
    def inside(self):
        if _libc.setns(self._fd, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {self.name}")
        try:
            yield
        finally:
            _libc.setns(_home, _CLONE_NEWNET)

    def socket(self, *arguments):
        with self.inside():
            return socket.socket(*arguments)

    def run(self, *arguments):
        result = subprocess.run(
            ["ip", "netns", "exec", self.name, *arguments], capture_output=True, text=True, timeout=15
        )
        if result.returncode != 0:
            raise TrafficError(f"{self.name}: {' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def set(self, parameter, value):
        self.run("sysctl", "-q", "-w", f"{parameter}={value}")

    def nft(self, text):
        result = subprocess.run(
            ["ip", "netns", "exec", self.name, "nft", "-f", "-"],
            input=text,
            capture_output=True,
            text=True,
            timeout=15,
        )
        if result.returncode != 0:
            raise TrafficError(f"{self.name}: nft: {result.stderr}\n{text}")

    def alias(self, address, interface, preferred=True):
        """Gives an interface one more address. Without `preferred` nothing is sent from it that does not ask for it."""
        prefix = 64 if ":" in address else 24
        flags = ["nodad"] if ":" in address else []
        if ":" in address and not preferred:
            flags += ["preferred_lft", "0"]
        command = ["ip", "-n", self.name, "address", "add", f"{address}/{prefix}", "dev", interface]
        subprocess.run(command + flags, check=True, timeout=15)

    # Ports that a filter treats differently; every row has a port of its own.

    def _base_rules(self):
        if self._rules:
            return
        self._rules = True
        self.nft(
            """
            table inet matrix {
                set rejected { type inet_service; }
                set refused { type inet_service; }
                set dropped { type inet_service; }
                chain forward {
                    type filter hook forward priority 0;
                    tcp dport @rejected reject with tcp reset
                    tcp dport @dropped drop
                }
                chain input {
                    type filter hook input priority 0;
                    tcp dport @refused reject with tcp reset
                }
            }
            """
        )

    def reject(self, port):
        """Answers what is forwarded to the port with a reset."""
        self._base_rules()
        self.nft(f"add element inet matrix rejected {{ {port} }}")

    def refuse(self, port):
        """Answers what arrives here for the port with a reset, listener or not."""
        self._base_rules()
        self.nft(f"add element inet matrix refused {{ {port} }}")

    def drop(self, port):
        self._base_rules()
        self.nft(f"add element inet matrix dropped {{ {port} }}")

    def accept(self, port):
        """Forwards what was dropped or rejected."""
        for name in ("dropped", "rejected"):
            with contextlib.suppress(TrafficError):
                self.nft(f"delete element inet matrix {name} {{ {port} }}")


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def ready(sock, seconds=5.0, events=select.POLLIN):
    poller = select.poll()
    poller.register(sock, events)
    return bool(poller.poll(int(seconds * 1000)))


def mark(sock, address, dscp):
    if family(address) == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)


def set_ttl(sock, address, ttl):
    if family(address) == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping(machine, address, count=4, dscp=0):
    """Sends echo requests and waits for all the answers."""
    ipv6 = ":" in address
    protocol = socket.IPPROTO_ICMPV6 if ipv6 else socket.IPPROTO_ICMP
    sock = machine.socket(family(address), socket.SOCK_RAW, protocol)
    mark(sock, address, dscp)
    number = os.urandom(2)
    request, reply = (128, 129) if ipv6 else (8, 0)
    for sequence in range(count):
        body = struct.pack("!BBH2sH", request, 0, 0, number, sequence) + bytes(24)
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        # The first packet may meet an unresolved neighbour and a full CPU.
        for _ in range(3):
            sock.sendto(body, (address, 0))
            if _answered(sock, ipv6, reply, number, sequence):
                break
        else:
            raise TrafficError(f"no answer to a ping to {address}")
    sock.close()


def _answered(sock, ipv6, reply, number, sequence):
    until = time.monotonic() + 2
    while ready(sock, max(0.0, until - time.monotonic())):
        packet, _ = sock.recvfrom(2048)
        body = packet if ipv6 else packet[(packet[0] & 15) * 4 :]
        if body[0] == reply and body[4:8] == number + struct.pack("!H", sequence):
            return True
    return False


class Segment:
    """A TCP segment as it is on the wire, to send or as it was seen."""

    def __init__(self, source, source_port, target, target_port, flags, seq=0, ack=0, **more):
        self.source, self.source_port = source, source_port
        self.target, self.target_port = target, target_port
        self.flags, self.seq, self.ack = flags, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF
        self.ttl = more.get("ttl", 64)
        self.window = more.get("window", 0)
        self.identification = more.get("identification", 0)
        self.label = more.get("label", 0)
        self.payload = more.get("payload", b"")

    def bytes(self):
        kind = family(self.source)
        addresses = socket.inet_pton(kind, self.source) + socket.inet_pton(kind, self.target)
        ports = struct.pack("!HH", self.source_port, self.target_port)
        rest = struct.pack("!IIBBHHH", self.seq, self.ack, 0x50, self.flags, self.window, 0, 0)
        tcp = ports + rest + self.payload
        pseudo = addresses + struct.pack("!II", len(tcp), socket.IPPROTO_TCP)
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        if kind == socket.AF_INET6:
            start = struct.pack("!IHBB", 6 << 28 | self.label, len(tcp), socket.IPPROTO_TCP, self.ttl)
            return start + addresses + tcp
        length = 20 + len(tcp)
        header = struct.pack(
            "!BBHHHBBH", 0x45, 0, length, self.identification, 0x4000, self.ttl, socket.IPPROTO_TCP, 0
        )
        header += addresses
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + tcp

    @classmethod
    def parse(cls, packet):
        """The segment in an IP packet without extension headers, or None."""
        if packet[0] >> 4 == 6:
            if packet[6] != socket.IPPROTO_TCP:
                return None
            kind, addresses, tcp = socket.AF_INET6, packet[8:40], packet[40:]
            ttl, identification = packet[7], 0
            label = struct.unpack("!I", packet[:4])[0] & 0xFFFFF
        else:
            if packet[9] != socket.IPPROTO_TCP:
                return None
            kind, addresses = socket.AF_INET, packet[12:20]
            length = struct.unpack("!H", packet[2:4])[0]
            tcp = packet[(packet[0] & 15) * 4 : length]
            ttl, label = packet[8], 0
            identification = struct.unpack("!H", packet[4:6])[0]
        half = len(addresses) // 2
        source_port, target_port, seq, ack, offset, flags, window = struct.unpack("!HHIIBBH", tcp[:16])
        return cls(
            socket.inet_ntop(kind, addresses[:half]),
            source_port,
            socket.inet_ntop(kind, addresses[half:]),
            target_port,
            flags,
            seq,
            ack,
            ttl=ttl,
            window=window,
            identification=identification,
            label=label,
            payload=tcp[(offset >> 4) * 4 :],
        )


class Tap:
    """Sees what passes an interface of a machine, as a mirror port would."""

    def __init__(self, machine, interface):
        ETH_P_ALL = 3
        self.sock = machine.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.sock.bind((interface, ETH_P_ALL))

    def wait(self, matches, seconds=5.0):
        """The next segment that matches."""
        until = time.monotonic() + seconds
        while ready(self.sock, max(0.0, until - time.monotonic())):
            packet, address = self.sock.recvfrom(65535)
            if address[1] not in (0x0800, 0x86DD):
                continue
            segment = Segment.parse(packet)
            if segment is not None and matches(segment):
                return segment
        raise TrafficError("the mirror port did not show the packet")

    def close(self):
        self.sock.close()


def send(machine, segment):
    """Sends a segment with whatever addresses it carries."""
    kind = family(segment.source)
    sock = machine.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if kind == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    sock.sendto(segment.bytes(), (segment.target, 0))
    sock.close()
