"""Envelope (58), version 0: another broker passes on what only the active controller answers (KIP-590)."""

import ipaddress
from dataclasses import fields, is_dataclass
from typing import Any

from engine.broker.request_context import LATER, RequestContext
from engine.protocol.codec import Malformed, Message, RequestHeader, build, decode_body, encode_response, read_header
from engine.protocol.errors import ErrorCode, InvalidRequest, NotController


def handle(context: RequestContext, request: Message) -> Any:
    node = context.node
    if not node.controller.active:
        raise NotController
    header, client_host = _read(request)
    route = node.dispatch.table.get(header.api_key)
    if route is None or not route.forwarded or not route.serves(header.api_version):
        raise InvalidRequest(f"API {header.api_key} version {header.api_version} is not one that is forwarded")
    inner = RequestContext(
        node=node,
        connection=context.connection,
        api_key=header.api_key,
        api_version=header.api_version,
        correlation_id=header.correlation_id,
        client_id=header.client_id,
        deliver=lambda answer: context.answer(_wrapped(answer, header.correlation_id)),
        forwarded_from=client_host,
    )
    try:
        message = decode_body(route.api.name, "request", header.api_version, request.request_data, header.body_at)
    except Malformed as error:
        raise InvalidRequest(str(error)) from error
    node.dispatch.serve(route, inner, message)
    return LATER


def _read(request: Message) -> tuple[RequestHeader, str]:
    """The header of the request inside, and its client's address. Raises InvalidRequest."""
    try:
        return read_header(request.request_data), str(ipaddress.ip_address(request.client_host_address))
    except ValueError as error:  # Malformed is one
        raise InvalidRequest(f"an envelope that cannot be read: {error}") from error


def _wrapped(answer: Message, correlation_id: int) -> Message:
    # The lead was lost on the way: the forwarder must ask the next controller instead of telling its client.
    if says(answer, ErrorCode.not_controller):
        return build("Envelope", "response", 0, error_code=ErrorCode.not_controller)
    return build("Envelope", "response", 0, response_data=encode_response(answer, correlation_id=correlation_id)[4:])


def says(message: Message, code: ErrorCode) -> bool:
    """Does any error field of the message, at any depth, hold this code?"""
    for part in fields(message):
        value = getattr(message, part.name)
        if part.name == "error_code" and value == code:
            return True
        for inner in value if isinstance(value, tuple) else ():
            if is_dataclass(inner) and says(inner, code):
                return True
    return False
