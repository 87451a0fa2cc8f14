// SPDX-License-Identifier: Apache-2.0
import Agent
import Annotation
import Capture
import Diagnosis
import Glibc
import Logging
import Synchronization

/// An interface of this machine for Wireshark: one thread takes its packets, another annotates them.
struct ExtcapInterfaceSession: Sendable {
    let interface: String
    let options: Engine.Options
    /// The pipe; `-` is standard output.
    let output: String

    /// Both threads' common state.
    private final class Shared: Sendable {
        let isStopped = Atomic<Bool>(false)
        let outcome = Mutex<(status: ExitStatus, message: String?)>((.ok, nil))

        func fail(_ status: ExitStatus, _ message: String) {
            outcome.withLock { $0 = ($0.message == nil ? (status, message) : $0) }
            isStopped.store(true, ordering: .relaxed)
        }
    }

    func run() async -> ExitStatus {
        let shared = Shared()
        _ = await Interrupts.run(onInterrupt: { shared.isStopped.store(true, ordering: .relaxed) }) {
            capture(shared)
            return nil
        }
        let (status, message) = shared.outcome.withLock { $0 }
        if let message { printMessage(message) }
        return status
    }

    private func capture(_ shared: Shared) {
        do {
            // Before anything is written: what is wrong with the interface is said at once.
            let packets = try InterfacePackets(interface)
            let sink =
                try output == "-"
                ? AnnotationOutput(descriptor: STDOUT_FILENO, name: "standard output") : AnnotationOutput(path: output)
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else {
                throw CaptureError(
                    .ioError, subject: interface, problem: String(cString: strerror(errno)), errno: errno)
            }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let (reading, writing) = (ends[0], ends[1])
            let thread = start(packets, to: writing, shared)
            guard let thread else {
                close(reading)
                throw CaptureError(.ioError, subject: interface, problem: "no thread could be started")
            }
            defer {
                shared.isStopped.store(true, ordering: .relaxed)
                pthread_join(thread, nil)
            }
            try annotate(reading, to: sink)
            try sink.finish()
        } catch let error as CaptureError {
            shared.fail(ExitStatus(error), error.description)
        } catch let error as AnnotationOutput.Failure {
            // Wireshark has closed the pipe.
            if !error.isClosed { shared.fail(.ioError, error.description) }
        } catch {
            shared.fail(.ioError, "\(error)")
        }
    }

    private func annotate(_ reading: Int32, to sink: AnnotationOutput) throws {
        var capture = try CaptureFile.open(.descriptor(reading, name: interface))
        let annotator = CaptureAnnotator(options: options, application: "\(AgentVersion.name) \(AgentVersion.number)")
        let result = try annotator.annotate(stream: &capture, name: interface, to: sink)
        if result.hurried > 0 {
            printMessage("\(result.hurried) packets were shown before their verdict: more came than is held")
        }
    }

    /// Starts the thread that takes packets; it closes `writing` when it ends.
    private func start(_ packets: consuming InterfacePackets, to writing: Int32, _ shared: Shared) -> pthread_t? {
        let work = Work(packets, name: interface, writing: writing, shared: shared)
        let argument = Unmanaged.passRetained(work)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            close(writing)
            return nil
        }
        return thread
    }

    /// The work of that thread; nobody else touches it once it has begun.
    private final class Work: @unchecked Sendable {
        private var packets: InterfacePackets
        private let name: String
        private let writing: Int32
        private let shared: Shared

        init(_ packets: consuming InterfacePackets, name: String, writing: Int32, shared: Shared) {
            self.packets = packets
            self.name = name
            self.writing = writing
            self.shared = shared
        }

        func run() {
            defer { close(writing) }
            let header = packets.header(application: "\(AgentVersion.name) \(AgentVersion.number)")
            guard write(writing, header, header.count) == header.count else { return }
            do throws(CaptureError) {
                try packets.run(to: writing) { [shared] in shared.isStopped.load(ordering: .relaxed) }
            } catch {
                shared.fail(ExitStatus(error), error.description)
            }
            if packets.dropped > 0 {
                printMessage("\(name): \(packets.dropped) packets were lost before they could be taken")
            }
        }
    }
}
