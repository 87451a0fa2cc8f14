# SPDX-License-Identifier: Apache-2.0
"""From a reset on the wire to the finding that has its proof."""
import json
import os
import select
import socket
import struct
import subprocess
import threading
import time

import traffic
from machine import Agent, Failure, Namespace, connect, sink

PORT = 22
SO_TIMESTAMPNS = 35

HOW = ("a forwarding namespace gets SYNs to a closed port of its own and answers with resets; from the kernel's time stamp of the reset at the client "
       "(SO_TIMESTAMPNS) to the moment when the finding's line, whose proof is the kernel's own event, is read from `watch --format json`. So "
       "the capture, the engine, the writing and the reader's wake-up are all in it. 300 resets, one every 20 ms. Findings that rest on evidence instead of a proof "
       "wait for the settle time, two seconds, on purpose.")
BUSY = ("as before, while the generator floods another interface of the same namespace with as many 64-byte frames as go, 0.1 % resets among them; the agent as it comes, "
        "so that it sheds what it has no time for. The reader has real-time priority, so that its own waiting is not measured.")
FILTER = ("as before, idle, of connections that the packet filter rejects in a server's name; the proof is the egress hook. The finding names the rule, for which "
          "the ruleset is read beside the capture, at most five times a second: 40 resets, one every 0.3 s.")


class Series:
    """Resets that are drawn one after the other."""

    def __init__(self, destination, sender, connections, pause):
        self.destination = destination
        self.sender = sender
        self.connections = connections
        self.pause = pause


CLOSED = Series("10.9.1.2", "host_kernel", 300, 0.02)
REJECTED = Series("10.9.2.2", "this_machine", 40, 0.3)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def syn(source_mac, destination_mac, destination, port):
    """A SYN from the client."""
    addresses = socket.inet_aton("10.9.1.1") + socket.inet_aton(destination)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0) + addresses
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    tcp = struct.pack("!HHIIBBHHH", port, PORT, port * 1000, 0, 0x50, 2, 64240, 0, 0)
    tcp = tcp[:16] + struct.pack("!H", checksum(addresses + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
    ethernet = bytes.fromhex(destination_mac.replace(":", "") + source_mac.replace(":", "")) + b"\x08\x00"
    return ethernet + header + tcp


class Wire:
    """The client's end: sends SYNs, and notes when resets come back."""

    def __init__(self, client, interface, router_mac):
        with client.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind((interface, 0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.macs = client.mac(interface), router_mac
        self.resets = {}

    def send(self, destination, port):
        self.socket.send(syn(*self.macs, destination, port))

    def receive(self):
        while True:
            try:
                frame, extras, *_ = self.socket.recvmsg(128, 256)
            except BlockingIOError:
                return
            if len(frame) < 54 or frame[23] != 6 or not frame[47] & 4:
                continue
            source, destination = struct.unpack("!HH", frame[34:38])
            for level, kind, data in extras:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and source == PORT:
                    seconds, nanoseconds = struct.unpack("qq", data)
                    self.resets[destination] = seconds * 10**9 + nanoseconds


def delays(agent, wire, series):
    """Milliseconds for each connection whose reset was seen and told."""
    told, rest = {}, b""
    lines = agent.process.stdout.fileno()
    os.set_blocking(lines, False)
    start = time.monotonic()
    sent, end = 0, start + series.connections * series.pause + 5
    wanted = f'"{series.sender}"'.encode()
    while time.monotonic() < end and len(told) < series.connections:
        while sent < series.connections and time.monotonic() >= start + sent * series.pause:
            wire.send(series.destination, 20000 + sent)
            sent += 1
        ready, _, _ = select.select([lines, wire.socket], [], [], 0.005)
        if lines in ready:
            part = os.read(lines, 1 << 20)
            now = time.time_ns()
            if not part:
                raise Failure(f"the agent has ended: {agent.said()}")
            *whole, rest = (rest + part).split(b"\n")
            for line in whole:
                if wanted in line:
                    finding = json.loads(line)
                    if finding["src"] == series.destination:
                        told.setdefault(finding["dst_port"], now)
        if wire.socket in ready:
            wire.receive()
    return sorted((told[port] - time_of_reset) / 1e6 for port, time_of_reset in wire.resets.items() if port in told)


def drain(agent):
    """Reads on to the end of the agent's output, which nobody looks at any more."""
    os.set_blocking(agent.process.stdout.fileno(), True)
    threading.Thread(target=agent.process.stdout.read, daemon=True).start()


def quantile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def build():
    client, router, server, flood = (
        Namespace("client"), Namespace("router", forwards=True), Namespace("server"), Namespace("sender"))
    connect(client, "eth0", router, "in", "10.9.1")
    connect(router, "out", server, "eth0", "10.9.2")
    connect(flood, "eth0", router, "other")
    client.ip("route", "add", "default", "via", "10.9.1.2")
    router.run("ethtool", "-K", "other", "gro", "on")
    sink(router, "other")
    router.run("nft", f"""table inet filter {{
        chain forward {{
            type filter hook forward priority filter; policy accept;
            tcp dport {PORT} counter reject with tcp reset
        }}
    }}""")
    # Addresses are resolved before anything is measured.
    subprocess.run(["ip", "netns", "exec", client.name, "ping", "-c", "1", "-W", "2", "10.9.1.2"], capture_output=True, check=False)
    return client, router, server, flood


def run(bench, report):
    spaces = client, router, _, flood = build()
    for what, series, is_busy, how in (
            ("idle", CLOSED, False, HOW), ("at full rate", CLOSED, True, BUSY), ("with the filter's rule", REJECTED, False, FILTER)):
        agent = Agent(bench.rstwho, router, ["in", "out", "other"], "--no-group", stdout=subprocess.PIPE)
        wire = Wire(client, "eth0", router.mac("in"))
        generator = None
        policy = os.sched_getscheduler(0), os.sched_getparam(0)
        if is_busy:
            generator = traffic.flood(
                bench.generator, flood, "eth0", router.mac("other"), int(series.connections * series.pause) + 4)
            time.sleep(2)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        try:
            found = delays(agent, wire, series)
        finally:
            os.sched_setscheduler(0, *policy)
            wire.socket.close()
            if generator:
                traffic.made(generator)
        drain(agent)
        ledger = agent.settled_ledger()
        agent.stop()
        if len(wire.resets) < series.connections * 0.9:
            raise Failure(f"latency: of {series.connections} connections {len(wire.resets)} were reset")
        missing = len(wire.resets) - len(found)
        p99 = quantile(found, 0.99) if found else float("inf")
        figure = f"{quantile(found, 0.5):.1f} / {p99:.1f} / {found[-1]:.1f} ms" if found else "no finding"
        if missing:
            figure += f", {missing} of {len(wire.resets)} not told"
        if is_busy:
            figure += f", {ledger.of('seen') / 1e6:.1f} M packets seen, {ledger.of('shed') / max(1, ledger.of('seen')):.0%} shed"
        report.add(
            "latency", f"RST on the wire to its finding, {what}: p50 / p99 / max", figure=figure,
            target="p99 ≤ 50 ms" if series is CLOSED else "", met=p99 <= 50 and not missing if series is CLOSED else None, how=how)
    for space in spaces:
        space.delete()
