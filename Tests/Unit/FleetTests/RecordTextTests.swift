// SPDX-License-Identifier: Apache-2.0
import Fleet
import Foundation
import Testing

/// The text of records, as Foundation's reader of JSON and ours take it.
struct RecordTextTests {
    /// A host's record with one member more.
    private static func line(_ member: String) -> String {
        #"{"record":"host","agent":"x","at":1,"address":"::1",\#(member)}"#
    }

    @Test(arguments: [
        #""site":"plain""#, #""site":"a \"quote\" and \\ and \/""#, #""site":"\b\f\n\r\t""#,
        #""site":"é \u00e9 \ud83d\ude00""#,
        #""site":"""#, #""new":{"a":[1,{"b":null}],"c":true}"#, #""new":[[],[1.5e-3,-0,"x"],false]"#,
        #""new":-12.5E+3"#,
        #" "site" : "s" "#, #""packets":18446744073709551615"#, #""packets":"18446744073709551615""#, #""ttl":255"#,
        #""hop":-1"#, #""confidence":1"#, #""confidence":0.25"#, #""site":null"#, #""addresses":[]"#,
    ]) func whatIsJSONIsRead(_ member: String) throws {
        let line = Self.line(member)
        let known = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        guard case .host(let host)? = FleetRecord.decode(line) else {
            Issue.record("not read: \(line)")
            return
        }
        #expect(host.reporter.site == known?["site"] as? String ?? "")
    }

    @Test(arguments: [
        #""site":"\x""#, #""site":"\ud83d""#, #""site":"\ud83dx""#, #""site":"\u12""#, "\"site\":\"a\nb\"",
        #""site":"open"#,
        #""new":{"a":1"#, #""new":tru"#, #""new":01"#, #""new":1."#, #""new":-"#, #""new":1e"#,
        #""new":+1"#,
        #""new" 1"#, #"new:1"#,
    ]) func whatIsNoJSONIsNot(_ member: String) {
        let line = Self.line(member)
        #expect(throws: (any Error).self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        #expect(FleetRecord.decode(line) == nil)
    }

    @Test(arguments: [
        #""ttl":256"#, #""ttl":-1"#, #""ttl":"64""#, #""ttl":1.5"#, #""site":1"#, #""site":["x"]"#,
        #""packets":"many""#,
        #""packets":1.5"#, #""packets":18446744073709551616"#, #""hop":true"#, #""confidence":"1""#,
        #""addresses":[1]"#,
        #""addresses":"::1""#,
    ]) func whatAMemberCannotBeIsRefused(_ member: String) {
        #expect(FleetRecord.decode(Self.line(member)) == nil)
    }

    /// RFC 8259 has none; Foundation takes them.
    @Test(arguments: [#""new":[1,]"#, #""new":1,"#]) func trailingCommasAreNotRead(_ member: String) {
        #expect(FleetRecord.decode(Self.line(member)) == nil)
    }

    @Test func nestingIsBounded() {
        let deep = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
        #expect(FleetRecord.decode(Self.line("\"new\":\(deep)")) == nil)
    }

    @Test(arguments: ["", "null", "[]", "{}", "{} {}", "{\"record\":\"host\"}x"]) func otherTextsAreNoRecords(
        _ text: String
    ) {
        #expect(FleetRecord.decode(text) == nil)
    }
}
