# SPDX-License-Identifier: Apache-2.0
"""What a forwarding machine loses: frames and TCP through a namespace that routes."""
import json
import subprocess
import time

import traffic
from machine import Failure, Namespace, Process, connect, is_installed
from variants import SECONDS, Variant, agent, empty, nothing, other, take_turns

FORWARD = ("the same frames through a forwarding namespace; packets a second that the far interface received, medians of 5 rounds of 1 s in turns, ratios of the two figures of a round.")
STREAM = ("iperf3, one TCP stream of 2 s through the forwarding namespace, offloads as the kernel has them (64 kB packets), 5 rounds in turns "
          "as before. Client, forwarder and server share the machine's cores with the agent. Native XDP costs a veth its offloads, "
          "whatever the program does.")


def run(bench, report):
    client, router, server = Namespace("client"), Namespace("router", forwards=True), Namespace("server")
    connect(client, "eth0", router, "in", "10.9.1")
    connect(router, "out", server, "eth0", "10.9.2")
    client.ip("route", "add", "default", "via", "10.9.1.2")
    server.ip("route", "add", "default", "via", "10.9.2.1")
    # Where the generator's frames go.
    router.ip("route", "add", "10.1.0.0/24", "via", "10.9.2.2")
    both = ["in", "out"]
    variants = {
        "nothing": Variant("nothing attached", nothing),
        # What it costs to have anything there.
        "empty": Variant("TC, empty program on both ingresses", empty(router, both, "tc")),
        "tc": Variant("TC, rstwho as it comes", agent(bench, router, both, "tc")),
        "full": Variant("TC, rstwho, everything recorded", agent(bench, router, both, "tc", *bench.full)),
        "xdp": Variant("XDP, rstwho as it comes", agent(bench, router, both, "xdp")),
        "tcpdump": Variant("tcpdump -w /dev/null -s 128", other(router, "tcpdump", "-i", "in", "-w", "/dev/null", "-s", "128")),
    }
    if not bench.full:
        del variants["full"]
    if not is_installed("tcpdump"):
        report.skip("forwarding", variants.pop("tcpdump").label, "not installed")
    has_stream = is_installed("iperf3")
    if has_stream:
        Process(["iperf3", "-s"], server)
    else:
        report.skip("forwarding", "TCP throughput", "iperf3 is not installed")

    def measure(variant):
        if has_stream:
            variant.streams.append(stream(client))
        router.run("ethtool", "-K", "in", "gro", "on")
        rate, _, _ = traffic.rate(
            bench.generator, client, "eth0", router, "in", SECONDS, arrival=(server, "eth0"))
        variant.rates.append(rate)
        router.run("ethtool", "-K", "in", "gro", "off")

    # The first connection resolves addresses.
    if has_stream:
        stream(client, 1)
    take_turns(list(variants.values()), measure)
    base = variants["nothing"]
    for what, value, how, unit in (
            ("frames", lambda one: one.rate / 1e6, FORWARD, "Mpps"),
            ("TCP", lambda one: one.stream / 1e9 if has_stream else 0, STREAM, "Gbit/s")):
        if what == "TCP" and not has_stream:
            continue
        for name, variant in variants.items():
            ratio = variant.ratio(base, "rates" if what == "frames" else "streams")
            report.add(
                "forwarding", f"{what}, {variant.label}", ratio=f"{ratio:.2f} × nothing attached",
                figure=f"{value(variant):.2f} {unit}" + (f", {variant.fate()}" if variant.fate() and what == "frames" else ""),
                target="≥ 0.95" if name in ("tc", "full") else "", met=ratio >= 0.95 if name in ("tc", "full") else None, how=how)
    for space in (client, router, server):
        space.delete()


def stream(client, seconds=2):
    """Bits a second of one TCP stream."""
    for _ in range(5):
        result = subprocess.run(
            ["ip", "netns", "exec", client.name, "iperf3", "-c", "10.9.2.2", "-t", str(seconds), "-J"],
            capture_output=True, text=True, check=False)
        # A server that has not begun to listen is an answer without figures, whatever the status.
        received = json.loads(result.stdout or "{}").get("end", {}).get("sum_received")
        if result.returncode == 0 and received:
            return received["bits_per_second"]
        time.sleep(0.5)
    raise Failure(f"iperf3: {result.stdout[-300:]} {result.stderr}")
