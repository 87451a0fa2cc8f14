# SPDX-License-Identifier: Apache-2.0
"""What the agent takes of a core at full rate, and what it gives up to stay within its budget."""
import time

import traffic
from machine import Agent, Namespace, connect, sink
from variants import Variant

# The budget is one on average: a second of it may be taken at once, and the levels find their place within a second or two.
SETTLES = 4
SECONDS = 10
# Clock ticks of the measurement's two ends, and the windows that the agent itself measures by.
SLACK = 0.1

HOW = ("`watch` on TC while `frame-generator` makes as many frames as go (as on the link): processor time over 10 s as a share of one core, from "
       "the 4th second on. The budget is of the thread that looks at packets; what the other threads take, here for printing 1,000 resets a "
       "second, is beside it. The programs in the kernel run in the time of whoever receives, here the generator.")


def run(bench, report):
    sender, receiver = Namespace("sender"), Namespace("receiver")
    connect(sender, "out", receiver, "in")
    receiver.run("ethtool", "-K", "in", "gro", "on")
    sink(receiver, "in")
    for label, options, budget in (
            ("everything recorded (--full)", ["--full"], None),
            ("as it comes (--cpu-budget 25)", [], 0.25),
            ("--cpu-budget 5", ["--cpu-budget", "5"], 0.05)):
        agent = Agent(bench.rstwho, receiver, ["in"], *options)
        frames = traffic.flood(bench.generator, sender, "out", receiver.mac("in"), SETTLES + SECONDS + 1)
        time.sleep(SETTLES)
        before, whole, start = agent.cpu("rstwho-capture"), agent.cpu(), time.monotonic()
        time.sleep(SECONDS)
        duration = time.monotonic() - start
        share = (agent.cpu("rstwho-capture") - before) / duration
        rest = (agent.cpu() - whole) / duration - share
        traffic.made(frames)
        variant = Variant(label, None)
        variant.take(agent.settled_ledger())
        agent.stop()
        report.add(
            "budget", label, figure=f"{share:.1%} of one core, the rest {rest:.1%}; {variant.fate()}",
            target=f"≤ {budget:.0%}" if budget else "", met=share <= budget * (1 + SLACK) if budget else None, how=HOW)
    sender.delete()
    receiver.delete()
