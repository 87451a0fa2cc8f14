// SPDX-License-Identifier: Apache-2.0
internal import CPage
internal import HTTPTypes
internal import Hummingbird

/// The page for a person with an alert and no shell: three files that are part of the program.
///
/// They load nothing from elsewhere.
enum Page {
    /// The file at `path`; `nil` where there is none.
    static func response(_ path: String) -> Response? {
        switch path {
        case "/": response(rstwho_page_document(), "text/html; charset=utf-8")
        case "/page.css": response(rstwho_page_style(), "text/css; charset=utf-8")
        case "/page.js": response(rstwho_page_script(), "text/javascript; charset=utf-8")
        default: nil
        }
    }

    private static func response(_ file: page_file, _ type: String) -> Response {
        // The bytes are constants of the program.
        let bytes = UnsafeBufferPointer(start: file.bytes, count: file.size)
        return Response(
            status: .ok, headers: [.contentType: type, .contentSecurityPolicy: policy],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// Its own files and its own agent, nothing else; what a packet carries can load and run nothing even if it became
    /// markup.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"
}
