// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Diagnosis

@Suite("The evidence model")
struct EvidenceModelTests {
    private static func piece(_ name: EvidenceName, _ weight: Double) -> Evidence {
        Evidence(name: name.rawValue, weight: weight, text: "")
    }

    @Test(
        "Names are unique, and each row has its source and weights of the right sign", arguments: EvidenceName.allCases)
    func rows(name: EvidenceName) {
        let row = EvidenceModel.row(name)
        #expect(!row.source.isEmpty)
        #expect(row.forForeign >= 0)
        #expect(row.forHost <= 0)
        #expect(row.samplesForFull >= 1)
        #expect(row.group == .note || row.forForeign > 0 || row.forHost < 0)
        #expect(EvidenceName.allCases.count { $0.rawValue == name.rawValue } == 1)
    }

    @Test("Each proof decides alone")
    func proofs() {
        for name in EvidenceName.allCases where EvidenceModel.row(name).group == .proof {
            let row = EvidenceModel.row(name)
            if row.forForeign > 0 {
                #expect(EvidenceModel.probability([Self.piece(name, row.forForeign)]) >= EvidenceModel.foreignThreshold)
            }
            if row.forHost < 0 {
                #expect(EvidenceModel.probability([Self.piece(name, row.forHost)]) <= EvidenceModel.hostThreshold)
            }
        }
    }

    @Test("Fewer samples weigh in proportion, more than enough weigh no more")
    func samples() {
        #expect(EvidenceModel.weight(.ttlHost, against: true, samples: 1) == 1)
        #expect(EvidenceModel.weight(.ttlHost, against: true, samples: 3) == 3)
        #expect(EvidenceModel.weight(.ttlHost, against: true, samples: 400) == 4)
        #expect(EvidenceModel.weight(.ttlFlow, against: false, samples: 1) == -1.5)
    }

    @Test("Of a group only the strongest counts; groups add up")
    func groups() {
        let distance = [Self.piece(.ttlHost, 4), Self.piece(.initialTTL, 2)]
        #expect(EvidenceModel.logOdds(distance) == 4)
        #expect(EvidenceModel.logOdds(distance + [Self.piece(.twinResets, 3)]) == 7)
        #expect(EvidenceModel.logOdds([Self.piece(.noFlow, 0)]) == 0)
        #expect(EvidenceModel.probability([]) == 0.5)
    }

    @Test("What contradicts itself does not depend on the order of the pieces")
    func contradiction() {
        let pieces = [Self.piece(.ttlFlow, -1.5), Self.piece(.ttlHost, 4)]
        #expect(EvidenceModel.logOdds(pieces) == 2.5)
        #expect(EvidenceModel.logOdds(pieces.reversed()) == 2.5)
        #expect(EvidenceModel.probability(pieces) < EvidenceModel.foreignThreshold)
        let proofs = [Self.piece(.application, -7), Self.piece(.dataAfterReset, 5)]
        #expect(EvidenceModel.logOdds(proofs) == EvidenceModel.logOdds(proofs.reversed()))
    }

    @Test("A copied TTL does not outweigh a proof against the host, but two proofs cancel")
    func proofAlone() {
        let proof = Self.piece(.dataAfterReset, 5)
        let copied = Self.piece(.ttlFlow, -3)
        #expect(EvidenceModel.logOdds([copied, proof]) == 5)
        #expect(EvidenceModel.logOdds([copied, proof, Self.piece(.flowLabelKept, -5)]) == -3)
    }
}
