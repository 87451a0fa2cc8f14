# SPDX-License-Identifier: Apache-2.0
"""Plays one group's traffic in a network of its own and records it at every machine, without any test.

    python3 record.py GROUP[:ROW…] DIRECTORY [4|6]

Leaves ROLE.pcap for each interface `eth0` and ROLE-any.pcap in the directory. Only for groups that wire their network themselves.
"""

import os
import signal
import subprocess
import sys
import time

import traffic
from rows import GROUPS


def machine(role):
    name = f"rstwho-lab-{os.getpid()}-0-{role}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = ["ip", "netns", "exec", name]
    for parameter in ("all.disable_ipv6=0", "default.accept_dad=0", "default.router_solicitations=0"):
        subprocess.run(inside + ["sysctl", "-q", "-w", f"net.ipv6.conf.{parameter}"], check=True)
    subprocess.run(inside + ["ip", "link", "set", "lo", "up"], check=True)
    return name


def record(name, interface, file):
    command = ["tcpdump", "-i", interface, "--immediate-mode", "-U", "-s", "2048", "-B", "16384", "-w", file]
    child = subprocess.Popen(["ip", "netns", "exec", name] + command, stderr=subprocess.PIPE, text=True)
    while "listening on" not in child.stderr.readline():
        if child.poll() is not None:
            raise SystemExit(f"{' '.join(command)} ended")
    return child


def main():
    group, _, only = sys.argv[1].partition(":")
    directory = sys.argv[2]
    versions = (int(sys.argv[3]),) if len(sys.argv) > 3 else (4, 6)
    if only:
        GROUPS[group] = [entry for entry in GROUPS[group] if entry[0].__name__ in only.split(":")]
    os.makedirs(directory, exist_ok=True)
    names = {}
    recorders = []
    try:
        for role in GROUPS[f"{group}.machines"]:
            names[role] = machine(role)
        lab = traffic.Lab(names)
        GROUPS[f"{group}.prepare"](lab)
        for role, name in names.items():
            if "eth0" in lab.machines[role].run("ls", "/sys/class/net").split():
                recorders.append(record(name, "eth0", f"{directory}/{role}.pcap"))
            recorders.append(record(name, "any", f"{directory}/{role}-any.pcap"))
        for row in traffic.play(lab, group, versions):
            row.hush()
        time.sleep(0.5)
    finally:
        for recorder in recorders:
            recorder.send_signal(signal.SIGINT)
            recorder.wait(10)
        for name in names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False)


if __name__ == "__main__":
    main()
