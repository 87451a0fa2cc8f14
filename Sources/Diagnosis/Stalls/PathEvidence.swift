// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension EvidenceModel {
    /// The path or the server is named from this probability on; below both are.
    package static let decided = 0.95
}

extension [Evidence] {
    /// The log odds that pieces of one group add up to.
    private func logOdds(_ group: EvidenceModel.Group) -> Double {
        reduce(0) { sum, piece in
            EvidenceModel.row(piece.name).group == group ? sum + piece.weight : sum
        }
    }

    /// The probability of a failure that lasts.
    var failure: Double { 1 / (1 + exp(-logOdds(.failure))) }

    /// The probability that it is the path and not the server; 0.5 where nothing speaks for either.
    var path: Double { 1 / (1 + exp(-logOdds(.side))) }
}
