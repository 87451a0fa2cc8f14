// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The value of a field, as JSON, CSV and filters take it.
package enum FieldValue {
    case absent
    case text(String)
    case integer(Int64)
    case unsigned(UInt64)
    /// A number with at most so many digits behind the point.
    case decimal(Double, digits: Int)
    case flag(Bool)
    /// An address, and its form in the output.
    case address(IPAddress, String)
    /// A list or an object, which writes itself.
    case nested((inout JSONWriter) -> Void)

    static func of(_ text: String?) -> FieldValue { text.map { .text($0) } ?? .absent }
    static func of(_ number: Int?) -> FieldValue { number.map { .integer(Int64($0)) } ?? .absent }
    static func of(_ number: (some UnsignedInteger)?) -> FieldValue { number.map { .unsigned(UInt64($0)) } ?? .absent }
    static func of(_ number: Double?, digits: Int) -> FieldValue {
        number.map { .decimal($0, digits: digits) } ?? .absent
    }
    static func of(_ flag: Bool?) -> FieldValue { flag.map { .flag($0) } ?? .absent }
    /// A flag that is only written where it is true.
    static func mark(_ flag: Bool) -> FieldValue { flag ? .flag(true) : .absent }

    /// Writes the member; nothing where it is absent.
    func write(_ name: String, to json: inout JSONWriter) {
        switch self {
        case .absent: break
        case .text(let text), .address(_, let text): json.member(name, text)
        case .integer(let number): json.member(name, number)
        case .unsigned(let number): json.member(name, number)
        case .decimal(let number, let digits): json.member(name, number, digits: digits)
        case .flag(let flag): json.member(name, flag)
        case .nested(let body): json.member(name, body)
        }
    }

    /// Writes the field of a row; an absent flag is `false`.
    func write(to csv: inout CSVWriter, isFlag: Bool) {
        switch self {
        case .absent where isFlag: csv.field(false)
        case .absent, .nested: csv.field(String?.none)
        case .text(let text), .address(_, let text): csv.field(text)
        case .integer(let number): csv.field(number)
        case .unsigned(let number): csv.field(number)
        case .decimal(let number, let digits): csv.field(number, digits: digits)
        case .flag(let flag): csv.field(flag)
        }
    }
}
