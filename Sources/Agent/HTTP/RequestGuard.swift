// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// Guards one connection's requests: a deadline for each header, a limit for each peer, and what RFC 9112 asks for.
///
/// Put at the end of the pipeline, it adds the two handlers that look at bytes and at heads where those pass.
final class RequestGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let connections: ConnectionLimits
    private let deadline: HeaderDeadline
    /// The peer whose connection is counted.
    private var peer: String?

    init(connections: ConnectionLimits, headerTimeout: TimeAmount) {
        self.connections = connections
        deadline = HeaderDeadline(timeout: headerTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        try? pipeline.addHandler(deadline, position: .first)
        if let decoder = try? pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self) {
            try? pipeline.addHandler(HeadCheck(deadline: deadline), position: .after(decoder))
        }
        if context.channel.isActive { admit(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        admit(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let peer { connections.close(peer) }
        peer = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if let peer { connections.close(peer) }
        peer = nil
    }

    private func admit(_ context: ChannelHandlerContext) {
        // A Unix socket has no address, and whoever reaches it is on this machine.
        guard peer == nil, let address = context.remoteAddress?.ipAddress, !Self.isLoopback(address) else { return }
        guard connections.open(address) else {
            context.close(promise: nil)
            return
        }
        peer = address
    }

    private static func isLoopback(_ address: String) -> Bool {
        address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
    }
}

/// Closes a connection on which a request's header takes too long.
private final class HeaderDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let timeout: TimeAmount
    private var scheduled: Scheduled<Void>?

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        start(context)
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func start(_ context: ChannelHandlerContext) {
        guard scheduled == nil else { return }
        let channel = context.channel
        scheduled = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }

    /// A header is complete.
    func stop() {
        scheduled?.cancel()
        scheduled = nil
    }
}

/// Looks at each request's head: one Host line at most (RFC 9112, 3.2), and no second request in HTTP/1.0.
private final class HeadCheck: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let deadline: HeaderDeadline
    private var isRefused = false

    init(deadline: HeaderDeadline) {
        self.deadline = deadline
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        guard case .head(var head) = unwrapInboundIn(data) else {
            context.fireChannelRead(data)
            return
        }
        deadline.stop()
        guard head.headers["host"].count <= 1 else {
            isRefused = true
            refuse(context)
            return
        }
        // The client waits for the end of the connection, which is the end of the answer.
        if head.version.major == 1, head.version.minor == 0 {
            head.headers.replaceOrAdd(name: "connection", value: "close")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    private func refuse(_ context: ChannelHandlerContext) {
        let problem = HTTPProblem(status: .badRequest, detail: "A request has one Host line.").json
        var head = HTTPResponseHead(version: .http1_1, status: .badRequest)
        head.headers.add(name: "content-type", value: "application/problem+json")
        head.headers.add(name: "content-length", value: String(problem.count))
        head.headers.add(name: "connection", value: "close")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: problem)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }
}
