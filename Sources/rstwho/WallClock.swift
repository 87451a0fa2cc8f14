// SPDX-License-Identifier: Apache-2.0
import Glibc

/// This machine's clock.
enum WallClock {
    /// ns since 1970.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// The environment variables of this process.
enum ProcessEnvironment {
    /// The variables that name the locale (POSIX, XBD 8.2), as far as they are set.
    static var locale: [String: String] {
        ["LC_ALL", "LC_CTYPE", "LANG"].reduce(into: [:]) { result, name in
            result[name] = getenv(name).map { String(cString: $0) }
        }
    }
}
