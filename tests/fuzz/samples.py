"""Small whole files of every format, to be damaged."""

from __future__ import annotations

import io
import json
import zipfile
from email.message import EmailMessage
from functools import cache

from ner_danvan.io.readers.legacy import _LETTERS, _TCVN3_BYTES

LINE = "Sáng ngày 5/3/2024, Ban Dân vận Huyện ủy Thanh Sơn tổ chức hội nghị giao ban quý I năm 2024."
MORE = "Bà Nguyễn Thị Hoà - Chủ tịch UBMTTQ Việt Nam phường yêu cầu rà soát hộ nghèo trước ngày 15/7."

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)
_BODY = (
    f'<w:document xmlns:w="{_W}"><w:body><w:p><w:r><w:t>{LINE}</w:t><w:tab/><w:br/></w:r></w:p><w:tbl><w:tr><w:tc><w:p>'
    f"<w:r><w:rPr><w:vanish/></w:rPr><w:t>x</w:t></w:r><w:r><w:t>{MORE}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    "<w:p><w:del><w:r><w:delText>a</w:delText></w:r></w:del><w:r><w:txbxContent><w:p><w:r><w:t>b</w:t></w:r></w:p>"
    "</w:txbxContent></w:r></w:p>"
    '<w:p><w:pPr><w:pStyle w:val="S"/><w:numPr><w:ilvl w:val="1"/></w:numPr></w:pPr><w:r><w:t>c</w:t></w:r></w:p>'
    "</w:body></w:document>"
)
_LISTS = (
    f'<w:numbering xmlns:w="{_W}"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
    '<w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="27"/><w:numFmt '
    'w:val="lowerLetter"/><w:lvlRestart w:val="0"/><w:suff w:val="tab"/><w:isLgl/><w:lvlText w:val="%1.%2)"/></w:lvl>'
    '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="1"><w:startOverride '
    'w:val="3"/></w:lvlOverride></w:num></w:numbering>'
)
_STYLES = (
    f'<w:styles xmlns:w="{_W}"><w:style w:styleId="S"><w:basedOn w:val="R"/></w:style><w:style w:styleId="R"><w:pPr>'
    '<w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>'
)


def zipped(parts: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as file:
        for name, data in parts.items():
            file.writestr(zipfile.ZipInfo(name), data, compress_type=packing)
    return stream.getvalue()


DOCX_PARTS = {
    "[Content_Types].xml": b"<Types/>",
    "_rels/.rels": _RELATIONS.encode(),
    "word/document.xml": _BODY.encode(),
    "word/numbering.xml": _LISTS.encode(),
    "word/styles.xml": _STYLES.encode(),
    "word/header1.xml": f'<w:hdr xmlns:w="{_W}"><w:p><w:r><w:t>Trang 1/2 ........</w:t></w:r></w:p></w:hdr>'.encode(),
}

_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_CELL = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
_SHEET = (
    f'<worksheet xmlns="{_S}"><sheetData><row r="1">{_CELL.format("A1", "id")}{_CELL.format("B1", "text")}</row>'
    f'<row r="2"><c r="A2"><v>7</v></c>{_CELL.format("B2", LINE)}</row><row r="3"><c r="B3" t="s"><v>0</v></c></row>'
    "</sheetData></worksheet>"
)
XLSX_PARTS = {
    "[Content_Types].xml": (
        b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
        b'PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.'
        b'main+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
        b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_S}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
    ).encode(),
    "xl/_rels/workbook.xml.rels": (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        b'Target="worksheets/sheet1.xml"/></Relationships>'
    ),
    "xl/worksheets/sheet1.xml": _SHEET.encode(),
    "xl/sharedStrings.xml": f'<sst xmlns="{_S}"><si><t>{MORE}</t></si></sst>'.encode(),
}


@cache
def pdf() -> bytes:
    """One page that was written by a library."""
    import fpdf

    file = fpdf.FPDF()
    file.set_compression(False)
    file.add_page()
    file.set_font("helvetica", size=11)
    for line in range(6):
        file.cell(0, 6, f"{line}. Ban Dan van Huyen uy hop giao ban quy I tai xa.", new_x="LMARGIN", new_y="NEXT")
    return bytes(file.output())


@cache
def parquet() -> bytes:
    """Two rows."""
    import pyarrow
    from pyarrow import parquet as writer

    stream = io.BytesIO()
    writer.write_table(pyarrow.table({"id": ["a", "b"], "text": [LINE, MORE]}), stream)
    return stream.getvalue()


@cache
def mail() -> bytes:
    """A mail with HTML beside its text, and two attachments."""
    message = EmailMessage()
    message["Subject"], message["From"] = "Báo cáo quý I", "Lò Văn Pản <pan@example.org>"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(LINE)
    message.add_alternative(f"<p>{LINE}</p>", subtype="html")
    message.add_attachment(MORE.encode(), maintype="text", subtype="plain", filename="a.txt")
    message.add_attachment(b"x", maintype="image", subtype="png", filename="Ảnh.png")
    return message.as_bytes()


PAGE = (
    f"<!doctype html><html><head><title>{LINE}</title><meta charset=utf-8></head><body><div class=menu><a href=/>Trang "
    f"chủ</a></div><h1>{LINE}</h1><p>{MORE}<br>{MORE}</p><div><h3>Tin liên quan</h3><ul><li>{MORE}</li></ul></div>"
    "</body></html>"
)
JSON_LINES = "\n".join(
    [
        json.dumps({"id": "a", "text": LINE, "spans": [{"start": 0, "end": 4, "label": "ORG", "score": 0.5}]}),
        json.dumps({"text": "\ud800 \U0001f600", "meta": {"k": [1, {"a": None}]}}),
        '{"text": "a"}',
    ]
)
TABLE = f'id,text\n1,"{LINE}"\n2,"a\n""b"""\n\n3,{MORE}\n'


def tcvn3() -> bytes:
    """A text of before Unicode."""
    table = dict(zip(_LETTERS, _TCVN3_BYTES, strict=True))
    return bytes(table.get(char, ord(char) if ord(char) < 128 else 63) for char in f"{LINE} {MORE}")


def name_of(kind: str) -> str:
    """What a file of a format is called."""
    return "a.txt" if kind == "text" else f"a.{kind}"


def of(kind: str) -> list[bytes]:
    """Whole files of a format."""
    texts = [LINE.encode(), (LINE + "\r\n" + MORE).encode("utf-16"), MORE.encode("utf-16-le"), tcvn3()]
    if kind == "text":
        return [*texts, b"\xef\xbb\xbf" + LINE.encode(), LINE.encode("cp1258", "replace"), b""]
    if kind == "docx":
        return [zipped(DOCX_PARTS), zipped(DOCX_PARTS, zipfile.ZIP_DEFLATED)]
    if kind == "xlsx":
        return [zipped(XLSX_PARTS)]
    if kind == "zip":
        members = {"a.txt": LINE.encode(), "b/c.jsonl": JSON_LINES.encode(), "../d.txt": b"x", "e.png": b"x"}
        packings = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        return [zipped(members, packing) for packing in packings]
    if kind == "pdf":
        return [pdf()]
    if kind == "parquet":
        return [parquet()]
    if kind == "eml":
        return [mail()]
    page = {"html": PAGE, "jsonl": JSON_LINES, "csv": TABLE}[kind]
    return [page.encode(), page.encode("utf-16") if kind != "jsonl" else b"\xef\xbb\xbf" + page.encode()]
