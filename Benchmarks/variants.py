# SPDX-License-Identifier: Apache-2.0
"""What is attached to a link while packets pass, one after the other and all over again, and what became of the packets."""
import json
import os
import subprocess
import time

from machine import ROOT, Agent, Failure, Process, attach_empty, command, detach_empty, median

SECONDS = 1
ROUNDS = 5


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

    def ratio(self, base, what="rates"):
        """To another variant's figures, round by round: what drifts on the machine drifts for both."""
        return median([one / other for one, other in zip(getattr(self, what), getattr(base, what))])

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


def empty(space, interfaces, hook, program=None):
    def start(_):
        for interface in interfaces:
            attach_empty(space, interface, hook, program)

        def stop():
            for interface in interfaces:
                detach_empty(space, interface, hook)
        return stop
    return start


def dropping(bench, space, interface, mode):
    """The kernel part alone; in mode `shed` it parses and counts."""
    def start(variant):
        run = Process(
            [os.path.join(bench.directory, "kernel-bench"), os.path.join(ROOT, "build/dropping.bpf.o"), mode, interface], space,
            stdout=subprocess.PIPE)
        if run.process.stdout.readline() != b"ready\n":
            raise Failure(f"kernel-bench: {run.said()}")

        def stop():
            run.stop()
            for line in run.process.stdout.read().decode().splitlines():
                name, count, _ = line.split()
                if name in variant.ends:
                    variant.ends[name] += int(count)
        return stop
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


def dropped_by(variant):
    """What tcpdump says that the kernel dropped of the last round."""
    lines = [line for line in variant.said.splitlines() if "packets" in line]
    numbers = {line.split(" packets ")[1]: int(line.split()[0]) for line in lines if " packets " in line}
    captured, lost = numbers.get("captured"), numbers.get("dropped by kernel")
    if captured is None or lost is None or not captured + lost:
        return ""
    return f", {lost / (captured + lost):.0%} lost"
