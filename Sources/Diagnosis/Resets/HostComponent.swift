// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The part of a host that sent its reset: the application's socket, the kernel without a socket, or the packet filter.
///
/// Measured on Linux: a socket's reset continues IP-IDs or flow label and has a window; the kernel's has neither but
/// copies the DSCP of what drew it (IPv4) and sets a flow label (IPv6); a netfilter REJECT has none of it.
enum HostComponent {
    static func of(_ reset: ResetCase, host: HostEntry?, evidence: [Evidence]) -> Finding.Sender {
        guard let flow = reset.flow else { return .host }
        let record = reset.record
        if evidence.contains(.application) { return .hostApplication }
        if evidence.contains(.forwardsForAnother) { return .hostKernel }
        if record.window != 0 {
            let isSocket =
                StackEvidence.continuesOwnNumbers(record, flow) || StackEvidence.continuesTimestamps(reset, flow)
                || evidence.contains(.flowLabelKept)
            return isSocket ? .hostApplication : .host
        }
        // Timestamps, where they are known to be missing, are another mark of a reset without a socket.
        guard reset.headers.timestamps == nil, record.isIPv6 || record.identification == 0 else { return .host }
        if record.isIPv6 {
            if record.identification != 0 { return .hostKernel }
            return evidence.contains(.flowLabelMissing) && mayBeNetfilter(flow, host) ? .hostFirewall : .host
        }
        if evidence.contains(.dscpKept) { return .hostKernel }
        return evidence.contains(.dscpLost) && mayBeNetfilter(flow, host) ? .hostFirewall : .host
    }

    /// Whether the marks that tell a packet filter from a kernel hold for this host.
    ///
    /// They were measured on Linux; BSD's kernels, for one, send resets without a flow label.
    private static func mayBeNetfilter(_ flow: FlowContext, _ host: HostEntry?) -> Bool {
        switch host?.stack ?? .unknown {
        case .linux: true
        case .bsd, .windows: false
        case .unknown: true
        }
    }
}

extension [Evidence] {
    /// True where the reset has the distance of the host's own packets.
    var hasCopiedTTL: Bool { contains { ($0.name == .ttlFlow || $0.name == .ttlHost) && $0.weight < 0 } }
}

extension Evidence {
    /// The same as an explanation.
    var withoutWeight: Evidence {
        var piece = self
        piece.weight = 0
        return piece
    }
}
