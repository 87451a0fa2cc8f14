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
        _ sign: RetransmissionKind, _ packet: ObservedPacket, _ flow: FlowEntry, isFromClient: Bool, opened: UInt32,
        sent: UInt32
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
            if syn.first == 0 { syn = Retransmissions(first: past(opened)) }
            guard syn.add(at: packet.time) else { return false }
        case .repeatedSYNACK:
            if synACK.first == 0 {
                synACK = Retransmissions(first: past(opened))
                clientSpokeFirst = client(flow).hasData
            }
            // Drawn by a repeated SYN.
            guard syn.last <= synACK.last, synACK.add(at: packet.time) else { return false }
            awaitsAnswer = true
        case .repeatedACK:
            if ack.first == 0 { ack = Retransmissions(first: past(opened)) }
            guard ack.add(at: packet.time) else { return false }
        case .repeatedData:
            if data.first == 0 || dataSeq != record.seq || dataIsFromClient != isFromClient {
                // What is waited for longest is what is sent again; another segment is a copy of less.
                let sender = isFromClient ? client(flow) : server(flow)
                let isNewest = record.seq &+ UInt32(record.payload_length) == sender.nextSeq
                data = Retransmissions(first: isNewest ? past(sent) : packet.time)
                noteSilence(flow, isFromClient: isFromClient, sent: sent)
                isFirstData = isFromClient && sender.sentSYN && record.seq == sender.initialSeq &+ 1
                dataSeq = record.seq
                dataLength = record.payload_length
                dataIsFromClient = isFromClient
                if !isNewest { break }
            }
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
    private mutating func noteSilence(_ flow: FlowEntry, isFromClient: Bool, sent: UInt32) {
        let receiver = isFromClient ? server(flow) : client(flow)
        silence = 0
        guard receiver.packets > 0 else { return }
        let began = UInt32(truncatingIfNeeded: data.first / 1_000_000)
        if flow.gap > 0, flow.gapEnd &- began &+ 2 <= 4 {
            silence = UInt64(flow.gap) * 1_000_000
        } else {
            silence = UInt64(max(0, Int32(bitPattern: sent &- receiver.time))) << 10
        }
    }
}
