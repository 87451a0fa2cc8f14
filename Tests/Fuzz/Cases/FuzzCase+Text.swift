// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Capture
internal import Packets

extension FuzzCase {
    /// Lines of a text, each in memory of its own.
    static func checkText(_ bytes: UnsafeRawBufferPointer) -> String? {
        var parser = PacketTextParser()
        var records: UInt64 = 0
        var frame: UInt64 = 0
        var problem: String?
        func take() {
            for packet in parser.ready {
                records += 1
                if packet.frame < frame { problem = "packet \(packet.frame) comes after \(frame)" }
                frame = packet.frame
            }
            parser.ready.removeAll(keepingCapacity: true)
        }
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: line.count)
            defer { copy.deallocate() }
            _ = copy.initialize(fromContentsOf: line)
            parser.feed(UnsafeBufferPointer(copy))
            take()
        }
        parser.finish()
        take()
        if records != parser.counts.records + parser.counts.implied {
            return "\(records) packets were handed over, \(parser.counts.records) counted"
        }
        if parser.counts.records > parser.counts.packets { return "there are more records than packets" }
        return problem
    }
}
