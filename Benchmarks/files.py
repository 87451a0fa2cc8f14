# SPDX-License-Identifier: Apache-2.0
"""How fast captures are read, beside other readers."""
import os
import subprocess
import time

from machine import Failure, command, is_installed, median, scratch

PACKETS = 2_000_000
PREFIX = 100_000
ROUNDS = 5

HOW = ("a capture of 2,000,000 packets that `capture-generator` writes (the same on every machine; 240 MB, IPv4 and TCP only, 39 k connections, "
       "1925 resets, 128 bytes kept of each packet), in the page cache; wall clock and peak resident memory of the whole process, output to "
       "/dev/null, median of 5 rounds in turns. The readers do not do the same work: what each is asked for is in its row. How many resets there "
       "are decides: tcpdump takes about 40 µs to print one, rstwho about 15 to judge and explain one, p0f says nothing of them. A capture with 30 k "
       "resets, say, takes tcpdump a second more.")
SLOW = ("as before, but only the first 100,000 packets and one round, because all of them take minutes; its rate falls with the length, "
        "so that the ratio is to its favour.")


def readers(bench, capture, short, directory):
    """Label, program, words, packets, rounds, and what must be reached of it."""
    return [
        ("rstwho read --format json", bench.rstwho, [bench.rstwho, "read", capture, "--format", "json"], PACKETS, ROUNDS, None),
        ("cat (to /dev/null)", "cat", ["cat", capture], PACKETS, ROUNDS, None),
        ("p0f", "p0f", ["p0f", "-r", capture], PACKETS, ROUNDS, 4),
        ("tcpdump with a RST filter", "tcpdump", ["tcpdump", "-n", "-r", capture, "tcp[tcpflags] & tcp-rst != 0"], PACKETS, ROUNDS, 6),
        ("nfpcapd (flows)", "nfpcapd", nfpcapd(capture, directory), PACKETS, 1, None),
        ("argus (flows)", "argus", ["argus", "-r", capture, "-w", "/dev/null"], PACKETS, 1, None),
        ("tcptrace (connections)", "tcptrace", ["tcptrace", "-n", capture], PACKETS, 1, None),
        ("tshark, three fields", "tshark",
         ["tshark", "-n", "-r", short, "-T", "fields", "-e", "ip.src", "-e", "ip.ttl", "-e", "tcp.flags"], PREFIX, 1, 500),
    ]


def nfpcapd(capture, directory):
    """Its option for the directory changed with version 1.7."""
    text = subprocess.run(["nfpcapd", "-h"], capture_output=True, text=True, check=False) if is_installed("nfpcapd") else None
    option = "-w" if text and "-w " in text.stdout + text.stderr else "-l"
    return ["nfpcapd", "-r", capture, option, directory]


def read(words):
    """Wall clock seconds and peak bytes of one run."""
    with open(os.path.join(scratch(), "errors"), "w+", encoding="utf-8") as errors:
        start = time.monotonic()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        # 1 is rstwho's "something was found".
        if process.returncode not in (0, 1):
            raise Failure(f"{' '.join(words)}: status {process.returncode}: {errors.read()[-300:]}")
    return seconds, usage.ru_maxrss * 1024


def run(bench, report):
    capture, short = (os.path.join(scratch(), name) for name in ("capture.pcap", "short.pcap"))
    flows = os.path.join(scratch(), "flows")
    os.mkdir(flows)
    generator = os.path.join(bench.directory, "capture-generator")
    command(generator, capture, str(PACKETS))
    command(generator, short, str(PREFIX))
    wanted = readers(bench, capture, short, flows)
    figures = {label: [] for label, *_ in wanted}
    missing = {label for label, program, *_ in wanted if not is_installed(program)}
    for turn in range(ROUNDS):
        for label, _, words, _, rounds, _ in wanted:
            if turn < rounds and label not in missing:
                figures[label].append(read(words))
    rates = {}
    for label, _, _, packets, _, _ in wanted:
        if label not in missing:
            rates[label] = packets / median([seconds for seconds, _ in figures[label]])
    own = rates[wanted[0][0]]
    for label, _, _, packets, _, target in wanted:
        if label in missing:
            report.skip("files", label, "not installed")
            continue
        memory = max(peak for _, peak in figures[label])
        ratio = own / rates[label]
        report.add(
            "files", label, ratio=f"rstwho {ratio:.3g} × as fast" if label != wanted[0][0] else "",
            figure=f"{rates[label] / 1e6:.3g} M packets/s, {memory / 2**20:.0f} MiB", target=f"≥ {target} ×" if target else "",
            met=ratio >= target if target else None, how=HOW if packets == PACKETS else SLOW)
    for path in (capture, short):
        os.remove(path)
