"""EML: subject and body of a mail; its attachments are documents of their own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import EmailPolicy

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.encodings import decode
from ner_danvan.io.readers.html import html_to_text
from ner_danvan.io.readers.sniff import kind_of_ending
from ner_danvan.io.readers.source import Item, Settings, Source
from ner_danvan.io.readers.zips import short

_LONGEST_HEADER = 5_000  # characters


def read_mail(source: Source, settings: Settings, read: Callable[[Source, Settings], Iterator[Item]]) -> Iterator[Item]:
    """The subject as first line, then the body, from its plain text or else its HTML; then what is attached.

    `meta` has sender, date and subject as the mail has them.
    """
    message = _parse(source)
    said = {key: _header(message, key) for key in ("from", "date", "subject")}
    body = _body(message, source)
    text = "\n".join(part for part in (said["subject"], body.strip("\r\n")) if part)
    if not text:
        raise source.fault("has neither subject nor body; is it a mail?")
    yield Document(source.name, text, meta={**source.origin, **{key: value for key, value in said.items() if value}})
    for part in message.iter_attachments():
        name = _asked(part.get_filename)
        if not name or kind_of_ending(name) is None:
            what = f"the attachment {name}" if name else f"a part without a name ({part.get_content_type()})"
            settings.note(f"{source.place}: passed over {what}, which no reader takes")
            continue
        data = _payload(part)
        origin = {**source.origin, "member": name}
        place = f"{source.place}/{name}"
        attached = Source(f"{source.name}/{name}", place, io.BytesIO(data), origin, True, source.limits)
        yield from read(attached, settings)


class _ShortHeaders(EmailPolicy):
    """The usual policy, but headers are cut, and without NUL.

    Reading one takes the square of its length, or worse; and a NUL in a charset would cost the mail.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER].replace("\0", "")


def _parse(source: Source) -> EmailMessage:
    try:
        message = BytesParser(policy=_ShortHeaders()).parse(source.stream)
    except Exception as error:  # the standard library stumbles over some broken headers, and over deep nesting
        raise source.fault(f"is no mail that can be read ({short(error)}); save it again in its program.") from None
    assert isinstance(message, EmailMessage)  # by the policy
    return message


def _header(message: EmailMessage, key: str) -> str:
    return " ".join((_asked(lambda: str(message.get(key, ""))) or "").split())


def _asked(ask: Callable[[], str | None]) -> str | None:
    """What a header says; None for some broken ones, over which the standard library stumbles."""
    try:
        return ask()
    except Exception:
        return None


def _body(message: EmailMessage, source: Source) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    data = _payload(part)
    text = _text(data, _asked(part.get_content_charset), source)
    return html_to_text(text, source) if part.get_content_type() == "text/html" else text.replace("\r\n", "\n")


def _payload(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else part.as_bytes()


def _text(data: bytes, charset: str | None, source: Source) -> str:
    """By the charset that the part names, if it is true."""
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, ValueError):  # UnicodeDecodeError, and a name that none can be
        try:
            return decode(data, source.place)[0]
        except UserError:
            return data.decode("utf-8", "replace")
