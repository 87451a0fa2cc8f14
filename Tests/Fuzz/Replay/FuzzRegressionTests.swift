// SPDX-License-Identifier: Apache-2.0
import Foundation
import FuzzCases
import Testing

@Suite("What fuzzing found")
struct FuzzRegressionTests {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Regressions")

    @Test("Every input that once broke something is read without breaking a rule", arguments: FuzzCase.allCases)
    func replay(fuzzed: FuzzCase) throws {
        let folder = Self.directory.appendingPathComponent(fuzzed.rawValue)
        let inputs = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        for input in inputs {
            let problem = try Data(contentsOf: input).withUnsafeBytes { fuzzed.check($0) }
            #expect(problem == nil, "\(input.lastPathComponent)")
        }
    }

    @Test("Seeds, and each of them cut at every byte", arguments: FuzzCase.allCases)
    func seeds(fuzzed: FuzzCase) {
        #expect(!fuzzed.seeds.isEmpty)
        for (index, seed) in fuzzed.seeds.enumerated() {
            for length in 0...seed.count {
                let problem = seed.withUnsafeBytes { fuzzed.check(UnsafeRawBufferPointer(rebasing: $0[..<length])) }
                #expect(problem == nil, "seed \(index), \(length) bytes")
            }
        }
    }
}
