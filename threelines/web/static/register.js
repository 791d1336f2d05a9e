"use strict";
/* The register's forms work without this file. It hides questions that are not asked, and keeps a draft on this
   device while a form is open: coded answers only, never a field of the vault, gone once the case is kept. */
(function () {
  var form = document.getElementById("case");
  var PREFIX = "threelines-draft-";
  function clearDrafts() {
    for (var i = localStorage.length - 1; i >= 0; i -= 1) {
      if (localStorage.key(i).indexOf(PREFIX) === 0) { localStorage.removeItem(localStorage.key(i)); }
    }
  }
  try {
    if (document.querySelector("[data-saved]")) { clearDrafts(); }
    document.querySelectorAll('form[action="/logout"]').forEach(function (out) { out.addEventListener("submit", clearDrafts); });
  } catch (error) { return; }
  if (!form) { return; }

  function values(name) {
    return Array.prototype.filter.call(form.elements, function (field) { return field.name === name; })
      .filter(function (field) { return (field.type !== "checkbox" && field.type !== "radio") || field.checked; })
      .map(function (field) { return field.value; });
  }
  function ask() {
    form.querySelectorAll("[data-when]").forEach(function (question) {
      var when = JSON.parse(question.getAttribute("data-when"));
      var asked = Object.keys(when).every(function (name) {
        return values(name).some(function (value) { return when[name].indexOf(value) >= 0; });
      });
      question.hidden = !asked;
      question.querySelectorAll("input, select, textarea").forEach(function (field) { field.disabled = !asked; });
    });
    form.querySelectorAll(".when").forEach(function (words) { words.hidden = true; });
  }
  form.addEventListener("change", ask);
  ask();

  var name = form.getAttribute("data-draft");
  if (!name) { return; }
  var key = PREFIX + name;
  var state = document.getElementById("draft-state");
  function keep() {
    var draft = {};
    Array.prototype.forEach.call(form.elements, function (field) {
      if (!field.name || field.name === "token" || field.type === "hidden" || field.hasAttribute("data-private")) { return; }
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.checked && field.value) { (draft[field.name] = draft[field.name] || []).push(field.value); }
      } else if (field.value) { draft[field.name] = [field.value]; }
    });
    localStorage.setItem(key, JSON.stringify(draft));
    state.textContent = "Draft kept on this device, without names" + (navigator.onLine ? "." : "; you are offline.");
  }
  function take(draft) {
    Array.prototype.forEach.call(form.elements, function (field) {
      var kept = draft[field.name];
      if (!kept || field.type === "hidden") { return; }
      if (field.type === "checkbox" || field.type === "radio") { field.checked = kept.indexOf(field.value) >= 0; }
      else { field.value = kept[0]; }
    });
    ask();
    ask();
  }
  var found = localStorage.getItem(key);
  var offer = document.getElementById("draft");
  if (found && found !== "{}") {
    offer.hidden = false;
    document.getElementById("draft-take").addEventListener("click", function () { take(JSON.parse(found)); offer.hidden = true; });
    document.getElementById("draft-drop").addEventListener("click", function () { localStorage.removeItem(key); offer.hidden = true; });
  }
  var timer = 0;
  form.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(keep, 400); });
})();
