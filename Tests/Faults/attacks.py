# SPDX-License-Identifier: Apache-2.0
"""Rows of the matrix: attacks, and what an attacker could do then."""
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

from agent import Agent, Skip, connect_far, fault, generator, run, scratch, segment, space, threads, until, within


@fault("300 slow connections from one machine, 20 s", "loopback answered within 2 s", is_quick=False)
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


@fault("a flood of resets for 15 s, history of 4 MiB", "files at most 1.1 of it", is_quick=False)
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


@fault("an attacker has taken over the agent", "no capability, filtered calls, no new privileges")
def confined():
    with Agent("--privileges", "drop", "--state", f"{scratch}/confined") as agent:
        connect_far()
        agent.get("/metrics")
        found = until(lambda: agent.findings, 20)
        told = "not confined" in agent.told
        each = list(threads(agent))
        free = [one for one in each if one["Seccomp"] != "2" or one["NoNewPrivs"] != "1" or int(one["CapEff"], 16)]
        return bool(found) and len(each) > 3 and not free and not told, f"{len(each)} threads, {len(free)} of them not confined"


@fault("2,000 forged handshakes from one side", "the host's distance is not learned from them")
def forged_handshakes():
    SYN, ACK = 2, 16
    mac = bytes.fromhex(run("cat /sys/class/net/x0/address").stdout.strip().replace(":", ""))

    def send():
        within(space + "-far")
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        wire.bind(("far", 0))
        header = mac + bytes(6) + b"\x08\x00"
        for port in range(2000):
            wire.send(header + segment("198.51.100.1", "203.0.113.7", 20000 + port, 443, 1000, 0, SYN, 64))
            wire.send(header + segment("203.0.113.7", "198.51.100.1", 443, 20000 + port, 9000, 1001, SYN | ACK, 50))
        wire.close()

    def samples(agent):
        hosts = json.loads(agent.get("/api/v1/hosts?limit=1000")[1] or "{}").get("items", [])
        return next((host["samples"] for host in hosts if host["address"] == "203.0.113.7"), None)

    def proofs(*arguments):
        with Agent(*arguments) as agent:
            thread = threading.Thread(target=send)
            thread.start()
            thread.join()
            until(lambda: (samples(agent) or {}).get("unproven", 0) + (samples(agent) or {}).get("tcp", 0) > 1000, 10)
            return samples(agent)

    forged, tapped = proofs(), proofs("--tap")
    right = forged and forged["tcp"] == 0 and forged["unproven"] > 1000 and tapped and tapped["tcp"] > 1000
    return right, f"{forged and forged['tcp']} proofs; {tapped and tapped['tcp']} on a tap, which cannot know"
