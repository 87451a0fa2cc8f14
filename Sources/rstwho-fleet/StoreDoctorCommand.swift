// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FleetStore
import Reporting

/// `rstwho fleet doctor`: whether the store can be used, and what to change.
struct StoreDoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check every server of the store: version, account, tables, clock.",
        discussion: "Exit status: 0 all is well, 1 something is not, 64 usage, 78 configuration.")

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let settings = try options.settings()
        let client = try options.client(settings)
        let doctor = StoreDoctor(client)
        var isWell = !settings.exposesPassword
        for server in settings.servers {
            for check in await doctor.check(server) {
                isWell = isWell && check.isOK
                print("\(check.isOK ? "ok    " : "not ok") \(UntrustedText.printable(check.text))")
            }
        }
        await client.shutdown()
        if !isWell { throw Status.found.code }
    }
}
