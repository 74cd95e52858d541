"""Pages as Vietnamese portals build them, around any title, date line, text and by-line."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_OTHER = ["Huyện Bình An khánh thành cầu dân sinh", "Hội nghị tổng kết công tác năm 2023 của Huyện đoàn"]


def _paragraphs(lines: Sequence[str], tag: str = "p") -> str:
    return "\n".join(f"<{tag}>{escape(line)}</{tag}>" for line in lines)


def asp_net(title: str, date: str, lines: Sequence[str], author: str) -> str:
    """The whole page in one form, laid out by tables, names made by a program, letters as references."""
    menu = "".join(f'<td class="mnItem"><a href="/{i}.aspx">{name}</a></td>' for i, name in enumerate(
        ["Trang chủ", "Giới thiệu", "Tin tức - Sự kiện", "Công tác dân vận", "Văn bản", "Liên hệ"]))  # fmt: skip
    other = "".join(f'<li><a href="#">{name}</a> <span>(12/03/2024)</span></li>' for name in _OTHER)
    text = "<br/>\n".join(escape(line) for line in lines)
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "x.dtd">
<html><head><meta charset="utf-8"><title>{escape(title)} - Cổng thông tin điện tử</title>
<script>var x = "Đồng chí Giả Văn Dối";</script><style>.a {{ color: red }}</style></head>
<body><form method="post" action="./Default.aspx" id="aspnetForm"><input type="hidden" name="__VIEWSTATE" value="xyz">
<table width="1000" id="ctl00_tblMain"><tr><td colspan="3"><img src="b.jpg" alt="Huyện ủy"></td></tr>
<tr><td colspan="3"><table class="mnTop"><tr>{menu}</tr></table></td></tr>
<tr><td width="200" valign="top" id="ctl00_LeftPane"><div class="title">Liên kết website</div>
<select><option>Tỉnh ủy</option><option>Ban Dân vận Trung ương</option></select>
<div class="title">Thống kê truy cập</div><div>Đang truy cập: 12</div><div>Hôm nay: 1.204</div>
<div>Tổng truy cập: 5.204.112</div>
</td><td valign="top" id="ctl00_ContentPane">
<div id="ctl00_lblCate"><a href="#">Trang chủ</a> » <a href="#">Tin tức</a></div>
<span id="ctl00_lblTitle" class="tieude" style="font-size:16px"><b>{escape(title)}</b></span><br>
<span id="ctl00_lblDate">{escape(date)}</span><br><span>Lượt xem: 1.204</span>
<div id="ctl00_lblContent">{text}</div><div style="text-align:right"><b>{escape(author)}</b></div>
<div><a href="#"><img src="p.gif">In trang</a> | <a href="#">Gửi email</a> | <a href="#">Quay lại</a></div>
<div><b>Các tin khác</b><ul>{other}</ul></div></td>
<td width="200" valign="top"><div>Thông báo</div>
<marquee><a href="#">Lịch tiếp công dân tháng 3 của lãnh đạo huyện</a></marquee>
<p>Tin mới nhất</p><p><a href="#">{_OTHER[0]}</a></p></td></tr>
<tr><td colspan="3" align="center">Bản quyền thuộc về Ban Dân vận Huyện ủy.
Địa chỉ: số 1 đường Hùng Vương. Điện thoại: 0200.3838.383</td></tr>
</table></form></body></html>"""


def news(title: str, date: str, lines: Sequence[str], author: str) -> str:
    """A newer one: semantic elements, share buttons, related news in the middle of the text."""
    middle = len(lines) // 2
    other = "".join(f'<li class="item"><a href="#" title="x">{name}</a></li>' for name in _OTHER)
    return f"""<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta property="og:title" content="{escape(title)}"></head><body class="home">
<header><div class="logo"><a href="/">BÁO ĐIỆN TỬ</a></div><nav class="main-menu"><ul><li><a href="/">Thời sự</a></li>
<li><a href="/xa-hoi">Xã hội</a></li></ul></nav></header>
<div class="container"><div class="breadcrumb"><a href="/">Trang chủ</a> / <a href="/xd">Xây dựng Đảng</a></div>
<main><article class="detail-content"><h1 class="title-detail">{escape(title)}</h1>
<div class="meta"><span class="time">{escape(date)}</span> <span class="views">| Lượt xem: 873</span></div>
<div class="social-share"><a href="#">Chia sẻ Facebook</a><span>Chia sẻ</span> <button>Thích</button></div>
<div class="fontsize"><a href="#">A-</a> A <a href="#">A+</a></div>
{_paragraphs(lines[:middle])}
<div class="tin-lien-quan"><h4>Tin liên quan</h4><ul>{other}</ul></div>
<figure><img src="a.jpg"></figure>
{_paragraphs(lines[middle:])}
<p class="author" style="text-align:right"><strong>{escape(author)}</strong></p>
<div class="tags">Từ khóa: <a href="#">dân vận</a>, <a href="#">Bình An</a></div></article>
<section class="comments"><h3>Bình luận</h3>
<p>Bài viết rất hay, cảm ơn đồng chí Nguyễn Văn Khen đã chia sẻ nhé mọi người ơi.</p></section>
</main><aside class="sidebar"><h3>Đọc nhiều</h3><ul>{other}</ul></aside></div>
<footer><p>Cơ quan chủ quản: Tỉnh ủy Bình An. Giấy phép số 12/GP-BTTTT ngày 01/02/2020.
Tổng biên tập: Lê Thị Chủ Bút.</p></footer>
</body></html>"""


