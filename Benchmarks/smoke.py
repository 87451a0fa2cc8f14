#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What of the benchmark holds on any machine and beside anything: ratios with wide margins, allocations, and the ledger. No seconds.

    Benchmarks/smoke.py DEBUG-DIRECTORY RELEASE-DIRECTORY

The first has rstwho, kernel-bench and frame-generator, the second has engine-bench. Prints a line for what failed and closes with
`N passed, N failed, N skipped`; status 77 where it cannot run.
"""
import os
import signal
import sys
import time

import engine
import kernel
import traffic
from machine import Agent, Failure, Namespace, connect, prepare, sink


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, what, holds, figures=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"failed: {what}: {figures}")


def check_kernel(checks, directory):
    found = kernel.figures(directory, 3)
    for hook in ("xdp", "tc"):
        empty, recorded, shed = found[f"empty_{hook}"], found[f"{hook}_ipv4"], found[f"{hook}_shed"]
        checks.check(
            f"{hook}: a recorded packet costs less than 8 empty programs", 0 < recorded < 8 * empty, f"{recorded} ns, {empty} ns")
        checks.check(
            f"{hook}: a shed packet costs no more than a recorded one", shed < recorded * 1.3 + 5, f"{shed} ns, {recorded} ns")
        many = found[f"{hook}_sources_16m"]
        checks.check(
            f"{hook}: 16 M sources cost what one costs", many < recorded * 1.6 + 20, f"{many} ns, {recorded} ns")
        count = found[f"{hook}_instructions"]
        checks.check(f"{hook}: fewer than 100,000 instructions are verified", 0 < count < 100_000, count)
    checks.check(
        "a forwarded packet that is skipped costs less than a recorded one", found["tc_forwarded"] < found["tc_ipv4"],
        f"{found['tc_forwarded']} ns, {found['tc_ipv4']} ns")


def check_engine(checks, directory):
    # Findings are made of the heap: what a case's 0.1 % resets cost is in it.
    limits = {"uniform-1k": 0.05, "uniform-50k": 0.05, "bulk-50k": 0.001, "handshakes-50k": 0.001}
    found = engine.figures(directory, "--records", str(1 << 19), *limits, "random-50k")
    for case, limit in limits.items():
        count = found[f"engine.{case}.allocations"]
        checks.check(f"engine, {case}: at most {limit} allocations a record", count <= limit, count)
    few, many = found["engine.uniform-1k.rate"], found["engine.uniform-50k.rate"]
    checks.check("engine: 50 k flows cost less than 10 times what 1 k cost", many > few / 10, f"{many} and {few} M/s")
    friendly, hostile = found["engine.uniform-50k.rate"], found["engine.random-50k.rate"]
    checks.check("engine: random numbers cost less than 8 times what friendly traffic costs", hostile > friendly / 8,
                 f"{hostile} and {friendly} M/s")
    checks.check("engine: a flow has at most 192 bytes", found["engine.memory.flow"] <= 192, found["engine.memory.flow"])
    checks.check("engine: a host has at most 128 bytes", found["engine.memory.host"] <= 128, found["engine.memory.host"])


def check_ledger(checks, directory, hook):
    """At full rate, and with the agent stopped for a moment so that packets are lost."""
    sender, receiver = Namespace("sender"), Namespace("receiver")
    connect(sender, "out", receiver, "in")
    receiver.run("ethtool", "-K", "in", "gro", "on")
    sink(receiver, "in")
    agent = Agent(os.path.join(directory, "rstwho"), receiver, ["in"], hook=hook)
    run = traffic.flood(os.path.join(directory, "frame-generator"), sender, "out", receiver.mac("in"), 2)
    time.sleep(0.7)
    os.kill(agent.pid, signal.SIGSTOP)
    time.sleep(0.7)
    os.kill(agent.pid, signal.SIGCONT)
    packets, _ = traffic.made(run)
    ledger = agent.settled_ledger(60)
    checks.check(f"ledger, {hook}: packets are seen", 0 < ledger.of("seen") <= packets, f"{ledger.of('seen')} of {packets}")
    checks.check(f"ledger, {hook}: an overload loses or sheds packets", ledger.of("lost") + ledger.of("shed") > 0, ledger.total)
    checks.check(f"ledger, {hook}: every packet is accounted for", not ledger.problems(), "; ".join(ledger.problems()))
    agent.stop()
    sender.delete()
    receiver.delete()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    prepare()
    debug, release = (os.path.realpath(path) for path in sys.argv[1:])
    checks = Checks()
    for what in (
            lambda: check_kernel(checks, debug), lambda: check_engine(checks, release),
            lambda: check_ledger(checks, debug, "tc"), lambda: check_ledger(checks, debug, "xdp")):
        try:
            what()
        except Failure as failure:
            checks.check("it runs", False, failure)
    print(f"{checks.passed} passed, {checks.failed} failed, 0 skipped")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
