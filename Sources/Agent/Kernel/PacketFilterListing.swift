// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The rules of this machine's packet filter, as nft lists them.
enum PacketFilterListing {
    /// The time limit of a reading, in ms; the next constant limits its size in bytes.
    static let patience: Int32 = 1000
    private static let limit = 4 << 20
    /// In the order in which they are tried: not by PATH, which others may set.
    private static let programs = ["/usr/sbin/nft", "/usr/bin/nft", "/sbin/nft"]

    /// nft's path; `nil` where it is not installed.
    static var program: String? { programs.first { access($0, X_OK) == 0 } }

    /// `nil` where it cannot be had.
    static func read() -> String? {
        program.flatMap { program in
            // -a shows handles, -t leaves out what sets hold.
            ListingProgram.output(
                [program, "-a", "-t", "list", "ruleset"], milliseconds: patience, limit: limit)
        }
    }
}
