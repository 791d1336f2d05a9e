"use strict";
/* Keys and drafts. Every page works without this file: keys press buttons that are already there. */
(function () {
  function typing(element) {
    return element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable) && element.type !== "checkbox" && element.type !== "radio";
  }
  var pending = null;
  function decideWith(button) {
    var reason = document.getElementById("reason");
    if (button.hasAttribute("data-needs-reason") && reason && !reason.value) {
      pending = button;
      reason.setAttribute("aria-label", "Reason for: " + button.textContent.trim());
      reason.focus();
      return;
    }
    button.click();
  }
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    var help = document.getElementById("help");
    if (help && help.open) { return; }
    if (event.target.id === "reason" && event.key === "Enter" && pending) {
      event.preventDefault();
      if (event.target.value) { pending.click(); }
      return;
    }
    if (typing(event.target)) {
      if (event.key === "Escape") { event.target.blur(); }
      if (event.target.id === "note" && event.key === "Enter") { event.preventDefault(); event.target.blur(); }
      return;
    }
    if (event.key === "?" && help) { event.preventDefault(); help.showModal(); return; }
    if (event.key === "Enter" && event.target !== document.body) { return; }
    var target = document.querySelector('[data-key="' + (window.CSS && CSS.escape ? CSS.escape(event.key) : event.key) + '"]');
    if (!target || target.disabled) { return; }
    event.preventDefault();
    if (target.tagName === "INPUT") { target.focus(); } else if (target.name === "decision") { decideWith(target); } else { target.click(); }
  });
  document.addEventListener("DOMContentLoaded", function () {
    var keys = document.getElementById("keys");
    if (keys) { keys.addEventListener("click", function () { document.getElementById("help").showModal(); }); }
    var sent = false;
    var decide = document.getElementById("decide");
    if (decide) {
      decide.addEventListener("submit", function (event) { if (sent) { event.preventDefault(); } sent = true; });
    }
  });
})();
