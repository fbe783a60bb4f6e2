"""Looks at the dashboard as a person would: with Chromium, the keyboard and a screen reader's tree. Prints what it found, a line for each
value: `services.0.4=none is ready`.

usage: browser.py URL FOLDER [WIDTHxHEIGHT]

Chromium is spoken with over its debugging pipe (file descriptors 3 and 4, messages that end with NUL). Screenshots go into FOLDER.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time

URL, FOLDER = sys.argv[1:3]
WIDTH, HEIGHT = (int(part) for part in (sys.argv[3] if len(sys.argv) > 3 else "1280x800").split("x"))
PATIENCE = 60


class Browser:
    def __init__(self):
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()
        # Children of Chromium may still write there when it has ended.
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

        def descriptors():
            # First out of the way, so that neither is overwritten.
            high = os.dup2(to_read, 60), os.dup2(from_write, 61)
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--force-device-scale-factor=1",
             f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.number = 0
        self.buffer = b""
        self.events = []
        self.session = None

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.from_read, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium has ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Accessibility", "Network"]:
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)

    def run(self, text):
        result = self.call("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", str(result)))
        return result["result"].get("value")

    def wait(self, text):
        end = time.monotonic() + PATIENCE
        while not self.run(text):
            if time.monotonic() > end:
                raise RuntimeError(f"not within {PATIENCE} s: {text}; {self.run('document.body.innerText')[:500]}")
            time.sleep(0.05)

    def key(self, name, text=""):
        codes = {"Enter": 13, "ArrowDown": 40, "ArrowRight": 39, "End": 35, "Home": 36, "Escape": 27, "Tab": 9}
        common = {"key": name, "code": name if len(name) > 1 else "", "windowsVirtualKeyCode": codes.get(name, ord(name[0]))}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, name):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(os.path.join(FOLDER, name), "wb") as file:
            file.write(base64.b64decode(data))

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def end(self):
        # In good order, so that nothing of its profile is left.
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(timeout=10)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()


# WCAG 2.2, 1.4.3: every visible text against what is behind it.
CONTRAST = """
(() => {
  const channel = value => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const parse = text => { const parts = text.match(/[0-9.]+/g).map(Number); return { red: parts[0], green: parts[1], blue: parts[2], alpha: parts[3] ?? 1 }; };
  const light = color => 0.2126 * channel(color.red) + 0.7152 * channel(color.green) + 0.0722 * channel(color.blue);
  const behind = node => {
    for (; node; node = node.parentElement) { const color = parse(getComputedStyle(node).backgroundColor); if (color.alpha > 0.99) return color; }
    return { red: 255, green: 255, blue: 255 };
  };
  const poor = [];
  let count = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ["SCRIPT", "STYLE"].includes(node.tagName) || !node.checkVisibility()) continue;
    const first = light(parse(getComputedStyle(node).color)), second = light(behind(node));
    const ratio = (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
    count++;
    if (ratio < 4.5) poor.push(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return { count, poor };
})()
"""

# What a screen reader calls by its role has to have a name as well.
NAMED = {"button", "tab", "searchbox", "textbox", "grid", "tablist", "complementary", "dialog", "columnheader", "link"}


def unnamed(browser):
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    found = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in NAMED]
    return len(found), [node["role"]["value"] for node in found if not node.get("name", {}).get("value", "").strip()]


def rows(browser):
    return browser.run("[...document.querySelectorAll('.row')].slice(0, 5).map(row => [...row.children].map(cell => cell.textContent))")


def look(browser):
    report = {}
    browser.open(URL)
    # The page may not be there yet.
    loaded = "/^[0-9]+ of [0-9]+, /.test(document.getElementById('status')?.textContent)"
    browser.wait(loaded)
    report["status"] = browser.run("document.getElementById('status').textContent")
    report["services"] = rows(browser)
    browser.wait("document.querySelectorAll('#figures dd').length > 3")
    report["figures"] = browser.run("[...document.querySelectorAll('#figures dt')].map(one => one.textContent)")
    browser.screenshot("dashboard-services.png")

    # By keyboard alone: / to search, Tab to the rows, Enter for details, Escape to close them.
    browser.key("/", "/")
    report["focus after /"] = browser.run("document.activeElement.id")
    browser.type(report["services"][1][1])
    browser.wait("document.querySelectorAll('.row').length < 6")
    report["found"] = rows(browser)
    browser.key("Tab")
    report["focus after Tab"] = browser.run("document.activeElement.id")
    browser.key("ArrowDown")
    browser.key("Enter", "\r")
    browser.wait("!document.getElementById('detail').hidden")
    report["detail"] = browser.run("document.getElementById('detail').innerText")
    report["selected"] = browser.run("document.querySelectorAll('.row[aria-selected=true]').length")
    browser.screenshot("dashboard-details.png")
    report["named"], report["unnamed"] = unnamed(browser)
    report["contrast"] = {}
    for scheme in ["light", "dark"]:
        browser.scheme(scheme)
        report["contrast"][scheme] = browser.run(CONTRAST)
    browser.screenshot("dashboard-dark.png")
    browser.scheme("light")
    browser.key("Escape")
    report["detail after Escape"] = browser.run("document.getElementById('detail').hidden")

    # However many there are, there are few in the document.
    browser.run("(() => { const box = document.getElementById('search'); box.value = ''; box.dispatchEvent(new Event('input')); })()")
    report["scroll"] = browser.run("""
        (async () => {
          const frame = document.getElementById('frame'), times = [];
          let most = 0;
          for (let step = 1; step <= 60; step++) {
            const start = performance.now();
            frame.scrollTop = step / 60 * (frame.scrollHeight - frame.clientHeight);
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            times.push(performance.now() - start);
            most = Math.max(most, document.querySelectorAll('.row').length);
          }
          times.sort((a, b) => a - b);
          return { most, median: times[30], slowest: times[59], last: document.querySelector('.row:last-child').dataset.index };
        })()""")

    browser.run("document.getElementById('tab-services').focus()")
    for name in ["routes", "certificates", "problems"]:
        browser.key("ArrowRight")
        browser.wait(f"document.getElementById('tab-{name}').getAttribute('aria-selected') === 'true'")
        browser.wait(f"{loaded} || /role/.test(document.getElementById('status').textContent)")
        report[name] = rows(browser)
        browser.screenshot(f"dashboard-{name}.png")
    report["outside"] = [event["params"]["request"]["url"] for event in browser.events
                         if event.get("method") == "Network.requestWillBeSent" and not event["params"]["request"]["url"].startswith(URL)]
    report["errors"] = [event["params"] for event in browser.events if event.get("method") in ("Runtime.exceptionThrown",)] + [
        event["params"]["entry"]["text"] for event in browser.events
        if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error"]
    return report


def lines(name, value):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from lines(f"{name}.{key}", part)
    elif isinstance(value, list):
        yield f"{name}.count={len(value)}"
        for index, part in enumerate(value):
            yield from lines(f"{name}.{index}", part)
    else:
        yield f"{name}={json.dumps(value) if not isinstance(value, str) else value}".replace("\n", " | ")


browser = Browser()
try:
    for name, value in look(browser).items():
        print("\n".join(lines(name, value)))
finally:
    browser.end()
