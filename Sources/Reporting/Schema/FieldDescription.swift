// SPDX-License-Identifier: Apache-2.0
package import Diagnosis

/// The description of a field: what documentation, JSON Schema, OpenAPI and filters are made from.
package struct FieldDescription: Sendable {
    /// The type of a value, with its bounds and unit.
    package indirect enum Kind: Sendable {
        case text
        /// A finding's id: 26 letters and digits.
        case id
        /// RFC 3339 with nanoseconds.
        case time
        /// An IPv4 or IPv6 address (RFC 5952), or the name that a text has in its place.
        case address
        case integer(ClosedRange<Int>)
        case seconds
        case number(ClosedRange<Double>)
        case flag
        /// A closed set of names.
        case choice([String])
        case object([FieldDescription])
        /// Numbers of named kinds, with a total.
        case tally
        case list(Kind)
    }

    package var name: String
    package var type: Kind
    /// The kinds of findings that have it; empty for all.
    package var kinds: [Finding.Kind] = []
    /// The meaning, for docs/findings.md.
    package var meaning: String
    /// Each finding of its kinds has it.
    package var isRequired = false
    /// The API's parameter of that name, and a column of the history's table.
    package var isFilter = false

    package init(
        name: String, type: Kind, kinds: [Finding.Kind] = [], meaning: String, isRequired: Bool = false,
        isFilter: Bool = false
    ) {
        self.name = name
        self.type = type
        self.kinds = kinds
        self.meaning = meaning
        self.isRequired = isRequired
        self.isFilter = isFilter
    }
}
