// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// A flow that does not get on: what it repeats, and how that is answered.
struct PathSuspect: BitwiseCopyable, Sendable {
    let key: FlowKey
    let generation: UInt16
    let clientIsHigh: Bool
    /// The other half of a translated connection: its flow, and which end of that is the client.
    var twin: FlowKey?
    var twinGeneration: UInt16 = 0
    var twinClientIsHigh = false
    /// The client's SYN.
    var syn = Retransmissions()
    /// The server's SYN-ACK; copies that a repeated SYN drew do not count.
    var synACK = Retransmissions()
    /// The client's bare ACK of the handshake, where the server's side is not seen.
    var ack = Retransmissions()
    /// One segment with data.
    var data = Retransmissions()
    var dataSeq: UInt32 = 0
    var dataLength: UInt16 = 0
    var dataIsFromClient = true
    /// The receiver's silence (ns) when the data was first sent; 0 where that was not seen.
    var silence: UInt64 = 0
    /// The data is the first that the client sent.
    var isFirstData = false
    /// The signature options of the SYN and the SYN-ACK; 0 where they are not, or were not seen again.
    var clientSignature: UInt8 = 0
    var serverSignature: UInt8 = 0
    /// Duplicates of the SYN-ACK that the client acknowledged, the first one not counted, and the longest that it took,
    /// ns.
    var answers: UInt8 = 0
    var slowestAnswer: UInt64 = 0
    var awaitsAnswer = false
    /// The time when the newest retransmission was acknowledged, in ns.
    var answered: UInt64 = 0
    /// The client had sent data when the SYN-ACK was repeated first: then nobody waits for it.
    var clientSpokeFirst = false
    /// Something was told of it: it is only watched for its end.
    var isTold = false
    /// Its SYN got through late, and that was told.
    var isLate = false
    /// The time of the next check without a packet, in ns; rounded up to `PathSuspects.step`.
    var deadline: UInt64 = .max
    /// The newest packet that was repeated, and where it was.
    var record: PacketRecord
    var time: UInt64
    var frame: UInt64
    /// The engine's file that `frame` is in.
    var file: UInt32

    init(
        key: FlowKey, generation: UInt16, clientIsHigh: Bool, record: PacketRecord, time: UInt64, frame: UInt64,
        file: UInt32
    ) {
        self.key = key
        self.generation = generation
        self.clientIsHigh = clientIsHigh
        self.record = record
        self.time = time
        self.frame = frame
        self.file = file
    }

    /// The connection, client first.
    var fiveTuple: FiveTuple {
        let low = IPAddress(high: key.lowHigh, low: key.lowLow)
        let high = IPAddress(high: key.highHigh, low: key.highLow)
        let tuple = FiveTuple(
            source: low, sourcePort: key.lowPort, destination: high, destinationPort: key.highPort)
        return clientIsHigh ? tuple.reversed : tuple
    }

    /// True for either half's flow.
    func isOf(_ flow: UnsafeMutablePointer<FlowEntry>) -> Bool {
        if flow.pointee.matches(key) { return generation == flow.pointee.generation }
        guard let twin else { return false }
        return flow.pointee.matches(twin) && twinGeneration == flow.pointee.generation
    }

    /// True where nothing but one segment with data was sent again, and that once at most: no verdict rests on that.
    var isBarelyRepeated: Bool {
        data.first > 0 && data.copies < 2 && syn.copies == 0 && synACK.copies == 0 && ack.copies == 0
    }

    /// True where the data that was sent again has been acknowledged.
    func isDataAcknowledged(_ flow: UnsafeMutablePointer<FlowEntry>) -> Bool {
        let receiver = flow.side(isHigh: dataIsFromClient != clientIsHigh)
        return receiver.pointee.hasAck && SequenceNumber.isAfter(receiver.pointee.ack, dataSeq)
    }

    func client(_ flow: FlowEntry) -> FlowSide { clientIsHigh ? flow.high : flow.low }
    func server(_ flow: FlowEntry) -> FlowSide { clientIsHigh ? flow.low : flow.high }
}
