# SPDX-License-Identifier: Apache-2.0
"""Reads an agent's page as a person would, while connects are refused. Called by Tests/Deploy/page.

    page.py SCRATCH PICTURES SERVER
"""
import subprocess
import sys

from browser import Browser

scratch, pictures, server = sys.argv[1:]
counts = {True: 0, False: 0}


def check(name, is_right, what=""):
    counts[bool(is_right)] += 1
    if not is_right:
        print(f"failed: {name} {what}")


def connect(port):
    subprocess.run(["nc", "-n", "-z", "-w", "3", server, str(port)], stderr=subprocess.DEVNULL, check=False)


browser = Browser(scratch)
try:
    browser.open("http://127.0.0.1:9742/")
    check("it says that nothing has happened", browser.shows("No resets in the last hour."), browser.text())
    check("it is live", browser.shows("live"))
    check("it accuses nobody", "A device at hop" not in browser.text())

    # What comes now comes by the stream: the page is not loaded again.
    subprocess.run(["ping", "-n", "-c", "4", "-i", "0.2", "-W", "3", server], stdout=subprocess.DEVNULL, check=False)
    for _ in range(3):
        connect(22)
    connect(23)
    check("the answer stands on top", browser.shows(f"A device at hop 2 resets tcp/22 of {server} since", 20), browser.text())
    check("what to do next", browser.shows("› Ask whoever runs the device at hop 2 to check its rules for tcp/22."))
    check("the finding", browser.shows("device at hop 2, rejected"))
    check("the host's own reset beside it", browser.shows("host, port closed"))
    check("the plot has bars of both kinds", browser.run(
        "return ['foreign', 'host'].every(kind => document.querySelector('#hour rect.' + kind))"))
    check("the plot is described in words", "in one" in browser.run(
        "return document.querySelector('#hour svg').getAttribute('aria-label')"))
    check("the health of the capture", browser.shows("Nothing was lost of"))
    check("the origins", browser.shows("o-1: hop 2"))

    # The keyboard alone: to the search field, an address, down to a finding.
    browser.keys("/" + server)
    check("/ goes to the search field", browser.run("return document.getElementById('address').value") == server)
    browser.keys("\ue007")
    check("what is known of the host", browser.shows(f"{server}: at hop 4 (TTL 61)"))
    check("the findings of the address stay", "device at hop 2, rejected" in browser.text())
    # What the search has found may still take the place of what stood there, and the focus with it.
    for _ in range(5):
        browser.run("document.querySelectorAll('#findings summary')[1].focus()")
        browser.keys("\ue007")
        if browser.becomes("return document.querySelectorAll('#findings details')[1].open", True, 3):
            break
    check("a finding opens with its evidence", browser.shows("63 (64-1); expected 61 (64-3), 4 samples"), browser.text())
    check("with the drawn path", browser.shows("hop 2: sent the RST"))
    check("and the host's TTLs against the reset's", browser.becomes(
        "return [...document.querySelectorAll('.ttls text')].map(text => text.textContent).join(';')",
        "TTL 61;4 packets;TTL 63;the reset"))
    check("its packets are there for Wireshark", browser.becomes(
        "const link = document.querySelector('#findings a[download]'); return link ? link.textContent : ''",
        "Its packets, for Wireshark"))
    check("and are a capture file", browser.becomes(
        "if (!window.asked) { window.asked = true; window.magic = '';"
        " fetch(document.querySelector('#findings a[download]').href).then(answer => answer.arrayBuffer())"
        ".then(bytes => { window.magic = [...new Uint8Array(bytes.slice(0, 4))].join(' '); }); }"
        "return window.magic", "10 13 13 10"))
    check("the mode of the capture", browser.shows("Captured at TC, which disturbs nothing, in full."))
    browser.run("document.getElementById('address').value = '203.0.113.9'")
    browser.run("document.getElementById('address').dispatchEvent(new Event('input'))")
    check("an address that nothing is known of", browser.shows("Nothing fits."))
    check("what an address field holds becomes no markup", browser.run(
        "const field = document.getElementById('address'); field.value = '<img src=x onerror=window.bad=1>';"
        "field.form.requestSubmit(); return window.bad === undefined"))
    browser.run("document.getElementById('address').value = ''; document.getElementById('address').dispatchEvent(new Event('input'))")

    # What else somebody has to look into stands on top as well, and what is expected does not.
    hang = ("const hang = {kind: 'path', id: 'HANG', revision: 0, cause: 'no_answer', problem: true, time: new Date().toISOString(), count: 1, "
            "src: '10.1.0.1', src_port: 40000, dst: '10.4.0.2', dst_port: 80, summary: 'A connection hangs.', advice: 'Look.'};"
            "keep(hang); draw();")
    browser.run(hang)
    check("a connection that hangs is told beside the device", browser.shows("Also: A connection hangs."))
    browser.run("origins.forEach(origin => { origin.expected = true; }); draw()")
    check("an expected device leaves the place to it", browser.becomes(
        "return document.getElementById('answer').textContent", "A connection hangs."))
    browser.run("findings.delete('HANG'); origins.forEach(origin => { delete origin.expected; }); draw()")

    grounds = set()
    for name, width, height, scheme in (("light", 1200, 1500, "light"), ("dark", 1200, 1500, "dark"), ("narrow", 400, 1500, "light")):
        browser.size(width, height)
        browser.scheme(scheme)
        browser.run("scrollTo(0, 0)")
        check(f"nothing is cut off, {name}", browser.run("return document.documentElement.scrollWidth <= innerWidth"))
        grounds.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
        browser.picture(f"{pictures}/{name}.png")
    check("dark is not light", len(grounds) == 2, grounds)
    errors = browser.errors()
    check("no error in its scripts, nothing refused by its policy", not errors, errors)
    check("it asked nobody else", browser.run(
        "return performance.getEntriesByType('resource').every(entry => entry.name.startsWith(location.origin))"))
finally:
    browser.close()

print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
sys.exit(counts[False] != 0)
