// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The page that says how often verdicts are right.
struct AccuracyReport {
    let lab: [AccuracyCase]
    let captures: [AccuracyCase]
    let knownIssues: [String]

    /// Floods without a flow are hundreds of the same answer; they have a sentence of their own.
    private var judged: [AccuracyCase] { lab.filter { !$0.scenario.hasPrefix("flood_") } + captures }

    var markdown: String {
        """
        # Accuracy

        Written by `make accuracy`, which plays the [lab's matrix](lab.md) and reads captures of real traffic. In the lab,
        the truth follows from the construction of a row; of the captures it was read by hand, frame by frame. All verdicts
        are from captures; the matrix's tests assert that the live findings of the same packets are equal.

        \(summary)

        ## Confusion

        Rows are the truth, columns the verdicts. "Nobody can say" are resets whose source sends nothing else, so that experts
        could not decide. `undetermined` counts as right there, and so does `middlebox`, which rests on one IP-ID counter that
        numbers the packets of many hosts, as a NAT does.

        \(confusion)

        ## How much a stated confidence is worth

        \(reliability)

        ## Against the plain rules

        The same resets, judged by "the TTL differs from the flow's other packets" and by "the TTL differs from the source's
        other packets" (the most frequent one each; tshark reads the packets). A plain rule knows no part of a host: `host`
        is right for all.

        \(plainRules)

        ## Not decided

        \(abstentions)

        ## Captures of real traffic

        \(captureTable)

        ## Scenarios of the lab

        Verdicts with their numbers of resets; the lowest confidence of each.

        \(scenarioTable)

        """ + knownIssueText
    }

    // MARK: - Parts

    private var summary: String {
        let floods = lab.filter { $0.scenario.hasPrefix("flood_") }
        let accused = floods.count { $0.outcome != .abstained }
        let outcomes: [MatrixRow.Outcome] = [.right, .abstained, .falseAccusation, .missed, .wrongPart]
        func line(_ name: String, _ cases: [AccuracyCase]) -> [String] {
            [name, "\(cases.count)"] + numbers(of: outcomes, in: cases.map(\.outcome))
        }
        let figures = table(
            ["", "resets", "right", "not decided", "false accusations", "device missed", "wrong part of the host"],
            [line("lab", judged.filter { $0.version != nil }), line("captures", captures), line("all", judged)])
        return figures
            + "\n\nOf \(floods.count) resets of a flood without flows \(accused == 0 ? "none" : "\(accused)") got a sender."
    }

    private func numbers(of wanted: [MatrixRow.Outcome], in outcomes: [MatrixRow.Outcome]) -> [String] {
        wanted.map { outcome in "\(outcomes.count { $0 == outcome })" }
    }

    private static let senders = [
        "host_application", "host_kernel", "host_firewall", "host", "middlebox", "this_machine", "undetermined",
    ]

    private var confusion: String {
        let truths = [
            ("host_application", "the application"), ("host_kernel", "the kernel"),
            ("host_firewall", "the host's filter"),
            ("host", "the host"), ("device", "a device"), ("unknown", "nobody can say"),
        ]
        func line(_ truth: String, _ title: String) -> [String] {
            let verdicts = judged.filter { $0.truth == truth }.map(\.verdict)
            return [title]
                + Self.senders.map { sender -> String in
                    let count = verdicts.count { $0 == sender }
                    return count == 0 ? "" : "\(count)"
                }
        }
        return table(["truth"] + Self.senders.map { "`\($0)`" }, truths.map(line))
    }

    private var reliability: String {
        let bins: [(String, Range<Double>)] = [
            ("0.8 to 0.9", 0.8..<0.9), ("0.9 to 0.95", 0.9..<0.95), ("0.95 to 0.99", 0.95..<0.99),
            ("0.99 to 1", 0.99..<1.01),
        ]
        func line(_ name: String, _ range: Range<Double>) -> [String] {
            let cases = judged.filter { $0.confidence.map(range.contains) ?? false }
            let right = cases.count { $0.outcome == .right }
            guard !cases.isEmpty else { return [name, "0", "", "", ""] }
            let sum = cases.compactMap(\.confidence).reduce(0, +)
            let mean = String(format: "%.3f", sum / Double(cases.count))
            return [name, "\(cases.count)", "\(right)", percent(right, of: cases.count), mean]
        }
        return table(["confidence", "verdicts", "right", "share", "mean confidence"], bins.map(line))
    }

