// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Diagnosis
package import Packets
package import Reporting

/// The settings of `watch`: one property for each option, with its default.
///
/// `ConfigurationOption.all` says how each is written, checked and explained.
package struct Configuration: Sendable, Equatable {
    /// The output format of findings.
    package enum Format: String, CaseIterable, Sendable {
        case text
        case json
    }

    /// Names of interfaces, and patterns such as `eth*`.
    package var interfaces: [String] = []
    package var hook = LiveCapture.Hook.tc
    /// True for mirror ports.
    package var isTap = false
    /// Bytes of one CPU's ring; `nil`: by the number of CPUs.
    package var ringBytes: Int?
    /// The part of one core, in percent, that judging packets may take on average; `nil`: all that it needs.
    package var cpuPercent: Int? = 25
    /// Of this many flows one is looked at, whatever the load.
    package var shedding = SheddingLevels.none
    /// The file with the secret of the flow hash; empty for the one of this machine.
    package var hashKeyFile = ""
    /// The key in that file; `nil` where none is named.
    package var hashKey: FlowHashKey?
    package var privileges = PrivilegeNeeds.Mode.auto
    package var inside = InsidePrefixes.standard.prefixes
    /// The file in which devices are named; empty where there is none.
    package var devicesFile = ""
    /// The contents of that file.
    package var devices = DeviceNames()
    /// The time that a reset waits for later packets, in seconds.
    package var settleSeconds = 2.0
    package var maxHosts = 1 << 16
    package var maxFlows = 1 << 17
    /// The address that serves metrics and API; `nil` for none.
    package var listen: HTTPAddress? = .standard
    /// Further names that requests may use as Host.
    package var httpNames: [String] = []
    package var evidence = EvidenceLocation.auto
    /// Evidence files kept at most.
    package var evidenceFiles = EvidenceDirectory.standardLimit
    /// Bytes for packets that are kept in memory as evidence.
    package var evidenceBytes = 8 << 20
    package var format = Format.text
    /// Repeats within ten seconds are told as one finding with a count.
    package var isGrouped = true
    /// The form in which addresses are printed.
    package var addresses = AddressPrivacy.Kind.full
    package var logLevel = LogLevel.info
    package var stateDirectory = StateDirectory.auto
    /// Days for which anything is kept, and bytes that findings may have.
    package var historyDays = 7
    package var historyBytes = 256 << 20

    package var export = ExportOptions()
    package var fleet = SpoolOptions()

    package init() {}

    package var captureOptions: LiveCapture.Options {
        var options = LiveCapture.Options(interfaces: interfaces)
        options.hook = hook
        options.isTap = isTap
        options.ringBytes = ringBytes
        options.shedding.cpuBudget = cpuPercent.map { Double($0) / 100 }
        options.shedding.least = shedding
        if let hashKey { options.hashKey = hashKey }
        return options
    }

    package var engineOptions: Engine.Options {
        var options = Engine.Options()
        options.hostCapacity = maxHosts
        options.flowCapacity = maxFlows
        options.settleTime = UInt64(settleSeconds * 1e9)
        options.evidenceBytes = evidenceBytes
        options.inside = InsidePrefixes(inside)
        options.devices = devices
        return options
    }

    /// Seconds for which anything is kept on the disk.
    package var maximumAge: UInt64 { UInt64(historyDays) * 86_400 }

    /// The directory for evidence files; `nil` for none.
    package var evidencePath: String? { evidence.path(below: stateDirectory) }

    /// The directory for the fleet's records; `nil` for none.
    package var fleetPath: String? { fleet.location.path(below: stateDirectory) }

    /// `nil` where nothing is to be kept.
    package var historyOptions: HistoryOptions? {
        guard let directory = stateDirectory.path else { return nil }
        var options = HistoryOptions(directory: directory)
        options.maximumAge = maximumAge
        options.maximumBytes = historyBytes
        return options
    }

    /// `nil` where there is to be none.
    package var serverOptions: HTTPServer.Options? {
        guard let listen else { return nil }
        var options = HTTPServer.Options()
        options.address = listen
        options.names = httpNames
        return options
    }
}
