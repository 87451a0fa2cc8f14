// SPDX-License-Identifier: Apache-2.0
// The page of an agent: what it found, live, from its own API. Everything that comes from packets is put in as text, never as markup.
"use strict";

const hour = 3600e3;
const minute = 60e3;
/** Findings that are kept here; the agent has more. */
const kept = 5000;
const shownAtOnce = 50;

/** By id, so that a revision replaces what it revises. */
const findings = new Map();
let shown = shownAtOnce;
let origins = [];

const byId = id => document.getElementById(id);

function element(name, attributes, ...children) {
  const made = name === "svg" || svgNames.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}
const svgNames = new Set(["rect", "line", "text", "title", "g"]);

function replace(id, ...children) { byId(id).replaceChildren(...children); }

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const number = new Intl.NumberFormat();
function time(text) {
  if (!text) return "";
  const at = new Date(text);
  return Date.now() - at < 12 * hour ? clock.format(at) : day.format(at);
}

// MARK: What a finding is

/** How it is coloured: somebody else's reset, the host's own, not known, or a matter of the path. */
function kindOf(finding) {
  if (finding.kind !== "reset") return "path";
  if (finding.sender === "middlebox" || finding.sender === "this_machine") return "foreign";
  return finding.sender === "undetermined" ? "unknown" : "host";
}
const kinds = [["foreign", "a device, or this machine"], ["host", "the host itself"], ["unknown", "not known"], ["path", "no reset"]];
/** Whether somebody has to look at it: the agent's own rule. */
const isProblem = finding => finding.problem;
const whenOf = finding => finding.time ? Date.parse(finding.time) : 0;

function label(finding) {
  if (finding.icmp) return `icmp error, ${finding.icmp.reason.replaceAll("_", " ")}`;
  if (finding.kind !== "reset") return (finding.cause || finding.kind).replaceAll("_", " ");
  const hop = finding.sender === "middlebox" && finding.hop !== undefined ? ` at hop ${finding.hop}` : "";
  const cause = finding.cause === "unknown" ? "" : `, ${finding.cause.replaceAll("_", " ")}`;
  const sender = finding.sender === "middlebox" ? "device" : finding.sender.replaceAll("_", " ");
  return (finding.device || sender) + hop + cause;
}
function end(address, port) { return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`; }
function tuple(finding) { return `${end(finding.src, finding.src_port)} → ${end(finding.dst, finding.dst_port)}`; }
/** What the operator calls an address, with the address behind; and what stands at a hop. */
function called(finding, address) {
  const place = (finding.names || []).find(place => place.address === address);
  return place ? `${place.name} (${address})` : address;
}
function atHop(finding, hop) {
  const place = (finding.names || []).find(place => place.hop === hop);
  return place ? place.name : "";
}

// MARK: The parts of the page

function keep(finding) {
  const earlier = findings.get(finding.id);
  if (earlier && earlier.revision > finding.revision) return;
  findings.set(finding.id, finding);
  if (findings.size > kept) findings.delete(findings.keys().next().value);
}

function sorted() { return [...findings.values()].sort((a, b) => whenOf(b) - whenOf(a)); }

function drawAnswer(all) {
  const since = Date.now() - hour;
  const recent = all.filter(finding => isProblem(finding) && whenOf(finding) >= since);
  // Which device does most now; what it did in the days before is in the table.
  const resets = new Map();
  for (const finding of recent) if (finding.origin) resets.set(finding.origin, (resets.get(finding.origin) || 0) + finding.count);
  const device = origins.filter(origin => !origin.expected && (!origin.last_seen || Date.parse(origin.last_seen) >= since))
    .sort((a, b) => (resets.get(b.id) || 0) - (resets.get(a.id) || 0) || b.resets - a.resets)[0];
  const answer = byId("answer");
  if (device) {
    const who = device.sender === "this_machine" ? "This machine" : `${device.name || "A device"} at hop ${device.hop}` + (device.address ? ` (${device.address})` : "");
    const ports = device.ports.slice(0, 4).map(port => `tcp/${port}`).join(", ") + (device.ports.length > 4 ? " …" : "");
    const whom = device.hosts.length === 1 ? device.hosts[0] : `${device.hosts.length} hosts`;
    answer.textContent = `${who} resets ${ports} of ${whom} since ${time(device.first_seen)}.`;
    answer.className = "foreign";
  } else if (recent.length) {
    answer.textContent = recent[0].summary;
    answer.className = kindOf(recent[0]);
  } else {
    const count = all.filter(finding => finding.kind === "reset" && whenOf(finding) >= since).reduce((sum, finding) => sum + finding.count, 0);
    answer.textContent = count === 0
      ? "No resets in the last hour."
      : `Nobody else reset a connection in the last hour: of ${number.format(count)} resets all that are decided were the hosts' own.`;
    answer.className = "";
  }
  const newest = recent.find(finding => device && finding.origin === device.id) || recent[0];
  byId("advice").textContent = newest && newest.advice ? `› ${newest.advice}` : "";
  const way = device && recent.find(finding => finding.kind === "path");
  byId("also").textContent = way ? `Also: ${way.summary}` : "";
  byId("also").hidden = !way;
}

