// SPDX-License-Identifier: Apache-2.0

/// A file that is known and not read, by its first bytes, and the way to one that is.
struct ForeignFile {
    /// A clause for the message.
    var problem: String
    /// The next step.
    var advice: String

    private static let convert = "Convert it: editcap -F pcap FILE OUT.pcap (from Wireshark)"

    /// `nil` where the bytes are of no known format.
    init?(_ bytes: UnsafeRawBufferPointer) {
        let known: [(magic: [UInt8], name: String, advice: String)] = [
            ([0x89, 0x50, 0x4e, 0x47], "a picture (PNG)", "Give the capture itself, or the packets as text"),
            ([0xff, 0xd8, 0xff], "a picture (JPEG)", "Give the capture itself, or the packets as text"),
            ([0x25, 0x50, 0x44, 0x46], "a PDF", "Give the capture itself, or the packets as text"),
            ([0x50, 0x4b, 0x03, 0x04], "a zip archive", "Unpack it, and give the captures in it"),
            ([0x42, 0x5a, 0x68], "compressed by bzip2", "Decompress it: bunzip2 FILE"),
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed by xz", "Decompress it: unxz FILE"),
            ([0x37, 0x7a, 0xbc, 0xaf], "a 7z archive", "Unpack it, and give the captures in it"),
            ([0x52, 0x61, 0x72, 0x21], "a RAR archive", "Unpack it, and give the captures in it"),
            ([0x58, 0x43, 0x50, 0x00], "a capture of NetXray or Sniffer for Windows", Self.convert),
            (Array("TRSNIFF".utf8), "a capture of the DOS Sniffer", Self.convert),
            (Array("btsnoop".utf8), "a Bluetooth capture, which holds no TCP", "Capture on a network interface"),
            (Array("iptrace ".utf8), "a capture of AIX' iptrace", Self.convert),
            (Array("\u{7f}ver".utf8), "a capture of OmniPeek", Self.convert),
            ([0x05, 0x56, 0x4e, 0x46], "a capture of Visual Networks", Self.convert),
            ([0xaa, 0xaa, 0xaa, 0xaa], "a capture of 5View", Self.convert),
            ([0x54, 0x52, 0x00, 0x64], "a capture of HP-UX' nettl", Self.convert),
            ([0x7f, 0x45, 0x4c, 0x46], "a program", "Give a capture, or the packets as text"),
        ]
        if let found = known.first(where: { bytes.starts(with: $0.magic) }) {
            problem = "this is \(found.name)"
            advice = found.advice
            return
        }
        if bytes.count >= 262, bytes[257...].starts(with: "ustar".utf8) {
            problem = "this is a tar archive"
            advice = "Unpack it, and give the captures in it: tar -xf FILE"
            return
        }
        return nil
    }
}
