# SPDX-License-Identifier: Apache-2.0
"""Tries the faults and prints one line for each. Called by Tests/Faults/run, which has made the namespaces.

    matrix.py RSTWHO NAMESPACE SCRATCH WORD
"""
import sys

# Each adds its rows.
import faults  # noqa: F401
import attacks  # noqa: F401
import injection  # noqa: F401
from agent import Skip, rows, word

counts = {"passed": 0, "failed": 0, "skipped": 0}
print(f"{'fault':<50}  {'expected':<50}  observed")
for name, expected, is_quick, body in rows:
    if not (is_quick if word == "quick" else word in name):
        continue
    try:
        is_right, observed = body()
        counts["passed" if is_right else "failed"] += 1
    except Skip as reason:
        is_right, observed = True, f"skipped: {reason}"
        counts["skipped"] += 1
    except Exception as error:  # A row that breaks is one that failed; the others are tried all the same.
        is_right, observed = False, f"{type(error).__name__}: {error}"
        counts["failed"] += 1
    print(f"{name:<50}  {expected:<50}  {'' if is_right else 'NOT AS EXPECTED: '}{observed}", flush=True)
for line in (f"skipped: {counts['skipped']} faults, see above",) if counts["skipped"] else ():
    print(line)
print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
sys.exit(1 if counts["failed"] or not counts["passed"] + counts["skipped"] else 0)
