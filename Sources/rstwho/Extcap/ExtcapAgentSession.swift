// SPDX-License-Identifier: Apache-2.0
import Agent
import Annotation
import Diagnosis
import Glibc

/// The findings of an agent for Wireshark, each with its packets: here, or on another host by ssh.
struct ExtcapAgentSession: Sendable {
    let place: HTTPAddress
    /// `nil` for this machine.
    let host: String?
    /// Of earlier findings.
    let minutes: UInt32
    /// The pipe; `-` is standard output.
    let output: String

    func run() async -> ExitStatus {
        let stop = FollowStop()
        var status = ExitStatus.ok
        let problem = await Interrupts.run(onInterrupt: { stop.stop() }) { follow(stop) }
        if let problem {
            printMessage(problem)
            status = .unavailable
        }
        return status
    }

    /// The problem that ended it; `nil` where somebody stopped it.
    private func follow(_ stop: FollowStop) -> String? {
        guard let host else { return follow(place, at: "\(place)", stop) }
        do {
            let forward = try SSHForward(host: host, agent: place)
            return follow(forward.place, at: "\(host), \(place)", stop)
        } catch {
            return error.problem
        }
    }

    private func follow(_ address: HTTPAddress, at name: String, _ stop: FollowStop) -> String? {
        guard let agent = RunningAgent.find(at: address) else {
            return "\(name): no agent answers there. Start one with rstwho watch, or give its address"
        }
        do {
            let sink =
                try output == "-"
                ? AnnotationOutput(descriptor: STDOUT_FILENO, name: "standard output") : AnnotationOutput(path: output)
            var frames = AgentFrames(version: AgentVersion.number)
            sink.write(frames.header)
            sink.flush()
            let since = minutes == 0 ? nil : Self.now - UInt64(minutes) * 60_000_000_000
            try agent.follow(since: since, stop: stop, connected: {}) { _, finding in
                // What an agent keeps no packets of is rebuilt from the finding.
                let evidence = try? RunningAgent.evidence(of: finding.id, at: address)
                sink.write(frames.blocks(finding, evidence: evidence ?? nil))
                sink.flush()
                return sink.failure == nil
            }
            if let failure = sink.failure, !failure.isClosed { return failure.description }
            return stop.isStopped || sink.failure != nil ? nil : "\(name): the agent has ended"
        } catch let failure as AgentConnection.Failure {
            return "\(name): \(failure.problem)"
        } catch let failure as AnnotationOutput.Failure {
            return failure.description
        } catch {
            return "\(error)"
        }
    }

    /// ns since 1970.
    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
