// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc
package import Packets
internal import Reporting

extension History {
    /// Forgets addresses in the files of a state directory that no agent uses. Blocks.
    ///
    /// - Throws: `HistoryFault`; `locked` where an agent runs there.
    package static func forget(_ prefix: IPPrefix, in directory: String) throws(HistoryFault) -> Forgotten {
        let lock = try DirectoryLock(directory)
        let files = HistoryFiles(directory: directory)
        var removed = Forgotten()
        var ids: Set<String> = []
        if access(files.database, F_OK) == 0 {
            do {
                (removed, ids) = try HistoryDatabase(files.database).forget(prefix)
            } catch {
                throw HistoryFault(error, path: files.database)
            }
        }
        removed.hadDamaged = files.removeDamaged()
        let evidence = "\(directory)/evidence"
        if access(evidence, F_OK) == 0, let evidence = try? EvidenceDirectory(evidence) {
            removed.evidenceFiles = evidence.forget(prefix, ids)
        }
        withExtendedLifetime(lock) {}
        return removed
    }

    /// Forgets addresses in the files of a running agent, and what of them waits to be stored.
    func forget(_ prefix: IPPrefix) async throws(HistoryFault) -> (removed: Forgotten, ids: Set<String>) {
        await store()
        guard let database else { throw HistoryFault(.failed, path: files.database, problem: "history has stopped") }
        do {
            var (removed, ids) = try await OwnThread.run(named: "rstwho-forget") { try database.forget(prefix) }
            removed.hadDamaged = files.removeDamaged()
            forgetEssences()
            return (removed, ids)
        } catch {
            throw HistoryFault(error, path: files.database)
        }
    }

    /// Makes the word that whoever asks for forgetting has to know: in a file that only those may read who may read the history.
    static func makeToken(_ path: String) -> String? {
        let token = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
        unlink(path)
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let bytes = Array("\(token)\n".utf8)
        return Glibc.write(file, bytes, bytes.count) == bytes.count ? token : nil
    }

    /// The word of the agent that runs in a state directory; `nil` where it cannot be read.
    package static func token(in directory: String) -> String? {
        let text = try? String(contentsOfFile: HistoryFiles(directory: directory).token, encoding: .utf8)
        return text?.split(separator: "\n").first.map(String.init)
    }
}

extension EvidenceDirectory {
    /// Removes the files of those findings, and those that mention an address of the prefix. Returns how many.
    func forget(_ prefix: IPPrefix, _ ids: Set<String>) -> Int {
        let before = count
        remove { id in ids.contains(id) || AddressText.mentions(prefix, in: read(id) ?? []) }
        return before - count
    }
}
