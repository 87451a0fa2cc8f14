# SPDX-License-Identifier: Apache-2.0
"""Rows in which one end, or a packet filter between, resets or stays silent. One path, one host per row."""

from rows import GROUPS, TrafficError, abort, exchange, expect_reset, ready, row

EF = 46


@row("ends")
def closed_port(r):
    r.ping()
    r.refused()
    yield 0


@row("ends")
def closed_port_marked(r):
    r.ping(dscp=EF)
    r.refused(dscp=EF)
    yield 0


@row("ends")
def closed_port_beside_open(r):
    r.open(port=r.port + 1)
    r.refused()
    yield 0


@row("ends")
def host_filter(r):
    r.ping()
    r.server_machine.refuse(r.port)
    r.refused()
    yield 0


@row("ends")
def host_filter_marked(r):
    r.ping(dscp=EF)
    r.server_machine.refuse(r.port)
    r.refused(dscp=EF)
    yield 0


@row("ends")
def host_filter_midstream(r):
    client, _ = r.open()
    r.server_machine.refuse(r.port)
    client.sendall(b"too late")
    expect_reset(client)
    yield 0


def rejected_at(machine):
    def traffic(r):
        r.ping()
        r.lab.machines[machine].reject(r.port)
        r.refused()
        yield 0

    def midstream(r):
        client, _ = r.open()
        r.lab.machines[machine].reject(r.port)
        client.sendall(b"no longer")
        expect_reset(client)
        yield 0

    return traffic, midstream


for _machine, _hop in (("near", 1), ("firewall", 2), ("far", 3)):
    for _function, _name in zip(rejected_at(_machine), ("rejected_hop{}", "rejected_midstream_hop{}")):
        _function.__name__ = _name.format(_hop)
        row("ends")(_function)


@row("ends")
def rejected_midstream_hop3_pinged(r):
    """One hop nearer than the connection, decided by an echo reply of the address's own kernel."""
    r.ping()
    client, _ = r.open()
    r.lab.machines["far"].reject(r.port)
    client.sendall(b"no longer")
    expect_reset(client)
    yield 0


@row("ends")
def rejected_after_open_ports(r):
    """No ping: what is known of the host comes from its TCP."""
    for _ in range(3):
        r.open(port=r.port + 1)
    r.lab.machines["firewall"].reject(r.port)
    r.refused()
    yield 0


@row("ends")
def dropped(r):
    r.ping()
    r.lab.machines["firewall"].drop(r.port)
    r.silent(1)
    yield 0


@row("ends")
def dropped_midstream(r):
    client, _ = r.open()
    r.lab.machines["firewall"].drop(r.port)
    client.sendall(b"into the void")
    yield 1
    if ready(client, 0):
        raise TrafficError("an answer came")


@row("ends")
def idle_timeout(r):
    client, _ = r.open()
    r.lab.machines["firewall"].nft(
        f"add rule inet idle forward tcp dport {r.port} ct state invalid reject with tcp reset"
    )
    yield 12
    client.sendall(b"still there?")
    expect_reset(client)


@row("ends")
def idle_kept(r):
    """The same silence without a timer: nothing happens."""
    client, server = r.open()
    yield 12
    exchange(client, server)


@row("ends")
def unread_data(r):
    client, server = r.open()
    client.sendall(b"nobody reads this")
    ready(server)
    server.close()
    expect_reset(client)
    yield 0


@row("ends")
def linger_zero(r):
    client, server = r.open()
    abort(server)
    expect_reset(client)
    yield 0


@row("ends")
def linger_zero_at_once(r):
    """The server aborts before it has sent any data."""
    listener = r.listen()
    client = r.connect()
    server, _ = listener.accept()
    abort(server)
    expect_reset(client)
    yield 0


@row("ends")
def idle_abort(r):
    """The application gives up after a silence: idle, but nobody between had a hand in it."""
    client, server = r.open()
    yield 11
    abort(server)
    expect_reset(client)


@row("ends")
def late_data(r):
    client, server = r.open()
    server.close()
    ready(client)
    client.sendall(b"one more thing")
    expect_reset(client)
    yield 0


# The same with a listener that sets its own TTL.


@row("ends")
def ttl200_closed_port(r):
    r.open(port=r.port + 1, ttl=200)
    r.refused()
    yield 0


@row("ends")
def ttl200_closed_port_pinged(r):
    r.ping()
    r.open(port=r.port + 1, ttl=200)
    r.refused()
    yield 0


@row("ends")
def ttl200_host_filter(r):
    r.open(port=r.port + 1, ttl=200)
    r.server_machine.refuse(r.port)
    r.refused()
    yield 0


@row("ends")
def ttl200_host_filter_midstream(r):
    client, _ = r.open(ttl=200)
    r.server_machine.refuse(r.port)
    client.sendall(b"too late")
    expect_reset(client)
    yield 0


@row("ends")
def ttl200_rejected_midstream(r):
    r.ping()
    client, _ = r.open(ttl=200)
    r.lab.machines["firewall"].reject(r.port)
    client.sendall(b"no longer")
    expect_reset(client)
    yield 0


@row("ends")
def ttl200_rejected(r):
    r.ping()
    r.open(port=r.port + 1, ttl=200)
    r.lab.machines["firewall"].reject(r.port)
    r.refused()
    yield 0


@row("ends")
def ttl200_unread_data(r):
    client, server = r.open(ttl=200)
    client.sendall(b"nobody reads this")
    ready(server)
    server.close()
    expect_reset(client)
    yield 0


@row("ends")
def ttl200_linger_zero(r):
    client, server = r.open(ttl=200)
    abort(server)
    expect_reset(client)
    yield 0


@row("ends")
def ttl200_late_data(r):
    client, server = r.open(ttl=200)
    server.close()
    ready(client)
    client.sendall(b"one more thing")
    expect_reset(client)
    yield 0


@row("ends")
def ttl200_late_data_pinged(r):
    r.ping()
    client, server = r.open(ttl=200)
    server.close()
    ready(client)
    client.sendall(b"one more thing")
    expect_reset(client)
    yield 0


def prepare(lab):
    firewall = lab.machines["firewall"]
    firewall.set("net.netfilter.nf_conntrack_tcp_loose", "0")
    firewall.set("net.netfilter.nf_conntrack_tcp_timeout_established", "5")
    firewall.nft("table inet idle { chain forward { type filter hook forward priority 1; ct state new accept; }; }")


GROUPS.setdefault("ends.prepare", prepare)
