// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import HTTPTypes
internal import Hummingbird
internal import Packets
internal import Reporting

/// Takes a request's query apart.
///
/// What nobody asked for at the end is an unknown parameter.
struct QueryReader {
    private var values: [String: String] = [:]
    private var asked: [String] = []

    /// - Throws: a problem where a parameter is given twice or is longer than any that is right.
    init(_ request: Request) throws(HTTPProblem) {
        for (name, value) in request.uri.queryParameters where !name.isEmpty {
            guard value.utf8.count <= 256, name.utf8.count <= 64 else {
                throw .badParameter(String(name.prefix(64)), "The parameter is too long.")
            }
            guard values.updateValue(String(value), forKey: String(name)) == nil else {
                throw .badParameter(String(name), "The parameter is given twice.")
            }
        }
    }

    /// The parameter's text; `nil` where it is not given.
    mutating func text(_ name: String) -> String? {
        asked.append(name)
        return values.removeValue(forKey: name)
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(HTTPProblem) -> Int
    {
        guard let text = text(name) else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw .badParameter(name, "Give a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    mutating func port(_ name: String) throws(HTTPProblem) -> UInt16? {
        guard let text = text(name) else { return nil }
        guard let value = UInt16(text) else { throw .badParameter(name, "Give a port from 0 to 65535.") }
        return value
    }

    mutating func address(_ name: String) throws(HTTPProblem) -> IPAddress? {
        guard let text = text(name) else { return nil }
        guard let value = IPAddress(text) else { throw .badParameter(name, "Give an IPv4 or IPv6 address.") }
        return value
    }

    mutating func prefix(_ name: String) throws(HTTPProblem) -> IPPrefix? {
        guard let text = text(name) else { return nil }
        guard let value = IPPrefix(text) else {
            throw .badParameter(name, "Give a prefix such as 10.0.0.0/8 or fc00::/7.")
        }
        return value
    }

    /// A member of a closed set, by its name.
    mutating func member<Member: RawRepresentable & CaseIterable>(
        _ name: String, of type: Member.Type
    ) throws(HTTPProblem) -> Member? where Member.RawValue == String {
        try member(name, of: Member.allCases.map(\.rawValue)).flatMap { Member(rawValue: $0) }
    }

    mutating func member(_ name: String, of members: [String]) throws(HTTPProblem) -> String? {
        guard let text = text(name) else { return nil }
        guard members.contains(text) else {
            throw .badParameter(name, "Give one of \(members.joined(separator: ", ")).")
        }
        return text
    }

    mutating func time(_ name: String) throws(HTTPProblem) -> UInt64? {
        guard let text = text(name) else { return nil }
        guard let value = Timestamp.parse(text) else {
            throw .badParameter(name, "Give a time such as 2026-01-31T23:59:59Z.")
        }
        return value
    }

    /// - Throws: a problem where a parameter is left that nobody asked for.
    func finish() throws(HTTPProblem) {
        guard let name = values.keys.min() else { return }
        let known = asked.isEmpty ? "There are none." : "Known are \(asked.joined(separator: ", "))."
        throw .badParameter(name, "There is no such parameter. \(known)")
    }
}
