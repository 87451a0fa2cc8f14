// SPDX-License-Identifier: Apache-2.0

extension DoctorFacts {
    /// Findings bear times of this machine's clock.
    var clockCheck: DoctorCheck? {
        guard let isClockSynchronised else { return nil }
        return isClockSynchronised
            ? DoctorCheck("clock", .ok, text: "the clock is synchronised")
            : DoctorCheck(
                "clock", .warn,
                text: "the clock is not synchronised: times of findings do not compare with those of other machines",
                cure: "timedatectl set-ntp true")
    }

    /// Strict mode drops what arrives where its answer would not leave (RFC 3704, section 2.2).
    ///
    /// What counts is the larger value of the interface's and that of all (Documentation/networking/ip-sysctl.rst).
    static func reversePathCheck(_ interface: Interface) -> DoctorCheck? {
        guard let filter = interface.reversePathFilter, !interface.info.isLoopback else { return nil }
        let name = interface.info.name
        guard filter == 1 else {
            return DoctorCheck(
                "rp_filter", .ok, interface: name,
                text: filter == 0
                    ? "sources are not checked (rp_filter 0)" : "sources are checked loosely (rp_filter 2)")
        }
        // sysctl(8) takes dots for slashes where a name has dots itself.
        let key = String(name.map { $0 == "." ? "/" : $0 })
        return DoctorCheck(
            "rp_filter", .warn, interface: name,
            text:
                "packets whose answer would leave by another interface are dropped (rp_filter 1): asymmetric paths break here",
            cure: "Where paths are asymmetric: sysctl -w net.ipv4.conf.\(key).rp_filter=2")
    }

    // MARK: - Rings

    /// Frames of 64 bytes take 84 on the wire: preamble, start and the gap between frames (IEEE 802.3, 3.1.1 and
    /// 4.4.2).
    private static let smallFrameBits = 84 * 8
    /// The longest sleep of the drain, ms: what comes after a quiet while has to fit the ring for so long.
    private static let longestSleep = 10.0
    /// The share of a ring that bulk may fill (`bpf/rings.h`).
    private static let bulkShare = 0.75

    /// Returns the time, in ms, for which a ring holds 64-byte frames at the link's full rate, spread evenly over the
    /// queues.
    static func milliseconds(ofRing bytes: Int, megabits: Int, queues: Int, cpus: Int) -> Double {
        let frames = Double(bytes / EventRing.slotBytes) * bulkShare
        let rings = Double(max(1, min(queues, cpus)))
        let perMillisecond = Double(megabits) * 1000 / Double(smallFrameBits)
        return frames / (perMillisecond / rings)
    }

    func ringCheck(_ interface: Interface) -> DoctorCheck? {
        guard let megabits = interface.megabits, megabits > 0 else { return nil }
        func milliseconds(_ bytes: Int) -> Double {
            Self.milliseconds(ofRing: bytes, megabits: megabits, queues: interface.receiveQueues, cpus: cpus)
        }
        let fits = milliseconds(ringBytes)
        let text =
            "a ring of \(ringBytes >> 10) KiB a CPU holds \(Self.tenths(fits)) ms of 64-byte frames at \(megabits) Mbit/s, "
            + "spread over \(max(1, min(interface.receiveQueues, cpus))) of \(cpus) CPUs"
        guard fits < Self.longestSleep else {
            return DoctorCheck("ring", .ok, interface: interface.info.name, text: text)
        }
        var wanted = ringBytes
        while milliseconds(wanted) < Self.longestSleep, wanted < 1 << 30 { wanted *= 2 }
        return DoctorCheck(
            "ring", .warn, interface: interface.info.name,
            text: "\(text): a sudden flood of small frames is lost in part, and counted",
            cure: "For links that see such: rstwho watch --ring-size \(wanted >> 20)MiB (capture.ring_size)")
    }

    private static func tenths(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
