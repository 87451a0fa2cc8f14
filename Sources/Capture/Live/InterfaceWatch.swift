// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// Hears of interfaces of this network namespace that come, go or change.
struct InterfaceWatch: ~Copyable {
    /// A netlink socket.
    ///
    /// Negative where there is none: nothing is heard.
    private let socket: Int32

    /// Hears from now on.
    init() {
        socket = rstwho_link_watch()
    }

    deinit {
        if socket >= 0 { close(socket) }
    }

    /// True if there was something since the last call.
    ///
    /// Does not wait.
    func hasChanged() -> Bool { socket >= 0 && rstwho_watch_changed(socket) }
}
