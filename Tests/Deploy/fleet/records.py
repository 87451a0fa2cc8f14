# SPDX-License-Identifier: Apache-2.0
"""Records that the agents of a simulated fleet would write, with the truth about them.

A connection goes from a site's access firewall (a) over its WAN router (w) to a data centre's edge (e) and firewall (f); each has an
agent. A connection's number decides everything about it, so that all agents tell one story. Odd sites translate addresses
behind w. Between w and e of data centre 0 stands a device without an agent that resets connections to tcp/3306.
"""
import gzip
import hashlib
import json
import os

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
SITES = 6
CENTRES = 2
PORTS = (443, 443, 80, 22, 5432, 3306)
FATES = ("delivered", "delivered", "rejected", "between", "lost", "closed")


def number(*parts):
    """64 bits that follow from the parts alone."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big")


def mapped(address):
    return "::ffff:" + address


def key_of(address):
    return tuple(int(part) for part in address.split("."))


def machine(agent):
    return f"{number('machine', agent) & 0xffffffff:08x}"


class Connection:
    """One connection, and its fate."""

    def __init__(self, index, start, span, realm=""):
        self.index, self.realm = index, realm
        random = number("connection", index)
        self.site = random % SITES
        self.centre = (random >> 8) % CENTRES
        self.client = f"10.{self.site + 1}.{(random >> 16) % 4}.{1 + (random >> 24) % 200}"
        self.server = f"172.16.{self.centre}.{1 + (random >> 32) % 50}"
        self.fate = FATES[(random >> 40) % len(FATES)]
        self.port = PORTS[(random >> 48) % len(PORTS)]
        if self.fate == "between":
            self.centre, self.port, self.server = 0, 3306, f"172.16.0.{1 + (random >> 32) % 50}"
        self.client_port = 20000 + index % 40000
        self.isn = number("isn", index) & 0xffffffff or 1
        self.time = start + (index * span) // max(1, self.total)
        self.agents = [f"a{self.site}", f"w{self.site}", f"e{self.centre}", f"f{self.centre}"]

    total = 1

    def end(self, place):
        """The client's address and port as the agent at that place sees them."""
        if self.site % 2 and place >= 2:
            return f"100.64.{self.site}.1", 30000 + self.index % 30000
        return self.client, self.client_port

    def question(self):
        return f"{self.client}:{self.client_port} > {self.server}:{self.port}"


def header(kind, agent, realm, site):
    return {"record": kind, "schema": 1, "realm": realm, "agent": agent, "site": site, "machine": machine(agent)}


def site_of(agent):
    return f"site-{agent[1:]}" if agent[0] in "aw" else f"centre-{agent[1:]}"


def sighting(connection, place, packet, from_client, at, reason="sampled", hop=None):
    agent = connection.agents[place]
    client, client_port = connection.end(place)
    low_first = key_of(client) < key_of(connection.server)
    low, high = (client, connection.server) if low_first else (connection.server, client)
    low_port, high_port = (client_port, connection.port) if low_first else (connection.port, client_port)
    distance = (place + 1 if from_client else len(connection.agents) - place) if hop is None else hop
    row = header("sighting", agent, connection.realm, site_of(agent))
    row.update(
        at=at, client_isn=connection.isn, packet_key=f"{number(packet, connection.index):016x}", packet=packet, why=reason,
        low=mapped(low), high=mapped(high), low_port=low_port, high_port=high_port, from_low=int(from_client == low_first),
        from_client=int(from_client), ttl=64 - distance, hop=distance, interface="eth0", direction="in", clock_offset_us=0)
    return row


def finding(connection, place, sender, cause, hop, at):
    agent = connection.agents[place]
    client, client_port = connection.end(place)
    low, high = sorted((client, connection.server), key=key_of)
    identity = f"01K{number('finding', connection.index, place):016X}ABCDEFG"
    is_problem = int(sender in ("middlebox", "this_machine"))
    line = {
        "schema": 2, "kind": "reset", "id": identity, "revision": 0, "src": connection.server, "src_port": connection.port,
        "dst": client, "dst_port": client_port, "service_port": connection.port, "flags": "RA", "sender": sender, "hop": hop,
        "cause": cause, "stage": "syn", "packet_key": f"{number('rst', connection.index):016x}", "count": 1}
    row = header("finding", agent, connection.realm, site_of(agent))
    row.update(
        at=at, id=identity, revision=0, kind="reset", low=mapped(low), high=mapped(high), src=mapped(connection.server),
        dst=mapped(client), src_port=connection.port, dst_port=client_port, service_port=connection.port,
        packet_key=line["packet_key"], client_isn=connection.isn, sender=sender, cause=cause, stage="syn", hop=hop,
        host_hop=len(connection.agents) - place, confidence=0.97, origin="o-1", device="", owner="", expected=0,
        problem=is_problem, interface="eth0", count=1, clock_offset_us=0, line=json.dumps(line, separators=(",", ":")))
    return row


