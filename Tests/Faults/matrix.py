# SPDX-License-Identifier: Apache-2.0
"""The faults, one function each. Called by Tests/Faults/run, which has made the namespaces.

    matrix.py RSTWHO NAMESPACE SCRATCH WORD
"""
import ctypes
import http.client
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

rstwho, space, scratch, word = sys.argv[1:]
generator = pathlib.Path(rstwho).parent / "frame-generator"
near, far = "192.0.2.1", "192.0.2.2"
rows = []


class Skip(Exception):
    """Why a fault cannot be tried here."""


def fault(name, expected):
    def add(body):
        rows.append((name, expected, body))
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


# Rows: each returns (as expected, what was observed).


@fault("/sys is empty", "works, or ends with a sentence")
def no_sys():
    with Agent(before="mount -t tmpfs none /sys", listens=False) as agent:
        if not agent.isReady:
            return sentence(agent, agent.end()), f"status {agent.process.returncode}"
        for _ in range(5):
            connect_far()
        found = until(lambda: len(agent.findings) >= 3, 20)
        agent.process.terminate()
        return found and agent.end() == 0, f"works, {len(agent.findings)} findings, status {agent.process.returncode}"


@fault("/sys names one possible CPU of more", "works, or ends with a sentence")
def wrong_possible():
    path = "/sys/devices/system/cpu"
    mask = f"echo 0 >{scratch}/cpus; for each in possible online; do mount --bind {scratch}/cpus {path}/$each; done"
    with Agent(before=mask, listens=False) as agent:
        for _ in range(5):
            connect_far()
        found = until(lambda: len(agent.findings) >= 3, 20)
        agent.process.terminate()
        return agent.isReady and found and agent.end() == 0, f"{len(agent.findings)} findings, status {agent.process.returncode}"


@fault("/proc is empty", "ends with a sentence, not with 0")
def no_proc():
    with Agent(before="mount -t tmpfs none /proc", listens=False, ready=False) as agent:
        status = agent.end()
        return sentence(agent, status), f"status {status}"


@fault("the kernel's types are missing", "says which evidence is missing")
def no_types():
    with Agent(before="mount -t tmpfs none /sys/kernel/btf", listens=False) as agent:
        told = "does not say which resets it sends itself" in agent.told
        return agent.isReady and told, "told" if told else "not told"


for limit in (24, 48, 63):

    @fault(f"{limit} descriptors", "ends with a sentence")
    def descriptors(limit=limit):
        with Agent("--privileges", "drop", prefix=f"prlimit --nofile={limit}:{limit}", ready=False) as agent:
            status = agent.end()
            return sentence(agent, status), f"status {status}"


@fault("rings of 1 GiB where 1 GiB is allowed", "ends with a sentence")
def large_rings():
    group = pathlib.Path(f"/sys/fs/cgroup/rstwho-faults-{os.getpid()}")
    try:
        group.mkdir()
        (group / "memory.max").write_text(str(1 << 30))
    except OSError as error:
        raise Skip(f"no control group: {error}") from error
    try:
        with Agent("--ring-size", "1GiB", before=f"echo $$ >{group}/cgroup.procs", ready=False) as agent:
            status = agent.end()
            return sentence(agent, status) and "memory.max" in agent.told, f"status {status}"
    finally:
        until(lambda: not group.joinpath("cgroup.procs").read_text(), 5)
        group.rmdir()


@fault("an interface's name has a terminal's commands", "they are shown, not sent")
def interface_names():
    name = "e\x1b[31mX"
    subprocess.run(["ip", "-n", space, "link", "add", "name", name, "type", "dummy"], check=True)
    try:
        with Agent(name, listens=False) as agent:
            shown = "\x1b" not in agent.told and "\\u{1b}" in agent.told
            return shown, "shown" if shown else "sent"
    finally:
        subprocess.run(["ip", "-n", space, "link", "delete", name], check=False)


def detach_all():
    """Detaches every link on x0, as `bpftool link detach` does."""
    if not shutil.which("bpftool"):
        raise Skip("bpftool is not installed")
    index = run("cat /sys/class/net/x0/ifindex").stdout.strip()
    links = json.loads(run("bpftool -j link").stdout or "[]")
    ours = [link["id"] for link in links if str(link.get("ifindex")) == index or link.get("devname") == "x0"]
    for link in ours:
        run(f"bpftool link detach id {link}")
    return len(ours)


@fault("another program detaches ours", "attached again and told within 10 s")
def detached():
    with Agent("--privileges", "keep") as agent:
        count = detach_all()
        told = until(lambda: "watched from now on" in agent.told, 10)
        before = len(agent.findings)
        connect_far()
        found = until(lambda: len(agent.findings) > before, 20)
        ready = agent.get("/readyz")[0]
        return count > 0 and told and found and ready == 200, f"{count} links, told {bool(told)}, found {bool(found)}, {ready}"


@fault("ours are detached, and privileges are given up", "readyz 503, rstwho_interface_up 0, told")
def detached_for_good():
    with Agent("--privileges", "drop") as agent:
        count = detach_all()
        ready = until(lambda: agent.get("/readyz")[0] == 503, 10)
        up = agent.metric("rstwho_interface_up")
        told = "not watched: " in agent.told
        return count > 0 and ready and up == 0 and told, f"{count} links, readyz 503 {bool(ready)}, up {up}, told {told}"


