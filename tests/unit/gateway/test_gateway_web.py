"""What the HTTP side serves, and how."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from gateway.web import make_web_app

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
async def client(tmp_path: Path, troubles: list[str]) -> AsyncIterator[Client]:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("betslip")
    (dist / "desk.html").write_text("desk")
    (dist / "mark.svg").write_text("<svg/>")
    (dist / "assets" / "main-abc.js").write_text("code")
    (dist / "assets" / "main-abc.js.gz").write_bytes(gzip.compress(b"code, compressed"))
    (tmp_path / "secret.txt").write_text("secret")

    async def find_trouble() -> str | None:
        return "\n".join(troubles) or None

    async with TestClient(TestServer(make_web_app(dist, find_trouble=find_trouble))) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "betslip"),
        ("/fixtures/sim:1:2", "betslip"),
        ("/fixtures/sim:1:2/total:2.5", "betslip"),
        ("/index.html", None),
        ("/desk", "desk"),
        ("/desk/alerts", "desk"),
    ],
)
async def test_addresses_of_the_front_end_open_their_page(client: Client, path: str, page: str | None) -> None:
    response = await client.get(path)
    if page is None:
        assert response.status == 404
        return
    assert await response.text() == page
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Content-Type"].startswith("text/html")


async def test_hashed_assets_are_kept_for_ever_and_other_files_are_not(client: Client) -> None:
    asset = await client.get("/assets/main-abc.js")
    mark = await client.get("/mark.svg")
    assert "immutable" in asset.headers["Cache-Control"]
    assert "immutable" not in mark.headers["Cache-Control"]


async def test_a_precompressed_file_is_sent_to_who_takes_it(client: Client) -> None:
    response = await client.get("/assets/main-abc.js", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert await response.text() == "code, compressed"
    plain = await client.get("/assets/main-abc.js", headers={"Accept-Encoding": "identity"})
    assert await plain.text() == "code"


async def test_a_missing_asset_is_not_answered_with_a_page(client: Client) -> None:
    assert (await client.get("/assets/gone.js")).status == 404
    assert (await client.get("/favicon.ico")).status == 404


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"])
async def test_nothing_outside_the_folder_is_served(client: Client, path: str) -> None:
    response = await client.get(path)
    assert "secret" not in await response.text()


@pytest.mark.parametrize("path", ["/", "/assets/main-abc.js", "/assets/gone.js", "/readyz"])
async def test_every_answer_forbids_framing_and_sniffing(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_health_says_that_something_is_wrong_and_not_what(client: Client, troubles: list[str]) -> None:
    assert (await client.get("/readyz")).status == 200
    troubles.append("postgres: Unavailable(Part.LEDGER, 'PostgreSQL must answer in time')")
    response = await client.get("/readyz")
    assert (response.status, await response.text()) == (503, "not ready")


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "/%6Detrics", "/x/../metrics", "/metrics/"])
async def test_figures_are_not_for_the_world(client: Client, path: str) -> None:
    response = await client.get(URL(path, encoded=True))
    assert "# HELP" not in await response.text()


@pytest.mark.parametrize("path", ["/a%00b", "/%00", "/assets/%00.js", "/" + "x" * 5_000, "/" + "x/" * 2_500, "/%ff%fe"])
async def test_what_can_be_no_path_is_not_found(client: Client, path: str) -> None:
    assert (await client.get(URL(path, encoded=True))).status in {200, 404}


async def test_a_name_that_is_too_long_is_not_found(client: Client) -> None:
    assert (await client.get("/" + "x" * 300)).status == 404
    assert (await client.get("/assets/" + "x" * 8_300)).status == 400


async def test_the_front_end_is_read_only(client: Client) -> None:
    assert (await client.post("/")).status == 405
