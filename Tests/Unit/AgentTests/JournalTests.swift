// SPDX-License-Identifier: Apache-2.0
import Agent
import Logging
import Testing

@Suite("Messages as the journal takes them")
struct JournalTests {
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("An entry has its priority and its fields, in names that the journal takes")
    func entry() {
        let entry = Journal.entry("eth0: gone", level: .warning, fields: ["interface": "eth0", "hb.id-1": "7"])
        #expect(
            Self.text(entry)
                == "MESSAGE=eth0: gone\nPRIORITY=4\nSYSLOG_IDENTIFIER=rstwho\nRSTWHO_HB_ID_1=7\nRSTWHO_INTERFACE=eth0\n"
        )
    }

    @Test("A text of several lines does not become another field")
    func lines() {
        let entry = Journal.entry("a\nPRIORITY=0", level: .error, fields: [:])
        let expected =
            Array("MESSAGE\n".utf8) + [12, 0, 0, 0, 0, 0, 0, 0] + Array("a\nPRIORITY=0\nPRIORITY=3\n".utf8)
            + Array("SYSLOG_IDENTIFIER=rstwho\n".utf8)
        #expect(entry == expected)
    }

    @Test("Levels have the priorities of syslog")
    func priorities() {
        let levels: [Logger.Level] = [.trace, .debug, .info, .notice, .warning, .error, .critical]
        let lines = levels.flatMap { Journal.lines("x", level: $0, forJournal: true) }
        #expect(lines == ["<7>x\n", "<7>x\n", "<6>x\n", "<5>x\n", "<4>x\n", "<3>x\n", "<2>x\n"])
        #expect(Journal.lines("a\nb", level: .info, forJournal: true) == ["<6>a\n", "<6>b\n"])
        #expect(Journal.lines("a\nb", level: .info, forJournal: false) == ["rstwho: a\nb\n"])
    }
}
