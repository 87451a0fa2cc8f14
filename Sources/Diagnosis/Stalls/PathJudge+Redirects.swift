// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Traffic that stays on a way that its router told it to leave.
extension PathJudge {
    /// Redirects that it takes, and from the first to the last (ns): the client's packets still come to that router.
    private static let fewestRedirects = 3
    private static let shortestRun: UInt64 = 1_000_000_000
    /// The maximum age (ns) of the last redirect.
    ///
    /// Linux's routers say less and less often what is not followed.
    private static let longestSilence: UInt64 = 15_000_000_000

    /// A client's SYN or data that stays without an answer while a router repeats its redirect.
    ///
    /// Asked last: where the host is known to live, or the server repeats its SYN-ACK, the other verdicts say more.
    /// Many routers without state redirect for ever, and all works: the failure comes first here.
    func redirectIgnored(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        guard let redirect = subject.redirect, redirect.count >= Self.fewestRedirects,
            redirect.time >= redirect.first + Self.shortestRun
        else { return nil }
        let isSYN = subject.server.packets == 0 && !subject.client.hasAck && suspect.syn.copies >= 3
        // As long as a stall takes: shorter ones are losses that TCP repairs.
        let isData =
            subject.isTaken && suspect.dataIsFromClient && !subject.isDataAcknowledged && suspect.data.copies >= 5
            && suspect.data.span >= 6_000_000_000
        guard isSYN || isData else { return nil }
        let repeats = isSYN ? suspect.syn : suspect.data
        // It came while the failure lasted, a second after the packet or later: the old way is still used.
        guard repeats.span >= Self.shortestRun, redirect.time >= repeats.first + Self.shortestRun,
            repeats.last <= redirect.time + Self.longestSilence,
            subject.isLast || subject.now >= repeats.last + Self.grace
        else { return nil }
        var evidence: [Evidence] = []
        if isSYN {
            evidence.append(
                Evidence(
                    .synRepeated, extra: Double(min(repeats.copies, 5)) - 2, observed: repeats.value()))
        } else {
            evidence.append(dataRepeated(suspect))
        }
        evidence.append(redirected(redirect, subject.fiveTuple.destination))
        var result = verdict(.redirectIgnored, evidence, evidence.path, subject, isSYN ? .syn : .data, repeats)
        if isData { result.path.bytes = Int(suspect.dataLength) }
        return result
    }
}
