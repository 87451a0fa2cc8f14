// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Diagnosis
internal import Packets
internal import YAML

/// The syntax and the check of an option's values.
struct OptionType<Value: Sendable>: Sendable {
    /// The accepted values, as the end of a sentence: `a number from 8 to 64`.
    let allowed: String
    /// `nil` where it is not allowed.
    let read: @Sendable (SettingValue) -> Value?
    /// As it is written in YAML.
    let write: @Sendable (Value) -> String

    init(
        _ allowed: String, read: @escaping @Sendable (SettingValue) -> Value?,
        write: @escaping @Sendable (Value) -> String
    ) {
        self.allowed = allowed
        self.read = read
        self.write = write
    }

    /// A type that is written as one text.
    init(
        scalar allowed: String, read: @escaping @Sendable (String) -> Value?,
        write: @escaping @Sendable (Value) -> String
    ) {
        self.init(allowed, read: { $0.scalar.flatMap(read) }, write: { YAMLText.scalar(write($0)) })
    }
}

extension OptionType where Value == String {
    /// A file's absolute path; empty where there is none.
    static var path: OptionType {
        OptionType(scalar: "the absolute path of a file, or \"\" for none") { text in
            text.isEmpty || text.hasPrefix("/") ? text : nil
        } write: {
            $0
        }
    }
}

extension OptionType where Value == String {
    /// A name that is told to others.
    static var name: OptionType {
        OptionType(scalar: "a name of at most 255 bytes, or \"\"") { text in
            text.utf8.count <= 255 && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } ? text : nil
        } write: {
            $0
        }
    }
}

extension OptionType where Value == Bool {
    static var flag: OptionType {
        OptionType(scalar: "true or false") {
            ["true": true, "false": false][$0]
        } write: {
            $0 ? "true" : "false"
        }
    }
}

extension OptionType where Value == Int {
    static func number(_ range: ClosedRange<Int>) -> OptionType {
        OptionType(scalar: "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        } write: {
            String($0)
        }
    }
}

extension OptionType where Value == Double {
    static func seconds(_ range: ClosedRange<Double>) -> OptionType {
        OptionType(
            scalar: "a number of seconds from \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        ) { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        } write: {
            plain($0)
        }
    }

    private static func plain(_ number: Double) -> String {
        Int(exactly: number).map { String($0) } ?? String(number)
    }
}

extension OptionType where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    static var choice: OptionType {
        let names = Value.allCases.map(\.rawValue)
        let allowed = names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
        return OptionType(scalar: allowed) {
            Value(rawValue: $0)
        } write: {
            $0.rawValue
        }
    }
}

extension OptionType where Value == [String] {
    /// - `allowed`: what the items are, in the plural.
    static func texts(_ allowed: String) -> OptionType {
        OptionType("a list of \(allowed)") { value in
            value.list.flatMap { $0.contains("") ? nil : $0 }
        } write: {
            YAMLText.list($0)
        }
    }
}

extension OptionType where Value == [IPPrefix] {
    static var prefixes: OptionType {
        OptionType("a list of prefixes such as 10.0.0.0/8 or fc00::/7") { value in
            guard let texts = value.list else { return nil }
            let prefixes = texts.compactMap { IPPrefix($0) }
            return prefixes.count == texts.count ? prefixes : nil
        } write: {
            YAMLText.list($0.map(\.description))
        }
    }
}

extension OptionType where Value == HTTPAddress? {
    static var listen: OptionType {
        OptionType(scalar: "ADDRESS:PORT, the absolute path of a Unix socket (107 bytes at most), or off") { text in
            if text == "off" { return .some(nil) }
            let path = text.hasPrefix("unix:") ? String(text.dropFirst("unix:".count)) : text
            if path.hasPrefix("/") || path != text {
                // sun_path of sockaddr_un(7) holds 108 bytes with the terminating zero.
                return (1...107).contains(path.utf8.count) ? .unixSocket(path: path) : nil
            }
            return HTTPAddress(text).map { .some($0) }
        } write: {
            switch $0 {
            case nil: "off"
            case .unixSocket(let path) where !path.hasPrefix("/"): "unix:\(path)"
            case .some(let address): address.description
            }
        }
    }
}

