// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Glibc
import Reporting

/// The common options of commands that list engine data from the agent, its history or captures.
struct ListingOptions: ParsableArguments {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text
        case json
        case csv
    }

    @OptionGroup var source: SourceOptions

    @Option(help: "Output format: text, json (JSON Lines) or csv (RFC 4180).")
    var format = Format.text

    @Option(
        help: ArgumentHelp("Maximum number of lines. (default: 100)", valueName: "number"),
        transform: { text in
            guard let limit = Int(text), (1...1_000_000).contains(limit) else {
                throw ValidationError("Give a number from 1 to 1000000.")
            }
            return limit
        })
    var limit = 100

    @Option(
        help: "Form of addresses: full, truncated (/24, /48) or pseudonyms (consistent in this run).")
    var addresses = AddressPrivacy.Kind.full

    @OptionGroup var tables: TableOptions

    func validate() throws {
        try tables.validate(for: source)
    }

    /// Prints the items that `isWanted`, at most `limit` of them.
    ///
    /// - `list`: what they are, and where the agent has them.
    /// - `span`: from when to when.
    /// - `items`: takes them from captures that were read.
    /// - `isWanted`: knows the times that are meant.
    ///   - text, line, csv: print them.
    ///
    /// Returns the items, and the status of the reading; an agent's answer is `ok`.
    ///
    /// Throws `unavailable`, said on standard error.
    func list<Item>(
        _ list: Listing<Item>, span: TimeSpan, items: (borrowing ReadSession) -> [Item],
        isWanted: (Item, Listing<Item>.Times) -> Bool
    ) throws -> (items: [Item], status: ExitStatus) {
        var status = ExitStatus.ok
        let privacy = AddressPrivacy(addresses)
        var found: [Item]
        if source.files.isEmpty {
            let times = try Self.times(span, now: WallClock.now())
            found = try ask(list, times) { isWanted($0, times) }
        } else {
            let session = try ReadSession.reading(source.files, tables, privacy)
            status = session.status
            guard session.hasRead else { throw status.exitCode }
            let times = try Self.times(span, now: session.newest)
            found = items(session).filter { isWanted($0, times) }
        }
        if found.count > limit {
            found.removeLast(found.count - limit)
            printMessage("there are more than these \(limit) \(list.name): see --limit, or choose")
        }
        try show(found, list, privacy)
        return (found, status)
    }

    private static func times(_ span: TimeSpan, now: UInt64) throws(ExitCode) -> (since: UInt64?, until: UInt64?) {
        let times = span.resolved(now: now, clock: .local)
        if let since = times.since, let until = times.until, since > until {
            printMessage("--since is later than --until: nothing can lie between them")
            throw ExitStatus.usage.exitCode
        }
        return times
    }

    private func show<Item>(_ items: [Item], _ list: Listing<Item>, _ privacy: AddressPrivacy) throws {
        var output = StandardOutput()
        var style = output.style
        style.privacy = privacy
        do throws(OutputError) {
            switch format {
            case .text: try output.write(list.text(items, style))
            case .json: for item in items { try output.write(privacy.apply(to: list.line(item))) }
            case .csv: try output.write(privacy.apply(to: list.csv(items)))
            }
            try output.flush()
        } catch {
            throw error.exitCode
        }
    }

    /// Asks page by page for one item more than is listed.
    private func ask<Item>(
        _ list: Listing<Item>, _ times: Listing<Item>.Times, isWanted: (Item) -> Bool
    ) throws -> [Item] {
        var found: [Item] = []
        var before: String?
        repeat {
            let body: [UInt8]
            switch try source.ask(list.path(times, before), knows: list.name) {
            case .agent(let answer): body = answer
            case .history(let history): return try stored(list, history, times).filter(isWanted)
            }
            guard let page = list.decode(body) else { throw source.refuse(list.name, status: 200) }
            found += page.filter(isWanted)
            before = page.isEmpty ? nil : ListPage.next(in: body)
        } while before != nil && found.count <= limit
        return found
    }

    private func stored<Item>(
        _ list: Listing<Item>, _ history: HistoryReader, _ times: Listing<Item>.Times
    ) throws -> [Item] {
        let names = try tables.devices.names()
        do throws(HistoryFault) {
            return list.named(names, try list.stored(history, times))
        } catch {
            throw SourceOptions.exit(for: error)
        }
    }
}

extension AddressPrivacy.Kind: ExpressibleByArgument {}

/// A list of the agent's, and how it is shown.
struct Listing<Item> {
    typealias Times = (since: UInt64?, until: UInt64?)

    /// The name of the listed items, for messages.
    let name: String
    /// The agent's path of the page that follows the item `before`.
    let path: (_ times: Times, _ before: String?) -> String
    /// Reads them from a history.
    let stored: (HistoryReader, _ times: Times) throws(HistoryFault) -> [Item]
    /// Reads the agent's answer; `nil` where it is none.
    let decode: ([UInt8]) -> [Item]?
    let text: ([Item], TableStyle) -> String
    let line: (Item) -> String
    let csv: ([Item]) -> String
    /// Gives what a history has told names.
    let named: (DeviceNames, [Item]) -> [Item]
}
