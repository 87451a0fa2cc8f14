// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Capture
internal import FoundationEssentials
internal import Glibc
package import Packets
internal import Reporting

extension History {
    /// Forgets addresses in the files of a state directory that no agent uses.
    ///
    /// Blocks.
    ///
    /// - `evidence`: the directory of its evidence files, where that is not in the state directory.
    ///
    /// Throws `HistoryFault`; `locked` where an agent runs there.
    package static func forget(
        _ prefix: IPPrefix, in directory: String, evidence: String? = nil
    ) throws(HistoryFault) -> Forgotten {
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
        let evidence = evidence ?? EvidenceLocation.standard(below: directory)
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
            var (removed, ids) = try await BlockingThread.run(named: "rstwho-forget") { try database.forget(prefix) }
            removed.hadDamaged = files.removeDamaged()
            forgetEssences()
            return (removed, ids)
        } catch {
            throw HistoryFault(error, path: files.database)
        }
    }

    /// Makes the word that whoever asks for forgetting has to know: in a file that only those may read who may read the
    /// history.
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
        guard let bytes = try? SmallFile.read(HistoryFiles(directory: directory).token, limit: 4096) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }
}

extension EvidenceDirectory {
    /// Removes the files of those findings, and those with an address of the prefix in a sentence or in a packet.
    ///
    /// Returns how many.
    func forget(_ prefix: IPPrefix, _ ids: Set<String>) -> Int {
        remove(
            Set(
                all.filter { id in
                    if ids.contains(id) { return true }
                    guard let bytes = read(id) else { return false }
                    return AddressText.mentions(prefix, in: bytes) || Self.packets(bytes, have: prefix)
                }))
    }

    /// The samples of a host's distance are packets to whomever it speaks with, whom no sentence names.
    private static func packets(_ bytes: [UInt8], have prefix: IPPrefix) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var isThere = false
            guard var file = try? CaptureFile.open(.memory(bytes, piece: bytes.count)) else { return false }
            try? file.read { batch in
                for packet in batch.packets
                where prefix.contains(packet.record.source) || prefix.contains(packet.record.destination) {
                    isThere = true
                }
            }
            return isThere
        }
    }
}
