// SPDX-License-Identifier: Apache-2.0

/// What stands between a line's timestamp and its IP header: interface and direction (`-i any`), the link header (`-e`),
/// and `IP ` or `IP6 `.
struct TcpdumpTextLink {
    var isIPv6 = false
    /// The packet was leaving (`Out`).
    var isEgress = false

    /// Steps over it. `nil` where no IP packet follows.
    init?(_ cursor: inout TcpdumpTextCursor) {
        if cursor.skip("IP6 ") {
            isIPv6 = true
        } else if !cursor.skip("IP ") {
            return nil
        }
    }
}
