# SPDX-License-Identifier: Apache-2.0
"""The one table of a run, ratios first, for the terminal and for docs/performance.md."""
import os
import platform
import re
import textwrap
import time

from machine import ROOT

WIDTH = 120


class Report:
    columns = ("part", "what", "ratio", "figure", "target", "note")

    def __init__(self):
        self.rows = []
        self.notes = []
        self.remarks = []

    def note(self, text):
        """The number of a note; how a figure was measured and what to keep in mind about it."""
        if text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1

    def add(self, part, what, *, ratio="", figure="", target="", met=None, how):
        verdict = {None: "", True: ", met", False: ", **missed**"}[met]
        self.rows.append((part, what, ratio, figure, target + verdict, str(self.note(how))))

    def skip(self, part, what, reason):
        """What could not be measured here, and why."""
        self.rows.append((part, what, "", reason, "", ""))

    def markdown(self):
        """The table with its columns aligned, and its notes."""
        rows = [self.columns, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.columns))]
        lines = [self.line(self.columns, widths), self.line(["-" * width for width in widths], widths)]
        lines += [self.line(row, widths) for row in self.rows]
        lines += ["", "Notes:", ""]
        for number, text in enumerate(self.notes, 1):
            lead = f"{number}. "
            lines += textwrap.wrap(lead + text, WIDTH, subsequent_indent=" " * len(lead), break_on_hyphens=False)
        return "\n".join(lines)

    @staticmethod
    def line(row, widths):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"

    def write(self, path, seconds):
        with open(path, "w", encoding="utf-8") as file:
            file.write(HEAD.format(machine=machine(), minutes=round(seconds / 60)))
            file.write(self.markdown())
            file.write("\n" + TAIL)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(re.search(r"MemTotal:\s*(\d+)", file.read())[1]) / 2**20
    is_virtual = "hypervisor" in open("/proc/cpuinfo", encoding="utf-8").read()
    return (f"{'a virtual machine with ' if is_virtual else ''}{os.cpu_count()} processors "
            f"({model[1] if model else platform.machine()}), {memory:.0f} GiB, Linux {'.'.join(platform.release().split('.')[:2])}")


HEAD = """# Performance

Written by `make bench` with `RSTWHO_PERFORMANCE=docs/performance.md`, in a run of {minutes} minutes on
{machine}.
Ratios compare figures of this one run, whose variants took turns; each is the median of its rounds. Seconds and packets
per second are this machine's, ratios carry over.

"""

TAIL = """
## Caveats

- A virtual machine does not show the load of others on the same hardware.
- Generator, program under test and the veth's receiving half share one processor; the agent's own thread has another,
  if there is one. Packets per second of the link are therefore those of one core that does all of this, not of a
  network card with a core to itself.
- Frames have one length, their headers are in the cache, and flows follow each other at random: better than a real link
  for caches, worse for branch prediction.
- A ratio against an empty program shows the added cost, not the slowdown of a real firewall or router: those do more
  per packet, so their ratio is nearer to 1.
"""


def seconds_since(start):
    return time.monotonic() - start


def report_path():
    path = os.environ.get("RSTWHO_PERFORMANCE")
    return os.path.join(ROOT, path) if path else None
