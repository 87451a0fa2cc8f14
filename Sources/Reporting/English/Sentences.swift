// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The sentences that people read, made from a finding's other fields.
extension Finding {
    /// The sentences by their purpose: headline, evidence file, explanation and message are made from them.
    package var story: Story {
        if let told {
            let hasHeadline = told.headline.map { told.summary.hasPrefix($0) } ?? false
            guard let headline = told.headline, hasHeadline else {
                return Story(told.summary, advice: .init(told.advice))
            }
            let rest = told.summary.dropFirst(headline.count).drop { $0 == " " }
            return Story(headline, [String(rest)], advice: .init(told.advice))
        }
        return composed
    }

    /// True where somebody has to act.
    package var needsAction: Bool { composed.advice.isNeeded }

    /// The sentences as this version writes them.
    private var composed: Story {
        var story =
            switch details {
            case .reset(let reset): ResetSentences(finding: self, reset: reset).story
            case .path(let path): PathSentences(finding: self, path: path).story
            case .pathChange(let change): PathSentences.story(of: change, in: self)
            case .icmpError(let error): ICMPSentences(finding: self, error: error).story
            case .notice(let notice): NoticeSentences(finding: self, notice: notice).story
            }
        if let translation { story.details.append(translation) }
        story.advice.contact = places.contact(in: story.advice.text)
        let brief = places.brief([story.answer] + story.details)
        story.answer = brief[0]
        story.details = Array(brief.dropFirst())
        let advice = places.brief([story.advice.text, story.advice.contact ?? ""])
        story.advice.text = advice[0]
        if story.advice.contact != nil { story.advice.contact = advice[1] }
        return story
    }

    /// The other five-tuple of a path finding's connection; `nil` where this machine does not translate it.
    private var translation: String? {
        guard let translated, kind == .path else { return nil }
        let (source, destination) = (text(translated.source), text(translated.destination))
        return "This machine translates it to \(Self.end(source, translated.sourcePort)) > "
            + "\(Self.end(destination, translated.destinationPort))."
    }

    private static func end(_ address: String, _ port: UInt16) -> String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// The event, with the answer first.
    package var summary: String { told?.summary ?? story.summary }

    /// The next step, as a sentence; empty if there is none.
    package var advice: String { told?.advice ?? story.advice.sentences }
}

func capitalised(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst()
}
