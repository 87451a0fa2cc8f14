# SPDX-License-Identifier: Apache-2.0
"""Starts an installed service as its unit says, where systemd is not the first process. Called by Tests/Deploy/acceptance.

    launch.py ROOT UNIT

Takes from the unit what decides whether the program works: command, environment, account, capabilities, state directory, umask,
readiness and watchdog. What only takes away (ProtectSystem, SystemCallFilter, limits of cgroups) is left to systemd. Prints READY
when the service says so, ends it in order on SIGTERM, and exits with its status; with 1 where the watchdog would have ended it.
"""
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time

root, unit = sys.argv[1:]
settings = {}
with open(root + unit, encoding="utf-8") as lines:
    for line in lines:
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            settings.setdefault(key, []).append(value)


def setting(key, default=""):
    return settings.get(key, [default])[-1]


def seconds(text):
    units = {"ms": 0.001, "min": 60, "s": 1}
    for name, factor in units.items():
        if text.endswith(name):
            return float(text.removesuffix(name)) * factor
    return float(text)


environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
for assignments in settings.get("Environment", []):
    for assignment in shlex.split(assignments):
        name, _, value = assignment.partition("=")
        environment[name] = value
for path in settings.get("EnvironmentFile", []):
    optional, path = path.startswith("-"), path.removeprefix("-")
    if optional and not os.path.exists(root + path):
        continue
    with open(root + path, encoding="utf-8") as lines:
        for line in lines:
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("#"):
                environment[name] = " ".join(shlex.split(value))

# systemd.exec(5) splits $NAME into words, and takes ${NAME} as one.
command = []
for word in shlex.split(setting("ExecStart")):
    if word.startswith("${"):
        command.append(environment.get(word[2:-1], ""))
    elif word.startswith("$"):
        command += environment.get(word[1:], "").split()
    else:
        command.append(word)

# Mounts are this namespace's own: `ip netns exec` made one, and they go with it.
for name in ("proc", "sys"):
    subprocess.run(["mount", "--rbind", "/" + name, f"{root}/{name}"], check=True)

with open(root + "/etc/passwd", encoding="utf-8") as lines:
    account = next(line.split(":") for line in lines if line.startswith(setting("User") + ":"))
user, group = int(account[2]), int(account[3])
if setting("StateDirectory"):
    state = "/var/lib/" + setting("StateDirectory")
    os.makedirs(root + state, exist_ok=True)
    os.chown(root + state, user, group)
    os.chmod(root + state, int(setting("StateDirectoryMode", "0755"), 8))
    environment["STATE_DIRECTORY"] = state
if setting("RuntimeDirectory"):
    runtime = "/run/" + setting("RuntimeDirectory")
    os.makedirs(root + runtime, exist_ok=True)
    os.chown(root + runtime, user, group)
    environment["RUNTIME_DIRECTORY"] = runtime

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = f"rstwho-acceptance-{os.getpid()}"
notify.bind("\0" + name)
period = seconds(setting("WatchdogSec", "0s"))
environment["NOTIFY_SOCKET"] = "@" + name
if period:
    environment["WATCHDOG_USEC"] = str(int(period * 1e6))

capabilities = "".join("," + word.lower().replace("cap_", "+") for word in setting("AmbientCapabilities").split())
service = subprocess.Popen(
    ["chroot", root, "setpriv", "--reuid", str(user), "--regid", str(group), "--clear-groups", "--no-new-privs",
     "--bounding-set=-all" + capabilities, "--inh-caps=-all" + capabilities, "--ambient-caps=-all" + capabilities, "--"]
    + command, env=environment, umask=int(setting("UMask", "0022"), 8))
signal.signal(signal.SIGTERM, lambda *_: service.send_signal(signal.SIGTERM))

last = time.monotonic()
is_ready = False
while service.poll() is None:
    if select.select([notify], [], [], 0.2)[0]:
        for message in notify.recv(4096).decode().split("\n"):
            if message == "READY=1":
                is_ready = True
                print("READY", flush=True)
        last = time.monotonic()
    if is_ready and period and time.monotonic() > last + period:
        print("the watchdog would have ended it", flush=True)
        service.kill()
        service.wait()
        sys.exit(1)
sys.exit(service.returncode)
