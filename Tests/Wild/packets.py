# SPDX-License-Identifier: Apache-2.0
"""A small reader of pcap and pcapng for the wild check. It shares nothing with rstwho's own parsers."""
import struct
from dataclasses import dataclass

ETHERNET, NULL, PPP, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 1, 0, 9, 101, 108, 113, 228, 229, 276
TAGS = {0x8100, 0x88A8, 0x9100}


@dataclass(slots=True)
class Packet:
    frame: int
    time: float
    source: str
    destination: str
    ttl: int
    number: int      # IP-ID, or the flow label
    kind: str        # tcp, echo, udp, other
    sport: int = 0
    dport: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    length: int = 0
    stamped: bool = False
    mac: bytes = b""
    next: bytes = b""   # the destination MAC

    @property
    def is_reset(self):
        return self.kind == "tcp" and self.flags & 4 != 0


def frames(data):
    """Yields (number, time, link type, bytes) of a capture."""
    magic = data[:4]
    if magic == b"\x0a\x0d\x0d\x0a":
        yield from _pcapng(data)
        return
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    scale = 1e-9 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
    if len(data) < 24:
        return
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at, number = 24, 0
    while at + 16 <= len(data):
        seconds, part, kept, _ = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + kept > len(data):
            return
        number += 1
        yield number, seconds + part * scale, link, data[at : at + kept]
        at += kept


def _pcapng(data):
    at, number, order, links = 0, 0, "<", []
    while at + 12 <= len(data):
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack_from(order + "II", data, at)
        if size < 12 or at + size > len(data):
            return
        if kind == 1:
            link = struct.unpack_from(order + "H", data, at + 8)[0]
            scale, option = 1e-6, at + 16
            while option + 4 <= at + size - 4:
                code, length = struct.unpack_from(order + "HH", data, option)
                if code == 0:
                    break
                if code == 9 and length == 1:
                    value = data[option + 4]
                    scale = 2.0 ** -(value & 127) if value & 128 else 10.0 ** -value
                option += 4 + (length + 3) // 4 * 4
            links.append((link, scale))
        elif kind == 6:
            interface, high, low, kept, _ = struct.unpack_from(order + "IIIII", data, at + 8)
            number += 1
            if interface < len(links):
                link, scale = links[interface]
                yield number, ((high << 32) | low) * scale, link, data[at + 28 : at + 28 + kept]
        elif kind == 3:
            number += 1
            if links:
                kept = min(struct.unpack_from(order + "I", data, at + 8)[0], size - 16)
                yield number, 0.0, links[0][0], data[at + 12 : at + 12 + kept]
        elif kind == 2:
            number += 1
            interface, _, high, low, kept, _ = struct.unpack_from(order + "HHIIII", data, at + 8)
            if interface < len(links):
                link, scale = links[interface]
                yield number, ((high << 32) | low) * scale, link, data[at + 28 : at + 28 + kept]
        at += (size + 3) // 4 * 4


def packet(number, time, link, raw):
    """The IP packet of a frame, or None where there is none that this reader knows."""
    mac = to = b""
    if link == ETHERNET:
        if len(raw) < 14:
            return None
        to, mac = raw[:6], raw[6:12]
        kind, at = int.from_bytes(raw[12:14], "big"), 14
        while kind in TAGS and at + 4 <= len(raw):
            kind, at = int.from_bytes(raw[at + 2 : at + 4], "big"), at + 4
        if kind == 0x8864 and at + 8 <= len(raw):
            kind, at = {0x21: 0x800, 0x57: 0x86DD}.get(int.from_bytes(raw[at + 6 : at + 8], "big"), 0), at + 8
        if kind not in (0x800, 0x86DD):
            return None
    elif link in (SLL, SLL2):
        at = 16 if link == SLL else 20
        if len(raw) < at:
            return None
        mac = raw[6:12] if link == SLL else raw[12:18]
        kind = int.from_bytes(raw[14:16] if link == SLL else raw[0:2], "big")
        while kind in TAGS and at + 4 <= len(raw):
            kind, at = int.from_bytes(raw[at + 2 : at + 4], "big"), at + 4
        if kind not in (0x800, 0x86DD):
            return None
    elif link in (RAW, 12, 14, IPV4, IPV6):
        at = 0
    elif link in (NULL, LOOP):
        at = 4
    elif link == PPP:
        at = 4 if raw[:2] == b"\xff\x03" else 2
    else:
        return None
    version = raw[at] >> 4 if at < len(raw) else 0
    if version == 4:
        return _ipv4(number, time, raw, at, mac, to)
    if version == 6:
        return _ipv6(number, time, raw, at, mac, to)
    return None


def _ipv4(number, time, raw, at, mac, to):
    head = (raw[at] & 15) * 4
    if head < 20 or at + head > len(raw):
        return None
    total, identification, fragment = struct.unpack_from(">HHH", raw, at + 2)
    if fragment & 0x1FFF:
        return None
    source = ".".join(map(str, raw[at + 12 : at + 16]))
    destination = ".".join(map(str, raw[at + 16 : at + 20]))
    total = total or len(raw) - at
    made = Packet(number, time, source, destination, raw[at + 8], identification, "other", mac=mac, next=to)
    return _transport(made, raw[at + 9], raw, at + head, at + total)


def _ipv6(number, time, raw, at, mac, to):
    if at + 40 > len(raw):
        return None
    label = int.from_bytes(raw[at + 1 : at + 4], "big") & 0xFFFFF
    end = at + 40 + int.from_bytes(raw[at + 4 : at + 6], "big")
    kind, here = raw[at + 6], at + 40
    made = Packet(number, time, _six(raw[at + 8 : at + 24]), _six(raw[at + 24 : at + 40]), raw[at + 7], label,
                  "other", mac=mac, next=to)
    while kind in (0, 43, 44, 60) and here + 8 <= len(raw):
        if kind == 44 and int.from_bytes(raw[here + 2 : here + 4], "big") & 0xFFF8:
            return None
        kind, here = raw[here], here + (8 if kind == 44 else (raw[here + 1] + 1) * 8)
    return _transport(made, kind, raw, here, end)


def _six(address):
    import ipaddress

    return str(ipaddress.IPv6Address(address))


def _transport(made, protocol, raw, at, end):
    if protocol == 6 and at + 20 <= len(raw):
        made.kind = "tcp"
        made.sport, made.dport, made.seq, made.ack = struct.unpack_from(">HHII", raw, at)
        head = (raw[at + 12] >> 4) * 4
        made.flags = raw[at + 13]
        made.window = struct.unpack_from(">H", raw, at + 14)[0]
        made.length = max(0, end - at - head)
        option = at + 20
        while option + 1 < min(at + head, len(raw)):
            if raw[option] == 0:
                break
            if raw[option] == 1:
                option += 1
                continue
            if raw[option] == 8:
                made.stamped = True
            option += max(2, raw[option + 1])
    elif protocol == 17 and at + 8 <= len(raw):
        made.kind = "udp"
        made.sport, made.dport = struct.unpack_from(">HH", raw, at)
    elif protocol in (1, 58) and at + 1 <= len(raw):
        made.kind = "echo" if raw[at] in (0, 129) else "icmp"
    return made


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    for number, time, link, raw in frames(data):
        made = packet(number, time, link, raw)
        if made is not None:
            yield made
