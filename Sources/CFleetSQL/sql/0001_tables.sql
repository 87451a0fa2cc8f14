-- SPDX-License-Identifier: Apache-2.0
-- The tables of the fleet's records; columns have the names of the records' members (docs/fleet.md).
--
-- Statements end in a line of ";;". In braces is what differs between servers, rendered by SchemaText:
--   {database}            the database's name
--   {ip}                  IPv6, or String where the server has no such type
--   {name}                a text with few different values: LowCardinality(String) where that needs no setting
--   {codec:C}             CODEC(C)
--   {index:N E T}         a skip index N on E of type T, as a further item of the columns' list
--   {engine:E,T}          engine E of table T, replicated if asked for
--   {ttl:D}               rows go after D days
--   {settings}            the table's settings
--
-- Rows that were sent twice are equal in all columns of the sorting key, and merges leave one of them. Questions do not
-- rely on that: they count each record once.
CREATE DATABASE IF NOT EXISTS {database}
;;
CREATE TABLE IF NOT EXISTS {database}.findings (
    schema UInt16,
    realm {name},
    agent {name},
    site {name},
    machine {name},
    at UInt64 {codec:Delta, ZSTD(1)},
    time DateTime MATERIALIZED toDateTime(intDiv(at, 1000000000)),
    id String {codec:ZSTD(1)},
    revision UInt32,
    kind {name},
    low {ip},
    high {ip},
    src {ip},
    dst {ip},
    src_port UInt16,
    dst_port UInt16,
    service_port UInt16,
    packet_key String {codec:ZSTD(1)},
    client_isn UInt32,
    sender {name},
    cause {name},
    stage {name},
    hop Int16 DEFAULT -1,
    host_hop Int16 DEFAULT -1,
    confidence Float32,
    origin {name},
    device {name},
    owner {name},
    expected UInt8,
    problem UInt8,
    interface {name},
    count UInt32 DEFAULT 1,
    clock_offset_us Int32 {codec:ZSTD(1)},
    line String {codec:ZSTD(3)}
    {index:by_packet packet_key bloom_filter(0.01)}
    {index:by_connection client_isn bloom_filter(0.01)}
) ENGINE = {engine:ReplacingMergeTree(revision),findings}
PARTITION BY toYYYYMMDD(time)
ORDER BY (realm, low, high, time, agent, id)
{ttl:30}
{settings}
;;
CREATE TABLE IF NOT EXISTS {database}.sightings (
    schema UInt16,
    realm {name},
    agent {name},
    site {name},
    machine {name},
    at UInt64 {codec:Delta, ZSTD(1)},
    time DateTime MATERIALIZED toDateTime(intDiv(at, 1000000000)),
    client_isn UInt32 {codec:ZSTD(1)},
    packet_key String {codec:ZSTD(1)},
    packet {name},
    why {name},
    low {ip},
    high {ip},
    low_port UInt16,
    high_port UInt16,
    from_low UInt8,
    from_client UInt8,
    ttl UInt8,
    hop Int16 DEFAULT -1,
    interface {name},
    direction {name},
    clock_offset_us Int32 {codec:ZSTD(1)}
    {index:by_packet packet_key bloom_filter(0.01)}
    {index:by_connection client_isn bloom_filter(0.01)}
) ENGINE = {engine:ReplacingMergeTree,sightings}
PARTITION BY toYYYYMMDD(time)
ORDER BY (realm, low, high, time, agent, at, packet_key, interface, direction)
{ttl:7}
{settings}
;;
CREATE TABLE IF NOT EXISTS {database}.agents (
    schema UInt16,
    realm {name},
    agent {name},
    site {name},
    machine {name},
    at UInt64 {codec:Delta, ZSTD(1)},
    time DateTime MATERIALIZED toDateTime(intDiv(at, 1000000000)),
    version {name},
    boot UInt64,
    complete UInt64 {codec:Delta, ZSTD(1)},
    last UInt8,
    hash_key UInt32,
    addresses Array(String),
    seen UInt64 {codec:Delta, ZSTD(1)},
    recorded UInt64 {codec:Delta, ZSTD(1)},
    shed UInt64 {codec:Delta, ZSTD(1)},
    refused UInt64 {codec:Delta, ZSTD(1)},
    lost UInt64 {codec:Delta, ZSTD(1)},
    lost_resets UInt64 {codec:Delta, ZSTD(1)},
    connections UInt64 {codec:Delta, ZSTD(1)},
    kept_share Float64 DEFAULT 1,
    sampled_share Float64,
    spool_bytes UInt64,
    spool_seconds UInt64,
    dropped_findings UInt64,
    dropped_sightings UInt64,
    dropped_agents UInt64,
    dropped_hosts UInt64,
    clock_offset_us Int32,
    clock_error_us Int32
) ENGINE = {engine:ReplacingMergeTree,agents}
PARTITION BY toYYYYMM(time)
ORDER BY (realm, agent, time, at, machine)
{ttl:90}
{settings}
;;
CREATE TABLE IF NOT EXISTS {database}.hosts (
    schema UInt16,
    realm {name},
    agent {name},
    site {name},
    machine {name},
    at UInt64 {codec:Delta, ZSTD(1)},
    time DateTime MATERIALIZED toDateTime(intDiv(at, 1000000000)),
    address {ip},
    hop Int16 DEFAULT -1,
    initial_ttl UInt8,
    ttl UInt8,
    packets UInt64,
    first_seen UInt64 {codec:ZSTD(1)},
    last_seen UInt64 {codec:ZSTD(1)}
) ENGINE = {engine:ReplacingMergeTree(at),hosts}
PARTITION BY toYYYYMM(time)
ORDER BY (realm, address, agent)
{ttl:30}
{settings}
;;
-- Each server's own, also where the others are replicated: the row of one says nothing about the tables of another.
CREATE TABLE IF NOT EXISTS {database}.migrations (
    version UInt16,
    name String,
    applied DateTime,
    program String
) ENGINE = MergeTree
ORDER BY version
