// SPDX-License-Identifier: Apache-2.0

extension Finding {
    /// The meaning of an ICMP error in both versions: types and codes of RFC 792, RFC 1812 5.2.7 and RFC 4443.
    package enum ICMPReason: String, CaseIterable, Sendable {
        /// Somebody's policy refuses it.
        case adminProhibited = "admin_prohibited"
        case portUnreachable = "port_unreachable"
        case protocolUnreachable = "protocol_unreachable"
        case hostUnreachable = "host_unreachable"
        case netUnreachable = "net_unreachable"
        /// Also ICMPv6 "packet too big".
        case fragmentationNeeded = "fragmentation_needed"
        /// An unreachable for another reason: source route, type of service, scope.
        case unreachable
        case ttlExceeded = "ttl_exceeded"
        case reassemblyTimeExceeded = "reassembly_time_exceeded"
        case redirect
        case parameterProblem = "parameter_problem"
        case sourceQuench = "source_quench"
        /// A type or code that none of the RFCs above has.
        case unknown
    }
}

extension Finding.ICMPError {
    package var reason: Finding.ICMPReason { isIPv6 ? reasonV6 : reasonV4 }

    private var reasonV4: Finding.ICMPReason {
        switch (type, code) {
        case (3, 0), (3, 6), (3, 8): .netUnreachable
        case (3, 1), (3, 7): .hostUnreachable
        case (3, 2): .protocolUnreachable
        case (3, 3): .portUnreachable
        case (3, 4): .fragmentationNeeded
        case (3, 9), (3, 10), (3, 13): .adminProhibited
        case (3, 5), (3, 11), (3, 12), (3, 14), (3, 15): .unreachable
        case (4, _): .sourceQuench
        case (5, 0...3): .redirect
        case (11, 0): .ttlExceeded
        case (11, 1): .reassemblyTimeExceeded
        case (12, _): .parameterProblem
        default: .unknown
        }
    }

    /// RFC 4443, 3.1: 5 is a source address that policy refuses, 6 a route that says "reject".
    private var reasonV6: Finding.ICMPReason {
        switch (type, code) {
        case (1, 0): .netUnreachable
        case (1, 1), (1, 5), (1, 6): .adminProhibited
        case (1, 2), (1, 7), (1, 8): .unreachable
        case (1, 3): .hostUnreachable
        case (1, 4): .portUnreachable
        case (2, _): .fragmentationNeeded
        case (3, 0): .ttlExceeded
        case (3, 1): .reassemblyTimeExceeded
        // The commonest: a next header, thus a protocol, that it does not know.
        case (4, 1): .protocolUnreachable
        case (4, _): .parameterProblem
        case (137, _): .redirect
        default: .unknown
        }
    }
}
