// SPDX-License-Identifier: Apache-2.0

/// The blocks of a pcapng section as bytes, in this machine's byte order: what a capture in progress writes.
package enum PcapngStream {
    /// A section header; its length is unknown.
    package static func section(application: String) -> [UInt8] {
        block(PcapngDecoder.sectionHeader) { body in
            append(0x1a2b_3c4d as UInt32, to: &body)
            append(1 as UInt32, to: &body)
            append(UInt64.max, to: &body)
            option(4, application.utf8.prefix(255), to: &body)
            append(0 as UInt32, to: &body)
        }
    }

    /// A description of an interface with times in ns.
    package static func interface(link: UInt16, name: String, snapLength: UInt32) -> [UInt8] {
        block(1) { body in
            append(UInt32(link), to: &body)
            append(snapLength, to: &body)
            option(2, name.utf8.prefix(255), to: &body)
            option(9, [9], to: &body)
            append(0 as UInt32, to: &body)
        }
    }

    /// A packet.
    ///
    /// - `time`: ns since 1970.
    /// - `flags`: epb_flags; 0 says nothing.
    package static func packet(
        _ bytes: UnsafeRawBufferPointer, wireLength: UInt32, interface: UInt32, time: UInt64, flags: UInt32,
        to out: inout [UInt8]
    ) {
        let padded = (bytes.count + 3) & ~3
        let total = UInt32(32 + padded + (flags == 0 ? 0 : 12))
        append(6 as UInt32, to: &out)
        append(total, to: &out)
        append(interface, to: &out)
        append(UInt32(truncatingIfNeeded: time >> 32), to: &out)
        append(UInt32(truncatingIfNeeded: time), to: &out)
        append(UInt32(bytes.count), to: &out)
        append(wireLength, to: &out)
        out.append(contentsOf: bytes)
        out.append(contentsOf: repeatElement(0, count: padded - bytes.count))
        if flags != 0 {
            append(2 as UInt16, to: &out)
            append(4 as UInt16, to: &out)
            append(flags, to: &out)
            append(0 as UInt32, to: &out)
        }
        append(total, to: &out)
    }

    private static func block(_ type: UInt32, _ write: (inout [UInt8]) -> Void) -> [UInt8] {
        var body: [UInt8] = []
        write(&body)
        var block: [UInt8] = []
        append(type, to: &block)
        append(UInt32(body.count + 12), to: &block)
        block += body
        append(UInt32(body.count + 12), to: &block)
        return block
    }

    private static func append<Number: FixedWidthInteger>(_ number: Number, to out: inout [UInt8]) {
        PcapngOption.append(number, isSwapped: false, to: &out)
    }

    private static func option(_ code: UInt16, _ value: some Collection<UInt8>, to out: inout [UInt8]) {
        PcapngOption.append(code, value, isSwapped: false, to: &out)
    }
}
