// SPDX-License-Identifier: Apache-2.0
internal import Explanation
internal import Reporting

extension FuzzCase {
    /// Checks that an understood question means the same when it is asked again in its own words.
    static func checkQuestion(_ bytes: UnsafeRawBufferPointer) -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let question = try? Question(parsing: text) else { return nil }
        guard let again = try? Question(parsing: question.text) else {
            return "\(question.text) is not understood again"
        }
        return again == question ? nil : "\(question.text) is understood as \(again.text)"
    }
}
