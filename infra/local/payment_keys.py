"""RSA keys of a local system, in files that only this user can read: ours, and that of the simulated bank."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from infra.local.private import write_private
from infra.local.secrets import alone
from infra.settings import Settings

KEY_BITS: Final = 2_048
PUBLIC_EXPONENT: Final = 65_537
FOLDER: Final = "payment-keys"


def private_key_of(settings: Settings, name: str) -> Path:
    """Return the file of somebody's private key, in PEM, made at the first time; the public one stands beside it."""
    path = settings.profile_dir / FOLDER / f"{name}.pem"
    if not path.exists():
        with alone(settings):
            if not path.exists():
                _make(path)
    return path


def public_key_of(settings: Settings, name: str) -> Path:
    """Return the file of somebody's public key, in PEM."""
    return private_key_of(settings, name).with_suffix(".pub")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_private(path.with_suffix(".pub"), public.decode())
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
