// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Foundation
import Packets

/// The founding case as frames: pings of a server three hops away, then a reset of its port.
struct SampleCapture {
    static let begin: UInt64 = 1_767_225_600_000_000_000
    static let step: UInt64 = 1_000_003

    var frames: [(bytes: [UInt8], time: UInt64)] = []
    /// 1-based.
    var resetFrame = 0

    /// - `resetTTL`: 63 is that of a device at hop 2, 61 the host's own.
    init(pings: UInt16 = 4, resetTTL: UInt8 = 63, payload: String = "") {
        for number in 0..<pings {
            add(Ethernet().ipv4(.client, .server).echo(reply: false, identifier: 7, sequence: number))
            add(Ethernet().ipv4(.server, .client, ttl: 61).echo(reply: true, identifier: 7, sequence: number))
        }
        add(
            Ethernet().ipv4(.client, .server, ttl: 64).tcp(
                50992, 22, seq: 1000, ack: 0, flags: .syn, window: 500
            ).payload(payload))
        add(
            Ethernet().ipv4(.server, .client, ttl: resetTTL, identification: 0).tcp(
                22, 50992, seq: 0, ack: 1001, flags: [.rst, .ack], window: 0))
        resetFrame = frames.count
    }

    /// - `after`: ns since the frame before.
    mutating func add(_ frame: FrameBuilder, after: UInt64 = SampleCapture.step) {
        frames.append((frame.bytes, (frames.last?.time ?? Self.begin) + after))
    }

    /// A ping of the host and its answer, which show its distance.
    mutating func ping(_ sequence: UInt16, after: UInt64 = SampleCapture.step) {
        add(Ethernet().ipv4(.client, .server).echo(reply: false, identifier: 7, sequence: sequence), after: after)
        add(Ethernet().ipv4(.server, .client, ttl: 61).echo(reply: true, identifier: 7, sequence: sequence))
    }

    func pcap(magic: UInt32 = 0xa1b2_3c4d, isBigEndian: Bool = false) -> [UInt8] {
        var builder = PcapBuilder(magic: magic, isBigEndian: isBigEndian)
        let unit: UInt64 = magic == 0xa1b2_3c4d ? 1 : 1000
        for frame in frames {
            builder.packet(
                frame.bytes, seconds: UInt32(frame.time / 1_000_000_000),
                fraction: UInt32(frame.time % 1_000_000_000 / unit))
        }
        return builder.bytes
    }

    func pcapng(isBigEndian: Bool = false) -> [UInt8] {
        var builder = PcapngBuilder(isBigEndian: isBigEndian)
        builder.section()
        builder.interface(options: [(2, Array("eth0".utf8)), (9, [9])])
        for frame in frames { builder.enhanced(frame.bytes, ticks: frame.time) }
        return builder.bytes
    }
}

/// A file that goes when it is no longer needed.
final class ScratchFile {
    let path: String

    init(_ bytes: [UInt8] = []) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "rstwho-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(filePath: path))
    }

    var bytes: [UInt8] { (try? Data(contentsOf: URL(filePath: path))).map { Array($0) } ?? [] }

    deinit { unlink(path) }
}

/// The blocks of a pcapng capture, read without the project's own readers.
struct Blocks: Equatable {
    struct Block: Equatable {
        var type: UInt32
        /// Between the two lengths, without comments that rstwho wrote and without the length of a section.
        var body: [UInt8]
        /// The comments that rstwho wrote.
        var comments: [String] = []
        var isBigEndian: Bool
    }

    var all: [Block] = []

    init(_ bytes: [UInt8]) throws {
        var position = 0
        var isBigEndian = false
        func number(_ offset: Int, _ count: Int) -> UInt32 {
            let part = bytes[offset..<offset + count]
            return (isBigEndian ? Array(part) : part.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
        }
        while position < bytes.count {
            guard position + 12 <= bytes.count else { throw Broken(position: position) }
            let isSection = bytes[position..<position + 4].elementsEqual([10, 13, 13, 10])
            if isSection { isBigEndian = bytes[position + 8] == 0x1a }
            let (type, total) = (number(position, 4), Int(number(position + 4, 4)))
            guard total % 4 == 0, total >= 12, position + total <= bytes.count,
                number(position + total - 4, 4) == UInt32(total)
            else { throw Broken(position: position) }
            var block = Block(
                type: type, body: Array(bytes[position + 8..<position + total - 4]), isBigEndian: isBigEndian)
            if isSection { block.body.replaceSubrange(8..<16, with: repeatElement(0, count: 8)) }
            if type == 6 || type == 2 {
                // The first options are ours, if any is.
                let options = 20 + (Int(number(position + 20, 4)) + 3) & ~3
                var place = position + 8 + options
                var removed = 0
                while place + 4 <= position + total - 4, number(place, 2) == 1 {
                    let length = Int(number(place + 2, 2))
                    let text = String(decoding: bytes[place + 4..<place + 4 + length], as: UTF8.self)
                    guard text.contains("rstwho finding ") else { break }
                    block.comments.append(text)
                    let whole = 4 + (length + 3) & ~3
                    removed += whole
                    place += whole
                }
                block.body.removeSubrange(options..<options + removed)
                // An end of options that only a comment made necessary.
                if removed > 0, block.body.count == options + 4 { block.body.removeLast(4) }
            }
            all.append(block)
            position += total
        }
    }

    struct Broken: Error { var position: Int }

    var comments: [String] { all.flatMap(\.comments) }

    static func == (left: Blocks, right: Blocks) -> Bool {
        left.all.map(\.type) == right.all.map(\.type) && left.all.map(\.body) == right.all.map(\.body)
            && left.all.map(\.isBigEndian) == right.all.map(\.isBigEndian)
    }
}
