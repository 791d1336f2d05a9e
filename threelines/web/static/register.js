"use strict";
/* The register's forms work without this file. It hides questions that are not asked, asks before sending whether the
   session still stands, and keeps a draft on this device while a form is open: coded answers only, never a field of the
   vault, gone once the case is kept. A draft belongs to one account: another one's is deleted, never offered. */
(function () {
  var PREFIX = "threelines-draft-";
  var header = document.querySelector("header[data-account]");
  var account = header && header.getAttribute("data-account");
  var own = PREFIX + account + "-";
  function drafts() {
    return Object.keys(localStorage).filter(function (key) { return key.indexOf(PREFIX) === 0; });
  }
  function read(key) {
    try {
      var draft = JSON.parse(localStorage.getItem(key));
      return draft && draft.answers && Object.keys(draft.answers).length ? draft : null;
    } catch (error) { return null; }
  }
  /* What the server kept: one draft of a new form, or what was begun of a change up to a revision ("change-CASE REVISION"). */
  function forgetSaved(saved) {
    var key = own + saved.split(" ")[0], draft = read(key);
    if (draft && Number(draft.revision) <= Number(saved.split(" ")[1] || 0)) { localStorage.removeItem(key); }
  }
  function forget(matches) {
    drafts().filter(matches).forEach(function (key) { localStorage.removeItem(key); });
  }
  if (account) {
    try {
      forget(function (key) { return key.indexOf(own) !== 0; });
      var saved = document.querySelector("[data-saved]");
      if (saved) { forgetSaved(saved.getAttribute("data-saved")); }
      document.querySelectorAll('form[action="/logout"]').forEach(function (out) {
        out.addEventListener("submit", function () { forget(function () { return true; }); });
      });
      list(document.getElementById("drafts"));
    } catch (error) { return; }
  }
  function list(place) {
    if (!place) { return; }
    drafts().forEach(function (key) {
      var draft = read(key), parts = key.slice(own.length).split("-"), link = document.createElement("a");
      if (!draft) { localStorage.removeItem(key); return; }
      var isFull = parts[1] === "full", at = draft.at ? ", " + new Date(draft.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
      link.href = parts[0] === "change" ? "/register/" + parts[1] + "/edit" : "/register/new" + (isFull ? "?form=full" : "") + "#" + parts.join("-");
      link.textContent = (parts[0] === "change" ? "change of case " + parts[1].slice(0, 9) : isFull ? "new case, full form" : "new case") + at;
      place.append(link, " ");
      place.hidden = false;
    });
  }
  var form = document.getElementById("case");
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
      /* What the vault holds can be removed also where it is not asked any more. */
      question.hidden = !asked && !question.querySelector('[name="gone"]');
      question.querySelectorAll("input, select, textarea").forEach(function (field) { field.disabled = !asked && field.name !== "gone"; });
    });
    form.querySelectorAll(".when").forEach(function (words) { words.hidden = true; });
  }
  form.addEventListener("change", ask);
  ask();

  var key = own + form.getAttribute("data-draft");
  var state = document.getElementById("draft-state");
  function revision() { return form.elements.revision ? form.elements.revision.value : ""; }
  function isKept(field) {
    return field.name && field.type !== "hidden" && !field.hasAttribute("data-private");
  }
  function keep() {
    var draft = {};
    Array.prototype.filter.call(form.elements, isKept).forEach(function (field) {
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.checked && field.value) { (draft[field.name] = draft[field.name] || []).push(field.value); }
      } else if (field.value) { draft[field.name] = [field.value]; }
    });
    if (key.indexOf("-new-") > 0) { sessionStorage.setItem(OPENED, key); }
    localStorage.setItem(key, JSON.stringify({ revision: revision(), answers: draft, at: Date.now() }));
    state.textContent = "Draft kept on this device, without names" + (navigator.onLine ? "." : "; you are offline.");
  }
  function take(draft) {
    Array.prototype.filter.call(form.elements, isKept).forEach(function (field) {
      var kept = draft[field.name] || [];
      if (field.type === "checkbox" || field.type === "radio") { field.checked = kept.indexOf(field.value) >= 0; }
      else { field.value = kept[0] || ""; }
    });
    ask();
    ask();
  }
  /* Each new form has a draft of its own. Offered is what was begun in this tab, or what the list led to: what another tab
     holds is of another person. */
  var OPENED = "threelines-form";
  function earlier() {
    var wanted = own + window.location.hash.slice(1), last = sessionStorage.getItem(OPENED) || "";
    if (form.elements.revision) { return key; }
    if (wanted.indexOf(own + "new-") === 0 && read(wanted)) { return wanted; }
    return last.indexOf(key.slice(0, key.lastIndexOf("-") + 1)) === 0 ? last : key;
  }
  function offerDraft() {
    var from = earlier(), draft = read(from), offer = document.getElementById("draft");
    if (!draft || form.hasAttribute("data-typed")) { return; }
    offer.hidden = false;
    document.getElementById("draft-old").hidden = draft.revision === revision();
    document.getElementById("draft-take").addEventListener("click", function () {
      take(draft.answers);
      if (draft.revision) { form.elements.revision.value = draft.revision; } /* the server puts it beside the case as it is now */
      localStorage.removeItem(from);
      keep();
      offer.hidden = true;
    });
    document.getElementById("draft-drop").addEventListener("click", function () { localStorage.removeItem(from); offer.hidden = true; });
  }
  offerDraft();
  /* "Back" may bring a page as it was left, to whoever is signed in by then: nothing typed stays in it, and it is asked
     for anew. (A form with the vault open, sent without what stood in it, would empty the vault.) */
  window.addEventListener("pagehide", function () {
    clearTimeout(timer);
    form.reset();
    form.querySelectorAll("[data-private]").forEach(function (field) { field.value = ""; });
  });
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { window.location.replace(form.action + (form.action.endsWith("/new") ? "?form=" + form.elements.form.value : "")); }
  });
  var timer = 0;
  form.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(keep, 400); });

  /* A session may end while somebody types. The form is sent only when the same account is signed in, with a token of
     its session now; until then it stays as it is, fields of the vault included. While it is asked or sent, a second
     press does nothing. */
  var step = "";
  /* Names are in no draft: who would lose them is asked first. */
  var isLeft = false;
  function holdsNames() {
    var isTyped = form.hasAttribute("data-typed");
    return Array.prototype.some.call(form.querySelectorAll("[data-private]"), function (field) {
      return field.value !== (isTyped ? "" : field.defaultValue);
    });
  }
  form.querySelector("a[data-leave]").addEventListener("click", function () { isLeft = true; });
  window.addEventListener("beforeunload", function (event) {
    if (step !== "sent" && !isLeft && holdsNames()) { event.preventDefault(); }
  });
  function tell(name) {
    ["session-over", "offline"].forEach(function (other) { document.getElementById(other).hidden = other !== name; });
    if (name) { document.getElementById(name).scrollIntoView({ block: "center" }); }
  }
  form.addEventListener("submit", function (event) {
    clearTimeout(timer);
    keep();
    if (step === "stands") {
      step = "sent";
      state.textContent = "Keeping it.";
      setTimeout(function () { step = ""; }, 20000);
      return;
    }
    event.preventDefault();
    if (step) { return; }
    step = "asked";
    fetch("/register/session", { redirect: "manual" }).then(function (answer) {
      if (answer.type === "opaqueredirect" || answer.status === 401) { tell("session-over"); return null; }
      return answer.ok ? answer.json() : { account: account, token: form.elements.token.value };
    }).then(function (session) {
      step = "";
      if (!session) { return; }
      if (session.account !== account) { isLeft = true; form.reset(); window.location.replace("/register"); return; }
      form.elements.token.value = session.token;
      step = "stands";
      tell("");
      form.requestSubmit();
    }).catch(function () { step = ""; tell("offline"); });
  });
})();
