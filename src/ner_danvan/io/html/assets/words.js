// What the page says, in Vietnamese and English.
const WORDS = {
  vi: {
    title: "Kết quả đọc báo cáo",
    skipToText: "Đến văn bản",
    skipToTables: "Đến bảng người và nhiệm vụ",
    search: "Tìm trong văn bản",
    searchHint: "Tìm, không cần dấu (phím /)",
    previousHit: "Kết quả trước",
    nextHit: "Kết quả sau",
    theme: "Giao diện",
    themeAuto: "Sáng/tối: tự động",
    themeLight: "Sáng",
    themeDark: "Tối",
    language: "English",
    print: "In",
    printAll: "In tất cả",
    keys: "Phím tắt",
    letters: "Dùng phím tắt một chữ cái",
    close: "Đóng",
    documents: "Văn bản",
    previousDocument: "Văn bản trước",
    nextDocument: "Văn bản sau",
    noneFound: "Không văn bản nào có chữ này.",
    legend: "Nhãn",
    floor: "Làm mờ điểm dưới",
    tags: "Hiện tên nhãn trong văn bản",
    tables: "Người và nhiệm vụ",
    people: "Người – chức vụ – tổ chức",
    person: "Người",
    post: "Chức vụ",
    body: "Tổ chức",
    tasks: "Nhiệm vụ",
    task: "Nhiệm vụ",
    addressees: "Giao cho",
    bodies: "Tổ chức",
    dates: "Thời gian",
    noPeople: "Văn bản không nêu người hay chức vụ nào.",
    noTasks: "Văn bản không nêu nhiệm vụ nào.",
    noDocuments: "Không có văn bản nào.",
    score: "điểm",
    spans: "{0} cụm từ",
    hits: "{0}/{1}",
    hitsIn: "{0}/{1} trong {2} văn bản",
    noHits: "Không thấy",
    shown: "Đang xem {0}",
    labels: { PERSON: "Người", POSITION: "Chức vụ", ORG: "Tổ chức", DATE: "Thời gian", TASK: "Nhiệm vụ" },
    help: [
      ["/", "tìm"],
      ["n, Enter", "kết quả sau"],
      ["p, Shift+Enter", "kết quả trước"],
      ["← →", "cụm từ trước, sau (khi đang ở trong văn bản)"],
      ["[ ]", "văn bản trước, sau"],
      ["Esc", "đóng chú thích, xoá tìm kiếm"],
      ["?", "bảng này"],
    ],
  },
  en: {
    title: "Report findings",
    skipToText: "Skip to the text",
    skipToTables: "Skip to people and tasks",
    search: "Search the text",
    searchHint: "Search, accents optional (key /)",
    previousHit: "Previous hit",
    nextHit: "Next hit",
    theme: "Appearance",
    themeAuto: "Light/dark: automatic",
    themeLight: "Light",
    themeDark: "Dark",
    language: "Tiếng Việt",
    print: "Print",
    printAll: "Print all",
    keys: "Keyboard shortcuts",
    letters: "Use single-letter shortcuts",
    close: "Close",
    documents: "Documents",
    previousDocument: "Previous document",
    nextDocument: "Next document",
    noneFound: "No document has this.",
    legend: "Labels",
    floor: "Dim scores below",
    tags: "Show label names in the text",
    tables: "People and tasks",
    people: "People – posts – bodies",
    person: "Person",
    post: "Post",
    body: "Body",
    tasks: "Tasks",
    task: "Task",
    addressees: "Addressed to",
    bodies: "Bodies",
    dates: "Dates",
    noPeople: "The text names no person and no post.",
    noTasks: "The text names no task.",
    noDocuments: "There is no document.",
    score: "score",
    spans: "{0} spans",
    hits: "{0}/{1}",
    hitsIn: "{0}/{1} in {2} documents",
    noHits: "Not found",
    shown: "Showing {0}",
    labels: { PERSON: "Person", POSITION: "Post", ORG: "Body", DATE: "Date", TASK: "Task" },
    help: [
      ["/", "search"],
      ["n, Enter", "next hit"],
      ["p, Shift+Enter", "previous hit"],
      ["← →", "previous, next span (inside the text)"],
      ["[ ]", "previous, next document"],
      ["Esc", "close the note, clear the search"],
      ["?", "this list"],
    ],
  },
};

let language = "vi";

function word(key, ...values) {
  return WORDS[language][key].replace(/\{(\d)\}/g, (_, number) => values[number]);
}

function labelName(label) {
  const names = WORDS[language].labels;
  return Object.hasOwn(names, label) ? names[label] : plain(label);
}

function figure(value) {
  return value.toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

// Put the words of the chosen language into what stands in the page.
function translate() {
  document.documentElement.lang = language;
  document.title = word("title");
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = word(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", word(node.dataset.tLabel));
    if (node.tagName === "BUTTON") node.title = word(node.dataset.tLabel);
  }
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = word(node.dataset.tPlaceholder);
  const button = document.getElementById("language");
  button.textContent = word("language");
  button.lang = language === "vi" ? "en" : "vi";
}
