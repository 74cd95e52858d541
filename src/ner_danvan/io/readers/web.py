"""How Vietnamese portals name and word what is not the text of a page."""

from __future__ import annotations

import re
from typing import Any

# a form is not among them: ASP.NET puts the whole page into one
NEVER = frozenset(
    re.split(
        r"\s+",
        "script style noscript template iframe object embed svg canvas audio video select option textarea input button "
        "nav aside footer map link meta head title dialog menu",
    )
)

_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "toolbar", "dialog"}
_NAMES = re.compile(
    r"(?:^|[\s_-])(?:"
    r"menu\w*|nav|navbar\w*|navigation|topbar|breadcrumbs?|duongdan|side-?bar\w*|sidebar\w*|widget\w*|left-?col\w*|"
    r"right-?col\w*|cot-?(?:trai|phai)|"
    r"related\w*|(?:bai|tin)[\s_-]?(?:viet[\s_-]?)?(?:lien[\s_-]?quan|khac|moi\w*|cu\w*|cung\w*|noi\w*|doc\w*|tieu\w*)|"
    r"lien-?quan|other-?(?:news|post|article)s?|news-?other|most-?(?:read|view)\w*|doc-?nhieu|xem-?nhieu|"
    r"share\w*|sharing|social\w*|addthis\w*|like-?box|fb-\w+|zalo\w*|print\w*|in-?trang|tool-?(?:bar|s)?|font-?size\w*|"
    r"thong-?ke\w*|truy-?cap|visitors?\w*|counter\w*|luot-?(?:xem|truy)\w*|view-?count|statistics?|"
    r"quang-?cao|ads?|advert\w*|banner\w*|logo|slider?\w*|carousel|marquee|"
    r"comments?\w*|binh-?luan|y-?kien|rating\w*|danh-?gia|vote\w*|"
    r"tags?|tag-?list|keywords?|tu-?khoa|pag(?:er|ination)\w*|phan-?trang|"
    r"footer\w*|copyright|ban-?quyen|lien-?ket\w*|web-?links?|search\w*|tim-?kiem|login|dang-?nhap|cookies?\w*|"
    r"popup\w*|modal\w*|back-?to-?top|hotline|weather|thoi-?tiet|audio\w*|player|nghe-?(?:bai|doc)"
    r")(?=$|[\s_-])",
    re.I,
)

# a headline above other news, above comments, above counters
RELATED = re.compile(
    r"\W*(?:"
    r"(?:các\s+)?(?:tin|bài)(?:\s+(?:tức|viết|bài))?\s+(?:liên\s+quan|khác|mới(?:\s+(?:hơn|nhất|đăng))?|cũ(?:\s+hơn)?|"
    r"cùng\s+(?:chuyên\s+mục|chủ\s+đề|loại)|đã\s+đưa|đã\s+đăng|tiêu\s+điểm|nổi\s+bật|đọc\s+nhiều|xem\s+nhiều)|"
    r"(?:đọc|xem)\s+(?:nhiều(?:\s+nhất)?|thêm)|có\s+thể\s+bạn\s+quan\s+tâm|cùng\s+chuyên\s+mục|"
    r"những\s+tin\s+(?:mới|cũ)\s+hơn|ý\s+kiến\s+(?:bạn\s+đọc|phản\s+hồi)|bình\s+luận|thống\s+kê\s+truy\s+cập|"
    r"liên\s+kết\s+(?:web(?:site)?|trang)"
    r")\s*(?:[:.…(»>].*)?",
    re.I,
)

_FURNITURE = (
    r"(?:số\s+)?(?:lượt|lần)\s+(?:xem|đọc|truy\s+cập|tải)\s*:?\s*[\d.,]*(?:\s*lượt)?",
    r"[\d.,]+\s*(?:lượt\s+(?:xem|đọc|truy\s+cập)|views?|bình\s+luận)",
    r"(?:đã\s+)?(?:xem|đọc|views?)\s*:?\s*[\d.,]*(?:\s*(?:lần|lượt))?",
    r"(?:in|gửi)\s+(?:trang|bài(?:\s+(?:viết|này))?|email|mail|tin)(?:\s+này)?|bản\s+in|print",
    r"email|e-mail|rss|facebook|twitter|zalo|youtube|messenger|linkedin|copy\s*link|sao\s+chép\s+liên\s+kết",
    r"(?:chia\s+sẻ|share)(?:\s+(?:bài\s+viết|tin|lên|qua|trên).{0,30})?\s*:?|thích|like|tweet|lưu(?:\s+(?:bài|tin))?",
    r"(?:quay|trở)\s+(?:lại|về)(?:\s+trang\s+(?:trước|chủ))?|về\s+(?:đầu\s+trang|trang\s+trước)|(?:lên\s+)?đầu\s+trang",
    r"back(?:\s+to\s+top)?|top|trang\s+chủ|home|đăng\s+nhập|đăng\s+ký|tìm\s+kiếm|sơ\s+đồ\s+(?:site|trang|cổng).{0,20}",
    r"(?:cỡ|kích\s+thước|tăng|giảm)\s+(?:chữ|cỡ\s+chữ).{0,20}|(?:\W*+a){2,4}\W*|font\s*size.{0,12}",
    r"(?:nghe|đọc)\s+(?:bài(?:\s+viết)?|tin)(?:\s+này)?|nghe\s+audio|click\s+để\s+đánh\s+giá.*",
    r"đánh\s+giá\s+bài.{0,30}|xếp\s+hạng\s*:.{0,30}|\d\s*/\s*\d\s*sao.{0,30}|liên\s+hệ|góp\s+ý",
    r"(?:từ\s+khóa|từ\s+khoá|tags?)\s*:.*|tệp\s+đính\s+kèm\s*:?|xem\s+tiếp.{0,10}|\[?đọc\s+tiếp\]?.{0,4}",
    r"(?:đang\s+(?:truy\s+cập|online|trực\s+tuyến)|hôm\s+(?:nay|qua)|(?:tuần|tháng)\s+này|tất\s+cả|"
    r"tổng(?:\s+(?:số|cộng))?(?:\s+(?:lượt\s+)?truy\s+cập)?)\s*:?\s*[\d.,]+",
    r"(?:bản\s+quyền\s+(?:thuộc|©|của)|copyright|©|cơ\s+quan\s+chủ\s+quản\s*:|"
    r"giấy\s+phép\s+(?:số|thiết\s+lập|hoạt\s+động)|(?:đề\s+nghị\s+)?ghi\s+rõ\s+nguồn).{0,500}",
    r"[|»>›/\\•·\s]+",
)
FURNITURE = re.compile("|".join(rf"(?:\W{{0,3}}(?:{one})\W{{0,3}})" for one in _FURNITURE), re.I)

# behind a date line: "05/03/2024 08:15 | Lượt xem: 1.204"
REMARK = re.compile(
    r"\s*[|•·–-]\s*(?:(?:số\s+)?lượt\s+(?:xem|đọc)|đã\s+xem|views?)\s*:?\s*[\d.,]+(?:\s*lượt)?\s*$", re.I
)


def is_furniture(element: Any) -> bool:
    """Whether an element's role, class or id says that it is no text of the page."""
    if element.get("role", "").lower() in _ROLES:
        return True
    if element.tag in ("html", "body", "main", "article", "h1", "form"):
        return False
    return any(_NAMES.search(_words(element.get(key, ""))) for key in ("class", "id"))


def _words(name: str) -> str:
    """`boxTinLienQuan` as `box Tin Lien Quan`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
