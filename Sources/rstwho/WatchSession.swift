// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Diagnosis
import Dispatch
import Glibc
import Logging
import Packets
import Reporting
import Synchronization

/// One run of `rstwho watch`: its own capture, or an agent's findings.
struct WatchSession {
    /// Seconds that a reader of standard output has to take the last findings.
    private static let patience = 3

    let configuration: Configuration
    /// Reads the configuration again where there is a file that can change.
    let reload: WatchReload?

    private var server: HTTPServer.Options? { configuration.serverOptions }

    /// Runs until an interrupt or until there is nothing left to watch; says on standard error what is wrong.
    func run() async -> ExitStatus {
        signal(SIGPIPE, SIG_IGN)
        MessageThreshold.set(configuration.logLevel)
        do {
            let selection = try InterfaceSelection(
                configuration.interfaces, from: InterfaceInfo.all(), awaitsMissing: isService)
            let names = selection.interfaces.map(\.name)
            if let server, let agent = RunningAgent.find(at: server.address) {
                guard Set(names).isSubset(of: agent.interfaces) else { return refuse(agent, names) }
                return await follow(agent, names)
            }
            return try await captureHere()
        } catch let error as CaptureError {
            printMessage(error.description, level: .error)
            return ExitStatus(error)
        } catch let error as HTTPServerError {
            printMessage(error.description, level: .error)
            return .configuration
        } catch {
            printMessage("\(error)", level: .error)
            return .ioError
        }
    }

    /// `nil` where none is wanted.
    private func findingExporter() -> FindingExporter? {
        guard configuration.export.target != .off else { return nil }
        let source = ExportSource(
            host: Self.hostName() ?? "", version: AgentVersion.number, facility: configuration.export.facility)
        return FindingExporter(configuration.export, source) { printMessage($0) }
    }

    /// `nil` where the fleet gets no records.
    private func fleetWriter(_ live: LiveCapture, statistics: @escaping @Sendable () -> Engine.Statistics?)
        -> FleetWriter?
    {
        guard configuration.fleetPath != nil else { return nil }
        let addresses = configuration.isTap ? nil : LocalAddresses()
        return FleetWriter(
            configuration.fleet, name: Self.hostName() ?? "", hashKey: live.options.hashKey,
            settleTime: UInt64(configuration.settleSeconds * 1e9)
        ) {
            let counts = statistics()
            let clock = KernelClock.offset()
            return FleetWriter.Facts(
                ledger: live.ledger,
                connections: counts.map { $0.connectionsInside + $0.connectionsOutside + $0.connectionsTransit } ?? 0,
                addresses: addresses.map { Array($0.all()) } ?? [], clockOffset: clock.offset, clockError: clock.error)
        } problem: {
            printMessage($0)
        }
    }

    /// `nil` where none is wanted, or where it cannot be used: that is said, and the capture goes on.
    private func evidenceDirectory() -> EvidenceDirectory? {
        guard let path = configuration.evidencePath else { return nil }
        do {
            return try EvidenceDirectory(
                path, limit: configuration.evidenceFiles, maximumAge: configuration.maximumAge)
        } catch {
            printMessage("\(error). Findings are told all the same; their evidence is not kept")
            return nil
        }
    }

