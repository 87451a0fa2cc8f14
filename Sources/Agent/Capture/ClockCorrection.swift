// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The difference between the time of day and packet time, which stays as it was at the start of the capture.
///
/// Applied to what leaves the engine, once: what is reported has the time of day that holds when it is reported.
package struct ClockCorrection: Sendable, Equatable {
    package var nanoseconds: Int64 = 0

    package init(nanoseconds: Int64 = 0) {
        self.nanoseconds = nanoseconds
    }

    /// The time of day (ns since 1970) of a packet time.
    package func time(_ packetTime: UInt64) -> UInt64 {
        let (time, overflow) = Int64(clamping: packetTime).addingReportingOverflow(nanoseconds)
        return overflow ? packetTime : UInt64(max(0, time))
    }

    package func apply(to finding: inout Finding) {
        finding.time = finding.time.map(time)
    }

    package func apply(to host: inout HostSummary) {
        (host.firstSeen, host.lastSeen) = (time(host.firstSeen), time(host.lastSeen))
    }

    package func apply(to origin: inout Origin) {
        (origin.firstSeen, origin.lastSeen) = (origin.firstSeen.map(time), origin.lastSeen.map(time))
    }

    package func apply(to path: inout PathSummary) {
        (path.firstSeen, path.lastSeen) = (time(path.firstSeen), time(path.lastSeen))
    }

    package func apply(to host: inout HostRecord) {
        (host.firstSeen, host.lastSeen) = (time(host.firstSeen), time(host.lastSeen))
    }
}

extension Array {
    /// Returns the elements with a change applied to each where the clock was set.
    func corrected(by correction: ClockCorrection, _ apply: (inout Element) -> Void) -> [Element] {
        guard correction.nanoseconds != 0 else { return self }
        return map { element in
            var element = element
            apply(&element)
            return element
        }
    }
}
