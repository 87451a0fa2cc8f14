-- SPDX-License-Identifier: Apache-2.0
-- Prefixes that were forgotten. Records of agents that were offline then arrive later: `rstwho fleet forget` deletes
-- theirs too, as long as they are older than `before`.
CREATE TABLE IF NOT EXISTS {database}.forgotten (
    realm String,
    prefix String,
    before UInt64,
    applied DateTime
) ENGINE = {engine:MergeTree,forgotten}
ORDER BY (realm, prefix, before)
