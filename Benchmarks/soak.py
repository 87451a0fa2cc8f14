#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lets the agent work for minutes under everything that a link does to it, and asserts that its memory stays flat and that every
packet is accounted for.

    Benchmarks/soak.py DIRECTORY MINUTES

Half of the time with the hook TC, half with XDP. A cycle: full rate; bursts with pauses; the interface down and up in the middle of it;
the agent stopped for a second (SIGSTOP) at full rate, so that rings overflow. After each cycle nothing is sent until the rings are empty,
and then seen = skipped + recorded + shed + refused + lost and recorded = consumed hold exactly, by interface and in total, in the API as
in the metrics.
"""
import os
import re
import signal
import sys
import time

import traffic
from machine import Agent, Failure, Namespace, connect, prepare, sink

# Memory after the first third of the time may grow by so much.
GROWTH = 1.03
SLACK = 4 << 20


class Soak:
    def __init__(self, directory, hook):
        self.generator = os.path.join(directory, "frame-generator")
        self.hook = hook
        self.sender, self.receiver = Namespace("sender"), Namespace("receiver")
        connect(self.sender, "out", self.receiver, "in")
        self.receiver.run("ethtool", "-K", "in", "gro", "on")
        sink(self.receiver, "in")
        self.mac = self.receiver.mac("in")
        self.agent = Agent(os.path.join(directory, "rstwho"), self.receiver, ["in"], hook=hook)
        self.first = 0
        self.problems = []
        self.samples = []

    def flood(self, seconds):
        self.first += 1 << 24
        return traffic.flood(
            self.generator, self.sender, "out", self.mac, seconds, first=self.first % (1 << 32), hosts=65536)

    def sample(self):
        self.agent.check()
        self.samples.append((time.monotonic(), self.agent.memory()))

    def wait(self, run):
        """Until a generator has ended; memory is looked at every second."""
        while run.process.poll() is None:
            self.sample()
            time.sleep(1)
        return traffic.made(run)

    def cycle(self):
        self.wait(self.flood(6))
        for _ in range(3):
            self.wait(self.flood(1))
            time.sleep(0.5)
        run = self.flood(3)
        time.sleep(1)
        self.receiver.ip("link", "set", "in", "down")
        time.sleep(0.5)
        self.receiver.ip("link", "set", "in", "up")
        self.wait(run)
        run = self.flood(3)
        time.sleep(1)
        os.kill(self.agent.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(self.agent.pid, signal.SIGCONT)
        self.wait(run)
        return self.check()

    def check(self):
        ledger = self.agent.settled_ledger()
        self.sample()
        self.problems += ledger.problems()
        _, body = self.agent.get("/metrics")
        counted = sums(body.decode())
        for metric, end in (
                ("rstwho_records_total", "recorded"), ("rstwho_records_lost_total", "lost"),
                ("rstwho_records_shed_total", "shed"), ("rstwho_packets_refused_total", "refused")):
            if counted.get(metric, 0) != ledger.of(end):
                self.problems.append(f"{metric} is {counted.get(metric)}, the ledger has {ledger.of(end)} {end}")
        return ledger

    def grown(self, start, end):
        """What memory did between the first third of the time and its end; `None` where it is flat."""
        third = start + (end - start) / 3
        before = max(memory for moment, memory in self.samples if moment <= third)
        after = max(memory for moment, memory in self.samples if moment > third)
        if after > before * GROWTH + SLACK:
            return f"memory grew from {before >> 20} to {after >> 20} MiB"
        return None


def sums(metrics):
    """The sum of each metric's series."""
    found = {}
    for name, value in re.findall(r"^(\w+)(?:\{[^}]*\})? (\S+)$", metrics, re.MULTILINE):
        found[name] = found.get(name, 0) + float(value)
    return found


def run(directory, hook, seconds):
    soak = Soak(directory, hook)
    start = time.monotonic()
    number = 0
    while number < 2 or time.monotonic() < start + seconds:
        number += 1
        ledger = soak.cycle()
        print(f"{hook} {number}: " + ", ".join(
            f"{ledger.of(end):,} {end}" for end in ("seen", "recorded", "shed", "lost")) +
            f", resets lost {ledger.sum(ledger.total['lost']['reset']):,}, {soak.samples[-1][1] >> 20} MiB", flush=True)
    if not ledger.of("lost") + ledger.of("shed"):
        soak.problems.append("nothing was lost and nothing shed: this was no overload")
    grown = soak.grown(start, time.monotonic())
    if grown:
        soak.problems.append(grown)
    soak.agent.stop()
    soak.sender.delete()
    soak.receiver.delete()
    return [f"{hook}: {problem}" for problem in soak.problems]


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit() or not 1 <= int(sys.argv[2]) <= 10_000:
        sys.exit(__doc__)
    prepare()
    directory, seconds = os.path.realpath(sys.argv[1]), int(sys.argv[2]) * 60
    problems = []
    for hook in ("tc", "xdp"):
        try:
            problems += run(directory, hook, seconds / 2)
        except Failure as failure:
            problems.append(f"{hook}: {failure}")
    for problem in problems:
        print(f"failed: {problem}")
    if not problems:
        print("memory is flat, and every packet is accounted for")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
