// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Diagnosis
import Foundation
import Packets
import Testing

@Suite struct ConfigurationTests {
    @Test func laterLayersCount() throws {
        let files = try ConfigurationFiles(
            """
            interfaces: [eth0, eth1]
            settle_seconds: 3
            http:
              listen: "[::1]:9000"
            memory: {hosts: 100, flows: 200}
            """,
            dropIns: [
                "20-b.yaml": "memory:\n  hosts: 300\n", "10-a.yaml": "memory:\n  hosts: 400\ninside: []\n",
                "ignored.conf": "no: such\n", ".hidden.yaml": "no: such\n",
            ])
        let effective = try files.load(
            environment: ["RSTWHO_SETTLE_SECONDS": "5", "RSTWHO_INTERFACES": "wan*, lan0", "RSTWHO_OTHER": "x"],
            arguments: [Setting("settle_seconds", .scalar("7"), .commandLine)])
        let configuration = effective.configuration
        #expect(configuration.interfaces == ["wan*", "lan0"])
        #expect(configuration.settleSeconds == 7)
        #expect(configuration.maxHosts == 300)
        #expect(configuration.maxFlows == 200)
        #expect(configuration.listen == .tcp(host: "::1", port: 9000))
        #expect(configuration.inside.isEmpty)
        #expect(configuration.hook == .tc)
        #expect(effective.source(of: "settle_seconds") == .commandLine)
        #expect(effective.source(of: "interfaces") == .environment("RSTWHO_INTERFACES"))
        #expect(effective.source(of: "memory.flows") == .file(files.path, line: 5))
        #expect(effective.source(of: "memory.hosts").description.hasSuffix("rstwho.yaml.d/20-b.yaml:2"))
        #expect(effective.source(of: "capture.hook") == .standard)
        #expect(effective.files.count == 3)
    }

