# SPDX-License-Identifier: Apache-2.0
"""What the engine takes of a processor for a record."""
import os

from machine import command

HOW = ("`engine-bench`: made-up connections in the steady state, batches of 512 as a capture hands them over, 1 % handshakes and 0.1 % resets, CPU time "
       "of the engine's thread. One core, nothing else in the way; the packets are made outside of what is measured.")


def figures(directory, *arguments):
    """engine-bench's lines: numbers by name."""
    text = command(os.path.join(directory, "engine-bench"), *arguments)
    return {name: float(value) for name, value, _ in (line.split() for line in text.splitlines())}


CASES = [
    ("uniform-1k", "1 k flows, uniform", None),
    ("uniform-50k", "50 k flows, uniform", 10),
    ("uniform-1M", "1 M flows, uniform", 5),
    ("zipf-1k", "1 k flows, Zipf", None),
    ("zipf-50k", "50 k flows, Zipf", None),
    ("zipf-1M", "1 M flows, Zipf", None),
]


def run(bench, report):
    found = figures(bench.engine_directory, "--records", str(1 << 21), *(name for name, _, _ in CASES), "bulk-50k")
    base = found.get("engine.uniform-1k.rate")
    for name, what, target in CASES:
        rate = found.get(f"engine.{name}.rate")
        if rate is None:
            continue
        report.add(
            "engine", what, ratio=f"{rate / base:.2f} × 1 k flows" if base else "",
            figure=f"{rate:.2f} M records/s, {found[f'engine.{name}.time']:.0f} ns", target=f"≥ {target} M/s" if target else "",
            met=rate >= target if target else None, how=HOW)
    report.add(
        "engine", "allocations for a record of bulk", figure=f"{found['engine.bulk-50k.allocations']:.4f}", target="0",
        met=found["engine.bulk-50k.allocations"] == 0, how="counted by a malloc of the benchmark's own; 50 k flows, uniform.")
    report.add(
        "engine", "allocations for a record of the mix", figure=f"{found['engine.uniform-50k.allocations']:.4f}",
        how="as before, with 0.1 % resets, whose findings are made of the heap.")
    for kind, limit in (("flow", 192), ("host", 128)):
        size = found[f"engine.memory.{kind}"]
        report.add(
            "engine", f"memory of a {kind}", figure=f"{size:.0f} bytes", target=f"≤ {limit} bytes", met=size <= limit,
            how="the size of a table's entry; tables are allocated at their cap, in buckets of eight.")
