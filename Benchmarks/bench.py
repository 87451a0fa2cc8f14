#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures everything in one run and prints one table; see docs/performance.md for a run's result.

    Benchmarks/bench.py DIRECTORY ENGINE-DIRECTORY [PART...]

DIRECTORY has release builds of rstwho, kernel-bench, frame-generator and capture-generator, ENGINE-DIRECTORY of engine-bench. PART is
kernel, link, forwarding, budget, engine, files, hostile, latency or idle; all of them without it. With RSTWHO_PERFORMANCE=FILE in the environment the table
goes there too.
"""
import os
import sys
import time

import budget
import engine
import files
import forwarding
import hostile
import idle
import kernel
import latency
import link
from machine import Failure, command, prepare
from report import Report, report_path

PARTS = {
    "kernel": kernel, "link": link, "forwarding": forwarding, "budget": budget, "engine": engine, "files": files, "hostile": hostile,
    "latency": latency, "idle": idle}


class Bench:
    """Where the programs are, and what they can do."""

    def __init__(self, directory, engine_directory):
        self.directory = os.path.realpath(directory)
        self.engine_directory = os.path.realpath(engine_directory)
        self.rstwho = os.path.join(self.directory, "rstwho")
        self.generator = os.path.join(self.directory, "frame-generator")
        # Lifts the limit on the agent's processor time: nothing is shed because of it.
        self.full = ["--full"] if "--full" in command(self.rstwho, "watch", "--help") else []


def main():
    if len(sys.argv) < 3 or not set(sys.argv[3:]) <= set(PARTS):
        sys.exit(__doc__)
    prepare()
    bench, report, start = Bench(*sys.argv[1:3]), Report(), time.monotonic()
    failed = False
    for name in sys.argv[3:] or PARTS:
        began = time.monotonic()
        try:
            PARTS[name].run(bench, report)
        except Failure as failure:
            failed = True
            report.skip(name, "not measured", str(failure).replace("\n", " "))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(report.markdown())
    path = report_path()
    if path and not failed:
        report.write(path, time.monotonic() - start)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
