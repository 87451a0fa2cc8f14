# SPDX-License-Identifier: Apache-2.0
"""A long wire: a bridge of two interfaces that hands every frame on a while later, and a machine beside the path."""

import collections
import ctypes
import os
import select
import signal
import socket
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
PR_SET_PDEATHSIG = 1


def connect(machine, interface, other, other_interface):
    machine.run(
        "ip", "link", "add", interface, "type", "veth", "peer", "name", other_interface, "netns", other.name
    )
    for end, name in ((machine, interface), (other, other_interface)):
        end.run("ethtool", "-K", name, "tx", "off", "gro", "off")
        end.run("ip", "link", "set", name, "up")


def lengthen(lab, delay):
    """Puts a wire that takes `delay` seconds each way between the last router and the server."""
    far, wire = lab.machines["far"], lab.machines["extra"]
    far.run("ip", "link", "set", "eth1", "netns", wire.name)
    wire.run("ip", "link", "set", "eth1", "name", "to-server")
    wire.run("ip", "link", "set", "to-server", "up")
    connect(far, "eth1", wire, "to-router")
    far.alias("10.4.0.1", "eth1")
    far.alias("fd00:4::1", "eth1")
    ends = []
    for interface in ("to-server", "to-router"):
        end = wire.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.bind((interface, ETH_P_ALL))
        ends.append(end)
    parent = os.getpid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            _carry(ends, delay)
        os._exit(0)


def _carry(ends, delay):
    others = {ends[0].fileno(): ends[1], ends[1].fileno(): ends[0]}
    waiting = collections.deque()
    poller = select.poll()
    for end in ends:
        poller.register(end, select.POLLIN)
    while True:
        wait = 1.0 if not waiting else max(0.0, waiting[0][0] - time.monotonic())
        for descriptor, _ in poller.poll(wait * 1000):
            frame, address = ends[0 if descriptor == ends[0].fileno() else 1].recvfrom(65535)
            if address[2] != PACKET_OUTGOING:
                waiting.append((time.monotonic() + delay, others[descriptor], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, end, frame = waiting.popleft()
            end.send(frame)


def place_beside(lab):
    """Connects the outsider with the first router. What it sends in another's name is not filtered."""
    near, outsider = lab.machines["near"], lab.machines["outsider"]
    connect(near, "eth2", outsider, "eth0")
    near.alias("10.9.0.1", "eth2")
    near.alias("fd00:9::1", "eth2")
    outsider.alias("10.9.0.2", "eth0")
    outsider.alias("fd00:9::2", "eth0")
    outsider.run("ip", "route", "add", "default", "via", "10.9.0.1")
    outsider.run("ip", "-6", "route", "add", "default", "via", "fd00:9::1")
    for name in ("all", "eth2"):
        near.set(f"net.ipv4.conf.{name}.rp_filter", "0")
