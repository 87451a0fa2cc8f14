// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Packets
import Testing

@Suite("pcapng files")
struct PcapngTests {
    @Test("Sections of both byte orders, interfaces numbered anew in each")
    func sections() throws {
        var builder = PcapngBuilder()
        builder.section(length: 12345)
        builder.interface()
        builder.interface(link: 101)
        builder.enhanced(SampleFrame.reset(seq: 1))
        builder.enhanced(SampleFrame.bareReset(seq: 2), interface: 1)
        builder.section(isBigEndian: true)
        builder.interface(link: 101)
        builder.enhanced(SampleFrame.bareReset(seq: 3))
        builder.section(isBigEndian: false)
        builder.interface()
        builder.enhanced(SampleFrame.reset(seq: 4))
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.error == nil)
        #expect(reading.seqs == [1, 2, 3, 4])
        #expect(reading.packets.map(\.frame) == [1, 2, 3, 4])
        #expect(reading.packets.map(\.interface) == [0, 1, 0, 0])
    }

    @Test("Enhanced, simple and obsolete packets; other blocks are passed over", arguments: [false, true])
    func blocks(isBigEndian: Bool) throws {
        var builder = PcapngBuilder(isBigEndian: isBigEndian)
        builder.section()
        builder.block(0x0bad) { $0.append(UInt64(1)) }
        builder.interface()
        // Statistics, names, a custom block, one longer than the window.
        for type in [5, 4, 0xbad, 0xffff_fffe] as [UInt32] { builder.block(type) { $0.append(UInt64(1)) } }
        builder.block(0x8000_0001) { $0.bytes += [UInt8](repeating: 6, count: 3 << 20) }
        builder.simple(SampleFrame.reset(seq: 1))
        builder.enhanced(
            SampleFrame.reset(seq: 2), ticks: 5_000_007, options: [(1, Array("hello".utf8)), (2, builder.flags(2))])
        builder.enhanced(SampleFrame.reset(seq: 3), ticks: 6_000_000, options: [(2, builder.flags(1))])
        builder.obsolete(SampleFrame.reset(seq: 4), ticks: 7_000_000, options: [(2, builder.flags(2))])
        builder.simple(SampleFrame.reset(seq: 5))
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.error == nil)
        #expect(reading.seqs == [1, 2, 3, 4, 5])
        #expect(reading.packets.map(\.frame) == [1, 2, 3, 4, 5])
        #expect(reading.packets.map(\.time) == [0, 5_000_007_000, 6_000_000_000, 7_000_000_000, 7_000_000_000])
        #expect(reading.packets.map(\.interface) == [0, 0x80, 0, 0x80, 0])
    }

    @Test("A simple packet is as long as the interface keeps")
    func simpleSnapLength() throws {
        var builder = PcapngBuilder()
        builder.section()
        builder.interface(snapLength: 60)
        let frame = SampleFrame.reset(seq: 9) + [UInt8](repeating: 0xee, count: 1000)
        builder.simple(Array(frame.prefix(60)), original: UInt32(frame.count))
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.error == nil)
        #expect(reading.seqs == [9])
    }

    @Test("Names of interfaces by slot; the first one of a slot keeps its name")
    func names() throws {
        var builder = PcapngBuilder()
        builder.section()
        for index in 0..<34 {
            let name: PcapngBuilder.Option = (2, Array("eth\(index)\u{0}x".utf8))
            builder.interface(options: index == 1 ? [] : [name])
        }
        builder.enhanced(SampleFrame.reset(), interface: 33)
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.names[0] == "eth0")
        // Interface 1 has no name, and 33 has the same slot.
        #expect(reading.names[1] == "eth33")
        #expect(reading.names[31] == "eth31")
        #expect(reading.names.count == 32)
        #expect(reading.packets.first?.interface == 1)
    }

    /// if_tsresol, if_tsoffset in seconds, ticks, and ns since 1970.
    struct Clock: Sendable {
        var resolution: UInt8?
        var offset: Int64?
        var ticks: UInt64
        var nanoseconds: UInt64
    }

    static let clocks: [Clock] = [
        Clock(ticks: 1_500_000, nanoseconds: 1_500_000_000),
        Clock(resolution: 0, ticks: 3, nanoseconds: 3_000_000_000),
        Clock(resolution: 3, ticks: 1_500, nanoseconds: 1_500_000_000),
        Clock(resolution: 9, ticks: 1_500_000_001, nanoseconds: 1_500_000_001),
        Clock(resolution: 12, ticks: 1_500_000_001_999, nanoseconds: 1_500_000_001),
        Clock(resolution: 28, ticks: .max, nanoseconds: 1),
        Clock(resolution: 29, ticks: .max, nanoseconds: 0),
        Clock(resolution: 127, ticks: .max, nanoseconds: 0),
        Clock(resolution: 0, ticks: .max, nanoseconds: UInt64(Int64.max)),
        Clock(resolution: 9, ticks: .max, nanoseconds: UInt64(Int64.max)),
        Clock(resolution: 0x80, ticks: 3, nanoseconds: 3_000_000_000),
        Clock(resolution: 0x8a, ticks: 1536, nanoseconds: 1_500_000_000),
        Clock(resolution: 0x80 | 32, ticks: 3 << 31, nanoseconds: 1_500_000_000),
        Clock(resolution: 0x80 | 63, ticks: 3 << 62, nanoseconds: 1_500_000_000),
        Clock(resolution: 0x80 | 64, ticks: 1 << 63, nanoseconds: 500_000_000),
        Clock(resolution: 0x80 | 65, ticks: 1 << 63, nanoseconds: 250_000_000),
        Clock(resolution: 0xff, ticks: .max, nanoseconds: 0),
        Clock(resolution: 0x80, ticks: .max, nanoseconds: UInt64(Int64.max)),
        Clock(offset: 10, ticks: 1_500_000, nanoseconds: 11_500_000_000),
        Clock(offset: -1, ticks: 1_500_000, nanoseconds: 500_000_000),
        Clock(offset: -2, ticks: 1_500_000, nanoseconds: 0),
        Clock(offset: .max, ticks: 1, nanoseconds: UInt64(Int64.max)),
        Clock(offset: .min, ticks: 1, nanoseconds: 0),
    ]

    @Test("Clocks", arguments: clocks)
    func clock(clock: Clock) throws {
        for isBigEndian in [false, true] {
            var builder = PcapngBuilder(isBigEndian: isBigEndian)
            builder.section()
            var options: [PcapngBuilder.Option] = []
            if let resolution = clock.resolution { options.append((9, [resolution])) }
            if let offset = clock.offset {
                var value = CaptureBytes(isBigEndian: isBigEndian)
                value.append(offset)
                options.append((14, value.bytes))
            }
            builder.interface(options: options)
            builder.enhanced(SampleFrame.reset(), ticks: clock.ticks)
            #expect(try CaptureReading(builder.bytes).packets.first?.time == clock.nanoseconds)
        }
    }

    @Test("Cut anywhere: what came before is delivered, then an error tells the offset", arguments: [false, true])
    func cut(isBigEndian: Bool) throws {
        var builder = PcapngBuilder(isBigEndian: isBigEndian)
        var ends: [Int: Int] = [:]
        builder.section()
        ends[builder.bytes.count] = 0
        builder.interface(options: [(2, Array("lan".utf8))])
        ends[builder.bytes.count] = 0
        builder.enhanced(SampleFrame.reset(seq: 0), options: [(2, builder.flags(2))])
        ends[builder.bytes.count] = 1
        builder.block(5) { $0.append(UInt64(1)) }
        ends[builder.bytes.count] = 1
        builder.enhanced(SampleFrame.reset(seq: 1))
        ends[builder.bytes.count] = 2
        for length in 1..<builder.bytes.count {
            let reading = try CaptureReading(Array(builder.bytes.prefix(length)))
            let last = ends.filter { $0.key <= length }.max { $0.key < $1.key }
            #expect(reading.packets.count == last?.value ?? 0)
            if last?.key == length {
                #expect(reading.error == nil)
            } else {
                #expect(reading.error?.code == .badInput)
                if let last { #expect(reading.error?.problem.contains("byte \(last.key)") == true) }
            }
        }
    }

    /// Something wrong after one good packet, and what the message must say.
    struct Damage: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var words: String
        var build: @Sendable (inout PcapngBuilder) -> Void
    }

    static let damages: [Damage] = [
        Damage(testDescription: "no length", words: "0 bytes") { $0.enhanced(SampleFrame.reset(), length: 0) },
        Damage(testDescription: "less than a block", words: "8 bytes") { $0.block(99, length: 8) { _ in } },
        Damage(testDescription: "no multiple of 4", words: "multiple of 4") { $0.enhanced([1, 2, 3], length: 35) },
        Damage(testDescription: "beyond the file", words: "cut off") { $0.enhanced(SampleFrame.reset(), length: 4096) },
        Damage(testDescription: "4 GB", words: "cut off") { $0.enhanced(SampleFrame.reset(), length: 0xffff_fffc) },
        Damage(testDescription: "unknown block of 4 GB", words: "cut off") {
            $0.block(99, length: 0xffff_fffc) { _ in }
        },
        Damage(testDescription: "another length at the end", words: "another one at its end") {
            $0.enhanced(SampleFrame.reset(), trailer: 100)
        },
        Damage(testDescription: "packet beyond its block", words: "more than its block holds") {
            $0.enhanced(SampleFrame.reset(), captured: 57)
        },
        Damage(testDescription: "packet of 4 GB", words: "4294967295 bytes") {
            $0.enhanced(SampleFrame.reset(), captured: .max)
        },
        Damage(testDescription: "packet block without room", words: "too short") {
            $0.block(6) { $0.append(UInt64(0)) }
        },
        Damage(testDescription: "obsolete block without room", words: "too short") {
            $0.block(2) { $0.append(UInt64(0)) }
        },
        Damage(testDescription: "simple block without room", words: "too short") { $0.block(3) { _ in } },
        Damage(testDescription: "interface without room", words: "too short") { $0.block(1) { _ in } },
        Damage(testDescription: "interface 1 of 1", words: "interface 1") {
            $0.enhanced(SampleFrame.reset(), interface: 1)
        },
        Damage(testDescription: "interface 4294967295", words: "interface 4294967295") {
            $0.enhanced(SampleFrame.reset(), interface: .max)
        },
        Damage(testDescription: "option beyond the block", words: "option") {
            $0.block(1) { body in
                body.append(UInt64(1))
                body.append(UInt16(2))
                body.append(UInt16(200))
            }
        },
        Damage(testDescription: "packet option beyond the block", words: "option") {
            $0.block(6) { body in
                body.append(UInt32(0))
                for _ in 0..<4 { body.append(UInt32(0)) }
                body.append(UInt16(2))
                body.append(UInt16(0xffff))
            }
        },
        Damage(testDescription: "section without byte order", words: "byte-order") {
            $0.block(0x0a0d_0d0a) { body in for _ in 0..<4 { body.append(UInt32(0x1234_5678)) } }
        },
        Damage(testDescription: "section too short", words: "section header") {
            $0.block(0x0a0d_0d0a) { $0.append(UInt32(0x1a2b_3c4d)) }
        },
        Damage(testDescription: "packet of a section without interfaces", words: "describes 0") {
            $0.section()
            $0.simple(SampleFrame.reset())
        },
    ]

    @Test("Damage after a good packet", arguments: damages, [false, true])
    func damage(damage: Damage, isBigEndian: Bool) throws {
        var builder = PcapngBuilder(isBigEndian: isBigEndian)
        builder.section()
        builder.interface()
        builder.enhanced(SampleFrame.reset(seq: 77))
        damage.build(&builder)
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.seqs == [77])
        #expect(reading.error?.code == .badInput)
        #expect(reading.error?.problem.contains("byte") == true)
        #expect(reading.error?.problem.contains(damage.words) == true, "\(reading.error?.problem ?? "no error")")
    }

    @Test("More interfaces than a section may have")
    func interfaces() throws {
        var builder = PcapngBuilder()
        builder.section()
        for _ in 0..<65_536 { builder.interface() }
        builder.enhanced(SampleFrame.reset(seq: 1), interface: 65_535)
        let good = try CaptureReading(builder.bytes)
        #expect(good.error == nil)
        #expect(good.seqs == [1])
        builder.interface()
        let bad = try CaptureReading(builder.bytes)
        #expect(bad.seqs == [1])
        #expect(bad.error?.problem.contains("65536 interfaces") == true)
    }

    @Test("A packet with more options than the window holds is read all the same")
    func longOptions() throws {
        var builder = PcapngBuilder()
        builder.section()
        builder.interface()
        let comments = [PcapngBuilder.Option](repeating: (1, [UInt8](repeating: 0x20, count: 60_000)), count: 20)
        builder.enhanced(SampleFrame.reset(seq: 1), options: comments)
        builder.enhanced(SampleFrame.reset(seq: 2))
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.seqs == [1, 2])
        #expect(reading.error == nil)
    }
}
