"""JSON-RPC whose requests, notifications and answers are signed by RSA, as bank payment providers have it.

The text that is signed is method, uuid, and the data written without punctuation: keys in the order of their bytes,
each with its value behind it; what is null is left out. So the JSON is read, within bounds, before the signature is
known to be right; nothing of it is used but what is needed to look at that.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.http.raw import RawRequest, SignatureWrong

VERSION: Final = "1.1"
DEPTH_MAX: Final = 8


class RpcMalformed(Exception):
    """A message has not the form of one that is signed so."""


@dataclass(frozen=True, slots=True)
class RpcMessage:
    """A signed message."""

    method: str
    uuid: str
    data: Mapping[str, Any]
    signature: bytes


class SignedRpc:
    """Both sides' keys: implements `gateway.http.raw.Signature` for what the other side sends.

    Args:
        own_key: Signs what we say.
        their_key: Signed what they say.
    """

    def __init__(self, own_key: rsa.RSAPrivateKey, their_key: rsa.RSAPublicKey) -> None:
        self._own_key = own_key
        self._their_key = their_key

    @classmethod
    def load(cls, own_key: Path, their_key: Path) -> SignedRpc:
        """Read the keys from PEM files."""
        own, theirs = load_pem_private_key(own_key.read_bytes(), None), load_pem_public_key(their_key.read_bytes())
        if not isinstance(own, rsa.RSAPrivateKey) or not isinstance(theirs, rsa.RSAPublicKey):
            raise TypeError(f"Keys must be RSA's: {own_key}, {their_key}")
        return cls(own, theirs)

    def sign(self, method: str, uuid: str, data: Mapping[str, Any]) -> str:
        """Return our signature, in base64."""
        return base64.b64encode(self._own_key.sign(text_of(method, uuid, data), padding.PKCS1v15(), SHA256())).decode()

    def is_signed(self, message: RpcMessage) -> bool:
        """Return whether the other side signed it."""
        try:
            text = text_of(message.method, message.uuid, message.data)
            self._their_key.verify(message.signature, text, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, RpcMalformed):
            return False
        return True

    def expect(self, request: RawRequest) -> None:
        """Let only a notification pass that the other side signed."""
        try:
            is_right = self.is_signed(read_notification(request.body))
        except RpcMalformed:
            is_right = False
        if not is_right:
            raise SignatureWrong("A notification must be signed over method, uuid and data, was not")


def text_of(method: str, uuid: str, data: Mapping[str, Any]) -> bytes:
    """Return what is signed.

    Raises:
        RpcMalformed: If the data are nested too deep.
    """
    return f"{method}{uuid}{_plain(data, DEPTH_MAX)}".encode()


def read_notification(body: bytes) -> RpcMessage:
    """Return a notification of the other side.

    Raises:
        RpcMalformed: If it is none.
    """
    told = _parse(body)
    return _message(told, told.get("params"))


def read_answer(body: bytes) -> RpcMessage:
    """Return what the other side answered, also where that is an error.

    Raises:
        RpcMalformed: If it is none.
    """
    told = _parse(body).get("result")
    return _message(told, told)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RpcMalformed("A message must be JSON, was not") from error
    if not isinstance(told, dict):
        raise RpcMalformed("A message must be an object, was not")
    return told


def _message(outer: Any, inner: Any) -> RpcMessage:
    try:
        method, uuid, data, signature = outer["method"], inner["uuid"], inner["data"], inner["signature"]
        signed = base64.b64decode(signature, validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise RpcMalformed("A message must have method, uuid, data and signature, has not") from error
    if not (isinstance(method, str) and isinstance(uuid, str) and isinstance(data, dict)):
        raise RpcMalformed("Method and uuid must be texts and data an object, are not")
    return RpcMessage(method, uuid, data, signed)


def _plain(value: Any, depth: int) -> str:
    if depth == 0:
        raise RpcMalformed(f"Data must be nested at most {DEPTH_MAX} deep, are deeper")
    if isinstance(value, dict):
        # By bytes and not by any language: who sorts otherwise signs another text.
        said = sorted((key for key in value if value[key] is not None), key=str.encode)
        return "".join(f"{key}{_plain(value[key], depth - 1)}" for key in said)
    if isinstance(value, list):
        return "".join(_plain(item, depth - 1) for item in value)
    return "" if value is None else str(value)
