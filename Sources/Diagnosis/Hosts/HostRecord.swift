// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The stored record of a host: its address and the arrival of its proofs of life.
package struct HostRecord: Sendable, Equatable {
    /// Packets of one `FingerprintClass` by TTL.
    package struct Fingerprint: Sendable, Hashable {
        /// At most four TTLs, each with its packets.
        package var ttls: [UInt8] = []
        package var counts: [UInt16] = []
        /// Packets with other TTLs.
        package var others: UInt16 = 0

        package init() {}

        init(_ fingerprint: TTLFingerprint) {
            for value in fingerprint.values {
                ttls.append(value.ttl)
                counts.append(UInt16(clamping: value.count))
            }
            others = fingerprint.others
        }

        var restored: TTLFingerprint { TTLFingerprint(zip(ttls, counts).map { ($0, $1) }, others: others) }
    }

    /// The classes that prove life, in the order of `fingerprints`.
    package static let classes: [FingerprintClass] = [.echo, .tcp, .udp]

    package var address: IPAddress
    /// `PacketRecord.domain`: the VLAN ID, or a hash of tags and tunnel; 0 untagged.
    package var domain: UInt16
    package var isLocal = false
    package var keepsDSCP = false
    package var usesFlowLabels = false
    /// TTL of the newest packet, and how many in a row had it.
    package var newestTTL: UInt8 = 0
    package var newestRun: UInt8 = 0
    /// The time when the counts were last halved, in units of 2³⁰ ns since 1970.
    package var fadedAt: UInt32 = 0
    /// Names of the interfaces that the packets came by; empty where that is not known.
    package var interfaces: [String] = []
    /// ns since 1970.
    package var firstSeen: UInt64 = 0
    package var lastSeen: UInt64 = 0
    /// One for each of `classes`.
    package var fingerprints = [Fingerprint](repeating: Fingerprint(), count: classes.count)

    package init(address: IPAddress, domain: UInt16) {
        self.address = address
        self.domain = domain
    }

    init(_ entry: HostEntry, interfaces: [String]) {
        self.init(address: entry.key.address, domain: entry.key.domain)
        isLocal = entry.isLocal
        keepsDSCP = entry.keepsDSCP
        usesFlowLabels = entry.usesFlowLabels
        newestTTL = entry.newestTTL
        newestRun = entry.newestRun
        fadedAt = entry.fadedAt
        self.interfaces = interfaces
        firstSeen = entry.firstSeen
        lastSeen = entry.lastSeen
        fingerprints = Self.classes.map { Fingerprint(entry[$0]) }
    }

    /// A number that changes when something has been learned that is worth keeping: another TTL, another interface, or
    /// a count that has grown by half; or ten minutes later.
    ///
    /// Differs from run to run.
    package var essence: Int {
        var hasher = Hasher()
        hasher.combine(isLocal)
        hasher.combine(keepsDSCP)
        hasher.combine(usesFlowLabels)
        hasher.combine(newestTTL)
        hasher.combine(min(newestRun, 8))
        hasher.combine(interfaces)
        hasher.combine(lastSeen / 600_000_000_000)
        for fingerprint in fingerprints {
            hasher.combine(fingerprint.ttls)
            for count in fingerprint.counts { hasher.combine(Self.rounded(count)) }
            hasher.combine(Self.rounded(fingerprint.others))
        }
        return hasher.finalize()
    }

    /// Rounded down to its highest two bits.
    private static func rounded(_ count: UInt16) -> UInt16 {
        let shift = max(0, UInt16.bitWidth - count.leadingZeroBitCount - 2)
        return (count >> UInt16(shift)) << UInt16(shift)
    }

    /// The entry that this stands for, as old as it is at `now`; `nil` where nothing is left of it.
    ///
    /// - `slots`: the interfaces by their names now.
    func restored(slots: [String: InterfaceSet], now: UInt64) -> HostEntry? {
        var entry = HostEntry(key: HostKey(address: address, domain: domain), now: lastSeen)
        entry.isLocal = isLocal
        entry.keepsDSCP = keepsDSCP
        entry.usesFlowLabels = usesFlowLabels
        entry.newestTTL = newestTTL
        entry.newestRun = newestRun
        // A time to come would keep the counts from fading.
        entry.fadedAt = min(fadedAt, UInt32(truncatingIfNeeded: now >> 30))
        entry.firstSeen = min(firstSeen, lastSeen)
        for name in interfaces { entry.interfaces.formUnion(slots[name] ?? []) }
        // The way by an interface that is not watched any more says nothing of the ways that are.
        guard interfaces.isEmpty == entry.interfaces.isEmpty else { return nil }
        for (kind, fingerprint) in zip(Self.classes, fingerprints) { entry[kind] = fingerprint.restored }
        entry.fade(now: now)
        return entry.isProven ? entry : nil
    }
}

extension HostSummary {
    /// Creates the summary of a stored host.
    package init(_ record: HostRecord) {
        var entry = HostEntry(key: HostKey(address: record.address, domain: record.domain), now: record.lastSeen)
        entry.isLocal = record.isLocal
        entry.firstSeen = record.firstSeen
        for (kind, fingerprint) in zip(HostRecord.classes, record.fingerprints) {
            entry[kind] = fingerprint.restored
        }
        self.init(entry)
    }
}