    private func captureHere() async throws -> ExitStatus {
        try ProcessLimits.raiseDescriptors()
        if let warning = try MemoryNeed(configuration).warning(limit: ProcessLimits.memory()) { printMessage(warning) }
        var options = configuration.captureOptions
        options.awaitsInterfaces = isService
        // Before anything is attached: what is recorded while a disk is slow would wait in rings that nobody drains.
        let history = configuration.historyOptions.map { History($0) { printMessage($0) } }
        let remembered = history?.remembered() ?? RestoredState()
        if configuration.hashKey == nil {
            let machine = HashKeyFile.ofMachine(configuration.stateDirectory.path)
            options.hashKey = machine.key
            if let message = machine.message { printMessage(message) }
        }
        let live = try LiveCapture(options)
        if !configuration.isTap { Self.tellMissingEvidence(live) }
        let evidence = evidenceDirectory()
        let exporter = findingExporter()
        let figures = Mutex<AgentState?>(nil)
        let fleet = fleetWriter(live) { figures.withLock { $0 }?.statistics }
        let state = AgentState(
            history: history, evidence: evidence, exporter: exporter, fleet: fleet, ledger: { live.ledger })
        figures.withLock { $0 = state }
        if let path = configuration.fleetPath { fleet?.start(in: path) }
        defer { fleet?.finish(seconds: Self.patience) }
        exporter?.start()
        defer { exporter?.finish(seconds: Self.patience) }
        let manager = ServiceManager.ofThisProcess()
        let privileges = WatchPrivileges(
            configuration.privileges, live: live,
            paths: [
                configuration.stateDirectory.path, configuration.evidence.path(below: configuration.stateDirectory),
                configuration.devicesFile,
            ].compactMap { $0 })
        let failsClosed = Atomic(false)
        let socket: String? = if case .unixSocket(let path)? = server?.address { path } else { nil }
        let ownPaths = [
            configuration.stateDirectory.path, configuration.evidencePath, socket, configuration.export.target.filePath,
            configuration.fleetPath,
        ].compactMap { $0 }
        let ready = ReadyLine(
            attachments: live.attachments, waitsForServer: server != nil, manager: manager
        ) {
            guard privileges.giveUp() else {
                failsClosed.store(true, ordering: .relaxed)
                live.stop()
                return false
            }
            privileges.confine(writable: ownPaths, readable: [reload?.path ?? "", configuration.devicesFile])
            return true
        }
        let printer = FindingPrinter(configuration) {
            ready.isSaid ? live.ledger.total.seen : nil
        }
        _ = state.add(printer.queue) { _ in true }
        let end = Mutex(LiveCapture.End.stopped)
        // What a mirror port shows is none of this machine's.
        let isTap = configuration.isTap
        let inquiries = privileges.inquiries
        let rules = isTap || !inquiries.hasRules ? nil : RejectRuleResolver(list: inquiries.rules)
        let addresses = isTap ? nil : LocalAddresses()
        if addresses?.areFollowed == false {
            printMessage("addresses that this machine gets from now on count as others': no netlink socket")
        }
        let writer = evidence.map { EvidenceWriter($0) { printMessage($0) } }
        writer?.start()
        defer { writer?.finish(seconds: Self.patience) }
        let thread = CaptureThread(
            source: live, state: state, options: engineOptions(live, addresses),
            interfaces: live.attachments.map { AgentState.Interface($0, hook: configuration.hook.rawValue) },
            rules: rules, inquirer: isTap ? nil : ConntrackLookup(inquiries), evidence: writer,
            prepare: { remembered.restore(into: &$0) },
            newAddresses: { addresses?.changed() }, newConfiguration: { reload?.newConfiguration() },
            translation: { isTap ? nil : inquiries.original($0) },
            notice: { notice in
                let isOfInterface = !notice.interface.isEmpty
                printMessage(
                    isOfInterface ? "\(notice.interface): \(notice.text)" : notice.text,
                    fields: isOfInterface ? ["interface": notice.interface] : [:])
                let watched = live.attachments.filter(\.isAttached).map(\.interface)
                manager?.status("watching \(watched.isEmpty ? "nothing now" : watched.joined(separator: ", "))")
            },
            ready: { ready.captureRuns() },
            beat: { manager?.beat() },
            ended: { reason in end.withLock { $0 = reason } })
        let logger = Self.logger()
        let http = server.map { options in
            HTTPServer(options: options, state: state, logger: logger) { ready.serverListens(at: $0) }
        }
        printer.start { live.stop() }
        let hangups = reload?.start(manager: manager) { live.watch($0) }
        defer { hangups?.cancel() }
        do {
            try await AgentService(
                capture: thread, server: http, history: history.map { HistoryService(history: $0, state: state) },
                logger: logger, endsOnHangup: !isService
            ).run()
        } catch {
            printer.finish(seconds: Self.patience)
            throw error
        }
        manager?.stopping()
        printer.finish(seconds: Self.patience)
        if case .unixSocket(let path) = server?.address { unlink(path) }
        if failsClosed.load(ordering: .relaxed) { return .unavailable }
        if let status = Self.status(of: printer) { return status }
        if end.withLock({ $0 }) == .interfacesGone {
            printMessage("no interface is left to watch. Start again when there is one", level: .error)
            return .noInput
        }
        return .ok
    }

