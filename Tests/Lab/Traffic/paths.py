# SPDX-License-Identifier: Apache-2.0
"""Rows in which addresses or paths are not what they seem: translators, balancers, proxies, several paths, rewritten headers.

Beside the way over the firewall there is a shorter one from the last router to the first. Which of them the answers of a
host take is decided by its address.
"""

import random
import time

from lab import TrafficError, ping
from rows import GROUPS, abort, exchange, expect_reset, ready, row
from wire import connect

EF = 46


def prepare(lab):
    near, far, firewall = (lab.machines[name] for name in ("near", "far", "firewall"))
    connect(near, "eth3", far, "eth2")
    near.alias("10.5.0.1", "eth3")
    near.alias("fd00:5::1", "eth3")
    far.alias("10.5.0.2", "eth2")
    far.alias("fd00:5::2", "eth2")
    for version, short, long in (("-4", "10.5.0.1", "10.3.0.1"), ("-6", "fd00:5::1", "fd00:3::1")):
        far.run("ip", version, "route", "add", "default", "via", short, "table", "100")
        hops = ["nexthop", "via", short, "nexthop", "via", long]
        far.run("ip", version, "route", "add", "default", "table", "101", *hops)
    far.set("net.ipv4.fib_multipath_hash_policy", "1")
    far.set("net.ipv6.fib_multipath_hash_policy", "1")
    for machine in (near, far, firewall):
        machine.set("net.ipv4.conf.all.rp_filter", "0")
        machine.set("net.ipv4.conf.default.rp_filter", "0")
        for interface in machine.run("ls", "/sys/class/net").split():
            if interface.startswith("eth"):
                machine.set(f"net.ipv4.conf.{interface}.rp_filter", "0")
    firewall.set("net.netfilter.nf_conntrack_tcp_loose", "0")
    for machine in (near, far):
        machine.nft("table inet marks { chain forward { type filter hook forward priority 10; }; }")
    firewall.nft(
        """
        table inet translate {
            chain raw { type filter hook prerouting priority raw; }
            chain prerouting { type nat hook prerouting priority dstnat; }
            chain postrouting { type nat hook postrouting priority srcnat; }
            chain forward { type filter hook forward priority 10; }
        }
        """
    )


GROUPS["paths.prepare"] = prepare


def ip(r):
    return "ip" if r.version == 4 else "ip6"


def take(r, table):
    """From now on the answers of the row's host take the paths of a table."""
    r.lab.machines["far"].run("ip", f"-{r.version}", "rule", "add", "from", r.server, "lookup", str(table))


def translate(r, chain, rule):
    r.lab.machines["firewall"].nft(f"add rule inet translate {chain} {rule}")


def close_late(client, server):
    server.close()
    ready(client)
    client.sendall(b"one more thing")
    expect_reset(client)


# Several paths


@row("paths")
def short_path_closed_port(r):
    """The answers' path is shorter from the start: nothing to see."""
    take(r, 100)
    r.ping()
    r.refused()
    yield 0


@row("paths")
def equal_cost_closed_port(r):
    take(r, 101)
    for _ in range(12):
        r.open(port=r.port + 1)
    for _ in range(6):
        r.refused()
    yield 0


@row("paths")
def equal_cost_aborts(r):
    take(r, 101)
    for _ in range(6):
        client, server = r.open()
        abort(server)
        expect_reset(client)
    yield 0


@row("paths")
def equal_cost_late_data(r):
    take(r, 101)
    for _ in range(6):
        close_late(*r.open())
    yield 0


@row("paths")
def path_change_abort(r):
    """Three connections; the path changes; two go on, the third is aborted without another word."""
    r.ping()
    pairs = [r.open() for _ in range(3)]
    take(r, 100)
    for _ in range(2):
        for client, server in pairs[:2]:
            exchange(client, server)
    client, server = pairs[2]
    abort(server)
    expect_reset(client)
    yield 0


@row("paths")
def path_change_late_data(r):
    r.ping()
    pairs = [r.open() for _ in range(3)]
    take(r, 100)
    for _ in range(2):
        for client, server in pairs[:2]:
            exchange(client, server)
    close_late(*pairs[2])
    yield 0


