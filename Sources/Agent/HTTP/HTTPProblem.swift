// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Reporting

/// Why a request is not answered, as `application/problem+json` (RFC 9457).
struct HTTPProblem: Error {
    var status: HTTPResponse.Status
    /// The problem and the next step, as sentences.
    var detail: String
    /// The query parameter that is at fault.
    var parameter: String?
    var headers: HTTPFields = [:]

    static func badParameter(_ name: String, _ detail: String) -> HTTPProblem {
        HTTPProblem(status: .badRequest, detail: detail, parameter: name)
    }

    /// The body (RFC 9457).
    var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("type", "about:blank")
            json.member("title", status.reasonPhrase)
            json.member("status", status.code)
            json.member("detail", detail)
            json.member("parameter", parameter)
        }
        json.endLine()
        return json.bytes
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}