@fault("the agent is stopped for 6 s", "told once, rstwho_blind_seconds_total")
def stopped():
    with Agent() as agent:
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(6)
        agent.process.send_signal(signal.SIGCONT)
        until(lambda: "captured nothing for" in agent.told, 5)
        seconds = until(lambda: agent.metric("rstwho_blind_seconds_total"), 5) or 0
        count = agent.told.count("captured nothing for")
        return count == 1 and 2.5 < seconds < 60, f"told {count} times, {seconds:.1f} s"


@fault("the time of day is set 100 days forward and back", "findings have the time that holds")
def clock():
    file = pathlib.Path(f"{scratch}/clock")
    file.write_text("0")
    environment = {"LD_PRELOAD": f"{scratch}/clock.so", "RSTWHO_CLOCK": str(file)}
    seen = []
    with Agent(environment=environment, listens=False) as agent:
        for shift in (0, 3600, -3600, 100 * 86400, 0):
            file.write_text(str(shift))
            # The clock is looked at twice a second.
            time.sleep(1.2)
            before = len(agent.findings)
            connect_far()
            if not until(lambda: len(agent.findings) > before, 20):
                return False, "no finding"
            text = agent.findings[-1]["time"][:19]
            told = time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) - time.timezone
            seen.append(round(told - time.time() - shift))
        steps = agent.told.count("the time of day was set")
    return all(abs(error) < 10 for error in seen) and steps == 4, f"off by {seen} s, {steps} steps told"


@fault("the state directory is removed", "a new file, one line")
def removed_state():
    state = f"{scratch}/state"
    with Agent("--state", state) as agent:
        until(lambda: os.path.exists(f"{state}/history.sqlite"), 10)
        shutil.rmtree(state)
        again = until(lambda: os.path.exists(f"{state}/history.sqlite"), 10)
        up = until(lambda: agent.metric("rstwho_history_up") == 1, 5)
        count = agent.told.count("removed or replaced")
        return again and up and count == 1, f"new file {bool(again)}, up {bool(up)}, {count} line"


@fault("a pipe in the place of the history", "told; /metrics answers")
def pipe():
    state = f"{scratch}/pipe"
    os.mkdir(state)
    os.mkfifo(f"{state}/history.sqlite")
    with Agent("--state", state) as agent:
        status, _ = agent.get("/metrics")
        told = "is no ordinary file" in agent.told
        return status == 200 and told, f"status {status}, told {told}"


@fault("300 slow connections from one machine, 20 s", "loopback answered within 2 s")
def slow_clients():
    with Agent() as agent:
        stop = threading.Event()

        def drip():
            within(space + "-far")
            open_sockets = []
            while not stop.is_set():
                while len(open_sockets) < 300 and not stop.is_set():
                    try:
                        one = socket.create_connection(agent.address, 1)
                        one.setblocking(False)
                        open_sockets.append(one)
                    except OSError:
                        break
                for one in list(open_sockets):
                    try:
                        one.send(b"G")
                    except BlockingIOError:
                        pass
                    except OSError:
                        one.close()
                        open_sockets.remove(one)
                stop.wait(0.3)
            for one in open_sockets:
                one.close()

        thread = threading.Thread(target=drip)
        thread.start()
        slowest = 0.0
        end = time.monotonic() + 20
        try:
            while time.monotonic() < end:
                begun = time.monotonic()
                if agent.get("/readyz", 10)[0] != 200:
                    return False, "not answered within 10 s"
                slowest = max(slowest, time.monotonic() - begun)
                time.sleep(0.5)
        finally:
            stop.set()
            thread.join()
        return slowest < 2, f"at most {slowest:.2f} s"


@fault("a flood of resets for 15 s, history of 4 MiB", "files at most 1.1 of it; an earlier accusation stays")
def flood():
    if not generator.exists():
        raise Skip("frame-generator is not built")
    state = f"{scratch}/flood"
    config = f"{scratch}/flood.yaml"
    pathlib.Path(config).write_text("interfaces: [x0]\nhistory:\n  max_size: 4MiB\n")
    largest = 0
    mac = run("cat /sys/class/net/x0/address").stdout.strip()
    subprocess.run(["ip", "netns", "exec", space, "sh", "-c", "ethtool -K x0 gro on 2>/dev/null"], check=False)
    with Agent("--config", config, "--state", state) as agent:
        made = subprocess.Popen(
            ["ip", "netns", "exec", space + "-far", str(generator), "far", mac, "seconds=15", "rate=20000", "resets=65536",
             "hosts=65536", "flows=1048576"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while made.poll() is None:
            largest = max(largest, sum(os.path.getsize(f"{state}/{name}") for name in os.listdir(state) if "history" in name))
            time.sleep(0.1)
        stored = agent.metric("rstwho_history_findings_total") or 0
        size = agent.metric("rstwho_history_bytes") or 0
    limit = 1.1 * (4 << 20)
    return stored > 5000 and largest <= limit and 0 < size <= limit, f"{largest >> 10} KiB at most, {stored:.0f} stored"


@fault("killed with -9 under traffic", "no program, no link stays")
def killed():
    with Agent() as agent:
        connect_far()
        agent.process.kill()
        agent.process.wait()
        if not shutil.which("bpftool"):
            raise Skip("bpftool is not installed")
        left = until(lambda: run("bpftool -j net show dev x0").stdout.find("rstwho") < 0, 5)
        return bool(left), "nothing" if left else "something"


counts = {"passed": 0, "failed": 0, "skipped": 0}
print(f"{'fault':<50}  {'expected':<50}  observed")
for name, expected, body in rows:
    if word not in name:
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