function drawHour(all) {
  const now = Math.floor(Date.now() / minute);
  const bars = Array.from({ length: 60 }, () => ({}));
  for (const finding of all) {
    const place = 59 - (now - Math.floor(whenOf(finding) / minute));
    if (place < 0 || place > 59 || finding.kind !== "reset") continue;
    const kind = kindOf(finding);
    bars[place][kind] = (bars[place][kind] || 0) + finding.count;
  }
  const most = Math.max(1, ...bars.map(bar => Object.values(bar).reduce((a, b) => a + b, 0)));
  // Drawn at its own size, so that what is written stays readable on a narrow screen.
  const [width, height, left, bottom] = [Math.max(280, byId("hour").clientWidth || 720), 160, 44, 18];
  const step = (width - left) / 60;
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Resets in each of the last 60 minutes, at most ${most} in one` });
  svg.append(
    element("line", { class: "axis", x1: left, x2: width, y1: height - bottom, y2: height - bottom }),
    element("text", { x: 0, y: 12 }, number.format(most)), element("text", { x: 0, y: height - bottom }, "0"));
  for (const [ago, text] of [[60, "60 min ago"], [30, "30 min ago"], [0, "now"]]) {
    svg.append(element("text", { x: left + (60 - ago) * step, y: height - 4, "text-anchor": ago === 60 ? "start" : ago ? "middle" : "end" }, text));
  }
  bars.forEach((bar, place) => {
    let top = height - bottom;
    for (const [kind, text] of kinds) {
      if (!bar[kind]) continue;
      const size = Math.max(2, bar[kind] / most * (height - bottom - 6));
      top -= size;
      svg.append(element("rect", { class: kind, x: left + place * step + 1, y: top, width: step - 2, height: size },
        element("title", {}, `${bar[kind]} by ${text}, ${59 - place} min ago`)));
    }
  });
  replace("hour", svg);
  replace("hour-legend", element("div", { class: "legend" },
    ...kinds.slice(0, 3).map(([kind, text]) => element("span", {}, element("i", { class: kind }), text))));
}

function table(heads, rows) {
  return element("div", { class: "wide" }, element("table", {},
    element("thead", {}, element("tr", {}, ...heads.map(head => element("th", head.number ? { class: "number" } : {}, head.text || head)))),
    element("tbody", {}, ...rows.map(cells => element("tr", {},
      ...cells.map((cell, index) => element("td", heads[index].number ? { class: "number" } : {}, cell)))))));
}

function list(values, most = 6) {
  return values.slice(0, most).join(", ") + (values.length > most ? ` and ${values.length - most} more` : "");
}

function drawOrigins() {
  if (!origins.length) return replace("origins", element("p", { class: "empty" }, "None was seen."));
  const heads = ["Device", "Resets for", "Ports", { text: "Resets", number: true }, "Causes", "Since", "Last"];
  replace("origins", table(heads, origins.map(origin => [
    `${origin.id}: ` + (origin.sender === "this_machine" ? "this machine" : `${origin.name ? `${origin.name}, ` : ""}hop ${origin.hop}`) + (origin.address ? ` (${origin.address})` : "")
      + (origin.owner ? `, owner ${origin.owner}` : "") + (origin.expected ? ", expected" : "")
      + (origin.idle_timer_seconds ? `, drops after ${Math.round(origin.idle_timer_seconds)} s of silence` : ""),
    list(origin.hosts), list(origin.ports.map(port => `tcp/${port}`)), number.format(origin.resets),
    origin.causes.join(", ").replaceAll("_", " "), time(origin.first_seen), time(origin.last_seen)])));
}

/** The way from here to the host, as far as a reset tells it. */
function drawn(finding) {
  if (finding.kind !== "reset" || finding.hop === undefined) return null;
  const isForeign = kindOf(finding) === "foreign";
  const farthest = Math.max(finding.hop, finding.host_hop || 0);
  if (farthest < 1 || farthest > 32) return null;
  const stops = [element("span", {}, "you")];
  let skipped = 0;
  for (let hop = 1; hop <= farthest; hop += 1) {
    const isHost = hop === finding.host_hop || (finding.host_hop === undefined && hop === farthest && !isForeign);
    const isSender = hop === finding.hop;
    if (!isHost && !isSender && !atHop(finding, hop)) { skipped += 1; continue; }
    if (skipped) stops.push(element("i", {}), element("span", { class: "quiet" }, skipped === 1 ? "a router" : `${skipped} routers`));
    skipped = 0;
    const sent = isSender && finding.sender !== "undetermined" ? " sent the RST" : isSender ? " where the RST's TTL points" : "";
    const device = finding.device ? `, ${finding.device}` : "";
    const text = isForeign && isSender && !isHost ? `hop ${hop}:${sent}${device}`
      : isHost || isSender ? `${called(finding, finding.src)} (hop ${hop})${isForeign && !isSender ? "" : sent}` : atHop(finding, hop);
    stops.push(element("i", {}), element("span", isSender && isForeign ? { class: "marked" } : {}, text));
  }
  return element("div", { class: "drawn", role: "img", "aria-label": "The path to the host" }, ...stops);
}

/** How often packets of the host came with each TTL, and the reset's. */
function drawTTLs(finding, host) {
  if (!host || !host.ttls || !host.ttls.length || finding.ttl === undefined) return null;
  const bars = host.ttls.slice().sort((a, b) => a.ttl - b.ttl);
  if (!bars.some(bar => bar.ttl === finding.ttl)) bars.push({ ttl: finding.ttl, packets: 0 });
  bars.sort((a, b) => a.ttl - b.ttl);
  const most = Math.max(...bars.map(bar => bar.packets), 1);
  const [row, left, width] = [20, 90, 420];
  const svg = element("svg", { viewBox: `0 0 ${width} ${bars.length * row + 4}`, role: "img", "aria-label": `TTLs of the host's packets; the reset's is ${finding.ttl}` });
  bars.forEach((bar, index) => {
    const isReset = bar.ttl === finding.ttl;
    svg.append(
      element("text", { x: 0, y: index * row + 14 }, `TTL ${bar.ttl}`),
      element("rect", { class: isReset && kindOf(finding) === "foreign" ? "foreign" : "host", x: left, y: index * row + 3, width: Math.max(bar.packets ? 3 : 0, bar.packets / most * (width - left - 130)), height: row - 6 }),
      element("text", { x: left + bar.packets / most * (width - left - 130) + 8, y: index * row + 14 },
        [bar.packets === 1 ? "1 packet" : bar.packets ? `${number.format(bar.packets)} packets` : "", isReset ? "the reset" : ""].filter(Boolean).join(" and ")));
  });
  return element("div", { class: "ttls" }, element("p", { class: "quiet" }, `TTLs that packets of ${finding.src} arrive with:`), svg);
}

function story(finding) {
  const box = element("div", { class: "story" });
  box.append(drawn(finding) || "", element("p", {}, finding.summary));
  if (finding.advice) box.append(element("p", { class: "next" }, `› ${finding.advice}`));
  if (finding.evidence && finding.evidence.length) {
    box.append(element("ul", {}, ...finding.evidence.map(piece => element("li", {},
      `${piece.text}${piece.observed ? ` (${piece.observed}${piece.expected ? `; expected ${piece.expected}` : ""})` : ""} `,
      element("span", { class: "quiet" }, piece.weight > 0 ? `against the host, ${piece.weight}` : piece.weight < 0 ? `for the host, ${-piece.weight}` : "note")))));
  }
  const facts = [["id", finding.id], ["confidence", finding.confidence], ["stage", finding.stage], ["signature", finding.signature],
    ["interface", finding.vantage && finding.vantage.interface], ["next hop", finding.next_hop_mac], ["VLAN", finding.vlan], ["origin", finding.origin]];
  box.append(element("p", { class: "quiet" }, facts.filter(([, value]) => value !== undefined).map(([name, value]) => `${name} ${value}`).join(" · ")));
  return box;
}

/** The packets behind a finding, where the agent still has them. */
function offerPackets(finding, box) {
  const file = `api/v1/evidence/${encodeURIComponent(finding.id)}.pcapng`;
  fetch(file, { method: "HEAD" }).then(answer => {
    if (answer.ok) box.append(element("p", {}, element("a", { href: file, download: `rstwho-${finding.id}.pcapng` }, "Its packets, for Wireshark")));
  }).catch(() => {});
}

const open = new Set();
function entry(finding) {
  const count = finding.count > 1 ? ` × ${number.format(finding.count)}` : "";
  const details = element("details", { "data-id": finding.id },
    element("summary", {}, element("time", { datetime: finding.time || "" }, time(finding.time)),
      element("span", {}, element("b", { class: kindOf(finding) }, label(finding) + count), ` ${tuple(finding)}`)));
  const fill = () => {
    const box = story(finding);
    details.append(box);
    offerPackets(finding, box);
    if (finding.kind !== "reset") return;
    get(`api/v1/hosts?address=${encodeURIComponent(finding.src)}`)
      .then(answer => { const bars = drawTTLs(finding, answer.items[0]); if (bars) box.append(bars); }).catch(() => {});
  };
  if (open.has(finding.id)) { details.open = true; fill(); }
  details.addEventListener("toggle", () => {
    if (details.open) open.add(finding.id); else open.delete(finding.id);
    if (details.open && details.children.length === 1) fill();
  });
  return details;
}

function wanted(finding) {
  const address = byId("address").value.trim().toLowerCase();
  if (byId("problems").checked && !isProblem(finding)) return false;
  return !address || [finding.src, finding.dst].some(end => end.toLowerCase() === address || (address.endsWith(".") || address.endsWith(":")) && end.toLowerCase().startsWith(address));
}

function drawFindings(all) {
  const some = all.filter(wanted);
  // What somebody reads does not move away under the eyes: only what changed is made anew.
  const holder = byId("findings");
  const before = new Map([...holder.children].map(child => [child.dataset.id + child.dataset.revision, child]));
  const entries = some.slice(0, shown).map(finding => {
    const key = finding.id + finding.revision;
    const made = before.get(key) || entry(finding);
    made.dataset.revision = finding.revision;
    return made;
  });
  if (!entries.length) entries.push(element("p", { class: "empty" }, findings.size ? "Nothing fits." : "Nothing was found yet."));
  holder.replaceChildren(...entries);
  byId("more").hidden = some.length <= shown;
}

const hooks = { tc: "at TC, which disturbs nothing", xdp: "by native XDP", "xdp-generic": "by generic XDP" };

function drawHealth(health, ledger, coverage, shed) {
  const total = ledger.total;
  const lost = Object.values(total.lost).flatMap(reasons => Object.values(reasons)).reduce((a, b) => a + b, 0);
  const resets = Object.values(total.lost.reset || {}).reduce((a, b) => a + b, 0);
  const low = coverage.filter(([, ratio]) => ratio < 0.9);
  const parts = [];
  if (resets) parts.push(`${number.format(resets)} resets were lost: an answer may be missing.`);
  else if (lost) parts.push(`${number.format(lost)} packets were lost, but no reset.`);
  else parts.push(`Nothing was lost of ${number.format(total.seen)} packets.`);
  const share = (ledger.kept_share || {}).bulk ?? 1;
  if (share < 1) parts.push(`Under load: ${number.format(share * 100)} % of the connections are recorded. Every reset is still seen, most without its connection.`);
  for (const [name, ratio] of low) parts.push(`On ${name} only ${Math.round(ratio * 100)} % of what arrives is seen.`);
  for (const [name, ratio] of shed) parts.push(`Under load ${Math.round(ratio * 100)} % of ${name} is left out, by whole connections; resets never are.`);
  const ways = [...new Set(health.interfaces.map(one => hooks[one.hook] || one.hook))];
  if (ways.length) parts.push(`Captured ${ways.join(" and ")}${shed.length ? "" : ", in full"}.`);
  if (!ledger.balanced) parts.push("Counting is under way.");
  byId("health").textContent = parts.join(" ");
  byId("health").className = resets || low.length ? "foreign" : "";
  const heads = ["Interface", "Way", { text: "Seen", number: true }, { text: "Recorded", number: true }, { text: "Forwarded, seen before", number: true }, { text: "Refused", number: true }, { text: "Left out", number: true }, { text: "Lost", number: true }];
  const sum = value => typeof value === "number" ? value : Object.values(value).reduce((all, one) => all + sum(one), 0);
  replace("ledger", table(heads, ledger.items.map(row => [row.interface, row.direction,
    ...[row.seen, row.recorded, row.skipped, row.refused, row.shed, row.lost].map(value => number.format(sum(value)))])));
  byId("where").textContent = `${health.interfaces.map(one => `${one.name} (${one.hook})`).join(", ")} · version ${health.version}`;
}

// MARK: Asking the agent

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok && body.detail) throw new Error(body.detail);
  return body;
}

function say(text, kind) {
  byId("live").textContent = text;
  byId("live").className = `state ${kind || ""}`;
}

let isDrawing = false;
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    const all = sorted();
    drawAnswer(all);
    drawHour(all);
    drawOrigins();
    drawFindings(all);
  });
}

async function refresh() {
  try {
    const [health, ledger, devices, metrics] = await Promise.all([
      get("healthz"), get("api/v1/ledger"), get("api/v1/origins"), fetch("metrics").then(answer => answer.text())]);
    const coverage = [...metrics.matchAll(/^rstwho_interface_coverage_ratio\{interface="([^"]*)"\} (\S+)$/gm)].map(found => [found[1], Number(found[2])]);
    const shed = [...metrics.matchAll(/^rstwho_shed_ratio\{class="([^"]*)"\} (\S+)$/gm)].map(found => [found[1], Number(found[2])]).filter(([, ratio]) => ratio > 0);
    origins = devices.items;
    drawHealth(health, ledger, coverage, shed);
    draw();
  } catch (problem) {
    say(`no answer: ${problem.message}`, "foreign");
  }
}

/** The newest findings of the last hour, a page at a time. */
async function load() {
  let before = "";
  for (let page = 0; page < 5; page += 1) {
    const answer = await get(`api/v1/findings?limit=1000${before}`);
    answer.items.reverse().forEach(keep);
    const oldest = answer.items[0];
    if (!answer.next || !oldest || whenOf(oldest) < Date.now() - hour) break;
    before = `&before=${answer.next}`;
  }
}

function follow() {
  const last = sorted()[0];
  const stream = new EventSource(`api/v1/stream${last ? `?since=${last.id}` : ""}`);
  stream.onopen = () => say("live", "host");
  stream.onerror = () => say(stream.readyState === EventSource.CLOSED ? "the capture has ended" : "connecting again", "unknown");
  stream.addEventListener("finding", event => { keep(JSON.parse(event.data)); draw(); });
}

async function showHost(address) {
  const line = byId("host");
  line.hidden = true;
  if (!/^[0-9a-fA-F.:]+$/.test(address)) return;
  // What is older than what the page has loaded.
  get(`api/v1/findings?limit=200&address=${encodeURIComponent(address)}`)
    .then(answer => { answer.items.reverse().forEach(keep); draw(); }).catch(() => {});
  const answer = await get(`api/v1/hosts?address=${encodeURIComponent(address)}`).catch(() => null);
  const host = answer && answer.items[0];
  if (!host) return;
  const samples = Object.entries(host.samples).filter(([, count]) => count).map(([name, count]) => `${number.format(count)} ${name}`).join(", ");
  line.textContent = `${host.name ? `${host.name} (${host.address})` : host.address}: ` + (host.local ? "this machine" : host.hop === undefined ? "distance not known" : `at hop ${host.hop} (TTL ${host.ttl})`)
    + (host.shared ? ", several machines or paths behind one address" : "") + `; packets: ${samples || "none that prove that it lives"}; last seen ${time(host.last_seen)}.`;
  line.hidden = false;
}

byId("search").addEventListener("submit", event => { event.preventDefault(); shown = shownAtOnce; showHost(byId("address").value.trim()); draw(); });
byId("address").addEventListener("input", () => { shown = shownAtOnce; draw(); });
byId("problems").addEventListener("change", draw);
byId("more").addEventListener("click", () => { shown += shownAtOnce; draw(); });
addEventListener("resize", draw);
document.addEventListener("keydown", event => {
  if (event.key === "/" && document.activeElement !== byId("address")) { event.preventDefault(); byId("address").focus(); }
});

load().catch(problem => say(`no answer: ${problem.message}`, "foreign")).then(() => { draw(); follow(); refresh(); });
setInterval(refresh, 5000);
setInterval(draw, 30000);
