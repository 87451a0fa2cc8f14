// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import HTTPTypes
internal import Hummingbird
internal import Reporting

extension APIResponder {
    static let evidencePath = "/api/v1/evidence/"

    /// A finding's packets as pcapng: what was written to the directory, else what the engine still has.
    ///
    /// - `name`: the path behind `evidencePath`.
    func evidence(_ name: String) async throws(HTTPProblem) -> Response {
        guard name.hasSuffix(EvidenceFile.suffix) else { throw Self.noEvidence }
        let id = String(name.dropLast(EvidenceFile.suffix.count))
        guard EvidenceDirectory.isID(id) else { throw Self.noEvidence }
        var bytes = state.evidence?.read(id)
        if bytes == nil { bytes = await fromEngine(id) }
        guard let bytes else { throw Self.noEvidence }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-pcapng",
                .contentDisposition: "attachment; filename=\"rstwho-\(id).pcapng\"",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// `nil` where the finding or its packets are not in memory any more.
    private func fromEngine(_ id: String) async -> [UInt8]? {
        guard let finding = state.withFindings({ $0[id] }) else { return nil }
        let answer = try? await state.engineRequests.ask { engine in
            (engine.evidencePackets(of: finding), engine.interfaceNames)
        }
        guard let (packets, names) = answer else { return nil }
        return EvidenceFile.bytes(finding, packets: packets, interfaceNames: names, version: AgentVersion.number)
    }

    private static var noEvidence: HTTPProblem {
        HTTPProblem(
            status: .notFound,
            detail:
                "There is no evidence of that finding, or not any more: packets are kept of the newest findings only.")
    }
}
