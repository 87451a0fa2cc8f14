CREATE TABLE facts (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "facts" VALUES('format','1');
INSERT INTO "facts" VALUES('machine','0000000000000010');
INSERT INTO "facts" VALUES('written_at','1796104093346931456');
CREATE TABLE findings (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    src BLOB NOT NULL,
    src_port INTEGER NOT NULL,
    dst BLOB NOT NULL,
    dst_port INTEGER NOT NULL,
    sender TEXT,
    cause TEXT,
    stage TEXT,
    interface TEXT,
    origin TEXT,
    line TEXT NOT NULL
);
INSERT INTO "findings" VALUES(1,'01M8R2AWK297Z9VZYRAXPDT478',0,1796104090210079993,'reset',X'00000000000000000000FFFF0A040002',22,X'00000000000000000000FFFF0A010001',37320,'middlebox','rejected','syn','eth0','o-1','{"kind":"reset","id":"01M8R2AWK297Z9VZYRAXPDT478","revision":0,"time":"2026-12-01T05:48:10.210079993Z","src":"10.4.0.2","src_port":22,"dst":"10.1.0.1","dst_port":37320,"service_port":22,"flags":"RA","ttl":63,"seq":0,"ack":652268260,"sender":"middlebox","hop":2,"host_hop":4,"confidence":0.982,"cause":"rejected","stage":"syn","signature":"syn_rst_ack","origin":"o-1","next_hop_mac":"ce:2c:f2:88:7e:6c","packet_key":"df21166752b9d8ab","count":1,"vantage":{"host":"vm","interface":"eth0","hook":"tc","direction":"in"},"evidence":[{"name":"ttl_host","weight":4.0,"observed":"63 (64-1)","expected":"61 (64-3), 4 samples","text":"the host''s own packets come from hop 4, the reset from hop 2"}],"summary":"A device at the 2nd hop sent this reset, not 10.4.0.2, which is at the 4th hop (4 packets say so). A connect to tcp/22 was refused. Its policy rejects it. If it does not decrement the TTL, it stands just before that hop.","advice":"Ask whoever runs the device at hop 2 to check its policy for tcp/22."}');
INSERT INTO "findings" VALUES(2,'01M8R2AWK74H7VNTP2QDTNPDKJ',0,1796104090215654320,'reset',X'00000000000000000000FFFF0A040002',22,X'00000000000000000000FFFF0A010001',37336,'middlebox','rejected','syn','eth0','o-1','{"kind":"reset","id":"01M8R2AWK74H7VNTP2QDTNPDKJ","revision":0,"time":"2026-12-01T05:48:10.215654320Z","src":"10.4.0.2","src_port":22,"dst":"10.1.0.1","dst_port":37336,"service_port":22,"flags":"RA","ttl":63,"seq":0,"ack":1468130031,"sender":"middlebox","hop":2,"host_hop":4,"confidence":0.982,"cause":"rejected","stage":"syn","signature":"syn_rst_ack","origin":"o-1","next_hop_mac":"ce:2c:f2:88:7e:6c","packet_key":"a006b2372c6dbe94","count":1,"vantage":{"host":"vm","interface":"eth0","hook":"tc","direction":"in"},"evidence":[{"name":"ttl_host","weight":4.0,"observed":"63 (64-1)","expected":"61 (64-3), 4 samples","text":"the host''s own packets come from hop 4, the reset from hop 2"}],"summary":"A device at the 2nd hop sent this reset, not 10.4.0.2, which is at the 4th hop (4 packets say so). A connect to tcp/22 was refused. Its policy rejects it. If it does not decrement the TTL, it stands just before that hop.","advice":"Ask whoever runs the device at hop 2 to check its policy for tcp/22."}');
INSERT INTO "findings" VALUES(3,'01M8R2AWKM1WZAHN0JK8PPQAQ7',0,1796104090228526969,'reset',X'00000000000000000000FFFF0A040002',22,X'00000000000000000000FFFF0A010001',37338,'middlebox','rejected','syn','eth0','o-1','{"kind":"reset","id":"01M8R2AWKM1WZAHN0JK8PPQAQ7","revision":0,"time":"2026-12-01T05:48:10.228526969Z","src":"10.4.0.2","src_port":22,"dst":"10.1.0.1","dst_port":37338,"service_port":22,"flags":"RA","ttl":63,"seq":0,"ack":1621723537,"sender":"middlebox","hop":2,"host_hop":4,"confidence":0.982,"cause":"rejected","stage":"syn","signature":"syn_rst_ack","origin":"o-1","next_hop_mac":"ce:2c:f2:88:7e:6c","packet_key":"72387cd8f8232f21","count":1,"vantage":{"host":"vm","interface":"eth0","hook":"tc","direction":"in"},"evidence":[{"name":"ttl_host","weight":4.0,"observed":"63 (64-1)","expected":"61 (64-3), 4 samples","text":"the host''s own packets come from hop 4, the reset from hop 2"}],"summary":"A device at the 2nd hop sent this reset, not 10.4.0.2, which is at the 4th hop (4 packets say so). A connect to tcp/22 was refused. Its policy rejects it. If it does not decrement the TTL, it stands just before that hop.","advice":"Ask whoever runs the device at hop 2 to check its policy for tcp/22."}');
INSERT INTO "findings" VALUES(4,'01M8R2AWKWMYPSM080V5X50QCN',0,1796104090236422381,'reset',X'00000000000000000000FFFF0A040002',23,X'00000000000000000000FFFF0A010001',43576,'host','port_closed','syn','eth0',NULL,'{"kind":"reset","id":"01M8R2AWKWMYPSM080V5X50QCN","revision":0,"time":"2026-12-01T05:48:10.236422381Z","src":"10.4.0.2","src_port":23,"dst":"10.1.0.1","dst_port":43576,"service_port":23,"flags":"RA","ttl":61,"seq":0,"ack":3781606743,"sender":"host","hop":4,"host_hop":4,"confidence":0.881,"cause":"port_closed","stage":"syn","signature":"syn_rst_ack","next_hop_mac":"ce:2c:f2:88:7e:6c","packet_key":"842f21c5cee512f0","count":1,"vantage":{"host":"vm","interface":"eth0","hook":"tc","direction":"in"},"evidence":[{"name":"ttl_host","weight":-2.0,"observed":"61 (64-3)","expected":"61 (64-3), 4 samples","text":"the reset came as far as the host''s own echo replies"}],"summary":"10.4.0.2, at the 4th hop, itself sent this reset. A connect to tcp/23 was refused. Nothing listens there, or its own packet filter refuses it. Only its distance says so, which one host in ten shares.","advice":"Check that the service on 10.4.0.2 runs and listens on tcp/23; its own packet filter can answer in the same way."}');
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO "grdb_migrations" VALUES('1');
INSERT INTO "grdb_migrations" VALUES('2');
CREATE TABLE hosts (
    address BLOB NOT NULL,
    domain INTEGER NOT NULL,
    is_local INTEGER NOT NULL,
    keeps_dscp INTEGER NOT NULL,
    uses_flow_labels INTEGER NOT NULL,
    newest_ttl INTEGER NOT NULL,
    newest_run INTEGER NOT NULL,
    faded_at INTEGER NOT NULL,
    interfaces TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    fingerprints BLOB NOT NULL,
    PRIMARY KEY (address, domain)
) WITHOUT ROWID;
INSERT INTO "hosts" VALUES(X'00000000000000000000FFFF0A040002',0,0,0,0,61,4,1672752284,'eth0',1796104089577426807,1796104090200898621,X'00003D040000000000000000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE origins (
    id TEXT PRIMARY KEY NOT NULL,
    last_seen INTEGER NOT NULL,
    key TEXT NOT NULL,
    line TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "origins" VALUES('o-1',1796104090228526969,'{"hop":2,"isThisMachine":false,"interface":"eth0","hasWindow":false,"dontFragment":true,"nextHopMAC":"ce:2c:f2:88:7e:6c","isNumbered":false,"initialTTL":64}','{"id":"o-1","sender":"middlebox","hop":2,"initial_ttl":64,"interface":"eth0","next_hop_mac":"ce:2c:f2:88:7e:6c","numbering":"none","window":false,"resets":3,"first_seen":"2026-12-01T05:48:10.210079993Z","last_seen":"2026-12-01T05:48:10.228526969Z","causes":["rejected"],"hosts":["10.4.0.2"],"ports":[22]}');
CREATE TABLE paths (
    network BLOB NOT NULL,
    length INTEGER NOT NULL,
    server BLOB NOT NULL,
    last_seen INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (network, length, server)
) WITHOUT ROWID;
INSERT INTO "paths" VALUES(X'00000000000000000000FFFF0A010000',24,X'00000000000000000000FFFF0A040002',1796104090236362091,'{"clients":"10.1.0.0/24","server":"10.4.0.2","ways":"unknown","there":{"interface":"eth0","direction":"out","from_mac":"36:fb:63:e1:1b:3a","to_mac":"ce:2c:f2:88:7e:6c","connections":4},"connections":4,"worked":0,"retransmissions":0,"first_seen":"2026-12-01T05:48:10.210037509Z","last_seen":"2026-12-01T05:48:10.236362091Z"}');
CREATE INDEX findings_time ON findings (time);
CREATE INDEX findings_src ON findings (src);
CREATE INDEX findings_dst ON findings (dst);
CREATE INDEX hosts_last_seen ON hosts (last_seen);
CREATE INDEX paths_last_seen ON paths (last_seen);
