// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// Why the parser refused a packet: `enum packet_refusal` of `bpf/packet_record.h`, whose comments say what each means.
package enum RefusalReason: UInt32, CaseIterable, Hashable, Sendable {
    case notIP = 1
    case truncatedLink
    case truncatedIP
    case truncatedTransport
    case badVersion
    case badIHL
    case badLength
    case badDataOffset
    case laterFragment
    case otherProtocol
    case tooManyTags
    case tooManyLabels
    case tooManyExtensions
    case tooDeep

    /// The number of values on the C side, `PACKET_PARSED` included: one more than there are reasons.
    package static let codeCount = Int(PACKET_REFUSAL_COUNT.rawValue)

    /// The name in metrics and texts.
    package var label: String {
        switch self {
        case .notIP: "not_ip"
        case .truncatedLink: "truncated_link"
        case .truncatedIP: "truncated_ip"
        case .truncatedTransport: "truncated_transport"
        case .badVersion: "bad_version"
        case .badIHL: "bad_ihl"
        case .badLength: "bad_length"
        case .badDataOffset: "bad_data_offset"
        case .laterFragment: "later_fragment"
        case .otherProtocol: "other_protocol"
        case .tooManyTags: "too_many_tags"
        case .tooManyLabels: "too_many_labels"
        case .tooManyExtensions: "too_many_extensions"
        case .tooDeep: "too_deep"
        }
    }
}
