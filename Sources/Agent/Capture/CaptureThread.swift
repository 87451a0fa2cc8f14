// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Diagnosis
package import Packets
internal import ServiceLifecycle

/// Runs a capture and the engine on a thread of their own, and tells the agent what they find.
///
/// The engine lives on that thread only; others ask through the agent's engineRequests.
package struct CaptureThread<Source: CaptureSource>: Service {
    /// The interval at which the engine's figures are published when there are no findings, in ns of packet time.
    private static var figuresInterval: UInt64 { 200_000_000 }

    private let source: Source
    private let state: AgentState
    private let options: Engine.Options
    private let interfaces: [AgentState.Interface]
    private let rules: RejectRuleResolver?
    private let prepare: @Sendable (inout Engine) -> Void
    private let newAddresses: @Sendable () -> Set<IPAddress>?
    private let inquirer: ConntrackLookup?
    private let evidence: EvidenceWriter?
    private let newConfiguration: @Sendable () -> Configuration?
    private let translation: @Sendable (FiveTuple) -> FiveTuple?
    private let notice: @Sendable (LiveCapture.Notice) -> Void
    private let ready: @Sendable () -> Void
    private let beat: @Sendable () -> Void
    private let ended: @Sendable (LiveCapture.End) -> Void

    /// - `interfaces`: what is captured, by slot.
    /// - `rules`: names the rules of this machine's own packet filter.
    /// - `inquirer`: finds out what this machine knows of flows that it forwards.
    /// - `evidence`: writes the packets behind findings to files.
    /// - `prepare`: called on the capture thread before the first packet.
    /// - `newAddresses`: called on the capture thread; gives this machine's own addresses if they have changed since
    ///   the last call. What the batch holds was sent before.
    /// - `newConfiguration`: called on the capture thread; gives the configuration if it has changed since the last
    ///   call, of which the names of devices and the prefixes inside are taken over.
    /// - `translation`: gives the original direction of the connection whose replies look so before this machine
    ///   translates them back.
    /// - `notice`: called on the capture thread for what people should know.
    /// - `ready`: called on the capture thread when findings can be expected.
    /// - `beat`: called on the capture thread with every batch, many times a second also when nothing passes.
    /// - `ended`: called on the capture thread when the capture has ended without an error.
    package init(
        source: Source, state: AgentState, options: Engine.Options, interfaces: [AgentState.Interface],
        rules: RejectRuleResolver? = nil, inquirer: ConntrackLookup? = nil, evidence: EvidenceWriter? = nil,
        prepare: @escaping @Sendable (inout Engine) -> Void = { _ in },
        newAddresses: @escaping @Sendable () -> Set<IPAddress>? = { nil },
        newConfiguration: @escaping @Sendable () -> Configuration? = { nil },
        translation: @escaping @Sendable (FiveTuple) -> FiveTuple? = { _ in nil },
        notice: @escaping @Sendable (LiveCapture.Notice) -> Void = { _ in },
        ready: @escaping @Sendable () -> Void = {},
        beat: @escaping @Sendable () -> Void = {},
        ended: @escaping @Sendable (LiveCapture.End) -> Void = { _ in }
    ) {
        self.source = source
        self.state = state
        self.options = options
        self.interfaces = interfaces
        self.rules = rules
        self.inquirer = inquirer
        self.evidence = evidence
        self.prepare = prepare
        self.newAddresses = newAddresses
        self.newConfiguration = newConfiguration
        self.translation = translation
        self.notice = notice
        self.ready = ready
        self.beat = beat
        self.ended = ended
    }

    /// Captures until a graceful shutdown, or until there is nothing left to capture.
    ///
    /// - Throws: `CaptureError` where the capture fails; what was found until then has been told.
    package func run() async throws {
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await BlockingThread.run(named: "rstwho-capture") { try capture() }
            } onGracefulShutdown: {
                source.stop()
            }
        } onCancel: {
            source.stop()
        }
    }

    private func capture() throws {
        defer { state.end() }
        var engine = Engine(options: options)
        engine.handle(.source(file: nil, isLive: true))
        prepare(&engine)
        var nextFigures: UInt64 = 0
        var untranslated = UntranslatedResets(localAddresses: options.localAddresses, original: translation)
        var coordinator = FocusCoordinator(source: source, inquirer: inquirer)
        var fleet = state.fleet.map { FleetFeed($0, options) }
        state.begin(interfaces)
        ready()
        var correction = ClockCorrection()
        let end: LiveCapture.End
        do {
            end = try source.run(notice: notice) { batch in
                beat()
                if let attachments = batch.attachments {
                    engine.handle(
                        .interfaces(
                            names: attachments.map(\.interface), groups: AttachmentInfo.groups(attachments)))
                    state.follow(attachments)
                }
                if let new = newConfiguration() {
                    engine.handle(.configuration(inside: InsidePrefixes(new.inside), devices: new.devices))
                }
                if let addresses = newAddresses() {
                    engine.handle(.addresses(addresses))
                    untranslated.localAddresses = addresses
                }
                if batch.clockCorrection != correction.nanoseconds {
                    correction = ClockCorrection(nanoseconds: batch.clockCorrection)
                    state.set(correction)
                }
                let findings = completed(coordinator.drive(batch, &engine), &untranslated)
                evidence?.offer(findings, engine, correction)
                fleet?.take(batch, findings, engine, correction)
                if !findings.isEmpty || batch.watermark >= nextFigures {
                    nextFigures = batch.watermark + Self.figuresInterval
                    state.record(findings, engine.statistics)
                }
                state.engineRequests.answer(&engine)
            }
        } catch {
            finish(&engine, &coordinator, &untranslated, correction)
            throw error
        }
        fleet?.end(engine, correction)
        finish(&engine, &coordinator, &untranslated, correction)
        ended(end)
    }

    /// Tells what is still open: the capture's end settles it.
    private func finish(
        _ engine: inout Engine, _ coordinator: inout FocusCoordinator<Source>, _ untranslated: inout UntranslatedResets,
        _ correction: ClockCorrection
    ) {
        let findings = completed(coordinator.end(&engine), &untranslated) + (rules?.finish() ?? [])
        evidence?.offer(findings, engine, correction)
        state.record(findings, engine.statistics)
    }

    /// The findings to be told now, with what this machine itself knows of them; what a rule is looked for comes back
    /// at a later call.
    private func completed(_ findings: [Finding], _ untranslated: inout UntranslatedResets) -> [Finding] {
        var findings = findings
        untranslated.mark(&findings)
        return rules?.exchange(findings) ?? findings
    }
}
