"""Serves a request of a batch as `/v1/messages` serves a client's: files in place, routed, recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from proxy.context import Owner, RequestContext
from proxy.messages.errors import ApiError
from proxy.messages.message import JsonObject
from proxy.messages.request import parse_request
from proxy.messages.wire import write_json
from proxy.routing.token_limits import resolve_for
from proxy.service.file_blocks import named_files
from proxy.service.messages import MessagesService
from proxy.service.record import Announcer, RequestRecord
from proxy.store.values import Batch

WithFiles = Callable[[JsonObject, Owner], Awaitable[JsonObject]]
"""Puts the content of an owner's uploaded files in place of their ids."""


class BatchMessages:
    """What a batch's worker calls for each request (`batch_worker.RunMessage`)."""

    def __init__(
        self,
        service: Callable[[], MessagesService],
        announcer: Callable[[], Announcer],
        with_files: WithFiles,
    ) -> None:
        """Makes one that asks for service and announcer with each request: settings change both."""
        self._service = service
        self._announcer = announcer
        self._with_files = with_files

    async def __call__(self, params: JsonObject, context: RequestContext, batch: Batch) -> JsonObject:
        """Returns the whole Message.

        Raises:
            ApiError: The request is wrong, the batch's token was revoked, or no candidate could answer.
        """
        service, headers = self._service(), batch.headers
        body = await self._with_files(params, batch.owner) if named_files(params) else params
        request = parse_request(body)
        record = RequestRecord(context, self._announcer(), headers)
        record.start(model=request.model, stream=False, body=write_json(params))
        status, failure = 500, None
        try:
            route = await service.route(request, headers, context)
            message = await service.whole(request, route, headers, record)
            status = 200
            record.client_told(write_json(message))
            return cast("JsonObject", message)
        except ApiError as error:
            record.error, status = error, error.status
            raise
        except BaseException as exc:
            failure = exc
            raise
        finally:
            record.finish(status, failure)

    def may_begin(self) -> bool:
        """Says whether requests are served now: settings that cannot be used know no token and no model."""
        return not self._service().config.is_stand_in

    def provider_of(self, model: str, token_name: str) -> str:
        """Returns the provider that a model's name leads to first.

        Raises:
            ClientError: Nothing serves the name (404).
        """
        return resolve_for(self._service().config, token_name, model).candidates[0].provider
