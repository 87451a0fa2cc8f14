# SPDX-License-Identifier: Apache-2.0
"""Live frames over a veth: what arrives, what is forwarded, and how much of TCP goes through."""
import json
import subprocess
import time

import traffic
from machine import (Agent, Failure, Namespace, Process, attach_empty, command, connect, detach_empty, is_installed,
                     median, sink)

SECONDS = 2
ROUNDS = 3

ARRIVAL = ("`frame-generator` over a veth (BPF_F_TEST_XDP_LIVE_FRAMES): 64-byte frames, 65,536 flows of 4096 hosts, 1 % SYNs, 0.1 % resets, "
           "as many as go; packets a second that the receiving interface counted, dropped behind the program (tc) so that the stack's "
           "work dilutes nothing. Median of 3 rounds of 2 s in turns. Generator and receiver share a core. Ratios of XDP are to an empty "
           "program that passes, and include the building of the skb, as rstwho passes every packet.")
FORWARD = ("the same frames through a forwarding namespace; packets a second that the far interface received, median of 3 rounds of 2 s in turns.")
STREAM = ("iperf3, one TCP stream of 2 s through the forwarding namespace, offloads as the kernel has them (64 kB packets), median of 3 rounds "
          "in turns. Client, forwarder and server share the machine's cores with the agent. Native XDP costs a veth its offloads, "
          "whatever the program does.")


class Variant:
    """Something that is attached while packets pass; its figures of all rounds."""

    def __init__(self, label, start):
        self.label = label
        self.start = start
        self.rates = []
        self.streams = []
        self.ends = {"seen": 0, "recorded": 0, "shed": 0, "lost": 0}
        self.problems = []
        self.said = ""

    @property
    def rate(self):
        return median(self.rates)

    @property
    def stream(self):
        return median(self.streams)

    def take(self, ledger):
        for end in self.ends:
            self.ends[end] += ledger.of(end)
        self.problems += ledger.problems()

    def fate(self):
        """What became of what was seen, in words."""
        seen = self.ends["seen"]
        if not seen:
            return ""
        parts = [f"{self.ends[end] / seen:.1%} {end}" for end in ("recorded", "shed") if self.ends[end]]
        parts.append(f"{self.ends['lost']:,} lost" if self.ends["lost"] else "0 lost")
        if self.problems:
            parts.append("**ledger does not add up**")
        return ", ".join(parts)


def agent(bench, space, interfaces, hook, *options, prepare=None):
    def start(variant):
        run = Agent(bench.rstwho, space, interfaces, *options, hook=hook)
        if prepare:
            prepare()

        def stop():
            variant.take(run.settled_ledger())
            run.stop()
        return stop
    return start


def empty(space, interface, hook):
    def start(_):
        attach_empty(space, interface, hook)
        return lambda: detach_empty(space, interface, hook)
    return start


def other(space, *words):
    """A program of others. tcpdump tells its losses at its end."""
    def start(variant):
        run = Process(list(words), space)
        # Until it has opened its socket: programs tell that in no common way.
        time.sleep(0.5)
        run.check()

        def stop():
            run.stop()
            variant.said = run.said()
        return stop
    return start


def nothing(_):
    return lambda: None


def shed_all():
    """Every flow is shed: the kernel part parses and counts, and records resets and ICMP errors only."""
    maps = [entry for entry in json.loads(command("bpftool", "-j", "map", "show")) if entry.get("name") == "shedding"]
    if not maps:
        raise Failure("no map 'shedding'")
    newest = max(entry["id"] for entry in maps)
    command("bpftool", "map", "update", "id", str(newest), "key", *["0"] * 4, "value", *["0xff"] * 8, *["0"] * 8)


def take_turns(variants, measure):
    for _ in range(ROUNDS):
        for variant in variants:
            stop = variant.start(variant)
            try:
                measure(variant)
            finally:
                stop()


def run(bench, report):
    arrival(bench, report)
    forward(bench, report)


