// SPDX-License-Identifier: Apache-2.0

/// The format of an input, detected from its first bytes.
package enum CaptureFormat: Hashable, Sendable {
    /// The classic format of tcpdump (draft-ietf-opsawg-pcap).
    case pcap
    /// The format of Wireshark (draft-ietf-opsawg-pcapng).
    case pcapng
    /// RFC 1952.
    case gzip
    /// RFC 8878.
    case zstd
    /// The format of Solaris' snoop (RFC 1761).
    case snoop
    /// The formats of Microsoft's Network Monitor, 1.x and 2.x.
    case netMon
    /// Endace's Extensible Record Format.
    case erf
    /// NetScaler's nstrace, 1.0 to 3.5.
    case netScaler
    /// Something that a person could read: perhaps what tcpdump printed.
    case text
    case unknown

    /// A format whose records are packets.
    package var isCapture: Bool {
        switch self {
        case .pcap, .pcapng, .snoop, .netMon, .erf, .netScaler: true
        case .gzip, .zstd, .text, .unknown: false
        }
    }

    /// As many bytes as `init(sniffing:)` makes use of.
    ///
    /// Fewer will do, if there are no more.
    package static let sniffedBytes = 512

    /// Tells a format from the first bytes of an input.
    package init(sniffing bytes: UnsafeRawBufferPointer) {
        if bytes.count >= 2, bytes[0] == 0x1f, bytes[1] == 0x8b {
            self = .gzip
            return
        }
        if bytes.count >= 4 {
            let magic = bytes.loadUnaligned(as: UInt32.self).littleEndian
            if magic == 0xfd2f_b528 || magic & 0xffff_fff0 == 0x184d_2a50 {
                self = .zstd
                return
            }
            if magic == PcapngDecoder.sectionHeader {
                self = .pcapng
                return
            }
            if PcapDecoder.Variant(magic: magic) != nil || PcapDecoder.Variant(magic: magic.byteSwapped) != nil {
                self = .pcap
                return
            }
        }
        if bytes.starts(with: SnoopDecoder.magic) {
            self = .snoop
            return
        }
        if bytes.starts(with: "RTSS".utf8) || bytes.starts(with: "GMBU".utf8), bytes.count >= 6, bytes[5] < 16 {
            self = .netMon
            return
        }
        if NetScalerDecoder.version(of: bytes) != nil {
            self = .netScaler
            return
        }
        // UTF-16 with its byte order mark, as PowerShell writes text.
        if bytes.count >= 4,
            (bytes[0] == 0xff && bytes[1] == 0xfe && bytes[3] == 0)
                || (bytes[0] == 0xfe && bytes[1] == 0xff && bytes[2] == 0)
        {
            self = .text
            return
        }
        let isText = !bytes.isEmpty && bytes.prefix(Self.sniffedBytes).allSatisfy(Self.isText)
        self = isText ? .text : ERFDecoder.isFormat(bytes) ? .erf : .unknown
    }

    /// True for a byte of printable ASCII, white space, an escape sequence (coloured output) or UTF-8.
    private static func isText(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09...0x0d, 0x1b, 0x20...0x7e, 0x80...0xf4: true
        default: false
        }
    }
}
