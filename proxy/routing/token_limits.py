"""What a client's token may use, and for whom it asks: some have few aliases, a revoked one none."""

from __future__ import annotations

from dataclasses import replace

from proxy.config import ClientToken, ProxyConfig
from proxy.context import LOCAL_TOKEN, Owner
from proxy.messages.errors import ClientError, ErrorType
from proxy.routing.aliases import Route, resolve


def owner_of(config: ProxyConfig, token_name: str) -> Owner:
    """Returns whose batches and files a token's requests have to do with."""
    token = _token(config, token_name)
    return Owner(token_name, None if token is None else token.workspace)


def check_token_use(config: ProxyConfig, token_name: str, route: Route) -> None:
    """Refuses a route that a token may not take, and names no alias that the token may not use.

    Raises:
        ClientError: The alias is none of the token's (403), or the token was revoked after the request came,
            as a batch's may be (401).
    """
    if token_name == LOCAL_TOKEN:
        return
    token = _token(config, token_name)
    if token is None:
        raise ClientError(ErrorType.AUTHENTICATION, f"The token {token_name} was revoked.")
    if not _allows(token, route):
        raise ClientError(
            ErrorType.PERMISSION,
            f"model: the token {token_name} may use {', '.join(token.aliases)} only, and '{route.asked}' "
            "leads to none of these.",
        )


def resolve_for(config: ProxyConfig, token_name: str, asked: str) -> Route:
    """Returns the route of a name, as `aliases.resolve`; whether the token may take it is not checked.

    Raises:
        ClientError: Nothing serves the name. What the error suggests is what the token may use.
    """
    try:
        return resolve(config, asked)
    except ClientError:
        return resolve(visible_to(config, token_name), asked)


def may_use(config: ProxyConfig, token_name: str, route: Route) -> bool:
    """Says whether a token may take a route; of a revoked one `check_token_use` says what is to be said."""
    token = None if token_name == LOCAL_TOKEN else _token(config, token_name)
    return token is None or _allows(token, route)


def _allows(token: ClientToken, route: Route) -> bool:
    return not token.aliases or route.alias in token.aliases


def visible_to(config: ProxyConfig, token_name: str) -> ProxyConfig:
    """Returns the config with nothing but what a token may use, for lists of models."""
    if token_name == LOCAL_TOKEN:
        return config
    token = _token(config, token_name)
    if token is not None and not token.aliases:
        return config
    names = () if token is None else token.aliases
    aliases = tuple(each for each in config.aliases if each.name in names)
    return replace(config, aliases=aliases, unknown_models=None)


def _token(config: ProxyConfig, name: str) -> ClientToken | None:
    return next((each for each in config.server.client_tokens if each.name == name), None)
