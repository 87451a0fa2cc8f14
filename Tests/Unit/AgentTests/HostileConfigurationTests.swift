// SPDX-License-Identifier: Apache-2.0
import Agent
import Foundation
import Testing

/// Files that somebody has written to do harm, or that something has damaged: read within a moment, and refused with
/// their line.
@Suite struct HostileConfigurationTests {
    /// The kind of hostility of a file whose text is too long for a test's name.
    enum Harm: String, CaseIterable, Sendable {
        case aliasBomb, alias, merge, nul, brackets, dashes, indentation, openQuote, hugeValue, hugeKey, complexKey,
            tag, block

        /// The file, and the line that is refused.
        var text: (String, line: Int) {
            func many(_ text: String, _ count: Int = 250_000) -> String { String(repeating: text, count: count) }
            switch self {
            case .aliasBomb:
                var bomb = "a: &a [x, x]\n"
                for level in 0..<30 { bomb += "k\(level): &k\(level) [*a, *a]\n" }
                return (bomb, 1)
            case .alias: return ("interfaces: [a]\nb: *x\n", 2)
            case .merge: return ("<<: [1]\n", 1)
            case .nul: return ("\n\n  interfaces: [eth0\u{0}]\n", 3)
            case .brackets: return (many("["), 1)
            case .dashes: return (many("- ", 100_000), 1)
            case .indentation:
                var steps = ""
                for level in 0..<400 { steps += many(" ", level) + "a:\n" }
                return (steps, 34)
            case .openQuote: return ("interfaces: [eth0]\ndevices: \"" + many("x"), 2)
            case .hugeValue: return ("interfaces: [eth0]\nhttp:\n  listen: " + many("y") + "\n", 3)
            case .hugeKey: return ("interfaces: [eth0]\n" + many("k") + ": 1\n", 2)
            case .complexKey: return ("? [a]\n: b\n", 1)
            case .tag: return ("a: !!python/object x\n", 1)
            case .block: return ("interfaces: |\n  eth0\n", 1)
            }
        }
    }

    @Test(arguments: Harm.allCases)
    func hostileTextsAreRefusedWithTheirLine(harm: Harm) throws {
        let (text, line) = harm.text
        let files = try ConfigurationFiles(text)
        let begun = ContinuousClock.now
        let problems = files.problems()
        #expect(begun.duration(to: .now) < .seconds(5))
        let first = try #require(problems.first)
        #expect(first.hasPrefix("rstwho.yaml:\(line): "), "\(first.prefix(200))")
        // What is repeated of it is short.
        #expect(problems.allSatisfy { $0.count < 500 })
        let devices = try #require(throws: ConfigurationError.self) {
            try ConfigurationFiles("devices: \(files.path)\n").load()
        }
        #expect(devices.problems.allSatisfy { $0.text.count < 500 })
    }

    @Test func ofAThousandProblemsAHundredAreTold() throws {
        let keys = (0..<20_000).map { "x\($0): 1\n" }.joined()
        let begun = ContinuousClock.now
        let problems = try ConfigurationFiles(keys).problems()
        #expect(problems.count == 101)
        #expect(problems.last == "rstwho.yaml:101: from here on nothing was looked at: 100 problems are enough")
        let devices = try ConfigurationFiles(String(repeating: "- x\n", count: 30_000))
        let error = try #require(throws: ConfigurationError.self) {
            try ConfigurationFiles("devices: \(devices.path)\n").load()
        }
        #expect(error.problems.count == 101)
        #expect(begun.duration(to: .now) < .seconds(10))
    }

    /// A file damaged by an editor, a disk or a program never causes a trap.
    @Test func damagedFilesTrapNowhere() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../deploy/rstwho.yaml")
            .path
        let shipped = Array(try Data(contentsOf: URL(filePath: path)))
        let devices = Array("- name: fw\n  hop: 2\n- {mac: 02:00:00:00:00:01, name: \"a\\tb\", expected: true}\n".utf8)
        var random = Generator(state: 7)
        var taken = 0
        for (number, seed) in (0..<150).map({ ($0, $0 % 3 == 0 ? shipped : devices) }) {
            var bytes = seed
            for _ in 0..<(1 << (number % 5)) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.insert(Array("[]{}:-\"'&*!|>?#\n\t \0".utf8)[Int(random.next() % 19)], at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                }
            }
            let files = try ConfigurationFiles("")
            try Data(bytes).write(to: URL(filePath: files.path))
            if files.problems().isEmpty { taken += 1 }
            _ = try? ConfigurationFiles("devices: \(files.path)\n").load()
        }
        // Some damage is in a comment, and some is none.
        #expect((1..<150).contains(taken))
    }
}
