# SPDX-License-Identifier: Apache-2.0
"""Rows of the matrix: system calls that fail, one at a time (strace's fault injection)."""
import collections
import os
import pathlib
import shutil
import time

from agent import Agent, Skip, connect_far, fault, scratch, sentence, threads, until

# The calls of our own code, with an error that each can have.
CALLS = {
    # Not eventfd2, which libdispatch and NIO only assert on, and not write, by which threads wake each other.
    "socket": "EMFILE", "bind": "EADDRINUSE", "listen": "EADDRINUSE", "setsockopt": "ENOBUFS", "sendto": "ENOBUFS",
    "recvfrom": "ENOBUFS", "openat": "EMFILE", "bpf": "EPERM", "prctl": "EPERM", "capset": "EPERM", "capget": "EPERM",
    "ioctl": "ENODEV", "pwrite64": "ENOSPC", "fdatasync": "EIO", "ftruncate": "ENOSPC",
    "newfstatat": "EIO", "fcntl": "EACCES", "pipe2": "EMFILE", "mkdir": "EROFS",
    "landlock_restrict_self": "E2BIG", "seccomp": "EINVAL",
}
# Files that the dynamic loader and the libraries open before the program begins, at most.
LOADED = 64
# How many of a call are tried: RSTWHO_TEST_ALL=1 tries all that a start and its first seconds make.
EACH = 0 if os.environ.get("RSTWHO_TEST_ALL") else 3


def chosen(count):
    """Which of so many calls fail in turn: all, or some from the first to the last."""
    if not EACH or count <= EACH:
        return range(1, count + 1)
    return sorted({1 + round(index * (count - 1) / (EACH - 1)) for index in range(EACH)})


def traced(call, options):
    """An agent that strace looks at, as its own child."""
    state = f"{scratch}/injected-{call}-{time.monotonic_ns()}"
    return Agent("--privileges", "drop", "--state", state, prefix=f"strace -D -f -qq -e trace={call} {options}")


def use(agent):
    """What an agent does in a minute, in two seconds."""
    connect_far()
    agent.get("/metrics")
    time.sleep(2)


def count(call):
    """How often the thread that calls it most does so in a run that is used and ends well: strace counts by thread."""
    log = pathlib.Path(f"{scratch}/count-{call}")
    with traced(call, f"-o {log}") as agent:
        if not agent.isReady:
            raise Skip("strace cannot trace here")
        use(agent)
    calls = collections.Counter(
        line.split()[0] for line in log.read_text(errors="replace").splitlines() if f" {call}(" in line)
    return max(calls.values(), default=0)


def outcome(agent):
    """Why this end is wrong; an empty text where it is right."""
    if agent.isReady:
        if any(int(one["CapEff"], 16) for one in threads(agent)):
            return "capabilities are kept"
        use(agent)
        if agent.process.poll() is None:
            agent.process.terminate()
    status = agent.end()
    if isinstance(status, str):
        return status
    if status < 0 or status >= 128:
        return f"signal {-status if status < 0 else status - 128}"
    return "" if status == 0 or sentence(agent, status) or (status == 74 and ": " in agent.told) else f"status {status} without a sentence"


def injected(call, error):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    numbers = chosen(count(call))
    wrong = []
    for number in numbers:
        # The first files of a program are the loader's.
        if call == "openat" and number <= LOADED:
            continue
        with traced(call, f"-o /dev/null -e inject={call}:error={error}:when={number}") as agent:
            why = outcome(agent)
            if why:
                wrong.append(f"{number}: {why}")
    return not wrong, f"{len(numbers)} runs" + (f", {'; '.join(wrong)}" if wrong else "")


for name, failure in CALLS.items():

    @fault(f"{name} fails with {failure}, one at a time", "a sentence or goes on; no signal, no capability", is_quick=False)
    def each(name=name, failure=failure):
        return injected(name, failure)
