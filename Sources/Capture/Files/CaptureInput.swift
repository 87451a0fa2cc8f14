// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A window onto the bytes of a capture, uncompressed: a buffer of fixed size that a file, a pipe or memory fills.
///
/// Reads with read(2) instead of mapping: a mapped file that another program cuts short ends the process with SIGBUS,
/// and a pipe cannot be mapped (docs/decisions/0006-capture-files-are-read-not-mapped.md).
struct CaptureInput: ~Copyable {
    enum Filling {
        /// There are more bytes than before.
        case more
        /// None now, but there may be later: `wait` tells.
        case none
        /// Nothing will follow.
        case end
    }

    /// Holds the longest record that a decoder asks for twice over.
    static let capacity = 1 << 20
    /// As much is read at once: what stays in a second-level cache beside the records made of it.
    private static let chunk = 1 << 18

    /// F_SETSIG and F_SETLEASE of linux/fcntl.h, which Swift's Glibc leaves out.
    private static let setSignal: Int32 = 10
    private static let setLease: Int32 = 1024

    let name: String
    /// Bytes of a regular file, where that is known.
    let size: UInt64?
    /// −1 where the bytes come from memory.
    private let descriptor: Int32
    private let isRegular: Bool
    /// True for a regular file that somebody is writing to and that is followed, until nobody does.
    private(set) var isGrowing = false
    /// True for a regular file that somebody was writing to when it was opened: its end may cut a record.
    private(set) var isBeingWritten = false
    /// The unread rest of a capture in memory, and the size of one read.
    private var memory = UnsafeRawBufferPointer(start: nil, count: 0)
    private let piece: Int
    /// Lives as long as the input; `begin ..< end` is what was read and not consumed.
    private var buffer: UnsafeMutableRawBufferPointer
    private var begin = 0
    private var end = 0
    private var decompressor: Decompressor?
    private var decompression: DecompressionThread?
    /// Of the first byte of the window, in the uncompressed capture.
    private(set) var offset: UInt64 = 0
    /// Bytes read from the file or pipe: compressed ones where it is compressed.
    private(set) var bytesRead: UInt64 = 0

    /// Takes all that is consumed, for a copy.
    var copier: CaptureCopier?

    /// Shorter files are not worth a thread's start.
    static let longEnough: UInt64 = 1 << 20

