"""Runs the lessons and writes them as web pages that need no kernel, no server and no network.

Usage: python tools/export_html.py [--out FOLDER] [notebook ...]      (all lessons, into build/html, without arguments)

In the explorers of a page the main slider still moves the pictures: the frames that the kernel had sent ahead are in
the page, and so is a short program (export_player.js) that takes the place of Jupyter's widget manager, which would
have to be loaded from a content network. Formulas become MathML, which browsers draw by themselves. The pages of docs/
and the exercises are written too, without being run, so that the lessons' links lead somewhere.
"""

import argparse
import base64
import html
import json
import mimetypes
import os
import re
import sys
import tempfile
import time
import zlib
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup, NavigableString, Tag
from jinja2 import DictLoader
from latex2mathml.converter import convert as to_mathml
from nbclient import NotebookClient
from nbconvert import HTMLExporter

ROOT = Path(__file__).parents[1]
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
QUIET = ["--log-level=ERROR"]  # or each kernel warns that what it says to this very machine is not encrypted

# Nothing in a page may be fetched from elsewhere, so nbconvert's scripts for formulas, diagrams and widgets stay out.
TEMPLATE = """{%- extends 'lab/index.html.j2' -%}
{% block html_head_js_requirejs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
STYLE = """
main { max-width: 1100px; margin: 0 auto; }
.jp-InputPrompt, .jp-OutputPrompt { opacity: 1; color: #595959; }
.jp-RenderedHTMLCommon img { max-width: 100%; height: auto; }
.cnnkit-controls { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 2px 16px; }
.cnnkit-line { display: grid; grid-template-columns: 12em 1fr 4em; gap: 8px; align-items: center; }
.cnnkit-line label { text-align: right; }
.cnnkit-controls button { width: max-content; }
.cnnkit-note { font-size: 12px; }
"""
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(?=\S)(.+?)(?<=\S)\$", re.DOTALL)


def execute(path: Path, home: Path) -> nbformat.NotebookNode:
    """Run a notebook on the synthetic data in `home`, and return it with its outputs and its widgets' state."""
    os.environ |= {"CNNKIT_DATA": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    notebook = nbformat.read(path, as_version=4)
    options = {"timeout": 600, "kernel_name": "python3", "store_widget_state": True, "extra_arguments": QUIET}
    NotebookClient(notebook, resources={"metadata": {"path": path.parent}}, **options).execute()
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):  # without progress bars
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def place_players(notebook: nbformat.NotebookNode) -> dict:
    """Put a place for the player where a widget is shown, and words to pictures; return the state of the widgets."""
    states = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    wanted = set()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            model = data.pop(VIEW, {}).get("model_id")
            still = ""
            if "image/png" in data:  # nbconvert would leave out what it shows
                alt = html.escape(data.get("text/plain", ""))
                still = f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"]}">'
            if model in states:
                wanted |= _reached(model, states)
                still = f'<div class="cnnkit-player" data-model="{model}"><noscript>{still}</noscript></div>'
            if still:
                output.data = nbformat.from_dict({"text/html": still})
    links = {name for name, each in states.items() if "Link" in each["model_name"] and _ends(each) <= wanted}
    return {name: states[name] for name in sorted(wanted | links)}


def _reached(model: str, states: dict) -> set[str]:
    """Return a model and all that it contains; layouts and styles are not needed."""
    children = [child.removeprefix("IPY_MODEL_") for child in states[model]["state"].get("children", [])]
    return {model}.union(*(_reached(child, states) for child in children))


def _ends(link: dict) -> set[str]:
    return {link["state"][end][0].removeprefix("IPY_MODEL_") for end in ("source", "target")}


def to_page(notebook: nbformat.NotebookNode, title: str, source: Path, pages: set[Path]) -> str:
    """Return a notebook as one HTML page; `pages` are the sources of all pages, which links may lead to."""
    models = place_players(notebook)
    exporter = HTMLExporter(
        template_name="lab", template_file="kit.html.j2", extra_loaders=[DictLoader({"kit.html.j2": TEMPLATE})]
    )
    notebook.metadata.title = title
    text, _ = exporter.from_notebook_node(notebook)
    soup = BeautifulSoup(text, "html.parser")
    for link in soup.select("a.anchor-link"):
        link.decompose()
    for place in soup.select(".jp-MarkdownOutput"):
        _draw_formulas(place)
        for link in place.select("a[href]"):
            _lead_to_page(link, source, pages)
        for image in place.select("img[src]"):
            _embed(image, source)
    soup.head.append(soup.new_tag("style", string=STYLE))
    if models:
        data = soup.new_tag("script", id="cnnkit-models", type="text/plain")  # the picture's pixels are most of it
        data.string = base64.b64encode(zlib.compress(json.dumps(models).encode(), 9)).decode()
        player = soup.new_tag("script", type="module")
        player.string = (Path(__file__).with_name("export_player.js")).read_text(encoding="utf-8")
        soup.body.extend([data, player])
    return str(soup)


def _draw_formulas(place: Tag) -> None:
    """Put MathML in the place of what MathJax would draw."""
    for text in place.find_all(string=FORMULA):
        if text.find_parent(["code", "pre", "script"]):
            continue
        parts = []
        end = 0
        for formula in FORMULA.finditer(text):
            display, inline = formula.groups()
            drawn = to_mathml((display or inline).strip(), display="block" if display else "inline")
            parts += [NavigableString(text[end : formula.start()]), BeautifulSoup(drawn, "html.parser").math]
            end = formula.end()
        text.replace_with(*parts, NavigableString(text[end:]))


def _lead_to_page(link: Tag, source: Path, pages: set[Path]) -> None:
    """Let a link to a notebook or a Markdown page lead to what became of it; take away one to what is no page."""
    target, _, anchor = link["href"].partition("#")
    if not target or "://" in target:
        return
    path = (source.parent / target).resolve()
    if path in pages:
        relative = os.path.relpath(page_of(path, Path()), page_of(source, Path()).parent)
        link["href"] = Path(relative).as_posix() + (f"#{anchor}" if anchor else "")
    else:
        link.name = "span"
        link.attrs = {"title": f"{target}, in a copy of the kit"}


def _embed(image: Tag, source: Path) -> None:
    path = source.parent / image["src"]
    if path.is_file():
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        image["src"] = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def page_of(source: Path, out: Path) -> Path:
    """Return where the page of a notebook or Markdown file goes; the README becomes the first page."""
    if source == ROOT / "README.md":
        return out / "index.html"
    return out / source.relative_to(ROOT).with_suffix(".html")


def as_notebook(source: Path) -> nbformat.NotebookNode:
    """Return a notebook as it is, and a Markdown page as a notebook of one cell."""
    if source.suffix == ".ipynb":
        return nbformat.read(source, as_version=4)
    cell = nbformat.v4.new_markdown_cell(source.read_text(encoding="utf-8"), id="page")
    return nbformat.v4.new_notebook(cells=[cell])


def title_of(notebook: nbformat.NotebookNode) -> str:
    """Return the first heading."""
    headings = re.findall(r"^# (.+)$", "\n".join(cell.source for cell in notebook.cells), re.MULTILINE)
    return headings[0] if headings else "CNN teaching kit"


def main(arguments: list[str] | None = None) -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description="Write the lessons as web pages that need no kernel.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="lessons to run; all of them without any")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "html", help="where to write (now %(default)s)")
    options = parser.parse_args(arguments)
    lessons = [path.resolve() for path in options.notebooks] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    others = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "exercises").glob("*/*.ipynb")]
    pages = {*lessons, *others}
    with tempfile.TemporaryDirectory() as home:
        for source in [*lessons, *others]:
            start = time.perf_counter()
            notebook = execute(source, Path(home)) if source in lessons else as_notebook(source)
            page = page_of(source, options.out)
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(to_page(notebook, title_of(notebook), source, pages), encoding="utf-8")
            if source in lessons:
                size = page.stat().st_size / 1e6
                print(f"{page}: {size:.1f} MB, {time.perf_counter() - start:.0f} s", flush=True)
    print(f"Open {options.out / 'index.html'} in a browser.")


if __name__ == "__main__":
    sys.exit(main())
