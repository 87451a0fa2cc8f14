// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Glibc
package import Packets

/// The file with the secret of the flow hash: 32 hexadecimal digits.
///
/// Agents of a fleet that share it keep the same flows.
package enum HashKeyFile {
    /// The name of the file in the state directory.
    private static let name = "hash_key"
    private static let limit = 256

    /// The key in a file that the operator named.
    ///
    /// - Throws: the reason why there is none.
    package static func read(_ path: String) throws(ConfigurationError) -> FlowHashKey {
        switch load(path) {
        case .success(let key): return key
        case .failure(let failure): throw ConfigurationError(at: path, line: nil, failure.problem)
        }
    }

    /// The key of this machine: the one in its state directory, made there once, or one for this process only.
    ///
    /// - Parameter directory: the state directory, which exists; `nil` where there is none.
    /// - Returns: the key, and a message where the directory should have held it and does not.
    package static func ofMachine(_ directory: String?) -> (key: FlowHashKey, message: String?) {
        guard let directory else { return (.random(), nil) }
        let path = "\(directory)/\(name)"
        let new = FlowHashKey.random()
        let made = create(path, new)
        if made == 0 { return (new, nil) }
        guard made == EEXIST else {
            return (new, "\(path): cannot be made: \(SystemError.text(made)); a key for this run only is used")
        }
        switch load(path) {
        case .success(let key): return (key, nil)
        case .failure(let failure): return (new, "\(path): \(failure.problem); a key for this run only is used")
        }
    }

    private static func load(_ path: String) -> Result<FlowHashKey, SmallFile.Failure> {
        let bytes: [UInt8]
        do throws(SmallFile.Failure) {
            bytes = try SmallFile.read(path, limit: limit)
        } catch {
            return .failure(error)
        }
        let text = String(decoding: bytes, as: UTF8.self).trimmingPrefix { $0.isWhitespace }
        let digits = text.prefix { !$0.isWhitespace }
        guard text.dropFirst(digits.count).allSatisfy(\.isWhitespace), let key = FlowHashKey(hexadecimal: digits) else {
            return .failure(SmallFile.Failure(problem: "is no key: 32 hexadecimal digits are expected"))
        }
        return .success(key)
    }

    /// Makes the file, readable by its owner only.
    ///
    /// Returns 0 or an errno; an existing file is left alone (`EEXIST`).
    private static func create(_ path: String, _ key: FlowHashKey) -> Int32 {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return errno }
        let bytes = Array("\(key.hexadecimal)\n".utf8)
        let written = write(file, bytes, bytes.count)
        let failed = written == bytes.count ? 0 : written < 0 ? errno : ENOSPC
        let closed = close(file) == 0 ? 0 : errno
        let result = failed != 0 ? failed : closed
        // Half a key would be refused by every later start.
        if result != 0 { unlink(path) }
        return result
    }
}
