// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import FoundationEssentials

/// A field of an object in JSON: its description, how it is written from a subject and read into a draft.
struct Field<Subject, Draft>: Sendable {
    /// A column of CSV that comes from the field.
    struct Column: Sendable {
        var position: Int
        var name: String
        var value: @Sendable (Subject) -> FieldValue
    }

    typealias Value = @Sendable (Subject) -> FieldValue
    typealias Read = @Sendable (FieldReader, inout Draft) throws -> Void

    var description: FieldDescription
    var value: Value
    var read: Read?
    var columns: [Column] = []
    /// A finding without it is none.
    var isEssential: Bool
    /// The filter that the field makes, where it is not the field itself: one of its members.
    var memberFilter: (description: FieldDescription, value: Value)?

    enum Presence {
        case optional
        /// This version always writes it.
        case always
        /// Every version always wrote it.
        case essential
    }

    init(
        _ name: String, _ type: FieldDescription.Kind, _ meaning: String, _ presence: Presence = .optional,
        value: @escaping Value, read: Read? = nil
    ) {
        description = FieldDescription(name: name, type: type, meaning: meaning, isRequired: presence != .optional)
        isEssential = presence == .essential
        self.value = value
        self.read = read
    }

    /// Only findings of these kinds have it.
    func of(_ kinds: Finding.Kind...) -> Self {
        var field = self
        field.description.kinds = kinds
        return field
    }

    /// The field is a column of CSV, under its name or another.
    func column(_ position: Int, _ name: String? = nil, value: Value? = nil) -> Self {
        var field = self
        field.columns.append(
            Column(position: position, name: name ?? description.name, value: value ?? field.value))
        return field
    }

    /// The field is a parameter of the API and a column of the history.
    var filtering: Self {
        var field = self
        field.description.isFilter = true
        return field
    }

    /// A member of the field is a parameter of the API and a column of the history.
    func filtering(_ name: String, _ type: FieldDescription.Kind, _ meaning: String, value: @escaping Value) -> Self {
        var field = self
        field.memberFilter = (
            FieldDescription(name: name, type: type, kinds: description.kinds, meaning: meaning, isFilter: true), value
        )
        return field
    }

    /// The filter of the field and its value; `nil` where it is none.
    var filter: (description: FieldDescription, value: Value)? {
        memberFilter ?? (description.isFilter ? (description, value) : nil)
    }

    func write(_ subject: Subject, to json: inout JSONWriter) { value(subject).write(description.name, to: &json) }
}

extension Array {
    /// Writes the fields of `subject` in their order.
    func write<Subject, Draft>(_ subject: Subject, to json: inout JSONWriter) where Element == Field<Subject, Draft> {
        // In place: a copy of a field retains each of its closures and names.
        withUnsafeBufferPointer { fields in
            for index in fields.indices { fields[index].write(subject, to: &json) }
        }
    }

    /// Reads the fields that `container` has into `draft`.
    func read<Subject, Draft>(
        _ container: KeyedDecodingContainer<FieldKey>, into draft: inout Draft
    ) throws where Element == Field<Subject, Draft> {
        for field in self {
            guard let read = field.read else { continue }
            let reader = FieldReader(container: container, description: field.description)
            if field.isEssential, !reader.isPresent { throw NoSuchFinding() }
            try read(reader, &draft)
        }
    }

    func descriptions<Subject, Draft>() -> [FieldDescription] where Element == Field<Subject, Draft> {
        map(\.description)
    }
}

/// The name of any member.
struct FieldKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// A value that no finding of this version has: the finding is not taken.
struct NoSuchFinding: Error {}

/// The member of a field, where it is read.
struct FieldReader {
    let container: KeyedDecodingContainer<FieldKey>
    let description: FieldDescription

    private var key: FieldKey { FieldKey(stringValue: description.name) }

    /// False where it is absent or null.
    var isPresent: Bool { (try? container.decodeNil(forKey: key)) == false }

    /// The value; `nil` where it is absent.
    ///
    /// - Throws: where it is of another type.
    func value<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value? {
        try container.decodeIfPresent(type, forKey: key)
    }

    /// The value of another member.
    func other<Value: Decodable>(_ name: String, _ type: Value.Type = Value.self) throws -> Value? {
        try container.decodeIfPresent(type, forKey: FieldKey(stringValue: name))
    }

    /// The number, within the bounds of the field.
    func integer() throws -> Int? {
        guard let number: Int = try value() else { return nil }
        if case .integer(let bounds) = description.type, !bounds.contains(number) { throw NoSuchFinding() }
        return number
    }

    /// The number, within the bounds of the field.
    func decimal() throws -> Double? {
        guard let number: Double = try value() else { return nil }
        switch description.type {
        case .number(let bounds) where !bounds.contains(number): throw NoSuchFinding()
        case .seconds where !WireBounds.seconds.contains(number): throw NoSuchFinding()
        default: return number
        }
    }

    /// The member of a closed set; `nil` where it is absent.
    ///
    /// - Throws: where this version has no such member.
    func choice<Member: RawRepresentable>(_: Member.Type = Member.self) throws -> Member?
    where Member.RawValue == String {
        guard let text: String = try value() else { return nil }
        guard let member = Member(rawValue: text) else { throw NoSuchFinding() }
        return member
    }

    /// The members of the object; `nil` where it is absent.
    func object() throws -> KeyedDecodingContainer<FieldKey>? {
        guard isPresent else { return nil }
        return try container.nestedContainer(keyedBy: FieldKey.self, forKey: key)
    }

    /// The members of each object of the list; none where it is absent.
    func objects() throws -> [KeyedDecodingContainer<FieldKey>] {
        guard isPresent else { return [] }
        var list = try container.nestedUnkeyedContainer(forKey: key)
        var objects: [KeyedDecodingContainer<FieldKey>] = []
        while !list.isAtEnd { objects.append(try list.nestedContainer(keyedBy: FieldKey.self)) }
        return objects
    }
}