@row("paths")
def path_change_same_flow(r):
    r.ping()
    client, server = r.open()
    take(r, 100)
    exchange(client, server)
    exchange(client, server)
    abort(server)
    expect_reset(client)
    yield 0


@row("paths")
def path_change_closed_port(r):
    """Known by one path, refused over another, while an open connection moves as well."""
    r.ping()
    client, server = r.open(port=r.port + 1)
    take(r, 100)
    for _ in range(3):
        exchange(client, server)
    r.refused()
    yield 0


@row("paths")
def path_change_rejected(r):
    """The path has changed and settled; a firewall's reset is still a firewall's."""
    take(r, 100)
    r.ping()
    client, server = r.open(port=r.port + 1)
    exchange(client, server)
    r.lab.machines["firewall"].reject(r.port)
    r.refused()
    yield 0


# Rewritten headers


def wash(r):
    r.lab.machines["far"].nft(f"add rule inet marks forward {ip(r)} saddr {r.server} {ip(r)} dscp set cs0")


@row("paths")
def washed_closed_port(r):
    wash(r)
    r.ping(dscp=EF)
    r.refused(dscp=EF)
    yield 0


@row("paths")
def washed_host_filter(r):
    wash(r)
    r.ping(dscp=EF)
    r.server_machine.refuse(r.port)
    r.refused(dscp=EF)
    yield 0


@row("paths")
def marked_session_rejected(r):
    """An interactive session with a DSCP that is cut at hop 2."""
    r.ping(dscp=EF)
    client, _ = r.open(dscp=EF)
    r.lab.machines["firewall"].reject(r.port)
    client.sendall(b"ls -l")
    expect_reset(client)
    yield 0


@row("paths")
def marked_session_late_data(r):
    r.ping(dscp=EF)
    close_late(*r.open(dscp=EF))
    yield 0


# Translators, balancers, proxies


def publish(r, *targets):
    """A port of the firewall's own address that leads to other machines, in turn."""
    r.server = r.host("firewall", 20 + r.number)
    family = "ip" if r.version == 4 else "ip6"
    # A counter of its own for each connection: the balancer takes turns.
    for index, (address, port) in enumerate(targets):
        turn = f"numgen inc mod {len(targets)} == {index} " if len(targets) > 1 and index == 0 else ""
        target = address if r.version == 4 else f"[{address}]"
        translate(
            r, "prerouting",
            f"{family} daddr {r.server} tcp dport {port} {turn}dnat {family} to {target}:{port}",
        )


def behind(r, machine):
    """The address of a machine behind the firewall."""
    if machine == "far":
        return "10.3.0.2" if r.version == 4 else "fd00:3::2"
    return "10.4.0.2" if r.version == 4 else "fd00:4::2"


@row("paths")
def published_closed_port(r):
    """The firewall answers ping itself; the port leads one hop farther, where it is closed."""
    publish(r, (behind(r, "far"), r.port))
    ping(r.client_machine, r.server)
    r.refused()
    yield 0


@row("paths")
def published_abort(r):
    target = behind(r, "server")
    publish(r, (target, r.port))
    ping(r.client_machine, r.server)
    listener = r.listen(address=target)
    client = r.connect()
    server, _ = listener.accept()
    exchange(client, server)
    abort(server)
    expect_reset(client)
    yield 0


def balanced(r):
    """An address with two machines behind it, one of them a hop nearer; connections take turns."""
    targets = [("far", behind(r, "far")), ("server", behind(r, "server"))]
    publish(r, *[(address, r.port) for _, address in targets])
    front = r.server
    for index, (_, address) in enumerate(targets):
        turn = "numgen inc mod 2 == 0 " if index == 0 else ""
        target = address if r.version == 4 else f"[{address}]"
        translate(
            r, "prerouting",
            f"{ip(r)} daddr {front} tcp dport {r.port + 1} {turn}dnat {ip(r)} to {target}:{r.port + 1}",
        )
    listeners = []
    for name, address in targets:
        listener = r.listen(port=r.port + 1, address=address, machine=r.lab.machines[name])
        listener.settimeout(0.05)
        listeners.append(listener)
    pairs = []
    for _ in range(6):
        client = r.connect(port=r.port + 1)
        pairs.append((client, accept_any(r, listeners)))
        exchange(*pairs[-1])
    return pairs