    private var plainRules: String {
        let scored = judged.filter { $0.truth != "unknown" }
        func line(_ name: String, _ outcome: (AccuracyCase) -> MatrixRow.Outcome?) -> [String] {
            // A plain rule knows no parts, so that the wrong part counts as the right host here.
            let outcomes = scored.compactMap(outcome).map { $0 == .wrongPart ? MatrixRow.Outcome.right : $0 }
            let share = percent(outcomes.count { $0 == .right }, of: outcomes.count)
            return [name] + numbers(of: [.right, .abstained, .falseAccusation, .missed], in: outcomes) + [share]
        }
        return table(
            ["rule", "right", "nothing to compare", "false accusations", "device missed", "share right"],
            [
                line("rstwho") { $0.outcome },
                line("TTL differs in the flow") { $0.outcome(of: $0.byFlow) },
                line("TTL differs from the host") { $0.outcome(of: $0.byHost) },
            ])
    }

    private var abstentions: String {
        let cases = judged.filter { $0.verdict == "undetermined" }
        let groups = Dictionary(grouping: cases) { $0.scenario + ($0.version.map { ", IPv\($0)" } ?? "") }
        return table(
            ["scenario", "resets", "why"],
            groups.sorted { $0.key < $1.key }.map { name, cases in
                ["`\(name)`", "\(cases.count)", cases.first?.reason ?? "could have been decided"]
            })
    }

    private var captureTable: String {
        let groups = Dictionary(grouping: captures, by: \.scenario)
        return table(
            ["capture", "truth", "said"],
            groups.sorted { $0.key < $1.key }.map { name, cases in
                ["`\(name)`", counts(cases.map(\.truth)), counts(cases.map(\.verdict))]
            })
    }

    private var scenarioTable: String {
        var order: [String] = []
        for scenario in lab.map(\.scenario) where !order.contains(scenario) { order.append(scenario) }
        var lines: [[String]] = []
        for scenario in order {
            for version in [4, 6] {
                let cases = lab.filter { $0.scenario == scenario && $0.version == version }
                if !cases.isEmpty { lines.append(scenarioLine(scenario, version, cases)) }
            }
        }
        return table(
            ["scenario", "IPv", "truth", "said", "cause", "confidence", "rule of the flow", "rule of the host"], lines)
    }

    private func scenarioLine(_ scenario: String, _ version: Int, _ cases: [AccuracyCase]) -> [String] {
        let confidence = cases.compactMap(\.confidence).min().map { String(format: "%.3f", $0) }
        return [
            "`\(scenario)`", "\(version)", counts(cases.map(\.truth)), counts(cases.map(\.verdict)),
            counts(cases.map(\.cause)), confidence ?? "", counts(cases.map(\.byFlow.rawValue)),
            counts(cases.map(\.byHost.rawValue)),
        ]
    }

    private var knownIssueText: String {
        knownIssues.isEmpty ? "" : "\n## Known to be wrong\n\n" + knownIssues.map { "- \($0)\n" }.joined()
    }

    // MARK: - Text

    /// `host 5, undetermined`: each value once, with its number where that is not 1.
    private func counts(_ values: [String]) -> String {
        Dictionary(grouping: values, by: { $0 }).sorted { $0.key < $1.key }
            .map { $0.value.count == 1 ? $0.key : "\($0.key) \($0.value.count)" }.joined(separator: ", ")
    }

    private func percent(_ part: Int, of whole: Int) -> String {
        whole == 0 ? "" : String(format: "%.1f %%", Double(part) * 100 / Double(whole))
    }

    private func table(_ titles: [String], _ lines: [[String]]) -> String {
        ([titles, titles.map { _ in "---" }] + lines).map { "| " + $0.joined(separator: " | ") + " |" }
            .joined(separator: "\n")
    }
}
