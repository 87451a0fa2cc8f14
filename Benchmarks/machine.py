# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, processes and agents of one run, all of which are gone when it ends, however it ends."""
import atexit
import contextlib
import ctypes
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
BENCH_OBJECT = os.path.join(ROOT, "build/bench.bpf.o")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PREFIX = "rstwho-bench"


class Failure(Exception):
    """What went wrong, in words for whoever runs the benchmark."""


def command(*words, **options):
    """Runs a program to its end; gives its standard output."""
    try:
        result = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
    except OSError as error:
        raise Failure(f"{words[0]}: {error.strerror}") from error
    if result.returncode:
        raise Failure(f"{' '.join(words)}: {result.stderr.strip() or result.returncode}")
    return result.stdout


def is_installed(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


class Namespace:
    """A network namespace with forwarding as told; nothing but the benchmark sends in it."""

    made = []

    def __init__(self, role, forwards=False):
        self.name = f"{PREFIX}-{os.getpid()}-{role}"
        command("ip", "netns", "add", self.name)
        Namespace.made.append(self)
        for setting, value in (
                ("ipv6.conf.all.disable_ipv6", 1), ("ipv6.conf.default.disable_ipv6", 1),
                ("ipv4.conf.all.rp_filter", 0), ("ipv4.conf.default.rp_filter", 0), ("ipv4.ip_forward", int(forwards))):
            self.run("sysctl", "-qw", f"net.{setting}={value}")
        self.ip("link", "set", "lo", "up")

    def run(self, *words):
        return command("ip", "netns", "exec", self.name, *words)

    def ip(self, *words):
        return command("ip", "-n", self.name, *words)

    def counter(self, interface, name):
        statistics_of = json.loads(self.ip("-j", "-s", "link", "show", "dev", interface))[0]["stats64"]
        way, what = name.split("_")
        return statistics_of[way][what]

    def mac(self, interface):
        return json.loads(self.ip("-j", "link", "show", "dev", interface))[0]["address"]

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in the namespace: sockets that it opens stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        inside = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            if libc.setns(inside, 0x40000000):
                raise Failure(f"cannot enter {self.name}: {os.strerror(ctypes.get_errno())}")
            yield
        finally:
            libc.setns(before, 0x40000000)
            os.close(before)
            os.close(inside)

    def delete(self):
        if self in Namespace.made:
            Namespace.made.remove(self)
            subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)


def connect(near, near_interface, far, far_interface, address=None):
    """A veth between two namespaces; with `address` (three numbers) its ends are .1 and .2 of that /24."""
    near.ip("link", "add", near_interface, "type", "veth", "peer", "name", far_interface, "netns", far.name)
    for end, interface, host in ((near, near_interface, 1), (far, far_interface, 2)):
        if address:
            end.ip("address", "add", f"{address}.{host}/24", "dev", interface)
        end.ip("link", "set", interface, "up")


def remove_leftovers():
    """Whoever was killed could not clean up; the number of the process is in the names."""
    for line in command("ip", "netns", "list").splitlines():
        found = re.match(rf"({PREFIX}-(\d+)-\S+)", line)
        if found and not os.path.isdir(f"/proc/{found[2]}"):
            subprocess.run(["ip", "netns", "delete", found[1]], capture_output=True, check=False)