    /// Opens a file for reading; `-` is not special here.
    ///
    /// - `follows`: a file that somebody writes to is read until its writer closes it; otherwise as far as it goes.
    ///
    /// Throws `notFound`, `badInput` (a directory) or `ioError`.
    init(path: String, follows: Bool = true) throws(CaptureError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.openFailure(path, errno) }
        try self.init(descriptor: descriptor, name: path, follows: follows)
    }

    /// Takes a descriptor, which is closed when the input goes.
    init(descriptor: Int32, name: String, follows: Bool = true) throws(CaptureError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let number = errno
            close(descriptor)
            throw CaptureError(.ioError, subject: name, problem: Self.message(number), errno: number)
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw CaptureError(
                .badInput, subject: name, problem: "this is a directory", advice: "Name the capture files in it")
        }
        self.name = name
        self.descriptor = descriptor
        piece = Self.chunk
        isRegular = status.st_mode & S_IFMT == S_IFREG
        size = isRegular ? UInt64(max(status.st_size, 0)) : nil
        buffer = .allocate(byteCount: Self.capacity, alignment: 64)
        isLive = !isRegular
        if isRegular {
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
            isBeingWritten = hasWriter()
            isGrowing = isBeingWritten && follows
            isLive = isGrowing
        }
    }

    /// Takes a capture in memory, which must outlive the input, `piece` bytes at a time.
    init(memory: UnsafeRawBufferPointer, piece: Int, name: String) {
        self.name = name
        self.memory = memory
        self.piece = max(1, min(piece, Self.chunk))
        size = UInt64(memory.count)
        descriptor = -1
        isRegular = true
        buffer = .allocate(byteCount: 0, alignment: 64)
    }

    deinit {
        // A thread may be reading from the descriptor.
        decompression?.stop()
        buffer.deallocate()
        if descriptor >= 0 { close(descriptor) }
    }

    /// True where bytes come over time, so that findings are wanted while it is open.
    private(set) var isLive = false

    /// The bytes that can be decoded now.
    ///
    /// Valid until the next call that changes the input.
    var window: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[begin..<end]) }

    var count: Int { end - begin }

    /// Gives up the first `count` bytes of the window.
    mutating func consume(_ count: Int) {
        copier?.take(UnsafeRawBufferPointer(rebasing: buffer[begin..<begin + count]))
        begin += count
        offset &+= UInt64(count)
    }

    /// From here on the bytes of the window and all that follow are taken for compressed.
    mutating func decompress(_ format: CaptureFormat) throws(CaptureError) {
        let decompressor = Decompressor(format, compressed: window)
        guard let decompressor else {
            throw CaptureError(.ioError, subject: name, problem: "there is no memory to decompress with")
        }
        if descriptor >= 0, isRegular, !isLive, isLong {
            decompression = DecompressionThread(
                decompressor, descriptor: descriptor, name: name, bytesRead: bytesRead)
        }
        if decompression == nil { self.decompressor = decompressor }
        begin = 0
        end = 0
        offset = 0
    }

    /// Gets more bytes, without waiting where none are at hand.
    mutating func fill() throws(CaptureError) -> Filling {
        if descriptor < 0 { return try fillFromMemory() }
        makeRoom()
        return try fillBuffer()
    }

    /// The buffer is made anew, just as large as its content, so that a sanitizer sees whoever reads beyond the window.
    private mutating func fillFromMemory() throws(CaptureError) -> Filling {
        let space = decompressor == nil ? min(piece, memory.count) : max(piece, 4096)
        if space == 0 { return .end }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count + space, alignment: 64)
        larger.copyMemory(from: window)
        buffer.deallocate()
        buffer = larger
        end -= begin
        begin = 0
        return try fillBuffer()
    }

    private mutating func fillBuffer() throws(CaptureError) -> Filling {
        if let decompression {
            let space = UnsafeMutableRawBufferPointer(rebasing: buffer[end..<min(end + Self.chunk, buffer.count)])
            let count = try decompression.read(into: space)
            bytesRead = decompression.bytesRead
            end += count
            return count > 0 ? .more : .end
        }
        guard let decompressor else {
            let space = UnsafeMutableRawBufferPointer(rebasing: buffer[end..<min(end + Self.chunk, buffer.count)])
            let (filling, count) = try read(into: space)
            end += count
            return filling
        }
        while true {
            let space = UnsafeMutableRawBufferPointer(rebasing: buffer[end..<min(end + Self.chunk, buffer.count)])
            do throws(CaptureFileDamage) {
                let count = try decompressor.decompress(into: space)
                if count > 0 {
                    end += count
                    return .more
                }
            } catch {
                throw Self.compressedDamage(error, of: name)
            }
            let (filling, count) = try read(into: decompressor.makeSpace())
            decompressor.add(count)
            switch filling {
            case .more: continue
            case .none: return .none
            case .end:
                guard decompressor.isBetweenFrames || isBeingWritten else {
                    throw Self.cutShort(name, after: bytesRead)
                }
                return .end
            }
        }
    }

    /// Waits until there may be bytes.
    ///
    /// False where `milliseconds` went by without any.
    mutating func wait(milliseconds: Int32) -> Bool {
        if isRegular {
            // An interruption (Ctrl-C) ends the waiting for a file to grow; a pipe has an end of its own.
            if poll(nil, 0, milliseconds) < 0 {
                isGrowing = false
                return true
            }
            var status = stat()
            return fstat(descriptor, &status) == 0 && status.st_size > lseek(descriptor, 0, SEEK_CUR)
        }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // An interruption counts as time gone by: whoever waits looks around and comes back.
        return poll(&request, 1, milliseconds) > 0
    }

    /// True where the file is long enough for a thread of its own.
    var isLong: Bool { size.map { $0 >= Self.longEnough } ?? false }

    /// A decoder's complaint, as it is told to the user.
    func damage(_ damage: CaptureFileDamage) -> CaptureError {
        let isCompressed = decompressor != nil || decompression != nil
        let place = "byte \(damage.offset)" + (isCompressed ? " of the decompressed data," : "")
        return CaptureError(
            .badInput, subject: name, problem: "at \(place) \(damage.problem)", advice: damage.advice)
    }

    /// Moves what is left to the front: less than a record, so that little is copied.
    private mutating func makeRoom() {
        guard begin > 0 else { return }
        if begin < end, let base = buffer.baseAddress {
            memmove(base, base + begin, end - begin)
        }
        end -= begin
        begin = 0
    }

    private mutating func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureError) -> (Filling, Int) {
        if descriptor < 0 {
            let count = min(piece, memory.count, space.count)
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
            memory = UnsafeRawBufferPointer(rebasing: memory[count...])
            bytesRead &+= UInt64(count)
            return (count == 0 ? .end : .more, count)
        }
        if !isRegular && !wait(milliseconds: 0) { return (.none, 0) }
        let count = Glibc.read(descriptor, space.baseAddress, space.count)
        if count < 0 {
            let number = errno
            if number == EINTR || number == EAGAIN { return (.none, 0) }
            throw Self.readFailure(number, of: name, after: bytesRead)
        }
        bytesRead &+= UInt64(count)
        if count == 0 && isGrowing {
            // What was written before the writer left is still to be read: `none` comes back here once more.
            isGrowing = hasWriter()
            if !isGrowing { isBeingWritten = false }
            return (.none, 0)
        }
        return (count == 0 ? .end : .more, count)
    }

    /// True where another has the file open for writing, as far as the system tells: a read lease is refused then
    /// (fcntl(2), F_SETLEASE).
    ///
    /// It tells the file's owner and root only; for others a file ends where it ends.
    private func hasWriter() -> Bool {
        // Should the lease be broken in the moment that it is held, the signal must be one that does nothing.
        guard fcntl(descriptor, Self.setSignal, SIGURG) == 0 else { return false }
        if fcntl(descriptor, Self.setLease, Int32(F_RDLCK)) == 0 {
            _ = fcntl(descriptor, Self.setLease, Int32(F_UNLCK))
            return false
        }
        return errno == EAGAIN
    }
}
