"use strict";
/* Keys and drafts. Every page works without this file: keys press buttons that are already there. */
(function () {
  function typing(element) {
    return element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable) && element.type !== "checkbox" && element.type !== "radio";
  }
  var READ_FIRST = 1000; /* milliseconds; the second press of a double click must not decide the next finding */
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
    if (event.repeat && !typing(event.target)) { return; } /* a key that is held down is pressed once */
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
  /* What somebody says about a finding stays in this tab until it is decided: the session may end before. It is shown
     to the same person at the same finding only, and goes with the sign-out. */
  var TYPED = "threelines-typed";
  function keepTyped(decide) {
    var kept = JSON.parse(sessionStorage.getItem(TYPED) || "null");
    var of = decide && decide.getAttribute("data-of");
    var out = document.querySelector('form[action="/logout"]');
    if (out) { out.addEventListener("submit", function () { sessionStorage.removeItem(TYPED); }); }
    if (kept && out && kept.of !== of && (kept.isSent || (of && kept.of.split(" ")[0] !== of.split(" ")[0]))) { sessionStorage.removeItem(TYPED); }
    if (!decide) { return; }
    function keep(decision) {
      var said = { of: of, reason: decide.elements.reason.value, note: decide.elements.note.value, decision: decision || "", isSent: Boolean(decision) };
      sessionStorage.setItem(TYPED, JSON.stringify(said));
    }
    if (kept && kept.of === of && !decide.hasAttribute("data-typed")) {
      decide.elements.reason.value = kept.reason;
      decide.elements.note.value = kept.note;
      decide.querySelectorAll('button[name="decision"]').forEach(function (button) { button.classList.toggle("quiet", button.value !== kept.decision); });
    }
    decide.addEventListener("input", function () { keep(""); });
    decide.addEventListener("submit", function (event) {
      if (!event.defaultPrevented) { keep(event.submitter ? event.submitter.value : ""); }
    });
  }
  function decideOnce(decide) {
    var sent = false, began = performance.now();
    decide.addEventListener("submit", function (event) {
      var isTooSoon = !decide.hasAttribute("data-typed") && performance.now() - began < READ_FIRST;
      document.getElementById("too-soon").hidden = !isTooSoon;
      if (sent || isTooSoon) { event.preventDefault(); return; }
      sent = true;
    });
  }
  document.addEventListener("DOMContentLoaded", function () {
    /* A case that begins with a referred finding carries its reference and nothing else of it. */
    var reference = new URLSearchParams(window.location.search).get("reference");
    var place = window.location.pathname === "/register/new" && document.getElementById("tl_SubmissionId");
    if (place && /^[0-9a-f]{16}$/.test(reference) && !place.value) { place.defaultValue = reference; }
    var decide = document.getElementById("decide");
    if (decide) { decideOnce(decide); }
    try { keepTyped(decide); } catch (error) { /* no storage: nothing is kept */ }
    var keys = document.getElementById("keys");
    if (keys) { keys.addEventListener("click", function () { document.getElementById("help").showModal(); }); }
  });
})();
