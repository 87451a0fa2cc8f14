// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why the HTTP interface cannot listen, in words for the person who asked.
package struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    package var address: HTTPAddress
    package var problem: String
    /// The next step, as a sentence.
    package var advice: String
    package var errno: Int32

    init(address: HTTPAddress, errno: Int32) {
        self.address = address
        self.errno = errno
        switch errno {
        case EADDRINUSE:
            problem = "the address is in use by another program"
            advice = "Choose another with --http ADDRESS:PORT, or do without with --no-http"
        case EADDRNOTAVAIL:
            problem = "this machine does not have that address"
            advice = "Choose one of its own with --http ADDRESS:PORT, or do without with --no-http"
        case EACCES:
            problem = "listening there is not allowed"
            advice = "Choose a port above 1023 with --http ADDRESS:PORT"
        default:
            problem = "cannot listen there: \(String(cString: strerror(errno)))"
            advice = "Choose another with --http ADDRESS:PORT, or do without with --no-http"
        }
    }

    init(address: HTTPAddress, problem: String) {
        self.address = address
        self.problem = problem
        advice = "Choose another with --http ADDRESS:PORT, or do without with --no-http"
        errno = 0
    }

    package var description: String { "\(address): \(problem). \(advice)" }
}
