// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// The effect of a reloaded configuration on a running service.
package struct ConfigurationChange: Sendable {
    /// The running configuration with what it can take over.
    package private(set) var configuration: Configuration
    /// The change, as a sentence.
    package let text: String
    /// True where something needs a restart.
    package let isPartial: Bool

    package init(from old: Configuration, to new: Configuration) {
        configuration = old
        let changed = ConfigurationOption.all.filter { $0.text(old) != $0.text(new) }
        var taken: [String] = []
        var refused: [String] = []
        for option in changed {
            if option.isReloadable {
                option.copy(new, &configuration)
                taken.append("\(option.key) is now \(option.text(new))")
            } else {
                refused.append("\(option.key) \(option.text(new))")
            }
        }
        if new.devices != old.devices {
            configuration.devices = new.devices
            taken.append("\(new.devices.entries.count) devices have names")
        }
        isPartial = !refused.isEmpty
        let rest = refused.isEmpty ? [] : ["a restart is needed for \(refused.joined(separator: ", "))"]
        text =
            "configuration read again: "
            + (taken.isEmpty && refused.isEmpty ? "nothing has changed" : (taken + rest).joined(separator: "; "))
    }
}
