// SPDX-License-Identifier: Apache-2.0
internal import Hummingbird
internal import NIOCore

extension Response {
    /// The same response, after which the connection is closed.
    func closing(_ channel: any Channel) -> Response {
        var response = self
        let body = body
        response.headers[.connection] = "close"
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
            channel.close(promise: nil)
        }
        return response
    }
}
