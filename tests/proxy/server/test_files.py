"""Files over HTTP: the real SDK in front, a scripted upstream behind."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.types import FileNotDownloadableError

from proxy.service.files import BETA, FileRules
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import BODY, TOKEN, Running, ScriptedUpstream, running

FILES = "/v1/files"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@asynccontextmanager
async def serving(
    home: Path, upstream: ScriptedUpstream | None = None, **rules: Any
) -> AsyncGenerator[tuple[Running, anthropic.AsyncAnthropic]]:
    storage = StorageConfig(home / "store", rules=FileRules(**rules))
    async with (
        running({"one": upstream or ScriptedUpstream()}, storage=storage) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as client,
    ):
        yield proxy, client


@pytest.mark.conformance("files.upload", "files.shape", "files.metadata", "files.delete", "files.unknown")
async def test_a_file_lives_from_upload_to_deletion(home: Path) -> None:
    async with serving(home) as (_, client):
        file = await client.files.upload(file=("notes.txt", b"remember", "text/plain"))
        assert file.id.startswith("file_")
        assert (file.filename, file.mime_type, file.size_bytes) == ("notes.txt", "text/plain", 8)
        assert (file.downloadable, file.expires_at) == (True, None)
        assert await client.files.retrieve_metadata(file.id) == file
        assert [each async for each in client.files.list()] == [file]
        deleted = await client.files.delete(file.id)
        assert deleted.to_dict() == {"id": file.id, "type": "file_deleted"}
        for lost in (client.files.retrieve_metadata, client.files.delete, client.files.download):
            with pytest.raises(anthropic.NotFoundError, match=f"File not found: {file.id}"):
                await lost(file.id)


async def test_an_upload_is_for_download_unless_the_rules_forbid_it_as_the_real_api_does(home: Path) -> None:
    async with serving(home, uploads_are_downloadable=False) as (_, client):
        file = await client.files.upload(file=("a.txt", b"body", "text/plain"))
        with pytest.raises(FileNotDownloadableError):
            await client.files.download(file.id)
    async with serving(home) as (_, client):
        file = await client.files.upload(file=("a.png", PNG * 9000, "image/png"))
        assert file.downloadable
        content = await client.files.download(file.id)
        assert content.headers["content-type"] == "image/png"
        assert await content.read() == PNG * 9000


async def test_bytes_are_private_and_named_by_the_id_alone(home: Path) -> None:
    async with serving(home) as (_, client):
        file = await client.files.upload(file=("../../etc/secret name.txt", b"x", "text/plain"))
        folder = home / "store" / "files"
        assert [each.name for each in folder.iterdir()] == [file.id]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / file.id).stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "store" / "signalbox.db").stat().st_mode) == 0o600
        assert file.filename == "secret name.txt"


@pytest.mark.conformance("files.list")
async def test_lists_are_paged_by_an_opaque_cursor_and_chosen_by_ids(home: Path) -> None:
    async with serving(home) as (_, client):
        ids = [(await client.files.upload(file=(f"{n}.txt", b"", "text/plain"))).id for n in range(5)]
        assert [each.id async for each in client.files.list(limit=2)] == ids[::-1]
        page = await client.files.list(limit=2)
        assert page.next_page is not None
        assert page.next_page.startswith("page_")
        chosen = await client.files.list(ids=[ids[3], ids[0], "file_unknown"])
        assert ([each.id for each in chosen.data], chosen.next_page) == ([ids[3], ids[0]], None)
        for wrong in ({"page": "page_!"}, {"limit": 0}, {"ids": [ids[0]], "limit": 2}):
            with pytest.raises(anthropic.BadRequestError):
                await client.files.list(**wrong)  # pyright: ignore[reportArgumentType] - wrong on purpose


@pytest.mark.conformance("files.beta-shape")
async def test_the_beta_has_its_old_shape(home: Path) -> None:
    async with serving(home) as (proxy, client):
        names = [f"{n}.txt" for n in range(3)]
        ids = [(await client.files.upload(file=(name, b"", "text/plain"))).id for name in names]
        headers = {"x-api-key": TOKEN, "anthropic-beta": f"other-2026-01-01,{BETA}"}
        async with proxy.http.get(f"{proxy.url}{FILES}?beta=true", headers=headers) as response:
            page = await response.json()
        assert list(page) == ["data", "has_more", "first_id", "last_id"]
        assert (page["has_more"], page["first_id"], page["last_id"]) == (False, ids[2], ids[0])
        assert set(page["data"][0]) == {
            "type",
            "id",
            "size_bytes",
            "created_at",
            "filename",
            "mime_type",
            "downloadable",
        }
        url = f"{proxy.url}{FILES}?limit=1&after_id={ids[2]}"
        async with proxy.http.get(url, headers=headers) as response:
            page = await response.json()
        assert ([each["id"] for each in page["data"]], page["has_more"]) == ([ids[1]], True)
        listed = [each.id async for each in client.beta.files.list(limit=2, betas=[BETA])]
        assert listed == ids[::-1]


@pytest.mark.conformance("files.expiry")
async def test_expiry_is_an_hour_to_ninety_days(home: Path) -> None:
    async with serving(home) as (_, client):
        file = await client.files.upload(file=("a", b"", "text/plain"), expires_in_seconds=3600)
        assert file.expires_at is not None
        assert (file.expires_at - file.created_at).total_seconds() == 3600
        for wrong in (3599, 7_776_001):
            with pytest.raises(anthropic.BadRequestError, match="expires_in_seconds"):
                await client.files.upload(file=("a", b"", "text/plain"), expires_in_seconds=wrong)


@pytest.mark.conformance("files.names")
@pytest.mark.parametrize("name", ["a" * 256, "a:b", "a|b", "what?"])
async def test_an_unlawful_name_is_refused_and_leaves_nothing(home: Path, name: str) -> None:
    async with serving(home) as (_, client):
        with pytest.raises(anthropic.BadRequestError, match="Invalid filename"):
            await client.files.upload(file=(name, b"x", "text/plain"))
        assert list((home / "store" / "files").iterdir()) == []


@pytest.mark.conformance("files.form")
async def test_a_form_without_a_file_or_without_form_is_refused(home: Path) -> None:
    async with serving(home) as (proxy, _):
        for body, kind, status in (
            (
                b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
                "multipart/form-data; boundary=b",
                400,
            ),
            (b"--b\r\n", "multipart/form-data; boundary=b", 400),
            (b"", "multipart/form-data; boundary=b", 400),
            (b"x", "multipart/form-data", 400),
            (b"{}", "application/json", 415),
        ):
            headers = {"x-api-key": TOKEN, "content-type": kind}
            async with proxy.http.post(proxy.url + FILES, data=body, headers=headers) as response:
                assert response.status == status, body
                assert (await response.json())["error"]["type"] == "invalid_request_error"
        assert list((home / "store" / "files").iterdir()) == []


@pytest.mark.conformance("files.size")
async def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(home: Path) -> None:
    async with serving(home, max_file_bytes=100_000) as (_, client):
        await client.files.upload(file=("a", b"x" * 100_000, "text/plain"))
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.files.upload(file=("b", b"x" * 100_001, "text/plain"))
        assert caught.value.status_code == 413
        assert len(list((home / "store" / "files").iterdir())) == 1


async def test_a_client_that_leaves_in_mid_upload_leaves_nothing(home: Path) -> None:
    async with serving(home) as (proxy, client):
        await client.files.upload(file=("first", b"", "text/plain"))
        folder = home / "store" / "files"
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        head = (
            f"POST {FILES} HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\nx-api-key: {TOKEN}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        )
        writer.write(head.encode() + b"x" * 50_000)
        await writer.drain()
        while len(await asyncio.to_thread(lambda: list(folder.iterdir()))) < 2:
            await client.files.list()
        writer.close()
        while len(await asyncio.to_thread(lambda: list(folder.iterdir()))) > 1:
            await client.files.list()


@pytest.mark.conformance("blocks.image-file", "blocks.document-file", "files.in-messages")
async def test_a_message_may_name_files_in_images_documents_and_tool_results(home: Path) -> None:
    upstream = ScriptedUpstream()
    async with serving(home, upstream) as (_, client):
        text = await client.files.upload(file=("a.txt", b"the magic word", "text/plain"))
        image = await client.files.upload(file=("a.png", PNG, "image/png"))
        content: list[Any] = [
            {"type": "document", "source": {"type": "file", "file_id": text.id}},
            {"type": "image", "source": {"type": "file", "file_id": image.id}},
        ]
        messages: list[Any] = [{"role": "user", "content": content}]
        await client.messages.create(model="big", max_tokens=9, messages=messages)
        sent = str(upstream.asked[0])
        assert "the magic word" in sent
        assert base64.b64encode(PNG).decode() in sent
        counted = await client.messages.count_tokens(model="big", messages=messages)
        assert counted.input_tokens > 0


async def test_a_file_is_found_however_its_field_is_spelt(home: Path) -> None:
    upstream = ScriptedUpstream()
    async with serving(home, upstream) as (proxy, client):
        text = await client.files.upload(file=("a.txt", b"the magic word", "text/plain"))
        source = {"type": "file", "file_id": text.id}
        body = {**BODY, "messages": [{"role": "user", "content": [{"type": "document", "source": source}]}]}
        async with proxy.http.post(
            f"{proxy.url}/v1/messages",
            data=json.dumps(body).replace("file_id", "file\\u005fid"),
            headers={"x-api-key": TOKEN, "content-type": "application/json"},
        ) as response:
            await response.read()
        assert "the magic word" in str(upstream.asked[0])


@pytest.mark.conformance("files.unfit")
async def test_a_message_that_names_an_unknown_or_unfit_file_is_refused(home: Path) -> None:
    async with serving(home) as (proxy, client):
        text = await client.files.upload(file=("a.txt", b"x", "text/plain"))
        for file_id, kind, error in (
            ("file_unknown", "image", anthropic.NotFoundError),
            (text.id, "image", anthropic.BadRequestError),
        ):
            block: Any = {"type": kind, "source": {"type": "file", "file_id": file_id}}
            with pytest.raises(error):
                await client.messages.create(
                    model="big", max_tokens=9, messages=[{"role": "user", "content": [block]}]
                )
        async with proxy.post(BODY) as response:
            assert response.status == 200


@pytest.mark.conformance("files.in-batches")
async def test_a_batch_may_name_files_too(home: Path) -> None:
    upstream = ScriptedUpstream()
    async with serving(home, upstream) as (_, client):
        file = await client.files.upload(file=("a.txt", b"the magic word", "text/plain"))
        block: Any = {"type": "document", "source": {"type": "file", "file_id": file.id}}
        params: Any = {"model": "big", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}
        batch = await client.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
        while (await client.messages.batches.retrieve(batch.id)).processing_status != "ended":
            pass
        assert "the magic word" in str(upstream.asked[0])
