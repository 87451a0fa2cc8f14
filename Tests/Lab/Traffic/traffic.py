# SPDX-License-Identifier: Apache-2.0
"""Makes the traffic of one group of the matrix's rows.

    python3 traffic.py GROUP ROLE=NAMESPACE…

Prints a JSON line for each row that it played, `done` on standard error when all are over, and then holds all sockets open until it
is killed, so that nothing is sent that no row has asked for. Ends with status 1 where the traffic did not come about.

A group that names its machines wires them itself, prints `wired`, and waits for SIGUSR1, so that nobody who watches misses anything.
When its rows are over, it ends their connections without a packet.
"""

import heapq
import json
import signal
import sys
import time

import asymmetry  # noqa: F401  (each file declares its rows)
import ends  # noqa: F401
import faults  # noqa: F401
import paths  # noqa: F401
import races  # noqa: F401
import views  # noqa: F401
from lab import Machine, TrafficError
from rows import GROUPS

DEADLINE = 120


class Lab:
    def __init__(self, names):
        self.machines = {role: Machine(name) for role, name in names.items()}


def play(lab, group, versions=(4, 6)):
    """Runs all rows of the group, each up to its next wait, the one that is due first."""
    rows = []
    for number, (function, only, kind) in enumerate(GROUPS[group]):
        for version in versions:
            if only in (None, version):
                rows.append((function, kind(lab, function.__name__, number, version)))
    begin = time.monotonic()
    due = [(begin, order, function(row)) for order, (function, row) in enumerate(rows)]
    while due:
        at, order, generator = heapq.heappop(due)
        time.sleep(max(0.0, at - time.monotonic()))
        if time.monotonic() - begin > DEADLINE:
            raise TrafficError(f"{group}: not over after {DEADLINE} s")
        row = rows[order][1]
        row.began = row.began or time.time()
        try:
            wait = next(generator)
            heapq.heappush(due, (time.monotonic() + wait, order, generator))
        except StopIteration:
            print(json.dumps(row.report()), flush=True)
        except (OSError, TrafficError) as error:
            raise TrafficError(f"{row.name} over IPv{row.version}: {error!r}") from error
    return [row for _, row in rows]


def main():
    group = sys.argv[1]
    own_network = f"{group}.machines" in GROUPS
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    lab = Lab(dict(argument.split("=", 1) for argument in sys.argv[2:]))
    prepare = GROUPS.get(f"{group}.prepare")
    try:
        if prepare:
            prepare(lab)
        if own_network:
            print("wired", file=sys.stderr, flush=True)
            signal.sigwait([signal.SIGUSR1])
        rows = play(lab, group)
        if own_network:
            for row in rows:
                row.hush()
    except TrafficError as error:
        print(f"traffic: {error}", file=sys.stderr, flush=True)
        return 1
    print("done", file=sys.stderr, flush=True)
    time.sleep(DEADLINE)
    return len(rows) == 0


if __name__ == "__main__":
    sys.exit(main())