def accept_any(r, listeners):
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for listener in listeners:
            try:
                server, _ = listener.accept()
            except TimeoutError:
                continue
            server.settimeout(5)
            r.sockets.append(server)
            return server
    raise TrafficError("nobody got the connection")


@row("paths")
def balanced_closed_port(r):
    balanced(r)
    for _ in range(6):
        r.refused()
    yield 0


@row("paths")
def balanced_aborts(r):
    for client, server in balanced(r):
        abort(server)
        expect_reset(client)
    yield 0


def masqueraded(r, ending):
    """Two machines at different distances call the client from behind one address, twice each."""
    inside = {"server": r.host("server", 120 + r.number), "far": far_alias(r)}
    r.server = r.host("firewall", 20 + r.number)
    for address in inside.values():
        translate(r, "postrouting", f"{ip(r)} saddr {address} tcp dport {r.port} snat {ip(r)} to {r.server}")
    listener = r.listen(address=r.client_address, machine=r.client_machine)
    port = r.port
    for _ in range(2):
        for name, address in inside.items():
            port += 1
            caller = r.socket(machine=r.lab.machines[name], bind=(address, port))
            caller.connect((r.client_address, r.port))
            answerer, _ = listener.accept()
            answerer.settimeout(5)
            r.sockets.append(answerer)
            exchange(caller, answerer)
            exchange(caller, answerer)
            ending(caller, answerer)


def far_alias(r):
    address = (f"10.3.0.{120 + r.number}") if r.version == 4 else f"fd00:3::{120 + r.number:x}"
    r.lab.machines["far"].alias(address, "eth0")
    return address


@row("paths")
def masqueraded_aborts(r):
    masqueraded(r, abort_caller)
    yield 0


@row("paths")
def masqueraded_late_data(r):
    masqueraded(r, lambda caller, answerer: close_late(answerer, caller))
    yield 0


def abort_caller(caller, answerer):
    abort(caller)
    expect_reset(answerer)


def synproxy(r):
    """The firewall answers SYNs itself and connects to the host once the client has proved to be there."""
    if r.version == 6:
        # Linux's SYNPROXY checks an IPv6 checksum as if it were IPv4 (measured, 6.18), unless it is left to the hardware.
        for machine, interface in ((r.client_machine, "eth0"), (r.lab.machines["near"], "eth1")):
            machine.run("ethtool", "-K", interface, "tx-checksum-ip-generic", "on")
    to = f"{ip(r)} daddr {r.server} tcp dport {r.port}"
    translate(r, "raw", f"{to} tcp flags syn / fin,syn,rst,ack notrack")
    translate(r, "forward", f"{to} ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm")


@row("paths")
def proxied_abort(r):
    r.ping()
    synproxy(r)
    client, server = r.open()
    abort(server)
    expect_reset(client)
    yield 0


@row("paths")
def proxied_closed_port(r):
    r.ping()
    synproxy(r)
    client = r.socket()
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    expect_reset(client)
    yield 0


@row("paths")
def proxied_rejected(r):
    """Cut in mid-stream by the last router, behind the proxy."""
    r.ping()
    synproxy(r)
    client, server = r.open()
    exchange(client, server)
    r.lab.machines["far"].reject(r.port)
    client.sendall(b"no longer")
    expect_reset(client)
    yield 0


# The next hop is replaced. After all others: it happens to everybody.


@row("paths")
def failover_abort(r):
    r.ping()
    pairs = [r.open() for _ in range(3)]
    yield 5
    if r.version == 4:
        address = "02:00:5e:%02x:%02x:%02x" % tuple(random.randrange(256) for _ in range(3))
        r.lab.machines["near"].run("ip", "link", "set", "eth0", "address", address)
        r.client_machine.run("ip", "neigh", "flush", "dev", "eth0")
    yield 0.5
    for client, server in pairs[:2]:
        exchange(client, server)
    client, server = pairs[2]
    abort(server)
    expect_reset(client)


@row("paths")
def failover_late_data(r):
    client, server = r.open()
    yield 6
    close_late(client, server)


@row("paths")
def failover_rejected(r):
    r.ping()
    client, _ = r.open()
    yield 6
    r.lab.machines["firewall"].reject(r.port)
    client.sendall(b"no longer")
    expect_reset(client)
