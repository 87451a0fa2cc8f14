# SPDX-License-Identifier: Apache-2.0
"""What the kernel part costs a packet."""
import os

from machine import ROOT, command

HOW = ("`kernel-bench`: BPF_PROG_TEST_RUN of the loaded programs, bursts of 512 packets (128 with headers) that fit into the ring, which is "
       "emptied between bursts; every packet is recorded, checked by the ledger. Net of an empty program beside it, median of 15 rounds. "
       "One core, the packet and its ring in the cache.")
SOURCES = ("as before; the source address is changed in front of the program by one that then calls it (bpf_tail_call); what that costs "
           "is measured with the empty program and taken off.")


def figures(directory, rounds):
    """kernel-bench's lines: numbers by name."""
    text = command(os.path.join(directory, "kernel-bench"), os.path.join(ROOT, "build/rstwho.bpf.o"), str(rounds))
    return {name: float(value) for name, value, _ in (line.split() for line in text.splitlines())}


ROWS = [
    ("xdp_ipv4", "XDP, plain TCP over IPv4, recorded", 30),
    ("xdp_ipv6", "XDP, plain TCP over IPv6, recorded", 38),
    ("xdp_qinq", "XDP, two VLAN tags, recorded", None),
    ("xdp_syn", "XDP, SYN, recorded with its headers", None),
    ("xdp_rst", "XDP, RST, recorded with its headers", None),
    ("xdp_shed", "XDP, packet of a shed flow", 20),
    ("xdp_shed_ipv6", "XDP, packet of a shed flow, IPv6", None),
    ("tc_ipv4", "TC, plain TCP over IPv4, recorded", 30),
    ("tc_ipv6", "TC, plain TCP over IPv6, recorded", 38),
    ("tc_syn", "TC, SYN, recorded with its headers", None),
    ("tc_rst", "TC, RST, recorded with its headers", None),
    ("tc_shed", "TC, packet of a shed flow", 20),
    ("tc_forwarded", "TC egress, forwarded packet, skipped", None),
]


def run(bench, report):
    found = figures(bench.directory, 15)
    for name, what, target in ROWS:
        net = found[name]
        empty = found["empty_xdp" if name.startswith("xdp") else "empty_tc"]
        report.add(
            "kernel", what, ratio=f"{net / empty:.1f} × empty program ({empty:.0f} ns)", figure=f"{net:.1f} ns",
            target=f"≤ {target} ns" if target else "", met=net <= target if target else None, how=HOW)
    for hook, name in (("XDP", "xdp"), ("TC", "tc")):
        one = found["xdp_sources_1"] if name == "xdp" else found["tc_ipv4"]
        for sources, count in (("1m", "1 M"), ("16m", "16 M")):
            net = found.get(f"{name}_sources_{sources}")
            if net is not None:
                report.add(
                    "kernel", f"{hook}, {count} distinct sources", ratio=f"{net / one:.2f} × one source", figure=f"{net:.1f} ns",
                    target="flat", met=net <= one * 1.1 + 2, how=SOURCES)
    for name, hook in (("xdp", "XDP"), ("tc", "TC ingress")):
        count = found[f"{name}_instructions"]
        report.add(
            "kernel", f"{hook}, verified instructions", figure=f"{count:,.0f}", target="< 100,000", met=count < 100_000,
            how="the running kernel's own count; `make test-kernels` has those of Debian's kernels and of both compilers.")
