# SPDX-License-Identifier: Apache-2.0
"""Rows in which time matters: a round trip to the host takes 20 ms, and somebody beside the path is faster."""

import os
import random
import time

from lab import Tap
from rows import ACK, GROUPS, RST, SYN, Segment, abort, exchange, expect_reset, forget, ready, receive, row
from wire import lengthen, place_beside

# As far as the server: what leaves the outsider with it has the server's TTL at the client.
SERVERS_TTL = 62


def prepare(lab):
    place_beside(lab)
    lengthen(lab, 0.010)


GROUPS["races.prepare"] = prepare


def answer(r, seen, **more):
    """A reset in the server's name that answers what the client sent."""
    return Segment(
        r.server, r.port, r.client_address, seen.source_port, RST | ACK, seq=seen.ack,
        ack=seen.seq + len(seen.payload) + (1 if seen.flags & SYN else 0), **more,
    )


def from_client(r, flag=0):
    def matches(segment):
        isOurs = segment.source == r.client_address and segment.target_port == r.port
        return isOurs and (segment.flags & SYN if flag else len(segment.payload) > 0)

    return matches


def injected(r, make):
    """The outsider sees a request in a mirror port and answers it before the server does."""
    r.ping()
    client, server = r.open()
    tap = Tap(r.lab.machines["near"], "eth0")
    client.sendall(b"a forbidden word")
    seen = tap.wait(from_client(r))
    for segment in make(seen):
        r.raw("outsider", segment, forged=True)
    expect_reset(client)
    tap.close()
    # The server knows of nothing.
    receive(server, 16)
    server.sendall(os.urandom(64))
    time.sleep(0.04)


@row("races")
def injected_own_ttl(r):
    injected(r, lambda seen: [answer(r, seen)])
    yield 0


@row("races")
def injected_ttl_copied(r):
    injected(r, lambda seen: [answer(r, seen, ttl=SERVERS_TTL)])
    yield 0


@row("races", only=4)
def injected_id_copied(r):
    injected(r, lambda seen: [answer(r, seen, ttl=SERVERS_TTL, identification=seen.identification)])
    yield 0


@row("races")
def injected_window_copied(r):
    injected(r, lambda seen: [answer(r, seen, ttl=SERVERS_TTL, window=seen.window)])
    yield 0


@row("races")
def injected_twins(r):
    def twins(seen):
        first, second = answer(r, seen, ttl=SERVERS_TTL), answer(r, seen, ttl=SERVERS_TTL)
        second.seq = (second.seq + 1460) & 0xFFFFFFFF
        return [first, second]

    injected(r, twins)
    yield 0


@row("races")
def injected_bare_own_ttl(r):
    def bare(seen):
        segment = answer(r, seen)
        segment.flags, segment.ack = RST, 0
        return [segment]

    injected(r, bare)
    yield 0


def guessed(r, **more):
    """A sequence number that is in the window but not the next one: the client asks back, and both go on."""
    r.ping()
    client, server = r.open()
    tap = Tap(r.lab.machines["near"], "eth0")
    client.sendall(b"a forbidden word")
    segment = answer(r, tap.wait(from_client(r)), **more)
    segment.seq = (segment.seq + 1000) & 0xFFFFFFFF
    r.raw("outsider", segment, forged=True)
    tap.close()
    receive(server, 16)
    server.sendall(os.urandom(64))
    receive(client, 64)
    for _ in range(2):
        time.sleep(0.01)
        exchange(client, server)


@row("races")
def injected_guessed_own_ttl(r):
    guessed(r)
    yield 0


@row("races")
def injected_guessed_ttl_copied(r):
    guessed(r, ttl=SERVERS_TTL)
    yield 0


def injected_before_syn_ack(r, **more):
    r.ping()
    r.listen()
    tap = Tap(r.lab.machines["near"], "eth0")
    client = r.socket()
    client.setblocking(False)
    client.connect_ex((r.server, r.port))
    r.raw("outsider", answer(r, tap.wait(from_client(r, SYN)), **more), forged=True)
    expect_reset(client)
    tap.close()


@row("races")
def injected_syn_own_ttl(r):
    injected_before_syn_ack(r)
    yield 0.1


@row("races")
def injected_syn_ttl_copied(r):
    injected_before_syn_ack(r, ttl=SERVERS_TTL)
    yield 0.1


def flood(r, count):
    for _ in range(count):
        r.raw(
            "outsider",
            Segment(
                r.server, r.port, r.client_address, random.randrange(1024, 65536), random.choice([RST, RST | ACK]),
                seq=random.getrandbits(32), ack=random.getrandbits(32),
            ),
        )


@row("races")
def flood_known_host(r):
    r.ping()
    flood(r, 150)
    yield 0


@row("races")
def flood_unknown_host(r):
    flood(r, 150)
    yield 0


# The server's side opens these: its resets are the ones that are seen to arrive.


def dial(r, listener):
    caller = r.socket(machine=r.server_machine, bind=(r.server, r.port))
    caller.connect((r.client_address, r.port))
    answerer, _ = listener.accept()
    answerer.settimeout(5)
    r.sockets.append(answerer)
    return caller, answerer


def listen_at_client(r):
    return r.listen(address=r.client_address, machine=r.client_machine)


@row("races")
def abort_and_same_port(r):
    listener = listen_at_client(r)
    caller, answerer = dial(r, listener)
    exchange(caller, answerer)
    abort(caller)
    caller, answerer = dial(r, listener)
    exchange(caller, answerer)
    exchange(caller, answerer)
    yield 0


@row("races")
def challenge_and_same_port(r):
    """A caller that crashed calls again from the same port: challenge ACK, reset, new SYN and data."""
    listener = listen_at_client(r)
    caller, answerer = dial(r, listener)
    exchange(caller, answerer)
    forget(caller)
    caller = r.socket(machine=r.server_machine, bind=(r.server, r.port))
    caller.setblocking(False)
    caller.connect_ex((r.client_address, r.port))
    expect_reset(answerer)
    caller.close()
    caller, answerer = dial(r, listener)
    exchange(caller, answerer)
    exchange(caller, answerer)
    yield 0


@row("races")
def half_open_check(r):
    """A health check that looks whether the port opens, three times; its kernel knows of no connection."""
    r.listen(address=r.client_address, machine=r.client_machine)
    for _ in range(3):
        seq = random.getrandbits(32)
        r.raw("server", Segment(r.server, r.port, r.client_address, r.port, SYN, seq=seq, window=1024))
        yield 0.7


@row("races")
def connect_check(r):
    """A health check that connects and aborts at once, three times."""
    listener = listen_at_client(r)
    for _ in range(3):
        caller, _ = dial(r, listener)
        abort(caller)
        yield 0.7


@row("races")
def keepalive_race(r):
    """The server closes after a silence, and its client writes at that moment, in three connections."""
    pairs = [r.open() for _ in range(3)]
    yield 10.5
    for client, server in pairs:
        server.close()
        client.sendall(b"GET / HTTP/1.1")
        expect_reset(client)


@row("races")
def late_data_far(r):
    client, server = r.open()
    server.close()
    ready(client)
    client.sendall(b"one more thing")
    expect_reset(client)
    yield 0


@row("races")
def unread_data_far(r):
    client, server = r.open()
    client.sendall(b"nobody reads this")
    ready(server)
    server.close()
    expect_reset(client)
    yield 0


@row("races")
def closed_port_far(r):
    r.ping()
    r.refused()
    yield 0
