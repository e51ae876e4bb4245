"""Files as the real API has them: upload, list, metadata, content, delete, and their use in messages.

Each verb is for the owner that asks: a file of another one is unknown to it.

Source: the Files API, in its general and in its beta shape (`files-api-2025-04-14`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.context import NewId, Owner
from proxy.messages.errors import ClientError, ErrorType, invalid_request
from proxy.messages.message import JsonObject
from proxy.service.batches import limit_of
from proxy.service.file_blocks import Content, named_files, with_content
from proxy.service.moments import moment_of, read_us
from proxy.store.folder import Draft, in_thread
from proxy.store.values import StoredFile

if TYPE_CHECKING:  # the store loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.files import FileStore

BETA = "files-api-2025-04-14"
MIN_EXPIRY_S = 3600
MAX_EXPIRY_S = 7_776_000
"""Files API, Upload: `expires_in_seconds` is between an hour and ninety days."""
MAX_IDS = 100

_CURSOR = "page_"
_FORBIDDEN = re.compile(r'[<>:"|?*\\/\x00-\x1f\ud800-\udfff]')
_MIME_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_ENDINGS = {
    "application/json": ".json",
    "application/pdf": ".pdf",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
}
_TYPES = {ending: kind for kind, ending in _ENDINGS.items()} | {".jpeg": "image/jpeg"}
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FileRules:
    """What the user of this machine may do with files beyond the real API, and how much they may hold."""

    uploads_are_downloadable: bool = True
    """The real API gives uploads back to nobody, only files that a tool made; here they are the user's own,
    on the user's own disk, so a client gets back what it stored."""
    max_file_bytes: int = 500 * 2**20
    max_request_bytes: int = 100 * 2**20
    """All files that one message names, together."""


