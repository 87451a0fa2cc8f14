// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Packets
internal import Reporting

extension ConfigurationOption {
    /// Every option, in the order of the file; those of one section together.
    ///
    /// A new one needs a property in `Configuration`, a line here, and `deploy/rstwho.yaml` anew (`rstwho check-config
    /// --defaults`).
    package static let all: [ConfigurationOption] = [
        ConfigurationOption(
            "interfaces", \.interfaces, .texts("names of interfaces and patterns such as 'eth*'"), reloads: true,
            """
            Interfaces to watch, and patterns such as 'eth*'. One that appears later, or comes back, is watched from then on. Of \
            stacked interfaces (a bond and its members) a pattern takes one.
            """),
        ConfigurationOption(
            "inside", \.inside, .prefixes, reloads: true,
            "Prefixes that count as inside, for the scope of metrics: inside, outside, transit."),
        ConfigurationOption(
            "devices", \.devicesFile, .path, reloads: true,
            "A file in which devices are named: see docs/configuration.md. It is read again with this one."),
        ConfigurationOption(
            "settle_seconds", \.settleSeconds, .seconds(0...3600),
            "Seconds that a reset waits for what comes after it, before it is judged."),
        ConfigurationOption(
            "capture.hook", \.hook, .choice,
            """
            Where arriving packets are looked at: tc disturbs nothing; xdp is for line rate, where `rstwho doctor INTERFACE` finds \
            nothing against it; xdp-generic.
            """),
        ConfigurationOption(
            "capture.tap", \.isTap, .flag,
            "The interfaces are mirror ports: promiscuous, and nothing of it is this machine's own. Needs CAP_NET_RAW."),
        ConfigurationOption(
            "capture.ring_size", \.ringBytes, .ringSize,
            "Memory of one CPU's ring between kernel and agent; auto: 4MiB, less with more than 64 CPUs."),
        ConfigurationOption(
            "capture.cpu_percent", \.cpuPercent, .percent,
            """
            The part of one core that looking at packets may take on average. Where it would take more, whole connections are left \
            out, bulk first, then handshakes, never a reset; full takes what it needs.
            """),
        ConfigurationOption(
            "capture.shed", \.shedding, .oneOf,
            "Look at one connection of so many, whatever the load: for very small machines, and for tests."),
        ConfigurationOption(
            "capture.privileges", \.privileges, .choice,
            """
            What becomes of the agent's capabilities once it has attached. auto: all are given up, or what an interface that may appear \
            later takes is kept (a pattern, a name that nothing has yet); keep: all stay; drop: all go, also where such an interface is \
            not watched then.
            """),
        ConfigurationOption(
            "memory.hosts", \.maxHosts, .number(8...1 << 26),
            "Hosts remembered at once. Hosts that never proved to be alive give way first."),
        ConfigurationOption(
            "memory.flows", \.maxFlows, .number(8...1 << 26), "Flows remembered at once. Closed flows give way first."),
        ConfigurationOption(
            "http.listen", \.listen, .listen,
            """
            Where metrics, API and page are served: ADDRESS:PORT, the path of a Unix socket, or off. They tell who talks to whom: not \
            for everybody.
            """),
        ConfigurationOption(
            "http.names", \.httpNames, .texts("host names"), "Further names that requests may use as Host."),
        ConfigurationOption(
            "evidence.directory", \.evidence, .evidenceLocation,
            """
            Where the packets behind the newest problems are kept, as ID.pcapng: a directory, auto (evidence in history.directory, \
            wherever that is, and nowhere without one), or off. Headers only, for history.days.
            """),
        ConfigurationOption("evidence.files", \.evidenceFiles, .number(1...10_000), "Files in it at most."),
        ConfigurationOption(
            "evidence.memory", \.evidenceBytes, .bytes(0...1 << 30),
            "Memory for packets that may become evidence: recent handshakes, resets, ICMP. 0 keeps none."),
        ConfigurationOption(
            "history.directory", \.stateDirectory, .stateDirectory,
            """
            The state directory: findings and what was learned of hosts are kept there over restarts. auto: the service's \
            (/var/lib/rstwho), and none for a watch that a person starts. See docs/privacy.md.
            """),
        ConfigurationOption(
            "history.days", \.historyDays, .number(HistoryOptions.dayLimits),
            "Days for which findings with their evidence, devices, hosts and paths are kept."),
        ConfigurationOption(
            "history.max_size", \.historyBytes, .bytes(HistoryOptions.byteLimits),
            "Size of the history's file; beyond it the oldest findings go."),
        ConfigurationOption("output.format", \.format, .choice, "How findings are printed on standard output."),
        ConfigurationOption(
            "output.group", \.isGrouped, .flag, "Tell repeats within ten seconds as one finding with a count."),
        ConfigurationOption(
            "output.addresses", \.addresses, .choice,
            """
            How addresses are printed there: full, truncated (/24, /48) or pseudonyms (the same for the same, as long as the agent \
            runs). What is served and kept has them in full.
            """),
        ConfigurationOption(
            "log.level", \.logLevel, .choice, reloads: true,
            """
            How urgent a message has to be to be told on standard error, or to the journal: info tells what is done at the start and \
            what changes; debug also what libraries have to say.
            """),
    ]
}
