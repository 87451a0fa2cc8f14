// SPDX-License-Identifier: Apache-2.0

extension EvidenceModel {
    /// The systems on which an observation has been seen; what was seen on one stack only says little of another.
    package static func seenOn(_ name: EvidenceName) -> String {
        switch name {
        case .madeHere: "Linux 6.18 (lab, live)"
        case .leftUndiminished: "Linux 6.18 (lab)"
        case .otherLink: "Linux routers (lab)"
        case .dataAfterReset: "Linux (lab), public captures of several stacks and injectors"
        case .application: "Linux 6.18 (lab), public captures"
        case .loopback: "macOS (public capture)"
        case .onLink: "Linux 6.18 (lab, live)"
        case .flowLabelKept: "Linux 6.18 (lab)"
        case .flowLabelMissing: "Linux 6.18 netfilter (lab); not on BSD, whose kernel sends none either"
        case .activeTrace: "Linux (lab)"
        case .notSeenNearer: "Linux (lab)"
        case .ttlFlow: "Linux (lab), public captures of mixed networks"
        case .ttlHost: "Linux (lab), public captures of mixed networks"
        case .initialTTL: "Linux routers (lab), public captures"
        case .otherInitialTTL: "routers, balancers (public captures)"
        case .behindTranslator: "Linux DNAT (lab)"
        case .forwardsForAnother: "Linux 6.18 container host (recorded)"
        case .triggerIdentification: "injectors of several makers (public captures, lab)"
        case .triggerWindow: "injectors of several makers (public captures, lab)"
        case .otherCounter: "routers and NATs (lab, public captures)"
        case .ownCounter: "public captures of mixed networks"
        case .otherFlow: "Linux NAT (recorded, told in public)"
        case .constantIdentification: "injectors (literature, lab)"
        case .windowWithoutTimestamps: "Linux (lab); BSD and macOS abort without them, and are left out"
        case .dscpLost: "Linux 6.18 netfilter (lab)"
        case .dscpKept: "Linux 6.18 (lab)"
        case .soonerThanRTT: "injectors (public captures, lab)"
        case .synAckAfterReset: "injectors (public captures, lab)"
        case .bothTalkOn: "injectors (public captures, lab)"
        case .twinResets: "injectors (literature, public captures)"
        case .bothSidesReset: "injectors, inline filters (public captures, lab)"
        case .acksUnsent: "an inline filter (public capture)"
        case .notForwarded: "Linux 6.18 (lab, live)"
        case .kernelDrop: "Linux 6.18 (lab, live)"
        case .leftBefore: "Linux 6.18 (lab, live)"
        case .destinationLeft: "Linux 6.18 (lab, live)"
        case .trackingState: "Linux 6.18 (lab, live)"
        case .trackingCounter: "Linux 6.18 (lab, live)"
        case .reversePathFilter: "Linux 6.18 (lab, live)"
        case .kernelEvent: "Linux 6.18 (lab, live)"
        case .filterRule: "Linux 6.18 nftables (lab, live)"
        case .conntrack: "Linux 6.18 (lab, live)"
        case .unlisted,
            .noFlow,
            .flowShed,
            .noBaseline,
            .noTTL,
            .fartherThanHost,
            .oneHopNearer,
            .reflected,
            .severalDistances,
            .otherInterface,
            .copiesUnordered,
            .pathMoved,
            .applicationTTL,
            .ttlRewritten,
            .benignClose,
            .resetText:
            "a note: it weighs nothing"
        case .plausibleRTT,
            .synACKRepeated,
            .acknowledged,
            .synRepeated,
            .dataRepeated,
            .ackRepeated,
            .hostAnswers,
            .clientLives,
            .tapOneWay,
            .redirected,
            .ackNeverHere,
            .allPortsFail,
            .otherPortWorks,
            .otherWayBack,
            .ackAtServer,
            .listenOverflows,
            .neverSYNACK,
            .neverSYN,
            .answerPasses,
            .onlyLarge,
            .othersTwoWay,
            .recovered,
            .silenceBefore,
            .pairWorks,
            .signed,
            .outsideWindow,
            .implausible,
            .traced,
            .looped,
            .answer,
            .wentOn,
            .sentAgain,
            .toldAgain,
            .others:
            "Linux 6.18 (lab)"
        }
    }
}