def arrival(bench, report):
    sender, receiver = Namespace("sender"), Namespace("receiver")
    connect(sender, "out", receiver, "in")
    # A veth takes redirected frames where it has an XDP program or this.
    receiver.run("ethtool", "-K", "in", "gro", "on")
    sink(receiver, "in")
    full = bench.full
    variants = {
        "empty tc": Variant("TC, empty program", empty(receiver, "in", "tc")),
        "tc": Variant("TC, rstwho, everything recorded", agent(bench, receiver, ["in"], "tc", *full)),
        "tc count": Variant("TC, parse and count (all flows shed)", agent(bench, receiver, ["in"], "tc", *full, prepare=shed_all)),
        "tc default": Variant("TC, rstwho as it comes", agent(bench, receiver, ["in"], "tc")),
        "empty xdp": Variant("XDP, empty program", empty(receiver, "in", "xdp")),
        "xdp": Variant("XDP, rstwho, everything recorded", agent(bench, receiver, ["in"], "xdp", *full)),
        "xdp count": Variant("XDP, parse and count (all flows shed)", agent(bench, receiver, ["in"], "xdp", *full, prepare=shed_all)),
        "tcpdump": Variant("tcpdump -w /dev/null -s 128", other(receiver, "tcpdump", "-i", "in", "-w", "/dev/null", "-s", "128")),
        "p0f": Variant("p0f", other(receiver, "p0f", "-i", "in")),
    }
    if not is_installed("bpftool"):
        del variants["tc count"], variants["xdp count"]
    for tool in ("tcpdump", "p0f"):
        if not is_installed(tool):
            report.skip("link", variants.pop(tool).label, "not installed")

    def measure(variant):
        rate, _, _ = traffic.rate(bench.generator, sender, "out", receiver, "in", SECONDS)
        variant.rates.append(rate)

    take_turns(list(variants.values()), measure)
    for name, variant in variants.items():
        base = variants["empty xdp" if "xdp" in name else "empty tc"]
        ratio = variant.rate / base.rate
        figure = f"{variant.rate / 1e6:.2f} Mpps"
        if variant.fate():
            figure += f", {variant.fate()}"
        if name in ("tcpdump", "p0f"):
            figure += dropped(variant)
        target, met = "", None
        if name in ("tc", "xdp"):
            target, met = "≥ 0.85, 0 lost", ratio >= 0.85 and not variant.ends["lost"]
        report.add("link", variant.label, ratio=f"{ratio:.2f} × empty program", figure=figure, target=target, met=met, how=ARRIVAL)
        count = variants.get(f"{name} count")
        if count:
            part = variant.rate / count.rate
            report.add(
                "link", f"{variant.label}, against parse and count", ratio=f"{part:.2f} × parse and count", target="≥ 0.96",
                met=part >= 0.96, how=ARRIVAL)
    sender.delete()
    receiver.delete()


def dropped(variant):
    """What tcpdump says that the kernel dropped of the last round."""
    lines = [line for line in variant.said.splitlines() if "packets" in line]
    numbers = {line.split(" packets ")[1]: int(line.split()[0]) for line in lines if " packets " in line}
    captured, lost = numbers.get("captured"), numbers.get("dropped by kernel")
    if captured is None or lost is None or not captured + lost:
        return ""
    return f", {lost / (captured + lost):.0%} lost"


def forward(bench, report):
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
            ratio = value(variant) / value(base)
            report.add(
                "forwarding", f"{what}, {variant.label}", ratio=f"{ratio:.2f} × nothing attached",
                figure=f"{value(variant):.2f} {unit}" + (f", {variant.fate()}" if variant.fate() and what == "frames" else ""),
                target="≥ 0.95" if name in ("tc", "full") else "", met=ratio >= 0.95 if name in ("tc", "full") else None, how=how)
    for space in (client, router, server):
        space.delete()


def stream(client, seconds=SECONDS):
    """Bits a second of one TCP stream."""
    for _ in range(5):
        result = subprocess.run(
            ["ip", "netns", "exec", client.name, "iperf3", "-c", "10.9.2.2", "-t", str(seconds), "-J"],
            capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return json.loads(result.stdout)["end"]["sum_received"]["bits_per_second"]
        time.sleep(0.5)
    raise Failure(f"iperf3: {result.stdout[-300:]} {result.stderr}")
