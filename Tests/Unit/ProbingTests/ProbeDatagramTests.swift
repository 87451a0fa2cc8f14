// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Probing
import Testing

@Suite("A probe's packets")
struct ProbeDatagramTests {
    private static let raw = UInt8(PACKET_LINK_IP.rawValue)

    /// RFC 1071 over 16-bit words: 0xffff where the checksum is right.
    private func sum(_ bytes: some Collection<UInt8>) -> UInt32 {
        var sum: UInt32 = 0
        var high = true
        for byte in bytes {
            sum += high ? UInt32(byte) << 8 : UInt32(byte)
            high.toggle()
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return sum
    }

    /// The sum over the transport layer with its pseudo header.
    private func transportSum(_ bytes: [UInt8], isIPv6: Bool) -> UInt32 {
        let header = isIPv6 ? 40 : 20
        let addresses = isIPv6 ? bytes[8..<40] : bytes[12..<20]
        let next = isIPv6 ? bytes[6] : bytes[9]
        let length = bytes.count - header
        // The order of the words does not matter to a sum.
        return sum(Array(addresses) + [UInt8(length >> 8), UInt8(length & 255), 0, next] + bytes[header...])
    }

    @Test("The host parser reads what was meant, and all checksums are right", arguments: [false, true])
    func parsed(isIPv6: Bool) throws {
        let probes = Probes(isIPv6: isIPv6)
        for datagram in [probes.syn, probes.echo, probes.udp] {
            let bytes = datagram.bytes
            let record = try #require(ParsedFrame(bytes, link: Self.raw).record)
            #expect(record.source == datagram.source)
            #expect(record.destination == datagram.destination)
            #expect(record.ttl == 3)
            #expect(record.src_port == datagram.sourcePort)
            #expect(record.identification == (isIPv6 ? 0x54321 : 0x4242))
            if !isIPv6 { #expect(sum(bytes[..<20]) == 0xffff) }
            if !isIPv6, record.transport == .icmp {
                #expect(sum(bytes[20...]) == 0xffff)
            } else {
                #expect(transportSum(bytes, isIPv6: isIPv6) == 0xffff)
            }
        }
        let syn = try #require(ParsedFrame(probes.syn.bytes, link: Self.raw).record)
        #expect(syn.tcpFlags == .syn)
        #expect(syn.seq == Probes.sequence)
        #expect(syn.dst_port == 22)
        #expect(syn.payload_length == 0)
    }

    @Test("Echoes of one flow have one checksum, whatever they carry", arguments: [false, true])
    func flow(isIPv6: Bool) {
        var echo = Probes(isIPv6: isIPv6).echo
        let header = isIPv6 ? 40 : 20
        for (sequence, token) in [(0, 0), (1, 0xffff_ffff), (0xffff, 0x8000_0001)] as [(UInt16, UInt32)] {
            echo.payload = .echo(sequence: sequence, token: token, checksum: 0xbeef)
            let bytes = echo.bytes
            #expect(bytes[header + 2] == 0xbe && bytes[header + 3] == 0xef)
            if !isIPv6 { #expect(sum(bytes[20...]) == 0xffff) }
            if isIPv6 { #expect(transportSum(bytes, isIPv6: true) == 0xffff) }
        }
    }
}
