"""The page of an OpenAPI document: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

STYLE: Final = """
body { margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 60rem; color: #1b1f24; }
body { font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.25rem; } h3 { margin: 2rem 0 .25rem; font-size: 1rem; }
code, .verb { font-family: ui-monospace, monospace; font-size: .9em; } .verb { font-weight: 700; }
p { margin: .25rem 0; } p.note { white-space: pre-line; color: #4a525c; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
td { border-top: 1px solid #d8dde3; padding: .3rem .5rem; overflow-wrap: anywhere; vertical-align: top; }
a { color: #0b5cad; }
@media (prefers-color-scheme: dark) { body { background: #14171a; color: #e6e9ec; } p.note { color: #a8b0b8; }
td { border-color: #343b42; } a { color: #7ab7f5; } }
"""


def render_page(document: Mapping[str, Any]) -> str:
    """Return the page."""
    info = document["info"]
    operations = [
        _operation(verb.upper(), path, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
    ]
    schemas = [_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} API</h1><p>{escape(info['description'])}</p>"
        '<p>For machines: <a href="/v1/openapi.json">openapi.json</a></p>'
        f"<h2>Paths</h2>{''.join(operations)}<h2>Messages</h2>{''.join(schemas)}</body></html>"
    )


def _operation(verb: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = [(entry["name"], f"{_kind(entry['schema'])}, in the {entry['in']}") for entry in operation["parameters"]]
    if "requestBody" in operation:
        rows.append(("body", _kind(_content(operation["requestBody"]))))
    rows.append(("answer", _kind(_content(operation["responses"]["200"]))))
    needs = "<p>Needs a session.</p>" if operation.get("security") else ""
    return (
        f'<h3><span class="verb">{escape(verb)}</span> <code>{escape(path)}</code></h3>'
        f"<p>{escape(operation['summary'])}</p>{needs}{_table(rows)}"
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    rows = [
        (field, f"{_kind(kind)} {escape(kind.get('description', ''))}".strip())
        for field, kind in schema["properties"].items()
    ]
    note = f'<p class="note">{escape(schema["description"])}</p>' if "description" in schema else ""
    return f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>{note}{_table(rows)}'


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{told}</td></tr>" for name, told in rows)
    return f"<table><tbody>{cells}</tbody></table>"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a value is, as HTML."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{escape(name)}">{escape(name.rpartition(".")[2])}</a>'
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    told = " ".join(filter(None, (schema["type"], schema.get("format", ""))))
    named = ", ".join(schema["enum"]) if "enum" in schema else ""
    return escape(f"{told}: {named}" if named else told)


def _content(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    (content,) = holder["content"].values()
    schema: Mapping[str, Any] = content["schema"]
    return schema