def bare_names(title: str, date: str, lines: Sequence[str], author: str) -> str:
    """No name says what is what; the title stands apart from the text, other news follow it with their dates."""
    other = "".join(f'<div class="x7"><a href="#">{name}</a> - 02/03/2024</div>' for name in _OTHER * 3)
    return f"""<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<title>Cổng thông tin | {escape(title)}</title></head><body><div class="w1"><div class="w2">
<div class="x1"><a href="#">Trang chủ</a><a href="#">Tin trong huyện</a><a href="#">Văn bản mới</a></div>
<div class="x2"><h2>{escape(title)}</h2></div>
<div class="x3">{escape(date)}</div><div class="x3">Đã xem: 45 lần</div>
<div class="x5">{_paragraphs(lines, "div")}</div><div class="x5"><i>{escape(author)}</i></div>
<div class="x6">Tin cùng chuyên mục:</div>{other}
<div class="x8">Lên đầu trang</div></div>
<div class="w3"><div>Hôm nay: 102</div><div>Tất cả: 100.233</div></div></div></body></html>"""


def word_export(title: str, date: str, lines: Sequence[str], author: str) -> str:
    """What an office program saves: nothing but paragraphs, their source broken into lines."""
    wrapped = [escape(line).replace(" ", "\n", 3) for line in (title, date, *lines, author)]
    body = "\n".join(
        f'<p lang="vi-VN" style="margin-bottom: 0cm"><font face="Times New Roman">{line}</font></p>' for line in wrapped
    )
    return f"""<!DOCTYPE html>
<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"/><title></title></head>
<body lang="vi-VN" dir="ltr">{body}</body></html>"""


def portal(title: str, date: str, lines: Sequence[str], author: str) -> str:
    """Every page has the portal's name; other news come with summaries that read like the text itself."""
    summary = (
        "Sáng nay, đồng chí Bí thư Huyện ủy Bình An đã dự lễ khánh thành cầu dân sinh tại xã Hòa Lạc, nối hai thôn."
    )
    other = "".join(
        f'<div class="col"><a href="#">{name}</a><div>{summary}</div><i>02/03/2024</i></div>' for name in _OTHER
    )
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>Trang thông tin điện tử huyện Bình An</title>
</head><body><div id="header"><a href="/">Trang thông tin điện tử huyện Bình An</a></div>
<ul id="menu"><li><a href="/gt">Giới thiệu</a></li><li><a href="/tt">Tin tức</a></li></ul>
<div class="row"><div class="portlet-body">
<div class="news-path"><a href="/">Trang chủ</a> &gt; <a href="/tt">Tin tức</a></div>
<div class="news"><div class="tieu-de-tin">{escape(title)}</div><div class="ngay">{escape(date)}</div>
<div class="noi-dung">{_paragraphs(lines)}</div><div class="tac-gia">{escape(author)}</div></div>
<div class="box"><div class="box-head">Tin liên quan</div><div class="box-body">{other}</div></div></div>
<div class="right"><div>Thời tiết</div><div>Hà Nội: 25°C</div></div></div>
<div id="footer">Chịu trách nhiệm: Văn phòng HĐND và UBND huyện Bình An</div></body></html>"""


def drupal(title: str, date: str, lines: Sequence[str], author: str) -> str:
    """Wrapper in wrapper, the text in one of many views; other news without a link around all of their words."""
    rows = "".join(
        f'<div class="views-row"><span class="views-field-title"><a href="#">{name}</a></span></div>' for name in _OTHER
    )
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{escape(title)} | Ban Dân vận</title></head>
<body class="html not-front sidebar-first page-node"><div id="skip-link"><a href="#main">Nhảy đến nội dung</a></div>
<div id="page"><div id="main"><div class="region region-sidebar-first"><div class="block block-views">
<h2 class="block-title">Tin mới</h2><div class="view view-news"><div class="view-content">{rows}</div></div></div></div>
<div id="content" class="column"><h1 class="title" id="page-title">{escape(title)}</h1>
<div class="node node-article view-mode-full"><div class="submitted">{escape(date)}</div>
<div class="field field-name-body"><div class="field-items"><div class="field-item even">{_paragraphs(lines)}
<p style="text-align: right;"><em>{escape(author)}</em></p></div></div></div>
<ul class="links inline"><li><a href="#">Thêm bình luận mới</a></li></ul></div></div></div></div></body></html>"""


PAGES = {
    "portal": portal,
    "drupal": drupal,
    "asp.net": asp_net,
    "news": news,
    "bare names": bare_names,
    "word": word_export,
}
