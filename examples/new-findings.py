#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints new findings of a running agent, one line each, with Python's standard library alone.

    new-findings.py [URL]        the agent, http://127.0.0.1:9742 by default

It follows /api/v1/stream, and connects again when the agent restarts; nothing is lost that the agent still has. Fields
that it does not know do not matter: docs/findings.md says which there are.
"""
import json
import sys
import time
import urllib.error
import urllib.request

# The agent sends something every 15 seconds.
SILENCE = 45


def findings(url, since=None):
    """Yields findings as they come, after the one with the id `since`, until the agent ends the stream."""
    address = f"{url}/api/v1/stream" + (f"?since={since}" if since else "")
    with urllib.request.urlopen(address, timeout=SILENCE) as stream:
        for line in stream:
            if line.startswith(b"data: "):
                yield json.loads(line[len(b"data: "):])


def line(finding):
    """One finding in one line."""
    mark = "!" if finding["problem"] else " "
    ends = f"{finding['src']} port {finding['src_port']} > {finding['dst']} port {finding['dst_port']}"
    what = finding.get("cause", finding["kind"])
    return f"{mark} {finding.get('time', '-')} {ends}: {what}. {finding['headline']}"


def main():
    url = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:9742"
    last = None
    while True:
        try:
            for finding in findings(url, last):
                if finding["schema"] != 2:
                    sys.exit(f"{url}: the agent speaks schema {finding['schema']}, this program 2")
                last = finding["id"]
                print(line(finding), flush=True)
            problem = "the stream has ended"
        except urllib.error.HTTPError as error:
            problem = f"status {error.code}: {error.read().decode(errors='replace').strip()}"
        except OSError as error:
            problem = str(error)
        print(f"{url}: {problem}; trying again", file=sys.stderr)
        time.sleep(2)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
