// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The sentences that people read, made from a finding's other fields.
extension Finding {
    /// What happened, the answer to the question first.
    package var summary: String {
        if let told { return told.summary }
        let sentences =
            switch details {
            case .reset(let reset): ResetSentences(finding: self, reset: reset).summary
            case .path(let path): PathSentences(finding: self, path: path).summary + translation
            case .pathChange(let change): PathSentences.summary(of: change, in: self)
            case .icmpError(let error): ICMPSentences(finding: self, error: error).summary
            case .notice(let notice): NoticeSentences(finding: self, notice: notice).summary
            }
        return places.brief(sentences)
    }

    /// The connection's other five-tuple; empty where this machine does not translate it.
    private var translation: String {
        guard let translated else { return "" }
        let (source, destination) = (text(translated.source), text(translated.destination))
        return " Translated here to \(Self.end(source, translated.sourcePort)) > "
            + "\(Self.end(destination, translated.destinationPort))."
    }

    private static func end(_ address: String, _ port: UInt16) -> String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// What to do next, as a sentence; empty where there is nothing to do.
    package var advice: String {
        if let told { return told.advice }
        let sentences =
            switch details {
            case .reset(let reset): ResetSentences(finding: self, reset: reset).advice
            case .path(let path): PathSentences(finding: self, path: path).advice
            case .pathChange(let change): PathSentences.advice(on: change, in: self)
            case .icmpError(let error): ICMPSentences(finding: self, error: error).advice
            case .notice(let notice): NoticeSentences(finding: self, notice: notice).advice
            }
        return places.brief(places.withOwners(sentences))
    }
}

func capitalised(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst()
}

/// 1st, 2nd, 3rd, 4th, 11th, 21st …
func ordinal(_ number: Int) -> String {
    switch (number % 10, number % 100) {
    case (_, 11...13): "\(number)th"
    case (1, _): "\(number)st"
    case (2, _): "\(number)nd"
    case (3, _): "\(number)rd"
    default: "\(number)th"
    }
}
