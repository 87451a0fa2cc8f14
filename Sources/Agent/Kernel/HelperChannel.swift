// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// One end of a stream of questions to another process, one at a time.
final class HelperChannel: Sendable {
    private struct State {
        var frames = HelperFrames()
        var number: UInt64 = 0
        var isBroken = false
    }

    private let socket: Int32
    private let state = Mutex(State())
    private let broken: @Sendable () -> Void

    /// - Parameters:
    ///   - socket: closed with this channel.
    ///   - broken: called once, when the other end has gone.
    init(socket: Int32, broken: @escaping @Sendable () -> Void = {}) {
        self.socket = socket
        self.broken = broken
    }

    deinit {
        close(socket)
    }

    /// The answer; `nil` where none comes in time.
    ///
    /// One that comes later is left out.
    func ask(_ question: String, milliseconds: Int) -> String? {
        state.withLock { state -> String? in
            guard !state.isBroken else { return nil }
            state.number += 1
            let request = HelperFrames.encoded(HelperFrames.Frame(number: state.number, text: question))
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            let sent = send(socket, request, request.count, flags)
            // A full buffer: whoever answers hangs, and has a while to come back. A part of a question is no question.
            if sent < 0, errno == EAGAIN { return nil }
            let answer = sent == request.count ? receive(&state, milliseconds) : nil
            if sent != request.count { state.isBroken = true }
            if state.isBroken { broken() }
            return answer
        }
    }

    private func receive(_ state: inout State, _ milliseconds: Int) -> String? {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            do {
                while let frame = try state.frames.next() {
                    if frame.number == state.number { return frame.text }
                }
            } catch {
                state.isBroken = true
                return nil
            }
            let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            guard left > 0 else { return nil }
            var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let ready = poll(&polled, 1, Int32(left.rounded(.up)))
            if ready == 0 || ready < 0 && errno == EINTR { continue }
            let count = ready < 0 ? -1 : read(socket, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                state.isBroken = true
                return nil
            }
            state.frames.append(chunk[..<count])
        }
    }
}

/// The other end.
enum HelperServer {
    /// Answers until whoever asks closes its end, or asks what is no question.
    ///
    /// Closes this one.
    static func serve(_ socket: Int32, answer: (String) -> String) {
        defer { close(socket) }
        var frames = HelperFrames()
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(socket, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            frames.append(chunk[..<count])
            do {
                while let frame = try frames.next() {
                    let reply = HelperFrames.Frame(number: frame.number, text: answer(frame.text))
                    guard write(HelperFrames.encoded(reply), to: socket) else { return }
                }
            } catch {
                return
            }
        }
    }

    private static func write(_ bytes: [UInt8], to socket: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
