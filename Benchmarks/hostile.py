# SPDX-License-Identifier: Apache-2.0
"""What the captures cost that a reader finds hardest, beside a friendly one and beside other readers."""
import os

from files import read
from machine import command, is_installed, median, scratch

PACKETS = 1_000_000
ROUNDS = 3
KINDS = {
    "random": "random sequence numbers: all looks sent again; 1 in 100 is a reset",
    "doubled": "a mirror that shows each packet before and behind a router",
    "syns": "SYNs only, each of a connection of its own",
    "pairs": "connections of two packets",
    "resets-1": "friendly, 1 in 100 packets a reset of an open connection",
    "resets-10": "10 in 100",
    "resets-100": "resets only",
    "errors": "ICMP errors only",
    "fragments": "fragments of 8 bytes",
}
HOW = ("`capture-generator FILE 1000000 KIND`, in the page cache; wall clock of the whole process, output to /dev/null, median of 3 rounds in "
       "turns; the friendly capture is read in the same rounds. tcpdump prints the resets, p0f says nothing of them.")


def readers(bench, capture):
    return {
        "rstwho": [bench.rstwho, "read", capture, "--format", "json"],
        "p0f": ["p0f", "-r", capture],
        "tcpdump": ["tcpdump", "-n", "-r", capture, "tcp[tcpflags] & tcp-rst != 0"],
    }


def run(bench, report):
    captures = {}
    for kind in ["friendly", *KINDS]:
        captures[kind] = os.path.join(scratch(), f"{kind}.pcap")
        command(os.path.join(bench.directory, "capture-generator"), captures[kind], str(PACKETS), kind)
    seconds = {}
    for _ in range(ROUNDS):
        for kind, capture in captures.items():
            for name, words in readers(bench, capture).items():
                if name == "rstwho" or is_installed(name):
                    seconds.setdefault((kind, name), []).append(read(words)[0])
    rates = {key: PACKETS / median(values) for key, values in seconds.items()}
    friendly = rates["friendly", "rstwho"]
    report.add("hostile", "friendly", ratio="1", figure=f"{friendly / 1e6:.3g} M packets/s", how=HOW)
    for kind, what in KINDS.items():
        own = rates[kind, "rstwho"]
        others = [f"{own / rates[kind, name]:.3g} × {name}" for name in ("p0f", "tcpdump") if (kind, name) in rates]
        # What is told of every packet cannot be as fast as what is told of none.
        target = None if kind in ("resets-10", "resets-100") else 0.25
        report.add(
            "hostile", f"{kind}: {what}", ratio=f"{own / friendly:.3g} of friendly",
            figure=", ".join([f"{own / 1e6:.3g} M packets/s", *others]), target=f"≥ {target}" if target else "",
            met=own / friendly >= target if target else None, how=HOW)
    for capture in captures.values():
        os.remove(capture)
