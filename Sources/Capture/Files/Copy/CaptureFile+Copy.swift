// SPDX-License-Identifier: Apache-2.0

extension CaptureFile {
    /// Reads as `read`, on this thread, and hands every record to `copier` before the packets of its batch are handed
    /// over.
    ///
    /// - Throws: what `read` throws; `copier` then has everything before the damage.
    package mutating func read(copyingTo copier: CaptureCopier, _ handler: (PacketBatch) throws -> Void) throws {
        copier.begin(format)
        input.copier = copier
        defer { input.copier = nil }
        try readInOrder(handler)
    }
}

extension CaptureFile {
    /// The error for a capture that cannot be opened, for whoever opens it.
    package static func openFailure(_ path: String, _ number: Int32) -> CaptureError {
        CaptureInput.openFailure(path, number)
    }
}
