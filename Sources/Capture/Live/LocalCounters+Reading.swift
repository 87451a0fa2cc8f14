// SPDX-License-Identifier: Apache-2.0
package import Packets

extension LocalCounters {
    /// Reads them for the calling thread's network namespace: some small files under `/proc`, about a tenth of a
    /// millisecond.
    package static func read() -> LocalCounters {
        let tracking = "/proc/sys/net/netfilter/nf_conntrack_"
        return LocalCounters(
            netstat: SystemText.read("/proc/thread-self/net/netstat") ?? "",
            tracking: SystemText.read("/proc/thread-self/net/stat/nf_conntrack") ?? "",
            tracked: SystemText.read(tracking + "count") ?? "", maximum: SystemText.read(tracking + "max") ?? "")
    }

    /// - `netstat`: `/proc/net/netstat`: for each protocol a line of names and a line of numbers.
    /// - `tracking`: `/proc/net/stat/nf_conntrack`: a line of names, then hexadecimal numbers, a line for each CPU.
    package init(netstat: String, tracking: String, tracked: String, maximum: String) {
        self.init()
        let tcp = Self.extended(netstat)
        listenOverflows = tcp["ListenOverflows"]
        listenDrops = tcp["ListenDrops"]
        reversePathFilter = tcp["IPReversePathFilter"]
        let columns = Self.columns(tracking)
        trackingInvalid = columns["invalid"]
        trackingDropped = columns["drop"]
        trackingInsertFailed = columns["insert_failed"]
        self.tracked = Self.number(tracked)
        trackedMaximum = Self.number(maximum)
    }

    private static func number(_ text: String) -> UInt64? { UInt64(text.prefix { !$0.isWhitespace }) }

    private static func extended(_ text: String) -> [Substring: UInt64] {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("TcpExt: ") }.map { $0.split(separator: " ") }
        guard lines.count == 2 else { return [:] }
        var values: [Substring: UInt64] = [:]
        for (name, value) in zip(lines[0], lines[1]).dropFirst() { values[name] = UInt64(value) }
        return values
    }

    private static func columns(_ text: String) -> [Substring: UInt64] {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        guard let names = lines.first else { return [:] }
        var sums: [Substring: UInt64] = [:]
        for line in lines.dropFirst() {
            for (name, value) in zip(names, line) { sums[name, default: 0] &+= UInt64(value, radix: 16) ?? 0 }
        }
        return sums
    }
}