    /// Says what the kernel does not tell: the verdicts of resets and drops of this machine are weaker without it.
    private static func tellMissingEvidence(_ live: LiveCapture) {
        if case .unavailable(let reason) = live.resetTracing {
            printMessage(
                "the kernel does not say which resets it sends itself (\(reason)): host_kernel and host_firewall are told "
                    + "from packets alone. `rstwho doctor` says what is missing")
        }
        if !live.tellsDrops {
            printMessage(
                "the kernel does not say which packets it drops: dropped_here has no reason. `rstwho doctor` says what is "
                    + "missing", level: .info)
        }
    }

    private func engineOptions(_ live: LiveCapture, _ addresses: LocalAddresses?) -> Engine.Options {
        var options = configuration.engineOptions
        options.egressIsMarked = !configuration.isTap
        options.clockStep = LiveCapture.clockStep
        options.localAddresses = addresses?.all() ?? []
        switch live.resetTracing {
        case .unavailable: break
        case .incomplete: options.resetTracing = .incomplete
        case .complete: options.resetTracing = .complete
        }
        options.tellsDrops = live.tellsDrops
        options.host = Self.hostName()
        options.hook = configuration.hook.rawValue
        options.interfaceNames = live.attachments.map(\.interface)
        options.interfaceGroups = AttachmentInfo.groups(live.attachments)
        options.hashKey = live.options.hashKey
        options.seed = .random(in: .min ... .max)
        return options
    }

    private func follow(_ agent: RunningAgent, _ names: [String]) async -> ExitStatus {
        let printer = FindingPrinter(configuration) { nil }
        let wanted = Set(names)
        let stop = FollowStop()
        let shown = names.joined(separator: ", ")
        printer.start { stop.stop() }
        let problem: String? = await Interrupts.run(onInterrupt: { stop.stop() }) {
            do throws(AgentConnection.Failure) {
                try agent.follow(stop: stop) {
                    printMessage(
                        "ready: an agent captures \(shown) already; these are its findings (http://\(agent.address))")
                } _: { _, finding in
                    guard finding.vantage?.interface.map(wanted.contains) ?? true else { return true }
                    return printer.queue.offer([finding])
                }
                return stop.isStopped ? nil : "the agent has ended"
            } catch {
                return error.problem
            }
        }
        printer.finish(seconds: Self.patience)
        if let status = Self.status(of: printer) { return status }
        guard let problem else { return .ok }
        printMessage("\(agent.address): \(problem). Start again to capture here")
        return .unavailable
    }

    /// The agent that has the address captures something else.
    private func refuse(_ agent: RunningAgent, _ names: [String]) -> ExitStatus {
        let missing = names.filter { !agent.interfaces.contains($0) }.joined(separator: ", ")
        printMessage(
            """
            \(agent.address): an agent that captures \(agent.interfaces.joined(separator: ", ")) serves there, but not \
            \(missing). Choose another address with --http ADDRESS:PORT, or do without with --no-http
            """)
        return .configuration
    }

    /// Returns the failure of standard output; `nil` if there was none.
    ///
    /// Whoever closes the pipe early has seen enough.
    private static func status(of printer: FindingPrinter) -> ExitStatus? {
        switch printer.failedWith {
        case 0: return nil
        case EPIPE: return .ok
        default:
            let reason = strerror(printer.failedWith).map { String(cString: $0) } ?? "cannot be written"
            printMessage("standard output: \(reason)")
            return .ioError
        }
    }

    /// True for what runs until somebody stops it, whatever interfaces there are.
    private var isService: Bool { reload != nil }

    private static func logger() -> Logger {
        Logger(label: "rstwho", factory: { _ in MessageLogHandler() })
    }

    private static func hostName() -> String? {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}
