// SPDX-License-Identifier: Apache-2.0

/// The capabilities that an attached capture still needs, with the reasons.
///
/// Everything else works with the descriptors that it has: reading rings and counters, the lease, shedding, the focus,
/// and attaching what is loaded to an interface that comes back (Linux 6.1 and later, see docs/decisions).
package struct PrivilegeNeeds: Sendable, Equatable {
    /// The treatment of capabilities after attaching.
    package enum Mode: String, CaseIterable, Sendable {
        /// Keeps the capabilities that are needed later.
        case auto
        /// All stay.
        case keep
        /// All go, and with them the interfaces that appear later.
        case drop
    }

    package private(set) var kept: Set<Capability> = []
    /// Why, a part of a sentence for each: `wan* may match an interface that appears later`.
    package private(set) var reasons: [String] = []

    /// - Parameters:
    ///   - interfaces: the names and patterns that are wanted.
    ///   - attachments: what is attached now.
    ///   - isTap: true for mirror ports.
    package init(interfaces: [String], attachments: [AttachmentInfo], isTap: Bool) {
        for name in interfaces {
            if InterfaceSelection.isPattern(name) {
                need(Self.attaching(isTap), "\(name) may match an interface that appears later")
            } else if !attachments.contains(where: { $0.isAttached && $0.interface == name }) {
                need(Self.attaching(isTap), "\(name) is not there yet")
            }
        }
        if attachments.contains(where: { $0.isAttached && ($0.ingress == .clsact || $0.egress == .clsact) }) {
            need([.netAdmin], "clsact filters are taken off at the end")
        }
    }

    private static func attaching(_ isTap: Bool) -> Set<Capability> {
        isTap ? Capability.loading.union([.netRaw]) : Capability.loading
    }

    /// Adds what is kept for another reason.
    package mutating func need(_ capabilities: Set<Capability>, _ reason: String) {
        kept.formUnion(capabilities)
        reasons.append(reason)
    }
}
