// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import GRDB
package import Packets
package import Reporting

/// The wanted value of a field, or a finding's own.
package enum FilterValue: Sendable, Equatable {
    case text(String)
    case number(UInt64)
    case address(IPAddress)

    /// A finding's value; `nil` where it has none.
    init?(_ value: FieldValue) {
        switch value {
        case .text(let text): self = .text(text)
        case .unsigned(let number): self = .number(number)
        case .integer(let number): self = .number(UInt64(clamping: number))
        case .address(let address, _): self = .address(address)
        case .absent, .decimal, .flag, .nested: return nil
        }
    }

    /// The request's parameter for `field`; `nil` where it is not given.
    init?(_ field: FieldDescription, _ query: inout QueryReader) throws(HTTPProblem) {
        let value: FilterValue? =
            switch field.type {
            case .choice(let members): try query.member(field.name, of: members).map { .text($0) }
            case .address: try query.address(field.name).map { .address($0) }
            case .integer: try query.port(field.name).map { .number(UInt64($0)) }
            default: query.text(field.name).map { .text($0) }
            }
        guard let value else { return nil }
        self = value
    }

    /// True where a finding has this value.
    package func matches(_ value: FieldValue) -> Bool { FilterValue(value) == self }

    /// The value as the API takes it.
    var text: String {
        switch self {
        case .text(let text): text
        case .number(let number): "\(number)"
        case .address(let address): address.description
        }
    }

    /// The value in the history's column.
    var column: any DatabaseValueConvertible {
        switch self {
        case .text(let text): text
        case .number(let number): Int64(clamping: number)
        case .address(let address): address.data
        }
    }
}

extension FieldDescription {
    /// False where a finding's id stands for the value as well.
    var isRevised: Bool {
        switch type {
        case .choice, .text: name != "kind" && name != "interface"
        default: false
        }
    }
}

/// The usual filters by their types.
extension FindingQuery {
    package var kind: Finding.Kind? {
        get { text("kind").flatMap { Finding.Kind(rawValue: $0) } }
        set { values["kind"] = newValue.map { .text($0.rawValue) } }
    }
    package var sender: Finding.Sender? {
        get { text("sender").flatMap { Finding.Sender(rawValue: $0) } }
        set { values["sender"] = newValue.map { .text($0.rawValue) } }
    }
    /// The cause as JSON has it: those of all kinds.
    package var cause: String? {
        get { text("cause") }
        set { values["cause"] = newValue.map { .text($0) } }
    }
    package var stage: Finding.Stage? {
        get { text("stage").flatMap { Finding.Stage(rawValue: $0) } }
        set { values["stage"] = newValue.map { .text($0.rawValue) } }
    }
    package var source: IPAddress? {
        get { address("src") }
        set { values["src"] = newValue.map { .address($0) } }
    }
    package var destination: IPAddress? {
        get { address("dst") }
        set { values["dst"] = newValue.map { .address($0) } }
    }
    package var sourcePort: UInt16? {
        get { number("src_port") }
        set { values["src_port"] = newValue.map { .number(UInt64($0)) } }
    }
    package var destinationPort: UInt16? {
        get { number("dst_port") }
        set { values["dst_port"] = newValue.map { .number(UInt64($0)) } }
    }
    package var interface: String? {
        get { text("interface") }
        set { values["interface"] = newValue.map { .text($0) } }
    }
    /// A device, as `origins` names it.
    package var origin: String? {
        get { text("origin") }
        set { values["origin"] = newValue.map { .text($0) } }
    }

    private func text(_ name: String) -> String? { if case .text(let text) = values[name] { text } else { nil } }
    private func number(_ name: String) -> UInt16? {
        if case .number(let number) = values[name] { UInt16(exactly: number) } else { nil }
    }
    private func address(_ name: String) -> IPAddress? {
        if case .address(let address) = values[name] { address } else { nil }
    }
}
