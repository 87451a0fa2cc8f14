// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Diagnosis
internal import Glibc
internal import Packets
internal import Synchronization

/// A process of this same program that keeps CAP_NET_ADMIN and nothing else, so that the one that reads packets and
/// serves requests can do without.
///
/// It answers `PrivilegedRequest`s and ends when nobody can ask any more.
package final class PrivilegedHelper: Sendable {
    /// The command-line argument that starts the helper process.
    private static let argument = "answer-questions"
    /// The first of its sockets; each has a thread, so that a listing of rules holds up no other question.
    private static let firstDescriptor: Int32 = 3
    private static let channelCount = 3
    /// The time limit of one conntrack answer, in ms.
    private static let patience = 100

    package let process: Int32
    private let channels: [HelperChannel]

    /// Starts it with the privileges of this process, of which it gives up the others itself.
    ///
    /// - `ended`: called once, when it has ended although it should not have.
    ///
    /// Returns `nil` where it cannot be started.
    package init?(ended: @escaping @Sendable () -> Void) {
        var ours: [Int32] = []
        var theirs: [Int32] = []
        defer { theirs.forEach { close($0) } }
        for _ in 0..<Self.channelCount {
            var pair: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, type, 0, &pair) == 0 else { break }
            ours.append(pair[0])
            // Above those that it will have: putting one in its place must not close another.
            theirs.append(fcntl(pair[1], F_DUPFD_CLOEXEC, Self.firstDescriptor + Int32(Self.channelCount)))
            close(pair[1])
        }
        guard theirs.count == Self.channelCount, theirs.allSatisfy({ $0 >= 0 }), let process = Self.start(theirs) else {
            ours.forEach { close($0) }
            return nil
        }
        self.process = process
        let once = Once()
        channels = ours.map { socket in
            HelperChannel(socket: socket) { once.run(ended) }
        }
    }

    /// Asks through it.
    package var inquiries: PrivilegedQueries {
        let (translations, flows, rules) = (channels[0], channels[1], channels[2])
        return PrivilegedQueries(
            original: { flow in
                guard ConnectionTracking.isThere else { return nil }
                let question = PrivilegedRequest.original(ofReply: flow)
                return translations.ask(question.text, milliseconds: Self.patience).flatMap(PrivilegedRequest.original)
            },
            tracking: { flow in
                guard ConnectionTracking.isThere else { return .absent }
                let answer = flows.ask(PrivilegedRequest.connection(flow).text, milliseconds: Self.patience)
                return ForwardingFacts.Tracking(answer.map(PrivilegedRequest.connection) ?? .failed("no answer"))
            },
            rules: {
                let answer = rules.ask(
                    PrivilegedRequest.rules.text, milliseconds: Int(PacketFilterListing.patience) + Self.patience)
                return answer.flatMap { $0.isEmpty ? nil : $0 }
            })
    }

    private static func start(_ sockets: [Int32]) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0..<firstDescriptor {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        for (index, socket) in sockets.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, socket, firstDescriptor + Int32(index))
        }
        return ListingProgram.spawn("/proc/self/exe", ["rstwho", argument], &actions)
    }

    // MARK: - The other process

    /// True for a process that was started as such.
    package static func isAsked(_ arguments: [String]) -> Bool {
        arguments.count == 2 && arguments[1] == argument
    }

    /// Answers until nobody can ask any more.
    package static func answer() async {
        // Whoever ends the agent by a signal to all of its processes gets the last answers, too.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
        guard (try? Privilege.keepOnly([.netAdmin])) != nil else { return }
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<channelCount {
                group.addTask {
                    try? await BlockingThread.run(named: "rstwho-questions") {
                        HelperServer.serve(firstDescriptor + Int32(index)) { question in
                            PrivilegedRequest(question)?.answer ?? ""
                        }
                    }
                }
            }
        }
    }
}

/// Runs something once, whoever asks first.
private final class Once: Sendable {
    private let isDone = Atomic<Bool>(false)

    func run(_ work: () -> Void) {
        if !isDone.exchange(true, ordering: .relaxed) { work() }
    }
}
