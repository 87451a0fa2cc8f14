// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The kernel's status of a file (stat(2)).
///
/// It stands here for modules that import NIO as well: `struct stat` is NIO's own module's to them in release builds,
/// and not to be named without importing that.
package struct FileStatus: Sendable {
    /// The file's identity.
    package let device: UInt64
    package let inode: UInt64
    /// The account that owns it.
    package let owner: UInt32
    package let isSocket: Bool
    package let isRegular: Bool
    /// Bytes.
    package let size: UInt64

    /// - Returns: `nil` where the descriptor is not open.
    package init?(of descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Symbolic links are followed.
    ///
    /// - Returns: `nil` where there is no such file, or it is out of reach.
    package init?(at path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// True where both are the same file, whatever its name.
    package func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        owner = status.st_uid
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
        isRegular = status.st_mode & S_IFMT == S_IFREG
        size = UInt64(max(0, status.st_size))
    }
}
