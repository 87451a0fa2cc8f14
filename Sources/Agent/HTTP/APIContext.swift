// SPDX-License-Identifier: Apache-2.0
internal import Hummingbird
internal import NIOCore

/// The properties of the connection that a request handler sees.
struct APIContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
    }
}
