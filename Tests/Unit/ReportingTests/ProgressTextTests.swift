// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Reporting

@Suite("Progress")
struct ProgressTextTests {
    private let half = ProgressText(read: 1_200_000_000, total: 2_400_000_000, rate: 100_000_000)

    @Test("A wide terminal shows all of it")
    func wide() {
        #expect(
            half.line(columns: 100)
                == "[###############...............] 50 %, 1.2 GB of 2.4 GB, 100 MB/s, 12 s left")
    }

    @Test("A narrow one loses the bar first, then the sizes, and is never exceeded", arguments: 0...120)
    func narrow(columns: Int) {
        let line = half.line(columns: columns)
        #expect(line.count < max(columns, 1))
        #expect(line.hasPrefix("[") == (columns >= 57))
        #expect(columns < 46 || line.contains("1.2 GB of 2.4 GB"))
        #expect(columns < 17 || line.contains("12 s left"))
    }

    @Test("Nothing is said of what is not known")
    func unknown() {
        #expect(!ProgressText(read: 0, total: 1000, rate: 0).line(columns: 80).contains("left"))
        // The file has grown since.
        #expect(ProgressText(read: 2000, total: 1000, rate: 5).line(columns: 80).contains("100 %, 2.0 kB of 1.0 kB"))
    }

    @Test("Sizes and times", arguments: [(999.0, "999 B"), (1000, "1.0 kB"), (9_960, "10 kB"), (999_600, "1.0 MB")])
    func sizes(bytes: Double, text: String) {
        #expect(ProgressText.size(bytes) == text)
    }

    @Test("Times left", arguments: [(0.2, "1 s"), (59.5, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
    func durations(seconds: Double, text: String) {
        #expect(ProgressText.duration(seconds) == text)
    }
}
