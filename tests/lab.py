"""A JupyterLab of our own and a real browser in front of it, for the browser tests and the latency benchmark."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

CHROMIUM_FLAGS = [
    "--no-sandbox",  # the tests may run as root in a container
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    """Return the path of an installed Chromium, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def jupyterlab(folder: Path, **environment: str):
    """Run JupyterLab on `folder`, on loopback only and for as long as the block lasts; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--IdentityProvider.token=", "--ServerApp.port_retries=0", "--allow-root", f"--notebook-dir={folder}"]
    command += [
        "--expose-app-in-browser",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with open(folder / "jupyterlab.log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(address: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError("JupyterLab stopped; see jupyterlab.log in its folder")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                json.load(answer)
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("JupyterLab did not answer within 240 seconds")


class _Playwright:
    """Playwright for as long as somebody needs it: within one process it cannot be started a second time."""

    users, running = 0, None

    def __enter__(self):
        from playwright.sync_api import sync_playwright

        if _Playwright.running is None:
            _Playwright.running = sync_playwright().start()
        _Playwright.users += 1
        return _Playwright.running

    def __exit__(self, *_):
        _Playwright.users -= 1
        if _Playwright.users == 0:
            _Playwright.running.stop()
            _Playwright.running = None


@contextmanager
def browser_page(width: int = 1500, height: int = 1000):
    """Open a page in a headless Chromium of the system."""
    with _Playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        try:
            yield page
        finally:
            browser.close()


def open_notebook(page, address: str, name: str) -> None:
    """Open a notebook alone, without side bars, and wait until its kernel has answered."""
    page.goto(f"{address}/doc/tree/{name}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    _evaluate(page, "const context = window.jupyterapp.shell.currentWidget.sessionContext; await context.ready;")
    _evaluate(page, "await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.info;")


def run_all(page) -> None:
    """Run every cell and wait for the last to finish."""
    if not _evaluate(page, "return await window.jupyterapp.commands.execute('notebook:run-all-cells');", seconds=300):
        raise RuntimeError("a cell failed, or none was run")


def _evaluate(page, body: str, seconds: int = 120):
    """Run JavaScript in the page; Playwright itself would wait for its promise for ever."""
    late = (
        f"new Promise((_, reject) => setTimeout(() => reject(new Error('no answer in {seconds} s')), {seconds * 1000}))"
    )
    return page.evaluate(f"() => Promise.race([(async () => {{ {body} }})(), {late}])")


def picture_of(page, box, path: Path, width: int = 990) -> None:
    """Take a picture of an explorer for a page of the docs, small enough to be looked at anywhere."""
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    page.screenshot(path=path, clip=place | {"width": min(place["width"], width)})
    make_small(path)


def make_small(path: Path) -> None:
    """Keep 256 colours of a picture: the frequent and bright ones, as of legends, as they are, and some between."""
    from PIL import Image

    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    counted = sorted(picture.getcolors(1 << 24), key=lambda each: -each[0] * (8 + max(each[1]) - min(each[1])))
    frequent = [color for _, color in counted[:128]]
    between = picture.quantize(128, dither=Image.Dither.NONE).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(level for color in frequent for level in color), *between][: 3 * 256])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