class FileService:
    """The verbs of the Files API."""

    def __init__(
        self, store: FileStore, clock: Callable[[], float], new_id: NewId, rules: FileRules | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self.rules = rules or FileRules()

    async def begin_upload(self) -> Draft:
        """Returns where the bytes of a new file are to be written."""
        return await self._store.folder.draft()

    async def upload(
        self,
        draft: Draft,
        filename: str | None,
        mime_type: str | None,
        expires_in_s: str | None,
        owner: Owner,
    ) -> StoredFile:
        """Keeps an uploaded file.

        Args:
            draft: Its bytes.
            filename: As the part of the upload names it.
            mime_type: As the part names it.
            expires_in_s: The form's `expires_in_seconds`.
            owner: Whose it is to be.

        Raises:
            ClientError: The name or the expiry is not lawful.
        """
        kind = clean_mime_type(mime_type, filename)
        name = clean_filename(filename, kind)
        lives_s = None if expires_in_s is None else _expiry_s(expires_in_s)
        await draft.finish()
        now_us = read_us(self._clock)
        file = StoredFile(
            id=self._new_id("file_"),
            filename=name,
            mime_type=kind,
            size_bytes=draft.size_bytes,
            created_us=now_us,
            expires_us=None if lives_s is None else now_us + lives_s * 10**6,
            downloadable=self.rules.uploads_are_downloadable,
            token=owner.token,
            workspace=owner.workspace,
        )
        await self._store.add(draft, file)
        return file

    async def get(self, file_id: str, owner: Owner) -> StoredFile:
        """Returns a file's metadata.

        Raises:
            ClientError: The owner has none of that id (404).
        """
        file = await self._find(file_id, owner)
        if file is None:
            raise _unknown(file_id)
        return file

    async def page(
        self,
        owner: Owner,
        *,
        ids: Sequence[str] = (),
        limit: str | None = None,
        page: str | None = None,
        after_id: str | None = None,
        before_id: str | None = None,
    ) -> tuple[list[StoredFile], bool]:
        """Returns one page, newest first, and whether there is more.

        Args:
            owner: Whose files.
            ids: Only these; then there is no paging.
            limit: The page's size.
            page: The cursor of an earlier page.
            after_id: The beta's cursor: the last id of the page before.
            before_id: The beta's cursor: the first id of the page behind.

        Raises:
            ClientError: A parameter is wrong, or two do not go together.
        """
        if ids:
            if page is not None or limit is not None:
                raise invalid_request("ids: cannot be combined with `page` or `limit`")
            wanted = set(ids)
            if len(wanted) > MAX_IDS:
                raise invalid_request(
                    f"ids: List should have at most {MAX_IDS} items after validation, not {len(wanted)}"
                )
            return await self._store.chosen(owner, wanted), False
        size = limit_of(limit)
        if sum(each is not None for each in (page, after_id, before_id)) > 1:
            raise invalid_request("Only one of `page`, `after_id` and `before_id` may be given.")
        if before_id is not None:
            before = await self._number(before_id, "before_id", owner)
            return await self._store.page(owner, size, before=before)
        after = _number_of(page) if page is not None else None
        if after_id is not None:
            after = await self._number(after_id, "after_id", owner)
        return await self._store.page(owner, size, after=after)

    async def delete(self, file_id: str, owner: Owner) -> None:
        """Deletes a file.

        Raises:
            ClientError: The owner has none of that id (404).
        """
        await self.get(file_id, owner)
        if not await self._store.remove(file_id):
            raise _unknown(file_id)

    async def content(self, file_id: str, owner: Owner) -> tuple[StoredFile, AsyncIterator[bytes]]:
        """Returns a file and its bytes, piece by piece.

        Raises:
            ClientError: The owner has none of that id (404), it expired (404), or is not for download (400).
        """
        file = await self.get(file_id, owner)
        self._check_alive(file)
        if not file.downloadable:
            raise ClientError(
                ErrorType.INVALID_REQUEST,
                f"File {file.id} is not downloadable: only files that a tool made can be downloaded.",
                details={"error_code": "file_not_downloadable"},
            )
        return file, self._store.folder.pieces(file_id)

    async def in_place(self, request: JsonObject, owner: Owner) -> JsonObject:
        """Returns a Messages request of `owner` with the content of the files it names in place of their ids.

        Raises:
            ClientError: The owner has no such file or it has expired (404), it does not fit its block (400),
                or together they are too much (413).
        """
        names = named_files(request)
        if not names:
            return request
        files: dict[str, Content] = {}
        left = self.rules.max_request_bytes
        for file_id in names:
            file = await self.get(file_id, owner)
            self._check_alive(file)
            left -= file.size_bytes
            if left < 0:
                raise ClientError(
                    ErrorType.REQUEST_TOO_LARGE,
                    f"The files of a request may have {self.rules.max_request_bytes // 2**20} MiB together.",
                    should_retry=False,
                )
            data = await self._store.folder.read(file_id)
            if data is None:
                raise _unknown(file_id)
            files[file_id] = file, data
        return await in_thread(lambda: with_content(request, files))

    async def tick(self) -> None:
        """Removes what has expired; call it every minute."""
        await self._store.drop_expired(read_us(self._clock))

    def _check_alive(self, file: StoredFile) -> None:
        if file.expires_us is not None and file.expires_us <= read_us(self._clock):
            raise ClientError(
                ErrorType.NOT_FOUND, f"File {file.id} has expired.", details={"error_code": "file_expired"}
            )

    async def _find(self, file_id: str, owner: Owner) -> StoredFile | None:
        file = await self._store.get(file_id)
        return file if file is not None and owner.has(file.owner) else None

    async def _number(self, file_id: str, parameter: str, owner: Owner) -> int:
        file = await self._find(file_id, owner)
        if file is None:
            raise invalid_request(f"{parameter}: there is no such file")
        return file.number


def file_view(file: StoredFile, *, is_beta: bool = False) -> JsonObject:
    """Returns a file's metadata in the API's shape; the beta's has no `expires_at` unless there is one."""
    view: JsonObject = {
        "type": "file",
        "id": file.id,
        "size_bytes": file.size_bytes,
        "created_at": _time(file.created_us),
        "filename": file.filename,
        "mime_type": file.mime_type,
        "downloadable": file.downloadable,
    }
    if file.expires_us is not None or not is_beta:
        view["expires_at"] = None if file.expires_us is None else _time(file.expires_us)
    return view


def files_view(page: list[StoredFile], *, has_more: bool, is_beta: bool = False) -> JsonObject:
    """Returns a page of files: with `next_page`, or in the beta's shape with `has_more` and the outer ids.

    A beta page that is not the last has `next_page` too: the SDKs that follow cursors also speak the beta.
    """
    data = [file_view(file, is_beta=is_beta) for file in page]
    following = f"{_CURSOR}{_encoded(page[-1].number)}" if has_more and page else None
    if not is_beta:
        return {"data": data, "next_page": following}
    view: JsonObject = {
        "data": data,
        "has_more": has_more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }
    return view if following is None else {**view, "next_page": following}


def clean_mime_type(given: str | None, filename: str | None) -> str:
    """Returns a file's type: as given, else by the ending of its name, else unknown."""
    kind = (given or "").partition(";")[0].strip().lower()
    if _MIME_TYPE.fullmatch(kind) and kind != _UNKNOWN_TYPE:
        return kind
    dot = (filename or "").rfind(".")
    return _TYPES.get((filename or "")[dot:].lower(), _UNKNOWN_TYPE) if dot >= 0 else _UNKNOWN_TYPE


def clean_filename(given: str | None, mime_type: str) -> str:
    """Returns the last component of a file's name; where there is none, one made from its type.

    Raises:
        ClientError: It is too long or has forbidden characters.
    """
    name = re.split(r"[\\/]", given or "")[-1]
    if not name:
        return f"unnamed{_ENDINGS.get(mime_type, '')}"
    if len(name) > 255 or _FORBIDDEN.search(name):  # lone surrogates too: no text column takes them
        raise invalid_request(
            'Invalid filename: it must have 1 to 255 characters, and none of <, >, :, ", |, ?, *, \\, / '
            "or the control characters 0 to 31."
        )
    return name


def _expiry_s(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 12):
        raise invalid_request(
            "expires_in_seconds: Input should be a valid integer, unable to parse string as an integer"
        )
    if int(value) < MIN_EXPIRY_S:
        raise invalid_request(f"expires_in_seconds: Input should be greater than or equal to {MIN_EXPIRY_S}")
    if int(value) > MAX_EXPIRY_S:
        raise invalid_request(f"expires_in_seconds: Input should be less than or equal to {MAX_EXPIRY_S}")
    return int(value)


def _encoded(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def _number_of(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor.removeprefix(_CURSOR) + "==").decode("ascii")
        number = int(text) if cursor.startswith(_CURSOR) and text.isdecimal() and len(text) < 19 else -1
    except (binascii.Error, ValueError):
        number = -1
    if number < 0:
        raise invalid_request("page: this is not the `next_page` of an earlier page")
    return number


def _time(at_us: int) -> str:
    return moment_of(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _unknown(file_id: str) -> ClientError:
    known = re.fullmatch(r"file_[A-Za-z0-9]{1,60}", file_id)
    return ClientError(ErrorType.NOT_FOUND, f"File not found: {file_id}" if known else "File not found.")
