// SPDX-License-Identifier: Apache-2.0

/// The sentences of a finding, each by its purpose.
package struct Story: Sendable, Equatable {
    /// The event, its author and the certainty: one sentence.
    package var answer: String
    /// The user's experience, the cause and open questions: a sentence each.
    package var details: [String]
    package var advice: Advice

    /// The next step.
    package struct Advice: Sendable, Equatable {
        /// Empty where there is nothing to say.
        package var text: String
        /// The sentence that names the people to ask about the places in `text`.
        package var contact: String?
        /// False where nobody has to act.
        package var isNeeded: Bool

        package init(_ text: String, isNeeded: Bool = true) {
            self.text = text
            self.isNeeded = isNeeded && !text.isEmpty
        }

        /// A step that nobody has to take.
        static func none(_ text: String = "") -> Advice { Advice(text, isNeeded: false) }

        /// `text` and `contact`.
        package var sentences: String { [text, contact ?? ""].filter { !$0.isEmpty }.joined(separator: " ") }
    }

    init(_ answer: String, _ details: [String?] = [], advice: Advice) {
        self.answer = answer
        self.details = details.compactMap { $0 }.filter { !$0.isEmpty }
        self.advice = advice
    }

    /// All sentences but the advice, in their order.
    package var summary: String { ([answer] + details).joined(separator: " ") }
}

/// A probability in words.
enum Certainty {
    /// `almost certain`, `very likely`, `likely`, `undecided`.
    static func words(_ probability: Double) -> String {
        switch probability {
        case 0.99...: "almost certain"
        case 0.95...: "very likely"
        case 0.8...: "likely"
        default: "undecided"
        }
    }

    /// `: almost certain`, or nothing where no probability is known.
    static func suffix(_ probability: Double?) -> String { probability.map { ": \(words($0))" } ?? "" }
}
