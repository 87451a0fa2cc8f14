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
            Interfaces to watch: names, and patterns such as 'eth*'. Interfaces that appear later or come back are \
            watched too. Of stacked interfaces (a bond and its members) a pattern selects one.
            """),
        ConfigurationOption(
            "inside", \.inside, .prefixes, reloads: true,
            "Prefixes that count as inside, for the scope of metrics: inside, outside, transit."),
        ConfigurationOption(
            "devices", \.devicesFile, .path, reloads: true,
            "File with the names of devices and hosts, see docs/configuration.md. A reload reads it again."),
        ConfigurationOption(
            "settle_seconds", \.settleSeconds, .seconds(0...3600),
            "Seconds that a reset waits for later packets before its verdict."),
        ConfigurationOption(
            "capture.hook", \.hook, .choice,
            """
            Hook for arriving packets. tc disturbs nothing; xdp is for line rate, if `rstwho doctor INTERFACE` finds \
            no objection; xdp-generic works with any driver, but slowly.
            """),
        ConfigurationOption(
            "capture.tap", \.isTap, .flag,
            "The interfaces are mirror ports: promiscuous, and no packet is this machine's own. Needs CAP_NET_RAW."),
        ConfigurationOption(
            "capture.ring_size", \.ringBytes, .ringSize,
            "Memory of one CPU's ring between kernel and agent; auto: 4MiB, less with more than 64 CPUs."),
        ConfigurationOption(
            "capture.cpu_percent", \.cpuPercent, .percent,
            """
            Average share of one core for processing packets. Above it, whole connections are left out, bulk first, \
            then handshakes, never a reset. full sets no limit.
            """),
        ConfigurationOption(
            "capture.shed", \.shedding, .oneOf,
            """
            Fixed sampling: process one connection of this many, whatever the load. For very small machines and for \
            tests.
            """),
        ConfigurationOption(
            "capture.hash_key", \.hashKeyFile, .path,
            """
            A file with 32 hexadecimal digits: the secret of the hash that decides which connections are left out first. Agents that \
            share it keep the same connections. Without it the agent makes one in history.directory.
            """),
        ConfigurationOption(
            "capture.privileges", \.privileges, .choice,
            """
            The agent's capabilities after attaching. auto: keep none, or those needed for interfaces that may appear \
            later (a pattern, a missing name); keep: keep all; drop: keep none, even if an interface that appears \
            later is then not watched.
            """),
        ConfigurationOption(
            "memory.hosts", \.maxHosts, .number(8...1 << 26),
            "Maximum number of hosts in memory. Hosts that never proved to be alive are evicted first."),
        ConfigurationOption(
            "memory.flows", \.maxFlows, .number(8...1 << 26),
            "Maximum number of flows in memory. Closed flows are evicted first."),
        ConfigurationOption(
            "http.listen", \.listen, .listen,
            """
            Address of metrics, API and page: ADDRESS:PORT, the path of a Unix socket, or off. They show who talks to \
            whom; restrict access.
            """),
        ConfigurationOption(
            "http.names", \.httpNames, .texts("host names"), "Additional names that requests may use as Host."),
        ConfigurationOption(
            "evidence.directory", \.evidence, .evidenceLocation,
            """
            Directory for the packets behind the newest problems, as ID.pcapng. auto: evidence in history.directory, \
            or none without one; off: none. Headers only, kept for history.days.
            """),
        ConfigurationOption(
            "evidence.files", \.evidenceFiles, .number(1...10_000), "Maximum number of evidence files."),
        ConfigurationOption(
            "evidence.memory", \.evidenceBytes, .bytes(0...1 << 30),
            "Memory for packets that may become evidence: recent handshakes, resets, ICMP. 0 keeps none."),
        ConfigurationOption(
            "history.directory", \.stateDirectory, .stateDirectory,
            """
            State directory, which keeps findings and baselines across restarts. auto: the service's \
            (/var/lib/rstwho), and none for a watch started by a person. See docs/privacy.md.
            """),
        ConfigurationOption(
            "history.days", \.historyDays, .number(HistoryOptions.dayLimits),
            "Days to keep findings with their evidence, devices, hosts and paths."),
        ConfigurationOption(
            "history.max_size", \.historyBytes, .bytes(HistoryOptions.byteLimits),
            "Maximum size of the history's file; the oldest findings are deleted beyond it."),
        ConfigurationOption("output.format", \.format, .choice, "Format of findings on standard output."),
        ConfigurationOption(
            "output.group", \.isGrouped, .flag, "Collapse repeats within ten seconds into one finding with a count."),
        ConfigurationOption(
            "output.addresses", \.addresses, .choice,
            """
            Form of addresses there: full, truncated (/24, /48) or pseudonyms (consistent while the agent runs). \
            Served and stored data always has full addresses.
            """),
        ConfigurationOption(
            "export.target", \.export.target, .exportTarget,
            """
            Where findings go besides standard output, for a collector of logs: udp://HOST:PORT, tcp://HOST:PORT, \
            unix:PATH (such as unix:/dev/log), file:PATH, journal, or off.
            """),
        ConfigurationOption(
            "export.format", \.export.format, .choice,
            """
            Their form: syslog (RFC 5424, structured data, JSON as message), ecs (Elastic Common Schema, JSON lines) or \
            cef. The journal has fields of its own.
            """),
        ConfigurationOption(
            "export.facility", \.export.facility, .choice, "Facility of syslog messages."),
        ConfigurationOption(
            "export.problems_only", \.export.isProblemsOnly, .flag,
            "Export only what somebody has to look into: problem in the JSON of findings."),
        ConfigurationOption(
            "export.addresses", \.export.addresses, .choice,
            "Form of addresses there: full, truncated (/24, /48) or pseudonyms (consistent while the agent runs)."),
        ConfigurationOption(
            "export.queue", \.export.queue, .number(1...1_000_000),
            "Findings that wait for the target at most. Beyond it they are counted (rstwho_export_dropped_total) and gone."
        ),
        ConfigurationOption(
            "fleet.directory", \.fleet.location, .fleetLocation,
            """
            Where records for the fleet wait to be sent: a directory, auto for fleet below the state directory, or off. The \
            agent only writes them; rstwho ship or another program sends and deletes them.
            """),
        ConfigurationOption(
            "fleet.name", \.fleet.name, .name,
            "The agent's name in the fleet, unique in its realm; \"\" for the host's name."),
        ConfigurationOption("fleet.site", \.fleet.site, .name, "The place or group of the agent."),
        ConfigurationOption(
            "fleet.realm", \.fleet.realm, .name,
            "The address space (tenant, VRF): records of different realms are never joined."),
        ConfigurationOption(
            "fleet.findings", \.fleet.findings, .choice,
            """
            Findings that are reported: problems (what somebody has to look into), felt (those, and resets of connections \
            that were not closing) or all. At most 100 a second.
            """),
        ConfigurationOption(
            "fleet.sample", \.fleet.sampledShare, .share,
            """
            Part of the connections whose handshakes and resets are reported, those with the lowest keyed hashes: the same \
            at all agents with one capture.hash_key. auto aims at 20 packets a second.
            """),
        ConfigurationOption(
            "fleet.interval", \.fleet.interval, .number(1...3600), "Seconds after which a batch of records is closed."),
        ConfigurationOption(
            "fleet.spool_size", \.fleet.spoolBytes, .bytes(1 << 20...1 << 40),
            "Bytes of batches that wait at most. Beyond it sightings give way first and findings last, and are counted."
        ),
        ConfigurationOption(
            "fleet.spool_age", \.fleet.spoolHours, .number(1...8760),
            "Hours after which a batch that nobody sent is given up."),
        ConfigurationOption(
            "log.level", \.logLevel, .choice, reloads: true,
            """
            Minimum priority of messages on standard error or in the journal: info includes the steps of the start \
            and all changes; debug adds the messages of libraries.
            """),
    ]
}
