// Files for the reader to take away, made in the browser.

const FORMULA = /^'*\s*[=+\-@＝＋－＠]/; // what a spreadsheet takes for a formula; as in evaluation/course_form.py

/** RFC 4180; begins with a byte order mark, without which spreadsheets misread anything but English. */
export function csv(objects) {
  const guarded = (value) => (typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value));
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [Object.keys(objects[0]), ...objects.map(Object.values)].map((cells) => cells.map((value) => cell(guarded(value))).join(","));
  return `\ufeff${lines.join("\r\n")}\r\n`;
}

/** Gives the reader a file. */
export function save(name, kind, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
