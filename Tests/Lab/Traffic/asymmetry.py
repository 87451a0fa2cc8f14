# SPDX-License-Identifier: Apache-2.0
"""Rows in which the two directions of a connection take different ways, with a stateful router on one of them and without.

    pc1 ─┬─ lan ─┬─ r2 ── pc2          pc1   192.168.1.2, its default gateway is r1
         │       │                     r1    192.168.1.1, the provider's router: filters by connection state
        real     r1 ── net             r2    192.168.1.254 and 192.168.2.1
                                       pc2   192.168.2.2
                                       real  192.168.1.20, serves an address that r1 balances
                                       net   203.0.113.10, the rest of the world

What pc1 sends to pc2 goes to r1, back through the same interface to r2, and to pc2. What pc2 answers goes from r2 to pc1.
"""

from lab import TrafficError, ping
from rows import Row, exchange, ready, row, GROUPS
from wire import connect

# What r1 forwards by default: what it can match.
STATEFUL = """
    table inet filter {
        chain untracked { type filter hook prerouting priority raw; }
        chain forward {
            type filter hook forward priority filter;
            ct state invalid counter drop
            ct state established,related,new,untracked accept
        }
        chain output { type filter hook output priority filter; }
    }
"""


class Office(Row):
    """A row of this network. `server` is an address of its own at pc2."""

    LINKS = {
        "pc1": ("192.168.1.{}", "fd00:1::{:x}", "eth0"),
        "pc2": ("192.168.2.{}", "fd00:2::{:x}", "eth0"),
        "net": ("203.0.113.{}", "fd00:9::{:x}", "eth0"),
    }
    CLIENT, SERVER = "pc1", "pc2"
    CLIENT_ADDRESSES = ("192.168.1.2", "fd00:1::2")

    def gateway(self, router):
        """The address of a router on the client's link."""
        return {
            ("r1", 4): "192.168.1.1", ("r1", 6): "fd00:1::1",
            ("r2", 4): "192.168.1.254", ("r2", 6): "fe80::254",
        }[router, self.version]

    def route(self, machine, destination, via):
        self.lab.machines[machine].run("ip", f"-{self.version}", "route", "add", destination, "via", via, "dev", "eth0")

    @property
    def ip(self):
        return "ip" if self.version == 4 else "ip6"


def prepare(redirects, stateful=True):
    def work(lab):
        machines = lab.machines
        pc1, r1, r2, pc2, net, real, lan = (
            machines[name] for name in ("pc1", "r1", "r2", "pc2", "net", "real", "lan"))
        lan.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        lan.run("ip", "link", "set", "br0", "up")
        for port, machine in (("to-pc1", pc1), ("to-r1", r1), ("to-r2", r2), ("to-real", real)):
            connect(machine, "eth0", lan, port)
            lan.run("ip", "link", "set", port, "master", "br0")
        connect(r2, "eth1", pc2, "eth0")
        connect(r1, "eth1", net, "eth0")
        for machine, interface, ipv4, ipv6 in (
            (pc1, "eth0", "192.168.1.2", "fd00:1::2"),
            (r1, "eth0", "192.168.1.1", "fd00:1::1"),
            (r2, "eth0", "192.168.1.254", "fd00:1::254"),
            (real, "eth0", "192.168.1.20", "fd00:1::20"),
            (r2, "eth1", "192.168.2.1", "fd00:2::1"),
            (pc2, "eth0", "192.168.2.2", "fd00:2::2"),
            (r1, "eth1", "203.0.113.1", "fd00:9::1"),
            (net, "eth0", "203.0.113.10", "fd00:9::10"),
        ):
            machine.alias(ipv4, interface)
            machine.alias(ipv6, interface)
        # A redirect over IPv6 names the next hop by its address on the link.
        r2.alias("fe80::254", "eth0")
        for machine, ipv4, ipv6 in (
            (pc1, "192.168.1.1", "fd00:1::1"), (real, "192.168.1.1", "fd00:1::1"),
            (pc2, "192.168.2.1", "fd00:2::1"), (net, "203.0.113.1", "fd00:9::1"),
        ):
            machine.run("ip", "route", "add", "default", "via", ipv4)
            machine.run("ip", "-6", "route", "add", "default", "via", ipv6)
            # The redirects are ignored, as most systems are told to.
            machine.set("net.ipv4.conf.all.accept_redirects", "0")
            machine.set("net.ipv4.conf.eth0.accept_redirects", "0")
            machine.set("net.ipv6.conf.eth0.accept_redirects", "0")
        r1.run("ip", "route", "add", "192.168.2.0/24", "via", "192.168.1.254")
        r1.run("ip", "-6", "route", "add", "fd00:2::/64", "via", "fe80::254", "dev", "eth0")
        r2.run("ip", "route", "add", "default", "via", "192.168.1.1")
        r2.run("ip", "-6", "route", "add", "default", "via", "fd00:1::1")
        for router in (r1, r2):
            router.set("net.ipv4.ip_forward", "1")
            router.set("net.ipv6.conf.all.forwarding", "1")
        for name in ("all", "eth0"):
            r1.set(f"net.ipv4.conf.{name}.send_redirects", "1" if redirects else "0")
        if stateful:
            r1.nft(STATEFUL)
        if not redirects:
            # IPv6 has no parameter for it.
            r1.nft(
                """
                table inet quiet {
                    chain output {
                        type filter hook output priority filter;
                        icmpv6 type nd-redirect drop
                    }
                }
                """
            )
    return work


