# SPDX-License-Identifier: Apache-2.0
"""An agent under faults, and what the rows of the matrix ask it."""
import ctypes
import json
import os
import pathlib
import shlex
import signal
import socket
import struct
import subprocess
import sys
import time

rstwho, space, scratch, word = sys.argv[1:]
generator = pathlib.Path(rstwho).parent / "frame-generator"
near, far = "192.0.2.1", "192.0.2.2"
rows = []


class Skip(Exception):
    """Why a fault cannot be tried here."""


def fault(name, expected, is_quick=True):
    """Makes a function a row of the matrix: it returns whether all is as expected, and what was observed."""
    def add(body):
        rows.append((name, expected, is_quick, body))
        return body

    return add


def until(condition, seconds):
    """What the condition gives once it is true, or after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result or time.monotonic() > end:
            return result
        time.sleep(0.05)


def run(command, where=space):
    return subprocess.run(["ip", "netns", "exec", where] + shlex.split(command), capture_output=True, text=True, check=False)


def connect_far():
    """A connect that the other end refuses: its reset is a finding."""
    run(f"nc -n -z -w 2 {far} 9")


class Agent:
    """An agent on x0 for the time of a `with`; `before` runs in its mount namespace, `prefix` before its name."""

    def __init__(self, *arguments, before="", prefix="", listens=True, ready=True, environment=None):
        self.state = f"{scratch}/{len(os.listdir(scratch))}"
        os.mkdir(self.state)
        self.output = open(f"{self.state}/out", "w+")
        self.errors = open(f"{self.state}/err", "w+")
        self.address = (near, 9742)
        http = ["--http", "0.0.0.0:9742", "--http-name", near] if listens else ["--no-http"]
        command = shlex.join([rstwho, "watch", "x0", "--format", "json", "--no-group"] + http + list(arguments))
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", space, "unshare", "-m", "bash", "-c", f"{before}\nexec {prefix} {command}"],
            stdout=self.output, stderr=self.errors, env=dict(os.environ, **(environment or {})))
        self.isReady = ready and until(lambda: "ready: " in self.told or self.process.poll() is not None, 30) and (
            "ready: " in self.told)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.output.close()
        self.errors.close()

    @property
    def told(self):
        return pathlib.Path(self.errors.name).read_text(errors="replace")

    @property
    def findings(self):
        lines = pathlib.Path(self.output.name).read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def end(self):
        """The exit status; a negative one is a signal."""
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            return "still runs"

    def get(self, path, seconds=5):
        """Status and body over the namespace's loopback, as its own scraper asks."""
        answer = run(f"curl -s -m {seconds} -w '\n%{{http_code}}' http://127.0.0.1:9742{path}").stdout
        body, _, status = answer.rpartition("\n")
        return int(status or 0), body

    def metric(self, name):
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " ") or line.startswith(name + "{"):
                return float(line.rpartition(" ")[2])
        return None


def within(name):
    """Runs what is in the block in a network namespace of the calling thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{name}") as file:
        if libc.setns(file.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def sentence(agent, status):
    """The end is one of the documented ones, with a sentence."""
    return status in (66, 69, 77, 78) and ": " in agent.told


def held(agent, field):
    """The ids of the BPF objects that the agent has open, by the kernel's name for them in fdinfo: prog_id, link_id …"""
    ids = set()
    for each in pathlib.Path(f"/proc/{agent.process.pid}/fdinfo").iterdir():
        try:
            lines = dict(line.split(":", 1) for line in each.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        # Links at interfaces have one; those at tracepoints have none.
        if field in lines and (field != "link_id" or "ifindex" in lines):
            ids.add(int(lines[field]))
    return ids


def threads(agent):
    """What /proc says of each thread of the agent."""
    tasks = pathlib.Path(f"/proc/{agent.process.pid}/task")
    for task in tasks.iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


def segment(source, destination, sport, dport, seq, ack, flags, ttl):
    """An IPv4 packet with a TCP segment, as bytes."""
    def total(data):
        numbers = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
        value = sum(numbers)
        while value >> 16:
            value = (value & 0xffff) + (value >> 16)
        return ~value & 0xffff

    source, destination = socket.inet_aton(source), socket.inet_aton(destination)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 500, 0, 0)
    value = total(source + destination + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", value) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, ttl, 6, 0, source, destination)
    return ip[:10] + struct.pack("!H", total(ip)) + ip[12:] + tcp