extension OptionType where Value == SheddingLevels {
    /// One of how many flows.
    static var oneOf: OptionType {
        OptionType(scalar: "a power of two from 1 to \(1 << SheddingLevels.maximum)") { text in
            Int(text).flatMap { SheddingLevels(keepingOneOf: $0) }
        } write: {
            String(Int(1 / $0.keptShare(.bulk)))
        }
    }
}

extension OptionType where Value == StateDirectory {
    static var stateDirectory: OptionType {
        OptionType(scalar: "auto, off, or an absolute path") { text in
            switch text {
            case "auto": .auto
            case "off": .off
            default: text.hasPrefix("/") ? .path(text) : nil
            }
        } write: {
            switch $0 {
            case .auto: "auto"
            case .off: "off"
            case .path(let path): path
            }
        }
    }
}

extension OptionType where Value == Int? {
    /// A part of one core.
    static var percent: OptionType {
        OptionType(scalar: "a number of percent from 1 to 100, or full") { text in
            if text == "full" { return .some(nil) }
            return Int(text).flatMap { (1...100).contains($0) ? .some($0) : nil }
        } write: {
            $0.map { String($0) } ?? "full"
        }
    }

    /// Bytes of a ring: a power of two.
    static var ringSize: OptionType {
        OptionType(scalar: "auto, or a power of two from 64KiB to 1GiB") { text in
            if text == "auto" { return .some(nil) }
            guard let bytes = ByteSize.read(text), bytes.nonzeroBitCount == 1, (1 << 16...1 << 30).contains(bytes)
            else {
                return nil
            }
            return .some(bytes)
        } write: {
            $0.map { ByteSize.text($0) } ?? "auto"
        }
    }
}

extension OptionType where Value == Int {
    /// Bytes, also with a unit: 8MiB.
    static func bytes(_ range: ClosedRange<Int>) -> OptionType {
        OptionType(scalar: "bytes from \(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))") {
            text in
            ByteSize.read(text).flatMap { range.contains($0) ? $0 : nil }
        } write: {
            ByteSize.text($0)
        }
    }
}

extension OptionType where Value == ExportTarget {
    static var exportTarget: OptionType {
        OptionType(
            scalar:
                "udp://HOST:PORT, tcp://HOST:PORT, unix:PATH (107 bytes at most), file:PATH (both absolute), journal or off"
        ) {
            ExportTarget($0)
        } write: {
            $0.description
        }
    }
}

extension OptionType where Value == SpoolOptions.Location {
    static var fleetLocation: OptionType {
        OptionType(scalar: "a directory's absolute path, auto, or off") { text in
            switch text {
            case "auto": .auto
            case "off": .off
            default: text.hasPrefix("/") ? .directory(text) : nil
            }
        } write: {
            switch $0 {
            case .auto: "auto"
            case .off: "off"
            case .directory(let path): path
            }
        }
    }
}

extension OptionType where Value == Double? {
    /// A part of a whole.
    static var share: OptionType {
        OptionType(scalar: "a number from 0 to 1, or auto") { text in
            text == "auto" ? .some(nil) : Double(text).flatMap { (0...1).contains($0) ? .some($0) : nil }
        } write: {
            $0.map { String($0) } ?? "auto"
        }
    }
}

extension OptionType where Value == EvidenceLocation {
    static var evidenceLocation: OptionType {
        OptionType(scalar: "a directory, auto, or off") { text in
            switch text {
            case "": nil
            case "auto": .auto
            case "off": .off
            default: .directory(text)
            }
        } write: {
            switch $0 {
            case .auto: "auto"
            case .off: "off"
            case .directory(let path): path
            }
        }
    }
}
