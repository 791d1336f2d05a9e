"use strict";
/* The check page works without this file. It adds: Escape twice to leave, reading aloud, and no way back to the page or
   to what was pasted. The browser keeps a place of "back" for each page seen; after the quick exit a mark in this tab lets
   all of them go on to the exit. Whoever opens the page anew in the same tab gets it, and the mark is gone. */
(function () {
  var LEFT = "threelines-left";
  var leave = document.getElementById("leave");
  function marked(change) {
    try { return change(sessionStorage); } catch (error) { return null; /* no storage: only this page is replaced */ }
  }
  function go() {
    marked(function (storage) { storage.setItem(LEFT, "1"); });
    document.body.textContent = "";
    window.location.replace(leave.href);
  }
  window.addEventListener("pagehide", function () {
    var offer = document.getElementById("offer");
    if (offer) { offer.value = ""; }
  });
  window.addEventListener("pageshow", function (event) {
    var came = performance.getEntriesByType("navigation")[0];
    if (!event.persisted && !(came && came.type === "back_forward")) { marked(function (storage) { storage.removeItem(LEFT); }); }
    else if (marked(function (storage) { return storage.getItem(LEFT); })) { go(); }
  });
  leave.addEventListener("click", function (event) { event.preventDefault(); go(); });
  var last = 0;
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    var now = Date.now();
    if (now - last < 1500) { go(); }
    last = now;
  });
  var aloud = document.getElementById("aloud");
  if (aloud && "speechSynthesis" in window) {
    aloud.hidden = false;
    aloud.addEventListener("click", function () {
      if (window.speechSynthesis.speaking) { window.speechSynthesis.cancel(); return; }
      var words = new SpeechSynthesisUtterance(document.getElementById("answer").innerText);
      words.lang = document.documentElement.lang;
      window.speechSynthesis.speak(words);
    });
  }
  var result = document.getElementById("result");
  if (result) { result.focus(); }
})();
