// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// A finding as a capture that Wireshark opens: its packets' headers, never payload, with the verdict as comments.
package enum EvidenceFile {
    /// The suffix of evidence files.
    package static let suffix = ".pcapng"
    /// Packets of a file at most; a file then stays below 64 KiB.
    package static let packetLimit = 64

    /// The file's bytes; `nil` where there is no packet to show.
    ///
    /// - `packets`: of `Engine.evidencePackets(of:)`.
    /// - `interfaceNames`: by slot; a slot without a name is told without one.
    /// - `version`: of this program, for the file's header.
    package static func bytes(
        _ finding: Finding, packets: [EvidencePacket], interfaceNames: [String], version: String
    ) -> [UInt8]? {
        guard !packets.isEmpty else { return nil }
        let packets = packets.prefix(packetLimit)
        let links = links(packets)
        var writer = PcapngWriter(comment: verdict(finding), application: "rstwho \(version)")
        for slot in 0...(packets.map(\.record.interfaceSlot).max() ?? 0) {
            // Slots that no packet came by are described too: a reader tells interfaces by their order.
            let name = Int(slot) < interfaceNames.count ? interfaceNames[Int(slot)] : nil
            writer.interface(link: (links[slot] ?? .ethernet).rawValue, name: name)
        }
        let vlan = packets.lazy.compactMap { $0.headers?.vlanID }.first
        let isLive = finding.vantage?.hook != nil
        for packet in packets {
            let slot = packet.record.interfaceSlot
            let frame = frame(packet, link: links[slot] ?? .raw, vlan: vlan)
            let direction: PcapngWriter.Direction =
                packet.record.direction == .ingress ? (isLive ? .inbound : .unknown) : .outbound
            writer.packet(
                frame.bytes, wireLength: frame.wireLength, interface: Int(slot), time: packet.time,
                direction: direction, comment: comment(packet, finding))
        }
        return writer.bytes
    }

    /// Returns the link header of each slot's frames: taken from the kept ones, and used to rebuild the rest.
    private static func links(_ packets: ArraySlice<EvidencePacket>) -> [UInt8: EvidenceFrame.Link] {
        var links: [UInt8: EvidenceFrame.Link] = [:]
        for packet in packets {
            let link = packet.headers.map { EvidenceFrame($0).link }
            if let link { links[packet.record.interfaceSlot] = link }
        }
        for packet in packets where links[packet.record.interfaceSlot] == nil {
            links[packet.record.interfaceSlot] = .raw
        }
        return links
    }

    private static func frame(_ packet: EvidencePacket, link: EvidenceFrame.Link, vlan: UInt16?) -> EvidenceFrame {
        if let headers = packet.headers {
            let frame = EvidenceFrame(headers)
            // One slot has one link layer; what does not fit is rebuilt.
            if frame.link == link { return frame }
        }
        let domain = packet.record.domain
        return EvidenceFrame(packet.record, link: link, vlan: domain != 0 && domain == vlan ? vlan : nil)
    }

    // MARK: Comments

    private static func verdict(_ finding: Finding) -> String {
        var lines = [finding.summary]
        if !finding.advice.isEmpty { lines.append("Next step: \(finding.advice)") }
        if let reset = finding.reset {
            let hop = reset.hop.map { ", hop \($0)" } ?? ""
            let confidence = finding.confidence.map { ", \(Int(($0 * 100).rounded())) %" } ?? ""
            lines.append("Sender: \(reset.sender.rawValue)\(hop)\(confidence). Cause: \(reset.cause.rawValue).")
        } else if let cause = finding.causeName {
            lines.append("Cause: \(cause).")
        }
        for piece in finding.evidence {
            let comparison = [piece.observed?.text, piece.expected.map { "expected \($0.text)" }].compactMap(\.self)
            let values = comparison.isEmpty ? "" : " [" + comparison.joined(separator: "; ") + "]"
            let weight = DecimalText.format(piece.weight, digits: 1)
            lines.append("Evidence \(piece.label) (\(piece.weight > 0 ? "+" : "")\(weight)): \(piece.text)\(values)")
        }
        let place = [finding.vantage?.host, finding.vantage?.interface].compactMap(\.self).joined(separator: ", ")
        lines.append("Finding \(finding.id), revision \(finding.revision)\(place.isEmpty ? "" : ", seen at \(place)").")
        lines.append("Headers only; the original lengths are the frames' own.")
        return lines.joined(separator: "\n")
    }

    private static func comment(_ packet: EvidencePacket, _ finding: Finding) -> String {
        let distance = packet.record.distance
        var text =
            switch packet.role {
            case .reset: "The reset. \(finding.story.answer)"
            case .trigger: "The packet that triggered the reset: the newest of the other side before it."
            case .connection: "A packet of the connection."
            case .after: "A packet of the connection after the reset."
            case .sample:
                "A sample of the distance of \(finding.text(packet.record.source)): TTL \(distance), hop \(distance.hop)."
            case .request: "The packet that the next sample answers."
            case .error: "An ICMP error about the connection."
            }
        if packet.frame != 0 { text += " Frame \(packet.frame) of the capture." }
        if packet.headers == nil {
            text +=
                " Rebuilt from the 64 bytes that are kept of such a packet: addresses, ports, numbers, flags, window, TTL, "
            text += "IP-ID and lengths are its own; link header, options and the transport's checksum are not."
            if packet.record.tunnel != .none { text += " It was in a tunnel." }
        }
        return text
    }
}
