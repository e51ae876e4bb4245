"""What a client's token may use: some have only a few aliases, and a revoked one has none."""

from __future__ import annotations

from dataclasses import replace

from proxy.config import ClientToken, ProxyConfig
from proxy.context import LOCAL_TOKEN
from proxy.messages.errors import ClientError, ErrorType
from proxy.routing.aliases import Route


def check_token_use(config: ProxyConfig, token_name: str, route: Route) -> None:
    """Refuses a route that a token may not take.

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
        leads = f"the alias {route.alias}" if route.alias is not None else "no alias"
        raise ClientError(
            ErrorType.PERMISSION,
            f"model: the token {token_name} may use {', '.join(token.aliases)} only; '{route.asked}' leads "
            f"to {leads}.",
        )


def may_use(config: ProxyConfig, token_name: str, route: Route) -> bool:
    """Says whether a token may take a route; of a revoked one `check_token_use` says what is to be said."""
    token = None if token_name == LOCAL_TOKEN else _token(config, token_name)
    return token is None or _allows(token, route)


def _allows(token: ClientToken, route: Route) -> bool:
    return not token.aliases or route.alias in token.aliases


def visible_to(config: ProxyConfig, token_name: str) -> ProxyConfig:
    """Returns the config with nothing but what a token may use, for lists of models."""
    token = None if token_name == LOCAL_TOKEN else _token(config, token_name)
    if token is None or not token.aliases:
        return config
    aliases = tuple(each for each in config.aliases if each.name in token.aliases)
    return replace(config, aliases=aliases, unknown_models=None)


def _token(config: ProxyConfig, name: str) -> ClientToken | None:
    return next((each for each in config.server.client_tokens if each.name == name), None)