    @Test func whatIsWrongIsSaidWithItsLine() throws {
        let files = try ConfigurationFiles(
            """
            interfaces: [eth0]
            http:
              lisen: off
            settle_seconds: soon
            capture:
              hook: ebpf
              tap: yes
              ring_size: 100KiB
            memory:
              hosts: 7
              flows: [1]
            inside: [10.0.0.0/33]
            listen: off
            nothing: 1
            """, dropIns: ["a.yaml": "output:\n  group:\n"])
        #expect(
            files.problems(environment: ["RSTWHO_HTTP_LISTEN": "nowhere"]) == [
                "rstwho.yaml:3: \"http.lisen\" is no option; did you mean http.listen?",
                "rstwho.yaml:4: settle_seconds is \"soon\"; it takes a number of seconds from 0 to 3600",
                "rstwho.yaml:6: capture.hook is \"ebpf\"; it takes tc, xdp or xdp-generic",
                "rstwho.yaml:7: capture.tap is \"yes\"; it takes true or false",
                "rstwho.yaml:8: capture.ring_size is \"100KiB\"; it takes auto, or a power of two from 64KiB to 1GiB",
                "rstwho.yaml:10: memory.hosts is \"7\"; it takes a number from 8 to 67108864",
                "rstwho.yaml:11: memory.flows is the list \"1\"; it takes a number from 8 to 67108864",
                "rstwho.yaml:12: inside is the list \"10.0.0.0/33\"; it takes a list of prefixes such as 10.0.0.0/8 or "
                    + "fc00::/7",
                "rstwho.yaml:13: \"listen\" is no option; did you mean http.listen?",
                "rstwho.yaml:14: \"nothing\" is no option; there are interfaces, inside, devices, settle_seconds, capture, memory, "
                    + "http, evidence, history, output, export, fleet, log",
                "rstwho.yaml.d/a.yaml:2: output.group has no value; it takes true or false",
                "RSTWHO_HTTP_LISTEN: http.listen is \"nowhere\"; it takes ADDRESS:PORT, the absolute path of a Unix socket "
                    + "(107 bytes at most), or off",
            ])
        #expect(try ConfigurationFiles("http:\n  listen: off\ncapture:\n").problems().isEmpty)
    }

    @Test(arguments: [
        ("a: &x [1]\nb: *x\n", "rstwho.yaml:1: this line has a text that begins with &"),
        ("interfaces: [eth0, *x]\n", "rstwho.yaml:1: this line has a text that begins with *"),
        ("interfaces:\n  - eth0\n  - *\n", "rstwho.yaml:3: this line has a text that begins with *"),
        ("interfaces: [\"a\", *x, \"b\"]\n", "rstwho.yaml:1: this line has a text that begins with *"),
        ("interfaces: !!set [eth0]\n", "rstwho.yaml:1: this line has a text that begins with !"),
        ("%YAML 1.1\n---\ninterfaces: []\n", "rstwho.yaml:1: this line begins with %"),
        ("interfaces: |\n  eth0\n", "rstwho.yaml:1: this line begins a text over several lines"),
        ("interfaces: [eth0,\n  eth1]\n", "rstwho.yaml:1: this line has a bracket that does not end"),
        ("interfaces: [\"eth0]\n", "rstwho.yaml:1: this line has a quote that does not end"),
        ("interfaces: [[[[[eth0]]]]]\n", "rstwho.yaml:1: this line has too many brackets"),
        ("interfaces:\n  - - - - - eth0\n", "rstwho.yaml:2: this line has too many lists"),
        ("interfaces: []\n? a\n: b\n", "rstwho.yaml:2: this line has a key that begins with ?"),
        ("interfaces: []\ninterfaces: [eth0]\n", "rstwho.yaml:1: \"interfaces\" is there more than once"),
        ("interfaces: [eth0]\n\u{1b}[2J: 1\n", "rstwho.yaml:2: this line holds the control character U+1B"),
        ("interfaces: [eth0] # \r b: *x\n", "rstwho.yaml:1: this line holds the control character U+D"),
        ("interfaces: [eth0]\n---\ninterfaces: []\n", "rstwho.yaml:2: this is no YAML: but found another document"),
        ("interfaces: [eth0]]\n", "rstwho.yaml:1: this is no YAML"),
        ("\tinterfaces: []\n", "rstwho.yaml:1: this is no YAML"),
        ("- eth0\n", "rstwho.yaml:1: is no list of options"),
        ("eth0\n", "rstwho.yaml:1: is no list of options"),
        ("http.listen: off\n", "rstwho.yaml:1: \"http.listen\" is written as"),
        ("http: off\n", "rstwho.yaml:1: \"http\" is a section; it takes listen, names below it"),
        ("interfaces: [[eth0]]\n", "rstwho.yaml:1: interfaces has options or lists below it"),
        ("interfaces:\n  eth0: 1\n", "rstwho.yaml:1: interfaces has options or lists below it"),
        ("? \n", "rstwho.yaml:1: this line has a key that begins with ?"),
    ])
    func badFilesAreRefused(_ text: String, _ expected: String) throws {
        let problems = try ConfigurationFiles(text).problems()
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix(expected) == true, "\(problems)")
    }

    @Test(arguments: [
        "", "\n# nothing\n", "---\n", "\u{feff}interfaces: [eth0]\r\nhttp:\r\n  listen: off\r\n",
        "interfaces: ['eth*', \"wan[0-9]\", a&b, it's] # &no *alias, \"no quote\n",
        "interfaces:\n- eth0\n- 'it''s # here'\n- \"say \\\"no\\\"\" # \"\n",
        "http: {listen: \"[::1]:9742\", names: []}\n", "# 'don't\ninterfaces: eth0\n",
    ])
    func goodFilesAreTaken(_ text: String) throws {
        #expect(try ConfigurationFiles(text).problems() == [])
    }

    @Test func hugeFilesAreRefused() throws {
        let line = "# 0123456789012345678901234567890123456789012345678901234567890123456789\n"
        #expect(
            try ConfigurationFiles(String(repeating: line, count: 8000)).problems() == [
                "rstwho.yaml: has more than 256 KiB"
            ])
        #expect(try ConfigurationFiles(String(repeating: line, count: 3000)).problems().isEmpty)
    }

    @Test func devicesAndPipesAreRefused() throws {
        for path in ["/dev/zero", "/dev", "/nonexistent/rstwho.yaml"] {
            #expect(throws: ConfigurationError.self) { try EffectiveConfiguration(path: path, environment: [:]) }
        }
        let files = try ConfigurationFiles("")
        let pipe = files.path + ".pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(throws: ConfigurationError.self) { try EffectiveConfiguration(path: pipe, environment: [:]) }
    }

    @Test func notUTF8IsRefused() throws {
        let files = try ConfigurationFiles("")
        try Data([0x69, 0xff, 0xfe]).write(to: URL(filePath: files.path))
        #expect(files.problems() == ["rstwho.yaml: is not UTF-8"])
    }

    /// Recorded by `rstwho check-config --defaults`.
    @Test func theShippedFileIsTheDefaults() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../deploy/rstwho.yaml")
            .path
        let shipped = try String(contentsOfFile: path, encoding: .utf8)
        #expect(shipped == ConfigurationText.shipped)
        let effective = try EffectiveConfiguration(path: path, environment: [:])
        #expect(effective.configuration == Configuration())
        for option in ConfigurationOption.all {
            #expect(effective.source(of: option.key) != .standard, "\(option.key)")
        }
    }

    @Test func everyOptionIsInTheDocumentation() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../../docs/configuration.md"
        )
        .path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let named = Set(rows.flatMap { $0.split(separator: "|")[0].split(separator: "`") }.map(String.init))
        for option in ConfigurationOption.all { #expect(named.contains(option.key), "\(option.key)") }
        #expect(!named.contains("http.lisen"))
    }

    @Test func whatIsInEffectReadsBack() throws {
        var files = try ConfigurationFiles(
            "interfaces: ['eth*', \"a\\\"b\", '-x', 'c:']\ncapture:\n  ring_size: 1048576\nhttp:\n  listen: /run/a b.sock\n"
        )
        let first = try files.load()
        #expect(first.configuration.interfaces == ["eth*", "a\"b", "-x", "c:"])
        let text = ConfigurationText.effective(first)
        #expect(text.contains("ring_size: 1MiB"))
        #expect(text.contains("# default"))
        #expect(text.contains("rstwho.yaml:3\n"))
        files = try ConfigurationFiles(text)
        #expect(try files.load().configuration == first.configuration)
    }

    @Test func devicesHaveNames() throws {
        let devices = try ConfigurationFiles(
            """
            # Ours.
            - name: fw-dc1
              owner: netops
              hop: 2
              prefix: 10.4.0.0/16
              idle_timer: 3600
              expected: true
            - {name: "gw \\"1\\"", mac: "02:00:00:00:00:0A"}
            """)
        let files = try ConfigurationFiles("devices: \(devices.path)\n")
        let names = try files.load().configuration.engineOptions.devices
        #expect(names.entries.map(\.device.name) == ["fw-dc1", "gw \"1\""])
        #expect(names.entries.first?.device.isExpected == true && names.entries.first?.device.idleTimer == 3600)
        #expect(names.entries.last?.mac == "02:00:00:00:00:0a")
        let change = ConfigurationChange(from: Configuration(), to: try files.load().configuration)
        #expect(change.configuration.devices == names && change.text.hasSuffix("2 devices have names"))
    }

    @Test(arguments: [
        ("- name: a\n", ":1: nothing says how this device is known: mac, address, prefix or hop"),
        ("- hop: 1\n", ":1: a device has no name"),
        ("- name: a\n  hop: 1\n  onwer: b\n", ":3: \"onwer\" is nothing of a device; did you mean owner?"),
        ("- name: a\n  hop: 65\n", ":2: hop is \"65\"; it takes a number from 0 to 64"),
        ("- name: a\n  mac: 02-00\n", ":2: mac is \"02-00\"; it takes an address such as 02:00:00:00:00:01"),
        ("- name: \"\\e[2J\"\n  hop: 1\n", ":1: name is \"\\x1b[2J\"; it takes 1 to 64 characters that can be seen"),
        ("- name: \"\\u202e\"\n  hop: 1\n", ":1: name is \"\\u202e\"; it takes 1 to 64 characters that can be seen"),
        ("- name: \(String(repeating: "x", count: 65))\n  hop: 1\n", ":1: name is \"xxx"),
        ("- name: a\n  hop: 1\n  expected: maybe\n", ":3: expected is \"maybe\"; it takes true or false"),
        ("- fw\n", ":1: is no device"), ("name: a\n", ":1: is no list of devices"),
    ])
    func badDevicesAreRefused(_ text: String, _ expected: String) throws {
        let devices = try ConfigurationFiles(text)
        let error = try #require(throws: ConfigurationError.self) {
            try ConfigurationFiles("devices: \(devices.path)\n").load()
        }
        #expect(error.problems.count == 1)
        #expect(error.description.hasPrefix(devices.path + expected), "\(error)")
    }

    @Test func evidenceFollowsTheStateDirectoryWhereverThatIsSaid() throws {
        let key = "history.directory"
        let file = try ConfigurationFiles("history: {directory: /file, days: 3}\n")
        #expect(try file.load().configuration.evidencePath == "/file/evidence")
        #expect(try file.load().configuration.maximumAge == 3 * 86_400)
        #expect(try file.load().configuration.historyOptions?.maximumAge == 3 * 86_400)
        let environment = ["RSTWHO_HISTORY_DIRECTORY": "/environment"]
        #expect(try file.load(environment: environment).configuration.evidencePath == "/environment/evidence")
        let arguments = [Setting(key, .scalar("/arguments"), .commandLine)]
        let named = try file.load(environment: environment, arguments: arguments).configuration
        #expect(named.evidencePath == "/arguments/evidence")
        // Nothing is kept below what is not kept, unless it is asked for.
        let off = ["RSTWHO_HISTORY_DIRECTORY": "off"]
        #expect(try file.load(environment: off).configuration.evidencePath == nil)
        let own = off.merging(["RSTWHO_EVIDENCE_DIRECTORY": "/own"]) { $1 }
        #expect(try file.load(environment: own).configuration.evidencePath == "/own")
        let none = ["RSTWHO_EVIDENCE_DIRECTORY": "off"]
        #expect(try file.load(environment: none).configuration.evidencePath == nil)
    }

    @Test func aReloadTakesWhatItCan() {
        var new = Configuration()
        new.interfaces = ["eth0"]
        new.maxHosts = 100
        let change = ConfigurationChange(from: Configuration(), to: new)
        #expect(change.configuration.interfaces == ["eth0"])
        #expect(change.configuration.maxHosts == 1 << 16)
        #expect(change.isPartial)
        #expect(
            change.text
                == "configuration read again: interfaces is now [eth0]; a restart is needed for memory.hosts 100")
        let none = ConfigurationChange(from: new, to: new)
        #expect(!none.isPartial && none.text == "configuration read again: nothing has changed")
    }

    @Test func optionsReachWhatTheyConfigure() throws {
        let files = try ConfigurationFiles(
            """
            interfaces: [lo]
            capture: {hook: xdp-generic, tap: true, ring_size: 64KiB}
            inside: [192.0.2.0/24]
            settle_seconds: 0.5
            memory: {hosts: 8, flows: 9}
            http: {listen: 127.0.0.1:0, names: [fw1]}
            output: {format: json, group: false}
            """)
        let configuration = try files.load().configuration
        let capture = configuration.captureOptions
        #expect(
            capture.interfaces == ["lo"] && capture.hook == .xdpGeneric && capture.isTap && capture.ringBytes == 65_536)
        let engine = configuration.engineOptions
        #expect(engine.hostCapacity == 8 && engine.flowCapacity == 9 && engine.settleTime == 500_000_000)
        #expect(engine.inside.prefixes.map(\.description) == ["192.0.2.0/24"])
        #expect(configuration.serverOptions?.names == ["fw1"])
        #expect(configuration.format == .json && !configuration.isGrouped)
        var off = configuration
        off.listen = nil
        #expect(off.serverOptions == nil)
    }
}
