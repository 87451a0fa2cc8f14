# SPDX-License-Identifier: Apache-2.0
"""Live frames over a veth: how many arrive, and what becomes of them."""
import traffic
from machine import Namespace, connect, is_installed, sink
from variants import SECONDS, Variant, agent, dropped_by, dropping, empty, other, shed_all, take_turns

ARRIVAL = ("`frame-generator` over a veth (BPF_F_TEST_XDP_LIVE_FRAMES): 64-byte frames, 65,536 flows of 4096 hosts, 1 % SYNs, 0.1 % resets, "
           "as many as go; packets a second that the receiving interface counted, dropped behind the program (tc) so that the stack's "
           "work dilutes nothing. Medians of 5 rounds of 1 s in turns, ratios of the two figures of a round. Generator and receiver share a core. Ratios of XDP are to an empty "
           "program that passes, and include the building of the skb, as rstwho passes every packet.")
DROPPED = ("as before, but the frames are dropped by the XDP program itself (`kernel-bench`: the kernel part with that one difference), and its rings are "
           "emptied every millisecond by the other processor, without the engine. The strictest comparison: there is nothing else in it.")


def run(bench, report):
    sender, receiver = Namespace("sender"), Namespace("receiver")
    connect(sender, "out", receiver, "in")
    # A veth takes redirected frames where it has an XDP program or this.
    receiver.run("ethtool", "-K", "in", "gro", "on")
    sink(receiver, "in")
    full = bench.full
    variants = {
        "empty tc": Variant("TC, empty program", empty(receiver, ["in"], "tc")),
        "tc": Variant("TC, rstwho, everything recorded", agent(bench, receiver, ["in"], "tc", *full)),
        "tc count": Variant("TC, parse and count (all flows shed)", agent(bench, receiver, ["in"], "tc", *full, prepare=shed_all)),
        "tc default": Variant("TC, rstwho as it comes", agent(bench, receiver, ["in"], "tc")),
        "empty xdp": Variant("XDP, empty program", empty(receiver, ["in"], "xdp")),
        "xdp": Variant("XDP, rstwho, everything recorded", agent(bench, receiver, ["in"], "xdp", *full)),
        "xdp count": Variant("XDP, parse and count (all flows shed)", agent(bench, receiver, ["in"], "xdp", *full, prepare=shed_all)),
        "empty dropped": Variant("XDP, dropped, empty program", empty(receiver, ["in"], "xdp", "drop_xdp")),
        "dropped": Variant("XDP, dropped, everything recorded", dropping(bench, receiver, "in", "live")),
        "dropped count": Variant("XDP, dropped, parse and count", dropping(bench, receiver, "in", "shed")),
        "tcpdump": Variant("tcpdump -w /dev/null -s 128", other(receiver, "tcpdump", "-i", "in", "-w", "/dev/null", "-s", "128")),
        "p0f": Variant("p0f", other(receiver, "p0f", "-i", "in")),
    }
    if not is_installed("bpftool"):
        del variants["tc count"], variants["xdp count"]
    for tool in ("tcpdump", "p0f"):
        if not is_installed(tool):
            report.skip("link", variants.pop(tool).label, "not installed")

    def measure(variant):
        rate, _, _ = traffic.rate(bench.generator, sender, "out", receiver, "in", SECONDS)
        variant.rates.append(rate)

    take_turns(list(variants.values()), measure)
    for name, variant in variants.items():
        base = variants["empty xdp" if "xdp" in name else "empty dropped" if "dropped" in name else "empty tc"]
        how = DROPPED if "dropped" in name else ARRIVAL
        ratio = variant.ratio(base)
        figure = f"{variant.rate / 1e6:.2f} Mpps"
        if variant.fate():
            figure += f", {variant.fate()}"
        if name in ("tcpdump", "p0f"):
            figure += dropped_by(variant)
        target, met = "", None
        if name in ("tc", "xdp", "dropped"):
            target, met = "≥ 0.85, 0 lost", ratio >= 0.85 and not variant.ends["lost"]
        report.add("link", variant.label, ratio=f"{ratio:.2f} × empty program", figure=figure, target=target, met=met, how=how)
        count = variants.get(f"{name} count")
        if count:
            part = variant.ratio(count)
            report.add(
                "link", f"{variant.label}, against parse and count", ratio=f"{part:.3f} × parse and count", target="≥ 0.96",
                met=part >= 0.96, how=how)
    sender.delete()
    receiver.delete()
