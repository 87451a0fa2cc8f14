// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension PathSuspect {
    /// Takes a segment of the flow, after the flow took it.
    ///
    /// - `opened`: When its own direction's SYN or SYN-ACK was seen before, `PacketRecord.time`.
    /// - `sent`: When its own direction's sequence number moved on last before.
    ///
    /// Returns False where it says nothing: then nothing changed.
    mutating func note(
        _ sign: RetransmissionKind, _ packet: ObservedPacket, _ flow: UnsafeMutablePointer<FlowEntry>,
        isFromClient: Bool, opened: UInt32, sent: UInt32
    ) -> Bool {
        let record = packet.record
        func past(_ time: UInt32) -> UInt64 {
            // Of two CPUs the later packet may have the smaller time.
            packet.time - min(packet.time, UInt64(max(0, Int32(bitPattern: record.time &- time))) << 10)
        }
        switch sign {
        case .none, .opening:
            if sign == .opening, record.tcpFlags.contains(.ack) { synACK = Retransmissions(first: packet.time) }
            if isFromClient, awaitsAnswer, record.tcpFlags.contains(.ack) {
                awaitsAnswer = false
                answered = packet.time
                answers = answers == .max ? .max : answers + 1
                slowestAnswer = max(slowestAnswer, packet.time - min(packet.time, synACK.last))
            }
            return true
        case .repeatedSYN:
            var copies = syn.first == 0 ? Retransmissions(first: past(opened)) : syn
            guard copies.add(at: packet.time) else { return false }
            syn = copies
        case .repeatedSYNACK:
            let isFirst = synACK.first == 0
            var copies = isFirst ? Retransmissions(first: past(opened)) : synACK
            // Drawn by a repeated SYN.
            guard syn.last <= copies.last, copies.add(at: packet.time) else { return false }
            synACK = copies
            if isFirst { clientSpokeFirst = flow.side(isHigh: clientIsHigh).pointee.hasData }
            awaitsAnswer = true
        case .repeatedACK:
            var copies = ack.first == 0 ? Retransmissions(first: past(opened)) : ack
            guard copies.add(at: packet.time) else { return false }
            ack = copies
        case .repeatedData where data.first == 0 || dataSeq != record.seq || dataIsFromClient != isFromClient:
            // What is waited for longest is what is sent again; another segment is a copy of less.
            let sender = flow.side(isHigh: isFromClient == clientIsHigh)
            let isNewest = record.seq &+ UInt32(record.payload_length) == sender.pointee.nextSeq
            var copies = Retransmissions(first: isNewest ? past(sent) : packet.time)
            if isNewest, !copies.add(at: packet.time) { return false }
            data = copies
            noteSilence(flow, isFromClient: isFromClient, sent: sent)
            isFirstData =
                isFromClient && sender.pointee.sentSYN && record.seq == sender.pointee.initialSeq &+ 1
            dataSeq = record.seq
            dataLength = record.payload_length
            dataIsFromClient = isFromClient
        case .repeatedData:
            guard data.add(at: packet.time) else { return data.copies > 0 }
        }
        if sign == .repeatedSYN || sign == .repeatedSYNACK {
            let signature = packet.headers?.pointee.tcpSignature?.rawValue ?? 0
            if sign == .repeatedSYN { clientSignature = signature } else { serverSignature = signature }
        }
        self.record = record
        time = packet.time
        frame = packet.frame
        return true
    }

    /// Measures the silence before the data that is repeated now: the gap that ended with it, or the age of the
    /// receiver's newest packet where a later gap has hidden that.
    private mutating func noteSilence(_ flow: UnsafeMutablePointer<FlowEntry>, isFromClient: Bool, sent: UInt32) {
        let receiver = flow.side(isHigh: isFromClient != clientIsHigh)
        silence = 0
        guard receiver.pointee.packets > 0 else { return }
        let began = UInt32(truncatingIfNeeded: data.first / 1_000_000)
        if flow.pointee.gap > 0, flow.pointee.gapEnd &- began &+ 2 <= 4 {
            silence = UInt64(flow.pointee.gap) * 1_000_000
        } else {
            silence = UInt64(max(0, Int32(bitPattern: sent &- receiver.pointee.time))) << 10
        }
    }
}
