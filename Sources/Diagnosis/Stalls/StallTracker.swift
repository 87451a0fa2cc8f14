// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Tracks connections that stall, and the paths that connections take; each part is bounded.
struct StallTracker: ~Copyable {
    private let inPlace = InPlace()
    /// Packets of a direction of which `observe(directionOf:)` wants to know.
    static var firstPackets: UInt16 { OneWayTapDetector.alone }

    var suspects = PathSuspects()
    var routes = PathRoutes()
    var tap = OneWayTapDetector()
    /// The newest flow that shows one direction only.
    var newestAlone: PathSuspect?
    var table: PathTable
    /// Sources by what they connect to in vain.
    var scans = DistinctCounter()
    /// Services by the networks and by the clients that leave their handshakes unfinished.
    var floods = DistinctCounter()
    var manyClients = DistinctCounter()
    /// Plain losses told in this minute of packet time: a busy link has many, and who reads them has other work.
    var losses = 0
    var lossesSince: UInt64 = 0
    /// This machine's counters over the last while.
    var counters = CounterHistory()
    /// Pairs of hosts and ports whose connections worked lately.
    var working = RecentPairs()
    let judge = PathJudge()
    private let seed: UInt64
    private var files: [String?] = []

    init(seed: UInt64) {
        self.seed = seed
        table = PathTable(seed: seed)
    }

    /// The number of a file's name, for `name(_:)`.
    mutating func number(of file: String?) -> UInt32 {
        if files.isEmpty || files[files.count - 1] != file { files.append(file) }
        return UInt32(files.count - 1)
    }

    func name(_ number: UInt32) -> String? { files[Int(number)] }

    /// Takes this machine's own counters, read a moment ago.
    mutating func observe(counters read: LocalCounters, at time: UInt64) { counters.add(read, at: time) }

    /// The paths as they are now.
    var pathEntries: [PathEntry] {
        var entries: [PathEntry] = []
        entries.reserveCapacity(table.count)
        table.forEach { entries.append($0) }
        return entries
    }

    /// Forgets the paths from and to the addresses of a prefix.
    mutating func forget(_ prefix: IPPrefix) {
        table.remove { prefix.contains($0.server) || prefix.contains($0.network) }
    }

    /// True where so many leave handshakes with that service unfinished that most of them have spoofed addresses.
    func isFlooded(_ server: IPAddress, port: UInt16) -> Bool {
        let key = hash(server, port: port)
        return floods.isCrowd(key) || manyClients.isCrowd(key, of: DistinctCounter.largeCrowd)
    }

    func hash(_ address: IPAddress, port: UInt16 = 0) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(address)
        hash.combine(UInt64(port))
        return hash.value
    }
}
