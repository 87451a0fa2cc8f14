// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The comments of a capture by frame: an index in memory, and the texts in a file without a name.
///
/// Holds `limit` comments, which are 48 MiB of index; what exceeds that is counted and left out.
struct AnnotationIndex: ~Copyable {
    private struct Entry {
        var frame: UInt64
        var offset: UInt64
        /// Tells findings of one frame apart: a revision replaces what has the same.
        var identity: UInt64
        var length: UInt32
        var order: UInt32
    }

    static let limit = 1 << 20
    /// Texts are kept in memory up to this size, in bytes.
    private static let inMemory = 1 << 22

    private var entries: [Entry] = []
    private var texts: [UInt8] = []
    private var stored: UInt64 = 0
    private var descriptor: Int32 = -1
    private var next = 0
    private(set) var leftOut: UInt64 = 0
    /// True once the file for texts has failed.
    private var isFull = false

    init() {}

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    mutating func add(_ text: String, frame: UInt64, id: String) {
        guard entries.count < Self.limit, !isFull else {
            leftOut += 1
            return
        }
        let bytes = text.utf8
        entries.append(
            Entry(
                frame: frame, offset: stored + UInt64(texts.count), identity: Self.hash(id),
                length: UInt32(clamping: bytes.count), order: UInt32(entries.count)))
        texts.append(contentsOf: bytes)
        if texts.count >= Self.inMemory { spill() }
    }

    /// Sorts by frame, and keeps the newest revision of each finding; `comments` can be asked from now on.
    mutating func seal() {
        entries.sort { ($0.frame, $0.identity, $0.order) < ($1.frame, $1.identity, $1.order) }
        var kept = 0
        for index in entries.indices {
            let isReplaced =
                index + 1 < entries.count && entries[index + 1].frame == entries[index].frame
                && entries[index + 1].identity == entries[index].identity
            guard !isReplaced else { continue }
            entries[kept] = entries[index]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
        entries.sort { ($0.frame, $0.order) < ($1.frame, $1.order) }
    }

    var count: Int { entries.count }

    /// The comments of a frame.
    ///
    /// Frames must be asked for in rising order.
    mutating func comments(of frame: UInt64) -> [[UInt8]] {
        while next < entries.count, entries[next].frame < frame { next += 1 }
        guard next < entries.count, entries[next].frame == frame else { return [] }
        var comments: [[UInt8]] = []
        while next < entries.count, entries[next].frame == frame {
            comments.append(text(entries[next]))
            next += 1
        }
        return comments
    }

    private func text(_ entry: Entry) -> [UInt8] {
        if entry.offset >= stored {
            let begin = Int(entry.offset - stored)
            return Array(texts[begin..<begin + Int(entry.length)])
        }
        var bytes = [UInt8](repeating: 0, count: Int(entry.length))
        let count = pread(descriptor, &bytes, bytes.count, Int(entry.offset))
        return count == bytes.count ? bytes : Array("A verdict that could not be read back.".utf8)
    }

    private mutating func spill() {
        if descriptor < 0 {
            let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var name = "\(directory)/rstwho-annotate.XXXXXX".utf8CString.map { $0 }
            descriptor = mkstemp(&name)
            if descriptor >= 0 {
                unlink(name)
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            }
        }
        var position = 0
        while position < texts.count {
            let count = texts.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + position }, bytes.count - position)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                // What was written stays readable; nothing is added.
                isFull = true
                let complete = entries.prefix { $0.offset + UInt64($0.length) <= stored + UInt64(position) }.count
                leftOut += UInt64(entries.count - complete)
                entries.removeLast(entries.count - complete)
                stored += UInt64(position)
                texts = []
                return
            }
            position += count
        }
        stored += UInt64(texts.count)
        texts.removeAll(keepingCapacity: true)
    }

    /// FNV-1a, 64 bits.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
