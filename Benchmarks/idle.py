# SPDX-License-Identifier: Apache-2.0
"""What the agent costs without traffic, and what a scrape costs with a million hosts."""
import re
import time

import traffic
from machine import Agent, Namespace, connect, median, sink

SECONDS = 8
HOSTS = 1 << 20
# Sources that never proved to be alive may not fill a bucket: there is room for more than are wanted.
CAPACITY = HOSTS * 4

HOW = ("`watch` on a silent veth: processor time of the process over 8 s as a share of one core, resident memory at the end.")
SCRAPE = ("`watch --max-hosts 4194304 --max-flows 1048576`, after SYNs from as many addresses; GET over a Unix socket, median of 20, "
          "nothing else going on. The series of /metrics do not grow with hosts.")


def run(bench, report):
    sender, receiver = Namespace("sender"), Namespace("receiver")
    connect(sender, "out", receiver, "in")
    receiver.run("ethtool", "-K", "in", "gro", "on")
    sink(receiver, "in")
    agent = Agent(bench.rstwho, receiver, ["in"])
    time.sleep(2)
    before, start = agent.cpu(), time.monotonic()
    time.sleep(SECONDS)
    share = (agent.cpu() - before) / (time.monotonic() - start)
    report.add("idle", "processor", figure=f"{share:.1%} of one core", how=HOW)
    report.add("idle", "memory", figure=f"{agent.memory() / 2**20:.0f} MiB", how=HOW)
    agent.stop()

    agent = Agent(bench.rstwho, receiver, ["in"], *bench.full, "--max-hosts", str(CAPACITY), "--max-flows", str(HOSTS))
    hosts = 0
    for attempt in range(4):
        run_of = traffic.flood(
            bench.generator, sender, "out", receiver.mac("in"), 4, flows=HOSTS, hosts=HOSTS, handshakes=65536, resets=0,
            rate=300_000, first=attempt << 22)
        traffic.made(run_of)
        agent.settled_ledger()
        hosts = int(metric(agent, "rstwho_hosts"))
        if hosts > HOSTS * 0.9:
            break
    for path, what in (("/metrics", "/metrics"), ("/api/v1/hosts?limit=1000", "1000 hosts of the API")):
        times, size = [], 0
        for _ in range(20):
            start = time.monotonic()
            _, body = agent.get(path)
            times.append(time.monotonic() - start)
            size = len(body)
        report.add(
            "scrape", f"{what}, with {hosts / 1e6:.2f} M hosts", figure=f"{median(times) * 1000:.1f} ms, {size / 1024:.0f} KiB",
            how=SCRAPE)
    report.add("scrape", f"memory with {hosts / 1e6:.2f} M hosts", figure=f"{agent.memory() / 2**20:.0f} MiB", how=SCRAPE)
    agent.stop()
    sender.delete()
    receiver.delete()


def metric(agent, name):
    _, body = agent.get("/metrics")
    return float(re.search(rf"^{name} (\S+)$", body.decode(), re.MULTILINE)[1])
