"use strict";
(function () {
  var table = document.getElementById("full");
  if (!table) return;
  var body = table.tBodies[0];
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  function key(row, index) {
    var cell = row.cells[index];
    if (!cell || row.classList.contains("missing") && index > 0) return null;
    if (cell.hasAttribute("data-n")) return Number(cell.getAttribute("data-n"));
    var text = cell.textContent.trim();
    return text === "–" ? null : text;
  }
  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }
  heads.forEach(function (head, index) {
    var button = head.querySelector("button");
    if (!button) return;
    button.disabled = false;
    button.addEventListener("click", function () {
      var direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach(function (other) {
        if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      });
      head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      Array.prototype.slice.call(body.rows).map(function (row) {
        return { row: row, key: key(row, index) };
      }).sort(function (a, b) {
        // What has no figure stays last either way.
        if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
        return direction * compare(a.key, b.key);
      }).forEach(function (entry) { body.appendChild(entry.row); });
    });
  });
})();
