"""EML: subject and body of a mail; its attachments are documents of their own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import EmailPolicy
from typing import cast

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.encodings import UTF8, decode, text_codec
from ner_danvan.io.readers.html import html_to_text
from ner_danvan.io.readers.sniff import kind_of_ending
from ner_danvan.io.readers.source import Failure, Item, Settings, Source
from ner_danvan.io.readers.zips import short

_LONGEST_HEADER = 5_000  # characters
_DEEPEST = 10  # forms in forms of a body; those deeper are read one behind the other


def read_mail(source: Source, settings: Settings, read: Callable[[Source, Settings], Iterator[Item]]) -> Iterator[Item]:
    """The subject as first line, then the body, from its plain text or else its HTML; then what is attached.

    `meta` has sender, date and subject as the mail has them. A mail without subject and body is what is attached to it.
    """
    message = _parse(source)
    said = {key: _header(message, key) for key in ("from", "date", "subject")}
    forms = _forms(message)
    attached = [part for part in _leaves(message) if not _is_body(part, alone=part is message, of_body=part in forms)]
    empty = True  # nothing was read of it
    try:
        text = "\n".join(part for part in (said["subject"], *_texts(message, frozenset(attached), source)) if part)
    except UserError as error:
        yield Failure(source.name, str(error))
        empty = False
    else:
        if text:
            meta = {**source.origin, **{key: value for key, value in said.items() if value}}
            yield Document(source.name, text, meta=meta)
            empty = False
    for part in attached:
        name = _name(part)
        if not name or kind_of_ending(name) is None:
            what = f"the attachment {name}" if name else f"a part without a name ({_kind(part)})"
            settings.note(f"{source.place}: passed over {what}, which no reader takes")
            continue
        place, empty = f"{source.place}/{name}", False
        try:
            data = _payload(part)
        except Exception as error:  # the standard library stumbles over some mails in a mail
            yield Failure(
                f"{source.name}/{name}", f"{place}: cannot be taken out ({short(error)}); save it from the mail."
            )
            continue
        origin = {**source.origin, "member": name}
        yield from read(Source(f"{source.name}/{name}", place, io.BytesIO(data), origin, True, source.limits), settings)
    if empty:
        what = "; is it a mail?" if not attached else ", and no reader takes what is attached; convert that."
        raise source.fault(f"has neither subject nor body{what}")


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
    return " ".join(_asked(lambda: str(message.get(key, ""))).split())


def _asked(ask: Callable[[], str | None]) -> str:
    """What a header says; nothing for some broken ones, over which the standard library stumbles."""
    try:
        return ask() or ""
    except Exception:
        return ""


def _kind(part: EmailMessage) -> str:
    return _asked(part.get_content_type) or "text/plain"


def _name(part: EmailMessage) -> str:
    return _asked(part.get_filename)


def _parts(part: EmailMessage) -> list[EmailMessage]:
    """What a part holds, if it is one that is looked into; a mail in it is not."""
    if not part.is_multipart() or _kind(part).startswith("message/"):
        return []
    return cast(list[EmailMessage], part.get_payload())


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """All parts without others in them, in order."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if parts := _parts(part):
            waiting += reversed(parts)
        else:
            yield part


def _forms(message: EmailMessage) -> set[EmailMessage]:
    """Parts that are the body whatever their names: the first, those of an alternative, what others are related to."""
    found, waiting = {next(_leaves(message))}, [message]
    while waiting:
        parts = _parts(part := waiting.pop())
        kind = _kind(part)
        found |= set(parts if kind == "multipart/alternative" else parts[:1] if kind == "multipart/related" else [])
        waiting += parts
    return found


def _is_body(leaf: EmailMessage, *, alone: bool, of_body: bool) -> bool:
    """Whether a part belongs to the body: text that is not attached.

    What has the name of a file that is read is attached, though some programs do not say so; unless it is all there is,
    or has the place of a body.
    """
    name = _name(leaf)
    if _kind(leaf) not in ("text/plain", "text/html"):
        return False
    if _asked(leaf.get_content_disposition) == "attachment":
        return alone and not name
    return alone or of_body or kind_of_ending(name) is None


def _texts(message: EmailMessage, attached: frozenset[EmailMessage], source: Source, depth: int = 0) -> Iterator[str]:
    """The texts of a body, in order, without blank ones; of several forms of the same one, plain if it can be."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        parts = _parts(part)
        if parts and _kind(part) == "multipart/alternative" and depth < _DEEPEST:
            plain_first = sorted(parts, key=lambda form: _has_html(form, attached))
            forms = (list(_texts(form, attached, source, depth + 1)) for form in plain_first)
            yield from next(filter(None, forms), [])
        elif parts:
            waiting += reversed(parts)
        elif part not in attached and (text := _text_of(part, source)).strip():
            yield text.strip("\r\n")


def _has_html(form: EmailMessage, attached: frozenset[EmailMessage]) -> bool:
    return any(_kind(leaf) == "text/html" for leaf in _leaves(form) if leaf not in attached)


def _text_of(part: EmailMessage, source: Source) -> str:
    text = _text(_payload(part), _asked(part.get_content_charset), source)
    return html_to_text(text, source) if _kind(part) == "text/html" else text.replace("\r\n", "\n")


def _payload(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else part.as_bytes()


def _text(data: bytes, charset: str, source: Source) -> str:
    """By the charset that the part names, if it is true, and one of text."""
    try:
        return data.decode(text_codec(charset or UTF8) or UTF8)
    except UnicodeDecodeError:
        try:
            return decode(data, source.place)[0]
        except UserError:
            return data.decode("utf-8", "replace")
