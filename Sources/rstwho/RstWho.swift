// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

@main
struct RstWho: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rstwho", abstract: "Who sent that reset?")
}
