// SPDX-License-Identifier: Apache-2.0
package import Explanation
package import Packets

/// A question to the fleet, as far as it decides about which records are needed.
package enum StoreQuestion: Sendable {
    case trace([Question.FlowPattern])
    case resets
    case origins
    case hosts(IPPrefix)
    case changed
    case agents
}
