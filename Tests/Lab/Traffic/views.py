# SPDX-License-Identifier: Apache-2.0
"""Rows that are seen differently: at a mirror port that shows routed packets twice, at a router that tunnels pass, behind a
router that gives all packets one TTL.
"""

from lab import ping
from rows import GROUPS, abort, exchange, expect_reset, ready, row
from wire import geneve, mirror


def prepare_mirror(lab):
    """The first router shows the sensor what passes both its interfaces: every routed packet, before and after."""
    mirror(lab.machines["near"], ["eth0", "eth1"], "tap0")


GROUPS["mirror.prepare"] = prepare_mirror


def closed_port(r):
    r.ping()
    r.refused()


def rejected(machine):
    def traffic(r):
        r.ping()
        r.lab.machines[machine].reject(r.port)
        r.refused()

    return traffic


def midstream(r):
    client, server = r.open()
    exchange(client, server)
    r.lab.machines["far"].reject(r.port)
    client.sendall(b"no longer")
    expect_reset(client)


def aborted(r):
    client, server = r.open()
    abort(server)
    expect_reset(client)


def late_data(r):
    client, server = r.open()
    server.close()
    ready(client)
    client.sendall(b"one more thing")
    expect_reset(client)


def declare(group, name, traffic):
    def play(r):
        traffic(r)
        yield 0

    play.__name__ = name
    row(group)(play)


for _name, _traffic in (
    ("mirrored_closed_port", closed_port),
    ("mirrored_rejected", rejected("firewall")),
    ("mirrored_midstream", midstream),
    ("mirrored_abort", aborted),
    ("mirrored_late_data", late_data),
):
    declare("mirror", _name, _traffic)


# Tunnels between the first and the last router, over the firewall.


def prepare_tunnels(lab):
    near, far = lab.machines["near"], lab.machines["far"]
    near.run("ip", "route", "add", "10.3.0.2/32", "via", "10.2.0.2")
    for machine, remote in ((near, "10.3.0.2"), (far, "10.2.0.1")):
        link = ["ip", "link", "add", "vxlan", "type", "vxlan", "id", "42", "remote", remote, "dstport", "4789"]
        machine.run(*link)
        machine.run("ip", "link", "set", "vxlan", "up")
    geneve([(near, "10.2.0.1"), (far, "10.3.0.2")], 43)
    for kind, number in (("vxlan", 6), ("geneve", 7)):
        for machine, own in ((near, 1), (far, 2)):
            machine.alias(f"10.{number}.0.{own}", kind)
            machine.alias(f"fd00:{number}::{own}", kind)
        for version, back in (("-4", f"10.{number}.0.1"), ("-6", f"fd00:{number}::1")):
            far.run("ip", version, "route", "add", "default", "via", back, "table", str(200 + number))


GROUPS["tunnels.prepare"] = prepare_tunnels


def tunnelled(kind, traffic):
    number = {"vxlan": 6, "geneve": 7}[kind]

    def play(r):
        near, far = r.lab.machines["near"], r.lab.machines["far"]
        gateway = f"10.{number}.0.2" if r.version == 4 else f"fd00:{number}::2"
        near.run("ip", f"-{r.version}", "route", "add", r.server, "via", gateway)
        far.run("ip", f"-{r.version}", "rule", "add", "from", r.server, "lookup", str(200 + number))
        traffic(r)

    return play


for _kind in ("vxlan", "geneve"):
    for _name, _traffic in (
        ("closed_port", closed_port),
        ("rejected", rejected("far")),
        ("midstream", midstream),
        ("abort", aborted),
    ):
        declare("tunnels", f"{_kind}_{_name}", tunnelled(_kind, _traffic))


# The first router gives everything that it hands to the client one TTL.


def prepare_rewriter(lab):
    lab.machines["near"].nft(
        """
        table inet rewrite {
            chain forward {
                type filter hook forward priority 10;
                oifname "eth0" meta nfproto ipv4 ip ttl set 64
                oifname "eth0" meta nfproto ipv6 ip6 hoplimit set 64
            }
        }
        """
    )
    for address in ("10.2.0.2", "10.3.0.2", "10.4.0.2", "fd00:2::2", "fd00:3::2", "fd00:4::2"):
        ping(lab.machines["client"], address)


GROUPS["rewriter.prepare"] = prepare_rewriter

for _name, _traffic in (
    ("rewritten_closed_port", closed_port),
    ("rewritten_rejected", rejected("firewall")),
    ("rewritten_midstream", midstream),
    ("rewritten_abort", aborted),
    ("rewritten_late_data", late_data),
):
    declare("rewriter", _name, _traffic)