def rest_of_the_world(r):
    """Both ways through r1, while the others fail: connections that simply work."""
    net = r.lab.machines["net"]
    r.server = r.host("net", 20 + r.number)
    ping(r.client_machine, r.server, count=2)
    for _ in range(10):
        with r.listen(machine=net) as listener:
            client = r.connect()
            server, _ = listener.accept()
        server.settimeout(5)
        exchange(client, server)
        client.close()
        ready(server)
        server.close()
        yield 0.1


def fails(r, seconds, **more):
    """Ping works and connect() succeeds, but the server never hears of it."""
    r.ping()
    listener = r.listen()
    client = r.connect(**more)
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    yield seconds
    if ready(listener, 0):
        raise TrafficError("the server has accepted the connection")


def works(r, times=4):
    """Requests and answers, one connection after the other."""
    r.ping()
    for _ in range(times):
        client, server = r.open()
        yield 0.5
        exchange(client, server)
        client.close()
        ready(server)
        server.close()


# Redirects on


@row("case2", kind=Office)
def case2(r):
    yield from fails(r, 9)


@row("case2", kind=Office)
def case2_crowd(r):
    """Many connections of one client: some of them are kept, whatever is shed."""
    r.ping()
    listener = r.listen(backlog=64)
    for _ in range(16):
        r.connect().sendall(b"GET / HTTP/1.0\r\n\r\n")
        yield 0.05
    yield 8
    if ready(listener, 0):
        raise TrafficError("the server has accepted a connection")


GROUPS["case2.prepare"] = prepare(redirects=True)


# Redirects off


@row("quiet", kind=Office)
def case2_quiet(r):
    yield from fails(r, 9)


@row("quiet", kind=Office)
def reply_filtered(r):
    """The other way round: the SYN goes to r2 at once, the SYN-ACK comes back through r1, which has seen no SYN."""
    r.client_address = r.host("pc1", 100 + r.number)
    r.route("pc1", r.server, r.gateway("r2"))
    r.route("r2", r.client_address, r.gateway("r1"))
    ping(r.client_machine, r.server)
    listener = r.listen()
    client = r.socket(bind=(r.client_address, 0))
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    yield 9
    if ready(listener, 0):
        raise TrafficError("the server has accepted the connection")


@row("quiet", only=4, kind=Office)
def reverse_path(r):
    """pc1 uses an address that r1 does not route back to it: r1's reverse path filter drops what comes from there."""
    r.ping()
    r.client_address = f"192.168.77.{100 + r.number}"
    r.client_machine.alias(r.client_address, "eth0")
    r.lab.machines["r1"].set("net.ipv4.conf.eth0.rp_filter", "1")
    r.listen()
    client = r.socket(bind=(r.client_address, 0))
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    yield 8


GROUPS["quiet.prepare"] = prepare(redirects=False)


# The same network, healthy


@row("healthy", kind=Office)
def same_way(r):
    """One cure: both directions pass r2 only."""
    r.route("pc1", r.server, r.gateway("r2"))
    yield from works(r)


@row("healthy", kind=Office)
def same_way_back(r):
    """The other cure: both directions pass r1."""
    r.client_address = r.host("pc1", 100 + r.number)
    r.route("r2", r.client_address, r.gateway("r1"))
    r.ping()
    listener = r.listen()
    for _ in range(4):
        client = r.socket(bind=(r.client_address, 0))
        client.connect((r.server, r.port))
        server, _ = listener.accept()
        server.settimeout(5)
        exchange(client, server)
        yield 0.5
        exchange(client, server)
        client.close()
        ready(server)
        server.close()
    listener.close()


@row("healthy", kind=Office)
def untracked(r):
    """Still two ways, but r1 does not track these connections: one-way there, and healthy."""
    r.lab.machines["r1"].nft(f"add rule inet filter untracked {r.ip} daddr {r.server} notrack")
    yield from works(r)


@row("healthy", kind=Office)
def direct_server_return(r):
    """r1 balances an address; the machine that serves it answers the client itself."""
    real = r.lab.machines["real"]
    r.server = f"203.0.113.{100 + r.number}" if r.version == 4 else f"fd00:9::{100 + r.number:x}"
    real.alias(r.server, "lo")
    r.route("r1", r.server, "192.168.1.20" if r.version == 4 else "fd00:1::20")
    r.lab.machines["r1"].nft(f"add rule inet filter untracked {r.ip} daddr {r.server} notrack")
    for _ in range(6):
        listener = r.listen(machine=real)
        client = r.connect()
        server, _ = listener.accept()
        server.settimeout(5)
        listener.close()
        exchange(client, server)
        yield 0.5
        exchange(client, server)
        client.close()
        ready(server)
        server.close()


GROUPS["healthy.prepare"] = prepare(redirects=False)


# A router without state on the one-way path, that redirects


@row("stateless", kind=Office)
def stateless(r):
    yield from works(r)


GROUPS["stateless.prepare"] = prepare(redirects=True, stateful=False)

for _group in ("case2", "quiet", "healthy", "stateless"):
    row(_group, kind=Office)(rest_of_the_world)
    GROUPS[f"{_group}.machines"] = ["pc1", "r1", "r2", "pc2", "net", "real", "lan"]
