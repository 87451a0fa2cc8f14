# SPDX-License-Identifier: Apache-2.0
"""Frames of our own generator over a veth, and what arrived of them."""
import re
import time

from machine import Failure, Process

# The mix of the benchmarks: 64-byte frames (60 and the check sequence), of 65,536 frames 655 SYNs and 65 resets.
MIX = {"bytes": 60, "flows": 65536, "hosts": 4096, "handshakes": 655, "resets": 65}


def flood(generator, sender, interface, receiver_mac, seconds, **changes):
    """Starts the generator; `made` waits for its end."""
    options = {**MIX, **changes, "seconds": seconds}
    return Process(
        [generator, interface, receiver_mac, *(f"{name}={value}" for name, value in options.items())], sender,
        stdout=-1)


def made(generator):
    """Packets that the generator made, and in how many seconds."""
    text = generator.process.stdout.read().decode()
    generator.process.wait()
    if generator.process.returncode:
        raise Failure(f"frame-generator: {generator.said().strip()}")
    generator.stop()
    found = re.match(r"(\d+) packets in ([\d.]+) s", text)
    return int(found[1]), float(found[2])


def rate(generator, sender, interface, receiver, receiver_interface, seconds, mac=None, arrival=None, **changes):
    """Packets a second that an interface received, and packets made and arrived."""
    space, name = arrival or (receiver, receiver_interface)
    before = space.counter(name, "rx_packets")
    run = flood(generator, sender, interface, mac or receiver.mac(receiver_interface), seconds, **changes)
    packets, duration = made(run)
    time.sleep(0.05)
    arrived = space.counter(name, "rx_packets") - before
    return arrived / duration, packets, arrived
