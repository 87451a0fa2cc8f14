# SPDX-License-Identifier: Apache-2.0
"""Rows of the matrix: faults of the machine and of its operator. Each returns (as expected, what was observed)."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from agent import Agent, Skip, connect_far, fault, held, run, rstwho, scratch, sentence, space, until, within


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
    # The file that the agent reads is put in its place, so that this works without a control group of its own.
    limit = "mount -t tmpfs none /sys/fs/cgroup; echo 1073741824 >/sys/fs/cgroup/memory.max"
    with Agent("--ring-size", "1GiB", before=limit, ready=False) as agent:
        status = agent.end()
        return sentence(agent, status) and "memory.max" in agent.told, f"status {status}"


@fault("an interface's name has a terminal's commands", "they are shown, not sent")
def interface_names():
    name = "e\x1b[31mX"
    subprocess.run(["ip", "-n", space, "link", "add", "name", name, "type", "veth", "peer", "name", "e1"], check=True)
    try:
        with Agent(name, listens=False) as agent:
            shown = "\x1b" not in agent.told and "\\u{1b}" in agent.told
            return shown, "shown" if shown else "sent"
    finally:
        subprocess.run(["ip", "-n", space, "link", "delete", name], check=False)


def detach_all(agent):
    """Detaches every link on x0, as `bpftool link detach` does."""
    if not shutil.which("bpftool"):
        raise Skip("bpftool is not installed")
    ours = held(agent, "link_id")
    for link in ours:
        run(f"bpftool link detach id {link}")
    return len(ours)


@fault("another program detaches ours", "attached again and told within 10 s")
def detached():
    with Agent("--privileges", "keep") as agent:
        count = detach_all(agent)
        told = until(lambda: "watched from now on" in agent.told, 10)
        before = len(agent.findings)
        connect_far()
        found = until(lambda: len(agent.findings) > before, 20)
        ready = agent.get("/readyz")[0]
        return count > 0 and told and found and ready == 200, f"{count} links, told {bool(told)}, found {bool(found)}, {ready}"


@fault("ours are detached, and privileges are given up", "attached again (TCX), or readyz 503; told")
def detached_for_good():
    with Agent("--privileges", "drop") as agent:
        count = detach_all(agent)
        told = until(lambda: "watched from now on" in agent.told or "not watched: " in agent.told, 10)
        ready, up = agent.get("/readyz")[0], agent.metric("rstwho_interface_up")
        is_again = "watched from now on" in agent.told
        right = (ready, up) == ((200, 1) if is_again else (503, 0))
        return count > 0 and bool(told) and right, f"{count} links, {'attached again' if is_again else 'blind'}, readyz {ready}"


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
    # In a directory that an agent may read that has confined itself.
    state = f"{scratch}/of-clock"
    os.mkdir(state)
    file = pathlib.Path(f"{state}/clock")
    file.write_text("0")
    environment = {"LD_PRELOAD": f"{scratch}/clock.so", "RSTWHO_CLOCK": str(file)}
    seen = []
    with Agent("--state", state, environment=environment, listens=False) as agent:
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


@fault("killed with -9 under traffic", "no program, no link, no map stays")
def killed():
    if not shutil.which("bpftool"):
        raise Skip("bpftool is not installed")
    with Agent() as agent:
        connect_far()
        ours = [(kind, each) for kind, field in (("prog", "prog_id"), ("link", "link_id"), ("map", "map_id"))
                for each in sorted(held(agent, field))]
        agent.process.kill()
        agent.process.wait()

        def left():
            return [one for one in ours if run(f"bpftool {one[0]} show id {one[1]}").returncode == 0]

        gone = until(lambda: not left(), 10)
        return len(ours) > 6 and bool(gone), f"{len(ours)} objects, {len(left())} left"


@fault("the agent hangs, and `rstwho detach` is called", "its programs leave the interface")
def detach_command():
    with Agent("--privileges", "keep") as agent:
        links = held(agent, "link_id")
        agent.process.send_signal(signal.SIGSTOP)
        done = run(f"{rstwho} detach x0")
        again = run(f"{rstwho} detach")
        said = "x0: 2 programs detached" in done.stdout and "no program of rstwho" in again.stdout
        return len(links) == 2 and done.returncode == 0 and said, (done.stdout + done.stderr).strip()
