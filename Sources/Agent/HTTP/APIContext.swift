// SPDX-License-Identifier: Apache-2.0
internal import Hummingbird
internal import NIOCore

/// What a request's handler knows of its connection.
struct APIContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
    }
}
