"""Whom emails come from, where answers go, and who vouches for them, from `email:` in the settings."""

from pathlib import Path

from connectors.address import BadAddressError, is_address, parse_mailbox
from connectors.dkim_signing import BadKeyError, DkimKey, DkimSigner, read_key
from engine.branding import DkimKey as KeySettings
from engine.email_settings import Email
from engine.settings import ConfigError

_CSM = "csm"
_NOBODY = "none"


def sender_of(email: Email, topic: str | None) -> str:
    """Whom an email of this topic comes from."""
    return email.senders.get(topic or "", email.sender)


def reply_address(email: Email, csm: object) -> str | None:
    """Where answers go; None for the sender. `csm` is the address of the account's CSM, if known."""
    if email.reply_to in (None, _NOBODY):
        return None
    if email.reply_to != _CSM:
        return email.reply_to
    return csm if isinstance(csm, str) and is_address(csm) else None


def feedback_of(email: Email, step: str, topic: str | None) -> tuple[str, ...]:
    """What complaints are counted by, the sender last; nothing where no sender is named."""
    return (step, topic or "", "email", email.feedback_id) if email.feedback_id else ()


def check_addresses(email: Email) -> None:
    """Raises ConfigError for a sender or an address of answers that mail cannot carry."""
    written = _senders(email)
    if email.reply_to not in (None, _NOBODY, _CSM):
        written["email.reply_to"] = str(email.reply_to)
    for setting, text in written.items():
        try:
            parse_mailbox(text)
        except BadAddressError as error:
            raise ConfigError(f"{setting}: {error}") from error


def dkim_signer(email: Email) -> DkimSigner | None:
    """What signs emails; None where nothing does.

    Raises ConfigError for a key that cannot sign, and for a domain under which a sender's mail gains nothing.
    """
    if email.dkim is None:
        return None
    for setting, sender in _senders(email).items():
        _check_alignment(email.dkim.domain, setting, sender)
    keys = [_key("email.dkim.key", email.dkim)]
    if email.dkim.second is not None:
        keys.append(_key("email.dkim.second.key", email.dkim.second))
        if keys[0].kind == keys[1].kind:
            raise ConfigError(
                f"email.dkim.second.key: both keys are {keys[0].kind}; a second signature is of use with the "
                "other kind only"
            )
    return DkimSigner(email.dkim.domain, tuple(keys))


def _key(setting: str, spec: KeySettings) -> DkimKey:
    text = spec.key.get_secret_value()
    if "-----BEGIN" not in text:
        try:
            text = Path(text).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{setting}: is neither a private key in PEM form nor the path of a file with one"
            ) from error
    try:
        return DkimKey(spec.selector, read_key(text))
    except BadKeyError as error:
        raise ConfigError(f"{setting}: {error}") from error


def _senders(email: Email) -> dict[str, str]:
    """Everybody emails may come from, by the setting that says so."""
    return {"email.sender": email.sender} | {
        f"email.senders.{topic}": each for topic, each in email.senders.items()
    }


def _check_alignment(domain: str, setting: str, sender: str) -> None:
    """DMARC counts a signature only where its domain is the sender's, or one above or below it."""
    own = parse_mailbox(sender).domain.lower()
    if own != domain and not own.endswith(f".{domain}") and not domain.endswith(f".{own}"):
        raise ConfigError(
            f"email.dkim.domain: {domain} is not the domain of {setting} ({own}), so receivers would not "
            "count the signature; sign for that domain"
        )