class Process:
    """A program that runs beside the benchmark."""

    running = []

    def __init__(self, words, namespace=None, stdout=subprocess.DEVNULL):
        if namespace:
            words = ["ip", "netns", "exec", namespace.name, *words]
        self.errors = tempfile.TemporaryFile("w+")
        self.words = words
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=self.errors)
        Process.running.append(self)

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def check(self):
        if self.process.poll() is not None:
            raise Failure(f"{' '.join(self.words)} has ended: {self.said().strip()}")

    def cpu(self, thread=None):
        """Seconds of processor time so far, of the process or of its threads of one name."""
        paths = [f"/proc/{self.pid}/stat"] if thread is None else glob.glob(f"/proc/{self.pid}/task/*/stat")
        ticks = 0
        for path in paths:
            with open(path, encoding="utf-8") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
            if thread in (None, name):
                fields = rest.split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / CLOCK_TICKS

    def memory(self, field="VmRSS"):
        """Bytes that are resident now, or with VmHWM were at most."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return int(re.search(rf"{field}:\s+(\d+) kB", file.read())[1]) * 1024

    def stop(self, signal_number=signal.SIGINT):
        if self not in Process.running:
            return
        Process.running.remove(self)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal_number)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Agent(Process):
    """`rstwho watch` on interfaces of a namespace, asked through a Unix socket."""

    number = 0

    def __init__(self, program, namespace, interfaces, *options, hook="tc", stdout=subprocess.DEVNULL):
        Agent.number += 1
        self.socket = os.path.join(scratch(), f"agent-{Agent.number}")
        super().__init__(
            [program, "watch", *interfaces, "--hook", hook, "--format", "json", "--http-socket", self.socket, *options],
            namespace, stdout)
        end = time.monotonic() + 20
        while self.status("/readyz") != 200:
            self.check()
            if time.monotonic() > end:
                raise Failure(f"the agent is not ready: {self.said().strip()}")
            time.sleep(0.05)

    def get(self, path):
        """Status and body of an answer."""
        connection = UnixConnection(self.socket)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self, path):
        try:
            return self.get(path)[0]
        except OSError:
            return None

    def ledger(self):
        status, body = self.get("/api/v1/ledger")
        if status != 200:
            raise Failure(f"/api/v1/ledger: status {status}")
        return Ledger(json.loads(body))

    def settled_ledger(self, seconds=20):
        """The ledger once nothing arrives any more and the rings are empty."""
        end = time.monotonic() + seconds
        before = self.ledger()
        while True:
            time.sleep(0.3)
            now = self.ledger()
            if now.in_ring == 0 and now.document == before.document:
                return now
            if time.monotonic() > end:
                raise Failure(f"the rings are not empty after {seconds} s: {now.document}")
            before = now


class Ledger:
    """Where packets went, as /api/v1/ledger tells it."""

    def __init__(self, document):
        self.document = document
        self.total = document["total"]
        self.in_ring = document["in_ring"]

    @staticmethod
    def sum(value):
        if isinstance(value, dict):
            return sum(Ledger.sum(part) for part in value.values())
        return value

    def of(self, what):
        """seen, skipped, recorded, shed, refused or lost of all interfaces and classes."""
        return self.sum(self.total.get(what, 0))

    @property
    def consumed(self):
        return self.sum(self.document["consumed"])

    def problems(self):
        """What does not add up. Of rings that are empty, both identities are exact."""
        ends = ("skipped", "recorded", "shed", "refused", "lost")
        found = []
        for name, count in [("total", self.total)] + [
                (f"{row['interface']} {row['direction']}", row) for row in self.document["items"]]:
            parts = {end: self.sum(count.get(end, 0)) for end in ends}
            if count["seen"] != sum(parts.values()):
                found.append(f"{name}: {count['seen']} seen, but {parts}")
        if self.of("recorded") != self.consumed + self.in_ring:
            found.append(f"{self.of('recorded')} recorded, but {self.consumed} consumed and {self.in_ring} in the rings")
        return found


def attach_empty(namespace, interface, hook, program=None):
    """Puts the benchmark's program that does nothing onto an interface's ingress."""
    if hook == "xdp":
        namespace.ip("link", "set", "dev", interface, "xdp", "obj", BENCH_OBJECT, "program", program or "empty_xdp")
    else:
        add_filter(namespace, interface, "empty_tc", 1)


def add_filter(namespace, interface, program, preference):
    if "clsact" not in namespace.run("tc", "qdisc", "show", "dev", interface):
        namespace.run("tc", "qdisc", "add", "dev", interface, "clsact")
    namespace.run(
        "tc", "filter", "add", "dev", interface, "ingress", "pref", str(preference), "bpf", "da", "obj", BENCH_OBJECT,
        "program", program)


def detach_empty(namespace, interface, hook):
    if hook == "xdp":
        namespace.ip("link", "set", "dev", interface, "xdp", "off")
    else:
        namespace.run("tc", "filter", "delete", "dev", interface, "ingress", "pref", "1")


def sink(namespace, interface):
    """What arrives is dropped behind every program and tap: the stack's work would dilute the difference."""
    add_filter(namespace, interface, "drop_tc", 50000)


_scratch = None


def scratch():
    """A directory for this run's files."""
    global _scratch
    if _scratch is None:
        _scratch = tempfile.mkdtemp(prefix="rstwho-bench-")
    return _scratch


def clean_up():
    for process in list(Process.running):
        with contextlib.suppress(Exception):
            process.stop()
    for namespace in list(Namespace.made):
        namespace.delete()
    if _scratch:
        shutil.rmtree(_scratch, ignore_errors=True)


def prepare():
    """Cleans up at the end, on signals too, and what an earlier run left."""
    if os.geteuid():
        print("needs root for network namespaces and BPF")
        sys.exit(77)
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    atexit.register(clean_up)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    remove_leftovers()


def median(values):
    return statistics.median(values)
