# SPDX-License-Identifier: Apache-2.0
"""A flood of packets, made on two CPUs, and within it resets that somebody forges into connections of one host.

    python3 flood.py INTERFACE DESTINATION-MAC GENERATOR FORGED [NAME=NUMBER]…

Runs in the sender's namespace. Shows pings and connects of a client to a host at hop 4, starts the generators, and while they run sends a
reset of hop 2 for each of FORGED connects, or none. Prints what the generators say and how many resets were sent; ends with status 1 where a generator
was through too soon.
"""

import errno
import socket
import struct
import subprocess
import sys
import time

from lab import ACK, RST, SYN, Segment, checksum

CLIENT, SERVER = "10.1.0.1", "10.9.0.2"
PORT, FIRST = 22, 40000


def echo(source, target, kind, sequence, ttl):
    body = struct.pack("!BBHHH", kind, 0, 0, 7, sequence) + bytes(24)
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), sequence + 1, 0x4000, ttl, 1, 0) + addresses
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def main():
    interface, mac, generator, forged = *sys.argv[1:4], int(sys.argv[4])
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((interface, 0))
    ethernet = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000065") + b"\x08\x00"

    def send(packet):
        # The generators may fill the queue of the interface.
        for _ in range(1000):
            try:
                sock.send(ethernet + packet)
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                time.sleep(0.001)
        else:
            raise TimeoutError("the interface takes no packet")
        time.sleep(0.001)

    for sequence in range(8):
        send(echo(CLIENT, SERVER, 8, sequence, 64))
        send(echo(SERVER, CLIENT, 0, sequence, 61))
    for number in range(max(forged, 1)):
        send(Segment(CLIENT, FIRST + number, SERVER, PORT, SYN, seq=1000 * number, window=500).bytes())
    command = [generator, interface, mac, *sys.argv[5:]]
    # Two of them differ in all their packets.
    floods = [
        subprocess.Popen(command + [f"first={first}"], stdout=subprocess.PIPE, text=True) for first in (0, 1 << 31)
    ]
    time.sleep(1)
    for number in range(forged):
        reset = Segment(SERVER, PORT, CLIENT, FIRST + number, RST | ACK, ack=1000 * number + 1, ttl=63)
        send(reset.bytes())
        time.sleep(2 / forged)
    were_running = all(flood.poll() is None for flood in floods)
    said = [flood.communicate(timeout=60)[0].strip() for flood in floods]
    print(f"{', '.join(said)} and {forged} forged resets")
    return max(flood.returncode for flood in floods) if were_running else 1


if __name__ == "__main__":
    sys.exit(main())
