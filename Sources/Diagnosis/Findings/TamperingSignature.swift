// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The sequence of a connection's flags up to its end: the 16 tampering signatures that end with a reset, of 19
/// (Sundara Raman et al.: Global, Passive Detection of Connection Tampering, SIGCOMM 2023), named by the packets before
/// the resets and by the resets.
///
/// The other three are silences, which no reset reports.
package enum TamperingSignature: String, CaseIterable, Sendable {
    // After a SYN
    case synRST = "syn_rst"
    case synRSTACK = "syn_rst_ack"
    case synBoth = "syn_rst_and_rst_ack"
    // After the handshake's ACK
    case ackRST = "ack_rst"
    case ackTwoRST = "ack_two_rst"
    case ackRSTACK = "ack_rst_ack"
    case ackTwoRSTACK = "ack_two_rst_ack"
    // After the first data
    case dataRST = "data_rst"
    case dataRSTACK = "data_rst_ack"
    case dataBoth = "data_rst_and_rst_ack"
    case dataTwoRSTACK = "data_two_rst_ack"
    case dataTwoEqualRST = "data_two_rst_equal_ack"
    case dataTwoUnequalRST = "data_two_rst_unequal_ack"
    case dataRSTAndZero = "data_two_rst_one_ack_zero"
    // After more data
    case laterRST = "later_rst"
    case laterRSTACK = "later_rst_ack"

    /// The signature of a reset and of those that followed it in the same direction, or `nil` where it fits none.
    static func of(_ reset: ResetCase) -> TamperingSignature? {
        guard let flow = reset.flow, reset.shed.isEmpty else { return nil }
        let first = reset.record
        let second = reset.aftermath.secondReset
        let firstHasACK = first.tcpFlags.contains(.ack)
        let secondHasACK = second?.hasACK
        // A reset in the name of whoever sent the SYN, before its ACK, comes after a SYN too.
        let isAfterSYN = flow.stage == .syn || (flow.stage == .handshake && flow.source.sentSYN && !flow.source.hasAck)
        switch isAfterSYN ? .syn : flow.stage {
        case .syn:
            guard let secondHasACK, secondHasACK != firstHasACK else { return firstHasACK ? .synRSTACK : .synRST }
            return .synBoth
        case .handshake:
            guard let secondHasACK, secondHasACK == firstHasACK else { return firstHasACK ? .ackRSTACK : .ackRST }
            return firstHasACK ? .ackTwoRSTACK : .ackTwoRST
        case .data, .idle:
            guard flow.isFirstData else { return firstHasACK ? .laterRSTACK : .laterRST }
            guard let second, let secondHasACK else { return firstHasACK ? .dataRSTACK : .dataRST }
            if secondHasACK != firstHasACK { return .dataBoth }
            if firstHasACK { return .dataTwoRSTACK }
            if first.ack == second.ack { return .dataTwoEqualRST }
            return first.ack == 0 || second.ack == 0 ? .dataRSTAndZero : .dataTwoUnequalRST
        case .afterClose, .none, .unknown: return nil
        }
    }
}

extension FlowContext {
    /// One side has sent one segment of data and the other none yet.
    fileprivate var isFirstData: Bool {
        source.hasData != other.hasData && source.dataSegments + other.dataSegments == 1
    }
}
