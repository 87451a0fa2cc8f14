// SPDX-License-Identifier: Apache-2.0

/// The program's name and version, for metrics and for agents that look for each other.
package enum AgentVersion {
    package static let name = "rstwho"
    package static let number = "0.2.0"
}
