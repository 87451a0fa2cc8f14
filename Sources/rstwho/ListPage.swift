// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// A page of the API's lists.
enum ListPage {
    private struct Wire: Decodable {
        var next: String?
    }

    /// Returns the cursor of the next page; `nil` on the last.
    static func next(in body: [UInt8]) -> String? {
        (try? JSONDecoder().decode(Wire.self, from: Data(body)))?.next
    }
}
