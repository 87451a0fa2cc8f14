# SPDX-License-Identifier: Apache-2.0
"""What a lab has to be wired with where the kernel has no device for it: a long wire, a mirror port, a GENEVE tunnel.

Each is a process of its own that ends with the one that started it.
"""

import collections
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
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
    _start(lambda: _carry(ends, delay))


def _start(work):
    """Runs `work` in a process that ends with this one."""
    parent = os.getpid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            work()
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


def mirror(machine, interfaces, port):
    """Shows at `port` every frame that passes one of the interfaces, in and out, in that order."""
    out = machine.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.bind((port, 0))
    # One socket for all interfaces keeps the order.
    tap = machine.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))

    def work():
        while True:
            frame, address = tap.recvfrom(65535)
            if address[0] in interfaces:
                out.send(frame)

    _start(work)


def geneve(ends, identifier):
    """A tunnel between two machines, each given with its own address; both get a device `geneve`."""
    GENEVE, ETHERNET = 6081, 0x6558
    TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
    header = struct.pack("!BBHI", 0, 0, ETHERNET, identifier << 8)
    pairs = []
    for machine, address in ends:
        with machine.inside():
            device = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"geneve", IFF_TAP | IFF_NO_PI))
        machine.run("ip", "link", "set", "geneve", "mtu", "1450", "up")
        outer = machine.socket(socket.AF_INET, socket.SOCK_DGRAM)
        outer.bind((address, GENEVE))
        pairs.append((device, outer))
    for (_, outer), (_, address) in zip(pairs, reversed(ends)):
        outer.connect((address, GENEVE))

    def work():
        poller = select.poll()
        for device, outer in pairs:
            poller.register(device, select.POLLIN)
            poller.register(outer, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poller.poll()}
            for device, outer in pairs:
                if device in ready:
                    outer.send(header + os.read(device, 65535))
                if outer.fileno() in ready:
                    os.write(device, outer.recv(65535)[len(header) :])

    _start(work)
