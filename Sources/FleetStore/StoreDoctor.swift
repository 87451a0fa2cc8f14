// SPDX-License-Identifier: Apache-2.0
internal import Fleet
internal import Glibc
internal import NIOCore

/// Checks whether the servers of a store can be used by this account, and says what to change.
package struct StoreDoctor: Sendable {
    /// A line of the doctor's answer.
    package struct Check: Sendable, Equatable {
        package var isOK: Bool
        package var text: String

        init(_ isOK: Bool, _ text: String) {
            self.isOK = isOK
            self.text = text
        }
    }

    private let client: StoreClient

    package init(_ client: StoreClient) {
        self.client = client
    }

    /// The checks of one server, in the order in which one thing rests on another.
    package func check(_ server: String) async -> [Check] {
        var checks: [Check] = []
        do throws(StoreError) {
            let version = try await client.text("SELECT version()", on: server)
            let dialect = try await client.dialect(of: server)
            checks.append(Check(true, "\(server): ClickHouse \(version) answers"))
            if !dialect.isCurrent {
                checks.append(
                    Check(true, "\(server): this version keeps no TTL: delete old partitions yourself (docs/fleet.md)"))
            }
            checks.append(try await clock(server))
            checks += try await schema(server)
            if checks.allSatisfy(\.isOK) {
                checks.append(try await reading(server))
                checks += await writing(server, dialect)
            }
        } catch {
            checks.append(Check(false, "\(server): \(error.text). \(Self.advice(error))"))
        }
        return checks
    }

    private func clock(_ server: String) async throws(StoreError) -> Check {
        let theirs = Int(try await client.text("SELECT toUInt32(now())", on: server)) ?? 0
        let difference = theirs - time(nil)
        guard abs(difference) > 2 else { return Check(true, "\(server): its clock agrees with this one") }
        return Check(
            false,
            "\(server): its clock is \(difference) s ahead of this one. Questions use this machine's: set both by NTP")
    }

    private func schema(_ server: String) async throws(StoreError) -> [Check] {
        let version = try await Migrator.version(client, on: server)
        let newest = Migration.newest
        if version == newest { return [Check(true, "\(server): schema \(version)")] }
        if version == 0 {
            let database = client.settings.database
            return [Check(false, "\(server): the tables are missing in \(database). Run `rstwho fleet migrate`")]
        }
        guard version > newest else {
            return [
                Check(false, "\(server): schema \(version), this program has \(newest). Run `rstwho fleet migrate`")
            ]
        }
        return [
            Check(true, "\(server): schema \(version), newer than this program's \(newest), which does not matter")
        ]
    }

    private func reading(_ server: String) async throws(StoreError) -> Check {
        let database = client.settings.database
        do throws(StoreError) {
            let statement = "SELECT toUInt32(max(time)) FROM \(database).agents"
            let newest = Int(try await client.text(statement, on: server)) ?? 0
            guard newest > 0 else {
                return Check(true, "\(server): may be read; no agent has sent its status yet")
            }
            return Check(
                true, "\(server): may be read; the newest status of an agent is \(max(0, time(nil) - newest)) s old")
        } catch {
            guard error.kind == .configuration else { throw error }
            return Check(true, "\(server): this account may not read (right for `rstwho ship`, wrong for questions)")
        }
    }

    /// An insert of no rows: it needs the right to insert, and changes nothing.
    private func writing(_ server: String, _ dialect: Dialect) async -> [Check] {
        var refused: [String] = []
        for kind in FleetRecord.Kind.allCases {
            do throws(StoreError) {
                try await client.insert(.init(), into: kind.table, isCompressed: false, dialect: dialect, on: server)
            } catch {
                if error.kind == .configuration { refused.append(kind.table) }
            }
        }
        return [
            refused.isEmpty
                ? Check(true, "\(server): this account may insert")
                : Check(
                    true,
                    "\(server): this account may not insert into \(refused.joined(separator: ", ")) "
                        + "(right for questions, wrong for `rstwho ship`)")
        ]
    }

    /// The next step for an error.
    package static func advice(_ error: StoreError) -> String {
        switch error.code {
        case 192, 193, 194, 516: "Set user and password_file in the store's settings"
        case 60, 81: "Run `rstwho fleet migrate` with an account that may create tables"
        case 164, 291, 492, 497: "Grant this account what it needs: docs/fleet.md has the statements"
        default:
            error.kind == .configuration
                ? "Compare the store's settings with docs/fleet.md"
                : "Check that the server runs, and the way to it: curl \(error.server)/ping"
        }
    }
}