def story(connection):
    """The rows of a connection, and the verdict that a trace must come to."""
    time, places = connection.time, range(len(connection.agents))

    def delay(place, from_client):
        return (place if from_client else len(connection.agents) - 1 - place) * 1_000_000

    def seen(packet, from_client, offset, where, reason="sampled"):
        return [sighting(connection, place, packet, from_client, time + offset + delay(place, from_client), reason)
                for place in where]

    fate = connection.fate
    rows = seen("syn", True, 0, [0, 1, 2] if fate == "rejected" else places, "reset" if fate in FATES[2:4] else "sampled")
    if fate == "delivered":
        rows += seen("syn_ack", False, 10_000_000, places) + seen("ack", True, 20_000_000, places)
        return rows, {"verdict": "delivered"}
    if fate == "lost":
        for again in range(3):
            rows += seen("syn_ack", False, 10_000_000 + again * SECOND, places, "suspect")
            rows += seen("ack", True, 20_000_000 + again * SECOND, [0, 1], "suspect")
        return rows, {"verdict": "lost_between", "packet": "ack", "saw": connection.agents[1], "saw_not": connection.agents[2]}
    # The edge rejects; a device before the edge does; or the server's kernel has nobody on that port.
    source, hops, verdict = {
        "rejected": (2, [2, 1, 0], {"verdict": "reset_by_agent", "agent": connection.agents[2]}),
        "between": (1, [2, 1], {"verdict": "reset_between", "saw": connection.agents[1], "saw_not": connection.agents[2]}),
        "closed": (3, [4, 3, 2, 1], None),
    }[fate]
    for place in range(source + 1):
        own = fate == "rejected" and place == 2
        sender = "this_machine" if own else "host_kernel" if fate == "closed" else "middlebox"
        cause = "port_closed" if fate == "closed" else "rejected"
        hop = hops[place] if fate != "between" else 2 - place
        at = time + 10_000_000 + delay(place, False)
        rows.append(sighting(connection, place, "rst", False, at, "reset", hop))
        rows.append(finding(connection, place, sender, cause, hop, at))
    return rows, verdict or {"verdict": None}


def statuses(start, span, realm="", silent=None):
    """A row a minute of every agent; `silent` sends none in the second half."""
    agents = [f"{kind}{index}" for kind, count in (("a", SITES), ("w", SITES), ("e", CENTRES), ("f", CENTRES)) for index in range(count)]
    minutes = span // MINUTE + 3
    for agent in agents:
        for minute in range(-2, minutes):
            if agent == silent and minute > minutes // 2:
                continue
            at = start + minute * MINUTE + number("phase", agent) % MINUTE
            row = header("agent", agent, realm, site_of(agent))
            row.update(
                at=at, version="0.2.0", boot=start - 3600 * SECOND, complete=at, last=0, hash_key=7, addresses=[],
                seen=1000 * (minute + 3), recorded=1000 * (minute + 3), shed=0, refused=0, lost=0, lost_resets=0,
                connections=10 * (minute + 3), kept_share=1.0, sampled_share=1.0, spool_bytes=0, spool_seconds=0,
                dropped_findings=0, dropped_sightings=0, dropped_agents=0, dropped_hosts=0, clock_offset_us=0, clock_error_us=100)
            yield row


def distances(start, realm=""):
    """The servers' distances from the agents of the data centres."""
    for centre in range(CENTRES):
        for host in range(1, 51):
            for agent, hop in ((f"e{centre}", 2), (f"f{centre}", 1)):
                row = header("host", agent, realm, site_of(agent))
                row.update(
                    at=start, address=mapped(f"172.16.{centre}.{host}"), hop=hop, initial_ttl=64, ttl=65 - hop, packets=100,
                    first_seen=start - SECOND, last_seen=start)
                yield row


class Spool:
    """Writes rows as an agent does: batches of one kind each, numbered, gzip."""

    def __init__(self, path, batch=2000):
        self.path, self.batch, self.number, self.waiting, self.rows = path, batch, 1, {}, 0
        os.makedirs(path, exist_ok=True)

    def add(self, row):
        self.rows += 1
        kind = row["record"]
        self.waiting.setdefault(kind, []).append(json.dumps(row, separators=(",", ":")))
        if len(self.waiting[kind]) >= self.batch:
            self.close(kind)

    def close(self, kind):
        lines = self.waiting.pop(kind, [])
        if lines:
            self.raw(kind, gzip.compress(("\n".join(lines) + "\n").encode(), 1))

    def raw(self, kind, data):
        name = f"{self.path}/{kind}-{self.number:016x}.jsonl.gz"
        with open(name + ".part", "wb") as file:
            file.write(data)
        os.rename(name + ".part", name)
        self.number += 1
        return name

    def finish(self):
        for kind in list(self.waiting):
            self.close(kind)


def fleet(count, start, span, silent=None, realm=""):
    """All rows, and the connections with what a trace must say of them."""
    Connection.total = count
    connections, rows = [], []
    for index in range(count):
        connection = Connection(index, start, span, realm)
        told, verdict = story(connection)
        rows += told
        connections.append((connection, verdict))
    rows += statuses(start, span, realm, silent)
    rows += distances(start, realm)
    return rows, connections
